"""A Spark session: local, on a cluster, or a Spark Connect server."""

from __future__ import annotations

import os
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import ServerError
from explorer.extras import how_to_add
from explorer.server.java import find_java
from explorer.spark.errors import SparkError, explained
from explorer.temporary import temporary_folder

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["LOCAL", "LOG_VARIABLE", "open_session", "require_pyspark", "wide_rows"]

LOCAL = "local[*,4]"
"""All cores of this machine; a failing task is tried four times, as on a cluster."""

LOG_VARIABLE = "SKILLGRAPH_SPARK_LOG"
"""Environment variable with the file that takes what the Java side of Spark prints."""

_VECTOR = "--add-modules=jdk.incubator.vector"
_PROBE_SECONDS = 5.0
_COMMON = {
    "spark.driver.maxResultSize": "0",  # newly learned skills come to the driver
    "spark.ui.showConsoleProgress": "false",
}
_WIDE = {
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1",
    "spark.sql.parquet.columnarReaderBatchSize": "1",
}


@contextmanager
def open_session(master: str = LOCAL, settings: Mapping[str, str] | None = None) -> Iterator[SparkSession]:
    """A session that ends with the block.

    A local one listens on 127.0.0.1 only and has no web page; what the Java side prints goes to the file named by
    `SKILLGRAPH_SPARK_LOG`, else nowhere.

    Args:
        master: `local[*]` and the like, `spark://host:7077`, `yarn`, `k8s://…`, or `sc://host:15002` for a Spark
            Connect server.
        settings: Spark's own settings, which go before those made here.

    Raises:
        SparkError: PySpark or a Java is missing, or the master does not answer.
    """
    require_pyspark()
    from pyspark.sql import SparkSession

    _require_reachable(master)
    with ExitStack() as stack:
        if master.startswith("sc://"):
            with explained(f"connecting to {master}", "check the address and that a Spark Connect server runs there"):
                spark = SparkSession.builder.remote(master).getOrCreate()
                for name, value in (settings or {}).items():
                    spark.conf.set(name, value)
        else:
            spark = _classic(stack, master, dict(settings or {}))
        try:
            yield spark
        finally:
            with suppress(Exception):  # a session whose server is gone cannot be closed, and need not be
                spark.stop()


def require_pyspark() -> None:
    """Raise SparkError if PySpark, or what its Arrow functions want, is not installed."""
    try:
        from pyspark.sql.pandas.utils import require_minimum_pandas_version, require_minimum_pyarrow_version

        require_minimum_pandas_version()
        require_minimum_pyarrow_version()
    except ImportError as error:
        raise SparkError(f"{_first_line(error)}: {how_to_add('spark')}") from None


