"""Communities that were computed before: the same, or computed anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.ui.large import large_graph
from ui.drawing import layouts
from ui.drawing.layouts import communities
from ui.work import kept as files
from ui.work.kept import kept


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SKILLGRAPH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "groups"


class Maker:
    """Makes labels, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> np.ndarray:
        self.times += 1
        return np.array([2, 0, 7])


def test_what_was_made_is_not_made_again() -> None:
    make, arrays = Maker(), [np.array([1, 2]), np.array([0.5])]
    for _ in range(3):
        assert kept("leiden 1", [3], arrays, make).tolist() == [2, 0, 7]
    assert make.times == 1


@pytest.mark.parametrize(
    ("method", "numbers", "arrays"),
    [
        ("leiden 2", [3], [np.array([1, 2]), np.array([0.5])]),
        ("leiden 1", [4], [np.array([1, 2]), np.array([0.5])]),
        ("leiden 1", [3], [np.array([2, 1]), np.array([0.5])]),
        ("leiden 1", [3], [np.array([1]), np.array([2, 0.5])]),
        ("leiden 1", [3], [np.array([1, 2], dtype=np.int32), np.array([0.5])]),
    ],
)
def test_of_anything_else_it_is_made(method: str, numbers: list[float], arrays: list[np.ndarray]) -> None:
    make = Maker()
    kept("leiden 1", [3], [np.array([1, 2]), np.array([0.5])], make)
    kept(method, numbers, arrays, make)
    assert make.times == 2


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-4], lambda b: b[:40] + b"\1" + b[41:], lambda b: b"", lambda b: b[:7]]
)
def test_a_damaged_file_is_passed_over(cache: Path, damage) -> None:
    make = Maker()
    kept("leiden 1", [3], [], make)
    (path,) = cache.glob("*.labels")
    path.write_bytes(damage(path.read_bytes()))
    assert kept("leiden 1", [3], [], make).tolist() == [2, 0, 7]
    assert make.times == 2
    kept("leiden 1", [3], [], make)
    assert make.times == 2, "it was written anew"


def test_a_cache_that_cannot_be_written_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SKILLGRAPH_CACHE", str(tmp_path / "file"))
    assert kept("leiden 1", [3], [], Maker()).tolist() == [2, 0, 7]


def test_the_oldest_are_forgotten(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_MOST", 3)
    for number in range(6):
        kept("leiden 1", [number], [], Maker())
    assert len(list(cache.iterdir())) == 3
    assert cache.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("seed", [0, 1])
def test_kept_communities_are_those_that_were_computed(seed: int, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = large_graph(3_000, groups=20, seed=seed)
    given = (graph.n, graph.source, graph.target, graph.strength)
    expected = communities(*given)
    assert not cache.exists(), "small graphs are computed at once"
    monkeypatch.setattr(layouts, "_WORTH_KEEPING", 1)
    assert communities(*given).tolist() == expected.tolist()
    monkeypatch.setattr(layouts, "_leiden", None)
    assert communities(*given).tolist() == expected.tolist()
