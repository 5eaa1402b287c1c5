"""The store that `skillgraph demo` makes, of a few modules instead of whole libraries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from explorer.service.demo import run_demo
from explorer.store.opening import open_store
from loaders import python_source
from loaders._python_targets import Selection, find_source_files

__all__ = ["make_demo_store", "small_sources"]

SOURCES = {
    "stdlib": ["json", "logging", "argparse", "csv", "textwrap", "statistics", "heapq", "string", "configparser"],
    "scipy": ["html", "email", "fractions", "zipfile"],
    "numpy": ["wsgiref", "xmlrpc"],
}


@contextmanager
def small_sources() -> Iterator[None]:
    """In this context the libraries that the pages read are small; names, classes and ids are as always."""

    def find(targets: Sequence[Any], **options: Any) -> Selection:
        return find_source_files([name for target in targets for name in SOURCES.get(target, [target])], **options)

    with mock.patch.object(python_source, "find_source_files", find):
        yield


def make_demo_store(path: Path) -> None:
    """Run the demo on the small sources."""
    with small_sources():
        store = open_store(path, mode="write")
        run_demo(store)
        store.close()
