"""What must be known before the figures of an evidence layer are read."""

from __future__ import annotations

from explorer.service.judging import BASELINES
from explorer.store.protocol import LayerInfo
from explorer.wording import quoted

__all__ = ["interval_note", "layer_cautions"]


def interval_note(info: LayerInfo) -> str | None:
    """A sentence if the 95 % intervals of a layer's solve rates are known to cover another share; None otherwise.

    How much the difficulties of texts vary is estimated from models that solve the same texts differently: with one
    model it has to be assumed, and the intervals are too wide; with two the estimate is rough (docs/evidence.md).

    Args:
        info: An evidence layer.
    """
    models = len(info.listed("calibration"))
    if info.kind != "evidence" or models == 0 or models > 2:
        return None
    if models == 1:
        return (
            "The intervals of solve rates do not hold their 95 %: with the outcomes of one model, how much "
            "difficulties vary has to be assumed, and the intervals are usually too wide."
        )
    return (
        "The intervals of solve rates may not hold their 95 %: the outcomes of two models say little about how much "
        "difficulties vary."
    )


def layer_cautions(info: LayerInfo) -> tuple[str, ...]:
    """Sentences that go with a layer wherever it is shown: skills that add nothing, intervals that do not hold."""
    found = []
    if info.skills_add is False:
        found.append(
            f"For {quoted(info.name)} skills add nothing distinguishable from noise to what ability and the difficulty "
            "of texts predict: read its masteries as a description."
        )
    better = [BASELINES.get(name, name) for name in info.listed("better_baselines")]
    if better:
        found.append(
            f"For {quoted(info.name)} the fit predicts held-out outcomes worse than {' and '.join(better)}: it sees "
            "more in these outcomes than is there."
        )
    note = interval_note(info)
    return (*found, note) if note is not None else tuple(found)
