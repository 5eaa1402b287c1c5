"""The dataset that is meant where none is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.errors import NotFoundError

if TYPE_CHECKING:
    from explorer.store.protocol import Store

__all__ = ["single_dataset"]


def single_dataset(store: Store, wanted: str | None) -> str:
    """The dataset that was named, or the only one.

    Raises:
        NotFoundError: It is not there, there is none, or there are several to choose from.
    """
    names = [info.name for info in store.datasets()]
    if wanted is not None:
        if wanted not in names:
            there = ", ".join(map(repr, names)) or "none"
            raise NotFoundError(f"there is no dataset {wanted!r} in {store.url}; datasets there: {there}")
        return wanted
    if len(names) == 1:
        return names[0]
    if not names:
        raise NotFoundError(f"{store.url} holds no dataset: run `skillgraph load` or `skillgraph demo` first")
    raise NotFoundError(f"choose one of the datasets with --dataset: {', '.join(names)}")
