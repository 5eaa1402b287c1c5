"""Finite-size scaling: how sharp the emergence threshold is for a finite number of skills.

With infinitely many skills learning stalls below R* and not above. With S skills it stalls with a probability
that falls from 1 to 0 over a range of ratios of width α / √S, around a threshold shifted by β S^{-2/3} [Amraoui2009].
α and β are fitted to simulated stalls here, not derived.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError

__all__ = ["FiniteSizeFit", "fit_finite_size", "stall_probability"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FiniteSizeFit:
    """Constants of the finite-size scaling, fitted to simulations.

    Attributes:
        threshold: R* that was given.
        alpha: Width constant.
        beta: Shift constant.
        alpha_error: Standard error of `alpha`.
        beta_error: Standard error of `beta`.
        replicates: Number of simulated graphs behind the fit.
        smallest: Smallest number of skills among them.
        largest: Largest number of skills among them.
    """

    threshold: float
    alpha: float
    beta: float
    alpha_error: float
    beta_error: float
    replicates: int
    smallest: int
    largest: int


def stall_probability(
    ratio: npt.ArrayLike, skills: npt.ArrayLike, threshold: float, alpha: float, beta: float = 0.0
) -> Floats:
    """Probability that learning stalls before the jump, P ≈ Φ(√S (R* + β S^{-2/3} - R) / α) [Amraoui2009].

    Args:
        ratio: R = T/S, any shape.
        skills: S > 0, broadcast against `ratio`.
        threshold: R* of infinitely many skills.
        alpha: Width constant α > 0.
        beta: Shift constant β.

    Returns:
        Probabilities in 0-1, float64, the common shape of `ratio` and `skills`.

    Raises:
        AnalysisError: α or S is not positive.

    >>> stall_probability([0.9, 1.0, 1.1], 10_000, 1.0, 2.0).round(3).tolist()
    [1.0, 0.5, 0.0]
    """
    from scipy.special import ndtr

    size = np.asarray(skills, dtype=np.float64)
    if alpha <= 0.0 or np.any(size <= 0.0):
        raise AnalysisError("alpha and the number of skills must be positive")
    shifted = threshold + beta * size ** (-2.0 / 3.0)
    return np.asarray(ndtr(np.sqrt(size) * (shifted - np.asarray(ratio, dtype=np.float64)) / alpha), dtype=np.float64)


def fit_finite_size(
    skills: npt.ArrayLike,
    ratios: npt.ArrayLike,
    stalled: npt.ArrayLike,
    replicates: npt.ArrayLike,
    threshold: float,
) -> FiniteSizeFit:
    """Fit α and β of [Amraoui2009] by maximum likelihood to counts of stalled runs.

    The number that stalled of n graphs is Binomial(n, Φ(u √S (R* - R) + v S^{-1/6})), u = 1/α, v = β/α: a probit
    regression, whose likelihood has one maximum. Standard errors are those of its curvature. A fit of this kind
    is told in docs/theory.md, section 2.

    Args:
        skills: Number of skills of each series of simulations, shape (N,).
        ratios: Its ratio of texts to skills, shape (N,).
        stalled: How many of its graphs stalled, shape (N,).
        replicates: How many graphs it has, shape (N,).
        threshold: R*, from `emergence_threshold`.

    Returns:
        α and β in the units of √S R and S^{2/3} R, with standard errors.

    Raises:
        AnalysisError: Shapes differ, fewer than two series, counts outside 0 … replicates, a number of skills that is
            not positive, all or none stalled, or more stalled at larger ratios.

    >>> fit = fit_finite_size([64, 64], [0.75, 1.25], [84, 16], [100, 100], threshold=1.0)
    >>> round(fit.alpha, 1), abs(fit.beta) < 1e-6  # Φ(1) = 0.84 and √64 · 0.25 / α = 1
    (2.0, True)
    """
    from scipy.optimize import minimize
    from scipy.special import log_ndtr, ndtr

    size, ratio, count, total = (np.asarray(v, dtype=np.float64) for v in (skills, ratios, stalled, replicates))
    if not (size.shape == ratio.shape == count.shape == total.shape) or size.ndim != 1 or size.size < 2:
        raise AnalysisError("a fit needs at least two series, each with skills, ratio, stalled and replicates")
    if np.any(size <= 0.0) or np.any(count < 0.0) or np.any(count > total):
        raise AnalysisError("skills must be positive, and no more graphs can stall than there are")
    if count.sum() in (0.0, total.sum()):
        raise AnalysisError("all or none of the graphs stalled: ratios on both sides of the threshold are needed")
    features = np.column_stack([np.sqrt(size) * (threshold - ratio), size ** (-1.0 / 6.0)])

    def cost(x: Floats) -> float:
        z = features @ x
        return -float(count @ log_ndtr(z) + (total - count) @ log_ndtr(-z))

    best = minimize(cost, np.array([1.0, 0.0]), method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-10})
    u, v = best.x
    if u <= 0.0:
        raise AnalysisError("more graphs stalled at larger ratios: these counts do not belong to one threshold")
    z = features @ best.x
    p = np.clip(ndtr(z), 1e-12, 1.0 - 1e-12)
    information = features.T @ (features * (total * np.exp(-(z**2)) / (2.0 * np.pi * p * (1.0 - p)))[:, None])
    covariance = np.linalg.inv(information)
    by_u = np.array([-1.0 / u**2, 0.0])
    by_beta = np.array([-v / u**2, 1.0 / u])
    return FiniteSizeFit(
        threshold=threshold,
        alpha=float(1.0 / u),
        beta=float(v / u),
        alpha_error=float(np.sqrt(by_u @ covariance @ by_u)),
        beta_error=float(np.sqrt(by_beta @ covariance @ by_beta)),
        replicates=int(total.sum()),
        smallest=int(size.min()),
        largest=int(size.max()),
    )
