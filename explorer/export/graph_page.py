"""A graph as one HTML file that can be searched and looked at without anything else: no server, no network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["DrawnColouring", "DrawnGraph", "DrawnNode", "graph_html"]


@dataclass(frozen=True)
class DrawnNode:
    """A skill in the picture.

    Attributes:
        id: Id.
        name: What people call it.
        facts: What is said of it, label and value.
        x: Place, growing to the right.
        y: Place, growing downwards.
        radius: Of its disc, in the same unit.
        near: Its strongest neighbours, as numbers of nodes, each with the number of texts that require both.
    """

    id: str
    name: str
    facts: tuple[tuple[str, str], ...]
    x: float
    y: float
    radius: float
    near: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class DrawnColouring:
    """One meaning that colours can have.

    Attributes:
        title: As people call it.
        meaning: What the legend's words mean, where they need it.
        legend: Label and colour of each entry.
        of: For each node its entry.
    """

    title: str
    meaning: str
    legend: tuple[tuple[str, str], ...]
    of: tuple[int, ...]


@dataclass(frozen=True)
class DrawnGraph:
    """A picture of a graph, with what is said of it.

    Attributes:
        title: Heading.
        caption: What is seen, in a sentence or two.
        nodes: The skills.
        edges: The drawn associations: two numbers of nodes, and the number of texts that require both.
        colourings: At least one; the first is shown first.
        shown: The skill that is shown first, by its number; None for none.
    """

    title: str
    caption: str
    nodes: Sequence[DrawnNode]
    edges: Sequence[tuple[int, int, int]]
    colourings: Sequence[DrawnColouring]
    shown: int | None = None


def graph_html(graph: DrawnGraph) -> str:
    """The picture as a page with search, legend and what is known of each skill.

    Args:
        graph: The picture.

    Returns:
        A whole HTML document with everything in it; it asks for nothing from anywhere.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    data = {
        "nodes": [
            [n.id, n.name, n.facts, round(n.x, 1), round(n.y, 1), round(n.radius, 1), n.near] for n in graph.nodes
        ],
        "edges": [list(edge) for edge in graph.edges],
        "colourings": [
            {"title": c.title, "meaning": c.meaning, "legend": c.legend, "of": c.of} for c in graph.colourings
        ],
        "shown": graph.shown,
    }
    # In a script element only "<" could end it, or begin a comment.
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    environment = Environment(
        loader=PackageLoader("explorer.export"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    template = environment.get_template("graph.html")
    return template.render(title=graph.title, caption=graph.caption, data=text).lstrip() + "\n"
