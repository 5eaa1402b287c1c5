"""A layer's nodes and relationships in Neo4j: checked, read, joined to other layers, retired."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from explorer.errors import NotFoundError, StoreError
from explorer.store.counts import COUNTS, MIXES, association_counts, class_pairs
from explorer.store.neo4j.change import Change, Step, is_publishing, of_layer
from explorer.store.neo4j.dataset import (
    BATCH,
    dataset_node_of,
    index_key,
    require_dataset,
    skills_of,
    stage_lists,
    stage_rows,
)
from explorer.store.neo4j.reading import NodeIndex, fill_pairs, read_nodes, read_pairs, read_values
from explorer.store.protocol import (
    ASSOCIATION_SCHEMA,
    LAYER_LACKS_SCHEMA,
    LAYER_SKILLS_SCHEMA,
    Layer,
    LayerInfo,
    Notice,
)
from explorer.store.records import (
    dataset_parts,
    lacks_table,
    layer_info,
    layer_node,
    layer_table,
    no_associations,
    node_key,
    stale_properties,
    with_coded_ids,
)
from explorer.store.staleness import stale_layers

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

    from explorer.store.neo4j.connection import Connection

__all__ = [
    "add_missing_counts",
    "check_base",
    "counted",
    "join_layers",
    "keep_counts",
    "layer_is_there",
    "mark_stale",
    "missing_counts",
    "publish_layer",
    "read_layer_associations",
    "read_layer_lacks",
    "read_layer_skills",
    "rename_layer_node",
    "require_layer",
    "require_texts",
    "retire_layer",
    "reuse_associations",
    "set_components",
    "stage_associations",
    "stage_layer",
]


def require_layer(transaction: ManagedTransaction, dataset: str, name: str) -> Mapping[str, Any]:
    """Properties of a layer's node.

    Raises:
        NotFoundError: There is none.
    """
    row = transaction.run("MATCH (l:Layer {key: $key}) RETURN properties(l)", key=node_key(dataset, name)).single()
    if row is None:
        require_dataset(transaction, dataset)
        raise NotFoundError(f"dataset {dataset!r} has no layer {name!r}")
    node: Mapping[str, Any] = row[0]
    return node


def retire_layer(transaction: ManagedTransaction, change: Change, key: str) -> list[str]:
    """Take a layer out of sight, but not its associations; keys of the layers that are fine-tuned from it."""
    row = transaction.run(
        "MATCH (l:Layer {key: $key}) OPTIONAL MATCH (l)<-[:FINE_TUNED_FROM]-(tuned:Layer) "
        "WITH l, collect(tuned.key) AS tuned OPTIONAL MATCH (l)-[r:FINE_TUNED_FROM]-() DELETE r "
        "WITH DISTINCT l, tuned REMOVE l:Layer SET l:SkillgraphDraft, l.key = $trash + l.key RETURN tuned",
        key=key,
        trash=f"{change.trash}Layer:",
    ).single()
    return [] if row is None else list(row[0])


def stage_layer(change: Change, layer: Layer, skills: NodeIndex) -> str:
    """Stage a layer as a draft node with its LEARNED and LACKS to skills, which may be drafts too; the draft's key."""
    draft = f"{change.staged}Layer:{layer.info.name}"
    change.stage("CREATE (l:SkillgraphDraft {key: $draft}) RETURN count(l)", 1, draft=draft)
    for kind, table, schema in (
        ("LEARNED", layer.skills, LAYER_SKILLS_SCHEMA),
        ("LACKS", layer.lacks, LAYER_LACKS_SCHEMA),
    ):
        names = schema.names[1:]
        values = ", ".join(f"r.`{name}` = row[{place}]" for place, name in enumerate(names, start=1))
        stage_rows(
            change,
            "MATCH (l:SkillgraphDraft {key: $draft}) UNWIND $rows AS row MATCH (s) WHERE id(s) = row[0] "
            f"CREATE (l)-[r:{kind}]->(s) SET {values} RETURN count(r)",
            zip(
                skills.numbers_of(table["skill"], "skill", layer.info.dataset).tolist(),
                *(column.to_pylist() for column in table.select(names).cast(pa.schema(list(schema)[1:])).columns),
                strict=True,
            ),
            draft=draft,
        )
    return draft


