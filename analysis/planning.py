"""What to teach next: skills, texts or simpler texts, chosen one after the other by what each unlocks.

The value of a set of taught skills only grows with the set, but it is not submodular: two skills may unlock together
what neither unlocks alone. So a step-by-step choice has no guaranteed share of the best plan, and a gain computed
earlier is no bound of a later one. What is claimed here is: each step is the best single step (or comes with a bound of
it), and beside the plan stands an upper bound of what any plan of that size could be worth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.cascade import NO_LIMIT, Cascade, Followed, SkillGains
from analysis.components import components
from analysis.errors import AnalysisError

__all__ = ["Baseline", "Plan", "PlanStep", "best_sets", "plan_bounds", "plan_simpler", "plan_skills", "plan_texts"]

Kind = Literal["skill", "text", "simpler"]
Goal = Literal["value", "giant"]


@dataclass(frozen=True, eq=False)
class PlanStep:
    """One step of a plan.

    Attributes:
        kind: `skill` taught outright, `text` added, or text made `simpler`.
        skill: The skill that is taught, or that the text no longer requires; -1 for an added text.
        text: The text; -1 for a skill that is taught outright.
        followed: What is learned, as the exact cascade.
        value: What the step is worth.
        bound: No other single step would have been worth more than this.
    """

    kind: Kind
    skill: int
    text: int
    followed: Followed
    value: float
    bound: float

    @property
    def exact(self) -> bool:
        """True if this step is the best single step there is."""
        return self.value >= self.bound


@dataclass(frozen=True, eq=False)
class Baseline:
    """Learned skills and value after 0, 1, 2, … steps of a simple choice, float64 (budget+1,) each."""

    learned: npt.NDArray[np.float64]
    value: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Plan:
    """A plan, with what it is compared to; all counts are of what was lacking at the start.

    Attributes:
        steps: At most as many as the budget; fewer where nothing more is gained.
        learned: Skills learned after 0, 1, 2, … steps, int64 (steps+1,); taught ones count.
        texts: Texts understood after as many, int64.
        value: Their worth after as many, float64.
        most_used: The most used first.
        random: The mean of several random orders.
    """

    steps: tuple[PlanStep, ...]
    learned: npt.NDArray[np.int64]
    texts: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    most_used: Baseline
    random: Baseline


def plan_skills(
    cascade: Cascade,
    budget: int,
    *,
    goal: Goal = "value",
    limit: int = NO_LIMIT,
    replicates: int = 20,
    rng: np.random.Generator | None = None,
) -> Plan:
    """Skills to teach outright, each the best single one when its turn comes.

    Args:
        cascade: The state that peeling left; unchanged afterwards.
        budget: Number of skills to teach.
        goal: `value`, the cascade's weights, or `giant`: skills in the largest component of the association graph
            (texts of any kind link), whose growth is the value of a step.
        limit: Entries of the graph to look at in a step; a step that would need more is the best of what was tried,
            and says so by its bound.
        replicates: Number of random orders to average over.
        rng: For the random orders. Default seed 0.

    Returns:
        The plan. Among equals the skill in most texts is taken, then the first.

    Raises:
        AnalysisError: A budget below 1.

    >>> from analysis.graph import SkillTextGraph
    >>> graph = SkillTextGraph.from_csr([0, 2, 4, 7], [0, 1, 1, 2, 0, 3, 4], n_skills=5)
    >>> plan = plan_skills(Cascade(graph, [False] * 5), 2)
    >>> [(step.skill, step.followed.skills.tolist()) for step in plan.steps], plan.learned.tolist()
    ([(0, [0, 1, 2]), (3, [3, 4])], [0, 3, 5])
    """
    _check_budget(budget)
    work = cascade.copy()
    steps: list[PlanStep] = []
    before = float(_giant(work)[1]) if goal == "giant" else 0.0
    for _ in range(budget):
        gains = work.gains(limit=limit) if goal == "value" else _giant_gains(work, limit)
        tried = np.flatnonzero(gains.exact)
        if not len(tried):
            break
        order = np.lexsort((tried, -work.graph.skill_degrees[tried], -gains.bound[tried]))
        skill = int(tried[order[0]])
        value, bound = float(gains.bound[skill]), float(gains.bound.max())
        if value <= before:
            break
        followed = work.teach([skill])
        steps.append(PlanStep("skill", skill, -1, followed, value - before, bound - before))
        before = value if goal == "giant" else 0.0
    lacking = cascade.by_use()

    def run(order: npt.NDArray[np.integer]) -> tuple[list[Followed], list[float]]:
        trial, done = cascade.copy(), list[Followed]()
        worth = [float(_giant(trial)[1])] if goal == "giant" else []
        for s in order:
            if len(done) == budget:
                break
            if not trial.state.learned[s]:
                done.append(trial.teach([int(s)]))
                if goal == "giant":
                    worth.append(float(_giant(trial)[1]))
        return done, list(np.diff(worth)) if goal == "giant" else [f.value for f in done]

    return _plan(steps, run, lacking, budget, replicates, rng)


def plan_texts(
    cascade: Cascade,
    texts: npt.ArrayLike,
    capacity: npt.ArrayLike,
    budget: int,
    *,
    limit: int = NO_LIMIT,
    replicates: int = 20,
    rng: np.random.Generator | None = None,
) -> Plan:
    """Texts to add from a pool, each the best single one when its turn comes.

    A text that teaches nothing at once has no value by itself, so pairs of texts that unlock something only together
    are not looked for.

    Args:
        cascade: The state that peeling left, in which the texts of the pool have capacity 0; unchanged afterwards.
        texts: Indices of the texts of the pool, integers (n,).
        capacity: Capacity of each once it is added, integers (n,).
        budget: Number of texts to add.
        limit: As for `plan_skills`.
        replicates: Random orders to average over, of the texts that teach something when their turn comes.
        rng: For the random orders. Default seed 0.

    Returns:
        The plan; most used first means texts by the number of texts that require the skills they teach.

    Raises:
        AnalysisError: A budget below 1, or texts and capacities of unequal lengths.

    >>> from analysis.graph import SkillTextGraph
    >>> graph = SkillTextGraph.from_csr([0, 2, 3, 5], [0, 1, 1, 1, 2], n_skills=3)
    >>> plan = plan_texts(Cascade(graph, [False] * 3, [1, 0, 0]), [1, 2], [1, 1], budget=2)
    >>> [(step.text, step.followed.skills.tolist()) for step in plan.steps]
    [(1, [1, 0]), (2, [2])]
    """
    _check_budget(budget)
    pool = np.asarray(texts, dtype=np.int64)
    capacities = np.asarray(capacity, dtype=np.int64)
    if pool.shape != capacities.shape or pool.ndim != 1:
        raise AnalysisError(f"a pool needs one capacity for each text, not {capacities.shape} for {pool.shape}")
    work = cascade.copy()
    steps: list[PlanStep] = []
    for _ in range(budget):
        chosen = _best_text(work, pool, capacities, limit)
        if chosen is None:
            break
        place, value, bound = chosen
        followed = work.add_text(int(pool[place]), int(capacities[place]))
        steps.append(PlanStep("text", -1, int(pool[place]), followed, value, bound))
    degrees = cascade.graph.skill_degrees

    def run(order: npt.NDArray[np.integer]) -> tuple[list[Followed], list[float]]:
        trial, done, left = cascade.copy(), list[Followed](), [int(k) for k in order]
        while len(done) < budget:
            for i, k in enumerate(left):
                if len(trial.teachable(int(pool[k]), int(capacities[k]))):
                    done.append(trial.add_text(int(pool[k]), int(capacities[k])))
                    del left[i]
                    break
            else:
                break
        return done, [f.value for f in done]

    use = np.zeros(len(pool), np.int64)
    for k, t in enumerate(pool):
        taught = cascade.teachable(int(t), int(capacities[k]))
        use[k] = degrees[taught].max() if len(taught) else 0
    by_use = np.lexsort((np.arange(len(pool)), -use))
    return _plan(steps, run, by_use, budget, replicates, rng)


def plan_simpler(
    cascade: Cascade,
    budget: int,
    *,
    limit: int = NO_LIMIT,
    replicates: int = 20,
    rng: np.random.Generator | None = None,
) -> Plan:
    """Texts in which to leave out one requirement, each the best single one when its turn comes.

    Only a text with one lacking skill more than its capacity teaches once it lacks one fewer, or one with a single
    skill that training may not learn; a text is made simpler once. Letting a text go without a skill is worth at most
    what teaching that skill outright is worth, and that bound decides which are tried.

    Args:
        cascade: The state that peeling left; unchanged afterwards.
        budget: Number of texts to make simpler.
        limit: As for `plan_skills`.
        replicates: Number of random orders to average over.
        rng: For the random orders. Default seed 0.

    Returns:
        The plan; most used first means by the use of the skills that the simpler text teaches.

    Raises:
        AnalysisError: A budget below 1.

    >>> from analysis.graph import SkillTextGraph
    >>> graph = SkillTextGraph.from_csr([0, 2, 5], [0, 1, 1, 2, 3], n_skills=4)
    >>> plan = plan_simpler(Cascade(graph, [False] * 4), 1)
    >>> [(step.text, step.skill, step.followed.skills.tolist()) for step in plan.steps]
    [(0, 0, [1])]
    """
    _check_budget(budget)
    work = cascade.copy()
    steps: list[PlanStep] = []
    for _ in range(budget):
        chosen = _best_simpler(work, limit)
        if chosen is None:
            break
        text, skill, value, bound = chosen
        followed = work.simplify(text, skill)
        steps.append(PlanStep("simpler", skill, text, followed, value, bound))
    texts, skills = _simpler_pairs(cascade)
    use = _other_use(cascade, texts, skills)

    def run(order: npt.NDArray[np.integer]) -> tuple[list[Followed], list[float]]:
        trial, done = cascade.copy(), list[Followed]()
        for k in order:
            if len(done) == budget:
                break
            t, s = int(texts[k]), int(skills[k])
            if not trial.state.learned[s] and bool(_could_be_simpler(trial, t)):
                done.append(trial.simplify(t, s))
        return done, [f.value for f in done]

    return _plan(steps, run, np.lexsort((np.arange(len(texts)), -use)), budget, replicates, rng)


def best_sets(cascade: Cascade, budget: int, *, work: int = 40_000_000) -> list[float]:
    """The largest value of any 1, 2, 3, … taught skills, by trying all sets of skills that follow from no other.

    Args:
        cascade: The state that peeling left; unchanged afterwards.
        budget: Largest number of skills.
        work: Entries of the graph to look at; sizes for which more would be needed are left out.

    Returns:
        The exact optimum for 1, 2, … skills, as far as it could be found.

    Raises:
        AnalysisError: A budget below 1.

    >>> from analysis.graph import SkillTextGraph
    >>> graph = SkillTextGraph.from_csr([0, 2, 4, 7], [0, 1, 1, 2, 0, 3, 4], n_skills=5)
    >>> best_sets(Cascade(graph, [False] * 5), 3)
    [3.0, 5.0, 5.0]
    """
    from analysis._kernels.cascade import search

    _check_budget(budget)
    gains = cascade.gains()
    sources = gains.sources
    if not len(sources):
        return []
    found = [float(gains.bound[sources[0]])]
    each = max(1, work // 50)
    for size in range(2, budget + 1):
        if size > len(sources) or found[-1] >= cascade.left():
            found.append(found[-1])
            continue
        if float(len(sources)) ** size > 20.0 * work:  # a rough count of the sets before a long search for nothing
            break
        chosen = np.full(size, -1, np.int32)
        done, value, spent = search(cascade.state, sources, size, -1, work, chosen, found[-1])
        work -= spent
        if not done:
            break
        found.append(float(value))
        if work < each:
            break
    return found


def plan_bounds(
    cascade: Cascade, budget: int, *, each: int = 1, restarts: int = 8, rng: np.random.Generator | None = None
) -> npt.NDArray[np.float64]:
    """Upper bounds of what any plan of 0, 1, 2, … steps is worth.

    Of a part of what is lacking that neither a text nor a prerequisite connects with the rest, nothing is learned
    before one of its skills is taught outright: it is closed. For a family of such sets, nested or disjoint, a plan
    gains at most what lies in no set that stays closed; so b steps gain at most as much as the b best chains of nested
    sets hold together. Source: stopping sets [RichardsonUrbanke2008]; derived in docs/why.md.

    Args:
        cascade: The state that peeling left; unchanged afterwards.
        budget: Largest number of steps.
        each: How many sets a step can open: 1 for a taught skill and for a simpler text, D for an added text.
        restarts: Ways to look for such sets, of which the best counts.
        rng: For these. Default seed 0.

    Returns:
        Bounds, float64 (budget+1,), the first 0.

    Raises:
        AnalysisError: A budget below 1.

    >>> from analysis.graph import SkillTextGraph
    >>> graph = SkillTextGraph.from_csr([0, 2, 4, 7], [0, 1, 1, 2, 3, 4, 5], n_skills=6)
    >>> plan_bounds(Cascade(graph, [False] * 6), 2).tolist()
    [0.0, 3.0, 6.0]
    """
    from analysis._kernels.cascade import closed_sets

    _check_budget(budget)
    rng = np.random.default_rng(0) if rng is None else rng
    lacking = cascade.by_use()
    whole = cascade.left()
    before = _prerequisites_of_each(cascade)
    best = np.full(budget + 1, whole)
    best[0] = 0.0
    small = 64
    if cascade.graph.n_edges > 200_000:  # a part is looked through once for each time that some of it is taught
        restarts, small = min(restarts, 1), 8
    for attempt in range(restarts):
        order = lacking if attempt == 0 else lacking[::-1] if attempt == 1 else rng.permutation(lacking)
        parent, own = np.full(len(lacking), -1, np.int32), np.zeros(len(lacking))
        order = np.ascontiguousarray(order)
        n_sets = closed_sets(cascade.copy().state, *before, order, small, parent, own)
        chains = np.cumsum(_chains(parent[:n_sets], own[:n_sets]))
        opened = np.minimum(each * np.arange(1, budget + 1), n_sets) - 1
        if n_sets:
            best[1:] = np.minimum(best[1:], chains[np.minimum(opened, len(chains) - 1)])
    return best


def _prerequisites_of_each(cascade: Cascade) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Rows of the prerequisites that each skill waits for."""
    st = cascade.state
    first = np.repeat(np.arange(cascade.graph.n_skills, dtype=np.int32), np.diff(st.dependent_ptr))
    counts = np.bincount(st.dependents, minlength=cascade.graph.n_skills)
    return np.concatenate(([0], np.cumsum(counts))), first[np.argsort(st.dependents, kind="stable")]


