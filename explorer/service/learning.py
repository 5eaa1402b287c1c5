"""Learn a layer: peel the stored skill–text graph and store what was learned."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analysis.learners import parse_learner
from analysis.peeling import PeelingResult, continue_peeling, novel_skill_counts, peel
from explorer.arrays import IndexedGraph, index_dataset, text_mask
from explorer.errors import NotFoundError, SkillgraphError
from explorer.service.advice import Advice, advise
from explorer.service.snapshot import layer_view, lineage, lineage_parts, read_dataset, stored_course
from explorer.service.versions import package_versions
from explorer.store.protocol import LAYER_SKILLS_SCHEMA, Layer, LayerInfo, Store

__all__ = ["LearnReport", "Mode", "continue_learning", "learn"]

Mode = Literal["frozen", "continued", "joint"]
_MODES = ("frozen", "continued", "joint")
CONTINUED = "continued_after_texts"
"""Parameter of a layer that was continued: how many texts it had read each time."""


@dataclass(frozen=True)
class LearnReport:
    """What a run of learning did.

    Attributes:
        layer: The stored layer.
        waves: Cumulative number of learned skills after wave 0, 1, 2, ...
        novel_skills: Texts by the number of their skills that are still not learned, `{0: understood, 1: ..}`.
        testing_error: Fraction of the presented texts that are not understood.
        stalled: True if nothing was learned beyond what was known.
        advice: What helps when nothing was learned, in a sentence; empty otherwise.
        help: The same as figures; None if something was learned.
        gained: Number of skills that this run learned, beyond what was known or learned before it.
        seconds: Time for reading, peeling and storing.
    """

    layer: LayerInfo
    waves: tuple[int, ...]
    novel_skills: Mapping[int, int]
    testing_error: float
    stalled: bool
    advice: str
    seconds: float
    help: Advice | None = None
    gained: int = 0


def learn(
    store: Store,
    dataset: str,
    *,
    name: str,
    parts: Sequence[str] = (),
    learner: str = "one",
    base: str | None = None,
    mode: Mode | None = None,
    known: Sequence[str] = (),
    known_classes: Sequence[str] = (),
    seed: int = 0,
) -> LearnReport:
    """Peel the texts of some parts of a dataset and store the learned skills as a layer.

    Without a base the layer is a foundation. With a base it is fine-tuned from it:

    - `frozen`: skills of the base's texts cannot be learned any more, only those that are new here;
    - `continued`: starts from the base's learned skills, everything may be learned;
    - `joint`: the base's texts and these are presented together.

    Args:
        store: Where the dataset is and the layer goes.
        dataset: Name of the dataset.
        name: Name of the layer; one of that name is replaced.
        parts: Parts whose texts are presented; empty means all.
        learner: As on the command line: `one`, `d:2`, `capacity:0.6`.
        base: Layer to start from.
        mode: How to train on the base; `continued` if a base is given.
        known: Ids of skills taken as known.
        known_classes: Classes of skills taken as known.
        seed: Seed of the texts' capacities, for a learner that has random ones.

    Returns:
        The stored layer with its course.

    Raises:
        NotFoundError: No such dataset, part, base or known skill.
        SkillgraphError: A mode without a base or of another name, or a layer that would be its own base.
        AnalysisError: A learner that is none.
    """
    start = time.perf_counter()
    rule = parse_learner(learner)
    if not name or "/" in name:
        raise SkillgraphError(f"layer name {name!r} must be non-empty and without '/'")
    if mode is not None and mode not in _MODES:
        raise SkillgraphError(f"mode {mode!r} is none of {', '.join(_MODES)}")
    if mode is not None and base is None:
        raise SkillgraphError(f"mode {mode!r} needs a base layer: give --base")
    if base == name:
        raise SkillgraphError(f"layer {name!r} cannot be fine-tuned from itself: give it another name")
    if base is not None and mode is None:
        mode = "continued"
    _refuse_lineage_loop(store, dataset, name, base)
    base_line = () if base is None else lineage(store, dataset, base)
    indexed = _presented(store, dataset, parts, base_line, mode)
    start_from = _given(indexed, known, known_classes)
    learnable = None
    if base is not None and mode != "joint":
        from_base, learnable = _from_base(store, dataset, indexed, base, mode)
        start_from = start_from | from_base
    rng = np.random.default_rng(seed)
    capacity = rule.capacities(indexed.graph.n_texts, rng)
    result = peel(indexed.graph, capacity, known=start_from, learnable=learnable, prerequisites=indexed.prerequisites)
    random = not isinstance(capacity, int)
    info = LayerInfo(
        dataset=dataset,
        name=name,
        kind="foundation" if base is None else "fine-tuned",
        learner=rule.name,
        base=base,
        mode=mode,
        parts=tuple(sorted(parts)),
        texts=indexed.graph.n_texts,
        skills=indexed.graph.n_skills,
        learned=result.n_learned,
        waves=result.n_waves,
        seed=seed if random else None,
        parameters={"known": len(known), "known_classes": ",".join(known_classes)} if known or known_classes else {},
        versions=package_versions(),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    store.write_layer(Layer(info, _layer_skills(indexed, result)))
    gained = result.n_learned - int(np.count_nonzero(start_from))
    help_ = None if gained else advise(indexed, start_from, learnable, capacity)
    return _report(info, indexed, result, gained, help_, start)


def continue_learning(store: Store, dataset: str, name: str, *, parts: Sequence[str] = ()) -> LearnReport:
    """Go on learning a stored layer after texts were appended, or on further parts, from what it has learned.

    It learns what a fresh run on all texts would, as the rule is monotone, and never forgets: a skill stays learned
    even if new texts bring a prerequisite of it, or the base of a frozen layer has gone on to it. What it had learned
    keeps its wave and teaching text; what the new texts add gets the waves after. Learner, base, mode and known skills
    (of known classes also those that are new) are those of the layer.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        name: Name of the layer, which is replaced; its associations go, as they are those of fewer texts.
        parts: Parts to read besides those of the layer.

    Returns:
        The stored layer with its course.

    Raises:
        NotFoundError: No such dataset, layer or part.
        SkillgraphError: The layer was not learned from texts, its texts have random capacities (drawn for all texts
            together), or there are no further texts.
    """
    start = time.perf_counter()
    line = lineage(store, dataset, name)
    before, base_line = line[0], line[1:]
    if before.kind not in {"foundation", "fine-tuned"}:
        raise SkillgraphError(
            f"layer {name!r} is of kind {before.kind!r}: only a layer that `skillgraph learn` made can be continued"
        )
    if before.seed is not None:
        raise SkillgraphError(
            f"layer {name!r} has learner {before.learner!r}, whose random capacities are drawn for all texts together: "
            "learn it anew, without --continue"
        )
    text_mask(read_dataset(store, dataset), parts)  # refuses a part that is not there
    read = tuple(sorted({*before.parts, *parts})) if before.parts else ()
    indexed = _presented(store, dataset, read, base_line, before.mode)
    graph = indexed.graph
    previous = PeelingResult(*stored_course(indexed, store.read_layer(dataset, name)), before.waves)
    classes = [wanted for wanted in str(before.parameters.get("known_classes", "")).split(",") if wanted]
    known = _given(indexed, (), classes) & ~previous.learned
    previous = replace(previous, wave=np.where(known, np.int32(0), previous.wave))
    learnable = None
    if before.base is not None and before.mode != "joint":
        from_base, learnable = _from_base(store, dataset, indexed, before.base, before.mode)
        previous = replace(previous, wave=np.where(from_base & ~previous.learned, np.int32(0), previous.wave))
    if graph.n_texts == before.texts and previous.n_learned == before.learned:
        raise SkillgraphError(
            f"layer {name!r} has read all {before.texts:,} texts of its parts: append texts first, with "
            "`skillgraph load ... --append`, or add a part with --part"
        )
    capacity = parse_learner(before.learner).capacities(graph.n_texts, np.random.default_rng(0))
    result = continue_peeling(graph, previous, capacity, learnable=learnable, prerequisites=indexed.prerequisites)
    earlier = str(before.parameters.get(CONTINUED, ""))
    info = replace(
        before,
        parts=read,
        texts=graph.n_texts,
        skills=graph.n_skills,
        learned=result.n_learned,
        waves=result.n_waves,
        associations=None,
        association_rule=None,
        parameters={**before.parameters, CONTINUED: f"{earlier},{before.texts}".lstrip(",")},
        versions=package_versions(),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    store.write_layer(Layer(info, _layer_skills(indexed, result)))
    gained = result.n_learned - previous.n_learned
    help_ = None if gained else advise(indexed, previous.learned, learnable, capacity)
    return _report(info, indexed, result, gained, help_, start)


def _presented(
    store: Store, dataset: str, parts: Sequence[str], base_line: tuple[LayerInfo, ...], mode: str | None
) -> IndexedGraph:
    """The texts that a layer reads, over the skills of its lineage."""
    base_parts = lineage_parts(base_line) if base_line else ()
    everything = bool(base_line) and (not base_parts or not parts)
    universe = () if everything else tuple(sorted({*parts, *base_parts}))
    presented = universe if mode == "joint" else tuple(sorted(parts))
    return index_dataset(read_dataset(store, dataset), parts=presented, universe=universe if base_line else None)


def _from_base(
    store: Store, dataset: str, indexed: IndexedGraph, base: str, mode: str | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_] | None]:
    """The skills that the base has learned, and those that may be learned (None: all)."""
    view = layer_view(store, dataset, base)
    learned = indexed.skills.mask(view.indexed.skills.take(np.flatnonzero(view.learned)))
    return learned, ~indexed.skills.mask(view.indexed.skills.ids) if mode == "frozen" else None


def _report(
    info: LayerInfo, indexed: IndexedGraph, result: PeelingResult, gained: int, help_: Advice | None, start: float
) -> LearnReport:
    histogram = novel_skill_counts(indexed.graph, result.learned)
    novel = {int(k): int(n) for k, n in enumerate(histogram) if n}
    understood = novel.get(0, 0)
    return LearnReport(
        layer=info,
        waves=tuple(int(n) for n in result.learned_by_wave()),
        novel_skills=novel,
        testing_error=1.0 - understood / info.texts if info.texts else 0.0,
        stalled=not gained,
        advice="" if help_ is None else help_.sentence,
        seconds=time.perf_counter() - start,
        help=help_,
        gained=gained,
    )


def _refuse_lineage_loop(store: Store, dataset: str, name: str, base: str | None) -> None:
    if base is not None and any(info.name == name for info in lineage(store, dataset, base)):
        raise SkillgraphError(f"layer {name!r} is what {base!r} was fine-tuned from: give the new layer another name")


def _given(indexed: IndexedGraph, known: Sequence[str], known_classes: Sequence[str]) -> NDArray[np.bool_]:
    mask = np.zeros(len(indexed.skills), dtype=bool)
    if known:
        mask[indexed.skills.indices(known)] = True
    if known_classes:
        classes = np.asarray(indexed.skill_column("class").to_pylist(), dtype=object)
        for wanted in known_classes:
            hit = classes == wanted
            if not hit.any():
                there = ", ".join(sorted({repr(c) for c in classes.tolist() if c is not None})) or "none"
                raise NotFoundError(f"no skill has class {wanted!r}; classes here: {there}")
            mask |= hit
    return mask


def _layer_skills(indexed: IndexedGraph, result: PeelingResult) -> pa.Table:
    learned = np.flatnonzero(result.learned)
    by = result.taught_by[learned]
    none = by < 0
    teachers = indexed.text_ids.take(pa.array(by, mask=none)) if len(by) else pa.array([], pa.string())
    rows = len(learned)
    return pa.table(
        [
            indexed.skills.take(learned),
            pa.array(result.wave[learned], pa.int32()),
            teachers,
            pa.nulls(rows, pa.int32()),
            pa.nulls(rows, pa.float64()),
        ],
        schema=LAYER_SKILLS_SCHEMA,
    )
