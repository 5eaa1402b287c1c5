"""What the page's callbacks answer with."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypedDict
from urllib.parse import urlencode

import numpy as np
from dash import html, no_update

from explorer.errors import QueryError
from explorer.store.protocol import Node, Path, QueryResult, Relationship
from explorer.wording import isolated, plural
from loaders.gate import parse_json
from loaders.spreadsheet import escaped
from ui.content import Child, Content, Update
from ui.drawing.graphs import NODE_LIMIT
from ui.drawing.layouts import communities, islands
from ui.drawing.style import CATEGORIES, OTHER
from ui.typed import Cell, Element, Properties

__all__ = [
    "AT_ONCE",
    "EXAMPLE",
    "MAX_ROWS",
    "MOST_ADDED",
    "Answer",
    "Result",
    "answered",
    "ended",
    "plain",
    "read_parameters",
    "result_csv",
    "result_elements",
    "result_json",
    "result_rows",
    "result_skills",
    "rows_with_skills",
    "skills_link",
]


class Result(TypedDict):
    """What the page keeps of a result.

    Attributes:
        columns: Names, in the order of RETURN.
        rows: Cells keyed c0, c1, …
        elements: The graph.
        skills: See `result_skills`.
    """

    columns: list[str]
    rows: list[dict[str, Cell]]
    elements: list[Element]
    skills: list[list[str]]


Answer: TypeAlias = tuple[
    Update[Properties], Update[Result | None], Update[Content], Update[str], Update[dict[str, str]]
]
"""Where a query stands, its result, the line above it, the view that suits it, and the style of its Cancel button."""

MAX_ROWS = 1_000


_MAX_NODES = NODE_LIMIT


MOST_ADDED = 200
"""Skills of a result that the graph page takes: they are in its address."""


AT_ONCE = 1.0  # seconds that the first answer waits for the result, before the page asks again and again


EXAMPLE = '{"name": "sorted"}'


def ended(summary: Content) -> Answer:
    """What the page shows of a query that has no result."""
    return {"running": False}, None, summary, no_update, {"display": "none"}


def answered(result: QueryResult) -> Answer:
    """What the page shows of a result."""
    columns, rows = result_rows(result)
    elements = result_elements(result)
    links = sum("source" in element["data"] for element in elements)
    shown = "graph" if links and len(elements) > 1 else "table"
    data: Result = {"columns": columns, "rows": rows, "elements": elements, "skills": result_skills(result)}
    summary: list[Child] = [_metrics(result, len(elements) - links, links)]
    left_out = len(result.graph()[0]) - (len(elements) - links)
    if left_out:
        summary.append(html.Div(f"The graph leaves out {left_out:,} nodes: give the query a smaller LIMIT."))
    summary += [html.Div(text, className="query-warning") for text in result.warnings]
    return {"running": False}, data, summary, shown, {"display": "none"}


def _metrics(result: QueryResult, nodes: int, links: int) -> str:
    """Rows, columns, what the graph shows, and the time that the store took."""

    def count(n: int, one: str, many: str) -> str:
        return f"{n:,} {one if n == 1 else many}"

    digits = 2 if result.seconds >= 0.1 else 4
    text = f"{count(len(result.rows), 'row', 'rows')} in {result.seconds:.{digits}f} s"
    text += f" · {count(len(result.columns), 'column', 'columns')}"
    if nodes:
        text += f" · {count(nodes, 'node', 'nodes')} and {count(links, 'relationship', 'relationships')}"
    return text + (f" · only the first {MAX_ROWS:,} rows are shown" if result.truncated else "")


def result_csv(result: Result) -> str:
    """The shown rows as CSV, columns in the order of RETURN; no spreadsheet runs a cell of it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(escaped, result["columns"]))
    writer.writerows([escaped(row[f"c{i}"]) for i in range(len(result["columns"]))] for row in result["rows"])
    return out.getvalue()


def result_json(result: Result) -> str:
    """The shown rows as JSON: `columns`, and `rows` as lists in their order."""
    rows = [[row[f"c{i}"] for i in range(len(result["columns"]))] for row in result["rows"]]
    return json.dumps({"columns": result["columns"], "rows": rows}, ensure_ascii=False)


def read_parameters(text: str | None) -> Properties:
    """The parameters of a query.

    Raises:
        QueryError: They are no object of JSON.
    """
    if not text or not text.strip():
        return {}
    try:
        given = parse_json(text)
    except json.JSONDecodeError as error:
        raise QueryError(
            f'the parameters are not JSON ({error.msg} at character {error.pos + 1}): write {{"name": "sorted"}}'
        ) from None
    except ValueError as error:
        raise QueryError(f'the parameters are JSON that {error}: write {{"name": "sorted"}}') from None
    if not isinstance(given, dict):
        raise QueryError(f"the parameters must be a JSON object, such as {EXAMPLE}")
    return given