def _chains(parent: npt.NDArray[np.int32], own: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """What chains of nested sets hold, the best first, each counted without what a better one holds.

    The best chain goes from a set down the child with the best chain; the other children start chains of their own.
    """
    below = own.copy()
    child = np.zeros(len(own))
    starts = np.ones(len(own), np.bool_)
    heavy = np.full(len(own), -1, np.int64)
    for k in range(len(own) - 1, -1, -1):
        below[k] += child[k]
        around = parent[k]
        if around >= 0 and (heavy[around] < 0 or below[k] > child[around]):
            child[around] = below[k]
            heavy[around] = k
    starts[heavy[heavy >= 0]] = False
    return np.sort(below[starts])[::-1]


def _check_budget(budget: int) -> None:
    if budget < 1:
        raise AnalysisError(f"a plan needs a budget of at least 1, not {budget}")


def _plan(
    steps: Sequence[PlanStep],
    run: Callable[[npt.NDArray[np.integer]], tuple[list[Followed], list[float]]],
    by_use: npt.NDArray[np.integer],
    budget: int,
    replicates: int,
    rng: np.random.Generator | None,
) -> Plan:
    rng = np.random.default_rng(0) if rng is None else rng

    def curve(order: npt.NDArray[np.integer]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        done, worth = run(order)
        learned, value = np.zeros(budget + 1), np.zeros(budget + 1)
        learned[1 : len(done) + 1] = [len(f.skills) for f in done]
        value[1 : len(worth) + 1] = worth
        return np.cumsum(learned), np.cumsum(value)

    used = curve(by_use)
    orders = [curve(rng.permutation(by_use)) for _ in range(replicates)]
    mean = [np.mean([o[side] for o in orders], axis=0) if orders else np.zeros(budget + 1) for side in (0, 1)]

    def total(values: Sequence[float]) -> npt.NDArray[np.float64]:
        return np.concatenate(([0.0], np.cumsum(values)))

    return Plan(
        tuple(steps),
        total([len(step.followed.skills) for step in steps]).astype(np.int64),
        total([step.followed.texts for step in steps]).astype(np.int64),
        total([step.value for step in steps]),
        Baseline(*used),
        Baseline(mean[0], mean[1]),
    )


def _best_text(
    cascade: Cascade, pool: npt.NDArray[np.int64], capacities: npt.NDArray[np.int64], limit: int
) -> tuple[int, float, float] | None:
    """Place in the pool of the text that is worth most, its value, and a bound of all others."""
    from analysis._kernels.cascade import gains_of_sets

    st = cascade.state
    open_ = (st.lacking[pool] > 0) & (st.lacking[pool] <= capacities) & (st.closed[pool] == 0) & (st.capacity[pool] < 1)
    places, sets = [], []
    for k in np.flatnonzero(open_):
        taught = cascade.teachable(int(pool[k]), int(capacities[k]))
        if len(taught):
            places.append(int(k))
            sets.append(taught)
    if not sets:
        return None
    use = np.array([cascade.graph.skill_degrees[taught].max() for taught in sets])
    if all(len(taught) == 1 for taught in sets):
        skills = np.array([taught[0] for taught in sets])
        gains = cascade.gains(skills, limit=limit)
        # A text is worth what its skill is worth; a skill that follows from another is covered by that one's text.
        order = np.lexsort((np.array(places), -use, -np.where(gains.exact[skills], gains.bound[skills], -1.0)))
        best = int(order[0])
        return places[best], float(gains.bound[skills[best]]), float(gains.bound[skills].max())
    order = np.lexsort((np.array(places), -use))
    pointers = np.concatenate(([0], np.cumsum([len(sets[i]) for i in order]))).astype(np.int64)
    value = np.full(len(order), np.nan)
    flat = np.concatenate([sets[i] for i in order]).astype(np.int32)
    cover = np.full(cascade.graph.n_skills, -1, np.int32)
    tried, _ = gains_of_sets(st, pointers, flat, limit, 0.0, value, cover)
    best = int(np.nanargmax(value))
    bound = float(value[best]) if tried == len(order) else cascade.left()
    return places[order[best]], float(value[best]), bound


def _could_be_simpler(cascade: Cascade, text: int | slice = slice(None)) -> npt.NDArray[np.bool_]:
    """Texts that would teach with the right requirement less: one too many, or one that training may not learn."""
    st = cascade.state
    capacity, lacking, closed = st.capacity[text], st.lacking[text], st.closed[text]
    few = (lacking > 1) & (lacking <= capacity + 1) & (st.dropped[text] < 0)
    could: npt.NDArray[np.bool_] = few & (((closed == 0) & (lacking == capacity + 1)) | (closed == 1))
    return could


def _simpler_pairs(cascade: Cascade) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Texts that would teach with one requirement less, each with every skill that could be left out."""
    from analysis._kernels.rows import gather_rows

    st = cascade.state
    texts = np.flatnonzero(_could_be_simpler(cascade))
    skills, row = gather_rows(st.text_ptr, st.text_skills, texts)
    of = texts[row].astype(np.int32)
    useful = ~st.learned[skills] & ((st.closed[of] == 0) | st.frozen[skills])
    return of[useful], skills[useful]


def _best_simpler(cascade: Cascade, limit: int) -> tuple[int, int, float, float] | None:
    from analysis._kernels.cascade import gains_of_drops

    texts, skills = _simpler_pairs(cascade)
    if not len(texts):
        return None
    gains = cascade.gains(skills, limit=limit)
    bound = gains.bound[skills]
    if bool((cascade.state.capacity[texts] == 1).all()) and not cascade.state.closed[texts].any():
        # The skill that is left is taught, and taught outright it would be worth at least as much.
        partner = _partners(cascade, texts, skills)
        more = cascade.gains(partner, limit=limit).bound[partner]
        bound = np.minimum(bound, more)
    use = _other_use(cascade, texts, skills)
    order = np.lexsort((skills, texts, -use, -bound))
    value = np.zeros(len(order))
    ordered = bound[order]
    tried, _ = gains_of_drops(cascade.state, texts[order], skills[order], ordered, limit, value, 0.0)
    if not tried:
        return None
    best = int(np.argmax(value[:tried]))
    if value[best] <= 0.0:
        return None
    rest = float(ordered[tried]) if tried < len(order) else 0.0
    k = order[best]
    return int(texts[k]), int(skills[k]), float(value[best]), max(float(value[best]), rest)


def _partners(cascade: Cascade, texts: npt.NDArray[np.int32], skills: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """The other one of the two lacking skills of each text."""
    both = np.zeros(cascade.graph.n_texts, np.int64)
    np.add.at(both, texts, skills)  # each text comes once with each of its two
    return (both[texts] - skills).astype(np.int32)


def _other_use(cascade: Cascade, texts: npt.NDArray[np.int32], skills: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Use of the most used skill of a text but the one that is left out."""
    use = np.zeros(len(texts), np.int64)
    degrees = cascade.graph.skill_degrees[skills]
    if not len(texts):
        return use
    order = np.lexsort((-degrees, texts))
    starts = np.concatenate(([0], np.flatnonzero(np.diff(texts[order])) + 1, [len(order)]))
    for start, end in pairwise(starts.tolist()):
        members = order[start:end]
        use[members] = degrees[members[0]]
        use[members[0]] = degrees[members[1]] if len(members) > 1 else 0
    return use


def _giant(cascade: Cascade) -> tuple[npt.NDArray[np.int32], int, npt.NDArray[np.int64]]:
    found = components(cascade.graph, cascade.state.learned)
    return found.label, found.giant, found.sizes


def _giant_gains(cascade: Cascade, limit: int) -> SkillGains:
    from analysis._kernels.cascade import gains_of_giant

    label, _, sizes = _giant(cascade)
    n = cascade.graph.n_skills
    tried = cascade.by_use()
    bound = np.full(n, float(n))
    bound[cascade.state.learned] = 0.0
    exact, over = np.zeros(n, np.bool_), np.full(n, -1, np.int32)
    node, parent = np.full(n, -1, np.int32), np.arange(len(sizes) + n, dtype=np.int64)
    work = gains_of_giant(cascade.state, tried, limit, node, label.copy(), sizes.copy(), parent, bound, exact, over)
    return SkillGains(bound, exact, over, complete=work <= limit)
