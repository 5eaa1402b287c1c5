"""What theory says from parameters alone: curves, thresholds, classes, hierarchies, random graphs of finite size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.density_evolution import (
    ExitCurve,
    asymptotic_texts,
    evolve,
    exit_curve,
    learned_fraction_curve,
    testing_error,
    texts_for_error,
)
from analysis.ensembles import DegreeDistribution, Ensemble, MultiClassEnsemble
from analysis.finite_size import FiniteSizeFit, fit_finite_size, stall_probability
from analysis.hierarchy import HierarchyEnsemble, HierarchyResult, compare_training
from analysis.learners import Learner, OneSkillLearner, parse_learner
from analysis.percolation import (
    PercolationRule,
    critical_occupation,
    giant_learned,
    giant_site,
    percolation_threshold,
    predict,
)
from analysis.replicates import learned_fraction_replicates, learning_replicates
from analysis.sampling import poisson_graph
from analysis.threshold import StabilityRegion, emergence_threshold, emergence_threshold_of, stability_region
from explorer.errors import SkillgraphError
from explorer.service.expectation import first_giant

__all__ = [
    "ClassesTheory",
    "CurvePoint",
    "DegreesTheory",
    "FiniteSize",
    "HierarchyTheory",
    "PercolationTheory",
    "SimulatedBand",
    "TextsNeeded",
    "TrainingTheory",
    "Waves",
    "classes",
    "curve",
    "degrees",
    "exit_curves",
    "finite_size",
    "hierarchy",
    "percolation",
    "simulate",
    "stability",
    "texts_needed",
    "waves",
]


@dataclass(frozen=True)
class CurvePoint:
    """Density evolution at one ratio; fractions of all skills.

    Attributes:
        ratio: R, texts per skill.
        learned: 1 - q.
        testing_error: Probability that a fresh text is not understood.
        giant_any: Giant component of the learned skills, joined by any text.
        giant_understood: The same, joined by understood texts.
        giant_site: The same if as many skills were kept at random.
    """

    ratio: float
    learned: float
    testing_error: float
    giant_any: float
    giant_understood: float
    giant_site: float


@dataclass(frozen=True)
class Waves:
    """Wave by wave; index k is after round k of reading all texts.

    Attributes:
        learned: Learned fraction of all skills.
        testing_error: Probability that a fresh text is not understood.
    """

    learned: tuple[float, ...]
    testing_error: tuple[float, ...]


@dataclass(frozen=True)
class TextsNeeded:
    """How many texts a wanted testing error takes.

    Attributes:
        texts: T, from density evolution.
        ratio: T over the number of skills.
        asymptotic: (S/c) ln(c/ε), the law for small errors.
        threshold: R*, which the ratio must exceed where there is a jump; None where learning grows gradually.
    """

    texts: float
    ratio: float
    asymptotic: float
    threshold: float | None


@dataclass(frozen=True)
class PercolationTheory:
    """Where the learned skills first have a giant component.

    Attributes:
        any: R from which on they have one, joined by any text.
        understood: The same, joined by understood texts.
        site: R at which the published condition (1-q)c²R = 1 holds.
        critical_occupation: Fraction of randomly kept skills from which on they have one, at the ratio that was given;
            None without a ratio.
    """

    any: float
    understood: float
    site: float
    critical_occupation: float | None


@dataclass(frozen=True)
class DegreesTheory:
    """Random graphs with any degrees of texts and skills; fractions are of all skills unless said otherwise.

    Attributes:
        mean_skills: c.
        ratio: R, which the two mean degrees fix.
        learned: 1 - q.
        understood: Fraction of the texts that are understood in the end.
        testing_error: Probability that a fresh text of these degrees is not understood.
        waves: Learned fraction after round k of reading all texts, k = 0, 1, ...
        threshold: R* at which skills emerge at once, with so many more or fewer texts of the same kind; None if
            learning grows gradually.
        unlearned_at_threshold: Unlearned fraction just below the jump; None likewise.
        giant_any: Giant component of the learned skills, joined by any text.
        giant_understood: The same, joined by understood texts.
        giant_site: The same if as many skills were kept at random.
        condition: Site percolation: above 1 the learned skills, if kept at random, have a giant component.
        critical_occupation: Fraction of randomly kept skills from which on they have one; None if none is enough.
        percolation: R from which on the learned skills have a giant component, joined by any text; None if all texts
            are not enough.
    """

    mean_skills: float
    ratio: float
    learned: float
    understood: float
    testing_error: float
    waves: tuple[float, ...]
    threshold: float | None
    unlearned_at_threshold: float | None
    giant_any: float | None
    giant_understood: float | None
    giant_site: float
    condition: float
    critical_occupation: float | None
    percolation: float | None


@dataclass(frozen=True)
class ClassesTheory:
    """Several classes; one entry a class.

    Attributes:
        learned: Learned fraction of all skills.
        unlearned_by_class: q_k.
        testing_error_by_class: For each class of texts.
        understood_by_class: Fraction of the texts of a class that are understood in the end.
    """

    learned: float
    unlearned_by_class: tuple[float, ...]
    testing_error_by_class: tuple[float, ...]
    understood_by_class: tuple[float, ...]


@dataclass(frozen=True)
class TrainingTheory:
    """One way to train; unlearned fractions.

    Attributes:
        unlearned_basic: q_b.
        unlearned_domain: q_d.
        learned: Learned fraction of all skills.
        testing_error: Of fresh domain texts (of foundation texts in the foundation's row, of both in joint's).
    """

    unlearned_basic: float
    unlearned_domain: float
    learned: float
    testing_error: float


@dataclass(frozen=True)
class HierarchyTheory:
    """A foundation and three ways to fine-tune it."""

    foundation: TrainingTheory
    frozen: TrainingTheory
    continued: TrainingTheory
    joint: TrainingTheory


@dataclass(frozen=True)
class SimulatedBand:
    """One quantity of random Poisson graphs beside its prediction.

    Attributes:
        quantity: Short name, stable.
        predicted: Of density evolution, for infinitely many skills; None where it has none.
        mean: Over the graphs.
        standard_error: Of the mean.
        low: 2.5 % quantile over the graphs.
        high: 97.5 % quantile.
    """

    quantity: str
    predicted: float | None
    mean: float
    standard_error: float
    low: float
    high: float


@dataclass(frozen=True)
class FiniteSize:
    """How a finite number of skills blurs the threshold; fitted to simulations, not derived.

    Attributes:
        fit: α and β with standard errors.
        skills: S that the probabilities are for.
        ratios: R.
        stall_probability: Probability that learning stalls at each ratio.
    """

    fit: FiniteSizeFit
    skills: int
    ratios: tuple[float, ...]
    stall_probability: tuple[float, ...]


def curve(mean_skills: float, ratios: Sequence[float], learner: str = "one") -> tuple[CurvePoint, ...]:
    """Learned fraction, testing error and giant components for growing ratios, for Poisson texts.

    Args:
        mean_skills: c.
        ratios: R, in any order.
        learner: As on the command line.

    Raises:
        AnalysisError: c or a ratio is negative, or the learner is none.
    """
    rule = parse_learner(learner)
    learned = learned_fraction_curve(mean_skills, np.asarray(ratios), rule)
    errors = testing_error(mean_skills, 1.0 - learned)
    return tuple(
        CurvePoint(
            ratio=float(R),
            learned=float(share),
            testing_error=float(error),
            giant_any=giant_learned(mean_skills, R, "any", rule),
            giant_understood=giant_learned(mean_skills, R, "understood", rule),
            giant_site=giant_site(mean_skills, R, rule),
        )
        for R, share, error in zip(ratios, learned, errors, strict=True)
    )


def waves(mean_skills: float, ratio: float, learner: str = "one") -> Waves:
    """Learned fraction and testing error after each wave, for Poisson texts."""
    trajectory = evolve(Ensemble.poisson(mean_skills, ratio), parse_learner(learner)).trajectory
    return Waves(tuple((1.0 - trajectory).tolist()), tuple(testing_error(mean_skills, trajectory).tolist()))


def exit_curves(mean_skills: float, ratio: float, learner: str = "one", points: int = 101) -> ExitCurve:
    """The EXIT curves of texts and skills for Poisson texts; where they first meet, learning stops."""
    return exit_curve(Ensemble.poisson(mean_skills, ratio), parse_learner(learner), points=points)


def texts_needed(mean_skills: float, error: float, skills: float, learner: str = "one") -> TextsNeeded:
    """Texts needed for a wanted testing error, for Poisson texts.

    Args:
        mean_skills: c.
        error: ε wanted, between 0 and 1.
        skills: S.
        learner: As on the command line.

    Raises:
        AnalysisError: A value outside its range, or an error that no number of texts reaches.
    """
    rule = parse_learner(learner)
    texts = texts_for_error(mean_skills, error, skills, rule)
    return TextsNeeded(
        texts=texts,
        ratio=texts / skills,
        asymptotic=asymptotic_texts(mean_skills, error, skills),
        threshold=emergence_threshold(mean_skills, rule).ratio,
    )


def percolation(mean_skills: float, ratio: float | None = None, learner: str = "one") -> PercolationTheory:
    """Ratios at which the learned skills' giant component appears, for Poisson texts."""
    rule = parse_learner(learner)

    def at(percolation_rule: PercolationRule) -> float:
        return percolation_threshold(mean_skills, percolation_rule, rule)

    occupation = None if ratio is None else critical_occupation(Ensemble.poisson(mean_skills, ratio))
    return PercolationTheory(at("any"), at("understood"), at("site"), occupation)


