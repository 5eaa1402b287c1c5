"""Small faults, put into a copy of the program one at a time; a test must fail for each: python -m tests.mutants.

A mutant is a file, what stands in it, what is put in its place, and the tests that must notice. A word after the
command picks those whose file or text has it; `--smoke` takes thirty from all over the list but the kernels, which
must be compiled anew for each (the other mutants find their machine code in the copy). Without it, all these tests must
first pass in the copy as it is. A mutant that no longer fits is an error: the list follows the program.
"""

from __future__ import annotations

import importlib
import itertools
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

__all__ = ["MUTANTS", "Mutant", "misfits"]

ROOT = Path(__file__).parents[1]
_SMOKE = 30
_KERNELS = Path("analysis", "_kernels")
_BROKEN = 70  # how a process ends that has run no tests
# What takes long to import and is not the project's, imported once for all mutants.
_PRELOADED = ("dash", "hypothesis", "kglite", "networkx", "numba", "plotly.graph_objects", "pyarrow.parquet",
              "scipy.optimize", "scipy.sparse", "scipy.stats", "typer.testing")  # fmt: skip
_LEFT_OUT = shutil.ignore_patterns(".venv*", ".bootstrap", ".git", "__pycache__", ".*_cache", ".hypothesis")


@dataclass(frozen=True)
class Mutant:
    """A fault."""

    file: str
    old: str
    new: str
    tests: str


_PEELING, _UNION, _PAIRS = (
    "analysis/_kernels/peeling.py",
    "analysis/_kernels/union_find.py",
    "analysis/_kernels/projection.py",
)
_ON_PEELING, _ON_COMPONENTS = "analysis/test_peeling.py", "analysis/test_components.py"
_ON_ASSOCIATION, _ON_ZIFF = "analysis/test_association.py", "analysis/test_newman_ziff.py"
_GUARD, _CONTINUED, _STALE = (
    "explorer/store/cypher_guard.py",
    "explorer/service/learning.py",
    "explorer/store/staleness.py",
)
_ON_GUARD, _ON_CONTINUED, _ON_LIFE = "store/test_cypher_guard.py", "comparison/test_continuing.py", "cli/test_life.py"
_ON_PARTS = "store/test_fingerprint.py"
_COOKBOOK, _RECIPES, _ON_RECIPES = "explorer/cookbook.py", "explorer/service/recipes.py", "store/test_cookbook.py"
_BOOTSTRAP, _EXTRAS, _ON_SETUP = "bootstrap.py", "explorer/extras.py", "test_setup.py"
_DIALECT, _EDGES, _ROWS = "loaders/_dialect.py", "loaders/edge_list.py", "loaders/_lists.py"
_ON_EDGES, _ON_TABLES = "loaders/test_edge_list.py", "loaders/test_tables.py"
_MARKUP, _ON_EXPORT, _CONTAINER = "explorer/export/markup.py", "export/test_round_trips.py", "explorer/sgc/container.py"
_GRAPH_PAGE, _LEARNING_PAGE = "ui/pages/graph/callbacks.py", "ui/pages/learning/callbacks.py"
_LAYERS_PAGE, _RUNS_PAGE, _QUERY_PAGE = (f"ui/pages/{page}/callbacks.py" for page in ("layers", "runs", "query"))
_PERCOLATION_PAGE, _COMPRESSION_PAGE = "ui/pages/percolation/callbacks.py", "ui/pages/compression/callbacks.py"
_HISTOGRAMS = "ui/drawing/histograms.py"
_FILTERS, _ON_PAGES, _ON_FILTERS, _ON_RUNS = (
    "ui/drawing/filters.py",
    "ui/test_callbacks.py",
    "ui/test_filters.py",
    "ui/test_runs_page.py",
)


def _on(file: str, test: str) -> str:
    """One test of a file, where all of them take long."""
    return f"{file}::{test}"


