"""Saved views: a page with what was chosen on it, or a query, kept in the store for all who open it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from explorer.errors import NotFoundError, SkillgraphError, StoreError
from explorer.store.protocol import Store
from explorer.store.records import utc_now
from explorer.store.views import SavedView
from loaders.gate import RepeatedKeyError, parse_json, read_regular

__all__ = ["delete_views", "import_views", "read_views", "rename_view", "save_view", "saved_view", "views_text"]

_KIND = "skillgraph_views"
_VERSION = 1


def saved_view(store: Store, name: str) -> SavedView:
    """The view of that name.

    Raises:
        NotFoundError: There is none.
    """
    found = next((view for view in store.views() if view.name == name), None)
    if found is None:
        raise NotFoundError(f"there is no saved view {name!r}; `skillgraph views list` shows those that there are")
    return found


def save_view(store: Store, name: str, address: str, *, replace: bool = False) -> SavedView:
    """Keep an address of the explorer under a name.

    Args:
        store: Open for writing.
        name: What people call it.
        address: As the browser shows it, with or without the host.
        replace: One of that name may be replaced.

    Raises:
        StoreError: It is no address of a page, or the name is taken.
    """
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        raise StoreError(f"{address[:60]!r} is not an address of the explorer") from None
    view = SavedView(name.strip(), parts.path or "/", parts.query, utc_now())
    store.change_views([view], replace=replace)
    return view


def rename_view(store: Store, name: str, new: str) -> SavedView:
    """Give a view another name, which no other has yet.

    Raises:
        NotFoundError: There is no view of that name.
        StoreError: The new name is taken, or cannot be one.
    """
    old = saved_view(store, name)
    view = SavedView(new.strip(), old.path, old.query, old.saved_at)
    if view.name != name:
        store.change_views([view], remove=[name])
    return view


def delete_views(store: Store, names: Sequence[str]) -> None:
    """Delete views by their names, all or none.

    Raises:
        NotFoundError: One of them is not there.
    """
    store.change_views(remove=list(dict.fromkeys(names)))


def views_text(views: Sequence[SavedView]) -> str:
    """Views as the text of a file that `read_views` takes."""
    return json.dumps({_KIND: _VERSION, "views": [v.properties() for v in views]}, ensure_ascii=False, indent=1) + "\n"


def read_views(source: Path | bytes, name: str = "the file") -> tuple[SavedView, ...]:
    """The views of a file.

    Args:
        source: The file, or what is in it.
        name: What messages call content that has no path.

    Raises:
        SkillgraphError: It cannot be read, or holds something else.
    """
    name = str(source) if isinstance(source, Path) else name
    try:
        text = read_regular(source) if isinstance(source, Path) else source
    except OSError as error:
        raise SkillgraphError(f"cannot read {name}: {error.strerror or error}") from None
    try:
        content = parse_json(text)
    except RepeatedKeyError as error:
        raise SkillgraphError(f"{name}, line {error.line}: {error}") from None
    except ValueError:
        content = None
    if not isinstance(content, Mapping) or not isinstance(content.get("views"), list) or _KIND not in content:
        raise SkillgraphError(f"{name} holds no saved views: give a file that `skillgraph views export` wrote")
    if content[_KIND] != _VERSION:
        raise SkillgraphError(f"{name} was written by a later version of this program, which has other views")
    found: dict[str, SavedView] = {}
    for place, entry in enumerate(content["views"], 1):
        fields = ("name", "path", "query", "saved_at")
        if not isinstance(entry, Mapping) or not all(isinstance(entry.get(key, ""), str) for key in fields):
            raise SkillgraphError(f"{name}: view {place} is not a name, a path and a query")
        try:
            view = SavedView(*(str(entry.get(key, "")) for key in fields))
        except StoreError as error:
            raise SkillgraphError(f"{name}: {error}") from None
        if view.name in found:
            raise SkillgraphError(f"{name} has two views {view.name!r}: rename one of them")
        found[view.name] = view
    return tuple(found.values())


def import_views(store: Store, views: Sequence[SavedView], *, replace: bool = False) -> tuple[str, ...]:
    """Save views that were exported, all or none; those that are there as they are count as saved.

    Args:
        store: Open for writing.
        views: What `read_views` gave.
        replace: Others of the same names may be replaced.

    Returns:
        Names of the views that were written.

    Raises:
        StoreError: Another view has one of the names.
    """
    there = {view.name: view for view in store.views()}
    new = [view for view in views if view.name not in there or there[view.name].address != view.address]
    if new:
        store.change_views(new, replace=replace)
    return tuple(view.name for view in new)
