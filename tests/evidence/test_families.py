"""The real families beside the checkout, each in one command, and the figures that the docs read from them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest
from typer.testing import CliRunner

from analysis.evidence import estimate_mastery
from analysis.graph import SkillTextGraph
from explorer.arrays import index_dataset
from explorer.cli.app import app
from explorer.store.opening import open_store
from loaders.dataset import Dataset
from tests.evidence.families import cruxeval, ds1000
from tests.evidence.reference import gibbs

pytestmark = pytest.mark.shared_data

DOCS = Path(__file__).parents[2] / "docs" / "comparison.md"
Command = Callable[..., Any]


def command(folder: Path, data: Dataset) -> Command:
    path = folder / "store.kgl"
    store = open_store(path, mode="write")
    store.write_dataset(data)
    store.close()

    def run(*arguments: str) -> Any:
        result = CliRunner().invoke(app, [*arguments, "--store", str(path), "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run


@pytest.fixture(scope="module")
def crux(tmp_path_factory: pytest.TempPathFactory) -> tuple[Command, Any]:
    run = command(tmp_path_factory.mktemp("cruxeval"), cruxeval())
    return run, run("evidence", "--all-models", "--ignore-class", "task")


@pytest.fixture(scope="module")
def ds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Command, Any]:
    run = command(tmp_path_factory.mktemp("ds1000"), ds1000())
    return run, run("evidence", "--all-models", "--fit", "dina", "--no-judge")


@pytest.mark.long
def test_eleven_pairs_of_cruxeval(crux: tuple[Command, Any]) -> None:
    run, found = crux
    assert len(found["models"]) == 29
    assert all(m["converged"] for m in found["models"])
    for m in found["models"]:
        assert m["mastered"] + m["lacking"] + m["unidentified"] == 129
    family = run("compare", "--family")
    assert family["pairs"] == 11
    for m in family["members"]:
        if m["depth"]:
            assert m["score_change"] is not None
            assert 0 < m["mean_change_deviation"] < 0.1
            assert m["paired"]["items"] == 1_600
    assert found["judgement"]["skills_add"], "little, but beyond noise"
    assert 4 <= sum(m["supported"] for m in found["models"]) <= 20


@pytest.mark.long
def test_twenty_five_fine_tunes_of_ds1000(ds: tuple[Command, Any]) -> None:
    run, found = ds
    family = run("compare", "--family")
    assert family["pairs"] == 25
    tuned = [m for m in family["members"] if m["depth"]]
    assert len({m["layer"]["base"] for m in tuned}) == 1
    assert all(m["same_texts"] is False for m in tuned), "the base was run on 1 000 texts, the fine-tunes on 400"
    by_model = {m["model"]: m for m in found["models"]}
    assert by_model["deepseek-coder-6.7b-base"]["attempted"] == 1_000
    common = run("evidence", "--all-models", "--common", "--fit", "dina", "--no-judge")
    assert {m["attempted"] for m in common["models"]} == {400}


@pytest.mark.long
def test_propagation_stays_near_gibbs_sampling_on_real_outcomes() -> None:
    """Two chains from opposite ends of 6 000 sweeps agree to 0.1, so their mean errs by less than a tenth of that."""
    data = cruxeval()
    indexed = index_dataset(data)
    ignored = np.asarray(indexed.skill_column("class").to_pylist()) == "task"
    graph = indexed.graph
    kept = ~ignored[graph.text_skills]
    text_of = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
    graph = SkillTextGraph.from_edges(text_of[kept], graph.text_skills[kept], graph.n_texts, graph.n_skills)
    for model, slip, guess, prior in (("gpt-4o", 0.125, 0.57, 0.76), ("codellama-34b", 0.29, 0.36, 0.75)):
        rows = data.attempts.filter(pc.equal(data.attempts["model"], model))
        x = rows["score"].to_numpy()
        assert rows["text"].to_pylist() == indexed.text_ids.to_pylist()
        found = estimate_mastery(graph, x, slip=slip, guess=guess, prior=prior, method="propagation").mastery[0]
        weights = x * np.log((1 - slip) / guess) + (1 - x) * np.log(slip / (1 - guess))
        arrays = (graph.text_ptr, graph.text_skills, graph.skill_ptr, graph.skill_texts, weights)
        odds, rng = np.log(prior / (1 - prior)), np.random.default_rng(0)
        chains = [gibbs(*arrays, odds, np.full(graph.n_skills, end, np.int64), 6_000, rng) for end in (0, 1)]
        assert np.abs(chains[0] - chains[1]).max() < 0.1
        error = np.abs(found - np.mean(chains, axis=0))
        assert error.mean() < 0.02
        assert error.max() < 0.25


def table(section: str, page: str | None = None) -> list[list[str]]:
    text = (page or DOCS.read_text(encoding="utf-8")).split(f"<!-- figures: {section} -->")[1].split("<!-- end -->")[0]
    rows = [line for line in text.strip().splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def figures(cell: str) -> list[float]:
    return [float(x.replace("−", "-")) for x in re.findall(r"[+−-]?\d+(?:\.\d+)?", cell)]


def assert_told(page: str, pattern: str, *values: float) -> None:
    """Numbers of a sentence of the docs are these values, as precisely as the docs say them."""
    told = re.search(pattern, page)
    assert told is not None, f"the docs say nothing like {pattern}"
    for text, value in zip(told.groups(), values, strict=True):
        unit = 10.0 ** -len(text.partition(".")[2])
        assert float(text) == pytest.approx(value, abs=0.6 * unit), told.group()


@pytest.mark.long
def test_docs_table_of_the_judgement_is_what_the_command_prints(crux: tuple[Command, Any]) -> None:
    _, found = crux
    fits = found["judgement"]["fits"]
    page = (DOCS.parent / "evidence.md").read_text(encoding="utf-8")
    rows = table("judgement", page)
    assert len(rows) == len(fits) == 4
    for row, fit in zip(rows, fits, strict=True):
        shown = [fit["log_loss"], fit["auc"], fit["calibration_error"]]
        assert [float(cell) for cell in row[1:4]] == pytest.approx(shown, abs=1.6e-3)
        behind = [1000 * fit["behind"], 1000 * fit["behind_error"]]
        assert (figures(row[4]) or [0.0, 0.0]) == pytest.approx(behind, abs=0.11)
    judgement, models = found["judgement"], found["models"]
    assert_told(page, r"Skills add\s+(\S+) ± (\S+),", judgement["gain"], judgement["gain_error"])
    assert_told(page, r"for (\d+) of the (\d+) models, taken", sum(not m["supported"] for m in models), len(models))
    assert fits[-1]["auc"] >= 0.905
    assert fits[-1]["log_loss"] <= 0.400
    assert fits[-1]["calibration_error"] <= 0.02


@pytest.mark.long
def test_docs_table_of_a_family_is_what_the_command_prints(crux: tuple[Command, Any]) -> None:
    run, _ = crux
    members = {m["layer"]["name"]: m for m in run("compare", "--family", "codellama-34b")["members"]}
    rows = table("codellama-34b")
    assert len(rows) == len(members) == 5
    for name, mastered, kept, gained, lost, open_, points in rows:
        m = members[name.split("`")[1]]
        assert int(mastered) == m["layer"]["learned"]
        if m["depth"]:
            assert [int(c) for c in (kept, gained, lost, open_)] == [m[k] for k in ("kept", "gained", "lost", "open")]
            shown = [100 * m["paired"][k] for k in ("difference", "low", "high")]
            assert figures(points) == pytest.approx(shown, abs=0.06)
    page = DOCS.read_text(encoding="utf-8")
    lower, higher = (members[name]["paired"] for name in ("codellama-python-34b", "codetulu-2-34b"))
    assert_told(page, r"`codellama-python-34b` solves (\S+) points less than\s+its base", -100 * lower["difference"])
    assert_told(page, r"points less than\s+its base \(p = (\S+)\)", lower["p_value"])
    assert_told(
        page, r"`codetulu-2-34b` (\S+) points more \(p = (\S+)\)", 100 * higher["difference"], higher["p_value"]
    )
    beyond = [name for name, m in members.items() if m["depth"] and m["paired"]["p_value"] <= 0.05]
    assert beyond == ["codellama-python-34b", "codetulu-2-34b"]
    kept = [m["kept"] for m in members.values() if m["depth"]]
    assert_told(page, r"For (\d+) to (\d+) skills the\s+outcomes do show", min(kept), max(kept))
    learned = members["codellama-34b"]["layer"]["learned"]
    assert_told(page, r"(\d+) of 129 constructs count as mastered by `codellama-34b`", learned)


def test_docs_row_of_a_pair_is_what_the_command_prints(crux: tuple[Command, Any]) -> None:
    run, _ = crux
    found = run("compare", "codellama-34b", "codellama-python-34b")
    changes = {c["name"]: c for c in found["changes"]}
    for name, items, first, second, points, q in table("codellama-python-34b"):
        c = changes[name.strip("`")]
        assert int(items) == c["items"]
        assert figures(first + second) == pytest.approx([100 * c["solved_first"], 100 * c["solved_second"]], abs=0.6)
        assert figures(points) == pytest.approx([100 * c[k] for k in ("difference", "low", "high")], abs=0.06)
        assert float(q) == pytest.approx(c["q_value"], abs=0.03)
    assert found["paired"]["tests"] == 86


@pytest.mark.long
def test_docs_on_ds1000_are_what_the_commands_print(tmp_path: Path) -> None:
    run = command(tmp_path, ds1000())
    found = run("evidence", "--all-models")
    judgement, models = found["judgement"], found["models"]
    page = DOCS.read_text(encoding="utf-8")
    assert_told(page, r"log-loss by (\S+) ± (\S+) beyond difficulty", judgement["gain"], judgement["gain_error"])
    unsure = sum(not m["supported"] for m in models)
    assert_told(page, r"over all (\d+) models, and that for (\d+) of them", len(models), unsure)
    tuned = [m for m in run("compare", "--family")["members"] if m["depth"]]
    changed = sum(m["paired"]["p_value"] <= 0.05 for m in tuned)
    gained = [m["gained"] for m in tuned if m["gained"]]
    assert_told(
        page, r"all (\d+) solve more of them, (\d+) beyond noise, and (\d+) gain", len(tuned), changed, len(gained)
    )
    assert all(m["paired"]["difference"] > 0 and m["lost"] == 0 for m in tuned)
    assert (min(gained), max(gained)) == (1, 5)
