"""What keeps an error on a page from taking the rest with it."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from ui.attributes import attributes
from ui.content import Content

__all__ = ["Boundary", "failed", "page_failed"]


class Boundary(Component):
    """Shows its children, and a sentence with "Try again" when something in the browser fails; `assets/boundary.js`.

    It also says whether the page is at rest: `data-busy` of the document is "no" while no callback is running.
    """

    _children_props: list[str] = []  # noqa: RUF012 -- as the base class declares it
    _base_nodes: list[str] = ["children"]  # noqa: RUF012
    _namespace = "skillgraph"
    _type = "Boundary"

    def __init__(self, children: Content = None) -> None:
        """Around `children`."""
        self._prop_names = ["children"]
        self._valid_wildcard_attributes: list[str] = []
        self.available_properties = self._prop_names
        self.available_wildcard_properties: list[str] = []
        super().__init__(**({} if children is None else {"children": children}))  # type: ignore[no-untyped-call]


def failed(part: str, error: Exception) -> Component:
    """What is said when the server could not make a part of a page."""
    text = (
        f"{part[:1].upper()}{part[1:]} could not be made ({type(error).__name__}). The rest of the page works on; "
        "the server's log says what happened."
    )
    return dmc.Alert(
        [html.Span(text), " ", _again()],
        color="orange",
        variant="light",
        withCloseButton=True,
        closeButtonLabel="Close",
        className="notice",
    )


def page_failed(name: str, error: Exception) -> Component:
    """The page in the place of one that could not be laid out."""
    return html.Div(
        [
            html.H2("This page could not be made"),
            html.P(
                f"{name} stopped with an error ({type(error).__name__}). The other pages work on; the server's log "
                "says what happened."
            ),
            html.P(_again()),
        ],
        className="empty",
    )


def _again() -> html.Button:
    return html.Button("Try again", className="act strong", **attributes(data_again="yes"))
