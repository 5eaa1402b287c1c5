"""How the learner came to a skill, against the definition."""

import itertools

import numpy as np

from ui.drawing.graphs import LayerGraph, skills_of
from ui.drawing.learning_path import learning_path, needed_before, relatives


def waiting(view, skill: int) -> set[int]:
    """Skills that the text which taught a skill needed and that were learned before it."""
    text = int(view.by[skill])
    if view.wave[skill] <= 0 or text < 0:
        return set()
    return {s for s in skills_of(view, text) if s != skill and 0 < view.wave[s] < view.wave[skill]}


def test_each_lesson_needs_the_one_before(small_graph: LayerGraph) -> None:
    view = small_graph.view
    longest = 0
    for skill in small_graph.skill.tolist():
        chain = learning_path(view, skill)
        assert chain[-1].skill == skill
        longest = max(longest, len(chain))
        waves = [step.wave for step in chain]
        assert waves == sorted(set(waves))
        for before, now in itertools.pairwise(chain):
            required = list(skills_of(view, now.text))
            assert {before.skill, now.skill} <= set(required)
            known = [int(view.wave[s]) for s in required if s != now.skill and view.wave[s] < now.wave]
            assert before.wave == max(known), "it waited for the last of them"
        assert chain[0].wave == 0 or not waiting(view, chain[0].skill)
    assert longest > 2


def test_chain_has_a_lesson_a_wave_in_a_one_skill_learner(small_graph: LayerGraph) -> None:
    """A skill of wave k was taught by a text whose last other skill is of wave k - 1."""
    for skill in small_graph.skill[small_graph.wave > 0].tolist():
        chain = learning_path(small_graph.view, skill)
        if chain[0].wave <= 1:
            assert [step.wave for step in chain] == list(range(chain[0].wave, chain[-1].wave + 1))


def test_needed_is_the_closure(small_graph: LayerGraph) -> None:
    view = small_graph.view
    for skill in small_graph.skill[:: max(small_graph.n // 12, 1)].tolist():
        found, before = {skill}, set()
        while found != before:
            before = set(found)
            found |= set().union(*(waiting(view, s) for s in before))
        skills, texts = needed_before(view, skill)
        assert set(skills.tolist()) == found - {skill}
        taught = {int(view.by[s]) for s in found if view.wave[s] > 0}
        assert set(texts.tolist()) == taught - {-1}


def test_relatives_are_those_of_the_dataset(small_graph: LayerGraph) -> None:
    found = relatives(small_graph.view, "b01")
    assert found.parents == (("group-1", "group 1"),)
    assert (found.before, found.after, found.parts) == ((), (), ())
    parts = relatives(small_graph.view, "group-0").parts
    table = small_graph.view.indexed.dataset.part_of.to_pylist()
    assert sorted(child for child, _ in parts) == sorted(r["child"] for r in table if r["parent"] == "group-0")
    assert len(np.unique([name for _, name in parts])) == len(parts)
