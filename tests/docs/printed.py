"""Every command that is printed anywhere: in pages, help, messages, hints and docstrings."""

from __future__ import annotations

import ast
import functools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer.main

from explorer.cli.app import app

__all__ = ["PACKAGES", "Printed", "examples", "mentions", "mentions_in", "unknown"]

ROOT = Path(__file__).parents[2]
PACKAGES = ("explorer", "ui", "loaders", "analysis")
HOLE = "…"
"""Stands where a message puts in a name."""

_WORD = re.compile(r"skillgraph\s")
_SPAN = re.compile(r"`(skillgraph\s[^`]+)`")
_LINE = re.compile(r"^(?:\s{4}|\$ )?(skillgraph [a-z].*?)(?: {3,}.*)?$", re.MULTILINE)
_EXAMPLE = re.compile(r"Example: (skillgraph .*?)(?=\n\s*\n|\Z)", re.DOTALL)
_LOOSE = re.compile(r"(?:with|run|use|is|it|by):? {1,2}(skillgraph [^`.;\n]+)")


@dataclass(frozen=True)
class Printed:
    """A command and where it is printed."""

    place: str
    command: str

    def __str__(self) -> str:
        return f"{self.place}: {self.command}"


def mentions() -> list[Printed]:
    """All of them, whole or in part, in the order of files and lines."""
    found = [Printed(place, command) for path in _pages() for place, command in _in_page(path)]
    return found + [printed for package in PACKAGES for printed in mentions_in(package)]


def mentions_in(package: str) -> list[Printed]:
    """Those of one package's modules."""
    found = []
    for path in sorted((ROOT / package).rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if not _WORD.search(source):
            continue
        for line, text in _texts(ast.parse(source)):
            place = f"{path.relative_to(ROOT)}:{line}"
            found += [Printed(place, command) for command in dict.fromkeys(_in_text(text))]
    return found


def examples() -> list[Printed]:
    """The examples that `--help` prints, command after command."""
    found = []
    for name, command in _commands(_top(), "skillgraph"):
        for hit in _EXAMPLE.finditer(command.help or ""):
            found.append(Printed(f"{name} --help", " ".join(hit[1].replace("\\[", "[").split())))
    return found


def unknown(command: str) -> str | None:
    """What the command line does not know in a command, which may lack arguments; None if it knows all of it."""
    try:
        words = shlex.split(command.replace(HOLE, "x"))[1:]
    except ValueError as error:
        return str(error)
    words = [word for word in words if word not in {"...", "|"}]
    known = _top()
    options = _options(known)
    while hasattr(known, "list_commands") and words:
        if words[0].startswith("-"):
            if words[0] not in options:
                return f"no option {words[0]}"
            words = words[1 if options[words[0]] else 2 :]
            continue
        inner = known.get_command(None, words[0])
        if inner is None:
            return None if words[0] == "x" else f"no command {words[0]}"
        known, words = inner, words[1:]
        options |= _options(known)
    places = [p for p in known.params if p.param_type_name == "argument"] if not hasattr(known, "list_commands") else []
    given = 0
    while words:
        word = words.pop(0)
        if not word.startswith("-") or word == "-":
            given += 1
            continue
        name, equals, _ = word.partition("=")
        if name not in options:
            return f"no option {name}"
        if not options[name] and not equals and words:
            words.pop(0)
    if given > len(places) and not any(place.nargs == -1 for place in places):
        return f"{given} arguments where {len(places)} are taken"
    return None


@functools.cache
def _top() -> Any:
    return typer.main.get_command(app)


def _options(command: Any) -> dict[str, bool]:
    """Options by name, with whether each is a flag."""
    flags = {"--help": True, "-h": True}
    for parameter in command.params:
        if parameter.param_type_name == "option":
            flag = bool(parameter.is_flag or getattr(parameter, "count", False))
            flags |= dict.fromkeys([*parameter.opts, *parameter.secondary_opts], flag)
    return flags


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    if hasattr(command, "list_commands"):
        for word in command.list_commands(None):
            yield from _commands(command.get_command(None, word), f"{name} {word}")
    else:
        yield name, command


def _pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def _in_page(path: Path) -> Iterator[tuple[str, str]]:
    text = path.read_text(encoding="utf-8")
    for pattern in (_SPAN, _LINE):
        for hit in pattern.finditer(text):
            yield f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, hit.start()) + 1}", " ".join(hit[1].split())


def _in_text(text: str) -> Iterator[str]:
    """The commands in a text of the program; a text that begins with one is one."""
    if text.startswith("skillgraph "):
        yield " ".join(text.split())
        return
    for pattern in (_SPAN, _EXAMPLE, _LOOSE):
        for hit in pattern.finditer(text):
            yield " ".join(hit[1].split())


def _texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Texts of a module, with holes where values are put in."""
    nodes = list(ast.walk(tree))
    inside = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else HOLE for part in node.values]
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.lineno, node.value
