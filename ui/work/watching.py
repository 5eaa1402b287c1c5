"""Work that a page starts and watches: one strip with its progress and a button that cancels it, then what it gave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypedDict

import dash_mantine_components as dmc
from dash import ALL, Input, Output, State, dcc, html, no_update
from dash.dependencies import DashDependency

from explorer.errors import SkillgraphError
from ui.attributes import attributes
from ui.calls import Calls, Cause
from ui.content import Content, Update
from ui.source import Source
from ui.told import told
from ui.typed import Properties
from ui.work.children import Job

__all__ = ["Start", "Watch", "failed_line", "field_id", "flag_id", "next_question"]

_LONGEST = 2_000  # milliseconds
_BEGUN, _HELD = 0.15, 1.0  # seconds that an answer waits for the end: of the call that begins the work, and later


def next_question(first: int, seconds: float) -> int:
    """Milliseconds until the browser asks again for work that has taken so long: the longer, the later, up to 2 s.

    >>> next_question(400, 0.0), next_question(400, 4.0), next_question(400, 60.0)
    (400, 1200, 2000)
    """
    return min(round(first * (1.0 + seconds / 2.0)), _LONGEST)


class Start(TypedDict):
    """What begins a piece of work: the name by which it is found again, and the values of its form."""

    id: str
    form: Properties


class Jobs(Protocol):
    """Where pieces of work are found and ended by name: a `Pool`, or several."""

    def find(self, name: str | None) -> Job | None:
        """The work of that name, if it is still remembered."""

    def cancel(self, name: str | None) -> None:
        """End the work of that name, if it is running."""


@dataclass(frozen=True)
class Watch:
    """The wiring of one kind of work on a page.

    Attributes:
        name: What its components are called by.
        part: What it makes, as people call it.
        pool: Where it runs.
        begin: Starts it, from the store, the name of the work, and the form; raises a `SkillgraphError` in its place.
        shown: What is shown of it once it is done.
        pause: Milliseconds until the second question; see `next_question`.
    """

    name: str
    part: str
    pool: Callable[[Source], Jobs]
    begin: Callable[[Source, str, Properties], Job]
    shown: Callable[[Source, Job], Content]
    pause: int = 400

    def strip(self, *, start: Start | None = None, cancel: str = "Cancel") -> html.Div:
        """Its stores, its progress and its result.

        Args:
            start: Begin with this at once.
            cancel: What the button says.
        """
        n = self.name
        return html.Div(
            [
                dcc.Store(id=f"{n}-start", data=None if start is None else dict(start)),
                dcc.Store(id=f"{n}-ticket", storage_type="memory" if start else "session"),
                dcc.Store(id=f"{n}-pulse"),
                dcc.Store(id=f"{n}-state"),
                dcc.Store(id=f"{n}-turn"),
                dcc.Store(id=f"{n}-done"),
                html.Section(
                    [
                        html.Div(id=f"{n}-text", className="run-text"),
                        dmc.Progress(
                            id=f"{n}-bar", value=0, animated=True, size="md", **attributes(aria_label="Progress")
                        ),
                        dmc.Button(cancel, id=f"{n}-cancel", size="xs", variant="default"),
                    ],
                    id=f"{n}-progress",
                    className="card run-progress",
                    hidden=True,
                    **attributes(aria_label=self.part[:1].upper() + self.part[1:]),
                ),
                html.Div(id=f"{n}-result", className="watch-result", **attributes(aria_live="polite")),
            ],
            className="run-strip",
        )

    def wire(self, calls: Calls) -> None:
        """Add the callbacks; `turn` changes when work begins and when it ends, `done` when it ends alone."""
        n = self.name
        calls.answer(
            self.part,
            Output(f"{n}-state", "data"),
            Output(f"{n}-progress", "hidden"),
            Output(f"{n}-text", "children"),
            Output(f"{n}-bar", "value"),
            Output(f"{n}-result", "children"),
            Output(f"{n}-ticket", "data"),
            Input(f"{n}-start", "data"),
            Input(f"{n}-pulse", "data"),
            Input(f"{n}-cancel", "n_clicks"),
            Input(f"{n}-ticket", "modified_timestamp"),
            State(f"{n}-ticket", "data"),
            cause=True,
        )(self.follow)
        calls.browser(
            "sgWork.again",
            Output(f"{n}-turn", "data"),
            Output(f"{n}-done", "data"),
            Input(f"{n}-state", "data"),
            State(f"{n}-state", "id"),
            State(f"{n}-turn", "data"),
            prevent_initial_call=True,
        )

    def press(self, calls: Calls, button: str) -> None:
        """Begin at a click on a button, with the values of the fields of this name."""
        n = self.name
        calls.browser(
            "sgWork.start",
            Output(f"{n}-start", "data"),
            Input(button, "n_clicks"),
            *self.fields(State),
            prevent_initial_call=True,
        )

    def fields(self, kind: type[Input | State]) -> list[DashDependency]:
        """Values of the fields and flags with their names, as inputs or states."""
        n = self.name
        return [
            kind({"type": f"{n}-field", "name": ALL}, "value"),
            State({"type": f"{n}-field", "name": ALL}, "id"),
            kind({"type": f"{n}-flag", "name": ALL}, "checked"),
            State({"type": f"{n}-flag", "name": ALL}, "id"),
        ]

    def follow(
        self,
        source: Source,
        cause: Cause,
        start: Start | None,
        _pulse: object,
        _cancel: object,
        _time: object,
        ticket: str | None,
    ) -> tuple[Properties, bool, str, float, Update[Content], Update[str]]:
        """Begin, ask, or cancel; what the strip shows then."""
        pool, triggers, hold = self.pool(source), cause.properties, _HELD
        new: Update[str] = no_update
        cancelled = f"{self.name}-cancel.n_clicks" in triggers and f"{self.name}-start.data" not in triggers
        # The last start counts, whatever causes this call: Dash drops a call, or the answer to it, when another one
        # to the same outputs follows, so the call that a start causes may be answered to nobody or never arrive.
        if start is not None and start["id"] != ticket:
            if pool.find(start["id"]) is None and not cancelled:
                try:
                    self.begin(source, start["id"], start.get("form") or {})
                except SkillgraphError as error:
                    ended = {"running": False, "work": start["id"]}
                    return ended, True, "", 0, failed_line(f"Not started: {error}"), no_update
            ticket, new, hold = start["id"], start["id"], _BEGUN
        if cancelled:
            pool.cancel(ticket)
        work = pool.find(ticket)
        if work is None:
            shown = no_update if f"{self.name}-pulse.data" in triggers else None
            return {"running": False}, True, "", 0, shown, no_update
        if work.state == "running" and not work.wait(hold):
            now = work.progress
            share = 100 * (now.done + 0.5) / max(now.total, 1)
            text = f"{work.title[:1].upper() + work.title[1:]}: {now.stage} · {work.seconds:.0f} s"
            state = {"running": True, "work": work.name, "pause": next_question(self.pause, work.seconds)}
            return state, False, text, min(share, 100), no_update, new
        return {"running": False, "work": work.name}, True, "", 0, self._ended(source, work), new

    def _ended(self, source: Source, work: Job) -> Content:
        if work.state == "done":
            return self.shown(source, work)
        if work.state == "failed":
            return failed_line(f"Not done: {work.problem}")
        return html.Div("Cancelled: the store is unchanged.", className="card run-cancelled")


def failed_line(text: str) -> html.Div:
    """A sentence in the place of a result."""
    return html.Div(told(text), className="card run-failed", role="alert")


def field_id(watch: str, name: str) -> dict[str, str]:
    """The id of a field whose `value` the work is started with."""
    return {"type": f"{watch}-field", "name": name}


def flag_id(watch: str, name: str) -> dict[str, str]:
    """The id of a checkbox whose `checked` the work is started with."""
    return {"type": f"{watch}-flag", "name": name}
