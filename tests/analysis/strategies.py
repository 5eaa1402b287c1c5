"""Small random graphs and masks for property tests."""

from __future__ import annotations

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from analysis.graph import SkillTextGraph

# Fixed examples: a failure is one for everybody.
fixed = settings(max_examples=150, derandomize=True, deadline=None)

ENGINES = ("numpy", "numba")


@st.composite
def edge_lists(draw, max_texts=8, max_skills=8):
    """(text, skill, n_texts, n_skills), pairs in any order and repeated."""
    n_texts, n_skills = draw(st.integers(0, max_texts)), draw(st.integers(0, max_skills))
    pairs = st.tuples(st.integers(0, max(n_texts - 1, 0)), st.integers(0, max(n_skills - 1, 0)))
    edges = draw(st.lists(pairs, max_size=30 if n_texts and n_skills else 0))
    return [t for t, _ in edges], [s for _, s in edges], n_texts, n_skills


@st.composite
def graphs(draw, max_texts=8, max_skills=8):
    return SkillTextGraph.from_edges(*draw(edge_lists(max_texts, max_skills)))


@st.composite
def masks(draw, size):
    return np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)), dtype=np.bool_)


@st.composite
def prerequisites(draw, n_skills):
    """Pairs along a random order of the skills, so without a cycle."""
    order = draw(st.permutations(range(n_skills)))
    places = st.integers(0, max(n_skills - 1, 0))
    pairs = draw(st.lists(st.tuples(places, places), max_size=6 if n_skills else 0))
    chosen = [(order[min(p)], order[max(p)]) for p in pairs if p[0] != p[1]]
    return np.array([p for p, _ in chosen], np.int64), np.array([q for _, q in chosen], np.int64)


def random_graph(rng, n_texts, n_skills, mean_skills):
    """Poisson texts, skills uniform."""
    sizes = rng.poisson(mean_skills, n_texts)
    text = np.repeat(np.arange(n_texts), sizes)
    return SkillTextGraph.from_edges(text, rng.integers(0, n_skills, len(text)), n_texts, n_skills)
