"""Two layers side by side: kept, gained and lost skills, what they are attached to, and what theory expects.

Evidence layers are compared item by item (`explorer.service.pairing`): a skill is gained or lost if the second model
solves more or fewer of its texts beyond noise, kept if the outcomes show that the difference is small, else open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from analysis.components import components
from analysis.hierarchy import levels
from analysis.pairing import Overall, benjamini_hochberg
from explorer.service.association import giant_of
from explorer.service.cautions import layer_cautions
from explorer.service.evidence import LayerMastery, mastery_of
from explorer.service.pairing import FALSE_DISCOVERIES, MARGIN, PairedLayers, group_differences, pair_layers
from explorer.service.snapshot import LayerView, layer_view
from explorer.service.stale import stale_sentence
from explorer.service.training import TrainingRow, predict_training
from explorer.store.protocol import LayerInfo, Store
from loaders.dataset import Dataset

__all__ = [
    "Attachment",
    "Change",
    "ClassRow",
    "ComponentRow",
    "LayerComparison",
    "LevelRow",
    "MasteryChange",
    "PairedOutcomes",
    "SkillChange",
    "compare",
]

Change = Literal["kept", "gained", "lost", "open"]

_ATTACHMENTS = 5
_COMPONENTS = 20
_TEXTS = 5


@dataclass(frozen=True)
class Attachment:
    """A skill of the first layer that a gained or lost skill is associated with.

    Attributes:
        skill: Id.
        name: Name.
        weight: Number of texts that require both.
    """

    skill: str
    name: str
    weight: int


@dataclass(frozen=True)
class SkillChange:
    """One skill in both layers.

    Attributes:
        skill: Id.
        name: Name.
        skill_class: Class; None if it has none.
        change: `kept` in both, `gained` only in the second, `lost` only in the first. Between evidence layers:
            `gained` if the second model solves more of its texts beyond noise, `lost` if fewer, `kept` if the
            difference is shown to be within the margin, `open` if none of these is told apart.
        wave: Wave in which the layer that has it learned it (the second if both do).
        attached_to: Skills learned in the first layer that it is associated with in the second (for a lost
            skill: in the first); the number of texts that require both summed over them.
        level: Level; None if it has none.
        component: Component of the first layer's association graph, 0 the largest, that it is in or, for a gained
            skill, is attached to most; None for none.
        attachments: For a gained or lost skill the strongest of `attached_to`, at most five.
        mastery_first: Probability of mastery in the first layer; None unless it is an evidence layer that can tell.
        mastery_second: The same for the second.
        mastery_change: Second less first.
        mastery_deviation: Standard deviation of the change, the two posteriors being independent.
        items: Of evidence layers: texts that require it and that both models attempted; None otherwise.
        solved_first: Mean outcome of the first model on them.
        solved_second: Mean outcome of the second.
        difference: Second less first.
        low: Lower end of the 95 % interval of the difference.
        high: Upper end.
        q_value: Of no difference, after Benjamini and Hochberg over skills.
        beyond_overall: The difference beyond what ability and difficulty make expected; None if that is not known.
        only_first: Number of the texts on which the first scored higher.
        only_second: Number on which the second did.
        texts_first: Ids of some texts on which the first scored higher, the largest difference first.
        texts_second: Ids of some on which the second did.
    """

    skill: str
    name: str
    skill_class: str | None
    change: Change
    wave: int
    attached_to: int
    level: int | None = None
    component: int | None = None
    attachments: tuple[Attachment, ...] = ()
    mastery_first: float | None = None
    mastery_second: float | None = None
    mastery_change: float | None = None
    mastery_deviation: float | None = None
    items: int | None = None
    solved_first: float | None = None
    solved_second: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    q_value: float | None = None
    beyond_overall: float | None = None
    only_first: int | None = None
    only_second: int | None = None
    texts_first: tuple[str, ...] = ()
    texts_second: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClassRow:
    """Counts for one class of skills.

    Attributes:
        skill_class: The class; None for skills without one.
        skills: Skills of the class required by the texts of either layer.
        first: Learned in the first layer.
        second: Learned in the second.
        kept: In both.
        gained: Only in the second.
        lost: Only in the first.
        open: Not told apart (evidence layers).
        items: Texts that require a skill of the class and that both models attempted; None but for evidence layers.
        difference: Mean outcome of the second on them less that of the first.
        low: Lower end of its 95 % interval.
        high: Upper end.
        q_value: Of no difference, after Benjamini and Hochberg over the classes.
    """

    skill_class: str | None
    skills: int
    first: int
    second: int
    kept: int
    gained: int
    lost: int
    open: int = 0
    items: int | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    q_value: float | None = None


@dataclass(frozen=True)
class LevelRow:
    """Counts for one level of skills, as in `ClassRow`; level None for skills without one."""

    level: int | None
    skills: int
    first: int
    second: int
    kept: int
    gained: int
    lost: int
    open: int = 0
    items: int | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    q_value: float | None = None


@dataclass(frozen=True)
class ComponentRow:
    """Counts for one component of the first layer's association graph.

    Attributes:
        component: Its number, 0 the largest; None gathers the components that are not listed, and for the gained
            skills those that are attached to none.
        skills: Skills of the first layer in it.
        kept: Of these, in the second layer too.
        lost: Of these, not in the second layer.
        open: Of these, those of which the second layer cannot tell.
        gained: Skills only in the second layer that share most texts with this component.
    """

    component: int | None
    skills: int
    kept: int
    lost: int
    open: int
    gained: int


@dataclass(frozen=True)
class MasteryChange:
    """Change of mastery between two evidence layers, over the skills of which both can tell.

    Attributes:
        compared: Number of these skills.
        mean_change: Mean of second less first.
        mean_change_deviation: Its standard deviation.
        expected_gained: Expected number of skills lacking in the first and mastered in the second, Σ (1-p) p'.
        expected_gained_deviation: Its standard deviation.
        expected_lost: Expected number mastered in the first and lacking in the second.
        expected_lost_deviation: Its standard deviation.
        unidentified_first: Skills of which the first cannot tell.
        unidentified_second: Skills of which the second cannot tell.
        score_first: Mean outcome in the first.
        score_second: Mean outcome in the second.
        texts_first: Texts that the first rests on.
        texts_second: Texts that the second rests on.
    """

    compared: int
    mean_change: float
    mean_change_deviation: float
    expected_gained: float
    expected_gained_deviation: float
    expected_lost: float
    expected_lost_deviation: float
    unidentified_first: int
    unidentified_second: int
    score_first: float
    score_second: float
    texts_first: int
    texts_second: int


@dataclass(frozen=True)
class PairedOutcomes(Overall):
    """Two models item by item, on the texts that both attempted and that require a skill of both layers.

    Attributes:
        margin: A skill counts as kept if its difference is shown to be within ± this.
        false_discoveries: Share of the gained and lost skills that may be due to chance.
        tests: Skills that were tested: those with at least five texts on which the models differ.
    """

    margin: float
    false_discoveries: float
    tests: int


@dataclass(frozen=True)
class LayerComparison:
    """Two layers of a dataset, the first usually the foundation of the second.

    Attributes:
        first: The first layer.
        second: The second layer.
        kept: Number of skills in both.
        gained: Number of skills only in the second.
        lost: Number of skills only in the first.
        by_class: Counts by class of skill, the largest class first.
        giant_first: Giant component of the first layer over all skills that its texts require.
        giant_second: The same for the second.
        changes: One row a skill learned in either, gained and lost first.
        open: Number of skills of which two evidence layers are not told apart.
        by_level: Counts by level, the lowest first; empty if no skill has one.
        by_component: Counts by component of the first layer's association graph, the largest first.
        mastery: Change of mastery; None unless both are evidence layers.
        training: Frozen, continued and joint training as theory predicts them, beside the measured layers; empty
            unless the second was fine-tuned from the first.
        cautions: What to keep in mind before reading the counts, one sentence each.
        paired: Both models item by item; None unless both are evidence layers with common texts.
    """

    first: LayerInfo
    second: LayerInfo
    kept: int
    gained: int
    lost: int
    by_class: tuple[ClassRow, ...]
    giant_first: float
    giant_second: float
    changes: tuple[SkillChange, ...]
    open: int = 0
    by_level: tuple[LevelRow, ...] = ()
    by_component: tuple[ComponentRow, ...] = ()
    mastery: MasteryChange | None = None
    training: tuple[TrainingRow, ...] = ()
    cautions: tuple[str, ...] = ()
    paired: PairedOutcomes | None = None


def compare(
    store: Store, dataset: str, first: str, second: str, *, predict: bool = True, skills: bool = True
) -> LayerComparison:
    """Compare two layers of a dataset, skill by skill.

    Args:
        store: Where the layers are.
        dataset: Name of the dataset.
        first: Usually the foundation.
        second: Usually the fine-tuned layer.
        predict: Also predict frozen, continued and joint training where the second was fine-tuned from the first.
        skills: Also the single skills and the components that they are attached to; without, only counts.

    Returns:
        Counts, classes and skills.

    Raises:
        NotFoundError: No such layer.
    """
    views = layer_view(store, dataset, first), layer_view(store, dataset, second)
    masteries = None
    if all(view.info.kind == "evidence" for view in views):
        masteries = mastery_of(store, dataset, first), mastery_of(store, dataset, second)
    paired = None if masteries is None else pair_layers(store, dataset, views[0].info, views[1].info)
    pair = _Pair(views, masteries, paired, attached=skills)
    changes = pair.changes() if skills else ()
    return LayerComparison(
        first=views[0].info,
        second=views[1].info,
        kept=pair.count("kept"),
        gained=pair.count("gained"),
        lost=pair.count("lost"),
        by_class=pair.by_class(),
        giant_first=giant_of(views[0], "any"),
        giant_second=giant_of(views[1], "any"),
        changes=changes,
        open=pair.count("open"),
        by_level=pair.by_level(),
        by_component=pair.by_component() if skills else (),
        mastery=None if masteries is None else _mastery_change(pair, masteries),
        training=predict_training(store, dataset, views[0], views[1]) if predict else (),
        cautions=_cautions(views, masteries, paired),
        paired=None if paired is None else _paired_outcomes(paired),
    )


def _paired_outcomes(found: PairedLayers) -> PairedOutcomes | None:
    overall = found.overall
    if overall is None:
        return None
    differing = found.skills.only_first + found.skills.only_second
    return PairedOutcomes(
        **vars(overall),
        margin=MARGIN,
        false_discoveries=FALSE_DISCOVERIES,
        tests=int((differing >= 5).sum()),
    )


class _Pair:
    """Two views over the rows of their dataset's skills, where both have the same index."""

    def __init__(
        self,
        views: tuple[LayerView, LayerView],
        masteries: tuple[LayerMastery, LayerMastery] | None,
        paired: PairedLayers | None,
        *,
        attached: bool,
    ) -> None:
        self.views, self.paired = views, paired
        self.dataset = views[0].indexed.dataset
        n = self.dataset.n_skills
        self.universe = np.zeros(n, bool)
        self.known = [np.zeros(n, bool), np.zeros(n, bool)]
        self.mastery = [np.full(n, np.nan), np.full(n, np.nan)]
        for side, view in enumerate(views):
            rows = view.indexed.skill_rows
            self.universe[rows] = True
            self.known[side][rows] = view.learned
            if masteries is not None:
                self.mastery[side][rows] = masteries[side].mastery
        first, second = self.known
        unidentified = [np.isnan(p) & (masteries is not None) for p in self.mastery]
        open_ = (first & ~second & unidentified[1]) | (second & ~first & unidentified[0])
        self.kinds: dict[Change, NDArray[np.bool_]] = {
            "gained": second & ~first & ~open_,
            "lost": first & ~second & ~open_,
            "open": open_,
            "kept": first & second,
        }
        self.place = np.full(n, -1)
        if paired is not None:
            rows = paired.outcomes.indexed.skill_rows
            self.place[rows] = np.arange(len(rows))
            told = np.zeros(n, bool)
            told[rows[~paired.outcomes.ignored]] = True
            self.universe &= told
            for kind, mask in (("gained", paired.gained()), ("lost", paired.lost()), ("kept", paired.kept())):
                self.kinds[kind] = np.zeros(n, bool)  # type: ignore[index]
                self.kinds[kind][rows] = mask  # type: ignore[index]
            clear = self.kinds["gained"] | self.kinds["lost"] | self.kinds["kept"]
            self.kinds["open"] = self.universe & ~clear
        self.levels = levels_of(self.dataset)
        self.component = self._components() if attached else np.full(n, -1, np.int64)

    def count(self, kind: Change) -> int:
        return int(self.kinds[kind].sum())

    def _components(self) -> NDArray[np.int64]:
        """Component of each skill in the first layer's association graph, -1 for none.

        For a gained skill the one it shares most texts with in the second layer's graph.
        """
        view = self.views[0]
        label = np.full(self.dataset.n_skills, -1, np.int64)
        label[view.indexed.skill_rows] = components(view.indexed.graph, view.learned, "any").label
        found = label.copy()
        for row, (anchors, weights) in self._neighbours(1, self.kinds["gained"] | self.kinds["open"] & ~self.known[0]):
            if len(anchors):
                sums = np.bincount(label[anchors], weights)
                found[row] = int(np.argmax(sums))
        return found

    def _neighbours(
        self, side: int, wanted: NDArray[np.bool_]
    ) -> list[tuple[int, tuple[NDArray[np.int64], NDArray[np.int64]]]]:
        """For each wanted skill (row) the skills of the first layer that texts of that side require with it."""
        indexed = self.views[side].indexed
        graph, rows = indexed.graph, indexed.skill_rows
        anchor = self.known[0][rows]
        found = []
        for skill in np.flatnonzero(wanted[rows]).tolist():
            texts = graph.skill_texts[graph.skill_ptr[skill] : graph.skill_ptr[skill + 1]]
            # A skill that no text requires is in the graph too, and shares none.
            pieces = [graph.text_skills[graph.text_ptr[t] : graph.text_ptr[t + 1]] for t in texts.tolist()]
            together = np.concatenate([graph.text_skills[:0], *pieces])
            others, weights = np.unique(together[anchor[together] & (together != skill)], return_counts=True)
            found.append((int(rows[skill]), (rows[others], weights)))
        return found

    def changes(self) -> tuple[SkillChange, ...]:
        ids, names, classes = (self.dataset.skills[column].to_pylist() for column in ("id", "name", "class"))
        waves = [dict(zip(v.indexed.skill_rows.tolist(), v.wave.tolist(), strict=True)) for v in self.views]
        links = dict(self._neighbours(1, self.kinds["gained"])) | dict(self._neighbours(0, self.kinds["lost"]))
        totals = _attachments(self.views[1], self.known[0]), _attachments(self.views[0], self.known[0])

        def change(row: int, kind: Change) -> SkillChange:
            in_first_only = bool(self.known[0][row]) and not self.known[1][row]
            p, q = float(self.mastery[0][row]), float(self.mastery[1][row])
            both = not (np.isnan(p) or np.isnan(q))
            anchors, weights = links.get(row, ((), ()))
            strongest = sorted(zip(weights, anchors, strict=True), key=lambda w: (-w[0], w[1]))[:_ATTACHMENTS]
            return SkillChange(
                skill=ids[row],
                name=names[row],
                skill_class=classes[row],
                change=kind,
                wave=max(int(waves[0].get(row, -1) if in_first_only else waves[1].get(row, -1)), 0),
                attached_to=totals[1 if in_first_only else 0].get(row, 0),
                level=self.levels[row],
                component=int(self.component[row]) if self.component[row] >= 0 else None,
                attachments=tuple(Attachment(ids[a], names[a], int(w)) for w, a in strongest),
                mastery_first=None if np.isnan(p) else p,
                mastery_second=None if np.isnan(q) else q,
                mastery_change=q - p if both else None,
                mastery_deviation=float(np.sqrt(p * (1 - p) + q * (1 - q))) if both else None,
                **self._outcomes(row),
            )

        rows: list[SkillChange] = []
        for kind, mask in self.kinds.items():
            found = [change(row, kind) for row in np.flatnonzero(mask).tolist()]
            if self.paired is not None:
                found.sort(key=lambda c: (c.q_value if c.q_value is not None else 2.0, -(c.items or 0), c.skill))
            else:
                found.sort(key=lambda c: (-c.attached_to, c.skill))
            rows += found
        return tuple(rows)

    def _outcomes(self, row: int) -> dict[str, Any]:
        """What the paired outcomes say about a skill."""
        paired, k = self.paired, int(self.place[row])
        if paired is None or k < 0:
            return {}
        skills, graph = paired.skills, paired.outcomes.graph
        items = int(skills.items[k])
        if not items:
            return {"items": 0}
        x, y = paired.outcomes.scores
        texts = graph.skill_texts[graph.skill_ptr[k] : graph.skill_ptr[k + 1]]
        d = np.nan_to_num((y - x)[texts])
        order = np.argsort(d, kind="stable")
        ids = paired.outcomes.indexed.text_ids

        def named(places: NDArray[np.int64]) -> tuple[str, ...]:
            return tuple(ids[int(texts[at])].as_py() for at in places[:_TEXTS])

        return {
            "items": items,
            "solved_first": float(skills.first[k]),
            "solved_second": float(skills.second[k]),
            "difference": float(skills.difference[k]),
            "low": float(skills.low[k]),
            "high": float(skills.high[k]),
            "q_value": float(paired.q_value[k]),
            "beyond_overall": None if paired.beyond is None else float(paired.beyond[k]),
            "only_first": int(skills.only_first[k]),
            "only_second": int(skills.only_second[k]),
            "texts_first": named(order[d[order] < 0]),
            "texts_second": named(order[::-1][d[order[::-1]] > 0]),
        }

    def _differences(self, labels: Sequence[object]) -> dict[object, dict[str, Any]]:
        """Paired differences of each class or level, by its label."""
        if self.paired is None:
            return {}
        rows = self.paired.outcomes.indexed.skill_rows
        found: dict[object, Overall] = group_differences(self.paired, [labels[row] for row in rows.tolist()])
        q = benjamini_hochberg([overall.p_value for overall in found.values()])
        return {
            label: {
                "items": overall.items,
                "difference": overall.difference,
                "low": overall.low,
                "high": overall.high,
                "q_value": float(value),
            }
            for (label, overall), value in zip(found.items(), q, strict=True)
        }

    def _groups(self, labels: Sequence[object]) -> Mapping[object, NDArray[np.int64]]:
        members: dict[object, list[int]] = {}
        for row in np.flatnonzero(self.universe).tolist():
            members.setdefault(labels[row], []).append(row)
        return {label: np.array(rows) for label, rows in members.items()}

    def _counts(self, rows: NDArray[np.int64]) -> dict[str, int]:
        return {
            "skills": len(rows),
            "first": int(self.known[0][rows].sum()),
            "second": int(self.known[1][rows].sum()),
            **{kind: int(mask[rows].sum()) for kind, mask in self.kinds.items()},
        }

    def by_class(self) -> tuple[ClassRow, ...]:
        classes = self.dataset.skills["class"].to_pylist()
        differences = self._differences(classes)
        rows = [
            ClassRow(skill_class=None if name is None else str(name), **self._counts(r), **differences.get(name, {}))
            for name, r in self._groups(classes).items()
        ]
        return tuple(sorted(rows, key=lambda r: (-r.skills, r.skill_class or "")))

    def by_level(self) -> tuple[LevelRow, ...]:
        if all(level is None for level in self.levels):
            return ()
        differences = self._differences(self.levels)
        rows = [
            LevelRow(level=level if isinstance(level, int) else None, **self._counts(r), **differences.get(level, {}))
            for level, r in self._groups(self.levels).items()
        ]
        return tuple(sorted(rows, key=lambda r: (r.level is None, r.level or 0)))

    def by_component(self) -> tuple[ComponentRow, ...]:
        last = int(self.component.max(initial=-1))
        numbers = [k for k in range(last + 1) if k < _COMPONENTS]
        rows = [self._component_row(k, self.component == k) for k in numbers]
        rest = (self.known[0] | self.known[1]) & ((self.component < 0) | (self.component >= _COMPONENTS))
        if rest.any():
            rows.append(self._component_row(None, rest))
        return tuple(rows)

    def _component_row(self, number: int | None, members: NDArray[np.bool_]) -> ComponentRow:
        of_first = members & self.known[0]
        return ComponentRow(
            component=number,
            skills=int(of_first.sum()),
            kept=int((of_first & self.kinds["kept"]).sum()),
            lost=int((of_first & self.kinds["lost"]).sum()),
            open=int((of_first & self.kinds["open"]).sum()),
            gained=int((members & self.kinds["gained"]).sum()),
        )