MUTANTS = (
    # kernels
    Mutant(_PEELING, "if 0 < novel <= capacity[t]:", "if 0 < novel < capacity[t]:", _ON_PEELING),
    Mutant(_PEELING, "if excess[t] == 0:", "if excess[t] <= 1:", _ON_PEELING),
    Mutant(_PEELING, "if pending[waiting] == 0 and", "if", _ON_PEELING),
    Mutant(_PEELING, "if best == _NOBODY:", "if best != _NOBODY:", _ON_PEELING),
    Mutant(_UNION, "if len(texts) > 0 and not texts[t]:", "if False:", _ON_COMPONENTS),
    Mutant(_UNION, "if parent[np.uint64(skill)] < 0:", "if parent[np.uint64(skill)] < 1:", _ON_COMPONENTS),
    Mutant(_PAIRS, "kept += int(counter[s] >= min_weight)", "kept += int(counter[s] > min_weight)", _ON_ASSOCIATION),
    Mutant(_PAIRS, "if kept > top_k:", "if kept > top_k + 1:", _ON_ASSOCIATION),
    Mutant(
        "analysis/newman_ziff.py",
        'if by == "degree":',
        'if by != "degree":',
        _on(_ON_ZIFF, "test_targeted_removal_takes_the_most_connected_skills_first"),
    ),
    Mutant(
        "analysis/newman_ziff.py",
        "(replicates * (replicates - 1))",
        "(replicates * replicates)",
        _on(_ON_ZIFF, "test_standard_error_is_that_of_the_mean_of_the_orders"),
    ),
    # evidence
    Mutant(
        "analysis/pairing.py",
        "(np.nan_to_num(self.difference) < 0.0)",
        "True",
        _on("evidence/test_pairing.py", "test_a_shift_down_is_lower_and_never_higher"),
    ),
    Mutant(
        "analysis/pairing.py",
        "np.minimum.accumulate(scaled[::-1])[::-1]",
        "scaled",
        _on("evidence/test_pairing.py", "test_benjamini_hochberg_against_scipy"),
    ),
    # guard of queries
    Mutant(_GUARD, 'if token.text == ";":', "if False:", _ON_GUARD),
    Mutant(_GUARD, "if words in _FILE_WORDS:", "if False:", _ON_GUARD),
    Mutant(_GUARD, "if name.lower() not in {", "if name.lower() in {", _ON_GUARD),
    Mutant(_GUARD, 'return before in (".", ":", "|", "&") or', "return", _ON_GUARD),
    Mutant(_GUARD, "if word in WRITES:", "if False:", _ON_GUARD),
    # layers
    Mutant(
        _CONTINUED,
        "replace(previous, wave=np.where(known, np.int32(0), previous.wave))",
        "previous",
        _on(_ON_CONTINUED, "test_appended_skills_of_a_known_class_are_known"),
    ),
    Mutant(_CONTINUED, "if gone:", "if False:", _on(_ON_CONTINUED, "test_a_layer_whose_part_is_gone_is_not_continued")),
    Mutant(_STALE, "if info.vanished:", "if False:", _ON_PARTS),
    Mutant(_STALE, "base is not None and judge(base):", "False:", _ON_PARTS),
    Mutant("explorer/service/life.py", "if rest and not with_dependents:", "if False:", _ON_LIFE),
    # recipes
    Mutant(_COOKBOOK, "WHERE learned.wave = 1", "WHERE learned.wave >= 1", _ON_RECIPES),
    Mutant(_COOKBOOK, "WHERE learned.component > 0", "WHERE learned.component >= 0", _ON_RECIPES),
    Mutant(_COOKBOOK, "WHERE size(missing) = 1", "WHERE size(missing) >= 1", _ON_RECIPES),
    Mutant(_RECIPES, "if dataset is not None and dataset not in", "if dataset in", "docs/test_printed.py"),
    # loaders
    Mutant(_EDGES, "math.isfinite(weight) and weight > 0", "math.isfinite(weight)", _ON_EDGES),
    Mutant(_EDGES, "math.isfinite(weight) and weight > 0", "weight > 0", _ON_EDGES),
    Mutant(_ROWS, "or not math.isfinite(value) or value <= 0", "or not math.isfinite(value)", _ON_TABLES),
    Mutant("loaders/dataset.py", "if (key[1:] > key[:-1]).all():", "if True:", "loaders/test_dataset.py"),
    Mutant("loaders/outcomes.py", "if len(columns) != len(order):", "if False:", _ON_TABLES),
    # exports
    Mutant(
        _MARKUP,
        'if row.get("weight") is not None',
        "if False",
        _on(_ON_EXPORT, "test_what_is_written_is_read_back_equal"),
    ),
    Mutant(_MARKUP, 'not (isinstance(group, Edges) and name == "weight")', "True", "export/test_export.py"),
    Mutant(_CONTAINER, "head += _CRC.pack(zlib.crc32(head))", "head += _CRC.pack(0)", "compression/test_container.py"),
    # pages
    Mutant(
        _GRAPH_PAGE,
        'return "neighbours", skill,',
        'return "texts", skill,',
        _on(_ON_PAGES, "test_each_button_of_the_panel_opens_its_own_view"),
    ),
    Mutant(
        _GRAPH_PAGE,
        'return "texts", no_update, [asked["text"]],',
        'return "texts", no_update, [],',
        _on(_ON_PAGES, "test_a_text_of_the_panel_is_shown_alone_and_nothing_happens_unasked"),
    ),
    Mutant(
        _GRAPH_PAGE, "node, _REGION)", "node, 1)", _on(_ON_PAGES, "test_each_button_of_the_panel_opens_its_own_view")
    ),
    Mutant(
        _GRAPH_PAGE,
        "key=lambda text: -wave[text])",
        "key=lambda text: wave[text])",
        _on(_ON_PAGES, "test_the_way_to_a_skill_ends_with_the_text_that_taught_it"),
    ),
    Mutant(
        _GRAPH_PAGE,
        "if data is None or not table:",
        "if data is None:",
        _on(_ON_PAGES, "test_the_table_is_made_when_it_is_looked_at"),
    ),
    Mutant(
        _GRAPH_PAGE,
        '<= {"g-colour.value", "g-names.value"}',
        "<= set()",
        _on(_ON_PAGES, "test_another_colour_paints_and_another_view_draws"),
    ),
    Mutant(
        _LEARNING_PAGE,
        "expectation(c, ratio, learner)",
        'expectation(c, ratio, "1-skill")',
        _on(_ON_PAGES, "test_the_learner_of_what_if_matters"),
    ),
    Mutant(
        _LEARNING_PAGE,
        "    if never:\n",
        "    if not never:\n",
        _on(_ON_PAGES, "test_views_of_the_learning_page_are_filled_when_they_are_looked_at"),
    ),
    Mutant(
        _LAYERS_PAGE,
        'compared(source.snapshot(), pair["dataset"], pair["first"], pair["second"])\n    most =',
        'compared(source.snapshot(), pair["dataset"], pair["first"], pair["first"])\n    most =',
        _on(_ON_PAGES, "test_groups_of_two_layers_are_counted_by_class_or_by_level"),
    ),
    Mutant(
        _LAYERS_PAGE,
        'levels = by == "level"',
        'levels = by != "level"',
        _on(_ON_PAGES, "test_groups_of_two_layers_are_counted_by_class_or_by_level"),
    ),
    Mutant(
        _LAYERS_PAGE,
        "anchor_rows(found.changes, kind)",
        'anchor_rows(found.changes, "gained")',
        _on(_ON_PAGES, "test_skills_are_attached_to_what_the_chosen_change_is_attached_to"),
    ),
    Mutant(
        _PERCOLATION_PAGE,
        'hubs = order == "hubs"',
        "hubs = False",
        _on(_ON_PAGES, "test_the_order_of_percolation_says_which_skills_go"),
    ),
    Mutant(
        _PERCOLATION_PAGE,
        'of_kept=of == "kept"',
        "of_kept=False",
        _on(_ON_PAGES, "test_shares_of_percolation_are_of_all_or_of_the_kept"),
    ),
    Mutant(
        _COMPRESSION_PAGE,
        "sender, other = _views(source, subject, receiver)",
        'sender, other = _views(source, subject, subject["layer"])',
        _on(_ON_PAGES, "test_the_receiver_is_another_layer"),
    ),
    Mutant(
        _QUERY_PAGE,
        "True, none, _NO_NODES, not none",
        "True, False, _NO_NODES, True",
        _on(_ON_PAGES, "test_a_result_is_a_table_or_a_graph_and_all_of_it_stays_mounted"),
    ),
    Mutant(
        _QUERY_PAGE,
        'if cause.id == "q-json":',
        "if False:",
        _on(_ON_PAGES, "test_a_result_goes_into_the_file_that_was_asked_for"),
    ),
    Mutant(
        _RUNS_PAGE,
        'if kind.warning and not form.get("agreed"):',
        "if False:",
        _on(_ON_RUNS, "test_what_cannot_be_undone_is_agreed_to_first"),
    ),
    Mutant(
        _RUNS_PAGE,
        'if kind.replaces and not form.get("agreed"):',
        "if False:",
        _on(_ON_RUNS, "test_a_layer_that_is_there_is_replaced_only_if_that_was_agreed_to"),
    ),
    Mutant(
        _FILTERS,
        "graph.weight >= filters.weight",
        "graph.weight > filters.weight",
        _on(_ON_FILTERS, "test_weight_keeps_the_heavier_and_who_they_join"),
    ),
    Mutant(_FILTERS, "kept &= joined", "pass", _on(_ON_FILTERS, "test_weight_keeps_the_heavier_and_who_they_join")),
    Mutant(
        _HISTOGRAMS,
        "(found >= low) & (found <= high)",
        "(found >= low) & (found < high)",
        _on(_ON_FILTERS, "test_waves_and_classes_keep_their_skills"),
    ),
    # set-up
    Mutant(_BOOTSTRAP, '{**wanted, "profile": "dev"}', "wanted", _ON_SETUP),
    Mutant(_BOOTSTRAP, '("global", "install", ":env:").index(section)', "0", _ON_SETUP),
    Mutant(_EXTRAS, "found[2] in extras", "found[2] not in extras", _ON_SETUP),
)


