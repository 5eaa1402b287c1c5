"""What outcomes without noise prove about single skills."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis._kernels.masks import bool_mask
from analysis.graph import SkillTextGraph

__all__ = ["Deduction", "deduce"]


@dataclass(frozen=True, eq=False)
class Deduction:
    """Skills proved, disproved and open; all arrays read-only.

    Attributes:
        proved: Mastered for certain, bool (S,).
        disproved: Lacking for certain, bool (S,).
        proof: Index of the first text that settles the skill, int32 (S,); -1 where it is open.
        contradictions: Failed texts all of whose skills are proved, int64, ascending. Where there is one, the
            outcomes are not free of noise.
    """

    proved: npt.NDArray[np.bool_]
    disproved: npt.NDArray[np.bool_]
    proof: npt.NDArray[np.int32]
    contradictions: npt.NDArray[np.int64]

    @property
    def open(self) -> npt.NDArray[np.bool_]:
        """Skills about which no text can tell, bool (S,)."""
        return ~(self.proved | self.disproved)


def deduce(graph: SkillTextGraph, solved: npt.ArrayLike, attempted: npt.ArrayLike | None = None) -> Deduction:
    """Peel outcomes without slip and guess: a text is solved if and only if all its skills are mastered.

    A solved text proves all its skills. A failed text whose other skills are all proved disproves the last
    one. Two rounds find everything that can be found: a disproved skill explains its failed texts and proves
    nothing more, and with all open skills lacking, or with all but one open skill lacking, every outcome is
    explained, so both values of an open skill are possible. O(E) time. Noiseless group testing
    [AldridgeJohnsonScarlett2019].

    Args:
        graph: T texts, S skills.
        solved: bool (T,).
        attempted: bool (T,); texts outside it say nothing. Default all.

    Returns:
        What is proved and disproved, bool (S,) each, by which text, int32 (S,), and the contradictions.

    Raises:
        AnalysisError: A mask of the wrong shape.

    >>> graph = SkillTextGraph.from_csr([0, 1, 3, 5], [0, 0, 1, 2, 3], n_skills=4)
    >>> found = deduce(graph, [True, False, False])
    >>> found.proved.tolist(), found.disproved.tolist(), found.open.tolist()
    ([True, False, False, False], [False, True, False, False], [False, False, True, True])
    """
    success = bool_mask("solved", solved, graph.n_texts)
    tried = np.ones(graph.n_texts, bool) if attempted is None else bool_mask("attempted", attempted, graph.n_texts)
    text_of = np.repeat(np.arange(graph.n_texts, dtype=np.int32), graph.text_degrees)
    proof = np.full(graph.n_skills, graph.n_texts, np.int32)
    on = (success & tried)[text_of]
    np.minimum.at(proof, graph.text_skills[on], text_of[on])
    proved = proof < graph.n_texts
    unproved = ~proved[graph.text_skills]
    left = np.bincount(text_of, unproved, minlength=graph.n_texts)
    failed = tried & ~success
    last = unproved & (failed & (left == 1))[text_of]
    np.minimum.at(proof, graph.text_skills[last], text_of[last])
    disproved = (proof < graph.n_texts) & ~proved
    proof[proof == graph.n_texts] = -1
    contradictions = np.flatnonzero(failed & (left == 0) & (graph.text_degrees > 0))
    for array in (proved, disproved, proof, contradictions):
        array.flags.writeable = False
    return Deduction(proved, disproved, proof, contradictions)
