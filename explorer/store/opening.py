"""From the place of a store to the store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from explorer.errors import StoreError

if TYPE_CHECKING:
    from explorer.store.protocol import Store

__all__ = ["DEFAULT_PATH", "open_store"]

DEFAULT_PATH = Path("skillgraph.kgl")
"""Where the store is if none is named: in the folder one works in."""

_SERVER_SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")


def open_store(url: str | Path | None, *, mode: Literal["read", "write"]) -> Store:
    """Open a store; close it with its `close`.

    Args:
        url: A file (`None` is `./skillgraph.kgl`) for the embedded store, or the address of a Neo4j server
            (`neo4j://host:7687` and the like).
        mode: `read`, or `write`: of an embedded store only one process at a time has it open for writing.

    Raises:
        StoreError: It is not there, cannot be opened, or is of another version.
    """
    scheme, separator, _ = str(url or "").partition("://")
    if separator and isinstance(url, str):
        if scheme.lower() not in _SERVER_SCHEMES:
            raise StoreError(
                f"store {url!r}: {scheme}:// is not known; give the path of a file, or an address that starts with "
                f"{', '.join(f'{known}://' for known in _SERVER_SCHEMES)}"
            )
        from explorer.store.neo4j.store import Neo4jStore

        return Neo4jStore(url)
    from explorer.store.embedded.store import EmbeddedStore

    return EmbeddedStore(Path(url or DEFAULT_PATH).expanduser(), mode=mode)
