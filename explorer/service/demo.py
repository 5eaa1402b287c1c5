"""The demo: the running interpreter's own Python source, from files to layers and predictions.

Functions of the standard library are the texts of a foundation layer; those of an installed domain package
are the texts of fine-tuned layers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from explorer.service.memo import recall, remember
from explorer.service.versions import package_versions
from explorer.store.protocol import LayerInfo, Progress, Store

if TYPE_CHECKING:
    # What computes is imported where it is needed: a demo that is there already is told at once.
    from explorer.service.learning import LearnReport, Mode
    from explorer.service.prediction import LayerPrediction

__all__ = ["DATASET", "FOUNDATION", "DemoReport", "FineTunedReport", "FoundationReport", "ModeReport", "run_demo"]

DATASET = "python"
FOUNDATION = "foundation"
_PART = "stdlib"
_MODES: tuple[Mode, ...] = ("frozen", "continued", "joint")
_ASSOCIATED = {"rule": "any", "min_weight": 1, "top": None, "max_text_skills": None}
Steps = Callable[[str], Progress | None]
"""Called with the title of each step; the callable it returns is called with the progress of the step."""


@dataclass(frozen=True)
class FoundationReport:
    """The foundation layer, beside its prediction; fractions of all skills of its texts, in 0-1.

    Attributes:
        learned: Learned fraction.
        learned_used_thrice: Learned fraction among the skills that at least three texts require.
        predicted_poisson: Learned fraction of the Poisson ensemble of the same c and R.
        predicted_degrees: Learned fraction of random graphs with the measured degree distributions.
        waves: Rounds of presentation.
        giant: Giant component of the learned skills.
        giant_predicted: The same for random graphs with the measured degree distributions.
        seconds: Time for learning and associating.
        predicted_typed: Learned fraction of random graphs in which every text also keeps its mix of types of skills;
            None where the library is too large for choosing types unasked, and for demos of earlier versions.
        types: Number of these types.
        giant_typed: The same as `giant_predicted` for these graphs.
    """

    learned: float
    learned_used_thrice: float
    predicted_poisson: float
    predicted_degrees: float
    waves: int
    giant: float
    giant_predicted: float | None
    seconds: float
    predicted_typed: float | None = None
    types: int | None = None
    giant_typed: float | None = None


@dataclass(frozen=True)
class ModeReport:
    """A fine-tuned layer: learned skills over all skills of the base's and its own texts, in 0-1."""

    learned: float


@dataclass(frozen=True)
class FineTunedReport:
    """The three ways to fine-tune on the foundation.

    Attributes:
        package: The domain package.
        texts: Its functions.
        skills: Skills of the standard library's and the package's functions together.
        frozen: Basic skills cannot be added.
        continued: Starts from the foundation, everything may be learned.
        joint: Both corpora together.
        foundation: What the foundation had learned, over the same skills.
        gained: What `continued` has learned and the foundation had not, over the same skills.
    """

    package: str
    texts: int
    skills: int
    frozen: ModeReport
    continued: ModeReport
    joint: ModeReport
    foundation: float
    gained: float


@dataclass(frozen=True)
class DemoReport:
    """What `skillgraph demo --json` prints.

    Attributes:
        texts: Functions of the standard library.
        skills: Skills that they require.
        requirements: Pairs of function and skill.
        ratio: R, texts over skills.
        mean_skills: c, requirements over texts.
        threshold: R* of the Poisson ensemble with this c; None if emergence is gradual.
        foundation: The foundation layer.
        fine_tuned: The fine-tuned layers.
        store: Where everything was stored.
        dataset: Name of the dataset.
        reused: True if the dataset was in the store already and its source has not changed. Layers that are there and
            not stale are reused too: then nothing is written.
        seconds: Time in all.
    """

    texts: int
    skills: int
    requirements: int
    ratio: float
    mean_skills: float
    threshold: float | None
    foundation: FoundationReport
    fine_tuned: FineTunedReport
    store: str
    dataset: str
    reused: bool
    seconds: float


def run_demo(
    store: Store,
    *,
    package: str = "scipy",
    min_uses: int = 1,
    fresh: bool = False,
    steps: Steps = lambda _: None,
) -> DemoReport:
    """Read, store, learn, associate and compare, on the running interpreter's source.

    Args:
        store: Where it all goes.
        package: Installed package whose functions are the domain texts.
        min_uses: Leave out skills that fewer functions require.
        fresh: Read the sources again even if the store has them.
        steps: Told what is being done.

    Returns:
        The figures.

    Raises:
        DataError: The package is not installed or has no function.
        StoreError: The store cannot be written.
    """
    start = time.perf_counter()
    reused = not fresh and _is_there(store, package, min_uses)
    known = recall(key) if reused and (key := _key(store, package)) is not None else None
    if known is not None:
        steps("Everything is in the store already")
        report = _from_json(known)
    else:
        report = _make(store, package, min_uses, reused=reused, steps=steps)
        after = _key(store, package)
        if after is not None:
            remember(after, asdict(report))
    return replace(report, store=store.url, reused=reused, seconds=time.perf_counter() - start)


