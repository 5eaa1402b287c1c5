"""Outcomes of models on the texts of a dataset, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from analysis.graph import SkillTextGraph
from explorer.arrays import IndexedGraph, positions
from explorer.errors import NotFoundError, SkillgraphError

__all__ = ["Outcomes", "bases_first", "chosen_models", "models_with_outcomes", "outcomes_of"]


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Scores of models on the texts of an indexed graph, without the edges of ignored skills.

    Attributes:
        indexed: Graph with ids.
        graph: The same texts and skills without the edges of ignored skills.
        ignored: Bool (S,).
        models: Ids, one a row of `scores`.
        scores: float64 (M, T), NaN where not attempted.
    """

    indexed: IndexedGraph
    graph: SkillTextGraph
    ignored: NDArray[np.bool_]
    models: tuple[str, ...]
    scores: NDArray[np.float64]

    def used(self, place: int) -> NDArray[np.bool_]:
        """Bool (T,): texts that the model in this row attempted and that require a skill."""
        used: NDArray[np.bool_] = ~np.isnan(self.scores[place]) & (self.graph.text_degrees > 0)
        return used

    def tested(self, place: int) -> NDArray[np.bool_]:
        """Bool (S,): skills that some of these texts require."""
        tested = np.zeros(self.graph.n_skills, bool)
        text_of = np.repeat(np.arange(self.graph.n_texts), self.graph.text_degrees)
        tested[self.graph.text_skills[self.used(place)[text_of]]] = True
        return tested

    def rows(self, models: Sequence[str]) -> Outcomes:
        """The same for some of the models, in their order."""
        places = [self.models.index(model) for model in models]
        return Outcomes(self.indexed, self.graph, self.ignored, tuple(models), self.scores[places])

    def require(self) -> None:
        """Refuse a model without an outcome to estimate from."""
        for place, model in enumerate(self.models):
            if not self.used(place).any():
                raise SkillgraphError(
                    f"model {model!r} attempted no text that requires a skill: choose other parts, leave out the "
                    "model, or drop --common"
                )


def models_with_outcomes(attempts: pa.Table) -> list[str]:
    """Ids in order.

    Raises:
        SkillgraphError: There are none.
    """
    found = sorted(pc.unique(attempts["model"]).to_pylist())
    if not found:
        raise SkillgraphError(
            "this dataset has no model outcomes to use as evidence: load them with the texts (see docs/loaders.md)"
        )
    return found


def chosen_models(attempts: pa.Table, bases: Mapping[str, str | None], wanted: Sequence[str]) -> list[str]:
    """The wanted models, each once; all with outcomes if none is named.

    Raises:
        NotFoundError: A model that is not there or has no outcomes.
    """
    with_outcomes = models_with_outcomes(attempts)
    for model in wanted:
        if model not in bases:
            there = ", ".join(map(repr, with_outcomes[:10])) + (", ..." if len(with_outcomes) > 10 else "")
            raise NotFoundError(f"there is no model {model!r}; models with outcomes: {there}")
        if model not in with_outcomes:
            raise NotFoundError(f"model {model!r} has no outcomes; models with outcomes: {', '.join(with_outcomes)}")
    return list(dict.fromkeys(wanted)) if wanted else with_outcomes


def bases_first(chosen: Sequence[str], bases: Mapping[str, str | None]) -> list[str]:
    """In an order in which a base comes before what was fine-tuned from it."""

    def depth(model: str) -> int:
        base = bases.get(model)
        return 0 if base is None else 1 + depth(base)

    return sorted(chosen, key=lambda model: (depth(model), model))


def outcomes_of(
    indexed: IndexedGraph,
    models: Sequence[str],
    *,
    pass_score: float | None = None,
    common: Sequence[str] = (),
    ignored_classes: Sequence[str] = (),
    lenient: bool = False,
) -> Outcomes:
    """Outcomes of some models.

    Args:
        indexed: The graph whose texts count.
        models: Ids.
        pass_score: Scores from this on become 1, others 0.
        common: Only texts that all of these models attempted count, for every model.
        ignored_classes: Skills of these classes are left out of the model.
        lenient: Pass over classes that no skill has, instead of refusing them.

    Returns:
        Arrays.

    Raises:
        NotFoundError: No skill has such a class.
    """
    table = indexed.dataset.attempts
    row = positions(table["model"], pa.array(models, pa.string()))
    mine = np.flatnonzero(row >= 0)
    column = positions(table["text"], indexed.text_ids)[mine]
    here = column >= 0
    rows, columns = row[mine][here], column[here]
    values = table["score"].to_numpy()[mine][here]
    scores = np.full((len(models), indexed.graph.n_texts), np.nan)
    scores[rows, columns] = values if pass_score is None else values >= pass_score
    if common:
        places = [list(models).index(model) for model in common]
        scores[:, np.isnan(scores[places]).any(axis=0)] = np.nan
    classes = np.asarray(indexed.skill_column("class").to_pylist(), dtype=object)
    for wanted in ignored_classes:
        if not (classes == wanted).any() and not lenient:
            there = ", ".join(sorted({repr(c) for c in classes.tolist() if c is not None})) or "none"
            raise NotFoundError(f"no skill has class {wanted!r}; classes here: {there}")
    ignored = np.isin(classes, list(ignored_classes)) if ignored_classes else np.zeros(len(classes), bool)
    return Outcomes(indexed, _without(indexed.graph, ignored), ignored, tuple(models), scores)


def _without(graph: SkillTextGraph, ignored: NDArray[np.bool_]) -> SkillTextGraph:
    """The same texts and skills without the edges of some skills."""
    if not ignored.any():
        return graph
    kept = ~ignored[graph.text_skills]
    text_of = np.repeat(np.arange(graph.n_texts, dtype=np.int32), graph.text_degrees)
    return SkillTextGraph.from_edges(text_of[kept], graph.text_skills[kept], graph.n_texts, graph.n_skills)
