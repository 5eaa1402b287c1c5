"""Fits keep BLAS on one thread, and leave the caller's setting as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg  # noqa: F401 -- so that its BLAS is there before the limits of a test
from threadpoolctl import threadpool_info, threadpool_limits

from analysis import diagnosis, evidence, item_response
from analysis.graph import SkillTextGraph

GRAPH = SkillTextGraph.from_csr([0, 1, 2, 4], [0, 1, 0, 1], n_skills=2)
SCORES = np.random.default_rng(0).integers(0, 2, (30, 3)).astype(float)


def threads() -> set[int]:
    return {found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas"}


@pytest.mark.parametrize(
    ("owner", "inner", "fit"),
    [
        (item_response._Problem, "_penalties", item_response.fit_item_response),
        (item_response._Problem, "_traces", item_response.fit_item_response),
        (diagnosis._Fit, "_expect", diagnosis.diagnose),
        pytest.param(evidence._Run, "_expect", evidence.estimate_mastery, marks=pytest.mark.long),
    ],
)
def test_a_fit_uses_one_thread_of_blas(
    monkeypatch: pytest.MonkeyPatch, owner: Any, inner: str, fit: Callable[..., object]
) -> None:
    """Several would wait for each other: fits of thousands of texts take many times the time then."""
    seen: list[set[int]] = []
    called = getattr(owner, inner)

    def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(threads())
        return called(self, *args, **kwargs)

    monkeypatch.setattr(owner, inner, watched)
    with threadpool_limits(limits=2, user_api="blas"):
        assert threads() == {2}
        fit(GRAPH, SCORES)
        assert threads() == {2}
    assert seen
    assert set(map(frozenset, seen)) == {frozenset({1})}


_FIRST_FIT = """
import sys
from threadpoolctl import threadpool_info
from analysis import item_response
from analysis._threads import on_one_thread

@on_one_thread
def threads():
    import scipy.linalg
    return {found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas"}

assert "scipy.linalg" not in sys.modules
print(threads())
"""


def test_the_first_fit_of_a_process_limits_what_it_loads() -> None:
    """scipy comes with a BLAS of its own, which is loaded when it is first needed."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", _FIRST_FIT], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == "{1}"
