"""What the graph page shows, as its address says it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from explorer.wording import quoted
from ui.drawing.arrangements import ARRANGEMENTS
from ui.drawing.filters import Filters
from ui.drawing.graphs import NODE_LIMIT, NODE_LIMITS, LayerGraph
from ui.drawing.histograms import last_place
from ui.drawing.map_picture import Box
from ui.drawing.naming import USUAL, name_keys
from ui.pages.graph.lacking import is_lacking
from ui.state import Control, Group, bounded, integers, strings

__all__ = ["CONTROLS", "GROUPS", "PER", "VIEWS", "GraphState", "not_learned", "read_state", "usual_view", "write_list"]

VIEWS: Mapping[str, str] = {
    "skills": "Skills",
    "groups": "Groups",
    "neighbours": "Neighbours",
    "texts": "Texts",
    "map": "Map",
}
"""Keys of the views, as in URLs, and their names for people."""

GROUPS: Mapping[str, str] = {"community": "communities", "class": "classes", "component": "components"}
"""What the discs of the groups view represent."""

PER = (1, 3, 6, 12)
"""Choices for the number of associations drawn for each skill."""

CONTROLS = Group(
    "graph",
    (
        Control("view", "g-view"),
        Control("by", "g-by", default="community"),
        Control("layout", "g-layout", default="islands"),
        Control("per", "g-per", default="3"),
        Control("most", "g-most", default=str(NODE_LIMIT)),
        Control("weight", "g-weight", codec="whole", default=1, slides=True),
        Control("waves", "g-waves", codec="range", slides=True),
        Control("uses", "g-uses", codec="range", slides=True),
        Control("mastery", "g-mastery", codec="range", default=[0, 100], slides=True),
        Control("classes", "g-classes", codec="list", default=[]),
        Control("add", "g-added", "data", "list", default=[]),
        Control("around", "g-around", "data"),
        Control("open", "g-open", "data", "numbers", default=[]),
        Control("texts", "g-texts", codec="list", default=[]),
        Control("box", "g-box", "data", slides=True),
        Control("colour", "g-colour", default="class"),
        Control("names", "g-names", default="name"),
        Control("hide", "g-hidden", "data", "numbers", default=[]),
        Control("skill", "g-skill", "data"),
        Control("to", "g-goal", "data"),
        Control("as", "g-table", "data", "flag", default=False, word="table"),
    ),
)
"""Its defaults depend on each other: `graph.js` has the rule."""

_RANGE = Control("", "", codec="range")
_FORMER = {"communities": "groups"}


@dataclass(frozen=True)
class GraphState:
    """A view of the graph page.

    Attributes:
        view: One of `VIEWS`.
        by: One of `GROUPS`.
        arrangement: One of `ARRANGEMENTS`.
        per: How many associations of each skill are drawn.
        most: One of `NODE_LIMITS`: how many skills are drawn at most.
        colour: One of `ui.drawing.colourings.TITLES`.
        names: The property that skills are called by.
        skill: Id of the chosen skill, learned or not.
        goal: Id of the other end of a path from it.
        around: Id of the skill whose neighbours or texts are shown, learned or not.
        opened: Numbers of opened groups.
        texts: Ids of picked texts.
        filters: What is left out.
        hidden: Places of the legend that are hidden.
        table: True for the table in the picture's place.
    """

    view: str
    by: str
    arrangement: str
    per: int
    most: int
    colour: str
    names: str
    skill: str | None
    goal: str | None
    around: str | None
    opened: tuple[int, ...]
    texts: tuple[str, ...]
    filters: Filters
    hidden: tuple[int, ...]
    table: bool


def usual_view(graph: LayerGraph) -> str:
    """Skills, or groups if there are more than a browser pans smoothly."""
    return "skills" if graph.n <= NODE_LIMIT else "groups"


def read_state(query: Mapping[str, str], graph: LayerGraph) -> GraphState:
    """The view that an address asks for; what it names that is not there is passed over."""
    wanted, box = query.get("view", ""), _box(query.get("box", ""))
    view = _one_of(_FORMER.get(wanted, wanted), VIEWS, usual_view(graph) if box is None else "skills")
    by = _one_of(query.get("by", ""), GROUPS, "community")
    usual = "map" if box is not None else "islands"

    def skill(key: str, *, every: bool = True) -> str | None:
        found = query.get(key)
        return found if found in graph.node_of or (every and is_lacking(graph, found)) else None

    return GraphState(
        view=view,
        by=by,
        arrangement=_one_of(query.get("layout", ""), ARRANGEMENTS, usual),
        per=_number(query.get("per", ""), PER, 3),
        most=_number(query.get("most", ""), NODE_LIMITS, NODE_LIMIT),
        colour=query.get("colour") or (by if view == "groups" else "class"),
        names=query["names"] if query.get("names") in name_keys(graph) else USUAL,
        skill=skill("skill"),
        goal=skill("to", every=False),
        around=skill("around") or skill("skill"),
        opened=integers(query.get("open", "")),
        texts=strings(query.get("texts", "")),
        filters=_filters(query, graph, box),
        hidden=integers(query.get("hide", "")),
        table=query.get("as") == "table",
    )


def not_learned(query: Mapping[str, str], graph: LayerGraph) -> str | None:
    """A sentence if the address chooses a skill that is not there, or one that is not learned as the end of a path."""
    info = graph.view.info
    for key in ("skill", "to", "around"):
        name = query.get(key)
        if not name or name in graph.node_of:
            continue
        if not is_lacking(graph, name):
            return f"Dataset {quoted(info.dataset)} has no skill {quoted(name)}."
        if key == "to":
            return f"Layer {quoted(info.name)} has not learned the skill {quoted(name)}, so no path leads to it."
    return None


def write_list(values: tuple[str, ...]) -> str:
    """Names as one value of an address: any character may be in them.

    >>> write_list(("a", "b,c"))
    '["a", "b,c"]'
    """
    return json.dumps(list(values), ensure_ascii=False) if values else ""


def _one_of(value: str, among: Mapping[str, str], usual: str) -> str:
    return value if value in among else usual


def _number(value: str, among: Sequence[int], usual: int) -> int:
    return int(value) if value.isdecimal() and int(value) in among else usual


def _filters(query: Mapping[str, str], graph: LayerGraph, box: Box | None) -> Filters:
    weight = query.get("weight", "")

    def span(key: str, last: int) -> tuple[int, int] | None:
        return bounded(_RANGE.read(query.get(key)), last)

    classes = tuple(sorted(set(strings(query.get("classes", ""))) & set(graph.classes[0])))
    return Filters(
        weight=max(int(weight), 1) if weight.isdecimal() else 1,
        waves=span("waves", last_place(graph.wave, "wave")),
        classes=classes,
        box=box,
        uses=span("uses", last_place(graph.uses, "texts")),
        mastery=span("mastery", 100),
        added=tuple(name for name in strings(query.get("add", "")) if name in graph.node_of),
    )


def _box(text: str) -> Box | None:
    try:
        x0, x1, y0, y1 = (float(part) for part in text.split(","))
    except ValueError:
        return None
    sides = (x1 - x0, y1 - y0)
    return (x0, x1, y0, y1) if all(math.isfinite(side) and side > 0 for side in sides) else None
