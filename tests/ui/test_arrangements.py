"""Arrangements other than islands."""

import itertools

import numpy as np
import pytest

from ui.drawing.arrangements import ARRANGEMENTS, arrange
from ui.drawing.graphs import LayerGraph, subgraph


@pytest.mark.parametrize("arrangement", [key for key in ARRANGEMENTS if key != "islands"])
def test_all_in_the_box_and_the_same_every_time(small_graph: LayerGraph, arrangement: str) -> None:
    edges = np.arange(small_graph.m)
    first, second = (arrange(small_graph, edges, arrangement) for _ in range(2))
    assert np.array_equal(first.x, second.x)
    assert np.array_equal(first.y, second.y)
    assert np.ptp(first.x) <= 760 + 1e-6
    assert np.ptp(first.y) <= 560 + 1e-6
    away = np.hypot(first.x[:, None] - first.x, first.y[:, None] - first.y) + np.eye(small_graph.n) * 1e9
    assert away.min() > 1.0, "no two on the same spot"


def test_rows_go_down_with_the_waves(small_graph: LayerGraph) -> None:
    found = arrange(small_graph, np.arange(small_graph.m), "waves")
    waves = sorted(set(small_graph.wave.tolist()))
    rows = [found.y[small_graph.wave == wave] for wave in waves]
    assert all(above.max() < below.min() for above, below in itertools.pairwise(rows))
    assert [mark[0] for mark in found.marks] == ["known before" if w == 0 else f"wave {w}" for w in waves]


def test_rings_go_out_with_the_waves(small_graph: LayerGraph) -> None:
    found = arrange(small_graph, np.arange(small_graph.m), "rings")
    first = small_graph.wave == small_graph.wave.min()
    away = np.hypot(found.x - found.x[first].mean(), found.y - found.y[first].mean())
    means = [away[small_graph.wave == wave].mean() for wave in sorted(set(small_graph.wave.tolist()))]
    assert means == sorted(means)


def test_rows_have_fewer_crossings_than_chance(small_graph: LayerGraph) -> None:
    """The barycentre order, against the mean of random orders of the same rows."""
    found = arrange(small_graph, np.arange(small_graph.m), "waves")
    wave = small_graph.wave
    first, second = np.flatnonzero(wave == 1), np.flatnonzero(wave == 2)
    between = [
        (a, b) if wave[a] == 1 else (b, a)
        for a, b in zip(small_graph.source.tolist(), small_graph.target.tolist(), strict=True)
        if {int(wave[a]), int(wave[b])} == {1, 2}
    ]
    ends = np.array(between)

    def crossings(x) -> int:
        left, right = x[ends[:, 0]], x[ends[:, 1]]
        return int(np.count_nonzero((left[:, None] - left) * (right[:, None] - right) < 0))

    rng = np.random.default_rng(0)
    chance = []
    for _ in range(30):
        x = found.x.copy()
        x[first], x[second] = rng.permutation(x[first]), rng.permutation(x[second])
        chance.append(crossings(x))
    assert crossings(found.x) < min(chance)


def test_joined_skills_are_nearer_by_springs(small_graph: LayerGraph) -> None:
    found = arrange(small_graph, np.arange(small_graph.m), "force")
    at = np.column_stack((found.x, found.y))
    joined = np.hypot(*(at[small_graph.source] - at[small_graph.target]).T).mean()
    anyhow = np.hypot(*(at[:, None] - at).reshape(-1, 2).T).mean()
    assert joined < 0.9 * anyhow


def test_nothing_to_arrange(small_graph: LayerGraph) -> None:
    nothing = subgraph(small_graph, np.zeros(0, dtype=np.int64))
    assert len(arrange(nothing, np.zeros(0, dtype=np.int64), "waves").x) == 0
