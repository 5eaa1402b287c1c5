"""The map: many thousand skills, drawn on the server."""

import itertools
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest

from tests.ui.conftest import HOSTILE
from tests.ui.large import large_graph
from ui.drawing.colourings import colourings
from ui.drawing.elements import group_drawing, skill_drawing
from ui.drawing.filters import Filters, filtered
from ui.drawing.graphs import EDGE_LIMIT, GROUP_LIMIT, NODE_LIMIT, LayerGraph, most_used
from ui.drawing.layouts import map_positions
from ui.drawing.map_picture import edge_density, in_box, map_figure, map_picture, nearest_box, png, whole_box


@pytest.fixture(scope="module")
def hundred_thousand() -> LayerGraph:
    return large_graph(100_000)


def read_png(data: bytes) -> np.ndarray:
    """An independent reader of the one kind of PNG that is written."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        assert zlib.crc32(name + body) == struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0]
        chunks[name] = body
        at += 12 + size
    width, height, depth, kind = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, kind) == (8, 6)
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + 4 * width)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, 4)


def test_png_holds_the_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 11, 4), dtype=np.uint8)
    assert np.array_equal(read_png(png(pixels)), pixels)


def test_edges_leave_their_length_in_the_picture() -> None:
    # along an axis or a diagonal an edge of n pixels is walked in n steps, each in a pixel of its own
    start = np.array([[2.0, 5.0], [3.0, 1.0], [1.0, 1.0]])
    end = np.array([[12.0, 5.0], [3.0, 9.0], [9.0, 9.0]])
    found = edge_density(start, end, 20, 12)
    assert found.sum() == pytest.approx(10 + 8 + 8)
    assert np.count_nonzero(edge_density(start[:1], end[:1], 20, 12)[5]) >= 9
    assert found[:, 15:].sum() == 0


def test_edges_weigh_the_same_in_long_steps() -> None:
    rng = np.random.default_rng(1)
    start, end = rng.uniform(0, 200, (500, 2)), rng.uniform(0, 200, (500, 2))
    fine, coarse = edge_density(start, end, 200, 200), edge_density(start, end, 200, 200, steps=5_000)
    assert coarse.sum() == pytest.approx(fine.sum(), rel=1e-9)


def test_edges_outside_leave_nothing() -> None:
    assert edge_density(np.array([[-9.0, -9.0]]), np.array([[-1.0, -4.0]]), 10, 10).sum() == 0
    half = edge_density(np.array([[-10.0, 5.0]]), np.array([[10.0, 5.0]]), 30, 10)
    assert half.sum() == pytest.approx(10, abs=1)


def test_every_skill_of_a_small_map_is_in_the_picture(small_graph: LayerGraph) -> None:
    look = colourings(small_graph)["class"]
    found = map_picture(small_graph, look, whole_box(small_graph.map_positions), width=700)
    assert sorted(found.inside.tolist()) == list(range(small_graph.n))
    pixels = read_png(found.image)
    colours = {tuple(row) for row in pixels[pixels[..., 3] == 235][:, :3].tolist()}
    palette = {tuple(int(c.colour[i : i + 2], 16) for i in (1, 3, 5)) for c in look.categories if c.count}
    assert colours == palette


def test_hidden_classes_are_not_drawn(small_graph: LayerGraph) -> None:
    look = colourings(small_graph)["class"]
    found = map_picture(small_graph, look, whole_box(small_graph.map_positions), hidden={0})
    assert set(look.of[found.inside].tolist()) == set(range(len(look.categories))) - {0}


def test_zooming_shows_what_is_in_the_box(small_graph: LayerGraph) -> None:
    box = nearest_box(small_graph.map_positions, 3, 9)
    found = map_picture(small_graph, colourings(small_graph)["class"], box)
    assert 3 in found.inside
    assert set(found.inside.tolist()) == set(np.flatnonzero(in_box(small_graph.map_positions, box)).tolist())
    assert len(found.inside) >= 9


def test_names_on_the_map_are_text(small_graph: LayerGraph) -> None:
    look = colourings(small_graph)["class"]
    picture = map_picture(small_graph, look, whole_box(small_graph.map_positions), width=300)
    chart = map_figure(small_graph, look, picture, chosen=small_graph.node_of["b00"])
    marks, names, ring = chart.data
    assert list(marks.customdata) == [small_graph.skill_id(i) for i in picture.inside[: len(marks.customdata)]]
    assert HOSTILE not in str(marks.text) + str(names.text)
    assert (ring.x[0], ring.y[0]) == tuple(small_graph.map_positions[small_graph.node_of["b00"]])
    assert chart.layout.images[0].source.startswith("data:image/png;base64,")


def test_names_on_the_map_do_not_meet_in_a_small_window(small_graph: LayerGraph) -> None:
    crowded = replace(small_graph)
    crowded.__dict__["map_positions"] = np.random.default_rng(1).random((crowded.n, 2)) * 1000.0
    box = whole_box(crowded.map_positions)
    look = colourings(crowded)["class"]
    _, names = map_figure(crowded, look, map_picture(crowded, look, box, width=300)).data
    pixels = 520.0 / (box[1] - box[0])  # 1,024 × 800 leaves so many
    found = zip(names.x, names.y, names.text, strict=True)
    places = [(x * pixels, y * pixels, 3.2 * len(text)) for x, y, text in found]
    assert 4 < len(places) < crowded.n
    for (x, y, half), (u, v, other) in itertools.combinations(places, 2):
        assert abs(x - u) >= half + other or abs(y - v) >= 11.5


@pytest.mark.parametrize("n", [0, 1, 2, 700])
def test_positions_fill_the_map_and_repeat(n: int) -> None:
    rng = np.random.default_rng(n)
    u, v = rng.integers(0, max(n, 1), (2, 3 * n)) if n > 1 else np.zeros((2, 0), dtype=np.int64)
    apart = u != v
    given = (np.arange(n) % 3 * 2, np.full(n, 3.0), u[apart], v[apart], np.ones(int(apart.sum())))
    first, second = map_positions(*given), map_positions(*given)
    assert np.array_equal(first, second)
    assert first.shape == (n, 2)
    if n:
        assert first.min() >= 0
        assert first.max() <= 1_000
        assert len(np.unique(first.round(6), axis=0)) == n, "no two on the same spot"


def test_communities_of_the_map_lie_apart() -> None:
    """Skills of one community are nearer to each other than to those of others, on the average by far."""
    graph = large_graph(3_000, groups=8)
    x, of = graph.map_positions, graph.community
    large = [c for c in range(int(of.max()) + 1) if np.count_nonzero(of == c) > 100]
    centres = np.array([x[of == c].mean(axis=0) for c in large])
    inner = np.mean([np.hypot(*(x[of == c] - centre).T).mean() for c, centre in zip(large, centres, strict=True)])
    outer = np.mean([np.hypot(*(a - b)) for a in centres for b in centres if (a != b).any()])
    assert len(large) > 3
    assert inner < outer / 2


@pytest.mark.long
def test_a_hundred_thousand_skills_have_a_map(hundred_thousand: LayerGraph) -> None:
    graph = hundred_thousand
    assert (graph.n, graph.m > 200_000) == (100_000, True)
    look = colourings(graph)["community"]
    picture = map_picture(graph, look, whole_box(graph.map_positions))
    assert len(picture.inside) == graph.n
    opacity = read_png(picture.image)[..., 3]
    assert np.count_nonzero(opacity) > 0.1 * opacity.size
    chart = map_figure(graph, look, picture)
    assert sum(len(trace.x) for trace in chart.data) < 400, "only the most used are marks of the figure"


@pytest.mark.long
def test_a_region_of_a_hundred_thousand_goes_to_cytoscape(hundred_thousand: LayerGraph) -> None:
    box = nearest_box(hundred_thousand.map_positions, 42, 900)
    part = filtered(hundred_thousand, Filters(box=box))
    assert 42 in part.part_of[1]
    assert 900 <= part.n <= NODE_LIMIT
    look = colourings(hundred_thousand)["class"].take(part.part_of[1])
    drawing = skill_drawing(part, {"look": look}, arrangement="map")
    assert drawing.skills == part.n
    assert drawing.edges <= EDGE_LIMIT


@pytest.mark.parametrize("by", ["community", "class", pytest.param("component", marks=pytest.mark.long)])
def test_a_hundred_thousand_open_on_groups(hundred_thousand: LayerGraph, by: str) -> None:
    """Never more than Cytoscape pans smoothly, also with the largest groups opened."""
    look = {"look": colourings(hundred_thousand)["class"]}
    drawing = group_drawing(hundred_thousand, look, by=by, opened=[0, 1, 2])
    assert drawing.skills + drawing.groups <= NODE_LIMIT + GROUP_LIMIT // 2
    assert drawing.edges <= EDGE_LIMIT
    assert "left out" in drawing.caption


def test_too_many_skills_are_the_most_used(hundred_thousand: LayerGraph) -> None:
    assert most_used(hundred_thousand, NODE_LIMIT).n == NODE_LIMIT
