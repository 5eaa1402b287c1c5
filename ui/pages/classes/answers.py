"""What the page's callbacks answer with."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import pyarrow.compute as pc
from dash import html
from dash.development.base_component import Component

from explorer.service import ClassesPrediction, LayerView
from explorer.service.evidence import skills_in_fit
from explorer.wording import isolated, plural
from ui.components import fraction, sentence, wide_table
from ui.content import Content
from ui.drawing.figures import label, region_figure
from ui.drawing.hierarchies import ROWS, Hierarchy, Relation, skill_levels
from ui.drawing.stability import TwoClasses, region
from ui.drawing.style import OTHER, PLAIN, SHADES, figure_layout, ink_on, lay_out, shade
from ui.source import Snapshot
from ui.work.children import Pool, PoolBusyError
from ui.work.watching import next_question

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "MOST",
    "boxes_said",
    "by_class",
    "class_table",
    "heat_figure",
    "level_table",
    "matching",
    "no_figure",
    "region_answer",
    "requirement_matrix",
    "share_figure",
    "tree_figure",
    "tree_said",
]

MOST = 14
"""Rows of the figures of classes, as long as no more are asked for."""

PARENTS = 60


_CHILDREN = 150


_ROOT = "all"

_PAUSE, _BUSY = 700, 4.0
"""Milliseconds until the browser asks for a region again, and the seconds that it counts as running if it waits."""


def by_class(found: ClassesPrediction) -> Component:
    """Learned skills and understood texts of each class, measured and predicted."""
    tones = (("measured", "measured"), ("Poisson", "poisson"), ("degrees", "degrees"), ("types", "typed"))
    head = html.Tr(
        [
            html.Th("Class", scope="col"),
            html.Th("Size", className="number", scope="col"),
            *(
                html.Th([html.Span(className=f"dot dot-{tone}"), name], className="number", scope="col")
                for name, tone in tones
            ),
        ]
    )

    def row(name: str, size: str, *values: float | None) -> html.Tr:
        measured, *predicted = ("–" if value is None else fraction(value) for value in values)
        return html.Tr(
            [
                html.Td(name),
                html.Td(size, className="number"),
                html.Td(html.Strong(measured), className="number"),
                *(html.Td(value, className="number") for value in predicted),
            ]
        )

    def group(title: str) -> html.Tr:
        return html.Tr(html.Th(title, colSpan=2 + len(tones), scope="rowgroup"), className="group")

    rows = [group("Skills learned"), row("all skills", "", found.measured, found.poisson, found.degrees, found.typed)]
    for title, classes in (("", found.skills), ("Texts understood", found.texts)):
        rows += [group(title)] if title else []
        rows += [row(c.name, f"{c.size:,}", c.measured, c.poisson, c.degrees, c.typed) for c in classes]
    return wide_table(html.Table([html.Thead(head), html.Tbody(rows)], className="table by-class"))


def matching(view: LayerView, text: str, chosen: str | None, most: int = 30) -> list[dict[str, str]]:
    """Options of the search: the chosen skill, then skills whose name holds a text, the shortest names first."""
    skills = view.indexed.dataset.skills
    names = pc.coalesce(skills["name"], skills["id"])
    found = pc.match_substring(names, text.strip(), ignore_case=True)
    rows = np.flatnonzero(found.to_numpy(zero_copy_only=False) if len(found) else np.zeros(0, dtype=bool))
    lengths = pc.utf8_length(names).to_numpy()[rows]
    rows = rows[np.argsort(lengths, kind="stable")[:most]]
    options = {skills["id"][int(i)].as_py(): names[int(i)].as_py() for i in rows}
    if chosen is not None and chosen not in options:
        place = pc.index(skills["id"], chosen).as_py()
        options = {chosen: names[place].as_py() if place >= 0 else chosen, **options}
    return [{"value": skill, "label": name} for skill, name in options.items()]


def region_answer(
    pool: Pool, snapshot: Snapshot, key: tuple[str, ...], two: TwoClasses
) -> tuple[go.Figure, Content, bool, int]:
    """The region if it is known, else what is being done for it; it is computed once for all who ask.

    Returns:
        Its figure, what is said of it, whether it is final, and in how many milliseconds to ask again if it is not.
    """
    name = hashlib.sha256(repr((snapshot.version, "region", *key)).encode()).hexdigest()
    work = pool.find(name)
    if work is None:
        try:
            work = pool.begin(region, two.ensemble, two.learner, two.ratios, title="a stability region", name=name)
        except PoolBusyError as busy:
            return no_figure(), [_two_said(two), sentence(str(busy))], False, next_question(_PAUSE, _BUSY)
        work.wait(0.2)
    if work.state == "running":
        doing = html.Div(f"Computing the border … {work.seconds:.0f} s", className="computing")
        return no_figure(), [_two_said(two), doing], False, next_question(_PAUSE, work.seconds)
    if work.state == "done":
        return region_figure(work.value, two), [_two_said(two), _inside(work.value.limit, two)], True, _PAUSE
    return no_figure(), [_two_said(two), sentence(f"No border can be shown: {work.problem}.")], True, _PAUSE


def no_figure() -> go.Figure:
    """An empty figure."""
    return go.Figure(layout=figure_layout(xaxis={"visible": False}, yaxis={"visible": False}))


def _two_said(two: TwoClasses) -> html.Div:
    rows = [
        html.Tr([html.Th(name, scope="row"), html.Td(f"{texts:,}", className="number"), _cell(f"{ratio:.2f}")])
        for name, texts, ratio in zip(two.names, two.texts, two.ratios, strict=True)
    ]
    head = html.Tr(
        [html.Th("", scope="col"), html.Th("Texts", className="number"), html.Th("Per skill, R", className="number")]
    )
    classes = ", ".join(f"{isolated(name)} {fraction(share, 0)}" for name, share in two.by_class)
    return html.Div(
        [
            html.Table([html.Thead(head), html.Tbody(rows)], className="table"),
            sentence(
                f"On their own these texts require {plural(two.skills, 'skill')} and teach {fraction(two.measured)} of "
                f"them (learner {two.learner}); Poisson texts of the same means would teach {fraction(two.predicted)} "
                f"({classes})."
            ),
        ]
    )


def _cell(text: str) -> html.Td:
    return html.Td(text, className="number")


def _inside(limit: float, two: TwoClasses) -> Component:
    inside = all(share >= 0.5 for _, share in two.by_class)
    where = "inside the region" if inside else "outside it: with these texts a class stays unlearned"
    return sentence(f"The star marks these texts; it is {where}. Searched up to {limit:.2f} texts per skill.")


def tree_said(found: Hierarchy, relation: Relation, shown: int, most: int = ROWS[0]) -> str:
    """The line under the hierarchy, which says how the rest is brought in where the rows do not suffice."""
    linked = sum(bool(found.above[i] or found.below[i]) for i in range(len(found.ids)))
    arrow = (
        "prerequisites are to the left of the skills that need them"
        if relation == "prerequisites"
        else "the wider skill is on the left"
    )
    skills = plural(linked, "skill")
    said = f"Shown: {shown:,} of the {skills} in this hierarchy; {arrow}. Click a skill to open or close it."
    if shown < most or shown == linked:
        return said
    how = "close some, search for one, or choose more rows" if most < ROWS[-1] else "close some, or search for one"
    return f"{said} No more than {most:,} are shown at once: {how}."


def boxes_said(view: LayerView) -> str:
    """The line under the boxes: which are drawn, and what is left out."""
    parts = _parts(view)
    drawn = min(len(parts), PARENTS)
    which = f"all {drawn:,}" if drawn == len(parts) else f"the {drawn:,} with the most parts of {len(parts):,}"
    cut = sum(len(children) > _CHILDREN for children in parts.values())
    inside = f" Within a box its {_CHILDREN:,} most used parts are drawn, the others as one." if cut else ""
    rest = "" if drawn == len(parts) else " “Parts” has all of them."
    return (
        f"Boxes: {which}; the more skills, the larger; the darker, the more are learned. Click to go in.{inside}{rest}"
    )


def class_table(view: LayerView) -> list[tuple[str, int, int]]:
    """(class, skills, learned) for each class of skills, the largest first.

    Of an evidence layer only the skills that were in the fit, here and below: it says nothing about others.
    """
    names, codes = _classes(view.indexed.skill_column("class"))
    total = np.bincount(codes[skills_in_fit(view)], minlength=len(names))
    learned = np.bincount(codes[view.learned], minlength=len(names))
    rows = [(name, int(total[i]), int(learned[i])) for i, name in enumerate(names) if total[i]]
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def requirement_matrix(view: LayerView, measure: str) -> tuple[list[str], list[str], npt.NDArray[np.float64]]:
    """Text classes, skill classes, and for each pair of them a number, NaN where there is no requirement.

    Args:
        view: The layer.
        measure: `mean`: skills of the class that a text of the class requires on average; `learned`: the learned
            share of these requirements, of an evidence layer those of skills that were in the fit.
    """
    graph = view.indexed.graph
    rows, text_code = _classes(view.indexed.text_column("class"))
    columns, skill_code = _classes(view.indexed.skill_column("class"))
    text_of = np.repeat(np.arange(graph.n_texts), np.diff(graph.text_ptr))
    cell = text_code[text_of] * len(columns) + skill_code[graph.text_skills]
    shape = (len(rows), len(columns))
    counts = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape).astype(float)
    if measure == "mean":
        values = counts / np.maximum(np.bincount(text_code, minlength=len(rows)), 1)[:, None]
    else:
        fitted, learned = (mask[graph.text_skills].astype(float) for mask in (skills_in_fit(view), view.learned))
        counts, known = (np.bincount(cell, mask, shape[0] * shape[1]).reshape(shape) for mask in (fitted, learned))
        values = known / np.maximum(counts, 1)
    values[counts == 0] = np.nan
    return rows, columns, values


def _classes(column: pa.ChunkedArray) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Names of the classes, the commonest first, and each row's place among them."""
    filled = pc.fill_null(column, "no class").to_pylist()
    names, codes = np.unique(np.asarray(filled, dtype=object).astype(str), return_inverse=True)
    order = np.argsort(-np.bincount(codes, minlength=len(names)), kind="stable")
    place = np.empty(len(names), dtype=np.int64)
    place[order] = np.arange(len(names))
    return [str(names[i]) for i in order], place[codes] if len(codes) else np.zeros(0, dtype=np.int64)


