"""From a view's state to what is drawn: which skills, in which picture, in which colours."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NotRequired, TypedDict

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from ui.drawing.arrangements import FCOSE_LIMIT
from ui.drawing.bipartite import text_drawing, texts_around
from ui.drawing.centrality import degree
from ui.drawing.colourings import TITLES, Colouring, by_centrality, by_level, by_membership, colouring
from ui.drawing.elements import Drawing, group_drawing, neighbour_drawing, skill_drawing
from ui.drawing.filters import Filters, filtered
from ui.drawing.graphs import NODE_LIMITS, LayerGraph, most_used
from ui.drawing.map_picture import MapPicture, map_picture, whole_box
from ui.drawing.naming import USUAL, named, skill_texts
from ui.pages.graph.lacking import is_lacking, place_of
from ui.pages.graph.state import GraphState
from ui.source import Snapshot
from ui.typed import Element, Properties

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "WAITED_FOR",
    "Chart",
    "Paint",
    "Subject",
    "awaited",
    "colour_keys",
    "drawing",
    "look",
    "meanwhile",
    "paint",
    "part",
    "picture",
    "table_rows",
    "text_options",
    "texts_of_skills",
]

Subject = tuple[str, str]
"""Dataset and layer."""

WAITED_FOR = 300_000
"""Associations from which on the communities of a layer take seconds: another picture is drawn until they are there."""

_MEANWHILE = 1_000  # skills of that picture
_MOST_LAYERS = 6  # compared at once
_ROWS = 1_000  # of the table beside the map
_MEANINGS = {
    "islands": " Islands are communities: skills that are mostly linked to each other.",
    "waves": " From top to bottom: the rounds in which they were learned.",
    "rings": " From the centre outwards: the rounds in which they were learned.",
    "levels": " From top to bottom: the levels of the dataset's hierarchy.",
    "grid": " Class by class, in each the most used skills first.",
}


def part(snapshot: Snapshot, subject: Subject, state: GraphState) -> LayerGraph:
    """What the filters keep of the layer's graph."""
    graph = snapshot.graph(*subject)
    if not state.filters.number:  # what a query adds is there anyway
        return graph
    return snapshot.once(("part", *subject, state.filters), lambda: filtered(graph, state.filters))


def colour_keys(snapshot: Snapshot, subject: Subject) -> tuple[str, ...]:
    """Colourings that say something about a layer."""
    graph = snapshot.graph(*subject)
    there = {"class", "wave", "community", "degree", "betweenness"}
    if int(graph.component.max(initial=-1)) >= 0:
        there.add("component")
    if graph.view.info.base is not None:
        there.add("change")
    if int(graph.level.max(initial=-1)) >= 0:
        there.add("level")
    if len(snapshot.layers(subject[0])) > 1:
        there.add("layers")
    return tuple(key for key in TITLES if key in there)


def look(snapshot: Snapshot, subject: Subject, state: GraphState) -> Colouring:
    """The colours of what is shown: of the whole layer's legend, but for centrality, which is within what is shown."""
    graph, shown = snapshot.graph(*subject), part(snapshot, subject, state)
    key = state.colour if state.colour in colour_keys(snapshot, subject) else "class"
    if key in ("degree", "betweenness"):
        found = snapshot.once(("centrality", *subject, state.filters, key), lambda: by_centrality(key, shown))
    else:
        found = snapshot.once(("look", *subject, key), lambda: _look(snapshot, subject, key))
        if shown is not graph:
            found = found.take(np.searchsorted(graph.skill, shown.skill))
    return found


def _look(snapshot: Snapshot, subject: Subject, key: str) -> Colouring:
    graph = snapshot.graph(*subject)
    if key == "level":
        return by_level([None if level < 0 else level for level in graph.level.tolist()])
    if key == "layers":
        names = [info.name for info in snapshot.layers(subject[0]) if info.name != subject[1]]
        names = [subject[1], *names[: _MOST_LAYERS - 1]]
        return by_membership({name: _learned_in(snapshot, graph, subject[0], name) for name in names})
    base = graph.view.info.base
    return colouring(key, graph, None if base is None else _learned_in(snapshot, graph, subject[0], base))


