"""The graph page's state, and what it says is drawn."""

from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from explorer.service.lacking import REASONS
from tests.ui.large import large_graph
from ui.drawing.colourings import colourings
from ui.drawing.elements import group_drawing
from ui.drawing.filters import Filters
from ui.drawing.graphs import GROUP_LIMIT, NODE_LIMIT, NODE_LIMITS, edge_limit
from ui.pages.graph.inspector import ALL_OPTIONS, every_option, inspector, skill_options, summary
from ui.pages.graph.lacking import lacking_panel
from ui.pages.graph.pictures import colour_keys, drawing, look, paint, part, picture, table_rows, text_options
from ui.pages.graph.state import not_learned, read_state, usual_view, write_list
from ui.source import Snapshot, Source

SUBJECT = ("small", "tuned")


@pytest.fixture(scope="module")
def snapshot(store_path: Path) -> Snapshot:
    return Source(store_path).snapshot()


def shown(snapshot: Snapshot, **query: str):
    return read_state(query, snapshot.graph(*SUBJECT))


def test_an_empty_address_is_the_usual_view(snapshot: Snapshot) -> None:
    state = shown(snapshot)
    assert (state.view, state.arrangement, state.per, state.colour) == ("skills", "islands", 3, "class")
    assert state.filters == Filters()


def test_an_address_says_everything(snapshot: Snapshot) -> None:
    classes = write_list(("alpha", "<b>gamma</b>"))
    state = shown(
        snapshot,
        view="groups",
        by="class",
        open="2,0",
        skill="b05",
        to="b07",
        around="b06",
        weight="2",
        waves="1-2",
        uses="1-2",
        mastery="50-200",
        classes=classes,
        hide="1,3",
        box="0,10.5,20,30",
        texts='["f001","f, 2"]',
        **{"as": "table"},
    )
    assert (state.view, state.by, state.opened, state.colour) == ("groups", "class", (2, 0), "class")
    assert (state.skill, state.goal, state.around) == ("b05", "b07", "b06")
    assert state.filters == Filters(
        2, (1, 2), ("<b>gamma</b>", "alpha"), (0.0, 10.5, 20.0, 30.0), uses=(1, 2), mastery=(50, 100)
    )
    assert (state.hidden, state.texts, state.table) == ((1, 3), ("f001", "f, 2"), True)


def test_what_is_not_there_is_passed_over(snapshot: Snapshot) -> None:
    state = shown(
        snapshot,
        view="x",
        by="x",
        layout="x",
        per="99",
        open="a,1",
        skill="none",
        weight="-3",
        waves="9",
        classes="[",
        box="1,0,0,1",
        texts="[1]",
    )
    assert (state.view, state.by, state.arrangement, state.per, state.opened) == (
        "skills",
        "community",
        "islands",
        3,
        (1,),
    )
    assert (state.skill, state.filters, state.texts) == (None, Filters(), ())


@pytest.mark.parametrize("box", ["-inf,inf,-inf,inf", "nan,1,0,1", "0,1e309,0,1", "-1e308,1e308,0,1", "0,1,0"])
def test_a_region_without_an_end_is_none(snapshot: Snapshot, box: str) -> None:
    assert shown(snapshot, view="map", box=box).filters.box is None


def test_digits_that_are_no_number_are_passed_over(snapshot: Snapshot) -> None:
    assert shown(snapshot, open="²", weight="²", waves="²-3", uses="1-x", mastery="-1-5", per="³") == shown(snapshot)


@pytest.mark.parametrize("key", ["skill", "to", "around"])
def test_a_skill_that_is_not_there_is_named(snapshot: Snapshot, key: str) -> None:
    graph = snapshot.graph(*SUBJECT)
    assert not_learned({"skill": "b05", key: "b06"}, graph) is None
    told = not_learned({"skill": "b05", key: "nosuch"}, graph)
    assert told == "Dataset 'small' has no skill 'nosuch'."


def test_every_skill_is_found_and_an_unlearned_one_has_its_reason_and_ways_on(snapshot: Snapshot) -> None:
    graph = snapshot.graph(*SUBJECT)
    offered = {option["value"]: option["label"] for option in every_option(graph, "", None)}
    dataset = graph.view.indexed.dataset
    assert list(offered)[: graph.n] == [option["value"] for option in skill_options(graph, "", None)]
    assert set(offered) == set(dataset.skills["id"].to_pylist())
    assert {i for i, label in offered.items() if label.startswith("○ ")} == set(offered) - set(graph.node_of)
    lacks = {row["skill"]: row["reason"] for row in snapshot.store.read_layer(*SUBJECT).lacks.to_pylist()}
    assert set(lacks) == set(offered) - set(graph.node_of)
    for skill, reason in lacks.items():
        told = str(lacking_panel(snapshot, graph, skill))
        assert "why-hollow" in told
        assert f"Not learned: {REASONS[reason]}." in told
        assert f"/why?dataset=small&layer=tuned&skill={skill}" in told
        assert "/runs?dataset=small&layer=tuned&run=plan" in told
    assert "/why?dataset=small&layer=tuned&skill=b05" in str(inspector(graph, "b05"))
    assert "Texts of its base that require it (3)" in str(lacking_panel(snapshot, graph, "u0"))
    foundation = snapshot.graph("small", "foundation")
    assert "Texts that require it (3)" in str(lacking_panel(snapshot, foundation, "u0"))


