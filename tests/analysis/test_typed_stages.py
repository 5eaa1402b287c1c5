"""Giant components of what is learned in two stages, against one stage and against random graphs."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from analysis.components import components
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from analysis.learners import DSkillLearner, Learner, OneSkillLearner, RandomCapacityLearner
from analysis.peeling import peel
from analysis.percolation import AssociationRule
from analysis.sampling import class_graph
from analysis.typed import TypedEnsemble
from analysis.typed_evolution import (
    EarlierStage,
    TypedEvolution,
    TypedPrerequisites,
    TypedRecursion,
    evolve_typed,
)
from analysis.typed_percolation import typed_giant
from analysis.typed_stages import typed_giant_of_stages, understood_in_the_end

MEANS = np.array([[2.4, 0.0], [1.0, 1.7]])
"""Texts of the base require basic skills only; the others require both."""
Stage = tuple[TypedRecursion, TypedEvolution]


@cache
def drawn(skills: int, seed: int) -> tuple[SkillTextGraph, np.ndarray, np.ndarray]:
    found = class_graph(MEANS, (skills // 3, skills // 3), (skills // 2, skills // 2), np.random.default_rng(seed))
    return found.graph, found.text_class, found.skill_class


def stages(
    ensemble: TypedEnsemble, learners: tuple[Learner, Learner], closed: np.ndarray | None
) -> tuple[Stage, Stage]:
    none = np.ones(ensemble.n_types)
    silent = np.where(ensemble.edge_class == 0, np.nan, 0.0)
    first = TypedRecursion(ensemble, learners[0], none, taught=silent)
    start = evolve_typed(ensemble, learners[0], taught=silent)
    kept = np.where(ensemble.edge_class == 1, np.nan, start.taught)
    second = TypedRecursion(ensemble, learners[1], none, taught=kept, closed=closed)
    return (first, start), (second, evolve_typed(ensemble, learners[1], taught=kept, closed=closed))


@pytest.mark.parametrize("rule", ["any", "understood"])
@pytest.mark.parametrize("frozen", [False, True], ids=["continued", "frozen"])
@pytest.mark.parametrize(
    "learners",
    [(OneSkillLearner(), OneSkillLearner()), (DSkillLearner(2), RandomCapacityLearner(0.7))],
    ids=lambda pair: "-".join(learner.name for learner in pair),
)
def test_random_graphs_do_as_predicted(learners: tuple[Learner, Learner], frozen: bool, rule: AssociationRule) -> None:
    """40,000 skills: the largest component strays by less than 0.01 from graph to graph, away from the threshold."""
    graph, text_class, skill_class = drawn(40_000, 1)
    closed = np.array([True, False]) if frozen else None
    ensemble = TypedEnsemble.from_graph(graph, skill_class, text_class=text_class)
    first, second = stages(ensemble, learners, closed)
    rng = np.random.default_rng(2)
    learned = np.zeros(graph.n_skills, dtype=bool)
    for number, learner in enumerate(learners):
        part = graph.subset(text_class == number)
        result = peel(
            part,
            learner.capacities(part.n_texts, rng),
            known=learned,
            learnable=skill_class == 1 if frozen and number else None,
        )
        learned = result.learned
    assert second[1].learned == pytest.approx(learned.mean(), abs=0.01)
    measured = components(graph, learned, rule).giant / graph.n_skills
    assert typed_giant_of_stages([first, second], rule) == pytest.approx(measured, abs=0.015)


@pytest.mark.parametrize("rule", ["any", "understood"])
def test_a_first_stage_without_texts_is_one_stage(rule: AssociationRule) -> None:
    """Texts of one skill that no other text requires are read first: they reach nothing of the rest."""
    graph, _, skill_class = drawn(3_000, 3)
    texts = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
    alone = SkillTextGraph.from_edges(
        [*texts, graph.n_texts], [*graph.text_skills, graph.n_skills], graph.n_texts + 1, graph.n_skills + 1
    )
    kinds = np.append(skill_class, 2)
    text_class = np.append(np.ones(graph.n_texts, int), 0)
    ensemble = TypedEnsemble.from_graph(alone, kinds, text_class=text_class)
    first, second = stages(ensemble, (OneSkillLearner(), DSkillLearner(2)), None)
    plain = TypedEnsemble.from_graph(graph, skill_class)
    recursion = TypedRecursion(plain, DSkillLearner(2), np.ones(2))
    wanted = typed_giant(recursion, evolve_typed(plain, DSkillLearner(2)), rule) * graph.n_skills / alone.n_skills
    assert typed_giant_of_stages([first, second], rule) == pytest.approx(wanted, abs=1e-5)


def test_what_the_equations_do_not_cover_is_refused() -> None:
    graph, text_class, skill_class = drawn(3_000, 3)
    ensemble = TypedEnsemble.from_graph(graph, skill_class, text_class=text_class)
    first, second = stages(ensemble, (OneSkillLearner(), OneSkillLearner()), None)
    with pytest.raises(AnalysisError, match="'any' or 'understood'"):
        typed_giant_of_stages([first, second], "all")  # type: ignore[arg-type]
    with pytest.raises(AnalysisError, match="every text to be read at one of them"):
        typed_giant_of_stages([first, first])


CHAIN = np.array([[2.0, 0.0, 0.0], [0.9, 1.2, 0.0], [0.6, 0.5, 1.0]])
"""Texts of three stages: each requires skills of the stages before it too."""


def chain(ensemble: TypedEnsemble, learners: tuple[Learner, ...], closed: list[np.ndarray | None]) -> list[Stage]:
    """A layer that goes on from a layer that goes on from a layer; texts of later stages are silent."""
    found: list[Stage] = []
    taught = np.zeros(ensemble.n_edge_types)
    for number, learner in enumerate(learners):
        given = np.where(ensemble.edge_class == number, np.nan, np.where(ensemble.edge_class < number, taught, 0.0))
        recursion = TypedRecursion(ensemble, learner, np.ones(ensemble.n_types), taught=given, closed=closed[number])
        found.append((recursion, evolve_typed(ensemble, learner, taught=given, closed=closed[number])))
        taught = found[-1][1].taught
    return found


@pytest.mark.parametrize(
    "modes", ["continued-continued", "frozen-continued", "continued-frozen", "frozen-frozen"], ids=str
)
@pytest.mark.parametrize(
    "learners",
    [(OneSkillLearner(),) * 3, (DSkillLearner(2), OneSkillLearner(), RandomCapacityLearner(0.7))],
    ids=lambda kinds: "-".join(learner.name for learner in kinds),
)
def test_three_stages_do_as_predicted(learners: tuple[Learner, ...], modes: str) -> None:
    """Learned skills, understood texts and both giants on one random graph of 45,000 skills.

    Fractions stray by 1 / sqrt(45,000) < 0.005 or so, the largest component by less than 0.01 away from the threshold.
    """
    drawn = class_graph(CHAIN, (15_000,) * 3, (19_000, 20_000, 21_000), np.random.default_rng(5))
    graph, text_class, skill_class = drawn.graph, drawn.text_class, drawn.skill_class
    ensemble = TypedEnsemble.from_graph(graph, skill_class, text_class=text_class)
    kinds = np.arange(3)
    closed = [None, *(kinds <= at if mode == "frozen" else None for at, mode in enumerate(modes.split("-")))]
    rng = np.random.default_rng(6)
    learned = np.zeros(graph.n_skills, dtype=bool)
    for number, learner in enumerate(learners):
        part = graph.subset(text_class == number)
        shut = closed[number]
        learnable = None if shut is None else ~shut[skill_class]
        learned = peel(part, learner.capacities(part.n_texts, rng), known=learned, learnable=learnable).learned
    stages = chain(ensemble, learners, closed)
    assert stages[-1][1].learned == pytest.approx(learned.mean(), abs=0.01)
    texts = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
    whole = np.bincount(texts, ~learned[graph.text_skills], minlength=graph.n_texts) == 0
    by_text = understood_in_the_end(stages)[ensemble.texts.of]
    for number in range(3):
        assert by_text[text_class == number].mean() == pytest.approx(whole[text_class == number].mean(), abs=0.015)
    for rule in ("any", "understood"):
        measured = components(graph, learned, rule).giant / graph.n_skills  # type: ignore[arg-type]
        assert typed_giant_of_stages(stages, rule) == pytest.approx(measured, abs=0.015)  # type: ignore[arg-type]


@pytest.mark.parametrize("frozen", [False, True], ids=["continued", "frozen"])
@pytest.mark.parametrize("again", [False, True], ids=["new texts", "all texts again"])
def test_stages_with_prerequisites_do_as_predicted(frozen: bool, again: bool) -> None:
    """A base learns before it knows all prerequisites; what waited there needs a text of the next stage.

    Basic skills: levels 0 and 1, and some that need a domain skill, which only the second stage knows of. Domain
    skills: level 0, and some that need one of either class. 40,000 skills, so a type strays by 0.006 or so.
    """
    graph, text_class, skill_class = drawn(40_000, 1)
    rng = np.random.default_rng(8)
    kind = np.where(skill_class == 0, rng.integers(0, 3, graph.n_skills), 3 + rng.integers(0, 2, graph.n_skills))

    def pairs(before: int, after: int) -> tuple[np.ndarray, np.ndarray]:
        later = np.flatnonzero(kind == after)
        return rng.choice(np.flatnonzero(kind == before), len(later)), later

    known_at_once = [pairs(0, 1), pairs(0, 4)]
    links = [*known_at_once, pairs(3, 2), pairs(3, 4)]
    before, after = (np.concatenate([link[side] for link in links]) for side in (0, 1))
    since = np.repeat([0, 0, 1, 1], [len(link[0]) for link in links])

    closed = np.arange(5) < 3 if frozen else None
    first_reads = text_class == 0
    reads = [first_reads, np.ones(graph.n_texts, bool) if again else ~first_reads]
    learned = np.zeros(graph.n_skills, dtype=bool)
    for number, read in enumerate(reads):
        held = since <= number
        learned = peel(
            graph.subset(read),
            known=learned,
            learnable=skill_class == 1 if frozen and number else None,
            prerequisites=(before[held], after[held]),
        ).learned

    ensemble = TypedEnsemble.from_graph(graph, kind, text_class=text_class)
    left: list[EarlierStage] = []
    for number in range(2):
        now = (ensemble.edge_class == 0) if number == 0 else (again | (ensemble.edge_class == 1))
        held = since <= number
        needs = TypedPrerequisites.from_pairs(before[held], after[held], kind, since=since[held], earlier=left)
        old = left[-1].taught if left else np.zeros(ensemble.n_edge_types)
        found = evolve_typed(
            ensemble,
            prerequisites=needs,
            taught=None if now.all() else np.where(now, np.nan, old),
            closed=closed if number else None,
        )
        left.append(EarlierStage(np.where(now, found.taught, 0.0), found.unlearned_by_type))
        at_each_set = needs.waits(found.unlearned_by_type)
        assert np.allclose(np.sum([share for _, share in at_each_set], axis=0), 1.0)
        assert min(share.min() for _, share in at_each_set) > -1e-9
    by_type = np.bincount(kind, learned) / np.bincount(kind)
    assert 1.0 - found.unlearned_by_type == pytest.approx(by_type, abs=0.02)
    assert found.learned == pytest.approx(learned.mean(), abs=0.01)
    assert np.all(np.diff(found.trajectory) <= 1e-9)
