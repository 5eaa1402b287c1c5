"""Which dataset and layer a page shows: what the URL names, or the likeliest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from explorer.store.protocol import DatasetInfo, LayerInfo
from explorer.wording import quoted
from ui.source import Snapshot

__all__ = ["Choice", "Query", "choose", "finite"]

Query = Mapping[str, str]


@dataclass(frozen=True)
class Choice:
    """Attributes of a page's subject.

    Attributes:
        datasets: All datasets of the store.
        layers: Layers of the chosen dataset.
        dataset: The chosen dataset's name; None in an empty store.
        layer: The chosen layer's name; None if the dataset has none.
        problem: A sentence if the URL names something that is not there.
    """

    datasets: tuple[DatasetInfo, ...]
    layers: tuple[LayerInfo, ...]
    dataset: str | None
    layer: str | None
    problem: str | None

    @property
    def dataset_info(self) -> DatasetInfo | None:
        """The chosen dataset."""
        return next((info for info in self.datasets if info.name == self.dataset), None)

    @property
    def layer_info(self) -> LayerInfo | None:
        """The chosen layer."""
        return next((info for info in self.layers if info.name == self.layer), None)


def finite(text: str | float | None, default: float) -> float:
    """A number of an address; the default if it is none that can be calculated with.

    >>> finite("1.5", 2.0), finite("nan", 2.0), finite("1e309", 2.0), finite(None, 2.0)
    (1.5, 2.0, 2.0, 2.0)
    """
    try:
        value = math.nan if text is None else float(text)
    except (TypeError, ValueError):
        return default
    return value if math.isfinite(value) else default


def choose(snapshot: Snapshot, query: Query) -> Choice:
    """The dataset and layer that a query names, else the first dataset and its first foundation."""
    datasets = snapshot.datasets()
    problem = None
    names = [info.name for info in datasets]
    dataset = query.get("dataset")
    if dataset is not None and dataset not in names:
        problem = (
            f"There is no dataset {quoted(dataset)} in this store; {quoted(names[0])} is shown instead."
            if names
            else None
        )
        dataset = None
    if dataset is None and datasets:
        with_layers = [info.name for info in datasets if info.layers]
        dataset = with_layers[0] if with_layers else names[0]
    layers = snapshot.layers(dataset) if dataset is not None else ()
    layer = query.get("layer")
    if layer is not None and layer not in [info.name for info in layers]:
        if problem is None and layers:
            problem = (
                f"Dataset {quoted(dataset)} has no layer {quoted(layer)}; {quoted(layers[0].name)} is shown instead."
            )
        layer = None
    if layer is None and layers:
        layer = layers[0].name
    return Choice(datasets, layers, dataset, layer, problem)
