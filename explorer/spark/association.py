"""Association of learned skills on Spark: pairs counted by the kernel in each block, then summed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from explorer.spark.blocks import PAIR_SCHEMA, Batches, find_pairs
from explorer.spark.components import Rule
from explorer.spark.errors import SparkError, explained
from explorer.spark.prepared import Int64, PreparedGraph, set_checksum
from explorer.spark.run_folder import RunFolder, join_url
from explorer.spark.session import wide_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["LearnedAssociations", "find_associations"]


@dataclass(frozen=True)
class LearnedAssociations:
    """Weighted pairs of learned skills.

    Attributes:
        pairs: `source`, `target` (ids, the smaller first), `weight` (number of texts that require both).
        n_pairs: Number of distinct pairs before the minimum weight and the choice of the strongest.
        skipped_texts: Number of texts left out because they have too many learned skills.
        skipped_pairs: Number of pairs in those texts.
    """

    pairs: DataFrame
    n_pairs: int
    skipped_texts: int
    skipped_pairs: int


def find_associations(
    graph: PreparedGraph,
    work: str,
    learned: Int64,
    rule: Rule = "any",
    *,
    min_weight: int = 1,
    top_k: int | None = None,
    max_text_skills: int | None = None,
) -> LearnedAssociations:
    """Link the learned skills that occur in the same text, as `analysis.association.associate`.

    Args:
        graph: The graph.
        work: The run folder.
        learned: Numbers of the learned skills, int64, distinct.
        rule: `any` text joins its learned skills, or only an `understood` one.
        min_weight: Leave out pairs of smaller weight.
        top_k: Keep a pair only if it is among the k heaviest of at least one of its two skills, ties going to the
            smaller id.
        max_text_skills: Leave out texts with more learned skills than this, whose pairs grow quadratically.

    Raises:
        SparkError: A limit below 1, another run in the folder, or Spark failed.
    """
    for name, value in (("min_weight", min_weight), ("top_k", top_k), ("max_text_skills", max_text_skills)):
        if value is not None and value < 1:
            raise SparkError(f"{name} is {value}; it must be at least 1")
    parameters = {
        "graph": graph.checksum,
        "rule": rule,
        "set of learned skills": set_checksum(learned),
        "most skills of a text": max_text_skills,
    }
    folder = RunFolder(graph.spark, join_url(work, "associations"), parameters)
    packed = graph.bits(learned).pack()

    def find(batches: Batches) -> Batches:
        return find_pairs(batches, packed, rule, max_text_skills)

    with explained("joining skills", f"{work} keeps the finished steps, and the same command continues from there"):
        with wide_rows(graph.spark):
            pairs = graph.blocks.mapInArrow(find, PAIR_SCHEMA)
            found = folder.step("found", pairs, rows=graph.n_blocks, where="source is null")
        summed = found.where("source is not null").groupBy("source", "target").agg(F.sum("weight").alias("weight"))
        pairs = folder.step("pairs", summed)
        skipped = found.where("source is null").agg(F.sum("texts"), F.sum("weight")).collect()[0]
        n_pairs = pairs.count()
        kept = pairs.where(F.col("weight") >= min_weight)
        if top_k is not None:
            kept = _strongest(kept, top_k)
        skills = graph.skills
        named = kept.join(skills.select(F.col("skill").alias("source"), F.col("id").alias("source_id")), "source")
        named = named.join(skills.select(F.col("skill").alias("target"), F.col("id").alias("target_id")), "target")
        table = named.select(F.col("source_id").alias("source"), F.col("target_id").alias("target"), "weight")
    texts, lost = (int(value or 0) for value in skipped)
    return LearnedAssociations(table.orderBy("source", "target"), n_pairs, texts, lost)


def _strongest(pairs: DataFrame, k: int) -> DataFrame:
    """The pairs that are among the k heaviest of one of their skills."""
    seen = pairs.select(F.col("source").alias("skill"), F.col("target").alias("other"), "source", "target", "weight")
    seen = seen.unionByName(
        pairs.select(F.col("target").alias("skill"), F.col("source").alias("other"), "source", "target", "weight")
    )
    order = Window.partitionBy("skill").orderBy(F.desc("weight"), F.asc("other"))
    ranked = seen.withColumn("rank", F.row_number().over(order)).where(F.col("rank") <= k)
    return ranked.select("source", "target", "weight").distinct()