def test_an_address_may_choose_an_unlearned_skill_but_no_path_to_it(snapshot: Snapshot) -> None:
    graph, skill = snapshot.graph(*SUBJECT), "u0"
    assert (shown(snapshot, skill=skill).skill, shown(snapshot, to=skill).goal) == (skill, None)
    assert not_learned({"skill": skill}, graph) is None
    told = not_learned({"skill": "b05", "to": skill}, graph)
    assert told == f"Layer 'tuned' has not learned the skill {skill!r}, so no path leads to it."


@pytest.mark.parametrize("view", ["texts", "neighbours"])
def test_an_unlearned_skill_is_drawn_hollow_beside_its_texts(snapshot: Snapshot, view: str) -> None:
    skill = "u0"
    found = drawing(snapshot, SUBJECT, shown(snapshot, view=view, skill=skill))
    classes = {element["data"]["id"]: element.get("classes", "") for element in found.elements}
    assert "unlearned" in classes[f"u:{skill}"]
    assert any(name.startswith("t:") for name in classes)
    assert ("It is not learned" in found.caption) == (view == "neighbours")


def test_former_addresses_still_work(snapshot: Snapshot) -> None:
    assert shown(snapshot, view="communities").view == "groups"


def test_large_layers_open_on_groups() -> None:
    graph = large_graph(NODE_LIMIT + 500, groups=5)
    assert usual_view(graph) == "groups"
    assert read_state({"box": "0,1,0,1"}, graph).view == "skills"
    some = large_graph(ALL_OPTIONS, groups=5)
    assert len(skill_options(some, "", None)) == some.n


def test_as_many_skills_are_drawn_as_a_person_chooses(snapshot: Snapshot) -> None:
    """Skills, and those of opened groups; the line says how more are had, until there is no more to choose."""
    total = snapshot.graph(*SUBJECT).n
    fewer, more = total - 3, total - 1
    with (
        mock.patch("ui.pages.graph.state.NODE_LIMITS", (fewer, more)),
        mock.patch("ui.pages.graph.state.NODE_LIMIT", fewer),
        mock.patch("ui.pages.graph.pictures.NODE_LIMITS", (fewer, more)),
    ):
        usual, larger, other = (shown(snapshot, view="skills", most=most) for most in ("", str(more), str(total)))
        assert (usual.most, larger.most, other.most) == (fewer, more, fewer)
        few, many = (drawing(snapshot, SUBJECT, state) for state in (usual, larger))
    assert (few.skills, many.skills) == (fewer, more)
    assert few.caption.startswith(f"The {fewer} most used of {total} skills: draw more or filter them under “Options”,")
    assert many.caption.startswith(f"The {more} most used of {total} skills: filter them, or see all")
    graph = large_graph(NODE_LIMITS[1], groups=1)
    look = {"look": colourings(graph)["class"]}
    for most in NODE_LIMITS[:2]:
        found = group_drawing(graph, look, opened=list(range(len(graph.groupings["community"].numbers))), limit=most)
        assert found.skills == most - GROUP_LIMIT // 2
        assert 0 < found.edges <= edge_limit(most)


def test_of_very_many_skills_those_that_match_are_offered() -> None:
    graph = large_graph(3_500, groups=5)
    found = skill_options(graph, "s0000", "s000111")
    assert found[0]["value"] == "s000111"
    assert len(found) == 40
    assert all("s0000" in option["label"] for option in found[1:])


def test_of_very_many_skills_learned_and_unlearned_ones_that_match_are_offered(snapshot: Snapshot) -> None:
    graph, skill = snapshot.graph(*SUBJECT), "u0"
    with mock.patch("ui.pages.graph.inspector.ALL_OPTIONS", 0):
        some = every_option(graph, "", None, limit=6)
        assert [option["label"].startswith("○") for option in some] == [False] * 3 + [True] * 3
        chosen = every_option(graph, "", skill, limit=6)
        assert chosen[0]["value"] == skill
        assert every_option(graph, chosen[0]["label"], skill, limit=6) == chosen
        name = chosen[0]["label"].removeprefix("○ ").removesuffix(" · not learned")
        assert skill in {option["value"] for option in every_option(graph, name.upper(), None, limit=6)}
        assert every_option(graph, "no such name", None) == []


