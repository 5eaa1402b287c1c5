"""Numbers at the ends of their range end in a sentence."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.sampling import poisson_graph


@pytest.mark.parametrize(
    ("mean", "texts"), [(1e308, 1), (1e308, 0), (1e19, 1), (1.0, 10**300), (4.0, 10**12), (float("nan"), 1), (-1.0, 1)]
)
def test_graphs_that_cannot_be_drawn(mean: float, texts: int) -> None:
    if texts == 0:
        assert poisson_graph(0.0, 0, 10, np.random.default_rng(0)).n_texts == 0
        return
    with pytest.raises(AnalysisError):
        poisson_graph(mean, texts, 10, np.random.default_rng(0))
