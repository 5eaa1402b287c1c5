"""Whatever lays a layer beside the Poisson ensemble or its degrees also lays it beside texts that keep their types."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import explorer.service

ROOT = Path(__file__).parents[2]
WITHOUT = {
    "MeasuredClasses.poisson": "an ensemble of classes, not a prediction",
}
ADDED = {
    # Tables and figures that get their column or line of types in the next statement, where there is one.
    "explorer/api/results.py": 'names += ["predicted_typed"]',
    "explorer/cli/learning.py": 'columns += ["predicted_typed"]',
    "explorer/service/messages.py": '_line("typed"',
    "ui/drawing/figures.py": '"at random, types"',
    "ui/pages/overview/answers.py": '"types"], className="number"',
    "ui/work/kinds.py": 'columns = (*columns, "with types")',
}


def report_classes() -> Iterator[type]:
    for module in pkgutil.iter_modules(explorer.service.__path__):
        loaded = importlib.import_module(f"explorer.service.{module.name}")
        for name in getattr(loaded, "__all__", ()):
            found = getattr(loaded, name)
            if isinstance(found, type) and dataclasses.is_dataclass(found) and found.__module__ == loaded.__name__:
                yield found


def test_every_report_with_a_poisson_figure_has_one_by_types() -> None:
    found = set()
    for report in report_classes():
        names = {field.name for field in dataclasses.fields(report)}
        for name in names:
            if "poisson" in name and name.replace("poisson", "typed") not in names:
                found.add(f"{report.__name__}.{name}")
    assert found == set(WITHOUT)


def test_every_table_and_figure_of_a_layer_with_poisson_and_degrees_has_types() -> None:
    missing = set()
    for folder in ("explorer", "ui"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            source = file.read_text(encoding="utf-8")
            place = file.relative_to(ROOT).as_posix()
            for node in ast.walk(ast.parse(source)):
                if not isinstance(node, ast.Tuple | ast.List):
                    continue
                words = " ".join(
                    part.value
                    for item in node.elts
                    for part in ast.walk(item)
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                ).lower()
                # A figure of theory alone has no degrees.
                beside = "poisson" in words and ("degrees" in words or "predicted" in words)
                if beside and "type" not in words and (place not in ADDED or ADDED[place] not in source):
                    missing.add(f"{place}:{node.lineno}")
    assert missing == set()