@pytest.mark.parametrize("view", ["skills", "groups", "neighbours", "texts"])
def test_the_table_has_the_picture_s_rows(snapshot: Snapshot, view: str) -> None:
    state = shown(snapshot, view=view, around="b05", open="0")
    nodes = {e["data"]["id"] for e in drawing(snapshot, SUBJECT, state).elements if "source" not in e["data"]}
    if view == "skills":
        nodes = {name for name in nodes if not name.startswith("i:")}
    rows = table_rows(snapshot, SUBJECT, state)
    assert {row["id"] for row in rows} == nodes
    assert all(row["name"] for row in rows)


@pytest.mark.parametrize("view", ["skills", "groups"])
def test_new_colours_are_those_of_a_new_picture(snapshot: Snapshot, view: str) -> None:
    old, new = shown(snapshot, view=view, open="0", colour="class"), shown(snapshot, view=view, open="0", colour="wave")
    colours = look(snapshot, SUBJECT, new)
    painted = paint(drawing(snapshot, SUBJECT, old), part(snapshot, SUBJECT, old), old.by, colours)
    for element in drawing(snapshot, SUBJECT, new).elements:
        data = element["data"]
        if "c_look" in data:
            assert painted["palette"][painted["of"][data["id"]]] == data["c_look"]


def test_filters_reach_the_picture(snapshot: Snapshot) -> None:
    state = shown(snapshot, waves="1-1", colour="wave")
    found = drawing(snapshot, SUBJECT, state)
    waves = {e["data"]["wave"] for e in found.elements if str(e["data"]["id"]).startswith("s:")}
    assert waves == {1}
    assert [c.label for c in look(snapshot, SUBJECT, state).categories if c.count] == ["wave 1"]
    assert drawing(snapshot, SUBJECT, shown(snapshot, weight="999999")).elements == []


def test_membership_and_change_agree(snapshot: Snapshot) -> None:
    """With a foundation and one layer tuned from it, kept is in both layers and gained in one."""
    both = look(snapshot, SUBJECT, shown(snapshot, colour="layers"))
    change = look(snapshot, SUBJECT, shown(snapshot, colour="change"))
    pairs = {
        (both.categories[a].label, change.categories[b].label)
        for a, b in zip(both.of.tolist(), change.of.tolist(), strict=True)
    }
    assert pairs == {("all 2 layers", "kept"), ("tuned", "gained")}


def test_every_colouring_draws(snapshot: Snapshot) -> None:
    keys = colour_keys(snapshot, SUBJECT)
    assert set(keys) >= {"class", "wave", "community", "change", "layers", "degree", "betweenness"}
    assert "level" not in keys, "the dataset has no levels"
    for key in keys:
        assert look(snapshot, SUBJECT, shown(snapshot, colour=key)).key == key
    assert look(snapshot, SUBJECT, shown(snapshot, colour="none")).key == "class"


def test_the_map_counts_what_is_in_view(snapshot: Snapshot) -> None:
    graph = snapshot.graph(*SUBJECT)
    whole = picture(snapshot, SUBJECT, shown(snapshot, view="map"))
    assert len(whole.picture.inside) == graph.n
    x, y = graph.map_positions[4]
    near = picture(snapshot, SUBJECT, shown(snapshot, view="map", box=f"{x - 60},{x + 60},{y - 60},{y + 60}"))
    assert 0 < len(near.picture.inside) < graph.n
    assert near.graph is graph, "the region is the view, not a filter"


def test_texts_are_found_by_their_titles(snapshot: Snapshot) -> None:
    graph = snapshot.graph(*SUBJECT)
    found = text_options(graph, "TEXT F00", ("g001",))
    assert found[0]["value"] == "g001"
    assert {option["value"] for option in found[1:]} == {f"f00{i}" for i in range(10)}


def texts_in(component) -> str:
    """All text of a component."""
    if component is None or isinstance(component, int | float | bool):
        return ""
    if isinstance(component, str):
        return component + "\n"
    if isinstance(component, list | tuple):
        return "".join(map(texts_in, component))
    return texts_in(getattr(component, "children", None))


def test_the_inspector_tells_how_a_skill_was_learned(snapshot: Snapshot) -> None:
    graph = snapshot.graph(*SUBJECT)
    node = int(np.argmax(graph.wave))
    text = texts_in(inspector(graph, graph.skill_id(node)))
    assert graph.name[node] in text
    for title in ("Taught by", "How it was learned", "Part of", "Associations", "Texts that require it"):
        assert title in text
    assert f"{graph.n:,} learned skills" in texts_in(summary(graph))
