"""Values for the parameters of the cookbook's recipes, from what a store holds, and which given ones match nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from explorer.cookbook import PARAMETERS
from explorer.service.snapshot import LayerView, layer_view
from explorer.store.protocol import Store

__all__ = ["ROWS", "main_skills", "recipe_values", "unmatched"]

ROWS = 25
"""Value of `$limit` if it is not given."""


def main_skills(view: LayerView) -> dict[str, str]:
    """`skill` and `other`: the learned skill that most texts require, and the tenth; none if nothing was learned."""
    uses = np.where(view.learned, view.indexed.graph.skill_degrees, -1)
    most = np.argsort(-uses, kind="stable")[: min(10, int(np.count_nonzero(view.learned)))]
    skills = view.indexed.skills.take(most).to_pylist()
    return {"skill": skills[0], "other": skills[-1]} if skills else {}


def recipe_values(
    store: Store, given: Mapping[str, Any] | None = None, wanted: Collection[str] = tuple(PARAMETERS)
) -> dict[str, Any]:
    """Values that find something in this store, for those recipe parameters of `wanted` that are not given.

    Args:
        store: Where the query will be asked.
        given: Values that are given; the others are chosen to go with them.
        wanted: Names of parameters; those that no recipe has are passed over.

    Returns:
        Value by name, without the given ones. The dataset is the first that has a layer, the layer one that others were
        tuned from, the skills those that most texts require. A name is missing where the store holds nothing for it.
    """
    known = dict(given or {})
    missing = [name for name in PARAMETERS if name in wanted and name not in known]
    if not missing:
        return {}
    layers = [info for info in store.layers() if info.dataset == known.get("dataset", info.dataset)]
    if "dataset" not in known and layers:
        known["dataset"] = layers[0].dataset
    layers = [info for info in layers if info.dataset == known.get("dataset")]
    bases = {info.base for info in layers}
    if "layer" not in known and layers:
        tuned_from = next((info.base for info in layers if info.name == known.get("tuned")), None)
        known["layer"] = tuned_from or next((info.name for info in layers if info.name in bases), layers[0].name)
    if "tuned" not in known and layers:
        tuned = [info.name for info in layers if info.base == known["layer"]]
        known["tuned"] = tuned[0] if tuned else known["layer"]
    known.setdefault("limit", ROWS)
    if {"skill", "other"} & set(missing) and known.get("layer") in {info.name for info in layers}:
        known = {**main_skills(layer_view(store, str(known["dataset"]), str(known["layer"]))), **known}
    return {name: known[name] for name in missing if name in known}


def unmatched(store: Store, given: Mapping[str, Any]) -> list[str]:
    """One sentence for each given recipe parameter that names nothing in the store."""
    said = []
    datasets = [info.name for info in store.datasets()]
    dataset = given.get("dataset")
    if dataset is not None and dataset not in datasets:
        return [f"$dataset: there is no dataset {dataset!r}; stored: {_listed(datasets)}"]
    layers = [info.name for info in store.layers(dataset)]
    said += [
        f"${name}: there is no layer {given[name]!r}; stored: {_listed(layers)}"
        for name in ("layer", "tuned")
        if name in given and given[name] not in layers
    ]
    for name in ("skill", "other"):
        if name in given and not _has_skill(store, dataset, given[name]):
            said.append(
                f"${name}: no skill has the id {given[name]!r}; give an id, such as 'builtin:sorted', not a name"
            )
    return said


def _has_skill(store: Store, dataset: str | None, skill: Any) -> bool:
    where = "{id: $skill}" if dataset is None else "{dataset: $dataset, id: $skill}"
    asked = {"skill": skill} if dataset is None else {"skill": skill, "dataset": dataset}
    return bool(store.query(f"MATCH (s:Skill {where}) RETURN s.id LIMIT 1", asked).rows)


def _listed(names: Collection[str]) -> str:
    return ", ".join(map(repr, names)) or "none"
