"""A property graph (nodes with labels, typed edges) as a dataset: what graph files of all formats have in common."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from loaders._builder import Builder, Value
from loaders._reading import ONLY_ASSOCIATIONS, AmbiguousError, plural, quoted
from loaders.errors import DataError

__all__ = ["OPTIONS", "Edge", "Node", "PropertyGraph", "add_graph", "typed"]

OPTIONS: Mapping[str, str] = {
    "text_label": "label of nodes that are texts",
    "skill_label": "label of nodes that are skills",
    "model_label": "label of nodes that are models",
    "id_property": "property with the ids, if the file's own ids are only numbers",
}
_ROLES = {
    "text": {"text", "texts", "document", "doc", "item", "task", "question", "function", "exercise", "problem"},
    "skill": {"skill", "skills", "concept", "capability", "tag", "keyword", "competency", "kc"},
    "model": {"model", "models", "learner", "student"},
}
_TYPES = {
    "requires": {"requires", "require", "required", "uses", "has_skill", "needs"},
    "part_of": {"part_of", "partof", "child_of", "is_a", "broader", "subclass_of"},
    "prerequisite_of": {"prerequisite_of", "prerequisite", "before", "precedes"},
    "attempted": {"attempted", "attempt", "answered", "outcome"},
    "fine_tuned_from": {"fine_tuned_from", "finetuned_from", "base"},
}
# Attributes that tell what a node or an edge is, what says most first.
_ROLE_ATTRIBUTES = (
    "labels",
    "kind",
    "node_type",
    "nodetype",
    "type",
    "role",
    "class",
    "category",
    "label",
    "bipartite",
)
_TYPE_ATTRIBUTES = ("kind", "type", "relation", "edge_type", "interaction", "shared interaction", "label")
# Pairs of values that say only that there are two kinds of nodes.
_TWO_KINDS = ({"0", "1"}, {"false", "true"}, {"0.0", "1.0"}, {"top", "bottom"})
# Attributes that programs add for themselves.
_TOOLS = frozenset({"SUID", "selected", "shared name", "shared_name", "shared interaction", "timeset"})
# Relationships of the stores that belong to layers and not to the dataset.
_NOT_OF_A_DATASET = {"learned", "associated_with"}
_NUMBERED = re.compile(r"[A-Za-z]{0,2}[0-9]+(::[A-Za-z]{0,2}[0-9]+)*")
_NAMES = ("name", "title", "label", "_name")


@dataclass(slots=True)
class Node:
    """A node with its labels, if the format has any, its properties and the line it begins in."""

    labels: tuple[str, ...]
    properties: dict[str, Value]
    line: int | None = None


@dataclass(slots=True)
class Edge:
    """An edge between two nodes by their keys; `directed` None if the graph says it for all."""

    source: str
    target: str
    kind: str | None
    properties: dict[str, Value]
    line: int | None = None
    path: Path | None = None
    directed: bool | None = None


@dataclass(slots=True)
class PropertyGraph:
    """Nodes by key, and edges.

    Attributes:
        directed: Whether edges that do not say it have a direction.
        groups: Nodes that only hold others, which are no texts and no skills.
        own: True for a file that this project wrote: its names of properties are taken back.
        keyed: True if the file's own ids are those of the user, whatever they look like.
        wrong: What is wrong with the whole, with its line, found while it was read.
        several: Attributes that have several values in a node or edge, of which the last is taken.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    directed: bool = True
    groups: set[str] = field(default_factory=set)
    own: bool = False
    keyed: bool = False
    wrong: tuple[str, int | None] | None = None
    several: dict[str, int] = field(default_factory=dict)

    def put(self, key: str, node: Node) -> None:
        """Add a node; that there is one of this key is kept for `add_graph`."""
        if key in self.nodes and self.wrong is None:
            self.wrong = f"node {key!r} occurs twice; each node must have an id of its own", node.line
        self.nodes[key] = node

    def refuse(self, what: str, line: int | None) -> None:
        """Keep the first thing that is wrong with the whole for `add_graph`."""
        self.wrong = self.wrong or (what, line)

    def is_directed(self, edge: Edge) -> bool:
        """True if an edge has a direction."""
        return self.directed if edge.directed is None else edge.directed


