"""Trouble in a sentence: on the page, never a blank or a stack trace."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from ui.told import told

__all__ = ["banner", "notice", "store_away"]


def notice(text: str) -> Component:
    """What went wrong with what was just asked for; it can be closed."""
    return dmc.Alert(
        told(text),
        color="orange",
        variant="light",
        withCloseButton=True,
        closeButtonLabel="Close",
        className="notice",
        duration=20_000,
    )


def banner(text: str, *, opening: bool = False) -> Component:
    """The store cannot be reached, or is still being opened; it goes when the store is there."""
    return html.Div(
        [
            html.Strong("The store is being opened. " if opening else "The store cannot be read. "),
            html.Span(told(text)),
            html.Span(" This page tries again by itself."),
        ],
        className="banner",
    )


def store_away(text: str, *, opening: bool = False) -> Component:
    """The page in the place of one that needs the store, which is away or still being opened."""
    return html.Div(
        [
            html.H2("The store is being opened" if opening else "The store cannot be reached"),
            html.P(told(text)),
            html.P("This page shows the store as soon as it can be read again; nothing needs to be restarted."),
        ],
        className="empty",
    )
