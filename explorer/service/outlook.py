"""Whether a layer stands near a jump: where learning would go on all at once if more texts of the same kinds came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.typed_evolution import largest_eigenvalue, seeded_branch, typed_jump
from explorer.service.ladder import chosen_types
from explorer.service.stages import Training
from explorer.store.protocol import Store

__all__ = ["GUIDE", "NEAR", "Outlook", "outlook"]

GUIDE = 0.1
"""Random graphs are a guide for texts if they learn as many skills, within this share of those that are seen."""
NEAR = 0.8
"""Eigenvalue from which on a layer is near a jump: 1 at the jump, and 1 - 0.2 some 4 % of the texts before it."""
_BACK = 0.5
_ROOM = 200_000
_WAVES = 2_000
_STARTS = 0.05


@dataclass(frozen=True)
class Outlook:
    """Random graphs that learn what a layer learned, and how far they are from a jump.

    Attributes:
        types: Number of types of skills that the graphs keep; 1 if their degrees describe the layer.
        eigenvalue: Largest eigenvalue of a wave at the end of learning: how many further skills one more learned skill
            leads to. Towards 1 the end gives way; above 1 it is not stable, and a few known skills carry learning on.
        passed: Share of the texts, in 0.5-1, at which the graphs jumped; None if they did not.
        jump: How many times as many texts the graphs jump at; None if they do not before the end of the forecast.
        before: Skills that they learn just before `jump`; None without one.
        after: Skills that they learn just after it.
        reached: Skills that they learn with all texts of the forecast, of those that the texts require now.
        started: Skills that a few known ones lead to now; None where the end of learning is stable.
    """

    types: int
    eigenvalue: float
    passed: float | None
    jump: float | None
    before: float | None
    after: float | None
    reached: float
    started: float | None

    @property
    def near(self) -> bool:
        """True if a jump lies within the forecast, or close by."""
        return self.jump is not None or self.started is not None or NEAR <= self.eigenvalue <= 1.0


def outlook(
    store: Store, dataset: str, layer: str, training: Training, *, factor: float, learned: float, seen: float
) -> Outlook | None:
    """How far a layer is from a jump, by the simplest random graphs that learn what it learned.

    These keep the degrees, or else the types of skills that `explain` chooses (up to 200 000 requirements).

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: Name of the layer.
        training: Its stages.
        factor: How many times as many texts of the last stage to look at.
        learned: Skills that the layer learned, of those that its texts require.
        seen: Skills that its texts require.

    Returns:
        The outlook; None if no random graphs describe the layer.
    """
    n = training.graph.n_skills
    labels: NDArray[np.integer] = np.zeros(n, np.int32)
    try:
        found = training.predict(labels, waves=_WAVES)
        if not _fits(n * found.evolution.learned, learned, seen):
            if training.graph.n_edges > _ROOM:
                return None
            labels = chosen_types(store, dataset, layer, training).compact.labels
            found = training.predict(labels, waves=_WAVES)
            if not _fits(n * found.evolution.learned, learned, seen):
                return None
    except AnalysisError:
        return None

    def skills(share: float) -> float:
        return n * training.predict(labels, share=share, tolerance=1e-4, waves=_WAVES).evolution.learned

    def fraction(share: float) -> float:
        return skills(share) / n

    value, _ = largest_eigenvalue(found.recursion, found.evolution.novel, found.evolution.unlearned_by_type)
    started = None
    if value > 1.0:
        ahead, _ = seeded_branch(found.recursion, found.evolution, tolerance=1e-6, max_iterations=_WAVES)
        if ahead.learned - found.evolution.learned > _STARTS:
            started = n * ahead.learned
    jump = typed_jump(fraction, between=(1.0, factor))
    return Outlook(
        types=found.n_types,
        eigenvalue=value,
        passed=typed_jump(fraction, between=(_BACK, 1.0)),
        jump=jump,
        before=None if jump is None else skills(max(jump - 1e-3, 1.0)),
        after=None if jump is None else skills(min(jump + 1e-3, factor)),
        reached=skills(factor),
        started=started,
    )


def _fits(predicted: float, learned: float, seen: float) -> bool:
    return abs(predicted - learned) <= max(GUIDE * seen, 5.0)
