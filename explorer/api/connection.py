"""A store as a whole: its graphs, queries across them, its explorer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.api.graph import Graph, answer
from explorer.api.place import Place
from explorer.api.results import Answer
from explorer.api.tables import html_table, record_table
from explorer.api.window import Explorer, explore
from explorer.errors import NotFoundError
from explorer.options import LIMITS
from explorer.store.protocol import DatasetInfo
from explorer.wording import plural

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Connection", "connect"]


@dataclass(frozen=True, repr=False)
class Connection:
    """A store that is there.

    Attributes:
        place: Where it is.
    """

    place: Place

    @property
    def graphs(self) -> tuple[Graph, ...]:
        """Its datasets, ordered by name."""
        with self.place.reading() as store:
            return tuple(Graph(self.place, info.name) for info in store.datasets())

    def graph(self, name: str | None = None) -> Graph:
        """One dataset; its name may be left out if the store has only one.

        Raises:
            NotFoundError: There is no such dataset, or none or several and no name.
        """
        with self.place.reading() as store:
            names = [info.name for info in store.datasets()]
        there = ", ".join(map(repr, names)) or "none"
        if name is None and len(names) != 1:
            raise NotFoundError(f"name one of the datasets of {self.place.url}: {there}")
        if name is not None and name not in names:
            raise NotFoundError(f"there is no dataset {name!r} in {self.place.url}; its datasets: {there}")
        return Graph(self.place, name or names[0])

    def query(
        self,
        cypher: str,
        parameters: dict[str, Any] | None = None,
        *,
        limit: int = LIMITS.query_rows,
        timeout: float = LIMITS.query_seconds,
    ) -> Answer:
        """Ask read-only Cypher of the whole store; see `Graph.query`."""
        return answer(self.place, cypher, parameters or {}, limit=limit, timeout=timeout)

    def explore(
        self, page: str = "overview", *, port: int = 0, height: int = 720, browser: bool | None = None
    ) -> Explorer:
        """Open the explorer; see `Graph.explore`."""
        return explore(self.place, page, {}, port=port, height=height, browser=browser)

    def to_arrow(self) -> pa.Table:
        """A row for each dataset."""
        with self.place.reading() as store:
            return record_table(store.datasets(), DatasetInfo)

    def _repr_html_(self) -> str:
        return html_table(self.to_arrow(), f"{self.place.url}: {plural(len(self.graphs), 'dataset')}.")

    def __repr__(self) -> str:
        return f"<Connection to {self.place.url}>"


def connect(store: str | Path | None = None) -> Connection:
    """Connect to a store that is there.

    Args:
        store: Path of an embedded store (`./skillgraph.kgl` by default), or `neo4j://host:7687` with the password in
            the environment, as on the command line.

    Returns:
        The store.

    Raises:
        StoreError: There is no store, or it cannot be read.
    """
    place = Place(store)
    with place.reading():
        return Connection(place)
