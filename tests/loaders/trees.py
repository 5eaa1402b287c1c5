"""Small source trees, and what a dataset says of a text."""

from __future__ import annotations

import multiprocessing
import os
import textwrap
from dataclasses import dataclass
from pathlib import Path

from loaders.dataset import Dataset


def write_tree(root: Path, files: dict[str, str]) -> Path:
    for name, source in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source), encoding="utf-8")
    return root


def skills(dataset: Dataset, text: str) -> dict[str, int]:
    """Skill ids of a text with their weights."""
    assert text in dataset.texts["id"].to_pylist(), f"{text} is not among {dataset.texts['id'].to_pylist()}"
    return {row["skill"]: int(row["weight"]) for row in dataset.requirements.to_pylist() if row["text"] == text}


def names(dataset: Dataset, text: str, *classes: str) -> set[str]:
    """Skill ids of a text, of some classes only."""
    return {skill for skill in skills(dataset, text) if not classes or skill.partition(":")[0] in classes}


@dataclass(frozen=True)
class DeadlyFile:
    """A file whose reading ends every process but the first."""

    real: Path
    module: str
    is_package: bool = False

    @property
    def path(self) -> Path:
        if multiprocessing.parent_process() is not None:
            os._exit(1)
        return self.real
