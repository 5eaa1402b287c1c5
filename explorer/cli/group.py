"""What all commands share, declared once: store, output, progress, remarks, errors.

A command is a function of a `Run` and of its own options that returns a `Result`; `command` makes a command line of it.

    @command(store="read", rows=True)
    def layers(run: Run, dataset: DatasetOption = None) -> Result:
        '''List the layers of the store.'''
        with run.opened() as store:
            found = store.layers(dataset)
        return Result({"layers": found}, [_table(found)], rows=rows_of(found, LayerInfo))
"""

from __future__ import annotations

import functools
import importlib
import inspect
import io
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Literal, NoReturn, get_type_hints

import click
import typer
from typer.core import TyperGroup

from explorer.cli.ending import ended_by
from explorer.cli.former import modernised
from explorer.cli.output import Note, Result, Table, plain, print_table
from explorer.errors import USER_ERRORS, SkillgraphError
from explorer.options import ROWS_FORMATS, RowsFormat
from explorer.store.choosing import single_dataset
from explorer.temporary import sweep
from loaders.gate import read_regular

if TYPE_CHECKING:
    from explorer.store.protocol import Progress, Store

__all__ = [
    "RAW_HELP",
    "DatasetOption",
    "LayerArgument",
    "LazyGroup",
    "Run",
    "command",
    "command_of",
    "group",
    "layer_of_model",
    "names_of",
    "read_lines",
    "single_dataset",
    "standard_input",
    "write_text",
]

Opening = Literal["read", "write"]

DatasetOption = Annotated[
    str | None, typer.Option("--dataset", "-d", help="Dataset; may be left out if the store has only one.")
]
_NAMES_OF_LAYERS = {"layer", "first", "second", "base", "sender", "receiver", "goal_layer"}
"""Parameters of commands that name a layer which is there already."""
LayerArgument = Annotated[str, typer.Argument(help="Name of the layer.", metavar="LAYER", show_default=False)]
RAW_HELP = "CSV: no apostrophe before cells that a spreadsheet would run as a formula."
_STORE_HELP = "Path of an embedded store, or neo4j://host:7687."
_QUIET_HELP = "No progress and no remarks on standard error."
_VERBOSE_HELP = "Say which store is used, how long it took, and where an error comes from."


@dataclass
class Common:
    """Options that stand before the subcommand; those after it come first."""

    store: str | None = None
    as_json: bool = False
    quiet: bool = False
    verbose: bool = False


@dataclass
class Run:
    """One run of a command: where its store is, and how it speaks.

    Attributes:
        store: Path or address of the store; None for the default.
        mode: How the store is opened.
        output: How the result is printed: one of `RowsFormat`, or a format that only this command has.
        quiet: No progress and no remarks.
        verbose: More of both.
        raw: Cells of CSV that a spreadsheet would run stay as they are.
    """

    store: str | None = None
    mode: Opening = "read"
    output: str = "table"
    quiet: bool = False
    verbose: bool = False
    raw: bool = False
    started: float = field(default_factory=time.perf_counter)

    @property
    def for_people(self) -> bool:
        """True if the result is printed for people."""
        return self.output == "table"

    @contextmanager
    def opened(self, mode: Opening | None = None) -> Iterator[Store]:
        """The store, closed at the end."""
        from explorer.store.opening import open_store

        store = open_store(self.store, mode=mode or self.mode, notice=self.notice)
        if self.verbose:
            typer.echo(f"store: {store.url}", err=True)
        try:
            yield store
        finally:
            store.close()

    def progress(self, title: str) -> AbstractContextManager[Progress]:
        """A progress bar on standard error; nothing where that is not a terminal."""
        return _progress_bar(title, hidden=self.quiet or not self.for_people)

    def note(self, text: str) -> None:
        """A remark for people, unless they want none."""
        if not self.quiet:
            typer.echo(text, err=True)

    def notice(self, text: str, done: int, total: int) -> None:
        """A remark on long work of several steps, made once; see `explorer.store.protocol.Notice`."""
        del total
        if not done:
            self.note(f"{text}.")

    def print(self, result: Result) -> None:
        """The result in the form that was asked for."""
        if result.rows is not None and self.output in ("csv", "jsonl"):
            typer.echo(result.rows.csv(raw=self.raw) if self.output == "csv" else result.rows.jsonl(), nl=False)
        elif not self.for_people:
            typer.echo(json.dumps(plain(result.value), ensure_ascii=False, allow_nan=False, indent=2))
        else:
            for block in result.shown:
                self._show(block)
            layer = getattr(result.value, "layer", None)
            if layer is not None and getattr(layer, "stale", False):
                from explorer.service.stale import stale_sentence

                self.note(stale_sentence(layer))
        for remark in result.remarks:
            typer.echo(remark, err=True)
        if self.verbose:
            typer.echo(f"{time.perf_counter() - self.started:.2f} s", err=True)

    def _show(self, block: str | Table | Note) -> None:
        if isinstance(block, Table):
            print_table(block)
        elif isinstance(block, str):
            typer.echo(block)
        elif block.kept or not self.quiet:
            typer.echo(block.text, err=True)


