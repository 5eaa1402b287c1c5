"""How well annotators agree, beyond chance [Krippendorff2011], and the score from which a tag is to be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Threshold", "alpha_interval", "best_threshold", "krippendorff_alpha"]


def krippendorff_alpha(values: NDArray[np.int64]) -> float:
    """Krippendorff's α for nominal values, 1 − D_o/D_e [Krippendorff2011, sections B and C].

    A unit with m values of which n_c are c adds n_c·(n_k − δ_ck)/(m − 1) to the coincidence o_ck. With n_c the sums of
    its rows and n their total, α = 1 − (n − 1)·Σ_{c≠k} o_ck / Σ_{c≠k} n_c·n_k.

    Args:
        values: annotators × units; a negative value is a missing one.

    Returns:
        1.0 for full agreement, 0.0 for what chance gives, less for systematic disagreement; NaN where there are no two
        values of a unit, or all values are the same, so that chance could not have given another.

    >>> round(krippendorff_alpha(np.array([[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]])), 3)
    0.095
    """
    matrix = np.asarray(values)
    kinds, coded = np.unique(matrix, return_inverse=True)
    coded = coded.reshape(matrix.shape)
    counts = np.stack([(coded == k).sum(axis=0) for k in np.flatnonzero(kinds >= 0)] or [np.zeros(matrix.shape[1])])
    return _alpha(counts.astype(np.float64), np.ones(matrix.shape[1]))


def _alpha(counts: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """α of counts (values × units), each unit as often as its weight says."""
    size = counts.sum(axis=0)
    paired = size >= 2
    counts, size, weights = counts[:, paired], size[paired], weights[paired]
    agreeing = float((weights * (counts * (counts - 1)).sum(axis=0) / (size - 1)).sum())
    totals = counts @ weights
    n = float(totals.sum())
    disagreeing = n - agreeing
    expected = n * n - float((totals * totals).sum())
    return 1.0 - (n - 1.0) * disagreeing / expected if expected > 0 else float("nan")


def alpha_interval(
    values: NDArray[np.int64],
    groups: NDArray[np.int64],
    *,
    rng: np.random.Generator,
    replicates: int = 1000,
    level: float = 0.95,
) -> tuple[float, float]:
    """Percentile interval of α over random draws of groups of units with replacement.

    Args:
        values: annotators × units, as for `krippendorff_alpha`.
        groups: Group of each unit, from 0: units of one text are drawn together, because they are not independent.
        rng: Source of the draws.
        replicates: Number of draws.
        level: Share of the draws in the interval.

    Returns:
        Lower and upper end; NaN if α is not defined in any draw.

    >>> same = np.tile([0, 1], 10)  # full agreement, whatever is drawn
    >>> alpha_interval(np.stack([same, same]), np.arange(20) // 2, rng=np.random.default_rng(0), replicates=50)
    (1.0, 1.0)
    """
    kinds = np.unique(values)
    counts = np.stack([(values == k).sum(axis=0) for k in kinds[kinds >= 0]]).astype(np.float64)
    n_groups = int(groups.max()) + 1
    draws = []
    for _ in range(replicates):
        times = np.bincount(rng.integers(n_groups, size=n_groups), minlength=n_groups).astype(np.float64)
        draws.append(_alpha(counts, times[groups]))
    kept = np.array([draw for draw in draws if not np.isnan(draw)])
    if not len(kept):
        return float("nan"), float("nan")
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


@dataclass(frozen=True)
class Threshold:
    """The score from which tags are kept.

    Attributes:
        score: The least score that is kept.
        precision: Share of right ones among those with at least this score.
        recall: Share of the right ones that have at least this score.
        f1: Harmonic mean of the two.
        right: Number of tags known to be right.
        wrong: Number known to be wrong.
    """

    score: float
    precision: float
    recall: float
    f1: float
    right: int
    wrong: int


def best_threshold(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> Threshold:
    """The threshold with the highest F1 on reviewed tags; of equal ones the highest, which keeps the fewest.

    Args:
        scores: Score of each reviewed tag.
        right: Whether the reviewer kept it.

    Returns:
        The threshold, with its precision, recall and F1 on these tags.

    Raises:
        ValueError: There is no right or no wrong tag.

    >>> best_threshold(np.array([0.9, 0.8, 0.4, 0.3]), np.array([True, True, False, False])).score
    0.8
    """
    if not right.any() or right.all():
        raise ValueError("a threshold needs tags that were kept and tags that were rejected")
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(right[order])
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # equal scores are kept together
    precision, recall = hits[last] / (last + 1), hits[last] / right.sum()
    with np.errstate(invalid="ignore"):
        f1 = np.nan_to_num(2 * precision * recall / (precision + recall))
    best = int(np.argmax(f1))
    return Threshold(
        float(ranked[last[best]]),
        float(precision[best]),
        float(recall[best]),
        float(f1[best]),
        int(right.sum()),
        int((~right).sum()),
    )
