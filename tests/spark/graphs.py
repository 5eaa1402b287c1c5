"""Graphs with what the kernels say of them, as folders of Parquet tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.association import associate
from analysis.components import components
from analysis.peeling import peel
from explorer.arrays import IndexedGraph, index_dataset
from loaders.dataset import Dataset, build_dataset, rename_dataset
from loaders.formats import load
from loaders.parquet import write_parquet

Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Case:
    """A dataset in a folder, and its graph for the kernels."""

    dataset: Dataset
    folder: str
    indexed: IndexedGraph

    def learned(self, capacity: int = 1, known: Sequence[str] = ()) -> list[tuple[str, int, str | None]]:
        """Skill, wave and teaching text, in order of skill, by the kernel."""
        result = peel(self.indexed.graph, capacity, known=self.indexed.skills.mask(list(known)))
        ids, texts = self.indexed.skills.ids.to_pylist(), self.indexed.text_ids.to_pylist()
        taught = zip(ids, result.wave.tolist(), result.taught_by.tolist(), strict=True)
        return [(skill, wave, None if by < 0 else texts[by]) for skill, wave, by in taught if wave >= 0]

    def mask(self, skills: Sequence[str]) -> Any:
        return self.indexed.skills.mask(list(skills))

    def components(self, skills: Sequence[str], rule: Any) -> dict[str, int]:
        label = components(self.indexed.graph, self.mask(skills), rule).label
        return {s: c for s, c in zip(self.indexed.skills.ids.to_pylist(), label.tolist(), strict=True) if c >= 0}

    def associations(self, skills: Sequence[str], rule: Any, **limits: Any) -> list[tuple[str, str, int]]:
        found = associate(self.indexed.graph, self.mask(skills), rule, **limits)
        ids = self.indexed.skills.ids.to_pylist()
        rows = zip(found.source.tolist(), found.target.tolist(), found.weight.tolist(), strict=True)
        return [(ids[a], ids[b], weight) for a, b, weight in rows]


def poisson(rng: np.random.Generator, name: str, skills: int, c: float, ratio: float) -> list[tuple[str, str]]:
    """Requirements of Poisson(c) texts."""
    texts = int(skills * ratio)
    text = np.repeat(np.arange(texts), rng.poisson(c, texts))
    skill = rng.integers(0, skills, len(text))
    return [(f"{name}/t{t}", f"{name}/s{s}") for t, s in zip(text.tolist(), skill.tolist(), strict=True)]


def ensembles(seed: int, skills: int) -> list[tuple[str, str]]:
    """Far below, near and far above the threshold of the 1-skill learner (c = 3: 1.038, c = 4: 1.466)."""
    rng = np.random.default_rng(seed)
    settings = ((3.0, 0.5), (3.0, 1.02), (3.0, 1.06), (4.0, 1.45), (4.0, 1.6), (2.0, 1.0), (5.0, 1.0))
    return [pair for k, (c, ratio) in enumerate(settings) for pair in poisson(rng, f"e{k}", skills, c, ratio)]


def hub(texts: int) -> list[tuple[str, str]]:
    """A skill that every text requires, the text that teaches it, and a chain of skills that then becomes learnable."""
    centre = [(f"hub/t{k:05d}", "hub/centre") for k in range(texts)]
    chain = [(f"hub/t{k:05d}", f"hub/s{s:05d}") for k in range(texts) for s in (k // 40, k // 40 + 1)]
    return [("hub/centred", "hub/centre"), ("hub/start", "hub/s00000"), *centre, *chain]


def python_source(package: str) -> list[tuple[str, str]]:
    """The requirements of the functions of a package of the standard library."""
    found = load(str(Path(__import__(package).__file__ or "").parent), format="python", name="real")
    table = found.dataset.requirements
    return list(zip(table["text"].to_pylist(), table["skill"].to_pylist(), strict=True))


def make_case(folder: Path, pairs: Pairs, *, idle_texts: int = 3, repeats: int = 0) -> Case:
    """Write a dataset whose texts have classes and parts, some without skills and some rows twice."""
    rows = list(dict.fromkeys(pairs))
    texts = sorted({text for text, _ in rows}) + [f"idle{k}" for k in range(idle_texts)]
    skills = [*sorted({skill for _, skill in rows}), "nobody's"]
    dataset = build_dataset(
        folder.name,
        texts=pa.table({"id": texts, "part": ["odd" if k % 2 else "even" for k in range(len(texts))]}),
        skills=pa.table({"id": skills, "class": [skill.partition("/")[0] for skill in skills]}),
        requirements=pa.table({"text": [text for text, _ in rows], "skill": [skill for _, skill in rows]}),
    )
    write_parquet(dataset, folder)
    if repeats:
        twice = rows[::-1] + rows[:repeats]
        table = pa.table({"text": [text for text, _ in twice], "skill": [skill for _, skill in twice]})
        pq.write_table(table, folder / "requirements.parquet")
    return Case(rename_dataset(dataset, folder.name), str(folder), index_dataset(dataset))