def add_graph(graph: PropertyGraph, builder: Builder, path: Path, labels: Mapping[str, str | None]) -> None:
    """Add a graph to a dataset in the making.

    One attribute of the nodes tells what they are, the same for all: their labels, else `kind`, `type` and the like,
    the first whose values are known names. If none is, and all edges lead from one kind of nodes to another, they lead
    from texts to skills.

    Args:
        graph: The graph.
        builder: Takes it.
        path: The file, for messages.
        labels: Of `OPTIONS`.

    Raises:
        AmbiguousError: There are two kinds of nodes and nothing says which are the texts.
        DataError: Texts and skills cannot be told apart, or an edge has an end that is not there or of the wrong kind.
    """
    if graph.wrong is not None:
        raise DataError(graph.wrong[0], path=path, line=graph.wrong[1])
    for name, count in graph.several.items():
        evidence = f"{plural(count, 'value')} before it, as values that change over time have"
        builder.problems.decide(path, f"values of {name!r}", "the last of each node", evidence)
    for group in graph.groups:
        graph.nodes.pop(group, None)
    if graph.groups:
        builder.problems.decide(path, "groups", f"{plural(len(graph.groups), 'group node')} left out",
                                "they hold other nodes")  # fmt: skip
    if not graph.nodes:
        raise DataError("has no nodes", path=path)
    _drop_nan(graph, builder, path)
    roles, attribute = _roles(graph, builder, path, labels)
    ids = _identifiers(graph, builder, path, roles, labels.get("id_property"))
    add = {"text": builder.text, "skill": builder.skill, "model": builder.model}
    known = {"text": builder.text_ids, "skill": builder.skill_ids, "model": builder.model_ids}
    wanted = _wanted(labels)
    kept: dict[str, str] = {}
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
        identifier, used = ids[key]
        if identifier in known[role]:
            builder.problems.report(
                "second id", f"{role} {identifier!r} occurs twice; give the property with ids as id_property", path,
                node.line,
            )  # fmt: skip
            continue
        kept[key] = identifier
        add[role](identifier, _properties(node, role, used, attribute, wanted, own=graph.own))
    if graph.edges and graph.nodes and set(roles.values()) <= {"skill"} and not any(map(_kind, graph.edges)):
        raise DataError(ONLY_ASSOCIATIONS, path=path)
    any_known = any(_kind(edge) == "requires" for edge in graph.edges)
    other_types: Counter[str] = Counter()
    for edge in graph.edges:
        _add_edge(edge, graph, kept, roles, builder, path, other_types, any_known=any_known)
    if other_types:
        listed = ", ".join(f"{kind!r} ({count:,})" for kind, count in other_types.most_common(4))
        builder.problems.decide(path, "requirements", f"edges {listed}", "they lead from texts to skills")


def _drop_nan(graph: PropertyGraph, builder: Builder, path: Path) -> None:
    count = 0
    owners: list[Node | Edge] = [*graph.nodes.values(), *graph.edges]
    for owner in owners:
        for name, value in list(owner.properties.items()):
            if isinstance(value, float) and not math.isfinite(value) and name not in {"weight", "score"}:
                del owner.properties[name]
                count += 1
    if count:
        builder.problems.decide(path, "missing values", f"{plural(count, 'number')} that are NaN or infinite left out")


def _wanted(labels: Mapping[str, str | None]) -> dict[str, set[str]]:
    said = {role: {label.strip().lstrip(":").casefold()} for role in _ROLES if (label := labels.get(f"{role}_label"))}
    # what one label says no other role takes
    taken = {name for names in said.values() for name in names}
    return {role: said.get(role, names - taken) for role, names in _ROLES.items()}