def _classic(stack: ExitStack, master: str, settings: dict[str, str]) -> SparkSession:
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    environment = {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    # only spark-submit reads these settings; a session that is built in Python reads the environment
    names = {"spark.pyspark.python": "PYSPARK_PYTHON", "spark.pyspark.driver.python": "PYSPARK_DRIVER_PYTHON"}
    asked = {variable: settings[name] for name, variable in names.items() if name in settings}
    chosen = dict(_COMMON)
    folder = str(stack.enter_context(temporary_folder("spark")))
    if master.startswith("local"):
        environment["SPARK_LOCAL_IP"] = "127.0.0.1"
        chosen |= _local_settings(folder)
    if not os.environ.get("JAVA_HOME"):
        environment["JAVA_HOME"] = str(_java_home(Path(folder)))
    stack.enter_context(_environment(environment, asked))
    builder = SparkSession.builder.master(master).appName("skillgraph")
    for name, value in (chosen | settings).items():
        builder = builder.config(name, value)
    with explained(f"starting on {master}", "check --master, --conf and the Java"), _quiet_java():
        try:
            return builder.getOrCreate()
        except PySparkException as error:
            if "JAVA_GATEWAY_EXITED" in str(error):
                java = os.environ.get("JAVA_HOME", "")
                raise SparkError(
                    f"the Java of {java} cannot run Spark: set JAVA_HOME to a JDK 17 or 21 ({LOG_VARIABLE}=file "
                    "records its output)"
                ) from None
            raise


def _local_settings(folder: str) -> dict[str, str]:
    cores = os.cpu_count() or 1
    return {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.driver.memory": f"{_quarter_of_memory()}m",
        "spark.sql.shuffle.partitions": str(max(4, 2 * cores)),
        "spark.sql.warehouse.dir": Path(folder, "warehouse").as_uri(),
    }


def _quarter_of_memory() -> int:
    """MiB for the Java side: a quarter of this machine's memory, 1 to 8 GiB."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (AttributeError, ValueError, OSError):  # not on this system
        total = 4096
    return min(max(total // 4, 1024), 8192)


def _java_home(folder: Path) -> Path:
    """A JAVA_HOME for the Java that the server extra or the path brings.

    Spark starts Java with a module that trimmed runtimes do not have and that only its machine-learning library
    uses; for those, a launcher in `folder` leaves it out.
    """
    try:
        java = find_java().path
    except ServerError as error:
        raise SparkError(f"Spark needs a Java: {error}") from None
    listed = subprocess.run([str(java), "--list-modules"], capture_output=True, text=True, check=False)  # noqa: S603 -- the Java just found
    if "jdk.incubator.vector" in listed.stdout:
        return java.resolve().parent.parent
    if os.name == "nt":
        raise SparkError(f"the Java at {java} lacks a module that Spark names: set JAVA_HOME to a whole JDK 17 or 21")
    launcher = folder / "java" / "bin" / "java"
    launcher.parent.mkdir(parents=True)
    launcher.write_text(
        "#!/bin/sh\n"
        "for word do\n"
        "  shift\n"
        f'  case $word in {_VECTOR}) ;; *) set -- "$@" "$word" ;; esac\n'
        "done\n"
        f"exec '{java}' \"$@\"\n"
    )
    launcher.chmod(launcher.stat().st_mode | stat.S_IXUSR)
    return launcher.parent.parent


@contextmanager
def _environment(values: Mapping[str, str], asked: Mapping[str, str]) -> Iterator[None]:
    """The process environment with values where none are set, and with others in any case."""
    added = {name: value for name, value in values.items() if name not in os.environ} | dict(asked)
    before = {name: os.environ[name] for name in added if name in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
        os.environ.update(before)


@contextmanager
def _quiet_java() -> Iterator[None]:
    """Standard error of a Java that is started here goes to a file, or nowhere."""
    sys.stderr.flush()
    kept = os.dup(2)
    target = os.open(os.environ.get(LOG_VARIABLE) or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.dup2(target, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(target)


def _require_reachable(master: str) -> None:
    """Raise SparkError if nothing listens where `spark://` or `sc://` points: Spark itself would try for a minute."""
    found = re.match(r"(spark|sc)://([^/;]+)", master)
    if found is None:
        if not re.fullmatch(r"local(\[[^\]]+\])?|yarn|k8s://.+|local-cluster\[.+\]", master):
            raise SparkError(
                f"master {master!r} is not one of local[*], spark://host:7077, sc://host:15002, yarn, k8s://…"
            )
        return
    default = 7077 if found[1] == "spark" else 15002
    reasons = []
    for address in found[2].split(","):
        host, _, port = address.rpartition(":") if re.search(r":\d+$", address) else (address, "", str(default))
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_PROBE_SECONDS).close()
        except OSError as error:
            reasons.append(f"{host}:{port}: {error.strerror or error}")
        else:
            return
    raise SparkError(f"no Spark answers at {master} ({'; '.join(reasons)}): check the address, or leave out --master")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


@contextmanager
def wide_rows(spark: SparkSession) -> Iterator[None]:
    """Actions inside read and hand over one row at a time: rows that hold a block of the graph are megabytes each."""
    before = {}
    for name, value in _WIDE.items():
        with suppress(Exception):  # an engine without the setting has no need of it
            before[name] = spark.conf.get(name)
            spark.conf.set(name, value)
    try:
        yield
    finally:
        for name, old in before.items():
            if old is not None:
                with suppress(Exception):  # the session may have ended
                    spark.conf.set(name, old)
