"""Masks of skills and texts, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError

if TYPE_CHECKING:
    from analysis.graph import SkillTextGraph

__all__ = ["Rule", "bool_mask", "novel_counts", "usable_texts"]

Rule = Literal["any", "understood"]


def bool_mask(name: str, values: npt.ArrayLike | None, size: int, *, default: bool = True) -> npt.NDArray[np.bool_]:
    """`values` as bool (size,); all `default` for None.

    Raises:
        AnalysisError: Another shape or type.
    """
    if values is None:
        return np.full(size, default)
    mask = np.asarray(values)
    if mask.shape != (size,) or (mask.dtype != np.bool_ and size):
        raise AnalysisError(f"{name} must be bool ({size},), not {mask.dtype} {mask.shape}")
    return np.ascontiguousarray(mask, dtype=np.bool_)


def novel_counts(graph: SkillTextGraph, novel: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Number of the given skills in each text, int32 (T,)."""
    places = np.flatnonzero(novel[graph.text_skills])
    return np.diff(np.searchsorted(places, graph.text_ptr)).astype(np.int32)


def usable_texts(graph: SkillTextGraph, learned: npt.NDArray[np.bool_], rule: Rule) -> npt.NDArray[np.bool_] | None:
    """The texts that join learned skills under the rule, bool (T,); None for all of them.

    Raises:
        AnalysisError: The rule is none of the two.
    """
    if rule == "any":
        return None
    if rule != "understood":
        raise AnalysisError(f"rule {rule!r} is not 'any' or 'understood'")
    return novel_counts(graph, ~learned) == 0
