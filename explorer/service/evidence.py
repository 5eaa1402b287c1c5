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
from analysis.diagnosis import MOST_SKILLS
from analysis.evidence import Method, estimate_mastery
from analysis.item_response import Precisions
from explorer.arrays import IndexedGraph, index_dataset
from explorer.errors import NotFoundError, SkillgraphError
from explorer.options import Noise
from explorer.service.cautions import interval_note
from explorer.service.evidence_fits import (
    RESPONSE_FITS,
    Calibrated,
    Fit,
    SkillEstimate,
    calibrate,
    conjunctive_estimates,
    conjunctive_predictor,
    diagnostic_estimates,
    diagnostic_predictor,
    grouped,
    response_estimates,
    response_predictors,
)
from explorer.service.judging import Judgement, judge
from explorer.service.lacking import named_lacks
from explorer.service.outcomes import Outcomes, bases_first, chosen_models, models_with_outcomes, outcomes_of
from explorer.service.snapshot import (
    LayerView,
    dataset_parts,
    layer_view,
    read_dataset,
    remembered,
    remembered_index,
)
from explorer.service.versions import package_versions
from explorer.store.protocol import (
    LAYER_SKILLS_SCHEMA,
    SOLVE_RATES,
    Layer,
    LayerInfo,
    Parameter,
    Progress,
    Scalar,
    Store,
)
from explorer.store.staleness import inputs_of

