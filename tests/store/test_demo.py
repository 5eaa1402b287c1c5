"""The demo gives the same figures on both stores, on a part of its sources."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from explorer.service import demo, learn, memo
from explorer.store.neo4j.dataset import DatasetReader
from explorer.store.opening import open_store
from explorer.store.protocol import Store
from loaders import python_source
from loaders.dataset import Dataset
from loaders.python_source import load_python_source
from tests.support.neo4j import RunningNeo4j

# Modules in the place of the whole standard library and of scipy.
SOURCES = {"stdlib": ["json", "logging", "argparse"], "packaging": ["html", "csv"]}


@pytest.fixture(autouse=True)
def small_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(targets: list[str], **options: Any) -> Dataset:
        return load_python_source(SOURCES[targets[0]], **{**options, "workers": 1})

    monkeypatch.setattr(python_source, "load_python_source", load)


@pytest.fixture(autouse=True)
def own_memo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memo, "cache_folder", lambda: tmp_path / "cache")


def figures(store: Store) -> dict[str, Any]:
    """What does not depend on where it is stored and how long that takes."""
    found = asdict(demo.run_demo(store, package="packaging"))
    for name in ("store", "seconds"):
        del found[name]
    del found["foundation"]["seconds"]
    return found


@pytest.mark.long
@pytest.mark.neo4j
def test_the_demo_has_the_same_figures_on_neo4j_and_reads_its_dataset_once(
    neo4j_server: RunningNeo4j, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    neo4j_server.empty()
    server, embedded = neo4j_server.open(), open_store(tmp_path / "store.kgl", mode="write")
    try:
        expected = figures(embedded)
        assert expected["foundation"]["learned"] > 0
        assert expected["fine_tuned"]["joint"]["learned"] > expected["fine_tuned"]["foundation"]
        assert expected["requirements"] > 1_000
        reads: list[Dataset] = []
        read = DatasetReader.dataset

        def counted(reader: DatasetReader) -> Dataset:
            reads.append(read(reader))
            return reads[-1]

        with monkeypatch.context() as patched:
            patched.setattr(DatasetReader, "dataset", counted)
            assert figures(server) == expected
        assert [dataset.name for dataset in reads] == [demo.DATASET]
        assert server.read_dataset(demo.DATASET).equals(embedded.read_dataset(demo.DATASET))
        for info in embedded.layers():
            there = server.read_associations(demo.DATASET, info.name)
            assert there.equals(embedded.read_associations(demo.DATASET, info.name))
            assert there.num_rows == info.associations
        # Again, from what is stored, and in the place of the layers that are there.
        assert figures(server) == {**expected, "reused": True}
    finally:
        server.close()
        embedded.close()


@pytest.mark.ci
def test_a_demo_that_is_there_is_told_again_and_nothing_is_computed_or_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path / "store.kgl", mode="write")
    first = figures(store)
    version = store.version

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("computed")

    with monkeypatch.context() as patched:
        patched.setattr(demo, "_make", never)
        assert figures(store) == {**first, "reused": True}
    # Without the memo the layers are reused all the same.
    monkeypatch.setattr(memo, "cache_folder", lambda: tmp_path / "empty")
    assert figures(store) == {**first, "reused": True}
    assert store.version == version
    # Another layer of that name is not the demo's.
    learn(store, demo.DATASET, name="foundation", parts=("packaging",))
    assert demo._key(store, "packaging") is None
    assert figures(store) == {**first, "reused": True}
    store.close()
