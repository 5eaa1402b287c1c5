"""What the page answers."""

from __future__ import annotations

from collections.abc import Mapping

from dash import Input, Output, State

from explorer.errors import SkillgraphError
from explorer.run_options import given_values, run_kind, run_words
from explorer.store.place import Place
from explorer.wording import quoted
from ui.calls import Calls
from ui.pages.runs.answers import result
from ui.source import Source
from ui.typed import Properties
from ui.work import kinds
from ui.work.children import Job, Report
from ui.work.watching import Watch
from ui.work.written import command_text

__all__ = ["CALLS", "RUN"]


def told(
    report: Report, place: Place, command: str, key: str, dataset: str, values: Properties
) -> tuple[str, kinds.Outcome]:
    """A run with the command that is its title."""
    return command, kinds.perform(report, place, key, dataset, values)


def begin(source: Source, name: str, form: Properties) -> Job:
    """Start the run that a form describes."""
    kind = run_kind(form.get("run"))
    dataset = str(form.get("dataset") or "")
    if kind.warning and not form.get("agreed"):
        raise SkillgraphError(f"agree first: {kind.warning}")
    try:
        values = given_values(kind, form)
    except ValueError as error:
        raise SkillgraphError(str(error)) from None
    if kind.replaces and not form.get("agreed"):
        _refuse_name(source, dataset, str(values["name"]), kind.replaces)
    command = command_text(run_words(kind, values, dataset=dataset))
    pool = source.runs if kind.writes else source.readings
    return pool.begin(told, source.place, command, kind.key, dataset, values, title=kind.label.lower(), name=name)


def _refuse_name(source: Source, dataset: str, name: str, agreement: str) -> None:
    if any(info.name == name for info in source.snapshot().layers(dataset)):
        raise SkillgraphError(
            f"dataset {quoted(dataset)} has a layer {quoted(name)} already: give another name, or tick “{agreement}”"
        )


class _Both:
    """The pools of runs that write and of those that do not, as one."""

    def __init__(self, source: Source) -> None:
        self._pools = (source.runs, source.readings)

    def find(self, name: str | None) -> Job | None:
        return next((found for pool in self._pools if (found := pool.find(name)) is not None), None)

    def cancel(self, name: str | None) -> None:
        for pool in self._pools:
            if pool.find(name) is not None:
                pool.cancel(name)


RUN = Watch("runs", "the run", _Both, begin, lambda _, work: result(work))
CALLS = Calls()
RUN.wire(CALLS)


@CALLS.answer(
    "the command",
    Output("runs-command", "children"),
    Output("runs-go", "disabled"),
    *RUN.fields(Input),
    Input("runs-agreed", "checked"),
    State("runs-kind", "data"),
)
def command(
    _source: Source,
    values: list[object],
    ids: list[Mapping[str, str]],
    flags: list[bool],
    flag_ids: list[Mapping[str, str]],
    agreed: bool,
    about: Mapping[str, str],
) -> tuple[str, bool]:
    """The command of the form as it is now, and whether it cannot be run."""
    kind = run_kind(about["run"])
    form = {i["name"]: value for i, value in zip(ids, values, strict=True)}
    form |= {i["name"]: value for i, value in zip(flag_ids, flags, strict=True)}
    try:
        words = run_words(kind, given_values(kind, form), dataset=about["dataset"])
    except ValueError as error:
        return f"{error}.", True
    return command_text(words), bool(kind.warning) and not agreed


CALLS.browser(
    "sgAllRuns.start",
    Output("runs-start", "data"),
    Input("runs-go", "n_clicks"),
    State("runs-kind", "data"),
    State("runs-agreed", "checked"),
    *RUN.fields(State),
    prevent_initial_call=True,
)
CALLS.browser(
    "sgAllRuns.step",
    Output("plan-said", "children"),
    Input("plan-step", "value"),
    Input("plan-cy", "elements"),
    State("plan-captions", "data"),
    State("plan-cy", "id"),
)
CALLS.browser(
    "sg.plainSheet", Output("plan-cy", "stylesheet"), Input("shown-scheme", "data"), Input("plan-sheets", "data")
)
CALLS.browser(
    "sg.play",
    Output("plan-tick", "disabled"),
    Output("plan-play", "aria-label"),
    Output("plan-play-icon", "className"),
    Input("plan-play", "n_clicks"),
    State("plan-tick", "disabled"),
    prevent_initial_call=True,
)
CALLS.browser(
    "sg.tick",
    Output("plan-step", "value"),
    Input("plan-tick", "n_intervals"),
    State("plan-step", "value"),
    State("plan-step", "max"),
    prevent_initial_call=True,
)
