"""Of a model's outcomes: which lacking skill, if it were mastered, would turn most failures into passes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.turning import turned_failures
from explorer.errors import SkillgraphError
from explorer.service.evidence import layer_outcomes, mastery_of
from explorer.service.snapshot import layer_view
from explorer.store.protocol import LayerInfo, Store

__all__ = ["TurningReport", "TurningSkill", "turning"]

_TEXTS_SHOWN = 5


@dataclass(frozen=True)
class TurningSkill:
    """One skill that the model may lack.

    Attributes:
        skill: Id.
        name: What people call it.
        mastery: Probability that the model masters it already.
        failures: Failed texts that require it.
        turned: Expected number of these that would be passed if it were mastered and nothing else changed.
        low: The number is above this with probability 0.95.
        high: The number is below this with probability 0.95.
        texts: Ids of the failed texts that are most likely to turn, the first five.
        chances: How likely each of them is to turn.
    """

    skill: str
    name: str
    mastery: float
    failures: int
    turned: float
    low: float
    high: float
    texts: tuple[str, ...]
    chances: tuple[float, ...]


@dataclass(frozen=True)
class TurningReport:
    """What a layer from outcomes says about what to master next.

    Attributes:
        layer: The layer.
        failures: Failed texts that require a skill about which the outcomes tell.
        slip: Probability to fail a text all of whose skills are mastered.
        guess: Probability to pass a text with a lacking skill.
        skills: The skills by expected number of turned failures.
    """

    layer: LayerInfo
    failures: int
    slip: float
    guess: float
    skills: tuple[TurningSkill, ...]


def turning(
    store: Store, dataset: str, layer: str, *, most: int = 20, draws: int = 2_000, seed: int = 0
) -> TurningReport:
    """Which lacking skill, if mastered, would turn most failures into passes, under the fitted conjunctive model.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: Name of a layer from outcomes, fitted as conjunctive (`--fit dina`).
        most: Most skills to give.
        draws: Draws of what is mastered, for the interval.
        seed: Seed of these.

    Returns:
        Skills with the expected number of turned failures, its 90 % interval, and the texts to look at.

    Raises:
        NotFoundError: No such dataset or layer.
        SkillgraphError: It is no layer from outcomes, or another model was fitted.
    """
    view = layer_view(store, dataset, layer)
    info = view.info
    if info.kind != "evidence":
        raise SkillgraphError(
            f"layer {layer!r} is of kind {info.kind!r}: ask `skillgraph plan` what to teach next, or give a layer that "
            "`skillgraph evidence` made"
        )
    slip, guess = info.figure("slip"), info.figure("guess")
    if slip is None or guess is None:
        raise SkillgraphError(
            f"layer {layer!r} was not fitted with a conjunctive model, which this needs: make one with "
            "`skillgraph evidence --fit dina`"
        )
    outcomes = layer_outcomes(store, dataset, info)
    graph, indexed = outcomes.graph, outcomes.indexed
    mastery = np.full(graph.n_skills, np.nan)
    mastery[indexed.skills.indices(view.indexed.skills.ids)] = mastery_of(store, dataset, layer).mastery
    failed = outcomes.scores[0] < (info.figure("pass_score") or 0.5)
    found = turned_failures(
        graph, failed, mastery, slip=slip, guess=guess, draws=draws, rng=np.random.default_rng(seed)
    )
    ids, names = indexed.skills.ids, indexed.skill_column("name")
    order = np.lexsort((np.arange(graph.n_skills), -found.expected))
    rows = []
    for s in order[:most].tolist():
        if found.expected[s] <= 0.0:
            break
        texts, chances = found.texts_of(s)
        shown = slice(0, _TEXTS_SHOWN)
        rows.append(
            TurningSkill(
                ids[s].as_py(),
                names[s].as_py() or ids[s].as_py(),
                float(mastery[s]),
                int(found.failures[s]),
                float(found.expected[s]),
                float(found.low[s]),
                float(found.high[s]),
                tuple(indexed.text_ids[int(t)].as_py() for t in texts[shown]),
                tuple(float(c) for c in chances[shown]),
            )
        )
    return TurningReport(info, int(found.n_failures), slip, guess, tuple(rows))
