"""Keeps the linear algebra of a fit on one thread."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

__all__ = ["on_one_thread"]

P = ParamSpec("P")
R = TypeVar("R")


def on_one_thread(fit: Callable[P, R]) -> Callable[P, R]:
    """A function during which BLAS uses one thread.

    The products of a fit are many and short: several threads wait for each other longer than they compute, on a busy
    machine many times as long. The limit holds for the whole process while the function runs.
    """

    @wraps(fit)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        with _libraries().limit(limits=1, user_api="blas"):
            return fit(*args, **kwargs)

    return limited


@cache
def _libraries() -> ThreadpoolController:
    """The libraries with threads; to look for them among all that are loaded takes longer than many a fit."""
    import scipy.linalg  # noqa: F401 -- a BLAS that is loaded later would not be limited
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
