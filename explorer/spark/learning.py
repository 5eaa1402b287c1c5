"""Peeling on Spark: the kernel to a fixpoint inside each block, newly learned skills exchanged between super-steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from pyspark.sql import functions as F

from analysis.learners import DSkillLearner, parse_learner
from explorer.options import SparkMethod as Method
from explorer.spark.blocks import (
    BLOCK_SCHEMA,
    FOUND_SCHEMA,
    NOVEL_SCHEMA,
    Batches,
    Bits,
    count_novel,
    find_learned,
    shrink,
)
from explorer.spark.errors import SparkError, explained
from explorer.spark.prepared import PreparedGraph, numbers_table, set_checksum
from explorer.spark.rounds import learn_in_rounds
from explorer.spark.run_folder import RunFolder, join_url
from explorer.spark.session import wide_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["LearnedSkills", "Method", "learn_skills", "skill_capacity"]

Int64 = npt.NDArray[np.int64]
Progress = Callable[[int, int], None]
"""Called with the super-step or round just finished and the number of skills learned in it."""

_SHRINK_AT = 0.5  # of the edges that the blocks hold


@dataclass(frozen=True)
class LearnedSkills:
    """What a run learned.

    Attributes:
        graph: What it learned from.
        skills: `skill`, `text`, `wave`: numbers of the learned skills; wave 0 for known ones, null without exact
            waves; the text that taught it, null for known skills and without exact waves.
        learned: The same skills as a set.
        by_step: Number of skills known beforehand, then after each super-step or round.
        exact: True if waves and texts are those of the kernel.
        resumed: Super-steps or rounds that an earlier process had finished.
    """

    graph: PreparedGraph
    skills: DataFrame
    learned: Bits
    by_step: tuple[int, ...]
    exact: bool
    resumed: int

    def novel_skills(self) -> dict[int, int]:
        """Texts by the number of their skills that are not learned, `{0: understood, 1: ..}`."""
        packed = self.learned.pack()

        def count(batches: Batches) -> Batches:
            return count_novel(batches, packed)

        with explained("counting novel skills"), wide_rows(self.graph.spark):
            counted = self.graph.blocks.mapInArrow(count, NOVEL_SCHEMA).groupBy("novel").agg(F.sum("texts"))
            found = {int(novel): int(texts) for novel, texts in sorted(counted.collect())}
        without = self.graph.n_texts - sum(found.values())
        if without:
            found[0] = found.get(0, 0) + without
        return dict(sorted(found.items()))

    def layer(self) -> DataFrame:
        """Rows of a layer's skills, sorted by id: `skill, wave, by, component, mastery`; the last two null."""
        skills = self.graph.skills.select("skill", "id")
        texts = self.graph.texts.select("text", F.col("id").alias("by"))
        named = self.skills.join(skills, "skill").join(texts, "text", "left")
        return named.select(
            F.col("id").alias("skill"),
            F.col("wave").cast("int").alias("wave"),
            "by",
            F.lit(None).cast("int").alias("component"),
            F.lit(None).cast("double").alias("mastery"),
        ).orderBy("skill")


def skill_capacity(learner: str) -> int:
    """D of a learner that Spark can run.

    Raises:
        AnalysisError: No such learner.
        SparkError: Its capacities are drawn for one text after the other, which gives another draw on a cluster.

    >>> skill_capacity("one"), skill_capacity("d:3")
    (1, 3)
    """
    rule = parse_learner(learner)
    if not isinstance(rule, DSkillLearner):
        raise SparkError(f"the Spark engine has learners 'one' and 'd:D', not {learner!r}: use `skillgraph learn`")
    return rule.d