def _learned_in(snapshot: Snapshot, graph: LayerGraph, dataset: str, layer: str) -> npt.NDArray[np.bool_]:
    other = snapshot.view(dataset, layer)
    known = other.indexed.skill_rows[other.learned]
    return np.isin(graph.view.indexed.skill_rows[graph.skill], known)


def texts_of_skills(snapshot: Snapshot, subject: Subject, state: GraphState) -> dict[str, str]:
    """What skills are called, by id."""
    graph = snapshot.graph(*subject)
    return snapshot.once(("names", *subject, state.names), lambda: skill_texts(graph, state.names))


def awaited(graph: LayerGraph, state: GraphState) -> bool:
    """Whether a view rests on the communities of the whole layer, which take seconds and have not been found yet."""
    rests = state.view in ("skills", "groups", "neighbours") and state.filters.box is None
    return rests and graph.m >= WAITED_FOR and not graph.gathered


def meanwhile(snapshot: Snapshot, subject: Subject, state: GraphState) -> tuple[Drawing, Colouring]:
    """What is drawn until the communities are there: the most used skills, wave below wave; and its colours."""
    graph, shown = snapshot.graph(*subject), part(snapshot, subject, state)
    found = look(snapshot, subject, replace(state, colour="wave"))
    if shown.n == 0:
        return _nothing(), found
    drawn = most_used(shown, _MEANWHILE, state.filters.added)
    colours = {"look": found if drawn is shown else found.take(np.searchsorted(shown.skill, drawn.skill))}
    made = snapshot.once(
        ("meanwhile", *subject, state.filters, state.per),
        lambda: skill_drawing(drawn, colours, per_skill=state.per, arrangement="waves", alike=True),
    )
    caption = (
        f"The communities of {graph.n:,} skills are being computed; the picture that rests on them follows by itself. "
        f"Until then, the most used of {shown.n:,} skills are drawn: {made.caption}{_MEANINGS['waves']}"
    )
    made = ringed(replace(made, caption=caption), state.filters.added)
    if state.names != USUAL:
        made = named(made, shown, state.by, texts_of_skills(snapshot, subject, state))
    return made, found


def _nothing() -> Drawing:
    return Drawing([], "The filters leave out every skill: widen them.", 0, 0, 0)


def drawing(snapshot: Snapshot, subject: Subject, state: GraphState) -> Drawing:
    """What Cytoscape draws for a view, but the map."""
    found = ringed(_drawing(snapshot, subject, state), state.filters.added)
    if state.names == USUAL:
        return found
    return named(found, part(snapshot, subject, state), state.by, texts_of_skills(snapshot, subject, state))


def ringed(found: Drawing, added: Collection[str]) -> Drawing:
    """The drawing with a ring around the skills that a query added."""
    if not added:
        return found
    names = {f"s:{name}" for name in added}
    elements: list[Element] = [
        {**element, "classes": f"{element.get('classes', '')} added".strip()}
        if element["data"]["id"] in names
        else element
        for element in found.elements
    ]
    return replace(found, elements=elements)


def _drawing(snapshot: Snapshot, subject: Subject, state: GraphState) -> Drawing:
    shown = part(snapshot, subject, state)
    if shown.n == 0:
        return _nothing()
    colours = {"look": look(snapshot, subject, state)}
    key = ("drawing", *subject, state.view, state.filters, colours["look"].key)
    if state.view == "texts":
        return _texts(snapshot, subject, state)
    if state.view == "neighbours":
        if is_lacking(shown, state.around):
            return _texts(snapshot, subject, replace(state, texts=()), "It is not learned, so it has no associations. ")
        node = _middle(shown, state)
        return snapshot.once((*key, node), lambda: neighbour_drawing(shown, colours, node))
    if state.view == "groups":
        return snapshot.once(
            (*key, state.by, state.opened, state.most),
            lambda: group_drawing(shown, colours, by=state.by, opened=state.opened, limit=state.most),
        )
    return snapshot.once(
        (*key, state.per, state.arrangement, state.most),
        lambda: _skills(shown, colours["look"], state),
    )


