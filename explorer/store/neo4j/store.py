"""The store on a Neo4j server.

How a write stays invisible until it is whole is told in `change`, how subgraphs become arrays in
`reading`, what a query may do in `query`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace as replace_fields
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from explorer.credentials import Credentials, find_credentials
from explorer.errors import NotFoundError, SkillgraphError, StoreError
from explorer.store.counts import COUNTS, OF_LAYER
from explorer.store.cypher_guard import split_version, tokenize
from explorer.store.neo4j.change import (
    NODE_ROWS,
    READ_ATTEMPTS,
    RETIRED_ROWS,
    Change,
    Step,
    between_changes,
    change,
    drop_lookups,
    ensure_schema,
    fits,
)
from explorer.store.neo4j.connection import Connection, parse_address
from explorer.store.neo4j.dataset import (
    DatasetReader,
    DatasetStage,
    added_rows,
    check_count,
    common_nodes,
    dataset_node_of,
    dataset_steps,
    has_long_values,
    rename_dataset_nodes,
    require_dataset,
    retire_dataset,
    sizes_of,
    skills_of,
)
from explorer.store.neo4j.failures import is_read_only
from explorer.store.neo4j.layer import (
    add_missing_counts,
    check_base,
    counted,
    join_layers,
    keep_counts,
    layer_is_there,
    mark_stale,
    missing_counts,
    publish_layer,
    read_layer_associations,
    read_layer_lacks,
    read_layer_skills,
    rename_layer_node,
    require_layer,
    require_texts,
    retire_layer,
    reuse_associations,
    set_components,
    stage_associations,
    stage_layer,
)
from explorer.store.neo4j.query import run_query
from explorer.store.protocol import DatasetInfo, Layer, LayerInfo, Notice, Progress, QueryResult
from explorer.store.records import (
    EDGE_TABLES,
    NODE_LABELS,
    association_properties,
    bases_first,
    check_associations,
    check_dataset,
    check_dataset_name,
    check_lacks,
    check_layer,
    check_layer_name,
    check_learned,
    dataset_info,
    dataset_node,
    dataset_parts,
    layer_info,
    node_key,
    utc_now,
    with_associations,
)
from explorer.store.views import SavedView, changed_views
from loaders.dataset import Dataset

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

    from explorer.store.fingerprint import PartFingerprints

__all__ = ["Neo4jStore"]

_N = TypeVar("_N")
_T = TypeVar("_T")
_STAGED_WITH_ADDITION = ("requirements", "attempts")


class Neo4jStore:
    """Datasets, layers and associations in a Neo4j database; see `explorer.store.protocol.Store`."""

    def __init__(
        self,
        url: str,
        *,
        credentials: Credentials | None = None,
        ask: Callable[[str], str] | None = None,
        retry_seconds: float = 30.0,
        notice: Notice | None = None,
    ) -> None:
        """Connect.

        Args:
            url: `neo4j://host:7687[/database]`, without user and password.
            credentials: Who one is; found as `explorer.credentials.find_credentials` does if not given.
            ask: Asks a person for the password, given a prompt.
            retry_seconds: How long a transaction is tried again while the server is away.
            notice: Told that associations of an earlier version's layers are being counted, layer by layer.

        Raises:
            StoreError: A wrong address, no password, or a server that does not answer or refuses.
        """
        address = parse_address(url)
        found = credentials or find_credentials(address.host, address.port, ask=ask)
        self._connection = Connection(address, found, retry_seconds=retry_seconds)
        self._read: tuple[Mapping[str, Any], Any] = ({}, None)
        self._uncounted: tuple[str, ...] = ()
        try:
            # A database made by an offline import has the data but not yet its constraints.
            if self._connection.rows("MATCH (d:Dataset) WHERE d.columns IS NOT NULL RETURN 1 LIMIT 1"):
                try:
                    ensure_schema(self._connection)
                except StoreError as error:
                    # Whoever may only read does so without them.
                    if not is_read_only(error.__cause__):
                        raise
                self._uncounted = add_missing_counts(self._connection, notice)
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

    def write_dataset(
        self,
        dataset: Dataset,
        *,
        replace: bool = False,
        layers: Sequence[Layer] = (),
        progress: Progress | None = None,
    ) -> None:
        """Write a dataset; with `replace`, in the place of the one of that name; `layers` are written with it."""
        check_dataset(dataset)
        for layer in layers:
            check_layer(layer)
        _check_name(dataset.name)
        there = self._connection.read(lambda transaction: dataset_node_of(transaction, dataset.name))
        if there is not None and not replace:
            raise _exists(dataset.name)

        def write(staged: Change) -> None:
            retiring = dataset_steps("retire", dataset.name)
            stage = DatasetStage(staged, dataset, progress)

            def make_room(transaction: ManagedTransaction) -> None:
                node = dataset_node_of(transaction, dataset.name)
                if node is None:
                    return
                if not replace:
                    raise _exists(dataset.name)
                retire_dataset(transaction, staged, dataset.name)
                if staged.replaces_at_once:
                    stage.keep(transaction, sizes_of(node))
                elif staged.at_once:
                    for step in retiring:
                        step.run(transaction)

            if staged.at_once:
                staged.transactions.write(make_room)
            stage.nodes()
            stage.edges(EDGE_TABLES)
            drafts = [(layer, stage_layer(staged, layer, stage.index("skills"))) for layer in bases_first(layers)]

            def publish(transaction: ManagedTransaction) -> None:
                if not staged.at_once:
                    make_room(transaction)
                transaction.run(
                    "CREATE (d:Dataset) SET d = $node",
                    node={**dataset_node(dataset, utc_now()), "revision": staged.token},
                ).consume()
                for layer, draft in drafts:
                    publish_layer(transaction, layer, draft, staged.token)
                    join_layers(transaction, layer.info, [])
                mark_stale(transaction, dataset.name)

            staged.publish(publish, () if staged.at_once else (*retiring, *stage.steps()), nodes)

        nodes = sum(getattr(dataset, table).num_rows for table in NODE_LABELS) + _nodes_of(there)
        if has_long_values(dataset):
            drop_lookups(self._connection)
        rows, removed = self._rows_in_place_of(there, dataset)
        rows += sum(layer.skills.num_rows + layer.lacks.num_rows for layer in layers)
        retired = RETIRED_ROWS * _nodes_of(there)
        change(self._connection, "dataset", dataset.name, rows, write, removed=removed, retired=retired)

    def append_dataset(self, dataset: Dataset, addition: Dataset, *, progress: Progress | None = None) -> None:
        """Write what `addition` adds; `dataset` is the whole after it."""
        check_dataset(dataset)
        name = dataset.name
        before = self._dataset_node(name)
        part = added_rows(dataset, addition)

        def write(staged: Change) -> None:
            stage = DatasetStage(staged, part, progress)
            stage.find(("skills",))
            named = [*part.models["id"].chunks, *part.models["base"].drop_null().chunks]
            stage.find(("models",), {"models": pc.unique(pa.chunked_array(named, pa.string()))})
            if not part.n_texts:
                # Outcomes alone, on texts that are there.
                stage.find(("texts",), {"texts": pc.unique(part.attempts["text"])})
            stage.nodes()
            stage.edges(staged_edges)

            def publish(transaction: ManagedTransaction) -> None:
                node = dataset_node_of(transaction, name)
                if node is None or node["revision"] != before["revision"]:
                    raise StoreError(f"dataset {name!r} was changed while texts were appended to it: append them again")
                stage.join(transaction, staged_edges)
                stage.merge(transaction, [edge for edge in EDGE_TABLES if edge not in staged_edges])
                written = {**dataset_node(dataset, utc_now()), "revision": staged.token}
                transaction.run("MATCH (d:Dataset {name: $name}) SET d = $node", name=name, node=written).consume()
                check_count(transaction, "Text", name, dataset.n_texts)
                check_count(transaction, "Skill", name, dataset.n_skills)
                mark_stale(transaction, name)

            staged.publish(publish, stage.steps(), nodes)

        staged_edges = [edge for edge in EDGE_TABLES if edge.table in _STAGED_WITH_ADDITION]
        nodes = sum(getattr(part, table).num_rows for table in NODE_LABELS)
        if has_long_values(part):
            drop_lookups(self._connection)
        change(self._connection, "dataset", name, _rows(part), write)

    def read_dataset(self, name: str) -> Dataset:
        """The dataset, equal to the one written; read again only when its node says that it has changed."""
        node, dataset = self._steadily(
            lambda transaction: require_dataset(transaction, name),
            lambda t, node: self._read if self._read[0] == node else (node, DatasetReader(t, node).dataset()),
        )
        # What layers add to the database leaves a dataset as it was; the last one that was read is kept.
        self._read = node, dataset
        return dataset

    def read_requirements(self, name: str, parts: Sequence[str] = ()) -> Iterator[pa.Table]:
        """The requirements (`text`, `skill` as ids, `weight`) of the texts of some parts, in chunks.

        Texts come in order of id; memory is that of the ids and one chunk.
        """
        node = self._dataset_node(name)
        with self._connection.reading() as session, session.begin_transaction() as transaction:
            yield from DatasetReader(transaction, node).requirement_tables(parts)
        if self._dataset_node(name) != node:
            raise StoreError(f"dataset {name!r} was changed while it was read: read it again")

    def dataset_parts(self, name: str) -> Mapping[str, PartFingerprints] | None:
        """Fingerprints of its parts; None if an earlier version wrote it without."""
        return dataset_parts(self._dataset_node(name))

    def datasets(self) -> tuple[DatasetInfo, ...]:
        """All datasets, ordered by name."""
        statement = (
            "MATCH (d:Dataset) WHERE d.columns IS NOT NULL "
            "OPTIONAL MATCH (l:Layer) WHERE l.dataset = d.name "
            "RETURN properties(d) AS node, collect(l.name) AS layers"
        )
        rows = self._records(statement, lambda row: dataset_info(row["node"], sorted(row["layers"])))
        return tuple(sorted(rows, key=lambda info: info.name))

    def delete_dataset(self, name: str) -> None:
        """Remove a dataset with its layers and associations."""
        there = self._dataset_node(name)

        def write(staged: Change) -> None:
            staged.publish(
                lambda transaction: retire_dataset(transaction, staged, name),
                dataset_steps("retire", name),
                _nodes_of(there),
            )

        removed, retired = self._rows_of(there), RETIRED_ROWS * _nodes_of(there)
        change(self._connection, "dataset", name, 0, write, removed=removed, retired=retired)

    def rename_dataset(self, name: str, new: str) -> None:
        """Give a dataset another name, under which there is none yet; its layers come along."""
        check_dataset_name(new)
        _check_name(new)
        there = self._dataset_node(name)

        def write(staged: Change) -> None:
            def publish(transaction: ManagedTransaction) -> None:
                if dataset_node_of(transaction, new) is not None:
                    raise StoreError(
                        f"dataset {new!r} exists in {self.url} already: choose another name, or delete that dataset"
                    )
                rename_dataset_nodes(transaction, name, new, staged.token)

            staged.publish(publish, dataset_steps("rename", name, new), _nodes_of(there))

        # A node whose key changes takes as much as one that is taken out of sight.
        change(self._connection, "dataset", name, RETIRED_ROWS * _nodes_of(there), write)

    # Layers -------------------------------------------------------------------------------------------------

    def write_layer(self, layer: Layer, *, keep_associations: bool = False) -> None:
        """Write a layer in the place of one of that name, whose associations go with it or are kept."""
        self._write_layers([layer], keep_associations)

    def write_layers(self, layers: Sequence[Layer]) -> None:
        """Write layers of one dataset in their order, all of them or none."""
        self._write_layers(layers, keep_associations=False)

    def _write_layers(self, layers: Sequence[Layer], keep_associations: bool) -> None:
        for layer in layers:
            check_layer(layer)
            _check_name(layer.info.key)
        if not layers:
            return
        dataset = layers[0].info.dataset
        kept: dict[str, str] = {}
        if keep_associations:
            # The revision first: what is read after it may be younger, which its publication finds out.
            kept = {layer.info.key: self._layer_node(dataset, layer.info.name)["revision"] for layer in layers}
            layers = [with_associations(layer, self.read_layer(dataset, layer.info.name)) for layer in layers]
        # Of two layers of one name the later takes the earlier's place.
        chosen = list({layer.info.key: layer for layer in layers}.values())
        revision = self._dataset_node(dataset)["revision"]
        names = {layer.info.name for layer in chosen}
        infos = [layer.info for layer in chosen if layer.info.base is None or layer.info.base not in names]

        def check(transaction: ManagedTransaction) -> None:
            for info in infos:
                check_base(transaction, info)

        self._connection.read(check)
        named = pa.chunked_array(
            [
                chunk
                for layer in chosen
                for column in (layer.skills["by"], layer.lacks["text"])
                for chunk in column.cast(pa.string()).chunks
            ],
            pa.string(),
        )
        self._connection.read(lambda transaction: require_texts(transaction, dataset, pc.unique(named.drop_null())))

        def write(staged: Change) -> None:
            skills = staged.transactions.read(lambda transaction: skills_of(transaction, dataset))
            drafts = [stage_layer(staged, layer, skills) for layer in chosen]

            def publish(transaction: ManagedTransaction) -> None:
                if require_dataset(transaction, dataset)["revision"] != revision:
                    raise StoreError(f"dataset {dataset!r} was changed while a layer was written: learn it again")
                for layer, draft in zip(chosen, drafts, strict=True):
                    key, name = layer.info.key, layer.info.name
                    if key in kept and require_layer(transaction, dataset, name)["revision"] != kept[key]:
                        raise StoreError(f"layer {name!r} was changed while it was written: run the command again")
                    check_base(transaction, layer.info)
                    if key in kept:
                        keep_counts(transaction, key, draft)
                    tuned = retire_layer(transaction, staged, key)
                    publish_layer(transaction, layer, draft, staged.token)
                    join_layers(transaction, layer.info, tuned)
                mark_stale(transaction, dataset)

            forget = [Step("forget", layer.info.name, dataset) for layer in chosen if layer.info.key not in kept]
            staged.publish(publish, forget, replaced)

        there = [self._layer_sizes(layer.info.key) for layer in chosen]
        associations = sum(count for _, count in there)
        replaced = 0 if kept else associations
        rows = sum(layer.skills.num_rows + layer.lacks.num_rows for layer in chosen)
        rows += sum(size for size, _ in there) - associations + replaced
        several = len(chosen) > 1
        change(
            self._connection, "layers" if several else "layer", dataset if several else layers[0].info.key, rows, write
        )

    def write_lacks(self, dataset: str, name: str, lacks: pa.Table) -> None:
        """Write what a stored layer lacks in the place of what was recorded; all else stays as it is."""
        check_lacks(name, lacks)
        key = node_key(dataset, name)
        before = self._layer_node(dataset, name)
        there = self.read_layer(dataset, name)
        layer = Layer(replace_fields(there.info, lacks=lacks.num_rows), there.skills, lacks)
        self._connection.read(
            lambda transaction: require_texts(transaction, dataset, pc.unique(lacks["text"].drop_null()))
        )

        def write(staged: Change) -> None:
            skills = staged.transactions.read(lambda transaction: skills_of(transaction, dataset))
            draft = stage_layer(staged, layer, skills)

            def publish(transaction: ManagedTransaction) -> None:
                if require_layer(transaction, dataset, name)["revision"] != before["revision"]:
                    raise StoreError(
                        f"layer {name!r} was changed while what it lacks was written: run the command again"
                    )
                keep_counts(transaction, key, draft)
                tuned = retire_layer(transaction, staged, key)
                publish_layer(transaction, layer, draft, staged.token)
                join_layers(transaction, layer.info, tuned)
                mark_stale(transaction, dataset)

            staged.publish(publish)

        rows = there.skills.num_rows + lacks.num_rows + self._layer_sizes(key)[0]
        change(self._connection, "layer", key, rows, write)

    def read_layer(self, dataset: str, name: str, *, encoded: bool = False) -> Layer:
        """The layer, equal to the one written; with `encoded`, `skill` and `by` are dictionary-encoded."""
        return self._steadily(
            lambda transaction: require_layer(transaction, dataset, name),
            lambda transaction, node: Layer(
                layer_info(node),
                read_layer_skills(transaction, node, encoded=encoded),
                read_layer_lacks(transaction, node),
            ),
        )

    def layers(self, dataset: str | None = None) -> tuple[LayerInfo, ...]:
        """Layers of one dataset or of all, ordered by dataset and name."""
        if dataset is not None:
            self._dataset_node(dataset)
        statement = (
            "MATCH (l:Layer) WHERE l.versions IS NOT NULL AND ($dataset IS NULL OR l.dataset = $dataset) "
            "RETURN properties(l) AS node"
        )
        rows = self._records(statement, lambda row: layer_info(row["node"]), dataset=dataset)
        return tuple(sorted(rows, key=lambda info: (info.dataset, info.name)))

    def delete_layer(self, dataset: str, name: str) -> None:
        """Remove a layer and its associations; one that others are fine-tuned from is refused."""
        key = node_key(dataset, name)
        self._layer_node(dataset, name)
        size, associations = self._layer_sizes(key)

        def write(staged: Change) -> None:
            def publish(transaction: ManagedTransaction) -> None:
                require_layer(transaction, dataset, name)
                tuned = retire_layer(transaction, staged, key)
                if tuned:
                    names = ", ".join(repr(other.partition("/")[2]) for other in sorted(tuned))
                    raise StoreError(f"layer {name!r} is the base of {names}: delete those first")

            staged.publish(publish, [Step("forget", name, dataset)], associations)

        change(self._connection, "layer", key, size, write)

    def rename_layer(self, dataset: str, name: str, new: str) -> None:
        """Give a layer another name, under which the dataset has none yet."""
        check_layer_name(new)
        key = node_key(dataset, name)
        _check_name(node_key(dataset, new))
        self._layer_node(dataset, name)
        size, associations = self._layer_sizes(key)

        def write(staged: Change) -> None:
            def publish(transaction: ManagedTransaction) -> None:
                require_layer(transaction, dataset, name)
                if layer_is_there(transaction, node_key(dataset, new)):
                    raise StoreError(f"dataset {dataset!r} has a layer {new!r} already: choose another name")
                rename_layer_node(transaction, dataset, name, new, staged.token)
                mark_stale(transaction, dataset)

            staged.publish(publish, [Step("adopt", name, dataset, new)], associations)

        change(self._connection, "layer", key, size, write)

    # Associations -------------------------------------------------------------------------------------------

    def write_associations(
        self,
        dataset: str,
        layer: str,
        associations: pa.Table,
        *,
        rule: str,
        components: pa.Table,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Write a layer's associations in the place of those there, and its components."""
        key = node_key(dataset, layer)
        before = self._layer_node(dataset, layer)
        check_associations(layer_info(before), associations, components, rule)
        check_learned(components["skill"], associations, layer)

        def write(staged: Change) -> None:
            skills = staged.transactions.read(lambda transaction: skills_of(transaction, dataset))
            ends = [skills.numbers_of(associations[end], "skill", dataset) for end in ("source", "target")]
            places = [skills.positions(numbers) for numbers in ends]
            weights = associations["weight"].to_numpy()
            found = staged.transactions.read(lambda transaction: counted(transaction, skills, places, weights))
            new = np.ones(len(weights), dtype=np.bool_)
            if staged.at_once:
                new = ~staged.take_out(
                    lambda transaction: reuse_associations(transaction, layer_info(before), skills, places, weights)
                )
            draft = stage_associations(staged, layer, [numbers[new] for numbers in ends], weights[new])

            def publish(transaction: ManagedTransaction) -> None:
                if require_layer(transaction, dataset, layer)["revision"] != before["revision"]:
                    raise StoreError(
                        f"layer {layer!r} was changed while its associations were written: run the command again"
                    )
                set_components(transaction, skills, key, components, found)
                written = association_properties(associations.num_rows, rule, options)
                transaction.run(
                    "MATCH (l:Layer {key: $key}) SET l += $counted",
                    key=key,
                    counted={**written, "revision": staged.token},
                ).consume()

            steps = [Step("forget", layer, dataset), Step("write", layer, dataset, draft)]
            # One that is made takes twice the memory of one that is changed.
            staged.publish(publish, () if staged.at_once else steps, 2 * associations.num_rows + replaced)

        size, replaced = self._layer_sizes(key)
        change(self._connection, "associations", key, associations.num_rows + size, write)

    def read_associations(self, dataset: str, layer: str, *, encoded: bool = False) -> pa.Table:
        """Rows of `ASSOCIATION_SCHEMA`, ordered by source and target."""
        return self._steadily(
            lambda transaction: require_layer(transaction, dataset, layer),
            lambda transaction, node: read_layer_associations(transaction, node, encoded=encoded),
        )

    # Saved views --------------------------------------------------------------------------------------------

    def views(self) -> tuple[SavedView, ...]:
        """The saved views, ordered by name."""
        return between_changes(self._connection, _views)

    def change_views(
        self, save: Sequence[SavedView] = (), *, remove: Sequence[str] = (), replace: bool = False
    ) -> tuple[SavedView, ...]:
        """Remove views by their names, then save others, all or nothing; the views after it."""
        after: list[SavedView] = []

        def write(staged: Change) -> None:
            def publish(transaction: ManagedTransaction) -> None:
                after[:] = changed_views(_views(transaction), save, remove, replace=replace)
                transaction.run("MATCH (v:SkillgraphView) DELETE v").consume()
                rows = [view.properties() for view in after]
                transaction.run("UNWIND $rows AS row CREATE (v:SkillgraphView) SET v = row", rows=rows).consume()

            staged.publish(publish)

        change(self._connection, "views", "", 0, write)
        return tuple(after) or self.views()

    # Queries ------------------------------------------------------------------------------------------------

    def query(
        self,
        cypher: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        max_rows: int = 1_000,
        timeout: float = 30.0,
    ) -> QueryResult:
        """Run a read-only query; see `explorer.store.neo4j.query`."""
        result = run_query(self._connection, cypher, parameters, max_rows=max_rows, timeout=timeout)
        if self._uncounted and any(
            token.text.strip("`") in (*COUNTS, *OF_LAYER) for token in tokenize(split_version(cypher)[1])
        ):
            return replace_fields(result, warnings=(*result.warnings, missing_counts(self._uncounted)))
        return result

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._connection.close()

    # ---------------------------------------------------------------------------------------------------------

    def _steadily(
        self,
        find: Callable[[ManagedTransaction], _N],
        read: Callable[[ManagedTransaction, _N], _T],
    ) -> _T:
        """Read something of several statements as it was at one time.

        Neo4j isolates neither transactions nor statements: another process may publish between two of them, and
        what a commit changes can be seen while it is only half applied. So what is found first, between two
        publications, is found again at the end, and what was read while that was replaced is read again.
        """
        for _ in range(READ_ATTEMPTS):
            found, error = between_changes(self._connection, find), None
            try:
                value = self._connection.read(lambda transaction, f=found: read(transaction, f))  # type: ignore[misc]
            except (StoreError, KeyError, TypeError, ValueError) as caught:
                error = caught
            try:
                if between_changes(self._connection, find) != found:
                    continue
            except NotFoundError:
                continue
            if error is None:
                return value
            if isinstance(error, SkillgraphError):
                raise error
            raise StoreError(
                f"{self.url} contains data that this program did not write ({type(error).__name__}: {error}): load the "
                "dataset again with --replace"
            ) from error
        raise StoreError(f"{self.url}: the data keep being changed by others while they are read; try again later")

    def _records(self, statement: str, record: Callable[[Mapping[str, Any]], _T], **parameters: Any) -> list[_T]:
        """Records of nodes that one statement finds."""

        def find(transaction: ManagedTransaction) -> list[dict[str, Any]]:
            return [row.data() for row in transaction.run(statement, parameters)]

        return [record(row) for row in between_changes(self._connection, find)]

    def _dataset_node(self, name: str) -> Mapping[str, Any]:
        return between_changes(self._connection, lambda transaction: require_dataset(transaction, name))

    def _layer_node(self, dataset: str, name: str) -> Mapping[str, Any]:
        return between_changes(self._connection, lambda transaction: require_layer(transaction, dataset, name))

    def _rows_of(self, node: Mapping[str, Any] | None) -> int:
        """Twice the nodes and relationships of a dataset and its layers: removing takes more than writing."""
        if node is None:
            return 0
        statement = (
            "MATCH (l:Layer) WHERE l.dataset = $name "
            "RETURN sum(l.learned + coalesce(l.lacks, 0) + coalesce(l.associations, 0))"
        )
        layers = self._connection.rows(statement, name=node["name"])[0][0]
        return 2 * (sum(sizes_of(node).values()) + int(layers))

    def _rows_in_place_of(self, there: Mapping[str, Any] | None, dataset: Dataset) -> tuple[int, int]:
        """Rows that writing a dataset counts for, and removing the one that is there, in one transaction."""
        rows, removed = _rows(dataset), self._rows_of(there)
        nodes = [table.num_rows for name, table in dataset.tables().items() if name in NODE_LABELS]
        without_nodes = rows - NODE_ROWS * sum(nodes) + removed // 2 - _nodes_of(there)
        if there is None or fits("dataset", rows + removed) or not fits("dataset", without_nodes):
            return rows, removed
        kept = self._connection.read(
            lambda transaction: sum(
                len(common) for common, _ in common_nodes(transaction, dataset, sizes_of(there)).values()
            )
        )
        # What stays has no new entry in an index, and relationships are as many rows as they are.
        return rows - (NODE_ROWS - 1) * kept, removed // 2 + _nodes_of(there) - 2 * kept

    def _layer_sizes(self, key: str) -> tuple[int, int]:
        """Relationships of a layer that is there, and how many of them are associations; 0 if there is none."""
        rows = self._connection.rows(
            "MATCH (l:Layer {key: $key}) WITH coalesce(l.associations, 0) AS associations, l "
            "RETURN l.learned + coalesce(l.lacks, 0) + associations, associations",
            key=key,
        )
        return (int(rows[0][0]), int(rows[0][1])) if rows else (0, 0)


def _views(transaction: ManagedTransaction) -> tuple[SavedView, ...]:
    rows = transaction.run("MATCH (v:SkillgraphView) RETURN properties(v) AS view")
    return tuple(sorted((SavedView.of_properties(row["view"]) for row in rows), key=lambda view: view.name))


def _check_name(name: str) -> None:
    """Names begin every key and are searched by; ids, not names, may be longer than an index entry."""
    if len(name.encode()) > 1_000:
        raise StoreError(
            f"the name {name[:40]!r}… is longer than 1000 bytes, which is too long for Neo4j: choose a shorter one"
        )


def _rows(dataset: Dataset) -> int:
    """Rows that writing a dataset counts for."""
    return sum(table.num_rows * (NODE_ROWS if name in NODE_LABELS else 1) for name, table in dataset.tables().items())


def _nodes_of(node: Mapping[str, Any] | None) -> int:
    """Texts, skills and models of a dataset."""
    return 0 if node is None else sum(sizes_of(node)[table] for table in NODE_LABELS)


def _exists(name: str) -> StoreError:
    return StoreError(
        f"dataset {name!r} exists in the store already: load it with --replace, add texts to it with --append, "
        "or choose another --name"
    )
