"""Predictions beside layers with known skills and with prerequisites, on random graphs whose theory is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from analysis.density_evolution import evolve
from analysis.ensembles import Ensemble
from analysis.learners import OneSkillLearner
from analysis.sampling import poisson_graph
from explorer.service.classes import predict_classes
from explorer.service.learning import learn
from explorer.service.prediction import LayerPrediction, predict_layer, subsample, wave_curve
from explorer.store.opening import open_store
from explorer.store.protocol import Store
from loaders.dataset import build_dataset

MEAN, TEXTS, SKILLS, LEVELS = 3.0, 4_800, 3_000, 4
SIZE = SKILLS // LEVELS
Open = Callable[[bool], Store]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    def make(prerequisites: bool) -> Store:
        rng = np.random.default_rng(5)
        drawn = poisson_graph(MEAN, TEXTS, SKILLS, rng)
        texts, skills = ([f"{kind}{i:05d}" for i in range(n)] for kind, n in (("t", TEXTS), ("s", SKILLS)))
        text_of = np.repeat(np.arange(TEXTS), drawn.text_degrees)
        # every skill beyond the first level waits for three of the level below
        after = np.repeat(np.arange(SIZE, SKILLS), 3)
        before = (after // SIZE - 1) * SIZE + rng.integers(0, SIZE, len(after))
        pairs = np.unique(np.stack([before, after], axis=1), axis=0) if prerequisites else np.empty((0, 2), dtype=int)
        dataset = build_dataset(
            "random",
            texts=pa.table({"id": texts}),
            skills=pa.table({"id": skills, "class": [("odd", "even")[i % 2 == 0] for i in range(SKILLS)]}),
            requirements=pa.table(
                {"text": [texts[t] for t in text_of], "skill": [skills[s] for s in drawn.text_skills]}
            ),
            prerequisites=pa.table(
                {"prerequisite": [skills[b] for b, _ in pairs], "skill": [skills[a] for _, a in pairs]}
            ),
        )
        store = open_store(tmp_path / "store.kgl", mode="write")
        store.write_dataset(dataset)
        return store

    return make


def _row(found: LayerPrediction, quantity: str) -> tuple[float, float, float]:
    row = next(row for row in found.rows if row.quantity == quantity)
    assert row.measured is not None
    assert row.poisson is not None
    assert row.degrees is not None
    assert row.degrees_band is not None
    # A graph of this size strays from the theory by chance; three widths of the band of 95 % are twelve deviations
    # of learning, which near a jump is not normal.
    width = row.degrees_band[1] - row.degrees_band[0]
    assert row.degrees_band[0] - width < row.measured < row.degrees_band[1] + width
    assert abs(row.degrees - row.measured) < 3 * width + 0.01
    return row.measured, row.poisson, row.degrees


def test_known_skills_are_part_of_the_prediction(opened: Open) -> None:
    store = opened(False)
    learn(store, "random", name="half", known_classes=["even"])
    found = predict_layer(store, "random", "half", replicates=40, seed=2)
    measured, poisson, degrees = _row(found, "learned")
    ensemble = Ensemble.poisson(MEAN, TEXTS / SKILLS)
    theory = evolve(ensemble, OneSkillLearner(), prior=0.5).learned
    assert poisson == pytest.approx(theory, abs=0.01)  # the graph's own mean of skills is not exactly the ensemble's
    assert degrees == pytest.approx(theory, abs=0.02)
    assert measured == pytest.approx(theory, abs=0.02)
    assert _row(found, "giant")[2] <= degrees
    assert any("Known before the first text" in reason for reason in found.reasons)
    assert not any("correlated" in reason for reason in found.reasons)
    waves = wave_curve(store, "random", "half")
    assert waves.measured[0] == pytest.approx(0.5, abs=0.02)  # skills that no text requires are left out
    assert waves.degrees[0] == pytest.approx(waves.measured[0])
    store.close()


def test_prerequisites_are_part_of_the_prediction(opened: Open) -> None:
    store = opened(True)
    learn(store, "random", name="levels")
    found = predict_layer(store, "random", "levels", replicates=40, seed=2)
    measured, poisson, degrees = _row(found, "learned")
    without = evolve(Ensemble.poisson(MEAN, TEXTS / SKILLS), OneSkillLearner()).learned
    assert measured < without - 0.2  # the test is of nothing where prerequisites hold nothing back
    assert poisson < without - 0.2
    assert degrees < without - 0.2
    giant = next(row for row in found.rows if row.quantity == "giant")
    assert giant.poisson is None
    assert giant.degrees is None
    assert giant.measured is not None
    assert any("prerequisites" in reason for reason in found.reasons)
    curve = subsample(store, "random", "levels", shares=[0.5, 1.0], replicates=3)
    assert curve.degrees[1] == pytest.approx(degrees)
    assert curve.degrees[0] == pytest.approx(curve.learned[0], abs=0.05)
    store.close()


def test_classes_are_predicted_from_what_was_known(opened: Open) -> None:
    store = opened(False)
    learn(store, "random", name="half", known_classes=["even"])
    by_name = {row.name: row for row in predict_classes(store, "random", "half").skills}
    assert by_name["even"].measured == by_name["even"].degrees == by_name["even"].poisson == 1.0
    assert by_name["odd"].degrees == pytest.approx(by_name["odd"].measured, abs=0.03)
    # from nothing most of them would not be learned
    assert by_name["odd"].measured > evolve(Ensemble.poisson(MEAN, TEXTS / SKILLS), OneSkillLearner()).learned - 0.05
    store.close()