def level_table(view: LayerView) -> list[tuple[str, int, int]]:
    """(level, skills, learned) for each level of skills, the lowest first; empty where no skill has one."""
    found = skill_levels(view)
    if all(level is None for level in found):
        return []
    rows: dict[int, list[int]] = {}
    for level, known, fitted in zip(found, view.learned.tolist(), skills_in_fit(view).tolist(), strict=True):
        if not fitted:
            continue
        rows.setdefault(-1 if level is None else level, []).append(known)
    return [
        ("no level" if level < 0 else f"level {level}", len(known), sum(known)) for level, known in sorted(rows.items())
    ]


def share_figure(rows: list[tuple[str, int, int]], most: int = MOST) -> go.Figure:
    """Learned and other skills of each class or level as bars, of so many at most."""
    rows = rows[:most][::-1]
    names = [label(name, 24) for name, _, _ in rows]
    chart = go.Figure()
    chart.add_bar(y=names, x=[known for _, _, known in rows], name="learned", orientation="h", marker={"color": PLAIN})
    chart.add_bar(
        y=names,
        x=[n - known for _, n, known in rows],
        name="not learned",
        orientation="h",
        marker={"color": OTHER, "opacity": 0.45},
    )
    chart.update_traces(hovertemplate="%{x:,} skills")
    for name, (_, n, known) in zip(names, rows, strict=True):
        chart.add_annotation(
            x=n, y=name, text=f"{known / n:.0%}", showarrow=False, xanchor="left", xshift=6, font={"size": 11}
        )
    lay_out(
        chart,
        barmode="stack",
        bargap=0.35,
        hovermode="y unified",
        xaxis={"title": "skills"},
        yaxis={"gridcolor": "rgba(0,0,0,0)"},
        margin={"l": 80, "r": 40, "t": 30, "b": 42},
    )
    return chart


