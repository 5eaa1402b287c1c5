"""Learn a layer: peel the stored skill–text graph and store what was learned."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analysis.graph import SkillTextGraph
from analysis.learners import parse_learner
from analysis.peeling import PeelingResult, continue_peeling, novel_skill_counts, peel
from explorer.arrays import IndexedGraph, index_dataset, text_mask
from explorer.errors import NotFoundError, SkillgraphError
from explorer.options import Mode
from explorer.service.advice import Advice, advise
from explorer.service.lacking import lacks_of
from explorer.service.snapshot import (
    dataset_parts,
    graph_parts,
    layer_view,
    lineage,
    read_dataset,
    stored_waves,
)
from explorer.service.stale import associate_command
from explorer.service.versions import package_versions
from explorer.store.protocol import LAYER_SKILLS_SCHEMA, SOLVE_RATES, Layer, LayerInfo, Parameter, Store
from explorer.store.staleness import inputs_of
from explorer.wording import plural

__all__ = ["LearnReport", "Mode", "Situation", "continue_learning", "known_parameters", "learn", "situation"]

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
        reused: True if the layer was there already, made from the same texts and base with the same options and
            versions: nothing was written.
        kept_associations: Number of associations of the layer that was replaced which are this layer's too, because
            it has learned the same skills from the same texts.
        removed_associations: Number of associations that went with the layer that was replaced.
        associate_command: The command that computes associations of this layer with the options of those that went;
            empty if none went.
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
    reused: bool = False
    kept_associations: int = 0
    removed_associations: int = 0
    associate_command: str = ""

    @property
    def associations_sentence(self) -> str:
        """What became of the associations of the layer that was replaced; empty if it had none."""
        if self.kept_associations:
            kept = plural(self.kept_associations, "association")
            return f"The layer keeps its {kept}: it has learned the same skills from the same texts as before."
        if self.removed_associations:
            removed = plural(self.removed_associations, "association")
            return f"{removed} of the layer that was replaced went with it."
        return ""


def known_parameters(known: Sequence[str], known_classes: Sequence[str]) -> dict[str, Parameter]:
    """Parameters of a layer that say what was known beforehand: ids of skills, and classes."""
    given = {"known": tuple(sorted(set(known))), "known_classes": tuple(dict.fromkeys(known_classes))}
    return {name: listed for name, listed in given.items() if listed}


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
    lenient: bool = False,
) -> LearnReport:
    """Peel the texts of some parts of a dataset and store the learned skills as a layer.

    Without a base the layer is a foundation. With a base it is fine-tuned from it:

    - `frozen`: skills of the base's texts cannot be learned any more, only those that are new here;
    - `continued`: starts from the base's learned skills, everything may be learned;
    - `joint`: the base's texts and these are presented together.

    Args:
        store: Where the dataset is and the layer goes.
        dataset: Name of the dataset.
        name: Name of the layer; one of that name is replaced. Its associations stay if the new layer has learned
            the same skills from the same texts; else they go.
        parts: Parts whose texts are presented; empty means all.
        learner: As on the command line: `one`, `d:2`, `capacity:0.6`.
        base: Layer to start from.
        mode: How to train on the base; `continued` if a base is given.
        known: Ids of skills taken as known.
        known_classes: Classes of skills taken as known.
        seed: Seed of the texts' capacities, for a learner that has random ones.
        lenient: Pass over known skills and classes that no text requires, instead of refusing them.

    Returns:
        The stored layer with its waves.

    Raises:
        NotFoundError: No such dataset, part, base or known skill.
        SkillgraphError: A mode without a base or of another name, or a layer that would be its own base.
        AnalysisError: A learner that is none.
    """
    start = time.perf_counter()
    rule = parse_learner(learner)
    if not name or "/" in name:
        raise SkillgraphError(f"layer name {name!r} must not be empty or contain '/'")
    if mode is not None and mode not in _MODES:
        raise SkillgraphError(f"mode {mode!r} is not one of {', '.join(_MODES)}")
    if mode is not None and base is None:
        raise SkillgraphError(f"mode {mode!r} needs a base layer: give --base")
    if base == name:
        raise SkillgraphError(f"layer {name!r} cannot be fine-tuned from itself: give it another name")
    if base is not None and mode is None:
        mode = "continued"
    _refuse_lineage_loop(store, dataset, name, base)
    base_line = () if base is None else lineage(store, dataset, base)
    info = LayerInfo(
        dataset=dataset,
        name=name,
        kind="foundation" if base is None else "fine-tuned",
        learner=rule.name,
        texts=0,
        skills=0,
        learned=0,
        waves=0,
        base=base,
        mode=mode,
        parts=tuple(sorted(set(parts))),
        graph_parts=_graph_parts(parts, base_line),
        parameters=known_parameters(known, known_classes),
        versions=package_versions(),
    )
    info = replace(info, made_from=inputs_of(info, dataset_parts(store, dataset), base_line[0] if base_line else None))
    indexed = _presented(store, dataset, info.parts, base_line, mode)
    start_from = _given(indexed, known, known_classes, lenient=lenient)
    learnable = None
    if base is not None and mode != "joint":
        from_base, learnable = _from_base(store, dataset, indexed, base, mode)
        start_from = start_from | from_base
    rng = np.random.default_rng(seed)
    capacity = rule.capacities(indexed.graph.n_texts, rng)
    info = replace(info, seed=None if isinstance(capacity, int) else seed)
    before = next((layer for layer in store.layers(dataset) if layer.name == name), None)
    there = before if before is not None and _is_unchanged(before, info) else None
    kept = gone = None
    if there is not None:
        info = there
        result = PeelingResult(*stored_waves(indexed, store.read_layer(dataset, name)), info.waves)
        if info.lacks is None:
            store.write_lacks(dataset, name, lacks_of(indexed, result.learned, capacity, learnable))
            info = lineage(store, dataset, name)[0]
    else:
        result = peel(
            indexed.graph, capacity, known=start_from, learnable=learnable, prerequisites=indexed.prerequisites
        )
        info = replace(
            info,
            texts=indexed.graph.n_texts,
            skills=indexed.graph.n_skills,
            learned=result.n_learned,
            waves=result.n_waves,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        lacks = lacks_of(indexed, result.learned, capacity, learnable)
        layer = Layer(replace(info, lacks=lacks.num_rows), _layer_skills(indexed, result), lacks)
        stay = before is not None and _associations_stay(store, before, layer)
        store.write_layer(layer, keep_associations=stay)
        kept, gone = (before, None) if stay else (None, before)
        info = lineage(store, dataset, name)[0]
    gained = result.n_learned - int(np.count_nonzero(start_from))
    help_ = None if gained else advise(indexed, start_from, learnable, capacity)
    return _report(info, indexed, result, gained, help_, start, reused=there is not None, kept=kept, gone=gone)


def _is_unchanged(there: LayerInfo, info: LayerInfo) -> bool:
    """Whether a stored layer was made from the same inputs with the same options and versions."""
    if there.stale or there.vanished:
        return False
    asked = ("kind", "learner", "base", "mode", "parts", "graph_parts", "seed", "parameters", "versions", "made_from")
    return all(getattr(there, name) == getattr(info, name) for name in asked)


def _associations_stay(store: Store, there: LayerInfo, made: Layer) -> bool:
    """Whether the associations of a stored layer are those of the one that takes its place.

    They come from the texts of the layer's graph and from what it has learned; those of a stored layer go when its
    texts are replaced.
    """
    texts = [{of: mark for of, mark in i.made_from.items() if of.startswith("texts:")} for i in (there, made.info)]
    if there.associations is None or there.vanished or there.kind == "evidence":
        return False
    if there.graph_parts != made.info.graph_parts or texts[0] != texts[1]:
        return False
    learned = store.read_layer(there.dataset, there.name).skills["skill"]
    return bool(learned.to_pylist() == made.skills["skill"].cast(pa.string()).to_pylist())


def _graph_parts(parts: Sequence[str], base_line: tuple[LayerInfo, ...]) -> tuple[str, ...]:
    """Parts whose texts make a layer's graph: its own and those of its base; empty means all texts."""
    if not base_line:
        return tuple(sorted(set(parts)))
    base_parts = graph_parts(base_line)
    return tuple(sorted({*parts, *base_parts})) if parts and base_parts else ()


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
        The stored layer with its waves.

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
            "learn it again without --continue"
        )
    text_mask(read_dataset(store, dataset), parts)  # refuses a part that is not there
    anew = f"learn it again with `skillgraph refresh {name}`"
    gone = sorted(set(before.parts) - set(read_dataset(store, dataset).parts))
    if gone:
        raise SkillgraphError(
            f"layer {name!r} read part {gone[0]!r}, which dataset {dataset!r} no longer has: learn a layer from other "
            "parts"
        )
    if before.vanished:
        raise SkillgraphError(
            f"layer {name!r} has learned skills that dataset {dataset!r} no longer has, so it cannot be continued: "
            f"{anew}"
        )
    read = tuple(sorted({*before.parts, *parts})) if before.parts else ()
    universe = _graph_parts(read, base_line)
    if universe and before.graph_parts is not None:
        # A base that was learned from other texts since does not take its former ones away.
        universe = tuple(sorted({*universe, *before.graph_parts})) if before.graph_parts else ()
    layer = store.read_layer(dataset, name)
    indexed = _presented(store, dataset, read, base_line, before.mode, universe, layer.skills["skill"])
    graph = indexed.graph
    capacity = parse_learner(before.learner).capacities(graph.n_texts, np.random.default_rng(0))
    stored = PeelingResult(*stored_waves(indexed, layer), before.waves)
    if not isinstance(capacity, int) or not _still_taught(graph, stored, capacity):
        raise SkillgraphError(
            f"the texts that taught layer {name!r} have changed, so it cannot be continued from what they taught: "
            f"{anew}"
        )
    previous = stored
    known = _given(indexed, (), before.listed("known_classes"), lenient=True) & ~previous.learned
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
    result = continue_peeling(graph, previous, capacity, learnable=learnable, prerequisites=indexed.prerequisites)
    info = replace(
        before,
        parts=read,
        graph_parts=universe,
        texts=graph.n_texts,
        skills=graph.n_skills,
        learned=result.n_learned,
        waves=result.n_waves,
        associations=None,
        association_rule=None,
        association_options={},
        parameters={**before.parameters, CONTINUED: (*map(int, before.listed(CONTINUED)), before.texts)},
        versions=package_versions(),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    made_from = inputs_of(info, dataset_parts(store, dataset), base_line[0] if base_line else None)
    if learnable is not None or before.mode == "continued":
        # What it took from its base it still has; if the base no longer has it, the layer goes on resting on what the
        # base was.
        given = (stored.wave == 0) & ~_given(
            indexed, before.listed("known"), before.listed("known_classes"), lenient=True
        )
        if "base" in before.made_from and (given & ~from_base).any():
            made_from["base"] = before.made_from["base"]
    info = replace(info, made_from=made_from)
    lacks = lacks_of(indexed, result.learned, capacity, learnable)
    info = replace(info, lacks=lacks.num_rows)
    store.write_layer(Layer(info, _layer_skills(indexed, result), lacks))
    info = lineage(store, dataset, name)[0]
    gained = result.n_learned - previous.n_learned
    help_ = None if gained else advise(indexed, previous.learned, learnable, capacity)
    return _report(info, indexed, result, gained, help_, start, gone=before)


@dataclass(frozen=True, eq=False)
class Situation:
    """Where a stored layer that was learned from texts stands.

    Attributes:
        info: The layer.
        indexed: The texts that it reads, over the skills of its graph.
        learned: bool (S,), what it has learned.
        wave: int32 (S,), -1 not learned.
        by: int32 (S,), index of the text that taught the skill; -1 for none.
        capacity: Most novel skills that a text teaches at once, one number or one for each text.
        learnable: bool (S,), skills that training may learn; None for all.
    """

    info: LayerInfo
    indexed: IndexedGraph
    learned: NDArray[np.bool_]
    wave: NDArray[np.int32]
    by: NDArray[np.int32]
    capacity: int | NDArray[np.int32]
    learnable: NDArray[np.bool_] | None


def situation(store: Store, dataset: str, name: str) -> Situation:
    """The texts, skills and rules by which a stored layer was learned, as they are now.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        name: Name of the layer.

    Raises:
        NotFoundError: No such dataset or layer.
        SkillgraphError: The layer was not learned from texts, or it read a part that is gone.
    """
    line = lineage(store, dataset, name)
    info, base_line = line[0], line[1:]
    if info.kind not in {"foundation", "fine-tuned"}:
        raise SkillgraphError(
            f"layer {name!r} is of kind {info.kind!r}: only a layer that `skillgraph learn` made has texts that teach; "
            "ask `skillgraph master` about a layer from outcomes"
        )
    layer = store.read_layer(dataset, name)
    indexed = _presented(store, dataset, info.parts, base_line, info.mode, graph_parts(line), layer.skills["skill"])
    learnable = None
    if info.base is not None and info.mode != "joint":
        _, learnable = _from_base(store, dataset, indexed, info.base, info.mode)
    wave, by = stored_waves(indexed, layer)
    capacity = parse_learner(info.learner).capacities(indexed.graph.n_texts, np.random.default_rng(info.seed or 0))
    return Situation(info, indexed, wave >= 0, wave, by, capacity, learnable)


def _still_taught(graph: SkillTextGraph, result: PeelingResult, capacity: int) -> bool:
    """Whether every text still requires what it taught, and had no more than `capacity` novel skills when it did."""
    taught = np.flatnonzero(result.wave > 0)
    texts, waves = result.taught_by[taught], result.wave[taught]
    if (texts < 0).any():
        return False
    degrees = graph.text_degrees[texts]
    row = np.repeat(np.arange(len(taught)), degrees)
    starts = graph.text_ptr[texts].astype(np.int64) - (np.cumsum(degrees) - degrees)
    required = graph.text_skills[np.arange(len(row)) + np.repeat(starts, degrees)]
    requires = np.bincount(row, weights=required == taught[row], minlength=len(taught)) > 0
    unlearned = (result.wave[required] < 0) | (result.wave[required] >= waves[row])
    novel = np.bincount(row, weights=unlearned, minlength=len(taught))
    return bool(requires.all() and (novel <= capacity).all())


def _presented(
    store: Store,
    dataset: str,
    parts: Sequence[str],
    base_line: tuple[LayerInfo, ...],
    mode: str | None,
    universe: tuple[str, ...] | None = None,
    skills_too: pa.ChunkedArray | None = None,
) -> IndexedGraph:
    """The texts that a layer reads, over the skills of its graph (by default its own and its base's)."""
    source = read_dataset(store, dataset)
    text_mask(source, parts)  # refuses a part that is not there; one that only the base has read may be gone
    counted = _graph_parts(parts, base_line) if universe is None else universe
    return index_dataset(
        source, parts=counted if mode == "joint" else parts, universe=counted, skills_too=skills_too, lenient=True
    )


def _from_base(
    store: Store, dataset: str, indexed: IndexedGraph, base: str, mode: str | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_] | None]:
    """The skills that the base has learned, and those that may be learned (None: all)."""
    view = layer_view(store, dataset, base)
    learned = indexed.skills.mask(view.indexed.skills.take(np.flatnonzero(view.learned)))
    return learned, ~indexed.skills.mask(view.indexed.skills.ids) if mode == "frozen" else None


