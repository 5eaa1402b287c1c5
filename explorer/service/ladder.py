"""A ladder of null models for a layer: from random texts to the graph itself, each with what it predicts.

Every rung keeps more of the graph's structure than the one before. What it predicts, laid beside the layer, tells
which structure delays learning or helps it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.hierarchy import compare_training
from analysis.skill_types import SkillFeature, TypeChoice, choose_types, features_of
from analysis.typed import joint_types, type_labels
from analysis.typed_evolution import seed_needed, seeded_branch
from analysis.typed_sampling import rewire
from explorer.errors import SkillgraphError
from explorer.service.association import giant_of
from explorer.service.expectation import expectations, known_beforehand
from explorer.service.memo import digest, recall, remember
from explorer.service.poisson import unsettled
from explorer.service.snapshot import _cached
from explorer.service.stages import Predicted, Training, expected_giant, layer_training
from explorer.service.versions import package_versions
from explorer.store.protocol import LayerInfo, Store
from explorer.wording import plural

__all__ = ["COMPACT", "FINE", "Ladder", "Rung", "Start", "chosen_types", "explain", "skill_features"]

Ids = NDArray[np.int32]

COMPACT, FINE = 100, 850
"""Types that the two searches may use at most."""

_SIMULATED = 200_000
"""Graphs with more requirements are simulated only if it is asked for."""
_SIDES = 0.2
"""Drawn graphs whose learned shares lie farther apart end on either side of a jump."""
_COPIES, _MOST_EDGES = 32, 800_000
"""Copies of texts and skills in the larger graphs, and requirements that these may have; two copies at least."""
_ALWAYS = {"few types", "many types", "own", "every skill"}
"""Rungs that are shown even if they have the same types as another one."""
_FOLDS = 5
_ROUGH = 3e-4
_SEARCHED = 200
"""Waves of each prediction in the search: one that has not converged by then is taken as it is."""


@dataclass(frozen=True)
class Rung:
    """One null model; fractions are of all skills.

    Attributes:
        name: Short and stable.
        keeps: What a random graph of this kind has in common with the layer's, as a phrase.
        types: Number of types of skills; None for random texts (Poisson).
        features: Names of the features whose product the types are.
        learned: Predicted.
        closes: Share of the gap between `degrees` and the layer that the prediction closes, at most 1, negative if it
            is farther away; None for rungs before `degrees`, and where there is no gap of a point.
        giant: Predicted giant component of the learned skills, joined by any text; None where no equation holds, or
            where `converged` is false.
        giant_understood: The same, joined by understood texts.
        waves: Predicted rounds until less than one skill is learned in one.
        testing_error: Predicted for held-out texts, a fifth of the texts being held out.
        simulated: Mean learned fraction of rewired graphs that keep exactly this; None if none were drawn.
        simulated_error: Its standard error.
        simulated_low: Smallest of their learned fractions.
        simulated_high: Largest of them.
        copies: Where `learned` and `simulated` differ by more than chance, or drawn graphs by much: copies of every
            text and skill in a larger graph that was drawn, too; None elsewhere.
        simulated_copies: Its learned fraction, which comes closer to `learned` the more copies there are.
        seeded: Learned fraction of the branch that a few known skills lead to; None where it was not looked for.
        eigenvalue: Largest eigenvalue at the unseeded fixed point: above 1 it is not stable.
        converged: False if the iteration ended before its fixed point.
    """

    name: str
    keeps: str
    types: int | None
    features: tuple[str, ...]
    learned: float
    closes: float | None = None
    giant: float | None = None
    giant_understood: float | None = None
    waves: int | None = None
    testing_error: float | None = None
    simulated: float | None = None
    simulated_error: float | None = None
    simulated_low: float | None = None
    simulated_high: float | None = None
    copies: int | None = None
    simulated_copies: float | None = None
    seeded: float | None = None
    eigenvalue: float | None = None
    converged: bool = True


@dataclass(frozen=True)
class Start:
    """Whether learning starts by itself, for the types that the compact search chose.

    Attributes:
        unseeded: Learned fraction without a seed.
        seeded: Learned fraction once a few skills are known.
        eigenvalue: Largest eigenvalue at the unseeded fixed point.
        seed: Random skills that must be known for half of all draws to leave the unseeded branch, on this graph; None
            where the branches agree, or no number up to a tenth of the skills is enough. Where nothing is learned:
            those that lead to half of the skills, or all skills if a tenth of them is not enough.
    """

    unseeded: float
    seeded: float
    eigenvalue: float
    seed: int | None


@dataclass(frozen=True)
class Ladder:
    """A layer and its null models.

    Attributes:
        layer: The layer.
        texts: T.
        skills: S.
        requirements: Edges of the skill–text graph.
        measured: Learned fraction of all skills.
        giant: Measured giant component, any text.
        giant_understood: Measured giant component, understood texts.
        waves: Measured rounds (of the last training).
        testing_error: Measured by cross-validation: held-out texts that are not understood, a fifth held out each time.
        gap: Measured less the prediction for the same degrees.
        rungs: From random texts to every skill for itself.
        sentence: Which structure delays or helps learning.
        notes: What else to know, a sentence each.
        start: Whether learning starts by itself.
        graphs: Rewired graphs behind each simulated value.
        seed: Of the rewiring and the folds.
    """

    layer: LayerInfo
    texts: int
    skills: int
    requirements: int
    measured: float
    giant: float
    giant_understood: float
    waves: int
    testing_error: float
    gap: float
    rungs: tuple[Rung, ...]
    sentence: str
    notes: tuple[str, ...]
    start: Start
    graphs: int
    seed: int

    def rung(self, name: str) -> Rung:
        """The rung of this name.

        Raises:
            SkillgraphError: There is none.
        """
        for rung in self.rungs:
            if rung.name == name:
                return rung
        raise SkillgraphError(f"no rung {name!r}; the rungs are {', '.join(r.name for r in self.rungs)}")


@dataclass(frozen=True, eq=False)
class _Features:
    """Labellings of a layer's skills.

    Attributes:
        all: For the search.
        columns: The user's own columns.
    """

    all: tuple[SkillFeature, ...]
    columns: tuple[SkillFeature, ...]


def skill_columns(training: Training, columns: Sequence[str] | None = None) -> dict[str, Ids]:
    """The user's columns of skills as labels: classes, levels, modules, parents and whatever else came with them.

    Numbers of more than 20 values are cut at their octiles. Columns with one value, or a value of its own for nearly
    every skill, are left out unless they are asked for.

    Args:
        training: Of the layer.
        columns: Names of those wanted; all if None.

    Raises:
        SkillgraphError: A column that is not there.
    """
    indexed = training.view.indexed
    n = training.graph.n_skills
    there = [name for name in indexed.dataset.skills.column_names if name not in {"id", "name"}]
    parents = _parents(training)
    if parents is not None:
        there.append("parent")
    for name in columns or ():
        if name not in there:
            raise SkillgraphError(f"the skills have no column {name!r}; they have {', '.join(there) or 'none'}")
    found: dict[str, Ids] = {}
    for name in there:
        if columns is not None and name not in columns:
            continue
        labels = parents if name == "parent" and parents is not None else _column(indexed.skill_column(name))
        K = int(labels.max(initial=-1)) + 1
        if columns is None and (K < 2 or 9 * n < 10 * K):
            continue
        found[name] = labels
    return found


def _column(values: pa.Array) -> Ids:
    if pa.types.is_floating(values.type) or pa.types.is_integer(values.type):
        numbers = np.asarray(values.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False))
        if len(np.unique(numbers[~np.isnan(numbers)])) > 20:
            cuts = np.unique(np.nanquantile(numbers, np.linspace(0.0, 1.0, 9)[1:-1]))
            numbers = np.where(np.isnan(numbers), -1.0, np.searchsorted(cuts, numbers, side="right"))
        return type_labels(np.nan_to_num(numbers, nan=-np.inf))
    return type_labels(np.array(["" if value is None else str(value) for value in values.to_pylist()]))


def _parents(training: Training) -> Ids | None:
    """Parent of every skill in the hierarchy (the first by id); skills without one are their own."""
    table: pa.Table | None = getattr(training.view.indexed.dataset, "part_of", None)
    if table is None or not table.num_rows:
        return None
    ids = training.view.indexed.skills.ids.to_pylist()
    names = table.column_names
    child, parent = (table[names[0]].to_pylist(), table[names[1]].to_pylist())
    above = dict(sorted(zip(child, parent, strict=True), reverse=True))
    if not any(i in above for i in ids):
        return None
    return type_labels(np.array([above.get(i, i) for i in ids]))


def skill_features(store: Store, dataset: str, layer: str, training: Training) -> tuple[SkillFeature, ...]:
    """All features of a layer's skills, from memory if the store has not changed."""
    return _features(store, dataset, layer, training).all


