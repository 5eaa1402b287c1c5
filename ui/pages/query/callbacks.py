"""What the page answers."""

from __future__ import annotations

from collections.abc import Mapping

from dash import ALL, Input, Output, State, html, no_update

from explorer.errors import SkillgraphError
from explorer.wording import isolated
from ui.calls import Calls, Cause
from ui.components import why_column
from ui.content import Content, Update
from ui.drawing.style import cytoscape_stylesheet
from ui.pages.query.answers import (
    AT_ONCE,
    MAX_ROWS,
    Answer,
    Result,
    answered,
    ended,
    read_parameters,
    result_csv,
    result_json,
    rows_with_skills,
    skills_link,
)
from ui.source import Source
from ui.told import told
from ui.typed import Cell, Download, Element, Properties, Rule
from ui.work import tasks
from ui.work.watching import next_question

__all__ = ["CALLS"]

CALLS = Calls()
_NO_NODES = "This result has no nodes: RETURN the nodes and relationships themselves to see them as a graph."


@CALLS.answer(
    "the answer to the query",
    Output("q-state", "data"),
    Output("q-result", "data"),
    Output("q-summary", "children"),
    Output("q-view", "value"),
    Output("q-cancel", "style"),
    Input("q-ask", "data"),
    Input("q-pulse", "data"),
    Input("q-cancel", "n_clicks"),
    cause=True,
    prevent_initial_call=True,
)
def follow(source: Source, cause: Cause, ask: Properties | None, _pulse: object, _cancel: object) -> Answer:
    if ask is None:
        return (no_update,) * 5
    queries = source.queries
    # Questions may overtake each other: whichever comes first begins the query, and none begins it twice.
    triggers = cause.properties
    if "q-cancel.n_clicks" in triggers and "q-ask.data" not in triggers:
        queries.cancel(ask["id"])
    work = queries.find(ask["id"])
    if work is None:
        queries.cancel(ask["before"])
        try:
            given = read_parameters(ask["parameters"])
            work = queries.begin(
                tasks.query, source.place, ask["text"], given, MAX_ROWS, float(ask["timeout"]), name=ask["id"]
            )
        except SkillgraphError as error:
            return ended(html.Span(told(str(error)), className="query-error"))
        work.wait(AT_ONCE)
    if work.state == "running":
        text = f"Running for {work.seconds:.0f} s; it is stopped after {ask['timeout']} s."
        state = {"running": True, "pause": next_question(300, work.seconds)}
        return state, no_update, text, no_update, {}
    if work.state == "done":
        return answered(work.value)
    if work.state == "failed":
        return ended(html.Span(told(work.problem), className="query-error"))
    return ended(f"Cancelled after {work.seconds:.1f} s.")


@CALLS.answer(
    "the result",
    Output("q-table", "columnDefs"),
    Output("q-table", "rowData"),
    Output("q-table-box", "hidden"),
    Output("q-graph-box", "hidden"),
    Output("q-nothing", "children"),
    Output("q-nothing", "hidden"),
    Input("q-result", "data"),
    Input("q-view", "value"),
    State("q-subject", "data"),
)
def show(
    source: Source, result: Result | None, view: str, subject: Mapping[str, str | None] | None = None
) -> tuple[Update[list[Properties]], Update[list[dict[str, Cell]]], bool, bool, str, bool]:
    """The table's columns and rows, and which of table, graph and sentence is seen: all three are always there."""
    if not result:
        return [], [], True, True, "", True
    if view == "graph":
        none = not result["elements"]
        return no_update, no_update, True, none, _NO_NODES, not none
    columns = [
        {"field": f"c{i}", "headerName": isolated(name), "tooltipField": f"c{i}", "minWidth": 110}
        for i, name in enumerate(result["columns"])
    ]
    dataset, layer = (subject or {}).get("dataset"), (subject or {}).get("layer")
    if dataset is None or layer is None:
        return columns, result["rows"], False, True, "", True
    rows = rows_with_skills(result, dataset, source.snapshot().names(dataset))
    if any("why" in row for row in rows):
        columns.append(why_column(dataset, layer, "why"))
    return columns, rows, False, True, "", True


@CALLS.answer(
    "the picture of the result",
    Output("q-cy", "elements"),
    Output("q-cy", "stylesheet"),
    Input("q-result", "data"),
    Input("shown-scheme", "data"),
)
def draw(source: Source, result: Result | None, scheme: str) -> tuple[list[Element], list[Rule]]:
    sheet = cytoscape_stylesheet("dark" if scheme == "dark" else "light")
    return result.get("elements", []) if result else [], sheet


@CALLS.answer(
    "the way to the graph",
    Output("q-add", "href"),
    Output("q-add", "children"),
    Output("q-add-box", "hidden"),
    Input("q-result", "data"),
    State("q-subject", "data"),
)
def add(source: Source, result: Result | None, subject: dict[str, str | None]) -> tuple[str, str, bool]:
    return skills_link(result, subject["dataset"], subject["layer"])


@CALLS.answer("the last queries", Output("q-past", "children"), Input("q-history", "data"))
def history(source: Source, past: list[str] | None) -> Content:
    if not past:
        return html.P("None yet. Queries are kept in this browser.", className="quiet pad-x")
    return [
        html.Button(html.Span(" ".join(text.split())), id={"type": "q-old", "at": at}, className="item", title=text)
        for at, text in enumerate(past)
    ]


@CALLS.answer(
    "the file",
    Output("q-download", "data"),
    Input("q-csv", "n_clicks"),
    Input("q-json", "n_clicks"),
    State("q-result", "data"),
    cause=True,
    prevent_initial_call=True,
)
def export(
    source: Source, cause: Cause, _csv: int | None, _json: int | None, result: Result | None
) -> Update[Download]:
    if not result:
        return no_update
    if cause.id == "q-json":
        return {"content": result_json(result), "filename": "query.json"}
    return {"content": result_csv(result), "filename": "query.csv"}


CALLS.browser(
    "sgQuery.queryEditor",
    Output("q-editor", "data-mounted"),
    Input("q-words", "data"),
    State("q-text", "data"),
    State("q-autorun", "data"),
)
CALLS.browser(
    "sgQuery.queryRecipe",
    Output("q-parameters", "value"),
    Input({"type": "q-recipe", "at": ALL}, "n_clicks"),
    Input({"type": "q-old", "at": ALL}, "n_clicks"),
    State("q-recipes", "data"),
    State("q-history", "data"),
    State("q-result", "data"),
    prevent_initial_call=True,
)
CALLS.browser(
    "sgQuery.exportable",
    Output("q-csv", "disabled"),
    Output("q-json", "disabled"),
    Input("q-result", "data"),
)
CALLS.browser(
    "sgQuery.askQuery",
    Output("q-ask", "data"),
    Output("q-history", "data"),
    Input("q-run", "n_clicks"),
    Input("q-autorun", "data"),
    State("q-text", "data"),
    State("q-parameters", "value"),
    State("q-timeout", "value"),
    State("q-history", "data"),
    State("q-ask", "data"),
)
CALLS.browser("sgQuery.pulseQuery", Output("q-state", "data-seen"), Input("q-state", "data"), prevent_initial_call=True)
CALLS.browser(
    "sgQuery.fitResult",
    Output("q-cy", "data-fitted"),
    Input("q-cy", "elements"),
    Input("q-graph-box", "hidden"),
    State("q-cy", "id"),
)
