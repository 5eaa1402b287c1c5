"""A property graph (nodes with labels, typed edges) as a dataset: what GraphML, GEXF and Neo4j's CSV have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from loaders._builder import Builder, Value
from loaders.errors import DataError

__all__ = ["OPTIONS", "Edge", "Node", "PropertyGraph", "add_graph", "typed"]

OPTIONS: Mapping[str, str] = {
    "text_label": "label of nodes that are texts",
    "skill_label": "label of nodes that are skills",
    "model_label": "label of nodes that are models",
}
_ROLES = {
    "text": {"text", "texts", "document", "doc", "item", "task", "question", "function"},
    "skill": {"skill", "skills", "concept", "capability", "tag", "keyword", "competency"},
    "model": {"model", "models", "learner", "student"},
}
_TYPES = {
    "requires": {"requires", "require", "required", "uses", "has_skill"},
    "part_of": {"part_of", "partof", "child_of", "is_a", "broader", "subclass_of"},
    "prerequisite_of": {"prerequisite_of", "prerequisite", "before", "precedes"},
    "attempted": {"attempted", "attempt", "answered", "outcome"},
    "fine_tuned_from": {"fine_tuned_from", "finetuned_from", "base"},
}
# Attributes that tell what a node or an edge is, in formats without labels.
_LABEL_ATTRIBUTES = ("labels", "label", "kind", "type", "node_type", "bipartite")
_TYPE_ATTRIBUTES = ("type", "label", "kind", "relation", "edge_type")
# Relationships of the stores that belong to layers and not to the dataset.
_NOT_OF_A_DATASET = {"learned", "associated_with"}


@dataclass(slots=True)
class Node:
    """A node with its labels, if the format has any, its properties and the line it begins in."""

    labels: tuple[str, ...]
    properties: dict[str, Value]
    line: int | None = None


@dataclass(slots=True)
class Edge:
    """An edge between two nodes by their keys."""

    source: str
    target: str
    kind: str | None
    properties: dict[str, Value]
    line: int | None = None
    path: Path | None = None


@dataclass(slots=True)
class PropertyGraph:
    """Nodes by key, and edges; `directed` False if no edge has a direction."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    directed: bool = True


def add_graph(graph: PropertyGraph, builder: Builder, path: Path, labels: Mapping[str, str | None]) -> None:
    """Add a graph to a dataset in the making.

    A node is a text, a skill or a model by its label or by an attribute such as `kind` or `type`. If no node says
    so, edges that all lead from one kind of nodes to another lead from texts to skills.

    Args:
        graph: The graph.
        builder: Takes it.
        path: The file, for messages.
        labels: `text_label`, `skill_label`, `model_label`: what the labels are, where they are others.

    Raises:
        DataError: Texts and skills cannot be told apart, or an edge has an end that is not there or of the wrong kind.
    """
    if not graph.nodes:
        raise DataError("holds no node", path=path)
    wanted = {role: {name.casefold()} if (name := labels.get(f"{role}_label")) else _ROLES[role] for role in _ROLES}
    roles = {key: _role(node, wanted) for key, node in graph.nodes.items()}
    if not any(roles.values()):
        roles = _roles_by_direction(graph, path)
    ids: dict[str, str] = {}
    add = {"text": builder.text, "skill": builder.skill, "model": builder.model}
    known = {"text": builder.text_ids, "skill": builder.skill_ids, "model": builder.model_ids}
    names = {"text": "title", "skill": "name", "model": None}
    for key, node in graph.nodes.items():
        role = roles[key]
        if role is None:
            if _is_apart(node):
                continue
            builder.problems.report(
                "unknown label",
                f"node {key!r} is labelled {', '.join(node.labels) or 'nothing'}; expected a text, skill or model: "
                "name the labels with text_label and skill_label",
                path,
                node.line,
            )
            continue
        properties = dict(node.properties)
        identifier = str(properties.pop("id", None) or key)
        label = properties.pop("_name", None)
        meaning = names[role]
        if label is not None and meaning is not None:
            properties.setdefault(meaning, label)
        if identifier in known[role]:
            builder.problems.report("second id", f"{role} {identifier!r} occurs twice", path, node.line)
            continue
        ids[key] = identifier
        for name in ("key", "dataset", *_LABEL_ATTRIBUTES):
            # What a store adds, and what says no more than that it is a text, a skill or a model.
            if name in {"key", "dataset"} or _says_role(properties.get(name), wanted):
                properties.pop(name, None)
        add[role](identifier, properties)
    for edge in graph.edges:
        _add_edge(edge, graph, ids, roles, builder, path)


def _is_apart(node: Node) -> bool:
    """Nodes of a store that describe the dataset or what was learned from it."""
    return any(label.casefold() in {"dataset", "layer"} for label in node.labels)


