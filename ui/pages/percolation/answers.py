"""What the page's callbacks answer with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NotRequired, TypedDict

import numpy as np
import numpy.typing as npt
from dash import html
from dash.development.base_component import Component

from analysis.components import components
from analysis.newman_ziff import targeted_order
from explorer.service import LayerView, PercolationReport, layer_view, percolate
from explorer.service.keystones import KeystoneReport
from explorer.service.prediction import SWIFT_UP_TO
from explorer.store.protocol import Store
from explorer.wording import plural
from ui.components import fraction, sentence
from ui.drawing.figures import LearnedCurve
from ui.drawing.graphs import LayerGraph, layer_graph
from ui.drawing.of_layers import at_shares, hub_sweep, learned_curve
from ui.source import Snapshot
from ui.typed import Row

__all__ = [
    "DRAWN_HUBS",
    "LIMITS",
    "STEPS",
    "Frames",
    "at_shares",
    "drawn_graph",
    "drawn_skills",
    "frames",
    "held_sentence",
    "keystone_rows",
    "learned_curve",
    "learned_curve_of",
    "removal_rows",
    "sweep_rows",
    "sweeps",
    "what_it_says",
]

LIMITS = (900, 3_000)
"""Most skills that are drawn, as a person chooses."""

DRAWN_HUBS = 300
"""How many of them are the most used."""


STEPS = 100


_REMOVALS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)


_REPLICATES = 20


def drawn_skills(degrees: npt.NDArray[np.int64], most: int = LIMITS[0]) -> npt.NDArray[np.int64]:
    """Indices of the skills to draw: all, or the most used and an even choice of the others, int64 (n,).

    Without rare skills nothing would be left of the picture when the most used are removed first.
    """
    order = np.argsort(-np.asarray(degrees), kind="stable")
    if len(order) <= most:
        return order.astype(np.int64)
    rest = np.linspace(DRAWN_HUBS, len(order) - 1, most - DRAWN_HUBS).round().astype(np.int64)
    return order[np.concatenate((np.arange(DRAWN_HUBS), rest))].astype(np.int64)


class Frames(TypedDict):
    """What `frames` gives; the page adds the order."""

    steps: list[str]
    largest: list[float]
    second: list[float]
    order: NotRequired[str]


def frames(graph: LayerGraph, seed: int = 0, steps: int = STEPS, *, hubs: bool = False) -> Frames:
    """What is kept and what is in the two largest clusters, as skills are added in one order.

    Args:
        graph: The drawn nodes; clusters are those of all skills of the view.
        seed: Of the random order.
        steps: Number of equal steps from none to all.
        hubs: The least used skills come first, so that backwards the most used are removed first.

    Returns:
        `steps`: a string for each step with a digit for each node: 0 left out, 1 kept, 2 in the largest cluster,
        3 in the second; `largest`, `second`: sizes as fractions of all skills.
    """
    all_skills = graph.view.indexed.graph
    n = all_skills.n_skills
    order = targeted_order(all_skills) if hubs else np.random.default_rng(seed).permutation(n)
    found: Frames = {"steps": [], "largest": [], "second": []}
    for step in range(steps + 1):
        kept = np.zeros(n, dtype=bool)
        kept[order[: round(step / steps * n)]] = True
        clusters = components(all_skills, kept)
        sizes = [int(size) for size in clusters.sizes[:2]] + [0, 0]
        state = kept.astype(np.int64)
        for rank, digit in ((0, 2), (1, 3)):
            if sizes[rank] >= 2:
                state[clusters.label == rank] = digit
        found["steps"].append("".join(map(str, state[graph.skill].tolist())))
        found["largest"].append(sizes[0] / max(n, 1))
        found["second"].append(sizes[1] / max(n, 1))
    return found


def drawn_graph(snapshot: Snapshot, dataset: str, layer: str, most: int = LIMITS[0]) -> LayerGraph:
    """Skills of all uses, learned or not, with their associations; at most so many skills."""

    def make() -> LayerGraph:
        view = snapshot.view(dataset, layer)
        wave = np.full(len(view.wave), -1, dtype=np.int32)
        chosen = drawn_skills(view.indexed.graph.skill_degrees, most)
        wave[chosen] = np.maximum(view.wave[chosen], 0)
        all_known = replace(view, wave=wave, info=replace(view.info, associations=None))
        return layer_graph(snapshot.store, all_known)

    return snapshot.once(("all skills", dataset, layer, most), make)


def sweeps(snapshot: Snapshot, dataset: str, layer: str) -> tuple[PercolationReport, list[float]]:
    """The random sweep, and the largest cluster by number of kept skills if the most used are taken away first."""
    report = snapshot.apart(
        ("percolation", dataset, layer),
        percolate,
        dataset,
        layer,
        replicates=_REPLICATES,
        types=snapshot.view(dataset, layer).indexed.graph.n_edges <= SWIFT_UP_TO,
    )
    return report, snapshot.apart(("targeted", dataset, layer), _hub_sweep_of, dataset, layer)


def _hub_sweep_of(store: Store, dataset: str, layer: str) -> list[float]:
    return hub_sweep(layer_view(store, dataset, layer))


def learned_curve_of(store: Store, dataset: str, layer: str) -> LearnedCurve | None:
    """Site percolation of a layer's learned skills alone."""
    return learned_curve(layer_view(store, dataset, layer))


