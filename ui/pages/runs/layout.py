"""The list of runs, the form of the one that the address names, and what follows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from explorer.run_options import RUNS, RunKind, RunOption, given_values, run_kind, run_words
from explorer.service.snapshot import read_dataset
from explorer.store.protocol import DatasetInfo
from explorer.wording import quoted
from ui.attributes import attributes
from ui.choice import Choice, Query, choose
from ui.components import card, no_layer, page, page_header
from ui.notices import notice
from ui.pages.runs.callbacks import RUN
from ui.source import Snapshot
from ui.state import strings
from ui.typed import Properties
from ui.work.watching import field_id, flag_id
from ui.work.written import command_line, command_text

__all__ = ["layout"]

_TITLE = "Runs"
_MEANING = (
    "What the command line does to layers, from here: choose a run, fill it in, start it. The command that does the "
    "same is shown with it."
)


def layout(snapshot: Snapshot, query: Query) -> Component:
    """The page."""
    choice = choose(snapshot, query)
    if choice.dataset is None:
        return page(page_header(_TITLE, _MEANING, choice, layer=False), no_layer(None))
    kind = run_kind(query.get("run"))
    return page(
        page_header(_TITLE, _MEANING, choice),
        None if choice.problem is None else notice(choice.problem),
        dcc.Store(id="runs-kind", data={"run": kind.key, "dataset": choice.dataset}),
        html.Div([_list(kind, choice), _form(snapshot, kind, choice, query)], className="runs-body"),
        RUN.strip(),
    )


def _list(now: RunKind, choice: Choice) -> html.Nav:
    here = {"dataset": choice.dataset or "", **({"layer": choice.layer} if choice.layer else {})}
    links = [
        dcc.Link(
            kind.label,
            href="/runs?" + urlencode({**here, "run": kind.key}),
            className="runs-link now" if kind is now else "runs-link",
        )
        for kind in RUNS
    ]
    return html.Nav(links, className="card runs-list", **attributes(aria_label="Runs"))


def _form(snapshot: Snapshot, kind: RunKind, choice: Choice, query: Query) -> Component:
    there = _There(snapshot, choice)
    fields = [_field(option, kind, there, query) for option in kind.options]
    plain = [f for f, option in zip(fields, kind.options, strict=True) if option.takes != "flag"]
    flags = [f for f, option in zip(fields, kind.options, strict=True) if option.takes == "flag"]
    asked = kind.warning or kind.replaces
    agree = [dmc.Checkbox(id="runs-agreed", label=asked or "agreed", checked=not asked, size="sm")]
    missing = ""
    if kind.outcomes and not there.models:
        missing = f"Dataset {quoted(choice.dataset)} has no outcomes of models: load some on the Load page."
    elif not choice.layers and any(o.takes == "layer" and o.needed for o in kind.options):
        missing = f"Dataset {quoted(choice.dataset)} has no layer yet: learn one first."
    return card(
        kind.label,
        [
            html.P(missing, className="run-failed load-said", role="note") if missing else None,
            html.Div(plain, className="run-fields"),
            html.Div(flags, className="runs-flags"),
            html.Div(agree, className="runs-flags", hidden=not asked),
            command_line("runs-command", _usual(kind, there, query)),
            html.Div(
                [
                    dmc.Button(kind.act, id="runs-go", size="sm", disabled=bool(missing or kind.warning)),
                    html.Span(
                        "The store changes only when the run has finished; if you cancel, it stays as it is."
                        if kind.writes
                        else "Nothing is stored.",
                        className="quiet",
                    ),
                ],
                className="run-foot",
            ),
        ],
        note=kind.meaning,
    )


def _usual(kind: RunKind, there: _There, query: Query) -> str:
    form = {option.name: _value(option, kind, there, query) for option in kind.options}
    try:
        return command_text(run_words(kind, given_values(kind, form), dataset=there.choice.dataset))
    except ValueError as error:
        return str(error)


class _There:
    """What there is to choose from."""

    def __init__(self, snapshot: Snapshot, choice: Choice) -> None:
        self.choice = choice
        self.layers = [info.name for info in choice.layers]
        info: DatasetInfo | None = choice.dataset_info
        self.parts = list(info.parts) if info is not None else []
        assert choice.dataset is not None, "a form is of a dataset"
        dataset = choice.dataset

        def read() -> tuple[list[str], list[str]]:
            source = read_dataset(snapshot.store, dataset)
            classes = source.skills["class"].unique().to_pylist()
            attempted = set(source.attempts["model"].unique().to_pylist())
            models = [name for name in source.models["id"].to_pylist() if name in attempted]
            return sorted(c for c in classes if c is not None), models

        self.classes, self.models = snapshot.once(("choices of runs", dataset), read)


def _value(option: RunOption, kind: RunKind, there: _There, query: Query) -> Any:
    """What a field begins with: the address, else what is likeliest."""
    text = query.get(option.name)
    among = {"part": there.parts, "class": there.classes, "model": there.models, "layer": there.layers}.get(
        option.takes
    )
    if text is not None:
        if option.many:
            return [value for value in strings(text) if among is None or value in among]
        if option.takes == "flag":
            return text == "1"
        if among is None or text in among:
            return text
    if option.takes == "layer" and option.needed:
        layers, here = there.layers, there.choice.layer
        infos = {info.name: info for info in there.choice.layers}
        if option.name == "first":
            base = infos[here].base if here in infos else None
            return base if base in layers else here
        if option.name == "second":
            children = [info.name for info in there.choice.layers if info.base == here]
            based = here in infos and infos[here].base in layers
            others = [*children, *(name for name in layers if name != here)]
            return here if based or not others else others[0]
        return here
    if option.takes == "name" and kind.key == "learn":
        return next(n for n in ("foundation", *(f"layer-{k}" for k in range(2, len(there.layers) + 4)))
                    if n not in there.layers)  # fmt: skip
    return list(option.default or ()) if option.many else option.default


def _field(option: RunOption, kind: RunKind, there: _There, query: Query) -> Component:
    value = _value(option, kind, there, query)
    if option.takes == "flag":
        return dmc.Checkbox(id=flag_id("runs", option.name), label=option.label, checked=bool(value), size="sm")
    common: Properties = {"id": field_id("runs", option.name), "label": option.label, "size": "xs"}
    common["placeholder"] = option.empty
    listed = {"part": there.parts, "class": there.classes, "model": there.models, "layer": there.layers}
    if option.takes in listed:
        return _choices(option, listed[option.takes], value, common)
    if option.choices:
        data = [{"value": c.value, "label": c.label[:1].upper() + c.label[1:]} for c in option.choices]
        return dmc.Select(
            data=data,
            value=value,
            clearable=option.default is None,
            allowDeselect=option.default is None,
            comboboxProps={"shadow": "md"},
            **common,
        )
    if option.takes in ("whole", "number"):
        ends: Properties = {key: end for key, end in (("min", option.low), ("max", option.high)) if end is not None}
        return dmc.NumberInput(
            value="" if value is None else float(value) if option.takes == "number" else int(float(value)),
            step=option.step,
            allowDecimal=option.takes == "number",
            debounce=300,
            **ends,
            **common,
        )
    return dmc.TextInput(value=value or "", debounce=300, **common)


def _choices(option: RunOption, names: Sequence[str], value: Any, common: Properties) -> Component:
    data = [{"value": name, "label": name} for name in names]
    if option.many:
        return dmc.MultiSelect(
            data=data, value=value, searchable=len(data) > 8, comboboxProps={"shadow": "md"}, **common
        )
    return dmc.Select(
        data=data,
        value=value,
        clearable=not option.needed,
        allowDeselect=not option.needed,
        searchable=len(data) > 8,
        comboboxProps={"shadow": "md"},
        **common,
    )
