"""Two layers side by side: what was kept, gained and lost, by class and skill by skill."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, dcc, html

from explorer.service import LayerComparison, compare
from explorer.store.protocol import LayerInfo
from ui.choice import Choice, Query, choose
from ui.components import card, empty_state, figure, fraction, grid, no_layer, page, page_header, stat
from ui.figures import learned_by_class_figure
from ui.notices import notice
from ui.source import Snapshot, Source

__all__ = ["layout", "register"]

_TITLE = "Layers"
_MEANING = (
    "Two layers side by side, usually a foundation and what was fine-tuned from it: kept skills are in both, "
    "gained ones only in the second, lost ones only in the first."
)


def layout(snapshot: Snapshot, query: Query) -> Any:
    """The page for what the URL says."""
    choice = choose(snapshot, query)
    if choice.layer is None:
        return page(page_header(_TITLE, _MEANING, choice, layer=False), no_layer(choice.dataset))
    pair = _pair(choice, query)
    if pair is None:
        only = choice.layer
        return page(
            page_header(_TITLE, _MEANING, choice, layer=False),
            empty_state(
                "One layer only",
                f"There is nothing to lay beside {only!r} yet: fine-tune it, or learn anew with another learner.",
                f"skillgraph learn {choice.dataset} --layer tuned --base {only} --mode continued",
                f"skillgraph learn {choice.dataset} --layer two-at-a-time --learner d:2",
            ),
        )
    first, second = pair
    comparison = snapshot.once(
        ("compare", choice.dataset, first, second),
        lambda: compare(snapshot.store, str(choice.dataset), first, second),
    )
    return page(
        page_header(_TITLE, _MEANING, choice, layer=False, extra=_pickers(choice, first, second)),
        None if choice.problem is None else notice(choice.problem),
        _stats(comparison),
        html.Div(
            [
                card(
                    "By class",
                    figure(
                        "p-classes",
                        height=280,
                        label="Kept, gained and lost skills of each class",
                        chart=learned_by_class_figure(comparison),
                    ),
                    note="How many skills of each class both layers know, and which one knows more.",
                ),
                card(
                    "Family",
                    _family(choice, first, second),
                    note="Indented layers were fine-tuned from the one above; a click lays one beside its base.",
                ),
            ],
            className="row wide-left",
        ),
        card(
            "Skill by skill",
            grid(
                "p-changes",
                _columns(),
                _rows(comparison),
                height=420,
                filters=True,
                options={"pagination": True, "paginationPageSize": 100},
            ),
            note=(
                "“Attached to” counts how often a text requires the skill together with one that the first layer "
                "knows: gains with large numbers grew out of what was there, small ones are new ground."
            ),
            extra=_graph_link(comparison),
        ),
        dcc.Store(id="p-pair", data={"dataset": choice.dataset, "first": first, "second": second}),
    )


def _pair(choice: Choice, query: Query) -> tuple[str, str] | None:
    """The layers that the query names, else a fine-tuned layer and its base, else the first two."""
    names = [info.name for info in choice.layers]
    if len(names) < 2:
        return None
    bases = {info.name: info.base for info in choice.layers}
    second = query.get("second")
    if second not in bases:
        tuned = [info for info in choice.layers if info.base is not None]
        preferred = [info.name for info in tuned if info.mode == "continued"] or [info.name for info in tuned]
        chosen = query.get("layer")
        second = chosen if chosen in bases and bases[chosen] is not None else (preferred or names[1:])[0]
    first = query.get("first")
    if first not in bases:
        first = bases[second] or next(name for name in names if name != second)
    return str(first), str(second)


def _pickers(choice: Choice, first: str, second: str) -> html.Div:
    data = [{"value": info.name, "label": info.name} for info in choice.layers]
    return html.Div(
        [
            dmc.Select(
                id=name,
                label=title,
                data=data,
                value=value,
                allowDeselect=False,
                size="xs",
                w=190,
                comboboxProps={"shadow": "md"},
            )
            for name, title, value in (("p-first", "First layer", first), ("p-second", "Second layer", second))
        ],
        className="pickers",
    )


def _stats(found: LayerComparison) -> html.Div:
    def layer(info: LayerInfo) -> str:
        return f"{info.learned:,} of {info.skills:,} skills"

    return html.Div(
        [
            stat(found.first.name, fraction(found.first.learned_fraction), f"learned: {layer(found.first)}"),
            stat(found.second.name, fraction(found.second.learned_fraction), f"learned: {layer(found.second)}"),
            stat("Kept", f"{found.kept:,}", "skills in both"),
            stat("Gained", f"{found.gained:,}", "only in the second", tone="gained"),
            stat("Lost", f"{found.lost:,}", "only in the first", tone="lost" if found.lost else ""),
            stat(
                "Giant component",
                f"{fraction(found.giant_first)} → {fraction(found.giant_second)}",
                "of all skills of each layer's texts",
                tone="small",
            ),
        ],
        className="stats",
    )


def _family(choice: Choice, first: str, second: str) -> Any:
    children: dict[str | None, list[LayerInfo]] = {}
    known = {info.name for info in choice.layers}
    for info in choice.layers:
        children.setdefault(info.base if info.base in known else None, []).append(info)
    rows: list[Any] = []

    def add(info: LayerInfo, depth: int) -> None:
        query = {"dataset": info.dataset, "first": info.base or info.name, "second": info.name}
        title: Any = info.name if info.base is None else dcc.Link(info.name, href=f"/layers?{urlencode(query)}")
        marks = [
            html.Span(text, className="chip")
            for name, text in ((first, "first"), (second, "second"))
            if name == info.name
        ]
        how = info.kind if info.base is None else str(info.mode)
        rows.append(
            html.Div(
                [
                    html.Div([title, *marks], className="family-name"),
                    html.Div(
                        [
                            html.Span(
                                f"{how} · {fraction(info.learned_fraction)} of {info.skills:,} skills",
                                className="quiet",
                            )
                        ]
                    ),
                    html.Div(html.Div(style={"width": f"{100 * info.learned_fraction:.1f}%"}), className="meter"),
                ],
                className="family-row",
                style={"marginLeft": f"{18 * depth}px"},
            )
        )
        for child in children.get(info.name, []):
            add(child, depth + 1)

    for root in children.get(None, []):
        add(root, 0)
    return html.Div(rows, className="family")


def _graph_link(found: LayerComparison) -> Any:
    if found.second.base != found.first.name:
        return None
    query = urlencode({"dataset": found.second.dataset, "layer": found.second.name, "colour": "change"})
    return dcc.Link("see it on the graph", href=f"/graph?{query}")


def _columns() -> list[dict[str, Any]]:
    number = {"type": "numericColumn", "filter": "agNumberColumnFilter", "maxWidth": 150}
    return [
        {"field": "skill", "headerName": "Skill", "flex": 2, "tooltipField": "skill"},
        {"field": "class", "headerName": "Class", "flex": 1},
        {
            "field": "change",
            "headerName": "Change",
            "maxWidth": 130,
            "cellClassRules": {f"change-{name}": f"params.value === '{name}'" for name in ("kept", "gained", "lost")},
        },
        {"field": "wave", "headerName": "Wave", **number},
        {
            "field": "attached",
            "headerName": "Attached to",
            "headerTooltip": "Texts that require it with a skill of the first layer, summed",
            **number,
        },
    ]


def _rows(found: LayerComparison) -> list[dict[str, Any]]:
    return [
        {
            "skill": c.name,
            "class": c.skill_class or "no class",
            "change": c.change,
            "wave": c.wave,
            "attached": c.attached_to,
        }
        for c in found.changes
    ]


def register(app: Any, source: Source) -> None:
    """Add the page's callbacks."""
    app.clientside_callback(
        ClientsideFunction("sg", "pickPair"),
        Output("url", "search", allow_duplicate=True),
        Input("p-first", "value"),
        Input("p-second", "value"),
        Input("p-pair", "data"),
        prevent_initial_call=True,
    )
