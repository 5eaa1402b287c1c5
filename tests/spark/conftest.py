"""A real local Spark, started once; with CI set, a missing one is a failure and not a skip."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from explorer.spark.errors import SparkError
from explorer.spark.session import open_session
from tests.spark.graphs import Case, ensembles, hub, make_case, python_source

# Two cores, three tries of a task; plans this small are done before they would be compiled.
MASTER = "local[2,3]"
SETTINGS = {
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
}


@pytest.fixture(scope="session")
def session() -> Iterator[Any]:
    try:
        opened = open_session(MASTER, SETTINGS)
        spark = opened.__enter__()
    except SparkError as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI must test on a real Spark: {error}")
        pytest.skip(str(error))
    yield spark
    opened.__exit__(None, None, None)


@pytest.fixture(scope="session")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Ensembles below, near and above the threshold, a hub, a real package, idle texts and repeated rows, in one.

    Nine waves: a round merges once (more than once in tests/spark/on_sail.py), and each wave costs seconds.
    """
    folder = tmp_path_factory.mktemp("mixed") / "mixed"
    pairs = [*ensembles(0, 80), *hub(160), *python_source("json")]
    return make_case(folder, pairs, repeats=100)


@pytest.fixture(scope="session")
def shared_work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder in which the mixed graph is laid out once."""
    return tmp_path_factory.mktemp("work")
