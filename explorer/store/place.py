"""Where the store is, and who one is to it: what a child process needs to open it too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from explorer.errors import SkillgraphError

if TYPE_CHECKING:
    from explorer.credentials import Credentials
    from explorer.store.protocol import Notice, Store

__all__ = ["Place"]


@dataclass(frozen=True)
class Place:
    """Attributes of a store's place.

    Attributes:
        url: Path or address; None is the default path.
        credentials: For a server, if they are known; otherwise they are found when it is opened.
    """

    url: str | None
    credentials: Credentials | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str | None) -> Place:
        """The place with credentials, so that a person is asked for the password once and not by each process."""
        if url is None or "://" not in url:
            return cls(url)
        from explorer.credentials import find_credentials
        from explorer.store.neo4j.connection import parse_address

        try:
            address = parse_address(url)
            return cls(url, find_credentials(address.host, address.port))
        except SkillgraphError:
            return cls(url)  # opening it says what is wrong

    def open(self, mode: Literal["read", "write"], *, notice: Notice | None = None) -> Store:
        """The store; `notice` is told that opening takes long, and why.

        Raises:
            StoreError: It is not there or cannot be opened.
        """
        from explorer.store.opening import open_store

        return open_store(self.url, mode=mode, credentials=self.credentials, notice=notice)
