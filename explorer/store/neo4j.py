"""The store on a Neo4j server.

How a write stays invisible until it is whole is told in `neo4j_change`, how subgraphs become arrays in
`neo4j_reading`, what a query may do in `neo4j_query`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from explorer.credentials import Credentials, find_credentials
from explorer.errors import NotFoundError, StoreError
from explorer.store.neo4j_change import Change, ensure_schema
from explorer.store.neo4j_connection import Connection, parse_address
from explorer.store.neo4j_query import run_query
from explorer.store.neo4j_reading import (
    NodeIndex,
    fill_pairs,
    index_of,
    join_indices,
    node_index,
    read_nodes,
    read_pairs,
    read_values,
)
from explorer.store.protocol import (
    ASSOCIATION_SCHEMA,
    DatasetInfo,
    Layer,
    LayerInfo,
    Progress,
    QueryResult,
)
from explorer.store.records import (
    EDGE_TABLES,
    NODE_LABELS,
    EdgeTable,
    check_associations,
    check_dataset,
    check_layer,
    dataset_info,
    dataset_node,
    dataset_schemas,
    edge_rows,
    layer_info,
    layer_node,
    layer_table,
    node_key,
    node_rows,
    utc_now,
)
from loaders.dataset import EMPTY_TABLES, Dataset

if TYPE_CHECKING:
    from neo4j import ManagedTransaction, Transaction

__all__ = ["Neo4jStore", "index_key"]

_T = TypeVar("_T")
_BATCH = 10_000
_READ_ATTEMPTS = 5
# Neo4j indexes strings of up to 8 kB; staging puts some hundred characters before a key.
_LONGEST_KEY = 6_000
_HIERARCHY = ("prerequisites", "part_of")


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


class Neo4jStore:
    """Datasets, layers and associations in a Neo4j database; see `explorer.store.protocol.Store`."""

    def __init__(
        self,
        url: str,
        *,
        credentials: Credentials | None = None,
        ask: Callable[[str], str] | None = None,
        retry_seconds: float = 30.0,
    ) -> None:
        """Connect.

        Args:
            url: `neo4j://host:7687[/database]`, without user and password.
            credentials: Who one is; found as `explorer.credentials.find_credentials` does if not given.
            ask: Asks a person for the password, given a prompt.
            retry_seconds: How long a transaction is tried again while the server is away.

        Raises:
            StoreError: A wrong address, no password, or a server that does not answer or refuses.
        """
        address = parse_address(url)
        found = credentials or find_credentials(address.host, address.port, ask=ask)
        self._connection = Connection(address, found, retry_seconds=retry_seconds)
        try:
            # A database made by an offline import has the data but not yet its constraints.
            if self._connection.rows("MATCH (d:Dataset) WHERE d.columns IS NOT NULL RETURN 1 LIMIT 1"):
                ensure_schema(self._connection)
        except BaseException:
            self._connection.close()
            raise

    @property
    def url(self) -> str:
        """The address, without credentials."""
        return self._connection.address.url

    @property
    def version(self) -> str:
        """Mark of the database's last committed transaction, whoever committed it."""
        return self._connection.last_change()

    # Datasets -----------------------------------------------------------------------------------------------

    def write_dataset(self, dataset: Dataset, *, replace: bool = False, progress: Progress | None = None) -> None:
        """Write a dataset; with `replace`, in the place of the one of that name, whose layers go with it."""
        check_dataset(dataset)
        _check_name(dataset.name)
        self._refuse_existing(dataset.name, replace=replace)
        with Change(self._connection, "dataset", dataset.name) as change:
            stage = _DatasetStage(self._connection, change, dataset, progress)
            stage.nodes()
            stage.edges(EDGE_TABLES)

            def publish(transaction: ManagedTransaction) -> None:
                if _dataset_node(transaction, dataset.name) is not None:
                    if not replace:
                        raise _exists(dataset.name)
                    _retire_dataset(transaction, change, dataset.name)
                stage.publish(transaction)
                transaction.run(
                    "CREATE (d:Dataset) SET d = $node",
                    node={**dataset_node(dataset, utc_now()), "revision": change.token},
                ).consume()

            change.publish(publish)

    def append_dataset(self, dataset: Dataset, addition: Dataset, *, progress: Progress | None = None) -> None:
        """Write what `addition` adds; `dataset` is the whole after it."""
        check_dataset(dataset)
        name = dataset.name
        before = self._dataset_node(name)
        part = _part_of(dataset, addition)
        with Change(self._connection, "dataset", name) as change:
            there = {table: self._present(table, part) for table in ("skills", "models")}
            stage = _DatasetStage(self._connection, change, part, progress, there)
            stage.nodes()
            stage.edges([edge for edge in EDGE_TABLES if edge.table in ("requirements", "attempts")])

            def publish(transaction: ManagedTransaction) -> None:
                node = _dataset_node(transaction, name)
                if node is None or node["revision"] != before["revision"]:
                    raise StoreError(f"dataset {name!r} was changed while texts were appended to it: append them again")
                stage.publish(transaction)
                for edge in EDGE_TABLES:
                    if edge.table in (*_HIERARCHY, "models"):
                        _merge_edges(transaction, part, edge)
                written = {**dataset_node(dataset, node["loaded_at"]), "revision": change.token}
                transaction.run("MATCH (d:Dataset {name: $name}) SET d = $node", name=name, node=written).consume()
                _check_count(transaction, "Text", name, dataset.n_texts)
                _check_count(transaction, "Skill", name, dataset.n_skills)

            change.publish(publish)

    def read_dataset(self, name: str) -> Dataset:
        """The dataset, equal to the one written."""
        return self._steadily(
            lambda transaction: _require_dataset(transaction, name), lambda t, node: _DatasetReader(t, node).dataset()
        )

    def read_requirements(self, name: str, parts: Sequence[str] = ()) -> Iterator[pa.Table]:
        """The requirements (`text`, `skill` as ids, `weight`) of the texts of some parts, in chunks.

        Texts come in order of id; memory is that of the ids and one chunk.
        """
        self._dataset_node(name)
        with self._connection.reading() as session, session.begin_transaction() as transaction:
            node = _require_dataset(transaction, name)
            yield from _DatasetReader(transaction, node).requirement_tables(parts)
            after = _require_dataset(transaction, name)
        if after["revision"] != node["revision"]:
            raise StoreError(f"dataset {name!r} was changed while it was read: read it again")

    def datasets(self) -> tuple[DatasetInfo, ...]:
        """All datasets, ordered by name."""
        rows = self._connection.rows(
            "MATCH (d:Dataset) WHERE d.columns IS NOT NULL "
            "OPTIONAL MATCH (l:Layer) WHERE l.dataset = d.name "
            "RETURN properties(d) AS node, collect(l.name) AS layers"
        )
        infos = [dataset_info(row["node"], sorted(row["layers"])) for row in rows]
        return tuple(sorted(infos, key=lambda info: info.name))

    def delete_dataset(self, name: str) -> None:
        """Remove a dataset with its layers and associations."""
        self._dataset_node(name)
        with Change(self._connection, "dataset", name) as change:
            change.publish(lambda transaction: _retire_dataset(transaction, change, name))

    # Layers -------------------------------------------------------------------------------------------------

    def write_layer(self, layer: Layer) -> None:
        """Write a layer in the place of one of that name, whose associations go with it."""
        check_layer(layer)
        info = layer.info
        _check_name(info.key)
        revision = self._dataset_node(info.dataset)["revision"]
        self._connection.read(lambda transaction: _check_base(transaction, info))
        self._require_texts(info.dataset, pc.unique(layer.skills["by"].drop_null()))
        with Change(self._connection, "layer", info.key) as change:
            draft = f"{change.staged}Layer"
            change.stage("CREATE (l:SkillgraphDraft {key: $draft}) RETURN count(l)", 1, draft=draft)
            skills = self._skills(info.dataset)
            missing = f"skill {{id}} is not in dataset {info.dataset!r}: load the texts that use it first"
            numbers = skills.numbers_of(layer.skills["skill"], missing)
            values = [layer.skills[name].to_pylist() for name in ("wave", "by", "component", "mastery")]
            _stage_rows(
                change,
                "MATCH (l:SkillgraphDraft {key: $draft}) UNWIND $rows AS row MATCH (s) WHERE id(s) = row[0] "
                "CREATE (l)-[r:LEARNED]->(s) SET r.wave = row[1], r.by = row[2], r.component = row[3], "
                "r.mastery = row[4] RETURN count(r)",
                zip(numbers.tolist(), *values, strict=True),
                draft=draft,
            )

            def publish(transaction: ManagedTransaction) -> None:
                if _require_dataset(transaction, info.dataset)["revision"] != revision:
                    raise StoreError(f"dataset {info.dataset!r} was changed while a layer was written: learn it again")
                _check_base(transaction, info)
                tuned = _retire_layer(transaction, change, info.key)
                node = {**layer_node(info), "revision": change.token}
                transaction.run(
                    "MATCH (l:SkillgraphDraft {key: $draft}) REMOVE l:SkillgraphDraft SET l:Layer, l = $node",
                    draft=draft,
                    node=node,
                ).consume()
                _join_layers(transaction, info, tuned)

            change.publish(publish)

    def read_layer(self, dataset: str, name: str) -> Layer:
        """The layer, equal to the one written."""

        def read(transaction: ManagedTransaction, node: Mapping[str, Any]) -> Layer:
            names = ("skill", "wave", "by", "component", "mastery")
            rows = [
                row
                for batch in read_values(
                    transaction,
                    "MATCH (l:Layer {key: $key})-[r:LEARNED]->(s)",
                    "id(s)",
                    ("s.id", *(f"r.{name}" for name in names[1:])),
                    node["learned"],
                    key=node["key"],
                )
                for row in batch
            ]
            columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
            return Layer(layer_info(node), layer_table(dict(zip(names, columns, strict=True))))

        return self._steadily(lambda transaction: _require_layer(transaction, dataset, name), read)

    def layers(self, dataset: str | None = None) -> tuple[LayerInfo, ...]:
        """Layers of one dataset or of all, ordered by dataset and name."""
        if dataset is not None:
            self._dataset_node(dataset)
        rows = self._connection.rows(
            "MATCH (l:Layer) WHERE l.versions IS NOT NULL AND ($dataset IS NULL OR l.dataset = $dataset) "
            "RETURN properties(l) AS node",
            dataset=dataset,
        )
        return tuple(sorted((layer_info(row["node"]) for row in rows), key=lambda info: (info.dataset, info.name)))

    def delete_layer(self, dataset: str, name: str) -> None:
        """Remove a layer and its associations; one that others are fine-tuned from is refused."""
        key = node_key(dataset, name)
        self._connection.read(lambda transaction: _require_layer(transaction, dataset, name))
        with Change(self._connection, "layer", key) as change:

            def publish(transaction: ManagedTransaction) -> None:
                _require_layer(transaction, dataset, name)
                tuned = _retire_layer(transaction, change, key)
                if tuned:
                    names = ", ".join(repr(other.partition("/")[2]) for other in sorted(tuned))
                    raise StoreError(f"layer {name!r} is the base of {names}: delete that first")

            change.publish(publish)

    # Associations -------------------------------------------------------------------------------------------

    def write_associations(
        self, dataset: str, layer: str, associations: pa.Table, *, rule: str, components: pa.Table
    ) -> None:
        """Write a layer's associations in the place of those there, and its components."""
        key = node_key(dataset, layer)
        before = self._connection.read(lambda transaction: _require_layer(transaction, dataset, layer))
        check_associations(layer_info(before), associations, components, rule)
        _check_learned(layer, associations, components)
        with Change(self._connection, "associations", key) as change:
            skills = self._skills(dataset)
            missing = f"skill {{id}} is not in dataset {dataset!r}: load the texts that use it first"
            ends = [skills.numbers_of(associations[end], missing).tolist() for end in ("source", "target")]
            _stage_rows(
                change,
                "UNWIND $rows AS row MATCH (a) WHERE id(a) = row[0] MATCH (b) WHERE id(b) = row[1] "
                "CREATE (a)-[r:ASSOCIATED_WITH]->(b) SET r.layer = $draft, r.weight = row[2] RETURN count(r)",
                zip(*ends, associations["weight"].to_pylist(), strict=True),
                draft=change.staged,
            )

            def publish(transaction: ManagedTransaction) -> None:
                if _require_layer(transaction, dataset, layer)["revision"] != before["revision"]:
                    raise StoreError(f"layer {layer!r} was changed while its associations were written: run it again")
                _hide_associations(transaction, change, key)
                transaction.run(
                    "MATCH ()-[r:ASSOCIATED_WITH]->() WHERE r.layer = $draft SET r.layer = $layer",
                    draft=change.staged,
                    layer=layer,
                ).consume()
                _set_components(transaction, dataset, key, components)
                transaction.run(
                    "MATCH (l:Layer {key: $key}) SET l.associations = $count, l.association_rule = $rule, "
                    "l.revision = $revision",
                    key=key,
                    count=associations.num_rows,
                    rule=rule,
                    revision=change.token,
                ).consume()

            change.publish(publish)

    def read_associations(self, dataset: str, layer: str) -> pa.Table:
        """Rows of `ASSOCIATION_SCHEMA`, ordered by source and target."""

        def read(transaction: ManagedTransaction, node: Mapping[str, Any]) -> pa.Table:
            if not node.get("associations"):
                return ASSOCIATION_SCHEMA.empty_table()
            size = _require_dataset(transaction, dataset)["skills"]
            skills = node_index(transaction, "Skill", f"{dataset}/", size)
            learned = [
                row[0]
                for rows in read_values(
                    transaction,
                    "MATCH (l:Layer {key: $key})-[:LEARNED]->(s)",
                    "id(s)",
                    ("id(s)",),
                    node["learned"],
                    key=node["key"],
                )
                for row in rows
            ]
            some = skills.keep(np.isin(skills.numbers, np.asarray(learned, dtype=np.int64)))
            pattern = "MATCH (a)-[r:ASSOCIATED_WITH]->(b:Skill) WHERE r.layer = $layer"
            pairs = read_pairs(transaction, pattern, some, some, node["associations"], ("r.weight",), layer=layer)
            source, target, values = fill_pairs(pairs, node["associations"], {"weight": np.int64})
            return pa.table(
                [some.ids.take(pa.array(source)), some.ids.take(pa.array(target)), pa.array(values["weight"])],
                schema=ASSOCIATION_SCHEMA,
            )

        return self._steadily(lambda transaction: _require_layer(transaction, dataset, layer), read)

    # Queries ------------------------------------------------------------------------------------------------

    def query(
        self,
        cypher: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        max_rows: int = 1_000,
        timeout: float = 30.0,
    ) -> QueryResult:
        """Run a read-only query; see `explorer.store.neo4j_query`."""
        return run_query(self._connection, cypher, parameters, max_rows=max_rows, timeout=timeout)

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._connection.close()

    # ---------------------------------------------------------------------------------------------------------

    def _steadily(
        self,
        find: Callable[[ManagedTransaction], Mapping[str, Any]],
        read: Callable[[ManagedTransaction, Mapping[str, Any]], _T],
    ) -> _T:
        """Read something of several statements as it was at one time.

        Neo4j isolates statements, not transactions: another process may publish between two of them. So the
        revision is compared at the end, and what was read of two revisions is read again.
        """

        def work(transaction: ManagedTransaction) -> tuple[_T | None, bool]:
            node = find(transaction)
            try:
                value = read(transaction, node)
            except StoreError:
                if find(transaction)["revision"] == node["revision"]:
                    raise
                return None, False
            return value, find(transaction)["revision"] == node["revision"]

        for _ in range(_READ_ATTEMPTS):
            value, steady = self._connection.read(work)
            if steady:
                return value  # type: ignore[return-value] # steady means that it was read
        raise StoreError(f"{self.url}: what is read here is being written again and again by others; try again later")

    def _dataset_node(self, name: str) -> Mapping[str, Any]:
        return self._connection.read(lambda transaction: _require_dataset(transaction, name))

    def _refuse_existing(self, name: str, *, replace: bool) -> None:
        if not replace and self._connection.read(lambda transaction: _dataset_node(transaction, name)) is not None:
            raise _exists(name)

    def _skills(self, dataset: str) -> NodeIndex:
        def read(transaction: ManagedTransaction) -> NodeIndex:
            node = _require_dataset(transaction, dataset)
            return node_index(transaction, "Skill", f"{dataset}/", node["skills"])

        return self._connection.read(read)

    def _require_texts(self, dataset: str, ids: pa.Array | pa.ChunkedArray) -> None:
        statement = (
            "UNWIND $ids AS row OPTIONAL MATCH (n:Text {key: row[0]}) WITH row, n WHERE n IS NULL RETURN row[1] LIMIT 1"
        )
        keys = [[index_key(node_key(dataset, identifier)), identifier] for identifier in ids.to_pylist()]
        for start in range(0, len(keys), _BATCH):
            for row in self._connection.rows(statement, ids=keys[start : start + _BATCH]):
                raise StoreError(f"text {row[0]!r} is not in dataset {dataset!r}: load it first")

    def _present(self, table: str, part: Dataset) -> NodeIndex:
        """Those nodes of a table that the store has already."""
        label, ids = NODE_LABELS[table], getattr(part, table)["id"].to_pylist()
        statement = f"UNWIND $keys AS key MATCH (n:{label} {{key: key}}) RETURN collect([id(n), n.id])"
        found: list[list[Any]] = []
        for start in range(0, len(ids), _BATCH):
            keys = [index_key(node_key(part.name, identifier)) for identifier in ids[start : start + _BATCH]]
            found += self._connection.rows(statement, keys=keys)[0][0]
        return index_of(found)