def _roles(
    graph: PropertyGraph, builder: Builder, path: Path, labels: Mapping[str, str | None]
) -> tuple[dict[str, str | None], str]:
    """The role of each node, and the attribute that says it."""
    wanted = _wanted(labels)
    said = {role for role in _ROLES if labels.get(f"{role}_label")}
    best: tuple[int, str, dict[str, str | None]] = (0, "", {})
    for attribute in _attributes_of_roles(graph):
        found = {key: _role(_values(node, attribute), wanted) for key, node in graph.nodes.items()}
        count = sum(role is not None or _is_apart(graph.nodes[key]) for key, role in found.items())
        given = sum(role in said for role in found.values())
        if said and not given:
            continue
        if count > best[0] and any(found.values()):
            best = (count, attribute, found)
    count, attribute, found = best
    if count:
        counts = Counter(role for role in found.values() if role)
        listed = ", ".join(plural(number, role) for role, number in counts.items())
        what = "their labels" if attribute == "labels" else f"attribute {attribute!r}"
        builder.problems.decide(path, "roles of nodes", what, listed, option="text_label")
        return found, attribute
    two = _two_kinds(graph, path)
    if two is not None:
        attribute, found = two
        builder.problems.decide(
            path, "roles of nodes", f"attribute {attribute!r}",
            "all edges lead from one of its two values, the texts, to the other", option="text_label",
        )  # fmt: skip
        return found, attribute
    builder.problems.decide(path, "roles of nodes", "by direction", "all edges lead from one kind of nodes to another",
                            option="text_label")  # fmt: skip
    return _roles_by_direction(graph, path), ""


def _attributes_of_roles(graph: PropertyGraph) -> list[str]:
    names: dict[str, None] = {}
    for node in graph.nodes.values():
        names.update(dict.fromkeys(node.properties))
    keys = {name.casefold(): name for name in reversed(names)}
    found = ["labels"] + [keys[name] for name in _ROLE_ATTRIBUTES if name in keys and name != "labels"]
    return [*found, *(name for name in names if name not in found and name not in _NAMES)]


def _values(node: Node, attribute: str) -> list[str]:
    if attribute == "labels":
        return [*node.labels, *_parts(node.properties.get("labels"))]
    value = node.properties.get(attribute)
    if isinstance(value, bool):
        return ["true" if value else "false"]
    return _parts(value) if isinstance(value, str) else [str(value)] if value is not None else []


def _two_kinds(graph: PropertyGraph, path: Path) -> tuple[str, dict[str, str | None]] | None:
    """Roles by an attribute with two values, if directions tell them; the convention alone does not."""
    for attribute in _attributes_of_roles(graph):
        values = {key: next(iter(_values(node, attribute)), "").casefold() for key, node in graph.nodes.items()}
        kinds = set(values.values())
        if kinds not in _TWO_KINDS:
            continue
        edges = [e for e in graph.edges if e.source in values and e.target in values]
        if any(values[e.source] == values[e.target] for e in edges):
            continue
        starts = {values[e.source] for e in edges}
        if edges and len(starts) == 1 and all(graph.is_directed(e) for e in edges):
            start = starts.pop()
            return attribute, {key: "text" if value == start else "skill" for key, value in values.items()}
        first, second = sorted(kinds)
        example = {
            kind: [_shown_name(key, graph.nodes[key]) for key in values if values[key] == kind] for kind in kinds
        }
        raise AmbiguousError(
            f"attribute {attribute!r} splits the nodes in two groups, {first} ({quoted(example[first], 3)}) and "
            f"{second} ({quoted(example[second], 3)}), and the edges have no direction that shows which are the texts",
            path=path,
            readings=[
                (f"texts are {first}", f"text_label={first} and skill_label={second}"),
                (f"texts are {second}", f"text_label={second} and skill_label={first}"),
            ],
        )
    return None