def levels_of(dataset: Dataset) -> list[int | None]:
    """The level of each skill that the data give, or that the prerequisites make."""
    given: list[int | None] = dataset.skills["level"].to_pylist()
    links = dataset.prerequisites
    if any(level is not None for level in given) or not links.num_rows:
        return given
    place = {skill: row for row, skill in enumerate(dataset.skills["id"].to_pylist())}
    before, after = ([place[s] for s in links[column].to_pylist()] for column in ("prerequisite", "skill"))
    return [int(level) for level in levels(before, after, len(place))]


def _attachments(view: LayerView, anchors: NDArray[np.bool_]) -> dict[int, int]:
    """For each learned skill (row), how often a text requires it together with a skill of `anchors` (a mask of rows).

    Summed over texts: an anchor counts once for each text, the skill itself not at all.
    """
    graph, rows = view.indexed.graph, view.indexed.skill_rows
    anchor = anchors[rows]
    text_of = np.repeat(np.arange(graph.n_texts), np.diff(graph.text_ptr))
    in_text = np.bincount(text_of, weights=anchor[graph.text_skills], minlength=graph.n_texts)
    pairs = np.bincount(graph.text_skills, weights=in_text[text_of], minlength=graph.n_skills)
    own = np.where(anchor, graph.skill_degrees, 0)
    counts = (pairs - own).astype(np.int64)
    there = np.flatnonzero(view.learned)
    return dict(zip(rows[there].tolist(), counts[there].tolist(), strict=True))


