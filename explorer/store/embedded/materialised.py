"""The graph that Cypher runs on: built from the columns when the first query asks for it, and kept for the next.

It is kept in this user's cache folder under the version of the content, which no other content has, so it is never
taken for another; the newest few are kept. A store that is copied or moved does not need it.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import kglite

from explorer.errors import StoreError
from explorer.folders import cache_folder
from explorer.store.embedded.building import build_graph
from explorer.store.embedded.container import Content
from explorer.store.embedded.kglite_file import load_graph
from explorer.store.embedded.names import stored_name

__all__ = ["materialised_graph"]

_INDEXES = (("Text", ("dataset", "id")), ("Skill", ("dataset", "id")), ("Skill", ("dataset", "name")))
"""Properties by which people look up nodes, apart from `key`; kglite does not keep these indexes with the graph."""
_FORM = 3
"""Changes whenever the graph of a content does: what an earlier version kept is not taken up."""
_KEPT = 4
_WORTH_KEEPING = 20_000
"""Rows from which on loading a graph is faster than building it."""


def materialised_graph(content: Content) -> Any:
    """The graph of a content; nothing that is done to it is stored.

    Raises:
        DamagedError: The content is damaged.
    """
    graph = _kept_or_built(content)
    for label, properties in _INDEXES:
        graph.create_composite_index(label, [stored_name(name) for name in properties])
    return graph


def _kept_or_built(content: Content) -> Any:
    entries = content.catalogue.get("datasets", {}).values()
    rows = sum(table["rows"] for entry in entries for table in entry["tables"].values())
    if rows < _WORTH_KEEPING:
        return build_graph(content)
    kept = cache_folder() / "graphs" / f"{content.version}-{_FORM}.kgl"
    with contextlib.suppress(StoreError, OSError):
        if kept.exists():
            graph = load_graph(kept)
            os.utime(kept)
            return graph
    graph = build_graph(content)
    # A cache that cannot be written is no reason to refuse a query.
    with contextlib.suppress(OSError, kglite.KgError):
        _keep(graph, kept)
    return graph


def _keep(graph: Any, path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # kglite makes its files for all to read; the folder lets nobody else in.
    path.parent.chmod(0o700)
    beside = path.with_name(f"{path.stem}.{os.getpid()}.tmp")
    try:
        graph.save(str(beside), layout="compact")
        beside.chmod(0o600)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    kept = sorted(path.parent.glob("*.kgl"), key=lambda file: file.stat().st_mtime)
    for old in kept[:-_KEPT]:
        old.unlink(missing_ok=True)
