"""The fixed point at extreme parameters, against the same recursion in 60-digit decimal arithmetic."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest

from analysis.degrees import DegreeDistribution
from analysis.density_evolution import evolve
from analysis.ensembles import Ensemble
from analysis.errors import AnalysisError
from analysis.learners import parse_learner
from analysis.solution_curve import SolutionCurve

_DIGITS = 60
_SMALLEST = Decimal("1e-300")
"""Below this a double has fewer digits."""
MEANS = (1e-9, 1e-3, 0.5, 1.0, 2.8, 4.0, 10.0, 100.0, 1e4, 1e6)
RATIOS = (0.0, 1e-9, 1e-3, 0.5, 1.3, 50.0, 1e3, 1e6, 1e9)


def success(learner: str, rho: Decimal) -> Decimal:
    """P_suc(ρ) = Σ_n e^{-ρ} ρⁿ/n! ψ(n+1)."""
    if learner.startswith("capacity:"):
        return (-(1 - Decimal(float(learner[9:]))) * rho).exp()
    d = 1 if learner == "one" else int(learner[2:])
    term = total = Decimal(1)
    for n in range(1, d):
        term *= rho / n
        total += term
    return (-rho).exp() * total


def fixed_point(learner: str, c: float, ratio: float) -> tuple[Decimal, Decimal, Decimal]:
    """q, 1 - q and ε = 1 - e^{-cq}, by waves from q = 1: q ← exp(-c R P_suc(c q))."""
    with localcontext() as context:
        context.prec, context.Emin = _DIGITS, -(10**17)
        mean, power = Decimal(c), Decimal(0)
        for _ in range(3_000):
            before = power
            power = -mean * Decimal(ratio) * success(learner, mean * power.exp())
            if abs(power - before) <= abs(power) * Decimal("1e-40"):
                break
        else:
            raise AssertionError(f"{c} and {ratio} are too near a threshold for this test")
        q = power.exp()
        # 1 - e^z loses the digits of a tiny z, which are those of z itself.
        rest = 1 - q if power < Decimal("-1e-25") else -power
        error = 1 - (-mean * q).exp() if mean * q > Decimal("1e-25") else mean * q
        return q, rest, error


def all_at_once(c: float, ratio: float) -> tuple[Decimal, Decimal, Decimal]:
    """The same if every text teaches all of its skills: q = e^{-cR}."""
    with localcontext() as context:
        context.prec = _DIGITS
        q = (-Decimal(c) * Decimal(ratio)).exp()
        return q, 1 - q, 1 - (-Decimal(c) * q).exp()


@pytest.mark.parametrize("learner", ["one", "d:2", "d:5", "capacity:1e-9", "capacity:0.6", "capacity:0.999999"])
def test_all_fractions_have_nine_digits(learner: str) -> None:
    for c in MEANS:
        for ratio in RATIOS:
            found = evolve(Ensemble.poisson(c, ratio), parse_learner(learner))
            measured = (found.unlearned, found.learned, found.testing_error)
            for ours, exact in zip(measured, fixed_point(learner, c, ratio), strict=True):
                if exact > _SMALLEST:
                    assert abs(Decimal(ours) / exact - 1) < Decimal("1e-9"), (c, ratio, ours, exact)
                else:
                    assert 0.0 <= ours <= 1e-300, (c, ratio, ours, exact)


def test_tables_of_degrees_have_nine_digits_too() -> None:
    """Texts of d skills, skills of k texts: x ← p (1 - (1 - x)^(d-1))^(k-1), q = p (1 - (1 - x)^(d-1))^k."""
    for d, k in ((1, 1), (2, 9), (3, 40), (4, 600), (3, 25), (6, 60)):
        ensemble = Ensemble(DegreeDistribution.regular(d), DegreeDistribution.regular(k))
        found = evolve(ensemble, parse_learner("one"), prior=0.25)
        x = Decimal("0.25")
        with localcontext() as context:
            context.prec = _DIGITS
            for _ in range(2_000):
                x = Decimal("0.25") * (1 - (1 - x) ** (d - 1)) ** (k - 1) if k > 1 else Decimal("0.25")
            q = Decimal("0.25") * (1 - (1 - x) ** (d - 1)) ** k
        assert found.learned == pytest.approx(1 - float(q), rel=1e-9)
        assert found.unlearned == pytest.approx(float(q), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize(
    ("last", "beyond", "sentence"),
    [
        (f"capacity:{math.nextafter(0.0, 1.0)!r}", "capacity:0", "between 0 and 1|0 < a < 1"),
        (f"capacity:{math.nextafter(1.0, 0.0)!r}", "capacity:1", "between 0 and 1|0 < a < 1"),
        ("d:1", "d:0", "from 1 to 10000"),
        ("d:10000", "d:10001", "from 1 to 10000"),
    ],
)
def test_capacities_are_taken_up_to_their_ends_and_refused_beyond(last: str, beyond: str, sentence: str) -> None:
    ensemble = Ensemble.poisson(3.0, 1.0)
    found = evolve(ensemble, parse_learner(last))
    assert found.converged
    # At the ends the closed forms of their limits hold: one skill at a time, or all skills of all texts at once.
    single = last in {"d:1", "capacity:5e-324"}
    limit = float(fixed_point("one", 3.0, 1.0)[0]) if single else math.exp(-3.0)
    assert found.unlearned == pytest.approx(limit, rel=1e-9)
    # With many texts hardly a skill is left, and with few hardly one is learned: nine digits only by further waves.
    for ratio in (1e-8, 20.0):
        extreme = evolve(Ensemble.poisson(3.0, ratio), parse_learner(last))
        exact = fixed_point("one", 3.0, ratio) if single else all_at_once(3.0, ratio)
        for ours, wanted in zip((extreme.unlearned, extreme.learned, extreme.testing_error), exact, strict=True):
            assert abs(Decimal(ours) / wanted - 1) < Decimal("1e-9"), (last, ratio, ours, wanted)
    with pytest.raises(AnalysisError, match=sentence):
        parse_learner(beyond)


def test_at_the_cusp_the_result_says_that_it_is_less_precise() -> None:
    """At c = e, R = 1 three solutions meet at 1/e: an error of 10⁻¹⁶ in the map moves the root by its cube root.

    A tenth beside it the root is single, and the result has nine digits again and says so; far beyond it, where q is
    small, only because further waves follow the root that was bracketed.
    """
    found = evolve(Ensemble.poisson(math.e, 1.0), parse_learner("one"))
    assert not found.converged
    off = abs(found.unlearned - 1 / math.e)
    assert off < 5 * np.cbrt(np.finfo(float).eps)
    for ratio in (0.9, 1.1, 4.0, 20.0):
        beside = evolve(Ensemble.poisson(math.e, ratio), parse_learner("one"))
        assert beside.converged
        exact = fixed_point("one", math.e, ratio)
        for ours, wanted in zip((beside.unlearned, beside.learned, beside.testing_error), exact, strict=True):
            assert abs(Decimal(ours) / wanted - 1) < Decimal("1e-9"), (ratio, ours, wanted)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("learner", ["one", "d:2", "d:400", "capacity:1e-9"])
def test_texts_too_long_to_teach_give_a_curve_that_never_starts_and_no_warning(learner: str) -> None:
    rule = parse_learner(learner)
    for texts in (DegreeDistribution.regular(3), DegreeDistribution.regular(400), DegreeDistribution.poisson(2_000.0)):
        for skills in (DegreeDistribution.poisson(1.5), DegreeDistribution.regular(1), DegreeDistribution.regular(3)):
            curve = SolutionCurve(Ensemble(texts, skills), rule)
            shares = curve.share(np.array([1e-12, 1e-3, 0.5]))
            assert np.all((shares > 0.0) & ~np.isnan(shares))
            found = evolve(Ensemble(texts, skills), rule)
            assert curve.unlearned(np.array([1.0]))[0] == pytest.approx(found.unlearned, abs=1e-6)