class _DatasetStage:
    """Rows of a dataset into the drafts of a change, and the drafts into the graph."""

    def __init__(
        self,
        connection: Connection,
        change: Change,
        dataset: Dataset,
        progress: Progress | None,
        present: Mapping[str, NodeIndex] | None = None,
    ) -> None:
        self._connection = connection
        self._change = change
        self._dataset = dataset
        self._progress = progress
        self._nodes = dict(present or {})
        self._done = 0
        self._total = sum(table.num_rows for table in dataset.tables().values())

    def nodes(self) -> None:
        """Stage the rows of texts, skills and models that are not there."""
        for table in NODE_LABELS:
            there = self._nodes.get(table, index_of([]))
            known = set(there.ids.to_pylist())
            prefix = self._draft(table)
            for rows in node_rows(self._dataset, table, _BATCH):
                batch = [{**row, "key": prefix + index_key(str(row["key"]))} for row in rows if row["id"] not in known]
                if batch:
                    self._change.stage(
                        "UNWIND $rows AS row CREATE (n:SkillgraphDraft) SET n = row RETURN count(n)",
                        len(batch),
                        rows=batch,
                    )
                self._count(len(rows))
            count = getattr(self._dataset, table).num_rows
            drafts = self._connection.read(
                lambda transaction, p=prefix, n=count: node_index(transaction, "SkillgraphDraft", p, n)  # type: ignore[misc]
            )
            self._nodes[table] = join_indices(there, drafts)

    def edges(self, tables: Iterable[EdgeTable]) -> None:
        """Stage relationships; each end is a draft, or a node that is there."""
        for edge in tables:
            table = getattr(self._dataset, edge.table)
            if edge.table in NODE_LABELS:
                table = table.filter(pc.is_valid(table[edge.target_column]))
            missing = f"{edge.table}: {{id}} is not in dataset {self._dataset.name!r}"
            ends = [
                self._nodes[end].numbers_of(table[column], missing).tolist()
                for end, column in ((edge.source, edge.source_column), (edge.target, edge.target_column))
            ]
            values = [table[name].to_pylist() for name in edge.properties]
            setting = "".join(f" SET r.{name} = row[{place}]" for place, name in enumerate(edge.properties, start=2))
            _stage_rows(
                self._change,
                "UNWIND $rows AS row MATCH (a) WHERE id(a) = row[0] MATCH (b) WHERE id(b) = row[1] "
                f"CREATE (a)-[r:{edge.type}]->(b){setting} RETURN count(r)",
                zip(*ends, *values, strict=True),
                None if edge.table in NODE_LABELS else self._count,
            )

    def publish(self, transaction: ManagedTransaction) -> None:
        """Give the drafts their labels and keys."""
        for table, label in NODE_LABELS.items():
            transaction.run(
                f"MATCH (n:SkillgraphDraft) WHERE n.key STARTS WITH $prefix "
                f"REMOVE n:SkillgraphDraft SET n:{label}, n.key = substring(n.key, size($prefix))",
                prefix=self._draft(table),
            ).consume()

    def _draft(self, table: str) -> str:
        return f"{self._change.staged}{NODE_LABELS[table]}:"

    def _count(self, rows: int) -> None:
        self._done += rows
        if self._progress and rows:
            self._progress(self._done, self._total)


