"""From the place of a store to the store."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from explorer.errors import StoreError

if TYPE_CHECKING:
    from explorer.credentials import Credentials
    from explorer.store.protocol import Notice, Store

__all__ = ["DEFAULT_PATH", "SERVERS", "open_store", "say_once"]

DEFAULT_PATH = Path("skillgraph.kgl")
"""Default store: in the current folder."""

SERVERS: dict[str, str] = dict.fromkeys(
    ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc"), "explorer.store.neo4j.store:Neo4jStore"
)
"""Kinds of servers: the scheme of their addresses, and `module:class`, given an address, `credentials` and `notice`."""


def open_store(
    url: str | Path | None,
    *,
    mode: Literal["read", "write"],
    credentials: Credentials | None = None,
    notice: Notice | None = None,
) -> Store:
    """Open a store; close it with its `close`.

    Args:
        url: A file (`None` is `./skillgraph.kgl`) for the embedded store, or the address of a Neo4j server
            (`neo4j://host:7687` and the like).
        mode: `read`, or `write`: of an embedded store only one process at a time has it open for writing.
        credentials: Who one is on a server; found as `explorer.credentials.find_credentials` does if not given.
        notice: Told that opening takes long, and why; the standard error output if not given.

    Raises:
        StoreError: It is not there, cannot be opened, or is of another version.
    """
    scheme, separator, _ = str(url or "").partition("://")
    if separator and isinstance(url, str):
        place = SERVERS.get(scheme.lower())
        if place is None:
            raise StoreError(
                f"store {url!r}: {scheme}:// is not supported; give the path of a file, or an address that starts with "
                f"{', '.join(f'{known}://' for known in SERVERS)}"
            )
        module, _, name = place.partition(":")
        opened: Store = getattr(import_module(module), name)(url, credentials=credentials, notice=notice or say_once)
        return opened
    from explorer.store.embedded.store import EmbeddedStore

    return EmbeddedStore(Path(url or DEFAULT_PATH).expanduser(), mode=mode)


def say_once(text: str, done: int, total: int) -> None:
    """A `Notice` that goes to the standard error output."""
    del total
    if not done:
        sys.stderr.write(f"{text}.\n")
