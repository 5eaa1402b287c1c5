"""Classes of skills and texts, what they require of each other, and the hierarchy of skills."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote

import dash_mantine_components as dmc
import pyarrow.compute as pc
from dash import dcc, html
from dash.development.base_component import Component

from explorer.errors import USER_ERRORS
from explorer.service import LayerView
from explorer.wording import isolated, quoted
from loaders.dataset import Dataset
from ui.attributes import attributes, named
from ui.choice import Query, choose
from ui.components import card, figure, grid, no_layer, page, page_header, sentence, small_select, why_column
from ui.drawing.canvas import zoom_tools
from ui.drawing.fitted import fitted_canvas
from ui.drawing.hierarchies import (
    LEFT_OUT,
    ROWS,
    UNUSED,
    blocked_rows,
    hierarchy,
    skill_levels,
)
from ui.drawing.stability import TextGroup, text_groups
from ui.drawing.style import SCHEMES, tree_stylesheet
from ui.notices import notice
from ui.pages.classes.answers import MOST, matching
from ui.pages.classes.state import REGION, SHARES, TREE
from ui.searching import searching
from ui.source import Snapshot
from ui.state import strings

__all__ = ["layout"]

_TITLE = "Classes and hierarchy"


_MEANING = (
    "Skills and texts come in classes. A class is learned well if the texts that require it need few other skills, "
    "or if those are learned too."
)


_MEASURES = ({"value": "learned", "label": "learned share"}, {"value": "mean", "label": "skills per text"})


_BY = ({"value": "class", "label": "class"}, {"value": "level", "label": "level"})


_VIEWS = {"prerequisites": "prerequisites", "parts": "parts", "boxes": "boxes"}


def layout(snapshot: Snapshot, query: Query) -> Component:
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
        *SHARES.stores(),
        html.Div([_shares(view, query), _heat(query)], className="row wide-right"),
        _hierarchy(view, query),
        _blocked(view),
        _regions(view, query),
        _predicted(view),  # last: it comes late, and would push away what is in use
    )


def _no_skill(view: LayerView, skill: str | None) -> str | None:
    """A sentence if the address names a skill that is not there."""
    skills = view.indexed.dataset.skills["id"]
    if not skill or pc.index(skills, skill).as_py() >= 0:
        return None
    return f"Dataset {quoted(view.info.dataset)} has no skill {quoted(skill)}."


def _segments(name: str, title: str, options: Sequence[dict[str, str]], value: str | None) -> dmc.SegmentedControl:
    names = [option["value"] for option in options]
    return dmc.SegmentedControl(
        id=name,
        data=list(options),
        value=value if value in names else names[0],
        size="xs",
        **attributes(aria_label=title),
    )


_DRAW = ({"value": "largest", "label": f"{MOST} largest"}, {"value": "all", "label": "all"})


def _shares(view: LayerView, query: Query) -> Component:
    options = _BY if any(level is not None for level in skill_levels(view)) else _BY[:1]
    return card(
        "Learned share of skills",
        [
            figure("c-share", height=330, label="Learned and not learned skills of each class or level"),
            html.Div(id="c-share-said", className="quiet", **attributes(aria_live="polite")),
        ],
        note="How many skills of each class, or level, the layer's texts require, and how many of them are learned.",
        extra=html.Div(_segments("c-by", "Group by", options, query.get("by")), hidden=len(options) < 2),
    )


def _heat(query: Query) -> Component:
    return card(
        "Text classes × skill classes",
        [
            figure("c-heat", height=330, label="Text classes against skill classes"),
            html.Div(id="c-heat-said", className="quiet", **attributes(aria_live="polite")),
        ],
        note="What texts of a class require of each class of skills; a cell is empty where they require none.",
        extra=html.Div(
            [
                _segments("c-draw", "Classes that are drawn", _DRAW, query.get("draw")),
                _segments("c-measure", "Measure", _MEASURES, query.get("measure")),
            ],
            className="segments",
        ),
    )


def _predicted(view: LayerView) -> Component:
    if view.info.kind == "evidence":
        return html.Div(id="c-predicted", hidden=True)
    return card(
        "Prediction and measurement by class",
        html.Div(
            html.P("Comparing with random graphs …", className="quiet"),
            id="c-predicted",
            **attributes(aria_live="polite"),
        ),
        note="How much of each class is learned, and what random graphs would learn in which texts of each class "
        "require as many skills of each class on average (Poisson), exactly as many (degrees), or in which every text "
        "keeps its mix of types of skills (types, on graphs of up to 200,000 requirements).",
    )


def _hierarchy(view: LayerView, query: Query) -> Component:
    dataset = view.indexed.dataset
    there = ["prerequisites"] if dataset.prerequisites.num_rows else []
    there += ["parts", "boxes"] if dataset.part_of.num_rows else []
    if not there:
        text = "This dataset has no part-of links and no prerequisites between skills."
        return card("Hierarchy", sentence(text))
    options = [{"value": name, "label": _VIEWS[name]} for name in there]
    columns = [
        {"field": "skill", "headerName": "Skill", "flex": 3, "minWidth": 220},
        {"field": "level", "headerName": "Level", "type": "numericColumn", "maxWidth": 90},
        {"field": "state", "headerName": "State", "flex": 1},
        {"field": "below", "headerName": "Skills below", "type": "numericColumn", "maxWidth": 130},
        {"field": "share", "headerName": "Learned, %", "type": "numericColumn", "maxWidth": 130},
        why_column(view.info.dataset, view.info.name, "key"),
    ]
    return html.Section(
        [
            *TREE.stores(rel=there[0]),
            dcc.Store(id="c-open", data=_listed(query.get("open"))),
            dcc.Store(id="c-full", data=_listed(query.get("full"))),
            dcc.Store(id="c-sheets", data={scheme: tree_stylesheet(scheme) for scheme in SCHEMES}),
            html.Div(
                [
                    html.H2("Hierarchy", className="card-title"),
                    _tree_keys(evidence=view.info.kind == "evidence"),
                    html.Div(className="spacer"),
                    html.Button("close all", id="c-close", className="link"),
                    _rows(dataset, TREE.read(query)["most"]),
                    _segments("c-rel", "Hierarchy of", options, query.get("rel")),
                    searching(
                        dmc.Select(
                            id="c-skill",
                            data=matching(view, "", query.get("skill")),
                            value=query.get("skill"),
                            placeholder="Find a skill",
                            searchable=True,
                            clearable=True,
                            nothingFoundMessage="No skill with that name",
                            size="xs",
                            w=210,
                            comboboxProps={"shadow": "md"},
                            clearButtonProps=named("Clear the skill"),
                            **attributes(aria_label="Find a skill"),
                        )
                    ),
                ],
                className="toolbar pair-bar",
            ),
            html.Div(
                [
                    fitted_canvas("c-tree", "The hierarchy of skills; the table below shows the same rows"),
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
            html.Div(id="c-said", className="graph-caption", **attributes(aria_live="polite")),
            html.Details(
                [
                    html.Summary("The same rows as a table; the space bar opens and closes a row"),
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


def _rows(dataset: Dataset, chosen: str) -> html.Div:
    """How many rows are shown at most; nothing to choose where the fewest are all skills."""
    options = [{"value": str(most), "label": f"{most:,} rows"} for most in ROWS]
    field = small_select("c-most", None, options, chosen, width=140, **attributes(aria_label="Most rows"))
    return html.Div(field, hidden=dataset.skills.num_rows <= ROWS[0])


def _tree_keys(*, evidence: bool) -> html.Div:
    keys = (
        ("learned", "learned"),
        ("missing", "not learned"),
        ("blocked", "blocked by a prerequisite"),
        ("absent", LEFT_OUT if evidence else UNUSED),
    )
    return html.Div(
        [html.Span([html.Span(className=f"mark mark-{name}"), text]) for name, text in keys], className="keys"
    )


def _listed(text: str | None) -> list[str]:
    """Skills of an address; former ones have commas between them."""
    text = text or ""
    return list(strings(text)) if text.startswith("[") else [unquote(part) for part in text.split(",") if part]


def _blocked(view: LayerView) -> html.Section | None:
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
        {"field": "roots", "headerName": "Begins with", "flex": 2, "tooltipField": "roots"},
        {"field": "ready", "headerName": "Texts ready", "maxWidth": 120, "type": "numericColumn"},
        why_column(view.info.dataset, view.info.name),
    ]
    ready = sum(row["ready"] > 0 for row in rows)
    note = (
        "A skill can be learned only after its prerequisites; each of these waits for one that is not learned. “Begins "
        "with”: the skills at the start of its chain, which wait for no other skill. “Texts ready”: texts in which it "
        f"is the only novel skill and which would teach it at once; {ready:,} of them have one. Click a row to show "
        "its chain above."
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


def _regions(view: LayerView, query: Query) -> Component | None:
    groups = text_groups(view)
    if len(groups) < 2:
        return None
    x, y = _chosen(groups, query)
    data = [{"value": group.key, "label": f"{isolated(group.name)} ({group.texts:,})"} for group in groups]

    def choice(name: str, title: str, value: str) -> dmc.Select:
        return small_select(name, title, data, value, width=200, searchable=True)

    region_card = card(
        "Two classes of texts",
        [
            *REGION.stores(**dict(zip("xy", _chosen(groups, {}), strict=True))),
            dcc.Interval(id="c-tick", interval=700, disabled=True),
            html.Div(
                [
                    figure("c-region", height=340, label="Stability region of two classes of texts"),
                    html.Div(
                        [
                            html.Div(
                                [choice("c-x", "Across", x), choice("c-y", "Upwards", y)], className="pickers stacked"
                            ),
                            html.Div(id="c-region-said", **attributes(aria_live="polite")),
                        ]
                    ),
                ],
                className="row wide-left region",
            ),
        ],
        note="Stability region: with these numbers of texts of each class per skill, and no texts of other classes, at "
        "most half of every class of skills stays unlearned. Adding texts moves the point to the right or up, never "
        "out of the region.",
    )
    return html.Div(region_card, id="c-two")


def _chosen(groups: Sequence[TextGroup], query: Query) -> tuple[str, str]:
    """The groups that the query names, else the two largest classes."""
    keys = [group.key for group in groups]
    x = query.get("x") if query.get("x") in keys else keys[0]
    rest = [key for key in keys if key != x and key.split(":")[0] == str(x).split(":", maxsplit=1)[0]] or keys[1:]
    y = query.get("y") if query.get("y") in keys else rest[0]
    return str(x), str(y)
