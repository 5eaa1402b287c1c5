"""A store of each kind, empty, for every test that asks for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from explorer.store.opening import open_store as open_any
from explorer.store.protocol import Store
from tests.support.neo4j import RunningNeo4j

Open = Callable[..., Store]

# What both stores promise is checked on the embedded one by the README's test command, and this of it on Neo4j by
# `.ci/run`; the rest is `long` there.
_ON_NEO4J = (
    "test_any_dataset_is_read_back_equal",
    "test_any_layer_is_read_back_equal",
    "test_a_layer_is_stale_from_the_step_that_changes_what_it_was_made_from",
    "test_a_reader_sees_what_was_written_after_it_was_opened",
    "test_a_write_that_breaks_off_leaves_what_was_there",
    "test_associations_of_several_layers_stand_side_by_side",
    "test_renaming_a_layer_takes_along_what_names_it",
    "test_the_version_changes_with_every_write_and_only_then",
)
_BY_BOTH = ("test_contract.py", "test_life.py")
_LONG_ON_NEO4J = (
    "test_what_was_not_learned_is_found_whether_or_not_the_layer_lists_what_it_lacks",
    "test_a_text_is_understood_if_the_layer_lacks_none_of_its_skills",
    "test_the_strongest_bridges_are_found_whatever_the_limit",
)
_LATER = ("neo4j-2]", "neo4j-3]", "neo4j-4]")  # when a write breaks off


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        name, _, given = item.name.partition("[")
        if item.path.parent != Path(__file__).parent or not given.startswith("neo4j"):
            continue
        by_embedded = item.path.name in _BY_BOTH and (name not in _ON_NEO4J or given in _LATER)
        if by_embedded or name in _LONG_ON_NEO4J:
            item.add_marker(pytest.mark.long)


@pytest.fixture(params=["embedded", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the same store, empty at first, as often as called; `mode` is `write` unless given."""
    opened: list[Store] = []
    if request.param == "neo4j":
        server = request.getfixturevalue("neo4j_server")
        server.empty()

        def opening(mode: str = "write") -> Store:
            opened.append(server.open())
            return opened[-1]
    else:

        def opening(mode: str = "write") -> Store:
            opened.append(open_any(tmp_path / "store.kgl", mode=mode))  # type: ignore[arg-type]
            return opened[-1]

    yield opening
    for store in opened:
        store.close()


@pytest.fixture
def server(neo4j_server: RunningNeo4j) -> RunningNeo4j:
    """The session's Neo4j, emptied."""
    neo4j_server.empty()
    return neo4j_server


@pytest.fixture
def store(open_store: Open) -> Store:
    """An empty store, open for writing."""
    return open_store()
