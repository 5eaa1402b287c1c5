"""The command that does what a page is about to do, as it is typed."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from dash import html

from ui.attributes import attributes

__all__ = ["command_line", "command_text"]


def command_text(words: Iterable[str]) -> str:
    """A command with its words quoted where a shell needs it; what starts with a dash and is no option is kept apart.

    >>> command_text(["learn", "my layer", "--part", "a"])
    "skillgraph learn 'my layer' --part a"
    """
    return shlex.join(["skillgraph", *words])


def command_line(name: str, text: str = "") -> html.Div:
    """A command with a button that copies it.

    Args:
        name: Id of the text.
        text: The command, if it is known.
    """
    return html.Div(
        [
            html.Pre(text, id=name, className="command", tabIndex=0),
            html.Button("Copy", className="act", **attributes(data_copy=name, aria_label="Copy the command")),
        ],
        className="command-line",
    )
