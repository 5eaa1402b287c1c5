"""The matrix with its controls, and the tables beside it."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from ui.choice import Choice, Query, choose
from ui.components import card, empty_state, figure, grid, no_layer, page, page_header
from ui.notices import notice
from ui.pages.family.callbacks import FAMILY
from ui.pages.family.state import CONTROLS, ORDERS, VALUES
from ui.source import Snapshot

__all__ = ["layout"]

_TITLE = "Family"
_MEANING = "A base and everything that was fine-tuned from it: what each model gained and lost, skill by skill."
_NUMBER = {"type": "numericColumn", "minWidth": 70}
_TREE = (
    {"field": "layer", "headerName": "Layer", "minWidth": 150, "tooltipField": "name"},
    {"field": "learned", "headerName": "Learned", **_NUMBER},
    {"field": "gained", "headerName": "Gained", **_NUMBER},
    {"field": "lost", "headerName": "Lost", **_NUMBER},
    {"field": "open", "headerName": "Not told", **_NUMBER},
    {"field": "points", "headerName": "Solve rate, points", "minWidth": 150},
    {"field": "p", "headerName": "p", **_NUMBER},
)
_GAINS = (
    {"field": "layer", "headerName": "Layer", "minWidth": 110, "tooltipField": "layer"},
    {"field": "skill", "headerName": "Skill", "minWidth": 120, "tooltipField": "skill"},
    {"field": "class", "headerName": "Class", "minWidth": 70},
    {"field": "change", "headerName": "Change", "minWidth": 80},
    {"field": "points", "headerName": "Points", **_NUMBER},
    {"field": "q", "headerName": "q", **_NUMBER},
)


def layout(snapshot: Snapshot, query: Query) -> Any:
    """The page for what the address says."""
    choice = choose(snapshot, query)
    if choice.layer is None or choice.dataset is None:
        return page(page_header(_TITLE, _MEANING, choice, layer=False), no_layer(choice.dataset))
    bases = {info.base for info in choice.layers}
    roots = [info.name for info in choice.layers if info.name in bases]
    if not roots:
        return page(
            page_header(_TITLE, _MEANING, choice, layer=False),
            empty_state(
                "No family yet",
                "No layer of this dataset was fine-tuned from another one. Fine-tune one, or estimate a base model and "
                "its children from their outcomes, on the Runs page or with:",
                f"skillgraph learn tuned --base {choice.layer} --dataset {choice.dataset}",
            ),
        )
    state = CONTROLS.read(query)
    return page(
        page_header(_TITLE, _MEANING, choice, layer=False),
        None if choice.problem is None else notice(choice.problem),
        dcc.Store(id="f-subject", data={"dataset": choice.dataset}),
        dcc.Download(id="f-download"),
        *CONTROLS.stores(),
        _controls(choice, roots, state),
        FAMILY.strip(),
        html.Div(
            [
                card(
                    "Skills by models",
                    figure("f-matrix", height=420, label="Skills by models, in colour"),
                    note="Blue is more, orange less; empty where a model was not tested. Layers learned from texts "
                    "show which of them have learned a skill.",
                ),
                html.Div(
                    [
                        card(
                            "Each layer against its base",
                            grid("f-tree", _TREE, height=300),
                            note="Between evidence layers, gained and lost count what is beyond noise.",
                        ),
                        card(
                            "Gained and lost",
                            grid("f-gains", _GAINS, height=320, filters=True),
                            note="The surest first. q: of no change, after Benjamini and Hochberg over the skills of a "
                            "pair; points: change of the solve rate.",
                        ),
                        card(
                            "A closer look",
                            [
                                dmc.MultiSelect(
                                    id="f-picked",
                                    label="Two to four layers",
                                    data=[{"value": name, "label": name} for name in state["picked"] or ()],
                                    value=state["picked"] or [],
                                    maxValues=4,
                                    searchable=True,
                                    size="xs",
                                    comboboxProps={"shadow": "md"},
                                ),
                                grid("f-closer", (), height=340, filters=True),
                            ],
                            note="In per cent: solve rate, or whether the skill is learned.",
                        ),
                    ],
                    className="runs-result",
                ),
            ],
            className="row two",
        ),
    )


def _controls(choice: Choice, roots: list[str], state: dict[str, Any]) -> html.Div:
    root = state["root"] if state["root"] in roots else None
    return html.Div(
        [
            dmc.Select(
                id="f-root",
                label="Family",
                data=[{"value": name, "label": f"{name} and its descendants"} for name in roots],
                value=root,
                clearable=True,
                placeholder="all families",
                size="xs",
                w=260,
                comboboxProps={"shadow": "md"},
            ),
            dmc.Select(
                id="f-value",
                label="Colour",
                data=[{"value": key, "label": text} for key, text in VALUES.items()],
                value=state["value"],
                allowDeselect=False,
                size="xs",
                comboboxProps={"shadow": "md"},
            ),
            dmc.Select(
                id="f-order",
                label="Order of skills",
                data=[{"value": key, "label": text} for key, text in ORDERS.items()],
                value=state["order"],
                allowDeselect=False,
                size="xs",
                comboboxProps={"shadow": "md"},
            ),
            html.Button("Report (HTML)", id="f-report", className="act"),
        ],
        className="toolbar",
    )