def stage_associations(change: Change, layer: str, ends: Sequence[NDArray[np.int64]], weight: NDArray[np.int64]) -> str:
    """Write associations, if all is done at once, or stage them as lists; how the keys of those begin.

    Args:
        change: Writes them.
        layer: Name of the layer.
        ends: The server's numbers of the first skill of each, and of the second.
        weight: Weight of each.
    """
    source, target = ends
    draft = f"{change.staged}Associations:"
    if change.at_once:
        stage_rows(
            change,
            "UNWIND $rows AS row MATCH (a) WHERE id(a) = row[0] MATCH (b) WHERE id(b) = row[1] "
            "CREATE (a)-[r:ASSOCIATED_WITH {layer: $layer, weight: row[2]}]->(b) RETURN count(r)",
            zip(source.tolist(), target.tolist(), weight.tolist(), strict=True),
            layer=layer,
        )
        return draft
    stage_lists(change, draft, {"source": source, "target": target, "weight": weight})
    return draft


def reuse_associations(
    transaction: ManagedTransaction,
    info: LayerInfo,
    skills: NodeIndex,
    places: Sequence[NDArray[np.int32]],
    weight: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Delete the associations that a layer is not to have, and give the others their weights; which are there then.

    Args:
        transaction: Where to write.
        info: The layer.
        skills: Those of its dataset.
        places: Positions among them of the first skill of each association that it is to have, and of the second.
        weight: Weight of each.
    """
    span = int(skills.numbers.max(initial=0)) + 1
    if span > _WIDEST:
        Step("forget", info.name, info.dataset).run(transaction)
        return np.zeros(len(weight), dtype=np.bool_)
    first, second = (skills.numbers[place] for place in places)
    wanted = first * span + second
    row = transaction.run(
        _KEPT.format(of_layer=of_layer(transaction, info.dataset, info.name)),
        what=info.name,
        name=info.dataset,
        span=span,
        wanted=wanted.tolist(),
    ).single(strict=True)
    numbers, found, weights = (np.asarray(values, dtype=np.int64) for values in row)
    pairs, rows = np.unique(found, return_index=True)
    there = np.isin(wanted, pairs)
    kept = rows[np.searchsorted(pairs, wanted[there])]
    changed = weights[kept] != weight[there]
    values = np.stack([numbers[kept], weight[there]], axis=1)[changed]
    for statement, listed in (
        # Another program may have added one twice.
        ("UNWIND $rows AS row MATCH ()-[n]->() WHERE id(n) = row DELETE n", np.delete(numbers, rows)),
        ("UNWIND $rows AS row MATCH ()-[n]->() WHERE id(n) = row[0] SET n.weight = row[1]", values),
    ):
        for start in range(0, len(listed), BATCH):
            transaction.run(statement, rows=listed[start : start + BATCH].tolist()).consume()
    return there


# A pair of nodes is one number, which must be below 2^63. One pass deletes and tells what stays: to read all of them
# first and to look up those that go again takes half as long again.
_WIDEST = 1 << 31
_KEPT = (
    "MATCH (a)-[n:ASSOCIATED_WITH]->(b) WHERE {of_layer} "
    "WITH n, CASE WHEN id(a) < $span AND id(b) < $span THEN id(a) * $span + id(b) ELSE -1 END AS pair "
    "WITH n, pair, pair IN $wanted AS stays "
    "FOREACH (gone IN CASE WHEN stays THEN [] ELSE [n] END | DELETE gone) "
    "WITH n, pair, stays WHERE stays RETURN collect(id(n)), collect(pair), collect(coalesce(n.weight, 0))"
)


def publish_layer(transaction: ManagedTransaction, layer: Layer, draft: str, revision: str) -> None:
    """Make a draft a layer."""
    transaction.run(
        "MATCH (l:SkillgraphDraft {key: $draft}) WITH l, l.class_pairs AS pairs "
        "REMOVE l:SkillgraphDraft SET l:Layer, l = $node SET l.class_pairs = pairs",
        draft=draft,
        node={**layer_node(layer), "revision": revision},
    ).consume()


def layer_is_there(transaction: ManagedTransaction, key: str) -> bool:
    """Whether there is a layer with this key."""
    return transaction.run("MATCH (l:Layer {key: $key}) RETURN 1", key=key).single() is not None


def rename_layer_node(transaction: ManagedTransaction, dataset: str, name: str, new: str, revision: str) -> None:
    """Give a layer a new name, but not its associations, and make it the base, by that name, of those tuned from it."""
    for statement in (
        "MATCH (l:Layer {key: $key})<-[:FINE_TUNED_FROM]-(t:Layer) SET t.base = $new, t.revision = $revision",
        "MATCH (l:Layer {key: $key}) SET l.name = $new, l.key = $new_key, l.revision = $revision",
    ):
        transaction.run(
            statement,
            key=node_key(dataset, name),
            new_key=node_key(dataset, new),
            new=new,
            revision=revision,
        ).consume()


def mark_stale(transaction: ManagedTransaction, dataset: str) -> None:
    """Say at each layer of a dataset whether it is stale, and why, where that has changed."""
    node = dataset_node_of(transaction, dataset)
    rows = transaction.run(
        "MATCH (l:Layer) WHERE l.dataset = $name AND l.versions IS NOT NULL RETURN properties(l)", name=dataset
    )
    infos = [layer_info(row[0]) for row in rows]
    found = stale_layers(infos, None if node is None else dataset_parts(node))
    marks = [
        {"key": info.key, "marks": stale_properties(found[info.name])}
        for info in infos
        if info.stale_because != found[info.name] or info.stale != bool(found[info.name])
    ]
    transaction.run("UNWIND $rows AS row MATCH (l:Layer {key: row.key}) SET l += row.marks", rows=marks).consume()


def check_base(transaction: ManagedTransaction, info: LayerInfo) -> None:
    """The base of a layer is there and does not itself come from this layer."""
    if info.base is None:
        return
    require_layer(transaction, info.dataset, info.base)
    rows = transaction.run("MATCH (l:Layer) WHERE l.dataset = $name RETURN l.name, l.base", name=info.dataset)
    bases = {row[0]: row[1] for row in rows}
    name: str | None = info.base
    while name is not None:
        if name == info.name:
            raise StoreError(
                f"layer {info.name!r} cannot be fine-tuned from {info.base!r}, which was itself fine-tuned from it"
            )
        name = bases.get(name)


def join_layers(transaction: ManagedTransaction, info: LayerInfo, tuned: list[str]) -> None:
    """Relationships from a layer to its base, and to it from those that are fine-tuned from it."""
    pairs = [{"layer": key, "base": info.key} for key in tuned]
    if info.base is not None:
        require_layer(transaction, info.dataset, info.base)
        pairs.append({"layer": info.key, "base": node_key(info.dataset, info.base)})
    transaction.run(
        "UNWIND $pairs AS pair MATCH (l:Layer {key: pair.layer}) MATCH (b:Layer {key: pair.base}) "
        "CREATE (l)-[:FINE_TUNED_FROM]->(b)",
        pairs=pairs,
    ).consume()


# From the skill, which is learned in few layers; a layer has learned many skills.
_LEARNED_BY = (
    "UNWIND $rows AS row MATCH (s) WHERE id(s) = row[0] WITH s, row MATCH (s)<-[r:LEARNED]-(l) WHERE l.key = $key"
)
_COUNTS = ", ".join(f"r.{name} = row[{place}]" for place, name in enumerate(COUNTS, start=1))


@dataclass(frozen=True)
class Counted:
    """What is kept of a layer's associations.

    Attributes:
        counts: `association_counts` of the skills of its dataset.
        pairs: Number of pairs of classes that have associations.
        mixes: Rows of MIXES, as `class_pairs` gives them.
    """

    counts: pa.Table
    pairs: int
    mixes: pa.Table


def counted(
    transaction: ManagedTransaction, skills: NodeIndex, ends: Sequence[NDArray[Any]], weight: NDArray[np.int64]
) -> Counted:
    """What is kept of associations, from the positions of their ends among the skills of the dataset."""
    schema = pa.schema([("id", pa.string()), ("class", pa.string())])
    classes = read_nodes(transaction, skills, schema)["class"].combine_chunks()
    return Counted(association_counts(ends, weight, classes), *class_pairs(ends, weight, classes))


def keep_counts(transaction: ManagedTransaction, key: str, draft: str) -> None:
    """Give a draft the counts of the associations of the layer whose place it takes, and whose associations it keeps.

    A skill that only one of them has learned has none.
    """
    kept = ", ".join(f"new.{name} = old.{name}" for name in COUNTS)
    transaction.run(
        "MATCH (:Layer {key: $key})-[old:LEARNED]->(s)<-[new:LEARNED]-(:SkillgraphDraft {key: $draft}) "
        f"WHERE old.neighbours IS NOT NULL SET {kept}",
        key=key,
        draft=draft,
    ).consume()
    transaction.run(
        "MATCH (there:Layer {key: $key}) MATCH (l:SkillgraphDraft {key: $draft}) SET l.class_pairs = there.class_pairs "
        "WITH there, l MATCH (there)-[old:MIXES]->(there) CREATE (l)-[r:MIXES]->(l) SET r = properties(old)",
        key=key,
        draft=draft,
    ).consume()


def _set_mixes(transaction: ManagedTransaction, key: str, found: Counted) -> None:
    """Give a layer its MIXES in the place of those there."""
    transaction.run("MATCH (l:Layer {key: $key})-[r:MIXES]->(l) DELETE r", key=key).consume()
    values = ", ".join(f"{name}: row[{place}]" for place, name in enumerate(MIXES))
    transaction.run(
        "MATCH (l:Layer {key: $key}) SET l.class_pairs = $pairs "
        f"WITH l UNWIND $rows AS row CREATE (l)-[:MIXES {{{values}}}]->(l)",
        key=key,
        pairs=found.pairs,
        rows=[list(row.values()) for row in found.mixes.to_pylist()],
    ).consume()


def add_missing_counts(connection: Connection, notice: Notice | None = None) -> tuple[str, ...]:
    """Count the associations of layers that an earlier version wrote, which kept no counts.

    Args:
        connection: To the server.
        notice: Told so before each layer; not if this user may only read.

    Returns:
        Keys of the layers that are left as they are: this user may only read, or somebody is writing.
    """
    found = {row[0]: row[1] for row in connection.rows(_UNCOUNTED)}
    keys, done = list(found), set[str]()
    layers = "a layer" if len(keys) == 1 else f"{len(keys)} layers"
    text = (
        f"{connection.address.url}: {sum(found.values()):,} associations of {layers} are being counted, once, because "
        "the version that wrote them kept no counts"
    )
    for number, key in enumerate(keys):

        def add(transaction: ManagedTransaction, key: str = key, number: int = number) -> bool:
            # Nothing is published while this lasts.
            if is_publishing(transaction):
                return False
            if notice:
                notice(text, number, len(keys))
            if key in [row[0] for row in transaction.run(_UNCOUNTED)]:
                _add_counts(transaction, key)
            return True

        # What cannot be read or written now is no reason to refuse the rest of the store.
        with contextlib.suppress(StoreError):
            if connection.write(add):
                done.add(key)
    return tuple(key for key in keys if key not in done)


_UNCOUNTED = (
    "MATCH (l:Layer) WHERE l.associations > 0 AND l.class_pairs IS NULL "
    "RETURN l.key AS key, l.associations ORDER BY key"
)


def missing_counts(keys: Sequence[str]) -> str:
    """What is said to whoever asks for counts that are not there."""
    return (
        f"{', '.join(COUNTS)} of LEARNED, and MIXES with class_pairs of Layer, are missing in layers that an earlier "
        f"version wrote ({', '.join(keys)}): any command of a user who may write adds them, such as skillgraph datasets"
    )


def _add_counts(transaction: ManagedTransaction, key: str) -> None:
    dataset, _, name = key.partition("/")
    pairs = read_layer_associations(transaction, require_layer(transaction, dataset, name))
    skills = skills_of(transaction, dataset)
    ends = [skills.positions(skills.numbers_of(pairs[end], "skill", dataset)) for end in ("source", "target")]
    found = counted(transaction, skills, ends, pairs["weight"].to_numpy())
    columns = [found.counts[name].to_pylist() for name in COUNTS]
    rows = list(map(list, zip(skills.numbers.tolist(), *columns, strict=True)))
    for start in range(0, len(rows), BATCH):
        transaction.run(f"{_LEARNED_BY} SET {_COUNTS}", key=key, rows=rows[start : start + BATCH]).consume()
    _set_mixes(transaction, key, found)


def set_components(
    transaction: ManagedTransaction, skills: NodeIndex, key: str, components: pa.Table, found: Counted
) -> None:
    """Give a layer and each of its learned skills what is kept of its associations, and the skill its component.

    `skills` are those of its dataset.

    Raises:
        StoreError: The components are not of the skills that it has learned.
    """
    numbers = skills.numbers_of(components["skill"], "skill", key.partition("/")[0])
    learned_counts = found.counts.take(pa.array(skills.positions(numbers)))
    columns = [learned_counts[name].to_pylist() for name in COUNTS]
    rows = list(map(list, zip(numbers.tolist(), *columns, components["component"].to_pylist(), strict=True)))
    given = 0
    for start in range(0, len(rows), BATCH):
        given += transaction.run(
            f"{_LEARNED_BY} SET {_COUNTS}, r.component = row[{len(COUNTS) + 1}] RETURN count(r)",
            key=key,
            rows=rows[start : start + BATCH],
        ).single(strict=True)[0]
    learned = transaction.run("MATCH (:Layer {key: $key})-[r:LEARNED]->() RETURN count(r)", key=key).single(
        strict=True
    )[0]
    if not given == learned == components.num_rows:
        raise StoreError(
            f"layer {key!r} has {learned} learned skills, and components of {components.num_rows} were given, of "
            f"which it has learned {given}: compute the associations of the layer as it is now"
        )
    _set_mixes(transaction, key, found)


def require_texts(transaction: ManagedTransaction, dataset: str, ids: pa.Array | pa.ChunkedArray) -> None:
    """Texts are in a dataset.

    Raises:
        StoreError: One is not.
    """
    statement = (
        "UNWIND $ids AS row OPTIONAL MATCH (n:Text {key: row[0]}) WITH row, n WHERE n IS NULL RETURN row[1] LIMIT 1"
    )
    keys = [[index_key(node_key(dataset, identifier)), identifier] for identifier in ids.to_pylist()]
    for start in range(0, len(keys), BATCH):
        row = transaction.run(statement, ids=keys[start : start + BATCH]).single()
        if row is not None:
            raise StoreError(f"text {row[0]!r} is not in dataset {dataset!r}: load it first")


def read_layer_skills(transaction: ManagedTransaction, node: Mapping[str, Any], *, encoded: bool = False) -> pa.Table:
    """The learned skills of a layer, given its node; rows of `LAYER_SKILLS_SCHEMA`, or these with coded ids."""
    names = LAYER_SKILLS_SCHEMA.names
    columns = ("s.id", *(f"r.{name}" for name in names[1:]))
    rows = [row for batch in _learned(transaction, node, columns) for row in batch]
    values = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    found = layer_table(dict(zip(names, values, strict=True)))
    return with_coded_ids(found) if encoded else found


def read_layer_lacks(transaction: ManagedTransaction, node: Mapping[str, Any]) -> pa.Table:
    """What a layer lacks, given its node; rows of `LAYER_LACKS_SCHEMA`."""
    if not node.get("lacks"):
        return LAYER_LACKS_SCHEMA.empty_table()
    names = LAYER_LACKS_SCHEMA.names
    columns = ("s.id", *(f"r.`{name}`" for name in names[1:]))
    match = "MATCH (l:Layer {key: $key})-[r:LACKS]->(s)"
    batches = read_values(transaction, match, "id(s)", columns, node["lacks"], key=node["key"])
    rows = [row for batch in batches for row in batch]
    values = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return lacks_table(dict(zip(names, values, strict=True)))


def read_layer_associations(
    transaction: ManagedTransaction, node: Mapping[str, Any], *, encoded: bool = False
) -> pa.Table:
    """The associations of a layer, given its node; rows of `ASSOCIATION_SCHEMA`, or these with ids as dictionaries."""
    count = node.get("associations")
    if not count:
        return no_associations(encoded=encoded)
    numbers = [row[0] for batch in _learned(transaction, node, ("id(s)",)) for row in batch]
    skills = skills_of(transaction, node["dataset"])
    learned = skills.keep(np.isin(skills.numbers, np.asarray(numbers, dtype=np.int64)))
    pattern = "MATCH (a)-[r:ASSOCIATED_WITH]->(b:Skill) WHERE r.layer = $layer"
    pairs = read_pairs(transaction, pattern, learned, learned, count, ("r.weight",), layer=node["name"])
    source, target, values = fill_pairs(pairs, count, {"weight": np.int64})
    weight = pa.array(values["weight"], pa.int64())
    if encoded:
        ends = [pa.DictionaryArray.from_arrays(pa.array(side, pa.int32()), learned.ids) for side in (source, target)]
        return pa.table([*ends, weight], names=ASSOCIATION_SCHEMA.names)
    ends = [learned.ids.take(pa.array(positions)) for positions in (source, target)]
    return pa.table([*ends, weight], schema=ASSOCIATION_SCHEMA)


def _learned(
    transaction: ManagedTransaction, node: Mapping[str, Any], columns: Sequence[str]
) -> Iterator[list[list[Any]]]:
    match = "MATCH (l:Layer {key: $key})-[r:LEARNED]->(s)"
    return read_values(transaction, match, "id(s)", columns, node["learned"], key=node["key"])
