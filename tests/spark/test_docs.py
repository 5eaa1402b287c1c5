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


@pytest.mark.parametrize("module", ["blocks", "learning", "run_folder"])
def test_examples_of_the_docstrings(module: str) -> None:
    found = doctest.testmod(importlib.import_module(f"explorer.spark.{module}"))
    assert found.failed == 0 < found.attempted
