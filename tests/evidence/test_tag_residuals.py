"""Planted wrong tags, split skills and broken texts are found among many skills; right ones are left alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from typer.testing import CliRunner

import explorer as sg
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from analysis.item_response import fit_item_response, skill_rates
from analysis.tag_residuals import failed_by_masters, residual_changes, split_tags
from explorer.cli.app import app
from explorer.errors import SkillgraphError

SKILLS, TEXTS, RESPONDENTS = 20, 300, 300
FEW = 120  # respondents of the stored graph

Change = tuple[int, int, bool]


def graph_of(rows: list[set[int]]) -> SkillTextGraph:
    texts = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    return SkillTextGraph.from_edges(texts, np.concatenate([sorted(row) for row in rows]), len(rows), SKILLS)


def world(seed: int, respondents: int = RESPONDENTS) -> tuple[list[set[int]], np.ndarray, np.random.Generator]:
    """Texts of one to three skills; DINA outcomes with slip and guess 0.1, mastery correlated over skills."""
    rng = np.random.default_rng(seed)
    rows = [set(rng.choice(SKILLS, rng.integers(1, 4), replace=False).tolist()) for _ in range(TEXTS)]
    general = rng.standard_normal((respondents, 1))
    mastered = 0.6 * general + 0.8 * rng.standard_normal((respondents, SKILLS)) > rng.normal(-0.3, 0.3, SKILLS)
    able = np.stack([mastered[:, sorted(row)].all(axis=1) for row in rows], axis=1)
    return rows, (rng.random(able.shape) < np.where(able, 0.9, 0.1)).astype(float), rng


def planted(rows: list[set[int]], n: int, rng: np.random.Generator) -> tuple[list[set[int]], set[Change]]:
    """Tags taken away (to be added) or put in (to be dropped) in n texts."""
    wrong, done = [set(row) for row in rows], set()
    for i, text in enumerate(rng.choice(len(rows), n, replace=False).tolist()):
        away = bool(i % 2 and len(wrong[text]) > 1)
        choice = sorted(wrong[text]) if away else sorted(set(range(SKILLS)) - wrong[text])
        skill = int(rng.choice(choice))
        wrong[text] ^= {skill}
        done.add((text, skill, away))
    return wrong, done


@pytest.mark.long
def test_precision_and_recall_of_planted_tags() -> None:
    hits, listed, errors = np.zeros(2), np.zeros(2), np.zeros(2)
    for seed in range(3):
        rows, scores, rng = world(seed)
        wrong, done = planted(rows, 40, rng)
        graph = graph_of(wrong)
        found = residual_changes(graph, scores, fit_item_response(graph, scores, model="rasch"))
        got = set(zip(found.text.tolist(), found.skill.tolist(), found.added.tolist(), strict=True))
        for side in (0, 1):
            hits[side] += sum(row[2] == bool(side) for row in got & done)
            listed[side] += sum(row[2] == bool(side) for row in got)
            errors[side] += sum(row[2] == bool(side) for row in done)
        assert (found.q_value <= 0.05).all()
        assert (np.diff(found.p_value) >= 0).all()
    precision, recall = hits / listed, hits / errors
    assert (precision >= 0.9).all(), precision
    assert (recall >= 0.7).all(), recall


def test_right_tags_and_tags_that_make_no_difference_are_left_alone() -> None:
    rows, scores, rng = world(5)
    graph = graph_of(rows)
    fit = fit_item_response(graph, scores, model="rasch")
    assert len(residual_changes(graph, scores, fit)) <= 2  # of 6 000 pairs
    assert len(split_tags(graph, scores, fit, rng=rng).skill) <= 1
    ability, difficulty = rng.normal(0, 0.7, RESPONDENTS), rng.normal(0, 1, TEXTS)
    noise = (rng.random(scores.shape) < stats.logistic.cdf(ability[:, None] - difficulty)).astype(float)
    fit = fit_item_response(graph, noise, model="rasch")
    assert len(residual_changes(graph, noise, fit)) == 0
    assert len(split_tags(graph, noise, fit, rng=rng).skill) == 0


@pytest.mark.parametrize(("seed", "respondents"), [(1, 100), (2, 300)])
def test_a_tag_of_two_skills_is_split(seed: int, respondents: int) -> None:
    rows, scores, rng = world(seed, respondents)
    merged = [{0 if skill == 1 else skill for skill in row} for row in rows]
    graph = graph_of(merged)
    found = split_tags(graph, scores, fit_item_response(graph, scores, model="rasch"), rng=rng)
    assert found.skill[0] == 0
    assert len(found.skill) <= 2
    assert abs(found.agreement[0]) < 0.5
    first, second = (np.mean([0 in rows[int(t)] for t in side]) for side in found.sides[0])
    assert abs(first - second) > 0.7, "the two kinds are the two skills"


def test_texts_that_masters_fail() -> None:
    rows, scores, rng = world(3)
    broken = rng.choice(TEXTS, 10, replace=False)
    scores[:, broken] = rng.random((RESPONDENTS, 10)) < 0.05
    graph = graph_of(rows)
    found = failed_by_masters(graph, scores, skill_rates(graph, scores, fit_item_response(graph, scores)).mastery())
    assert set(broken.tolist()) <= set(found.text.tolist())
    assert len(found.text) <= 11
    alone = failed_by_masters(
        SkillTextGraph.from_csr([0, 1], [0], n_skills=1), [[0.0]] * 9 + [[1.0]], np.ones((10, 1)), rate=0.5
    )
    assert alone.p_value[0] == pytest.approx(stats.binom.cdf(1, 10, 0.5))


def test_outcomes_of_another_graph_are_refused() -> None:
    rows, scores, _ = world(1, 20)
    graph = graph_of(rows)
    fit = fit_item_response(graph, scores, model="rasch")
    with pytest.raises(AnalysisError, match="other outcomes"):
        residual_changes(graph, scores[:-1], fit)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[Change]]:
    rows, scores, rng = world(7, FEW)
    wrong, done = planted(rows, 30, rng)
    pairs = [(f"t{t}", f"s{s}") for t, row in enumerate(wrong) for s in sorted(row)]
    models = [f"m{m}" for m in range(FEW)]
    where = tmp_path_factory.mktemp("tags") / "store.kgl"
    graph = sg.Graph.from_arrow(
        pa.table({"text": [p[0] for p in pairs], "skill": [p[1] for p in pairs]}),
        models=pa.table({"id": models}),
        outcomes=pa.table(
            {
                "model": np.repeat(models, TEXTS),
                "text": np.tile([f"t{t}" for t in range(TEXTS)], FEW),
                "score": scores.ravel(),
            }
        ),
    )
    graph.save(where)
    return where, done


@pytest.mark.long
def test_the_command_ranks_planted_errors_first(place: tuple[Path, set[Change]]) -> None:
    where, done = place
    runner = CliRunner()
    ran = runner.invoke(app, ["--store", str(where), "tags", "--json"])
    assert ran.exit_code == 0, ran.output
    report = json.loads(ran.stdout)
    assert report["method"] == "residuals"
    assert report["models"] == FEW
    names = {(f"t{t}", f"s{s}", "add" if added else "drop") for t, s, added in done}
    first = [(row["text"], row["skill"], row["kind"]) for row in report["findings"][:10]]
    assert len(names & set(first)) >= 8
    assert [row["rank"] for row in report["findings"]] == list(range(1, len(report["findings"]) + 1))
    table = runner.invoke(app, ["--store", str(where), "tags", "--rows", "2"])
    assert "Tags to add" in table.output
    assert "Tags to drop" in table.output
    assert "--rows" in table.output
    csv = runner.invoke(app, ["--store", str(where), "tags", "--format", "csv"])
    assert csv.stdout.splitlines()[0].startswith("rank,kind,text,skill,effect,error,p_value,q_value,models")
    wide = runner.invoke(app, ["--store", str(where), "tags", "--method", "pvaf"])
    assert wide.exit_code == 1
    assert "12" in wide.output
    bad = runner.invoke(app, ["--store", str(where), "tags", "--rate", "2"])
    assert bad.exit_code == 1
    assert "between 0 and 1" in bad.output


@pytest.mark.parametrize("samples", [1, 10])
def test_sets_of_one_skill_with_plain_or_graded_outcomes_say_what_was_looked_for(tmp_path: Path, samples: int) -> None:
    """Outcomes that follow ability and difficulty contradict no tag, and the answer says what was looked at."""
    rng = np.random.default_rng(3)
    texts, models = [f"t{t}" for t in range(60)], [f"m{m}" for m in range(12)]
    odds = rng.normal(size=12)[:, None] - rng.normal(size=60)
    graph = sg.Graph.from_arrow(
        pa.table({"text": texts, "skill": ["only"] * 60}),
        models=pa.table({"id": models}),
        outcomes=pa.table(
            {
                "model": np.repeat(models, 60),
                "text": np.tile(texts, 12),
                "score": rng.binomial(samples, 1.0 / (1.0 + np.exp(-odds))).ravel() / samples,
            }
        ),
    )
    graph.save(tmp_path / "store.kgl")
    told = CliRunner().invoke(app, ["--store", str(tmp_path / "store.kgl"), "tags"])
    assert told.exit_code == 0, told.output
    said = " ".join((told.output + told.stderr).split())
    assert "0 findings" in said
    assert "skills of two kinds, among 1 with enough texts; tags to add and to drop, of 60 texts and 1 skill" in said
    assert "With one skill these can hardly be told from ability." in said


def test_the_method_of_a_graph(place: tuple[Path, set[Change]]) -> None:
    where, _ = place
    found = sg.connect(where).graph().tags(rate=0.2)
    assert found.to_arrow().num_rows == len(found.findings)
    assert "tags to add" in found.headline()


def test_few_models_are_refused(tmp_path: Path) -> None:
    graph = sg.Graph.from_arrow(
        pa.table({"text": ["a", "b"], "skill": ["x", "x"]}),
        models=pa.table({"id": ["m"]}),
        outcomes=pa.table({"model": ["m"], "text": ["a"], "score": [1.0]}),
    )
    with pytest.raises(SkillgraphError, match="at least 10 models"):
        graph.tags()