def degrees(texts: str, skills: str, learner: str = "one") -> DegreesTheory:
    """Density evolution, thresholds and giant components of random graphs with given degrees.

    Args:
        texts: Skills of a text: `regular:4`, `poisson:4`, or numbers with probabilities, `1:0.2,4:0.8`.
        skills: Texts of a skill, in the same notation.
        learner: As on the command line.

    Raises:
        AnalysisError: Probabilities that do not sum to 1, or texts without skills.
        SkillgraphError: Degrees of another form.
    """
    rule = parse_learner(learner)
    ensemble = Ensemble(_distribution(texts), _distribution(skills))
    if ensemble.mean_skills == 0.0 or ensemble.ratio == 0.0:
        raise SkillgraphError("no text requires a skill: there is nothing to learn")
    found, evolved = predict(ensemble, rule), evolve(ensemble, rule)
    jump, occupation = emergence_threshold_of(ensemble, rule), critical_occupation(ensemble)
    return DegreesTheory(
        mean_skills=ensemble.mean_skills,
        ratio=ensemble.ratio,
        learned=found.learned,
        understood=evolved.understood,
        testing_error=found.testing_error,
        waves=tuple((1.0 - evolved.trajectory).tolist()),
        threshold=jump.ratio,
        unlearned_at_threshold=jump.unlearned,
        giant_any=found.giant_any,
        giant_understood=found.giant_understood,
        giant_site=found.giant_site,
        condition=found.condition,
        critical_occupation=occupation if occupation <= 1.0 else None,
        percolation=first_giant(ensemble, rule),
    )