def removal_rows(view: LayerView, report: PercolationReport, hubs: Sequence[float]) -> list[Row]:
    """Largest cluster after k skills are removed, the most used ones and random ones; `last` the k-th most used."""
    graph = view.indexed.graph
    names = view.indexed.skill_column("name")
    order = targeted_order(graph)[::-1]
    at_random = np.interp(1.0 - np.array(_REMOVALS) / max(graph.n_skills, 1), report.phi, report.giant)
    return [
        {
            "removed": k,
            "targeted": fraction(hubs[graph.n_skills - k]),
            "random": fraction(float(expected)),
            "last": names[int(order[k - 1])].as_py() or view.indexed.skills.ids[int(order[k - 1])].as_py(),
        }
        for k, expected in zip(_REMOVALS, at_random.tolist(), strict=True)
        if k <= graph.n_skills
    ]


def keystone_rows(report: KeystoneReport) -> list[Row]:
    """Skills by what their removal costs, as rows of a table."""
    return [
        {
            "id": row.skill,
            "step": k,
            "name": row.name,
            "class": row.skill_class or "",
            "cost": row.cost,
            "alone": row.alone,
            "giant": row.giant,
            "uses": row.uses,
            "between": fraction(row.betweenness),
        }
        for k, row in enumerate(report.steps, 1)
    ]


def held_sentence(report: KeystoneReport) -> Component:
    """What the order says, and how it compares."""
    left = report.steps[-1].giant if report.steps else report.giant
    paths = "" if report.exact else " Paths are estimated from a sample."
    return sentence(
        f"The giant component has {plural(report.giant, 'learned skill')}. {plural(report.cut, 'skill')} would cut "
        f"others off if removed alone. All {len(report.steps)} together leave {left:,}; removing as many of the most "
        f"used would leave {report.most_used[-1]:,}.{paths}"
    )


def sweep_rows(report: PercolationReport, hubs: Sequence[float]) -> list[Row]:
    """The curves at every twentieth of the skills."""
    every = max(1, (len(report.phi) - 1) // 20)
    return [
        {
            "phi": fraction(report.phi[i], 0),
            "largest": fraction(report.giant[i]),
            "degrees": fraction(report.predicted[i]),
            "types": fraction(report.predicted_typed[i]) if report.predicted_typed else "–",
            "poisson": fraction(report.predicted_poisson[i]),
            "hubs": fraction(hubs[i]),
            "second": fraction(report.second[i]),
        }
        for i in range(0, len(report.phi), every)
    ]


def what_it_says(report: PercolationReport, hubs: list[float]) -> Component:
    """What the sweeps show, in sentences."""
    half = next((phi for phi, size in zip(report.phi, hubs, strict=True) if size >= 0.5 * hubs[-1]), 1.0)
    return html.Div(
        [
            sentence(
                f"When the {fraction(1 - half, 0)} most used skills are removed, half of the giant component is "
                "lost; at random this takes about half of all skills."
                if report.giant[len(report.giant) // 2] > 0.4 * report.giant[-1]
                else f"When the {fraction(1 - half, 0)} most used skills are removed, half of the giant component is "
                "lost."
            ),
            sentence(
                f"The learned skills ({fraction(report.learned)} of all) have a largest "
                f"component of {fraction(report.learned_giant)}; as many random skills have one of "
                f"{fraction(report.learned_giant_random)}."
            ),
        ]
    )
