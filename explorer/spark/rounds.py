"""Peeling on Spark by rounds of joins, each round only over what changed; waves and teaching texts are exact.

A text carries the number of its novel skills and, for the 1-skill learner, the exclusive or of their numbers: with
one left, that is the skill. Newly learned skills are joined with the edges, which gives what each touched text loses;
the new counts of touched texts alone are summed up, and those that have come down to D teach.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from pyspark.sql import functions as F

from explorer.spark.blocks import Bits
from explorer.spark.prepared import numbers_table
from explorer.spark.run_folder import RunFolder

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from explorer.spark.prepared import PreparedGraph

__all__ = ["learn_in_rounds"]

_FEW = 1_000_000
"""So many rows are sent to all workers rather than shuffled: a skill that most texts require then burdens none."""

_MERGE_EVERY = 8


def learn_in_rounds(
    graph: PreparedGraph,
    folder: RunFolder,
    capacity: int,
    beforehand: npt.NDArray[np.int64],
    progress: Callable[[int, int], None] | None,
) -> tuple[list[int], Bits, int]:
    """Learn round after round.

    Round k leaves in the folder `step-k`, the skills it learned with their texts, and `loss-k`, what the texts that
    require them lose. Every few rounds the losses are subtracted for good and edges of learned skills left out.

    Returns:
        Number of skills known and after each round, the learned skills, and the rounds that were finished before.
    """
    learned = graph.bits(beforehand)
    edges = graph.edges
    if len(beforehand):
        known = _sent(numbers_table(graph.spark, beforehand), len(beforehand))
        edges = folder.step("edges-00000", edges.join(known, "skill", "left_anti"))
    counts = folder.step("texts-00000", _counted(edges))
    opened = counts.where(F.col("novel") <= capacity)
    steps, resumed, since, number = [len(learned)], 0, 0, 0
    while True:
        number += 1
        name = f"step-{number:05d}"
        facts = folder.finished(name)
        resumed += facts is not None
        if facts is None:
            gone = folder.read(*_names("step", since, number - 1)) if number - 1 > since else None
            folder.write(name, _taught(opened, edges, gone, capacity).withColumn("wave", F.lit(number)))
        taught = folder.read(name)
        skills = taught.select("skill").toArrow()["skill"].to_numpy()
        if facts is None:
            folder.commit(name, {"learned": len(skills)})
        if not len(skills):
            return steps, learned, resumed
        learned.add(skills)
        steps.append(len(learned))
        if progress is not None:
            progress(number, len(skills))
        loss = edges.join(_sent(taught.select("skill"), len(skills)), "skill").groupBy("text")
        lost = folder.step(f"loss-{number:05d}", loss.agg(F.count(F.lit(1)).alias("novel"), _folded("skill")))
        losses = folder.read(*_names("loss", since, number))
        opened = _opened(counts, losses, lost, capacity)
        if number - since == _MERGE_EVERY:
            gone = folder.read(*_names("step", since, number)).select("skill")
            since = number
            edges = folder.step(f"edges-{number:05d}", edges.join(gone, "skill", "left_anti"))
            counts = folder.step(f"texts-{number:05d}", _subtracted(counts, losses))


def _names(kind: str, first: int, last: int) -> list[str]:
    return [f"{kind}-{number:05d}" for number in range(first + 1, last + 1)]


def _sent(table: DataFrame, rows: int) -> DataFrame:
    return F.broadcast(table) if rows <= _FEW else table


def _folded(column: str) -> Column:
    return F.bit_xor(column).alias("folded")


def _counted(edges: DataFrame) -> DataFrame:
    """`text, novel, folded`: number and exclusive or of each text's skills."""
    return edges.groupBy("text").agg(F.count(F.lit(1)).alias("novel"), _folded("skill"))


def _taught(opened: DataFrame, edges: DataFrame, gone: DataFrame | None, capacity: int) -> DataFrame:
    """`skill, text`: what the opened texts teach, each by the smallest of them."""
    if capacity == 1:
        pairs = opened.select(F.col("folded").alias("skill"), "text")
    else:
        pairs = edges.join(opened.select("text"), "text", "left_semi")
        if gone is not None:
            pairs = pairs.join(gone.select("skill"), "skill", "left_anti")
    return pairs.groupBy("skill").agg(F.min("text").alias("text"))


def _opened(counts: DataFrame, losses: DataFrame, lost: DataFrame, capacity: int) -> DataFrame:
    """`text, novel, folded` of the texts that have come down to the capacity by what they lost last."""
    touched = lost.select("text")
    before = counts.join(touched, "text", "left_semi").withColumn("now", F.lit(0).cast("long"))
    less = losses.join(touched, "text", "left_semi").select("text", (-F.col("novel")).alias("novel"), "folded")
    last = lost.select("text", F.lit(0).cast("long").alias("novel"), F.lit(0).cast("long").alias("folded"), "novel")
    last = last.toDF("text", "novel", "folded", "now")
    summed = (
        before.unionByName(less.withColumn("now", F.lit(0).cast("long")))
        .unionByName(last)
        .groupBy("text")
        .agg(F.sum("novel").alias("novel"), _folded("folded"), F.sum("now").alias("now"))
    )
    within = (F.col("novel") > 0) & (F.col("novel") <= capacity) & (F.col("novel") + F.col("now") > capacity)
    return summed.where(within).select("text", "novel", "folded")


def _subtracted(counts: DataFrame, losses: DataFrame) -> DataFrame:
    """The counts after all losses, of the texts that still have novel skills."""
    both = counts.unionByName(losses.select("text", (-F.col("novel")).alias("novel"), "folded"))
    return both.groupBy("text").agg(F.sum("novel").alias("novel"), _folded("folded")).where("novel > 0")
