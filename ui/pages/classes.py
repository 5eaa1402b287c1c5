"""Classes of skills and texts, what they require of each other, and the hierarchy of skills."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

import dash_mantine_components as dmc
import numpy as np
import plotly.graph_objects as go
import pyarrow.compute as pc
from dash import ALL, ClientsideFunction, Input, Output, State, dcc, html, no_update

from explorer.errors import USER_ERRORS
from explorer.service import LayerView
from ui.choice import Query, choose
from ui.components import card, figure, fraction, grid, no_layer, page, page_header, sentence
from ui.drawing.canvas import zoom_tools
from ui.drawing.figures import label, region_figure
from ui.drawing.fitted import fitted_canvas
from ui.drawing.hierarchies import (
    Hierarchy,
    Relation,
    blocked_rows,
    hierarchy,
    skill_levels,
    tree_elements,
    tree_rows,
    unfold,
)
from ui.drawing.stability import TextGroup, TwoClasses, region, text_groups, two_classes
from ui.drawing.style import OTHER, PLAIN, SCHEMES, SHADES, figure_layout, ink_on, shade, tree_stylesheet
from ui.notices import notice
from ui.searching import found, register_found, searching
from ui.source import Snapshot, Source
from ui.work.children import Pool, PoolBusyError

__all__ = ["class_table", "layout", "level_table", "matching", "register", "requirement_matrix"]

_TITLE = "Classes and hierarchy"
_MEANING = (
    "Skills and texts come in classes. A class is learned well if the texts that require it need little else, or "
    "if what else they need is learned too."
)
_MOST = 14
_PARENTS, _CHILDREN = 60, 150
_ROOT = "all"
_BUSY = "Other regions are being computed; this one waits its turn."
_MEASURES = ({"value": "learned", "label": "learned share"}, {"value": "mean", "label": "skills per text"})
_BY = ({"value": "class", "label": "class"}, {"value": "level", "label": "level"})
_VIEWS = {"prerequisites": "prerequisites", "parts": "parts", "boxes": "boxes"}


def layout(snapshot: Snapshot, query: Query) -> Any:
    """The page for what the URL says."""
    choice = choose(snapshot, query)
    if choice.layer is None or choice.dataset is None:
        return page(page_header(_TITLE, _MEANING, choice), no_layer(choice.dataset))
    view = snapshot.view(choice.dataset, choice.layer)
    problem = choice.problem or _no_skill(view, query.get("skill"))
    return page(
        page_header(_TITLE, _MEANING, choice),
        None if problem is None else notice(problem),
        dcc.Store(id="c-subject", data={"dataset": choice.dataset, "layer": choice.layer}),
        html.Div([_shares(view, query), _heat(query)], className="row wide-right"),
        _hierarchy(view, query),
        _blocked(view),
        _regions(view, query),
    )


def _no_skill(view: LayerView, skill: str | None) -> str | None:
    """A sentence if the address names a skill that is not there."""
    skills = view.indexed.dataset.skills["id"]
    if not skill or pc.index(skills, skill).as_py() >= 0:
        return None
    return f"Dataset {view.info.dataset!r} has no skill {skill!r}."


def _segments(name: str, title: str, options: Sequence[dict[str, str]], value: str | None) -> dmc.SegmentedControl:
    names = [option["value"] for option in options]
    return dmc.SegmentedControl(
        id=name,
        data=list(options),
        value=value if value in names else names[0],
        size="xs",
        **{"aria-label": title},
    )


def _shares(view: LayerView, query: Query) -> Any:
    options = _BY if any(level is not None for level in skill_levels(view)) else _BY[:1]
    return card(
        "Learned share of skills",
        figure("c-share", height=330, label="Learned and not learned skills of each class or level"),
        note="How many skills of each class, or level, the layer's texts require, and how many of them are learned.",
        extra=html.Div(_segments("c-by", "Group by", options, query.get("by")), hidden=len(options) < 2),
    )


def _heat(query: Query) -> Any:
    return card(
        "Text classes × skill classes",
        figure("c-heat", height=330, label="Text classes against skill classes"),
        note=f"The {_MOST} largest classes of texts; a cell is empty where they require no such skills.",
        extra=_segments("c-measure", "Measure", _MEASURES, query.get("measure")),
    )


def _hierarchy(view: LayerView, query: Query) -> Any:
    dataset = view.indexed.dataset
    there = ["prerequisites"] if dataset.prerequisites.num_rows else []
    there += ["parts", "boxes"] if dataset.part_of.num_rows else []
    if not there:
        text = "This dataset says of no skill that it is part of another or a prerequisite of one."
        return card("Hierarchy", sentence(text))
    options = [{"value": name, "label": _VIEWS[name]} for name in there]
    columns = [
        {"field": "skill", "headerName": "Skill", "flex": 3, "minWidth": 220},
        {"field": "level", "headerName": "Level", "type": "numericColumn", "maxWidth": 90},
        {"field": "state", "headerName": "State", "flex": 1},
        {"field": "below", "headerName": "Skills below", "type": "numericColumn", "maxWidth": 130},
        {"field": "share", "headerName": "Learned, %", "type": "numericColumn", "maxWidth": 130},
    ]
    return html.Section(
        [
            dcc.Store(id="c-open", data=_listed(query.get("open"))),
            dcc.Store(id="c-full", data=_listed(query.get("full"))),
            dcc.Store(id="c-sheets", data={scheme: tree_stylesheet(scheme) for scheme in SCHEMES}),
            html.Div(
                [
                    html.H2("Hierarchy", className="card-title"),
                    _tree_keys(),
                    html.Div(className="spacer"),
                    html.Button("close all", id="c-close", className="link"),
                    _segments("c-rel", "Hierarchy of", options, query.get("rel")),
                    searching(
                        dmc.Select(
                            id="c-skill",
                            data=matching(view, "", query.get("skill")),
                            value=query.get("skill"),
                            placeholder="Find a skill",
                            searchable=True,
                            clearable=True,
                            nothingFoundMessage="No skill of that name",
                            size="xs",
                            w=210,
                            comboboxProps={"shadow": "md"},
                            clearButtonProps={"aria-label": "Clear the skill"},
                            **{"aria-label": "Find a skill"},
                        )
                    ),
                ],
                className="toolbar pair-bar",
            ),
            html.Div(
                [
                    fitted_canvas("c-tree", "The hierarchy of skills; the table below it has the same lines"),
                    zoom_tools("c-tree"),
                ],
                className="graph-stage tree-stage",
                id="c-tree-box",
            ),
            html.Div(
                figure("c-boxes", height=430, label="Skills as parts of others"),
                id="c-boxes-box",
                className="tree-stage",
            ),
            html.Div(id="c-said", className="graph-caption", **{"aria-live": "polite"}),
            html.Details(
                [
                    html.Summary("These lines as a table; space opens and closes one"),
                    grid(
                        "c-lines",
                        columns,
                        height=300,
                        options={
                            "rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True}
                        },
                        getRowId="params.data.id",
                    ),
                ],
                className="twin padded",
            ),
        ],
        className="card graph-card",
        id="c-hierarchy",
    )


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


def _tree_keys() -> html.Div:
    keys = (
        ("learned", "learned"),
        ("missing", "not learned"),
        ("blocked", "blocked"),
        ("absent", "no text requires it"),
    )
    return html.Div(
        [html.Span([html.Span(className=f"mark mark-{name}"), text]) for name, text in keys], className="keys"
    )


def _listed(text: str | None) -> list[str]:
    return [unquote(part) for part in (text or "").split(",") if part]


def _blocked(view: LayerView) -> Any:
    """Skills that are not learned because a prerequisite of theirs is not."""
    try:
        found = hierarchy(view, "prerequisites")
    except USER_ERRORS as error:
        return card("Blocked by prerequisites", sentence(str(error)))
    if found is None:
        return None
    rows = blocked_rows(found, view)
    columns = [
        {"field": "skill", "headerName": "Skill", "flex": 2, "tooltipField": "skill"},
        {"field": "class", "headerName": "Class", "flex": 1},
        {"field": "level", "headerName": "Level", "maxWidth": 90, "type": "numericColumn"},
        {"field": "waits", "headerName": "Waits for", "flex": 2, "tooltipField": "waits"},
        {"field": "roots", "headerName": "Which begins with", "flex": 2, "tooltipField": "roots"},
        {"field": "ready", "headerName": "Texts ready", "maxWidth": 120, "type": "numericColumn"},
    ]
    ready = sum(row["ready"] > 0 for row in rows)
    note = (
        "A skill can be learned only after its prerequisites; these wait for one that is not learned. “Begins with”: "
        "the skills at the start of its chain that wait for no other. “Texts ready”: texts in which it is the only "
        f"novel skill, which would teach it at once; {ready:,} of them have one. A row shows its chain above."
    )
    return card(
        f"Blocked by prerequisites ({len(rows):,})",
        grid(
            "c-blocked",
            columns,
            rows,
            height=280,
            filters=True,
            options={"rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True}},
            getRowId="params.data.id",
        ),
        note=note,
    )


def _regions(view: LayerView, query: Query) -> Any:
    groups = text_groups(view)
    if len(groups) < 2:
        return None
    x, y = _chosen(groups, query)
    data = [{"value": group.key, "label": f"{group.name} ({group.texts:,})"} for group in groups]

    def choice(name: str, title: str, value: str) -> dmc.Select:
        return dmc.Select(
            id=name,
            label=title,
            data=data,
            value=value,
            allowDeselect=False,
            searchable=True,
            size="xs",
            w=200,
            comboboxProps={"shadow": "md"},
        )

    region_card = card(
        "Two classes of texts",
        [
            dcc.Interval(id="c-tick", interval=700, disabled=True),
            html.Div(
                [
                    figure("c-region", height=340, label="Stability region of two classes of texts"),
                    html.Div(
                        [
                            html.Div(
                                [choice("c-x", "Across", x), choice("c-y", "Upwards", y)], className="pickers stacked"
                            ),
                            html.Div(id="c-region-said", **{"aria-live": "polite"}),
                        ]
                    ),
                ],
                className="row wide-left region",
            ),
        ],
        note="Stability region: with so many texts of each class per skill, and none of other classes, at most half of "
        "every class of skills stays unlearned. More texts lead to the right and upwards, never out of it.",
    )
    return html.Div(region_card, id="c-two")


def _chosen(groups: Sequence[TextGroup], query: Query) -> tuple[str, str]:
    """The groups that the query names, else the two largest classes."""
    keys = [group.key for group in groups]
    x = query.get("x") if query.get("x") in keys else keys[0]
    rest = [key for key in keys if key != x and key.split(":")[0] == str(x).split(":", maxsplit=1)[0]] or keys[1:]
    y = query.get("y") if query.get("y") in keys else rest[0]
    return str(x), str(y)


def register(app: Any, source: Source) -> None:
    """Add the page's callbacks."""

    @app.callback(Output("c-heat", "figure"), Input("c-measure", "value"), State("c-subject", "data"))
    def heat(measure: str, subject: dict[str, str]) -> Any:
        snapshot = source.snapshot()
        return _heat_figure(snapshot.view(subject["dataset"], subject["layer"]), measure)

    @app.callback(Output("c-share", "figure"), Input("c-by", "value"), State("c-subject", "data"))
    def share(by: str, subject: dict[str, str]) -> Any:
        view = source.snapshot().view(subject["dataset"], subject["layer"])
        return _share_figure(level_table(view) if by == "level" else class_table(view))

    @app.callback(
        Output("c-tree", "elements"),
        Output("c-lines", "rowData"),
        Output("c-said", "children"),
        Output("c-tree-box", "hidden"),
        Output("c-boxes-box", "hidden"),
        Output("c-boxes", "figure"),
        Input("c-rel", "value"),
        Input("c-open", "data"),
        Input("c-full", "data"),
        Input("c-skill", "value"),
        State("c-subject", "data"),
    )
    def tree(rel: str, opened: list[str], full: list[str], skill: str | None, subject: dict[str, str]) -> Any:
        snapshot = source.snapshot()
        view = snapshot.view(subject["dataset"], subject["layer"])
        relation: Relation = "prerequisites" if rel == "prerequisites" else "parts"
        found = snapshot.once(
            ("hierarchy", subject["dataset"], subject["layer"], relation), lambda: hierarchy(view, relation)
        )
        if found is None:
            return [], [], "", True, True, no_update
        rows = unfold(found, opened or (), full or (), skill)
        boxes = rel == "boxes"
        said = (
            f"Boxes: the {_PARENTS} largest, as large as their skills are many; the darker, the more are learned. "
            "Click to go in."
            if boxes
            else _tree_said(found, relation, sum(row.skill >= 0 for row in rows))
        )
        elements = no_update if boxes else tree_elements(found, rows, skill)
        return elements, tree_rows(found, rows), said, boxes, not boxes, _tree_figure(view) if boxes else no_update

    @app.callback(
        Output(found("c-skill"), "data"),
        Input("c-skill", "searchValue"),
        Input("c-skill", "value"),
        State("c-subject", "data"),
        prevent_initial_call=True,
    )
    def search(text: str | None, chosen: str | None, subject: dict[str, str]) -> Any:
        view = source.snapshot().view(subject["dataset"], subject["layer"])
        return matching(view, text or "", chosen)

    register_found(app, "c-skill")

    pool = Pool(2, _BUSY)

    @app.callback(
        Output("c-region", "figure"),
        Output("c-region-said", "children"),
        Output("c-tick", "disabled"),
        Input("c-x", "value"),
        Input("c-y", "value"),
        Input("c-tick", "n_intervals"),
        State("c-subject", "data"),
    )
    def stability(x: str, y: str, _: int | None, subject: dict[str, str]) -> tuple[Any, Any, bool]:
        snapshot = source.snapshot()
        key = (subject["dataset"], subject["layer"], x, y)
        view = snapshot.view(key[0], key[1])
        try:
            two = snapshot.once(("two classes", *key), lambda: two_classes(view, x, y))
        except USER_ERRORS as error:
            return _no_figure(), sentence(f"{str(error)[:1].upper()}{str(error)[1:]}."), True
        return _region(pool, snapshot, key, two)

    _register_browser(app)


