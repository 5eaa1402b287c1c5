"""Hierarchies and two classes of texts, without a browser."""

import numpy as np
import pytest

from analysis.peeling import peel
from explorer.errors import SkillgraphError
from explorer.service import LayerView, layer_view
from explorer.store.opening import open_store
from tests.ui.course import BLOCKER, fill, prerequisites, skills
from ui.drawing.hierarchies import (
    ROWS,
    Hierarchy,
    blocked_rows,
    hierarchy,
    skill_levels,
    tree_elements,
    tree_rows,
    unfold,
)
from ui.drawing.stability import region, text_groups, two_classes
from ui.pages.classes import answers, class_table, level_table, matching
from ui.pages.classes.answers import boxes_said, tree_figure, tree_said


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> LayerView:
    path = tmp_path_factory.mktemp("course") / "course.kgl"
    fill(path)
    return layer_view(open_store(path, mode="read"), "course", "continued")


@pytest.fixture(scope="module")
def needs(view: LayerView) -> Hierarchy:
    found = hierarchy(view, "prerequisites")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def parts(view: LayerView) -> Hierarchy:
    found = hierarchy(view, "parts")
    assert found is not None
    return found


def shown(found: Hierarchy, rows) -> list[str]:
    return [found.ids[row.skill] for row in rows if row.skill >= 0]


def test_a_hierarchy_opens_collapsed(parts: Hierarchy, needs: Hierarchy) -> None:
    assert shown(parts, unfold(parts)) == ["all"]
    assert set(shown(needs, unfold(needs))) == {s for s in skills() if s.startswith("s0")}
    assert not any(row.open for row in unfold(needs))


def test_opening_shows_children_and_the_rest_on_demand(parts: Hierarchy) -> None:
    rows = unfold(parts, ["all", "early"])
    under = [s for s in skills() if s[1] in "01"]
    assert len([s for s in shown(parts, rows) if s in under]) == 16
    rest = [row for row in rows if row.skill < 0]
    assert [(parts.ids[row.parent], row.rest) for row in rest] == [("early", len(under) - 16)]
    everything = unfold(parts, ["all", "early"], ["early"])
    assert set(under) <= set(shown(parts, everything))
    assert all(row.skill >= 0 for row in everything)


def test_every_line_has_a_place_of_its_own(needs: Hierarchy) -> None:
    rows = unfold(needs, skills(), skills())
    assert set(shown(needs, rows)) == set(skills())
    assert len({(row.x, row.y) for row in rows}) == len(rows) == len(skills())
    x = {needs.ids[row.skill]: row.x for row in rows}
    assert all(x[before] < x[after] for before, after in prerequisites())


def test_elements_have_every_shown_link_once(needs: Hierarchy) -> None:
    rows = unfold(needs, skills(), skills())
    elements = tree_elements(needs, rows)
    links = [e["data"] for e in elements if "source" in e["data"]]
    assert sorted((e["source"][2:], e["target"][2:]) for e in links) == prerequisites()
    names = [e["data"]["id"] for e in elements]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("most", [1, 3, 7, 1_000])
def test_what_is_beyond_the_limit_is_counted_where_it_belongs(needs: Hierarchy, most: int) -> None:
    rows = unfold(needs, skills(), skills(), most=most)
    there = set(shown(needs, rows))
    assert len(there) == min(most, len(skills()))
    rest = {row.parent: row.rest for row in rows if row.skill < 0}
    assert rest.pop(-1, 0) == sum(needs.ids[root] not in there for root in needs.roots)
    for skill in there:
        below = [needs.ids[child] for child in needs.below[needs.row[skill]]]
        assert rest.pop(needs.row[skill], 0) == sum(child not in there for child in below)
    assert not rest
    said = tree_said(needs, "prerequisites", len(there), most)
    assert ("No more than" in said) == (len(there) < len(skills()))
    assert ("choose more rows" in said) == (len(there) < len(skills()) and most < ROWS[-1])


def test_a_skill_that_is_looked_for_is_shown_beyond_the_limit(needs: Hierarchy) -> None:
    chain = set(shown(needs, unfold(needs, focus="s3-00")))
    kept = {needs.ids[i] for i in needs.over(needs.row["s3-00"])} | {"s3-00"}
    assert kept <= chain & set(shown(needs, unfold(needs, focus="s3-00", most=1)))


def test_boxes_say_which_of_the_skills_with_parts_they_draw(view: LayerView, monkeypatch: pytest.MonkeyPatch) -> None:
    many = len(tree_figure(view).data[0].ids) and boxes_said(view)
    assert "Boxes: all" in many
    assert "“Parts” has all" not in many
    monkeypatch.setattr(answers, "PARENTS", 1)
    monkeypatch.setattr(answers, "_CHILDREN", 2)
    few = boxes_said(view)
    assert "Boxes: the 1 with the most parts of " in few
    assert "its 2 most used parts are drawn" in few
    assert few.endswith("“Parts” has all of them.")


def test_focus_brings_the_whole_chain(needs: Hierarchy) -> None:
    rows = unfold(needs, focus="s3-00")
    chain, waiting = {"s3-00"}, ["s3-00"]
    while waiting:
        skill = waiting.pop()
        more = {a for a, b in prerequisites() if b == skill} - chain
        chain |= more
        waiting += more
    assert chain <= set(shown(needs, rows))
    marked = [e for e in tree_elements(needs, rows, "s3-00") if e.get("classes") == "chain"]
    assert {e["data"]["source"][2:] for e in marked} == chain - {"s3-00"}


