"""The default fit on simulated outcomes of many shapes: it is not behind any baseline beyond noise."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy import special

from explorer.service.evidence import evidence
from explorer.store.protocol import Store
from loaders.dataset import Dataset, build_dataset


def simulated(shape: str) -> Dataset:
    """Texts of one to four of 30 skills; ability, difficulty and model × skill deviations are normal."""
    rng = np.random.default_rng(0)
    models, texts, skills = 2 if shape == "two models" else 10, 400, 30
    required = [rng.choice(skills, size=rng.integers(1, 5), replace=False) for _ in range(texts)]
    odds = rng.normal(size=(models, 1)) - rng.normal(scale=1.5, size=texts)
    deviation = rng.normal(scale=0.5, size=(models, skills))
    odds += np.array([[row[own].sum() for own in required] for row in deviation])
    p = special.expit(odds + 6.0 if shape == "99 % right" else odds)
    x = rng.binomial(1, p).astype(float)
    if shape == "guessed":
        x[rng.random(x.shape) < 0.25] = 1.0
    elif shape == "graded":
        x = rng.beta(4.0 * p + 1e-3, 4.0 * (1.0 - p) + 1e-3)
    elif shape == "all right and all wrong":
        x[0], x[1] = 1.0, 0.0
    tried = np.ones(x.shape, bool)
    if shape == "sparse":
        tried = rng.random(x.shape) < 0.1
    elif shape == "disjoint":
        tried = np.arange(texts) * models // texts == np.arange(models)[:, None]
    row, text = np.nonzero(tried)
    names, ids, tags = (
        [f"{letter}{k:03d}" for k in range(n)] for letter, n in zip("mts", (models, texts, skills), strict=True)
    )
    return build_dataset(
        "d",
        texts=pa.table({"id": ids}),
        skills=pa.table({"id": tags}),
        requirements=pa.table(
            {
                "text": [ids[t] for t, own in enumerate(required) for _ in own],
                "skill": [tags[s] for own in required for s in own],
            }
        ),
        models=pa.table({"id": names}),
        attempts=pa.table({"model": [names[m] for m in row], "text": [ids[t] for t in text], "score": x[row, text]}),
    )


@pytest.mark.parametrize(
    "shape",
    [
        "plain",
        *(
            pytest.param(shape, marks=pytest.mark.long)
            for shape in (
                *("two models", "all right and all wrong", "sparse", "disjoint"),
                *("99 % right", "graded", "guessed"),
            )
        ),
    ],
)
def test_no_baseline_predicts_better_beyond_noise(store: Store, shape: str) -> None:
    store.write_dataset(simulated(shape))
    report = evidence(store, "d")
    judged = report.judgement
    assert judged is not None
    assert all(model.converged for model in report.models)
    assert judged.better == ()
    # Beside what chance makes of exact probabilities, 0.02 are allowed for.
    assert judged.fitted.calibration_error <= judged.calibration_by_chance + 0.02
