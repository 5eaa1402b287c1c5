"""What all commands share: options, output for people and for machines, errors, progress."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer

from explorer.errors import USER_ERRORS

if TYPE_CHECKING:
    from explorer.store.protocol import Progress, Store

__all__ = [
    "DatasetOption",
    "JsonOption",
    "StoreOption",
    "emit_json",
    "guarded",
    "note",
    "number",
    "opened",
    "plain",
    "progress_bar",
    "share",
    "show_table",
    "single_dataset",
]

P = ParamSpec("P")

StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        envvar="SKILLGRAPH_STORE",
        help="Path of an embedded store, or neo4j://host:7687.",
        show_default="./skillgraph.kgl",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
DatasetOption = Annotated[
    str | None, typer.Option("--dataset", "-d", help="Dataset; may be left out if the store has only one.")
]


def guarded(function: Callable[P, None]) -> Callable[P, None]:
    """The command with errors of the user's input as one sentence and exit code 1, Ctrl-C as 130."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except USER_ERRORS as error:
            _complain(str(error))
            raise typer.Exit(1) from None
        except BrokenPipeError:
            # the reader of our output has gone; nothing is left to say to it
            sys.stderr.close()
            raise typer.Exit(0) from None
        except MemoryError:
            _complain("not enough memory for this: take fewer parts or a smaller --top")
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            typer.echo("\nInterrupted: the store is as it was.", err=True)
            raise typer.Exit(130) from None

    return run


def _complain(message: str) -> None:
    typer.secho("error: ", fg="red", bold=True, err=True, nl=False)
    typer.echo(" ".join(message.split()), err=True)


@contextmanager
def opened(url: str | None, *, mode: str = "read") -> Iterator[Store]:
    """The store, closed at the end."""
    from explorer.store.opening import open_store

    store = open_store(url, mode="write" if mode == "write" else "read")
    try:
        yield store
    finally:
        store.close()


def single_dataset(store: Store, wanted: str | None) -> str:
    """The dataset that was named, or the only one.

    Raises:
        NotFoundError: It is not there, there is none, or there are several to choose from.
    """
    from explorer.errors import NotFoundError

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


def plain(value: Any) -> Any:
    """Dataclasses, arrays and paths as what JSON has; NaN and infinities as null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return str(value) if isinstance(value, Path) else value


def emit_json(value: Any) -> None:
    """One JSON object on standard output."""
    typer.echo(json.dumps(plain(value), ensure_ascii=False, allow_nan=False, indent=2))


def note(message: str) -> None:
    """A remark for people, on standard error."""
    typer.echo(message, err=True)


def number(value: float | None, digits: int = 3) -> str:
    """A figure for a table; a dash where there is none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.{digits}f}"


def share(value: float | None) -> str:
    """A fraction as a percentage; a dash where there is none."""
    return "–" if value is None else f"{value:.1%}"


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "", caption: str = "") -> None:
    """A table on standard output; the first column is text, the others figures if all of them look so."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title or None, caption=caption or None, box=box.SIMPLE_HEAD, title_justify="left")
    table.title_style, table.caption_style, table.caption_justify = "bold", "dim", "left"
    for place, column in enumerate(columns):
        cells = [row[place] for row in rows]
        figures = bool(cells) and all(cell[:1].isdigit() or cell[:1] in "–-+" for cell in cells)
        table.add_column(escape(column), justify="right" if figures else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    Console(soft_wrap=False).print(table)


@contextmanager
def progress_bar(title: str, *, quiet: bool = False) -> Iterator[Progress]:
    """A progress bar on standard error; nothing where that is not a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    )
    with bar:
        task = bar.add_task(title, total=None)

        def update(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield update
