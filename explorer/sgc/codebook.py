"""What writer and reader must share to code skill sets: the learned skills in order, and integer weights."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from explorer.sgc.errors import SgcError

__all__ = ["MAX_WEIGHTED_SKILLS", "TOTAL_WEIGHT", "Codebook", "layer_fingerprint", "quantize"]

TOTAL_WEIGHT = 1 << 24
"""Sum of the weights of a model: the precision of the coder's fixed-point probabilities."""
MAX_WEIGHTED_SKILLS = 1 << 20
"""With more skills than this, single weights are too coarse for a frequency model."""

_MOST_COUNTED = 4096
"""Larger numbers of skills in a text have no weight of their own."""


def layer_fingerprint(skills: Sequence[str]) -> bytes:
    """SHA-256 of the learned skills in order: who has the same learned skills has the same fingerprint, 32 bytes.

    Names of layer and dataset, waves and teaching texts do not enter: they do not matter to a decoder.

    >>> layer_fingerprint(["a", "bc"]) == layer_fingerprint(["ab", "c"])
    False
    """
    digest = hashlib.sha256(b"skillgraph layer 1\0")
    digest.update(len(skills).to_bytes(8, "little"))
    for skill in skills:
        data = skill.encode()
        digest.update(len(data).to_bytes(4, "little") + data)
    return digest.digest()


def quantize(counts: NDArray[np.integer] | Sequence[int]) -> NDArray[np.int64]:
    """Weights ≥ 1 that sum to 2^24, proportional to `counts` (≥ 0, not all 0), by integer arithmetic alone.

    Args:
        counts: How often each symbol was seen, integers (n,), n ≤ 2^24.

    >>> quantize([3, 1, 0]).tolist()
    [12582911, 4194304, 1]
    """
    seen = [int(count) for count in counts]
    total, free = sum(seen), TOTAL_WEIGHT - len(seen)
    weights = [count * free // total for count in seen]
    weights[seen.index(max(seen))] += free - sum(weights)
    return np.array(weights, dtype=np.int64) + 1


@dataclass(frozen=True, eq=False)
class Codebook:
    """The model of skill sets.

    Attributes:
        skills: Ids of the L learned skills, in order of id, each once.
        count_weights: int64 (m,), sums to 2^24: weight of a set of 0, 1 … m-2 skills; the last stands for more.
        skill_weights: int64 (L,), sums to 2^24: weight of each skill in the frequency model; None in the uniform
            model, where all sets of the same size are alike.
    """

    skills: tuple[str, ...]
    count_weights: NDArray[np.int64]
    skill_weights: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if any(a >= b for a, b in zip(self.skills[:-1], self.skills[1:], strict=True)):
            raise SgcError("the skills of a codebook must be sorted by id, each once")
        _check_weights(self.count_weights, 2, None)
        if self.skill_weights is not None:
            if len(self.skills) > MAX_WEIGHTED_SKILLS:
                raise SgcError(
                    f"the frequency model accepts at most {MAX_WEIGHTED_SKILLS} learned skills, not "
                    f"{len(self.skills)}: use the uniform model"
                )
            _check_weights(self.skill_weights, 0, len(self.skills))

    @classmethod
    def from_counts(
        cls, skills: Iterable[str], sizes: NDArray[np.integer], uses: NDArray[np.integer] | None = None
    ) -> Codebook:
        """A codebook from what was seen; everything that was not seen stays possible.

        Args:
            skills: Learned skills, any order.
            sizes: Numbers of skills of understood texts, integers (T,).
            uses: How many understood texts use each skill, integers (L,), in the order of `sorted(skills)`; None
                for the uniform model.
        """
        ordered = tuple(sorted(skills))
        seen = np.append(np.bincount(np.minimum(sizes, _MOST_COUNTED), minlength=1), 0) + 1
        weights = quantize(uses + 1) if uses is not None and ordered else None
        return cls(ordered, quantize(seen), weights)

    @property
    def model(self) -> str:
        """`uniform` or `frequency`."""
        return "uniform" if self.skill_weights is None else "frequency"

    @property
    def n_skills(self) -> int:
        """Number of learned skills L."""
        return len(self.skills)

    @cached_property
    def fingerprint(self) -> bytes:
        """See `layer_fingerprint`."""
        return layer_fingerprint(self.skills)

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each learned skill."""
        return {skill: place for place, skill in enumerate(self.skills)}

    @cached_property
    def skill_bits(self) -> NDArray[np.float64] | None:
        """-log2 p_s of the frequency model, float64 (L,); None in the uniform model."""
        if self.skill_weights is None:
            return None
        bits: NDArray[np.float64] = -np.log2(self.skill_weights / TOTAL_WEIGHT)
        return bits

    @cached_property
    def count_bits(self) -> NDArray[np.float64]:
        """Bits of each number of skills, float64 (m,); the last holds for all larger numbers."""
        bits: NDArray[np.float64] = -np.log2(self.count_weights / TOTAL_WEIGHT)
        bits[-1] += math.log2(self.n_skills + 1)
        return bits

    def understood(self, skills: Iterable[str]) -> list[int] | None:
        """Positions of a text's skills, ascending, each once; None if one of them is not learned."""
        places = {self.index.get(skill, -1) for skill in skills}
        return None if -1 in places else sorted(places)


def _check_weights(weights: NDArray[np.int64], least: int, exact: int | None) -> None:
    right_length = len(weights) >= least if exact is None else len(weights) == exact
    if not right_length or (len(weights) and (weights.min() < 1 or int(weights.sum()) != TOTAL_WEIGHT)):
        raise SgcError(f"the weights of a model must be at least 1 and sum to {TOTAL_WEIGHT}")
