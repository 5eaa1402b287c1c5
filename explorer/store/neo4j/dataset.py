"""A dataset's nodes and relationships in Neo4j: staged, published, retired, and read back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from explorer.errors import NotFoundError, StoreError
from explorer.store.neo4j.change import LONGEST_LOOKUP, Change, Step, new_label
from explorer.store.neo4j.reading import (
    NodeIndex,
    fill_pairs,
    index_of,
    join_indices,
    node_index,
    read_nodes,
    read_pairs,
)
from explorer.store.protocol import Progress
from explorer.store.records import (
    EDGE_TABLES,
    NODE_LABELS,
    EdgeTable,
    dataset_info,
    dataset_schemas,
    edge_properties,
    node_key,
    node_rows,
    tags_are_kept,
)
from loaders.dataset import EMPTY_TABLES, TAG_COLUMNS, Dataset

if TYPE_CHECKING:
    from neo4j import ManagedTransaction, Transaction

__all__ = [
    "BATCH",
    "DatasetReader",
    "DatasetStage",
    "added_rows",
    "check_count",
    "common_nodes",
    "dataset_node_of",
    "dataset_steps",
    "has_long_values",
    "index_key",
    "rename_dataset_nodes",
    "require_dataset",
    "retire_dataset",
    "sizes_of",
    "skills_of",
    "stage_lists",
    "stage_rows",
]

BATCH = 10_000
"""Rows that one statement writes."""
# Neo4j indexes strings of up to 8 kB; staging puts some hundred characters before a key.
_LONGEST_KEY = 6_000
_BOTH_ENDS = "UNWIND $rows AS row MATCH (a) WHERE id(a) = row[0] MATCH (b) WHERE id(b) = row[1]"


def index_key(key: str) -> str:
    """The key under which Neo4j keeps a node: the key itself, or a digest of its id where the index cannot hold it.

    >>> index_key("stdlib/ast.parse")
    'stdlib/ast.parse'
    >>> index_key("d/" + "x" * 10_000)[:12]
    'd/sha256:...'
    """
    if len(key) * 4 <= _LONGEST_KEY or len(key.encode()) <= _LONGEST_KEY:
        return key
    dataset, _, identifier = key.partition("/")
    return f"{dataset}/sha256:{hashlib.sha256(identifier.encode()).hexdigest()}"


def has_long_values(dataset: Dataset) -> bool:
    """True if an id or a name is too long for the indexes by which they are looked up."""
    columns = [
        dataset.texts["id"],
        *(dataset.skills[name] for name in ("id", "name") if name in dataset.skills.schema.names),
    ]
    return any((pc.max(pc.binary_length(column)).as_py() or 0) > LONGEST_LOOKUP for column in columns)


class DatasetStage:
    """Rows of a dataset into the drafts of a change, and the drafts into the graph."""

    def __init__(
        self,
        change: Change,
        dataset: Dataset,
        progress: Progress | None,
    ) -> None:
        self._change = change
        self._dataset = dataset
        self._progress = progress
        self._nodes = {table: index_of([]) for table in NODE_LABELS}
        self._there = dict(self._nodes)
        self._kept = dict(self._nodes)
        self._done = 0
        self._total = sum(table.num_rows for table in dataset.tables().values())

    def find(self, tables: Iterable[str], named: Mapping[str, pa.Array] | None = None) -> None:
        """Find the nodes of some tables that are there already: they are not staged, and relationships reach them.

        Those with the ids of the tables' rows, or the ones that are named.
        """
        for table in tables:
            rows = (named or {}).get(table, getattr(self._dataset, table)["id"])
            label, ids = NODE_LABELS[table], rows.to_pylist()
            statement = f"UNWIND $keys AS key MATCH (n:{label} {{key: key}}) RETURN collect([id(n), n.id])"
            found: list[list[Any]] = []
            for start in range(0, len(ids), BATCH):
                keys = [index_key(node_key(self._dataset.name, id_)) for id_ in ids[start : start + BATCH]]
                found += self._change.transactions.read(
                    lambda transaction, k=keys, s=statement: transaction.run(s, keys=k).single(strict=True)[0]  # type: ignore[misc]
                )
            self._nodes[table] = self._there[table] = index_of(found)

    def keep(self, transaction: ManagedTransaction, sizes: Mapping[str, int]) -> None:
        """Keep the nodes that a dataset of this name and these sizes has in common with this one; remove its others.

        The indexes hold what stays already. All relationships from its nodes go; those of layers are not touched.
        """
        for table, (kept, gone) in common_nodes(transaction, self._dataset, sizes).items():
            self._kept[table] = kept
            for statement, numbers in (
                ("UNWIND $rows AS number MATCH (n)-[r]->() WHERE id(n) = number DELETE r", kept.numbers),
                ("UNWIND $rows AS number MATCH (n) WHERE id(n) = number DETACH DELETE n", gone.numbers),
            ):
                for start in range(0, len(numbers), BATCH):
                    transaction.run(statement, rows=numbers[start : start + BATCH].tolist()).consume()

    def index(self, table: str) -> NodeIndex:
        """The nodes of a table, once they are staged."""
        return self._nodes[table]

    def nodes(self) -> None:
        """Stage the rows of texts, skills and models that are not there; if all is done at once, as what they are."""
        at_once = self._change.at_once
        for table in NODE_LABELS:
            there, kept = self._nodes[table], self._kept[table]
            known = set(there.ids.to_pylist())
            numbers = dict(zip(kept.ids.to_pylist(), kept.numbers.tolist(), strict=True))
            label = NODE_LABELS[table] if at_once else new_label(NODE_LABELS[table])
            for rows in node_rows(self._dataset, table, BATCH):
                batch = [{**row, "key": index_key(str(row["key"]))} for row in rows if row["id"] not in known]
                new = [row for row in batch if row["id"] not in numbers]
                again = [[numbers[row["id"]], row] for row in batch if row["id"] in numbers]
                for statement, values in (
                    # The label last: what its indexes hold is then made once, and not at each property.
                    (f"UNWIND $rows AS row CREATE (n) SET n = row SET n:{label} RETURN count(n)", new),
                    ("UNWIND $rows AS row MATCH (n) WHERE id(n) = row[0] SET n = row[1] RETURN count(n)", again),
                ):
                    if values:
                        self._change.stage(statement, len(values), rows=values)
                self._count(len(rows))
            count = getattr(self._dataset, table).num_rows
            if count:
                begin = f"{self._dataset.name}/"
                found = self._change.transactions.read(
                    lambda transaction, x=label, p=begin, n=count: node_index(transaction, x, p, n)  # type: ignore[misc]
                )
                self._nodes[table] = found if at_once else join_indices(there, found)

    def edges(self, tables: Iterable[EdgeTable]) -> None:
        """Stage relationships that have a draft at one end at least: nobody sees those until it is published."""
        for edge in tables:
            table = self._rows(edge, seen=False)
            counted = None if edge.table in NODE_LABELS else self._count
            stage_rows(self._change, f"{_created(edge, table)} RETURN count(r)", self._values(edge, table), counted)

    def join(self, transaction: ManagedTransaction, tables: Iterable[EdgeTable]) -> None:
        """Write relationships between nodes that were there before, as part of what publishes."""
        for edge in tables:
            table = self._rows(edge, seen=True)
            for batch in _batches(self._values(edge, table)):
                transaction.run(_created(edge, table), rows=batch).consume()

    def merge(self, transaction: ManagedTransaction, tables: Iterable[EdgeTable]) -> None:
        """Write relationships without properties that may be there already, as part of what publishes."""
        for edge in tables:
            for batch in _batches(self._values(edge, self._table(edge))):
                transaction.run(f"{_BOTH_ENDS} MERGE (a)-[:{edge.type}]->(b)", rows=batch).consume()

    def _table(self, edge: EdgeTable) -> pa.Table:
        table = getattr(self._dataset, edge.table)
        # A model without a base has no relationship to one.
        return table.filter(pc.is_valid(table[edge.target_column])) if edge.table in NODE_LABELS else table

    def _rows(self, edge: EdgeTable, *, seen: bool) -> pa.Table:
        """The relationships of a kind whose ends were both there before (`seen`), or the others."""
        table = self._table(edge)
        there = [
            pc.is_in(table[column], value_set=self._there[end].ids)
            for end, column in ((edge.source, edge.source_column), (edge.target, edge.target_column))
        ]
        both = pc.and_(*there)
        return table.filter(both if seen else pc.invert(both))

    def _values(self, edge: EdgeTable, table: pa.Table) -> Iterable[tuple[Any, ...]]:
        """Numbers of both ends, and the properties, of each relationship."""
        ends = (
            self._nodes[end].numbers_of(table[column], column, self._dataset.name).tolist()
            for end, column in ((edge.source, edge.source_column), (edge.target, edge.target_column))
        )
        return zip(*ends, *(table[name].to_pylist() for name in edge_properties(edge, table)), strict=True)

    def steps(self) -> list[Step]:
        """What gives the drafts their labels."""
        if self._change.at_once:
            return []
        tables = [table for table in NODE_LABELS if getattr(self._dataset, table).num_rows]
        return [Step("reveal", NODE_LABELS[table], self._dataset.name) for table in tables]

    def _count(self, rows: int) -> None:
        self._done += rows
        if self._progress and rows:
            self._progress(self._done, self._total)


class DatasetReader:
    """Tables of one dataset, read in one transaction."""

    def __init__(self, transaction: ManagedTransaction | Transaction, node: Mapping[str, Any]) -> None:
        self._transaction = transaction
        self._node = node
        self._indices: dict[str, NodeIndex] = {}

    def dataset(self) -> Dataset:
        """The whole dataset, in canonical order as it is read: nothing is sorted or copied as a whole."""
        schemas = dataset_schemas(self._node)
        tables = {table: read_nodes(self._transaction, self._index(table), schemas[table]) for table in NODE_LABELS}
        info = dataset_info(self._node)
        return Dataset(
            name=info.name,
            provenance=dict(info.provenance),
            **tables,
            requirements=self._requirements(),
            prerequisites=self._links("prerequisites"),
            part_of=self._links("part_of"),
            attempts=self._attempts(),
        )

    def requirement_tables(self, parts: Sequence[str]) -> Iterator[pa.Table]:
        """Requirements of the texts of some parts, a table a chunk."""
        texts, skills = self._texts_of(parts), self._index("skills")
        for text, skill, values in self._requirement_pairs(texts, skills):
            if len(text):
                yield pa.table(
                    {
                        "text": texts.ids.take(pa.array(text)),
                        "skill": skills.ids.take(pa.array(skill)),
                        "weight": pa.array(values[0], type=pa.float64()),
                    }
                )

    def _index(self, table: str) -> NodeIndex:
        if table not in self._indices:
            self._indices[table] = node_index(
                self._transaction, NODE_LABELS[table], f"{self._node['name']}/", self._node[table]
            )
        return self._indices[table]

    def _texts_of(self, parts: Sequence[str]) -> NodeIndex:
        texts = self._index("texts")
        if not parts:
            return texts
        unknown = sorted(set(parts) - set(dataset_info(self._node).parts))
        if unknown:
            there = ", ".join(map(repr, dataset_info(self._node).parts)) or "none"
            raise NotFoundError(f"dataset {self._node['name']!r} has no part {unknown[0]!r}; its parts: {there}")
        part = read_nodes(self._transaction, texts, pa.schema([("id", pa.string()), ("part", pa.string())]))["part"]
        chosen = pc.fill_null(pc.is_in(part, value_set=pa.array(parts, pa.string())), fill_value=False)
        return texts.keep(chosen.to_numpy())

    def _requirement_pairs(self, texts: NodeIndex, skills: NodeIndex, values: Sequence[str] = ("r.weight",)) -> Any:
        pattern = "MATCH (a)-[r:REQUIRES]->(b:Skill)"
        return read_pairs(self._transaction, pattern, texts, skills, self._node["requirements"], values)

    def _requirements(self) -> pa.Table:
        texts, skills = self._index("texts"), self._index("skills")
        tags = TAG_COLUMNS if tags_are_kept(self._node) else {}
        # A list has no nulls in Cypher; a list within it has.
        wanted = ("r.weight", *(["[" + ", ".join(f"r.{name}" for name in tags) + "]"] if tags else []))
        types = {"weight": np.float64, **({"tags": object} if tags else {})}
        chunks = self._requirement_pairs(texts, skills, wanted)
        text, skill, values = fill_pairs(chunks, self._node["requirements"], types)
        kept = list(zip(*values["tags"].tolist(), strict=True)) if tags and len(text) else [()] * len(tags)
        return pa.table(
            {
                "text": pa.DictionaryArray.from_arrays(pa.array(text), texts.ids),
                "skill": pa.DictionaryArray.from_arrays(pa.array(skill), skills.ids),
                "weight": pa.array(values["weight"]),
                **{name: pa.array(column, kind) for (name, kind), column in zip(tags.items(), kept, strict=True)},
            }
        )

    def _links(self, table: str) -> pa.Table:
        """Prerequisites or parts: pairs of skills."""
        edge = next(edge for edge in EDGE_TABLES if edge.table == table)
        schema, skills = EMPTY_TABLES[table].schema, self._index("skills")
        if not self._node[table]:
            return schema.empty_table()
        pairs = read_pairs(
            self._transaction, f"MATCH (a)-[r:{edge.type}]->(b:Skill)", skills, skills, self._node[table]
        )
        source, target, _ = fill_pairs(pairs, self._node[table], {})
        return pa.table([skills.ids.take(pa.array(source)), skills.ids.take(pa.array(target))], schema=schema)

    def _attempts(self) -> pa.Table:
        """Attempts are found from the texts, of which there are many, and ordered by model."""
        schema, count = EMPTY_TABLES["attempts"].schema, self._node["attempts"]
        if not count:
            return schema.empty_table()
        texts, models = self._index("texts"), self._index("models")
        pairs = read_pairs(self._transaction, "MATCH (a)<-[r:ATTEMPTED]-(b:Model)", texts, models, count, ("r.score",))
        text, model, values = fill_pairs(pairs, count, {"score": np.float64})
        order = np.lexsort((text, model))
        return pa.table(
            [
                models.ids.take(pa.array(model[order])),
                texts.ids.take(pa.array(text[order])),
                pa.array(values["score"][order]),
            ],
            schema=schema,
        )


def common_nodes(
    transaction: ManagedTransaction, dataset: Dataset, sizes: Mapping[str, int]
) -> dict[str, tuple[NodeIndex, NodeIndex]]:
    """Nodes that are there of the dataset of this name, by table: those that this one has too, and the others.

    `sizes` are the numbers of its rows by table.
    """
    found = {}
    for table, label in NODE_LABELS.items():
        there = node_index(transaction, label, f"{dataset.name}/", sizes[table])
        common = pc.is_in(there.ids, value_set=getattr(dataset, table)["id"].combine_chunks())
        stays = common.to_numpy(zero_copy_only=False)
        found[table] = there.keep(stays), there.keep(~stays)
    return found


def added_rows(dataset: Dataset, addition: Dataset) -> Dataset:
    """The rows of the whole that the addition names, with the columns and ids of the whole."""

    def only(table: str) -> pa.Table:
        whole = getattr(dataset, table)
        return whole.filter(pc.is_in(whole["id"], value_set=getattr(addition, table)["id"].combine_chunks()))

    return replace(addition, name=dataset.name, texts=only("texts"), skills=only("skills"), models=only("models"))


def stage_rows(
    change: Change,
    statement: str,
    rows: Iterable[tuple[Any, ...]],
    count: Callable[[int], None] | None = None,
    **parameters: Any,
) -> None:
    """Stage relationships in batches; one less than rows means that an end of it is gone."""
    for batch in _batches(rows):
        if change.stage(statement, len(batch), rows=batch, **parameters) != len(batch):
            raise StoreError("the dataset was replaced or deleted during this write: try again")
        if count:
            count(len(batch))


def stage_lists(change: Change, draft: str, columns: Mapping[str, NDArray[np.int64]]) -> None:
    """Stage columns of whole numbers, one list of each per node; the keys of these nodes begin with `draft`."""
    names = list(columns)
    statement = (
        f"CREATE (n:SkillgraphDraft {{key: $key, {', '.join(f'{name}: ${name}' for name in names)}}}) "
        f"RETURN size(n.{names[0]})"
    )
    for start in range(0, len(columns[names[0]]), BATCH):
        lists = {name: column[start : start + BATCH].tolist() for name, column in columns.items()}
        change.stage(statement, len(lists[names[0]]), key=f"{draft}{start:012}", **lists)


def _batches(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[list[Any]]]:
    iterator = iter(rows)
    while batch := list(map(list, islice(iterator, BATCH))):
        yield batch


def _created(edge: EdgeTable, table: pa.Table) -> str:
    """The statement that creates relationships from rows of `DatasetStage._values`."""
    properties = enumerate(edge_properties(edge, table), start=2)
    values = ", ".join(f"{name}: row[{place}]" for place, name in properties)
    return f"{_BOTH_ENDS} CREATE (a)-[r:{edge.type} {{{values}}}]->(b)"


def skills_of(transaction: ManagedTransaction, dataset: str) -> NodeIndex:
    """The skills of a dataset."""
    node = require_dataset(transaction, dataset)
    return node_index(transaction, "Skill", f"{dataset}/", node["skills"])


def sizes_of(node: Mapping[str, Any]) -> dict[str, int]:
    """Rows of each table of a dataset, from its node."""
    return {table: int(node[table]) for table in EMPTY_TABLES}


def dataset_node_of(transaction: ManagedTransaction | Transaction, name: str) -> Mapping[str, Any] | None:
    """Properties of a dataset's node; None if there is none."""
    row = transaction.run(
        "MATCH (d:Dataset {name: $name}) WHERE d.columns IS NOT NULL RETURN properties(d)", name=name
    ).single()
    return None if row is None else row[0]


