"""How a layer came about, stage by stage, as the theory and simulations take it.

A foundation reads its texts; a fine-tuned layer reads its own after those of its base (frozen or continued), or all
together with them (joint). Typed ensembles follow the same stages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analysis.graph import SkillTextGraph
from analysis.learners import Learner, parse_learner
from analysis.peeling import PeelingResult, peel
from analysis.percolation import AssociationRule
from analysis.typed import TypedEnsemble, joint_types
from analysis.typed_evolution import EarlierStage, TypedEvolution, TypedPrerequisites, TypedRecursion, evolve_typed
from analysis.typed_percolation import typed_giant
from analysis.typed_stages import typed_giant_of_stages
from explorer.errors import SkillgraphError
from explorer.service.snapshot import LayerView, layer_view, lineage
from explorer.store.protocol import Store

__all__ = ["Predicted", "Stage", "Training", "expected_giant", "layer_training", "prerequisites_among"]

Bools = NDArray[np.bool_]
Pairs = tuple[NDArray[np.integer], NDArray[np.integer]]


@dataclass(frozen=True, eq=False)
class Stage:
    """One reading of texts.

    Attributes:
        reads: Bool (T,), texts that are presented.
        learner: The rule by which they teach.
        known: Bool (S,), skills that are given beforehand, besides what earlier stages left.
        closed: Bool (S,), skills that cannot be learned at this stage; None if all can.
        prerequisites: Two arrays `(prerequisite, skill)` of those that hold at this stage; None if there are none. A
            base knows none but those between the skills of its own texts.
    """

    reads: Bools
    learner: Learner
    known: Bools
    closed: Bools | None
    prerequisites: Pairs | None


@dataclass(frozen=True, eq=False)
class Predicted:
    """A typed ensemble's prediction.

    Attributes:
        evolution: Of the last stage.
        recursion: The map it is the fixed point of.
        types: Type of every skill as it was used, int32 (S,).
        earlier: The maps and fixed points of the stages before, first to last.
    """

    evolution: TypedEvolution
    recursion: TypedRecursion
    types: NDArray[np.int32]
    earlier: tuple[tuple[TypedRecursion, TypedEvolution], ...] = ()

    @property
    def n_types(self) -> int:
        """K."""
        return self.recursion.ensemble.n_types


@dataclass(frozen=True, eq=False)
class Training:
    """The stages of a layer on the graph of all texts of its lineage.

    Attributes:
        view: The layer.
        stages: First to last.
    """

    view: LayerView
    stages: tuple[Stage, ...]

    @property
    def graph(self) -> SkillTextGraph:
        """Texts of the lineage, over the skills they require."""
        return self.view.indexed.graph

    @property
    def alone(self) -> bool:
        """True if all texts are presented together, so that the equations of the giant component hold."""
        return len(self.stages) == 1 and self.view.indexed.prerequisites is None

    @property
    def has_giant(self) -> bool:
        """True if the giant component has an equation: one stage, or several that read every text once."""
        return self.view.indexed.prerequisites is None and (len(self.stages) == 1 or self.reads_once)

    @property
    def reads_once(self) -> bool:
        """True if every text is read at one of the stages."""
        return bool(np.all(sum(stage.reads.astype(np.int64) for stage in self.stages) == 1))

    @property
    def read_before(self) -> Bools:
        """Texts that are read at a stage before the last, bool (T,)."""
        before = np.zeros(self.graph.n_texts, dtype=bool)
        for stage in self.stages[:-1]:
            before |= stage.reads
        return before

    @cached_property
    def text_class(self) -> NDArray[np.int32]:
        """Texts that are read at the same stages have the same class, int32 (T,)."""
        reads = np.stack([stage.reads for stage in self.stages])
        return np.unique(reads, axis=1, return_inverse=True)[1].ravel().astype(np.int32)

    @cached_property
    def roles(self) -> NDArray[np.int32]:
        """Skills that are given, or closed, at the same stages have the same role, int32 (S,): no type mixes them."""
        none = np.zeros(self.graph.n_skills, dtype=bool)
        rows = [row for s in self.stages for row in (s.known, none if s.closed is None else s.closed)]
        return np.unique(np.stack(rows), axis=1, return_inverse=True)[1].ravel().astype(np.int32)

    def copies(self, number: int) -> tuple[Training, SkillTextGraph]:
        """The training on so many copies of every text and skill, and their graph.

        Rewired, with copies of a skill of one type, it is a random graph of the same typed ensemble, but larger.

        Args:
            number: Copies.
        """
        graph, n = self.graph, self.graph.n_skills
        offsets = np.repeat(np.arange(number), graph.n_edges) * n
        lengths = np.tile(graph.text_degrees, number)
        ptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        many = SkillTextGraph.from_csr(ptr, np.tile(graph.text_skills, number) + offsets, n * number)

        def pairs(found: Pairs | None) -> Pairs | None:
            if found is None:
                return None
            shift = np.repeat(np.arange(number), len(found[0])) * n
            return np.tile(found[0], number) + shift, np.tile(found[1], number) + shift

        stages = tuple(
            Stage(
                np.tile(stage.reads, number),
                stage.learner,
                np.tile(stage.known, number),
                None if stage.closed is None else np.tile(stage.closed, number),
                pairs(stage.prerequisites),
            )
            for stage in self.stages
        )
        return Training(self.view, stages), many

    def predict(
        self,
        types: NDArray[np.integer],
        *,
        poisson: bool = False,
        share: float = 1.0,
        tolerance: float = 1e-5,
        waves: int = 1_000,
    ) -> Predicted:
        """What a random graph that keeps each text's mix of these types would learn at the same stages.

        Args:
            types: Any labelling of the skills, (S,).
            poisson: Poisson numbers of texts within each type.
            share: Share of the texts of the last stage that is there.
            tolerance: On the learned fraction.
            waves: Waves after which a stage ends if it has not converged: most need some tens, chains of skills that
                wait for each other need as many as they are long.
        """
        labels = joint_types(types, self.roles)
        ensemble = TypedEnsemble.from_graph(self.graph, labels, text_class=self.text_class, poisson=poisson)
        member = np.zeros(ensemble.n_types, dtype=np.int64)
        member[labels] = np.arange(len(labels))  # any skill of each type: roles are the same in all of them
        of_class = np.zeros(max(ensemble.n_text_classes, 1), dtype=np.int64)
        of_class[self.text_class] = np.arange(len(self.text_class))
        prior, taught = np.ones(ensemble.n_types), None
        passed: list[tuple[TypedRecursion, TypedEvolution]] = []
        waiting = _held_since([stage.prerequisites for stage in self.stages])
        left: list[EarlierStage] = []
        for number, stage in enumerate(self.stages):
            last = number == len(self.stages) - 1
            prior = np.where(stage.known[member], 0.0, prior)
            now = stage.reads[of_class][ensemble.edge_class]
            needed = None
            if waiting is not None:
                before, after, since = waiting
                held = since <= number
                needed = TypedPrerequisites.from_pairs(
                    before[held], after[held], labels, since=since[held], earlier=left
                )
            messages = None
            if not now.all():
                messages = np.where(now, np.nan, 0.0 if taught is None else taught)
            recursion = TypedRecursion(
                ensemble,
                stage.learner,
                prior,
                needed,
                share if last else 1.0,
                messages,
                None if stage.closed is None else stage.closed[member],
            )
            found = evolve_typed(
                ensemble,
                stage.learner,
                prior=prior,
                prerequisites=needed,
                share=recursion.share,
                taught=messages,
                closed=recursion.closed,
                tolerance=tolerance,
                max_iterations=waves,
            )
            taught = found.taught
            left.append(EarlierStage(np.where(now, found.taught, 0.0), found.unlearned_by_type))
            passed.append((recursion, found))
        return Predicted(found, recursion, labels, tuple(passed[:-1]))

    def learn(self, graph: SkillTextGraph, rng: np.random.Generator, without: Bools | None = None) -> Bools:
        """Skills that peeling learns at the same stages on another graph of these texts and skills, bool (S,).

        Args:
            graph: T texts, S skills.
            rng: For random capacities.
            without: Bool (T,), texts that are left out of the last stage.
        """
        return self.peel(graph, rng, without).learned

    def peel(self, graph: SkillTextGraph, rng: np.random.Generator, without: Bools | None = None) -> PeelingResult:
        """The same with the rounds of the last stage, before which all that was learned is known.

        Args:
            graph: T texts, S skills.
            rng: For random capacities.
            without: Bool (T,), texts that are left out of the last stage.
        """
        learned = np.zeros(graph.n_skills, dtype=bool)
        for number, stage in enumerate(self.stages):
            reads = stage.reads
            if without is not None and number == len(self.stages) - 1:
                reads = reads & ~without
            part = graph if reads.all() else graph.subset(reads)
            result = peel(
                part,
                stage.learner.capacities(part.n_texts, rng),
                known=learned | stage.known,
                learnable=None if stage.closed is None else ~stage.closed,
                prerequisites=stage.prerequisites,
            )
            learned = result.learned
        return result


def layer_training(store: Store, dataset: str, layer: str) -> Training:
    """The stages by which a stored layer came about.

    Raises:
        NotFoundError: No such layer.
        SkillgraphError: The layer was estimated from outcomes, or its texts require no skill.
    """
    view = layer_view(store, dataset, layer)
    if view.info.kind == "evidence":
        raise SkillgraphError(
            f"layer {layer!r} was estimated from outcomes: no learner made it, so there is nothing to predict"
        )
    if view.indexed.graph.n_edges == 0:
        raise SkillgraphError(f"the texts of layer {layer!r} require no skills: there is nothing to predict")
    texts, skills = view.indexed.text_rows, view.indexed.skill_rows
    stages: list[Stage] = []
    earlier: Bools = np.zeros(len(skills), dtype=bool)
    read: Bools = np.zeros(len(texts), dtype=bool)
    seen: Bools = np.zeros(len(skills), dtype=bool)
    for info in reversed(lineage(store, dataset, layer)):
        own = layer_view(store, dataset, info.name)
        reads = np.isin(texts, own.indexed.text_rows[own.taught])
        given = np.isin(skills, own.indexed.skill_rows[own.wave == 0])
        rule = parse_learner(info.learner)
        needed = prerequisites_among(own, skills)
        if info.base is None or info.mode == "joint":
            stages = [Stage(reads | read, rule, given, None, needed)]
        else:
            stages.append(Stage(reads, rule, given & ~earlier, seen if info.mode == "frozen" else None, needed))
        read = read | reads
        earlier = np.isin(skills, own.indexed.skill_rows[own.learned])
        seen = np.isin(skills, own.indexed.skill_rows)
    return Training(view, tuple(stages))


def prerequisites_among(own: LayerView, skills: NDArray[np.int64]) -> Pairs | None:
    """The prerequisites that a layer of the lineage knows, as places among more skills.

    Args:
        own: The layer.
        skills: Rows of the dataset's skills, ascending, int64 (S,); they hold all skills of the layer.
    """
    if own.indexed.prerequisites is None:
        return None
    place = np.searchsorted(skills, own.indexed.skill_rows)
    first, then = own.indexed.prerequisites
    return place[first], place[then]


def _held_since(
    stages: Sequence[Pairs | None],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]] | None:
    """All pairs of prerequisites and, for each, the first stage that knows it; None if there are none.

    Later stages know more skills and therefore the pairs of all stages before them.
    """
    found: dict[tuple[int, int], int] = {}
    for number, pairs in enumerate(stages):
        for pair in () if pairs is None else zip(pairs[0].tolist(), pairs[1].tolist(), strict=True):
            found.setdefault(pair, number)
    if not found:
        return None
    before, after = np.array(list(found), dtype=np.int64).T
    return before, after, np.array(list(found.values()), dtype=np.int64)


def expected_giant(predicted: Predicted, rule: AssociationRule, tolerance: float = 1e-4) -> float:
    """Giant component of what was learned in one stage or several, of all skills (`Training.has_giant`)."""
    last = predicted.recursion, predicted.evolution
    if predicted.earlier:
        return typed_giant_of_stages((*predicted.earlier, last), rule, tolerance=tolerance)
    return typed_giant(*last, rule, tolerance=tolerance, max_iterations=1_000)
