"""What every store does, and the records it keeps beside datasets.

Nothing outside `explorer.store` knows which store it talks to. Arrow is imported when its schemas are asked for: to
list what is in a store needs none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import pyarrow as pa

    from explorer.store.fingerprint import PartFingerprints
    from explorer.store.views import SavedView
    from loaders.dataset import Dataset

__all__ = [
    "ASSOCIATION_SCHEMA",
    "LAYER_LACKS_SCHEMA",
    "LAYER_SKILLS_SCHEMA",
    "SCHEMA_VERSION",
    "SOLVE_RATES",
    "Bounded",
    "DatasetInfo",
    "Layer",
    "LayerInfo",
    "LayerKind",
    "Node",
    "Notice",
    "Parameter",
    "Path",
    "Progress",
    "QueryResult",
    "Relationship",
    "Scalar",
    "Store",
]

SCHEMA_VERSION = 1
"""Version of the graph schema; a store written by another version is refused."""

Scalar = str | int | float | bool | None
SOLVE_RATES = ("solve_rate", "solve_rate_low", "solve_rate_high")
"""Properties of LEARNED and LACKS of an item response layer: the model's solve rate with its 95 % interval."""

Parameter = Scalar | tuple[str, ...] | tuple[int, ...]
"""A parameter of a layer: a scalar, or a list of strings or of integers."""
LayerKind = Literal["foundation", "fine-tuned", "evidence"]
Progress = Callable[[int, int], None]
"""Called with (rows done, rows in all)."""
Notice = Callable[[str, int, int], None]
"""Called with (a sentence about long work that nobody asked for, steps done, steps in all); the first time with 0."""

if TYPE_CHECKING:
    LAYER_LACKS_SCHEMA: pa.Schema
    LAYER_SKILLS_SCHEMA: pa.Schema
    ASSOCIATION_SCHEMA: pa.Schema


