"""`views list | save | rename | delete | export | import`: views of the explorer, kept in the store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.group import Run, command, group
from explorer.cli.output import Result, Rows, Table
from explorer.wording import plural

if TYPE_CHECKING:
    from explorer.store.views import SavedView

__all__ = ["delete", "export", "import_", "list_", "rename", "save", "views"]

_FUNCTIONS = {"list": "list_", "save": "save", "rename": "rename", "delete": "delete", "export": "export"}

views = group(
    "views",
    "Views of the explorer and queries, kept in the store under names for all who open it.",
    {**{name: f"views:{function}" for name, function in _FUNCTIONS.items()}, "import": "views:import_"},
)

NameArgument = Annotated[str, typer.Argument(help="Name of the view.", show_default=False)]
ReplaceOption = Annotated[bool, typer.Option("--replace", help="Replace views of the same names.")]


@command(store="read", rows=True)
def list_(run: Run) -> Result:
    """List the saved views with their addresses, which follow the explorer's own.

    Example: skillgraph views list
    """
    with run.opened() as store:
        found = store.views()
    rows = [(view.name, view.address, view.saved_at) for view in found]
    cells = [(view.name, view.path, view.query if len(view.query) <= 60 else view.query[:59] + "…") for view in found]
    blocks = [Table(("view", "page", "chosen"), cells)] if cells else ["No views are saved yet."]
    return Result({"views": _plain(found)}, blocks, Rows(("view", "address", "saved_at"), rows))


@command(store="write")
def save(
    run: Run,
    name: NameArgument,
    address: Annotated[str, typer.Argument(help="The address of the page, as the browser shows it.")],
    replace: ReplaceOption = False,
) -> Result:
    """Save a view: the address of a page of the explorer, under a name.

    Example: skillgraph views save "strong links" "http://127.0.0.1:8050/graph?layer=foundation&weight=5"
    """
    from explorer.service.views import save_view

    with run.opened() as store:
        view = save_view(store, name, address, replace=replace)
    return Result({"views": _plain([view])}, [f"Saved view {view.name!r}."])


@command(store="write")
def rename(
    run: Run, name: NameArgument, new: Annotated[str, typer.Argument(help="The new name.", show_default=False)]
) -> Result:
    """Give a saved view another name.

    Example: skillgraph views rename "strong links" core
    """
    from explorer.service.views import rename_view

    with run.opened() as store:
        view = rename_view(store, name, new)
    return Result({"views": _plain([view])}, [f"View {name!r} is now called {view.name!r}."])


@command(store="write")
def delete(
    run: Run,
    names: Annotated[list[str], typer.Argument(help="Names of the views.", metavar="NAME...", show_default=False)],
) -> Result:
    """Delete saved views.

    Example: skillgraph views delete core
    """
    from explorer.service.views import delete_views

    with run.opened() as store:
        delete_views(store, names)
    return Result({"deleted": list(names)}, [f"Deleted {plural(len(set(names)), 'view')}."])


@command(store="read")
def export(
    run: Run,
    output: Annotated[Path, typer.Argument(help="The file; - for standard output.", metavar="FILE")],
    names: Annotated[list[str] | None, typer.Option("--view", help="Only this view; may be repeated.")] = None,
) -> Result | None:
    """Write saved views to a file, which `views import` takes.

    Example: skillgraph views export views.json
    """
    from explorer.service.output import atomic_output
    from explorer.service.views import saved_view, views_text

    with run.opened() as store:
        found = store.views() if not names else tuple(saved_view(store, name) for name in dict.fromkeys(names))
    with atomic_output(output) as stream:
        stream.write(views_text(found).encode())
    if str(output) == "-":
        return None
    return Result({"views": _plain(found), "file": str(output)}, [f"Wrote {plural(len(found), 'view')} to {output}."])


@command(store="write")
def import_(
    run: Run,
    source: Annotated[Path, typer.Argument(help="A file that `views export` wrote.", metavar="FILE")],
    replace: ReplaceOption = False,
) -> Result:
    """Save the views of a file: all of them, or none if another view has one of the names.

    Example: skillgraph views import views.json --replace
    """
    from explorer.service.views import import_views, read_views

    found = read_views(source)
    with run.opened() as store:
        new = import_views(store, found, replace=replace)
    same = len(found) - len(new)
    there = f"; {same:,} {'was' if same == 1 else 'were'} there already" if same else ""
    return Result({"saved": list(new), "unchanged": same}, [f"Saved {plural(len(new), 'view')}{there}."])


def _plain(views: Sequence[SavedView]) -> list[dict[str, str]]:
    return [{**view.properties(), "address": view.address} for view in views]
