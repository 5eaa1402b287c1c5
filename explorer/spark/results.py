"""Results as folders of Parquet: there whole, or not there."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from explorer.spark.errors import SparkError, explained
from explorer.spark.run_folder import absolute_url, join_url, local_path, require_whole

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["require_new", "write_results"]

Scalar = str | int | float | bool | None


def require_new(output: str) -> None:
    """Raise SparkError if there is something at a place on this machine that results are to go to."""
    path = local_path(output)
    if path is not None and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise SparkError(f"{output} exists already: name a folder that is new or empty")


def write_results(
    spark: SparkSession, output: str, tables: Mapping[str, tuple[DataFrame, int]], facts: Mapping[str, Scalar]
) -> None:
    """Write tables as `name.parquet` in a folder, and the facts of the run as `run.parquet`, one row.

    On this machine's file systems the folder appears when it is complete. In other stores `run.parquet` is written
    last: without it, the folder is not.

    Args:
        spark: The session.
        output: The folder.
        tables: The tables, and how many rows each has.
        facts: Of the run.

    Raises:
        SparkError: The folder cannot be written, or what was written in it cannot be read.
    """
    path = local_path(absolute_url(output))
    target = output if path is None else str(path.with_name(f".{path.name}.part"))
    row = spark.createDataFrame(pa.table({name: pa.array([value], _type(value)) for name, value in facts.items()}))
    try:
        with explained(f"writing {output}"):
            for name, (table, rows) in {**tables, "run": (row.coalesce(1), 1)}.items():
                url = join_url(target, f"{name}.parquet")
                table.write.mode("overwrite").parquet(url)
                # some engines write no file for a table without rows
                require_whole(url, spark.read.schema(table.schema).parquet(url).count() if rows else 0, rows)
        if path is not None:
            _put(Path(target), path)
    finally:
        if path is not None:
            shutil.rmtree(target, ignore_errors=True)


def _type(value: Scalar) -> pa.DataType:
    for kind, found in ((bool, pa.bool_()), (int, pa.int64()), (float, pa.float64())):
        if isinstance(value, kind):
            return found
    return pa.string()


def _put(fresh: Path, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            path.rmdir()
        fresh.rename(path)
    except OSError as error:
        raise SparkError(f"cannot write {path}: {error.strerror or error}") from None
