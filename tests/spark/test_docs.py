"""The page's numbers of rounds are those of density evolution, and the docstrings' examples hold."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import numpy as np
import pytest

from analysis.density_evolution import evolve
from analysis.ensembles import Ensemble
from analysis.learners import OneSkillLearner
from analysis.threshold import emergence_threshold
from explorer.store.opening import open_store
from loaders.dataset import rename_dataset
from tests.spark.graphs import ensembles, make_case

PAGE = Path(__file__).parents[2] / "docs" / "spark.md"
ROW = re.compile(r"^\| (\d+) \| ([\d.]+) \| ([\d.]+) % \| (\d+) \|$", re.MULTILINE)
EDGES = 1e10


@pytest.mark.parametrize("row", ROW.findall(PAGE.read_text()), ids=lambda row: f"c={row[0]},R={row[1]}R*")
def test_rounds_of_the_page(row: tuple[str, str, str, str]) -> None:
    c, above = float(row[0]), float(row[1])
    ratio = above * float(emergence_threshold(c, OneSkillLearner()).ratio or 0)
    course = evolve(Ensemble.poisson(c, ratio), OneSkillLearner(), max_iterations=10_000, tolerance=1e-13)
    skills = EDGES / (c * ratio)
    rounds = int(np.argmax((course.trajectory - course.unlearned) * skills < 1))
    assert (f"{100 * course.learned:.1f}", rounds) == (row[2], int(row[3]))


def test_the_page_has_the_table() -> None:
    assert len(ROW.findall(PAGE.read_text())) >= 8


def test_queries_for_the_connector_make_the_tables(tmp_path: Path) -> None:
    queries = dict(re.findall(r'^    "(\w+)": "(MATCH .*)",$', PAGE.read_text(), re.MULTILINE))
    assert list(queries) == ["texts", "skills", "requirements"]
    dataset = rename_dataset(make_case(tmp_path / "case", ensembles(3, 10)).dataset, "mine")
    store = open_store(tmp_path / "store.kgl", mode="write")
    store.write_dataset(dataset)
    store.write_dataset(rename_dataset(make_case(tmp_path / "other", ensembles(4, 10)).dataset, "another"))
    for name, query in queries.items():
        found = store.query(query, max_rows=10_000)
        table = dataset.tables()[name].select(found.columns)
        assert sorted(found.rows) == sorted(zip(*table.to_pydict().values(), strict=True)), name
    store.close()


@pytest.mark.parametrize("module", ["blocks", "learning", "run_folder"])
def test_examples_of_the_docstrings(module: str) -> None:
    found = doctest.testmod(importlib.import_module(f"explorer.spark.{module}"))
    assert found.failed == 0 < found.attempted
