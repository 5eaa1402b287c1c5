"""Typed ensembles: random graphs in which every text keeps its own mix of types of skills.

Skills have types k = 0 … K-1, any labelling. Every text keeps how many skills of each type it requires, every skill
its number of texts; which skill of its type a text meets is uniformly random: a multi-edge-type configuration model
[RichardsonUrbanke2008]. One type is the configuration model of `analysis.ensembles`; with one type a skill nothing
but repeated pairings is random. Texts may have classes (parts of a corpus): an edge type m is then a pair of a class
of texts and a type of skills, and skills keep their numbers of texts of each class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph

__all__ = ["Kinds", "TypedEnsemble", "joint_types", "type_labels"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Ids = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Kinds:
    """Texts or skills by kind: those with the same numbers of ends of every edge type are one row.

    Attributes:
        ptr: Where each row starts, int64 (N+1,).
        edge: Edge types of the row's entries, int32 (entries,).
        count: Number of ends of that type, int32 (entries,), ≥ 1.
        weight: Number of texts or skills of the kind (or a share), float64 (N,).
        label: Class of the texts, or type of the skills, int32 (N,).
        of: Kind of every text or skill that was given, int64; empty if kinds were given.
    """

    ptr: Ints
    edge: Ids
    count: Ids
    weight: Floats
    label: Ids
    of: Ints = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def ends(self) -> Ints:
        """Number of edge ends of each kind, int64 (N,)."""
        sums = np.concatenate([[0], np.cumsum(self.count, dtype=np.int64)])
        return np.asarray(sums[self.ptr[1:]] - sums[self.ptr[:-1]])

    def totals(self, n_edge_types: int) -> Floats:
        """Weighted number of edge ends of each type, float64 (M,)."""
        rows = np.repeat(np.arange(len(self.weight)), np.diff(self.ptr))
        return np.bincount(self.edge, self.weight[rows] * self.count, minlength=n_edge_types).astype(np.float64)

    @classmethod
    def of_rows(cls, rows: npt.NDArray[np.integer], edges: npt.NDArray[np.integer], label: Ids) -> Kinds:
        """The kinds of rows that are lists of edge ends.

        Args:
            rows: Row of each end, ascending, (E,).
            edges: Edge type of each end, (E,).
            label: Label of every row, int32; rows of different labels are of different kinds.
        """
        n = len(label)
        from analysis._kernels.typed import count_ends, number_rows

        width = int(edges.max(initial=0)) + 1
        words = np.random.default_rng(0).integers(0, 2**63, (2, width), dtype=np.uint64)
        ptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n))]).astype(np.int64)
        edge_of: Ids = edges.astype(np.int32, copy=False)
        label = label.astype(np.int32, copy=False)
        kind, first = np.empty(n, np.int64), np.empty(n, np.int64)
        first = first[: number_rows(ptr, edge_of, label, words, kind, first)]
        weight = np.bincount(kind, minlength=len(first)).astype(np.float64)
        most = int((ptr[first + 1] - ptr[first]).sum())
        begin, edge, count = np.empty(len(first) + 1, np.int64), np.empty(most, np.int32), np.empty(most, np.int32)
        entries = count_ends(ptr, edge_of, first, begin, edge, count)
        return cls(begin, edge[:entries].copy(), count[:entries].copy(), weight, label[first], kind)


@dataclass(frozen=True, eq=False)
class TypedEnsemble:
    """A multi-edge-type ensemble of texts and skills.

    Attributes:
        edge_class: Class of texts of each edge type, int32 (M,).
        edge_type: Type of skills of each edge type, int32 (M,).
        texts: Kinds of texts, labelled by class.
        skills: Kinds of skills, labelled by type; without entries for Poisson degrees.
        rates: Mean numbers of texts of each edge type of a skill, float64 (M,), for Poisson degrees; None if the
            degrees are those of `skills`.
        sizes: Number of skills (or their share) of each type, float64 (K,).
        ends: Number of edges of each type, float64 (M,).
    """

    edge_class: Ids
    edge_type: Ids
    texts: Kinds
    skills: Kinds
    rates: Floats | None
    sizes: Floats
    ends: Floats

    @property
    def n_types(self) -> int:
        """Number K of types of skills."""
        return len(self.sizes)

    @property
    def n_text_classes(self) -> int:
        """Number J of classes of texts."""
        return int(self.texts.label.max(initial=0)) + 1

    @property
    def n_edge_types(self) -> int:
        """Number M of pairs of a class of texts and a type of skills that occur."""
        return len(self.edge_type)

    @property
    def alpha(self) -> Floats:
        """Share of the skills of each type, float64 (K,)."""
        return np.asarray(self.sizes / self.sizes.sum())

    @classmethod
    def from_graph(
        cls,
        graph: SkillTextGraph,
        types: npt.ArrayLike,
        *,
        text_class: npt.ArrayLike | None = None,
        poisson: bool = False,
    ) -> TypedEnsemble:
        """The ensemble of a graph: each text's mix of types and each skill's degree are kept. O(E log E).

        Args:
            graph: T texts, S skills.
            types: Type of every skill, integers (S,) from 0 on; every number up to the largest must occur.
            text_class: Class of every text, integers (T,); one class if None.
            poisson: Poisson degrees within each type instead of the measured ones.

        Returns:
            The ensemble; its `texts.of` and `skills.of` tell the kind of every text and skill.

        Raises:
            AnalysisError: Labels that do not fit, or a graph without skills.

        >>> graph = SkillTextGraph.from_edges([0, 0, 1, 1], [0, 1, 1, 2], 2, 3)
        >>> ensemble = TypedEnsemble.from_graph(graph, [0, 1, 0])
        >>> ensemble.texts.weight.tolist(), ensemble.ends.tolist()
        ([2.0], [2.0, 2.0])
        """
        if graph.n_skills == 0:
            raise AnalysisError("a graph without skills has no ensemble")
        skill_type = _labels("types", types, graph.n_skills)
        classes = np.zeros(graph.n_texts, np.int32) if text_class is None else np.asarray(text_class)
        classes = _labels("text_class", classes, graph.n_texts, gaps=True)
        sizes = np.bincount(skill_type).astype(np.float64)
        K = len(sizes)
        text_of = np.repeat(np.arange(graph.n_texts, dtype=np.int32), graph.text_degrees)
        pair = skill_type[graph.text_skills]
        if classes.any():
            pair = classes[text_of].astype(np.int64) * K + pair
        present = np.flatnonzero(np.bincount(pair, minlength=K))
        number = np.zeros(int(present.max(initial=0)) + 1, dtype=np.int32)
        number[present] = np.arange(len(present))
        edge_class, edge_type = (present // K).astype(np.int32), (present % K).astype(np.int32)
        texts = Kinds.of_rows(text_of, number[pair], classes)
        ends = texts.totals(len(present))
        if poisson:
            skills = _no_kinds(sizes)
            return cls(edge_class, edge_type, texts, skills, ends / sizes[edge_type], sizes, ends)
        if not classes.any():  # one class: a skill's ends are all of its own type's edge type
            skills = _kinds_of_degrees(skill_type, graph.skill_degrees, number)
            return cls(edge_class, edge_type, texts, skills, None, sizes, ends)
        skill_of = np.repeat(np.arange(graph.n_skills, dtype=np.int32), graph.skill_degrees)
        pair = classes[graph.skill_texts].astype(np.int64) * K + skill_type[skill_of]
        skills = Kinds.of_rows(skill_of, number[pair], skill_type)
        return cls(edge_class, edge_type, texts, skills, None, sizes, ends)

    @classmethod
    def from_kinds(
        cls,
        counts: npt.ArrayLike,
        shares: npt.ArrayLike,
        alpha: npt.ArrayLike,
        ratio: float,
        degrees: Sequence[tuple[Sequence[int], Sequence[float]]] | None = None,
    ) -> TypedEnsemble:
        """An ideal ensemble of one class of texts.

        Args:
            counts: n_ik, number of skills of type k in a text of kind i, integers (N, K).
            shares: Share of the texts of each kind, (N,).
            alpha: Share of the skills of each type, (K,), all above 0.
            ratio: R = T/S.
            degrees: For each type its numbers of texts and their probabilities; Poisson with mean
                R E[n_k] / α_k if None.

        Returns:
            The ensemble, counted for one skill.

        Raises:
            AnalysisError: Shares that are negative or do not sum to 1, or degrees whose mean is not R E[n_k] / α_k.

        >>> TypedEnsemble.from_kinds([[1, 0], [2, 1]], [0.5, 0.5], [0.6, 0.4], 1.0).ends.tolist()
        [1.5, 0.5]
        """
        n, weight, sizes = np.asarray(counts, np.int64), np.asarray(shares, float), np.asarray(alpha, float)
        if n.ndim != 2 or n.shape != (len(weight), len(sizes)) or np.any(n < 0):
            raise AnalysisError("counts must have a row for each share and a column for each type, from 0 on")
        for name, values in (("shares", weight), ("alpha", sizes)):
            if np.any(values < 0.0) or abs(float(values.sum()) - 1.0) > 1e-6:
                raise AnalysisError(f"{name} must be probabilities that sum to 1, not {values.tolist()}")
        if np.any(sizes == 0.0) or not (np.isfinite(ratio) and ratio > 0.0):
            raise AnalysisError("every type needs skills, and the ratio must be a positive number")
        K = len(sizes)
        used = np.flatnonzero(n.sum(axis=0)).astype(np.int32)
        number = np.zeros(K, np.int32)
        number[used] = np.arange(len(used))
        rows, columns = np.nonzero(n)
        texts = Kinds(
            np.concatenate([[0], np.cumsum(np.count_nonzero(n, axis=1))]).astype(np.int64),
            number[columns].astype(np.int32),
            n[rows, columns].astype(np.int32),
            ratio * weight,
            np.zeros(len(weight), np.int32),
        )
        ends = texts.totals(len(used))
        nothing = np.zeros(len(used), np.int32)
        if degrees is None:
            return cls(nothing, used, texts, _no_kinds(sizes), ends / sizes[used], sizes, ends)
        entries: list[tuple[int, int, float]] = []
        for k, (numbers, chances) in enumerate(degrees):
            mean = float(np.dot(numbers, chances))
            wanted = ratio * float(weight @ n[:, k]) / float(sizes[k])
            if abs(mean - wanted) > 1e-3 * max(wanted, 1.0):
                raise AnalysisError(
                    f"type {k} has {mean:g} texts per skill by its degrees, but {wanted:g} by the texts"
                )
            entries += [(k, d, float(sizes[k]) * p) for d, p in zip(numbers, chances, strict=True)]
        label = np.array([k for k, _, _ in entries], np.int32)
        number_of = np.array([d for _, d, _ in entries], np.int32)
        skills = Kinds(
            np.concatenate([[0], np.cumsum(number_of > 0)]).astype(np.int64),
            number[label[number_of > 0]].astype(np.int32),
            number_of[number_of > 0],
            np.array([w for _, _, w in entries]),
            label,
        )
        return cls(nothing, used, texts, skills, None, sizes, ends)


def type_labels(values: npt.ArrayLike) -> Ids:
    """Any labelling as numbers 0 … K-1: equal values get equal numbers, in ascending order.

    Args:
        values: One label a skill, of any kind that can be sorted, (S,).

    Returns:
        int32 (S,).

    >>> type_labels(["b", "a", "b"]).tolist()
    [1, 0, 1]
    """
    return np.unique(np.asarray(values), return_inverse=True)[1].astype(np.int32)


def joint_types(*labels: npt.ArrayLike) -> Ids:
    """The product of labellings of the same skills: one type for each combination that occurs.

    Args:
        labels: Labellings, (S,) each; at least one.

    Returns:
        int32 (S,).

    >>> joint_types([0, 0, 1], [5, 6, 6]).tolist()
    [0, 1, 2]
    """
    joint: Ints = np.zeros(len(np.asarray(labels[0])), dtype=np.int64)
    for label in labels:
        part = type_labels(label).astype(np.int64)
        joint = type_labels(joint * (int(part.max(initial=0)) + 1) + part).astype(np.int64)
    return joint.astype(np.int32)


def _no_kinds(sizes: Floats) -> Kinds:
    """Skills of each type without entries: their degrees are Poisson."""
    K = len(sizes)
    empty = np.empty(0, np.int32)
    return Kinds(np.zeros(K + 1, np.int64), empty, empty, sizes, np.arange(K, dtype=np.int32))


def _kinds_of_degrees(label: Ids, degrees: Ints, edge: Ids) -> Kinds:
    """Skills of one label and one degree are a kind; `edge` is the edge type of each label that has edges."""
    width = int(degrees.max(initial=0)) + 1
    key, of, weight = np.unique(label.astype(np.int64) * width + degrees, return_inverse=True, return_counts=True)
    labels, count = (key // width).astype(np.int32), (key % width).astype(np.int32)
    there = count > 0
    ptr = np.concatenate([[0], np.cumsum(there)]).astype(np.int64)
    return Kinds(ptr, edge[labels[there]], count[there], weight.astype(np.float64), labels, of.astype(np.int64))


def _labels(name: str, values: npt.ArrayLike, size: int, *, gaps: bool = False) -> Ids:
    labels = np.asarray(values)
    if labels.shape != (size,) or (size and (labels.dtype.kind not in "iu" or labels.min() < 0)):
        raise AnalysisError(f"{name} must be {size} whole numbers of at least 0, one per {'text' if gaps else 'skill'}")
    if not gaps and size and np.any(np.bincount(labels) == 0):
        raise AnalysisError(f"{name} must use every number up to the largest: type_labels makes them so")
    return labels.astype(np.int32)
