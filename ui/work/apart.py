"""Computations apart from the server: in a child process, which loads the large libraries that they need.

Compiled kernels (Numba) and communities (NetworKit) take 150 MB of a process for as long as it lives. The server has
neither of them: what a callback or a page computes with them runs in a child, and it waits for the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

from explorer.store.place import Place
from explorer.store.protocol import Store
from ui.work import tasks
from ui.work.children import Pool, Report

__all__ = ["apart", "apart_on_store", "elsewhere"]

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True)
class _Elsewhere:
    pool: Pool
    place: Place


_now: ContextVar[_Elsewhere | None] = ContextVar("_now", default=None)


@contextmanager
def elsewhere(pool: Pool, place: Place) -> Iterator[None]:
    """Within it, computations of this thread run in a child process of a pool; outside of it, in this process."""
    token = _now.set(_Elsewhere(pool, place))
    try:
        yield
    finally:
        _now.reset(token)


def apart(function: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """What a function of a module gives for these arguments, which are pickled, as is what it gives.

    Raises:
        SkillgraphError: It failed in the child, with what it said.
    """
    there = _now.get()
    if there is None:
        return function(*arguments, **options)
    return there.pool.run(_call, function, arguments, options)


def apart_on_store(
    store: Store, function: Callable[Concatenate[Store, P], T], *arguments: P.args, **options: P.kwargs
) -> T:
    """The same for a function of the store, which the child opens itself.

    >>> apart_on_store("a store", lambda store, layer: (store, layer), "foundation")
    ('a store', 'foundation')
    """
    there = _now.get()
    if there is None:
        return function(store, *arguments, **options)
    return there.pool.run(_call_on_store, there.place, function, arguments, options)


def _call(_: Report, function: Callable[..., T], arguments: tuple[object, ...], options: Mapping[str, object]) -> T:
    return function(*arguments, **options)


def _call_on_store(
    _: Report, place: Place, function: Callable[..., T], arguments: tuple[object, ...], options: Mapping[str, object]
) -> T:
    return function(tasks.reader(place), *arguments, **options)
