"""A random walk over all controls of all pages: python -m tests.ui.walk [--minutes 60] [--seed 0] [STORE ...].

After each step the page must be at rest again, no error may be said, the console must be clean, and the address must
say what is seen: the page laid out anew from its address shows the same.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from playwright.sync_api import Error, Page, sync_playwright

from explorer.service import associate, learn
from explorer.store.opening import open_store
from loaders.dataset import build_dataset
from tests.ui.browser.seen import at_rest
from tests.ui.conftest import HOSTILE
from tests.ui.conftest import fill as fill_small
from tests.ui.course import fill as fill_course
from tests.ui.large import large_dataset

__all__ = ["AWKWARD_LAYERS", "AWKWARD_NAME", "STORES", "Fault", "Walk", "fill_awkward", "fill_large"]

PATHS = (
    *("/", "/graph", "/learning", "/percolation", "/layers", "/family"),
    *("/classes", "/compression", "/query", "/why", "/runs", "/load"),
)
AWKWARD = (
    HOSTILE,
    "مهارة القراءة",
    "שלום עולם (abc) 12",
    "🧗🏽‍♀️ climbing",
    "名前" * 60,
    "a, b; \"c\" 'd' \\ / ? & # % +",
    "\u202ereversed",
    "x" * 300,
)
AWKWARD_NAME, AWKWARD_LAYERS = "مهارات", ("أساس", "شريحة")
_PARTS = ("חלק", "جزء (a)")
_TYPED = ("", "0", "1", "2", "-1", "1e9", "0.5", "abc", "skill", *AWKWARD[:4])
_NUMBER = re.compile(r"-?[0-9.]*(e[0-9]+)?")
_QUERIES = (
    "MATCH (a:Skill)-[r:ASSOCIATED_WITH]->(b:Skill) RETURN a, r, b LIMIT 7",
    "MATCH (n) RETURN n.id AS id LIMIT 3",
    "RETURN x",
    "CREATE (n:Skill)",
    "MATCH (",
    "MATCH (s:Skil) RETURN s",
)
_FILES = (("rows.csv", "text,skills\na,s; t\nb,t\n"), ("none.csv", ""), ("שלום.csv", "<b>text</b>;\x00"))
_WRITES = ("Start", "Delete", "Rename", "Refresh", "Save", "Learn", "Manage", "Continue", "Link", "Estimate", "Import")

# What can be acted on, each with a number by which it is found again.
_FIND = """writes => {
  const seen = (e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true })
    && e.getBoundingClientRect().width > 2;
  const found = [];
  const add = (kind, e, name) => {
    const busy = e.disabled || e.getAttribute('aria-disabled') === 'true' || e.closest('[inert]');
    if (!seen(e) || busy || found.length > 400) return;
    e.dataset.walk = found.length;
    found.push({ kind, place: found.length, name: (name || e.innerText || '').trim().slice(0, 60) });
  };
  document.querySelectorAll('[data-walk]').forEach((e) => delete e.dataset.walk);
  const named = (e) => e.getAttribute('aria-label') || e.labels?.[0]?.innerText || e.id || e.className;
  const all = (selector, act) => [...document.querySelectorAll(selector)].forEach(act);
  all('nav a, #page a[href^="/"], #page a[href^="?"]', (e) => add('link', e));
  all('button, summary, [role=tab]', (e) => {
    const name = named(e) + ' ' + e.innerText;
    if (!writes && ARE_WRITES.some((word) => name.includes(word))) return;
    add('press', e, name);
  });
  all('input', (e) => {
    const label = e.labels?.[0];
    if (e.type === 'radio') { if (label) add('press', label, named(e) + ' ' + label.innerText); }
    else if (e.type === 'checkbox') add('press', e.closest('label') || e, named(e));
    else if (e.getAttribute('aria-haspopup') === 'listbox') add('choose', e, named(e));
    else if (e.type === 'file') add('send', e, named(e));
    else if (e.type !== 'hidden') add('type', e, named(e));
  });
  all('[role=slider]', (e) => add('slide', e, named(e)));
  all('.cm-content', (e) => add('ask', e, 'query'));
  all('.ag-cell, .ag-header-cell', (e, i) => { if (i < 40) add('press', e, 'cell ' + e.getAttribute('col-id')); });
  all('.canvas > div', (e) => { if (e._cyreg?.cy.nodes().length) add('tap', e, e.id); });
  all('.nsewdrag', (e) => add('drag', e, 'figure'));
  return found;
}""".replace("ARE_WRITES", repr(list(_WRITES)))

# What is seen, as far as an address has to say it.
_SEEN = """() => {
  const shown = (e) => e.checkVisibility({ visibilityProperty: true });
  const all = (selector) => [...document.querySelectorAll(selector)].filter(shown);
  const graphs = all('.canvas > div').filter((e) => e._cyreg).map((e) => [e.id,
    e._cyreg.cy.nodes().filter((n) => !n.hasClass('temporary')).map((n) => n.id()).sort().join(' ').slice(0, 4000)]);
  return {
    heading: document.querySelector('h1')?.innerText,
    graphs: Object.fromEntries(graphs),
    radios: all('.mantine-SegmentedControl-label[data-active]').map((e) => e.innerText).join(' | '),
    choices: all('#page input[aria-haspopup=listbox]')
      .filter((e) => !e.id.startsWith('o-') && !e.id.includes('runs-field'))
      .map((e) => e.value).join(' | '),
    panel: document.querySelector('.inspector h2')?.innerText || '',
  };
}"""


@dataclass
class Fault(Exception):
    """What was wrong after a step, and the steps that led to it."""

    what: str
    steps: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join([self.what, "after these steps:", *(f"  {step}" for step in self.steps[-14:])])


class Walk:
    """A walk on one page of a browser.

    Attributes:
        steps: What was done, in order.
    """

    def __init__(self, page: Page, address: str, seed: int, *, writes: bool = False) -> None:
        """It begins at `address`; with `writes` it also starts runs, and renames and deletes layers."""
        self.page, self.address, self.writes = page, address, writes
        self.chance = random.Random(seed)
        self.steps: list[str] = []
        self._console: list[str] = []
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: self._console.append(f"page error: {error}"))
        page.on("console", lambda said: self._console.append(said.text) if said.type == "error" else None)
        page.on("response", lambda r: self._console.append(f"{r.status} {r.url}") if r.status >= 500 else None)

    def begin(self, path: str = "/") -> None:
        """Open a page."""
        self.steps.append(f"open {path}")
        self.page.goto(self.address + path)
        self._check()

    def step(self) -> None:
        """Do something at random, and look whether all is well.

        Raises:
            Fault: It is not.
        """
        roll = self.chance.random()
        if roll < 0.07:
            self._history("back")
        elif roll < 0.10:
            self._history("forward")
        elif roll < 0.16:
            return self.begin(self.chance.choice(PATHS))
        else:
            self._act()
        self._check()
        return None

    def again(self) -> None:
        """Lay the page out anew from its address: it must show the same.

        Raises:
            Fault: It does not.
        """
        before = self.page.evaluate(_SEEN)
        self.steps.append("reload")
        self.page.reload()
        self._check()
        after: dict[str, Any] = {}
        for _ in range(60):  # a canvas that is drawn with the next frames
            after = self.page.evaluate(_SEEN)
            if after == before:
                return
            self.page.wait_for_timeout(100)
        other = {key: (before[key], after[key]) for key in before if before[key] != after[key]}
        raise Fault(f"reloading {self.page.url} shows something else: {str(other)[:1500]}", self.steps)

    def _history(self, way: str) -> None:
        self.steps.append(way)
        before = self.page.url
        self.page.evaluate(f"() => {{ window.setTimeout(() => window.history.{way}(), 0); }}")
        self.page.wait_for_timeout(100)
        self.page.wait_for_load_state()  # after a reload, Back loads the document anew
        if not self.page.url.startswith(self.address):  # out of the explorer
            self.page.goto(before)

    def _act(self) -> None:
        found = self.page.evaluate(_FIND, self.writes)
        kinds = sorted({thing["kind"] for thing in found})
        kind = self.chance.choice(kinds)
        thing = self.chance.choice([thing for thing in found if thing["kind"] == kind])
        self.steps.append(f"{kind} {thing['name']!r} at {self.page.url.removeprefix(self.address)}")
        place = self.page.locator(f'[data-walk="{thing["place"]}"]')
        try:
            getattr(self, f"_{kind}")(place)
        except Error as error:  # it went away, or something lies over it, as for anyone's hand
            if "Timeout" not in str(error) and "not attached" not in str(error):
                raise
            self.steps[-1] += " (not reached)"

    def _link(self, place: Any) -> None:
        place.click(timeout=3_000)

    def _press(self, place: Any) -> None:
        place.click(timeout=3_000)
        playing = self.page.get_by_role("button", name="Pause", exact=True)
        if playing.count() and playing.first.is_visible():
            playing.first.click(timeout=3_000)

    def _choose(self, place: Any) -> None:
        place.click(timeout=3_000)
        if self.chance.random() < 0.3:
            place.fill(self.chance.choice(_TYPED), timeout=3_000)
            at_rest(self.page)
        options = self.page.locator("[role=option]:visible")
        count = options.count()
        if count:
            options.nth(self.chance.randrange(min(count, 12))).click(timeout=3_000)
        self.page.keyboard.press("Escape")

    def _type(self, place: Any) -> None:
        text = self.chance.choice(_TYPED)
        if place.get_attribute("type", timeout=3_000) == "number" and not _NUMBER.fullmatch(text):
            text = ""  # a browser lets nobody type more than numbers there
        place.fill(text, timeout=3_000)
        place.blur()

    def _send(self, place: Any) -> None:
        name, content = self.chance.choice(_FILES)
        place.set_input_files([{"name": name, "mimeType": "text/csv", "buffer": content.encode()}], timeout=3_000)

    def _slide(self, place: Any) -> None:
        place.focus(timeout=3_000)
        for _ in range(self.chance.randrange(1, 4)):
            self.page.keyboard.press(self.chance.choice(["ArrowRight", "ArrowLeft", "PageUp", "Home", "End"]))

    def _ask(self, place: Any) -> None:
        place.click(timeout=3_000)
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.insert_text(self.chance.choice(_QUERIES))
        self.page.keyboard.press("ControlOrMeta+Enter")

    def _tap(self, place: Any) -> None:
        place.evaluate(
            """(e, roll) => {
              const cy = e._cyreg.cy, nodes = cy.nodes();
              (roll > 0.85 ? cy : nodes[Math.floor(roll / 0.85 * nodes.length) % nodes.length]).emit('tap');
            }""",
            self.chance.random(),
        )

    def _drag(self, place: Any) -> None:
        box = place.bounding_box(timeout=3_000)
        if box is None:
            return
        x, y = (box["x"] + share * box["width"] for share in (0.3, 0.7)), box["y"] + 0.5 * box["height"]
        first, last = x
        self.page.mouse.move(first, y)
        if self.chance.random() < 0.5:
            self.page.mouse.click(first, y)
            return
        self.page.mouse.down()
        self.page.mouse.move(last, y + 0.2 * box["height"], steps=3)
        self.page.mouse.up()

    def _check(self) -> None:
        try:
            at_rest(self.page)
        except Error as error:
            raise Fault(f"the page does not come to rest: {str(error)[:200]}", self.steps) from error
        said = self.page.evaluate(
            """() => [...document.querySelectorAll('.boundary, #notice')].map((e) => e.innerText)
              .filter((text) => text.includes('Something on this page failed') || text.includes('could not be made'))
              .concat([...document.querySelectorAll('#page .empty h2')].map((e) => e.innerText)
                .filter((text) => text.includes('could not be made')))"""
        )
        if said:
            raise Fault(f"an error is said: {said}", self.steps)
        marks = self.page.evaluate("() => document.body.innerText.match(/`(skillgraph|python3|docker|--)[^`]*`/g)")
        if marks:
            raise Fault(f"a command stands between backticks: {marks}", self.steps)
        if self._console:
            raise Fault(f"the console says: {self._console[:3]}", self.steps)
        path = self.page.evaluate("() => window.sgState.place()")
        shown = self.page.evaluate("() => document.querySelector('nav a[data-active]')?.getAttribute('href') || ''")
        if path in PATHS and shown.split("?")[0] != path:
            raise Fault(f"the address is {path}, the page shown is {shown}", self.steps)


def fill_large(path: Path, skills: int = 20_000) -> None:
    """One dataset with many skills, all learned."""
    store = open_store(path, mode="write")
    store.write_dataset(large_dataset(skills, groups=12))
    learn(store, "large", name="all", learner="d:3")
    store.close()


def fill_awkward(path: Path) -> set[str]:
    """A dataset of one skill, one of which nothing is learned, and one whose names are hard to show.

    Returns:
        All names of the last: of itself, its skills, classes, texts, parts and layers.
    """
    store = open_store(path, mode="write")
    all_names: set[str] = set()

    def write(name: str, skills: dict[str, str], texts: dict[str, list[str]], parts: Sequence[str] = ()) -> None:
        titles = [f"{t} {name}" for t in texts]
        classes = [name[::-1] for name in skills.values()]
        dataset = build_dataset(
            name,
            texts=pa.table(
                {
                    "id": list(texts),
                    "title": titles,
                    "class": [name] * len(titles),
                    **({"part": list(parts)} if parts else {}),
                }
            ),
            skills=pa.table({"id": list(skills), "name": list(skills.values()), "class": classes}),
            requirements=pa.table(
                {
                    "text": [t for t, needed in texts.items() for _ in needed],
                    "skill": [s for needed in texts.values() for s in needed],
                }
            ),
            part_of=pa.table({"child": list(skills)[1:], "parent": list(skills)[:1] * (len(skills) - 1)}),
        )
        store.write_dataset(dataset)
        all_names.clear()
        all_names.update((name, *skills.values(), *classes, *titles, *parts))

    write("one skill", {"only": "the only one"}, {"t": ["only"]})
    write("none learned", {"a": "a", "b": "b"}, {"t": ["a", "b"]})
    names = {f"k{i}": name for i, name in enumerate(AWKWARD)} | {"never": "أبدا", "other": "אחר, (x)"}
    ring = [f"k{i}" for i in range(len(AWKWARD))]
    texts = {f"t{i}": [skill] for i, skill in enumerate(ring)}
    texts |= {f"p{i}": [skill, ring[(i + 1) % len(ring)]] for i, skill in enumerate(ring)}
    texts |= {"last": ["k1", "never", "other"]}
    parts = [_PARTS[text in ("t0", "t1", "p6")] for text in texts]
    write(AWKWARD_NAME, names, texts, parts)
    base, tuned = AWKWARD_LAYERS
    for dataset, layer in (("one skill", "layer <b>"), ("none learned", tuned)):
        learn(store, dataset, name=layer)
        if dataset != "none learned":
            associate(store, dataset, layer)
    learn(store, AWKWARD_NAME, name=base, parts=[_PARTS[True]])
    learn(store, AWKWARD_NAME, name=tuned, parts=[_PARTS[False]], base=base, mode="continued")
    for layer in AWKWARD_LAYERS:
        associate(store, AWKWARD_NAME, layer)
    store.close()
    return all_names | set(AWKWARD_LAYERS)


STORES: dict[str, Callable[[Path], Any]] = {
    "small": fill_small,
    "outcomes": fill_course,
    "large": fill_large,
    "awkward": fill_awkward,
}
"""What the walk goes over: a demo in small, an evaluation with outcomes, many skills, and what is hard to show."""


@contextmanager
def served(path: Path) -> Iterator[str]:
    """Address of the explorer on a store."""
    from waitress.server import create_server

    from ui.app import create_app

    server = create_server(create_app(path).server, host="127.0.0.1", port=0, threads=8)
    threading.Thread(target=server.run, daemon=True).start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()


def main() -> None:
    """Walk for some time; a fault is printed with its seed, and the walk goes on elsewhere."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stores", nargs="*", default=list(STORES))
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=60, help="of each walk")
    parser.add_argument("--writes", action="store_true", help="also start runs, and rename and delete layers")
    options = parser.parse_args()
    from tests.ui.browser.conftest import FLAGS, chromium

    end, faults, steps, seed = time.monotonic() + 60 * options.minutes, 0, 0, options.seed
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        while time.monotonic() < end:
            name = options.stores[seed % len(options.stores)]
            path = Path(folder) / f"{name}.kgl"
            if options.writes or not path.exists():
                path.unlink(missing_ok=True)
                STORES[name](path)
            with served(path) as address:
                page = browser.new_page(viewport={"width": 1280, "height": 720})
                walk = Walk(page, address, seed, writes=options.writes)
                try:
                    walk.begin(walk.chance.choice(PATHS))
                    for i in range(options.steps):
                        walk.step()
                        if i % 6 == 5:
                            walk.again()
                        if time.monotonic() > end:
                            break
                except Fault as fault:
                    faults += 1
                    print(f"\nstore {name}, seed {seed}: {fault}", flush=True)
                steps += len(walk.steps)
                page.close()
            seed += 1
    print(f"{steps} steps, {faults} faults, seeds {options.seed} to {seed - 1}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