def __getattr__(name: str) -> Any:
    if name not in ("LAYER_LACKS_SCHEMA", "LAYER_SKILLS_SCHEMA", "ASSOCIATION_SCHEMA"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import pyarrow as pa

    number, text = pa.int32(), pa.string()
    learned = [("skill", text), ("wave", number), ("by", text), ("component", number), ("mastery", pa.float64())]
    lacking = [("skill", text), ("reason", text), ("text", text), ("novel", number), ("component", number)]
    rates = [(name, pa.float64()) for name in SOLVE_RATES]
    globals().update(
        LAYER_LACKS_SCHEMA=pa.schema([*lacking, ("group", number), ("mastery", pa.float64()), *rates]),
        LAYER_SKILLS_SCHEMA=pa.schema([*learned, *rates]),
        ASSOCIATION_SCHEMA=pa.schema([("source", text), ("target", text), ("weight", pa.int64())]),
    )
    return globals()[name]


@dataclass(frozen=True)
class LayerInfo:
    """A layer without its skills.

    Attributes:
        dataset: Name of the dataset.
        name: Name of the layer, unique in the dataset, without "/".
        kind: `foundation`, `fine-tuned` (then `base` is set) or `evidence`.
        learner: As given to the command line: `one`, `d:2`, `capacity:0.6`, `dina`.
        base: Name of the layer it was fine-tuned from.
        mode: `frozen`, `continued` or `joint` for a fine-tuned layer.
        parts: Parts of the dataset whose texts taught it, in order of name; empty means all texts.
        texts: Number of texts presented.
        skills: Number of skills that those texts require, with the base's; the learned fraction is of these.
        learned: Number of learned skills.
        waves: Number of rounds of parallel presentation until nothing changed.
        associations: Number of stored associations; None if they have not been computed.
        association_rule: `any` or `understood`.
        seed: Seed of what was random; None if nothing was.
        parameters: Further parameters of the run: scalars and lists.
        versions: Versions of the packages that computed it.
        created_at: UTC time, ISO 8601.
        graph_parts: Parts whose texts make its graph: its own, and those of the layers it was fine-tuned from as they
            were when it was made; empty means all texts; None if an earlier version made it, which did not keep them.
        made_from: Fingerprints of what it was made from (`explorer.store.staleness.inputs_of`); empty if not known.
        vanished: Ids of skills that it learned and that the dataset, replaced since, no longer has.
        association_options: How its associations were computed: `rule`, `min_weight`, `top`, `max_text_skills`. Kept
            when the texts are replaced, though the associations go.
        lacks: Number of skills that it lacks, with the reason of each; None if that was not recorded.
        fingerprint: Of its skills, waves, teaching texts and masteries; the store sets it.
        stale: True if something it was made from has changed since; the store sets it.
        stale_because: In which way, a clause each; empty if it is not stale.
        skills_add: Of an evidence layer: True if its skills predict outcomes that were held out better than ability
            and difficulty alone, beyond noise; False if that cannot be shown; None if it was not judged.
    """

    dataset: str
    name: str
    kind: LayerKind
    learner: str
    texts: int
    skills: int
    learned: int
    waves: int
    base: str | None = None
    mode: str | None = None
    parts: tuple[str, ...] = ()
    associations: int | None = None
    association_rule: str | None = None
    seed: int | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    created_at: str = ""
    graph_parts: tuple[str, ...] | None = None
    made_from: Mapping[str, str] = field(default_factory=dict)
    vanished: tuple[str, ...] = ()
    association_options: Mapping[str, Scalar] = field(default_factory=dict)
    lacks: int | None = None
    # What the store says of a layer is not what it is.
    fingerprint: str = field(default="", compare=False)
    stale: bool = field(default=False, compare=False)
    stale_because: tuple[str, ...] = field(default=(), compare=False)
    skills_add: bool | None = None

    @property
    def key(self) -> str:
        """Key of the layer's node: dataset, "/", name."""
        return f"{self.dataset}/{self.name}"

    @property
    def learned_fraction(self) -> float:
        """Learned skills over the skills that its texts require; 0.0 when there are none."""
        return self.learned / self.skills if self.skills else 0.0

    def figure(self, parameter: str) -> float | None:
        """A parameter as a number; None if it is none or is not there."""
        value = self.parameters.get(parameter)
        return float(value) if isinstance(value, int | float) else None

    def listed(self, parameter: str) -> tuple[str, ...]:
        """A parameter that is a list, as texts; empty if it is none or is not there."""
        value = self.parameters.get(parameter)
        return tuple(map(str, value)) if isinstance(value, tuple) else ()


@dataclass(frozen=True)
class Layer:
    """One run's learned skills. Ids of what is written may be dictionary-encoded; what is read has plain ones.

    Attributes:
        info: All but the skills.
        skills: Rows of `LAYER_SKILLS_SCHEMA`, ordered by skill id: `wave` 0 means known beforehand (from the
            base or given), 1 and more the round in which it was learned; `by` the id of the text that taught
            it (null for wave 0); `component` its component in the association graph, 0 the largest (null if
            not computed); `mastery` the probability of an evidence layer (null otherwise); `SOLVE_RATES` of an item
            response layer (null otherwise, and in layers that an earlier version stored).
        lacks: Rows of `LAYER_LACKS_SCHEMA`, ordered by skill id: the skills of the dataset that are not learned;
            `reason` why (docs/why.md), `text` the text nearest to teaching it and `novel` how many lacking skills that
            text has (null if no text requires it), `component` its connected part of the residual graph, 0 the
            largest, `group` its group of skills that wait for each other (null for none), `mastery` the probability
            of an evidence layer, `SOLVE_RATES` as above. Empty where `info.lacks` is None: not recorded.
    """

    info: LayerInfo
    skills: pa.Table
    lacks: pa.Table = field(default_factory=lambda: __getattr__("LAYER_LACKS_SCHEMA").empty_table())


@dataclass(frozen=True)
class DatasetInfo:
    """A dataset's sizes and provenance; `fingerprint` is of all its content but its name."""

    name: str
    texts: int
    skills: int
    requirements: int
    prerequisites: int
    part_of: int
    models: int
    attempts: int
    parts: tuple[str, ...]
    provenance: Mapping[str, Scalar]
    loaded_at: str
    layers: tuple[str, ...] = ()
    fingerprint: str = ""


@dataclass(frozen=True)
class Node:
    """A node in a query's result."""

    id: str
    labels: tuple[str, ...]
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class Relationship:
    """A relationship in a query's result; `start` and `end` are ids of nodes."""

    id: str
    type: str
    start: str
    end: str
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class Path:
    """A path in a query's result: n nodes and n-1 relationships."""

    nodes: tuple[Node, ...]
    relationships: tuple[Relationship, ...]


@dataclass(frozen=True)
class QueryResult:
    """Rows of a read-only query.

    Attributes:
        columns: Names, in the order of RETURN.
        rows: Values: scalars, lists, maps, `Node`, `Relationship` or `Path`.
        truncated: True if the row cap cut the result.
        seconds: Time the store took.
        warnings: What the store noticed about the query, as a label that no node has.
    """

    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    truncated: bool
    seconds: float
    warnings: tuple[str, ...] = ()

    def graph(self) -> tuple[dict[str, Node], dict[str, Relationship]]:
        """Its nodes and relationships by id, each once, also those in paths, lists and maps."""
        nodes: dict[str, Node] = {}
        links: dict[str, Relationship] = {}
        _collect(self.rows, nodes, links)
        return nodes, links


def _collect(value: Any, nodes: dict[str, Node], links: dict[str, Relationship]) -> None:
    if isinstance(value, Node):
        nodes.setdefault(value.id, value)
    elif isinstance(value, Relationship):
        links.setdefault(value.id, value)
    elif isinstance(value, Path):
        _collect((value.nodes, value.relationships), nodes, links)
    elif isinstance(value, Mapping):
        _collect(list(value.values()), nodes, links)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            _collect(item, nodes, links)


@runtime_checkable
class Bounded(Protocol):
    """A store whose queries run in the asking process, and can be given one of their own."""

    def query_in_child(
        self, cypher: str, parameters: Mapping[str, Any] | None = None, *, max_rows: int, timeout: float, memory: float
    ) -> QueryResult:
        """`Store.query` with a limit on its memory, in GiB, and an end to its time that nothing outlasts."""
        ...

    def query_at_risk(
        self, cypher: str, parameters: Mapping[str, Any] | None = None, *, max_rows: int, timeout: float, memory: float
    ) -> QueryResult:
        """The same in this process, for one that lives for its query alone: more memory may end it."""
        ...


@runtime_checkable
class Store(Protocol):
    """Datasets, layers and associations in a graph database, with the schema of docs/schema.md.

    Every write is atomic: a reader and a reopened store see all of it or none of it. Unless said otherwise,
    methods raise `NotFoundError` for a dataset or layer that is not there and `StoreError` for a store that
    cannot be read or written.
    """

    @property
    def url(self) -> str:
        """The path or address it was opened with, without credentials."""
        ...

    @property
    def version(self) -> str:
        """Changes whenever the content may have changed: what a cache compares."""
        ...

    def write_dataset(
        self,
        dataset: Dataset,
        *,
        replace: bool = False,
        layers: Sequence[Layer] = (),
        progress: Progress | None = None,
    ) -> None:
        """Write a dataset; with `replace`, in the place of the one of that name.

        The layers of the one that is replaced go with it; `layers`, which may be some of them, are written with the
        new one, without associations.
        """
        ...

    def append_dataset(self, dataset: Dataset, addition: Dataset, *, progress: Progress | None = None) -> None:
        """Write what `addition` adds; `dataset` is the whole after it (`loaders.dataset.extend_dataset`).

        An addition without texts has outcomes on texts that are there (`loaders.dataset.add_outcomes`).

        Layers stay as they are; those that read a part to which texts were added are stale from then on.
        """
        ...

    def read_dataset(self, name: str) -> Dataset:
        """The dataset, equal to the one written."""
        ...

    def read_requirements(self, name: str, parts: Sequence[str] = ()) -> Iterator[pa.Table]:
        """The requirements of the texts of some parts (empty means all), in chunks.

        Columns `text`, `skill` (ids, strings) and `weight`; a text's requirements are in one chunk.
        """
        ...

    def dataset_parts(self, name: str) -> Mapping[str, PartFingerprints] | None:
        """Fingerprints of its parts (`explorer.store.fingerprint`); None if an earlier version wrote it without."""
        ...

    def datasets(self) -> tuple[DatasetInfo, ...]:
        """All datasets, ordered by name."""
        ...

    def delete_dataset(self, name: str) -> None:
        """Remove a dataset with its layers and associations."""
        ...

    def rename_dataset(self, name: str, new: str) -> None:
        """Give a dataset another name, under which there is none yet; its layers come along."""
        ...

    def write_layer(self, layer: Layer, *, keep_associations: bool = False) -> None:
        """Write a layer in the place of one of that name, whose associations go with it.

        Layers fine-tuned from it keep it as their base, and are stale if it has changed. Its own associations are
        written after it, by `write_associations`.

        Args:
            layer: The layer, without associations.
            keep_associations: It takes over the associations, and the component of each skill, of the layer of that
                name, which has learned the same skills from the same texts.

        Raises:
            StoreError: With `keep_associations` there is no such layer, it has no associations, or it has learned
                other skills.
        """
        ...

    def write_layers(self, layers: Sequence[Layer]) -> None:
        """Write layers of one dataset in their order, a base before what was fine-tuned from it.

        As `write_layer` for each, but all of them appear at once or, after an error, none.
        """
        ...

    def write_lacks(self, dataset: str, name: str, lacks: pa.Table) -> None:
        """Write what a stored layer lacks, rows of `LAYER_LACKS_SCHEMA`, in the place of what was recorded.

        All else stays as it is: skills, associations, and whether the layer is stale.
        """
        ...

    def read_layer(self, dataset: str, name: str, *, encoded: bool = False) -> Layer:
        """The layer, equal to the one written.

        With `encoded`, `skill` and `by` of its skills are dictionary-encoded, as the ids of `read_associations` are.
        """
        ...

    def layers(self, dataset: str | None = None) -> tuple[LayerInfo, ...]:
        """Layers of one dataset or of all, ordered by dataset and name."""
        ...

    def delete_layer(self, dataset: str, name: str) -> None:
        """Remove a layer and its associations; one that others are fine-tuned from is refused."""
        ...

    def rename_layer(self, dataset: str, name: str, new: str) -> None:
        """Give a layer another name, under which the dataset has none yet.

        Its associations and the layers fine-tuned from it follow.
        """
        ...

    def write_associations(
        self,
        dataset: str,
        layer: str,
        associations: pa.Table,
        *,
        rule: str,
        components: pa.Table,
        options: Mapping[str, Scalar] | None = None,
    ) -> None:
        """Write a layer's associations in the place of those there, and its components.

        Args:
            dataset: Name of the dataset.
            layer: Name of the layer.
            associations: Rows of `ASSOCIATION_SCHEMA`, `source` < `target`, each pair once; ids may be
                dictionary-encoded.
            rule: `any` or `understood`; kept as the layer's `association_rule`.
            components: `skill` (string), `component` (int32, 0 the largest): one row a learned skill.
            options: How they were computed, beside the rule; kept as the layer's `association_options`.
        """
        ...

    def read_associations(self, dataset: str, layer: str, *, encoded: bool = False) -> pa.Table:
        """Rows of `ASSOCIATION_SCHEMA`, ordered by source and target; none if they have not been written.

        With `encoded`, the ids are dictionary-encoded; a dictionary may hold ids that no row has.
        """
        ...

    def views(self) -> tuple[SavedView, ...]:
        """The saved views, ordered by name."""
        ...

    def change_views(
        self, save: Sequence[SavedView] = (), *, remove: Sequence[str] = (), replace: bool = False
    ) -> tuple[SavedView, ...]:
        """Remove views by their names, then save others, all or nothing; the views after it.

        Raises:
            NotFoundError: There is no view of a name to be removed.
            StoreError: There is one of a name already, and it is not to be replaced.
        """
        ...

    def query(
        self,
        cypher: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        max_rows: int = 1_000,
        timeout: float = 30.0,
    ) -> QueryResult:
        """Run a read-only query; `QueryError` for anything that writes or is not Cypher, or takes too long."""
        ...

    def close(self) -> None:
        """Release what is held; safe to call twice."""
        ...
