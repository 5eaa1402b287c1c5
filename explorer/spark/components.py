"""Connected components of learned skills on Spark: large-star and small-star over the components of each block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from explorer.options import Rule
from explorer.spark.blocks import STAR_SCHEMA, Batches, Bits, find_stars
from explorer.spark.errors import explained
from explorer.spark.prepared import Int64, PreparedGraph, number_rows, numbered, numbers_table, set_checksum
from explorer.spark.run_folder import RunFolder, join_url
from explorer.spark.session import wide_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["LearnedComponents", "Rule", "find_components"]

_SHOWN = 20


@dataclass(frozen=True)
class LearnedComponents:
    """The components of learned skills.

    Attributes:
        skills: `skill` (id), `component` (int): 0 the largest, then by falling size, ties by the smallest id in them.
        n_components: Number of components.
        sizes: Sizes of the largest, at most 20.
        rounds: Number of rounds of large-star and small-star.
    """

    skills: DataFrame
    n_components: int
    sizes: tuple[int, ...]
    rounds: int

    @property
    def giant(self) -> int:
        """Number of skills in the largest; 0 if nothing is learned."""
        return self.sizes[0] if self.sizes else 0


def find_components(graph: PreparedGraph, work: str, learned: Int64, rule: Rule = "any") -> LearnedComponents:
    """Components of the learned skills, two of them linked when they occur in the same text, as `analysis.components`.

    Each block gives the components of its own texts by union–find, as stars around their smallest skills. Then, until
    nothing changes, every skill u with neighbours N(u) and m = min N(u) ∪ {u} does

    - large-star: every neighbour greater than u is joined to m,
    - small-star: u and every neighbour not greater than it are joined to the smallest of them,

    which ends with a star around the smallest skill of each component [Kiveris2014].

    Args:
        graph: The graph.
        work: The run folder; a run that was cut off goes on after its last finished round.
        learned: Numbers of the learned skills, int64, distinct.
        rule: `any` text joins its learned skills, or only an `understood` one.

    Raises:
        SparkError: Another run is in the folder, or Spark failed.
    """
    parameters = {"graph": graph.checksum, "rule": rule, "set of learned skills": set_checksum(learned)}
    folder = RunFolder(graph.spark, join_url(work, "components"), parameters)
    with explained(
        "finding components", f"{work} keeps the finished rounds, and the same command continues from there"
    ):
        stars, rounds = _joined(folder, _block_stars(graph, folder, graph.bits(learned), rule))
        labelled = numbers_table(graph.spark, learned).join(stars, "skill", "left")
        labelled = labelled.select("skill", F.coalesce("star", "skill").alias("star"))
        sizes = labelled.groupBy("star").agg(F.count(F.lit(1)).alias("size"))
        number_rows(folder, "sizes", sizes.withColumn("order", -F.col("size")), "order", "star")
        ranked = numbered(folder, "sizes", "component")
        folder.require_whole("sizes", int(ranked.agg(F.sum("size")).collect()[0][0] or 0), len(learned))
        largest = ranked.orderBy("component").select("size").limit(_SHOWN).collect()
        named = labelled.join(ranked.select("star", "component"), "star").join(
            graph.skills.select("skill", "id"), "skill"
        )
        skills = named.select(F.col("id").alias("skill"), F.col("component").cast("int").alias("component"))
        n_components = int((folder.finished("sizes") or {})["rows"])
    return LearnedComponents(skills.orderBy("skill"), n_components, tuple(int(row[0]) for row in largest), rounds)


def _block_stars(graph: PreparedGraph, folder: RunFolder, learned: Bits, rule: Rule) -> DataFrame:
    packed = learned.pack()

    def find(batches: Batches) -> Batches:
        return find_stars(batches, packed, rule)

    with wide_rows(graph.spark):
        return folder.step("stars-00000", graph.blocks.mapInArrow(find, STAR_SCHEMA).distinct())


def _joined(folder: RunFolder, stars: DataFrame) -> tuple[DataFrame, int]:
    """Rounds of large-star and small-star; pairs `skill, star` with the smaller one second."""
    rounds, before = 0, _signature(stars)
    while True:
        rounds += 1
        # written first, because Spark splits the skill that a giant component is joined to only where a join reads both
        # of its sides from tables
        smallest = folder.step(f"smallest-{rounds:05d}", _smallest(stars))
        stars = folder.step(f"stars-{rounds:05d}", _small_star(_large_star(stars, smallest)))
        after = _signature(stars)
        if after == before:
            return stars, rounds
        before = after


def _signature(pairs: DataFrame) -> tuple[int, int]:
    """Number of pairs, and a checksum of them."""
    rows, folded = pairs.agg(F.count(F.lit(1)), F.bit_xor(F.xxhash64("skill", "star"))).collect()[0]
    return int(rows), int(folded or 0)


def _both_ways(pairs: DataFrame) -> DataFrame:
    """`u, v`: every pair from both of its ends."""
    return pairs.select(F.col("skill").alias("u"), F.col("star").alias("v")).unionByName(
        pairs.select(F.col("star").alias("u"), F.col("skill").alias("v"))
    )


def _smallest(pairs: DataFrame) -> DataFrame:
    """`u, m`: the smallest of each skill's neighbourhood, itself included."""
    return _both_ways(pairs).groupBy("u").agg(F.min("v").alias("m")).select("u", F.least("u", "m").alias("m"))


def _large_star(pairs: DataFrame, smallest: DataFrame) -> DataFrame:
    """`skill, star`, the smaller second: neighbours greater than a skill, with the smallest of its neighbourhood."""
    greater = _both_ways(pairs).where("v > u").join(smallest, "u")
    return greater.select(F.col("v").alias("skill"), F.col("m").alias("star"))


def _small_star(pairs: DataFrame) -> DataFrame:
    """`skill, star`: each skill and its smaller neighbours, with the smallest of these."""
    smallest = pairs.groupBy("skill").agg(F.min("star").alias("m"))
    others = (
        pairs.join(smallest, "skill").where("star > m").select(F.col("star").alias("skill"), F.col("m").alias("star"))
    )
    own = smallest.select("skill", F.col("m").alias("star"))
    return others.unionByName(own).distinct()
