"""All layers of a family by all skills, found in a child process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from explorer.errors import SkillgraphError
from explorer.service.changes import Gain, learned_changes, measured_changes
from explorer.service.comparison import levels_of
from explorer.service.family import FamilyReport, family
from explorer.service.matrix import FamilyMatrix, family_matrix
from explorer.service.snapshot import read_dataset
from explorer.store.place import Place
from explorer.store.protocol import Store
from explorer.wording import quoted
from ui.drawing.multiples import SharedGraph, shared_graph
from ui.work.children import Report
from ui.work.tasks import reader

__all__ = ["Gain", "Shares", "Wide", "look"]

_SKILLS = 3_000


@dataclass(frozen=True, eq=False)
class Shares:
    """Learned shares of G classes or levels of all skills, in M layers.

    Attributes:
        labels: Classes, the largest first, or levels, the lowest first.
        learned: Share that is learned, float64 (G, M).
        skills: Number of skills, float64 (G, M).
    """

    labels: tuple[str, ...]
    learned: npt.NDArray[np.float64]
    skills: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Wide:
    """A family as the page shows it.

    Attributes:
        report: The tree.
        layers: Names of the layers, one a column of the matrix.
        skills: Ids of the skills, one a row.
        names: Theirs.
        classes: Theirs; "" for none.
        values: What is shown of each skill and layer, float64 (S, M) by name: `rate`, `beyond`, `change`, or `learned`.
        matrix: Of evidence layers; None for layers learned from texts.
        gains: All that was gained and lost.
        left_out: Number of skills that are not in the matrix as all layers agree on them.
        too_many: Number of skills that are not in it as there are too many on which layers differ.
        shared: Where skills lie in all panels of the small multiples.
        shares: Of layers learned from texts, by `class` and `level`.
    """

    report: FamilyReport
    layers: tuple[str, ...]
    skills: tuple[str, ...]
    names: tuple[str, ...]
    classes: tuple[str, ...]
    values: dict[str, npt.NDArray[np.float64]]
    matrix: FamilyMatrix | None
    gains: tuple[Gain, ...]
    left_out: int
    too_many: int = 0
    shared: SharedGraph | None = None
    shares: dict[str, Shares] = field(default_factory=dict)


def look(report: Report, place: Place, dataset: str, root: str | None) -> Wide:
    """A family and its matrix."""
    report("reading outcomes and fitting difficulties", 0, 1)
    store = reader(place)
    found = family(
        store,
        dataset,
        root=root,
        progress=lambda done, total: report("comparing each layer with its base", done, 2 * max(total, 1)),
    )
    if not found.members:
        raise SkillgraphError(f"no layer of dataset {quoted(dataset)} was fine-tuned from another one")
    try:
        matrix = family_matrix(
            store, dataset, root=root, progress=lambda done, total: report("placing models", total + done, 2 * total)
        )
    except SkillgraphError:
        matrix = None
    wide = _learned(store, dataset, found) if matrix is None else _measured(found, matrix)
    report("placing skills", 1, 1)
    table = wide.values["learned" if matrix is None else "rate"]
    filled = np.where(np.isnan(table), np.nanmean(table) if not np.isnan(table).all() else 0.0, table)
    spread = np.ptp(filled, axis=1) if table.size else np.zeros(len(wide.skills))
    infos = [member.layer for member in found.members]
    return replace(wide, shared=shared_graph(store, dataset, infos, wide.skills, spread))


def _measured(found: FamilyReport, matrix: FamilyMatrix) -> Wide:
    values = {"rate": matrix.rate.T, "beyond": (matrix.rate - matrix.expected).T, "change": matrix.difference.T}
    return Wide(
        found,
        tuple(info.name for info in matrix.layers),
        matrix.skills,
        matrix.names,
        tuple(c or "" for c in matrix.classes),
        values,
        matrix,
        measured_changes(matrix),
        0,
    )


def _learned(store: Store, dataset: str, found: FamilyReport) -> Wide:
    """Layers learned from texts: which skills each has learned."""
    skills = read_dataset(store, dataset).skills
    ids = skills["id"].to_pylist()
    row = {skill: k for k, skill in enumerate(ids)}
    names, classes = skills["name"].to_pylist(), skills["class"].to_pylist()
    layers = [member.layer for member in found.members]
    table = np.zeros((len(ids), len(layers)))
    for m, info in enumerate(layers):
        known = [row[s] for s in store.read_layer(dataset, info.name).skills["skill"].to_pylist() if s in row]
        table[known, m] = 1.0
    differ = np.flatnonzero(table.min(axis=1, initial=1.0) != table.max(axis=1, initial=0.0))
    kept = differ[:_SKILLS]
    return Wide(
        found,
        tuple(info.name for info in layers),
        tuple(ids[k] for k in kept),
        tuple(names[k] or ids[k] for k in kept),
        tuple(classes[k] or "" for k in kept),
        {"learned": table[kept]},
        None,
        learned_changes(store, dataset, found),
        len(ids) - len(differ),
        len(differ) - len(kept),
        shares={"class": _shares(table, classes), "level": _shares(table, levels_of(read_dataset(store, dataset)))},
    )


def _shares(table: npt.NDArray[np.float64], groups: Sequence[str | int | None]) -> Shares:
    counts = Counter(groups)
    numbered = any(isinstance(group, int) for group in counts)
    labels = sorted(counts, key=lambda group: (group is None, group if numbered else -counts[group]))
    member = np.array([[group == label for group in groups] for label in labels], np.float64)
    skills = np.array([counts[label] for label in labels], np.float64)
    return Shares(
        tuple("(none)" if label is None else str(label) for label in labels),
        member @ table / skills[:, None],
        np.broadcast_to(skills[:, None], (len(labels), table.shape[1])),
    )