def learn_skills(
    graph: PreparedGraph,
    work: str,
    *,
    learner: str = "one",
    known: Sequence[str] = (),
    known_classes: Sequence[str] = (),
    method: Method = "blocks",
    waves: bool = False,
    progress: Progress | None = None,
) -> LearnedSkills:
    r"""Learn from a prepared graph until nothing changes; the learned set is that of `analysis.peeling.peel`.

    Method `blocks`: with L the skills learned so far, every block peels the rest of its texts, φ(t) \ L, with the
    project's kernel to a local fixpoint; the skills that any block learned join L; again, until no block learns any.
    The rule is monotone, so the order does not matter, and the fixpoint is the same. With `waves`, a super-step is
    one round in every block instead, and waves and teaching texts are exactly the kernel's.

    Method `rounds`: rounds of joins over the whole graph, `explorer.spark.rounds`; waves are always exact.

    Args:
        graph: The graph.
        work: The run folder; a run that was cut off goes on after its last finished super-step.
        learner: `one` or `d:D`.
        known: Ids of skills known beforehand.
        known_classes: Classes of skills to treat as known.
        method: See above.
        waves: See above.
        progress: Called after every super-step or round.

    Raises:
        AnalysisError: A learner that is none.
        NotFoundError: A known skill or class that is not there.
        SparkError: A learner that Spark does not have, another run in the folder, or Spark failed.
    """
    capacity = skill_capacity(learner)
    beforehand = np.unique(np.concatenate((graph.numbers(known), graph.numbers_of_classes(known_classes))))
    parameters: dict[str, str | int | float | bool | None] = {
        "graph": graph.checksum,
        "learner": learner,
        "method": method,
        "exact waves": waves or method == "rounds",
        "set of known skills": set_checksum(beforehand),
    }
    folder = RunFolder(graph.spark, join_url(work, "learn"), parameters)
    way_out = f"{work} keeps the finished steps, and the same command continues from there"
    with explained("learning", way_out):
        if method == "rounds":
            steps, learned, resumed = learn_in_rounds(graph, folder, capacity, beforehand, progress)
        else:
            steps, learned, resumed = _learn_in_blocks(graph, folder, capacity, beforehand, progress, exact=waves)
        exact = waves or method == "rounds"
        skills = _collect(graph, folder, beforehand, len(steps) - 1, exact=exact)
    return LearnedSkills(graph, skills, learned, tuple(steps), exact, resumed)


def _learn_in_blocks(
    graph: PreparedGraph,
    folder: RunFolder,
    capacity: int,
    beforehand: Int64,
    progress: Progress | None,
    *,
    exact: bool,
) -> tuple[list[int], Bits, int]:
    learned, fresh = graph.bits(beforehand), graph.bits(beforehand)
    steps, resumed, step, held = [len(learned)], 0, 0, graph.n_edges
    blocks = graph.blocks
    while True:
        step += 1
        name = f"step-{step:05d}"
        facts = folder.finished(name)
        resumed += facts is not None
        if facts is None:
            with wide_rows(graph.spark):
                folder.write(name, blocks.mapInArrow(_finder(fresh, capacity, step, exact=exact), FOUND_SCHEMA))
        found = folder.read(name)
        closed, edges = found.agg(F.count("edges"), F.sum("edges")).collect()[0]
        folder.require_whole(name, closed, graph.n_blocks)
        # a skill that several blocks learned comes once
        skills = found.where("skill is not null").select("skill").distinct().toArrow()["skill"].to_numpy()
        if facts is None:
            folder.commit(name, {})
        if not len(skills):
            return steps, learned, resumed
        learned.add(skills)
        fresh.add(skills)
        steps.append(len(learned))
        if progress is not None:
            progress(step, steps[-1] - steps[-2])
        if edges <= _SHRINK_AT * held:
            # skills learned in this step go as well: what is left is smaller than half
            name, held = f"blocks-{step:05d}", edges
            with wide_rows(graph.spark):
                smaller = blocks.mapInArrow(_shrinker(fresh), BLOCK_SCHEMA)
                blocks = folder.step(name, smaller, rows=graph.n_blocks)
            fresh = Bits(graph.n_numbered)


def _finder(learned: Bits, capacity: int, step: int, *, exact: bool) -> Callable[[Batches], Batches]:
    packed = learned.pack()

    def find(batches: Batches) -> Batches:
        return find_learned(batches, packed, capacity, step, exact=exact)

    return find


def _shrinker(learned: Bits) -> Callable[[Batches], Batches]:
    packed = learned.pack()

    def drop(batches: Batches) -> Batches:
        return shrink(batches, packed)

    return drop


def _collect(graph: PreparedGraph, folder: RunFolder, beforehand: Int64, n_steps: int, *, exact: bool) -> DataFrame:
    """Learned skills of all steps and those known beforehand, as `LearnedSkills.skills`."""
    known = numbers_table(graph.spark, beforehand)
    known = known.withColumn("text", F.lit(None).cast("long")).withColumn("wave", F.lit(0).cast("int"))
    if not n_steps:
        return known
    found = folder.read(*(f"step-{step:05d}" for step in range(1, n_steps + 1))).where("skill is not null")
    if exact:
        taught = found.groupBy("skill").agg(F.min("text").alias("text"), F.min("wave").cast("int").alias("wave"))
    else:
        empty = F.lit(None)
        taught = found.select("skill").distinct().withColumn("text", empty.cast("long"))
        taught = taught.withColumn("wave", empty.cast("int"))
    return taught.unionByName(known) if len(beforehand) else taught