def _region(pool: Pool, snapshot: Snapshot, key: tuple[str, ...], two: TwoClasses) -> tuple[Any, Any, bool]:
    """The region if it is known, else what is being done for it; it is computed once for all who ask."""
    name = hashlib.sha256(repr((snapshot.version, "region", *key)).encode()).hexdigest()
    work = pool.find(name)
    if work is None:
        try:
            work = pool.begin(region, two.ensemble, two.learner, two.ratios, title="a stability region", name=name)
        except PoolBusyError as busy:
            return _no_figure(), [_two_said(two), sentence(str(busy))], False
        work.wait(0.2)
    if work.state == "running":
        doing = html.Div(f"Computing the border … {work.seconds:.0f} s", className="computing")
        return _no_figure(), [_two_said(two), doing], False
    if work.state == "done":
        return region_figure(work.value, two), [_two_said(two), _inside(work.value.limit, two)], True
    return _no_figure(), [_two_said(two), sentence(f"There is no border to show: {work.problem}.")], True


def _no_figure() -> go.Figure:
    return go.Figure(layout=figure_layout(xaxis={"visible": False}, yaxis={"visible": False}))


def _two_said(two: TwoClasses) -> html.Div:
    rows = [
        html.Tr([html.Th(name, scope="row"), html.Td(f"{texts:,}", className="number"), _cell(f"{ratio:.2f}")])
        for name, texts, ratio in zip(two.names, two.texts, two.ratios, strict=True)
    ]
    head = html.Tr(
        [html.Th("", scope="col"), html.Th("Texts", className="number"), html.Th("Per skill, R", className="number")]
    )
    classes = ", ".join(f"{name} {fraction(share, 0)}" for name, share in two.by_class)
    return html.Div(
        [
            html.Table([html.Thead(head), html.Tbody(rows)], className="table"),
            sentence(
                f"These texts alone require {two.skills:,} skills and teach {fraction(two.measured)} of them (learner "
                f"{two.learner}); Poisson texts of the same means would teach {fraction(two.predicted)} ({classes})."
            ),
        ]
    )


