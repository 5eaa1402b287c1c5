"""The folder of a run: what is finished stays finished, whatever happens to the process."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.spark.errors import SparkError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["RunFolder", "absolute_url", "alone", "join_url", "local_path", "require_whole"]

Scalar = str | int | float | bool | None


def local_path(url: str) -> Path | None:
    """The path of a folder on this machine's file system; None for another store.

    >>> local_path("file:///data/run"), local_path("s3a://bucket/run")
    (PosixPath('/data/run'), None)
    """
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", url) is None:
        return Path(url)
    return Path(re.sub(r"^file:(//)?", "", url)) if url.startswith("file:") else None


def absolute_url(url: str) -> str:
    """The folder's whole path, which means the same to an engine that runs elsewhere on this machine."""
    path = local_path(url)
    return url if path is None else str(path.resolve())


def join_url(url: str, *names: str) -> str:
    """A file or folder below another, in whatever store that is.

    >>> join_url("s3a://bucket/run/", "graph")
    's3a://bucket/run/graph'
    """
    return "/".join((url.rstrip("/"), *names))


def require_whole(url: str, found: int, wanted: int) -> None:
    """Raise SparkError unless as many rows of a table were read back as were to be written."""
    if found != wanted:
        raise SparkError(
            f"{url} has {found:,} rows instead of {wanted:,}: the input, work folder and output must be on a file "
            "system shared by the driver, all workers and the Connect server"
        )


@contextmanager
def alone(url: str) -> Iterator[None]:
    """Keep other runs out of a folder on this machine's file systems; a run that dies leaves it free.

    Other stores have no locks.

    Raises:
        SparkError: Another run is in the folder, or it cannot be made.
    """
    path = local_path(url)
    if path is None:
        yield
        return
    from filelock import FileLock, Timeout

    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path / ".lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise SparkError(f"{path} is used by another run: wait for it, or name another --work folder") from None
    except OSError as error:
        raise SparkError(f"cannot write {path}: {error.strerror or error}") from None
    try:
        yield
    finally:
        lock.release()


class RunFolder:
    """Tables of a run, each written whole before a manifest says so; a later run with the same parameters goes on.

    A step is its table as Parquet and then its manifest, a small file that appears at once: by renaming on this
    machine's file systems, and as a committed Parquet table of one row elsewhere. A table without a manifest was cut
    off, and is written again. Reading a table back is also what cuts the lineage, on every engine.

    Args:
        spark: The session.
        url: The folder.
        parameters: What the results depend on; the folder refuses a run with others.

    Raises:
        SparkError: The folder holds a run with other parameters.
    """

    def __init__(self, spark: SparkSession, url: str, parameters: Mapping[str, Scalar]) -> None:
        self.spark = spark
        self.url = url
        self._schemas: dict[str, Any] = {}
        found = self.finished("run")
        if found is None:
            self.commit("run", parameters)
            return
        for name in sorted({*found, *parameters}):
            if found.get(name) != parameters.get(name):
                raise SparkError(
                    f"{url} holds a run whose {name.replace('_', ' ')} is {found.get(name)!r}, not "
                    f"{parameters.get(name)!r}: name another --work folder, or remove that one"
                )

    def path(self, name: str) -> str:
        """Where a step's table is."""
        return join_url(self.url, name)

    def finished(self, name: str) -> dict[str, Any] | None:
        """Facts of a finished step; None if it is not."""
        manifest = self._manifest(name)
        if manifest is None:
            return None
        if manifest["schema"] is not None:
            self._schemas[name] = manifest["schema"]
        facts: dict[str, Any] = manifest["facts"]
        return facts

    def _manifest(self, name: str) -> dict[str, Any] | None:
        path = local_path(self.path(f"{name}.json"))
        if path is not None:
            return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        from pyspark.errors import AnalysisException

        try:
            rows = self.spark.read.schema("manifest string").parquet(self.path(f"{name}.manifest")).collect()
        except AnalysisException:  # no such path
            return None
        return json.loads(rows[0][0]) if rows and rows[0][0] is not None else None

    def commit(self, name: str, facts: Mapping[str, Any]) -> None:
        """Say that a step is finished; all of it is on disk."""
        text = json.dumps({"facts": dict(facts), "schema": self._schemas.get(name)}, sort_keys=True)
        path = local_path(self.path(f"{name}.json"))
        if path is None:
            rows = self.spark.createDataFrame([(text,)], "manifest string").coalesce(1)
            rows.write.mode("overwrite").parquet(self.path(f"{name}.manifest"))
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f".{path.name}.{os.getpid()}")
            with fresh.open("w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            fresh.replace(path)
        except OSError as error:
            raise SparkError(f"cannot write {path}: {error.strerror or error}") from None

    def write(self, name: str, table: DataFrame) -> None:
        """Write a step's table, in the place of what a run that was cut off left there."""
        self._schemas[name] = table.schema.jsonValue()
        writer = table.write.mode("overwrite")
        # rows may be megabytes: look at the size of what is held after each of them
        for option in ("parquet.page.size.row.check.min", "parquet.block.size.row.check.min"):
            writer = writer.option(option, "1")
        writer.parquet(self.path(name))

    def step(
        self,
        name: str,
        table: DataFrame,
        facts: Mapping[str, Any] | None = None,
        *,
        rows: int | None = None,
        where: str = "true",
    ) -> DataFrame:
        """A finished step's table; written and committed first if it is not finished.

        Args:
            name: Of the step.
            table: Its table.
            facts: What the manifest is to hold.
            rows: Number of rows that must be there when the table is read back, if it is known.
            where: Which rows are counted.

        Raises:
            SparkError: There are not as many rows.
        """
        if self.finished(name) is None:
            self.write(name, table)
            if rows is not None:
                self.require_whole(name, self.read(name).where(where).count(), rows)
            self.commit(name, facts or {})
        return self.read(name)

    def require_whole(self, name: str, found: int, wanted: int) -> None:
        """Raise SparkError unless as many rows of a step were read back as were to be written."""
        require_whole(self.path(name), found, wanted)

    def read(self, *names: str) -> DataFrame:
        """The tables of steps that are written, as one; they have the same columns."""
        from pyspark.sql.types import StructType

        # with its schema, because some engines write no file for a table without rows
        schema = StructType.fromJson(self._schemas[names[0]])
        return self.spark.read.schema(schema).parquet(*map(self.path, names))