def _middle(shown: LayerGraph, state: GraphState) -> int:
    found = shown.node_of.get(state.around or "")
    return int(np.argmax(shown.uses)) if found is None else found


def _skills(shown: LayerGraph, colours: Colouring, state: GraphState) -> Drawing:
    """The most used ones, and those of a query, if there are more than are drawn at most."""
    drawn, arrangement = most_used(shown, state.most, state.filters.added), state.arrangement
    if drawn is not shown:
        colours = colours.take(np.searchsorted(shown.skill, drawn.skill))
    if arrangement == "fcose" and drawn.n > FCOSE_LIMIT:
        arrangement, note = "force", f" fCoSE handles at most {FCOSE_LIMIT} skills, so springs are used instead."
    else:
        note = ""
    found = skill_drawing(drawn, {"look": colours}, per_skill=state.per, limit=state.most, arrangement=arrangement)
    caption = found.caption + _MEANINGS.get(arrangement, "")
    if drawn is not shown:
        more = "draw more or filter them under “Options”" if state.most < NODE_LIMITS[-1] else "filter them"
        caption = f"The {drawn.n:,} most used of {shown.n:,} skills: {more}, or see all as groups or on the map. "
        caption += found.caption + _MEANINGS.get(arrangement, "")
    return Drawing(found.elements, caption + note, found.skills, found.groups, found.edges)


def _texts(snapshot: Snapshot, subject: Subject, state: GraphState, first: str = "") -> Drawing:
    """Picked texts, or those of a skill; their skills are drawn whatever the filters say."""
    graph = snapshot.graph(*subject)
    whole = replace(state, filters=Filters())
    colours = {"look": look(snapshot, subject, whole)}
    if state.texts:
        place = pc.index_in(_ids(state.texts), value_set=graph.view.indexed.text_ids)
        texts = [index for index in place.to_pylist() if index is not None]
        if texts:
            return text_drawing(graph, colours, texts)
    if is_lacking(graph, state.around):
        place = place_of(graph, str(state.around))
        if place is None:
            return Drawing([], f"No text of the layer requires {state.around}.", 0, 0, 0)
        texts, total = texts_around(graph.view, place)
        name = graph.view.indexed.skill_column("name")[place].as_py() or state.around
        found = text_drawing(graph, colours, texts, of=name, total=total)
        return replace(found, caption=first + found.caption)
    node = _middle(graph, state)
    texts, total = texts_around(graph.view, int(graph.skill[node]))
    return text_drawing(graph, colours, texts, of=graph.name[node], total=total)


def _ids(values: tuple[str, ...]) -> pa.Array:
    import pyarrow as pa

    return pa.array(list(values), pa.string())


class Paint(TypedDict):
    """Colours for what is drawn: the palette, each element's place in it and, where names change, the labels."""

    palette: list[str]
    of: dict[str, int]
    labels: NotRequired[dict[str, str]]


def paint(found: Drawing, shown: LayerGraph, by: str, colours: Colouring) -> Paint:
    """New colours for what is drawn already: the palette, and each element's place in it."""
    places: dict[str, int] = {}
    groups: dict[int, npt.NDArray[np.int64]] = {}
    for element in found.elements:
        name = str(element["data"]["id"])
        if name.startswith("s:"):
            node = shown.node_of.get(name[2:])
            if node is not None:
                places[name] = int(colours.of[node])
        elif name.startswith(("g:", "i:")):
            grouping = shown.groupings[by]
            groups = groups or dict(zip(grouping.numbers.tolist(), grouping.members, strict=True))
            places[name] = colours.commonest(groups[int(name[2:])])
    return {"palette": [category.colour for category in colours.categories], "of": places}