def plain(value: object) -> str | int | float | None:
    """A value of a result as a cell of a table."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Node):
        return f"(:{':'.join(value.labels)} {_caption(value)})"
    if isinstance(value, Relationship):
        facts = ", ".join(f"{key}: {fact}" for key, fact in value.properties.items())
        return f"[:{value.type}{' {' + facts + '}' if facts else ''}]"
    if isinstance(value, Path):
        return " → ".join(_caption(node) for node in value.nodes)
    if isinstance(value, Mapping):
        return json.dumps({key: plain(item) for key, item in value.items()}, ensure_ascii=False)
    if isinstance(value, Sequence):
        return ", ".join(str(plain(item)) for item in value)
    return str(value)


def _caption(node: Node) -> str:
    found = node.properties
    return isolated(str(found.get("name") or found.get("title") or found.get("key") or node.id))


def result_rows(result: QueryResult) -> tuple[list[str], list[dict[str, Cell]]]:
    """Column names, and rows keyed c0, c1, … so that dots in names mean nothing."""
    rows = [{f"c{i}": plain(value) for i, value in enumerate(row)} for row in result.rows]
    for cells, row in zip(rows, result.rows, strict=True):
        skill = next((node for node in row if isinstance(node, Node) and "Skill" in node.labels), None)
        if skill is not None and "id" in skill.properties:
            cells["skill"] = str(skill.properties["id"])
            cells["skill_dataset"] = str(skill.properties.get("dataset", ""))
    return list(result.columns), rows


def rows_with_skills(result: Result, dataset: str, names: Mapping[str, str]) -> list[dict[str, Cell]]:
    """Rows with the id of the skill that each is about; the rows as they are if they are about none.

    They are about skills if they hold nodes of skills, or if all of a column is called as skills are.

    Args:
        result: What `answered` kept of a result.
        dataset: The dataset that the page is about.
        names: Names of its skills by id.
    """
    rows = result["rows"]
    if any("skill" in row for row in rows):
        return [
            {**row, "why": row["skill"]} if row.get("skill_dataset") == dataset and row["skill"] in names else row
            for row in rows
        ]
    ids: dict[str, str] = {}
    for key, name in names.items():
        ids.setdefault(name, key)
    ids |= {key: key for key in names}
    for i in range(len(result["columns"])):
        cells = [row[f"c{i}"] for row in rows if row[f"c{i}"] is not None]
        if cells and all(isinstance(cell, str) and cell in ids for cell in cells):
            return [{**row, "why": ids[str(row[f"c{i}"])]} if row[f"c{i}"] is not None else row for row in rows]
    return rows


def result_skills(result: QueryResult) -> list[list[str]]:
    """Skills among the nodes of a result: pairs of dataset and id, in the order of the result."""
    nodes, _ = result.graph()
    found = [node.properties for node in nodes.values() if "Skill" in node.labels and "id" in node.properties]
    return [[str(facts.get("dataset", "")), str(facts["id"])] for facts in found]


def skills_link(result: Result | None, dataset: str | None, layer: str | None) -> tuple[str, str, bool]:
    """Address of the graph page with a result's skills added, what the link says, and whether it is hidden."""
    ids = [name for place, name in (result.get("skills", []) if result else []) if place in {"", dataset}]
    if not ids or dataset is None or layer is None:
        return "", "", True
    some = ids[:MOST_ADDED]
    query = {"dataset": dataset, "layer": layer, "add": json.dumps(some, ensure_ascii=False)}
    number = plural(len(ids), "skill") if len(some) == len(ids) else f"the first {len(some):,} of {len(ids):,} skills"
    return f"/graph?{urlencode(query)}", f"Add {number} to the graph", False


def result_elements(result: QueryResult) -> list[Element]:
    """Nodes and relationships of a result as Cytoscape elements, laid out; at most a few hundred nodes."""
    nodes, links = result.graph()
    shown = list(nodes.values())[:_MAX_NODES]
    place = {node.id: i for i, node in enumerate(shown)}
    kept = [link for link in links.values() if link.start in place and link.end in place]
    if not shown:
        return []
    source = np.array([place[link.start] for link in kept], dtype=np.int64)
    target = np.array([place[link.end] for link in kept], dtype=np.int64)
    n, ones = len(shown), np.ones(len(kept))
    degree = np.bincount(source, minlength=n) + np.bincount(target, minlength=n)
    radius = 7.0 + 2.0 * np.sqrt(degree)
    where = islands(communities(n, source, target, ones), radius, source, target, ones)
    captions = [_caption(node) for node in shown]
    labels = sorted({node.labels[0] if node.labels else "" for node in shown})
    colours = {name: CATEGORIES[i] if i < len(CATEGORIES) else OTHER for i, name in enumerate(labels)}
    elements: list[Element] = [
        {
            "data": {
                "id": f"n:{node.id}",
                "label": captions[i][:34],
                "name": captions[i],
                "class": ":".join(node.labels),
                "size": round(float(2.0 * radius[i] * where.scale * 0.8), 1),
                "c_class": colours[node.labels[0] if node.labels else ""],
            },
            "position": {"x": round(float(where.x[i]), 1), "y": round(float(where.y[i]), 1)},
        }
        for i, node in enumerate(shown)
    ]
    elements += [
        {
            "data": {
                "id": f"r:{link.id}",
                "source": f"n:{link.start}",
                "target": f"n:{link.end}",
                "width": 1.2,
                "opacity": 0.45,
            }
        }
        for link in kept
    ]
    return elements
