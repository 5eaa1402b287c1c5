"""From the loaders' Parquet tables to numbered texts and skills, and to blocks of the graph."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F

from explorer.errors import NotFoundError
from explorer.spark.blocks import BLOCK_SCHEMA, Batches, Bits, build_block, list_skills, number_partition
from explorer.spark.errors import SparkError, explained
from explorer.spark.run_folder import RunFolder, join_url, local_path
from explorer.spark.session import wide_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = [
    "BLOCK_EDGES",
    "Int64",
    "PreparedGraph",
    "fill_blocks",
    "number_rows",
    "numbered",
    "numbers_table",
    "prepare",
    "set_checksum",
]

BLOCK_EDGES = 4_000_000
"""Edges in a block: some 60 MB, and as much work as a task should have."""

Int64 = npt.NDArray[np.int64]

_FORMAT = 2
_MOST_BLOCK_EDGES = 80_000_000
"""A block is one value of a table: at 24 bytes an edge, which texts with one skill take, these stay below 2 GiB."""

_CELLS_IN_BLOCK, _MOST_CELLS = 64, 2_000_000
_SUMMED = 2**23 - 1
"""What is summed of each row's hash: the sum of 10^12 rows is below 2^63, beyond which Spark refuses it."""


@dataclass(frozen=True)
class PreparedGraph:
    """A skill–text graph on Spark, kept in a run folder for as many runs as one likes.

    Texts and skills are numbered in order of id, so a smaller number is a smaller id.

    Attributes:
        folder: Where its tables are.
        n_texts: Number of texts, also of those without skills.
        n_skills: Number of skills that the texts require.
        n_numbered: Number of skills that have a number: all of the input's.
        n_edges: Number of rows of requirements, repeats included.
        n_blocks: Number of blocks.
        checksum: Of the requirements, texts and skills.
    """

    folder: RunFolder
    n_texts: int
    n_skills: int
    n_numbered: int
    n_edges: int
    n_blocks: int
    checksum: str

    @property
    def spark(self) -> SparkSession:
        """The session."""
        return self.folder.spark

    @property
    def blocks(self) -> DataFrame:
        """Rows of `BLOCK_SCHEMA`."""
        return self.folder.read("blocks")

    @property
    def skills(self) -> DataFrame:
        """The skills that the texts require: `skill` (number), `id`, `class`."""
        return self.folder.read("universe")

    @property
    def texts(self) -> DataFrame:
        """All texts: `text` (number), `id`."""
        return numbered(self.folder, "texts", "text")

    @property
    def edges(self) -> DataFrame:
        """Distinct pairs `text, skill` of numbers."""
        if self.folder.finished("edges") is None:
            self.folder.step("edges", self.folder.read("pairs").distinct())
        return self.folder.read("edges")

    def numbers(self, ids: Sequence[str]) -> Int64:
        """Numbers of skills.

        Raises:
            NotFoundError: An id is not among the skills that the texts require.
        """
        if not ids:
            return np.empty(0, np.int64)
        wanted = self.spark.createDataFrame(pa.table({"id": pa.array(sorted(set(ids)), pa.string())}))
        found = self.skills.join(wanted, "id").select("id", "skill").toArrow()
        missing = sorted(set(ids) - set(found["id"].to_pylist()))
        if missing:
            raise NotFoundError(f"skill {missing[0]!r} is not among the {self.n_skills} skills of this graph")
        return np.asarray(found["skill"].to_numpy(), np.int64)

    def numbers_of_classes(self, classes: Sequence[str]) -> Int64:
        """Numbers of the skills of some classes.

        Raises:
            NotFoundError: A class has no skill here.
        """
        if not classes:
            return np.empty(0, np.int64)
        found = self.skills.where(F.col("class").isin(list(classes))).select("class", "skill").toArrow()
        missing = [name for name in classes if name not in set(found["class"].to_pylist())]
        if missing:
            rows = self.skills.where("class is not null").select("class").distinct().orderBy("class").collect()
            there = ", ".join(repr(row[0]) for row in rows) or "none"
            raise NotFoundError(f"no skill has class {missing[0]!r}; classes here: {there}")
        return np.asarray(found["skill"].to_numpy(), np.int64)

    def numbers_of(self, table: DataFrame) -> Int64:
        """Numbers of the skills in the column `skill` of a table of ids, ascending.

        Raises:
            NotFoundError: An id is not among the skills that the texts require.
        """
        ids = table.select(F.col("skill").alias("id"))
        unknown = ids.join(self.skills.select("id"), "id", "left_anti").limit(1).collect()
        if unknown:
            raise NotFoundError(f"skill {unknown[0][0]!r} is not among the {self.n_skills} skills of this graph")
        found = self.skills.join(ids, "id", "left_semi").select("skill").toArrow()
        return np.sort(np.asarray(found["skill"].to_numpy(), np.int64))

    def bits(self, numbers: Int64) -> Bits:
        """A set of skills."""
        chosen = Bits(self.n_numbered)
        chosen.add(numbers)
        return chosen


