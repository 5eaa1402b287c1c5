"""Spellings of earlier releases: accepted for one more, each with a warning that says how it is written now."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

__all__ = ["modernised"]

_WITH_LAYER = ("learn", "associate", "components", "percolate", "predict", "compress", "decompress", "export")
_ON_SPARK = ("learn", "associate", "components")
_OF_SPARK = ("--master", "--conf", "--input", "--output", "--work", "--method", "--waves", "--block-edges", "--learned")


def modernised(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """A command line as it is written now.

    Args:
        arguments: The subcommand and all that follows it.

    Returns:
        The same in today's spelling, and a warning where that differs.

    >>> modernised(["predict", "--layer", "tuned"])[0]
    ['predict', 'tuned']
    >>> modernised(["learn", "a", "--engine", "spark", "--output", "b"])[0]
    ['spark', 'learn', 'a', '--output', 'b']
    >>> modernised(["associate", "a", "--take-up", "folder"])[0]
    ['spark', 'import', 'a', 'folder']
    """
    if not arguments:
        return [], []
    name, *rest = arguments
    new = [name]
    if name in _ON_SPARK:
        engine, rest = _taken(rest, "--engine")
        folder, rest = _taken(rest, "--take-up")
        if folder is not None:
            new, rest = ["spark", "import"], [*rest, folder]
        elif engine == "spark":
            new = ["spark", name]
        elif engine is not None and engine != "local":
            rest = [*rest, "--engine", engine]
    if name in _WITH_LAYER:
        layer, rest = _taken(rest, "--layer", "-l")
        if layer is not None:
            rest = [*rest, layer]
    now = [*new, *rest]
    strange = [flag.partition("=")[0] for flag in rest if flag.partition("=")[0] in _OF_SPARK]
    if new == [name] and name in _ON_SPARK and strange:
        return now, [f"{strange[0]} belongs to `skillgraph spark {name}`"]
    if now == list(arguments):
        return now, []
    return now, [f"this command is now `skillgraph {shlex.join(now)}`; the next release removes the old form"]


def _taken(arguments: Sequence[str], *flags: str) -> tuple[str | None, list[str]]:
    """The value of an option, and the arguments without it."""
    value: str | None = None
    rest: list[str] = []
    waiting = False
    for place, argument in enumerate(arguments):
        if argument == "--":
            return value, [*rest, *arguments[place:]]
        flag, equals, attached = argument.partition("=")
        if waiting:
            value, waiting = argument, False
        elif argument in flags:
            waiting = True
        elif equals and flag in flags:
            value = attached
        else:
            rest.append(argument)
    return (value, rest) if not waiting else (None, list(arguments))
