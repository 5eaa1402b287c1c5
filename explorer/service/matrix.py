"""All models of a family by all skills, with uncertainty: solve rates, and differences from the base."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.ordering import clustered
from analysis.pairing import Overall
from explorer.arrays import IndexedGraph
from explorer.errors import SkillgraphError
from explorer.service.comparison import levels_of
from explorer.service.evidence import calibration_of, layer_outcomes
from explorer.service.evidence_fits import Calibrated
from explorer.service.pairing import FALSE_DISCOVERIES, group_differences, pair_layers
from explorer.service.snapshot import lineage, read_dataset
from explorer.store.protocol import LayerInfo, Progress, Store

__all__ = ["FamilyMatrix", "GroupMatrix", "Grouping", "family_matrix", "group_csv", "matrix_csv"]

Floats = NDArray[np.float64]
Grouping = Literal["class", "level"]


@dataclass(frozen=True, eq=False)
class GroupMatrix:
    """M layers by G classes or levels of skills.

    Attributes:
        labels: Classes or levels; None for skills without one.
        skills: Number of skills in each, int64 (G,).
        rate: Mean solve rate of the group's skills, which weigh the same, float64 (M, G); NaN where none was tested.
        low: Mean of the lower ends of their intervals: no narrower than the interval of the mean.
        high: Mean of the upper ends.
        expected: Mean of the rates by ability and difficulty alone.
        difference: Mean outcome less that of the base, on common texts that require some skill of the group; NaN for
            a layer without a base.
        difference_low: Lower end of its 95 % interval.
        difference_high: Upper end.
        p_value: Of no difference (McNemar or paired t), for this group alone.
    """

    labels: tuple[str | int | None, ...]
    skills: NDArray[np.int64]
    rate: Floats
    low: Floats
    high: Floats
    expected: Floats
    difference: Floats
    difference_low: Floats
    difference_high: Floats
    p_value: Floats


@dataclass(frozen=True, eq=False)
class FamilyMatrix:
    """M layers by S skills; like layers and like skills stand side by side.

    Attributes:
        layers: Item response layers, one a row.
        skills: Ids of skills, one a column: those that some of the layers were tested on.
        names: Names of the skills.
        classes: Classes; None for skills without one.
        levels: Levels of the data, or that the prerequisites make; None for skills without one.
        rate: Expected share of the skill's texts that the model solves, float64 (M, S); NaN where untested.
        low: Lower end of the 95 % interval.
        high: Upper end.
        expected: The share by ability and difficulty alone.
        attempted: Texts of the skill that the model attempted, int64 (M, S).
        difference: Mean outcome less that of the base, on texts that both attempted; NaN for a layer without a base.
        q_value: Of no difference, after Benjamini and Hochberg over the skills of the pair; NaN likewise.
        changes: For each layer, by grouping and label, its outcomes beside the base's on the texts of the group.
    """

    layers: tuple[LayerInfo, ...]
    skills: tuple[str, ...]
    names: tuple[str, ...]
    classes: tuple[str | None, ...]
    levels: tuple[int | None, ...]
    rate: Floats
    low: Floats
    high: Floats
    expected: Floats
    attempted: NDArray[np.int64]
    difference: Floats
    q_value: Floats
    changes: tuple[Mapping[Grouping, Mapping[object, Overall]], ...] = ()

    @property
    def sureness(self) -> Floats:
        """How sure the rate is, float64 (M, S): 1 − width of the interval; 0 where untested."""
        found: Floats = np.nan_to_num(1.0 - (self.high - self.low))
        return found

    def grouped(self, by: Grouping) -> GroupMatrix:
        """The same by class or by level of skills, the largest class or the lowest level first."""
        every: tuple[str | int | None, ...] = self.classes if by == "class" else self.levels
        counts = Counter(every)
        labels = sorted(counts, key=lambda label: (label is None, -counts[label] if by == "class" else label or 0))
        member = np.array([[label == group for group in labels] for label in every], np.float64)
        there = (~np.isnan(self.rate)).astype(np.float64) @ member
        with np.errstate(invalid="ignore", divide="ignore"):
            rate, low, high, expected = (
                np.nan_to_num(values) @ member / there for values in (self.rate, self.low, self.high, self.expected)
            )
        change = np.full((4, len(self.layers), len(labels)), np.nan)
        for m, of_layer in enumerate(self.changes):
            for g, label in enumerate(labels):
                found = of_layer.get(by, {}).get(label)
                if found is not None:
                    change[:, m, g] = found.difference, found.low, found.high, found.p_value
        return GroupMatrix(
            tuple(labels), np.array([counts[label] for label in labels], np.int64), rate, low, high, expected, *change
        )


def family_matrix(
    store: Store,
    dataset: str,
    *,
    root: str | None = None,
    differences: bool = True,
    progress: Progress | None = None,
) -> FamilyMatrix:
    """Item response layers of a dataset, all or those of one family, by skill.

    Args:
        store: Where the layers are.
        dataset: Name of the dataset.
        root: Only this layer and what was fine-tuned from it; None means all layers.
        differences: Also compare each layer with its base, item by item.
        progress: Called after each layer.

    Returns:
        The matrix.

    Raises:
        NotFoundError: No such layer.
        SkillgraphError: No layer of this kind.
    """
    infos = {info.name: info for info in store.layers(dataset)}
    chosen = [info for info in infos.values() if info.kind == "evidence" and "solve_rate" in info.parameters]
    if root is not None:
        lineage(store, dataset, root)
        chosen = [info for info in chosen if root in _line(info, infos)]
    if not chosen:
        raise SkillgraphError(
            "there are no evidence layers from an item response fit: make them with `skillgraph evidence --all-models`"
        )
    columns: dict[str, int] = {}
    described: dict[str, tuple[str, str | None, int | None]] = {}
    index: IndexedGraph | None = None
    ids: list[str] = []
    names: list[str] = []
    classes: list[str | None] = []
    found = []
    changes: list[Mapping[Grouping, Mapping[object, Overall]]] = []
    whole = read_dataset(store, dataset)
    levels = dict(zip(whole.skills["id"].to_pylist(), levels_of(whole), strict=True))
    for done, info in enumerate(chosen):
        placed, q, difference, groups = _row(store, dataset, info, infos if differences else {}, levels)
        indexed = placed.outcomes.indexed
        if indexed is not index:  # layers of the same texts share an index
            index = indexed
            ids, names, classes = (indexed.skill_column(c).to_pylist() for c in ("id", "name", "class"))
        tested = np.flatnonzero((placed.rates.attempted[0] > 0) & ~placed.outcomes.ignored)
        at = []
        for k in tested.tolist():
            skill = ids[k]
            if skill not in columns:
                columns[skill] = len(columns)
                described[skill] = (names[k], classes[k], levels[skill])
            at.append(columns[skill])
        found.append((placed, tested, at, q, difference))
        changes.append(groups)
        if progress is not None:
            progress(done + 1, len(chosen))
    shape = (len(chosen), len(columns))
    arrays = {name: np.full(shape, np.nan) for name in ("rate", "low", "high", "expected", "difference", "q_value")}
    attempted = np.zeros(shape, np.int64)
    for row, (placed, tested, at, q, difference) in enumerate(found):
        for name in ("rate", "low", "high", "expected"):
            arrays[name][row, at] = getattr(placed.rates, name)[0, tested]
        attempted[row, at] = placed.rates.attempted[0, tested]
        for name, values in (("q_value", q), ("difference", difference)):
            for skill, value in values.items():
                if skill in columns:
                    arrays[name][row, columns[skill]] = value
    rows, order = clustered(arrays["rate"]), clustered((arrays["rate"] - arrays["expected"]).T)
    ids = [list(columns)[k] for k in order.tolist()]
    return FamilyMatrix(
        layers=tuple(chosen[k] for k in rows.tolist()),
        skills=tuple(ids),
        names=tuple(described[skill][0] for skill in ids),
        classes=tuple(described[skill][1] for skill in ids),
        levels=tuple(described[skill][2] for skill in ids),
        attempted=attempted[np.ix_(rows, order)],
        changes=tuple(changes[k] for k in rows.tolist()),
        **{name: values[np.ix_(rows, order)] for name, values in arrays.items()},
    )


def _line(info: LayerInfo, infos: dict[str, LayerInfo]) -> list[str]:
    line = [info.name]
    while (base := infos[line[-1]].base) in infos and base not in line:
        line.append(str(base))
    return line


def _row(
    store: Store, dataset: str, info: LayerInfo, infos: dict[str, LayerInfo], levels: Mapping[str, int | None]
) -> tuple[Calibrated, dict[str, float], dict[str, float], Mapping[Grouping, Mapping[object, Overall]]]:
    calibrated = calibration_of(store, dataset, info)
    assert calibrated is not None, "an item response layer"
    placed = calibrated.placed(layer_outcomes(store, dataset, info))
    base = infos.get(info.base or "")
    pair = None if base is None else pair_layers(store, dataset, base, info)
    if pair is None:
        return placed, {}, {}, {}
    ids = pair.outcomes.indexed.skill_column("id").to_pylist()
    items = pair.skills.items > 0
    q = {ids[k]: float(pair.q_value[k]) for k in np.flatnonzero(items).tolist()}
    difference = {ids[k]: float(pair.skills.difference[k]) for k in np.flatnonzero(items).tolist()}
    classes = pair.outcomes.indexed.skill_column("class").to_pylist()
    groups: Mapping[Grouping, Mapping[object, Overall]] = {
        "class": group_differences(pair, classes),
        "level": group_differences(pair, [levels[skill] for skill in ids]),
    }
    return placed, q, difference, groups


def matrix_csv(found: FamilyMatrix, *, raw: bool = False) -> str:
    """One row for each layer and each skill that it was tested on; `beyond_noise` against the base.

    Args:
        found: The matrix.
        raw: Leave names as they are that a spreadsheet would run (`loaders.spreadsheet`).
    """
    from loaders.spreadsheet import escaped

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    figures = ("rate", "low", "high", "expected", "attempted", "difference", "q_value")
    writer.writerow(("layer", "base", "skill", "name", "class", "level", *figures, "beyond_noise", *_LAYER_COLUMNS))
    for row, info in enumerate(found.layers):
        for k in np.flatnonzero(found.attempted[row] > 0).tolist():
            values = [getattr(found, name)[row, k] for name in figures]
            q = found.q_value[row, k]
            told = ["" if isinstance(v, float) and np.isnan(v) else v for v in values]
            sure = "" if np.isnan(q) else bool(q <= FALSE_DISCOVERIES)
            about = (info.name, info.base, found.skills[k], found.names[k], found.classes[k], found.levels[k])
            named = about if raw else map(escaped, about)
            writer.writerow((*named, *told, sure, *_of_layer(info)))
    return text.getvalue()


def group_csv(found: FamilyMatrix, by: Grouping, *, raw: bool = False) -> str:
    """One row for each layer and each class or level of skills, with intervals.

    Args:
        found: The matrix.
        by: `class` or `level`.
        raw: As for `matrix_csv`.
    """
    from loaders.spreadsheet import escaped

    grouped = found.grouped(by)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    figures = ("rate", "low", "high", "expected", "difference", "difference_low", "difference_high", "p_value")
    writer.writerow(("layer", "base", by, "skills", *figures, *_LAYER_COLUMNS))
    for row, info in enumerate(found.layers):
        for g, label in enumerate(grouped.labels):
            values = [float(getattr(grouped, name)[row, g]) for name in figures]
            if np.isnan(values[0]):
                continue
            about = (info.name, info.base, label)
            named = about if raw else map(escaped, about)
            told = ["" if np.isnan(v) else v for v in values]
            writer.writerow((*named, int(grouped.skills[g]), *told, *_of_layer(info)))
    return text.getvalue()


_LAYER_COLUMNS = ("skills_add", "gain", "gain_error")


def _of_layer(info: LayerInfo) -> tuple[bool | str, float | str, float | str]:
    """Whether the layer's skills predict anything, and by how much log-loss falls; "" if that was not judged."""
    gain, error = info.figure("gain"), info.figure("gain_error")
    return (
        "" if info.skills_add is None else info.skills_add,
        "" if gain is None else gain,
        "" if error is None else error,
    )