def misfits() -> list[str]:
    """Mutants whose text does not stand in their file."""
    return [f"{m.file}: {m.old}" for m in MUTANTS if m.old not in (ROOT / m.file).read_text(encoding="utf-8")]


def _left_out(folder: str, names: list[str]) -> set[str]:
    """What is not copied; of what was compiled, only the machine code of the kernels is."""
    found = _LEFT_OUT(folder, names)
    return found - {"__pycache__"} if Path(folder) == ROOT / _KERNELS else found


def _forget_kernels(copy: Path) -> None:
    """The machine code of a kernel stays as it is when one that it calls is changed."""
    shutil.rmtree(copy / _KERNELS / "__pycache__", ignore_errors=True)


def _write(path: Path, text: str, moment: int) -> None:
    """Write a module; what is compiled of one is known by its size and the second it was written in."""
    path.write_text(text, encoding="utf-8")
    os.utime(path, (moment, moment))


def _begin(mutant: Mutant, copy: Path) -> int:
    """Start a process that runs the tests in a copy, with the packages that this one has imported."""
    if (process := os.fork()) == 0:
        code = _BROKEN
        try:
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nothing, stream)
            os.chdir(copy)
            os.environ["PYTHONPATH"] = sys.path[0] = str(copy)
            for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
                del sys.modules[name]
            sys.modules["__main__"] = ModuleType("__main__")  # children of the tests import that of their parent
            options = ("-q", "-x", "-m", "not neo4j and not browser", "-p", "no:cacheprovider", "-p", "no:xdist")
            code = int(pytest.main([*options, f"tests/{mutant.tests}"]))
        finally:
            os._exit(code)
    return process


