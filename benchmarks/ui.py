"""The explorer in a real headless Chromium: first paint, click to new view, panning, callbacks of many users, the map.

    python -m benchmarks.ui --store skillgraph.kgl
    python -m benchmarks.ui --store skillgraph.kgl --only crowd,many

The server is a process of its own, started as `skillgraph ui` does it; the store is one that `skillgraph demo` has
filled (made first if none is given, which takes a minute). Times in the browser are measured inside the page, from the
click or the start of the navigation to the frame after the new view is there. Callbacks are the requests that the
browser itself sent, sent again by plain HTTP clients without a pause between two of them.
"""

from __future__ import annotations

import argparse
import http.client
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa

from benchmarks.harness import Report, Table, arguments, finish, markdown
from explorer.service import associate, learn
from explorer.store.opening import open_store
from loaders.dataset import build_dataset
from ui.drawing.graphs import NODE_LIMITS

WAIT = 180_000  # milliseconds
PAN_SECONDS = 4.0
WARM_FRAMES, FRAMES = 10, 60
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")

CANVAS = "document.getElementById('{}')?._cyreg?.cy"
DRAWN = f"{CANVAS.format('cy')}?.nodes().length > 0"
GROUPED = f"{CANVAS.format('cy')}?.nodes('.group').length > 1"
MAP = "document.querySelector('#g-map .js-plotly-plot')?.layout?.images?.length > 0"
TOLD = "document.querySelector('#g-inspector').innerText"
VIEWS = (
    (
        "first click on a skill: its inspector",
        "/graph",
        f"window.told = {TOLD}; {CANVAS.format('cy')}.nodes('[id ^= \"s:\"]')[3].emit('tap')",
        f"{TOLD} !== window.told",
    ),
    (
        "choose a skill: its inspector and neighbours",
        "/graph?skill=",
        f"{CANVAS.format('cy')}.nodes('[id ^= \"s:\"]')[3].emit('tap')",
        f"{CANVAS.format('cy')}.nodes('.focus').length && document.querySelector('#g-inspector h2')",
    ),
    (
        "skills to groups",
        "/graph",
        "document.querySelector('#g-view input[value=groups]').click()",
        f"{CANVAS.format('cy')}.nodes('.group').length > 1",
    ),
    (
        "open a group",
        "/graph?view=groups",
        f"{CANVAS.format('cy')}.getElementById('g:0').emit('tap')",
        f"{CANVAS.format('cy')}.nodes('[id ^= \"s:\"]').length > 1",
    ),
    (
        "graph page to percolation page",
        "/graph",
        "document.querySelector('a[href^=\"/percolation\"]').click()",
        f"{CANVAS.format('r-cy')}?.nodes('.giant').length > 1",
    ),
    (
        "graph page to layers page",
        "/graph",
        "document.querySelector('a[href^=\"/layers\"]').click()",
        f"{CANVAS.format('p-cy-a')}?.nodes().length > 1",
    ),
)
PANNED = (
    ("all skills of the foundation", "/graph?view=skills&per=12&layer=foundation"),
    ("a layer of more skills, its largest groups opened", "/graph?view=groups&open=0,1,2,3,4,5,6,7&layer=scipy-joint"),
)
PATHS = (
    *("/", "/graph", "/learning", "/percolation", "/layers", "/family"),
    *("/classes", "/compression", "/query", "/why", "/runs", "/load"),
)
MANY_PATHS = ("/", "/graph", "/learning", "/percolation", "/classes", "/query", "/why")
REST = "document.documentElement.dataset.busy === 'no' && !document.querySelector('.run-progress:not([hidden])')"
CONTENT = "document.querySelector('#page .card, #page .empty')"
CROWDS = (1_500, 3_000, 5_000, 10_000)
MOVES = (
    ("panning", "cy.panBy({ x: 7 * Math.cos(i / 20), y: 5 * Math.sin(i / 20) })"),
    ("zooming", "cy.zoom(zoom * (1.5 + Math.sin(i / 20)))"),
)
REPLAYED = (("drawing of the graph", "cy.elements"), ("inspector of a skill", "g-inspector.children"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(store: Path, log: Path = Path(os.devnull), **environment: str) -> Iterator[tuple[str, int]]:
    """`skillgraph ui` on a store as a process of its own, whose words go to a file: its address and process number."""
    port = free_port()
    start = "from explorer.cli import main; main()"
    command = [sys.executable, "-c", start, "ui", "--store", str(store), "--port", str(port), "--no-browser"]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, env={**os.environ, **environment})
    try:
        for _ in range(600):
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1.0):
                    break
            except OSError:
                if process.poll() is not None:
                    sys.exit("the server ended before it listened")
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(timeout=60)


