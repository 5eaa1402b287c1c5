"""What stands around every page: navigation, the banner for trouble, light and dark."""

from __future__ import annotations

from pathlib import PurePath
from typing import cast

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from ui.attributes import attributes
from ui.boundary import Boundary
from ui.components import icon
from ui.pages import PAGES
from ui.pages.managing import manage_dialog
from ui.pages.saved_views import views_stores

__all__ = ["shell"]

_THEME = cast(  # colours are declared as dictionaries; Mantine takes ten shades each
    "dmc.MantineProvider.Theme",
    {
        "primaryColor": "blue",
        "fontFamily": "'Inter Variable', 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
        "defaultRadius": "md",
        "colors": {
            "dark": [
                "#E8ECF1",
                "#B4BEC9",
                "#98A4B1",
                "#5F6B78",
                "#3B4653",
                "#29313B",
                "#1D242D",
                "#161B22",
                "#12161C",
                "#0E1116",
            ],
            "blue": [
                "#EAF4FB",
                "#D3E7F5",
                "#A6CFEA",
                "#76B5DF",
                "#4F9FD6",
                "#368FCF",
                "#1F7FC0",
                "#0072B2",
                "#005F96",
                "#004D7A",
            ],
        },
        "primaryShade": {"light": 7, "dark": 7},
    },
)


def _short(store: str) -> str:
    """The file's name, or the whole address of a server."""
    return store if "://" in store else PurePath(store).name


def shell(store_name: str, *, login: bool) -> Component:
    """The app's layout; the page itself comes by a callback."""
    links = [
        dmc.NavLink(
            id={"type": "nav", "path": page.path},
            label=page.name,
            leftSection=icon(page.icon),
            href=page.path,
            className="nav-link",
        )
        for page in PAGES
    ]
    return dmc.MantineProvider(
        id="mantine",
        theme=_THEME,
        forceColorScheme="light",
        children=[
            dcc.Location(id="url", refresh="callback-nav"),
            dcc.Store(id="route"),
            dcc.Store(id="store-version"),
            *manage_dialog(),
            *views_stores(),
            dcc.Store(id="scheme", storage_type="local"),
            dcc.Store(id="shown-scheme", data="light"),
            dcc.Interval(id="heartbeat", interval=3_000),
            html.A("Skip to content", href="#page", className="skip-link"),
            html.Div(
                [
                    html.Nav(
                        [
                            html.Div(
                                [
                                    html.Div(className="logo", **attributes(aria_hidden="true")),
                                    html.Div(
                                        [
                                            html.Div("Skillgraph", className="brand"),
                                            html.Div("Explorer", className="brand-2"),
                                        ]
                                    ),
                                ],
                                className="brand-box",
                            ),
                            html.Div(links, className="nav-links"),
                            html.Div(
                                [
                                    html.Div(_short(store_name), className="store-name", title=store_name),
                                    dmc.Group(
                                        [
                                            dmc.ActionIcon(
                                                icon("theme"),
                                                id="toggle-scheme",
                                                variant="subtle",
                                                color="gray",
                                                **attributes(aria_label="Light or dark"),
                                            ),
                                            *(
                                                [
                                                    html.Form(
                                                        html.Button("Log out", type="submit", className="link"),
                                                        action="/logout",
                                                        method="post",
                                                    )
                                                ]
                                                if login
                                                else []
                                            ),
                                        ],
                                        gap="xs",
                                    ),
                                ],
                                className="nav-foot",
                            ),
                        ],
                        className="rail",
                        **attributes(aria_label="Pages"),
                    ),
                    html.Main(
                        [
                            html.Div(id="banner", role="alert"),
                            html.Div(id="notice", role="alert"),
                            Boundary(
                                dcc.Loading(
                                    html.Div(id="page", tabIndex=-1),
                                    delay_show=200,
                                    overlay_style={"visibility": "visible", "opacity": 0.6},
                                    type="dot",
                                    color="#2F7FB8",
                                    parent_className="page-loading",
                                    # Dash declares the components by name with a type that has no names.
                                    target_components={"page": "children"},  # type: ignore[arg-type]
                                ),
                            ),
                        ],
                        className="main",
                    ),
                ],
                className="frame",
            ),
        ],
    )
