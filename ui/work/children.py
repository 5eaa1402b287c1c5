"""Work that can be stopped: it runs in a process of its own, which is ended to stop it.

A query in the embedded store, or a kernel, cannot be interrupted within this process; its process can be ended at
any moment, because every write to a store is all or nothing.
"""

from __future__ import annotations

import logging
import multiprocessing
import secrets
import signal
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any, Literal, TypeVar

from explorer.errors import USER_ERRORS, SkillgraphError
from explorer.temporary import forget_child, private_folder
from ui.memory import keep_memory_small

__all__ = ["IDLE", "Job", "Pool", "PoolBusyError", "Progress", "Report"]

T = TypeVar("T")
Report = Callable[[str, int, int], None]
State = Literal["running", "done", "failed", "cancelled"]

_log = logging.getLogger(__name__)
_KEPT = 20  # finished pieces of work whose outcome can still be asked for
IDLE = 3
"""Processes that wait for more work at most, of all pools together, for 300 s."""
_IDLE_SECONDS = 300.0
_AT_ONCE = 2  # pieces of work that somebody waits for


class PoolBusyError(SkillgraphError):
    """As much is being done as may be done at once."""


@dataclass(frozen=True)
class Progress:
    """How far a piece of work is.

    Attributes:
        stage: What is being done.
        done: Steps that are behind it.
        total: Steps in all.
    """

    stage: str
    done: int
    total: int


class _ServerGoneError(BaseException):
    """Nobody is left to tell anything to; no piece of work takes this for a failure of its own."""


class _Child:
    """A process that does one piece of work after the other."""

    def __init__(self, module: str | None) -> None:
        private_folder()  # so that the child's is inside of it
        context = multiprocessing.get_context("spawn")
        self.channel, there = context.Pipe()
        self.process = context.Process(target=_serve, args=(there, module), daemon=True, name="skillgraph-work")
        self.process.start()
        there.close()
        self._ending = threading.Lock()

    def end(self) -> None:
        with self._ending:  # a process can be waited for by one thread only
            self.process.kill()
            self.process.join()
            forget_child(self.process.pid)


def _serve(channel: Connection[Any, Any], module: str | None) -> None:
    """The child's life: until the server is gone."""
    # Ctrl-C in a terminal reaches all processes; the server ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_memory_small()
    if module is not None:
        import_module(module)

    def report(stage: str, done: int, total: int) -> None:
        try:
            channel.send(("progress", Progress(stage, done, total)))
        except OSError:
            raise _ServerGoneError from None

    while True:
        try:
            function, arguments = channel.recv()
            channel.send(_outcome(function, report, arguments))
        except (EOFError, OSError, _ServerGoneError):
            return


def _outcome(function: Callable[..., object], report: Report, arguments: tuple[object, ...]) -> tuple[str, object]:
    try:
        return "done", function(report, *arguments)
    except USER_ERRORS as error:
        return "failed", " ".join(str(error).split())
    except MemoryError:
        return "failed", "there is not enough memory for this: ask for less"
    except Exception:  # noqa: BLE001 -- whatever fails here is told to who waits for it
        _log.exception("work in a child process failed")
        return "failed", "Something went wrong; the server's log has the details."


class _Waiting:
    """Processes that wait for the work of any pool, until no pool is open any more: each takes much memory."""

    def __init__(self) -> None:
        self._children: list[tuple[_Child, threading.Timer]] = []
        self._pools: weakref.WeakSet[Pool] = weakref.WeakSet()
        self._lock = threading.Lock()

    def open(self, pool: Pool) -> None:
        with self._lock:
            self._pools.add(pool)

    def close(self, pool: Pool) -> None:
        with self._lock:
            self._pools.discard(pool)
            if self._pools:
                return
            ended, self._children = self._children, []
        for child, timer in ended:
            timer.cancel()
            child.end()

    def take(self, module: str | None) -> _Child:
        """One that waits, or a new one, which imports a module first."""
        with self._lock:
            while self._children:
                child, timer = self._children.pop()
                timer.cancel()
                if child.process.is_alive():
                    return child
        return _Child(module)

    def prepare(self, module: str | None) -> None:
        """Let one wait, if none does."""
        with self._lock:
            if not self._children:
                self._keep(_Child(module))

    def rest(self, child: _Child) -> None:
        """Keep one that has done its work, for a while, or end it."""
        with self._lock:
            if self._pools and len(self._children) < IDLE and child.process.is_alive():
                self._keep(child)
                return
        child.end()

    def _keep(self, child: _Child) -> None:
        timer = threading.Timer(_IDLE_SECONDS, self._dismiss, [child])
        timer.daemon = True
        timer.start()
        self._children.append((child, timer))

    def _dismiss(self, child: _Child) -> None:
        with self._lock:
            there = [pair for pair in self._children if pair[0] is child]
            self._children = [pair for pair in self._children if pair[0] is not child]
        if there:
            child.end()


_waiting = _Waiting()