def set_checksum(numbers: Int64) -> str:
    """What tells sets of distinct numbers apart, whatever their order."""
    mixed = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return f"{len(numbers)}:{int(np.bitwise_xor.reduce(mixed)):016x}"


def numbers_table(spark: SparkSession, numbers: Int64) -> DataFrame:
    """Numbers of skills as a table of one column `skill`."""
    if not len(numbers):
        return spark.range(0).select(F.col("id").alias("skill"))
    return spark.createDataFrame(pa.table({"skill": numbers}))


def prepare(
    spark: SparkSession, source: str, work: str, *, parts: Sequence[str] = (), block_edges: int = BLOCK_EDGES
) -> PreparedGraph:
    """Number the texts and skills of a folder of Parquet tables and lay its graph out in blocks.

    What is in the run folder already is not made again.

    Args:
        spark: The session.
        source: Folder with `texts.parquet`, `skills.parquet` and `requirements.parquet` in the loaders' schema
            (docs/spark.md), each a file or a folder of files.
        work: The run folder.
        parts: Parts whose texts are taken; empty means all.
        block_edges: About how many edges a block has.

    Raises:
        SparkError: A table or column is missing or holds what it must not, prerequisites, which are not kept to
            here, or the run folder has another graph.
        NotFoundError: No such part.
    """
    if not 1 <= block_edges <= _MOST_BLOCK_EDGES:
        raise SparkError(f"{block_edges:,} edges in a block: it must be 1 to {_MOST_BLOCK_EDGES:,}")
    texts = _table(spark, source, "texts", "id", *(["part"] if parts else []))
    skills = _table(spark, source, "skills", "id")
    requirements = _table(spark, source, "requirements", "text", "skill")
    with explained(f"reading {source}"):
        _refuse_prerequisites(spark, source)
        _require_parts(texts, parts)
        chosen = texts.where(F.col("part").isin(list(parts))) if parts else texts
        chosen = chosen.select(F.col("id").cast("string"))
        classes = F.col("class").cast("string") if "class" in skills.columns else F.lit(None).cast("string")
        classed = skills.select(F.col("id").cast("string"), classes.alias("class"))
        pairs = requirements.select(F.col("text").cast("string"), F.col("skill").cast("string"))
        n_rows, checksum = _fingerprint(pairs, source)
        n_texts, checksum_of_texts = _checksum(chosen)
        n_numbered, checksum_of_skills = _checksum(classed)
    parameters: dict[str, str | int | float | bool | None] = {
        "number of requirements": n_rows,
        "checksum of the requirements": checksum,
        "choice of parts": json.dumps(sorted(parts)) if parts else "all",
        "number of texts": n_texts,
        "checksum of the texts": checksum_of_texts,
        "number of skills": n_numbered,
        "checksum of the skills and their classes": checksum_of_skills,
        "number of edges in a block": block_edges,
        "format": _FORMAT,
    }
    folder = RunFolder(spark, join_url(work, "graph"), parameters)
    with explained(
        "laying out the graph", f"{folder.url} keeps what is finished, and the same command continues from there"
    ):
        number_rows(folder, "texts", chosen, "id", rows=n_texts)
        number_rows(folder, "skills", classed, "id", rows=n_numbered)
        n_edges = _join(folder, pairs, texts, skills, n_rows, parts=bool(parts))
        n_blocks = _lay_out(folder, n_texts, n_edges, block_edges)
        n_skills = _list_universe(folder)
    whole = "-".join((f"{n_rows}:{checksum}", checksum_of_texts, checksum_of_skills))
    return PreparedGraph(folder, n_texts, n_skills, n_numbered, n_edges, n_blocks, whole)