def _features(store: Store, dataset: str, layer: str, training: Training) -> _Features:
    def make() -> _Features:
        columns = skill_columns(training)
        own = tuple(SkillFeature(name, f"the {name} a skill belongs to", v, "column") for name, v in columns.items())
        return _Features(features_of(training.graph, columns), own)

    return _cached(store, ("features", dataset, layer), make)


@dataclass(frozen=True, eq=False)
class Chosen:
    """What the two searches found.

    Attributes:
        compact: With at most `COMPACT` types.
        fine: With at most `FINE`.
        target: What the layer's training teaches on the graph itself, the target of both.
    """

    compact: TypeChoice
    fine: TypeChoice
    target: float


def chosen_types(store: Store, dataset: str, layer: str, training: Training) -> Chosen:
    """The types that the two searches choose for a layer.

    Their target is one number: the share of the skills that the same training teaches on the graph itself. Which skills
    those are has no part in any type. (One type a skill would be no target: a skill's texts are then drawn one by one
    from those it has, which misses by much on sparse graphs without structure.)

    What was found is kept in the user's cache folder, under a digest of all that the searches look at.
    """

    def make() -> Chosen:
        features = skill_features(store, dataset, layer, training)
        key = {"types": _digest(training, features), "versions": package_versions()}
        known = recall(key)
        if known is not None:
            return _from_json(known, features, training.graph.n_skills)
        chosen = found(features)
        remember(key, _to_json(chosen))
        return chosen

    def found(features: Sequence[SkillFeature]) -> Chosen:
        n = training.graph.n_skills
        target = float(training.learn(training.graph, np.random.default_rng(0)).mean())
        known: dict[frozenset[str], float] = {}
        most = int(np.clip(1.2e7 / max(training.graph.n_edges, 1), 16, 80))

        def predicted(labels: Ids) -> float:
            return training.predict(labels, tolerance=_ROUGH, waves=_SEARCHED).evolution.learned

        def search(limit: int, start: Sequence[str] = ()) -> TypeChoice:
            return choose_types(
                features, predicted, target, n, most_types=limit, most_evaluations=most, known=known, start=start
            )

        compact = search(min(COMPACT, n))
        fine = min(
            (search(min(FINE, n)), search(min(FINE, n), compact.features)),
            key=lambda choice: (abs(choice.learned - target), choice.n_types),
        )
        return Chosen(compact, fine, target)

    return _cached(store, ("chosen", dataset, layer), make)