def layer_of_model(name: Any) -> Any:
    """Name of a layer as it was given; a model's name with slashes means the layer that was estimated from it.

    >>> layer_of_model("org/model"), layer_of_model("foundation"), layer_of_model(None)
    ('org_model', 'foundation', None)
    """
    # no name of a layer holds a slash, so nothing else can be meant
    return name.replace("/", "_") if isinstance(name, str) else name


def command(
    *, store: Opening | None = None, rows: bool = False, formats: Sequence[str] = (), advice: str = ""
) -> Callable[[Callable[..., Result | None]], Callable[..., None]]:
    """Make a command line's command of a function: its own options, and those that all commands share.

    Args:
        store: How the command opens the store; None if it needs none, and then it takes no `--store`.
        rows: True if it prints a list, which `--format` then offers as CSV and JSON Lines too.
        formats: Further formats that it prints itself, as the value of its result.
        advice: What to do where memory is not enough: "take fewer parts".

    Returns:
        A decorator; what it makes is what Typer takes.
    """

    def decorate(function: Callable[..., Result | None]) -> Callable[..., None]:
        @functools.wraps(function)
        def run_command(**given: Any) -> None:
            common: Common = given.pop("_context").find_root().obj or Common()
            as_json = given.pop("_json") or common.as_json
            form = given.pop("_format", None)
            run = Run(
                store=given.pop("_store", None) or common.store,
                mode=store or "read",
                output=_output(form, as_json=as_json),
                quiet=given.pop("_quiet") or common.quiet,
                verbose=given.pop("_verbose") or common.verbose,
                raw=given.pop("_raw", False),
            )
            for option in _NAMES_OF_LAYERS & set(given):
                given[option] = layer_of_model(given[option])
            _guarded(run, lambda: function(run, **given), stores=store is not None, advice=advice)

        own = get_type_hints(function, include_extras=True)
        signature = inspect.signature(function)
        parameters = [
            parameter.replace(annotation=own[name], kind=inspect.Parameter.KEYWORD_ONLY)
            for name, parameter in signature.parameters.items()
            if name != "run"
        ]
        parameters += _shared(stores=store is not None, formats=(*ROWS_FORMATS, *formats) if rows else ())
        run_command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run_command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        # square brackets are Cypher's in examples, not markup
        run_command.__doc__ = inspect.cleandoc(function.__doc__ or "").replace("[", r"\[")
        return run_command

    return decorate


def _shared(*, stores: bool, formats: tuple[str, ...]) -> list[inspect.Parameter]:
    """The options that the frame adds to a command."""

    def option(name: str, annotation: Any, default: Any) -> inspect.Parameter:
        return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)

    added = [option("_context", typer.Context, inspect.Parameter.empty)]
    if stores:
        shown = typer.Option(
            "--store", help=f"{_STORE_HELP} (env var: SKILLGRAPH_STORE)", show_default="./skillgraph.kgl"
        )
        added.append(option("_store", Annotated[str | None, shown], None))
    if formats:
        text = "Format of the list."
        chosen = typer.Option("--format", help=text, show_default="table")
        added.append(option("_format", Annotated[Literal[formats] | None, chosen], None))
        raw = Annotated[bool, typer.Option("--raw", help=RAW_HELP)]
        added.append(option("_raw", raw, False))
    switches = (
        ("_json", ("--json",), "Print one JSON object."),
        ("_quiet", ("--quiet", "-q"), _QUIET_HELP),
        ("_verbose", ("--verbose",), _VERBOSE_HELP),
    )
    added += [option(name, Annotated[bool, typer.Option(*flags, help=text)], False) for name, flags, text in switches]
    return added


def _output(form: RowsFormat | str | None, *, as_json: bool) -> str:
    if as_json and form not in (None, "json"):
        if form in ROWS_FORMATS:
            raise typer.BadParameter(f"--json and --format {form} cannot be used together: leave one out")
        return str(form)
    return "json" if as_json else form or "table"


def _guarded(run: Run, function: Callable[[], Result | None], *, stores: bool, advice: str = "") -> None:
    """Run it; errors of the user's input end as one sentence and exit code 1, Ctrl-C as 130."""
    try:
        sweep()
        result = function()
        if result is not None:
            run.print(result)
            sys.stdout.flush()
    except USER_ERRORS as error:
        if run.verbose:
            traceback.print_exc()
        _complain(str(error))
    except BrokenPipeError:
        # the reader of our output has gone; nothing is left to say to it
        sys.stderr.close()
        raise typer.Exit(0) from None
    except MemoryError:
        _complain(f"not enough memory for this: {advice or 'take less at once, or a machine with more'}")
    except KeyboardInterrupt:
        typer.echo("\nInterrupted" + (": the store is as it was." if stores else "."), err=True)
        raise typer.Exit(ended_by()) from None
    except (click.exceptions.ClickException, click.exceptions.Exit, click.exceptions.Abort):
        raise
    except Exception as error:  # noqa: BLE001 -- the last resort: one sentence, and the traceback in a file
        if run.verbose:
            traceback.print_exc()
        from explorer.unforeseen import explain

        _complain(explain(error))
    if result is not None and result.code:
        raise typer.Exit(result.code)


