"""The residual graph against its definitions, and cascades against peeling with what was taught as known."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.cascade import Cascade
from analysis.components import components
from analysis.graph import SkillTextGraph
from analysis.peeling import peel
from analysis.planning import best_sets, plan_bounds, plan_simpler, plan_skills, plan_texts
from analysis.residual import Reason, residual
from analysis.unlocking import unlock
from tests.analysis.reference import rows
from tests.analysis.strategies import graphs, masks, prerequisites, random_graph

fixed = settings(max_examples=25, derandomize=True, deadline=None)


@st.composite
def problems(draw, max_texts=8, max_skills=8):
    """(graph, capacity, learnable, prerequisites, what peeling learned)."""
    graph = draw(graphs(max_texts, max_skills))
    capacity = np.array(draw(st.lists(st.integers(0, 2), min_size=graph.n_texts, max_size=graph.n_texts)), np.int64)
    if draw(st.booleans()):
        capacity = np.ones(graph.n_texts, np.int64)
    learnable = draw(masks(graph.n_skills)) if draw(st.booleans()) else np.ones(graph.n_skills, bool)
    needed = draw(prerequisites(graph.n_skills)) if draw(st.booleans()) else None
    learned = peel(graph, capacity, learnable=learnable, prerequisites=needed).learned
    return graph, capacity, {"learnable": learnable, "prerequisites": needed}, learned


def _repeeled(graph, capacity, options, learned, taught, texts=None):
    """What is learned if these skills are known beforehand, by peeling anew."""
    known = learned.copy()
    known[list(taught)] = True
    return peel(graph if texts is None else texts, capacity, known=known, **options).learned


def _followed(graph, capacity, options, learned, taught):
    return set(np.flatnonzero(_repeeled(graph, capacity, options, learned, taught) & ~learned).tolist())


@fixed
@given(problems())
def test_reasons_are_what_they_say(problem):
    graph, capacity, options, learned = problem
    left = residual(graph, learned, capacity, **options)
    texts = rows(graph)
    pairs = list(zip(*options["prerequisites"], strict=True)) if options["prerequisites"] else []
    of = {s: [t for t, row in enumerate(texts) if s in row] for s in range(graph.n_skills)}
    lacks = [[s for s in row if not learned[s]] for row in texts]
    assert left.lacking.tolist() == [len(row) for row in lacks]
    for s in range(graph.n_skills):
        able = [t for t in of[s] if capacity[t] > 0]
        clean = [t for t in able if all(options["learnable"][u] for u in lacks[t])]
        near = [t for t in clean if len(lacks[t]) <= capacity[t]]
        twins = [u for u in range(graph.n_skills) if not learned[u] and of[u] == of[s]]
        expected = (
            Reason.LEARNED if learned[s]
            else Reason.UNUSED if not of[s]
            else Reason.FROZEN if not options["learnable"][s]
            else Reason.SILENT if not able
            else Reason.BESIDE if not clean
            else Reason.PREREQUISITE if near
            else Reason.INSEPARABLE if len(twins) > max(capacity[t] for t in of[s])
            else Reason.TOGETHER
        )  # fmt: skip
        assert Reason(left.reason[s]) is expected
        if expected is Reason.PREREQUISITE:
            assert any(q == s and not learned[p] for p, q in pairs)
        if not learned[s] and of[s]:
            assert left.twins[s] == len(twins)
            t = int(left.nearest[s])
            assert t in of[s]
            assert not clean or t in clean
            assert all(len(lacks[t]) - capacity[t] <= max(len(lacks[u]) - capacity[u], 0) for u in clean) or not clean


@fixed
@given(problems())
def test_peeling_leaves_a_stopping_set(problem):
    graph, capacity, options, learned = problem
    left = residual(graph, learned, capacity, **options)
    assert left.count(Reason.READY) == 0
    assert np.array_equal(left.texts_by_lacking(), np.bincount(left.lacking, minlength=1))
    assert left.component_sizes.sum() == left.n_lacking - left.count(Reason.UNUSED)
    waits = ~learned & (graph.skill_degrees > 0)
    assert np.array_equal(left.component, components(graph, waits).label)


@fixed
@given(problems())
def test_any_member_of_a_group_brings_all_of_it(problem):
    graph, capacity, options, learned = problem
    left = residual(graph, learned, capacity, **options)
    for g, size in enumerate(left.group_sizes):
        members = np.flatnonzero(left.group == g)
        assert len(members) == size >= 2
        for s in members:
            assert set(members.tolist()) <= _followed(graph, capacity, options, learned, [s])


def test_a_learned_set_that_is_not_all_is_told():
    graph = SkillTextGraph.from_csr([0, 1, 3], [0, 0, 1], n_skills=2)
    assert [Reason(r) for r in residual(graph, [True, False]).reason] == [Reason.LEARNED, Reason.READY]


@fixed
@given(problems(), st.data())
def test_a_cascade_is_peeling_with_what_was_taught_as_known(problem, data):
    graph, capacity, options, learned = problem
    cascade = Cascade(graph, learned, capacity, **options)
    before = [array.copy() for array in cascade.state]
    state = learned
    for _ in range(3):
        taught = data.draw(st.lists(st.integers(0, max(graph.n_skills - 1, 0)), max_size=2 if graph.n_skills else 0))
        expected = _followed(graph, capacity, options, state, taught)
        found = cascade.follow(taught)
        assert set(found.skills.tolist()) == expected
        assert len(found.skills) == len(expected)
        assert cascade.teach(taught).skills.tolist() == found.skills.tolist()
        after = _repeeled(graph, capacity, options, state, taught)
        assert found.texts == sum(
            all(after[row]) and not all(state[row]) for row in (np.array(r, int) for r in rows(graph))
        )
        state = after
        assert np.array_equal(cascade.learned, state)
    fresh = Cascade(graph, learned, capacity, **options)
    for old, new in zip(before[:-1], fresh.state[:-1], strict=True):
        assert np.array_equal(old, new)


@fixed
@given(problems())
def test_gains_are_those_of_single_cascades(problem):
    graph, capacity, options, learned = problem
    cascade = Cascade(graph, learned, capacity, **options)
    gains = cascade.gains()
    true = [len(_followed(graph, capacity, options, learned, [s])) for s in range(graph.n_skills)]
    assert gains.complete
    for s in range(graph.n_skills):
        assert gains.bound[s] == true[s] if gains.exact[s] else gains.bound[s] >= true[s]
        if gains.over[s] >= 0:
            assert s in _followed(graph, capacity, options, learned, [int(gains.over[s])])
    if not learned.all():
        assert gains.bound.max() == max(true) == max(true[s] for s in gains.sources)


def test_gains_through_a_core_are_those_without():
    """Near the threshold many cascades run into one large one; prerequisites take part."""
    rng = np.random.default_rng(5)
    graph = random_graph(rng, 1150, 1200, 4.0)
    order = rng.permutation(1200)
    needed = (order[:100], order[100:200])
    learned = peel(graph, 1, prerequisites=needed).learned
    cascade = Cascade(graph, learned, 1, prerequisites=needed)
    gains = cascade.gains()
    while gains.bound.max() <= 200:
        cascade.teach(rng.choice(np.flatnonzero(~cascade.learned), 5, replace=False))
        gains = cascade.gains()
    sizes = {int(s): len(cascade.follow([s]).skills) for s in np.flatnonzero(~cascade.learned)}
    assert max(sizes.values()) > 200
    assert gains.complete
    for s, size in sizes.items():
        assert gains.bound[s] == size if gains.exact[s] else gains.bound[s] >= size
    assert gains.bound.max() == max(sizes.values())


@fixed
@given(problems(max_texts=7, max_skills=7))
def test_the_first_step_is_the_best_and_bounds_hold(problem):
    graph, capacity, options, learned = problem
    cascade = Cascade(graph, learned, capacity, **options)
    lacking = np.flatnonzero(~learned).tolist()
    plan = plan_skills(cascade, 3, replicates=2)
    optimum = [
        max(
            (len(_followed(graph, capacity, options, learned, c)) for c in itertools.combinations(lacking, b)),
            default=0,
        )
        for b in range(min(3, len(lacking)) + 1)
    ]
    optimum += [optimum[-1]] * (4 - len(optimum))
    assert plan.value[min(1, len(plan.steps))] == optimum[1]
    assert all(step.exact for step in plan.steps)
    found = best_sets(cascade, 3)
    assert found == optimum[1 : len(found) + 1]
    assert len(found) == (3 if lacking else 0)
    bounds = plan_bounds(cascade, 3)
    assert (bounds[: len(optimum)] >= optimum).all()
    taught, state = [], learned
    for step in plan.steps:
        taught.append(step.skill)
        expected = _followed(graph, capacity, options, state, [step.skill])
        assert set(step.followed.skills.tolist()) == expected
        state = _repeeled(graph, capacity, options, state, [step.skill])
        assert step.value == len(expected)
    # skills are the caller's: nothing was changed
    assert np.array_equal(cascade.learned, learned)


@fixed
@given(problems(), st.data())
def test_weights_and_texts_count(problem, data):
    graph, capacity, options, learned = problem
    numbers = st.integers(0, 3)
    skill_value = data.draw(st.lists(numbers, min_size=graph.n_skills, max_size=graph.n_skills))
    text_value = data.draw(st.lists(numbers, min_size=graph.n_texts, max_size=graph.n_texts))
    cascade = Cascade(graph, learned, capacity, **options, skill_value=skill_value, text_value=text_value)

    def worth(taught):
        after = _repeeled(graph, capacity, options, learned, taught)
        texts = sum(
            text_value[t]
            for t, row in enumerate(rows(graph))
            if all(after[s] for s in row) and not all(learned[s] for s in row)
        )
        return sum(skill_value[s] for s in np.flatnonzero(after & ~learned)) + texts

    lacking = np.flatnonzero(~learned).tolist()
    best = max((worth([s]) for s in lacking), default=0)
    assert cascade.gains().bound.max(initial=0) == best
    pairs = [worth(pair) for pair in itertools.combinations(lacking, 2)]
    assert plan_bounds(cascade, 2)[2] >= max(pairs, default=best)


@fixed
@given(problems())
def test_simpler_texts(problem):
    graph, capacity, options, learned = problem
    cascade = Cascade(graph, learned, capacity, **options)
    texts = rows(graph)

    def without(t, s):
        changed = [row if i != t else [u for u in row if u != s] for i, row in enumerate(texts)]
        pointers = np.cumsum([0, *map(len, changed)])
        flat = np.array([s for row in changed for s in row], np.int64)
        return SkillTextGraph.from_csr(pointers, flat, graph.n_skills)

    def count(t, s):
        after = _repeeled(graph, capacity, options, learned, [], without(t, s))
        return int((after & ~learned).sum())

    best = max((count(t, s) for t, row in enumerate(texts) for s in row if not learned[s]), default=0)
    plan = plan_simpler(cascade, 2, replicates=2)
    assert plan.value[min(1, len(plan.steps))] == best
    assert all(step.exact for step in plan.steps)
    if plan.steps:
        first = plan.steps[0]
        assert count(first.text, first.skill) == first.value == len(first.followed.skills)
    assert plan.value[-1] <= plan_bounds(cascade, 2)[2]


@fixed
@given(problems(), st.data())
def test_texts_from_a_pool(problem, data):
    graph, capacity, options, learned = problem
    in_pool = data.draw(masks(graph.n_texts))
    first = np.where(in_pool, 0, capacity)
    learned = peel(graph, first, **options).learned
    cascade = Cascade(graph, learned, first, **options)
    pool = np.flatnonzero(in_pool & (capacity > 0))

    def worth(texts):
        given_ = first.copy()
        given_[texts] = capacity[texts]
        return int((peel(graph, given_, **options).learned & ~learned).sum())

    plan = plan_texts(cascade, pool, capacity[pool], 3, replicates=2)
    assert plan.value[min(1, len(plan.steps))] == max((worth([t]) for t in pool), default=0)
    assert plan.value[-1] == plan.learned[-1] == worth([step.text for step in plan.steps])
    most = int(capacity[pool].max(initial=1))
    sets = [worth(list(pair)) for pair in itertools.combinations(pool, 2)]
    assert plan_bounds(cascade, 2, each=most)[2] >= max(sets, default=0)


@fixed
@given(problems())
def test_growth_of_the_giant_component(problem):
    graph, capacity, options, learned = problem
    cascade = Cascade(graph, learned, capacity, **options)
    start = components(graph, learned).giant
    sizes = [
        components(graph, _repeeled(graph, capacity, options, learned, [s])).giant - start
        for s in np.flatnonzero(~learned)
    ]
    plan = plan_skills(cascade, 2, goal="giant", replicates=1)
    assert plan.value[min(1, len(plan.steps))] == max(sizes, default=0)


@fixed
@given(problems(max_texts=7, max_skills=7))
def test_smallest_unlocking_sets(problem):
    graph, capacity, options, learned = problem
    cascade = Cascade(graph, learned, capacity, **options)
    for skill in np.flatnonzero(~learned).tolist():
        others = [s for s in np.flatnonzero(~learned).tolist() if s != skill]
        works = [
            set(c)
            for size in range(1, len(others) + 1)
            for c in itertools.combinations(others, size)
            if skill in _followed(graph, capacity, options, learned, c)
        ]
        found = unlock(cascade, skill, most=99)
        assert found.proved
        assert bool(found.sets) == bool(works)
        if works:
            least = min(map(len, works))
            assert found.size == found.least == least
            assert all(set(c) in works for c in found.sets)
            if least == 1:
                assert {c[0] for c in found.sets} == {s for w in works if len(w) == 1 for s in w}
        else:
            assert Reason(residual(graph, learned, capacity, **options).reason[skill]).never


def test_a_search_that_is_broken_off_says_what_it_knows():
    rng = np.random.default_rng(2)
    graph = random_graph(rng, 150, 300, 5.0)
    learned = peel(graph).learned
    cascade = Cascade(graph, learned)
    waiting = np.flatnonzero(~learned & (graph.skill_degrees > 0))
    hard = [s for s in waiting[:40] if unlock(cascade, int(s), work=1).size > 2]
    found = unlock(cascade, int(hard[0]), work=1)
    assert not found.proved
    assert found.least == 2 < found.size
    assert hard[0] in cascade.follow(found.sets[0]).skills
    assert not cascade.gains(limit=10).complete
    assert plan_skills(cascade, 1, limit=10, replicates=1).steps[0].bound > 0
