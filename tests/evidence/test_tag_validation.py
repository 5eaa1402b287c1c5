"""Planted wrong tags are found by the G-DINA discrimination index, and right ones are left alone."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.diagnosis import diagnose
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from analysis.tag_validation import masters_fail, variance_changes

SKILLS, TEXTS, RESPONDENTS = 4, 20, 800


def graph_of(rows: list[set[int]]) -> SkillTextGraph:
    texts = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    return SkillTextGraph.from_edges(texts, np.concatenate([sorted(row) for row in rows]), len(rows), SKILLS)


def world(seed: int) -> tuple[list[set[int]], np.ndarray, np.random.Generator]:
    """Two texts of each skill alone, others of two; DINA outcomes with slip and guess 0.1."""
    rng = np.random.default_rng(seed)
    rows = [{k % SKILLS} for k in range(2 * SKILLS)]
    rows += [set(rng.choice(SKILLS, 2, replace=False).tolist()) for _ in range(TEXTS - len(rows))]
    mastered = rng.random((RESPONDENTS, SKILLS)) < 0.6
    able = np.stack([mastered[:, sorted(row)].all(axis=1) for row in rows], axis=1)
    return rows, (rng.random(able.shape) < np.where(able, 0.9, 0.1)).astype(float), rng


@pytest.mark.parametrize("seed", [1, 2])
def test_planted_tags_are_found(seed: int) -> None:
    rows, scores, _ = world(seed)
    planted = set()
    wrong = [set(row) for row in rows]
    for text in (9, 13):
        dropped = min(wrong[text])
        wrong[text].remove(dropped)
        planted.add((text, dropped, True))
    for text in (11, 17):
        extra = min(set(range(SKILLS)) - wrong[text])
        wrong[text].add(extra)
        planted.add((text, extra, False))
    graph = graph_of(wrong)
    found = variance_changes(graph, scores, diagnose(graph, scores, structure="gdina"))
    got = set(zip(found.text.tolist(), found.skill.tolist(), found.added.tolist(), strict=True))
    assert planted <= got
    # 76 right tags and right absences are looked at as well; the cut at 95 % lets few of them through
    assert len(got - planted) <= 2
    assert (found.q_value[found.added] <= 0.05).all()
    assert found.added[:2].all(), "what adds beyond chance comes first"


def test_right_tags_are_left_alone() -> None:
    rows, scores, _ = world(3)
    graph = graph_of(rows)
    assert len(variance_changes(graph, scores, diagnose(graph, scores, structure="gdina"))) <= 2


def test_a_text_that_masters_fail() -> None:
    rows, scores, rng = world(4)
    scores[:, 10] = rng.random(RESPONDENTS) < 0.1
    fit = diagnose(graph_of(rows), scores)
    assert masters_fail(fit).tolist() == [10]


def test_errors() -> None:
    rows, scores, _ = world(5)
    graph = graph_of(rows)
    fit = diagnose(graph, scores[:50])
    with pytest.raises(AnalysisError, match="the fit is of other outcomes"):
        variance_changes(graph, scores, fit)
    with pytest.raises(AnalysisError, match="cut is 0"):
        variance_changes(graph, scores[:50], fit, cut=0)
