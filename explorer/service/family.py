"""Families of layers: what each fine-tuned layer gained and lost against its base."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.service.comparison import LayerComparison, PairedOutcomes, compare
from explorer.service.snapshot import lineage
from explorer.store.protocol import LayerInfo, Progress, Store

__all__ = ["FamilyMember", "FamilyReport", "family"]


@dataclass(frozen=True)
class FamilyMember:
    """A layer in its family tree, beside its base; figures against the base are None for a root.

    Attributes:
        layer: The layer.
        model: Id of the model of an evidence layer.
        depth: 0 for a root, 1 for what was fine-tuned from it, and so on.
        kept: Skills in both.
        gained: Skills only in this layer.
        lost: Skills only in the base.
        open: Skills in one evidence layer of which the other cannot tell.
        mean_change: Mean change of mastery (evidence layers).
        mean_change_deviation: Its standard deviation.
        expected_gained: Expected number of skills gained (evidence layers).
        expected_lost: Expected number of skills lost.
        score: Mean outcome of an evidence layer.
        score_change: Less the base's.
        giant: Giant component over all skills that the layer's texts require.
        supported: False if skills add nothing to what ability and difficulty predict (evidence layers).
        same_texts: False if the layer and its base rest on different numbers of texts (evidence layers).
        cautions: What to keep in mind, as in a comparison.
        paired: Both models item by item (evidence layers).
    """

    layer: LayerInfo
    model: str | None
    depth: int
    kept: int | None
    gained: int | None
    lost: int | None
    open: int | None
    mean_change: float | None
    mean_change_deviation: float | None
    expected_gained: float | None
    expected_lost: float | None
    score: float | None
    score_change: float | None
    giant: float | None
    supported: bool | None
    same_texts: bool | None
    cautions: tuple[str, ...]
    paired: PairedOutcomes | None = None


@dataclass(frozen=True)
class FamilyReport:
    """All layers of a dataset that have a base or are one, each root followed by its descendants.

    Attributes:
        dataset: Name of the dataset.
        members: In the order of a tree, children by name.
        pairs: Number of base and fine-tuned pairs.
    """

    dataset: str
    members: tuple[FamilyMember, ...]
    pairs: int


def family(store: Store, dataset: str, *, root: str | None = None, progress: Progress | None = None) -> FamilyReport:
    """Compare every fine-tuned layer with its base.

    Args:
        store: Where the layers are.
        dataset: Name of the dataset.
        root: Only this layer and its descendants; None means all families.
        progress: Called after each pair.

    Returns:
        The tree.

    Raises:
        NotFoundError: No such layer.
    """
    infos = {info.name: info for info in store.layers(dataset)}
    children: dict[str, list[str]] = {}
    for info in infos.values():
        if info.base in infos:
            children.setdefault(str(info.base), []).append(info.name)
    if root is not None:
        lineage(store, dataset, root)
        roots = [root]
    else:
        roots = sorted(name for name in children if infos[name].base not in infos)
    order: list[tuple[str, int]] = []

    def walk(name: str, depth: int) -> None:
        order.append((name, depth))
        for child in sorted(children.get(name, ())):
            walk(child, depth + 1)

    for name in roots:
        walk(name, 0)
    members = []
    for done, (name, depth) in enumerate(order):
        base = infos[name].base
        against = compare(store, dataset, str(base), name, predict=False, skills=False) if depth else None
        members.append(_member(infos[name], depth, against))
        if progress is not None:
            progress(done + 1, len(order))
    return FamilyReport(dataset, tuple(members), sum(1 for _, depth in order if depth))


def _supported(info: LayerInfo) -> bool | None:
    if info.skills_add is not None:
        return info.skills_add
    gain = info.figure("bic_gain")
    return None if gain is None else gain > 0.0


def _member(info: LayerInfo, depth: int, against: LayerComparison | None) -> FamilyMember:
    mastery = None if against is None else against.mastery
    model = info.parameters.get("model")
    return FamilyMember(
        layer=info,
        model=str(model) if info.kind == "evidence" and model is not None else None,
        depth=depth,
        kept=None if against is None else against.kept,
        gained=None if against is None else against.gained,
        lost=None if against is None else against.lost,
        open=None if against is None else against.open,
        mean_change=None if mastery is None else mastery.mean_change,
        mean_change_deviation=None if mastery is None else mastery.mean_change_deviation,
        expected_gained=None if mastery is None else mastery.expected_gained,
        expected_lost=None if mastery is None else mastery.expected_lost,
        score=None if mastery is None else mastery.score_second,
        score_change=None if mastery is None else mastery.score_second - mastery.score_first,
        giant=None if against is None else against.giant_second,
        supported=_supported(info),
        same_texts=None if mastery is None else mastery.texts_first == mastery.texts_second,
        cautions=() if against is None else against.cautions,
        paired=None if against is None else against.paired,
    )
