"""Two evidence layers item by item: outcomes of both models on the texts that both attempted."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from analysis.graph import SkillTextGraph
from analysis.item_response import ItemResponse, fit_item_response, place
from analysis.pairing import Beyond, Overall, PairedDifferences, beyond_overall, mcnemar, paired_differences
from explorer.service.evidence import calibration_of, layer_outcomes
from explorer.service.outcomes import Outcomes
from explorer.service.snapshot import remembered
from explorer.store.protocol import LayerInfo, Store

__all__ = ["FALSE_DISCOVERIES", "MARGIN", "PairedLayers", "group_differences", "pair_layers"]

MARGIN = 0.1
"""Difference of solve rate within which a skill counts as kept, if the outcomes show that it lies within."""

FALSE_DISCOVERIES = 0.05
"""Share of the gained and lost skills that may be due to chance."""

_MOST_PAIRS = 100  # kept at a time
_MOST_GROUPINGS = 4
_MOST_PLACED = 200
_LEAST_CALIBRATING = 8  # models, below which difficulties rest too much on the two that are compared


_Groups = tuple[SkillTextGraph, SkillTextGraph, dict[object, int]]
"""A graph, its texts with groups of skills in the place of skills, and the number of each group."""

_Kept = dict[tuple[object, ...], _Groups]


@dataclass(frozen=True, eq=False)
class PairedLayers:
    """Both models' outcomes, and what they say about each skill.

    Attributes:
        outcomes: Two rows: of the first layer's model and of the second's; NaN but for common texts.
        overall: All common texts; None if there are none.
        skills: Differences by skill (of the index of `outcomes`), without ignored skills.
        beyond: Differences beyond the overall change, float64 (S,): mean of (second − its expectation) − (first − its
            expectation); None where too few models calibrate difficulties.
        q_value: Of no difference, for each skill, float64 (S,): by the test that knows the difficulties, or of
            `skills` where they are not known.
        groups: What `group_differences` has found.
        kept_groups: Texts by group, of the graphs of all pairs that were compared with this one.
    """

    outcomes: Outcomes
    overall: Overall | None
    skills: PairedDifferences
    beyond: NDArray[np.float64] | None
    q_value: NDArray[np.float64]
    groups: dict[tuple[object, ...], dict[object, Overall]] = field(default_factory=dict, repr=False)
    kept_groups: _Kept = field(default_factory=dict, repr=False)

    def gained(self) -> NDArray[np.bool_]:
        """Bool (S,): the second solves more of the skill's texts, beyond noise."""
        found: NDArray[np.bool_] = (self.q_value <= FALSE_DISCOVERIES) & (np.nan_to_num(self.skills.difference) > 0)
        return found

    def lost(self) -> NDArray[np.bool_]:
        """Bool (S,): the second solves fewer, beyond noise."""
        found: NDArray[np.bool_] = (self.q_value <= FALSE_DISCOVERIES) & (np.nan_to_num(self.skills.difference) < 0)
        return found

    def kept(self) -> NDArray[np.bool_]:
        """Bool (S,): the difference is within the margin, beyond noise."""
        found: NDArray[np.bool_] = self.skills.alike(MARGIN) & (self.q_value > FALSE_DISCOVERIES)
        return found


def pair_layers(store: Store, dataset: str, first: LayerInfo, second: LayerInfo) -> PairedLayers | None:
    """The paired comparison of two evidence layers; None if one of them is of another kind.

    Texts are those of both layers, skills those that neither ignores. Scores count as the first layer counts them.
    The pairs of a family are kept until the store changes, as its tree and its matrix need the same ones.
    """
    pairs: dict[tuple[str, str], PairedLayers | None] = remembered(store, ("pairs", dataset), dict)
    key = first.name, second.name
    if key not in pairs:
        found = _pair(store, dataset, first, second)
        while len(pairs) >= _MOST_PAIRS:
            pairs.pop(next(iter(pairs)), None)
        pairs[key] = found
        return found
    return pairs[key]


def _pair(store: Store, dataset: str, first: LayerInfo, second: LayerInfo) -> PairedLayers | None:
    if any(info.kind != "evidence" or "model" not in info.parameters for info in (first, second)):
        return None
    models = [str(info.parameters["model"]) for info in (first, second)]
    found = layer_outcomes(store, dataset, first, models[1:])
    rows = [found.models.index(model) for model in models]
    scores = found.scores[rows].copy()
    other = layer_outcomes(store, dataset, second)
    shared = pc.is_in(found.indexed.text_ids, value_set=other.indexed.text_ids).to_numpy(zero_copy_only=False)
    scores[:, ~shared | np.isnan(scores).any(axis=0)] = np.nan
    ignored = found.ignored.copy()
    if second.listed("ignored_classes") != first.listed("ignored_classes"):
        classes = np.asarray(found.indexed.skill_column("class").to_pylist(), dtype=object)
        ignored |= np.isin(classes, second.listed("ignored_classes"))
    graph = found.graph if np.array_equal(ignored, found.ignored) else _without(found.indexed.graph, ignored)
    outcomes = Outcomes(found.indexed, graph, ignored, tuple(models), scores)
    skills = paired_differences(graph, scores[0], scores[1])
    beyond, given = _with_difficulties(store, dataset, first, outcomes) or (None, None)
    q = skills.q_value if given is None else given.q_value
    kept: _Kept = remembered(store, ("groups of texts", dataset), dict)
    return PairedLayers(outcomes, mcnemar(scores[0], scores[1]), skills, beyond, q, kept_groups=kept)