class _DatasetReader:
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

    def _requirement_pairs(self, texts: NodeIndex, skills: NodeIndex) -> Iterator[Any]:
        pattern = "MATCH (a)-[r:REQUIRES]->(b:Skill)"
        return read_pairs(self._transaction, pattern, texts, skills, self._node["requirements"], ("r.weight",))

    def _requirements(self) -> pa.Table:
        texts, skills = self._index("texts"), self._index("skills")
        chunks = self._requirement_pairs(texts, skills)
        text, skill, values = fill_pairs(chunks, self._node["requirements"], {"weight": np.float64})
        return pa.table(
            {
                "text": pa.DictionaryArray.from_arrays(pa.array(text), texts.ids),
                "skill": pa.DictionaryArray.from_arrays(pa.array(skill), skills.ids),
                "weight": pa.array(values["weight"]),
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


def _part_of(dataset: Dataset, addition: Dataset) -> Dataset:
    """The rows of the whole that the addition names, with the columns and ids of the whole."""

    def only(table: str) -> pa.Table:
        whole = getattr(dataset, table)
        return whole.filter(pc.is_in(whole["id"], value_set=getattr(addition, table)["id"].combine_chunks()))

    return replace(addition, name=dataset.name, texts=only("texts"), skills=only("skills"), models=only("models"))


def _check_name(name: str) -> None:
    """Names begin every key and are searched by; ids, not names, may be longer than an index entry."""
    if len(name.encode()) > 1_000:
        raise StoreError(f"the name {name[:40]!r}… is longer than 1000 bytes, too long for Neo4j: choose a shorter one")


def _exists(name: str) -> StoreError:
    return StoreError(
        f"dataset {name!r} is already in the store: load it with --replace, add texts to it with --append, "
        "or choose another --name"
    )


def _fit(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of relationships with keys that Neo4j can index."""
    return [{**row, "source": index_key(str(row["source"])), "target": index_key(str(row["target"]))} for row in rows]


def _stage_rows(
    change: Change,
    statement: str,
    rows: Iterable[tuple[Any, ...]],
    count: Callable[[int], None] | None = None,
    **parameters: Any,
) -> None:
    """Stage relationships in batches; one less than rows means that an end of it is gone."""
    iterator = iter(rows)
    while batch := list(map(list, islice(iterator, _BATCH))):
        if change.stage(statement, len(batch), rows=batch, **parameters) != len(batch):
            raise StoreError("the dataset was replaced or deleted while this was written: try again")
        if count:
            count(len(batch))


def _dataset_node(transaction: ManagedTransaction | Transaction, name: str) -> Mapping[str, Any] | None:
    row = transaction.run(
        "MATCH (d:Dataset {name: $name}) WHERE d.columns IS NOT NULL RETURN properties(d)", name=name
    ).single()
    return None if row is None else row[0]


def _require_dataset(transaction: ManagedTransaction | Transaction, name: str) -> Mapping[str, Any]:
    node = _dataset_node(transaction, name)
    if node is None:
        raise NotFoundError(f"there is no dataset {name!r} in the store")
    return node


def _require_layer(transaction: ManagedTransaction, dataset: str, name: str) -> Mapping[str, Any]:
    row = transaction.run("MATCH (l:Layer {key: $key}) RETURN properties(l)", key=node_key(dataset, name)).single()
    if row is None:
        _require_dataset(transaction, dataset)
        raise NotFoundError(f"dataset {dataset!r} has no layer {name!r}")
    node: Mapping[str, Any] = row[0]
    return node


def _retire_dataset(transaction: ManagedTransaction, change: Change, name: str) -> None:
    """Take a dataset and its layers out of sight; the change removes them afterwards."""
    _require_dataset(transaction, name)
    for label in (*NODE_LABELS.values(), "Layer"):
        transaction.run(
            f"MATCH (n:{label}) WHERE n.key STARTS WITH $prefix "
            f"REMOVE n:{label} SET n:SkillgraphDraft, n.key = $trash + n.key",
            prefix=f"{name}/",
            trash=f"{change.trash}{label}:",
        ).consume()
    transaction.run("MATCH (d:Dataset {name: $name}) DETACH DELETE d", name=name).consume()


def _retire_layer(transaction: ManagedTransaction, change: Change, key: str) -> list[str]:
    """Take a layer and its associations out of sight; keys of the layers that are fine-tuned from it."""
    row = transaction.run(
        "MATCH (l:Layer {key: $key}) OPTIONAL MATCH (l)<-[:FINE_TUNED_FROM]-(tuned:Layer) "
        "WITH l, collect(tuned.key) AS tuned OPTIONAL MATCH (l)-[r:FINE_TUNED_FROM]-() DELETE r "
        "WITH DISTINCT l, tuned REMOVE l:Layer SET l:SkillgraphDraft, l.key = $trash + l.key RETURN tuned",
        key=key,
        trash=f"{change.trash}Layer:",
    ).single()
    if row is None:
        return []
    _hide_associations(transaction, change, key)
    return list(row[0])


def _check_base(transaction: ManagedTransaction, info: LayerInfo) -> None:
    """The base of a layer is there and does not itself come from this layer."""
    if info.base is None:
        return
    _require_layer(transaction, info.dataset, info.base)
    rows = transaction.run("MATCH (l:Layer) WHERE l.dataset = $name RETURN l.name, l.base", name=info.dataset)
    bases = {row[0]: row[1] for row in rows}
    name: str | None = info.base
    while name is not None:
        if name == info.name:
            raise StoreError(f"layer {info.name!r} cannot be fine-tuned from {info.base!r}, which comes from it")
        name = bases.get(name)


def _check_learned(layer: str, associations: pa.Table, components: pa.Table) -> None:
    """Associations are of learned skills, which are those that have a component."""
    learned = components["skill"].combine_chunks()
    for column in ("source", "target"):
        unknown = pc.invert(pc.is_in(associations[column], value_set=learned))
        if pc.any(unknown).as_py():
            skill = associations[column].filter(unknown)[0].as_py()
            raise StoreError(f"skill {skill!r} is associated in layer {layer!r}, which has not learned it")


def _join_layers(transaction: ManagedTransaction, info: LayerInfo, tuned: list[str]) -> None:
    """Relationships from a layer to its base, and to it from those that are fine-tuned from it."""
    pairs = [{"layer": key, "base": info.key} for key in tuned]
    if info.base is not None:
        _require_layer(transaction, info.dataset, info.base)
        pairs.append({"layer": info.key, "base": node_key(info.dataset, info.base)})
    transaction.run(
        "UNWIND $pairs AS pair MATCH (l:Layer {key: pair.layer}) MATCH (b:Layer {key: pair.base}) "
        "CREATE (l)-[:FINE_TUNED_FROM]->(b)",
        pairs=pairs,
    ).consume()


def _hide_associations(transaction: ManagedTransaction, change: Change, key: str) -> None:
    """Take the associations of a layer out of sight; the change removes them afterwards."""
    dataset, _, layer = key.partition("/")
    transaction.run(
        "MATCH (a:Skill)-[r:ASSOCIATED_WITH]->() WHERE r.layer = $layer AND a.dataset = $dataset SET r.layer = $trash",
        layer=layer,
        dataset=dataset,
        trash=change.trash,
    ).consume()


def _set_components(transaction: ManagedTransaction, dataset: str, key: str, components: pa.Table) -> None:
    found = 0
    for batch in components.to_batches(max_chunksize=_BATCH):
        rows = [
            {"skill": index_key(node_key(dataset, skill)), "component": component}
            for skill, component in zip(batch["skill"].to_pylist(), batch["component"].to_pylist(), strict=True)
        ]
        found += transaction.run(
            "UNWIND $rows AS row MATCH (:Layer {key: $key})-[r:LEARNED]->(:Skill {key: row.skill}) "
            "SET r.component = row.component RETURN count(r)",
            key=key,
            rows=rows,
        ).single(strict=True)[0]
    learned = transaction.run("MATCH (:Layer {key: $key})-[r:LEARNED]->() RETURN count(r)", key=key).single(
        strict=True
    )[0]
    if not found == learned == components.num_rows:
        raise StoreError(
            f"layer {key!r} has {learned} learned skills, and components of {components.num_rows} were given, of "
            f"which it has learned {found}: compute the associations of the layer as it is now"
        )


def _merge_edges(transaction: ManagedTransaction, dataset: Dataset, edge: EdgeTable) -> None:
    """Relationships of an addition that may be there already."""
    source, target = NODE_LABELS[edge.source], NODE_LABELS[edge.target]
    for rows in edge_rows(dataset, edge, _BATCH):
        transaction.run(
            f"UNWIND $rows AS row MATCH (a:{source} {{key: row[0]}}) MATCH (b:{target} {{key: row[1]}}) "
            f"MERGE (a)-[:{edge.type}]->(b)",
            rows=[[index_key(str(row["source"])), index_key(str(row["target"]))] for row in rows],
        ).consume()


def _check_count(transaction: ManagedTransaction, label: str, dataset: str, expected: int) -> None:
    counted = transaction.run(
        f"MATCH (n:{label}) WHERE n.key STARTS WITH $prefix RETURN count(n)", prefix=f"{dataset}/"
    ).single(strict=True)[0]
    if counted != expected:
        raise StoreError(
            f"dataset {dataset!r} would have {counted} nodes {label} in the store, and {expected} were given: "
            "the dataset that was read before is not the one in the store; append again"
        )
