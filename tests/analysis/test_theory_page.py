"""The examples and tables of docs/theory.md print what it says."""

from __future__ import annotations

import doctest
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from analysis.ensembles import Ensemble
from analysis.percolation import predict

PAGE = Path(__file__).parents[2] / "docs" / "theory.md"

SUCCESS: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # P_suc(ρ), section 1 of the page
    "R*, 1-skill": lambda rho: np.exp(-rho),
    "R*, d:2": lambda rho: np.exp(-rho) * (1 + rho),
    "R*, capacity:0.6": lambda rho: np.exp(-0.4 * rho),
}


def table(first: str) -> list[dict[str, str]]:
    """The rows of the table whose head begins so."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(first))
    head, *rows = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for n, line in enumerate(lines[start:])
        if n != 1 and line.startswith("|") and all(above.startswith("|") for above in lines[start : start + n])
    )
    return [dict(zip(head, row, strict=True)) for row in rows]


def turning_point(c: float, success: Callable[[np.ndarray], np.ndarray]) -> tuple[float, float] | None:
    """Where R(q) = -ln q / (c P_suc(c q)) first turns back as q falls from 1: R* and q*; None if it never does."""
    low, high = 1e-12, 1.0
    found = None
    for _ in range(8):  # ever finer grids around the maximum
        q = np.linspace(high, low, 20_001)
        ratio = -np.log(q) / (c * success(c * q))
        turns = np.flatnonzero(np.diff(ratio) < 0)
        if not len(turns):
            return found
        at = int(turns[0])
        found = float(ratio[at]), float(q[at])
        high, low = q[max(at - 2, 0)], q[min(at + 2, len(q) - 1)]
        if high - low < 1e-9:
            break
    return found


def test_examples_of_the_page() -> None:
    result = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert result.attempted > 10
    assert result.failed == 0


def test_thresholds_of_the_page_are_turning_points() -> None:
    rows = table("| c | R*, 1-skill")
    assert [row["c"] for row in rows] == ["2", "3", "4", "5", "10"]
    for row in rows:
        for column, success in SUCCESS.items():
            found = turning_point(float(row["c"]), success)
            if row[column] == "gradual":
                assert found is None, (row["c"], column)
            else:
                assert found is not None
                half_a_digit = 0.51 * 10.0 ** -len(row[column].partition(".")[2])
                assert found[0] == pytest.approx(float(row[column]), abs=half_a_digit), (row["c"], column)
        if row["q*"]:
            jump = turning_point(float(row["c"]), SUCCESS["R*, 1-skill"])
            assert jump is not None
            assert jump[1] == pytest.approx(float(row["q*"]), abs=2e-7)  # q is flat at a maximum


def test_percolation_of_the_page_is_predicted_and_was_measured() -> None:
    rows = table("| c | R | learned | giant, any")
    assert len(rows) > 5
    for row in rows:
        found = predict(Ensemble.poisson(float(row["c"]), float(row["R"])))
        theory = (found.learned, found.giant_any, found.giant_understood, found.giant_site)
        columns = ("learned", "giant, any", "giant, understood", "giant, site percolation")
        for column, value in zip(columns, theory, strict=True):
            predicted, measured = map(float, row[column].split("/"))
            assert value == pytest.approx(predicted, abs=6e-5), (row["c"], row["R"], column)
            # graphs of finite size: five standard errors would be less; near a threshold they stray further
            assert abs(predicted - measured) < 0.01
        assert found.condition == pytest.approx(float(row["(1-q)c²R"]), rel=6e-3)
        assert math.isclose(found.condition, found.learned * float(row["c"]) ** 2 * float(row["R"]))
