"""Evidence layers in a store: what is kept, what is refused, and mastery read back."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from explorer.cli import evidence as cli
from explorer.cli.learning import _listed
from explorer.cli.output import Note
from explorer.errors import NotFoundError, SkillgraphError
from explorer.service.cautions import layer_cautions
from explorer.service.evidence import evidence, layer_outcomes, mastery_of, skills_in_fit
from explorer.service.judging import _judgement
from explorer.service.learning import learn
from explorer.service.loading import Source, inspect_source, load_sources
from explorer.service.reasons import layer_lacks
from explorer.service.snapshot import layer_view
from explorer.service.tags import check_tags
from explorer.service.why import why
from explorer.store.protocol import LayerInfo, Store
from loaders.dataset import Dataset, build_dataset, extend_dataset
from loaders.errors import DataError
from ui.choice import Choice
from ui.components import page_header
from ui.pages.classes.answers import class_table, requirement_matrix
from ui.pages.overview.layout import understood_share

service = sys.modules["explorer.service.evidence"]
BASE, TUNED, OTHER = "org/base", "org/tuned", "other"


def dataset(*, error: float = 0.1, texts: int = 120) -> Dataset:
    """Texts of one or two of the skills a-h; the base lacks c and d, the tuned model only d, but lost a."""
    rng = np.random.default_rng(0)
    names = list("abcdefgh")
    lacks = {BASE: set("cd"), TUNED: set("da"), OTHER: set("h")}
    requirements, attempts = [], []
    for t in range(texts):
        chosen = rng.choice(names, size=1 + t % 2, replace=False)
        requirements += [(f"t{t:03d}", s) for s in chosen]
        for model, lacking in lacks.items():
            if model == OTHER and t < texts // 2:
                continue
            right = not set(chosen) & lacking
            if rng.random() < error:
                right = not right
            attempts.append((model, f"t{t:03d}", float(right)))
    requirements += [("t000", "everywhere"), ("t001", "everywhere"), ("untried", "z")]
    return build_dataset(
        "d",
        texts=pa.table({"id": [*(f"t{t:03d}" for t in range(texts)), "untried"]}),
        skills=pa.table(
            {"id": [*names, "everywhere", "z"], "class": [*("k" if n < "e" else "m" for n in names), "task", None]}
        ),
        requirements=pa.table({"text": [r[0] for r in requirements], "skill": [r[1] for r in requirements]}),
        models=pa.table({"id": [BASE, TUNED, OTHER], "base": pa.array([None, BASE, None], pa.string())}),
        attempts=pa.table(
            {"model": [a[0] for a in attempts], "text": [a[1] for a in attempts], "score": [a[2] for a in attempts]}
        ),
    )


def test_layers_hold_what_is_mastered_and_say_how_it_was_estimated(store: Store) -> None:
    store.write_dataset(dataset())
    report = evidence(store, "d", fit="dina", ignored_classes=["task"])
    assert [m.model for m in report.models] == [BASE, OTHER, TUNED]
    base, other, tuned = report.models
    assert (base.layer.name, tuned.layer.name, tuned.layer.base) == ("org_base", "org_tuned", "org_base")
    assert other.layer.base is None
    assert (base.attempted, other.attempted) == (120, 60)
    stored = {info.name: store.read_layer("d", info.name) for info in store.layers("d")}
    assert stored["org_base"].skills["skill"].to_pylist() == list("abefgh")
    assert stored["org_tuned"].skills["skill"].to_pylist() == list("bcefgh")
    assert stored["org_base"].info.kind == "evidence"
    assert stored["org_base"].info == base.layer
    assert min(stored["org_base"].skills["mastery"].to_pylist()) >= 0.5
    facts = stored["org_base"].info.parameters
    assert facts["slip"] == tuned.slip, "a family shares slip and guess"
    assert 0.03 < base.slip < 0.2
    assert 0.03 < base.guess < 0.3
    assert base.supported
    assert facts["unidentified"] == 1
    by_skill = {s.skill: s for s in base.skills}
    assert by_skill["z"].mastery is None
    assert by_skill["z"].reason == "no attempted text requires it"
    assert "everywhere" not in by_skill, "ignored classes are not part of the model"
    assert base.layer.skills == 8, "nor is one that no attempted text requires"
    for row in stored["org_base"].skills.to_pylist():
        assert row["by"] is not None, "a mastered skill names a solved text that speaks for it"


def test_noise_decides_what_is_shared(store: Store) -> None:
    store.write_dataset(dataset())
    slips = {
        noise: [
            m.slip for m in evidence(store, "d", fit="dina", noise=noise, ignored_classes=["task"], judged=False).models
        ]  # type: ignore[arg-type]
        for noise in ("model", "family", "shared")
    }
    base, other, tuned = slips["model"]
    assert len({base, other, tuned}) == 3
    assert slips["family"][0] == slips["family"][2] != slips["family"][1]
    assert slips["family"][1] == pytest.approx(other), "no relatives: the same as its own"
    assert len(set(slips["shared"])) == 1


def test_the_layers_of_a_family_read_their_outcomes_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write_dataset(dataset())
    evidence(store, "d", ignored_classes=["task"], judged=False)
    infos = store.layers("d")
    with monkeypatch.context() as patched:
        patched.setattr(service, "_MOST_KEPT", 0)
        alone = {info.name: layer_outcomes(store, "d", info, [BASE]) for info in infos}
    calls = []
    read = service.outcomes_of
    monkeypatch.setattr(service, "outcomes_of", lambda *given, **options: calls.append(1) or read(*given, **options))
    for info in infos:
        found = layer_outcomes(store, "d", info, [BASE])
        assert found.models == alone[info.name].models
        np.testing.assert_array_equal(found.scores, alone[info.name].scores)
        assert found.indexed.text_ids.equals(alone[info.name].indexed.text_ids)
    assert len(calls) == 1


@pytest.mark.parametrize("noise", ["family", "text"])
def test_mastery_is_read_back_with_the_skills_that_are_not_mastered(store: Store, noise: str) -> None:
    store.write_dataset(dataset())
    report = evidence(store, "d", fit="dina", noise=noise, ignored_classes=["task"], judged=False)  # type: ignore[arg-type]
    for model in report.models:
        found = mastery_of(store, "d", model.layer.name)
        view = layer_view(store, "d", model.layer.name)
        assert found.complete
        assert found.attempted == model.attempted
        assert found.score == pytest.approx(model.score)
        expected = {s.skill: s.mastery for s in model.skills}
        for skill, p in zip(view.indexed.skills.ids.to_pylist(), found.mastery.tolist(), strict=True):
            wanted = expected.get(skill)
            assert np.isnan(p) if wanted is None else p == pytest.approx(wanted, abs=1e-5)


def test_outcomes_that_changed_since_are_noticed(store: Store) -> None:
    store.write_dataset(dataset())
    evidence(store, "d", models=[BASE], judged=False)
    more = build_dataset(
        "d",
        texts=pa.table({"id": ["u"]}),
        skills=pa.table({"id": ["a"]}),
        requirements=pa.table({"text": ["u"], "skill": ["a"]}),
        models=pa.table({"id": [BASE]}),
        attempts=pa.table({"model": [BASE], "text": ["u"], "score": [0.0]}),
    )
    store.append_dataset(extend_dataset(store.read_dataset("d"), more), more)
    found = mastery_of(store, "d", "org_base")
    assert not found.complete
    view = layer_view(store, "d", "org_base")
    assert (~np.isnan(found.mastery) == view.learned).all(), "only what was stored"


def test_common_texts_and_pass_score(store: Store) -> None:
    store.write_dataset(dataset())
    report = evidence(store, "d", common=True, pass_score=0.5, judged=False)
    assert {m.attempted for m in report.models} == {60}


def test_a_base_estimated_before_becomes_the_base(store: Store) -> None:
    store.write_dataset(dataset())
    evidence(store, "d", models=[BASE], name="mine", judged=False)
    assert evidence(store, "d", models=[TUNED], judged=False).models[0].layer.base == "mine"


def test_every_share_is_of_the_skills_that_were_in_the_fit(store: Store) -> None:
    """Neither the ignored class, which two texts require, nor a skill that nobody tried is lacking anywhere."""
    store.write_dataset(dataset(error=0.0))
    (base, *_) = evidence(store, "d", ignored_classes=["task"], judged=False).models
    view = layer_view(store, "d", base.layer.name)
    ids = view.indexed.skills.ids.to_pylist()
    assert {skill for skill, told in zip(ids, skills_in_fit(view).tolist(), strict=True) if told} == set("abcdefgh")
    assert (base.layer.skills, base.layer.learned, base.lacking) == (8, 6, 2)
    assert base.layer.learned_fraction == 0.75
    lacks = {row["skill"]: row["reason"] for row in layer_lacks(store, "d", base.layer.name).to_pylist()}
    task = [
        skill for skill, kind in zip(ids, view.indexed.skill_column("class").to_pylist(), strict=True) if kind == "task"
    ]
    assert task
    assert {lacks[skill] for skill in task} == {"ignored"}
    assert "left out of the estimate" in why(store, "d", base.layer.name, task[0]).sentence
    classes = {name: (skills, learned) for name, skills, learned in class_table(view)}
    assert classes == {"k": (4, 2), "m": (4, 4)}
    rows, columns, shares = requirement_matrix(view, "learned")
    assert rows
    assert shares[0, columns.index("m")] == 1.0
    assert np.isnan(shares[0, columns.index("task")]) or "task" not in columns
    # A text is understood if its skills in the fit are: exactly what the model solved, as there is no noise.
    assert understood_share(view) == pytest.approx(base.score)
    told = skills_in_fit(layer_view(store, "d", learn(store, "d", name="learned").layer.name))
    assert told.all(), "a learned layer says something about every skill of its texts"


def test_solve_rates_are_those_of_the_report_and_can_be_asked_for(store: Store) -> None:
    """Of every skill in the fit, mastered or not; the conjunctive fits have none."""
    store.write_dataset(dataset())
    tuned = evidence(store, "d", judged=False).models[-1]
    plain = evidence(store, "d", fit="dina", name="plain", models=[tuned.model], judged=False).models[0]
    asked = "MATCH (:Layer {name: $layer})-[r:LEARNED|LACKS]->(s) WHERE r.solve_rate IS NOT NULL RETURN s.id, "
    rates = asked + "r.solve_rate, r.solve_rate_low, r.solve_rate_high ORDER BY s.id"
    expected = sorted(
        (row.skill, row.solve_rate, row.low, row.high) for row in tuned.skills if row.solve_rate is not None
    )
    assert [tuple(row) for row in store.query(rates, {"layer": tuned.layer.name}).rows] == expected
    assert len(expected) == 9
    assert store.query(rates, {"layer": plain.layer.name}).rows == []


def test_outcomes_are_appended_to_stored_texts_and_refit_nobody_unasked(store: Store, tmp_path: Path) -> None:
    """A new model is placed on the difficulties that are there; asked for all, everything is estimated anew."""
    whole = dataset()
    newcomer = pc.equal(whole.attempts["model"].cast(pa.string()), TUNED)
    store.write_dataset(replace(whole, attempts=whole.attempts.filter(pc.invert(newcomer))))
    evidence(store, "d", ignored_classes=["task"], judged=False)
    before = {info.name: store.read_layer("d", info.name) for info in store.layers("d")}
    assert set(before) == {"org_base", "other"}
    rows = whole.attempts.filter(newcomer)
    table = tmp_path / "new_model.csv"
    lines = [f"{row['text']},{row['model']},{row['score']}" for row in rows.to_pylist()]
    table.write_text("\n".join(["text,model,score", *lines]), encoding="utf-8")
    models = tmp_path / "models.csv"
    models.write_text(f"model,base\n{TUNED},{BASE}\n", encoding="utf-8")
    stored = store.read_dataset("d")
    source = Source(str(table), options={"models": str(models)})
    reading = inspect_source(source, stored=stored)
    assert (reading.problem, reading.texts, reading.models, reading.attempts) == ("", 0, 1, rows.num_rows)
    report = load_sources(store, [source], name="d", append=True)
    assert (report.added_texts, report.added_skills, report.added_outcomes) == (0, 0, rows.num_rows)
    found = store.read_dataset("d")
    assert found.texts.equals(stored.texts)
    assert found.requirements.equals(stored.requirements)
    assert found.attempts.sort_by([("model", "ascending"), ("text", "ascending")]).equals(
        whole.attempts.sort_by([("model", "ascending"), ("text", "ascending")])
    )
    with pytest.raises(DataError, match=r"'org/tuned' has an outcome on text 't000' in dataset 'd' already \(120 such"):
        load_sources(store, [source], name="d", append=True)
    strange = tmp_path / "strange.csv"
    strange.write_text("text,model,score\nnowhere,m,1\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"strange.csv.*text 'nowhere' is not in the dataset"):
        load_sources(store, [Source(str(strange))], name="d", append=True)
    with pytest.raises(DataError, match="holds outcomes without skills"):
        load_sources(store, [Source(str(table))], name="elsewhere")
    (tuned,) = evidence(store, "d", models=[TUNED], ignored_classes=["task"], judged=False).models
    assert tuned.attempted == rows.num_rows
    assert tuned.layer.base == "org_base"
    for name, layer in before.items():
        assert store.read_layer("d", name) == layer, "the others are as they were"
    assert tuned.layer.listed("calibration") == (BASE, OTHER), "their outcomes alone say how difficult texts are"
    asked = evidence(store, "d", ignored_classes=["task"], judged=False)
    assert asked.calibrated_on == 3
    assert store.read_layer("d", "org_base") != before["org_base"]


def test_what_cannot_be_done_is_said(store: Store) -> None:
    store.write_dataset(dataset())
    learn(store, "d", name="other")
    with pytest.raises(NotFoundError, match=r"no model 'nobody'.*'org/base'"):
        evidence(store, "d", models=["nobody"])
    with pytest.raises(SkillgraphError, match="'other' is a foundation layer"):
        evidence(store, "d", models=[OTHER])
    with pytest.raises(SkillgraphError, match="one layer name was given for 3 models"):
        evidence(store, "d", name="x")
    with pytest.raises(NotFoundError, match="no skill has class 'nothing'"):
        evidence(store, "d", models=[BASE], ignored_classes=["nothing"])
    with pytest.raises(SkillgraphError, match="above 0 and at most 1"):
        evidence(store, "d", models=[BASE], mastered=0.0)
    with pytest.raises(SkillgraphError, match="no outcomes from which"):
        mastery_of(store, "d", "other")
    assert {info.name for info in store.layers("d")} == {"other"}, "nothing half-done stays behind"


def test_a_dataset_without_outcomes_says_so(store: Store) -> None:
    store.write_dataset(
        build_dataset(
            "d",
            texts=pa.table({"id": ["t"]}),
            skills=pa.table({"id": ["a"]}),
            requirements=pa.table({"text": ["t"], "skill": ["a"]}),
        )
    )
    with pytest.raises(SkillgraphError, match="no model outcomes"):
        evidence(store, "d")


@pytest.mark.parametrize(("models", "said"), [(1, "outcomes of one model"), (2, "outcomes of two models"), (3, None)])
def test_intervals_that_do_not_hold_are_marked_wherever_the_layer_is_shown(
    store: Store, models: int, said: str | None
) -> None:
    whole = dataset()
    kept = [BASE, TUNED, OTHER][:models]
    attempts = whole.attempts.filter(pc.is_in(whole.attempts["model"].cast(pa.string()), value_set=pa.array(kept)))
    store.write_dataset(replace(whole, attempts=attempts))
    report = evidence(store, "d", ignored_classes=["task"], judged=False)
    assert (report.intervals is None) == (said is None)
    notes = [block.text for block in cli._show(report) if isinstance(block, Note)]
    for info in store.layers("d"):
        told = layer_cautions(info)
        shown = str(page_header("A page", "", choose_layer(info)))
        assert bool(told) == (said is not None)
        if said is not None:
            assert said in str(report.intervals)
            assert any(said in note for note in notes)
            assert said in told[0]
            assert told[0] in shown


@pytest.mark.long
def test_a_layer_whose_skills_add_nothing_is_marked_in_cypher_and_on_every_page(store: Store) -> None:
    """Outcomes without skills: coin flips by ability alone."""
    rng = np.random.default_rng(4)
    whole = dataset()
    flips = pa.array(rng.integers(0, 2, whole.attempts.num_rows).astype(float))
    place = whole.attempts.schema.get_field_index("score")
    store.write_dataset(replace(whole, attempts=whole.attempts.set_column(place, "score", flips)))
    report = evidence(store, "d", ignored_classes=["task"])
    nothing = sorted(m.layer.name for m in report.models if not m.judgement.skills_add)
    assert nothing
    asked = "MATCH (l:Layer {kind: 'evidence'}) WHERE l.skills_add = false RETURN l.name ORDER BY l.name"
    assert [row[0] for row in store.query(asked).rows] == nothing
    for info in store.layers("d"):
        marked = info.name in nothing
        assert ("skills add nothing" in str(page_header("A page", "", choose_layer(info)))) == marked
        listed = next(iter(_listed([info])))
        assert ("skills add nothing" in str(listed)) == marked


def test_a_baseline_that_predicts_better_is_named_and_alike_outcomes_prove_nothing() -> None:
    rng = np.random.default_rng(5)
    chance = rng.choice([0.15, 0.85], 400)
    outcomes = (rng.random(400) < chance).astype(float)
    texts = np.arange(400)
    # The truth, a rate that knows nothing, and a fit that is as sure of itself as it is wrong.
    found = _judgement(
        outcomes,
        {"rasch": chance, "model mean": np.full(400, 0.5), "irt": 1.0 - chance},
        texts,
    )
    assert found.better == ("rasch", "model mean")
    assert not found.skills_add
    # A fit's distance from a baseline is the difference of their log-losses, and none from itself.
    for row in found.fits:
        assert row.behind == pytest.approx(row.log_loss - found.fitted.log_loss)
    assert found.fitted.behind_error == 0.0
    sure = _judgement(outcomes, {"rasch": np.full(400, 0.5), "irt": chance}, texts)
    assert sure.better == ()
    assert sure.skills_add
    alike = _judgement(np.ones(400), {"rasch": np.full(400, 0.9), "irt": np.full(400, 0.99)}, texts)
    assert alike.fitted.auc is None
    assert not alike.skills_add


def test_outcomes_that_say_little_are_called_so(store: Store) -> None:
    """All alike, and all on one text: every command answers, and no figure is infinite."""
    many = [f"m{k}" for k in range(12)]
    for name, texts, score in (("alike", ["t", "u", "v"], 1.0), ("one", ["t"], None)):
        store.write_dataset(
            build_dataset(
                name,
                texts=pa.table({"id": texts}),
                skills=pa.table({"id": ["a"]}),
                requirements=pa.table({"text": texts, "skill": ["a"] * len(texts)}),
                models=pa.table({"id": many}),
                attempts=pa.table(
                    {
                        "model": [model for model in many for _ in texts],
                        "text": texts * 12,
                        "score": [float(k % 2) if score is None else score for k in range(12) for _ in texts],
                    }
                ),
            )
        )
        report = evidence(store, name)
        assert report.judgement is not None
        shown = [str(block) for block in cli._show(report)]
        assert not any(word in text for text in shown for word in (" inf", "nan"))
        assert any("all outcomes are alike" in text for text in shown) == (name == "alike")
        assert report.judgement.alike == (name == "alike")
        assert not report.judgement.better or name == "one"
        for info in store.layers(name):
            assert not info.skills_add, "three outcomes of a model are too few to judge its layer by"
            assert "inf" not in str(page_header("A page", "", choose_layer(info)))
            assert "gain_error" not in info.parameters
    with pytest.raises(SkillgraphError, match=r"every outcome is 1: .* all alike cannot contradict a tag"):
        check_tags(store, "alike")
    assert not check_tags(store, "one").findings


@pytest.mark.long
def test_a_layer_that_a_baseline_beats_carries_the_caution(store: Store) -> None:
    store.write_dataset(dataset())
    (first, *_) = evidence(store, "d").models
    beaten = replace(first.layer, parameters={**first.layer.parameters, "better_baselines": ("rasch", "model mean")})
    assert any(
        "worse than ability and difficulty (Rasch) and one rate for each model" in line
        for line in layer_cautions(beaten)
    )


def choose_layer(info: LayerInfo) -> Choice:
    """A page's choice of one layer."""
    return Choice((), (info,), "d", info.name, None)
