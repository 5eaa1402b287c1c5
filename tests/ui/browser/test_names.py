"""Names that are hard to show, on every page: in a sentence each stands isolated and turns nothing around it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page

from tests.ui.browser.seen import at_rest, opened
from tests.ui.walk import AWKWARD_LAYERS, AWKWARD_NAME, fill_awkward

pytestmark = pytest.mark.browser

_BASE, _TUNED = AWKWARD_LAYERS
_HERE = {"dataset": AWKWARD_NAME, "layer": _TUNED}
_SHORT = ("/why",)  # the first view of each; the others are `long`
_VIEWS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/", {}),
    ("/graph", {"skill": "k1"}),
    ("/graph", {"skill": "k6", "to": "k1"}),
    ("/graph", {"view": "groups"}),
    ("/graph", {"view": "near", "skill": "k1"}),
    ("/graph", {"view": "texts", "skill": "k1"}),
    ("/graph", {"as": "table"}),
    ("/learning", {}),
    ("/percolation", {}),
    ("/layers", {"first": _BASE, "second": _TUNED, "skill": "k1", "view": "two"}),
    ("/layers", {"first": _BASE, "second": "no such layer"}),
    ("/family", {}),
    ("/classes", {"rel": "boxes"}),
    ("/classes", {"skill": "k1"}),
    ("/compression", {"text": "p1", "receiver": _BASE}),
    ("/query", {"q": "MATCH (s:Skill {id: 'k1'}) RETURN s.name AS name, s"}),
    ("/why", {"skill": "k1"}),
    ("/why", {"skill": "never"}),
    ("/runs", {"run": "rename"}),
)

_CASES = [
    pytest.param(
        *view,
        marks=() if view[0] in _SHORT and view[0] not in [place for place, _ in _VIEWS[:i]] else pytest.mark.long,
    )
    for i, view in enumerate(_VIEWS)
]

# Texts, tooltips and what is read aloud, as far as a letter in them is written from right to left: what is left of
# each without what is isolated, and whether it is the whole text of an element that is isolated itself.
_FOUND = r"""() => {
  const turning = /[\u0590-\u08ff\u202a-\u202e\u2066\u2067]/;
  const bare = (text) => {
    let depth = 0, kept = "";
    for (const letter of text) {
      if ("\u2066\u2067\u2068".includes(letter)) depth += 1;
      else if (letter === "\u2069") depth = Math.max(depth - 1, 0);
      else if (!depth) kept += letter;
    }
    return kept;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    if (parent.closest("script, style, .cm-content, pre, code, [hidden]") || !turning.test(bare(node.data))) continue;
    const style = getComputedStyle(parent);
    const block = !["inline", "contents"].includes(style.display) || parent instanceof SVGElement;
    const alone = parent.childNodes.length === 1 && (block || /isolate|plaintext/.test(style.unicodeBidi));
    found.push({ where: parent.outerHTML.slice(0, 200), text: node.data, alone });
  }
  for (const name of ["title", "aria-label", "placeholder", "aria-description"]) {
    for (const e of document.querySelectorAll(`[${name}]`)) {
      const text = e.getAttribute(name);
      if (turning.test(bare(text))) found.push({ where: `${name} of ${e.outerHTML.slice(0, 120)}`, text, alone: true });
    }
  }
  return found;
}"""


@pytest.fixture(scope="module")
def awkward(serve: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, set[str]]:
    """Address of the explorer, and all names of the store that are written from right to left."""
    path = tmp_path_factory.mktemp("awkward") / "awkward.kgl"
    names = fill_awkward(path)
    return serve(path), names


@pytest.mark.parametrize(("place", "query"), _CASES, ids=[f"{p} {json.dumps(q)[:40]}" for p, q in _VIEWS])
def test_a_name_in_a_sentence_turns_nothing_around_it(
    page: Page, awkward: tuple[str, set[str]], place: str, query: dict[str, str]
) -> None:
    address, names = awkward
    opened(page, f"{address}{place}?{urlencode({**_HERE, **query})}")
    # What the page shows of the store may come from a process of its own, after the page is at rest.
    page.wait_for_function("name => document.documentElement.outerHTML.includes(name)", arg=AWKWARD_NAME)
    at_rest(page)
    bad = [
        f"{part['text']!r} in {part['where']}"
        for part in page.evaluate(_FOUND)
        if not (part["alone"] and part["text"].strip() in names)
    ]
    assert not bad, "\n".join(bad)