def _facts(folder: RunFolder, name: str) -> dict[str, Any]:
    facts = folder.finished(name)
    assert facts is not None, f"{name} is finished"
    return facts


def _table(spark: SparkSession, source: str, name: str, *columns: str) -> DataFrame:
    """A table of the input with the columns that are needed.

    Raises:
        SparkError: The table or a column is not there.
    """
    url = join_url(source, f"{name}.parquet")
    path = local_path(url)
    if path is not None and not path.exists():
        raise SparkError(
            f"{source} holds no {name}.parquet: give a folder with texts, skills and requirements, as "
            "`skillgraph export FOLDER --format parquet` writes it"
        )
    with explained(f"reading {url}", "check that it is Parquet"):
        table = spark.read.parquet(url)
        there = table.columns
    for column in columns:
        if column not in there:
            raise SparkError(f"{url} has no column {column!r}; it has: {', '.join(there) or 'none'}")
    return table


def _refuse_prerequisites(spark: SparkSession, source: str) -> None:
    url = join_url(source, "prerequisites.parquet")
    path = local_path(url)
    if path is not None and not path.exists():
        return
    try:
        rows = spark.read.parquet(url).limit(1).count()
    except AnalysisException:  # no such table
        return
    if rows:
        raise SparkError(
            f"{url} holds prerequisites, which the Spark engine does not support: use `skillgraph learn`, or leave "
            "out that table"
        )


def _require_parts(texts: DataFrame, parts: Sequence[str]) -> None:
    if not parts:
        return
    there = sorted(row[0] for row in texts.where("part is not null").select("part").distinct().collect())
    unknown = sorted(set(parts) - set(there))
    if unknown:
        shown = ", ".join(map(repr, there)) or "none"
        raise NotFoundError(f"the input has no part {unknown[0]!r}; its parts: {shown}")


def _fingerprint(pairs: DataFrame, source: str) -> tuple[int, str]:
    """Number of requirements and their checksum.

    Raises:
        SparkError: There are none, or some lack a text or a skill.
    """
    empties = pairs.where("text is null or skill is null").count()
    if empties:
        raise SparkError(f"{source}/requirements.parquet has {empties} rows without a text or a skill: leave them out")
    rows, checksum = _checksum(pairs)
    if not rows:
        raise SparkError(f"{source}/requirements.parquet has no rows: there is nothing to learn from")
    return rows, checksum


def _checksum(table: DataFrame) -> tuple[int, str]:
    """Number of rows, and a checksum of all columns that does not depend on their order."""
    # a null leaves a hash as it was, so that where the nulls are is hashed as well
    hashed = F.xxhash64(*table.columns, *(F.col(name).isNull().cast("int") for name in table.columns))
    rows, folded, added = table.agg(
        F.count(F.lit(1)), F.bit_xor(hashed), F.sum(hashed.bitwiseAND(F.lit(_SUMMED)))
    ).collect()[0]
    return int(rows), f"{((folded or 0) ^ (added or 0)) & (2**64 - 1):016x}"


