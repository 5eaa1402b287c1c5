"""Positions: nothing on top of anything else, and the same picture every time."""

import numpy as np
import pytest

from ui.drawing.layouts import communities, force_positions, islands, label_tiers, separate, sunflower


def cliques(k: int, size: int) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
    """k cliques in a ring, joined by single weak edges."""
    source, target, strength = [], [], []
    for c in range(k):
        for i in range(size):
            for j in range(i + 1, size):
                source.append(c * size + i)
                target.append(c * size + j)
                strength.append(1.0)
        source.append(c * size)
        target.append((c + 1) % k * size + 1)
        strength.append(0.05)
    return k * size, np.array(source), np.array(target), np.array(strength)


def overlaps(x, y, radius) -> float:
    distance = np.hypot(x[:, None] - x[None, :], y[:, None] - y[None, :])
    room = distance - radius[:, None] - radius[None, :]
    return float(-np.min(room[np.triu_indices(len(x), 1)]))


def test_communities_are_the_cliques() -> None:
    n, source, target, strength = cliques(5, 8)
    found = communities(n, source, target, strength)
    assert len(set(found.tolist())) == 5
    assert all(len(set(found[c * 8 : c * 8 + 8].tolist())) == 1 for c in range(5))


def test_communities_are_numbered_by_size() -> None:
    source = [0, 0, 1, 3, 3, 3, 4, 4, 5]
    target = [1, 2, 2, 4, 5, 6, 5, 6, 6]
    assert communities(8, source, target, np.ones(9)).tolist() == [1, 1, 1, 0, 0, 0, 0, 2]


def test_without_edges_everybody_is_alone() -> None:
    assert communities(3, [], [], []).tolist() == [0, 1, 2]


def test_sunflower_discs_of_one_size_do_not_overlap() -> None:
    place = sunflower(np.ones(200))
    assert overlaps(place[:, 0], place[:, 1], np.ones(200)) < 0.25


def test_separate_leaves_no_overlap() -> None:
    rng = np.random.default_rng(1)
    radius = rng.uniform(1, 4, 120)
    start = rng.normal(0, 12, (120, 2))
    assert overlaps(start[:, 0], start[:, 1], radius) > 1.0
    moved = separate(start, radius, rounds=400)
    assert overlaps(moved[:, 0], moved[:, 1], radius) < 0.05


def test_separate_moves_discs_from_the_same_spot() -> None:
    moved = separate(np.zeros((5, 2)), np.ones(5), rounds=300)
    assert overlaps(moved[:, 0], moved[:, 1], np.ones(5)) < 0.05


def test_force_brings_joined_nodes_together() -> None:
    rng = np.random.default_rng(2)
    n, source, target, strength = cliques(2, 10)
    found = force_positions(rng.normal(0, 30, (n, 2)), source, target, strength, spacing=8.0, rounds=150)
    joined = np.hypot(*(found[source[:45]] - found[target[:45]]).T).mean()
    apart = np.hypot(*(found[:10].mean(axis=0) - found[10:].mean(axis=0)))
    assert joined < apart


@pytest.mark.parametrize("k", [1, 3, 9])
def test_islands_hold_their_nodes_and_lie_apart(k: int) -> None:
    n, source, target, strength = cliques(k, 9)
    community = np.repeat(np.arange(k), 9)
    radius = np.linspace(3, 9, n)
    found = islands(community, radius, source, target, strength, width=800, height=600)
    drawn = radius * found.scale
    away = np.hypot(found.x - found.centre_x[community], found.y - found.centre_y[community]) + drawn
    assert np.all(away <= found.radius[community] + 1e-6)
    if k > 1:
        assert overlaps(found.centre_x, found.centre_y, found.radius) < 0.02 * found.radius.max()
    assert overlaps(found.x, found.y, drawn) < 0.1 * drawn.max()
    assert np.ptp(found.x) <= 800 + 1e-6
    assert np.ptp(found.y) <= 600 + 1e-6


def test_islands_are_the_same_every_time() -> None:
    n, source, target, strength = cliques(4, 6)
    community = np.repeat(np.arange(4), 6)
    first, second = (islands(community, np.full(n, 4.0), source, target, strength) for _ in range(2))
    assert np.array_equal(first.x, second.x)
    assert np.array_equal(first.y, second.y)


def test_islands_of_nothing() -> None:
    empty = np.zeros(0, dtype=np.int64)
    assert len(islands(empty, empty, empty, empty, empty).x) == 0


def test_labels_of_a_tier_do_not_overlap_at_its_zoom() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.uniform(0, 500, 300), rng.uniform(0, 400, 300)
    length = rng.integers(3, 20, 300)
    tier = label_tiers(x, y, length, rng.random(300), font=12.0)
    assert len(set(tier.tolist())) > 2
    half = 0.29 * 12.0 * length + 2.0
    for level in range(5):
        shown = np.flatnonzero(tier <= level)
        for a in range(len(shown)):
            i, rest = shown[a], shown[a + 1 :]
            near = np.abs(x[i] - x[rest]) * 2**level < half[i] + half[rest]
            assert not np.any(near & (np.abs(y[i] - y[rest]) * 2**level < 18.0))


def test_the_most_important_label_is_always_first() -> None:
    tier = label_tiers([0.0, 1.0, 2.0], [0.0, 0.0, 0.0], [9, 9, 9], [1.0, 3.0, 2.0])
    assert tier[1] == 0
    assert tier[0] > 0
    assert tier[2] > 0
