"""The forecast of a stored layer, and what it says of itself."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from analysis.density_evolution import evolve
from analysis.ensembles import Ensemble
from analysis.learners import parse_learner
from analysis.threshold import emergence_threshold
from explorer.errors import SkillgraphError
from explorer.service.forecast import forecast, parse_factor
from explorer.service.ladder import explain
from explorer.service.learning import learn
from explorer.store.opening import open_store
from explorer.store.protocol import Store
from loaders.dataset import build_dataset

CRUXEVAL = Path(__file__).parents[3] / "shared" / "data" / "cruxeval"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 4, 1_500)
    text = np.repeat(np.arange(1_500), sizes)
    skill = np.minimum(rng.zipf(1.6, len(text)), 10**7)
    pairs = sorted({(f"t{t:04d}", f"s{s:08d}") for t, s in zip(text, skill, strict=True)})
    ids = sorted({s for _, s in pairs})
    opened = open_store(Path(tmp_path_factory.mktemp("zipf")) / "store.kgl", mode="write")
    opened.write_dataset(
        build_dataset(
            "zipf",
            texts=pa.table({"id": [f"t{i:04d}" for i in range(1_500)], "part": ["a"] * 1_000 + ["b"] * 500}),
            skills=pa.table({"id": ids}),
            requirements=pa.table({"text": [t for t, _ in pairs], "skill": [s for _, s in pairs]}),
        )
    )
    learn(opened, "zipf", name="all")
    learn(opened, "zipf", name="base", parts=["a"])
    learn(opened, "zipf", name="tuned", parts=["b"], base="base")
    learn(opened, "zipf", name="tiny", parts=["a"])
    yield opened
    opened.close()


def test_forecast_says_what_its_backtest_found(store: Store) -> None:
    found = forecast(store, "zipf", "all", splits=4)
    errors = {row.method: row.error for row in found.methods}
    assert found.method == min(errors, key=errors.__getitem__)
    assert found.beats == (errors["growth"] < min(errors["line"], errors["last"]))
    assert found.learned_now <= found.low <= found.high
    assert found.learned_now <= found.learned <= found.seen
    assert found.texts == 3_000
    assert f"{found.learned:,.0f}" in found.sentence
    assert forecast(store, "zipf", "all", splits=4) == found  # the same seed, the same draws


def test_a_fine_tuned_layer_is_forecast_for_more_of_its_own_texts(store: Store) -> None:
    found = forecast(store, "zipf", "tuned", splits=3)
    assert found.texts == 1_000
    assert found.learned >= found.learned_now


def small_layer(folder: Path, pairs: list[tuple[str, str]], **options: object) -> Store:
    opened = open_store(folder / "store.kgl", mode="write")
    texts, skills = sorted({t for t, _ in pairs}), sorted({s for _, s in pairs})
    opened.write_dataset(
        build_dataset(
            "small",
            texts=pa.table({"id": texts}),
            skills=pa.table({"id": skills}),
            requirements=pa.table({"text": [t for t, _ in pairs], "skill": [s for _, s in pairs]}),
        )
    )
    learn(opened, "small", name="all", **options)
    return opened


def test_everything_learned_and_seen_is_forecast_to_stay_so(tmp_path: Path) -> None:
    opened = small_layer(tmp_path, [(f"t{i:02d}", f"s{i % 4}") for i in range(40)])
    for factor in (1.1, 2.0, 5.0, 64.0):
        found = forecast(opened, "small", "all", factor=factor, splits=3)
        assert (found.learned, found.low, found.high, found.seen, found.covered) == (4.0, 4.0, 4.0, 4.0, 3)
    opened.close()


def test_where_nothing_has_started_the_interval_reaches_to_what_a_start_would_lead_to(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pairs = [(f"t{i:03d}", f"s{s:02d}") for i in range(300) for s in rng.choice(40, 3, replace=False)]
    opened = small_layer(tmp_path, pairs)
    found = forecast(opened, "small", "all", splits=3)
    assert (found.learned_now, found.learned, found.low) == (0, 0.0, 0.0)
    assert found.high == pytest.approx(40.0)
    assert "of about 40 that they require" in found.sentence
    opened.close()


def test_too_few_texts_are_refused_in_a_sentence(tmp_path: Path) -> None:
    opened = small_layer(tmp_path, [(f"t{i}", f"s{i}") for i in range(5)])
    with pytest.raises(SkillgraphError, match="taught by 5 texts: too few for a forecast, which needs at least 16"):
        forecast(opened, "small", "all")
    opened.close()


@pytest.mark.parametrize(("text", "factor"), [("2x", 2.0), ("1.5", 1.5), (" 4X ", 4.0)])
def test_factors_are_read(text: str, factor: float) -> None:
    assert parse_factor(text) == factor


@pytest.mark.parametrize("text", ["", "x", "1x", "0.5x", "-2", "nan", "inf", "100x"])
def test_other_factors_are_refused(text: str) -> None:
    with pytest.raises(SkillgraphError, match="such as 2x"):
        parse_factor(text)


@pytest.mark.skipif(not CRUXEVAL.exists(), reason="the shared data are not here")
def test_cruxeval_is_explained_within_a_point(tmp_path: Path) -> None:
    with (CRUXEVAL / "edges.csv").open() as file:
        pairs = [(row["text_id"], row["skill"]) for row in csv.DictReader(file)]
    with (CRUXEVAL / "skills.csv").open() as file:
        kind = {row["skill"]: row["skill_class"] for row in csv.DictReader(file)}
    ids = sorted({s for _, s in pairs})
    opened = open_store(tmp_path / "store.kgl", mode="write")
    opened.write_dataset(
        build_dataset(
            "crux",
            texts=pa.table({"id": sorted({t for t, _ in pairs})}),
            skills=pa.table({"id": ids, "class": [kind[s] for s in ids]}),
            requirements=pa.table({"text": [t for t, _ in pairs], "skill": [s for _, s in pairs]}),
        )
    )
    learn(opened, "crux", name="all")
    found = explain(opened, "crux", "all", graphs=0)
    ahead = forecast(opened, "crux", "all", splits=6)
    opened.close()
    # Halves that did not start to learn must not blow up the interval: it ends at the skills that will be seen.
    assert ahead.learned_now <= ahead.low <= ahead.high <= 1.05 * ahead.seen
    assert ahead.covered >= 5
    for name in ("few types", "many types"):
        assert abs(found.rung(name).learned - found.measured) < 0.01, name


@pytest.mark.parametrize("learner", ["one", "d:2"])
def test_a_jump_between_the_texts_and_twice_as_many_is_foreseen(tmp_path: Path, learner: str) -> None:
    """Random texts of a mean of 4 (5.5) skills, at two thirds of the ratio where the theory has learning jump.

    Degrees of a sample vary more than those of its source, so graphs with these degrees jump somewhat before it.
    """
    mean, skills = (4.0, 700) if learner == "one" else (5.5, 1_400)
    rule = parse_learner(learner)
    threshold = emergence_threshold(mean, rule)
    assert threshold.jump
    assert threshold.ratio is not None
    ratio = threshold.ratio / 1.5
    rng = np.random.default_rng(4)
    sizes = rng.poisson(mean, round(ratio * skills))
    text = np.repeat(np.arange(len(sizes)), sizes)
    pairs = sorted({(f"t{t:04d}", f"s{s:04d}") for t, s in zip(text, rng.integers(0, skills, len(text)), strict=True)})
    opened = small_layer(tmp_path, pairs, learner=learner)
    found = forecast(opened, "small", "all", splits=2)
    near = forecast(opened, "small", "all", factor=1.1, splits=2)
    opened.close()
    view = found.outlook
    assert view is not None
    assert view.types == 1
    assert 0.0 < view.eigenvalue < 1.0
    assert view.jump == pytest.approx(1.5, abs=0.25)
    assert view.before is not None
    assert view.after is not None
    assert view.after > 2.5 * view.before
    twice = evolve(Ensemble.poisson(mean, 2.0 * ratio), rule).learned
    assert view.reached == pytest.approx(min(twice * skills, found.seen_now), rel=0.05)
    assert found.high >= 0.95 * view.reached
    assert f"{view.jump:.2f} times as many texts" in found.sentence
    assert near.outlook is not None
    assert near.outlook.jump is None
    assert "jump may lie ahead" not in near.sentence


def test_where_learning_grows_gradually_no_jump_is_told(store: Store) -> None:
    found = forecast(store, "zipf", "all", splits=2)
    assert found.outlook is not None
    assert found.outlook.jump is None
    assert "No jump is in sight" in found.sentence or "hardly stable" in found.sentence
