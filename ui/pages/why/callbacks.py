"""What the page answers."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dash import ALL, Input, Output, State, html, no_update
from dash.development.base_component import Component

from explorer.errors import SkillgraphError
from explorer.store.place import Place
from explorer.wording import isolated, plural, quoted
from ui.calls import Calls, Cause
from ui.content import Content, Update
from ui.drawing.waiting import nearest_texts, undrawn_skills, waiting_elements
from ui.pages.why.answers import answer, lacking_lasts, lacking_rows, names_of, options, summary
from ui.pages.why.state import CONTROLS, LACKING
from ui.searching import found, register_found
from ui.source import Source
from ui.typed import Element, Properties, Row
from ui.work import tasks
from ui.work.children import Job, Report
from ui.work.watching import Start, Watch
from ui.work.written import command_line, command_text

if TYPE_CHECKING:
    from explorer.service.why import WhyReport

__all__ = ["CALLS", "WHY"]


def asked(report: Report, place: Place, dataset: str, layer: str, skill: str) -> WhyReport:
    """Why a skill is or is not learned, found in a child process."""
    from explorer.service.why import why

    report("looking at what stands in its way", 0, 1)
    return why(tasks.reader(place), dataset, layer, skill)


def begin(source: Source, name: str, form: Properties) -> Job:
    """Look at the skill of a form."""
    if form.get("skill") not in names_of(source.snapshot(), str(form.get("dataset"))):
        raise SkillgraphError(f"dataset {quoted(form.get('dataset'))} has no skill {quoted(form.get('skill'))}")
    return source.readings.begin(
        asked, source.place, form["dataset"], form["layer"], form["skill"], title="the skill", name=name
    )


def shown(source: Source, work: Job) -> Component:
    """What is known of the skill."""
    report = work.value
    words = ["why", report.skill, "--layer", report.layer.name, "--dataset", report.layer.dataset]
    names = names_of(source.snapshot(), report.layer.dataset)
    return html.Div([answer(report, names), command_line("w-command", command_text(words))], className="runs-result")


WHY = Watch("w", "the skill", lambda source: source.readings, begin, shown, pause=250)
CALLS = Calls()
WHY.wire(CALLS)
CONTROLS.wire(CALLS)
LACKING.wire(CALLS)
register_found(CALLS, "w-skill")


@CALLS.answer(
    "the skills to choose from",
    Output(found("w-skill"), "data"),
    Input("w-skill", "searchValue"),
    Input("w-skill", "value"),
    State("w-subject", "data"),
)
def offer(source: Source, typed: str | None, picked: str | None, subject: Mapping[str, str]) -> list[dict[str, str]]:
    label = (typed or "").split(" · ")[0].strip("\u2068\u2069")  # a chosen skill is written as its label
    return options(source.snapshot(), subject["dataset"], subject["layer"], label, picked)


@CALLS.answer("the skill", Output("w-start", "data"), Input("w-skill", "value"), State("w-subject", "data"))
def ask(_source: Source, skill: str | None, subject: Mapping[str, str]) -> Update[Start]:
    if not skill:
        return no_update
    return {"id": secrets.token_hex(16), "form": {**subject, "skill": skill}}


@CALLS.answer(
    "the choice",
    Output("w-skill", "value"),
    Input({"type": "w-pick", "skill": ALL, "at": ALL}, "n_clicks"),
    Input("w-lacking", "selectedRows"),
    cause=True,
    prevent_initial_call=True,
)
def pick(_source: Source, cause: Cause, _clicks: object, rows: list[dict[str, str]] | None) -> Update[str]:
    if isinstance(cause.id, dict):
        return cause.id["skill"] if cause.value else no_update
    return rows[0]["id"] if rows else no_update


@CALLS.answer(
    "what is lacking",
    Output("w-lacking", "rowData"),
    Output("w-lacking-rows-kept", "children"),
    Output("w-lacking-uses-bars", "children"),
    Output("w-summary", "children"),
    Input("w-subject", "data"),
    *LACKING.inputs(),
)
def lacking(
    source: Source, subject: Mapping[str, str], *spans: list[int] | None
) -> tuple[list[Row], str, Content, Content]:
    snapshot = source.snapshot()
    rows, lasts = (
        lacking_rows(snapshot, subject["dataset"], subject["layer"]),
        lacking_lasts(snapshot, subject["dataset"]),
    )
    kept, said = LACKING.kept(rows, spans, lasts)
    [brush] = LACKING.brushes
    return kept, said, LACKING.bars(brush, rows, spans[0], lasts[brush.key]), summary(rows)


@CALLS.answer(
    "what waits for what",
    Output("w-cy", "elements"),
    Output("w-said", "children"),
    Input("w-turn", "data"),
    Input("w-subject", "data"),
    State("w-ticket", "data"),
)
def draw(
    source: Source, _turn: object, subject: Mapping[str, str], ticket: str | None
) -> tuple[Update[list[Element]], Update[str]]:
    snapshot = source.snapshot()
    key = (subject["dataset"], subject["layer"])
    names = names_of(snapshot, key[0])
    work = source.readings.find(ticket)
    if work is not None and work.state == "running":
        return no_update, no_update
    report = work.value if work is not None else None
    if report is not None and (report.layer.dataset, report.layer.name) == key and report.texts:
        texts = [(near.text, near.title, near.lacks) for near in report.texts]
        said = f"{isolated(report.name)} on the left, the texts nearest to teaching it, and what else these lack."
        return waiting_elements(texts, names, asked=report.skill), said + _left_out(texts, report.skill)
    texts, total = snapshot.once(("nearest texts", *key), lambda: nearest_texts(snapshot.view(*key)))
    if not texts:
        return [], "Every text of the layer is understood: nothing waits."
    if len(texts) == total:
        said = "All texts that are not understood, each with the skills that it waits for."
    else:
        said = (
            f"Of {total:,} texts that are not understood, the {len(texts)} that lack the fewest skills, each with the "
            "skills that it waits for. Choose a skill above, or a row of the table, to see the texts that are nearest "
            "to teaching it."
        )
    return waiting_elements(texts, names), said + _left_out(texts)


def _left_out(texts: Sequence[tuple[str, str, Sequence[str]]], asked: str | None = None) -> str:
    """How many lacking skills the picture has no room for."""
    left = undrawn_skills(texts, asked=asked)
    return f" Not drawn: {plural(left, 'further lacking skill')}; the table has all of them." if left else ""


CALLS.browser("sg.plainSheet", Output("w-cy", "stylesheet"), Input("shown-scheme", "data"), Input("w-sheets", "data"))
CALLS.browser("sgWhy.settle", Output("w-cy", "data-settled"), Input("w-cy", "elements"), State("w-cy", "id"))
