"""Compiled kernels work, and are cached where they can be, from an installation that cannot be written to."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import networkx
import numpy as np
import pytest

import analysis
from analysis._kernels import compiled
from analysis._kernels.compile import kernel, trailing_zeros
from analysis._kernels.pairs import raised_weight
from analysis._kernels.rows import distinct
from analysis._kernels.sorting import smallest_first, sort_run
from analysis._kernels.strong import strong_components
from analysis._kernels.vectors import LANES, copy_lanes, fill_lanes, sort_lanes
from analysis.errors import AnalysisError

CODE = """
from analysis.components import components
from analysis.graph import SkillTextGraph
graph = SkillTextGraph.from_edges([0, 0, 1], [0, 1, 2], 2, 3, engine="numpy")
assert components(graph, [True] * 3, engine="numba").sizes.tolist() == [2, 1]
"""


@pytest.fixture
def read_only_installation(tmp_path):
    """A copy of the package with a file where each cache directory would have to be made."""
    installed = tmp_path / "site"
    package = Path(analysis.__file__).parent
    shutil.copytree(package, installed / "analysis", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in (installed / "analysis", installed / "analysis" / "_kernels"):
        (folder / "__pycache__").write_text("")
    return installed


def run_in(installed, home):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("NUMBA_", "XDG_"))}
    environment |= {"PYTHONPATH": str(installed), "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", CODE], check=True, cwd=installed, env=environment)


@pytest.mark.skipif(sys.platform != "linux", reason="the user's cache directory is elsewhere")
def test_read_only_installation_caches_for_the_user(read_only_installation, tmp_path):
    run_in(read_only_installation, tmp_path / "home")
    assert list((tmp_path / "home").rglob("*.nbc"))


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_without_any_place_to_cache_it_compiles_each_time(read_only_installation):
    run_in(read_only_installation, "/proc/none")


@kernel
def _sorted_lanes(array, start, count):
    return sort_lanes(array, start, count)


@kernel
def _filled(target, source, value):
    copy_lanes(target, 1, source, 2)
    fill_lanes(target, 9, value)


@kernel
def _low_bit(word):
    return trailing_zeros(np.uint64(word))


def test_lanes_sort_only_what_they_are_told_to():
    rng = np.random.default_rng(0)
    for _ in range(500):
        array = rng.integers(0, 12, 20).astype(np.int32)
        start, count = int(rng.integers(0, 20 - LANES + 1)), int(rng.integers(0, LANES + 1))
        expected = array.copy()
        expected[start : start + count].sort()
        twice = len(set(expected[start : start + count].tolist())) < count
        assert _sorted_lanes(array, start, count) == twice
        assert np.array_equal(array, expected)


def test_lanes_are_copied_and_filled_at_any_place():
    target, source = np.zeros(18, np.int32), np.arange(10, dtype=np.int32)
    _filled(target, source, 7)
    assert target.tolist() == [0, *range(2, 10), *[7] * 8, 0]


def _in_order(order, n):
    rng = np.random.default_rng(5)
    return {
        "random": rng.permutation(n),
        "ascending": np.arange(n),
        "descending": np.arange(n)[::-1],
        "few values": rng.integers(0, 3, n),
        "organ pipe": np.minimum(np.arange(n), np.arange(n)[::-1]),
    }[order].astype(np.int64)


_ORDERS = pytest.mark.parametrize("order", ["random", "ascending", "descending", "few values", "organ pipe"])


@_ORDERS
@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_runs_are_sorted(order, kind):
    for n in (0, 1, 2, 39, 40, 41, 42, 57, 400, 5_000):
        values = _in_order(order, n).astype(kind)
        array = np.concatenate(([3], values, [-7])).astype(kind)  # what lies around the run is left alone
        sort_run(array, 1, n + 1)
        assert array[1:-1].tolist() == sorted(values)
        assert (array[0], array[-1]) == (3, -7)


@_ORDERS
def test_the_smallest_come_first(order):
    for n in (1, 2, 3, 10, 57, 400):
        values = _in_order(order, n)
        for k in {1, (n + 1) // 2, n}:
            array = np.concatenate((values, [-7]))  # what lies behind the end is left alone
            smallest_first(array, n, k)
            assert sorted(array[:k]) == sorted(values)[:k]
            assert sorted(array[:n]) == sorted(values)
            assert array[n] == -7


def test_lowest_bit():
    assert [_low_bit(np.uint64(word)) for word in (1, 8, 12, 1 << 63)] == [0, 3, 2, 63]


def test_engine_is_chosen_by_size_unless_given():
    assert not compiled("auto", 10)
    assert compiled("auto", 10**9)
    assert compiled("numba", 0)
    assert not compiled("numpy", 10**9)
    with pytest.raises(AnalysisError, match="engine 'c'"):
        compiled("c", 1)


def test_weight_is_raised_no_further_than_needed():
    histogram = np.array([0, 5, 3, 2, 0, 1])
    assert [raised_weight(histogram, 1, most) for most in (11, 10, 6, 5, 3, 2, 1)] == [1, 2, 2, 3, 3, 4, 4]
    assert raised_weight(histogram, 2, 100) == 2
    assert raised_weight(histogram, 9, 1) == 9
    assert raised_weight(np.array([0, 5]), 1, 1) == 2


@pytest.mark.parametrize(
    ("n", "links", "both_ways"),
    [(0, 0, 0), (5, 0, 0), (200, 260, 0), (200, 0, 120), (200, 150, 90), (60, 90, 40), (1000, 1300, 300)],
)
def test_strong_components_are_those_of_a_depth_first_search(n, links, both_ways):
    rng = np.random.default_rng(n + links + both_ways)
    for _ in range(20):
        ends = rng.integers(0, max(n, 1), (links + both_ways, 2))
        ends = np.concatenate((ends, ends[links:, ::-1]))
        ends = rng.permutation(np.concatenate((ends, ends[: links // 3])))  # some of them twice
        found = strong_components(ends[:, 0], ends[:, 1], n)
        graph = networkx.DiGraph(ends.tolist())
        graph.add_nodes_from(range(n))
        expected = np.arange(n)
        for component in networkx.strongly_connected_components(graph):
            expected[list(component)] = min(component)
        assert np.array_equal(found, expected)


def test_strong_components_along_a_chain_with_a_cycle_behind_it():
    chain = np.arange(500)
    source, target = np.append(chain[:-1], 499), np.append(chain[1:], 490)
    assert strong_components(source, target, 500).tolist() == [*range(490), *[490] * 10]


@pytest.mark.parametrize("size", [1, 4, 300])
def test_distinct_values_ascend(size):
    rng = np.random.default_rng(size)
    for count in (0, 1, 3, 1000):
        values = rng.integers(0, size, count).astype(np.int32)
        found = distinct(values, size)
        assert found.dtype == np.int32
        assert found.tolist() == sorted(set(values.tolist()))


def kernels_with_files() -> list[tuple[str, ast.FunctionDef]]:
    """The kernels of all modules, with the names of their files."""
    modules = {path: ast.parse(path.read_text()) for path in Path(analysis.__file__).parent.glob("_kernels/*.py")}
    return [
        (path.name, function)
        for path, module in modules.items()
        for function in module.body
        if isinstance(function, ast.FunctionDef)
        and any(isinstance(mark, ast.Name) and mark.id == "kernel" for mark in function.decorator_list)
    ]


def test_kernels_use_nothing_that_takes_seconds_to_compile():
    """The words of an array that does not fit into a slice take numba four seconds, `np.partition` ten, a sort two."""
    slow = []
    for where, function in kernels_with_files():
        for part in ast.walk(function):
            if isinstance(part, ast.Attribute) and part.attr in ("argsort", "median", "partition", "sort", "unique"):
                slow.append(f"{where}:{part.lineno}: {ast.unparse(part)}")
            if isinstance(part, ast.Assign) and any(":" in ast.unparse(target) for target in part.targets):
                value = ast.unparse(part.value)  # a number, or a constant of the module
                if not isinstance(part.value, ast.Constant | ast.UnaryOp) and not value.isupper():
                    slow.append(f"{where}:{part.lineno}: {ast.unparse(part)}")
    assert slow == []


def test_kernels_give_no_literals_to_kernels():
    """numba compiles a kernel once more for each literal that another kernel gives it: seconds of each first run."""
    functions = kernels_with_files()
    names = {function.name for _, function in functions}
    calls = [
        (where, call)
        for where, function in functions
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in names
    ]
    assert len(calls) > 30
    given = [
        f"{where}:{call.lineno}: {ast.unparse(call)}"
        for where, call in calls
        for value in call.args
        if isinstance(value, ast.Constant) or isinstance(getattr(value, "operand", None), ast.Constant)
    ]
    assert given == []
