"""Names and values as the embedded graph stores them, and back.

kglite, the embedded graph, gives every node fields of its own called `id`, `title` and `type`, answers some more
names from them (`name`, `label`, ...), and finds only one node of those that share an `id`. The graph schema has
properties of these names with other meanings. So they are stored under a prefix, and wherever a statement names
such a property the prefix is added, on parameters too; results are shown without it. What kglite itself adds
(bare `id`, `title`, `type`) can then never be a property of ours, and is left out of results.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time
from typing import Any

from explorer.store.protocol import Node, Path, Relationship

__all__ = [
    "CHAIN",
    "KEYS",
    "PREFIX",
    "quoted",
    "shown_text",
    "shown_value",
    "stored_key",
    "stored_name",
    "stored_value",
]

PREFIX = "skillgraph_"
"""Put before the name of a stored property that kglite would answer itself."""

CHAIN = f"{PREFIX}chain_"
"""Begins the type of relationships that were put together for one query, before a number and their own type."""

_NODE_FIELDS = ("id", "title", "type", "name", "label", "node_type")
_RELATIONSHIP_FIELDS = ("connection_type", "start", "end", "start_id", "end_id")
# A result spells a path as a map with these keys; no map of the user's may look like one.
_PATH_FIELDS = ("nodes", "relationships")
_RENAMED = frozenset((*_NODE_FIELDS, *_RELATIONSHIP_FIELDS, *_PATH_FIELDS))
_ADDED = frozenset({"id", "title", "type"})
_SHOWN = re.compile(rf"\b{PREFIX}({'|'.join(sorted(_RENAMED))})\b")
# An index or a constraint as db.schema.visualization() writes it: Skill.(dataset,skillgraph_id)
_INDEX = re.compile(r"\w+\.(?:\w+|\(\w+(?:,\w+)*\))")
_CHAINED = re.compile(rf"{CHAIN}\d+_(.*)", re.DOTALL)
_FUNCTIONS = {"percentilecont": "percentile_cont", "percentiledisc": "percentile_disc"}
_SHOWN_FUNCTIONS = {"percentile_cont(": "percentileCont(", "percentile_disc(": "percentileDisc("}
# keys(x) without what kglite adds, by the names that people know.
KEYS = (
    "[skillgraph_key IN keys(",
    (
        f") WHERE NOT skillgraph_key IN ['id', 'title', 'type'] | CASE WHEN skillgraph_key STARTS WITH '{PREFIX}' "
        f"THEN substring(skillgraph_key, {len(PREFIX)}) ELSE skillgraph_key END]"
    ),
)


def stored_name(name: str) -> str:
    """Name under which a property is stored.

    >>> stored_name("title"), stored_name("class")
    ('skillgraph_title', 'class')
    """
    return PREFIX + name if name in _RENAMED else name


def stored_key(key: str) -> str:
    """An expression for the stored name of a property whose name is only known when the query runs."""
    renamed = ", ".join(f"'{name}'" for name in sorted(_RENAMED))
    return f"CASE WHEN ({key}) IN [{renamed}] THEN '{PREFIX}' + ({key}) ELSE ({key}) END"


def quoted(name: str) -> str:
    """The stored name of a property, in backticks, for a statement."""
    return "`" + stored_name(name).replace("`", "``") + "`"


def stored_value(value: Any) -> Any:
    """A parameter with the keys of its maps as they are stored."""
    if isinstance(value, Mapping):
        return {stored_name(key): stored_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [stored_value(item) for item in value]
    return value


def shown_text(text: str) -> str:
    """A message or a column's name with properties as the user knows them."""
    for start, end in ((KEYS[1], ")"), (KEYS[0], "keys("), *_SHOWN_FUNCTIONS.items()):
        text = text.replace(start, end)
    return _SHOWN.sub(r"\1", text)


def shown_value(value: Any) -> Any:
    """A result as the protocol's records, scalars, lists and maps; times become ISO 8601 text."""
    if isinstance(value, Mapping):
        return _shown_map(value)
    if isinstance(value, list | tuple):
        return [shown_value(item) for item in value]
    if isinstance(value, str):
        if PREFIX not in value:
            return value
        match = _SHOWN.fullmatch(value) or _CHAINED.fullmatch(value)
        if match is None and _INDEX.fullmatch(value):
            return shown_text(value)
        return match[1] if match else value
    return value.isoformat() if isinstance(value, date | time) else value


def _shown_map(value: Mapping[str, Any]) -> Any:
    keys = value.keys()
    if keys == {"id", "labels", "properties"}:
        return Node(str(value["id"]), tuple(value["labels"]), _properties(value["properties"]))
    if keys == {"id", "start", "end", "type", "properties"}:
        start, end = str(value["start"]), str(value["end"])
        return Relationship(str(value["id"]), shown_value(value["type"]), start, end, _properties(value["properties"]))
    if keys == {"nodes", "relationships"}:
        return Path(tuple(map(shown_value, value["nodes"])), tuple(map(shown_value, value["relationships"])))
    if keys == {"months", "days", "seconds"}:
        return _duration(value)
    return _properties(value)


def _duration(value: Mapping[str, int]) -> str:
    """A duration as ISO 8601 text, as Neo4j's driver writes it."""
    from neo4j.time import Duration

    return Duration(months=value["months"], days=value["days"], seconds=value["seconds"]).iso_format()


def _properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    shown = {key.removeprefix(PREFIX): shown_value(item) for key, item in properties.items() if key not in _ADDED}
    return dict(sorted(shown.items()))