def group_differences(found: PairedLayers, labels: list[object]) -> dict[object, Overall]:
    """The comparison on the texts that require some skill of each group (class or level of the index's skills)."""
    key = tuple(labels)
    if key not in found.groups:
        found.groups[key] = _group_differences(found, labels)
    return found.groups[key]


def _group_differences(found: PairedLayers, labels: list[object]) -> dict[object, Overall]:
    groups, places = _groups_of(found, labels)
    pairs = paired_differences(groups, *found.outcomes.scores)
    return {label: pairs.overall(k) for label, k in places.items() if pairs.items[k]}


def _groups_of(found: PairedLayers, labels: list[object]) -> tuple[SkillTextGraph, dict[object, int]]:
    """Texts by group of skills: the same for all pairs that share a graph, so made once."""
    graph, kept = found.outcomes.graph, found.kept_groups
    key = (id(graph), *labels)
    if key in kept and kept[key][0] is graph:
        return kept[key][1:]
    names = list(dict.fromkeys(label for k, label in enumerate(labels) if not found.outcomes.ignored[k]))
    places = {label: place for place, label in enumerate(names)}
    group = np.array([places.get(label, -1) for label in labels], np.int64)[graph.text_skills]
    text = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
    both = np.unique(text[group >= 0] * max(len(names), 1) + group[group >= 0])
    groups = SkillTextGraph.from_edges(both // max(len(names), 1), both % max(len(names), 1), graph.n_texts, len(names))
    while len(kept) >= _MOST_GROUPINGS:
        kept.pop(next(iter(kept)), None)
    kept[key] = graph, groups, places
    return groups, places


def _with_difficulties(
    store: Store, dataset: str, info: LayerInfo, outcomes: Outcomes
) -> tuple[NDArray[np.float64], Beyond] | None:
    """Differences beyond the overall one, and of no difference at all; None where too few models calibrate."""
    calibrated = calibration_of(store, dataset, info)
    if calibrated is None or len(calibrated.outcomes.models) < _LEAST_CALIBRATING:
        return None
    if not (~np.isnan(outcomes.scores)).any(axis=1).all():
        return None
    graph = calibrated.outcomes.graph
    rasch: _Rasch = remembered(
        store,
        (
            *("rasch", dataset, info.parts, info.listed("calibration"), info.listed("ignored_classes")),
            *(info.figure("pass_score"), bool(info.parameters.get("common"))),
        ),
        lambda: _Rasch(fit_item_response(graph, calibrated.outcomes.scores, model="rasch", start=calibrated.fit)),
    )
    x, y = outcomes.scores
    (own, error), (other, _) = (rasch.placed(graph, scores) for scores in (x, y))
    variance = 1.0 / calibrated.fit.precisions.deviation
    return (
        _mean_of(outcomes.graph, (y - other) - (x - own)),
        # A skill has changed or not, whatever happened to the others: the first's ability is expected of both.
        beyond_overall(
            outcomes.graph,
            x,
            y,
            own,
            own,
            deviation_variance=variance,
            level_variance=error**2,
        ),
    )


@dataclass(frozen=True, eq=False)
class _Rasch:
    """Difficulties, and the models that were placed among them: the base of a family is so in each of its pairs."""

    fit: ItemResponse
    models: dict[bytes, tuple[NDArray[np.float64], float]] = field(default_factory=dict)

    def placed(self, graph: SkillTextGraph, scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        """P(solved) of each text for a model with these outcomes, and the standard error of its log-odds."""
        key = sha256(scores.tobytes()).digest()
        if key not in self.models:
            found = place(graph, scores, self.fit)
            while len(self.models) >= _MOST_PLACED:
                self.models.pop(next(iter(self.models)), None)
            answer = found.probability(graph)[0], float(found.level_error[0])
            self.models[key] = answer
            return answer
        return self.models[key]


def _mean_of(graph: SkillTextGraph, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the texts of each skill that have a value, float64 (S,); NaN where none has."""
    text = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
    there = ~np.isnan(values)
    items = np.bincount(graph.text_skills, there[text], minlength=graph.n_skills)
    sums = np.bincount(graph.text_skills, np.where(there, values, 0.0)[text], minlength=graph.n_skills)
    found: NDArray[np.float64] = np.divide(sums, items, out=np.full(graph.n_skills, np.nan), where=items > 0)
    return found


def _without(graph: SkillTextGraph, ignored: NDArray[np.bool_]) -> SkillTextGraph:
    kept = ~ignored[graph.text_skills]
    text_of = np.repeat(np.arange(graph.n_texts, dtype=np.int32), graph.text_degrees)
    return SkillTextGraph.from_edges(text_of[kept], graph.text_skills[kept], graph.n_texts, graph.n_skills)
