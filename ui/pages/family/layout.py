"""The matrix with its controls, and the tables beside it."""

from __future__ import annotations

from urllib.parse import urlencode

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from explorer.service.snapshot import read_dataset
from explorer.wording import isolated
from ui.choice import Choice, Query, choose
from ui.components import (
    blank_chart,
    card,
    empty_state,
    figure,
    grid,
    no_layer,
    page,
    page_header,
    small_select,
    why_column,
)
from ui.content import Child
from ui.notices import notice
from ui.pages.family.callbacks import FAMILY, started
from ui.pages.family.state import CONTROLS, NAMED, ORDERS, ROWS, VALUES
from ui.source import Snapshot
from ui.typed import Properties

__all__ = ["layout"]

_TITLE = "Family"
_MEANING = "A base and everything that was fine-tuned from it: what each model gained and lost, skill by skill."
_HEAD = {"headerClass": "ag-right-aligned-header narrow"}
_NUMBER = {"type": "numericColumn", "minWidth": 70, **_HEAD}
_TREE = (
    {"field": "layer", "headerName": "Layer", "minWidth": 150, "tooltipField": "name"},
    {"field": "learned", "headerName": "Learned", **_NUMBER},
    {"field": "gained", "headerName": "Gained", **_NUMBER},
    {"field": "lost", "headerName": "Lost", **_NUMBER},
    {"field": "open", "headerName": "Open", "headerTooltip": "Outcomes do not tell whether it changed", **_NUMBER},
    {"field": "points", "headerName": "Points", "headerTooltip": "Change of the solve rate in points", "minWidth": 140},
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


_COMPUTED = {"loading": True}
"""A table before its rows are known."""
_WAITING = blank_chart("Being computed …")


def layout(snapshot: Snapshot, query: Query) -> Component:
    """The page for what the address says."""
    choice = choose(snapshot, query)
    if choice.layer is None or choice.dataset is None:
        estimates = [] if choice.dataset is None else _estimates(snapshot, choice)
        return page(page_header(_TITLE, _MEANING, choice, layer=False), *estimates, no_layer(choice.dataset))
    bases = {info.base for info in choice.layers}
    roots = [info.name for info in choice.layers if info.name in bases]
    if not roots:
        return page(
            page_header(_TITLE, _MEANING, choice, layer=False),
            *_estimates(snapshot, choice),
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
        dcc.Download(id="f-csv-download"),
        *CONTROLS.stores(),
        _controls(snapshot, choice, roots, state),
        FAMILY.strip(start=started({"dataset": choice.dataset}, state["root"] if state["root"] in roots else None)),
        card(
            "The graph of each layer",
            [
                html.P(id="f-panels-said", className="quiet"),
                figure(
                    "f-panels",
                    height=400,
                    label="The graph of skills, once for each layer, in colour",
                    chart=_WAITING,
                ),
            ],
            note="Every skill lies at the same place in all panels. Click a panel, or choose below, to pick two to "
            "four layers for a closer look.",
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
                    placeholder="Pick two to four",
                    size="xs",
                    comboboxProps={"shadow": "md"},
                ),
                html.Div(
                    figure(
                        "f-close",
                        height=380,
                        label="The graphs of the picked layers, in colour",
                        chart=_WAITING,
                    ),
                    id="f-close-box",
                    hidden=True,
                ),
                grid("f-closer", (), height=340, filters=True, options=_COMPUTED),
            ],
            note="In per cent: solve rate, or whether the skill is learned.",
        ),
        html.Div(
            [
                card(
                    "Skills by models",
                    figure(
                        "f-matrix",
                        height=420,
                        label="Skills by models, in colour",
                        chart=_WAITING,
                    ),
                    note="Blue is more, orange less, and the paler, the less sure; empty where a model was not tested. "
                    f"A cell tells its layer and 95 % interval; of more than {NAMED} layers only some are named. "
                    "Of layers learned from texts: which have learned a skill, or how many of a class.",
                ),
                html.Div(
                    [
                        card(
                            "Each layer against its base",
                            grid("f-tree", _TREE, height=300, options=_COMPUTED),
                            note="Between evidence layers, gained and lost count what is beyond noise.",
                        ),
                        card(
                            "Gained and lost",
                            grid(
                                "f-gains",
                                [*_GAINS, {**why_column(choice.dataset, None), "pinned": "right"}],
                                height=320,
                                filters=True,
                                options=_COMPUTED,
                            ),
                            note="The surest first. q: of no change, after Benjamini and Hochberg over the skills of a "
                            "pair; points: change of the solve rate.",
                        ),
                    ],
                    className="runs-result",
                ),
            ],
            className="row two",
        ),
    )


def _estimates(snapshot: Snapshot, choice: Choice) -> list[Child]:
    """A link to the run that estimates a base with its children from their outcomes."""
    dataset = str(choice.dataset)

    def read() -> list[str]:
        models = read_dataset(snapshot.store, dataset).models
        ids = set(models["id"].to_pylist())
        return sorted({base for base in models["base"].to_pylist() if base in ids})

    bases = snapshot.once(("bases of models", dataset), read)
    if not bases:
        return []
    query = {"run": "evidence", "dataset": dataset, **({"family": bases[0]} if len(bases) == 1 else {})}
    said = f"Estimate {isolated(bases[0])} and its children" if len(bases) == 1 else "Estimate a base and its children"
    return [dcc.Link(said, href="/runs?" + urlencode(query), className="run-link")]


def _controls(snapshot: Snapshot, choice: Choice, roots: list[str], state: Properties) -> html.Div:
    root = state["root"] if state["root"] in roots else None
    return html.Div(
        [
            dmc.Select(
                id="f-root",
                label="Family",
                data=[{"value": name, "label": f"{isolated(name)} and its descendants"} for name in roots],
                value=root,
                clearable=True,
                placeholder="all families",
                size="xs",
                w=260,
                comboboxProps={"shadow": "md"},
            ),
            small_select(
                "f-value", "Colour", [{"value": key, "label": text} for key, text in VALUES.items()], state["value"]
            ),
            small_select(
                "f-rows", "Rows", [{"value": key, "label": text} for key, text in ROWS.items()], state["rows"]
            ),
            small_select(
                "f-order",
                "Order of skills",
                [{"value": key, "label": text} for key, text in ORDERS.items()],
                state["order"],
            ),
            html.Button("Report (HTML)", id="f-report", className="act"),
            html.Button("Matrix (CSV)", id="f-csv", className="act"),
            *_estimates(snapshot, choice),
        ],
        className="toolbar",
    )
