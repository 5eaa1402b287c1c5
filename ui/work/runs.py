"""The form that starts a run from the browser, and what is seen of the run while it goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlencode

import dash_mantine_components as dmc
import pyarrow.compute as pc
from dash import Input, Output, State, dcc, html, no_update

from explorer.errors import SkillgraphError
from explorer.options import LEARNERS, MODES, RULES, Mode, Rule
from explorer.service import AssociationReport, LearnReport, PercolationReport
from explorer.service.snapshot import read_dataset
from loaders.gate import parse_json
from ui.attributes import attributes
from ui.calls import Calls, Cause
from ui.choice import Choice, Query, finite
from ui.components import card, fraction
from ui.source import Snapshot, Source
from ui.work import tasks
from ui.work.children import Job
from ui.work.tasks import AssociateRun, LearnRun, PercolateRun, Run

__all__ = ["CALLS", "KINDS", "outcome_text", "read_form", "run_card", "run_strip"]

KINDS = {"learn": "Learn a layer", "associate": "Link its skills", "percolate": "Percolate"}
_MEANINGS = {
    "learn": "Reads the texts again and again until nothing more is learned; the new layer is stored under its name.",
    "associate": "Links learned skills that occur in the same text, finds components, and stores both with the layer.",
    "percolate": "Keeps skills in random order, one after the other, and averages over orders; nothing is stored.",
}
_LEARNERS = tuple((choice.value, choice.label) for choice in LEARNERS)
_MODES = {choice.value: f"{choice.label.capitalize()}: {choice.meaning}." for choice in MODES}
# Order of the form's fields, in the callbacks and in overview.js.
_FIELDS = (
    "kind",
    "name",
    "parts",
    "learner",
    "d",
    "capacity",
    "base",
    "mode",
    "known",
    "seed",
    "replace",
    "layer",
    "rule",
    "weight",
    "top",
    "replicates",
)


def run_strip(opened: bool) -> html.Div:
    """What is seen of a run: its progress with a button that cancels it, then what it gave.

    Args:
        opened: The outcome of a run that has ended is shown too.
    """
    return html.Div(
        [
            dcc.Store(id="run-ticket", storage_type="session"),
            dcc.Store(id="run-start"),
            dcc.Store(id="run-pulse"),
            dcc.Store(id="run-state"),
            dcc.Store(id="run-go"),
            dcc.Store(id="run-open", data=opened),
            html.Section(
                [
                    html.Div(id="run-text", className="run-text"),
                    dmc.Progress(id="run-bar", value=0, animated=True, size="md", **attributes(aria_label="Progress")),
                    dmc.Button("Cancel", id="run-cancel", size="xs", variant="default"),
                ],
                id="run-progress",
                className="card run-progress",
                hidden=True,
                **attributes(aria_label="The run"),
            ),
            html.Div(id="run-result", **attributes(aria_live="polite")),
        ],
        className="run-strip",
    )


def run_card(snapshot: Snapshot, choice: Choice, query: Query) -> Any:
    """The form, filled in as the URL says."""
    kind = query.get("run", "learn")
    kind = kind if kind in KINDS and choice.layers else "learn"
    kinds = [{"value": value, "label": text} for value, text in KINDS.items()] if choice.layers else []
    tabs = dmc.SegmentedControl(
        id="run-kind",
        data=kinds or [{"value": "learn", "label": KINDS["learn"]}],
        value=kind,
        size="xs",
        **attributes(aria_label="Kind of run"),
    )
    close = dcc.Link("Close", href="/?" + urlencode(_here(choice)), className="run-close") if choice.layers else None
    return card(
        "New run",
        [
            html.P(_MEANINGS[kind], id="run-meaning", className="sentence"),
            dcc.Store(id="run-meanings", data=_MEANINGS),
            html.Form(
                [
                    html.Div(_learn_fields(snapshot, choice, query), id="run-form-learn", className="run-fields"),
                    html.Div(_layer_field(choice), id="run-form-layer", className="run-fields"),
                    html.Div(_associate_fields(query), id="run-form-associate", className="run-fields"),
                    html.Div(_percolate_fields(query), id="run-form-percolate", className="run-fields"),
                ],
                className="run-form",
                id="run-form",
            ),
            html.Div(
                [
                    dmc.Button(
                        "Start", id="run-go-button", size="sm", leftSection=html.Span(className="icon icon-play")
                    ),
                    html.Span(
                        "The store changes only when the run has finished; if you cancel, it stays as it is.",
                        className="quiet",
                    ),
                ],
                className="run-foot",
            ),
        ],
        extra=html.Div([tabs, close], className="run-head"),
        className="run-card",
    )


def _here(choice: Choice) -> dict[str, str]:
    return {key: value for key, value in (("dataset", choice.dataset), ("layer", choice.layer)) if value is not None}


def _listed(query: Query, key: str, among: Sequence[str]) -> list[str]:
    """A list in the URL, as JSON; what is not there is left out."""
    try:
        found = parse_json(query.get(key, "[]"))
    except ValueError:
        return []
    return [item for item in found if item in among] if isinstance(found, list) else []


def _new_name(choice: Choice) -> str:
    taken = {info.name for info in choice.layers}
    if "foundation" not in taken:
        return "foundation"
    return next(name for name in (f"layer-{n}" for n in range(2, len(taken) + 3)) if name not in taken)


def _classes(snapshot: Snapshot, dataset: str) -> list[str]:
    """Classes of skills, in order of name."""

    def make() -> list[str]:
        found = pc.unique(read_dataset(snapshot.store, dataset).skills["class"]).to_pylist()
        return sorted(value for value in found if value is not None)

    return snapshot.once(("skill classes", dataset), make)


def _select(name: str, label: str, options: Sequence[tuple[str, str]], value: str | None, **extra: Any) -> dmc.Select:
    return dmc.Select(
        id=f"run-{name}",
        label=label,
        data=[{"value": v, "label": text} for v, text in options],
        value=value,
        size="xs",
        comboboxProps={"shadow": "md"},
        **{"allowDeselect": False, **extra},
    )


def _learn_fields(snapshot: Snapshot, choice: Choice, query: Query) -> list[Any]:
    info = choice.dataset_info
    parts = list(info.parts) if info is not None else []
    names = [layer.name for layer in choice.layers]
    classes = [] if choice.dataset is None else _classes(snapshot, choice.dataset)
    learner = query.get("learner", "one")
    base = query.get("base")
    return [
        dmc.TextInput(
            id="run-name", label="Name of the new layer", value=query.get("name") or _new_name(choice), size="xs"
        ),
        dmc.MultiSelect(
            id="run-parts",
            label="Texts of these parts",
            data=parts,
            value=_listed(query, "parts", parts),
            placeholder="all texts",
            size="xs",
            comboboxProps={"shadow": "md"},
        ),
        _select("learner", "A text teaches", _LEARNERS, learner if learner in dict(_LEARNERS) else "one"),
        html.Div(
            dmc.NumberInput(
                id="run-d",
                label="D, most skills at once",
                value=finite(query.get("d"), 2),
                min=1,
                max=50,
                step=1,
                allowDecimal=False,
                size="xs",
            ),
            id="run-d-box",
        ),
        html.Div(
            [
                dmc.NumberInput(
                    id="run-capacity",
                    label="Probability of going on to the next skill",
                    value=finite(query.get("capacity"), 0.6),
                    min=0.05,
                    max=0.95,
                    step=0.05,
                    size="xs",
                ),
                dmc.NumberInput(
                    id="run-seed",
                    label="Random seed",
                    value=finite(query.get("seed"), 0),
                    min=0,
                    step=1,
                    allowDecimal=False,
                    size="xs",
                ),
            ],
            id="run-capacity-box",
            className="run-pair",
        ),
        _select(
            "base",
            "Fine-tune from",
            [(name, name) for name in names],
            base if base in names else None,
            placeholder="nothing: a foundation",
            clearable=True,
            allowDeselect=True,
            disabled=not names,
        ),
        html.Div(
            _select(
                "mode", "How", list(_MODES.items()), query.get("mode") if query.get("mode") in _MODES else "continued"
            ),
            id="run-mode-box",
            className="run-wide",
        ),
        dmc.MultiSelect(
            id="run-known",
            label="Classes of skills to treat as known",
            data=classes,
            value=_listed(query, "known", classes),
            placeholder="none",
            size="xs",
            searchable=len(classes) > 8,
            comboboxProps={"shadow": "md"},
        ),
        dmc.Checkbox(id="run-replace", label="Replace an existing layer with this name", checked=False, size="xs"),
    ]


def _layer_field(choice: Choice) -> list[Any]:
    return [_select("layer", "Layer", [(info.name, info.name) for info in choice.layers], choice.layer)]


def _associate_fields(query: Query) -> list[Any]:
    rules = tuple((choice.value, choice.label) for choice in RULES)
    top = finite(query.get("top"), 0)
    return [
        _select("rule", "Joined by", rules, "understood" if query.get("rule") == "understood" else "any"),
        dmc.NumberInput(
            id="run-weight",
            label="In at least this many texts",
            value=finite(query.get("weight"), 1),
            min=1,
            step=1,
            allowDecimal=False,
            size="xs",
        ),
        dmc.NumberInput(
            id="run-top",
            label="Only the strongest links of each skill",
            value=top or "",
            placeholder="all",
            min=1,
            step=1,
            allowDecimal=False,
            size="xs",
        ),
    ]


def _percolate_fields(query: Query) -> list[Any]:
    return [
        dmc.NumberInput(
            id="run-replicates",
            label="Random orders to average over",
            value=finite(query.get("replicates"), 20),
            min=1,
            step=10,
            allowDecimal=False,
            size="xs",
        ),
    ]


def read_form(dataset: str, form: Mapping[str, Any]) -> Run:
    """The run that a form describes.

    >>> read_form("python", {"kind": "percolate", "layer": "foundation", "replicates": 5})
    PercolateRun(dataset='python', layer='foundation', replicates=5, seed=0)

    Raises:
        SkillgraphError: Something is not filled in.
    """

    def whole(key: str, label: str, default: int | None) -> int:
        value = form.get(key)
        value = default if value in (None, "") else value
        if not isinstance(value, int | float) or value != int(value):
            raise SkillgraphError(f"{label}: {form.get(key)!r} is not a whole number")
        return int(value)

    kind = form.get("kind")
    if kind == "percolate":
        replicates = whole("replicates", "random orders", None)
        return PercolateRun(dataset, _named(form, "layer"), replicates, whole("seed", "seed", 0))
    if kind == "associate":
        top = None if form.get("top") in (None, "") else whole("top", "strongest of each skill", None)
        rule = cast(Rule, form.get("rule") or "any")
        return AssociateRun(dataset, _named(form, "layer"), rule, whole("weight", "least number of texts", 1), top)
    learner = str(form.get("learner") or "one")
    if learner == "d":
        learner = f"d:{whole('d', 'D', None)}"
    elif learner == "capacity":
        learner = f"capacity:{form.get('capacity')}"
    base = form.get("base") or None
    return LearnRun(
        dataset=dataset,
        layer=_named(form, "name").strip(),
        parts=tuple(sorted(form.get("parts") or ())),
        learner=learner,
        base=base,
        mode=cast(Mode, form.get("mode") or "continued") if base else None,
        known_classes=tuple(form.get("known") or ()),
        seed=whole("seed", "seed", 0),
        replace=bool(form.get("replace")),
    )


def _named(form: Mapping[str, Any], key: str) -> str:
    value = str(form.get(key) or "").strip()
    if not value:
        raise SkillgraphError("give the layer a name" if key == "name" else "choose a layer first")
    return value


def outcome_text(report: LearnReport | AssociationReport | PercolationReport) -> str:
    """What a run found, in a sentence or two."""
    if isinstance(report, LearnReport):
        info = report.layer
        text = (
            f"{info.name}: {info.learned:,} of {info.skills:,} skills learned ({fraction(info.learned_fraction)}) from "
            f"{info.texts:,} texts in {info.waves} waves; {fraction(1 - report.testing_error)} of the texts are "
            "understood."
        )
        return f"{text} {report.advice}".strip()
    if isinstance(report, AssociationReport):
        return (
            f"{report.layer.name}: {report.associations:,} associations, {report.components:,} components; the giant "
            f"one has {report.giant:,} skills, {fraction(report.giant_fraction)} of all."
        )
    return (
        f"{report.layer.name}: kept at random, skills have a giant component from {fraction(report.critical)} on "
        f"(predicted {fraction(report.predicted_critical)}). The learned ones, {fraction(report.learned)} of all, have "
        f"a giant component of {fraction(report.learned_giant)}; as many random ones would have "
        f"{fraction(report.learned_giant_random)}."
    )


def _result(work: Job, changed: bool) -> Any:
    if work.state == "done":
        report = work.value
        links = [
            dcc.Link(text, href=f"{path}?{urlencode({'dataset': report.layer.dataset, 'layer': report.layer.name})}")
            for path, text in (("/graph", "graph"), ("/learning", "learning"), ("/percolation", "percolation"))
        ]
        seen = [item for link in links for item in (" · ", link)][1:]
        took = html.Span(f" Took {work.seconds:.1f} s. See ", className="quiet")
        return html.Div([outcome_text(report), took, *seen], className="card run-done")
    if work.state == "failed":
        return html.Div(f"Not done: {work.problem}", className="card run-failed", role="alert")
    text = "Cancelled: the store is unchanged."
    if changed:
        text = "Cancelled; the store was changed in the meantime: the list of layers below shows its present content."
    return html.Div(text, className="card run-cancelled")


def _property(field: str) -> str:
    return "checked" if field == "replace" else "value"


CALLS = Calls()

_VERSIONS: dict[str, str] = {}
_READ: set[str] = set()  # outcomes that were shown in an open form, which one may close


@CALLS.answer(
    "the run",
    Output("run-state", "data"),
    Output("run-progress", "hidden"),
    Output("run-text", "children"),
    Output("run-bar", "value"),
    Output("run-result", "children"),
    Output("run-go", "data"),
    Input("run-start", "data"),
    Input("run-pulse", "data"),
    Input("run-ticket", "modified_timestamp"),
    Input("run-cancel", "n_clicks"),
    State("run-ticket", "data"),
    State("run-open", "data"),
    cause=True,
)
def follow(
    source: Source,
    cause: Cause,
    start: dict[str, Any] | None,
    _pulse: Any,
    _time: Any,
    _cancel: Any,
    ticket: str | None,
    open_: bool,
) -> tuple[Any, ...]:
    runs = source.runs
    # Questions may overtake each other: whichever comes first begins the run, and none begins it twice. A question
    # after a run in progress begins nothing: the server may have been started anew, and forgotten it.
    triggers = cause.properties
    asked = start is not None and ("run-start.data" in triggers or start["id"] == ticket)
    if start is not None and asked and "run-pulse.data" not in triggers and runs.find(start["id"]) is None:
        try:
            what = read_form(start["dataset"], start)
            _VERSIONS.setdefault(start["id"], source.snapshot().version)
            runs.begin(tasks.run, source.place, what, title=what.title, name=start["id"])
        except SkillgraphError as error:
            problem = html.Div(f"Not started: {error}", className="card run-failed", role="alert")
            return {"running": False}, True, "", 0, problem, no_update
        ticket = start["id"]
    elif "run-cancel.n_clicks" in triggers:
        runs.cancel(ticket)
    work = runs.find(ticket)
    if work is None:
        return {"running": False}, True, "", 0, no_update if "run-pulse.data" in triggers else None, no_update
    if work.state == "running":
        now = work.progress
        text = f"{work.title.capitalize()}: {now.stage} · step {min(now.done + 1, now.total)} of {now.total} · "
        share = 100 * (now.done + 0.5) / now.total
        return {"running": True}, False, text + f"{work.seconds:.0f} s", share, None, no_update
    changed = work.state == "cancelled" and source.snapshot().version != _VERSIONS.get(work.name)
    shown = None if work.name in _READ and not open_ and work.state == "done" else _result(work, changed)
    if open_:
        _READ.add(work.name)
    return {"running": False}, True, "", 0, shown, _go(work)


CALLS.browser(
    "sgRuns.pulseRun", Output("run-state", "data-seen"), Input("run-state", "data"), prevent_initial_call=True
)
CALLS.browser(
    "sgRuns.follow",
    Output("url", "search", allow_duplicate=True),
    Input("run-go", "data"),
    prevent_initial_call=True,
)
CALLS.browser(
    "sgRuns.startRun",
    Output("run-start", "data"),
    Output("run-ticket", "data"),
    Input("run-go-button", "n_clicks"),
    State("subject", "data-dataset"),
    *[State(f"run-{field}", _property(field)) for field in _FIELDS],
    prevent_initial_call=True,
)
CALLS.browser(
    "sgRuns.runForm",
    Output("run-form-learn", "style"),
    Output("run-form-layer", "style"),
    Output("run-form-associate", "style"),
    Output("run-form-percolate", "style"),
    Output("run-d-box", "style"),
    Output("run-capacity-box", "style"),
    Output("run-mode-box", "style"),
    Output("run-meaning", "children"),
    *[Input(f"run-{field}", _property(field)) for field in _FIELDS],
    State("run-meanings", "data"),
)


def _go(work: Job) -> Any:
    """Where the page moves when a run has made or changed a layer."""
    if work.state != "done" or isinstance(work.value, PercolationReport):
        return no_update
    info = work.value.layer
    to = {"dataset": info.dataset, "layer": info.name, "run": "associate"}
    return {"id": work.name, "search": "?" + urlencode(to)}