def _degree(text: str) -> int:
    number = int(text)
    if number > 2**31 - 1:
        raise SkillgraphError(f"{number} is not a degree: a text or skill has at most {2**31 - 1} of the others")
    return number


def _distribution(text: str) -> DegreeDistribution:
    kind, _, value = text.partition(":")
    try:
        if kind == "regular":
            return DegreeDistribution.regular(_degree(value))
        if kind == "poisson":
            return DegreeDistribution.poisson(float(value))
        pairs = [pair.split(":") for pair in text.split(",")]
        numbers, chances = zip(*((_degree(number), float(chance)) for number, chance in pairs), strict=True)
    except ValueError:
        raise SkillgraphError(
            f"{text!r} is not a degree distribution; give regular:4, poisson:4, or numbers with "
            "probabilities, 1:0.2,4:0.8"
        ) from None
    return DegreeDistribution.from_pmf(numbers, chances)


def _classes(
    shares: Sequence[float], ratios: Sequence[float], mean_skills: Sequence[Sequence[float]]
) -> MultiClassEnsemble:
    if len({len(row) for row in mean_skills} | {len(shares)}) > 1 or len(mean_skills) != len(ratios):
        raise SkillgraphError(
            f"mean skills must have a row for each of the {len(ratios)} classes of texts with a number for each of the "
            f"{len(shares)} classes of skills, such as '3,1;0.5,4'"
        )
    return MultiClassEnsemble(np.asarray(shares), np.asarray(ratios), np.asarray(mean_skills))


def classes(
    shares: Sequence[float], ratios: Sequence[float], mean_skills: Sequence[Sequence[float]], learner: str = "one"
) -> ClassesTheory:
    """Density evolution with several classes of skills and texts, Poisson within each pair.

    Args:
        shares: α_k, fractions of the skills, which sum to 1.
        ratios: R_j, texts of each class for each skill.
        mean_skills: c_jk, a row for each class of texts.
        learner: As on the command line.

    Raises:
        AnalysisError: Values outside their range.
        SkillgraphError: Rows that do not fit.
    """
    found = evolve(_classes(shares, ratios, mean_skills), parse_learner(learner))
    return ClassesTheory(
        found.learned,
        tuple(found.unlearned_by_class.tolist()),
        tuple(found.testing_error_by_class.tolist()),
        tuple(found.understood_by_class.tolist()),
    )


def stability(
    shares: Sequence[float], mean_skills: Sequence[Sequence[float]], learner: str = "one", unlearned: float = 0.5
) -> StabilityRegion:
    """Ratios of two classes of texts with which all classes of skills are learned; arguments as for `classes`."""
    return stability_region(
        _classes(shares, [1.0] * len(mean_skills), mean_skills), parse_learner(learner), unlearned=unlearned
    )