def test_states_are_told(needs: Hierarchy, view: LayerView) -> None:
    classes = {
        e["data"]["id"][2:]: e["classes"].split()
        for e in tree_elements(needs, unfold(needs, skills(), skills()))
        if "source" not in e["data"]
    }
    learned = set(view.indexed.skills.take(np.flatnonzero(view.learned)).to_pylist())
    for skill, found in classes.items():
        assert ("learned" in found) == (skill in learned)
    assert "missing" in classes[BLOCKER]
    assert "blocked" in classes["s1-00"]


def test_shares_count_what_is_below(parts: Hierarchy, view: LayerView) -> None:
    everything = parts.row["all"]
    assert parts.size(everything) == view.indexed.graph.n_skills
    assert parts.share(everything) == pytest.approx(view.learned.mean())


def test_the_table_has_the_lines_of_the_picture(needs: Hierarchy) -> None:
    rows = unfold(needs, [BLOCKER])
    table = tree_rows(needs, rows)
    elements = tree_elements(needs, rows)
    assert [row["id"] for row in table] == [e["data"]["id"] for e in elements if "source" not in e["data"]]


def test_only_a_prerequisite_blocks(parts: Hierarchy, needs: Hierarchy) -> None:
    lacking = [i for i in range(len(parts.ids)) if parts.required[i] and not parts.learned[i]]
    assert any(needs.blocked(i) for i in lacking)
    assert not any(parts.blocked(i) for i in lacking)


def test_blocked_skills_and_what_blocks_them(needs: Hierarchy, view: LayerView) -> None:
    rows = {row["id"]: row for row in blocked_rows(needs, view)}
    missing = {s for s in skills() if s not in view.indexed.skills.take(np.flatnonzero(view.learned)).to_pylist()}
    expected = {b for a, b in prerequisites() if a in missing and b in missing}
    assert set(rows) == expected
    assert all(row["roots"] == f"skill {BLOCKER}" for row in rows.values())
    graph = view.indexed.graph
    for skill, row in rows.items():
        s = int(view.indexed.skills.indices([skill])[0])
        texts = graph.skill_texts[graph.skill_ptr[s] : graph.skill_ptr[s + 1]]
        alone = [
            t
            for t in texts
            if sum(not view.learned[k] for k in graph.text_skills[graph.text_ptr[t] : graph.text_ptr[t + 1]]) == 1
        ]
        assert row["ready"] == len(alone)


def test_levels_and_classes_add_up(view: LayerView) -> None:
    for table in (level_table(view), class_table(view)):
        assert sum(n for _, n, _ in table) == view.indexed.graph.n_skills
        assert sum(known for _, _, known in table) == int(view.learned.sum())
    assert [name for name, _, _ in level_table(view)] == ["level 0", "level 1", "level 2", "level 3"]
    by_level = dict(zip(view.indexed.skills.ids.to_pylist(), skill_levels(view), strict=True))
    assert all(level == int(skill[1]) for skill, level in by_level.items())


def test_groups_of_texts(view: LayerView) -> None:
    groups = {group.key: group.texts for group in text_groups(view)}
    assert groups["part:advanced"] == 90
    assert sum(n for key, n in groups.items() if key.startswith("class:")) == view.indexed.graph.n_texts


def test_two_classes_are_peeled_by_themselves(view: LayerView) -> None:
    found = two_classes(view, "class:exam", "class:lecture")
    graph = view.indexed.graph
    chosen = np.flatnonzero(np.isin(view.indexed.text_column("class").to_pylist(), ["exam", "lecture"]))
    part = graph.subset(chosen)
    used = part.skill_degrees > 0
    result = peel(part, 1, prerequisites=view.indexed.prerequisites)
    assert found.skills == int(used.sum())
    assert found.measured == pytest.approx(result.learned[used].mean())
    assert sum(found.texts) == len(chosen)
    assert found.ratios == pytest.approx((found.texts[0] / found.skills, found.texts[1] / found.skills))


@pytest.mark.parametrize(
    ("x", "y"), [("class:exam", "class:exam"), ("class:exam", "part:basics"), ("class:none", "class:exam"), ("", "?")]
)
def test_groups_that_make_no_pair(view: LayerView, x: str, y: str) -> None:
    with pytest.raises(SkillgraphError):
        two_classes(view, x, y)


@pytest.mark.long
def test_the_region_holds_the_point_that_theory_says_is_learned(view: LayerView) -> None:
    found = two_classes(view, "class:exam", "class:lecture")
    stages: list[str] = []
    square = region(lambda stage, done, total: stages.append(stage), found.ensemble, found.learner, (5.0, 0.5))
    assert square.limit >= 5.0
    assert len(stages) == 2
    below = np.all(square.border <= np.array(found.ratios), axis=1)  # more texts never unlearn
    assert below.any() == all(share >= 0.5 for _, share in found.by_class)


def test_search_finds_names_and_keeps_what_was_chosen(view: LayerView) -> None:
    found = matching(view, "SKILL s1-0", None)
    assert {option["value"] for option in found} == {f"s1-0{i}" for i in range(10)}
    assert matching(view, "early", "s0-00")[0] == {"value": "s0-00", "label": "skill s0-00"}
    assert matching(view, "no such", None) == []
    assert len(matching(view, "", None, most=7)) == 7
    assert matching(view, "no such", "gone") == [{"value": "gone", "label": "gone"}]
