"""Results of runs on Spark, imported into a store as a local run would have left them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analysis.errors import AnalysisError
from analysis.learners import parse_learner
from explorer.arrays import index_dataset
from explorer.errors import NotFoundError, SkillgraphError
from explorer.service.lacking import lacks_of
from explorer.service.snapshot import dataset_parts, lineage, read_dataset
from explorer.store.protocol import ASSOCIATION_SCHEMA, LAYER_SKILLS_SCHEMA, SOLVE_RATES, Layer, LayerInfo, Store
from explorer.store.records import with_missing
from explorer.store.staleness import inputs_of

__all__ = ["import_associations", "import_layer", "import_results", "read_associations", "read_layer"]

_COMPONENTS = pa.schema([("skill", pa.string()), ("component", pa.int32())])


def import_results(store: Store, dataset: str, layer: str, folder: Path) -> LayerInfo:
    """Write what a run on Spark left in a folder to a store: a layer, or the associations of one that is stored.

    Args:
        store: Where it goes.
        dataset: Name of the dataset.
        layer: Name of the layer.
        folder: Output of `skillgraph spark learn` or `skillgraph spark associate`.

    Returns:
        The layer.

    Raises:
        NotFoundError: The store lacks something that the results speak of.
        SkillgraphError: The folder is no such output, or its results are of other texts or skills.
    """
    if (folder / "associations.parquet").exists():
        return import_associations(store, dataset, layer, *read_associations(folder))
    return import_layer(store, dataset, *read_layer(folder, layer))


def read_layer(folder: Path, name: str) -> tuple[LayerInfo, pa.Table]:
    """The layer that `skillgraph spark learn --output` wrote.

    Args:
        folder: The output.
        name: Name that the layer gets.

    Returns:
        The layer's record, and rows of `LAYER_SKILLS_SCHEMA`.

    Raises:
        SkillgraphError: The folder is no such output, or cannot be read.
    """
    facts, skills = _facts(folder, "learned"), _table(folder, "skills", LAYER_SKILLS_SCHEMA)
    try:
        info = LayerInfo(
            dataset=str(facts["dataset"]),
            name=name,
            kind="foundation",
            learner=parse_learner(str(facts["learner"])).name,
            parts=tuple(json.loads(facts["parts"])),
            texts=int(facts["texts"]),
            skills=int(facts["skills"]),
            learned=int(facts["learned"]),
            waves=int(pc.max(skills["wave"]).as_py() or 0),
            parameters=_parameters(facts),
            versions={key.replace("_", "-"): value for key, value in _beginning("version_", facts).items()},
            created_at=str(facts["created_at"]),
        )
    except (KeyError, ValueError, TypeError, AnalysisError) as error:
        raise SkillgraphError(
            f"{folder / 'run.parquet'} is not the record of a layer ({error}): learn it again"
        ) from None
    if len(skills) != info.learned:
        raise SkillgraphError(
            f"{folder} holds {len(skills):,} of the layer's {info.learned:,} skills: it is incomplete"
        )
    return info, skills


def read_associations(folder: Path) -> tuple[str, pa.Table, pa.Table]:
    """The rule, associations and components that `skillgraph spark associate --output` wrote.

    Args:
        folder: The output.

    Returns:
        `any` or `understood`; rows of `ASSOCIATION_SCHEMA`; `skill` and `component`.

    Raises:
        SkillgraphError: The folder is no such output, or cannot be read.
    """
    facts = _facts(folder, "associations")
    pairs, components = _table(folder, "associations", ASSOCIATION_SCHEMA), _table(folder, "components", _COMPONENTS)
    if len(pairs) != facts["associations"]:
        raise SkillgraphError(f"{folder} holds {len(pairs):,} of {facts['associations']:,} pairs: it is incomplete")
    return str(facts["rule"]), pairs, components


def import_layer(store: Store, dataset: str, info: LayerInfo, skills: pa.Table) -> LayerInfo:
    """Write the layer of a run to a store, as a local run would have.

    Args:
        store: Where it goes.
        dataset: Name of a dataset with the same texts and skills as the input of the run.
        info: The layer's record.
        skills: Rows of `LAYER_SKILLS_SCHEMA`, with exact waves.

    Returns:
        The layer.

    Raises:
        NotFoundError: The dataset lacks a part, skill or text of the layer.
        SkillgraphError: The run has no exact waves, or the dataset has other texts or skills.
    """
    if skills["wave"].null_count:
        raise SkillgraphError("a layer needs exact waves: run again with --waves or with --method rounds")
    there = read_dataset(store, dataset)
    for column, table in (("skill", there.skills), ("by", there.texts)):
        ids = skills[column].drop_null()
        unknown = pc.filter(ids, pc.invert(pc.is_in(ids, value_set=table["id"].combine_chunks())))
        if len(unknown):
            kind = "skill" if column == "skill" else "text"
            raise NotFoundError(
                f"dataset {dataset!r} has no {kind} {unknown[0].as_py()!r}: it is not the dataset that was learned from"
            )
    indexed = index_dataset(there, parts=info.parts)
    graph = indexed.graph
    for what, learned, found in (("texts", info.texts, graph.n_texts), ("skills", info.skills, graph.n_skills)):
        if learned != found:
            raise SkillgraphError(
                f"the layer was learned from {learned:,} {what}, where dataset {dataset!r} has {found:,}: "
                "it is not the dataset that was learned from"
            )
    capacity = parse_learner(info.learner).capacities(graph.n_texts, np.random.default_rng(0))
    lacks = lacks_of(indexed, indexed.skills.mask(skills["skill"]), capacity, None)
    info = replace(info, dataset=dataset, graph_parts=info.parts, lacks=lacks.num_rows)
    info = replace(info, made_from=inputs_of(info, dataset_parts(store, dataset)))
    store.write_layer(Layer(info, skills.sort_by("skill").combine_chunks(), lacks))
    return info


def import_associations(
    store: Store, dataset: str, layer: str, rule: str, associations: pa.Table, components: pa.Table
) -> LayerInfo:
    """Write the associations and components of a run to a store, as a local run would have.

    Args:
        store: Where they go.
        dataset: Name of the dataset.
        layer: Name of the layer.
        rule: `any` or `understood`.
        associations: `source`, `target`, `weight`.
        components: `skill`, `component`: one row a learned skill.

    Returns:
        The layer.

    Raises:
        NotFoundError: No such layer.
        SkillgraphError: They are of other skills than the layer's.
    """
    lineage(store, dataset, layer)
    learned = store.read_layer(dataset, layer).skills["skill"].combine_chunks()
    if len(components) != len(learned) or not pc.all(pc.is_in(components["skill"], value_set=learned)).as_py():
        raise SkillgraphError(
            f"the associations are of {len(components):,} learned skills, which are not the {len(learned):,} of "
            f"layer {layer!r}"
        )
    order = [("source", "ascending"), ("target", "ascending")]
    store.write_associations(
        dataset,
        layer,
        associations.cast(ASSOCIATION_SCHEMA).sort_by(order),
        rule=rule,
        components=components.cast(_COMPONENTS).sort_by("skill"),
    )
    return lineage(store, dataset, layer)[0]


def _facts(folder: Path, needed: str) -> dict[str, Any]:
    rows = _table(folder, "run", None).to_pylist()
    facts = rows[0] if len(rows) == 1 else {}
    if needed not in facts:
        command = "learn" if needed == "learned" else "associate"
        raise SkillgraphError(f"{folder} is not the output of `skillgraph spark {command} --output`")
    return dict(facts)


def _parameters(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of the run; earlier versions wrote a column for each."""
    if "parameters" not in facts:
        return _beginning("parameter_", facts)
    found: dict[str, Any] = json.loads(facts["parameters"])
    return {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}


def _beginning(prefix: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key.removeprefix(prefix): value for key, value in facts.items() if key.startswith(prefix)}


def _table(folder: Path, name: str, schema: pa.Schema | None) -> pa.Table:
    path = folder / f"{name}.parquet"
    if not path.exists():
        raise SkillgraphError(
            f"{folder} holds no {path.name}: give the output folder of `skillgraph spark learn` or `associate`"
        )
    try:
        table = pq.read_table(path)
        table.validate(full=True)  # of texts, Arrow looks only now whether they are UTF-8
        if schema is None:
            return table
        # What only evidence has, a run on Spark does not write.
        there = [name for name in schema.names if name in table.column_names or name not in SOLVE_RATES]
        return with_missing(table.select(there), schema)
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise SkillgraphError(f"cannot read {path}: {error}") from None
