"""The demo's texts with their wording: functions of the standard library or a package, with their source."""

from __future__ import annotations

import importlib.util
import json
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from explorer.arrays import IndexedGraph
from explorer.sgc import TextRecord

__all__ = ["source_texts"]


@cache
def _lines(path: Path) -> tuple[str, ...]:
    return tuple(path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True))


def _root(part: str) -> Path:
    if part == "stdlib":
        return Path(sysconfig.get_path("stdlib"))
    spec = importlib.util.find_spec(part)
    assert spec is not None, f"package {part} is not installed"
    assert spec.origin is not None
    return Path(spec.origin).parents[1]


def source_texts(indexed: IndexedGraph) -> Iterator[TextRecord]:
    """Each text of a graph of Python source as a line with id, skills and the function's source."""
    names = indexed.skills.ids.to_pylist()
    bounds, skills = indexed.graph.text_ptr, indexed.graph.text_skills
    columns = [indexed.text_column(name).to_pylist() for name in ("part", "path", "line", "lines")]
    for place, (ident, part, path, line, lines) in enumerate(zip(indexed.text_ids.to_pylist(), *columns, strict=True)):
        text = "".join(_lines(_root(part) / path)[line - 1 : line - 1 + lines])
        listed = [names[s] for s in skills[bounds[place] : bounds[place + 1]].tolist()]
        value = {"id": ident, "skills": listed, "text": text}
        yield TextRecord(ident, tuple(listed), json.dumps(value, ensure_ascii=False).encode(), text.encode())
