"""Two classes of texts by themselves: what they teach, and with how many of each all classes of skills are learned."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.density_evolution import evolve
from analysis.ensembles import MultiClassEnsemble
from analysis.learners import Learner, OneSkillLearner, parse_learner
from analysis.peeling import peel
from analysis.threshold import StabilityRegion, stability_region
from explorer.errors import USER_ERRORS, SkillgraphError
from explorer.service import LayerView
from explorer.wording import quoted
from ui.work.children import Report

__all__ = ["TextGroup", "TwoClasses", "region", "text_groups", "two_classes"]

_RAYS = 17
_TOLERANCE = 5e-4  # of the side of the square: a quarter of a pixel of the figure
_OFFERED = 60


@dataclass(frozen=True)
class TextGroup:
    """Texts that can be chosen together.

    Attributes:
        key: As in addresses: `class:…` or `part:…`.
        name: The class's or part's name.
        texts: Number of texts.
    """

    key: str
    name: str
    texts: int


@dataclass(frozen=True, eq=False)
class TwoClasses:
    """The texts of two groups alone.

    Attributes:
        names: Names of the groups.
        texts: Number of texts of each.
        skills: Number of skills that they require.
        ensemble: Poisson texts and skills with the measured means.
        ratios: R of each group: its texts over these skills.
        learner: The layer's rule, or the 1-skill learner where a layer has none.
        measured: Learned fraction of these skills if these texts alone are peeled, with their prerequisites.
        predicted: The same for the ensemble, which knows no prerequisites.
        by_class: (class of skills, predicted learned fraction).
    """

    names: tuple[str, str]
    texts: tuple[int, int]
    skills: int
    ensemble: MultiClassEnsemble
    ratios: tuple[float, float]
    learner: str
    measured: float
    predicted: float
    by_class: tuple[tuple[str, float], ...]


def text_groups(view: LayerView) -> list[TextGroup]:
    """Classes of texts, the largest first, then the parts if there are several."""
    found = []
    for kind in ("class", "part"):
        counts = Counter(name for name in view.indexed.text_column(kind).to_pylist() if name)
        if kind == "part" and len(counts) < 2:
            continue
        order = sorted(counts, key=lambda name: (-counts[name], name))[:_OFFERED]
        found += [TextGroup(f"{kind}:{name}", name, counts[name]) for name in order]
    return found


def two_classes(view: LayerView, x: str, y: str) -> TwoClasses:
    """Measure and predict two groups of texts by themselves.

    Args:
        view: The layer; which texts it was taught does not matter.
        x: Key of a group.
        y: Key of another.

    Raises:
        SkillgraphError: The same group twice, overlapping groups, or no texts.
    """
    masks = [_mask(view, key) for key in (x, y)]
    if x == y or (masks[0] & masks[1]).any():
        raise SkillgraphError("the two groups share texts: choose two classes, or two parts")
    graph = view.indexed.graph
    texts = np.flatnonzero(masks[0] | masks[1])
    part = graph.subset(texts)
    used = np.flatnonzero(part.skill_degrees)
    if not len(used):
        raise SkillgraphError("these texts require no skills: choose others")
    place = np.full(graph.n_skills, -1, dtype=np.int64)
    place[used] = np.arange(len(used))
    classes = np.array([name or "no class" for name in view.indexed.skill_column("class").to_pylist()], dtype=object)
    names, codes = np.unique(classes[used].astype(str), return_inverse=True)
    ensemble = MultiClassEnsemble.from_labels(
        np.repeat(np.arange(len(texts)), part.text_degrees),
        place[part.text_skills],
        masks[1][texts].astype(np.int64),
        codes,
        poisson=True,
    )
    rule = _learner(view)
    predicted = evolve(ensemble, rule)
    capacities = rule.capacities(part.n_texts, np.random.default_rng(0))
    peeled = peel(part, capacities, prerequisites=_needed(view, part.skill_degrees > 0))
    by_class = zip(names.tolist(), (1.0 - predicted.unlearned_by_class).tolist(), strict=True)
    return TwoClasses(
        names=(x.split(":", 1)[1], y.split(":", 1)[1]),
        texts=(int(masks[0].sum()), int(masks[1].sum())),
        skills=len(used),
        ensemble=ensemble,
        ratios=(float(ensemble.ratios[0]), float(ensemble.ratios[1])),
        learner=rule.name,
        measured=float(peeled.learned[used].mean()),
        predicted=predicted.learned,
        by_class=tuple((str(name), float(share)) for name, share in by_class),
    )


def _mask(view: LayerView, key: str) -> npt.NDArray[np.bool_]:
    kind, _, name = key.partition(":")
    if kind not in ("class", "part"):
        raise SkillgraphError(f"{key!r} does not name a group of texts: choose one from the list")
    mask = np.array([value == name for value in view.indexed.text_column(kind).to_pylist()], dtype=bool)
    if not mask.any():
        raise SkillgraphError(f"there are no texts of {kind} {quoted(name)}: choose another")
    return mask


def _needed(view: LayerView, used: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]] | None:
    """Prerequisites among these skills; one that none of the texts require could not be learned from them."""
    pairs = view.indexed.prerequisites
    if pairs is None:
        return None
    both = used[pairs[0]] & used[pairs[1]]
    return pairs[0][both], pairs[1][both]


def _learner(view: LayerView) -> Learner:
    try:
        return parse_learner(view.info.learner)
    except USER_ERRORS:  # an evidence layer was estimated, not learned
        return OneSkillLearner()


def region(report: Report, found: MultiClassEnsemble, learner: str, ratios: tuple[float, float]) -> StabilityRegion:
    """The stability region in a square that holds the point (R_1, R_2); takes seconds, so it has its own process."""
    report("looking for the border", 0, 2)
    rule = parse_learner(learner)
    first = stability_region(found, rule, rays=_RAYS, tolerance=_TOLERANCE)
    if max(ratios) <= 0.95 * first.limit:
        return first
    report("looking further out", 1, 2)
    return stability_region(found, rule, rays=_RAYS, limit=1.2 * max(ratios), tolerance=_TOLERANCE)
