"""What a typed ensemble expects of a layer, with the types that the compact search chooses."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.replicates import LearningReplicates, replicates_of_learning
from analysis.skill_types import TypeChoice
from analysis.typed import joint_types
from analysis.typed_evolution import typed_jump
from analysis.typed_percolation import (
    typed_learned_sites,
    typed_percolation_share,
    typed_site_condition,
    typed_site_giant,
)
from analysis.typed_sampling import rewire
from analysis.typed_stages import understood_in_the_end
from explorer.errors import SkillgraphError
from explorer.service.ladder import chosen_types
from explorer.service.snapshot import _cached
from explorer.service.stages import Predicted, Training, expected_giant, layer_training
from explorer.store.protocol import Store

__all__ = ["TypedExpectation", "typed_expectation"]


@dataclass(frozen=True, eq=False)
class TypedExpectation:
    """A layer's typed ensemble.

    Attributes:
        training: The stages of the layer.
        choice: Types chosen from its graph and columns.
        predicted: What they predict, stage by stage.
    """

    training: Training
    choice: TypeChoice
    predicted: Predicted

    @property
    def together(self) -> Training:
        """All texts presented at once to a learner that knows nothing."""
        last, graph = self.training.stages[-1], self.training.graph
        everything = np.ones(graph.n_texts, dtype=bool)
        return replace(
            self.training,
            stages=(replace(last, reads=everything, known=np.zeros(graph.n_skills, dtype=bool), closed=None),),
        )

    def from_nothing(self, share: float) -> float:
        """Learned fraction when a random share of all texts is presented at once."""
        return self.together.predict(self.choice.labels, share=share, tolerance=1e-4).evolution.learned

    def kept_at_random(self, phi: NDArray[np.float64]) -> NDArray[np.float64]:
        """Giant component if shares φ of the skills are kept at random, as fractions of all, float64 (N,)."""
        return typed_site_giant(self.predicted.recursion.ensemble, phi)

    def learned_kept(self, phi: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Giant component if shares φ of the learned skills are kept, float64 (N,); None where no equation holds."""
        if not self.training.alone:
            return None
        return typed_learned_sites(self.predicted.recursion, self.predicted.evolution, phi)

    @property
    def learned_by_skill(self) -> NDArray[np.float64]:
        """Probability that each skill is learned, by its type, float64 (S,)."""
        return np.asarray(1.0 - self.predicted.evolution.unlearned_by_type[self.predicted.types])

    @property
    def understood_by_text(self) -> NDArray[np.float64]:
        """Probability that each text is understood in the end, by its kind, float64 (T,)."""
        predicted = self.predicted
        by_kind = predicted.evolution.understood_by_kind
        if predicted.earlier and self.training.reads_once:
            by_kind = understood_in_the_end((*predicted.earlier, (predicted.recursion, predicted.evolution)))
        return np.asarray(by_kind[predicted.recursion.ensemble.texts.of])

    def _percolation(self) -> float | None:
        """R at which learned skills, joined by any text, first have a giant component when all texts are presented."""
        training = self.training
        if training.view.indexed.prerequisites is not None or any(stage.known.any() for stage in training.stages):
            return None
        recursion = self.predicted.recursion
        if len(training.stages) > 1:
            recursion = self.together.predict(self.choice.labels, tolerance=1e-4).recursion
        share = typed_percolation_share(recursion)
        return None if share is None else share * training.graph.ratio

    def replicates(self, number: int, *, seed: int = 0, workers: int = 1) -> LearningReplicates:
        """What random graphs of the layer's size learn that keep each text's mix of these types.

        Args:
            number: Number of graphs.
            seed: Of the graphs.
            workers: Threads that draw them.
        """
        training = self.training
        types = joint_types(self.choice.labels, training.roles)
        return replicates_of_learning(
            lambda rng: rewire(training.graph, types, rng, text_class=training.text_class),
            training.peel,
            replicates=number,
            seed=seed,
            workers=workers,
        )

    def quantities(self, learned: float) -> dict[str, float | None]:
        """The quantities of `predict_layer` that typed ensembles have, by name.

        Args:
            learned: Learned fraction of the layer: as many skills are kept at random for `giant_site`.
        """
        evolution = self.predicted.evolution
        graph = self.training.graph
        steps = -np.diff(evolution.trajectory) * graph.n_skills
        late = np.flatnonzero(steps < 1.0)
        found: dict[str, float | None] = {
            "learned": evolution.learned,
            "not_understood": 1.0 - float(self.understood_by_text.mean()),
            "waves": float(late[0]) if len(late) else float(len(steps)),
            "giant_site": float(self.kept_at_random(np.array([learned]))[0]),
            "condition": typed_site_condition(self.predicted.recursion.ensemble, learned),
            "percolation": self._percolation(),
        }
        if self.training.has_giant:
            found["giant"] = expected_giant(self.predicted, "any")
            found["giant_understood"] = expected_giant(self.predicted, "understood")
        if self.training.alone:
            jump = typed_jump(
                lambda share: self.training.predict(self.choice.labels, share=share, tolerance=1e-4).evolution.learned
            )
            found["ratio"] = None if jump is None else jump * graph.ratio
        return found


def typed_expectation(store: Store, dataset: str, layer: str) -> TypedExpectation | None:
    """The typed ensemble of a layer, from memory if the store has not changed; None if it has none.

    Layers that were estimated from outcomes, and learners without a rule a text, have none.
    """

    def make() -> TypedExpectation | None:
        try:
            training = layer_training(store, dataset, layer)
            choice = chosen_types(store, dataset, layer, training).compact
            return TypedExpectation(training, choice, training.predict(choice.labels))
        except (AnalysisError, SkillgraphError):
            return None

    return _cached(store, ("typed", dataset, layer), make)