__all__ = [
    "EvidenceReport",
    "Fit",
    "LayerMastery",
    "ModelEvidence",
    "Noise",
    "SkillMastery",
    "attempted_texts",
    "calibration_of",
    "evidence",
    "family_models",
    "ignored_skills",
    "layer_outcomes",
    "mastery_of",
    "skills_in_fit",
]


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
        informative: Number of informative texts about this skill (alone, for the conjunctive fits).
        reason: Why no text can tell; empty where one does.
        solve_rate: Expected share of the skill's texts that the model solves; None for the conjunctive fits.
        low: Lower end of its 95 % interval.
        high: Upper end.
        expected: The share that ability and difficulty alone make expected.
    """

    skill: str
    name: str
    skill_class: str | None
    mastery: float | None
    deviation: float | None
    informative: int
    reason: str
    solve_rate: float | None = None
    low: float | None = None
    high: float | None = None
    expected: float | None = None


@dataclass(frozen=True)
class ModelEvidence:
    """One model's evidence layer.

    Attributes:
        layer: The stored layer: skills that are identified and mastered with at least the asked probability.
        model: Id of the model.
        base: Id of the model it was fine-tuned from; None if it has none.
        attempted: Number of texts with an outcome and at least one skill.
        score: Mean outcome on them.
        judgement: The fit on this model's held-out outcomes; None if it was not judged.
        supported: True if the skills predict held-out outcomes better than ability and difficulty alone; where
            that was not judged, if `bic_gain` is above 0; None if neither is known.
        mastered: Number of skills mastered.
        lacking: Number of identified skills that are not.
        uncertain: Number of identified skills with a probability between 0.05 and 0.95.
        unidentified: Number of skills about which no text can tell, untested ones included.
        untested: Number of skills that no attempted text requires.
        contradictions: Failed texts all of whose skills some solved text requires: 0 for outcomes without noise.
        converged: False if the estimate had not settled.
        skills: One row a skill, the most probable first, the unidentified last.
        ability: In logits, of an item response fit; else None.
        ability_error: Its standard error.
        slip: Of a conjunctive fit: probability to fail a text all of whose skills are mastered (mean over texts if
            each has its own); else None.
        guess: Probability to solve a text with a lacking skill, likewise.
        prior: Estimated share of mastered skills, likewise.
        log_likelihood: Natural logarithm, likewise.
        null_log_likelihood: The same if skills made no difference.
        bic_gain: How much smaller the Bayesian information criterion is with skills (None where texts have their own
            slip and guess and the fit is of all models).
        reused: True if the store had this layer already: nothing was written.
    """

    layer: LayerInfo
    model: str
    base: str | None
    attempted: int
    score: float
    judgement: Judgement | None
    supported: bool | None
    mastered: int
    lacking: int
    uncertain: int
    unidentified: int
    untested: int
    contradictions: int
    converged: bool
    skills: tuple[SkillMastery, ...]
    ability: float | None = None
    ability_error: float | None = None
    slip: float | None = None
    guess: float | None = None
    prior: float | None = None
    log_likelihood: float | None = None
    null_log_likelihood: float | None = None
    bic_gain: float | None = None
    reused: bool = False


@dataclass(frozen=True)
class EvidenceReport:
    """What a run of estimation stored.

    Attributes:
        dataset: Name of the dataset.
        fit: `irt`, `additive`, `dina`, `dino` or `gdina`.
        noise: Whose slip and guess were estimated: `family`, `model`, `shared` or `text`; None for item response.
        judgement: The fit and the baselines on held-out outcomes of all models; None if it was not judged.
        calibrated_on: Models whose outcomes the difficulties rest on; 0 for the conjunctive fits.
        models: One for each model; a base comes before what was fine-tuned from it.
        seconds: Time in all.
        intervals: A sentence if the 95 % intervals of solve rates do not hold their coverage; None otherwise.
    """

    dataset: str
    fit: str
    noise: str | None
    judgement: Judgement | None
    calibrated_on: int
    models: tuple[ModelEvidence, ...]
    seconds: float
    intervals: str | None = None


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


def family_models(store: Store, dataset: str, base: str) -> tuple[str, ...]:
    """A base model and all that was fine-tuned from it, directly or not: those with outcomes, bases first.

    Raises:
        NotFoundError: No such dataset or model, or no outcomes of any of them.
    """
    source = read_dataset(store, dataset)
    bases = dict(zip(source.models["id"].to_pylist(), source.models["base"].to_pylist(), strict=True))
    if base not in bases:
        roots = sorted({b for b in bases.values() if b in bases})
        known = f"; models with children: {', '.join(map(repr, roots[:10]))}" if roots else ""
        raise NotFoundError(f"there is no model {base!r}{known}")
    found = {base}
    while more := {model for model, parent in bases.items() if parent in found} - found:
        found |= more
    with_outcomes = found.intersection(models_with_outcomes(source.attempts))
    if not with_outcomes:
        raise NotFoundError(f"neither model {base!r} nor what was fine-tuned from it has outcomes")
    return tuple(bases_first(sorted(with_outcomes), bases))


def evidence(
    store: Store,
    dataset: str,
    *,
    models: Sequence[str] = (),
    name: str | None = None,
    parts: Sequence[str] = (),
    fit: Fit = "irt",
    noise: Noise = "family",
    method: Method = "auto",
    mastered: float = 0.5,
    solve_rate: float = 0.5,
    pass_score: float | None = None,
    common: bool = False,
    ignored_classes: Sequence[str] = (),
    judged: bool = True,
    only: Mapping[str, str] | None = None,
    lenient: bool = False,
    progress: Progress | None = None,
) -> EvidenceReport:
    """Estimate which skills models master from their outcomes, and store one evidence layer for each.

    A fine-tuned model's layer gets its base's evidence layer as its base, if that is among the models or in the
    store already. Where models are named and item response layers of the same question are in the store, the
    difficulties stay those of the models that calibrated them: the named models are placed on that scale, and
    nothing else changes. With no model named, all models calibrate anew.

    Args:
        store: Where the dataset is and the layers go.
        dataset: Name of the dataset.
        models: Ids of models; empty means all with outcomes.
        name: Name of the layer, for a single model; by default the model's id, with "_" for "/".
        parts: Parts whose texts count; empty means all.
        fit: `irt`: ability, difficulty of each text and pooled model × skill deviations; `additive`: the same
            without difficulties of texts (LLTM, AFM); `dina`, `dino`, `gdina`: skills that are mastered or not.
        noise: Of `dina`: who shares slip, guess and the share of mastered skills: each `model` has its own; a
            `family` (a base and all that was fine-tuned from it) shares them, so that its layers can be compared;
            all models (`shared`); or slip and guess are each `text`'s. `dino` and `gdina` are always each text's.
        method: Of `dina`: `auto`, `enumeration` or `propagation`.
        mastered: Lowest probability at which a skill is in the layer.
        solve_rate: Of item response fits: share of its texts from which on a skill counts as mastered.
        pass_score: Scores from this on count as solved, others as failed; by default a score is a share of one
            attempt.
        common: Use only texts that all these models attempted.
        ignored_classes: Classes of skills that are left out of the model (for instance one that sits on every text).
        judged: Judge the fit on held-out outcomes too.
        only: Names of layers by model: only these are stored, and the other models are estimated with them.
        lenient: Pass over ignored classes that no skill has, instead of refusing them.
        progress: Called while models are estimated.

    Returns:
        The layers with what is identified, and the judgement.

    Raises:
        NotFoundError: No such dataset, model, part or class.
        SkillgraphError: No outcomes, a name for several models, or the name of a layer of another kind.
        AnalysisError: A model without an outcome on these texts, too many skills for the fit, or an unknown option.
    """
    start = time.perf_counter()
    _check_options(fit, mastered, solve_rate, pass_score)
    source = read_dataset(store, dataset)
    bases = dict(zip(source.models["id"].to_pylist(), source.models["base"].to_pylist(), strict=True))
    chosen = bases_first(chosen_models(source.attempts, bases, models), bases)
    names = _layer_names(store, dataset, chosen, name) if only is None else dict(only)
    indexed = index_dataset(source, parts=parts)
    asked: dict[str, Parameter] = {
        "fit": fit,
        "mastered": mastered,
        "pass_score": pass_score,
        "common": common,
        "ignored_classes": tuple(ignored_classes),
        "judged": judged,
    }
    calibrating = models_with_outcomes(source.attempts)
    if fit in RESPONSE_FITS and models:
        calibrating = _stored_calibration(store, dataset, asked, parts) or calibrating
    every = outcomes_of(
        indexed,
        [*calibrating, *(model for model in chosen if model not in calibrating)],
        pass_score=pass_score,
        common=chosen if common else (),
        ignored_classes=ignored_classes,
        lenient=lenient,
    )
    outcomes = every.rows(chosen)
    outcomes.require()
    with_texts = [m for k, m in enumerate(every.models) if m in calibrating and every.used(k).any()]
    if fit in RESPONSE_FITS:
        judgements, estimates = _response(every, with_texts, chosen, fit, solve_rate, judged, progress)
        asked |= {"solve_rate": solve_rate, "calibration": tuple(with_texts), "models": tuple(chosen)}
    else:
        each_text = fit != "dina" or (noise == "text" and _few_skills(outcomes))
        asked |= {
            "noise": "text" if fit != "dina" else noise,
            "models": tuple(chosen),
            "asked_method": method,
        }
        judgements, estimates = _conjunctive(
            every, with_texts, outcomes, grouped(chosen, bases, noise), fit, noise, method, each_text, judged, progress
        )
    stored = {
        str(info.parameters["model"]): info.name
        for info in store.layers(dataset)
        if info.kind == "evidence" and "model" in info.parameters
    }
    # An item response layer depends on the models that calibrate, not on those that happened to be asked for with it.
    alone: dict[str, dict[str, Parameter]] = {}
    if fit in RESPONSE_FITS and not common:
        alone = {model: {"models": (model,)} for model in chosen}
    there = {info.name: info for info in store.layers(dataset)}
    fingerprints = dataset_parts(store, dataset)
    rows, written = [], []
    for place, model in enumerate(chosen):
        base = bases[model]
        layer_name = names.get(model, model)
        base_layer = names.get(base, stored.get(base)) if base is not None else None
        judgement = judgements.get(model)
        info = LayerInfo(
            dataset=dataset,
            name=layer_name,
            kind="evidence",
            learner=fit,
            base=base_layer if base_layer != layer_name else None,
            parts=tuple(sorted(set(parts))),
            graph_parts=tuple(sorted(set(parts))),
            texts=0,
            skills=0,
            learned=0,
            waves=0,
            parameters={"model": model, **asked, **alone.get(model, {}), **_judged_figures(judgement)},
            versions=package_versions(),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            skills_add=None if judgement is None else judgement.skills_add,
        )
        info = replace(info, made_from=inputs_of(info, fingerprints))
        row = _model_evidence(outcomes, estimates[place], place, base, info, judgement)
        lacks = _lacks(outcomes, estimates[place], place, mastered)
        row = replace(row, layer=replace(row.layer, lacks=lacks.num_rows))
        layer = Layer(row.layer, _layer_skills(outcomes, estimates[place], place, mastered), lacks)
        same = there.get(info.name) if model in names else None
        if same is not None and _is_unchanged(store, same, layer):
            row = replace(row, layer=same, reused=True)
        elif model in names:
            written.append(layer)
        rows.append(row)
    store.write_layers(written)
    return EvidenceReport(
        dataset=dataset,
        fit=fit,
        noise=None if fit in RESPONSE_FITS else str(asked["noise"]),
        judgement=judgements.get(""),
        calibrated_on=len(with_texts) if fit in RESPONSE_FITS else 0,
        models=tuple(rows),
        seconds=time.perf_counter() - start,
        intervals=interval_note(rows[0].layer) if rows else None,
    )


def _is_unchanged(store: Store, there: LayerInfo, layer: Layer) -> bool:
    """Whether the stored layer is the one that would be written, apart from its associations and its time."""
    told = replace(
        there, associations=None, association_rule=None, association_options={}, created_at=layer.info.created_at
    )
    if told != layer.info:
        return False
    stored = store.read_layer(there.dataset, there.name).skills
    return bool(stored.drop_columns("component").equals(layer.skills.drop_columns("component")))


def _response(
    every: Outcomes,
    calibrating: Sequence[str],
    chosen: Sequence[str],
    fit: str,
    solve_rate: float,
    judged: bool,
    progress: Progress | None,
) -> tuple[Mapping[str, Judgement], list[SkillEstimate]]:
    model = RESPONSE_FITS[fit]
    calibrators = every.rows(calibrating)
    calibrated = calibrate(calibrators, model)
    newcomers = [one for one in chosen if one not in calibrating]
    judgements: dict[str, Judgement] = {}
    if judged and len(newcomers) < len(chosen):
        predictor, rasch, _ = response_predictors(calibrators, model, calibrated)
        judgements.update(judge(calibrators, fit, predictor, rasch=rasch, progress=progress))
    if judged and newcomers:
        outcomes = every.rows(newcomers)
        predictor, rasch, item = response_predictors(outcomes, model, calibrated)
        found = judge(outcomes, fit, predictor, rasch=rasch, item=item, progress=progress)
        judgements = {**found, **judgements}
    estimates: dict[str, SkillEstimate] = {}
    for group in ([one for one in chosen if one in calibrating], newcomers):
        if group:
            placed = calibrated.placed(every.rows(group))
            estimates.update(zip(group, response_estimates(placed, solve_rate), strict=True))
    return judgements, [estimates[one] for one in chosen]


def _conjunctive(
    every: Outcomes,
    baseline: Sequence[str],
    outcomes: Outcomes,
    groups: Sequence[Sequence[int]],
    fit: str,
    noise: Noise,
    method: Method,
    each_text: bool,
    judged: bool,
    progress: Progress | None,
) -> tuple[Mapping[str, Judgement], list[SkillEstimate]]:
    structure: Literal["dina", "dino", "gdina"] = "dino" if fit == "dino" else "gdina" if fit == "gdina" else "dina"
    if each_text:
        estimates = diagnostic_estimates(outcomes, structure)
        predictor = diagnostic_predictor(outcomes, structure)
    else:
        estimates = conjunctive_estimates(outcomes, groups, noise, method, progress)
        predictor = conjunctive_predictor(outcomes, groups, noise, method)
    if not judged:
        return {}, estimates
    whole = every.rows(baseline)
    rows = [whole.models.index(model) for model in outcomes.models]

    def predict(seen: NDArray[np.float64]) -> NDArray[np.float64]:
        probability = np.full(seen.shape, np.nan)
        probability[rows] = predictor(seen[rows])
        return probability

    return judge(whole, fit, predict, progress=progress), estimates


def _few_skills(outcomes: Outcomes) -> bool:
    return int((outcomes.graph.skill_degrees > 0).sum()) <= MOST_SKILLS


def _stored_calibration(store: Store, dataset: str, asked: Mapping[str, Parameter], parts: Sequence[str]) -> list[str]:
    """Models that calibrate the stored layers of the same question; none if there is no such layer."""
    for info in store.layers(dataset):
        same = all(info.parameters.get(key) == value for key, value in asked.items() if key not in _HARMLESS)
        if info.kind == "evidence" and same and info.parts == tuple(sorted(set(parts))) and not asked["common"]:
            return list(info.listed("calibration"))
    return []


_HARMLESS = ("mastered", "judged")


def _judged_figures(judgement: Judgement | None) -> dict[str, Parameter]:
    if judgement is None:
        return {}
    rasch = next(fit for fit in judgement.fits if fit.fit == "rasch")
    return {
        "held_out": judgement.held_out,
        "log_loss": judgement.fitted.log_loss,
        "auc": judgement.fitted.auc,
        "calibration_error": judgement.fitted.calibration_error,
        "rasch_log_loss": rasch.log_loss,
        "rasch_auc": rasch.auc,
        "gain": judgement.gain,
        "gain_error": judgement.gain_error if np.isfinite(judgement.gain_error) else None,
        **({"better_baselines": judgement.better} if judgement.better else {}),
    }


def layer_outcomes(store: Store, dataset: str, info: LayerInfo, models: Sequence[str] = ()) -> Outcomes:
    """Outcomes that an evidence layer rests on, of its own model first, then of `models`.

    Raises:
        SkillgraphError: It is no evidence layer.
    """
    facts = info.parameters
    if info.kind != "evidence" or "model" not in facts:
        raise SkillgraphError(
            f"layer {info.name!r} is of kind {info.kind!r}: it has no outcomes from which mastery could be estimated"
        )
    data = read_dataset(store, dataset)
    every = data.models["id"].to_pylist()
    there = set(every)
    own = list(dict.fromkeys([str(facts["model"]), *(model for model in models if model in there)]))
    together = [model for model in info.listed("models") if model in there] if facts["common"] else []
    ignored, pass_score = info.listed("ignored_classes"), info.figure("pass_score")

    def read(wanted: Sequence[str]) -> Outcomes:
        return outcomes_of(
            remembered_index(store, dataset, info.parts),
            list(dict.fromkeys([*wanted, *together])),
            pass_score=pass_score,
            common=together,
            ignored_classes=ignored,
            lenient=True,
        )

    if not there.issuperset(own) or len(every) * data.n_texts > _MOST_KEPT:
        return read(own).rows(own)
    # The layers of a family rest on the same outcomes, which are read once for all of them.
    question = ("outcomes", dataset, info.parts, pass_score, ignored, tuple(together))
    return remembered(store, question, lambda: read(every)).rows(own)


_MOST_KEPT = 20_000_000  # outcomes, attempted or not, of all models that are kept in memory


def ignored_skills(info: LayerInfo, indexed: IndexedGraph) -> NDArray[np.bool_]:
    """Bool (S,): skills that an evidence layer leaves out of its model; all False for other layers."""
    ignored = info.listed("ignored_classes")
    if info.kind != "evidence" or not ignored:
        return np.zeros(indexed.graph.n_skills, bool)
    classes = np.asarray(indexed.skill_column("class").to_pylist(), dtype=object)
    return np.isin(classes, ignored)


def attempted_texts(view: LayerView) -> NDArray[np.bool_]:
    """Bool (T,): texts of an evidence layer with an outcome of its model."""
    indexed = view.indexed
    tried = pc.equal(indexed.dataset.attempts["model"].cast(pa.string()), str(view.info.parameters.get("model")))
    texts = indexed.dataset.attempts.filter(tried)["text"]
    found = pc.is_in(indexed.text_ids, value_set=texts.combine_chunks()).to_numpy(zero_copy_only=False)
    return np.asarray(found & view.taught, dtype=bool)


def skills_in_fit(view: LayerView) -> NDArray[np.bool_]:
    """Bool (S,): skills that an evidence layer says something about; all True for other layers.

    A skill that the fit ignores, or that no attempted text requires, is not lacking: shares leave it out.
    """
    if view.info.kind != "evidence":
        return np.ones(view.indexed.graph.n_skills, bool)
    graph = view.indexed.graph
    text_of = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
    tested = view.learned.copy()
    tested[graph.text_skills[attempted_texts(view)[text_of]]] = True
    return np.asarray(tested & ~ignored_skills(view.info, view.indexed), dtype=bool)


def calibration_of(store: Store, dataset: str, info: LayerInfo) -> Calibrated | None:
    """The difficulties that an item response layer rests on; None for other layers."""
    facts = info.parameters
    fit = str(facts.get("fit"))
    if info.kind != "evidence" or fit not in RESPONSE_FITS:
        return None
    precisions = Precisions(
        *(info.figure(f"pool_{key}") or 0.0 for key in ("ability", "difficulty", "skill", "deviation"))
    )
    calibrating = list(info.listed("calibration"))
    # The models asked for matter only where texts are those that all of them attempted: else all layers share this.
    keys = ("pass_score", "common", "ignored_classes", *(("models",) if facts.get("common") else ()))
    question = ("calibration", dataset, fit, info.parts, precisions, *calibrating, *(facts.get(key) for key in keys))

    def make() -> Calibrated:
        outcomes = layer_outcomes(store, dataset, info, calibrating)
        outcomes = outcomes.rows([model for model in calibrating if model in outcomes.models])
        return calibrate(outcomes, RESPONSE_FITS[fit], precisions)

    return remembered(store, question, make)


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
    known: dict[str, LayerMastery] = remembered(store, ("masteries", dataset), dict)
    if layer not in known:
        known[layer] = _mastery(store, dataset, layer)
        while len(known) > _MOST_MASTERIES:
            known.pop(next(iter(known)), None)
    return known[layer]


_MOST_MASTERIES = 100  # layers


def _mastery(store: Store, dataset: str, layer: str) -> LayerMastery:
    view = layer_view(store, dataset, layer)
    info, facts = view.info, view.info.parameters
    outcomes = layer_outcomes(store, dataset, info)
    used = outcomes.used(0)
    mastery, identified = _estimated_again(store, dataset, info, outcomes)
    # The layer's graph may have the texts, and so the skills, of its base's parts besides.
    wide = np.full(len(view.indexed.skills), np.nan)
    found = pc.index_in(outcomes.indexed.skills.ids, value_set=view.indexed.skills.ids)
    seen = found.is_valid().to_numpy(zero_copy_only=False)
    wide[found.drop_null().to_numpy()] = np.where(identified, mastery, np.nan)[seen]
    held = np.flatnonzero(view.learned)
    drift = np.abs(wide[held] - view.mastery[held])
    complete = bool(np.all(drift < 1e-3)) and info.texts == int(used.sum())
    if "solve_rate" in facts and complete:
        # An item response layer says how many skills it holds: one that came anew is a change too.
        complete = int((wide >= (info.figure("mastered") or 0.0)).sum()) == info.learned
    if not complete:
        wide = view.mastery.copy()
    return LayerMastery(
        mastery=wide,
        deviation=np.sqrt(wide * (1.0 - wide)),
        attempted=int(used.sum()),
        score=float(outcomes.scores[0, used].mean()) if used.any() else float("nan"),
        complete=complete,
    )


def _estimated_again(
    store: Store, dataset: str, info: LayerInfo, outcomes: Outcomes
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    facts = info.parameters
    if not outcomes.used(0).any():
        return np.full(outcomes.graph.n_skills, np.nan), np.zeros(outcomes.graph.n_skills, bool)
    calibrated = calibration_of(store, dataset, info)
    if calibrated is not None:
        (estimate,) = response_estimates(calibrated.placed(outcomes), info.figure("solve_rate") or 0.5)
        return estimate.mastery, estimate.identified
    together = list(info.listed("models"))
    if facts["method"] not in ("enumeration", "propagation"):
        whole = layer_outcomes(store, dataset, info, together).rows(together)
        fit = str(facts.get("fit", "dina"))
        structure: Literal["dina", "dino", "gdina"] = "dino" if fit == "dino" else "gdina" if fit == "gdina" else "dina"
        estimate = diagnostic_estimates(whole, structure)[together.index(outcomes.models[0])]
        return estimate.mastery, estimate.identified
    method: Method = "enumeration" if facts["method"] == "enumeration" else "propagation"
    if facts["noise"] == "text":
        whole = layer_outcomes(store, dataset, info, together).rows(together)
        found = estimate_mastery(whole.graph, whole.scores, noise="text", method=method)
        row = together.index(outcomes.models[0])
    else:
        slip, guess, prior = (info.figure(key) or 0.0 for key in ("slip", "guess", "prior"))
        found = estimate_mastery(outcomes.graph, outcomes.scores[0], slip=slip, guess=guess, prior=prior, method=method)
        row = 0
    return found.mastery[row], found.identified[row]


def _check_options(fit: str, mastered: float, solve_rate: float, pass_score: float | None) -> None:
    if fit not in ("irt", "additive", "dina", "dino", "gdina"):
        raise SkillgraphError(f"fit {fit!r} is not one of irt, additive, dina, dino, gdina")
    if not 0.0 < mastered <= 1.0:
        raise SkillgraphError(
            f"the lowest probability of a mastered skill must be above 0 and at most 1, not {mastered}"
        )
    if not 0.0 < solve_rate < 1.0:
        raise SkillgraphError(f"the solve rate of a mastered skill must be between 0 and 1, not {solve_rate}")
    if pass_score is not None and not 0.0 < pass_score <= 1.0:
        raise SkillgraphError(f"the score from which a text counts as solved must be in 0-1, not {pass_score}")


def _layer_names(store: Store, dataset: str, chosen: Sequence[str], name: str | None) -> dict[str, str]:
    if name is not None and len(chosen) != 1:
        raise SkillgraphError(f"one layer name was given for {len(chosen)} models: name one model, or leave out --name")
    names = {model: name or model.replace("/", "_") for model in chosen}
    if len(set(names.values())) < len(names):
        raise SkillgraphError("two models would get layers of the same name: estimate them one by one with --name")
    for info in store.layers(dataset):
        if info.name in names.values() and info.kind != "evidence":
            raise SkillgraphError(f"layer {info.name!r} is a {info.kind} layer: choose another name with --name")
    return names


def _model_evidence(
    outcomes: Outcomes,
    estimate: SkillEstimate,
    place: int,
    base: str | None,
    info: LayerInfo,
    judgement: Judgement | None,
) -> ModelEvidence:
    used = outcomes.used(place)
    mastery, identified = estimate.mastery, estimate.identified
    learned = identified & (np.nan_to_num(mastery) >= (info.figure("mastered") or 0.0))
    asked = ~outcomes.ignored
    tested = outcomes.tested(place)
    figures: dict[str, Parameter] = {key: _finite(value) for key, value in estimate.figures.items()}
    unidentified, untested = int((asked & ~identified).sum()), int((asked & ~tested).sum())
    info = replace(
        info,
        texts=int(used.sum()),
        skills=int((asked & tested).sum()),
        learned=int(learned.sum()),
        waves=int(learned.any()),
        parameters={**info.parameters, **figures, "unidentified": unidentified, "untested": untested},
    )
    between = (mastery > _UNCERTAIN[0]) & (mastery < _UNCERTAIN[1])
    solved = np.nan_to_num(outcomes.scores[place]) >= (info.figure("pass_score") or 0.5)

    def number(key: str) -> float | None:
        value = figures.get(key)
        return value if isinstance(value, float) else None

    gain = number("bic_gain")
    supported = None if gain is None else gain > 0.0
    return ModelEvidence(
        layer=info,
        model=str(info.parameters["model"]),
        base=base,
        attempted=info.texts,
        score=float(outcomes.scores[place, used].mean()),
        judgement=judgement,
        supported=supported if judgement is None else judgement.skills_add,
        mastered=info.learned,
        lacking=int((identified & asked).sum()) - info.learned,
        uncertain=int((identified & between).sum()),
        unidentified=unidentified,
        untested=untested,
        contradictions=len(deduce(outcomes.graph, solved, used).contradictions),
        converged=bool(figures["converged"]),
        skills=_skill_rows(outcomes, estimate, tested),
        ability=number("ability"),
        ability_error=number("ability_error"),
        slip=number("slip"),
        guess=number("guess"),
        prior=number("prior"),
        log_likelihood=number("log_likelihood"),
        null_log_likelihood=number("null_log_likelihood"),
        bic_gain=gain,
    )


def _finite(value: Scalar) -> Scalar:
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _skill_rows(outcomes: Outcomes, estimate: SkillEstimate, tested: NDArray[np.bool_]) -> tuple[SkillMastery, ...]:
    indexed, rates = outcomes.indexed, estimate.rates
    ids, names, classes = (indexed.skill_column(column).to_pylist() for column in ("id", "name", "class"))
    rows = []
    for k in np.flatnonzero(~outcomes.ignored).tolist():
        told = bool(estimate.identified[k])
        p = float(estimate.mastery[k])
        reason = "" if told else _UNTESTED if not tested[k] else _HIDDEN
        figures = {}
        if told and rates is not None:
            of_row = {"solve_rate": rates.rate, "low": rates.low, "high": rates.high, "expected": rates.expected}
            figures = {key: float(values[estimate.row, k]) for key, values in of_row.items()}
        rows.append(
            SkillMastery(
                skill=ids[k],
                name=names[k],
                skill_class=classes[k],
                mastery=p if told else None,
                deviation=float(np.sqrt(p * (1.0 - p))) if told else None,
                informative=int(estimate.informative[k]),
                reason=reason,
                **figures,
            )
        )
    return tuple(sorted(rows, key=lambda r: (r.mastery is None, -(r.mastery or 0.0), r.skill)))


_UNTESTED = "no attempted text requires it"
_HIDDEN = "every text that requires it also requires another skill that is probably lacking"


def _layer_skills(outcomes: Outcomes, estimate: SkillEstimate, place: int, mastered: float) -> pa.Table:
    learned = np.flatnonzero(estimate.identified & (np.nan_to_num(estimate.mastery) >= mastered))
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
            *_solve_rates(estimate, learned).values(),
        ],
        schema=LAYER_SKILLS_SCHEMA,
    )


def _lacks(outcomes: Outcomes, estimate: SkillEstimate, place: int, mastered: float) -> pa.Table:
    """The skills that a model does not master, as far as its outcomes tell."""
    told, mastery = estimate.identified, estimate.mastery
    used = outcomes.used(place)
    text_of = np.repeat(np.arange(outcomes.graph.n_texts), outcomes.graph.text_degrees)
    tested = np.zeros(outcomes.graph.n_skills, bool)
    tested[outcomes.graph.text_skills[used[text_of]]] = True
    reason = np.where(told, "unmastered", np.where(tested, "hidden", "untested")).astype(object)
    reason[outcomes.ignored] = "ignored"
    lacking = np.flatnonzero(~(told & (mastery >= mastered)))
    return named_lacks(
        outcomes.indexed,
        lacking,
        {
            "reason": reason[lacking].tolist(),
            "mastery": [float(mastery[s]) if told[s] else None for s in lacking],
            **_solve_rates(estimate, lacking),
        },
    )


def _solve_rates(estimate: SkillEstimate, skills: NDArray[np.integer]) -> dict[str, pa.Array]:
    """Solve rate and its interval, by `SOLVE_RATES`; null where the fit has none or no text was attempted."""
    rates = estimate.rates
    if rates is None:
        return {name: pa.nulls(len(skills), pa.float64()) for name in SOLVE_RATES}
    columns = (np.asarray(values[estimate.row, skills]) for values in (rates.rate, rates.low, rates.high))
    return {name: pa.array(values, mask=np.isnan(values)) for name, values in zip(SOLVE_RATES, columns, strict=True)}


def _witnesses(outcomes: Outcomes, estimate: SkillEstimate, place: int) -> NDArray[np.int32]:
    """For each skill the solved text with the fewest other skills that speaks for it, int32 (S,); -1 for none."""
    graph, scores = outcomes.graph, outcomes.scores[place]
    solved = np.nan_to_num(scores) >= 0.5
    text_of = np.repeat(np.arange(graph.n_texts, dtype=np.int32), graph.text_degrees)
    # Without a text that the fit thinks solvable, any solved one still speaks for the skill: a later row wins.
    order_of = {False: solved, True: solved & estimate.understood}
    witness = np.full(graph.n_skills, -1, np.int32)
    for speaking in order_of.values():
        speaks = speaking[text_of]
        texts, skills = text_of[speaks], graph.text_skills[speaks]
        order = np.lexsort((texts, graph.text_degrees[texts]))[::-1]
        witness[skills[order]] = texts[order]
    return witness