def _make(store: Store, package: str, min_uses: int, *, reused: bool, steps: Steps) -> DemoReport:
    from explorer.service.association import associate
    from explorer.service.comparison import compare
    from explorer.service.learning import learn
    from explorer.service.poisson import threshold

    if not reused:
        _load(store, package, min_uses, steps)
    steps("Learning the foundation from the standard library")
    foundation, beside = _learn_foundation(store)
    layers: dict[Mode, LearnReport] = {}
    for mode in _MODES:
        steps(f"Fine-tuning on {package}, {mode}")
        name = f"{package}-{mode}"
        layers[mode] = learn(store, DATASET, name=name, parts=(package,), base=FOUNDATION, mode=mode)
        associate(store, DATASET, name)
    changes = compare(store, DATASET, FOUNDATION, f"{package}-continued", predict=False)
    skills = layers["joint"].layer.skills
    return DemoReport(
        texts=beside.texts,
        skills=beside.skills,
        requirements=beside.requirements,
        ratio=beside.ratio,
        mean_skills=beside.mean_skills,
        threshold=threshold(beside.mean_skills).ratio,
        foundation=foundation,
        fine_tuned=FineTunedReport(
            package=package,
            texts=layers["continued"].layer.texts,
            skills=skills,
            frozen=ModeReport(layers["frozen"].layer.learned / skills),
            continued=ModeReport(layers["continued"].layer.learned / skills),
            joint=ModeReport(layers["joint"].layer.learned / skills),
            foundation=beside.layer.learned / skills,
            gained=changes.gained / skills,
        ),
        store=store.url,
        dataset=DATASET,
        reused=reused,
        seconds=0.0,
    )


def _key(store: Store, package: str) -> dict[str, Any] | None:
    """What the figures come from; None if the layers are not there, not the demo's, or stale."""
    there = {info.name: info for info in store.layers(DATASET)}
    wanted: list[tuple[str, str, str | None, str | None]] = [(FOUNDATION, _PART, None, None)]
    wanted += [(f"{package}-{mode}", package, FOUNDATION, mode) for mode in _MODES]
    infos = [there.get(name) for name, *_ in wanted]
    for info, (_, part, base, mode) in zip(infos, wanted, strict=True):
        if info is None or not _is_demos(info, part, base, mode):
            return None
    dataset = next(info for info in store.datasets() if info.name == DATASET)
    return {
        "demo": 1,
        "package": package,
        "dataset": dataset.fingerprint,
        "layers": [info.fingerprint for info in infos if info is not None],
        "versions": package_versions(),
    }


def _is_demos(info: LayerInfo, part: str, base: str | None, mode: str | None) -> bool:
    made = (info.learner, info.parts, info.base, info.mode, dict(info.parameters))
    associated = info.associations is not None and dict(info.association_options) == _ASSOCIATED
    fresh = bool(info.made_from) and not info.stale and dict(info.versions) == package_versions()
    return made == ("one", (part,), base, mode, {}) and associated and fresh


def _from_json(facts: Mapping[str, Any]) -> DemoReport:
    tuned = facts["fine_tuned"]
    modes = {mode: ModeReport(**tuned[mode]) for mode in _MODES}
    return DemoReport(
        **{
            **facts,
            # Nothing was learned this time.
            "foundation": FoundationReport(**{**facts["foundation"], "seconds": 0.0}),
            "fine_tuned": FineTunedReport(**{**tuned, **modes}),
        }
    )


def _sources(package: str, min_uses: int) -> Mapping[str, str | int]:
    """What the stored dataset must say of its source to be used again."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    try:
        release = version(package)
    except PackageNotFoundError:
        release = "unknown"
    return {"demo.python": platform.python_version(), "demo.package": f"{package} {release}", "demo.min_uses": min_uses}


def _is_there(store: Store, package: str, min_uses: int) -> bool:
    info = next((info for info in store.datasets() if info.name == DATASET), None)
    wanted = _sources(package, min_uses)
    return info is not None and all(info.provenance.get(fact) == value for fact, value in wanted.items())


def _load(store: Store, package: str, min_uses: int, steps: Steps) -> None:
    from explorer.service.loading import load
    from loaders.dataset import Dataset, extend_dataset
    from loaders.python_source import load_python_source

    def read() -> Dataset:
        corpora = []
        for target in (_PART, package):
            progress = steps(f"Reading the functions of {'the standard library' if target == _PART else target}")
            corpora.append(
                load_python_source([target], name=DATASET, part=target, min_uses=min_uses, progress=progress)
            )
        both = extend_dataset(corpora[0], corpora[1])
        return replace(both, provenance={**both.provenance, **_sources(package, min_uses)})

    storing: list[Progress | None] = []

    def stored(done: int, total: int) -> None:
        if not storing:
            storing.append(steps("Storing the skill-text graph"))
        if storing[0] is not None:
            storing[0](done, total)

    load(store, read, name=DATASET, replace=True, progress=stored)


def _learn_foundation(store: Store) -> tuple[FoundationReport, LayerPrediction]:
    from explorer.service.association import associate
    from explorer.service.learning import learn
    from explorer.service.prediction import predict_layer
    from explorer.service.snapshot import layer_view

    began = time.perf_counter()
    learned = learn(store, DATASET, name=FOUNDATION, parts=(_PART,))
    associated = associate(store, DATASET, FOUNDATION)
    seconds = time.perf_counter() - began
    beside = predict_layer(store, DATASET, FOUNDATION)
    rows = {row.quantity: row for row in beside.rows}
    view = layer_view(store, DATASET, FOUNDATION)
    often = view.indexed.graph.skill_degrees >= 3
    report = FoundationReport(
        learned=learned.layer.learned_fraction,
        learned_used_thrice=float(view.learned[often].mean()) if often.any() else 0.0,
        predicted_poisson=rows["learned"].poisson or 0.0,
        predicted_degrees=rows["learned"].degrees or 0.0,
        predicted_typed=rows["learned"].typed,
        types=beside.types,
        waves=learned.layer.waves,
        giant=associated.giant_fraction,
        giant_predicted=rows["giant"].degrees if rows["giant"].degrees is not None else rows["giant"].poisson,
        giant_typed=rows["giant"].typed,
        seconds=seconds,
    )
    return report, beside