def _shown_name(key: str, node: Node) -> str:
    return str(next((node.properties[name] for name in _NAMES if node.properties.get(name)), key))


def _identifiers(
    graph: PropertyGraph,
    builder: Builder,
    path: Path,
    roles: Mapping[str, str | None],
    given: str | None,
) -> dict[str, tuple[str, str]]:
    """Id of each node that has a role, and the property that it came from."""
    nodes = {key: node for key, node in graph.nodes.items() if roles[key] is not None}
    if given is not None:
        missing = next((key for key, node in nodes.items() if not node.properties.get(given)), None)
        if missing is not None:
            raise DataError(f"node {missing!r} has no property {given!r}", path=path, line=nodes[missing].line)
        return {key: (str(node.properties[given]), given) for key, node in nodes.items()}
    if graph.keyed or graph.own or not nodes or not all(_NUMBERED.fullmatch(key) for key in nodes):
        return {key: _own_id(key, node) for key, node in nodes.items()}
    if all(node.properties.get("id") for node in nodes.values()):
        return {key: _own_id(key, node) for key, node in nodes.items()}
    if any(_NUMBERED.fullmatch(key) is None or not _is_count(list(nodes)) for key in nodes):
        return {key: _own_id(key, node) for key, node in nodes.items()}
    for name in ("id", *_NAMES):
        found = {(roles[key], str(node.properties.get(name) or "")) for key, node in nodes.items()}
        if len(found) == len(nodes) and all(value for _, value in found):
            what = "label" if name == "_name" else f"attribute {name!r}"
            builder.problems.decide(
                path, "ids of nodes", f"their {what}", f"the file's own, as {next(iter(nodes))!r}, are only numbers",
                option="id_property",
            )  # fmt: skip
            return {key: (str(node.properties[name]), name) for key, node in nodes.items()}
    return {key: _own_id(key, node) for key, node in nodes.items()}


def _is_count(keys: list[str]) -> bool:
    """True for ids of one pattern, a prefix and a number, as programs give them; s1 beside t1 is a user's."""
    return len({re.sub(r"[0-9]+", "0", key) for key in keys if "::" not in key}) <= 1


def _own_id(key: str, node: Node) -> tuple[str, str]:
    found = node.properties.get("id")
    return (str(found), "id") if found not in {None, ""} else (key, "")


def _properties(
    node: Node, role: str, used: str, attribute: str, wanted: Mapping[str, set[str]], *, own: bool
) -> dict[str, Value]:
    """Properties of a node as those of a text, skill or model."""
    properties = dict(node.properties)
    if used:
        label_kept = properties.get(used) if used in {"name", "title", "label"} else None
        properties.pop(used, None)
        if label_kept is not None and role != "model":
            properties.setdefault({"text": "title", "skill": "name"}[role], label_kept)
    properties.pop("id", None)
    if role == "model" and properties.get("name") == node.properties.get("id"):
        properties.pop("name", None)  # what a store adds for those who look at its graph
    meaning = {"text": "title", "skill": "name"}.get(role)
    label = properties.pop("_name", None)
    if meaning is not None:
        other = "name" if role == "text" else "title"
        for candidate in (label, properties.get(other), properties.get("label")):
            if candidate and meaning not in properties:
                properties[meaning] = candidate
                for name in (other, "label"):
                    if properties.get(name) == candidate and not own:
                        properties.pop(name)
    for name in list(properties):
        # What a store or a program adds, and what says no more than that it is a text, a skill or a model.
        if name in {"key", "dataset", "labels", *_TOOLS} or (name == attribute and not own):
            properties.pop(name)
    if own:
        properties.pop("kind", None)
        properties = {_taken_back(name, role): value for name, value in properties.items()}
    return properties


def _taken_back(name: str, role: str) -> str:
    """A property's name before an export put the kind of the node before it."""
    rest = name.removeprefix(f"{role}_")
    return rest if rest != name and rest in {"kind", "key", "value", "label", "source", "target"} else name