def number_rows(folder: RunFolder, name: str, table: DataFrame, *keys: str, rows: int | None = None) -> None:
    """Write a table in ascending order of some columns, with where each row stands; `numbered` reads it back.

    Args:
        folder: Where to.
        name: Of the step.
        table: The table.
        keys: The columns, which together tell the rows apart.
        rows: How many there are, if it is known.

    Raises:
        SparkError: Two rows have the same keys, a key is null, or rows are missing when they are read back.
    """
    if folder.finished(name) is not None:
        return

    def number(batches: Batches) -> Batches:
        return number_partition(batches, keys)

    schema = ", ".join([*(f"`{field.name}` {field.dataType.simpleString()}" for field in table.schema), "run long"])
    # an engine without ranges gets it all in one partition
    for parted in (table.repartitionByRange(*keys), table.repartition(1)):
        folder.write(name, parted.mapInArrow(number, f"{schema}, place long, unclear boolean"))
        written = folder.read(name)
        _require_unique(written, name, keys[-1])
        starts, found = _run_starts(written, keys)
        if starts is not None:
            if rows is not None:
                folder.require_whole(name, found, rows)
            folder.commit(name, {"rows": found, "starts": starts})
            return
    raise SparkError("this engine does not keep a table in one partition")


def _require_unique(table: DataFrame, name: str, key: str) -> None:
    """Raise SparkError if a numbered table has a key that is null or is there already."""
    unclear = table.where("unclear").select(key).limit(1).collect()
    if unclear and unclear[0][0] is None:
        raise SparkError(f"{name}.parquet has a row without an {key}: leave it out, or give it one")
    if unclear:
        raise SparkError(f"{name}.parquet has the {key} {unclear[0][0]!r} more than once: ids must be unique")


def _run_starts(table: DataFrame, keys: Sequence[str]) -> tuple[dict[int, int] | None, int]:
    """How many rows stand before each run, None if runs overlap; and how many rows there are."""
    ends = [end(key, "place") for end in (F.min_by, F.max_by) for key in keys]
    runs = table.groupBy("run").agg(F.count(F.lit(1)), *ends).collect()
    k = len(keys)
    rows, last, starts = 0, None, {}
    for low, high, run, count in sorted((tuple(row[2 : 2 + k]), tuple(row[2 + k :]), row[0], row[1]) for row in runs):
        if last is not None and low <= last:
            return None, 0
        starts[run], last = rows, high
        rows += count
    return starts, rows


def numbered(folder: RunFolder, name: str, column: str) -> DataFrame:
    """The table that `number_rows` wrote, with each row's number in its order: 0, 1, …."""
    starts = {int(run): start for run, start in _facts(folder, name)["starts"].items()}
    table = folder.read(name)
    if len(starts) <= 1:
        return table.withColumn(column, F.col("place")).drop("place", "run", "unclear")
    known = folder.spark.createDataFrame(pa.table({"run": list(starts), "start": list(starts.values())}))
    joined = table.join(F.broadcast(known), "run")
    return joined.withColumn(column, F.col("place") + F.col("start")).drop("place", "run", "unclear", "start")


def _join(folder: RunFolder, pairs: DataFrame, texts: DataFrame, skills: DataFrame, n_rows: int, *, parts: bool) -> int:
    """Write the requirements as pairs of numbers; how many there are."""
    if folder.finished("pairs") is None:
        text_numbers = numbered(folder, "texts", "text").withColumnRenamed("id", "text_id")
        skill_numbers = numbered(folder, "skills", "skill").select(F.col("id").alias("skill_id"), "skill")
        named = pairs.select(F.col("text").alias("text_id"), F.col("skill").alias("skill_id"))
        both = named.join(text_numbers, "text_id").join(skill_numbers, "skill_id").select("text", "skill")
        folder.write("pairs", both)
        kept = folder.read("pairs").count()
        # ids are unique, so a row is lost if and only if one of its ids is not in its table, or not in a chosen part
        if kept != n_rows:
            for column, table in (("text", texts), ("skill", skills)):
                _refuse_strangers(pairs, column, table)
            wanted = named.join(text_numbers, "text_id", "left_semi").count() if parts else n_rows
            folder.require_whole("pairs", kept, wanted)
        folder.commit("pairs", {"rows": kept})
    return int(_facts(folder, "pairs")["rows"])


