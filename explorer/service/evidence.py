"""Evidence layers: the skills that a model masters, estimated from the texts that it solved."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from analysis.deduction import deduce
from analysis.evidence import Evidence, Method, estimate_mastery
from analysis.graph import SkillTextGraph
from explorer.arrays import IndexedGraph, index_dataset
from explorer.errors import NotFoundError, SkillgraphError
from explorer.service.snapshot import dataset_parts, layer_view, read_dataset
from explorer.service.versions import package_versions
from explorer.store.protocol import LAYER_SKILLS_SCHEMA, Layer, LayerInfo, Parameter, Progress, Store
from explorer.store.staleness import inputs_of

__all__ = ["EvidenceReport", "LayerMastery", "ModelEvidence", "Noise", "SkillMastery", "evidence", "mastery_of"]

Noise = Literal["family", "model", "shared", "text"]

# A probability between these is reported as uncertain.
_UNCERTAIN = (0.05, 0.95)


@dataclass(frozen=True)
class SkillMastery:
    """What a model's outcomes say about one skill.

    Attributes:
        skill: Id.
        name: Name.
        skill_class: Class; None if it has none.
        mastery: Probability that the model masters it; None where no text can tell.
        deviation: Standard deviation of that, √(p(1-p)); None where no text can tell.
        informative: Number of texts that tell about this skill alone.
        reason: Why no text can tell; empty where one does.
    """

    skill: str
    name: str
    skill_class: str | None
    mastery: float | None
    deviation: float | None
    informative: int
    reason: str


@dataclass(frozen=True)
class ModelEvidence:
    """One model's evidence layer.

    Attributes:
        layer: The stored layer: skills that are identified and mastered with at least the asked probability.
        model: Id of the model.
        base: Id of the model it was fine-tuned from; None if it has none.
        attempted: Number of texts with an outcome and at least one skill.
        score: Mean outcome on them.
        slip: Probability to fail a text all of whose skills are mastered (mean over texts if each has its own).
        guess: Probability to solve a text with a lacking skill, likewise.
        prior: Estimated share of mastered skills.
        log_likelihood: Natural logarithm.
        null_log_likelihood: The same if skills made no difference.
        bic_gain: How much smaller the Bayesian information criterion is with skills.
        supported: True if `bic_gain` is above 0: the outcomes depend on the skills as the model says.
        mastered: Number of skills mastered.
        lacking: Number of identified skills that are not.
        uncertain: Number of identified skills with a probability between 0.05 and 0.95.
        unidentified: Number of skills about which no text can tell, untested ones included.
        untested: Number of skills that no attempted text requires.
        contradictions: Failed texts all of whose skills some solved text requires: 0 for outcomes without noise.
        converged: False if the estimate had not settled.
        skills: One row a skill, the most probable first, the unidentified last.
        reused: True if the store had this layer already: nothing was written.
    """

    layer: LayerInfo
    model: str
    base: str | None
    attempted: int
    score: float
    slip: float
    guess: float
    prior: float
    log_likelihood: float
    null_log_likelihood: float
    bic_gain: float
    supported: bool
    mastered: int
    lacking: int
    uncertain: int
    unidentified: int
    untested: int
    contradictions: int
    converged: bool
    skills: tuple[SkillMastery, ...]
    reused: bool = False


@dataclass(frozen=True)
class EvidenceReport:
    """What a run of estimation stored.

    Attributes:
        dataset: Name of the dataset.
        noise: Whose slip and guess were estimated: `family`, `model`, `shared` or `text`.
        models: One for each model; a base comes before what was fine-tuned from it.
        seconds: Time in all.
    """

    dataset: str
    noise: str
    models: tuple[ModelEvidence, ...]
    seconds: float


@dataclass(frozen=True, eq=False)
class LayerMastery:
    """Mastery of all skills of an evidence layer, also of those it does not hold.

    Attributes:
        mastery: float64 (S,), in the order of the layer's `LayerView`; NaN where no text can tell.
        deviation: √(p(1-p)), float64 (S,).
        attempted: Number of texts that it rests on.
        score: Mean outcome on them.
        complete: False if the outcomes in the store are no longer those that the layer was made from; then only
            the stored skills have a mastery.
    """

    mastery: NDArray[np.float64]
    deviation: NDArray[np.float64]
    attempted: int
    score: float
    complete: bool


@dataclass(frozen=True, eq=False)
class _Outcomes:
    """Scores of models on the texts of an indexed graph, without the edges of ignored skills."""

    indexed: IndexedGraph
    graph: SkillTextGraph
    ignored: NDArray[np.bool_]
    scores: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Estimate:
    """One model's row of an estimate."""

    found: Evidence
    row: int

    @property
    def mastery(self) -> NDArray[np.float64]:
        mastery: NDArray[np.float64] = self.found.mastery[self.row]
        return mastery

    @property
    def identified(self) -> NDArray[np.bool_]:
        identified: NDArray[np.bool_] = self.found.identified[self.row]
        return identified