def _digest(training: Training, features: Sequence[SkillFeature]) -> str:
    """SHA-256 of the graph, the stages and the features."""
    graph, stages = training.graph, training.stages
    parts = [graph.text_degrees, graph.text_skills, *(training.view.indexed.prerequisites or (None, None))]
    for stage in stages:
        parts += [stage.reads, stage.known, stage.closed, *(stage.prerequisites or (None, None))]
    parts += [feature.labels for feature in features]
    nothing = np.empty(0, bool)
    names = [
        graph.n_texts,
        graph.n_skills,
        [stage.learner.name for stage in stages],
        [feature.name for feature in features],
    ]
    return digest(f"{names}", [nothing if part is None else part for part in parts])


def _to_json(chosen: Chosen) -> dict[str, Any]:
    searches = {
        name: {"features": list(choice.features), "learned": choice.learned, "evaluations": choice.evaluations}
        for name, choice in (("compact", chosen.compact), ("fine", chosen.fine))
    }
    return {**searches, "target": chosen.target}


def _from_json(known: Mapping[str, Any], features: Sequence[SkillFeature], n_skills: int) -> Chosen:
    def choice(kept: Mapping[str, Any]) -> TypeChoice:
        return TypeChoice.of(kept["features"], features, n_skills, kept["learned"], kept["evaluations"])

    return Chosen(choice(known["compact"]), choice(known["fine"]), known["target"])