def _is_apart(node: Node) -> bool:
    """Nodes of a store that describe the dataset or what was learned from it."""
    return any(label.casefold() in {"dataset", "layer"} for label in node.labels)


def _parts(value: Value) -> list[str]:
    """Labels as they are written into one attribute: ":Text:Item" or "Text;Item"."""
    return [part for part in value.replace(";", ":").split(":") if part] if isinstance(value, str) else []


def _role(said: list[str], wanted: Mapping[str, set[str]]) -> str | None:
    for role, names in wanted.items():
        if any(name.strip().casefold() in names for name in said):
            return role
    return None


def _roles_by_direction(graph: PropertyGraph, path: Path) -> dict[str, str | None]:
    edges = [edge for edge in graph.edges if edge.source in graph.nodes and edge.target in graph.nodes]
    sources = {edge.source for edge in edges}
    targets = {edge.target for edge in edges}
    if not all(graph.is_directed(edge) for edge in edges) or not sources or sources & targets:
        raise DataError(
            "does not say which nodes are texts and which are skills; give the nodes an attribute `kind` with the "
            "values text and skill, or name their labels with text_label and skill_label",
            path=path,
        )
    apart = [key for key in graph.nodes if key not in sources and key not in targets]
    if apart:
        raise DataError(
            f"node {apart[0]!r} has no edge ({plural(len(apart), 'such node')}), and only edges show which nodes are "
            "texts and which are skills; give the nodes an attribute kind with the values text and skill",
            path=path,
            line=graph.nodes[apart[0]].line,
        )
    return {key: "text" if key in sources else "skill" for key in graph.nodes}


def _said_kinds(edge: Edge) -> list[str]:
    said = [edge.kind] if edge.kind else []
    by_name = {name.casefold(): value for name, value in edge.properties.items()}
    return said + [value for name in _TYPE_ATTRIBUTES if isinstance(value := by_name.get(name), str) and value]


def _kind(edge: Edge) -> str | None:
    for name in _said_kinds(edge):
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
    other_types: Counter[str],
    *,
    any_known: bool,
) -> None:
    path = edge.path or path
    missing = next((end for end in (edge.source, edge.target) if end not in graph.nodes), None)
    if missing is not None:
        what = "a group of nodes" if missing in graph.groups else "not a node"
        builder.problems.report("unknown node", f"an edge ends at {missing!r}, which is {what}", path, edge.line)
        return
    if edge.source not in ids or edge.target not in ids:
        return  # the node was reported, or belongs to no dataset
    source, target = ids[edge.source], ids[edge.target]
    ends = (roles[edge.source], roles[edge.target])
    kind = _kind(edge)
    if kind in _NOT_OF_A_DATASET:
        return
    if ends == ("skill", "text") and not graph.is_directed(edge):
        source, target, ends = target, source, ("text", "skill")
    if ends == ("text", "skill") and kind in {"requires", None}:
        said = next(iter(_said_kinds(edge)), None)
        if kind is None and said is not None and said.casefold() not in {"directed", "undirected"}:
            if any_known:
                builder.problems.report(
                    "unexpected edge", f"an edge {said!r} from text {source!r} to skill {target!r}, where others are "
                    "REQUIRES; leave it out with --lenient", path, edge.line,
                )  # fmt: skip
                return
            other_types[said] += 1
        weight = _number(_by_name(edge.properties, "weight"), 1.0)
        if weight is None or not weight > 0:
            builder.problems.report(
                "no weight",
                f"weight {_by_name(edge.properties, 'weight')!r} must be a positive number",
                path,
                edge.line,
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


def _by_name(properties: Mapping[str, Value], name: str) -> Value:
    return next((value for key, value in properties.items() if key.casefold() == name), None)


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
    if name in {"int", "long", "integer", "short", "byte", "float", "double", "bool", "boolean"} and not value.strip():
        return None
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
