"""A layer with its graph, read from the store once per version of it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from explorer.arrays import IndexedGraph, index_dataset, positions
from explorer.errors import NotFoundError
from explorer.store.fingerprint import PartFingerprints, part_fingerprints
from explorer.store.protocol import Layer, LayerInfo, Store
from loaders.dataset import Dataset

__all__ = [
    "LayerView",
    "dataset_parts",
    "graph_parts",
    "layer_view",
    "lineage",
    "read_dataset",
    "remembered",
    "remembered_index",
    "stored_waves",
]

_T = TypeVar("_T")
_CACHE_SIZE = 24
_cache: OrderedDict[Hashable, Any] = OrderedDict()
_lock = threading.Lock()


def _cached(store: Store, key: tuple[Hashable, ...], make: Callable[[], _T]) -> _T:
    """The value made for this version of the store; the oldest of a few are forgotten."""
    full = (store.url, store.version, *key)
    with _lock:
        if full in _cache:
            _cache.move_to_end(full)
            value: _T = _cache[full]
            return value
    value = make()
    with _lock:
        _cache[full] = value
        while len(_cache) > _CACHE_SIZE:
            _cache.popitem(last=False)
    return value


@dataclass(frozen=True)
class LayerView:
    """A layer beside the skill–text graph that its associations come from.

    Attributes:
        info: The layer.
        indexed: Graph of the texts of the layer and of the layers it was fine-tuned from, as they are now, with all
            skills that it has learned and the dataset still has.
        taught: Bool (T,), the texts that were presented to this layer itself.
        wave: int32 (S,), -1 not learned, 0 known beforehand, k learned in round k.
        by: int32 (S,), index of the text that taught the skill, -1 for none.
        component: int32 (S,), component in the association graph, 0 the largest; -1 not learned or not known.
        mastery: float64 (S,), NaN where the layer has none.
    """

    info: LayerInfo
    indexed: IndexedGraph
    taught: NDArray[np.bool_]
    wave: NDArray[np.int32]
    by: NDArray[np.int32]
    component: NDArray[np.int32]
    mastery: NDArray[np.float64]

    @property
    def learned(self) -> NDArray[np.bool_]:
        """Bool (S,), the learned skills."""
        learned: NDArray[np.bool_] = self.wave >= 0
        return learned


def remembered(store: Store, key: tuple[Hashable, ...], make: Callable[[], _T]) -> _T:
    """What `make` gives for this version of the store, made once; the oldest of a few results are forgotten."""
    return _cached(store, key, make)


def read_dataset(store: Store, name: str) -> Dataset:
    """The dataset, from memory if the store has not changed."""
    return _cached(store, ("dataset", name), lambda: store.read_dataset(name))


def remembered_index(store: Store, dataset: str, parts: tuple[str, ...]) -> IndexedGraph:
    """The graph of some parts of a dataset, parts that it no longer has being empty; from memory if it can be."""
    question = ("index", dataset, tuple(sorted(parts)))
    return _cached(store, question, lambda: index_dataset(read_dataset(store, dataset), parts=parts, lenient=True))


def lineage(store: Store, dataset: str, layer: str) -> tuple[LayerInfo, ...]:
    """The layer and the layers it was fine-tuned from, itself first.

    Raises:
        NotFoundError: There is no such layer.
    """
    by_name = {info.name: info for info in store.layers(dataset)}
    if layer not in by_name:
        there = ", ".join(map(repr, by_name)) or "none yet: make one with `skillgraph learn`"
        raise NotFoundError(f"dataset {dataset!r} has no layer {layer!r}; its layers: {there}")
    line = [by_name[layer]]
    while (base := line[-1].base) is not None:
        if base not in by_name:
            raise NotFoundError(f"layer {line[-1].name!r} was fine-tuned from {base!r}, which is not in the store")
        line.append(by_name[base])
    return tuple(line)


def graph_parts(line: tuple[LayerInfo, ...]) -> tuple[str, ...]:
    """Parts whose texts make the graph of the first layer of a lineage; empty means all texts.

    They are those that the layer keeps. Of a layer that an earlier version made they are the parts of all layers of
    its lineage, as they are now.
    """
    parts: set[str] = set()
    for info in line:
        if info.graph_parts is not None:
            return () if not info.graph_parts else tuple(sorted(parts | set(info.graph_parts)))
        if not info.parts:
            return ()
        parts |= set(info.parts)
    return tuple(sorted(parts))


def dataset_parts(store: Store, name: str) -> Mapping[str, PartFingerprints]:
    """Fingerprints of the parts of a dataset: the stored ones, or taken now if an earlier version stored none."""

    def taken() -> Mapping[str, PartFingerprints]:
        stored = store.dataset_parts(name)
        return part_fingerprints(read_dataset(store, name)) if stored is None else stored

    return _cached(store, ("parts", name), taken)


def layer_view(store: Store, dataset: str, layer: str) -> LayerView:
    """The layer with its graph, from memory if the store has not changed."""
    return _cached(store, ("layer", dataset, layer), lambda: _read_view(store, dataset, layer))


def _read_view(store: Store, dataset: str, name: str) -> LayerView:
    line = lineage(store, dataset, name)
    layer: Layer = store.read_layer(dataset, name, encoded=True)
    indexed = remembered_index(store, dataset, graph_parts(line))
    try:
        rows = indexed.skills.indices(layer.skills["skill"])
    except NotFoundError:
        # What the layer has learned is in its graph even where the texts have changed since.
        indexed = index_dataset(
            read_dataset(store, dataset),
            parts=graph_parts(line),
            skills_too=layer.skills["skill"].cast(pa.string()),
            lenient=True,
        )
        rows = indexed.skills.indices(layer.skills["skill"])
    n_skills = len(indexed.skills)
    wave, by = stored_waves(indexed, layer, rows)
    component = np.full(n_skills, -1, dtype=np.int32)
    mastery = np.full(n_skills, np.nan)
    component[rows] = layer.skills["component"].fill_null(-1).to_numpy()
    mastery[rows] = layer.skills["mastery"].fill_null(np.nan).to_numpy()
    parts = line[0].parts
    if parts:
        taught = np.isin(np.asarray(indexed.text_column("part").to_pylist(), dtype=object), list(parts))
    else:
        taught = np.ones(indexed.graph.n_texts, dtype=bool)
    return LayerView(line[0], indexed, taught, wave, by, component, mastery)


def stored_waves(
    indexed: IndexedGraph, layer: Layer, rows: NDArray[np.int32] | None = None
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Wave and teaching text of each skill of a graph as a stored layer has them, int32 (S,) each; -1 for none.

    Args:
        indexed: The graph.
        layer: The layer; all of its skills are in the graph.
        rows: int32, index of each of its skills in the graph, if they were looked up already.
    """
    wave = np.full(len(indexed.skills), -1, dtype=np.int32)
    by = np.full(len(indexed.skills), -1, dtype=np.int32)
    rows = indexed.skills.indices(layer.skills["skill"]) if rows is None else rows
    wave[rows] = layer.skills["wave"].to_numpy()
    by[rows] = positions(layer.skills["by"], indexed.text_ids)
    return wave, by
