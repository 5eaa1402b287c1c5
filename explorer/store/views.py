"""Saved views: pages with what was chosen on them, and queries, kept in the store under names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from explorer.errors import NotFoundError, StoreError

__all__ = ["MOST_VIEWS", "SavedView", "changed_views"]

MOST_VIEWS = 1_000
"""Views that a store keeps at most."""

_PATH = re.compile(r"/[a-z-]*\Z")
_NAME, _QUERY = 200, 60_000  # characters
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True)
class SavedView:
    """An address of the explorer without its host, under a name.

    Attributes:
        name: Unique in the store; at most 200 characters.
        path: Of the page: `/graph`, or `/query` for a query.
        query: What was chosen there, as the address has it after the question mark; may be empty.
        saved_at: UTC time, ISO 8601.
    """

    name: str
    path: str
    query: str = ""
    saved_at: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no address of a page.

        Raises:
            StoreError: With what is wrong.
        """
        if not self.name.strip() or len(self.name) > _NAME or _CONTROL.search(self.name):
            raise StoreError(f"{self.name[:40]!r} cannot name a view: give one line of 1 to {_NAME} characters")
        if not _PATH.match(self.path):
            raise StoreError(f"view {self.name!r}: {self.path[:40]!r} is not the path of a page, as /graph is")
        if len(self.query) > _QUERY or _CONTROL.search(self.query) or self.query.startswith("?"):
            raise StoreError(f"view {self.name!r}: its query is not what follows the question mark of an address")

    @property
    def address(self) -> str:
        """Path and query: what a link has."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def properties(self) -> dict[str, str]:
        """As a property map."""
        return {"name": self.name, "path": self.path, "query": self.query, "saved_at": self.saved_at}

    @classmethod
    def of_properties(cls, node: Mapping[str, str]) -> SavedView:
        """Read back from a property map."""
        return cls(node["name"], node["path"], node.get("query", ""), node.get("saved_at", ""))


def changed_views(
    there: Sequence[SavedView], save: Sequence[SavedView], remove: Sequence[str], *, replace: bool
) -> tuple[SavedView, ...]:
    """The views after a change, ordered by name.

    Args:
        there: Those before it.
        save: What is added.
        remove: Names of those that go first.
        replace: Those of the same names may be replaced.

    Raises:
        NotFoundError: What is to go is not there.
        StoreError: A name is taken, or there would be too many.
    """
    found = {view.name: view for view in there}
    for name in remove:
        if found.pop(name, None) is None:
            raise NotFoundError(f"there is no saved view {name!r}")
    for view in save:
        if view.name in found and not replace:
            raise StoreError(f"there is a saved view {view.name!r} already: replace it, or choose another name")
        found[view.name] = view
    if len(found) > MOST_VIEWS:
        raise StoreError(f"a store keeps at most {MOST_VIEWS:,} saved views: delete some first")
    return tuple(sorted(found.values(), key=lambda view: view.name))