def heat_figure(view: LayerView, measure: str, most: int = MOST) -> go.Figure:
    """The largest classes of texts against the largest classes of skills, so many of each, as a heat map."""
    rows, columns, values = requirement_matrix(view, measure)
    rows, columns, values = rows[:most], columns[:most], values[:most, :most]
    share = measure != "mean"
    chart = go.Figure(
        go.Heatmap(
            z=values[::-1],
            x=[label(name, 18) for name in columns],
            y=[label(name, 22) for name in rows[::-1]],
            text=_cell_texts(values[::-1], share=share),
            colorscale=[list(step) for step in SHADES],
            zmin=0.0,
            zmax=1.0 if share else _top(values),
            xgap=2,
            ygap=2,
            hoverongaps=False,
            texttemplate="%{text}",
            textfont={"size": 10.5},
            hovertemplate="%{y} × %{x}: "
            + ("%{z:.1%} learned" if share else "%{z:.2f} skills per text")
            + "<extra></extra>",
            colorbar={
                "thickness": 8,
                "outlinewidth": 0,
                "tickformat": ".0%" if share else ".1f",
                "tickfont": {"size": 11},
            },
        )
    )
    lay_out(
        chart,
        hovermode="closest",
        xaxis={"gridcolor": "rgba(0,0,0,0)", "side": "top"},
        yaxis={"gridcolor": "rgba(0,0,0,0)"},
        margin={"l": 90, "r": 10, "t": 34, "b": 10},
    )
    return chart


