"""Classes of skills and texts, what they require of each other, and the hierarchy of skills."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
import numpy as np
import plotly.graph_objects as go
import pyarrow.compute as pc
from dash import ClientsideFunction, Input, Output, State, dcc, html

from explorer.service import LayerView
from ui.choice import Query, choose
from ui.components import card, figure, grid, no_layer, page, page_header, sentence
from ui.figures import label
from ui.notices import notice
from ui.source import Snapshot, Source
from ui.style import OTHER, PLAIN, figure_layout

__all__ = ["class_table", "layout", "register", "requirement_matrix"]

_TITLE = "Classes and hierarchy"
_MEANING = (
    "Skills and texts come in classes. A class is learned well if the texts that require it need little else, or "
    "if what else they need is learned too."
)
_MOST = 14
_SCALE = [[0.0, "#E8F1F8"], [0.35, "#9CC8E3"], [0.7, "#3B8EC2"], [1.0, "#0B4A7A"]]
_PARENTS, _CHILDREN = 60, 150
_ROOT = "all"


def layout(snapshot: Snapshot, query: Query) -> Any:
    """The page for what the URL says."""
    choice = choose(snapshot, query)
    if choice.layer is None or choice.dataset is None:
        return page(page_header(_TITLE, _MEANING, choice), no_layer(choice.dataset))
    view = snapshot.view(choice.dataset, choice.layer)
    measure = query.get("measure", "learned")
    return page(
        page_header(_TITLE, _MEANING, choice),
        None if choice.problem is None else notice(choice.problem),
        dcc.Store(id="c-subject", data={"dataset": choice.dataset, "layer": choice.layer}),
        html.Div(
            [
                card(
                    "Learned share by class of skill",
                    figure(
                        "c-share",
                        height=330,
                        label="Learned and not learned skills of each class",
                        chart=_share_figure(view),
                    ),
                    note="How many skills of each class the layer's texts require, and how many of them are learned.",
                ),
                card(
                    "Text classes × skill classes",
                    figure("c-heat", height=330, label="Text classes against skill classes"),
                    note=f"The {_MOST} largest classes of texts; a cell is empty where they require no such skills.",
                    extra=dmc.SegmentedControl(
                        id="c-measure",
                        data=[
                            {"value": "learned", "label": "learned share"},
                            {"value": "mean", "label": "skills per text"},
                        ],
                        value=measure if measure in ("learned", "mean") else "learned",
                        size="xs",
                        **{"aria-label": "Measure"},
                    ),
                ),
            ],
            className="row wide-right",
        ),
        card(
            "Hierarchy",
            _hierarchy(view),
            note="A box is as large as its skills are many; the darker, the more of them are learned. Click to go in.",
        ),
        _blocked(view),
    )


def register(app: Any, source: Source) -> None:
    """Add the page's callbacks."""

    @app.callback(Output("c-heat", "figure"), Input("c-measure", "value"), State("c-subject", "data"))
    def heat(measure: str, subject: dict[str, str]) -> Any:
        snapshot = source.snapshot()
        return _heat_figure(snapshot.view(subject["dataset"], subject["layer"]), measure)

    app.clientside_callback(
        ClientsideFunction("sg", "measureState"), Output("c-measure", "data-url"), Input("c-measure", "value")
    )


def class_table(view: LayerView) -> list[tuple[str, int, int]]:
    """(class, skills, learned) for each class of skills, the largest first."""
    names, codes = _classes(view.indexed.skill_column("class"))
    total = np.bincount(codes, minlength=len(names))
    learned = np.bincount(codes[view.learned], minlength=len(names))
    rows = [(name, int(total[i]), int(learned[i])) for i, name in enumerate(names)]
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def requirement_matrix(view: LayerView, measure: str) -> tuple[list[str], list[str], np.ndarray[Any, Any]]:
    """Text classes, skill classes, and for each pair of them a number, NaN where there is no requirement.

    Args:
        view: The layer.
        measure: `mean`: skills of the class that a text of the class requires on average; `learned`: the learned
            share of these requirements.
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
        known = np.bincount(cell, view.learned[graph.text_skills].astype(float), shape[0] * shape[1]).reshape(shape)
        values = known / np.maximum(counts, 1)
    values[counts == 0] = np.nan
    return rows, columns, values


def _classes(column: Any) -> tuple[list[str], np.ndarray[Any, Any]]:
    """Names of the classes, the commonest first, and each row's place among them."""
    filled = pc.fill_null(column, "no class").to_pylist()
    names, codes = np.unique(np.asarray(filled, dtype=object).astype(str), return_inverse=True)
    order = np.argsort(-np.bincount(codes, minlength=len(names)), kind="stable")
    place = np.empty(len(names), dtype=np.int64)
    place[order] = np.arange(len(names))
    return [str(names[i]) for i in order], place[codes] if len(codes) else np.zeros(0, dtype=np.int64)


