"""Reads many Python files in one or several processes; the result does not depend on how many.

It imports little, because every process that it starts imports it again.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from loaders._python_functions import FileSummary, Source, read_files

__all__ = ["Progress", "read_all"]

Progress = Callable[[int, int], None]
F = TypeVar("F", bound=Source)
# Files a task: many enough that sending them costs little, few enough that the last task is not waited for.
_CHUNK = 16
# Below this a second process takes longer to start than it saves.
_FILES_FOR_POOL = 64
# What ends a run, where the system has it.
_ENDINGS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def read_all(files: Sequence[F], workers: int | None, progress: Progress | None) -> Iterator[tuple[F, FileSummary]]:
    """Files with their summaries, in the order given, whatever order they are finished in.

    Args:
        files: What to read.
        workers: Number of processes; None for as many as there are cores, if there are enough files.
        progress: Called with the number of files done and of all files.
    """
    chunks = [files[start : start + _CHUNK] for start in range(0, len(files), _CHUNK)]
    done = 0

    def report(chunk: Sequence[F]) -> None:
        nonlocal done
        done += len(chunk)
        if progress is not None:
            progress(done, len(files))

    processes = min(_processes(len(files), workers), len(chunks))
    results = _read_in_pool(chunks, processes, report) if processes > 1 else {}
    for position, chunk in enumerate(chunks):
        summaries = results.pop(position, None)
        if summaries is None:
            summaries = read_files(chunk)
            report(chunk)
        yield from zip(chunk, summaries, strict=True)


def _processes(files: int, workers: int | None) -> int:
    if multiprocessing.current_process().daemon:
        return 1  # it may not start others
    if workers is not None:
        return workers
    if files < _FILES_FOR_POOL:
        return 1
    # The cores that this process may use, where the system tells.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _read_in_pool(
    chunks: Sequence[Sequence[F]], processes: int, report: Callable[[Sequence[F]], None]
) -> dict[int, list[FileSummary]]:
    """Summaries by position of the chunk; a chunk is missing if its process was ended by the system."""
    results: dict[int, list[FileSummary]] = {}
    # Started afresh, not forked: a fork of a process with threads (a server, a store) can hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_prepare) as pool:
        futures: dict[Future[list[FileSummary]], int] = {}
        try:
            with _endings_held():
                futures.update((pool.submit(read_files, chunk), position) for position, chunk in enumerate(chunks))
            for future in as_completed(futures):
                results[futures[future]] = future.result()
                report(chunks[futures[future]])
        except BrokenProcessPool:
            return results
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return results


@contextmanager
def _endings_held() -> Iterator[None]:
    """Keep signals that end the run until the block is over; they are raised then.

    A process that was started, but is not yet known to its pool, would be waited for without end. Processes that are
    started in the block have the signals blocked until `_prepare` lets them through, so that none fails in its imports.
    """
    received: list[tuple[int, FrameType | None]] = []
    # Only the main thread handles signals; no other is interrupted by one.
    main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in _ENDINGS if main}
    held = {number: handler for number, handler in handlers.items() if callable(handler)}
    masks = hasattr(signal, "pthread_sigmask")
    for number in held:
        signal.signal(number, lambda number, frame: received.append((number, frame)))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS) if masks else None
    try:
        yield
    finally:
        if before is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for number, handler in held.items():
            signal.signal(number, handler)
        for number, frame in received[:1]:
            held[signal.Signals(number)](number, frame)


def _prepare() -> None:
    # Ctrl-C goes to every process of the terminal: the first one stops the others, which stay quiet.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDINGS)
    # Syntax trees have no cycles; looking for some takes a third of the time.
    gc.disable()