class Job:
    """One piece of work; safe to look at from any thread."""

    def __init__(self, name: str, title: str, key: Hashable = None) -> None:
        """Made by `Pool.begin`."""
        self.name = name
        self.title = title
        self.key = key
        self._state: State = "running"
        self._progress = Progress("starting", 0, 1)
        self._outcome: Any = None
        self._started = time.monotonic()
        self._ended: float | None = None
        self._finished = threading.Event()
        self._lock = threading.Lock()

    @property
    def state(self) -> State:
        """Where it stands."""
        return self._state

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return self._progress

    @property
    def seconds(self) -> float:
        """Time since it began, or that it took."""
        return (self._ended or time.monotonic()) - self._started

    @property
    def value(self) -> Any:
        """What it gave, once it is done."""
        return self._outcome if self._state == "done" else None

    @property
    def problem(self) -> str:
        """Why it failed, in a sentence."""
        return str(self._outcome) if self._state == "failed" else ""

    def wait(self, seconds: float) -> bool:
        """True as soon as it has ended, False if it has not by then."""
        return self._finished.wait(seconds)

    def _advance(self, progress: Progress) -> None:
        self._progress = progress

    def _end(self, state: State, outcome: object = None) -> bool:
        """True for the first who says how it ended."""
        with self._lock:
            if self._state != "running":
                return False
            self._outcome, self._ended, self._state = outcome, time.monotonic(), state
        self._finished.set()
        return True


class Pool:
    """Does pieces of work at the same time, each in a process of its own."""

    def __init__(self, most: int, busy: str, *, module: str | None = None) -> None:
        """No process is started yet.

        Args:
            most: Pieces of work at the same time.
            busy: What to say when there are as many; `{title}` and `{seconds}` are of the oldest one.
            module: What a process that this pool starts imports while it waits for its first work.
        """
        _waiting.open(self)
        self._module = module
        self._most = most
        self._busy = busy
        self._work: OrderedDict[str, Job] = OrderedDict()
        self._children: dict[str, _Child] = {}
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._waited_for: set[str] = set()

    def run(self, function: Callable[..., T], *arguments: object) -> T:
        """What `function(report, *arguments)` gives in a child process, waited for; two at most run at a time.

        Such work is beside that of `begin` and does not count to its limit: who asks waits and is not refused.

        Raises:
            SkillgraphError: It failed, with what it said, or the pool was closed.
        """
        name = secrets.token_urlsafe(16)
        with self._turns:
            with self._lock:
                self._waited_for.add(name)
            try:
                work = self.begin(function, *arguments, name=name)
                work.wait(threading.TIMEOUT_MAX)
            finally:
                with self._lock:  # what it gave is its caller's alone
                    self._waited_for.discard(name)
                    self._work.pop(name, None)
        if work.state != "done":
            raise SkillgraphError(work.problem or "the explorer is being closed")
        found: T = work.value
        return found

    def begin(
        self,
        function: Callable[..., object],
        *arguments: object,
        title: str = "",
        name: str | None = None,
        key: Hashable = None,
    ) -> Job:
        """Start a piece of work: `function(report, *arguments)` in a child process.

        Args:
            function: A function of a module; it may call `report(stage, done, total)`.
            arguments: Its further arguments; they and what it returns are pickled.
            title: What it is, for those who have to wait for it.
            name: By which `find` finds it: only who knows it sees or stops the work. Random if not given. Work of a
                name that is known is not begun again: who asks twice gets the same.
            key: All that the outcome depends on. Work whose outcome is still remembered under the same key is not
                done again: it has ended at once. None for what is to be done in any case.

        Raises:
            PoolBusyError: There is as much work as may be done at once.
        """
        work = Job(name or secrets.token_urlsafe(16), title, key)
        with self._lock:
            if work.name in self._work:
                return self._work[work.name]
            for other in self._work.values():
                if key is not None and other.key == key and other.state == "done":
                    work._end("done", other.value)
                    self._remember(work)
                    return work
            running = [
                other for key, other in self._work.items() if other.state == "running" and key not in self._waited_for
            ]
            if work.name not in self._waited_for and len(running) >= self._most:
                raise PoolBusyError(self._busy.format(title=running[0].title, seconds=round(running[0].seconds)))
            child = _waiting.take(self._module)
            self._children[work.name] = child
            self._remember(work)
        threading.Thread(target=self._follow, args=(work, child, (function, arguments)), daemon=True).start()
        return work

    def _remember(self, work: Job) -> None:
        self._work[work.name] = work
        while len(self._work) > _KEPT + self._most:
            self._work.pop(next(key for key, other in self._work.items() if other.state != "running"))

    def prepare(self) -> None:
        """Start a process now, if none is waiting: the next piece of work begins sooner."""
        _waiting.prepare(self._module)

    def find(self, name: str | None) -> Job | None:
        """The work of that name, if it is still remembered."""
        with self._lock:
            return self._work.get(name or "")

    def cancel(self, name: str | None) -> None:
        """End the work of that name, if it is running: its process is gone when this returns.

        Work that is asked for later under this name is not begun.
        """
        if not name:
            return
        with self._lock:
            work = self._work.get(name)
            if work is None:
                work = Job(name, "")
                self._remember(work)
        if work._end("cancelled"):
            with self._lock:
                child = self._children.pop(work.name, None)
            if child is not None:
                child.end()

    def close(self) -> None:
        """End its work; the processes that wait for more end with the last pool."""
        for name in list(self._work):
            self.cancel(name)
        _waiting.close(self)

    def _follow(self, work: Job, child: _Child, order: tuple[Callable[..., object], tuple[object, ...]]) -> None:
        try:
            child.channel.send(order)
            while True:
                kind, content = child.channel.recv()
                if kind != "progress":
                    break
                work._advance(content)
        except (EOFError, OSError):
            text = "the process that did this ended early: perhaps there was not enough memory"
            work._end("failed", text)
            child.end()
        else:
            if work._end(kind, content):
                _waiting.rest(child)
            else:  # whoever has cancelled it ends the process too
                child.end()
        with self._lock:
            self._children.pop(work.name, None)