def _report(
    info: LayerInfo,
    indexed: IndexedGraph,
    result: PeelingResult,
    gained: int,
    help_: Advice | None,
    start: float,
    *,
    reused: bool = False,
    kept: LayerInfo | None = None,
    gone: LayerInfo | None = None,
) -> LearnReport:
    """The report; associations of the layer that was replaced were kept, or are gone with it."""
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
        reused=reused,
        kept_associations=0 if kept is None else kept.associations or 0,
        removed_associations=0 if gone is None else gone.associations or 0,
        associate_command="" if gone is None or not gone.associations else associate_command(gone),
    )


def _refuse_lineage_loop(store: Store, dataset: str, name: str, base: str | None) -> None:
    if base is not None and any(info.name == name for info in lineage(store, dataset, base)):
        raise SkillgraphError(f"layer {name!r} is what {base!r} was fine-tuned from: give the new layer another name")


def _given(
    indexed: IndexedGraph, known: Sequence[str], known_classes: Sequence[str], *, lenient: bool = False
) -> NDArray[np.bool_]:
    """The skills known beforehand, bool (S,); what is not there is refused, or passed over if `lenient`."""
    mask = np.zeros(len(indexed.skills), dtype=bool)
    if known:
        mask |= indexed.skills.mask(known)
        here = set(indexed.skills.take(np.flatnonzero(mask)).to_pylist())
        absent = [] if lenient else [skill for skill in known if skill not in here]
        if absent:
            raise NotFoundError(
                f"skill {absent[0]!r} was given as known, but no text of this layer requires it: leave it out"
            )
    if known_classes:
        classes = np.asarray(indexed.skill_column("class").to_pylist(), dtype=object)
        for wanted in known_classes:
            hit = classes == wanted
            if not hit.any() and not lenient:
                there = ", ".join(sorted({repr(c) for c in classes.tolist() if c is not None})) or "none"
                raise NotFoundError(f"no skill has class {wanted!r}; classes here: {there}")
            mask |= hit
    return mask


def _layer_skills(indexed: IndexedGraph, result: PeelingResult) -> pa.Table:
    learned = np.flatnonzero(result.learned)
    by = result.taught_by[learned]
    rows = len(learned)
    columns = [
        indexed.coded_skills(indexed.skill_rows[learned]),
        pa.array(result.wave[learned], pa.int32()),
        indexed.coded_texts(by),
        pa.nulls(rows, pa.int32()),
        pa.nulls(rows, pa.float64()),
        *(pa.nulls(rows, pa.float64()) for _ in SOLVE_RATES),
    ]
    return pa.table(columns, LAYER_SKILLS_SCHEMA.names)