@contextmanager
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    found = os.environ.get("SKILLGRAPH_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        sys.exit("no Chromium found: install it (Debian, Ubuntu: sudo apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


@contextmanager
def visitor(browser: Any) -> Iterator[Any]:
    """A page of a browser that has never been here."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.set_default_timeout(WAIT)
    yield page
    context.close()


def until(page: Any, ready: str, act: str = "", *, since_navigation: bool = False) -> float:
    """Milliseconds in the page until something is true, and one more frame."""
    start = "0" if since_navigation else "performance.now()"
    return float(
        page.evaluate(
            f"""async () => {{
              const start = {start}, last = performance.now() + {WAIT};
              const frame = () => new Promise(requestAnimationFrame);
              {act};
              while (!({ready})) {{ if (performance.now() > last) throw new Error("not ready"); await frame(); }}
              await frame();
              return performance.now() - start;
            }}"""
        )
    )


def processor(page: Any) -> Callable[[], float]:
    """A clock of the CPU milliseconds of the page's main thread, which other work on the machine does not stretch."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def read() -> float:
        metrics = {entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]}
        return 1000.0 * float(metrics["TaskDuration"])

    return read


def first_paint(browser: Any, address: str, ready: str) -> tuple[float, float, float]:
    """Milliseconds from the start of the navigation to the first content and to the drawn graph; CPU milliseconds."""
    with visitor(browser) as page:
        clock = processor(page)
        page.goto(address, wait_until="commit")
        drawn = until(page, ready, since_navigation=True)
        content = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
        return float(page.evaluate(content)), drawn, clock()


def click(browser: Any, address: str, act: str, ready: str, process: int) -> tuple[float, float, float]:
    """Milliseconds from a click to the new view, once all before it has settled; CPU of the page and of the server."""
    with visitor(browser) as page:
        page.goto(address)
        until(page, DRAWN)
        page.wait_for_load_state("networkidle")
        clock = processor(page)
        before, served_before = clock(), spent(process)
        taken = until(page, ready, act)
        return taken, clock() - before, spent(process) - served_before


def pan(browser: Any, address: str) -> tuple[int, int, float, float, float]:
    """Nodes, edges, frames a second while panning, 95th percentile of a frame and its CPU time in milliseconds."""
    with visitor(browser) as page:
        page.goto(address)
        until(page, DRAWN)
        page.wait_for_load_state("networkidle")
        clock = processor(page)
        before = clock()
        nodes, edges, times = page.evaluate(
            f"""async () => {{
              const cy = {CANVAS.format("cy")}, times = [];
              let last = performance.now();
              const end = last + {1000 * PAN_SECONDS};
              for (let i = 0; last < end; i += 1) {{
                cy.panBy({{ x: 7 * Math.cos(i / 20), y: 5 * Math.sin(i / 20) }});
                await new Promise(requestAnimationFrame);
                const now = performance.now();
                times.push(now - last);
                last = now;
              }}
              return [cy.nodes().length, cy.edges().length, times];
            }}"""
        )
        busy = (clock() - before) / len(times)
    frames = sorted(times)
    return nodes, edges, 1000.0 * len(frames) / sum(frames), frames[int(0.95 * (len(frames) - 1))], busy


def settled(page: Any) -> None:
    """Wait until all callbacks have been answered, and those that follow on them."""
    for _ in range(2):
        page.wait_for_timeout(1_500)
        until(page, REST)


def reloaded(page: Any, process: int) -> tuple[float, float, float]:
    """Milliseconds until a page that was loaded twice has its content again; CPU of the page and of the server.

    Chromium keeps the code that it made of a script when it loads it for the second time.
    """
    clock = processor(page)
    before, served_before = clock(), spent(process)
    page.reload(wait_until="commit")
    shown = until(page, CONTENT, since_navigation=True)
    return shown, clock() - before, spent(process) - served_before


def fetched(browser: Any, address: str, process: int) -> tuple[int, int, int, int, float, float, float]:
    """Requests and bytes over the wire of a first load, the same of a reload, and what there is until its content.

    That is milliseconds, CPU milliseconds of the page, and those of the server.

    The heartbeat, by which a page asks every three seconds whether the store has changed, is not counted: how many
    there are depends on the speed of the machine alone.
    """
    with visitor(browser) as page:
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        counts, beats = [0, 0], set[str]()

        def ended(event: Any) -> None:
            counts[1] += 0 if event["requestId"] in beats else int(event["encodedDataLength"])

        def sent(event: Any) -> None:
            if '["heartbeat.n_intervals"]' in event["request"].get("postData", ""):
                beats.add(event["requestId"])
            else:
                counts[0] += event["request"]["url"].startswith("http")

        session.on("Network.loadingFinished", ended)
        session.on("Network.requestWillBeSent", sent)
        page.goto(address)
        until(page, CONTENT)
        settled(page)
        requests, size = counts
        counts[:] = [0, 0]
        page.reload(wait_until="commit")
        until(page, CONTENT)
        settled(page)
        again, size_again = counts
        return requests, size, again, size_again, *reloaded(page, process)


def crowd(browser: Any, address: str, nodes: int, act: str) -> tuple[float, float]:
    """CPU milliseconds of the page's thread for a frame, and frames a second, while many nodes are panned or zoomed.

    The picture of the demo is filled up to that number, with two edges for each node, so that the drawing alone is
    measured. CPU time is that of the thread that draws: other work on the machine lowers the frames a second, and not
    the CPU time.
    """
    with visitor(browser) as page:
        page.goto(f"{address}/graph?view=skills&layer=foundation")
        until(page, DRAWN)
        page.wait_for_load_state("networkidle")
        clock = processor(page)
        page.evaluate(
            f"""async () => {{
              const cy = {CANVAS.format("cy")}, there = cy.nodes().length, more = [], box = cy.elements().boundingBox();
              let seed = 1;
              const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
              for (let i = there; i < {nodes}; i += 1) {{
                const position = {{ x: box.x1 + random() * box.w, y: box.y1 + random() * box.h }};
                more.push({{ group: "nodes", data: {{ ...cy.nodes()[i % there].data(), id: "n" + i }}, position }});
              }}
              cy.add(more);
              const ids = cy.nodes().map((n) => n.id()), edges = [];
              const style = cy.edges()[0].data();
              for (let i = cy.edges().length; i < 2 * {nodes}; i += 1) {{
                const [source, target] = [ids[i % ids.length], ids[Math.floor(random() * ids.length)]];
                edges.push({{ group: "edges", data: {{ ...style, id: "e" + i, source, target }} }});
              }}
              cy.add(edges);
              cy.fit();
              const zoom = cy.zoom();
              window.moveFrames = async (frames) => {{
                const start = performance.now();
                for (let i = 0; i < frames; i += 1) {{
                  {act};
                  await new Promise(requestAnimationFrame);
                }}
                return performance.now() - start;
              }};
              await window.moveFrames({WARM_FRAMES});
            }}"""
        )
        before = clock()
        taken = float(page.evaluate(f"() => window.moveFrames({FRAMES})"))
        return (clock() - before) / FRAMES, 1000.0 * FRAMES / taken


def spent(process: int) -> float:
    """CPU milliseconds that a process has used, in steps of the system's clock; of Linux."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return 1000.0 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def of_family(process: int) -> tuple[float, float]:
    """CPU seconds of a process and of its children, and the sum of their peaks of memory in GB; of Linux."""
    fields, peaks = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields[int(folder.name)] = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            peaks[int(folder.name)] = (folder / "status").read_text(encoding="utf-8").partition("VmHWM:")[2].split()
        except OSError:  # it has ended
            continue
    family = {process}
    while more := {child for child, values in fields.items() if int(values[1]) in family} - family:
        family |= more
    there = [member for member in family if peaks.get(member)]
    ticks = sum(int(value) for member in there for value in fields[member][11:15])
    return ticks / os.sysconf("SC_CLK_TCK"), sum(int(peaks[member][0]) for member in there) / 2**20


def resident(process: int) -> float:
    """Megabytes of memory that a process holds now; of Linux."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024.0


def captured(browser: Any, address: str) -> dict[str, tuple[str, bytes]]:
    """Path and body of the callback requests that the graph page sends, the last of each."""
    bodies: dict[str, tuple[str, bytes]] = {}

    def keep(request: Any) -> None:
        if "/_dash-update-component" in request.url and request.post_data:
            for name, output in REPLAYED:
                if output in request.post_data_json.get("output", ""):
                    bodies[name] = request.url.removeprefix(address), request.post_data.encode()

    with visitor(browser) as page:
        page.on("request", keep)
        page.goto(f"{address}/graph")
        until(page, DRAWN)
        page.wait_for_load_state("networkidle")
        until(page, VIEWS[0][3], VIEWS[0][2])
        page.wait_for_load_state("networkidle")
    return bodies


def replay(address: str, path: str, body: bytes, users: int, requests: int) -> tuple[list[float], float]:
    """Milliseconds of every request, and requests a second of all users together."""
    split = urlsplit(address)
    found: list[list[float]] = [[] for _ in range(users)]
    failures: list[str] = []
    together = threading.Barrier(users)

    def user(times: list[float]) -> None:
        connection = http.client.HTTPConnection(str(split.hostname), split.port, timeout=WAIT / 1000)
        together.wait()
        for _ in range(requests):
            start = time.perf_counter()
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            times.append(1000.0 * (time.perf_counter() - start))
            if answer.status != 200:
                failures.append(f"{answer.status}")
        connection.close()

    threads = [threading.Thread(target=user, args=(times,)) for times in found]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        sys.exit(f"{len(failures)} of {users * requests} callbacks failed: {failures[0]}")
    return [value for times in found for value in times], users * requests / (time.perf_counter() - start)


def demo_store(folder: Path) -> Path:
    path = folder / "demo.kgl"
    start = "from explorer.cli import main; main()"
    subprocess.run([sys.executable, "-c", start, "demo", "--no-ui", "--store", str(path)], check=True)
    return path


def large_store(folder: Path, skills: int, seed: int = 0) -> tuple[Path, int]:
    """A layer of so many learned skills in groups of all sizes, and its number of associations."""
    rng = np.random.default_rng(seed)
    groups = 1.0 / np.arange(1, 301)
    start = np.concatenate(([0], np.cumsum(np.round(groups / groups.sum() * skills)))).clip(0, skills).astype(np.int64)
    own = np.searchsorted(start[1:-1], np.arange(skills), side="right")
    size = np.maximum(start[own + 1] - start[own], 1)
    others = [
        np.where(
            rng.random(skills) < 0.9,
            start[own] + (rng.random(skills) ** 2 * size).astype(np.int64),
            rng.integers(0, skills, skills),
        ).clip(0, skills - 1)
        for _ in range(2)
    ]
    ids = np.array([f"s{i:06d}" for i in range(skills)], dtype=object)
    single, triple = (np.array([f"{kind}{i:06d}" for i in range(skills)], dtype=object) for kind in "ab")
    dataset = build_dataset(
        "large",
        texts=pa.table({"id": np.concatenate((single, triple))}),
        skills=pa.table({"id": ids, "class": np.array([f"class {i % 5}" for i in range(skills)])}),
        requirements=pa.table(
            {
                "text": np.concatenate((single, triple, triple, triple)),
                "skill": ids[np.concatenate((np.arange(skills), np.arange(skills), *others))],
            }
        ),
    )
    path = folder / f"large-{skills}.kgl"
    store = open_store(path, mode="write")
    store.write_dataset(dataset)
    learn(store, "large", name="all")
    found = associate(store, "large", "all")
    store.close()
    return path, found.associations


def add(report: Report, title: str, columns: list[str], rows: list[list[str]]) -> None:
    """A table of the report, shown on the error stream as soon as it is there."""
    report.tables.append(Table(title, columns, rows))
    print(markdown(report.tables[-1]), file=sys.stderr, flush=True)


def spread(values: Sequence[float], unit: str = "s", scale: float = 1000.0) -> str:
    """Median, and least to largest where there are several."""
    middle = f"{statistics.median(values) / scale:.2f} {unit}"
    return middle if len(values) < 2 else f"{middle} ({min(values) / scale:.2f}–{max(values) / scale:.2f})"


def _frames(found: tuple[float, float]) -> tuple[str, str]:
    return f"{found[0]:.1f} ms", f"{found[1]:.1f}"


def of_wire(report: Report, browser: Any, address: str, process: int, _: argparse.Namespace) -> None:
    """What every page fetches, after how long its content is there, and what the server holds then."""
    idle = resident(process)
    wire = [(path, *fetched(browser, address + path, process)) for path in PATHS]
    add(
        report,
        "What the browser fetches of the demo",
        [
            *("page", "first load", "requests", "reload", "requests", "content of the next reload"),
            *("CPU of the page until then", "of the server"),
        ],
        [
            [
                *(path, f"{b / 1e6:.2f} MB", f"{n}", f"{again / 1e3:.0f} KB", f"{m}", f"{shown / 1000:.2f} s"),
                *(f"{busy / 1000:.2f} s" for busy in (page, server)),
            ]
            for path, n, b, m, again, shown, page, server in wire
        ],
    )
    add(
        report,
        "Memory of the server",
        ["", "MB"],
        [["after the start", f"{idle:.0f}"], ["after a visit to every page", f"{resident(process):.0f}"]],
    )


def of_graph(report: Report, browser: Any, address: str, process: int, options: argparse.Namespace) -> None:
    """First paint of the graph page, clicks, and panning."""
    first = first_paint(browser, f"{address}/graph", DRAWN)
    rows = [["first paint, first visitor after the start", *(spread([value]) for value in first)]]
    visits = [first_paint(browser, f"{address}/graph", DRAWN) for _ in range(options.repeats)]
    rows.append(["first paint, further visitors", *(spread(list(column)) for column in zip(*visits, strict=True))])
    add(report, "Graph page of the demo", ["", "first content", "graph drawn", "CPU of the page"], rows)
    clicks = []
    for name, path, act, ready in VIEWS:
        found = [click(browser, address + path, act, ready, process) for _ in range(options.repeats)]
        clicks.append([name, *(spread(list(column)) for column in zip(*found, strict=True))])
    heads = ["", "median (least–most)", "CPU of the page", "CPU of the server"]
    add(report, "Click to new view", heads, clicks)
    panned = [(name, *pan(browser, address + path)) for name, path in PANNED]
    add(
        report,
        "Panning at the limit of detail",
        ["", "nodes", "edges", "frames/s", "95 % of frames within", "CPU a frame"],
        [
            [name, f"{n:,}", f"{m:,}", f"{fps:.1f}", f"{slow:.0f} ms", f"{busy:.0f} ms"]
            for name, n, m, fps, slow, busy in panned
        ],
    )


def of_crowd(report: Report, browser: Any, address: str, _: int, __: argparse.Namespace) -> None:
    """Pictures of thousands of nodes that are moved."""
    rows = [
        [f"{nodes:,}", *(text for _, act in MOVES for text in _frames(crowd(browser, address, nodes, act)))]
        for nodes in CROWDS
    ]
    heads = [f"{name}: {what}" for name, _ in MOVES for what in ("CPU a frame", "frames/s")]
    add(report, "Moving a picture of many nodes, two edges for each", ["nodes", *heads], rows)


def of_callbacks(report: Report, browser: Any, address: str, _: int, options: argparse.Namespace) -> None:
    """The browser's requests, sent again by many users."""
    rows = []
    for name, (path, body) in captured(browser, address).items():
        for users in (1, options.users):
            times, rate = replay(address, path, body, users, options.requests)
            p50, p95 = np.percentile(times, [50, 95])
            rows.append([name, str(users), f"{p50:.0f} ms", f"{p95:.0f} ms", f"{rate:.0f}"])
    add(report, "Callbacks", ["", "users", "p50", "p95", "requests/s"], rows)


def of_many(report: Report, browser: Any, folder: Path, options: argparse.Namespace) -> None:
    """Pages of a layer of many skills, which the server has made for another visitor before."""
    large, associations = large_store(folder, options.skills)
    rows, drawn = [], []
    with served(large) as (address, process):

        def visit(path: str) -> tuple[float, ...]:
            with visitor(browser) as page:
                page.goto(address + path, wait_until="commit")
                shown = until(page, CONTENT, since_navigation=True)
                settled(page)
                page.reload(wait_until="commit")
                until(page, CONTENT)
                settled(page)
                again = reloaded(page, process)
                painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
                return shown, float(painted), *again

        for path in MANY_PATHS:
            visit(path)
            found = [visit(path) for _ in range(options.repeats)]
            rows.append([path, *(spread(list(column)) for column in zip(*found, strict=True))])
        for most in NODE_LIMITS:
            picture = f"{address}/graph?view=skills&most={most}"
            first_paint(browser, picture, DRAWN)
            found = [first_paint(browser, picture, DRAWN)[1:] for _ in range(options.repeats)]
            nodes, edges, rate, slow, busy = pan(browser, picture)
            drawn.append(
                [
                    *(f"{most:,}", f"{nodes:,}", f"{edges:,}"),
                    *(spread(list(column)) for column in zip(*found, strict=True)),
                    *(f"{rate:.1f}", f"{slow:.0f} ms", f"{busy:.0f} ms"),
                ]
            )
    title = f"Pages of {options.skills:,} skills and {associations:,} associations, further visitors"
    heads = ["content, nothing cached", "next reload: first paint", "content", "CPU of the page", "CPU of the server"]
    add(report, title, ["page", *heads], rows)
    add(
        report,
        f"As many of {options.skills:,} skills as a person lets be drawn, further visitors; then panned",
        [
            *("at most", "nodes", "edges", "graph drawn", "CPU of the page until then"),
            *("frames/s", "95 % of frames within", "CPU a frame"),
        ],
        drawn,
    )


def of_map(report: Report, browser: Any, folder: Path, options: argparse.Namespace) -> None:
    """The map of a layer of very many skills."""
    large, associations = large_store(folder, options.nodes)
    with served(large) as (address, _):
        visits = [first_paint(browser, f"{address}/graph?view=map", MAP) for _ in range(2)]
    size = f"map of {options.nodes:,} skills, {associations:,} associations"
    shown = [[f"{size}, {who}", spread([v[1]])] for who, v in zip(("first visitor", "second"), visits, strict=True)]
    add(report, "The map", ["", "picture there"], shown)


ON_DEMO = {"wire": of_wire, "graph": of_graph, "crowd": of_crowd, "callbacks": of_callbacks}
ON_LARGE = {"many": of_many, "map": of_map}


def main() -> None:
    parts = [*ON_DEMO, *ON_LARGE]
    options = arguments(
        str(__doc__).splitlines()[0],
        store=("", "a store that the demo has filled; made if none is given"),
        users=(10, "users at the same time"),
        requests=(15, "requests of each user"),
        repeats=(3, "visits and clicks of each kind"),
        skills=(20_000, "skills of the layer whose pages are opened"),
        nodes=(100_000, "skills of the map"),
        only=(",".join(parts), "parts that are measured, with commas between them"),
    )
    wanted = options.only.split(",")
    unknown = [part for part in wanted if part not in parts]
    if unknown:
        sys.exit(f"there is no part {unknown[0]!r}: choose from {', '.join(parts)}")
    report = Report("The explorer in the browser")
    load = [os.getloadavg()[0]]
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        if any(part in ON_DEMO for part in wanted):
            store = Path(options.store) if options.store else demo_store(Path(folder))
            for part in filter(wanted.__contains__, ON_DEMO):
                with served(store) as (address, process):
                    ON_DEMO[part](report, browser, address, process, options)
                load.append(os.getloadavg()[0])
        for part in filter(wanted.__contains__, ON_LARGE):
            ON_LARGE[part](report, browser, Path(folder), options)
            load.append(os.getloadavg()[0])
    report.tables[-1].note = (
        f"{os.cpu_count()} cores; load average before and after each part: {', '.join(f'{x:.1f}' for x in load)}. "
        "Headless Chromium without a GPU, 1280 × 720."
    )
    finish(report, options)


if __name__ == "__main__":
    main()
