"""Poisson numbers from uniform 64-bit words, by inversion."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["poisson_thresholds"]


def poisson_thresholds(mean: float) -> npt.NDArray[np.uint64]:
    """2^64 P(X ≤ k) for k = 0, 1, … up to where it rounds to 2^64, which is left out.

    With a uniform 64-bit word w the number of thresholds that are at most w is a Poisson variable.
    """
    k = np.arange(1, int(mean + 12 * np.sqrt(mean)) + 60)
    below = np.exp(-mean + np.concatenate(([0.0], np.cumsum(np.log(mean) - np.log(k))))) if mean > 0 else np.ones(1)
    cumulative = np.cumsum(below)
    return (cumulative[cumulative < 1 - 2.0**-53] * 2.0**64).astype(np.uint64)
