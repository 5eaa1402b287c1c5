"""Fields whose choices the server finds while one types."""

from __future__ import annotations

from typing import Any, TypeVar

from dash import Input, Output, dcc, html

from ui.calls import Calls

__all__ = ["found", "register_found", "searching"]

Id = TypeVar("Id", str, dict[str, str])


def found(name: Id) -> Id:
    """Id of the store into which a callback writes the choices that it found for a field."""
    return {**name, "type": found(name["type"])} if isinstance(name, dict) else f"{name}-found"


def searching(field: Any) -> html.Div:
    """A field with the store of its choices; the layout sees the field alone."""
    return html.Div([field, dcc.Store(id=found(field.id))], style={"display": "contents"})


def register_found(calls: Calls, name: Id) -> None:
    """Hand choices over to their field; assets/choices.js says why not at once."""
    calls.browser(
        "sgChoices.handOver",
        Output(name, "data"),
        Input(found(name), "data"),
        prevent_initial_call=True,
    )