def _mastery_change(pair: _Pair, masteries: tuple[LayerMastery, LayerMastery]) -> MasteryChange:
    p, q = pair.mastery
    both = ~np.isnan(p) & ~np.isnan(q)
    n = int(both.sum())
    gained, lost = (1 - p[both]) * q[both], p[both] * (1 - q[both])

    def spread(chance: NDArray[np.float64]) -> float:
        return float(np.sqrt((chance * (1 - chance)).sum()))

    variance = float((p[both] * (1 - p[both]) + q[both] * (1 - q[both])).sum())
    first, second = masteries
    return MasteryChange(
        compared=n,
        mean_change=float((q[both] - p[both]).mean()) if n else 0.0,
        mean_change_deviation=float(np.sqrt(variance) / n) if n else 0.0,
        expected_gained=float(gained.sum()),
        expected_gained_deviation=spread(gained),
        expected_lost=float(lost.sum()),
        expected_lost_deviation=spread(lost),
        unidentified_first=int((pair.universe & np.isnan(p)).sum()),
        unidentified_second=int((pair.universe & np.isnan(q)).sum()),
        score_first=first.score,
        score_second=second.score,
        texts_first=first.attempted,
        texts_second=second.attempted,
    )


def _cautions(
    views: tuple[LayerView, LayerView],
    masteries: tuple[LayerMastery, LayerMastery] | None,
    paired: PairedLayers | None,
) -> tuple[str, ...]:
    first, second = views[0].info, views[1].info
    found = [stale_sentence(info) for info in (first, second) if info.stale]
    if (first.kind == "evidence") != (second.kind == "evidence"):
        found.append(
            "One layer was learned by peeling and the other estimated from outcomes: the learned one says what texts "
            "can teach, the estimated one what a model has mastered."
        )
    if masteries is None:
        return tuple(found)
    for view, mastery in zip(views, masteries, strict=True):
        gain = view.info.parameters.get("bic_gain")
        found += [caution for caution in layer_cautions(view.info) if caution not in found]
        if view.info.skills_add is None and isinstance(gain, float) and gain <= 0.0:
            found.append(
                f"The outcomes of {view.info.name!r} are explained equally well without skills (BIC gain {gain:.1f}): "
                "the data do not support what it says about single skills."
            )
        if not mastery.complete:
            found.append(
                f"The outcomes have changed since {view.info.name!r} was estimated: run `skillgraph evidence` again."
            )
    if paired is not None and paired.overall is None:
        found.append("No text was attempted by both models, so their skills cannot be compared.")
    if masteries[0].attempted != masteries[1].attempted:
        found.append(
            f"The layers come from different texts ({masteries[0].attempted:,} and {masteries[1].attempted:,}): "
            "skills are compared on the texts that both attempted; `skillgraph evidence --common` compares masteries "
            "on them too."
        )
    differs: Callable[[str], float] = lambda key: abs(  # noqa: E731 - one expression used twice
        (first.figure(key) or 0.0) - (second.figure(key) or 0.0)
    )
    if max(differs("slip"), differs("guess")) > 0.01:
        found.append(
            "Each layer has its own slip and guess, so a skill may be gained or lost because these changed: with "
            "`skillgraph evidence --noise family` a base and its fine-tuned models share them."
        )
    return tuple(found)
