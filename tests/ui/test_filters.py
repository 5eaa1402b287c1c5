"""Filters of the association graph, against loops."""

import json
from dataclasses import replace
from urllib.parse import parse_qs

import numpy as np
import pytest

from explorer.store.protocol import Node, QueryResult
from ui.brushes import Brush, TableBrushes
from ui.brushes import bars as drawn_bars
from ui.drawing.elements import Drawing
from ui.drawing.filters import Filters, counts_sentence, filtered
from ui.drawing.graphs import LayerGraph, most_used, subgraph
from ui.drawing.histograms import Scale, histogram, last_place, masteries, uses, waves, weights, within
from ui.drawing.map_picture import whole_box
from ui.pages.graph.pictures import ringed
from ui.pages.query.answers import MOST_ADDED, result_skills, skills_link


def ids(graph: LayerGraph) -> set[str]:
    return set(graph.node_of)


def pairs(graph: LayerGraph) -> dict[frozenset[str], int]:
    return {
        frozenset((graph.skill_id(a), graph.skill_id(b))): int(w)
        for a, b, w in zip(graph.source.tolist(), graph.target.tolist(), graph.weight, strict=True)
    }


def test_no_filter_is_the_graph_itself(small_graph: LayerGraph) -> None:
    assert filtered(small_graph, Filters()) is small_graph
    assert "Nothing is left out" in counts_sentence(small_graph, small_graph)


def test_weight_keeps_the_heavier_and_who_they_join(small_graph: LayerGraph) -> None:
    part = filtered(small_graph, Filters(weight=2))
    expected = {pair: weight for pair, weight in pairs(small_graph).items() if weight >= 2}
    assert pairs(part) == expected
    assert ids(part) == set().union(*expected)
    assert f"{part.n:,} of {small_graph.n:,} skills, {part.m:,} of {small_graph.m:,}" in counts_sentence(
        small_graph, part
    )


def test_waves_and_classes_keep_their_skills(small_graph: LayerGraph) -> None:
    chosen = small_graph.skill_class[0]
    part = filtered(small_graph, Filters(waves=(1, 2), classes=(chosen,)))
    expected = {
        small_graph.skill_id(i)
        for i in range(small_graph.n)
        if 1 <= small_graph.wave[i] <= 2 and small_graph.skill_class[i] == chosen
    }
    assert 0 < part.n < small_graph.n
    assert ids(part) == expected
    assert pairs(part) == {pair: w for pair, w in pairs(small_graph).items() if pair <= expected}


def test_weight_counts_what_the_other_filters_leave(small_graph: LayerGraph) -> None:
    chosen = small_graph.skill_class[0]
    part = filtered(small_graph, Filters(weight=2, classes=(chosen,)))
    assert set(part.skill_class) <= {chosen}
    assert np.all(np.bincount(np.concatenate((part.source, part.target)), minlength=part.n) > 0)


def test_a_span_of_uses_keeps_its_skills(small_graph: LayerGraph) -> None:
    part = filtered(small_graph, Filters(uses=(1, 1)))
    expected = {small_graph.skill_id(i) for i in range(small_graph.n) if 2 <= small_graph.uses[i] <= 3}
    assert 0 < part.n < small_graph.n
    assert ids(part) == expected
    top = last_place(small_graph.uses, "texts")
    assert filtered(small_graph, Filters(uses=(0, top))).n == small_graph.n


def test_a_span_of_mastery_keeps_its_skills(small_graph: LayerGraph) -> None:
    mastery = np.full(len(small_graph.view.mastery), np.nan)
    mastery[small_graph.skill] = np.linspace(0.0, 1.0, small_graph.n)
    mastery[small_graph.skill[0]] = np.nan
    graph = replace(small_graph, view=replace(small_graph.view, mastery=mastery))
    part = filtered(graph, Filters(mastery=(50, 100)))
    values = np.linspace(0.0, 1.0, graph.n)
    assert ids(part) == {graph.skill_id(i) for i in range(1, graph.n) if values[i] >= 0.5}
    bars = masteries(graph)
    assert sum(bars.counts) == graph.n - 1
    assert bars.counts[-1] == np.count_nonzero(values[1:] >= 0.95)


def test_bars_count_what_their_filter_would_keep(small_graph: LayerGraph) -> None:
    for bars, key in ((waves(small_graph), "waves"), (uses(small_graph), "uses")):
        assert sum(bars.counts) == small_graph.n
        for first, last, count, title in zip(bars.first, bars.last, bars.counts, bars.titles, strict=True):
            assert filtered(small_graph, Filters(**{key: (first, last)})).n == count
            assert f"{count:,} skill" in title
    bars = weights(small_graph)
    assert sum(bars.counts) == small_graph.m
    for first, last, count in zip(bars.first, bars.last, bars.counts, strict=True):
        inside = (small_graph.weight >= first) & (small_graph.weight <= last)
        assert count == np.count_nonzero(inside)
    assert masteries(small_graph).counts == ()
    assert max(bars.heights) == 100.0


