"""Deduction from outcomes without noise, against all states that explain them."""

from itertools import product

import numpy as np
import pytest

from analysis.deduction import deduce
from analysis.graph import SkillTextGraph
from tests.evidence.reference import random_graph, rows, simulate


@pytest.mark.parametrize("seed", range(25))
def test_it_finds_all_that_can_be_found(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, int(rng.integers(3, 20)), 8, 2, least=0)
    _, scores = simulate(rng, graph, 0.6, 0.0, 0.0)
    attempted = rng.random(graph.n_texts) < 0.9
    texts = rows(graph)
    possible = np.array(
        [
            state
            for state in product((0, 1), repeat=8)
            if all(
                all(state[s] for s in skills) == (scores[t] == 1.0) for t, skills in enumerate(texts) if attempted[t]
            )
        ],
        dtype=bool,
    )
    found = deduce(graph, scores == 1.0, attempted)
    np.testing.assert_array_equal(found.proved, possible.all(axis=0))
    np.testing.assert_array_equal(found.disproved, ~possible.any(axis=0))
    np.testing.assert_array_equal(found.open, possible.any(axis=0) & ~possible.all(axis=0))
    assert ((found.proof >= 0) == ~found.open).all()
    assert not len(found.contradictions)
    for skill in np.flatnonzero(~found.open):
        assert skill in texts[found.proof[skill]]
        assert attempted[found.proof[skill]]


def test_contradictions_are_named():
    graph = SkillTextGraph.from_csr([0, 1, 2, 4], [0, 1, 0, 1], n_skills=2)
    assert deduce(graph, [True, True, False]).contradictions.tolist() == [2]
