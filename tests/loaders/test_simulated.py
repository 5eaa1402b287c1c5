"""Simulated data: reproducible, as described, and with a truth that the estimates find again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from explorer.service.evidence import evidence
from explorer.service.loading import load
from explorer.store.opening import open_store
from loaders.dataset import Dataset
from loaders.errors import DataError
from loaders.formats import detect, inspect
from loaders.formats import load as read
from loaders.simulated import MODELS, simulate_dataset


def tables(dataset: Dataset) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Requirements bool (T, S), masteries and scores by model."""
    required = np.zeros((dataset.n_texts, dataset.n_skills), dtype=bool)
    codes = [dataset.requirements[name].combine_chunks().indices.to_numpy() for name in ("text", "skill")]
    required[codes[0], codes[1]] = True
    masters = {
        model.id: np.array(dataset.skills[f"mastered_by_{model.id.replace('-', '_')}"].to_pylist()) for model in MODELS
    }
    rows = dataset.attempts.to_pylist()
    place = {text: row for row, text in enumerate(dataset.texts["id"].to_pylist())}
    scores = {model.id: np.zeros(dataset.n_texts) for model in MODELS}
    for row in rows:
        scores[row["model"]][place[row["text"]]] = row["score"]
    return required, masters, scores


def test_the_same_options_give_the_same_data_and_another_seed_others() -> None:
    first = simulate_dataset(name="a", seed=3)
    assert first.equals(simulate_dataset(name="a", seed=3))
    assert not first.requirements.equals(simulate_dataset(name="a", seed=4).requirements)


def test_outcomes_follow_slip_and_guess() -> None:
    """Counts are binomial: within 4 standard deviations, 1 in 8 000 for each of two."""
    dataset = simulate_dataset(name="a", seed=5, texts=2000, slip=0.2, guess=0.1)
    required, masters, scores = tables(dataset)
    counts = {True: [0, 0], False: [0, 0]}
    for model, known in masters.items():
        understood = ~(required & ~known).any(axis=1)
        for kind in (True, False):
            counts[kind][0] += int(scores[model][understood == kind].sum())
            counts[kind][1] += int(np.count_nonzero(understood == kind))
    for kind, chance in ((True, 0.8), (False, 0.1)):
        solved, n = counts[kind]
        assert abs(solved - n * chance) < 4 * np.sqrt(n * chance * (1 - chance))


def test_texts_models_and_parts_are_as_described() -> None:
    dataset = simulate_dataset(name="a", seed=6, texts=3000)
    required, masters, _ = tables(dataset)
    sizes = required.sum(axis=1) - 1
    assert abs(sizes.mean() - 2.0) < 4 * np.sqrt(2.0 / 3000)
    level = np.array(dataset.skills["level"].to_pylist())
    general = np.array(dataset.texts["part"].to_pylist()) == "general"
    assert np.count_nonzero(general) == 2000
    assert not required[general][:, level == 2].any()
    assert required[~general][:, level == 2].any()
    for model in MODELS:
        if model.base is not None:
            gained = masters[model.id] & ~masters[model.base]
            assert not gained[level == 1].any(), "fine-tuning gains domain skills only"
    assert np.count_nonzero(masters["small"] & ~masters["small-forgetful"]) > np.count_nonzero(
        masters["small"] & ~masters["small-tuned"]
    )


def test_the_estimates_find_the_truth_again(tmp_path: Path) -> None:
    """A skill that a model masters gets a higher estimate than one that it does not, nine times of ten."""
    store = open_store(tmp_path / "s.kgl", mode="write")
    try:
        load(store, lambda: simulate_dataset(name="simulated"), name="simulated")
        report = evidence(store, "simulated", judged=False)
    finally:
        store.close()
    dataset = simulate_dataset(name="simulated")
    _, masters, _ = tables(dataset)
    place = {skill: row for row, skill in enumerate(dataset.skills["id"].to_pylist())}
    found = {row.model: row for row in report.models}
    right = total = 0.0
    for model in ("small", "small-tuned", "large", "large-tuned"):
        rows = [row for row in found[model].skills if row.mastery is not None and row.informative >= 5]
        truth = np.array([masters[model][place[row.skill]] for row in rows])
        rate = np.array([row.mastery for row in rows], dtype=float)
        above = rate[truth][:, None] - rate[~truth][None, :]
        right += float((above > 0).sum() + 0.5 * (above == 0).sum())
        total += above.size
    assert right / total > 0.9


def test_it_is_loaded_by_name_unless_there_is_a_file_of_that_name(tmp_path: Path) -> None:
    assert detect("simulated") == "simulated"
    (tmp_path / "simulated").write_text("text,skill\nt,a\n")
    assert detect(tmp_path / "simulated") == "edge-list"
    found = read("simulated", name="x", seed="2", texts="30", skills="12")
    assert found.dataset.provenance["option.seed"] == 2
    assert found.dataset.equals(simulate_dataset(name="x", seed=2, texts=30, skills=12))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seed": "x"}, "seed 'x' must be an integer"),
        ({"slip": "high"}, "slip 'high' must be a number"),
        ({"guess": "0.9"}, "guess 0.9 must be a probability from 0 to 0.5"),
        ({"slip": "nan"}, "slip nan must be a probability"),
        ({"texts": "2"}, "texts 2 must be at least 3"),
        ({"skills": "8"}, "skills 8 must be at least 9"),
        ({"seed": "-1"}, "seed -1 must be at least 0"),
        ({"size": "8"}, "format 'simulated' has no option 'size'"),
    ],
)
def test_wrong_options_are_named(options: dict[str, str], said: str) -> None:
    assert said in inspect("simulated", **options).problem
    with pytest.raises(DataError, match="leave out the part"):
        read("simulated", name="x", part="one")
