"""The page's first look: where files are dropped, and what follows once there are some."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from ui.attributes import attributes
from ui.choice import Query, choose
from ui.components import card, page, page_header
from ui.pages.load.callbacks import LOAD, LOOK
from ui.source import Snapshot
from ui.work.uploads import LARGEST
from ui.work.written import command_line

__all__ = ["layout"]

_TITLE = "Load"
_MEANING = (
    "Turn files into a dataset: texts, and the skills that each of them requires. You see how the files are read "
    "before anything is stored."
)
_MODES = (
    {"value": "new", "label": "new dataset"},
    {"value": "append", "label": "add as a part"},
    {"value": "replace", "label": "replace"},
)


def layout(snapshot: Snapshot | None, query: Query) -> Component:
    """The page."""
    dataset = None if snapshot is None else choose(snapshot, query).dataset
    mode = query.get("mode", "new")
    return page(
        page_header(_TITLE, _MEANING, None),
        dcc.Store(id="ld-upload", storage_type="session"),
        dcc.Store(id="ld-asked", storage_type="session"),
        card(
            "Files",
            [
                html.Div(id="ld-drop", className="load-drop", **attributes(data_most=str(LARGEST))),
                html.Div(id="ld-sending", className="quiet", role="status"),
                html.Div(id="ld-files"),
            ],
            note=f"Tables, spreadsheets saved as CSV, JSON, graphs, evaluation results; compressed files too. At most "
            f"{LARGEST >> 20} MB in all; load larger ones by `skillgraph load` on the machine that has them. "
            "Files are kept in a private folder and deleted once they are stored, or after half an hour.",
        ),
        html.Div(
            [
                html.H2("Reading", className="load-title"),
                LOOK.strip(cancel="Stop reading"),
                card(
                    "Store",
                    [
                        html.Div(
                            [
                                dmc.TextInput(
                                    id="ld-name",
                                    label="Name of the dataset",
                                    value=(dataset or "") if mode != "new" else "",
                                    size="xs",
                                    debounce=300,
                                    persistence=True,
                                    persistence_type="session",
                                ),
                                dmc.TextInput(
                                    id="ld-part",
                                    label="Name of this part",
                                    value="",
                                    size="xs",
                                    debounce=300,
                                    persistence=True,
                                    persistence_type="session",
                                ),
                                html.Div(
                                    [
                                        html.Span(
                                            "Store as", className="control-label", **attributes(aria_hidden="true")
                                        ),
                                        dmc.SegmentedControl(
                                            id="ld-mode",
                                            data=list(_MODES),
                                            value=mode if mode in ("append", "replace") else "new",
                                            size="xs",
                                            persistence=True,
                                            persistence_type="session",
                                            **attributes(aria_label="Store as"),
                                        ),
                                    ],
                                    className="control",
                                ),
                            ],
                            className="run-fields",
                        ),
                        html.P(id="ld-stale", className="load-said", **attributes(aria_live="polite")),
                        command_line("ld-command"),
                        html.Div(
                            [
                                dmc.Button("Load", id="ld-go", size="sm", disabled=True),
                                html.Span(
                                    "The store changes only once everything has been read; if you cancel, it stays as "
                                    "it is.",
                                    className="quiet",
                                ),
                            ],
                            className="run-foot",
                        ),
                    ],
                ),
            ],
            id="ld-next",
            hidden=True,
            className="load-next",
        ),
        LOAD.strip(),
    )