def _complain(message: str) -> NoReturn:
    typer.secho("error: ", fg="red", bold=True, err=True, nl=False)
    # A name that is not UTF-8 cannot be printed as it is.
    typer.echo(" ".join(message.split()).encode("utf-8", "backslashreplace").decode(), err=True)
    raise typer.Exit(1) from None


@contextmanager
def _progress_bar(title: str, *, hidden: bool) -> Iterator[Progress]:
    if hidden or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


# --- files, and `-` for standard input and output


def read_lines(path: Path) -> list[str]:
    """The lines of a text file or, for `-`, of standard input, that are not empty.

    Raises:
        SkillgraphError: It cannot be read.
    """
    try:
        data = _piped().read() if str(path) == "-" else read_regular(path)
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SkillgraphError(f"cannot read {path}: {error}") from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all; `-` is standard output.

    Raises:
        SkillgraphError: The file cannot be written.
    """
    from explorer.service.output import atomic_output

    with atomic_output(path) as stream:
        stream.write(text.encode())


@contextmanager
def standard_input(stem: str) -> Iterator[Path]:
    """What comes on standard input, as a file that goes away afterwards.

    Args:
        stem: The file's name; its ending follows from what it begins with.
    """
    import shutil

    from explorer.temporary import temporary_folder

    with temporary_folder("stdin") as folder:
        piped = _piped()
        head = piped.read(65536)
        path = folder / f"{stem}.{ending(head)}"
        with path.open("wb") as stream:
            stream.write(head)
            shutil.copyfileobj(piped, stream)
        yield path


def _piped() -> IO[bytes]:
    """Standard input as bytes, also where a test or a notebook has put text in its place."""
    binary: IO[bytes] | None = getattr(sys.stdin, "buffer", None)
    return io.BytesIO(sys.stdin.read().encode()) if binary is None else binary


def ending(head: bytes) -> str:
    r"""The ending that a file with this beginning would have.

    >>> [ending(head) for head in (b"text,skill", b"text\tskill", b'{"id": 1}\n{"id": 2}', b"[1]", b"PAR1")]
    ['csv', 'tsv', 'jsonl', 'json', 'parquet']
    """
    if head.startswith(b"PAR1"):
        return "parquet"
    start = head.decode("utf-8-sig", "replace").lstrip()
    if start.startswith("<"):
        return "gexf" if "<gexf" in start else "graphml"
    first, _, second = start.partition("\n")
    if start.startswith("{"):
        return "jsonl" if first.rstrip().endswith("}") and (not second or second.lstrip()[:1] == "{") else "json"
    return "json" if start.startswith("[") else "tsv" if "\t" in first else "csv"


# --- groups whose commands are imported when they are used


def group(name: str, text: str, commands: dict[str, str], *, completion: bool = False) -> typer.Typer:
    """A group of commands.

    Args:
        name: Its name.
        text: Its help.
        completion: True if it offers to install completion for the user's shell.
        commands: `module:function` (or, of a group in it, `module:its Typer`) by name, in the order of the help.

    Returns:
        The group; a command's module is imported when the command is run or listed.
    """
    lazy = type("Group", (LazyGroup,), {"places": commands})
    made = typer.Typer(
        name=name,
        help=text,
        cls=lazy,
        add_completion=completion,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(_no_options)
    return made


def _no_options() -> None:
    pass


def names_of(made: typer.Typer) -> list[str]:
    """Names of a group's commands, in the order of the help."""
    lazy = made.info.cls
    assert isinstance(lazy, type), "it was made by `group`"
    assert issubclass(lazy, LazyGroup), "it was made by `group`"
    return list(lazy.places)


class LazyGroup(TyperGroup):
    """A group that imports the module of a command when it is used."""

    places: dict[str, str]

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of the help."""
        return list(self.places)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name."""
        place = self.places.get(cmd_name)
        return None if place is None else command_of(cmd_name, place)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command and what follows it; former spellings are put as they are now, with a warning."""
        if ctx.parent is None:
            args, warnings = modernised(args)
            for warning in warnings:
                typer.secho("warning: ", fg="yellow", err=True, nl=False)
                typer.echo(warning, err=True)
        return super().resolve_command(ctx, args)


@functools.cache
def command_of(name: str, place: str) -> Any:
    """The command of that name.

    Args:
        name: As it is called.
        place: `module:function`, the module below `explorer.cli`.
    """
    module, _, attribute = place.partition(":")
    found = getattr(importlib.import_module(f"explorer.cli.{module}"), attribute)
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)
        single.command(name, context_settings={"help_option_names": ["-h", "--help"]})(found)
        found = single
    made = typer.main.get_command(found)
    made.name = name
    return made