def _refuse_strangers(pairs: DataFrame, column: str, table: DataFrame) -> None:
    """Raise SparkError if an id of the requirements is not in its table."""
    ids = table.select(F.col("id").cast("string").alias(column))
    unknown = pairs.join(ids, column, "left_anti").select(column).limit(1).collect()
    if unknown:
        raise SparkError(f"requirements name the {column} {unknown[0][0]!r}, which is not in {column}s.parquet")


def _lay_out(folder: RunFolder, n_texts: int, n_edges: int, block_edges: int) -> int:
    """Write the blocks; how many there are.

    Texts that follow each other make a cell, and cells that follow each other a block, as many as it holds.
    """
    if folder.finished("blocks") is None:
        celled, counts = _cells(folder.read("pairs"), n_texts, n_edges, block_edges)
        block = fill_blocks(counts["edges"].to_numpy(), block_edges)
        n_blocks = int(block[-1]) + 1 if len(block) else 0
        places = folder.spark.createDataFrame(
            pa.table({"cell": counts["cell"].combine_chunks(), "block": pa.array(block, pa.int64())})
        )
        grouped = celled.join(F.broadcast(places), "cell").select("block", "text", "skill")
        blocks = grouped.groupBy("block").applyInArrow(build_block, BLOCK_SCHEMA)
        folder.step("blocks", blocks, {"rows": n_blocks}, rows=n_blocks)
    return int(_facts(folder, "blocks")["rows"])


def _cells(pairs: DataFrame, n_texts: int, n_edges: int, block_edges: int) -> tuple[DataFrame, pa.Table]:
    """The pairs with their cells, and the number of edges of each cell in order: narrow ones where texts are long."""
    n_cells = min(max(_CELLS_IN_BLOCK * n_edges // block_edges, 1), _MOST_CELLS)
    while True:
        width = max(n_texts // n_cells, 1)
        celled = pairs.withColumn("cell", F.expr(f"text div {width}"))
        counts = celled.groupBy("cell").agg(F.count(F.lit(1)).alias("edges")).toArrow().sort_by("cell")
        largest = max(counts["edges"].to_pylist(), default=0)
        if largest <= block_edges or width == 1 or n_cells == _MOST_CELLS:
            return celled, counts
        n_cells = min(8 * n_cells, _MOST_CELLS)


def fill_blocks(edges: Int64, block_edges: int) -> Int64:
    """Block of each cell, from the numbers of their edges: a block is closed before it would hold too many.

    >>> fill_blocks(np.array([3, 3, 9, 1, 1, 1]), 6).tolist()
    [0, 0, 1, 2, 2, 2]
    """
    blocks, block, held = np.empty(len(edges), np.int64), 0, 0
    for cell, more in enumerate(edges.tolist()):
        if held and held + more > block_edges:
            block, held = block + 1, 0
        held += more
        blocks[cell] = block
    return blocks


def _list_universe(folder: RunFolder) -> int:
    """Write the skills that the texts require; how many there are."""
    if folder.finished("universe") is None:
        with wide_rows(folder.spark):
            listed = folder.read("blocks").mapInArrow(list_skills, "skill long").distinct()
            folder.write("universe", numbered(folder, "skills", "skill").join(listed, "skill", "left_semi"))
        found = folder.read("universe").count()
        if not found and _facts(folder, "pairs")["rows"]:
            folder.require_whole("universe", found, 1)
        folder.commit("universe", {"rows": found})
    return int(_facts(folder, "universe")["rows"])
