"""The command line without a process of its own: what is compiled and imported once serves every call."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

__all__ = ["Ran", "call", "call_words"]


@dataclass(frozen=True)
class Ran:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def call(folder: Path, command: str, given: str = "") -> Ran:
    """Run a line that begins with `skillgraph` in a folder, with `given` as its standard input."""
    words = shlex.split(command)
    assert words[0] == "skillgraph", command
    return call_words(folder, words[1:], given)


def call_words(folder: Path, arguments: Sequence[str], given: str = "", **environment: str) -> Ran:
    """Run `skillgraph` with arguments in a folder, with further settings in its environment."""
    from explorer.cli import main

    out, err = io.StringIO(), io.StringIO()
    code: int | str | None = 0
    with (
        _plain_environment(environment),
        contextlib.chdir(folder),
        mock.patch.object(sys, "argv", ["skillgraph", *arguments]),
        mock.patch.object(sys, "stdin", io.StringIO(given)),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    return Ran(code if isinstance(code, int) else 0 if code is None else 1, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _plain_environment(further: Mapping[str, str]) -> Iterator[None]:
    """A wide page without colours, and no setting of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SKILLGRAPH_", "NEO4J_"))}
    with mock.patch.dict(os.environ, {**kept, "COLUMNS": "160", "NO_COLOR": "1", **further}, clear=True):
        yield
