"""Callbacks as plain functions: a page lists them, a test calls them, the application binds the store to them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from dash import ClientsideFunction, Output, ctx
from dash.dependencies import DashDependency

from ui.source import Source
from ui.still import still
from ui.typed import Properties

if TYPE_CHECKING:
    from dash import Dash

__all__ = ["Calls", "Cause", "PartError"]

Answer: TypeAlias = Callable[..., Any]
"""What it gives is for the outputs that it is wired to, which only Dash checks."""
F = TypeVar("F", bound=Answer)


class PartError(Exception):
    """A callback failed; what it makes is named, and what failed is its cause."""

    def __init__(self, part: str) -> None:
        """`part` names what the callback makes, as people call it."""
        super().__init__(part)
        self.part = part


@dataclass(frozen=True)
class Cause:
    """What made a callback run.

    Attributes:
        id: The component's id, a dictionary for one of many alike; None when the page was just laid out.
        value: The property's new value.
        properties: All that changed, as `id.property`.
    """

    id: str | Properties | None = None
    value: object = None
    properties: tuple[str, ...] = ()

    @classmethod
    def now(cls) -> Cause:
        """What made the callback run that is running."""
        triggered = ctx.triggered
        return cls(ctx.triggered_id, triggered[0]["value"] if triggered else None, tuple(ctx.triggered_prop_ids))


class Calls:
    """The callbacks of a page.

    >>> calls = Calls()
    >>> @calls.answer("the sum")
    ... def add(source, a, b):
    ...     return a + b
    >>> add(None, 1, 2)
    3
    """

    def __init__(self) -> None:
        """No callbacks yet."""
        self._answers: list[tuple[str, tuple[DashDependency, ...], Answer, bool, bool | str]] = []
        self._browser: list[tuple[str, tuple[DashDependency, ...], bool | str]] = []

    def answer(
        self, part: str, *wiring: DashDependency, cause: bool = False, prevent_initial_call: bool | str = False
    ) -> Callable[[F], F]:
        """A function of the store and the wired values that the server runs; the function itself is left as it is.

        Args:
            part: What it makes, as people call it; an error is reported with it.
            *wiring: Dash's outputs, inputs and states.
            cause: Give it the `Cause` after the store.
            prevent_initial_call: As Dash has it.
        """

        def keep(function: F) -> F:
            self._answers.append((part, wiring, function, cause, prevent_initial_call))
            return function

        return keep

    def browser(self, name: str, *wiring: DashDependency, prevent_initial_call: bool | str = False) -> None:
        """A function that the browser runs: `space.name` of a script."""
        self._browser.append((name, wiring, prevent_initial_call))

    def include(self, other: Calls) -> None:
        """Add the callbacks of a part that the page has with others."""
        self._answers += other._answers
        self._browser += other._browser

    def register(self, app: Dash, source: Source) -> None:
        """Add all of them to an application on a store."""
        for part, wiring, function, cause, quiet in self._answers:
            bound = _stilled([w for w in wiring if isinstance(w, Output)], _bound(part, function, source, cause))
            app.callback(*wiring, prevent_initial_call=quiet)(bound)
        for name, wiring, quiet in self._browser:
            space, _, function_name = name.partition(".")
            app.clientside_callback(ClientsideFunction(space, function_name), *wiring, prevent_initial_call=quiet)


def _bound(part: str, function: Answer, source: Source, cause: bool) -> Answer:
    @functools.wraps(function)
    def run(*values: object) -> Any:
        try:
            with source.elsewhere():
                return function(source, Cause.now(), *values) if cause else function(source, *values)
        except Exception as error:
            raise PartError(part) from error

    return run


def _stilled(outputs: list[Output], run: Answer) -> Answer:
    """With as few components as can be in what is shown."""
    shown = [output.component_property == "children" and not output.has_wildcard() for output in outputs]
    if not any(shown):
        return run

    @functools.wraps(run)
    def lighter(*values: object) -> object:
        answer = run(*values)
        if len(shown) == 1:
            return still(answer)
        if not isinstance(answer, list | tuple):  # no update of any
            return answer
        return tuple(still(one) if is_shown else one for one, is_shown in zip(answer, shown, strict=True))

    return lighter
