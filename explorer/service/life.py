"""The life of layers and datasets: what rests on what, deleting, renaming, and making stale layers anew."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import pyarrow as pa
import pyarrow.compute as pc

from analysis.evidence import Method
from explorer.errors import NotFoundError, SkillgraphError
from explorer.service.association import Rule, associate
from explorer.service.evidence import Fit, Noise, evidence
from explorer.service.learning import Mode, learn
from explorer.service.loading import dataset_info
from explorer.service.reasons import can_be_recorded, record_lacks
from explorer.service.snapshot import lineage, read_dataset
from explorer.store.protocol import LayerInfo, Store

__all__ = [
    "DeleteReport",
    "RefreshReport",
    "RefreshStep",
    "RenameReport",
    "delete_dataset",
    "delete_layer",
    "dependents",
    "refresh",
    "rename_dataset",
    "rename_layer",
]

Done = Literal["learned", "estimated", "recorded", "unchanged"]
Steps = Callable[[str], object]
"""Called with the title of each step."""


@dataclass(frozen=True)
class DeleteReport:
    """What was deleted.

    Attributes:
        dataset: Name of the dataset.
        layers: Names of the deleted layers, in the order in which they went.
        whole: True if the dataset itself was deleted.
    """

    dataset: str
    layers: tuple[str, ...]
    whole: bool


@dataclass(frozen=True)
class RenameReport:
    """What was renamed.

    Attributes:
        dataset: Name of the dataset, after it.
        kind: `layer` or `dataset`.
        old: The name before.
        new: The name after.
        followed: Names of the layers that are fine-tuned from the renamed layer, or are in the renamed dataset.
    """

    dataset: str
    kind: Literal["layer", "dataset"]
    old: str
    new: str
    followed: tuple[str, ...]


@dataclass(frozen=True)
class RefreshStep:
    """One layer of a chain.

    Attributes:
        layer: The layer, as it is now.
        done: `learned` or `estimated` anew; `recorded`: only the reasons of what it lacks were added, which an earlier
            version did not store; or `unchanged` because it was not stale.
        because: Why it was stale.
        learned_before: Number of skills that it had learned before.
        associated: True if its associations were computed anew too, as it had some.
    """

    layer: LayerInfo
    done: Done
    because: tuple[str, ...]
    learned_before: int
    associated: bool


@dataclass(frozen=True)
class RefreshReport:
    """A chain of layers that was made anew, bases first.

    Attributes:
        dataset: Name of the dataset.
        steps: One for each layer of the chain.
        still_stale: Names of the layers of the dataset that are stale after it: they were not asked for.
        seconds: Time in all.
    """

    dataset: str
    steps: tuple[RefreshStep, ...]
    still_stale: tuple[str, ...]
    seconds: float


def dependents(store: Store, dataset: str, layer: str) -> tuple[LayerInfo, ...]:
    """The layers that were fine-tuned from a layer, directly or through others, each after its base.

    Raises:
        NotFoundError: There is no such layer.
    """
    lineage(store, dataset, layer)
    infos, found, names = store.layers(dataset), list[LayerInfo](), {layer}
    while more := [info for info in infos if info.base in names and info.name not in names]:
        found += more
        names |= {info.name for info in more}
    return tuple(found)


def delete_layer(store: Store, dataset: str, name: str, *, with_dependents: bool = False) -> DeleteReport:
    """Delete a layer with its associations.

    Args:
        store: Where it is.
        dataset: Name of the dataset.
        name: Name of the layer.
        with_dependents: Also delete the layers that were fine-tuned from it, directly or through others.

    Raises:
        NotFoundError: There is no such layer.
        SkillgraphError: Layers rest on it, and `with_dependents` is not given; nothing has been deleted.
    """
    rest = dependents(store, dataset, name)
    if rest and not with_dependents:
        one = len(rest) == 1
        raise SkillgraphError(
            f"{_listed([info.name for info in rest])} {'was' if one else 'were'} fine-tuned from layer {name!r}: "
            f"use --with-dependents to delete {'it' if one else 'them'} too"
        )
    gone = [*(info.name for info in reversed(rest)), name]
    for layer in gone:
        store.delete_layer(dataset, layer)
    return DeleteReport(dataset, tuple(gone), whole=False)


def delete_dataset(store: Store, name: str, *, with_dependents: bool = False) -> DeleteReport:
    """Delete a dataset.

    Args:
        store: Where it is.
        name: Name of the dataset.
        with_dependents: Also delete its layers.

    Raises:
        NotFoundError: There is no such dataset.
        SkillgraphError: It has layers, and `with_dependents` is not given; nothing has been deleted.
    """
    info = dataset_info(store, name)
    if info is None:
        there = ", ".join(repr(other.name) for other in store.datasets()) or "none"
        raise NotFoundError(f"there is no dataset {name!r} in {store.url}; its datasets: {there}")
    if info.layers and not with_dependents:
        one = len(info.layers) == 1
        raise SkillgraphError(
            f"dataset {name!r} has {'the layer' if one else 'the layers'} {_listed(info.layers)}: "
            f"use --with-dependents to delete {'it' if one else 'them'} too"
        )
    store.delete_dataset(name)
    return DeleteReport(name, info.layers, whole=True)


def rename_layer(store: Store, dataset: str, name: str, new: str) -> RenameReport:
    """Give a layer another name; its associations and the layers fine-tuned from it follow.

    Raises:
        NotFoundError: There is no such layer.
        StoreError: The name is taken, or cannot be a name.
    """
    lineage(store, dataset, name)
    followed = tuple(info.name for info in store.layers(dataset) if info.base == name)
    if new != name:
        store.rename_layer(dataset, name, new)
    return RenameReport(dataset, "layer", name, new, followed)


def rename_dataset(store: Store, name: str, new: str) -> RenameReport:
    """Give a dataset another name; its layers come along.

    Raises:
        NotFoundError: There is no such dataset.
        StoreError: The name is taken, or cannot be a name.
    """
    info = dataset_info(store, name)
    if info is None:
        there = ", ".join(repr(other.name) for other in store.datasets()) or "none"
        raise NotFoundError(f"there is no dataset {name!r} in {store.url}; its datasets: {there}")
    if new != name:
        store.rename_dataset(name, new)
    return RenameReport(new, "dataset", name, new, info.layers)


def refresh(store: Store, dataset: str, name: str | None = None, *, steps: Steps = lambda _: None) -> RefreshReport:
    """Make stale layers anew, with the options that they keep: a layer after those it was fine-tuned from.

    A layer that is not stale stays as it is. One whose associations had been computed gets them anew with the same
    options. A layer that was continued is learned from the start on all texts. A layer that is not stale, but was
    stored without the reasons of what it lacks, gets these; one from outcomes is estimated again for them.

    Args:
        store: Where the layers are.
        dataset: Name of the dataset.
        name: Name of a layer: it and those it rests on are refreshed; None refreshes all stale layers of the dataset.
        steps: Told what is being done.

    Returns:
        What was done, layer by layer.

    Raises:
        NotFoundError: There is no such layer.
        SkillgraphError: A layer cannot be made anew: a part or a model that it read is gone, or an earlier version
            did not keep its known skills. This is found out before anything is written.
    """
    start = time.perf_counter()
    chain = _in_order(store.layers(dataset) if name is None else lineage(store, dataset, name))
    for info in chain:
        if info.stale or (info.lacks is None and info.kind == "evidence"):
            _require_remakable(store, info)
    skills = next(known.skills for known in store.datasets() if known.name == dataset)
    done = []
    for before in chain:
        info = _layer(store, dataset, before.name)
        # A layer of an earlier version does not know what it was made from; who asks for it gets it anew.
        if can_be_recorded(info, skills) and not (info.name == name and not info.made_from):
            steps(f"Finding what {info.name} lacks")
            done.append(RefreshStep(record_lacks(store, dataset, info.name), "recorded", (), info.learned, False))
        elif info.stale or info.lacks is None or (info.name == name and not info.made_from):
            steps(f"Refreshing {info.name}")
            done.append(_make_anew(store, info))
        elif name is not None:
            done.append(RefreshStep(info, "unchanged", (), info.learned, associated=False))
    still = tuple(info.name for info in store.layers(dataset) if info.stale)
    return RefreshReport(dataset, tuple(done), still, time.perf_counter() - start)


def _in_order(infos: Sequence[LayerInfo]) -> list[LayerInfo]:
    """Layers, each after its base."""
    by_name = {info.name: info for info in infos}
    found: dict[str, LayerInfo] = {}

    def add(info: LayerInfo) -> None:
        if info.base in by_name and info.base not in found:
            add(by_name[info.base])
        found[info.name] = info

    for info in infos:
        add(info)
    return list(found.values())


def _layer(store: Store, dataset: str, name: str) -> LayerInfo:
    return lineage(store, dataset, name)[0]


def _require_remakable(store: Store, info: LayerInfo) -> None:
    source = read_dataset(store, info.dataset)
    gone = [part for part in info.parts if part not in source.parts]
    if gone:
        raise SkillgraphError(
            f"layer {info.name!r} was made from part {gone[0]!r}, which dataset {info.dataset!r} no longer has: "
            "make a layer from other parts, and delete this one"
        )
    if isinstance(info.parameters.get("known"), int) and info.kind != "evidence":
        raise SkillgraphError(
            f"an earlier version made layer {info.name!r} and did not record the skills given as known: learn it again "
            "with --known"
        )
    if info.kind == "evidence":
        models = source.attempts["model"].combine_chunks()
        missing = [m for m in _models(info) if not pc.is_in(pa.scalar(m), value_set=models).as_py()]
        if missing:
            raise SkillgraphError(
                f"layer {info.name!r} was estimated from the outcomes of model {missing[0]!r}, which dataset "
                f"{info.dataset!r} no longer has: delete the layer, or estimate it from other models"
            )


def _models(info: LayerInfo) -> tuple[str, ...]:
    """The models that an evidence layer was estimated with, its own among them."""
    return info.listed("models") or (str(info.parameters.get("model")),)


def _make_anew(store: Store, info: LayerInfo) -> RefreshStep:
    _require_remakable(store, info)
    options = dict(info.association_options)
    if not options and info.associations is not None:
        options = {"rule": info.association_rule}
    if info.kind == "evidence":
        model = str(info.parameters["model"])
        evidence(
            store,
            info.dataset,
            models=_models(info),
            parts=info.parts,
            fit=cast(Fit, info.parameters.get("fit", "dina")),
            noise=cast(Noise, info.parameters.get("noise", "family")),
            method=cast(Method, info.parameters.get("asked_method", "auto")),
            mastered=info.figure("mastered") or 0.5,
            solve_rate=info.figure("solve_rate") or 0.5,
            judged=bool(info.parameters.get("judged", True)),
            pass_score=info.figure("pass_score"),
            common=bool(info.parameters.get("common")),
            ignored_classes=info.listed("ignored_classes"),
            only={model: info.name},
            lenient=True,
        )
    else:
        learn(
            store,
            info.dataset,
            name=info.name,
            parts=info.parts,
            learner=info.learner,
            base=info.base,
            mode=cast("Mode | None", info.mode),
            known=info.listed("known"),
            known_classes=info.listed("known_classes"),
            seed=info.seed or 0,
            lenient=True,
        )
    if options:
        associate(
            store,
            info.dataset,
            info.name,
            rule=cast(Rule, options["rule"]),
            min_weight=int(options.get("min_weight") or 1),
            top_k=None if options.get("top") is None else int(cast(int, options["top"])),
            max_text_skills=None
            if options.get("max_text_skills") is None
            else int(cast(int, options["max_text_skills"])),
        )
    return RefreshStep(
        _layer(store, info.dataset, info.name),
        "estimated" if info.kind == "evidence" else "learned",
        info.stale_because,
        info.learned,
        associated=bool(options),
    )


def _listed(names: Sequence[str]) -> str:
    quoted = [repr(name) for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