def evidence(
    store: Store,
    dataset: str,
    *,
    models: Sequence[str] = (),
    name: str | None = None,
    parts: Sequence[str] = (),
    noise: Noise = "family",
    method: Method = "auto",
    mastered: float = 0.5,
    pass_score: float | None = None,
    common: bool = False,
    ignored_classes: Sequence[str] = (),
    only: Mapping[str, str] | None = None,
    lenient: bool = False,
    progress: Progress | None = None,
) -> EvidenceReport:
    """Estimate which skills models master from their outcomes, and store one evidence layer for each.

    A fine-tuned model's layer gets its base's evidence layer as its base, if that is among the models or in the
    store already.

    Args:
        store: Where the dataset is and the layers go.
        dataset: Name of the dataset.
        models: Ids of models; empty means all with outcomes.
        name: Name of the layer, for a single model; by default the model's id, with "_" for "/".
        parts: Parts whose texts count; empty means all.
        noise: Who shares slip, guess and the share of mastered skills: each `model` has its own; a `family` (a base
            and all that was fine-tuned from it) shares them, so that its layers can be compared; all models
            (`shared`); or slip and guess are each `text`'s, the same for all models.
        method: `auto`, `enumeration` or `propagation`.
        mastered: Least probability at which a skill is in the layer.
        pass_score: Scores from this on count as solved, others as failed; by default a score is a share of one
            attempt.
        common: Use only texts that all these models attempted.
        ignored_classes: Classes of skills that are left out of the model (for instance one that sits on every text).
        only: Names of layers by model: only these are stored, and the other models are estimated with them.
        lenient: Pass over ignored classes that no skill has, instead of refusing them.
        progress: Called while models are estimated.

    Returns:
        The layers with slip, guess and what is identified.

    Raises:
        NotFoundError: No such dataset, model, part or class.
        SkillgraphError: No outcomes, a name for several models, or the name of a layer of another kind.
        AnalysisError: A model without an outcome on these texts, or an unknown noise or method.
    """
    start = time.perf_counter()
    _check_options(mastered, pass_score)
    source = read_dataset(store, dataset)
    bases = dict(zip(source.models["id"].to_pylist(), source.models["base"].to_pylist(), strict=True))
    chosen = _bases_first(_chosen(source.attempts["model"], bases, models), bases)
    names = _layer_names(store, dataset, chosen, name) if only is None else dict(only)
    outcomes = _outcomes(
        index_dataset(source, parts=parts), chosen, pass_score, common, ignored_classes, lenient=lenient
    )
    _require_outcomes(outcomes, chosen)
    estimates = _estimate(outcomes, _groups(chosen, bases, noise), noise, method, progress)
    stored = {
        str(info.parameters["model"]): info.name
        for info in store.layers(dataset)
        if info.kind == "evidence" and "model" in info.parameters
    }
    asked: dict[str, Parameter] = {
        "noise": noise,
        "mastered": mastered,
        "pass_score": pass_score,
        "common": common,
        "ignored_classes": tuple(ignored_classes),
        "models": tuple(chosen),
        "asked_method": method,
    }
    there = {info.name: info for info in store.layers(dataset)}
    rows = []
    for place, model in enumerate(chosen):
        base = bases[model]
        layer_name = names.get(model, model)
        base_layer = names.get(base, stored.get(base)) if base is not None else None
        info = LayerInfo(
            dataset=dataset,
            name=layer_name,
            kind="evidence",
            learner="dina",
            base=base_layer if base_layer != layer_name else None,
            parts=tuple(sorted(set(parts))),
            graph_parts=tuple(sorted(set(parts))),
            texts=0,
            skills=0,
            learned=0,
            waves=0,
            parameters={"model": model, **asked},
            versions=package_versions(),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        info = replace(info, made_from=inputs_of(info, dataset_parts(store, dataset)))
        row = _model_evidence(outcomes, estimates[place], place, base, info)
        layer = Layer(row.layer, _layer_skills(outcomes, estimates[place], place, mastered))
        same = there.get(info.name) if model in names else None
        if same is not None and _is_unchanged(store, same, layer):
            row = replace(row, layer=same, reused=True)
        elif model in names:
            store.write_layer(layer)
        rows.append(row)
    return EvidenceReport(dataset, noise, tuple(rows), time.perf_counter() - start)


def _is_unchanged(store: Store, there: LayerInfo, layer: Layer) -> bool:
    """Whether the stored layer is the one that would be written, apart from its associations and its time."""
    told = replace(
        there, associations=None, association_rule=None, association_options={}, created_at=layer.info.created_at
    )
    if told != layer.info:
        return False
    stored = store.read_layer(there.dataset, there.name).skills
    return bool(stored.drop_columns("component").equals(layer.skills.drop_columns("component")))


def mastery_of(store: Store, dataset: str, layer: str) -> LayerMastery:
    """Mastery of every skill of an evidence layer: the posterior again, from the parameters that it keeps.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: Name of an evidence layer.

    Returns:
        Arrays in the order of `layer_view(store, dataset, layer).indexed.skills`.

    Raises:
        NotFoundError: No such layer.
        SkillgraphError: It is no evidence layer.
    """
    view = layer_view(store, dataset, layer)
    info, facts = view.info, view.info.parameters
    if info.kind != "evidence" or "model" not in facts:
        raise SkillgraphError(f"layer {layer!r} is of kind {info.kind!r}: it has no outcomes to estimate mastery from")
    model = str(facts["model"])
    together = facts["noise"] == "text" or bool(facts["common"])
    chosen = list(info.listed("models")) if together and info.listed("models") else [model]
    pass_score = info.figure("pass_score")
    outcomes = _outcomes(
        view.indexed, chosen, pass_score, bool(facts["common"]), info.listed("ignored_classes"), lenient=True
    )
    outcomes.scores[:, ~view.taught] = np.nan
    place = chosen.index(model)
    if facts["noise"] == "text":
        found, row = estimate_mastery(outcomes.graph, outcomes.scores, noise="text", method=_method(facts)), place
    else:
        slip, guess, prior = (info.figure(key) or 0.0 for key in ("slip", "guess", "prior"))
        scores, row = outcomes.scores[place], 0
        found = estimate_mastery(outcomes.graph, scores, slip=slip, guess=guess, prior=prior, method=_method(facts))
    mastery = np.where(found.identified[row], found.mastery[row], np.nan)
    there = np.flatnonzero(view.learned)
    drift = np.abs(mastery[there] - view.mastery[there])
    complete = bool(np.all(drift < 1e-3)) and info.texts == _used(outcomes, place).sum()
    if not complete:
        mastery = view.mastery.copy()
    used = _used(outcomes, place)
    return LayerMastery(
        mastery=mastery,
        deviation=np.sqrt(mastery * (1.0 - mastery)),
        attempted=int(used.sum()),
        score=float(outcomes.scores[place, used].mean()) if used.any() else float("nan"),
        complete=complete,
    )


def _groups(chosen: Sequence[str], bases: Mapping[str, str | None], noise: str) -> list[list[int]]:
    """Places of the models that are estimated together."""
    if noise not in ("family", "model", "shared", "text"):
        raise SkillgraphError(f"noise {noise!r} is none of family, model, shared, text")
    groups: dict[str, list[int]] = {}
    for place, model in enumerate(chosen):
        root = model
        while noise == "family" and (base := bases.get(root)) is not None:
            root = base
        groups.setdefault(root if noise in ("family", "model") else "", []).append(place)
    return list(groups.values())


def _estimate(
    outcomes: _Outcomes, groups: Sequence[Sequence[int]], noise: str, method: Method, progress: Progress | None
) -> dict[int, _Estimate]:
    done, total = 0, len(outcomes.scores)
    estimates = {}
    for group in groups:
        if progress is not None:
            progress(done, total)
        found = estimate_mastery(
            outcomes.graph, outcomes.scores[list(group)], noise="text" if noise == "text" else "shared", method=method
        )
        estimates.update({place: _Estimate(found, row) for row, place in enumerate(group)})
        done += len(group)
    return estimates


def _method(facts: Mapping[str, Parameter]) -> Method:
    return "enumeration" if facts["method"] == "enumeration" else "propagation"


def _check_options(mastered: float, pass_score: float | None) -> None:
    if not 0.0 < mastered <= 1.0:
        raise SkillgraphError(
            f"the least probability of a mastered skill must be above 0 and at most 1, not {mastered}"
        )
    if pass_score is not None and not 0.0 < pass_score <= 1.0:
        raise SkillgraphError(f"the score from which a text counts as solved must be in 0-1, not {pass_score}")


def _chosen(attempts: pa.ChunkedArray, bases: Mapping[str, str | None], wanted: Sequence[str]) -> list[str]:
    with_outcomes = sorted(pc.unique(attempts).to_pylist())
    if not with_outcomes:
        raise SkillgraphError(
            "this dataset has no model outcomes to take as evidence: load them with the texts (see docs/loaders.md)"
        )
    for model in wanted:
        if model not in bases:
            there = ", ".join(map(repr, with_outcomes[:10])) + (", ..." if len(with_outcomes) > 10 else "")
            raise NotFoundError(f"there is no model {model!r}; models with outcomes: {there}")
        if model not in with_outcomes:
            raise NotFoundError(f"model {model!r} has no outcomes; models with outcomes: {', '.join(with_outcomes)}")
    return list(dict.fromkeys(wanted)) if wanted else with_outcomes


def _bases_first(chosen: Sequence[str], bases: Mapping[str, str | None]) -> list[str]:
    def depth(model: str) -> int:
        base = bases.get(model)
        return 0 if base is None else 1 + depth(base)

    return sorted(chosen, key=lambda model: (depth(model), model))


def _layer_names(store: Store, dataset: str, chosen: Sequence[str], name: str | None) -> dict[str, str]:
    if name is not None and len(chosen) != 1:
        raise SkillgraphError(f"one layer name for {len(chosen)} models: name one model, or leave out --name")
    names = {model: name or model.replace("/", "_") for model in chosen}
    if len(set(names.values())) < len(names):
        raise SkillgraphError("two models would get layers of the same name: estimate them one by one with --name")
    for info in store.layers(dataset):
        if info.name in names.values() and info.kind != "evidence":
            raise SkillgraphError(f"layer {info.name!r} is a {info.kind} layer: choose another name with --name")
    return names


def _outcomes(
    indexed: IndexedGraph,
    models: Sequence[str],
    pass_score: float | None,
    common: bool,
    ignored_classes: Sequence[str],
    *,
    lenient: bool = False,
) -> _Outcomes:
    """Scores on the texts of a graph; a class that no skill has is refused, or passed over if `lenient`."""
    table = indexed.dataset.attempts
    row = pc.index_in(table["model"], value_set=pa.array(models, pa.string()))
    column = pc.index_in(table["text"], value_set=indexed.text_ids)
    here = pc.and_(pc.is_valid(row), pc.is_valid(column))
    rows, columns, values = (pc.filter(part, here).to_numpy() for part in (row, column, table["score"]))
    scores = np.full((len(models), indexed.graph.n_texts), np.nan)
    scores[rows, columns] = values if pass_score is None else values >= pass_score
    if common:
        scores[:, np.isnan(scores).any(axis=0)] = np.nan
    classes = np.asarray(indexed.skill_column("class").to_pylist(), dtype=object)
    for wanted in ignored_classes:
        if not (classes == wanted).any() and not lenient:
            there = ", ".join(sorted({repr(c) for c in classes.tolist() if c is not None})) or "none"
            raise NotFoundError(f"no skill has class {wanted!r}; classes here: {there}")
    ignored = np.isin(classes, list(ignored_classes)) if ignored_classes else np.zeros(len(classes), bool)
    return _Outcomes(indexed, _without(indexed.graph, ignored), ignored, scores)


def _without(graph: SkillTextGraph, ignored: NDArray[np.bool_]) -> SkillTextGraph:
    """The same texts and skills without the edges of some skills."""
    if not ignored.any():
        return graph
    kept = ~ignored[graph.text_skills]
    text_of = np.repeat(np.arange(graph.n_texts, dtype=np.int32), graph.text_degrees)
    return SkillTextGraph.from_edges(text_of[kept], graph.text_skills[kept], graph.n_texts, graph.n_skills)


def _used(outcomes: _Outcomes, place: int) -> NDArray[np.bool_]:
    """Bool (T,): attempted texts that require a skill."""
    used: NDArray[np.bool_] = ~np.isnan(outcomes.scores[place]) & (outcomes.graph.text_degrees > 0)
    return used


def _require_outcomes(outcomes: _Outcomes, models: Sequence[str]) -> None:
    for place, model in enumerate(models):
        if not _used(outcomes, place).any():
            raise SkillgraphError(
                f"model {model!r} attempted no text here that requires a skill: choose other parts, leave out the "
                "model, or drop --common"
            )


def _model_evidence(
    outcomes: _Outcomes, estimate: _Estimate, place: int, base: str | None, info: LayerInfo
) -> ModelEvidence:
    found, row = estimate.found, estimate.row
    used = _used(outcomes, place)
    mastery, identified = estimate.mastery, estimate.identified
    learned = identified & (mastery >= (info.figure("mastered") or 0.0))
    asked = ~outcomes.ignored
    tested = np.zeros(outcomes.graph.n_skills, bool)
    text_of = np.repeat(np.arange(outcomes.graph.n_texts), outcomes.graph.text_degrees)
    tested[outcomes.graph.text_skills[used[text_of]]] = True
    slip, guess = (
        float(values[used].mean() if found.noise == "text" else values[row]) for values in (found.slip, found.guess)
    )
    figures: dict[str, float | int | bool] = {
        "slip": slip,
        "guess": guess,
        "prior": float(found.prior[row]),
        "log_likelihood": float(found.log_likelihood[row]),
        "null_log_likelihood": float(found.null_log_likelihood[row]),
        "bic_gain": float(found.bic_gain[row]),
        "unidentified": int((asked & ~identified).sum()),
        "untested": int((asked & ~tested).sum()),
        "converged": bool(found.converged[row]),
    }
    info = replace(
        info,
        texts=int(used.sum()),
        skills=int(asked.sum()),
        learned=int(learned.sum()),
        waves=int(learned.any()),
        parameters={**info.parameters, "method": found.method, **figures},
    )
    between = (mastery > _UNCERTAIN[0]) & (mastery < _UNCERTAIN[1])
    solved = np.nan_to_num(outcomes.scores[place]) >= (info.figure("pass_score") or 0.5)
    return ModelEvidence(
        layer=info,
        model=str(info.parameters["model"]),
        base=base,
        attempted=info.texts,
        score=float(outcomes.scores[place, used].mean()),
        slip=slip,
        guess=guess,
        prior=float(found.prior[row]),
        log_likelihood=float(found.log_likelihood[row]),
        null_log_likelihood=float(found.null_log_likelihood[row]),
        bic_gain=float(found.bic_gain[row]),
        supported=bool(found.bic_gain[row] > 0.0),
        mastered=info.learned,
        lacking=int((identified & asked).sum()) - info.learned,
        uncertain=int((identified & between).sum()),
        unidentified=int(figures["unidentified"]),
        untested=int(figures["untested"]),
        contradictions=len(deduce(outcomes.graph, solved, used).contradictions),
        converged=bool(figures["converged"]),
        skills=_skill_rows(outcomes, estimate, tested),
    )


def _skill_rows(outcomes: _Outcomes, estimate: _Estimate, tested: NDArray[np.bool_]) -> tuple[SkillMastery, ...]:
    indexed = outcomes.indexed
    ids, names, classes = (indexed.skill_column(column).to_pylist() for column in ("id", "name", "class"))
    rows = []
    for k in np.flatnonzero(~outcomes.ignored).tolist():
        told = bool(estimate.identified[k])
        p = float(estimate.mastery[k])
        reason = "" if told else _UNTESTED if not tested[k] else _HIDDEN
        rows.append(
            SkillMastery(
                skill=ids[k],
                name=names[k],
                skill_class=classes[k],
                mastery=p if told else None,
                deviation=float(np.sqrt(p * (1.0 - p))) if told else None,
                informative=int(estimate.found.informative[estimate.row, k]),
                reason=reason,
            )
        )
    return tuple(sorted(rows, key=lambda r: (r.mastery is None, -(r.mastery or 0.0), r.skill)))


_UNTESTED = "no attempted text requires it"
_HIDDEN = "every text that requires it also requires another skill that is probably lacking"


def _layer_skills(outcomes: _Outcomes, estimate: _Estimate, place: int, mastered: float) -> pa.Table:
    learned = np.flatnonzero(estimate.identified & (estimate.mastery >= mastered))
    by = _witnesses(outcomes, estimate, place)[learned]
    teachers = outcomes.indexed.text_ids.take(pa.array(by, mask=by < 0))
    rows = len(learned)
    return pa.table(
        [
            outcomes.indexed.skills.take(learned),
            pa.array(np.ones(rows, np.int32)),
            teachers,
            pa.nulls(rows, pa.int32()),
            pa.array(estimate.mastery[learned]),
        ],
        schema=LAYER_SKILLS_SCHEMA,
    )


def _witnesses(outcomes: _Outcomes, estimate: _Estimate, place: int) -> NDArray[np.int32]:
    """For each skill the solved text with the fewest other skills that speaks for it, int32 (S,); -1 for none."""
    graph, scores = outcomes.graph, outcomes.scores[place]
    solved = np.nan_to_num(scores) >= 0.5
    text_of = np.repeat(np.arange(graph.n_texts, dtype=np.int32), graph.text_degrees)
    speaks = solved[text_of] & (np.nan_to_num(estimate.found.understood[estimate.row]) >= 0.5)[text_of]
    texts, skills = text_of[speaks], graph.text_skills[speaks]
    order = np.lexsort((texts, graph.text_degrees[texts]))[::-1]
    witness = np.full(graph.n_skills, -1, np.int32)
    witness[skills[order]] = texts[order]
    return witness