def _survived(mutant: Mutant, status: int) -> bool:
    code = os.waitstatus_to_exitcode(status)
    if code < 0:  # a fault in a kernel may end the process
        return False
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        sys.exit(f"error: pytest ended with code {code} on tests/{mutant.tests}")
    return code == pytest.ExitCode.OK


def _tried(chosen: Sequence[Mutant], copies: Sequence[Path]) -> Iterator[tuple[Mutant, bool]]:
    """Each mutant with whether it survived, one at a time in each copy."""
    for name in _PRELOADED:
        importlib.import_module(name)
    waiting, free = list(reversed(chosen)), list(copies)
    running: dict[int, tuple[Mutant, Path, str]] = {}
    moments = itertools.count(int(time.time()))
    while waiting or running:
        while waiting and free:
            mutant, copy = waiting.pop(), free.pop()
            path = copy / mutant.file
            text = path.read_text(encoding="utf-8")
            if path.parent == copy / _KERNELS:
                _forget_kernels(copy)
            _write(path, text.replace(mutant.old, mutant.new), next(moments))
            running[_begin(mutant, copy)] = mutant, copy, text
        process, status = os.wait()
        mutant, copy, text = running.pop(process)
        _write(copy / mutant.file, text, next(moments))
        if (copy / mutant.file).parent == copy / _KERNELS:
            _forget_kernels(copy)
        free.append(copy)
        yield mutant, _survived(mutant, status)


def main() -> int:
    """Try them in two copies at a time; the exit code is 1 if one survives."""
    if misfits():
        sys.exit("error: these mutants no longer fit: " + "; ".join(misfits()))
    smoke = "--smoke" in sys.argv
    word = next((argument for argument in sys.argv[1:] if not argument.startswith("--")), "")
    chosen = [m for m in MUTANTS if (word in m.file or word in m.old) and not (smoke and "_kernels" in m.file)]
    if smoke and len(chosen) > _SMOKE:
        chosen = [chosen[at * len(chosen) // _SMOKE] for at in range(_SMOKE)]
    # What fails without a fault would notice every one.
    unchanged = () if smoke else {m.tests: Mutant(m.file, "", "", m.tests) for m in chosen}.values()
    survivors = 0
    with tempfile.TemporaryDirectory(prefix="skillgraph-mutants-") as folder:
        copies = [shutil.copytree(ROOT, Path(folder) / str(number), ignore=_left_out) for number in range(2)]
        for mutant, survived in _tried(list(unchanged), copies):
            if not survived:
                sys.exit(f"error: tests/{mutant.tests} fails without a fault")
        for mutant, survived in _tried(chosen, copies):
            survivors += survived
            print(f"{'SURVIVED' if survived else 'noticed '}  {mutant.file}: {mutant.old}", flush=True)
    print(f"{len(chosen)} mutants, {survivors} survived")
    return 1 if survivors or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
