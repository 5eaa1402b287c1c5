"""The messages that texts and skills exchange: one recursion for all ensembles, learners and ways of training.

On a random graph, which is locally a tree, two kinds of probabilities determine everything:

    x_jk  a class-k skill is novel as far as a class-j text that requires it can tell, that is without that text;
    y_jk  a class-j text teaches a class-k skill of it that is novel.

    y_jk = E ψ(N + 1),   N = number of novel skills among the text's others, each of class i novel with x_ji
    x_jk = prior_k (1 - (1 - λ_jk(1 - y_·k)) A_k),        q_k = prior_k (1 - (1 - L_k(1 - y_·k)) A_k)

with L_k, λ_jk the generating functions of a class-k skill's numbers of texts, from the node's and from the edge's
perspective, and A_k the probability that all prerequisites are learned (1 without prerequisites).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from analysis.degrees import CountBox, JointDegreeDistribution
from analysis.ensembles import MultiClassEnsemble
from analysis.errors import AnalysisError
from analysis.learners import Learner

__all__ = ["MessageRecursion", "prior_of_classes"]

Floats = npt.NDArray[np.float64]

_MANY_EDGES = 64


@dataclass(frozen=True, eq=False)
class MessageRecursion:
    """The map that one wave of learning applies to the state.

    The state has shape (J + 1, K): rows 0 … J-1 are the messages x_jk, row J is q_k. It satisfies the
    `MonotoneMap` protocol on the flattened state.

    Attributes:
        ensemble: Degrees of all classes.
        learner: The rule by which texts teach.
        prior: Probability that a skill is not known beforehand, shape (K,).
        prerequisites: For each skill class the joint distribution of its numbers of prerequisites in each
            class (independent of its texts); None if there are none.
        taught: Text-to-skill messages y_jk that stay as they are (texts read earlier), shape (J, K), nan in the
            rows of texts that are read now; None if all are read now.
        closed: Skill classes that the texts read now cannot teach, shape (K,), bool: such a text is of use only
            once its skills of these classes are learned, and its capacity counts the others.
        read: Text classes that are read now, shape (J,), bool.
    """

    ensemble: MultiClassEnsemble
    learner: Learner
    prior: Floats
    prerequisites: tuple[JointDegreeDistribution, ...] | None = None
    taught: Floats | None = None
    closed: npt.NDArray[np.bool_] | None = None
    read: npt.NDArray[np.bool_] = field(init=False)
    _fixed: Floats = field(init=False)
    _open: npt.NDArray[np.bool_] = field(init=False)
    _taught_now: list[tuple[int, int]] = field(init=False)
    _nodes: list[tuple[int, int, JointDegreeDistribution]] = field(init=False)

    def __post_init__(self) -> None:
        e = self.ensemble
        J, K = e.n_text_classes, e.n_skill_classes
        fixed = np.full((J, K), np.nan) if self.taught is None else self.taught
        read = np.asarray(np.isnan(fixed).any(axis=1))
        is_open = np.ones(K, dtype=bool) if self.closed is None else ~self.closed
        # Every element of the state: a skill of class k seen along an edge of text class j, then the skill itself.
        seen = [(j, k, e.skill_degrees[k].excess(j)) for j, k in e.edges]
        for name, value in (
            ("read", read),
            ("_fixed", np.where(read[:, None], 0.0, fixed)),
            ("_open", is_open),
            ("_taught_now", [(j, k) for j, k in e.edges if read[j] and is_open[k]]),
            ("_nodes", [*seen, *((J, k, d) for k, d in enumerate(e.skill_degrees))]),
        ):
            object.__setattr__(self, name, value)

    @property
    def shape(self) -> tuple[int, int]:
        """(J + 1, K)."""
        return self.ensemble.n_text_classes + 1, self.ensemble.n_skill_classes

    def start(self) -> Floats:
        """The state before the texts are read, shape (J + 1, K): what the earlier texts and the prior leave."""
        taught = self._fixed.copy()
        return self._skills(taught, self._prerequisites_met(np.ones(self.shape)))

    def texts(self, state: Floats) -> Floats:
        """Probabilities y_jk that a text teaches, shape (J, K); 0 where there is no edge."""
        taught = self._fixed.copy()
        # Poisson degrees are their own excess: one sum serves all classes.
        done: dict[tuple[int, int], Floats] = {}
        for j, k in self._taught_now:
            excess = self.ensemble.text_degrees[j].excess(k)
            key = (j, id(excess))
            if key not in done:
                counts = excess.novel_counts(1.0 - state[j], state[j] * self._open)
                done[key] = self.learner.expected_tail(counts, 1)
            taught[j, k] = done[key]
        return taught

    def step(self, state: Floats) -> Floats:
        """The state after one more wave, shape (J + 1, K)."""
        return self._skills(self.texts(state), self._prerequisites_met(state))

    def refined(self, state: Floats) -> tuple[Floats, Floats, Floats]:
        """A wave more from a fixed point, with what is learned and what is not to full relative precision.

        `step` leaves both to an absolute precision of 10⁻¹⁶, and a state that is known to δ leaves q with a relative
        error of many times δ where q is small. A wave maps it to c² R q δ.

        Returns:
            The state, shape (J + 1, K); the learned fractions 1 - q_k, shape (K,); the testing error of each class of
            texts at that state, shape (J,).
        """
        taught, met = self.texts(state), self._prerequisites_met(state)
        out = np.broadcast_to(self.prior, self.shape).copy()
        learned = np.zeros(self.shape[1])
        for r, k, degrees in self._nodes:
            not_taught, is_taught = degrees.generating_and_rest(taught[:, k])
            out[r, k] *= float(not_taught) + float(is_taught) * (1.0 - met[k])
            if r == self.shape[0] - 1:
                learned[k] = (1.0 - self.prior[k]) + self.prior[k] * float(is_taught) * met[k]
        errors = [float(d.generating_and_rest(x)[1]) for d, x in zip(self.ensemble.text_degrees, out, strict=False)]
        return out, learned, np.array(errors)

    def understood(self, state: Floats) -> Floats:
        """Fraction of the texts of each class that are understood in the end, shape (J,).

        A text whose N skills are novel without it is understood if its capacity is at least N: E ψ(N). For texts
        that are not read it is the probability that N = 0. nan where the learner has no rule per text.
        """
        result = np.zeros(self.shape[0] - 1)
        for j, degrees in enumerate(self.ensemble.text_degrees):
            counts = degrees.novel_counts(1.0 - state[j], state[j] * self._open)
            if not self.read[j]:
                result[j] = counts.value(0.0)
                continue
            try:
                result[j] = self.learner.expected_tail(counts, 0)
            except AnalysisError:
                result[j] = np.nan
        return result

    def value(self, x: Floats) -> Floats:
        """`step` on the flattened state, shape ((J + 1) K,)."""
        return self.step(x.reshape(self.shape)).ravel()

    def slope_floor(self, low: Floats, high: Floats) -> Floats:
        """Lower bound of the Jacobian of `value` in the box [low, high], shape ((J + 1) K, (J + 1) K).

        A probability generating function has derivatives that increase with its argument, so the skills' side is
        bounded at the end where most texts teach; `Learner.capacity_floor` bounds the texts' side. With very many
        classes the bound is 0, which is valid and costs nothing: plain waves are quicker then.
        """
        rows, K = self.shape
        if (rows - 1) * K > _MANY_EDGES:
            return np.zeros((rows * K, rows * K))
        low, high = low.reshape(self.shape), high.reshape(self.shape)
        texts = self._text_slopes(low, high)
        missed, missed_high = 1.0 - self.texts(low), 1.0 - self.texts(high)
        met = self._prerequisites_met(high)
        out = np.zeros((rows, K, rows, K))
        for r, k, degrees in self._nodes:
            out[r, k, :-1] += self.prior[k] * met[k] * degrees.slopes(missed[:, k])[:, None] * texts[:, k]
            if self.prerequisites:
                taught = self.prior[k] * (1.0 - float(degrees.generating(missed_high[:, k])))
                out[r, k, -1] += taught * self.prerequisites[k].slopes(1.0 - high[-1])
        return out.reshape(rows * K, rows * K)

    def _text_slopes(self, low: Floats, high: Floats) -> Floats:
        """Lower bounds of -∂y_jk/∂x_ji, shape (J, K, K)."""
        J, K = self.ensemble.mean_skills.shape
        out = np.zeros((J, K, K))
        done: dict[tuple[int, int], float] = {}
        for j, k in self._taught_now:
            excess = self.ensemble.text_degrees[j].excess(k)
            for i in range(K):
                if excess.means[i] == 0.0 or not self._open[i]:
                    continue
                others = excess.excess(i)
                key = (j, id(others))
                if key not in done:
                    done[key] = self.learner.capacity_floor(CountBox(others, low[j], high[j], ~self._open))
                out[j, k, i] = excess.means[i] * done[key]
        return out

    def _skills(self, taught: Floats, met: Floats) -> Floats:
        state = np.broadcast_to(self.prior, self.shape).copy()
        for r, k, degrees in self._nodes:
            state[r, k] *= 1.0 - (1.0 - float(degrees.generating(1.0 - taught[:, k]))) * met[k]
        return state

    def _prerequisites_met(self, state: Floats) -> Floats:
        if not self.prerequisites:
            return np.ones(self.shape[1])
        return np.array([float(d.generating(1.0 - state[-1])) for d in self.prerequisites])


def prior_of_classes(prior: float | Sequence[float] | Floats, n_classes: int) -> Floats:
    """The prior of each class of skills, checked: prior_k, probability of not being known beforehand [LCH2025].

    Args:
        prior: Probability in 0-1; one number for all classes or one a class, shape (K,).
        n_classes: Number K of classes.

    Returns:
        Probabilities in 0-1, float64 (K,), a new array.

    Raises:
        AnalysisError: A probability outside 0-1.
        ValueError: Neither one number nor K.

    >>> prior_of_classes(0.5, 3).tolist()
    [0.5, 0.5, 0.5]
    """
    values = np.broadcast_to(np.asarray(prior, dtype=np.float64), (n_classes,)).copy()
    if not np.all((values >= 0.0) & (values <= 1.0)):
        raise AnalysisError(
            f"a prior is the probability that a skill is not known before the first text, from 0 to 1, not {prior}"
        )
    return values