@pytest.mark.parametrize("scale", ["wave", "texts", "share"])
def test_bars_of_a_table_part_what_has_a_value_and_nothing_keeps_what_has_none(scale: Scale) -> None:
    rng = np.random.default_rng(4)
    values = rng.random(300) if scale == "share" else rng.integers(0, 40, 300).astype(float)
    values[::7] = np.nan
    bars = histogram(values, scale)
    assert sum(bars.counts) == np.count_nonzero(~np.isnan(values))
    assert not within(values, scale, (0, last_place(values, scale)))[::7].any()
    assert within(values, scale, (0, last_place(values, scale))).sum() == sum(bars.counts)
    for first, last, count in zip(bars.first, bars.last, bars.counts, strict=True):
        assert within(values, scale, (first, last)).sum() == count
        shown = drawn_bars(bars, (first, last))
        assert [bar.className for bar in shown].count(None) == 1
    if scale == "texts":
        assert bars.titles[0] == f"0–1 texts: {bars.counts[0]} skills"


def test_brushes_of_a_table_keep_their_rows_and_say_what_is_left_out() -> None:
    brushes = TableBrushes("x", (Brush("waves", "wave", "Waves", "wave"), Brush("uses", "n", "Texts", "texts")))
    rows = [{"id": k, "wave": k if k < 4 else None, "n": 2**k} for k in range(6)]
    lasts = brushes.lasts(rows)
    assert lasts == {"waves": 3, "uses": 5}
    assert brushes.kept(rows, (None, [0, 5]), lasts) == (rows, "All 6 skills. 2 have no value for “Waves”.")
    kept, said = brushes.kept(rows, ([1, 9], [0, 2]), lasts)
    assert [row["id"] for row in kept] == [1, 2]
    assert said == "Kept: 2 of 6 skills. 2 have no value for “Waves” and are left out."
    assert brushes.kept([], (None, None), lasts) == ([], "No skills.")
    shown = str(brushes.box(rows, {"waves": [1, 3], "uses": None}, lasts))
    assert shown.count("className='out'") == 1
    assert "Wave 0: 1 skill'" in shown


def test_the_whole_map_is_everything(small_graph: LayerGraph) -> None:
    assert filtered(small_graph, Filters(box=whole_box(small_graph.map_positions))).n == small_graph.n


@pytest.mark.parametrize("first", [0, 1])
def test_a_part_keeps_the_groups_of_the_whole(small_graph: LayerGraph, first: int) -> None:
    nodes = np.arange(first, small_graph.n, 2)
    part = subgraph(subgraph(small_graph, np.arange(first, small_graph.n)), nodes - first)
    assert np.array_equal(part.community, small_graph.community[nodes])
    assert np.array_equal(part.class_number, small_graph.class_number[nodes])
    assert np.array_equal(part.map_positions, small_graph.map_positions[nodes])
    assert [part.name[i] for i in range(part.n)] == [small_graph.name[i] for i in nodes]


def test_what_a_query_adds_is_kept_whatever_else_is_left_out(small_graph: LayerGraph) -> None:
    rare = small_graph.skill_id(int(np.argmin(small_graph.uses)))
    few = Filters(weight=2, waves=(1, 1))
    plain = filtered(small_graph, few)
    part = filtered(small_graph, replace(few, added=(rare, "no such skill")))
    assert ids(part) == ids(plain) | {rare}
    assert Filters(added=(rare,)).number == 0
    assert filtered(small_graph, Filters(added=(rare,))) is small_graph
    assert rare in ids(most_used(small_graph, 3, [rare]))
    assert most_used(small_graph, 3, [rare]).n == 3
    drawn = Drawing([{"data": {"id": f"s:{rare}"}}, {"data": {"id": "s:x"}, "classes": "y"}], "", 2, 0, 0)
    assert [element.get("classes") for element in ringed(drawn, [rare]).elements] == ["added", "y"]


def test_the_skills_of_a_result_lead_to_the_graph() -> None:
    nodes = [Node(str(i), ("Skill",), {"dataset": "d" if i else "other", "id": f"s, {i}"}) for i in range(300)]
    rows = [(node,) for node in (*nodes, Node("t", ("Text",), {"dataset": "d", "id": "t1"}))]
    found = result_skills(QueryResult(("n",), rows, truncated=False, seconds=0.0))
    assert found[:2] == [["other", "s, 0"], ["d", "s, 1"]]
    href, said, hidden = skills_link({"skills": found}, "d", "all")
    assert said == f"Add the first {MOST_ADDED} of 299 skills to the graph"
    assert not hidden
    query = parse_qs(href.partition("?")[2])
    assert (query["dataset"], query["layer"]) == (["d"], ["all"])
    assert json.loads(query["add"][0])[:2] == ["s, 1", "s, 2"]
    assert skills_link({"skills": found[:1]}, "d", "all") == ("", "", True)
    assert skills_link({"skills": found}, "d", None) == ("", "", True)
    assert skills_link(None, "d", "all") == ("", "", True)
