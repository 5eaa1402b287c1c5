"""Prediction beside a stored layer: random graphs whose theory is known must be predicted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from analysis.density_evolution import evolve
from analysis.ensembles import MultiClassEnsemble
from analysis.learners import OneSkillLearner
from analysis.peeling import peel
from analysis.sampling import class_graph
from explorer.errors import SkillgraphError
from explorer.service.classes import predict_classes
from explorer.service.learning import learn
from explorer.service.prediction import predict_layer, subsample
from explorer.store.opening import open_store
from explorer.store.protocol import Store
from loaders.dataset import build_dataset
from ui.components import fraction
from ui.pages.classes.answers import by_class

MEANS = np.array([[3.0, 0.5], [1.0, 4.0]])
TEXTS, SKILLS = (2_400, 900), (1_200, 1_800)
ALPHA, RATIOS = np.array(SKILLS) / sum(SKILLS), np.array(TEXTS) / sum(SKILLS)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A random graph with two classes of texts and skills, and what is learned from it."""
    drawn = class_graph(MEANS, TEXTS, SKILLS, np.random.default_rng(20))
    texts, skills = ([f"{kind}{i:05d}" for i in range(n)] for kind, n in (("t", sum(TEXTS)), ("s", sum(SKILLS))))
    text_of = np.repeat(np.arange(sum(TEXTS)), drawn.graph.text_degrees)
    dataset = build_dataset(
        "two",
        texts=pa.table({"id": texts, "class": [("prose", "code")[j] for j in drawn.text_class]}),
        skills=pa.table({"id": skills, "class": [("words", "calls")[k] for k in drawn.skill_class]}),
        requirements=pa.table(
            {"text": [texts[t] for t in text_of], "skill": [skills[s] for s in drawn.graph.text_skills]}
        ),
    )
    opened = open_store(Path(tmp_path_factory.mktemp("two")) / "store.kgl", mode="write")
    opened.write_dataset(dataset)
    learn(opened, "two", name="all")
    yield opened
    opened.close()


def test_each_class_is_predicted(store: Store) -> None:
    found = predict_classes(store, "two", "all")
    # how far one graph of this size strays from the prediction, from other graphs of the same ensemble
    others = []
    for seed in range(12):
        drawn = class_graph(MEANS, TEXTS, SKILLS, np.random.default_rng([21, seed]))
        learned = peel(drawn.graph).learned
        others.append([learned[drawn.skill_class == k].mean() for k in (0, 1)])
    spread = dict(zip(("words", "calls"), np.std(others, axis=0, ddof=1), strict=True))
    theory = evolve(MultiClassEnsemble(ALPHA, RATIOS, MEANS), OneSkillLearner())
    expected = dict(zip(("words", "calls"), 1 - theory.unlearned_by_class, strict=True))
    assert [row.name for row in found.skills] == ["calls", "words"]
    required = store.read_dataset("two").requirements["skill"].unique()
    assert sum(row.size for row in found.skills) == len(required)
    for row in found.skills:
        assert row.poisson is not None
        assert row.degrees is not None
        # four standard deviations; the measured means stray as well, and skills no text requires are left out
        for predicted in (row.poisson, row.degrees, expected[row.name]):
            assert abs(row.measured - predicted) < 4 * spread[row.name] + 0.02
    assert spread["words"] < 0.03
    # the classes are told apart: a single class would predict one figure for both
    assert abs(expected["words"] - expected["calls"]) > 0.2


def test_understood_texts_of_each_class_are_predicted(store: Store) -> None:
    found = predict_classes(store, "two", "all")
    assert {row.name: row.size for row in found.texts} == {"prose": 2_400, "code": 900}
    for row in found.texts:
        assert row.degrees is not None
        # binomial deviation of the class's texts, four times, and the deviation of learning itself
        assert abs(row.measured - row.degrees) < 4 * np.sqrt(0.25 / row.size) + 0.03
    total = sum(row.measured * row.size for row in found.texts) / sum(TEXTS)
    rows = {row.quantity: row for row in predict_layer(store, "two", "all").rows}
    assert rows["not_understood"].measured == pytest.approx(1 - total)


def test_small_classes_are_counted_together(store: Store) -> None:
    with pytest.raises(SkillgraphError, match="too few"):
        predict_classes(store, "two", "all", limit=1)
    found = predict_classes(store, "two", "all", limit=2)
    assert [row.name for row in found.texts] == ["prose", "code"]


def test_the_classes_page_shows_every_class_with_all_its_predictions(store: Store) -> None:
    found = predict_classes(store, "two", "all")
    cells = [
        cell
        for row in by_class(found).children.children[1].children  # of the table's body
        for cell in [[str(getattr(part.children, "children", part.children)) for part in row.children]]
    ]
    for one in (*found.skills, *found.texts):
        wanted = [one.name, f"{one.size:,}", *map(fraction, (one.measured, one.poisson, one.degrees, one.typed))]
        assert wanted in cells
    assert ["all skills", "", *map(fraction, (found.measured, found.poisson, found.degrees, found.typed))] in cells


def test_bands_stand_around_the_predictions_and_repeat_from_the_seed(store: Store) -> None:
    found = predict_layer(store, "two", "all", replicates=60, seed=3)
    rows = {row.quantity: row for row in found.rows}
    assert (found.replicates, found.seed) == (60, 3)
    for quantity in ("learned", "not_understood", "waves", "giant"):
        row = rows[quantity]
        beside = [(row.poisson, row.poisson_band), (row.degrees, row.degrees_band), (row.typed, row.typed_band)]
        for predicted, band in beside:
            assert band is not None
            assert predicted is not None
            assert band[0] <= band[1]
            # the prediction is for infinitely many skills; the band is of finite graphs, so it may stand at its edge
            width = max(band[1] - band[0], 0.02)
            assert quantity == "waves" or band[0] - width < predicted < band[1] + width
    learned = rows["learned"]
    assert learned.measured is not None
    assert learned.poisson is not None
    assert learned.poisson_difference == learned.measured - learned.poisson
    assert rows["ratio"].poisson_band is None
    assert rows["ratio"].typed_band is None
    # Graphs that keep each text's mix of types are closer to this one than graphs that keep its degrees.
    assert learned.typed_band is not None
    assert learned.typed_band[0] <= learned.measured <= learned.typed_band[1]
    same = predict_layer(store, "two", "all", replicates=60, seed=3, workers=2)
    assert same.rows == found.rows
    assert all(row.degrees_band is None is row.typed_band for row in predict_layer(store, "two", "all").rows)


def test_all_texts_teach_what_the_layer_learned(store: Store) -> None:
    curve = subsample(store, "two", "all", shares=[0.3, 1.0], replicates=3, seed=1)
    assert curve.learned[1] == curve.low[1] == curve.high[1]
    info = store.layers("two")[0]
    assert curve.learned[1] == pytest.approx(info.learned / info.skills)
    assert curve.learned[0] < curve.learned[1]
