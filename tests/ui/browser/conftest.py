"""A real Chromium on a served explorer; any outside request or error in the console fails the test."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Frame, Page, ViewportSize, expect
from waitress.server import create_server

from explorer.store.opening import open_store
from tests.ui.browser.seen import HERE, moved
from tests.ui.conftest import small_dataset
from tests.ui.course import fill as fill_course
from ui.app import create_app

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
INSTALL = "no Chromium found: install it (Debian, Ubuntu: sudo apt-get install chromium)"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


_VIEWPORT: ViewportSize = {"width": 1280, "height": 720}


def chromium() -> str | None:
    """The browser that is installed."""
    return os.environ.get("SKILLGRAPH_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    found = chromium()
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(INSTALL)
        pytest.skip(INSTALL)
    return {**browser_type_launch_args, "executable_path": found, "args": list(FLAGS)}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "viewport": _VIEWPORT, "color_scheme": "light"}


_PATIENCE = 120_000  # milliseconds; only a failure waits so long
expect.set_options(timeout=_PATIENCE)

Serve = Callable[..., str]


@pytest.fixture(scope="session")
def serve() -> Iterator[Serve]:
    """Serves a store on a free port of this machine and says where."""
    servers: list[Any] = []

    def start(path: Path, **options: Any) -> str:
        server = create_server(create_app(path, **options).server, host="127.0.0.1", port=0, threads=8)
        threading.Thread(target=server.run, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.effective_port}"

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def small(serve: Serve, store_path: Path) -> str:
    """Address of the explorer on the small store."""
    return serve(store_path)


@pytest.fixture(scope="session")
def own_store(store_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store like the small one that tests write to: layers of their own names, and saved views."""
    return Path(shutil.copy(store_path, tmp_path_factory.mktemp("own") / "own.kgl"))


@pytest.fixture(scope="session")
def own(serve: Serve, own_store: Path) -> str:
    """Address of the explorer on the store that tests write to."""
    return serve(own_store)


@pytest.fixture(scope="session")
def course(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of the explorer on a course with outcomes of two models."""
    path = tmp_path_factory.mktemp("course") / "course.kgl"
    fill_course(path)
    return serve(path)


@pytest.fixture(scope="session")
def nothing(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of the explorer on an empty store."""
    path = tmp_path_factory.mktemp("empty") / "empty.kgl"
    store = open_store(path, mode="write")
    store.write_dataset(small_dataset())
    store.delete_dataset("small")
    store.close()
    return serve(path)


_FORGET = "() => { localStorage.clear(); sessionStorage.clear() }"
_LEFT = "/none"
_MOMENTS = 10_000  # milliseconds; then the tab begins anew


def _answers(origin: str) -> bool:
    host, port = origin.removeprefix("http://").split(":")
    with socket.socket() as connection:
        return connection.connect_ex((host, int(port))) == 0


@pytest.fixture(scope="session")
def tab(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[Page]:
    """The page that the tests share: each page of its own would compile all scripts of the explorer again."""
    context = browser.new_context(**browser_context_args)
    yield context.new_page()
    context.close()


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[Page]:
    """The shared page as if nobody had used it, or a new one for a test that is marked `own_page`.

    `opened` of `seen` goes on from the explorer that the test before has left there, if it is the same one.
    """
    if request.node.get_closest_marker("own_page"):
        context = browser.new_context(**browser_context_args)
        yield context.new_page()
        context.close()
        return
    tab: Page = request.getfixturevalue("tab")
    visited: set[str] = set()

    def note(frame: Frame) -> None:
        if frame == tab.main_frame and frame.url.startswith("http"):
            visited.add("/".join(frame.url.split("/")[:3]))

    tab.on("framenavigated", note)
    yield tab
    tab.remove_listener("framenavigated", note)
    for other in tab.context.pages:
        if other != tab:
            other.close()
    tab.unroute_all(behavior="ignoreErrors")
    tab.context.set_offline(False)
    tab.context.clear_cookies()
    tab.mouse.move(0, 0)
    tab.set_viewport_size(_VIEWPORT)
    there = [origin for origin in visited if _answers(origin)]
    if len(visited) == len(there) == 1 and _as_it_came(tab):
        return
    # What a browser keeps is kept for each server; nobody visits one again that a test has ended. A visit that fails
    # would go on to the browser's own page of errors by itself, and interrupt the next visit.
    for origin in there:
        tab.goto(f"{origin}/assets/base.css")
        tab.evaluate(_FORGET)
    # A page of a server stays in the process that has compiled the scripts; about:blank would begin a new one.
    if not tab.url.endswith("/assets/base.css"):
        tab.goto("about:blank")


def _as_it_came(tab: Page) -> bool:
    """Leave the page of the explorer for an empty one, in light and without what the browser keeps; whether it did."""
    try:
        if not tab.evaluate(HERE) or tab.locator("#notice > *, #banner > *").count():
            return False
        tab.keyboard.press("Escape")  # what is open in the frame closes
        if tab.evaluate("() => document.documentElement.dataset.scheme !== 'light'"):
            tab.get_by_role("button", name="Light or dark").click(timeout=_MOMENTS)
        if not tab.url.endswith(_LEFT):
            moved(tab, _LEFT, timeout=_MOMENTS)
        tab.evaluate(_FORGET)
        return tab.evaluate("() => document.documentElement.dataset.scheme === 'light'")
    except Error:
        return False


@pytest.fixture(autouse=True)
def watched(page: Any) -> Iterator[list[str]]:
    """What went wrong in the browser; it must be nothing. A test that expects trouble empties it."""
    page.set_default_timeout(_PATIENCE)
    bad: list[str] = []

    def check(request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            bad.append(f"outside request: {request.url}")

    def refuse(dialog: Any) -> None:
        bad.append(f"a script ran: {dialog.message}")
        dialog.dismiss()

    listeners: dict[str, Callable[[Any], None]] = {
        "request": check,
        "dialog": refuse,
        "pageerror": lambda error: bad.append(f"page error: {error}"),
        "console": lambda message: bad.append(f"console: {message.text}") if message.type == "error" else None,
        "response": lambda answer: bad.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None,
    }
    for event, listener in listeners.items():
        page.on(event, listener)
    yield bad
    for event, listener in listeners.items():
        page.remove_listener(event, listener)
    assert not bad, "\n".join(bad)