def _cell(text: str) -> html.Td:
    return html.Td(text, className="number")


def _inside(limit: float, two: TwoClasses) -> Any:
    inside = all(share >= 0.5 for _, share in two.by_class)
    where = "inside the region" if inside else "outside: with these texts a class stays unlearned"
    return sentence(f"The star, these texts, is {where}. Searched up to {limit:.2f} texts per skill.")


def _tree_said(found: Hierarchy, relation: Relation, shown: int) -> str:
    linked = sum(bool(found.above[i] or found.below[i]) for i in range(len(found.ids)))
    arrow = "prerequisites stand left of what needs them" if relation == "prerequisites" else "the whole stands left"
    return (
        f"Shown are {shown:,} of {linked:,} skills that are in this hierarchy; {arrow}. Click one to open or close it."
    )


def _register_browser(app: Any) -> None:
    """Add what happens in the browser alone."""

    def js(name: str, space: str = "sgTree") -> ClientsideFunction:
        return ClientsideFunction(space, name)

    app.clientside_callback(
        js("plainSheet", "sg"), Output("c-tree", "stylesheet"), Input("shown-scheme", "data"), Input("c-sheets", "data")
    )
    app.clientside_callback(
        js("attach"),
        Output("c-tree", "data-ready"),
        Input("c-tree", "elements"),
        Input("c-skill", "value"),
        State("c-tree", "id"),
    )
    app.clientside_callback(
        js("toggle"),
        Output("c-open", "data"),
        Output("c-full", "data"),
        Output("c-lines", "selectedRows"),
        Input("c-lines", "selectedRows"),
        Input("c-close", "n_clicks"),
        State("c-open", "data"),
        State("c-full", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        js("zoom", "sgPair"),
        Output({"type": "c-tree-zoom", "act": "fit"}, "data-done"),
        Input({"type": "c-tree-zoom", "act": ALL}, "n_clicks"),
        State("c-tree", "id"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        js("blocked"),
        Output("c-skill", "value"),
        Output("c-rel", "value"),
        Input("c-blocked", "selectedRows"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        js("state"), Output("c-measure", "data-url"), Input("c-measure", "value"), Input("c-by", "value")
    )
    app.clientside_callback(
        js("treeState"),
        Output("c-rel", "data-url"),
        Input("c-rel", "value"),
        Input("c-open", "data"),
        Input("c-full", "data"),
        Input("c-skill", "value"),
        State("c-rel", "data"),
    )
    app.clientside_callback(
        js("regionState"), Output("c-x", "data-url"), Input("c-x", "value"), Input("c-y", "value"), State("c-x", "data")
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


def level_table(view: LayerView) -> list[tuple[str, int, int]]:
    """(level, skills, learned) for each level of skills, the lowest first; empty where no skill has one."""
    found = skill_levels(view)
    if all(level is None for level in found):
        return []
    rows: dict[int, list[int]] = {}
    for level, known in zip(found, view.learned.tolist(), strict=True):
        rows.setdefault(-1 if level is None else level, []).append(known)
    return [
        ("no level" if level < 0 else f"level {level}", len(known), sum(known)) for level, known in sorted(rows.items())
    ]


def _share_figure(rows: list[tuple[str, int, int]]) -> go.Figure:
    rows = rows[:_MOST][::-1]
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
    chart.update_layout(
        **figure_layout(
            hovermode="closest",
            xaxis={"gridcolor": "rgba(0,0,0,0)", "side": "top"},
            yaxis={"gridcolor": "rgba(0,0,0,0)"},
            margin={"l": 90, "r": 10, "t": 34, "b": 10},
        )
    )
    return chart


def _top(values: np.ndarray[Any, Any]) -> float:
    """The largest number of a table with gaps; 1 if there is none."""
    return float(np.nanmax(values, initial=0.0)) or 1.0


def _cell_texts(values: np.ndarray[Any, Any], *, share: bool) -> list[list[str]]:
    """What stands in the cells of a heat map, in a colour that can be read on theirs."""
    top = 1.0 if share else _top(values)

    def text(value: float) -> str:
        if np.isnan(value):
            return ""
        return f'<span style="color:{ink_on(shade(value / top))}">{value:{".0%" if share else ".1f"}}</span>'

    return [[text(value) for value in row] for row in values.tolist()]


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
    chart.update_layout(
        **figure_layout(
            margin={"l": 0, "r": 0, "t": 4, "b": 0}, hovermode="closest", uniformtext={"minsize": 9, "mode": "hide"}
        )
    )
    return chart
