"""Datasets from what a program already has in memory: Arrow tables, sparse matrices, edges, graphs of networkx.

Frames of pandas and polars become Arrow tables first; none of these packages is imported here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from loaders._arrow import require_utf8
from loaders.dataset import Dataset, build_dataset
from loaders.errors import DataError

__all__ = ["dataset_from_edges", "dataset_from_matrix", "dataset_from_networkx", "dataset_from_tables"]

_ID_COLUMNS = {
    "prerequisites": ("prerequisite", "skill"),
    "part_of": ("child", "parent"),
    "outcomes": ("model", "text"),
}
_ID_TYPES = (pa.types.is_null, pa.types.is_string, pa.types.is_large_string, pa.types.is_integer)
_KINDS = {"text": "text", "skill": "skill", 0: "text", 1: "skill"}


def dataset_from_tables(
    requirements: pa.Table,
    *,
    name: str,
    source: str = "arrow",
    part: str | None = None,
    text: str = "text",
    skill: str = "skill",
    weight: str = "weight",
    texts: pa.Table | None = None,
    skills: pa.Table | None = None,
    prerequisites: pa.Table | None = None,
    part_of: pa.Table | None = None,
    models: pa.Table | None = None,
    outcomes: pa.Table | None = None,
) -> Dataset:
    """A dataset from Arrow tables.

    Args:
        requirements: A row for each pair of a text and a skill that it requires, or a row for each text with a
            column of lists of skills. Ids are text or integers. A column `weight` may say how often or how strongly.
        name: Name of the dataset.
        source: Where the tables come from, for the provenance.
        part: Part that texts belong to whose table does not say it.
        text: Column of `requirements` with the ids of texts.
        skill: Column with the ids of skills, or with lists of them.
        weight: Column with weights; may be missing.
        texts: Attributes of texts by `id` (or by the column named `text`): `title`, `class`, `part` and further ones;
            texts that require nothing are only here. None if there are none.
        skills: Attributes of skills by `id` (or by the column named `skill`): `name`, `class`, `level` and
            further ones.
        prerequisites: `prerequisite, skill`.
        part_of: `child, parent`.
        models: `id, role, base`; by default the models of `outcomes`.
        outcomes: `model, text, score`, scores in 0-1 or true and false.

    Returns:
        The dataset.

    Raises:
        DataError: A column that is missing, an id that is empty or no id, or what `build_dataset` refuses.

    >>> found = dataset_from_tables(pa.table({"text": [1, 1, 2], "skill": ["a", "b", "b"]}), name="small")
    >>> found.n_texts, found.n_skills, found.n_requirements
    (2, 2, 3)
    """
    pairs, named = _pairs(_plain(requirements, "requirements"), text, skill, weight)
    nodes = {
        "texts": _nodes(texts, "texts", text, named),
        "skills": _nodes(skills, "skills", skill, pairs["skill"]),
    }
    if part is not None and "part" not in nodes["texts"].column_names:
        nodes["texts"] = nodes["texts"].append_column("part", pa.repeat(part, nodes["texts"].num_rows))
    links = {
        key: None if table is None else _with_ids(_plain(table, key), key, _ID_COLUMNS[key])
        for key, table in (("prerequisites", prerequisites), ("part_of", part_of), ("outcomes", outcomes))
    }
    attempts = links.pop("outcomes")
    if attempts is not None and "score" in attempts.column_names and pa.types.is_boolean(attempts["score"].type):
        place = attempts.column_names.index("score")
        attempts = attempts.set_column(place, "score", attempts["score"].cast(pa.int8()))
    known = attempts["model"] if attempts is not None else pa.chunked_array([], pa.string())
    return build_dataset(
        name,
        texts=nodes["texts"],
        skills=nodes["skills"],
        requirements=pairs,
        models=_nodes(models, "models", "model", known),
        attempts=attempts,
        provenance={"source": source, "loader": "memory"},
        **links,
    )


def dataset_from_edges(edges: Iterable[Sequence[Any]], *, name: str, part: str | None = None, **tables: Any) -> Dataset:
    """A dataset from pairs (text, skill) or triples (text, skill, weight).

    Args:
        edges: The pairs.
        name: Name of the dataset.
        part: See `dataset_from_tables`.
        tables: `texts`, `skills` and the others of `dataset_from_tables`.

    Returns:
        The dataset.

    Raises:
        DataError: An edge that is no pair or triple, or what `dataset_from_tables` refuses.

    >>> dataset_from_edges([("t1", "a"), ("t2", "a"), ("t2", "b")], name="small").n_requirements
    3
    """
    found: list[tuple[Any, ...]] = []
    for row, edge in enumerate(edges):
        if not isinstance(edge, tuple | list) or len(edge) not in (2, 3):
            raise DataError(f"edge {row + 1} is {edge!r}: give (text, skill) or (text, skill, weight)")
        found.append((*edge, 1.0) if len(edge) == 2 else tuple(edge))
    texts, skills, weights = zip(*found, strict=True) if found else ((), (), ())
    table = pa.table({"text": _ids(texts, "text"), "skill": _ids(skills, "skill"), "weight": _weights(weights)})
    return dataset_from_tables(table, name=name, source="edges", part=part, **tables)


def dataset_from_matrix(
    matrix: Any,
    *,
    name: str,
    part: str | None = None,
    text_ids: Sequence[Any] | None = None,
    skill_ids: Sequence[Any] | None = None,
    **tables: Any,
) -> Dataset:
    """A dataset from a sparse matrix of scipy, texts by skills; what is not zero is required.

    Args:
        matrix: Shape (T, S); of any of scipy's sparse formats. Values are weights, of which none is negative.
        name: Name of the dataset.
        part: See `dataset_from_tables`.
        text_ids: Ids of the rows; `t0`, `t1`, … with as many digits as the last one needs by default.
        skill_ids: Ids of the columns; `s0`, `s1`, … by default.
        tables: `texts`, `skills` and the others of `dataset_from_tables`.

    Returns:
        The dataset; texts and skills that nothing links are in it too.

    Raises:
        DataError: Not a sparse matrix of two dimensions, ids that are not one for each row or column, or what
            `dataset_from_tables` refuses.
    """
    if not hasattr(matrix, "tocoo") or len(getattr(matrix, "shape", ())) != 2:
        raise DataError(f"a sparse matrix of scipy is expected, texts by skills, not {type(matrix).__name__}")
    entries = matrix.tocoo()
    n_texts, n_skills = matrix.shape
    text_names = _numbered("t", n_texts) if text_ids is None else _one_each(text_ids, n_texts, "text_ids", "rows")
    skill_names = (
        _numbered("s", n_skills) if skill_ids is None else _one_each(skill_ids, n_skills, "skill_ids", "columns")
    )
    values = np.asarray(entries.data, dtype=float)
    there = values != 0.0
    if (values < 0).any():
        row = int(np.flatnonzero(values < 0)[0])
        raise DataError(
            f"the matrix holds {values[row]:g} at row {entries.row[row]}, column {entries.col[row]}: weights "
            "are positive"
        )
    pairs = pa.table(
        {
            "text": text_names.take(pa.array(entries.row[there])),
            "skill": skill_names.take(pa.array(entries.col[there])),
            "weight": pa.array(values[there]),
        }
    )
    nodes = {"texts": pa.table({"id": text_names}), "skills": pa.table({"id": skill_names})}
    given = {key: table for key, table in tables.items() if table is not None}
    return dataset_from_tables(pairs, name=name, source="scipy", part=part, **{**nodes, **given})


def dataset_from_networkx(graph: Any, *, name: str, part: str | None = None) -> Dataset:
    """A dataset from a graph of networkx.

    What is a text and what a skill is said by the node attribute `kind` (`text` or `skill`, as exported graphs have it)
    or `bipartite` (0 or 1, networkx's own); without them by the direction of the edges, from texts to skills. The other
    attributes of nodes are kept, of edges `weight`. Edges between two skills are kept where their attribute `kind` is
    `prerequisite` or `part_of`.

    Args:
        graph: A Graph, DiGraph or a multigraph.
        name: Name of the dataset.
        part: See `dataset_from_tables`.

    Returns:
        The dataset.

    Raises:
        DataError: It is no graph of networkx, a node of which it is not known what it is, or an edge between two texts.
    """
    if not all(hasattr(graph, asked) for asked in ("nodes", "edges", "is_directed")):
        raise DataError(f"a graph of networkx is expected, not {type(graph).__name__}")
    kinds = _node_kinds(graph)
    ids = {node: _node_id(node, data, kinds[node]) for node, data in graph.nodes(data=True)}
    pairs: list[tuple[str, str, float]] = []
    links: dict[str, list[tuple[str, str]]] = {"prerequisite": [], "part_of": []}
    for one, other, data in graph.edges(data=True):
        between = (kinds[one], kinds[other])
        if between == ("text", "skill"):
            pairs.append((ids[one], ids[other], float(data.get("weight", 1.0))))
        elif between == ("skill", "text"):
            pairs.append((ids[other], ids[one], float(data.get("weight", 1.0))))
        elif between == ("skill", "skill") and data.get("kind") in links:
            links[data["kind"]].append((ids[one], ids[other]))
        elif "other" not in between:
            raise DataError(
                f"edge ({one!r}, {other!r}) joins two {kinds[one]}s: a text is joined to the skills it requires"
            )
    tables = {kind: _node_table(graph, kinds, ids, kind) for kind in ("text", "skill")}
    before, after = zip(*links["prerequisite"], strict=True) if links["prerequisite"] else ((), ())
    child, parent = zip(*links["part_of"], strict=True) if links["part_of"] else ((), ())
    return dataset_from_edges(
        pairs,
        name=name,
        part=part,
        texts=tables["text"] if tables["text"].num_rows else None,
        skills=tables["skill"] if tables["skill"].num_rows else None,
        prerequisites=pa.table({"prerequisite": pa.array(before, pa.string()), "skill": pa.array(after, pa.string())}),
        part_of=pa.table({"child": pa.array(child, pa.string()), "parent": pa.array(parent, pa.string())}),
    )


# Pieces -------------------------------------------------------------------------------------------------------


def _pairs(table: pa.Table, text: str, skill: str, weight: str) -> tuple[pa.Table, pa.ChunkedArray]:
    """Pairs with weights, and the ids of all texts: one with an empty list of skills has no pair."""
    for column, option in ((text, "text"), (skill, "skill")):
        if column not in table.column_names:
            there = ", ".join(map(repr, table.column_names)) or "none"
            raise DataError(
                f"there is no column {column!r} (its columns: {there}): name the one that holds it with {option}=…"
            )
    kept = {"text": table[text], "skill": table[skill]}
    if weight in table.column_names:
        kept["weight"] = table[weight]
    pairs = pa.table(kept)
    texts = _id_column(pairs["text"], "requirements", text)
    if pa.types.is_list(pairs["skill"].type) or pa.types.is_large_list(pairs["skill"].type):
        lists = pairs["skill"].combine_chunks()
        lists = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
        rows = pc.list_parent_indices(lists)
        pairs = pairs.drop_columns(["skill"]).take(rows).append_column("skill", pc.list_flatten(lists))
    return _with_ids(pairs, "requirements", ("text", "skill"), {"text": text, "skill": skill}), texts


def _plain(table: Any, key: str) -> pa.Table:
    """The table with dictionary columns decoded, its texts looked at."""
    if not isinstance(table, pa.Table):
        raise DataError(f"{key}: an Arrow table is expected, not {type(table).__name__}")
    require_utf8(table, what=key)
    for place, column in enumerate(table.columns):
        if pa.types.is_dictionary(column.type):
            table = table.set_column(place, table.column_names[place], column.cast(column.type.value_type))
    return table


def _with_ids(table: pa.Table, key: str, columns: Sequence[str], shown: Mapping[str, str] | None = None) -> pa.Table:
    for column in columns:
        if column in table.column_names:
            ids = _id_column(table[column], key, (shown or {}).get(column, column))
            table = table.set_column(table.column_names.index(column), column, ids)
    return table


def _id_column(column: pa.ChunkedArray, key: str, name: str) -> pa.ChunkedArray:
    """Ids as text; integers are as they are written."""
    if column.null_count:
        row = pc.index(pc.is_null(column), value=True).as_py()
        raise DataError(f"{key}, row {row + 1}: {name!r} is empty")
    kind = column.type
    if any(is_kind(kind) for is_kind in _ID_TYPES):
        found = column.cast(pa.string())
    else:
        raise DataError(
            f"{key}, column {name!r} holds {kind}, and ids are text or integers: convert it, as with astype(str)"
        )
    empty = pc.index(found, value="").as_py()
    if empty >= 0:
        raise DataError(f"{key}, row {empty + 1}: {name!r} is empty")
    return found


def _nodes(table: pa.Table | None, key: str, named: str, used: pa.ChunkedArray) -> pa.Table:
    """The table of nodes; without one, those that are used."""
    if table is None:
        return pa.table({"id": pc.unique(used)})
    table = _plain(table, key)
    if "id" not in table.column_names and named in table.column_names:
        table = table.rename_columns(["id" if column == named else column for column in table.column_names])
    return _with_ids(table, key, ("id",))


def _ids(values: Sequence[Any], name: str) -> pa.Array:
    for row, value in enumerate(values):
        if value is None or isinstance(value, bool) or not isinstance(value, str | int | np.integer):
            raise DataError(f"edge {row + 1}: {name} {value!r} is no id; ids are text or integers")
    return pa.array([str(value) for value in values], pa.string())


def _weights(values: Sequence[Any]) -> pa.Array:
    try:
        return pa.array([float(value) for value in values], pa.float64())
    except (TypeError, ValueError) as error:
        raise DataError(f"a weight must be a number: {error}") from None


def _numbered(letter: str, count: int) -> pa.Array:
    digits = len(str(max(count - 1, 0)))
    return pa.array([f"{letter}{number:0{digits}d}" for number in range(count)], pa.string())


def _one_each(ids: Sequence[Any], count: int, option: str, what: str) -> pa.Array:
    if len(ids) != count:
        raise DataError(f"{option} names {len(ids)} where the matrix has {count} {what}")
    return _ids(list(ids), option)


def _node_kinds(graph: Any) -> dict[Any, str]:
    kinds: dict[Any, str] = {}
    for node, data in graph.nodes(data=True):
        said = data.get("kind", data.get("bipartite"))
        if said is not None and said not in _KINDS:
            if said == "model":
                kinds[node] = "other"
                continue
            raise DataError(f"node {node!r} is of kind {said!r}: give 'text' or 'skill', or bipartite 0 or 1")
        if said is not None:
            kinds[node] = _KINDS[said]
        elif graph.is_directed() and graph.degree(node):
            out, into = graph.out_degree(node), graph.in_degree(node)
            if out and into:
                raise DataError(
                    f"node {node!r} has edges both from and to it, so it could be a text or a skill: give nodes the "
                    "attribute kind, 'text' or 'skill'"
                )
            kinds[node] = "text" if out else "skill"
        else:
            raise DataError(
                f"it is not known whether node {node!r} is a text or a skill: give nodes the attribute kind, 'text' or "
                "'skill', or bipartite, 0 for texts and 1 for skills"
            )
    return kinds


def _node_table(graph: Any, kinds: Mapping[Any, str], ids: Mapping[Any, str], kind: str) -> pa.Table:
    rows = [(ids[node], data) for node, data in graph.nodes(data=True) if kinds[node] == kind]
    names = dict.fromkeys(key for _, data in rows for key in data if key not in ("id", "kind", "bipartite"))
    columns = {"id": pa.array([identifier for identifier, _ in rows], pa.string())}
    for key in names:
        try:
            columns[str(key)] = pa.array([data.get(key) for _, data in rows])
        except pa.ArrowException as error:
            raise DataError(f"attribute {key!r} of the {kind}s is not of one type: {error}") from None
    return pa.table(columns)


def _node_id(node: Any, data: Mapping[str, Any], kind: str) -> str:
    """Its attribute `id`, as exported graphs have it, or the node itself."""
    said = data.get("id", node)
    if isinstance(said, str) and said.startswith(f"{kind}:") and "id" not in data:
        return said.removeprefix(f"{kind}:")
    if isinstance(said, bool) or not isinstance(said, str | int | np.integer):
        raise DataError(f"node {node!r} is no id: ids are text or integers, in the node or its attribute id")
    return str(said)
