"""An order in which to present a layer's texts, and its file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.curriculum import curriculum
from explorer.errors import SkillgraphError
from explorer.service.learning import situation
from explorer.store.protocol import Store
from loaders.writing import written_file

__all__ = ["CurriculumReport", "CurriculumSummary", "make_curriculum", "write_curriculum"]

Row = tuple[int, str, int | None, int, int, tuple[str, ...]]
_COLUMNS = ("place", "text", "wave", "pass", "novel", "teaches")


@dataclass(frozen=True)
class CurriculumSummary:
    """What an order does.

    Attributes:
        layer: Name of the layer.
        learner: Its learner, whose capacity is the most novel skills that a text may have.
        texts: Number of different texts in the order, without those of `left`.
        places: Number of presentations.
        passes: How often the most frequent text comes; 1 without prerequisites, and then no order does with less.
        taught: Number of skills taught.
        most_novel: Most novel skills that a text has when it comes.
        left: Texts that never have few enough novel skills.
    """

    layer: str
    learner: str
    texts: int
    places: int
    passes: int
    taught: int
    most_novel: int
    left: int


@dataclass(frozen=True)
class CurriculumReport:
    """An order of texts.

    Attributes:
        summary: What it does.
        columns: Names of the values of a row.
        rows: One a presentation: place from 1, id of the text, wave (None for a text out of reach), pass, number of
            novel skills when it comes, ids of the skills that it teaches.
    """

    summary: CurriculumSummary
    columns: tuple[str, ...]
    rows: Sequence[Row]


def make_curriculum(store: Store, dataset: str, layer: str, *, rest: bool = False) -> CurriculumReport:
    """Order the texts that a layer reads so that each next one has at most its capacity of novel skills.

    It starts from what the layer knew beforehand.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: A layer that was learned from texts.
        rest: Add at the end the texts that are never within reach, those with fewest lacking skills first.

    Returns:
        The order.

    Raises:
        NotFoundError: No such dataset or layer.
        SkillgraphError: The layer was not learned from texts.
    """
    at = situation(store, dataset, layer)
    known = at.wave == 0
    prerequisites = at.indexed.prerequisites
    order = curriculum(at.indexed.graph, at.capacity, known=known, learnable=at.learnable, prerequisites=prerequisites)
    texts, skills = at.indexed.text_ids.to_pylist(), at.indexed.skills.ids.to_pylist()
    pointers, taught = order.taught_ptr.tolist(), order.taught.tolist()
    columns = (order.text.tolist(), order.wave.tolist(), order.pass_.tolist(), order.novel.tolist())
    rows: list[Row] = [
        (k + 1, texts[t], wave, turn, novel, tuple(skills[s] for s in taught[pointers[k] : pointers[k + 1]]))
        for k, (t, wave, turn, novel) in enumerate(zip(*columns, strict=True))
    ]
    if rest:
        learned = known.copy()
        learned[order.taught] = True
        graph = at.indexed.graph
        for t in order.left.tolist():
            novel = int(np.count_nonzero(~learned[graph.text_skills[graph.text_ptr[t] : graph.text_ptr[t + 1]]]))
            rows.append((len(rows) + 1, texts[t], None, 1, novel, ()))
    summary = CurriculumSummary(
        layer=layer,
        learner=at.info.learner,
        texts=len(np.unique(order.text)),
        places=len(order.text),
        passes=order.n_passes,
        taught=len(order.taught),
        most_novel=int(order.novel.max(initial=0)),
        left=len(order.left),
    )
    return CurriculumReport(summary, _COLUMNS, rows)


def write_curriculum(report: CurriculumReport, path: Path) -> None:
    """Write an order to a file: one JSON object a line, or CSV with the skills as a JSON list.

    Raises:
        SkillgraphError: The ending is neither .jsonl nor .csv, or the file cannot be written.
    """
    if path.suffix not in (".jsonl", ".csv"):
        raise SkillgraphError(f"{path} must end in .jsonl or .csv")
    try:
        with written_file(path) as stream:
            file = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
            if path.suffix == ".csv":
                writer = csv.writer(file)
                writer.writerow(report.columns)
                writer.writerows((*row[:-1], json.dumps(row[-1], ensure_ascii=False)) for row in report.rows)
            else:
                for row in report.rows:
                    file.write(json.dumps(dict(zip(report.columns, row, strict=True)), ensure_ascii=False) + "\n")
            file.detach()
    except OSError as error:
        raise SkillgraphError(f"cannot write {path}: {error}") from None