def _top(values: npt.NDArray[np.float64]) -> float:
    """The largest number of a table with gaps; 1 if there is none."""
    return float(np.nanmax(values, initial=0.0)) or 1.0


def _cell_texts(values: npt.NDArray[np.float64], *, share: bool) -> list[list[str]]:
    """What stands in the cells of a heat map, in a colour that can be read on theirs."""
    top = 1.0 if share else _top(values)

    def text(value: float) -> str:
        if np.isnan(value):
            return ""
        return f'<span style="color:{ink_on(shade(value / top))}">{value:{".0%" if share else ".1f"}}</span>'

    return [[text(value) for value in row] for row in values.tolist()]


def _parts(view: LayerView) -> dict[str, list[str]]:
    """Parts of each skill that has some, as far as the layer says something of them."""
    told = skills_in_fit(view).tolist()
    known = {skill for skill, fitted in zip(view.indexed.skills.ids.to_pylist(), told, strict=True) if fitted}
    links = view.indexed.dataset.part_of
    parts: dict[str, list[str]] = {}
    for child, parent in zip(links["child"].to_pylist(), links["parent"].to_pylist(), strict=True):
        if child in known:
            parts.setdefault(parent, []).append(child)
    return parts


def tree_figure(view: LayerView) -> go.Figure:
    """Parents by number of their parts, and within each its most used parts."""
    dataset = view.indexed.dataset
    ids = view.indexed.skills.ids.to_pylist()
    names = dict(zip(dataset.skills["id"].to_pylist(), dataset.skills["name"].to_pylist(), strict=True))
    known = dict(zip(ids, view.learned.tolist(), strict=True))
    uses = dict(zip(ids, view.indexed.graph.skill_degrees.tolist(), strict=True))
    parts = _parts(view)
    largest = sorted(parts, key=lambda parent: (-len(parts[parent]), parent))[:PARENTS]
    boxes: list[tuple[str, str, str, int, float]] = []
    total = sum(len(parts[parent]) for parent in largest)
    learned = sum(known[child] for parent in largest for child in parts[parent])
    boxes.append(
        (_ROOT, "all" if len(largest) == len(parts) else f"{len(largest)} largest", "", total, learned / max(total, 1))
    )
    for parent in largest:
        children = sorted(parts[parent], key=lambda child: (-uses[child], child))
        share = sum(known[child] for child in children) / len(children)
        boxes.append((f"p:{parent}", label(str(names.get(parent, parent))), _ROOT, len(children), share))
        shown = children[:_CHILDREN]
        boxes += [
            (f"c:{parent}/{child}", label(str(names[child])), f"p:{parent}", 1, float(known[child])) for child in shown
        ]
        if len(children) > len(shown):
            rest = children[_CHILDREN:]
            share = sum(known[child] for child in rest) / len(rest)
            boxes.append((f"r:{parent}", f"{len(rest)} more", f"p:{parent}", len(rest), share))
    columns = list(zip(*boxes, strict=True))
    chart = go.Figure(
        go.Treemap(
            ids=columns[0],
            labels=columns[1],
            parents=columns[2],
            values=columns[3],
            branchvalues="total",
            marker={
                "colors": columns[4],
                "colorscale": [list(step) for step in SHADES],
                "cmin": 0,
                "cmax": 1,
                "line": {"width": 0.5},
            },
            tiling={"pad": 2},
            root={"color": "rgba(0,0,0,0)"},
            pathbar={"visible": True, "thickness": 22},
            maxdepth=2,
            hovertemplate="%{label}: %{value} skills, %{color:.0%} learned<extra></extra>",
            texttemplate="%{label}",
            textfont={"color": [ink_on(shade(share)) for share in columns[4]]},
        )
    )
    lay_out(
        chart, margin={"l": 0, "r": 0, "t": 4, "b": 0}, hovermode="closest", uniformtext={"minsize": 9, "mode": "hide"}
    )
    return chart
