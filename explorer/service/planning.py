"""What to teach next: skills, texts of a pool, or texts with one requirement less, by what each unlocks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from analysis.cascade import Cascade
from analysis.learners import parse_learner
from analysis.planning import Plan, best_sets, plan_bounds, plan_simpler, plan_skills, plan_texts
from explorer.arrays import IndexedGraph, index_dataset
from explorer.errors import NotFoundError, SkillgraphError
from explorer.options import PlanWay
from explorer.service.learning import Situation, situation
from explorer.service.snapshot import layer_view, read_dataset
from explorer.store.protocol import LayerInfo, Store
from loaders.dataset import Dataset, extend_dataset

__all__ = ["GoalReport", "PlanReport", "PlannedStep", "plan"]

_SHOWN = 8
_EXHAUSTIVE_EDGES = 400_000
_EXHAUSTIVE = 10_000_000


@dataclass(frozen=True)
class GoalReport:
    """What a plan is after.

    Attributes:
        name: In words.
        worth: What all of it would be worth: number of skills or texts that are lacking.
    """

    name: str
    worth: float


@dataclass(frozen=True)
class PlannedStep:
    """One step.

    Attributes:
        skill: Id of the skill that is taught, or that the text no longer requires; None for an added text.
        name: What people call the skill or text.
        text: Id of the text; None for a taught skill.
        uses: Number of texts that require the skill; None for an added text.
        learned: Number of skills learned by this step, a taught one included.
        texts: Number of texts understood by this step.
        value: What the step is worth for the goal.
        bound: No other single step would have been worth more.
        follows: Ids of the first skills that follow.
        total: Skills learned by the plan up to here.
    """

    skill: str | None
    name: str
    text: str | None
    uses: int | None
    learned: int
    texts: int
    value: float
    bound: float
    follows: tuple[str, ...]
    total: int


@dataclass(frozen=True)
class PlanReport:
    """A plan, with what it is compared to.

    Attributes:
        layer: The layer.
        by: `skills` taught outright, `texts` added, or `simpler` texts.
        goal: What it is after.
        lacking: Number of skills of the layer's graph that are not learned.
        steps: The plan; fewer than the budget where nothing more is gained.
        learned: Skills learned after 0, 1, 2, … steps.
        value: Value after 0, 1, 2, … steps.
        bound: No plan of 0, 1, 2, … steps is worth more.
        optimum: The best value of any plan of 1, 2, … skills, by trying all; as far as that was feasible.
        most_used: Value after 0, 1, 2, … steps if the most used skills come first.
        random: The same in random order, on average.
        most_used_learned: Skills learned, likewise.
        random_learned: Skills learned, likewise.
        seconds: Time in all.
    """

    layer: LayerInfo
    by: str
    goal: GoalReport
    lacking: int
    steps: tuple[PlannedStep, ...]
    learned: tuple[int, ...]
    value: tuple[float, ...]
    bound: tuple[float, ...]
    optimum: tuple[float, ...]
    most_used: tuple[float, ...]
    random: tuple[float, ...]
    most_used_learned: tuple[float, ...]
    random_learned: tuple[float, ...]
    seconds: float


def plan(
    store: Store,
    dataset: str,
    layer: str,
    *,
    budget: int = 20,
    by: PlanWay = "skills",
    pool_parts: Sequence[str] = (),
    pool: Dataset | None = None,
    goal_classes: Sequence[str] = (),
    goal_texts: Sequence[str] = (),
    goal_layer: str | None = None,
    goal_giant: bool = False,
    replicates: int = 20,
    seed: int = 0,
    limit: int = 2_000_000_000,
) -> PlanReport:
    """A plan of what to teach next, step by step, each the best single step when its turn comes.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: A layer that was learned from texts.
        budget: Number of steps.
        by: `skills` to teach outright, `texts` to add from a pool, or texts to make `simpler` by one requirement.
        pool_parts: Parts of the dataset to add texts from. Without parts or `pool`: all texts that the layer has not
            read.
        pool: Further texts to add, read from elsewhere.
        goal_classes: Only skills of these classes count.
        goal_texts: Only these texts count: how many of them are understood.
        goal_layer: Only skills that this layer has learned count.
        goal_giant: What counts is the size of the giant component of learned skills; only for `skills`.
        replicates: Number of random orders to average over.
        seed: Seed of these.
        limit: Entries of the graph to look at in one step; a step that would need more says so by its bound.

    Returns:
        The plan with its baselines and bounds.

    Raises:
        NotFoundError: No such dataset, layer, part, class or text.
        SkillgraphError: Two goals, a pool that is empty, or a layer that was not learned from texts.
    """
    start = time.perf_counter()
    goals = [bool(goal_classes), bool(goal_texts), goal_layer is not None, goal_giant]
    if sum(goals) > 1:
        raise SkillgraphError(
            "a plan has one goal: name classes, texts, a layer or the giant component, and only one of them"
        )
    if goal_giant and by != "skills":
        raise SkillgraphError("the giant component can be a goal only when skills are taught: use --by skills")
    if by != "texts" and (pool_parts or pool is not None):
        raise SkillgraphError("a pool of texts needs --by texts")
    at = situation(store, dataset, layer)
    full = at
    pool_mask = np.zeros(at.indexed.graph.n_texts, bool)
    if by == "texts":
        full, pool_mask = _with_pool(store, dataset, at, pool_parts, pool)
    indexed = full.indexed
    goal, skill_value, text_value = _goal(store, dataset, full, pool_mask, goal_classes, goal_texts, goal_layer)
    if goal_giant:
        goal = GoalReport("the giant component of learned skills", float(np.count_nonzero(~full.learned)))
    capacity = np.where(pool_mask, 0, np.broadcast_to(np.asarray(full.capacity), pool_mask.shape)).astype(np.int32)
    cascade = Cascade(
        indexed.graph,
        full.learned,
        capacity,
        learnable=full.learnable,
        prerequisites=indexed.prerequisites,
        skill_value=skill_value,
        text_value=text_value,
    )
    rng = np.random.default_rng(seed)
    each, optimum = 1, list[float]()
    if by == "skills":
        found = plan_skills(
            cascade, budget, goal="giant" if goal_giant else "value", limit=limit, replicates=replicates, rng=rng
        )
        if not goal_giant and indexed.graph.n_edges <= _EXHAUSTIVE_EDGES:
            optimum = best_sets(cascade, min(budget, 3), work=_EXHAUSTIVE)
    elif by == "texts":
        texts = np.flatnonzero(pool_mask)
        given = np.broadcast_to(np.asarray(full.capacity), pool_mask.shape)[texts]
        each = int(given.max(initial=1))
        found = plan_texts(cascade, texts, given, budget, limit=limit, replicates=replicates, rng=rng)
    else:
        found = plan_simpler(cascade, budget, limit=limit, replicates=replicates, rng=rng)
    bounds = np.full(budget + 1, goal.worth)
    bounds[0] = 0.0
    if not goal_giant:
        bounds = np.minimum(bounds, plan_bounds(cascade, budget, each=each))
        if found.steps:
            bounds[1] = min(bounds[1], found.steps[0].bound)
        for size, value in enumerate(optimum, 1):
            bounds[size] = min(bounds[size], value)
    return PlanReport(
        layer=at.info,
        by=by,
        goal=goal,
        lacking=int(np.count_nonzero(~full.learned)),
        steps=_steps(indexed, found),
        learned=tuple(int(n) for n in found.learned),
        value=tuple(float(v) for v in found.value),
        bound=tuple(float(v) for v in bounds),
        optimum=tuple(optimum),
        most_used=tuple(float(v) for v in found.most_used.value),
        random=tuple(float(v) for v in found.random.value),
        most_used_learned=tuple(float(v) for v in found.most_used.learned),
        random_learned=tuple(float(v) for v in found.random.learned),
        seconds=time.perf_counter() - start,
    )


def _steps(indexed: IndexedGraph, found: Plan) -> tuple[PlannedStep, ...]:
    skills, texts = indexed.skills.ids, indexed.text_ids
    names, titles = indexed.skill_column("name"), indexed.text_column("title")
    degrees = indexed.graph.skill_degrees
    rows = []
    for step, total in zip(found.steps, found.learned[1:], strict=True):
        s, t = step.skill, step.text
        skill = skills[s].as_py() if s >= 0 else None
        text = texts[t].as_py() if t >= 0 else None
        after = [int(u) for u in step.followed.skills if u != s]
        rows.append(
            PlannedStep(
                skill=skill,
                name=str((names[s].as_py() or skill) if step.kind == "skill" else (titles[t].as_py() or text)),
                text=text,
                uses=int(degrees[s]) if s >= 0 else None,
                learned=len(step.followed.skills),
                texts=step.followed.texts,
                value=step.value,
                bound=step.bound,
                follows=tuple(skills[u].as_py() for u in after[:_SHOWN]),
                total=int(total),
            )
        )
    return tuple(rows)


def _goal(
    store: Store,
    dataset: str,
    at: Situation,
    pool: NDArray[np.bool_],
    classes: Sequence[str],
    texts: Sequence[str],
    layer: str | None,
) -> tuple[GoalReport, NDArray[np.float64], NDArray[np.float64]]:
    indexed, lacking = at.indexed, ~at.learned
    skill_value, text_value = np.zeros(len(lacking)), np.zeros(indexed.graph.n_texts)
    if classes:
        labels = np.asarray(indexed.skill_column("class").to_pylist(), dtype=object)
        for wanted in classes:
            if not (labels == wanted).any():
                there = ", ".join(sorted({repr(c) for c in labels.tolist() if c is not None})) or "none"
                raise NotFoundError(f"no skill has class {wanted!r}; classes here: {there}")
            skill_value[labels == wanted] = 1.0
        name = f"skills of class {', '.join(classes)}"
    elif texts:
        places = pc.index_in(pa.array(texts, pa.string()), value_set=indexed.text_ids)
        if places.null_count:
            missing = texts[pc.index(pc.is_null(places), value=True).as_py()]
            raise NotFoundError(f"text {missing!r} is not among the {indexed.graph.n_texts:,} texts of the layer")
        text_value[places.to_numpy(zero_copy_only=False).astype(np.int64)] = 1.0
        text_value[pool] = 0.0
        name = "1 text to be understood" if len(texts) == 1 else f"{len(texts):,} texts to be understood"
    elif layer is not None:
        other = layer_view(store, dataset, layer)
        skill_value[indexed.skills.mask(other.indexed.skills.take(np.flatnonzero(other.learned)))] = 1.0
        name = f"what layer {layer!r} has learned"
    else:
        skill_value[:] = 1.0
        name = "all skills"
    degrees = indexed.graph.text_degrees
    text_of = np.repeat(np.arange(indexed.graph.n_texts), degrees)
    waits = np.zeros(indexed.graph.n_texts, bool)
    waits[text_of[lacking[indexed.graph.text_skills]]] = True
    return GoalReport(name, float(skill_value[lacking].sum() + text_value[waits].sum())), skill_value, text_value


def _with_pool(
    store: Store, dataset: str, at: Situation, parts: Sequence[str], pool: Dataset | None
) -> tuple[Situation, NDArray[np.bool_]]:
    """The layer's situation over its texts and those of a pool, and which texts are of the pool."""
    source = read_dataset(store, dataset)
    read = at.indexed.text_ids
    whole = source if pool is None else extend_dataset(source, pool)
    wanted = set(parts)
    unknown = sorted(wanted - set(source.parts))
    if unknown:
        there = ", ".join(map(repr, source.parts)) or "none"
        raise NotFoundError(f"dataset {dataset!r} has no part {unknown[0]!r}; its parts: {there}")
    ids, part = whole.texts["id"], whole.texts["part"]
    chosen = pc.invert(pc.is_in(ids, value_set=read)).to_numpy()
    if wanted:
        chosen &= pc.is_in(part, value_set=pa.array(sorted(wanted), pa.string())).to_numpy()
    elif pool is not None:
        chosen &= ~pc.is_in(ids, value_set=source.texts["id"].combine_chunks()).to_numpy()
    if pool is not None and wanted:
        chosen |= ~pc.is_in(ids, value_set=source.texts["id"].combine_chunks()).to_numpy()
    pool_ids = ids.filter(pa.array(chosen)).combine_chunks()
    if not len(pool_ids):
        raise SkillgraphError(f"layer {at.info.name!r} has read all texts: name a file of further texts with --pool")
    every = index_dataset(whole)
    in_pool = pc.is_in(every.text_ids, value_set=pool_ids).to_numpy(zero_copy_only=False)
    presented = pc.is_in(every.text_ids, value_set=read).to_numpy(zero_copy_only=False)
    keep = np.flatnonzero(in_pool | presented)
    graph = every.graph.subset(keep)
    indexed = IndexedGraph(
        dataset=whole,
        parts=(),
        graph=graph,
        text_ids=every.text_ids.take(pa.array(keep)),
        skills=every.skills,
        text_rows=every.text_rows[keep],
        skill_rows=every.skill_rows,
    )
    here = in_pool[keep]
    learned = every.skills.mask(at.indexed.skills.take(np.flatnonzero(at.learned)))
    learnable = None
    if at.learnable is not None:
        learnable = ~every.skills.mask(at.indexed.skills.take(np.flatnonzero(~at.learnable)))
    capacity: int | NDArray[np.int32] = at.capacity if isinstance(at.capacity, int) else np.zeros(len(keep), np.int32)
    if not isinstance(capacity, int):
        capacity[~here] = at.capacity
        rng = np.random.default_rng([at.info.seed or 0, 1])
        drawn = parse_learner(at.info.learner).capacities(int(here.sum()), rng)
        capacity[here] = drawn
    # Skills that only texts outside of these require stay as they are: nothing here can reach them.
    wave = np.where(learned, 0, -1).astype(np.int32)
    return Situation(at.info, indexed, learned, wave, np.full(len(wave), -1, np.int32), capacity, learnable), here