def _parts(value: Value) -> list[str]:
    """Labels as they are written into one attribute: ":Text:Item" or "Text;Item"."""
    return [part for part in value.replace(";", ":").split(":") if part] if isinstance(value, str) else []


def _says_role(value: Value, wanted: Mapping[str, set[str]]) -> bool:
    parts = _parts(value)
    return bool(parts) and all(any(part.strip().casefold() in names for names in wanted.values()) for part in parts)


def _role(node: Node, wanted: Mapping[str, set[str]]) -> str | None:
    said = list(node.labels)
    for attribute in _LABEL_ATTRIBUTES:
        said += _parts(node.properties.get(attribute))
    for role, names in wanted.items():
        if any(name.strip().casefold() in names for name in said):
            return role
    return None


def _roles_by_direction(graph: PropertyGraph, path: Path) -> dict[str, str | None]:
    sources = {edge.source for edge in graph.edges}
    targets = {edge.target for edge in graph.edges}
    if not graph.directed or not sources or sources & targets:
        raise DataError(
            "does not say which nodes are texts and which are skills; give the nodes an attribute kind with the "
            "values text and skill, or name their labels with text_label and skill_label",
            path=path,
        )
    return {key: "text" if key in sources else "skill" for key in graph.nodes}


def _kind(edge: Edge) -> str | None:
    said = [edge.kind] if edge.kind else []
    said += [value for name in _TYPE_ATTRIBUTES if isinstance(value := edge.properties.get(name), str)]
    for name in said:
        key = name.strip().casefold().replace(" ", "_").replace("-", "_")
        if key in _NOT_OF_A_DATASET:
            return key
        found = next((kind for kind, names in _TYPES.items() if key in names), None)
        if found is not None:
            return found
    return None


def _add_edge(
    edge: Edge,
    graph: PropertyGraph,
    ids: Mapping[str, str],
    roles: Mapping[str, str | None],
    builder: Builder,
    path: Path,
) -> None:
    path = edge.path or path
    missing = next((end for end in (edge.source, edge.target) if end not in graph.nodes), None)
    if missing is not None:
        builder.problems.report("unknown node", f"an edge ends at {missing!r}, which is no node", path, edge.line)
        return
    if edge.source not in ids or edge.target not in ids:
        return  # the node was reported, or belongs to no dataset
    source, target = ids[edge.source], ids[edge.target]
    ends = (roles[edge.source], roles[edge.target])
    kind = _kind(edge)
    if kind in _NOT_OF_A_DATASET:
        return
    if ends == ("skill", "text") and not graph.directed:
        source, target, ends = target, source, ("text", "skill")
    if ends == ("text", "skill") and kind in {"requires", None}:
        weight = _number(edge.properties.get("weight"), 1.0)
        if weight is None or not weight > 0:
            builder.problems.report(
                "no weight", f"weight {edge.properties['weight']!r} must be a positive number", path, edge.line
            )
        else:
            builder.require(source, target, weight)
    elif ends == ("skill", "skill") and kind == "part_of":
        builder.part_of(source, target)
    elif ends == ("skill", "skill") and kind == "prerequisite_of":
        builder.prerequisite(source, target)
    elif ends == ("model", "model") and kind in {"fine_tuned_from", None}:
        builder.model(source, {"base": target})
    elif ends == ("model", "text") and kind in {"attempted", None}:
        score = _number(edge.properties.get("score"), None)
        if score is None or not 0 <= score <= 1:
            builder.problems.report(
                "no score", f"score {edge.properties.get('score')!r} must be from 0 to 1", path, edge.line
            )
        elif not builder.attempt(source, target, score):
            builder.problems.report(
                "second score", f"model {source!r} has a score for {target!r} already", path, edge.line
            )
    else:
        builder.problems.report(
            "unexpected edge",
            f"an edge {kind or edge.kind or 'without type'} from {ends[0]} {source!r} to {ends[1]} {target!r}; "
            "expected REQUIRES (text to skill), PART_OF, PREREQUISITE_OF (skill to skill) or ATTEMPTED (model to text)",
            path,
            edge.line,
        )


def _number(value: Value, default: float | None) -> float | None:
    if value is None or value == "":
        return default
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def typed(value: str, kind: str) -> Value:
    """A value as its declared type says; text if it does not follow it.

    >>> typed("3", "int"), typed("0.5", "double"), typed("true", "boolean"), typed("3", "string")
    (3, 0.5, True, '3')
    """
    name = kind.casefold()
    try:
        if name in {"int", "long", "integer", "short", "byte"}:
            return int(value)
        if name in {"float", "double"}:
            return float(value)
    except ValueError:
        return value
    if name in {"bool", "boolean"}:
        return value.strip().lower() in {"true", "1"}
    return value
