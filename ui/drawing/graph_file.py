"""A layer's graph as a file of its own, as the graph page draws it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from explorer.export.graph_page import DrawnColouring, DrawnGraph, DrawnNode, graph_html
from explorer.service import layer_view
from explorer.store.protocol import Store
from explorer.wording import plural
from ui.drawing.colourings import Colouring, colourings
from ui.drawing.elements import skill_drawing
from ui.drawing.graphs import LayerGraph, layer_graph, most_used

__all__ = ["LIMIT", "drawn_graph", "graph_file", "layer_file"]

LIMIT = 1_500
"""Skills of a file, the most used ones of a larger layer."""

_NEAR = 15


def layer_file(store: Store, dataset: str, layer: str) -> tuple[str, int, int]:
    """The graph of a layer as an HTML document, with the numbers of its skills and drawn associations.

    Raises:
        NotFoundError: There is no such dataset or layer.
    """
    found = drawn_graph(layer_graph(store, layer_view(store, dataset, layer)))
    return graph_html(found), len(found.nodes), len(found.edges)


def graph_file(graph: LayerGraph, *, looks: Mapping[str, Colouring] | None = None, skill: str | None = None) -> str:
    """A graph as an HTML document; see `drawn_graph`."""
    return graph_html(drawn_graph(graph, looks=looks, skill=skill))


def drawn_graph(
    graph: LayerGraph, *, looks: Mapping[str, Colouring] | None = None, per_skill: int = 3, skill: str | None = None
) -> DrawnGraph:
    """What a file of a graph holds.

    Args:
        graph: All of a layer, or what filters keep of it.
        looks: Further colourings of the graph, shown before those that it has by itself.
        per_skill: How many of each skill's associations are drawn at most.
        skill: Id of the skill that is shown first.
    """
    whole = graph
    if graph.n > LIMIT:
        graph, looks = most_used(graph, LIMIT), None
    drawing = skill_drawing(graph, {}, per_skill=per_skill)
    ids = [graph.skill_id(i) for i in range(graph.n)]
    row = {name: i for i, name in enumerate(ids)}
    place = np.zeros((graph.n, 3))
    edges = []
    for element in drawing.elements:
        data = element["data"]
        if "source" in data:
            a, b = (row[str(data[end]).removeprefix("s:")] for end in ("source", "target"))
            edges.append((a, b, int(data.get("weight", 1))))
        elif str(data["id"]).startswith("s:"):
            at = element["position"]
            place[row[str(data["id"])[2:]]] = at["x"], at["y"], data["size"] / 2
    texts = graph.view.indexed.text_ids
    nodes = []
    for i in range(graph.n):
        by = int(graph.view.by[graph.skill[i]])
        facts = [
            ("class", graph.skill_class[i]),
            ("texts", f"{int(graph.uses[i]):,}"),
            ("wave", "known beforehand" if graph.wave[i] == 0 else str(int(graph.wave[i]))),
        ]
        if by >= 0:
            facts.append(("taught by", texts[by].as_py()))
        mastery = float(graph.view.mastery[graph.skill[i]])
        if not np.isnan(mastery):
            facts.append(("mastery", f"{mastery:.2f}"))
        near = tuple(graph.neighbours(i)[:_NEAR])
        x, y, radius = place[i].tolist()
        nodes.append(DrawnNode(ids[i], graph.name[i], tuple(facts), x, y, radius, near))
    info = graph.view.info
    every = {**(looks or {}), **{key: c for key, c in colourings(graph).items() if key not in (looks or {})}}
    part = f" The {graph.n:,} most used of {plural(whole.n, 'skill')}." if graph.n < whole.n else ""
    return DrawnGraph(
        title=f"{info.dataset}: {info.name}",
        caption=f"{plural(graph.n, 'learned skill')}, linked where they occur in the same text; the strongest "
        f"{plural(len(edges), 'association')} of {graph.m:,} {'is' if len(edges) == 1 else 'are'} drawn.{part} "
        "The larger a disc, the more texts require the skill.",
        nodes=nodes,
        edges=edges,
        colourings=[
            DrawnColouring(c.title, c.meaning, tuple((k.label, k.colour) for k in c.categories), tuple(c.of.tolist()))
            for c in every.values()
        ],
        shown=row.get(skill) if skill is not None else None,
    )