def _share_figure(view: LayerView) -> go.Figure:
    rows = class_table(view)[:_MOST][::-1]
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
    chart.update_layout(
        **figure_layout(
            barmode="stack",
            bargap=0.35,
            hovermode="y unified",
            xaxis={"title": "skills"},
            yaxis={"gridcolor": "rgba(0,0,0,0)"},
            margin={"l": 80, "r": 40, "t": 30, "b": 42},
        )
    )
    return chart


def _heat_figure(view: LayerView, measure: str) -> go.Figure:
    rows, columns, values = requirement_matrix(view, measure)
    rows, columns, values = rows[:_MOST], columns[:_MOST], values[:_MOST, :_MOST]
    share = measure != "mean"
    chart = go.Figure(
        go.Heatmap(
            z=values[::-1],
            x=[label(name, 18) for name in columns],
            y=[label(name, 22) for name in rows[::-1]],
            colorscale=_SCALE,
            zmin=0.0,
            zmax=1.0 if share else None,
            xgap=2,
            ygap=2,
            hoverongaps=False,
            texttemplate="%{z:.0%}" if share else "%{z:.1f}",
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
    chart.update_layout(
        **figure_layout(
            hovermode="closest",
            xaxis={"gridcolor": "rgba(0,0,0,0)", "side": "top"},
            yaxis={"gridcolor": "rgba(0,0,0,0)"},
            margin={"l": 90, "r": 10, "t": 34, "b": 10},
        )
    )
    return chart


def _hierarchy(view: LayerView) -> Any:
    table = view.indexed.dataset.part_of
    if not table.num_rows:
        return sentence("This dataset says of no skill that it is part of another.")
    return figure("c-tree", height=430, label="Skills as parts of others", chart=_tree_figure(view))


def _tree_figure(view: LayerView) -> go.Figure:
    """Parents by number of their parts, and within each its most used parts."""
    dataset = view.indexed.dataset
    ids = view.indexed.skills.ids.to_pylist()
    names = dict(zip(dataset.skills["id"].to_pylist(), dataset.skills["name"].to_pylist(), strict=True))
    known = dict(zip(ids, view.learned.tolist(), strict=True))
    uses = dict(zip(ids, view.indexed.graph.skill_degrees.tolist(), strict=True))
    parts: dict[str, list[str]] = {}
    for child, parent in zip(*(dataset.part_of[side].to_pylist() for side in ("child", "parent")), strict=True):
        if child in known:
            parts.setdefault(parent, []).append(child)
    largest = sorted(parts, key=lambda parent: (-len(parts[parent]), parent))[:_PARENTS]
    boxes: list[tuple[str, str, str, int, float]] = []
    total = sum(len(parts[parent]) for parent in largest)
    learned = sum(known[child] for parent in largest for child in parts[parent])
    boxes.append((_ROOT, f"{len(largest)} largest", "", total, learned / max(total, 1)))
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
            marker={"colors": columns[4], "colorscale": _SCALE, "cmin": 0, "cmax": 1, "line": {"width": 0.5}},
            tiling={"pad": 2},
            root={"color": "rgba(0,0,0,0)"},
            pathbar={"visible": True, "thickness": 22},
            maxdepth=2,
            hovertemplate="%{label}: %{value} skills, %{color:.0%} learned<extra></extra>",
            texttemplate="%{label}",
        )
    )
    chart.update_layout(**figure_layout(margin={"l": 0, "r": 0, "t": 4, "b": 0}, hovermode="closest"))
    return chart


def _blocked(view: LayerView) -> Any:
    """Skills that are not learned because a prerequisite of theirs is not."""
    pairs = view.indexed.prerequisites
    if pairs is None:
        return None
    before, after = pairs
    waiting = ~view.learned[after] & ~view.learned[before]
    names, levels = view.indexed.skill_column("name"), view.indexed.skill_column("level")
    rows = [
        {"skill": names[int(s)].as_py(), "blocked": names[int(p)].as_py(), "level": levels[int(s)].as_py()}
        for p, s in zip(before[waiting], after[waiting], strict=True)
    ]
    columns = [
        {"field": "skill", "headerName": "Skill", "flex": 1},
        {"field": "blocked", "headerName": "Its prerequisite that is not learned", "flex": 1},
        {"field": "level", "headerName": "Level", "maxWidth": 110},
    ]
    note = "A skill can be learned only after its prerequisites; these wait for one."
    return card(f"Blocked by prerequisites ({len(rows):,})", grid("c-blocked", columns, rows, height=280), note=note)