def hierarchy(ensemble: HierarchyEnsemble, learner: str = "one") -> HierarchyTheory:
    """A foundation, and frozen, continued and joint training on it, for Poisson texts."""
    found: HierarchyResult = compare_training(ensemble, parse_learner(learner))

    def row(mode: str) -> TrainingTheory:
        result = getattr(found, mode)
        basic, domain = result.unlearned_by_class.tolist()
        return TrainingTheory(basic, domain, result.learned, result.testing_error)

    return HierarchyTheory(row("foundation"), row("frozen"), row("continued"), row("joint"))


def simulate(
    mean_skills: float,
    ratio: float,
    skills: int,
    learner: str = "one",
    *,
    replicates: int = 100,
    seed: int = 0,
    workers: int = 1,
) -> tuple[SimulatedBand, ...]:
    """Draw Poisson graphs, peel each, and lay the results beside density evolution.

    Args:
        mean_skills: c.
        ratio: R.
        skills: S, at least 1.
        learner: As on the command line.
        replicates: Number of graphs.
        seed: Each graph has a generator of its own spawned from it.
        workers: Threads; the result does not depend on them.

    Raises:
        AnalysisError: A value outside its range.
    """
    rule = parse_learner(learner)
    predicted = evolve(Ensemble.poisson(mean_skills, ratio), rule)
    if skills < 1:
        raise SkillgraphError(f"skills is {skills}; it must be at least 1")
    found = learning_replicates(
        lambda rng: poisson_graph(mean_skills, round(ratio * skills), skills, rng),
        rule,
        replicates=replicates,
        seed=seed,
        workers=workers,
    )
    rows = (
        ("learned", predicted.learned, found.learned),
        ("understood", predicted.understood, found.understood),
        ("giant_any", giant_learned(mean_skills, ratio, "any", rule), found.giant),
        ("waves", None, found.waves),
    )
    return tuple(
        SimulatedBand(name, theory, values.mean, values.standard_error, *values.band(0.95))
        for name, theory, values in rows
    )


def finite_size(
    mean_skills: float, skills: int, learner: str = "one", *, replicates: int = 100, seed: int = 0, workers: int = 1
) -> FiniteSize:
    """Fit the finite-size scaling of the threshold to simulated stalls, and apply it to a number of skills.

    Graphs of 800, 1600 and 3200 skills are peeled at three ratios around R* each; one has stalled if it learns less
    than halfway between the two branches.

    Args:
        mean_skills: c; there must be a jump.
        skills: S that the stall probabilities are for.
        learner: As on the command line.
        replicates: Graphs at each ratio and size.
        seed: Of the simulations.
        workers: Threads.

    Raises:
        SkillgraphError: Learning grows gradually: there is nothing to blur.
    """
    rule = parse_learner(learner)
    jump = emergence_threshold(mean_skills, rule)
    if jump.ratio is None or jump.unlearned is None or jump.unlearned_after is None:
        raise SkillgraphError(
            f"with c = {mean_skills:g} and learner {rule.name} learning grows gradually: no threshold"
        )
    middle = 1.0 - 0.5 * (jump.unlearned + jump.unlearned_after)
    series = [
        (size, round(size * jump.ratio * (1.0 + step / np.sqrt(size))) / size)
        for size in (800, 1600, 3200)
        for step in (-1.0, 0.5, 2.0)
    ]
    seeds = np.random.SeedSequence(seed).generate_state(len(series)).tolist()
    stalled = [
        _stalled(mean_skills, ratio, size, rule, middle, replicates, number, workers)
        for (size, ratio), number in zip(series, seeds, strict=True)
    ]
    sizes, at = zip(*series, strict=True)
    fit = fit_finite_size(sizes, at, stalled, [replicates] * len(series), jump.ratio)
    width = 3.0 * fit.alpha / np.sqrt(skills)
    center = jump.ratio + fit.beta * skills ** (-2.0 / 3.0)
    ratios = np.linspace(max(center - width, 0.0), center + width, 13)
    chance = stall_probability(ratios, skills, jump.ratio, fit.alpha, fit.beta)
    return FiniteSize(fit, skills, tuple(ratios.tolist()), tuple(chance.tolist()))


def _stalled(
    mean_skills: float,
    ratio: float,
    size: int,
    rule: Learner,
    middle: float,
    replicates: int,
    seed: int,
    workers: int,
) -> int:
    learned = learned_fraction_replicates(
        mean_skills,
        ratio,
        size,
        capacity=1 if rule == OneSkillLearner() else lambda rng, n_texts: rule.capacities(n_texts, rng),
        replicates=replicates,
        seed=seed,
        workers=workers,
    )
    return int(np.count_nonzero(learned.values < middle))