@dataclass(frozen=True, eq=False)
class Chart:
    """The map of a view.

    Attributes:
        graph: What the filters but the region keep.
        look: Its colours.
        picture: The region.
        drawn: A clause: how many associations are drawn.
    """

    graph: LayerGraph
    look: Colouring
    picture: MapPicture
    drawn: str


def picture(snapshot: Snapshot, subject: Subject, state: GraphState) -> Chart:
    """The map of what the filters but the region keep, zoomed to the region."""
    whole = replace(state, filters=replace(state.filters, box=None))
    shown, colours = part(snapshot, subject, whole), look(snapshot, subject, whole)
    box = state.filters.box or whole_box(snapshot.graph(*subject).map_positions)
    key = ("map", *subject, whole.filters, colours.key, box, state.hidden)
    found = snapshot.once(key, lambda: map_picture(shown, colours, box, hidden=frozenset(state.hidden)))
    edges = len(shown.outline)
    drawn = f"the {edges:,} strongest of {shown.m:,} associations" if edges < shown.m else f"all {edges:,} associations"
    if shown.m == 1:
        drawn = "the only association"
    return Chart(shown, colours, found, f"{drawn} {'is' if shown.m == 1 else 'are'} drawn")


def table_rows(snapshot: Snapshot, subject: Subject, state: GraphState) -> list[Properties]:
    """The rows of what is drawn, for those who do not see the picture."""
    shown = part(snapshot, subject, state)
    joined = degree(shown) if shown.n else np.zeros(0, dtype=np.int64)

    def skill_row(node: int, name: str) -> Properties:
        return {
            "id": name,
            "kind": "skill",
            "name": shown.name[node],
            "class": shown.skill_class[node],
            "wave": int(shown.wave[node]),
            "texts": int(shown.uses[node]),
            "joined": int(joined[node]),
        }

    if state.view == "map":
        nodes = shown.by_use[:_ROWS]
        return [skill_row(node, f"s:{shown.skill_id(node)}") for node in nodes.tolist()]
    rows: list[Properties] = []
    for element in drawing(snapshot, subject, state).elements:
        data = element["data"]
        name, kind = str(data["id"]), str(data["id"])[:2]
        if kind == "s:" and name[2:] in shown.node_of:
            rows.append(skill_row(shown.node_of[name[2:]], name))
        elif kind in ("s:", "u:"):
            row = {"id": name, "kind": "skill" if kind == "s:" else "skill, not learned", "name": data["name"]}
            rows.append({**row, "class": data["class"], "texts": data["uses"]})
        elif kind == "g:":
            rows.append({"id": name, "kind": "group", "name": data["name"], "skills": data["members"]})
        elif kind == "i:" and state.view == "groups":
            rows.append({"id": name, "kind": "group, open", "name": data["name"], "skills": data["members"]})
        elif kind == "t:":
            rows.append({"id": name, "kind": "text", "name": data["name"], "skills": data["skills"]})
    order = {"group, open": 0, "group": 1, "text": 2}
    return sorted(rows, key=lambda row: (order.get(row["kind"], 3), -row.get("skills", 0), -row.get("texts", 0)))


def text_options(graph: LayerGraph, typed: str, picked: tuple[str, ...], limit: int = 30) -> list[dict[str, str]]:
    """Texts whose titles have what was typed in them, the picked ones first."""
    titles, ids = graph.view.indexed.text_column("title"), graph.view.indexed.text_ids
    found = [index for index in pc.index_in(_ids(picked), value_set=ids).to_pylist() if index is not None]
    if typed:
        match = pc.match_substring(titles, typed, ignore_case=True)
        found += [int(i) for i in pc.indices_nonzero(match)[:limit].to_pylist() if int(i) not in found]
    else:
        found += [i for i in range(min(limit, len(ids))) if i not in found]
    return [{"value": ids[i].as_py(), "label": titles[i].as_py()} for i in found]