def explain(
    store: Store,
    dataset: str,
    layer: str,
    *,
    types: Sequence[str] = (),
    graphs: int | None = None,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> Ladder:
    """Lay a layer beside null models that keep more and more of its graph.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: Name of the layer.
        types: Features whose product is one more rung, `own`.
        graphs: Rewired graphs for each rung; 3 by default, none for graphs of more than 200 000 requirements.
        seed: Of the rewiring and the folds.
        progress: Called with the name of each rung.

    Returns:
        The ladder.

    Raises:
        NotFoundError: No such layer.
        SkillgraphError: The layer was estimated from outcomes, its texts require no skill, or a feature is not there.
    """
    training = layer_training(store, dataset, layer)
    graph, view = training.graph, training.view
    if graphs is None:
        graphs = 3 if graph.n_edges <= _SIMULATED else 0
    features = _features(store, dataset, layer, training)
    chosen = chosen_types(store, dataset, layer, training)
    n = graph.n_skills
    measured = float(view.learned.mean())
    rungs: list[Rung] = []
    poisson = _poisson(training, store)
    if poisson is not None:
        rungs.append(poisson)
    rng = np.random.default_rng(seed)
    used: list[Ids] = []

    def add(name: str, keeps: str, labels: NDArray[np.integer], parts: Sequence[str] = (), *, start: bool = False,
            sizes_only: bool = False) -> None:  # fmt: skip
        key = type_labels(labels)
        if not sizes_only:
            if any(np.array_equal(key, other) for other in used) and name not in _ALWAYS:
                return
            used.append(key)
        progress(name)
        predicted = training.predict(labels, poisson=sizes_only)
        rung = _rung(training, name, keeps, tuple(parts), predicted, labels, poisson=sizes_only)
        if start:
            rung = _with_seed(rung, predicted)
        if graphs and not sizes_only:
            rung = _simulated(rung, training, labels, graphs, rng)
        rungs.append(rung)

    one = np.zeros(n, np.int32)
    add("text sizes", "the number of skills of every text", one, sizes_only=True)
    add("degrees", "also the number of texts of every skill", one, start=True)
    by_name = {f.name: f for f in features.all} | {f.name: f for f in features.columns}
    first = [name for name in ("class",) if name in by_name] + ["uses", "company"]
    own = [f.name for f in features.columns if f.name != "class"]
    found = [name for name in ("companions", "communities") if name in by_name]
    for name in (*first, *own, *found):
        if name in by_name:
            add(name, _keeps([by_name[name]]), by_name[name].labels, (name,))
    alone = {rung.features[0]: rung.learned for rung in rungs if len(rung.features) == 1}
    grouped = [f for f in features.columns if f.name in alone] or [by_name[c] for c in found if c in alone]
    finest = min(grouped, key=lambda f: abs(alone[f.name] - chosen.target), default=None)
    if finest is not None and "uses" in by_name:
        both = joint_types(by_name["uses"].labels, finest.labels)
        add(f"uses × {finest.name}", _keeps([by_name["uses"], finest]), both, ("uses", finest.name))
    for name, choice in (("few types", chosen.compact), ("many types", chosen.fine)):
        parts = [by_name[part] for part in choice.features]
        add(name, _keeps(parts), choice.labels, choice.features, start=name == "few types")
    if types:
        labels = own_types(by_name, types)
        add("own", _keeps([by_name[name] for name in types]), labels, types)
    add("every skill", "every skill as a type of its own, nearly the graph itself", np.arange(n))
    degrees = next(r.learned for r in rungs if r.name == "degrees")
    gap = measured - degrees
    rungs = [_closing(rung, measured, degrees) for rung in rungs]
    start = _start(training, next((r for r in rungs if r.name == "few types"), rungs[-1]), rungs)
    ladder = Ladder(
        layer=view.info,
        texts=graph.n_texts,
        skills=n,
        requirements=graph.n_edges,
        measured=measured,
        giant=giant_of(view, "any"),
        giant_understood=giant_of(view, "understood"),
        waves=view.info.waves,
        testing_error=_cross_validated(training, seed),
        gap=gap,
        rungs=tuple(rungs),
        sentence="",
        notes=(),
        start=start,
        graphs=graphs,
        seed=seed,
    )
    return replace(ladder, sentence=_sentence(ladder, by_name), notes=_notes(ladder, training))


def own_types(by_name: dict[str, SkillFeature], names: Sequence[str]) -> Ids:
    """The product of features by name.

    Raises:
        SkillgraphError: A name that is none.
    """
    for name in names:
        if name not in by_name:
            raise SkillgraphError(f"there is no feature {name!r}; features are {', '.join(by_name)}")
    return joint_types(*(by_name[name].labels for name in names))


def _keeps(parts: Sequence[SkillFeature]) -> str:
    """What texts keep, as a phrase."""
    if not parts:
        return "only the degrees: no types helped"
    return "each text's mix of skills by " + ", and by ".join(part.meaning for part in parts)


def _rung(
    training: Training,
    name: str,
    keeps: str,
    parts: tuple[str, ...],
    predicted: Predicted,
    labels: NDArray[np.integer],
    *,
    poisson: bool,
) -> Rung:
    evolution = predicted.evolution
    giants: list[float | None] = [None, None]
    if training.has_giant and evolution.converged:
        giants = [expected_giant(predicted, rule) for rule in ("any", "understood")]
    held_out = training.predict(labels, poisson=poisson, share=1.0 - 1.0 / _FOLDS, tolerance=1e-4)
    steps = -np.diff(evolution.trajectory) * training.graph.n_skills
    late = np.flatnonzero(steps < 1.0)
    return Rung(
        name=name,
        keeps=keeps,
        types=predicted.n_types,
        features=parts,
        learned=evolution.learned,
        giant=giants[0],
        giant_understood=giants[1],
        waves=int(late[0]) if len(late) else len(steps),
        testing_error=held_out.evolution.testing_error,
        converged=evolution.converged,
    )


def _with_seed(rung: Rung, predicted: Predicted) -> Rung:
    found, eigenvalue = seeded_branch(predicted.recursion, predicted.evolution, tolerance=1e-6, max_iterations=1_000)
    return replace(rung, seeded=found.learned, eigenvalue=eigenvalue)


def _poisson(training: Training, store: Store) -> Rung | None:
    """Random texts: only the means are kept."""
    view = training.view
    keeps = "only the mean number of skills in a text, and of texts for a skill"
    if len(training.stages) > 1:
        base = training.stages[0].reads
        basic = np.zeros(training.graph.n_skills, dtype=bool)
        basic[training.graph.subset(base).text_skills] = True
        if len(training.stages) != 2 or not basic.any() or (training.stages[1].reads & base).any():
            return None
        from analysis.ensembles import MultiClassEnsemble

        text_of = np.repeat(np.arange(training.graph.n_texts), training.graph.text_degrees)
        try:
            classes = MultiClassEnsemble.from_labels(
                text_of, training.graph.text_skills, (~base).astype(int), type_labels(~basic), poisson=True
            )
            found = compare_training(classes, training.stages[1].learner)
        except AnalysisError:
            return None
        mode = getattr(found, str(view.info.mode))
        return Rung("poisson", keeps, None, (), float(mode.learned))
    expected, _ = expectations(view, known_beforehand(view))
    rule = training.stages[0].learner
    evolution = expected.evolve(rule)
    steps = -np.diff(evolution.trajectory) * training.graph.n_skills
    late = np.flatnonzero(steps < 1.0)
    return Rung(
        "poisson",
        keeps,
        None,
        (),
        evolution.learned,
        giant=expected.giant("any", rule),
        giant_understood=expected.giant("understood", rule),
        waves=int(late[0]) if len(late) else len(steps),
        testing_error=expected.evolve(rule, 1.0 - 1.0 / _FOLDS).testing_error,
    )


def _simulated(
    rung: Rung, training: Training, labels: NDArray[np.integer], graphs: int, rng: np.random.Generator
) -> Rung:
    """The rung with the mean over rewired graphs that keep exactly what it keeps."""
    types = joint_types(labels, training.roles)
    learned = [
        float(training.learn(rewire(training.graph, types, rng, text_class=training.text_class), rng).mean())
        for _ in range(graphs)
    ]
    error = float(np.std(learned, ddof=1) / np.sqrt(graphs)) if graphs > 1 else None
    rung = replace(
        rung,
        simulated=float(np.mean(learned)),
        simulated_error=error,
        simulated_low=min(learned),
        simulated_high=max(learned),
    )
    if not (_apart(rung) or _scattered(rung)):
        return rung
    copies = int(np.clip(_MOST_EDGES // max(training.graph.n_edges, 1), 2, _COPIES))
    larger, graph = training.copies(copies)
    drawn = rewire(graph, np.tile(types, copies), rng, text_class=larger.text_class)
    return replace(rung, copies=copies, simulated_copies=float(larger.learn(drawn, rng).mean()))


def _apart(rung: Rung) -> bool:
    """True if drawn graphs differ from the prediction by more than chance (four standard errors) and a point."""
    if rung.simulated is None or rung.simulated_error is None:
        return False
    return abs(rung.learned - rung.simulated) > max(4.0 * rung.simulated_error, 0.01)


def _scattered(rung: Rung) -> bool:
    """True if drawn graphs learn so different shares that they end on either side of a jump."""
    if rung.simulated_low is None or rung.simulated_high is None:
        return False
    return rung.simulated_high - rung.simulated_low > _SIDES


def _closing(rung: Rung, measured: float, degrees: float) -> Rung:
    if rung.name in {"poisson", "text sizes", "degrees"} or abs(measured - degrees) < 0.01:
        return rung
    return replace(rung, closes=1.0 - abs(measured - rung.learned) / abs(measured - degrees))


def _start(training: Training, rung: Rung, rungs: Sequence[Rung]) -> Start:
    if rung.seeded is None or rung.eigenvalue is None:
        rung = next(r for r in rungs if r.seeded is not None)
    seeded, eigenvalue = rung.seeded or rung.learned, rung.eigenvalue or 0.0
    seed = None
    waits = seeded - rung.learned > 0.05 or not training.view.learned.any()
    if waits and training.alone and training.graph.n_edges <= _SIMULATED:
        stage, graph = training.stages[0], training.graph
        novel = np.flatnonzero(~stage.known)

        def learned_with(number: int, rng: np.random.Generator) -> float:
            known = stage.known.copy()
            known[rng.choice(novel, min(number, len(novel)), replace=False)] = True
            more = replace(training, stages=(replace(stage, known=known),))
            return float(more.learn(graph, rng).mean())

        measured = float(training.view.learned.mean())
        # Where nothing is learned, a start is what leads to half of the skills, whatever random graphs do.
        seed = seed_needed(learned_with, measured, 1.0 if measured == 0.0 else seeded, graph.n_skills)
        if measured == 0.0 and seed is None:
            seed = graph.n_skills
    return Start(rung.learned, seeded, eigenvalue, seed)


def _cross_validated(training: Training, seed: int) -> float:
    """Held-out texts of the last stage that are not understood, over five folds."""
    rng = np.random.default_rng([seed, 1])
    graph = training.graph
    reads = np.flatnonzero(training.stages[-1].reads)
    fold = np.full(graph.n_texts, -1)
    fold[reads] = rng.permutation(len(reads)) % _FOLDS
    text_of = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
    failed = 0
    for k in range(_FOLDS):
        out = fold == k
        learned = training.learn(graph, rng, without=out)
        novel = np.bincount(text_of[~learned[graph.text_skills]], minlength=graph.n_texts) > 0
        failed += int(np.count_nonzero(novel & out))
    return failed / max(len(reads), 1)


def _sentence(ladder: Ladder, by_name: dict[str, SkillFeature]) -> str:
    degrees = ladder.rung("degrees")
    if ladder.measured == 0.0 and degrees.learned < 0.01:
        return _nothing(ladder)
    if abs(ladder.gap) < 0.01:
        return (
            f"Random graphs with the same degrees learn as much as this layer ({degrees.learned:.1%} and "
            f"{ladder.measured:.1%}): no further structure of the graph is needed to explain the result."
        )
    if degrees.simulated is not None:
        chance = max(0.01, 1.0 / ladder.skills, 2.0 * (degrees.simulated_error or 0.0))
        if abs(ladder.measured - degrees.simulated) < chance:
            return (
                f"Random graphs of this size with the same degrees learn {degrees.simulated:.1%} on average, and this "
                f"layer learned {ladder.measured:.1%}: no further structure of the graph is needed to explain the "
                f"result. (The prediction of {degrees.learned:.1%} is for large graphs.)"
            )
    direction = "delayed" if ladder.gap < 0 else "helped"
    rungs = [r for r in ladder.rungs if r.name == "few types" and r.features]
    if not rungs:
        rungs = sorted((r for r in ladder.rungs if r.closes is not None and r.features), key=lambda r: -(r.closes or 0))
    if not rungs or (rungs[0].closes or 0.0) < 0.1:
        return (
            f"Random graphs with the same degrees would learn {degrees.learned:.1%}, this layer learned "
            f"{ladder.measured:.1%}; none of the types that were tried explain the {100 * abs(ladder.gap):.1f} points "
            "between."
        )
    rung = rungs[0]
    singles = [r for r in ladder.rungs if len(r.features) == 1 and r.closes is not None]
    best = max(singles, key=lambda r: r.closes or 0.0, default=None)
    if best is not None and (best.closes or 0.0) > (rung.closes or 0.0) and (best.types or 0) <= COMPACT:
        rung = best
    sentence = (
        f"Learning is {direction} by which skills occur together: random graphs with the same degrees would learn "
        f"{degrees.learned:.1%}, this layer learned {ladder.measured:.1%}. The feature that explains most is "
        f"{by_name[rung.features[0]].meaning}; with {rung.types} types in all, {_closed(rung)} of the gap of "
        f"{100 * abs(ladder.gap):.1f} points is closed."
    )
    if best is not None and best.features != rung.features:
        sentence += f" {best.features[0].capitalize()} alone ({best.types} types) closes {_closed(best)}."
    return sentence


def _nothing(ladder: Ladder) -> str:
    """Where nothing is learned: whether learning only waits for a start."""
    said = "Nothing is learned: every text requires more novel skills than it can teach, so learning does not start."
    seed = ladder.start.seed
    if seed is None:
        return said
    if seed > ladder.skills // 10:
        return f"{said} Even if a tenth of the skills were known beforehand, less than half would be learned."
    return f"{said} It only waits for a start: from {plural(seed, 'random known skill')} on, most are learned."


def _closed(rung: Rung) -> str:
    return f"{max(rung.closes or 0.0, 0.0):.0%}"


def _notes(ladder: Ladder, training: Training) -> tuple[str, ...]:
    chosen = (
        "The types of the rungs `few types` and `many types` are made of the graph and its columns alone; they were "
        "chosen so that the prediction comes close to the learned share, with as few types as possible."
    )
    notes = [chosen]
    start = ladder.start
    if start.eigenvalue > 1.0 and start.seeded - start.unseeded > 0.05:
        seed = "" if start.seed is None else (
            f" On this graph it takes {start.seed:,} random known skill{'s' if start.seed > 1 else ''}."
        )  # fmt: skip
        notes.append(
            f"The point where learning ends by itself ({start.unseeded:.1%} for these types) is not stable (largest "
            f"eigenvalue {start.eigenvalue:.2f}): a few known skills or repeated requirements could take it on to "
            f"{start.seeded:.1%}.{seed}"
        )
    if len(training.stages) > 1:
        notes.append("The rungs follow the layer's own training, stage by stage.")
    if not training.has_giant:
        why = (
            "prerequisites"
            if training.view.indexed.prerequisites is not None
            else "texts that are read at several stages"
        )
        notes.append(f"The giant component has no equation with {why}.")
    open_ends = [f"`{rung.name}`" for rung in ladder.rungs if not rung.converged]
    if open_ends:
        notes.append(unsettled(open_ends))
    near = [rung for rung in ladder.rungs if _scattered(rung)]
    if near:
        told = ", ".join(
            f"`{rung.name}` (from {rung.simulated_low or 0.0:.1%} to {rung.simulated_high or 0.0:.1%}; predicted "
            f"{rung.learned:.1%}, with every text and skill {rung.copies} times {rung.simulated_copies or 0.0:.1%})"
            for rung in near
        )
        notes.append(f"These random graphs stand near a jump, and those of this size end on either side of it: {told}.")
    apart = [rung for rung in ladder.rungs if rung.copies is not None and rung not in near]
    if apart:
        told = ", ".join(
            f"`{rung.name}` (predicted {rung.learned:.1%}, graphs of this size {rung.simulated or 0.0:.1%}, with every "
            f"text and skill {rung.copies} times {rung.simulated_copies or 0.0:.1%})"
            for rung in apart
        )
        notes.append(
            f"Predictions are for large graphs, and drawn graphs of this size learn another share at {told}. A type of "
            "few skills binds small graphs more closely, because no text requires a skill twice and the same skills "
            "meet again."
        )
    if not ladder.graphs:
        notes.append("No random graphs were drawn; use --graphs to draw some.")
    return tuple(notes)