def require_dataset(transaction: ManagedTransaction | Transaction, name: str) -> Mapping[str, Any]:
    """Properties of a dataset's node.

    Raises:
        NotFoundError: There is none.
    """
    node = dataset_node_of(transaction, name)
    if node is None:
        raise NotFoundError(f"there is no dataset {name!r} in the store")
    return node


def dataset_steps(kind: str, name: str, new: str = "") -> list[Step]:
    """What retires or renames the texts, skills and models of a dataset."""
    return [Step(kind, label, name, new) for label in NODE_LABELS.values()]


def retire_dataset(transaction: ManagedTransaction, change: Change, name: str) -> None:
    """Take a dataset's node and its layers out of sight; the change removes them afterwards."""
    require_dataset(transaction, name)
    transaction.run(
        "MATCH (n:Layer) WHERE n.key STARTS WITH $prefix REMOVE n:Layer SET n:SkillgraphDraft, n.key = $trash + n.key",
        prefix=f"{name}/",
        trash=f"{change.trash}Layer:",
    ).consume()
    transaction.run("MATCH (d:Dataset {name: $name}) DETACH DELETE d", name=name).consume()


def rename_dataset_nodes(transaction: ManagedTransaction, name: str, new: str, revision: str) -> None:
    """Give the nodes of a dataset and its layers the keys and the name of another."""
    require_dataset(transaction, name)
    transaction.run(
        "MATCH (n:Layer) WHERE n.key STARTS WITH $prefix "
        "SET n.key = $new + substring(n.key, size($name)), n.dataset = $new",
        prefix=f"{name}/",
        name=name,
        new=new,
    ).consume()
    transaction.run("MATCH (l:Layer) WHERE l.dataset = $new SET l.revision = $token", new=new, token=revision).consume()
    transaction.run(
        "MATCH (d:Dataset {name: $name}) SET d.name = $new, d.revision = $token", name=name, new=new, token=revision
    ).consume()


def check_count(transaction: ManagedTransaction, label: str, dataset: str, expected: int) -> None:
    """A dataset has so many nodes of a label, those that are being published among them.

    Raises:
        StoreError: It has not.
    """
    counted = transaction.run(
        f"RETURN COUNT {{ MATCH (n:{label}) WHERE n.key STARTS WITH $prefix }} "
        f"+ COUNT {{ MATCH (n:{new_label(label)}) WHERE n.dataset = $dataset }}",
        prefix=f"{dataset}/",
        dataset=dataset,
    ).single(strict=True)[0]
    if counted != expected:
        raise StoreError(
            f"dataset {dataset!r} would have {counted} nodes {label} in the store, but {expected} were given: "
            "the dataset has changed in the store since it was read; append again"
        )
