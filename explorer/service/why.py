"""Why a skill was or was not learned: the chain that led to it, or what stands in its way and what would unlock it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.cascade import Cascade, Followed
from analysis.residual import Reason, Residual, residual
from analysis.unlocking import unlock
from explorer.errors import NotFoundError
from explorer.service.lacking import NEVER, REASONS
from explorer.service.learning import Situation, situation
from explorer.service.reasons import layer_lacks
from explorer.service.snapshot import layer_view, read_dataset
from explorer.store.protocol import LayerInfo, Store
from explorer.wording import isolated, listed

__all__ = ["ChainLink", "Follows", "NearText", "UnlockingSet", "WhyReport", "why"]

_SHOWN = 12


@dataclass(frozen=True)
class ChainLink:
    """A skill on the way to a learned one.

    Attributes:
        skill: Id.
        wave: Round in which it was learned; 0 for one known beforehand.
        text: Id of the text that taught it; None for one known beforehand.
        beside: Ids of the other skills of that text, which were learned before.
    """

    skill: str
    wave: int
    text: str | None
    beside: tuple[str, ...]


@dataclass(frozen=True)
class NearText:
    """A text that could teach a lacking skill.

    Attributes:
        text: Id.
        title: What people call it.
        lacks: Ids of its other lacking skills.
        too_many: How many of these must be learned before it teaches.
    """

    text: str
    title: str
    lacks: tuple[str, ...]
    too_many: int


@dataclass(frozen=True)
class Follows:
    """What is learned once some skills are taught.

    Attributes:
        skills: Number of skills learned, without those taught.
        texts: Number of texts understood.
        first: Ids of the first of these skills, in the order in which they are learned.
    """

    skills: int
    texts: int
    first: tuple[str, ...]


@dataclass(frozen=True)
class UnlockingSet:
    """Skills that unlock the skill if they are taught.

    Attributes:
        skills: Their ids.
        by_texts: True if one-skill texts of these would do it as well: none of them waits for a prerequisite.
        follows: What else is learned then.
    """

    skills: tuple[str, ...]
    by_texts: bool
    follows: Follows


@dataclass(frozen=True)
class WhyReport:
    """What is to be said of a skill and a layer.

    Attributes:
        layer: The layer.
        skill: Id.
        name: What people call it.
        skill_class: Class; None if it has none.
        learned: Whether it is learned.
        sentence: The answer in one sentence.
        wave: Round in which it was learned; None if it was not.
        chain: From the skill back to what was learned first: at each step the skill that was learned last before.
        before: Number of skills that had to be learned before it, over all branches.
        reason: A key of `explorer.service.lacking.REASONS`; None if it was learned, or none was recorded.
        never: True if no text of the layer could ever teach it, whatever else the texts teach.
        texts: The nearest texts.
        prerequisites: Ids of prerequisites that are not learned.
        group: Ids of the skills that wait for each other, itself among them: any one of them brings all the others.
        twins: Number of lacking skills that occur in exactly the same texts, itself included.
        component: Number of lacking skills in its connected part of what is lacking.
        unlocking: Smallest sets of other skills that unlock it.
        least: No fewer skills unlock it: proved.
        proved: True if `unlocking` are proved to be as small as can be.
        taught: What follows if the skill itself is taught outright.
        mastery: Probability that the model masters it, in a layer from outcomes.
    """

    layer: LayerInfo
    skill: str
    name: str
    skill_class: str | None
    learned: bool
    sentence: str
    wave: int | None = None
    chain: tuple[ChainLink, ...] = ()
    before: int = 0
    reason: str | None = None
    never: bool = False
    texts: tuple[NearText, ...] = ()
    prerequisites: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    twins: int = 0
    component: int = 0
    unlocking: tuple[UnlockingSet, ...] = ()
    least: int = 0
    proved: bool = True
    taught: Follows | None = None
    mastery: float | None = None


def why(store: Store, dataset: str, layer: str, skill: str, *, texts: int = 5, work: int = 200_000_000) -> WhyReport:
    """Why a skill is or is not learned in a layer.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: Name of the layer.
        skill: Id of a skill of the dataset.
        texts: Most texts and sets to give.
        work: Entries of the graph to look at while smallest sets are searched for.

    Returns:
        The chain that led to it, or what stands in its way.

    Raises:
        NotFoundError: No such dataset, layer or skill.
    """
    source = read_dataset(store, dataset)
    row = source.skills["id"].index(skill).as_py()
    if row < 0:
        near = [known for known in source.skills["id"].to_pylist() if skill.lower() in known.lower()][:3]
        hint = f"; did you mean {', '.join(map(repr, near))}?" if near else ""
        raise NotFoundError(f"dataset {dataset!r} has no skill {skill!r}{hint}")
    name = source.skills["name"][row].as_py() or skill
    skill_class = source.skills["class"][row].as_py()
    info = layer_view(store, dataset, layer).info
    if info.kind == "evidence":
        return _from_outcomes(store, info, skill, name, skill_class)
    at = situation(store, dataset, layer)
    found = at.indexed.skills.mask([skill])
    if not found.any():
        sentence = f"{isolated(name)} is not learned: {REASONS['unused']}."
        return WhyReport(info, skill, name, skill_class, False, sentence, reason="unused", never=True)
    s = int(np.flatnonzero(found)[0])
    ids = at.indexed.skills.ids.to_pylist()
    if at.learned[s]:
        return _learned(at, ids, s, name, skill_class)
    return _lacking(at, ids, s, name, skill_class, texts, work)


def _from_outcomes(store: Store, info: LayerInfo, skill: str, name: str, skill_class: str | None) -> WhyReport:
    layer = store.read_layer(info.dataset, info.name)
    place = layer.skills["skill"].index(skill).as_py()
    if place >= 0:
        mastery, by = (layer.skills[column][place].as_py() for column in ("mastery", "by"))
        sentence = f"{isolated(name)} is mastered with probability {mastery:.2f}" + (
            f"; the evidence for it is {by}." if by else "."
        )
        return WhyReport(info, skill, name, skill_class, True, sentence, wave=1, mastery=mastery)
    lacks = layer_lacks(store, info.dataset, info.name)
    place = lacks["skill"].index(skill).as_py()
    if place < 0:
        told = "the reason was not recorded" if info.lacks is None else "the dataset did not have it then"
        sentence = (
            f"{isolated(name)} was not in the layer when the model was estimated: {told}. Estimate the model again."
        )
        return WhyReport(info, skill, name, skill_class, False, sentence)
    reason, known = (lacks[column][place].as_py() for column in ("reason", "mastery"))
    sentence = f"{isolated(name)} is not in the layer: {REASONS[reason]}" + (
        f" (probability {known:.2f})." if known else "."
    )
    return WhyReport(info, skill, name, skill_class, False, sentence, reason=reason, mastery=known)


def _learned(at: Situation, ids: Sequence[str], s: int, name: str, skill_class: str | None) -> WhyReport:
    texts = at.indexed.text_ids.to_pylist()
    chain, seen = [], {s}
    here: int | None = s
    while here is not None:
        t = int(at.by[here])
        others = [u for u in _row(at, t).tolist() if u != here] if t >= 0 else []
        beside = tuple(ids[u] for u in others)
        chain.append(ChainLink(ids[here], int(at.wave[here]), texts[t] if t >= 0 else None, beside))
        earlier = [u for u in others if 0 <= at.wave[u] < at.wave[here]]
        here = max(earlier, key=lambda u: (at.wave[u], -u)) if earlier else None
    front = [s]
    while front:
        u = front.pop()
        if at.by[u] < 0:
            continue
        for v in _row(at, int(at.by[u])).tolist():
            if v not in seen and 0 <= at.wave[v] < at.wave[u]:
                seen.add(v)
                front.append(v)
    wave = int(at.wave[s])
    if wave == 0:
        sentence = f"{isolated(name)} was known before the first text."
    else:
        first = "alone" if not chain[0].beside else f"once its {len(chain[0].beside)} other skills were learned"
        sentence = f"{isolated(name)} was learned in wave {wave}, from {isolated(chain[0].text or '')} {first}."
    return WhyReport(
        at.info, ids[s], name, skill_class, True, sentence, wave=wave, chain=tuple(chain), before=len(seen) - 1
    )


def _row(at: Situation, text: int) -> NDArray[np.int32]:
    graph = at.indexed.graph
    return graph.text_skills[graph.text_ptr[text] : graph.text_ptr[text + 1]]


def _lacking(
    at: Situation, ids: Sequence[str], s: int, name: str, skill_class: str | None, most: int, work: int
) -> WhyReport:
    graph, needed = at.indexed.graph, at.indexed.prerequisites
    left = residual(graph, at.learned, at.capacity, learnable=at.learnable, prerequisites=needed)
    cascade = Cascade(graph, at.learned, at.capacity, learnable=at.learnable, prerequisites=needed)
    reason = _reason_name(left, s)
    waits = [] if needed is None else [int(p) for p in needed[0][needed[1] == s] if not at.learned[p]]
    near = _near_texts(at, ids, s, cascade, most)
    members = np.flatnonzero(left.group == left.group[s]) if left.group[s] >= 0 else np.zeros(0, int)
    unlocking: tuple[UnlockingSet, ...] = ()
    least, proved = 0, True
    if reason not in ("unused", "frozen", "silent"):
        found = unlock(cascade, s, most=most, work=work)
        least, proved = found.least, found.proved
        pending = cascade.state.pending
        unlocking = tuple(
            UnlockingSet(
                tuple(ids[u] for u in chosen),
                not bool(pending[list(chosen)].any()),
                _follows(cascade.follow(list(chosen)), ids, s),
            )
            for chosen in found.sets
        )
        unlocking = tuple(sorted(unlocking, key=lambda u: -u.follows.skills))
    sentence = _sentence(name, reason, near, [ids[p] for p in waits], unlocking, least, proved)
    return WhyReport(
        at.info,
        ids[s],
        name,
        skill_class,
        False,
        sentence,
        reason=reason,
        never=reason in NEVER,
        texts=near,
        prerequisites=tuple(ids[p] for p in waits),
        group=tuple(ids[u] for u in members.tolist()),
        twins=int(left.twins[s]),
        component=int(left.component_sizes[left.component[s]]) if left.component[s] >= 0 else 1,
        unlocking=unlocking,
        least=least,
        proved=proved,
        taught=_follows(cascade.follow([s]), ids, s),
    )


def _reason_name(left: Residual, s: int) -> str:
    return Reason(int(left.reason[s])).name.lower()


def _follows(followed: Followed, ids: Sequence[str], asked: int) -> Follows:
    after = [int(u) for u in followed.skills[followed.taught :]]
    shown = [u for u in after if u != asked][:_SHOWN]
    return Follows(len(after), followed.texts, tuple(ids[u] for u in shown))


def _near_texts(at: Situation, ids: Sequence[str], s: int, cascade: Cascade, most: int) -> tuple[NearText, ...]:
    graph, state = at.indexed.graph, cascade.state
    texts = graph.skill_texts[graph.skill_ptr[s] : graph.skill_ptr[s + 1]]
    over = np.maximum(state.lacking[texts] - state.capacity[texts], 0)
    order = np.lexsort((texts, state.lacking[texts], over, (state.capacity[texts] < 1) | (state.closed[texts] > 0)))
    names, titles = at.indexed.text_ids, at.indexed.text_column("title")
    found = []
    for t in texts[order[:most]]:
        lacks = [u for u in _row(at, int(t)).tolist() if u != s and not at.learned[u]]
        too_many = max(int(state.lacking[t] - state.capacity[t]), 0)
        key = names[int(t)].as_py()
        found.append(NearText(key, titles[int(t)].as_py() or key, tuple(ids[u] for u in lacks), too_many))
    return tuple(found)


def _told(skills: Sequence[str]) -> str:
    """Ids in a sentence: quoted where they have commas, and isolated."""
    return listed(isolated(skill) for skill in skills)


def _sentence(
    name: str,
    reason: str,
    near: Sequence[NearText],
    waits: Sequence[str],
    unlocking: Sequence[UnlockingSet],
    least: int,
    proved: bool,
) -> str:
    said = f"{isolated(name)} is not learned: {REASONS[reason]}."
    if reason in NEVER:
        said += " No text of this layer could ever teach it by itself."
    if waits:
        said += f" Prerequisites that are not learned: {_told(waits[:5])}."
    if unlocking:
        size = len(unlocking[0].skills)
        if size == 1:
            said += f" Teaching {_told(unlocking[0].skills[:1])} would unlock it."
        elif proved:
            said += f" At least {size} other skills must be taught to unlock it: {_told(unlocking[0].skills[:5])}."
        else:
            said += f" Teaching {size} other skills would unlock it; fewer than {least} cannot."
    return said
