"""Results of runs, as the page shows them."""

from __future__ import annotations

from urllib.parse import urlencode

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from explorer.service.planning import PlanReport
from ui.attributes import attributes
from ui.components import card, figure, grid, sentence, why_column
from ui.drawing.canvas import stylesheets
from ui.drawing.fitted import fitted_canvas
from ui.drawing.planned import plan_elements, plan_figure
from ui.work.children import Job
from ui.work.kinds import OutcomeTable

__all__ = ["result", "table_card"]


def result(work: Job) -> Component:
    """All of a run's outcome."""
    command, found = work.value
    links = [
        item for text, path, query in found.links for item in (" · ", dcc.Link(text, href=f"{path}?{urlencode(query)}"))
    ][1:]
    head = html.Div(
        [
            html.Div(html.Code(command), className="run-command"),
            *[html.P(line) for line in found.sentences],
            html.P(
                [html.Span(f"Took {work.seconds:.1f} s. ", className="quiet"), *(["See ", *links] if links else [])]
            ),
        ],
        className="card run-done",
    )
    played = [] if found.plan is None else [_played(found.plan)]
    return html.Div([head, *played, *[table_card(t, k) for k, t in enumerate(found.tables)]], className="runs-result")


def table_card(table: OutcomeTable, number: int) -> Component:
    """A table of a result."""
    rows = [{f"c{i}": cell for i, cell in enumerate(row)} for row in table.rows]
    columns = []
    for i, name in enumerate(table.columns):
        numeric = any(isinstance(row[i], int | float) for row in table.rows)
        shown = max((len(str(row[i])) for row in table.rows if row[i] is not None), default=0)
        columns.append(
            {
                "field": f"c{i}",
                "headerName": name,
                "tooltipField": f"c{i}",
                **({"type": "numericColumn", "minWidth": 70} if numeric else {"minWidth": min(90 + 3 * shown, 260)}),
            }
        )
    if table.layer is not None and any(table.skills):
        for row, skill in zip(rows, table.skills, strict=True):
            row["id"] = skill
        columns.append(why_column(*table.layer))
    height = min(78 + 32 * max(len(rows), 1), 460)
    return card(table.title, grid(f"runs-table-{number}", columns, rows, height=height), note=table.note or None)


def _played(plan: PlanReport) -> Component:
    """The curve of a plan, and its steps one after another."""
    elements, captions = plan_elements(plan)
    steps = len(plan.steps)
    play = html.Button(
        html.Span(className="icon icon-play", id="plan-play-icon"),
        id="plan-play",
        className="tool main-tool",
        **attributes(aria_label="Play"),
    )
    slider = dmc.Slider(
        id="plan-step",
        min=0,
        max=steps,
        step=1,
        value=steps,
        size="sm",
        updatemode="drag",
        thumbLabel="Steps taken",
        label=None,
        thumbSize=16,
    )
    return html.Div(
        [
            html.Section(
                [
                    html.Div([play, html.Div(slider, className="wave-slider")], className="player"),
                    html.Div(
                        fitted_canvas("plan-cy", "Steps from left to right, each with what it unlocks", elements),
                        className="graph-stage plan-stage",
                    ),
                    html.Div(id="plan-said", className="graph-caption", **attributes(aria_live="polite")),
                    dcc.Store(id="plan-captions", data=captions),
                    dcc.Store(id="plan-sheets", data=stylesheets("plain")),
                    dcc.Interval(id="plan-tick", interval=900, disabled=True),
                ],
                className="card graph-card",
            ),
            card(
                "Skills learned by the plan",
                [
                    figure(
                        "plan-figure", height=250, label="Worth of the plan by number of steps", chart=plan_figure(plan)
                    ),
                    sentence(
                        "Orange: this plan; dashed: no plan of that size can be worth more; blue: the most used first; "
                        "grey: random order, on average."
                    ),
                ],
            ),
        ],
        className="row wide-left",
    )
