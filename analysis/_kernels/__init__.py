"""Compiled kernels, private to `analysis`; importing this package does not import numba."""

from __future__ import annotations

import importlib
import sys
from typing import Literal

from analysis.errors import AnalysisError

__all__ = ["Engine", "compiled", "expect"]

Engine = Literal["auto", "numpy", "numba"]

# Importing numba and reading the cached machine code costs 0.6 seconds, once. Below these amounts of
# work (edges), numpy is done sooner; `benchmarks/engines.py` measures both.
_COLD = 2_500_000
_WARM = 5_000


def compiled(engine: Engine, work: int) -> bool:
    """True if the compiled kernel is to do `work` edges' worth of work.

    Raises:
        AnalysisError: The engine is none of the three.
    """
    if engine == "auto":
        return work >= (_WARM if "numba" in sys.modules else _COLD)
    if engine not in {"numpy", "numba"}:
        raise AnalysisError(f"engine {engine!r} is not one of 'auto', 'numpy', 'numba'")
    return engine == "numba"


def expect(work: int) -> None:
    """Load numba if so many edges' worth of work is ahead, in calls that may each be too small to ask for it."""
    if compiled("auto", work):
        importlib.import_module("numba")
