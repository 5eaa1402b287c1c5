"""The shown graph as files: CSV and GraphML."""

from __future__ import annotations

import csv
import io
import re

import pyarrow as pa

from explorer.export import Edges, FileGraph, Nodes, write_graphml
from ui.drawing.graphs import LayerGraph

__all__ = ["as_csv", "as_graphml"]

# what XML 1.0 cannot hold, not even escaped
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_FIGURES = ("wave", "uses", "community", "component")


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
    """All skills and associations as GraphML; characters that XML cannot hold become question marks.

    Nodes are named as in the files of `skillgraph export`: `skill:`, then the id.
    """
    ids = [_xml(graph.skill_id(i)) for i in range(graph.n)]
    skills = pa.table(
        {
            "id": ids,
            "name": [_xml(name) for name in graph.name],
            "class": [_xml(name) for name in graph.skill_class],
            **{name: pa.array(list(map(int, getattr(graph, name))), pa.int32()) for name in _FIGURES},
        }
    )
    links = pa.table(
        {
            "source": [ids[int(a)] for a in graph.source],
            "target": [ids[int(b)] for b in graph.target],
            "weight": pa.array([int(w) for w in graph.weight], pa.int32()),
            "strength": pa.array([round(float(s), 6) for s in graph.strength], pa.float64()),
        }
    )
    out = io.BytesIO()
    write_graphml(
        FileGraph(
            name=_xml(graph.view.info.name),
            directed=False,
            facts={"dataset": _xml(graph.view.info.dataset)},
            nodes=(Nodes("skill", "id", "name", skills),),
            edges=(Edges("associated", ("skill", "source"), ("skill", "target"), links),),
        ),
        out,
    )
    return out.getvalue().decode()


def _xml(text: str) -> str:
    return _NOT_XML.sub("?", text)
