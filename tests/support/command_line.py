"""The command line without a process of its own: what is compiled and imported once serves every call."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

__all__ = ["Ran", "call"]


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
    from explorer.cli import main

    words = shlex.split(command)
    assert words[0] == "skillgraph", command
    out, err = io.StringIO(), io.StringIO()
    code: int | str | None = 0
    with (
        _plain_environment(),
        contextlib.chdir(folder),
        mock.patch.object(sys, "argv", words),
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
def _plain_environment() -> Iterator[None]:
    """A wide page without colours, and no setting of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SKILLGRAPH_", "NEO4J_"))}
    with mock.patch.dict(os.environ, {**kept, "COLUMNS": "160", "NO_COLOR": "1"}, clear=True):
        yield
