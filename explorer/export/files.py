"""Datasets and association graphs of a store, as files in any of the formats."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc

from explorer.errors import SkillgraphError
from explorer.export.graph import Edges, FileGraph, Nodes
from explorer.export.json_graph import write_cytoscape, write_node_link
from explorer.export.markup import write_gexf, write_graphml
from explorer.service.output import atomic_output
from explorer.service.snapshot import lineage, read_dataset
from explorer.store.protocol import SOLVE_RATES, Layer, LayerInfo, Store
from loaders.dataset import Dataset
from loaders.parquet import write_parquet
from loaders.spreadsheet import NOTE, escaped, escaped_column
from loaders.writing import written_folder

__all__ = ["ExportFormat", "ExportReport", "association_graph", "dataset_graph", "export"]

ExportFormat = Literal["graphml", "gexf", "json", "cytoscape", "csv", "parquet", "neo4j-admin"]

_WRITERS: Mapping[str, Callable[[FileGraph, IO[bytes]], None]] = {
    "graphml": write_graphml,
    "gexf": write_gexf,
    "json": write_node_link,
    "cytoscape": write_cytoscape,
}
_ENDINGS: Mapping[str, ExportFormat] = {
    ".graphml": "graphml",
    ".gexf": "gexf",
    ".json": "json",
    ".cyjs": "cytoscape",
}

# Names that graph files give a meaning of their own.
_RESERVED = ("kind", "key", "value", "label", "source", "target")


@dataclass(frozen=True)
class ExportReport:
    """What was written.

    Attributes:
        path: File or folder.
        format: Its format.
        nodes: Number of nodes: texts, skills and models, or the skills of a layer.
        edges: Number of edges.
    """

    path: str
    format: str
    nodes: int
    edges: int


def export(
    store: Store,
    dataset: str,
    path: Path,
    *,
    layer: str | None = None,
    file_format: str | None = None,
    raw: bool = False,
) -> ExportReport:
    """Write a dataset, or the association graph of a layer.

    Args:
        store: Where it is.
        dataset: Name of the dataset.
        path: File, or folder for `csv`, `parquet` and `neo4j-admin`; a folder must not hold anything yet.
        layer: The layer whose association graph is written; None writes the dataset.
        file_format: See `ExportFormat`; by default what the ending of the file says.
        raw: In `csv`, leave cells as they are that a spreadsheet would run (`loaders.spreadsheet`).

    Returns:
        What was written.

    Raises:
        NotFoundError: No such dataset or layer.
        SkillgraphError: An unknown format or ending, a layer without associations, or a place that cannot be written.
    """
    chosen = _format(path, file_format)
    if chosen == "neo4j-admin":
        return _export_neo4j_admin(store, dataset, path, layer)
    graph = _graph(store, dataset, layer)
    if chosen in _WRITERS:
        with atomic_output(path) as stream:
            _WRITERS[chosen](graph, stream)
    elif chosen == "parquet" and layer is None:
        _require_empty(path)
        write_parquet(read_dataset(store, dataset), path)
    else:
        _write_tables(_tables(store, dataset, layer), _facts(graph), path, chosen, raw=raw)
    return ExportReport(str(path), chosen, graph.n_nodes, graph.n_edges)


def dataset_graph(dataset: Dataset) -> FileGraph:
    """Texts, skills and models as nodes, with all relationships between them as edges.

    Args:
        dataset: The dataset.

    Returns:
        The graph; edges are of the kinds requires, prerequisite, part_of, attempted and fine_tuned_from.
    """
    models = dataset.models
    based = models.filter(pc.is_valid(models["base"])).select(["id", "base"])
    return FileGraph(
        name=dataset.name,
        directed=True,
        facts={"provenance": json.dumps(dict(dataset.provenance), ensure_ascii=False)},
        nodes=(
            Nodes("text", "id", "title", _renamed("text", dataset.texts)),
            Nodes("skill", "id", "name", _renamed("skill", dataset.skills)),
            Nodes("model", "id", "id", _renamed("model", models.drop_columns(["base"]))),
        ),
        edges=(
            Edges("requires", ("text", "text"), ("skill", "skill"), dataset.requirements),
            Edges("prerequisite", ("skill", "prerequisite"), ("skill", "skill"), dataset.prerequisites),
            Edges("part_of", ("skill", "child"), ("skill", "parent"), dataset.part_of),
            Edges("attempted", ("model", "model"), ("text", "text"), dataset.attempts),
            Edges("fine_tuned_from", ("model", "id"), ("model", "base"), based),
        ),
    )


def _renamed(kind: str, table: pa.Table) -> pa.Table:
    """The table with the kind before the names of properties that the files use for themselves."""
    names = [f"{kind}_{name}" if name in _RESERVED else name for name in table.column_names]
    return table.rename_columns(names)


def association_graph(dataset: Dataset, layer: Layer, associations: pa.Table) -> FileGraph:
    """The learned skills of a layer, linked when they occur in the same text.

    Args:
        dataset: The dataset.
        layer: The layer.
        associations: Its associations.

    Returns:
        The graph, undirected; `weight` is the number of texts.
    """
    return FileGraph(
        name=f"{dataset.name}/{layer.info.name}",
        directed=False,
        facts={"provenance": json.dumps(_layer_facts(layer.info), ensure_ascii=False)},
        nodes=(Nodes("skill", "id", "name", layer_skills(dataset, layer)),),
        edges=(Edges("associated", ("skill", "source"), ("skill", "target"), associations),),
    )


def _format(path: Path, wanted: str | None) -> ExportFormat:
    formats: tuple[ExportFormat, ...] = get_args(ExportFormat)
    if wanted is None:
        found = _ENDINGS.get(path.suffix.lower())
        if found is None:
            raise SkillgraphError(
                f"the ending of {path.name!r} does not determine the format: give --format {', '.join(formats)}, or "
                f"end the name in {', '.join(_ENDINGS)}"
            )
        return found
    for known in formats:
        if known == wanted:
            return known
    raise SkillgraphError(f"format {wanted!r} is not one of {', '.join(formats)}")


def _graph(store: Store, dataset: str, layer: str | None) -> FileGraph:
    if layer is None:
        return dataset_graph(read_dataset(store, dataset))
    return association_graph(read_dataset(store, dataset), *_layer(store, dataset, layer))


def _layer(store: Store, dataset: str, name: str) -> tuple[Layer, pa.Table]:
    info = lineage(store, dataset, name)[0]
    if info.associations is None:
        raise SkillgraphError(f"layer {name!r} has no associations yet: run `skillgraph associate {name}` first")
    return store.read_layer(dataset, name), store.read_associations(dataset, name)


def _layer_facts(info: LayerInfo) -> dict[str, str | int | float | bool | None]:
    return {
        "dataset": info.dataset,
        "layer": info.name,
        "kind": info.kind,
        "learner": info.learner,
        "base": info.base,
        "mode": info.mode,
        "association_rule": info.association_rule,
        "seed": info.seed,
        "created_at": info.created_at,
        **{name: json.dumps(value) if isinstance(value, tuple) else value for name, value in info.parameters.items()},
        **{f"version of {name}": version for name, version in info.versions.items()},
    }


def layer_skills(dataset: Dataset, layer: Layer) -> pa.Table:
    """`id, name, class, level, wave, by, component, mastery` of the learned skills; of evidence the solve rates too."""
    learned = layer.skills
    rows = pc.index_in(learned["skill"], value_set=dataset.skills["id"].combine_chunks())
    skills = dataset.skills.select(["id", "name", "class", "level"]).take(rows)
    rates = SOLVE_RATES if layer.info.kind == "evidence" else ()
    for column in ("wave", "by", "component", "mastery", *rates):
        skills = skills.append_column(column, learned[column])
    return skills


def _tables(store: Store, dataset: str, layer: str | None) -> dict[str, pa.Table]:
    source = read_dataset(store, dataset)
    if layer is None:
        return source.tables()
    found, associations = _layer(store, dataset, layer)
    return {"skills": layer_skills(source, found), "associations": associations}


def _facts(graph: FileGraph) -> str:
    return json.dumps(
        {"name": graph.name, "provenance": json.loads(graph.facts["provenance"])}, ensure_ascii=False, indent=2
    )


def _write_tables(
    tables: Mapping[str, pa.Table], facts: str, folder: Path, file_format: str, *, raw: bool = False
) -> None:
    """One file a table and `dataset.json` with the name and provenance, all or nothing."""
    _require_empty(folder)
    try:
        with written_folder(folder) as partial:
            _write_each(tables, facts, partial, file_format, raw=raw)
    except OSError as error:
        raise SkillgraphError(f"cannot write {folder}: {error.strerror or error}") from None


def _write_each(tables: Mapping[str, pa.Table], facts: str, partial: Path, file_format: str, *, raw: bool) -> None:
    import pyarrow.csv
    import pyarrow.parquet

    for name, table in tables.items():
        plain = pa.table(
            [c.cast(pa.string()) if pa.types.is_dictionary(c.type) else c for c in table.columns],
            names=table.column_names,
        )
        if file_format == "csv":
            if not raw:
                plain = pa.table(list(map(escaped_column, plain.columns)), names=list(map(escaped, plain.column_names)))
            pyarrow.csv.write_csv(plain, partial / f"{name}.csv")
        else:
            pyarrow.parquet.write_table(plain, partial / f"{name}.parquet", compression="zstd")
    (partial / "dataset.json").write_text(
        _described(facts, tables, safe=file_format == "csv" and not raw) + "\n", encoding="utf-8"
    )


def _described(facts: str, tables: Mapping[str, pa.Table], *, safe: bool) -> str:
    """Facts with the types of columns, which CSV does not keep."""
    types = {
        name: {
            field.name: "string" if pa.types.is_dictionary(field.type) else str(field.type) for field in table.schema
        }
        for name, table in tables.items()
    }
    noted = {NOTE: True} if safe else {}
    return json.dumps({**json.loads(facts), "types": types, **noted}, ensure_ascii=False, indent=2)


def _require_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SkillgraphError(f"{folder} exists already: name a folder that is new or empty")


def _export_neo4j_admin(store: Store, dataset: str, folder: Path, layer: str | None) -> ExportReport:
    if layer is not None:
        raise SkillgraphError(
            "the format neo4j-admin exports whole datasets: leave out the layer, or choose another format"
        )
    from explorer.store.neo4j.admin import write_admin_csv

    _require_empty(folder)
    layers = [
        (store.read_layer(dataset, info.name), store.read_associations(dataset, info.name))
        for info in store.layers(dataset)
    ]
    written = write_admin_csv(read_dataset(store, dataset), layers, folder)
    return ExportReport(str(folder), "neo4j-admin", written.nodes, written.relationships)
