"""Two processes run the tests of the README's command: what shares a server or a browser stays in one of them."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loaders.dataset import Dataset
    from tests.support.neo4j import RunningNeo4j

# As the command line does (explorer/cli): two processes with threads for small matrices hold each other up.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

if find_spec("hypothesis"):  # the environment of the notebooks is without it
    from hypothesis import HealthCheck, settings

    # The same examples wherever they are drawn, and however slow the machine is.
    settings.register_profile(
        "fixed", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("fixed")

# `bootstrap.py test tests/spark` and tests/test_notebooks.py run these in environments of their own
collect_ignore = [] if find_spec("pandas") and find_spec("pyspark") else ["spark"]
if not find_spec("nbclient"):
    collect_ignore.append("notebooks")

# Groups, or folders of them, begun first and in this order, so that both processes end together. What reads files comes
# before what learns: meanwhile the browser's server compiles most kernels.
_FIRST = (
    "browser",
    "tests/loaders/",
    "stdlib",
    "tests/docs/test_code_blocks.py",
    "tests/docs/test_printed.py",
    "tests/evidence/test_layers.py",
    "tests/ui/test_map_picture.py",
)
_TOGETHER = {
    "browser": ("tests/ui/browser/",),
    "neo4j": (
        "tests/server/",
        "tests/store/test_neo4j_",
        "tests/store/test_counts.py",
        "tests/store/test_demo.py",
        "tests/oracle/",
        "tests/test_containers.py",
    ),
    "stdlib": ("tests/loaders/test_python_source.py", "tests/docs/test_demo_figures.py"),
    "spark": ("tests/spark/",),
}


@pytest.fixture(scope="session")
def stdlib() -> Dataset:
    """The functions of the standard library: 8 s of CPU time, so what needs them shares them."""
    from loaders.python_source import load_python_source

    return load_python_source(["stdlib"], name="python", part="stdlib")


@pytest.fixture(scope="session")
def demo_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the README's first command leaves, of small sources; to be copied."""
    from tests.support.demo import make_demo_store

    path = tmp_path_factory.mktemp("demo") / "skillgraph.kgl"
    make_demo_store(path)
    return path


@pytest.fixture(scope="session")
def neo4j_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNeo4j]:
    """A Neo4j server for the whole session; tests empty it as they need."""
    from tests.support.neo4j import running

    with running(tmp_path_factory.mktemp("neo4j")) as server:
        yield server


def group(nodeid: str) -> str:
    """The tests that one process runs one after the other: those of a server, Spark or browser, or of a file."""
    if nodeid.startswith("tests/store/") and "[neo4j" in nodeid:
        return "neo4j"
    shared = (name for name, places in _TOGETHER.items() if nodeid.startswith(places))
    return next(shared, nodeid.partition("::")[0])


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are named by their argument: packed data carry the time, and both processes must collect the same names."""
    return argname if isinstance(val, bytes) else None


def _place(name: str) -> int:
    """Where a group stands in `_FIRST`; behind all of them if it does not."""
    return next((place for place, first in enumerate(_FIRST) if name.startswith(first)), len(_FIRST))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    stray = [
        item.nodeid
        for item in items
        if item.get_closest_marker("neo4j") and group(item.nodeid) not in ("browser", "neo4j")
    ]
    if stray:
        raise pytest.UsageError(
            f"{stray[0]} would start a second Neo4j: add its file to _TOGETHER in tests/conftest.py"
        )
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _place(group(item.nodeid)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    if config.getvalue("dist") != "loadscope":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    return Groups(config, log)
