"""The style sheet for Neo4j Browser names labels, types and properties of the schema."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def schema() -> dict[str, set[str]]:
    """Properties of each label and relationship type, from docs/schema.md."""
    found: dict[str, set[str]] = {}
    for part in (DOCS / "schema.md").read_text(encoding="utf-8").split("\n### ")[1:]:
        heading, _, rest = part.partition("\n")
        name = re.search(r"`[(\[]:(\w+)[)\]]`", heading)
        if name:
            found[name[1]] = set(re.findall(r"^\| `(\w+)` \|", rest, re.MULTILINE))
    return found


def test_every_style_is_of_the_schema_and_every_node_has_a_caption() -> None:
    known = schema()
    text = (DOCS / "neo4j-browser.grass").read_text(encoding="utf-8")
    assert text.count("{\n") == text.count("\n}")
    styles = re.findall(r"^(node|relationship)\.(\w+) \{(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    for _, name, body in styles:
        assert set(re.findall(r"\{(\w+)\}", body)) <= known[name], name
    nodes = {name: body for kind, name, body in styles if kind == "node"}
    assert set(nodes) == {"Dataset", "Text", "Skill", "Model", "Layer"}
    assert all(re.search(r'^  caption: "\{(name|title)\}";$', body, re.MULTILINE) for body in nodes.values())
