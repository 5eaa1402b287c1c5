"""What the page answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dash import ALL, Input, Output, State, no_update
from dash.development.base_component import Component

from explorer.errors import USER_ERRORS
from explorer.service import predict_classes
from explorer.service.prediction import SWIFT_UP_TO
from ui.calls import Calls
from ui.components import sentence
from ui.content import Content, Update
from ui.drawing.figures import MANY, groups_said
from ui.drawing.hierarchies import (
    Relation,
    hierarchy,
    tree_elements,
    tree_rows,
    unfold,
)
from ui.drawing.stability import two_classes
from ui.pages.classes.answers import (
    MOST,
    boxes_said,
    by_class,
    class_table,
    heat_figure,
    level_table,
    matching,
    no_figure,
    region_answer,
    requirement_matrix,
    share_figure,
    tree_figure,
    tree_said,
)
from ui.pages.classes.state import REGION, SHARES, TREE
from ui.searching import found, register_found
from ui.source import Source
from ui.typed import Element, Row

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["CALLS"]

CALLS = Calls()


@CALLS.answer(
    "text classes × skill classes",
    Output("c-heat", "figure"),
    Output("c-heat", "style"),
    Output("c-heat-said", "children"),
    Input("c-measure", "value"),
    Input("c-draw", "value"),
    State("c-subject", "data"),
)
def heat(source: Source, measure: str, draw: str, subject: dict[str, str]) -> tuple[go.Figure, dict[str, str], str]:
    view = source.snapshot().view(subject["dataset"], subject["layer"])
    most = MANY if draw == "all" else MOST
    rows, columns, _ = requirement_matrix(view, measure)
    said = (
        groups_said(min(len(rows), most), len(rows), "classes of texts"),
        groups_said(min(len(columns), most), len(columns), "classes of skills"),
    )
    return heat_figure(view, measure, most), _height(min(len(rows), most)), " ".join(filter(None, said))


def _height(rows: int) -> dict[str, str]:
    """Room for so many rows of a figure."""
    return {"height": f"{max(330, 72 + 19 * rows)}px"}


@CALLS.answer(
    "the learned share of skills",
    Output("c-share", "figure"),
    Output("c-share", "style"),
    Output("c-share-said", "children"),
    Input("c-by", "value"),
    Input("c-draw", "value"),
    State("c-subject", "data"),
)
def share(source: Source, by: str, draw: str, subject: dict[str, str]) -> tuple[go.Figure, dict[str, str], str]:
    view = source.snapshot().view(subject["dataset"], subject["layer"])
    rows = level_table(view) if by == "level" else class_table(view)
    most = MANY if draw == "all" else MOST
    shown = min(len(rows), most)
    noun = "levels" if by == "level" else "classes of skills"
    which = "lowest" if by == "level" else "largest"
    return share_figure(rows, most), _height(shown), groups_said(shown, len(rows), noun, which)


@CALLS.answer("the prediction of each class", Output("c-predicted", "children"), Input("c-subject", "data"))
def predicted(source: Source, subject: dict[str, str]) -> Component | None:
    snapshot = source.snapshot()
    dataset, layer = subject["dataset"], subject["layer"]
    view = snapshot.view(dataset, layer)
    if view.info.kind == "evidence":
        return None
    swift = view.indexed.graph.n_edges <= SWIFT_UP_TO
    try:
        found = snapshot.apart(("prediction by class", dataset, layer), predict_classes, dataset, layer, types=swift)
    except USER_ERRORS as error:
        return sentence(f"{str(error)[:1].upper()}{str(error)[1:]}.")
    return by_class(found)


@CALLS.answer(
    "the hierarchy",
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
    Input("c-most", "value"),
    State("c-subject", "data"),
)
def tree(
    source: Source,
    rel: str,
    opened: list[str],
    full: list[str],
    skill: str | None,
    most: str,
    subject: dict[str, str],
) -> tuple[Update[list[Element]], list[Row], str, bool, bool, Update[go.Figure]]:
    snapshot = source.snapshot()
    view = snapshot.view(subject["dataset"], subject["layer"])
    relation: Relation = "prerequisites" if rel == "prerequisites" else "parts"
    found = snapshot.once(
        ("hierarchy", subject["dataset"], subject["layer"], relation), lambda: hierarchy(view, relation)
    )
    if found is None:
        return [], [], "", True, True, no_update
    rows = unfold(found, opened or (), full or (), skill, int(most))
    boxes = rel == "boxes"
    said = boxes_said(view) if boxes else tree_said(found, relation, sum(row.skill >= 0 for row in rows), int(most))
    elements = no_update if boxes else tree_elements(found, rows, skill)
    return elements, tree_rows(found, rows), said, boxes, not boxes, tree_figure(view) if boxes else no_update


@CALLS.answer(
    "the skills that match",
    Output(found("c-skill"), "data"),
    Input("c-skill", "searchValue"),
    Input("c-skill", "value"),
    State("c-subject", "data"),
    prevent_initial_call=True,
)
def search(source: Source, text: str | None, chosen: str | None, subject: dict[str, str]) -> list[dict[str, str]]:
    view = source.snapshot().view(subject["dataset"], subject["layer"])
    return matching(view, text or "", chosen)


register_found(CALLS, "c-skill")


@CALLS.answer(
    "the stability region",
    Output("c-region", "figure"),
    Output("c-region-said", "children"),
    Output("c-tick", "disabled"),
    Output("c-tick", "interval"),
    Input("c-x", "value"),
    Input("c-y", "value"),
    Input("c-tick", "n_intervals"),
    State("c-subject", "data"),
)
def stability(
    source: Source, x: str, y: str, _: int | None, subject: dict[str, str]
) -> tuple[go.Figure, Content, bool, Update[int]]:
    snapshot = source.snapshot()
    key = (subject["dataset"], subject["layer"], x, y)
    view = snapshot.view(key[0], key[1])
    try:
        two = snapshot.once(("two classes", *key), lambda: two_classes(view, x, y))
    except USER_ERRORS as error:
        return no_figure(), sentence(f"{str(error)[:1].upper()}{str(error)[1:]}."), True, no_update
    return region_answer(source.regions, snapshot, key, two)


CALLS.browser("sg.plainSheet", Output("c-tree", "stylesheet"), Input("shown-scheme", "data"), Input("c-sheets", "data"))
CALLS.browser(
    "sgTree.attach",
    Output("c-tree", "data-ready"),
    Input("c-tree", "elements"),
    Input("c-skill", "value"),
    State("c-tree", "id"),
)
CALLS.browser(
    "sgTree.toggle",
    Output("c-open", "data"),
    Output("c-full", "data"),
    Output("c-lines", "selectedRows"),
    Input("c-lines", "selectedRows"),
    Input("c-close", "n_clicks"),
    State("c-open", "data"),
    State("c-full", "data"),
    prevent_initial_call=True,
)
CALLS.browser(
    "sgPair.zoom",
    Output({"type": "c-tree-zoom", "act": "fit"}, "data-done"),
    Input({"type": "c-tree-zoom", "act": ALL}, "n_clicks"),
    State("c-tree", "id"),
    prevent_initial_call=True,
)
CALLS.browser(
    "sgTree.blocked",
    Output("c-skill", "value"),
    Output("c-rel", "value"),
    Input("c-blocked", "selectedRows"),
    prevent_initial_call=True,
)
SHARES.wire(CALLS)
TREE.wire(CALLS)
CALLS.browser("sgTree.follow", Output("c-tree", "data-open"), Input("c-open", "data"), Input("c-full", "data"))
REGION.wire(CALLS)
