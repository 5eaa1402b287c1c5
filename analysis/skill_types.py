"""Types of skills for typed ensembles, made from the graph and from columns that come with the skills.

A type may depend on columns of the skills, on how many texts require a skill, and on what else the texts of a skill
require: its company. It never depends on which skills were learned, on waves, or on a prediction for a single skill;
else two types, learned and not learned, would "explain" any graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.graph import SkillTextGraph
from analysis.typed import joint_types, type_labels

__all__ = [
    "SkillFeature",
    "TypeChoice",
    "choose_types",
    "communities",
    "companions",
    "company",
    "company_within",
    "features_of",
    "openness",
    "uses",
]

Ids = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]

_MANY_TEXTS = 30
_MOST_RARE = 200
_MANY_EDGES = 300_000


@dataclass(frozen=True, eq=False)
class SkillFeature:
    """One labelling of the skills.

    Attributes:
        name: Short and stable, as the ladder prints it.
        meaning: What skills of equal label have in common, as the end of "texts keep …".
        labels: Type of every skill, int32 (S,), 0 … K-1.
        source: `uses`, `company`, `companions`, `column` or `communities`.
    """

    name: str
    meaning: str
    labels: Ids
    source: str

    @property
    def n_types(self) -> int:
        """Number of types K."""
        return int(self.labels.max(initial=-1)) + 1


def uses(graph: SkillTextGraph, most: int = _MANY_TEXTS) -> Ids:
    """⌊log₂ of the number of texts⌋ of every skill, at most `most`; skills of no text are a type of their own.

    Args:
        graph: T texts, S skills.
        most: Larger values count as this.

    Returns:
        int32 (S,), 0 … K-1.

    >>> uses(SkillTextGraph.from_edges([0, 1, 2], [0, 0, 1], 3, 3)).tolist()
    [2, 1, 0]
    """
    degrees = graph.skill_degrees
    return type_labels(np.minimum(np.floor(np.log2(np.maximum(degrees, 0.5))), most))


def company(graph: SkillTextGraph, times: int = 1, most: int = 2) -> Ids:
    """Fewest others in any text of a skill that at most `times` as many texts require, up to `most`. O(E log E).

    0 means that some text requires the skill without another one that is as rare: it can be the text's only novel
    skill when common skills are learned first.

    Args:
        graph: T texts, S skills.
        times: How much more common a skill may be to count as company.
        most: Larger numbers count as this.

    Returns:
        int32 (S,); skills of no text get the largest number.

    >>> company(SkillTextGraph.from_edges([0, 0, 1, 2], [0, 1, 1, 2], 3, 3)).tolist()
    [0, 0, 0]
    >>> company(SkillTextGraph.from_edges([0, 0, 1, 1], [0, 1, 0, 1], 2, 2)).tolist()
    [1, 1]
    """
    text, skill = _edges(graph)
    degrees = graph.skill_degrees
    width = int(degrees.max(initial=0)) * times + 2
    keys = np.sort(text * width + degrees[skill])
    others = np.searchsorted(keys, text * width + times * degrees[skill], side="right") - graph.text_ptr[text] - 1
    return _fewest(graph, skill, others, most)


def company_within(graph: SkillTextGraph, groups: npt.NDArray[np.integer], most: int = 2) -> Ids:
    """Fewest others of its own group in any text of a skill, up to `most`. O(E log E).

    Args:
        graph: T texts, S skills.
        groups: Group of every skill, integers (S,) from 0 on.
        most: Larger numbers count as this.

    Returns:
        int32 (S,).

    >>> company_within(SkillTextGraph.from_edges([0, 0, 0], [0, 1, 2], 1, 3), np.array([0, 0, 1])).tolist()
    [1, 1, 0]
    """
    text, skill = _edges(graph)
    key = text * (int(groups.max(initial=0)) + 1) + groups[skill]
    _, place, counts = np.unique(key, return_inverse=True, return_counts=True)
    return _fewest(graph, skill, counts[place] - 1, most)


def openness(graph: SkillTextGraph, groups: npt.NDArray[np.integer], steps: int = 4) -> Ids:
    """How often a text that requires skills of a skill's group requires just one of them: a step of 1/`steps`.

    0: never; 1 … `steps`: up to that many parts of the group's texts. All skills of a group have the same value.

    Args:
        graph: T texts, S skills.
        groups: Group of every skill, integers (S,) from 0 on.
        steps: Number of steps above 0.

    Returns:
        int32 (S,).

    >>> openness(SkillTextGraph.from_edges([0, 0, 1], [0, 1, 2], 2, 3), np.array([0, 0, 1])).tolist()
    [0, 0, 4]
    """
    text, skill = _edges(graph)
    width = int(groups.max(initial=0)) + 1
    key, counts = np.unique(text * width + groups[skill], return_counts=True)
    texts = np.bincount(key % width, minlength=width)
    alone = np.bincount(key % width, counts == 1, minlength=width)
    return np.ceil(steps * alone / np.maximum(texts, 1)).astype(np.int32)[groups]


def communities(graph: SkillTextGraph, resolution: float = 1.0) -> Ids:
    """Communities of the skill–text graph by the Louvain method on both kinds of nodes, int32 (S,) [Louvain2008].

    Edges weigh 1 / (texts of the skill), so that common skills do not hold everything together. O(E) a pass.

    Args:
        graph: T texts, S skills.
        resolution: Of the modularity; larger values give more and smaller communities.

    Returns:
        Community of every skill, 0 … K-1; the same for every run.

    >>> pairs = SkillTextGraph.from_edges([0, 0, 1, 1, 2, 2, 3, 3], [0, 1, 0, 1, 2, 3, 2, 3], 4, 4)
    >>> communities(pairs).tolist()
    [0, 0, 1, 1]
    """
    if graph.n_edges == 0:
        return np.zeros(graph.n_skills, np.int32)
    import networkit as nk

    text, skill = _edges(graph)
    weight = 1.0 / graph.skill_degrees[skill]
    threads = nk.getMaxNumberOfThreads()
    nk.setNumberOfThreads(1)  # moves by several threads would depend on their timing
    nk.setSeed(1, False)
    try:
        both = nk.GraphFromCoo(
            (weight, ((text + graph.n_skills).astype(np.uint64), skill.astype(np.uint64))),
            n=graph.n_skills + graph.n_texts,
            weighted=True,
            directed=False,
        )
        found = nk.community.PLM(both, True, resolution)
        found.run()
        return type_labels(np.array(found.getPartition().getVector()[: graph.n_skills]))
    finally:
        nk.setNumberOfThreads(threads)


def companions(graph: SkillTextGraph, rare: int = 8, overlap: float = 0.5) -> Ids:
    """Groups of rare skills that keep together, int32 (S,): every other skill is a group of its own.

    Two skills of at most `rare` texts are linked if the rarer one shares at least the share `overlap` of its texts with
    the other; groups are the connected components. Texts with more than 200 rare skills link none.

    Args:
        graph: T texts, S skills.
        rare: Largest number of texts of a rare skill.
        overlap: Share of its texts, above 0.

    Returns:
        Group of every skill, 0 … K-1.

    >>> companions(SkillTextGraph.from_edges([0, 0, 1, 2], [0, 1, 1, 2], 3, 3)).tolist()
    [0, 0, 1]
    """
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    text, skill = _edges(graph)
    degrees = graph.skill_degrees
    use = degrees[skill] <= rare
    use &= np.bincount(text[use], minlength=graph.n_texts)[text] <= _MOST_RARE
    shape = (graph.n_texts, graph.n_skills)
    rows = sparse.csr_matrix((np.ones(int(use.sum()), np.float32), (text[use], skill[use])), shape=shape)
    common = (rows.T @ rows).tocoo()
    close = common.data >= overlap * np.minimum(degrees[common.row], degrees[common.col])
    links = sparse.csr_matrix(
        (np.ones(int(close.sum()), np.int8), (common.row[close], common.col[close])), shape=(graph.n_skills,) * 2
    )
    return type_labels(connected_components(links, directed=False)[1])


def features_of(
    graph: SkillTextGraph, columns: Mapping[str, npt.ArrayLike], *, with_communities: bool = True
) -> tuple[SkillFeature, ...]:
    """All features of a graph's skills that the ladder and the search try, the most telling kinds first.

    Args:
        graph: T texts, S skills.
        columns: The user's columns of skills, as labels of any kind, (S,) each.
        with_communities: Also communities found in the graph.

    Returns:
        Features with at least two types; none is given twice.

    >>> graph = SkillTextGraph.from_edges([0, 0, 1, 2], [0, 1, 1, 2], 3, 3)
    >>> [feature.name for feature in features_of(graph, {"topic": ["x", "x", "y"]}, with_communities=False)]
    ['uses', 'openness of topic', 'companions in topic']
    """
    found: list[SkillFeature] = []

    def add(name: str, meaning: str, labels: npt.ArrayLike, source: str) -> None:
        label = type_labels(labels)
        if label.max(initial=0) == 0 or any(np.array_equal(label, other.labels) for other in found):
            return
        found.append(SkillFeature(name, meaning, label, source))

    groups = [(name, f"{name}", "column", type_labels(values)) for name, values in columns.items()]
    groups.append(("companions", "group of rare companions", "companions", companions(graph)))
    if with_communities:
        groups.append(("communities", "community", "communities", communities(graph)))
        if graph.n_edges <= _MANY_EDGES:  # a second time, as long as that takes no more than a second
            groups.append(("small communities", "small community", "communities", communities(graph, 25.0)))
    add("company", "how many skills at least as rare occur in every text of a skill", company(graph), "company")
    add("uses", "how many texts require a skill (powers of 2)", uses(graph), "uses")
    for name, noun, source, labels in groups:
        add(f"openness of {name}", f"how often a text requires just one skill of a {noun}",
            openness(graph, labels), source)  # fmt: skip
    add("uses up to 32", "how many texts require a skill (powers of 2 up to 32)", uses(graph, 5), "uses")
    for name, noun, source, labels in groups:
        add(f"companions in {name}", f"how many others of its {noun} occur in every text of a skill",
            company_within(graph, labels), source)  # fmt: skip
    add("wide company", "how many skills up to 4 times as common occur in every text of a skill",
        company(graph, 4), "company")  # fmt: skip
    for name, noun, source, labels in groups:
        add(name, f"the {noun} a skill belongs to", labels, source)
    return tuple(found)


@dataclass(frozen=True, eq=False)
class TypeChoice:
    """Types that a search chose.

    Attributes:
        features: Names of the features whose product the types are; empty for one type.
        labels: int32 (S,).
        n_types: K.
        learned: What the ensemble with these types predicts.
        evaluations: Predictions that the search made.
    """

    features: tuple[str, ...]
    labels: Ids
    n_types: int
    learned: float
    evaluations: int

    @classmethod
    def of(
        cls, names: Sequence[str], features: Sequence[SkillFeature], n_skills: int, learned: float, evaluations: int
    ) -> TypeChoice:
        """The choice of some features.

        Args:
            names: Theirs.
            features: Those to choose from.
            n_skills: S.
            learned: What the ensemble with these types predicts.
            evaluations: Predictions that the search made.
        """
        labels = _product({feature.name: feature for feature in features}, names, n_skills)
        return cls(tuple(names), labels, int(labels.max(initial=-1)) + 1, learned, evaluations)


def _product(by_name: Mapping[str, SkillFeature], names: Sequence[str], n_skills: int) -> Ids:
    return joint_types(*(by_name[name].labels for name in names)) if names else np.zeros(n_skills, np.int32)


def choose_types(
    features: Sequence[SkillFeature],
    predicted: Callable[[Ids], float],
    target: float,
    n_skills: int,
    *,
    most_types: int,
    penalty: float = 0.01,
    most_evaluations: int = 80,
    known: dict[frozenset[str], float] | None = None,
    start: Sequence[str] = (),
) -> TypeChoice:
    """A product of few features, with at most so many types, whose prediction comes closest to a target.

    Greedy: the feature whose product with those chosen lowers |prediction - target| + penalty · ln K / ln K_max most is
    taken, until none does; then a feature is given up where that costs nothing. With the prediction for one type a
    skill as target, the choice rests on the graph and its columns alone.

    Args:
        features: To choose from.
        predicted: Learned fraction that the ensemble with given types predicts.
        target: Learned fraction to come close to.
        n_skills: S.
        most_types: K_max, at least 1.
        penalty: Learned fraction that `most_types` types must be worth.
        most_evaluations: Predictions made at most; later rounds try the features that did best at first.
        known: Predictions made before, by names; new ones are added.
        start: Features to begin with.

    Returns:
        The types.

    >>> halves = SkillFeature("half", "the half", np.array([0, 0, 1, 1], np.int32), "column")
    >>> choose_types([halves], lambda labels: 0.9 - 0.4 * labels.max(), 0.5, 4, most_types=10).features
    ('half',)
    """
    by_name = {feature.name: feature for feature in features}
    seen: dict[frozenset[str], float] = {} if known is None else known
    made = 0

    def score(names: tuple[str, ...]) -> float:
        nonlocal made
        labels = _product(by_name, names, n_skills)
        K = int(labels.max(initial=0)) + 1
        key = frozenset(names)
        if most_types < K or (key not in seen and made >= most_evaluations):
            return np.inf
        if key not in seen:
            seen[key] = predicted(labels)
            made += 1
        return abs(seen[key] - target) + penalty * float(np.log(K) / np.log(max(most_types, 2)))

    chosen = tuple(start)
    best = score(chosen)
    tried = [name for i, name in enumerate(by_name) if i < max(most_evaluations // 2, 4) or frozenset([name]) in seen]
    while tried:
        scores = {name: score((*chosen, name)) for name in tried if name not in chosen}
        if not scores or min(scores.values()) >= best:
            break
        name = min(scores, key=scores.__getitem__)
        chosen, best = (*chosen, name), scores[name]
        left = max(most_evaluations - made, 0)
        tried = sorted((n for n in scores if np.isfinite(scores[n])), key=scores.__getitem__)[: max(left // 3, 3)]
    for name in chosen:
        fewer = tuple(other for other in chosen if other != name)
        if fewer and (value := score(fewer)) <= best:
            chosen, best = fewer, value
    learned = seen.get(frozenset(chosen))
    if learned is None:
        learned = predicted(_product(by_name, chosen, n_skills))
    return TypeChoice.of(chosen, features, n_skills, learned, made)


def _edges(graph: SkillTextGraph) -> tuple[Ints, Ints]:
    """Text and skill of every edge, int64 (E,)."""
    text = np.repeat(np.arange(graph.n_texts, dtype=np.int64), graph.text_degrees)
    return text, graph.text_skills.astype(np.int64)


def _fewest(graph: SkillTextGraph, skill: Ints, values: Ints, most: int) -> Ids:
    fewest = np.full(graph.n_skills, most, dtype=np.int64)
    np.minimum.at(fewest, skill, values)
    return fewest.astype(np.int32)
