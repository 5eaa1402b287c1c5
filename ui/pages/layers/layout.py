"""Two layers side by side: what was kept, gained and lost, on the graph, by class and skill by skill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from explorer.service import LayerComparison
from explorer.store.protocol import LayerInfo
from explorer.wording import isolated, plural, quoted
from ui.attributes import attributes
from ui.choice import Choice, Query, choose
from ui.components import (
    card,
    drawn_at_most,
    empty_state,
    figure,
    fraction,
    grid,
    no_layer,
    page,
    page_header,
    picker_width,
    sentence,
    small_select,
    stat,
    why_column,
    wide_table,
)
from ui.drawing.canvas import zoom_tools
from ui.drawing.figures import GROUPS
from ui.drawing.fitted import fitted_canvas
from ui.drawing.pairs import LIMITS
from ui.drawing.style import CHANGES, SCHEMES, pair_stylesheet
from ui.notices import notice
from ui.pages.layers.answers import SAID, anchor_lasts, change_rows, compared
from ui.pages.layers.state import ALL_CLASSES, ANCHORS, CHANGED, CONTROLS
from ui.pages.managing import manage_card
from ui.source import Snapshot
from ui.told import told
from ui.typed import Properties, Row

__all__ = ["layout", "odd_pair"]

_TITLE = "Layers"


_MEANING = (
    "Two layers side by side, usually a foundation and a layer fine-tuned from it: kept skills are in both, "
    "gained ones only in the second, lost ones only in the first."
)


_BEYOND = "beyond noise, at a false discovery rate of 5 %"


_VIEWS = ({"value": "one", "label": "one graph"}, {"value": "two", "label": "side by side"})


_BY = ({"value": "class", "label": "class"}, {"value": "level", "label": "level"})


_DRAW = ({"value": "some", "label": f"first {GROUPS}"}, {"value": "all", "label": "all"})


_KINDS = ({"value": "lost", "label": "lost"}, {"value": "gained", "label": "gained"})


def _shown(form: str) -> Properties:
    """How a column writes its numbers; nothing where there is none."""
    return {"valueFormatter": {"function": f"params.value == null ? '' : d3.format('{form}')(params.value)"}}


_COUNT: Properties = {"type": "numericColumn", **_shown(",")}


def layout(snapshot: Snapshot, query: Query) -> Component:
    """The page for what the URL says."""
    choice = choose(snapshot, query)
    if choice.layer is None:
        return page(page_header(_TITLE, _MEANING, choice, layer=False), no_layer(choice.dataset), manage_card(choice))
    pair = _pair(choice, query)
    if pair is None:
        only = choice.layer
        return page(
            page_header(_TITLE, _MEANING, choice, layer=False),
            empty_state(
                "One layer only",
                f"There is no second layer to compare {quoted(only)} with yet: fine-tune it, or learn another layer "
                "with a different learner.",
                f"skillgraph learn tuned --base {only} --mode continued --dataset {choice.dataset}",
                f"skillgraph learn two-at-a-time --learner d:2 --dataset {choice.dataset}",
            ),
            manage_card(choice),
        )
    found = compared(snapshot, str(choice.dataset), *pair)
    rows = change_rows(found)
    problem = choice.problem or odd_pair(choice, query, pair)
    subject = {"dataset": choice.dataset, "first": pair[0], "second": pair[1]}
    return page(
        page_header(_TITLE, _MEANING, choice, layer=False, extra=_pickers(choice, *pair)),
        None if problem is None else notice(problem),
        dcc.Store(id="p-pair", data=subject),
        dcc.Download(id="p-download"),
        dcc.Store(id="p-skill", data=query.get("skill")),
        *CONTROLS.stores(
            attached=_usual(found), **CHANGED.whole(CHANGED.lasts(rows)), **ANCHORS.whole(anchor_lasts(found))
        ),
        dcc.Store(id="p-near"),
        dcc.Store(id="p-sheets", data={scheme: pair_stylesheet(scheme) for scheme in SCHEMES}),
        _stats(found),
        _cautions(found),
        _graph(found, query),
        html.Div([_groups(found, query), _attached(found, query)], className="row two"),
        html.Div([_training(found), _family_card()], className="row two" if found.training else "row"),
        _table(found, rows, CONTROLS.read(query)),
        manage_card(choice),
    )


def _pair(choice: Choice, query: Query) -> tuple[str, str] | None:
    """The layers that the query names, else a fine-tuned layer and its base, else the first two."""
    names = [info.name for info in choice.layers]
    if len(names) < 2:
        return None
    bases = {info.name: info.base for info in choice.layers}
    second = query.get("second")
    if second not in bases:
        tuned = [info for info in choice.layers if info.base is not None]
        preferred = [info.name for info in tuned if info.mode == "continued"] or [info.name for info in tuned]
        chosen = query.get("layer")
        second = chosen if chosen in bases and bases[chosen] is not None else (preferred or names[1:])[0]
    first = query.get("first")
    if first not in bases:
        first = bases[second] or next(name for name in names if name != second)
    return str(first), str(second)


def odd_pair(choice: Choice, query: Query, pair: tuple[str, str]) -> str | None:
    """A sentence if the query names layers that are not there, or one layer twice."""
    names = {info.name for info in choice.layers}
    asked = dict.fromkeys(query[side] for side in ("first", "second") if side in query)
    missing = [quoted(name) for name in asked if name not in names]
    if missing:
        kinds = f"no layer {missing[0]}" if len(missing) == 1 else f"no layers {' and '.join(missing)}"
        return (
            f"Dataset {quoted(choice.dataset)} has {kinds}; {quoted(pair[0])} and {quoted(pair[1])} are shown instead."
        )
    if pair[0] == pair[1]:
        return f"Both layers are {quoted(pair[0])}, so there is nothing to compare. Choose another as one of them."
    return None


def _select(name: str, label: str, options: Sequence[str], value: str, least: int = 190) -> dmc.Select:
    return small_select(name, label, options, value, width=picker_width(options, least))


def _segments(name: str, label: str, options: Sequence[Mapping[str, str]], value: str | None) -> dmc.SegmentedControl:
    names = [option["value"] for option in options]
    return dmc.SegmentedControl(
        id=name,
        data=[dict(option) for option in options],
        value=value if value in names else names[0],
        size="xs",
        **attributes(aria_label=label),
    )


def _pickers(choice: Choice, first: str, second: str) -> html.Div:
    names = [info.name for info in choice.layers]
    return html.Div(
        [
            _select("p-first", "First layer", names, first),
            _select("p-second", "Second layer", names, second),
            html.Button("Report (HTML)", id="p-report", className="act", title="The whole comparison as one file"),
        ],
        className="pickers",
    )


def _stats(found: LayerComparison) -> html.Div:
    change = found.mastery

    def layer(info: LayerInfo, score: float | None) -> str:
        told = "" if score is None else f"; mean outcome {fraction(score)}"
        return f"learned: {info.learned:,} of {plural(info.skills, 'skill')}{told}"

    either = plural(len(found.changes), "skill")
    scores = (None, None) if change is None else (change.score_first, change.score_second)
    numbers = [
        *(
            stat(info.name, fraction(info.learned_fraction), layer(info, score))
            for info, score in zip((found.first, found.second), scores, strict=True)
        ),
        stat(
            "Kept",
            f"{found.kept:,}",
            f"of {either} in both" if change is None else f"of {either} within 10 points beyond noise",
        ),
        stat(
            "Gained",
            f"{found.gained:,}",
            f"of {either} " + ("only in the second" if change is None else _BEYOND),
            tone="gained",
        ),
        stat(
            "Lost",
            f"{found.lost:,}",
            f"of {either} " + ("only in the first" if change is None else _BEYOND),
            tone="lost" if found.lost else "",
        ),
    ]
    if change is not None:
        numbers.append(stat("Not told apart", f"{found.open:,}", f"of {either} the outcomes do not decide"))
        p = found.paired
        if p is not None:
            sure = "beyond noise" if p.p_value <= 0.05 else "within noise"
            numbers.append(
                stat(
                    "Solve rate",
                    f"{100 * p.difference:+.1f} points",
                    f"{100 * p.low:+.1f} to {100 * p.high:+.1f} on {plural(p.items, 'common text')}: {sure} (McNemar, "
                    f"p = {p.p_value:.2g})",
                    tone="small",
                )
            )
    else:
        giants = f"{fraction(found.giant_first)} → {fraction(found.giant_second)}"
        numbers.append(
            stat(
                "Giant component",
                giants,
                f"of {found.first.skills:,} and {found.second.skills:,} skills that the layers' texts require",
                tone="small",
            )
        )
    return html.Div(numbers, className="stats")


def _cautions(found: LayerComparison) -> Component | None:
    if not found.cautions:
        return None
    return html.Section(
        [html.H2("Read this first", className="card-title"), html.Ul([html.Li(told(c)) for c in found.cautions])],
        className="card cautions",
    )


def _graph(found: LayerComparison, query: Query) -> html.Section:
    classes = sorted({c.skill_class or "no class" for c in found.changes})
    chosen = query.get("class", ALL_CLASSES)
    counts = {"kept": found.kept, "gained": found.gained, "lost": found.lost, "open": found.open}
    legend = html.Div(
        [
            html.Button(
                [
                    html.Span(className=f"shape shape-{kind}", style={"background": CHANGES[kind]}),
                    html.Span(kind),
                    html.Span(f"{count:,}", className="count"),
                ],
                id={"type": "p-legend", "change": kind},
                className="legend-item",
                title=f"{SAID[kind]}; hide or show",
                **attributes(aria_pressed="true"),
            )
            for kind, count in counts.items()
            if count
        ],
        className="legend-row",
        role="group",
        **attributes(aria_label="Kept, gained, lost: hide or show"),
    )
    return html.Section(
        [
            html.Div(
                [
                    html.H2("On the graph", className="card-title"),
                    legend,
                    html.Div(className="spacer"),
                    _segments("p-view", "View", _VIEWS, query.get("view")),
                    drawn_at_most("p-draw", LIMITS, len(found.changes), int(CONTROLS.read(query)["draw"])),
                    _select(
                        "p-class", "Class", [ALL_CLASSES, *classes], chosen if chosen in classes else ALL_CLASSES, 150
                    ),
                ],
                className="toolbar pair-bar",
            ),
            html.Div(
                [
                    _side("p-cy-a", found.first.name, "p-side-a"),
                    _side("p-cy-b", found.second.name, "p-side-b"),
                    html.Aside(
                        id="p-inspector",
                        className="pair-inspector",
                        **attributes(aria_label="The chosen skill"),
                        tabIndex=0,
                    ),
                ],
                className="pair-body",
                id="p-body",
            ),
            html.Div(id="p-caption", className="graph-caption", **attributes(aria_live="polite")),
        ],
        className="card graph-card",
    )


def _side(name: str, layer: str, box: str) -> html.Div:
    return html.Div(
        [
            html.Div(layer, className="pair-name"),
            fitted_canvas(name, f"Skills of {isolated(layer)}; the table below has the same skills"),
            zoom_tools(name),
        ],
        className="graph-stage",
        id=box,
    )


def _groups(found: LayerComparison, query: Query) -> Component:
    by = query.get("by", "class")
    many = len(found.by_class) > GROUPS or len(found.by_level or ()) > GROUPS
    return card(
        "By group",
        [
            figure("p-groups", height=280, label="Kept, gained and lost skills of each class or level"),
            html.Div(id="p-groups-said", className="quiet", **attributes(aria_live="polite")),
        ],
        note="Skills of each class or level that both layers have learned, and which layer has learned more.",
        extra=html.Div(
            [
                html.Div(_segments("p-many", "Groups that are drawn", _DRAW, query.get("groups")), hidden=not many),
                html.Div(
                    _segments("p-by", "Group by", _BY if found.by_level else _BY[:1], by), hidden=not found.by_level
                ),
            ],
            className="segments",
        ),
    )


def _usual(found: LayerComparison) -> str:
    return "lost" if found.lost else "gained"


def _attached(found: LayerComparison, query: Query) -> Component:
    columns = [
        {"field": "skill", "headerName": "Skill", "flex": 2, "minWidth": 130, "tooltipField": "skill"},
        {"field": "attached", "headerName": "Attached", "maxWidth": 105, **_COUNT},
        {"field": "texts", "headerName": "Texts", "maxWidth": 90, **_COUNT},
        {"field": "which", "headerName": "Which", "flex": 3, "tooltipField": "which"},
        why_column(found.first.dataset, found.first.name),
    ]
    return card(
        "What they are attached to",
        [
            ANCHORS.box(None, CONTROLS.read(query), anchor_lasts(found)),
            grid("p-anchors", columns, height=226),
            html.Div(id="p-components"),
        ],
        note="Skills of the first layer that share texts with gained (or lost) skills: for how many of those they are "
        "among the five strongest associations, and in how many texts.",
        extra=_segments("p-attached", "Attached are", _KINDS, query.get("attached", _usual(found))),
    )


def _training(found: LayerComparison) -> Component | None:
    if not found.training:
        return None
    heads = ("", "Measured", "Types", "Degrees", "Poisson", "New skills", "Types")
    rows = [
        html.Tr(
            [
                html.Th([row.mode, html.Div(row.layer or "not in the store", className="quiet")], scope="row"),
                *(
                    html.Td(fraction(value), className="number")
                    for value in (
                        row.measured,
                        row.typed,
                        row.degrees,
                        row.poisson,
                        row.measured_domain,
                        row.typed_domain,
                    )
                ),
            ]
        )
        for row in found.training
    ]
    head = html.Tr([html.Th(name, scope="col", className="number" if name else "") for name in heads])
    return card(
        "Three ways to train",
        wide_table(html.Table([html.Thead(head), html.Tbody(rows)], className="table")),
        note="Learned share of all skills and of those that the foundation's texts do not require: on these texts, "
        "and as theory predicts for texts that keep their mix of types of skills, for their degrees alone, and for "
        "Poisson texts.",
    )


def _family_card() -> Component:
    return card(
        "Family",
        html.Div(sentence("Comparing each layer with its base …"), id="p-family"),
        note="Layers under a layer were fine-tuned from it; click one to compare it with its base.",
    )


def _table(found: LayerComparison, rows: list[Row], said: Properties) -> Component:
    lasts = CHANGED.lasts(rows)
    kept, _ = CHANGED.kept(rows, [said[b.key] for b in CHANGED.brushes], lasts)
    return card(
        "Skill by skill",
        [
            CHANGED.box(rows, said, lasts),
            grid(
                "p-changes",
                _columns(found),
                kept,
                height=420,
                filters=True,
                options={
                    "pagination": True,
                    "paginationPageSize": 100,
                    "rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True},
                },
                getRowId="params.data.id",
                selectedRows=[],
            ),
        ],
        note=(
            "“Links” counts how often a text requires the skill together with one that the first layer "
            "has learned: gains with large numbers build on earlier skills, gains with small numbers are new. A row "
            "chosen by a click or the space bar is shown on the graph."
        ),
        extra=_graph_link(found),
    )


def _graph_link(found: LayerComparison) -> Component | None:
    if found.second.base != found.first.name or found.second.kind == "evidence":
        return None
    query = urlencode({"dataset": found.second.dataset, "layer": found.second.name, "colour": "change"})
    return dcc.Link("the second layer on the graph page", href=f"/graph?{query}")


def _columns(found: LayerComparison) -> list[Properties]:
    number = {"filter": "agNumberColumnFilter", "minWidth": 100, "maxWidth": 125, **_COUNT}
    columns: list[Properties] = [
        {"field": "skill", "headerName": "Skill", "flex": 2, "tooltipField": "skill", "minWidth": 150},
        {"field": "class", "headerName": "Class", "flex": 1, "minWidth": 100},
        {
            "field": "change",
            "headerName": "Change",
            "minWidth": 100,
            "maxWidth": 120,
            "cellClassRules": {f"change-{name}": f"params.value === '{name}'" for name in CHANGES},
        },
        {"field": "level", "headerName": "Level", **number},
        {"field": "wave", "headerName": "Wave", **number},
        {
            "field": "component",
            "headerName": "Part",
            "headerTooltip": "Component of the associations; 0 is the giant component",
            **number,
        },
        {
            "field": "links",
            "headerName": "Links",
            "headerTooltip": "Texts that require it together with a skill of the first layer, summed",
            **number,
        },
        {"field": "attached", "headerName": "Attached to", "flex": 3, "tooltipField": "attached", "minWidth": 160},
    ]
    if found.mastery is not None:
        mastery = {**number, **_shown(".2f")}
        columns[4:6] = [
            {"field": "before", "headerName": "Mastery 1", "headerTooltip": "In the first layer", **mastery},
            {"field": "after", "headerName": "Mastery 2", "headerTooltip": "In the second layer", **mastery},
            {"field": "deviation", "headerName": "±", "headerTooltip": "Deviation of the change", **mastery},
        ]
    if found.paired is not None:
        points, share = {**number, **_shown("+.1f")}, {**number, **_shown(".0%")}
        columns[3:7] = [
            {"field": "items", "headerName": "Texts", "headerTooltip": "That both attempted", **number},
            {"field": "solved1", "headerName": "Solved 1", "headerTooltip": "By the first model", **share},
            {"field": "solved2", "headerName": "Solved 2", "headerTooltip": "By the second model", **share},
            {"field": "points", "headerName": "Points", "headerTooltip": "Change of the solve rate", **points},
            {"field": "low", "headerName": "from", "headerTooltip": "Lower end of the 95 % interval", **points},
            {"field": "high", "headerName": "to", "headerTooltip": "Upper end of the 95 % interval", **points},
            {
                "field": "q",
                "headerName": "q",
                "headerTooltip": "q-value of no change, after Benjamini and Hochberg over skills",
                **number,
                **_shown(".2g"),
            },
        ]
    if not found.by_level:
        columns = [column for column in columns if column["field"] != "level"]
    return [*columns, why_column(found.second.dataset, found.second.name)]
