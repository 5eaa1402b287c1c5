"""Many clients on mixed pages for a long time: python -m tests.hardening.crowd [--minutes 30] [--clients 20].

A browser visits every page once, in less than a minute every second one, and what it sent is sent again by plain HTTP
clients without a pause, in three rounds: visits, slow queries that run out of time or are cancelled, runs, and clients
that go away before the answer. Ten runs begin each round at once. Between rounds everything ends, and the server's
memory, children and open files are read.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import socket
import sys
import tempfile
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from benchmarks.ui import served
from ui.work.children import IDLE

__all__ = ["Crowd"]

PAGES = ("/", "/graph", "/learning", "/percolation", "/layers", "/classes", "/compression", "/query", "/why", "/family")
ROUNDS = 3
RUNS_AT_ONCE = 10
WAIT = 120.0  # seconds; an answer that takes longer is an error
FILES_OF_A_CHILD = 3  # its channel, and what says that it has ended
CALLBACK = "/_dash-update-component"
SLOW = "MATCH (a:Skill)--(b)--(c)--(d) RETURN count(*) AS n"
_FAULTS = ("could not be made", "Traceback (most recent call last)")


@dataclass(frozen=True)
class Usage:
    """What a server holds: bytes that it shares with nobody, its children, its open files."""

    memory: int
    children: int
    files: int


@dataclass
class Crowd:
    """Clients of one server, and what they saw.

    Attributes:
        address: The server's, `http://127.0.0.1:PORT`.
        process: Its process number.
        clients: How many there are at the same time.
        seed: Of what they choose.
        times: Seconds since the start, and seconds until the answer, for each kind of request.
        faults: What went wrong, as sentences.
        usage: Of the server after each round.
    """

    address: str
    process: int
    clients: int = 20
    seed: int = 0
    times: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    faults: list[str] = field(default_factory=list)
    usage: list[Usage] = field(default_factory=list)

    def run(self, visits: dict[str, list[bytes]], query: bytes, run: bytes, seconds: float) -> None:
        """Three rounds that take `seconds` together; `query` and `run` are what a browser sent to begin one."""
        began = time.monotonic()
        for turn in range(ROUNDS):
            end = began + seconds * (turn + 1) / ROUNDS
            together = threading.Barrier(self.clients)
            threads = [
                threading.Thread(target=self._client, args=(turn, n, visits, query, run, began, end, together))
                for n in range(self.clients)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.usage.append(settled(self.process))

    def slowest(self, kind: str, since: float = 0.0, share: float = 0.99) -> float:
        """A quantile of the seconds until an answer, of the requests sent after so many seconds."""
        return float(np.quantile([taken for at, taken in self.times[kind] if at >= since] or [np.nan], share))

    def _client(
        self,
        turn: int,
        number: int,
        visits: dict[str, list[bytes]],
        query: bytes,
        run: bytes,
        began: float,
        end: float,
        together: threading.Barrier,
    ) -> None:
        rng = random.Random(f"{self.seed} {turn} {number}")
        client = _Client(self, began)
        try:
            together.wait()
            if number < RUNS_AT_ONCE:
                client.follow("run", run, rng.random() < 0.2)
            while time.monotonic() < end:
                chance = rng.random()
                if chance < 0.05:
                    client.follow("slow query", query, rng.random() < 0.5)
                elif chance < 0.10:
                    client.follow("run", run, rng.random() < 0.2)
                elif chance < 0.20:
                    client.leave(rng.choice(rng.choice(list(visits.values()))))
                else:
                    page = rng.choice(list(visits))
                    client.ask("page", "GET", page)
                    for body in visits[page]:
                        client.ask("callback", "POST", CALLBACK, body)
        except OSError as error:
            self.faults.append(f"client {number}: {type(error).__name__}: {error}")
        finally:
            client.close()


class _Client:
    """One connection, kept open as a browser keeps it."""

    def __init__(self, crowd: Crowd, began: float) -> None:
        self._crowd, self._began = crowd, began
        self._host, self._port = crowd.address.removeprefix("http://").split(":")
        self._connection = http.client.HTTPConnection(self._host, int(self._port), timeout=WAIT)

    def ask(self, kind: str, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        start = time.monotonic()
        self._connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = self._connection.getresponse()
        text = answer.read().decode()
        self._crowd.times[kind].append((start - self._began, time.monotonic() - start))
        if answer.status not in {200, 204} or any(fault in text for fault in _FAULTS):
            self._crowd.faults.append(f"{method} {path} gave {answer.status}: {text[:300]}")
        return json.loads(text) if answer.status == 200 and body else {}

    def follow(self, kind: str, body: bytes, cancel: bool) -> None:
        """Begin a query or a run, and ask until it has ended; or cancel it after the first answer."""
        sent = _named(json.loads(body), str(uuid.uuid4()))
        state = _state(self.ask(kind, "POST", CALLBACK, json.dumps(sent).encode()))
        prefix = sent["changedPropIds"][0].split("-")[0]
        while state.get("running"):
            time.sleep(0.1)
            sent["changedPropIds"] = [f"{prefix}-cancel.n_clicks" if cancel else f"{prefix}-pulse.data"]
            state = _state(self.ask(f"{kind}, asked again", "POST", CALLBACK, json.dumps(sent).encode()))

    def leave(self, body: bytes) -> None:
        """Ask and go away before the answer."""
        with socket.create_connection((self._host, int(self._port)), timeout=WAIT) as connection:
            head = (
                f"POST {CALLBACK} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            connection.sendall(head.encode() + body)

    def close(self) -> None:
        self._connection.close()


def _named(sent: dict[str, Any], name: str) -> dict[str, Any]:
    """A query or run under a name of its own: the browser's name would find the browser's."""
    for entry in [*sent["inputs"], *sent.get("state", [])]:
        if entry["id"].endswith(("-ask", "-start")) and entry.get("value"):
            entry["value"] = {**entry["value"], "id": name, **({"before": None} if "before" in entry["value"] else {})}
        elif entry["id"].endswith("-ticket") and entry["property"] == "data":
            entry["value"] = name
    return sent


def _state(answer: dict[str, Any]) -> dict[str, Any]:
    found = [part["data"] for name, part in answer.get("response", {}).items() if name.endswith("-state")]
    return found[0] if found and isinstance(found[0], dict) else {}


def usage(process: int) -> Usage:
    """What a process and its descendants hold now, from /proc."""
    parents: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "stat").read_text()
            except OSError:
                continue
            parents[int(status[status.rindex(")") + 2 :].split()[1])].append(int(entry.name))
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    own = sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Private_"))
    return Usage(own * 1024, len(parents[process]), sum(1 for _ in Path(f"/proc/{process}/fd").iterdir()))


def settled(process: int, patience: float = 60.0) -> Usage:
    """What a process holds once three readings in a row agree in children and open files."""
    seen: list[Usage] = []
    end = time.monotonic() + patience
    while time.monotonic() < end:
        seen.append(usage(process))
        if len({(one.children, one.files) for one in seen[-3:]}) == 1 and len(seen) >= 3:
            break
        time.sleep(1.0)
    return seen[-1]


def kept_waiting() -> int:
    """Children that the server keeps for more work at most, and the one that tracks what they share."""
    return IDLE + 1


def recorded(address: str, pages: Sequence[str] = PAGES) -> tuple[dict[str, list[bytes]], bytes, bytes]:
    """What a browser sends: the callbacks of each page, the begin of a slow query, the begin of a run."""
    from playwright.sync_api import sync_playwright

    from tests.ui.browser.conftest import FLAGS, chromium
    from tests.ui.browser.seen import at_rest

    sent: list[bytes] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        page = browser.new_page()
        page.set_default_timeout(WAIT * 1000)
        page.on("request", lambda request: sent.append(request.post_data.encode()) if CALLBACK in request.url else None)
        visits = {}
        for path in pages:
            sent.clear()
            page.goto(address + path)
            at_rest(page)
            visits[path] = [body for body in sent if b"-start.data" not in body]
        sent.clear()
        page.goto(f"{address}/query?q={quote(SLOW)}&timeout=2")
        at_rest(page)
        query = next(body for body in sent if b'"q-ask.data"' in body)
        sent.clear()
        page.goto(f"{address}/runs?run=percolate")
        page.locator("#runs-go").click()
        at_rest(page)
        run = next(body for body in sent if b"-start.data" in body)
        browser.close()
    return visits, query, run


def main() -> None:
    """Print what the clients saw; exit with 1 if anything went wrong or was left."""
    options = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    options.add_argument("--minutes", type=float, default=30.0)
    options.add_argument("--clients", type=int, default=20)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument(
        "--store", type=Path, help="a store that is read and percolated; a small one is made if not given"
    )
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store, log = given.store, Path(folder) / "server.log"
        if store is None:
            from tests.ui.conftest import fill

            store = Path(folder) / "small.kgl"
            fill(store)
        with served(store, log) as (address, process):
            crowd = Crowd(address, process, given.clients, given.seed)
            pages = PAGES if given.minutes >= 1.0 else PAGES[::2]
            print(f"{len(pages)} of {len(PAGES)} pages: {', '.join(pages)}", flush=True)
            crowd.run(*recorded(address, pages), seconds=60.0 * given.minutes)
        said = log.read_text(errors="replace")
    if "Traceback" in said:
        crowd.faults.append(f"the server's log has a traceback:\n{said[said.index('Traceback') :][:2000]}")
    for kind in crowd.times:
        at = [crowd.slowest(kind, 60.0 if given.minutes > 2.0 else 0.0, share) for share in (0.5, 0.99, 1.0)]
        print(f"{kind:24} {len(crowd.times[kind]):8,} answers, half within {at[0]:.3f} s, 99 % within {at[1]:.3f} s, "
              f"the slowest {at[2]:.3f} s")  # fmt: skip
    for turn, held in enumerate(crowd.usage, 1):
        print(f"after round {turn}: {held.memory / 1e6:.0f} MB, {held.children} children, {held.files} open files")
    first, last = crowd.usage[0], crowd.usage[-1]
    # Children are started when they are first wanted together, which may be in any round; as many as pools may keep
    # waiting are no leftovers, nor are the files by which the server reaches them.
    early = crowd.usage[: (len(crowd.usage) + 1) // 2]
    children, files = (max(getattr(held, what) for held in early) for what in ("children", "files"))
    allowed = max(children, kept_waiting())
    if last.children > allowed or last.files > files + FILES_OF_A_CHILD * max(last.children - children, 0):
        crowd.faults.append("children or open files are left over")
    if given.minutes >= 3.0 and last.memory > 1.05 * first.memory:
        crowd.faults.append("memory grew by more than 5 % after the first round")
    for fault in crowd.faults[:20]:
        print(f"fault: {fault}")
    print(f"{sum(map(len, crowd.times.values())):,} answers to {given.clients} clients, {len(crowd.faults)} faults")
    sys.exit(1 if crowd.faults else 0)


if __name__ == "__main__":
    main()
