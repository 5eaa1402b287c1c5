"""The shown graph as files: CSV and GraphML."""

from __future__ import annotations

import csv
import io
import re
from xml.sax.saxutils import escape, quoteattr

from ui.drawing.graphs import LayerGraph

__all__ = ["as_csv", "as_graphml"]

# what XML 1.0 cannot hold, not even escaped
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_KEYS = (
    ("name", "node", "string"),
    ("class", "node", "string"),
    ("wave", "node", "int"),
    ("uses", "node", "int"),
    ("community", "node", "int"),
    ("component", "node", "int"),
    ("weight", "edge", "int"),
    ("strength", "edge", "double"),
)


def as_csv(graph: LayerGraph) -> str:
    """All associations, one a line: ids and names of both skills, texts that require both, strength."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["source", "target", "source_name", "target_name", "texts", "strength"])
    ids = [graph.skill_id(i) for i in range(graph.n)]
    for e in range(graph.m):
        a, b = int(graph.source[e]), int(graph.target[e])
        row = [ids[a], ids[b], graph.name[a], graph.name[b], int(graph.weight[e]), f"{graph.strength[e]:.6f}"]
        writer.writerow(row)
    return out.getvalue()


def as_graphml(graph: LayerGraph) -> str:
    """All skills and associations as GraphML; characters that XML cannot hold become question marks."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">']
    lines += [f'<key id="{k}" for="{target}" attr.name="{k}" attr.type="{kind}"/>' for k, target, kind in _KEYS]
    lines.append('<graph edgedefault="undirected">')
    ids = [quoteattr(_xml(graph.skill_id(i))) for i in range(graph.n)]
    for i in range(graph.n):
        data = {
            "name": escape(_xml(graph.name[i])),
            "class": escape(_xml(graph.skill_class[i])),
            "wave": str(graph.wave[i]),
            "uses": str(graph.uses[i]),
            "community": str(graph.community[i]),
            "component": str(graph.component[i]),
        }
        inner = "".join(f'<data key="{k}">{v}</data>' for k, v in data.items())
        lines.append(f"<node id={ids[i]}>{inner}</node>")
    for e in range(graph.m):
        a, b = ids[int(graph.source[e])], ids[int(graph.target[e])]
        inner = f'<data key="weight">{int(graph.weight[e])}</data><data key="strength">{graph.strength[e]:.6f}</data>'
        lines.append(f"<edge source={a} target={b}>{inner}</edge>")
    return "\n".join([*lines, "</graph>", "</graphml>", ""])


def _xml(text: str) -> str:
    return _NOT_XML.sub("?", text)
