"""Datasets, layers and where they stand: learned fraction, threshold and giant component beside the theory."""

from __future__ import annotations

from urllib.parse import urlencode

import numpy as np
from dash import dcc, html
from dash.development.base_component import Component

from explorer.service import LayerView
from explorer.service.evidence import attempted_texts, ignored_skills
from explorer.store.protocol import DatasetInfo, LayerInfo
from explorer.wording import isolated, plural
from ui.attributes import attributes
from ui.choice import Choice, Query, choose
from ui.components import card, figure, fraction, no_layer, origin, page, page_header, share, stat, wide_table
from ui.content import Child
from ui.notices import notice
from ui.pages.managing import stale_chip
from ui.source import Snapshot

__all__ = ["layout", "provenance_lines", "understood_share"]

_TITLE = "Overview"


_MEANING = (
    "Texts teach skills: if a text requires just one skill that the learner does not know yet, the learner learns it. "
    "All shares are of the skills that the layer's texts require."
)


def layout(snapshot: Snapshot, query: Query) -> Component:
    """The page for what the URL says."""
    choice = choose(snapshot, query)
    problem = None if choice.problem is None else notice(choice.problem)
    info = choice.dataset_info
    if info is None or choice.layer is None:
        if info is None:
            return page(page_header(_TITLE, _MEANING, choice), problem, no_layer(None))
        return page(page_header(_TITLE, _MEANING, choice), problem, no_layer(info.name), _dataset(info))
    start = {"dataset": choice.dataset, "layer": choice.layer}
    link = dcc.Link("New run", href="/runs?" + urlencode(start), className="run-link")
    frame = (page_header(_TITLE, _MEANING, choice, extra=link), problem)
    layers = card(
        "Layers",
        _layers(choice),
        note=(
            "A layer is what one run has learned; a fine-tuned layer starts from another layer. Rename, refresh "
            "and delete layers on the layers page."
        ),
    )
    if choice.layer_info is not None and choice.layer_info.kind == "evidence":
        return page(*frame, *_evidence(snapshot.view(info.name, choice.layer)), layers, _dataset(info))
    return page(
        *frame,
        dcc.Store(id="o-subject", data={"dataset": choice.dataset, "layer": choice.layer}),
        html.Div(_waiting(), id="o-stats", **attributes(aria_live="polite")),
        html.Div(
            [
                html.Div(
                    [
                        card(
                            "The position of this layer",
                            figure(
                                "o-emergence",
                                height=290,
                                label="Learned fraction against texts per skill, with this layer's position",
                            ),
                            note=(
                                "The line is the prediction for random texts with the same mean number of skills; to "
                                "the right of the threshold nearly everything is learned at once."
                            ),
                        ),
                        card("Why they differ", html.Div(id="o-reasons"), className="grow"),
                    ],
                    className="side",
                ),
                card(
                    "Prediction and measurement",
                    html.Div(id="o-beside"),
                    note=(
                        "Each quantity for this layer, for a purely random graph with the same R and c (Poisson), for "
                        "a random graph in which every text and skill keeps its number of links (degrees), and for one "
                        "in which every text also keeps its mix of types of skills (types)."
                    ),
                ),
            ],
            className="row wide-right",
        ),
        card(
            "What explains this layer",
            html.Div(html.P("Comparing with random graphs …", className="quiet"), id="o-ladder"),
            note=(
                "A ladder of random graphs that keep more and more structure of this one: what each would learn, and "
                "how much of the gap between the degrees alone and this layer it closes. Few and many types are found "
                "by a search that knows the learned share, but not which skills were learned."
            ),
        ),
        layers,
        _dataset(info),
    )


def _evidence(view: LayerView) -> tuple[Component, Component]:
    """Figures of a layer that was estimated from outcomes: no learner made it, so there is no prediction."""
    graph, learned = view.indexed.graph, view.learned
    understood = understood_share(view)
    mastery = view.mastery[learned]
    sure = float(np.mean(mastery > 0.9)) if len(mastery) and not np.isnan(mastery).any() else None
    numbers = html.Div(
        [
            stat("Texts, T", f"{view.info.texts:,}", "that the model tried to solve"),
            stat("Skills, S", f"{view.info.skills:,}", "that those texts require"),
            stat("Texts per skill, R", f"{view.info.texts / max(view.info.skills, 1):.2f}", "T / S"),
            stat("Skills per text, c", f"{graph.mean_skills:.2f}", "mean over all T texts"),
            _predicts(view.info),
            share(
                "Mastered", view.info.learned_fraction, view.info.skills, "tested skills, estimated", tone="measured"
            ),
            share("Nearly certain", sure, len(mastery), "mastered skills: probability over 90 %"),
            share("Understood", understood, view.info.texts, "attempted texts: all skills in the fit mastered"),
        ],
        className="stats",
    )
    query = urlencode({"dataset": view.info.dataset, "layer": view.info.name})
    text = card(
        "Estimated from a model's outcomes",
        html.P(
            [
                "No learner made this layer, so there is no prediction to compare it with. Compare it with others on ",
                dcc.Link("the layers page", href=f"/layers?{query}"),
                ", or learn a layer from the same texts: New run.",
            ],
            className="sentence",
        ),
        note=(
            "Skills that the model has mastered, estimated from the texts that it solved."
            if "solve_rate" in view.info.parameters
            else "Skills that the model has mastered, estimated from the texts that it solved: a text is solved if the "
            "model has all of its skills, apart from slips and guesses."
        ),
    )
    return numbers, text


def understood_share(view: LayerView) -> float | None:
    """Share of the attempted texts all of whose skills in the fit are mastered; None if there are none.

    Skills that the layer ignores are not lacking, and texts without others do not count.
    """
    graph = view.indexed.graph
    asked = ~ignored_skills(view.info, view.indexed)
    text_of = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
    required = np.bincount(text_of, asked[graph.text_skills], minlength=graph.n_texts)
    lacking = np.bincount(text_of, (asked & ~view.learned)[graph.text_skills], minlength=graph.n_texts)
    counted = attempted_texts(view) & (required > 0)
    return float(np.mean(lacking[counted] == 0)) if counted.any() else None


def _predicts(info: LayerInfo) -> html.Div:
    """Whether skills predict anything, which comes before what they say."""
    gain, error = info.figure("gain"), info.figure("gain_error")
    if info.skills_add is None or gain is None:
        return stat("Skills add", "not judged", "run `skillgraph evidence` without --no-judge")
    told = (
        f"log-loss on held-out outcomes falls by {1000 * gain:.1f}"
        + ("" if error is None else f" ± {1000 * error:.1f}")
        + " thousandths beyond difficulty"
    )
    return stat("Skills add", "a little" if info.skills_add else "nothing shown", told, tone="small")


def _waiting() -> html.Div:
    labels = ("Texts", "Skills", "Texts per skill, R", "Skills per text, c", "Learned", "Threshold", "Giant component")
    return html.Div([stat(label, "…", "") for label in labels], className="stats")


def _layers(choice: Choice) -> Component:
    head = html.Tr(
        [
            html.Th("Layer"),
            html.Th("Learned from"),
            html.Th("Learned", style={"minWidth": "150px"}),
            html.Th("Waves", className="number"),
            html.Th("Associations", className="number"),
            html.Th(""),
        ]
    )
    rows = [_layer_row(info, choice) for info in choice.layers]
    return wide_table(html.Table([html.Thead(head), html.Tbody(rows)], className="table"))


def _layer_row(info: LayerInfo, choice: Choice) -> html.Tr:
    source = ", ".join(map(isolated, info.parts)) or "all texts"
    here = urlencode({"dataset": info.dataset, "layer": info.name})
    links: list[Child] = [
        dcc.Link("graph", href=f"/graph?{here}"),
        " · ",
        dcc.Link("learning", href=f"/learning?{here}"),
    ]
    if info.base is not None:
        pair = urlencode({"dataset": info.dataset, "first": info.base, "second": info.name})
        links += [" · ", dcc.Link("compare", href=f"/layers?{pair}")]
    return html.Tr(
        [
            html.Td(
                [
                    html.Strong(info.name) if info.name == choice.layer else dcc.Link(info.name, href=f"/?{here}"),
                    stale_chip(info),
                    html.Div(f"{origin(info)}, learner {info.learner}", className="quiet"),
                    html.Div("skills add nothing beyond difficulty", className="quiet")
                    if info.skills_add is False
                    else "",
                ]
            ),
            html.Td([html.Span(source), html.Div(plural(info.texts, "text"), className="quiet")]),
            html.Td(
                [
                    html.Div(f"{fraction(info.learned_fraction)} of {info.skills:,}"),
                    html.Div(html.Div(style={"width": f"{100 * info.learned_fraction:.1f}%"}), className="meter"),
                ]
            ),
            html.Td(f"{info.waves}", className="number"),
            html.Td("not yet" if info.associations is None else f"{info.associations:,}", className="number"),
            html.Td(links, style={"whiteSpace": "nowrap"}),
        ]
    )


def _dataset(info: DatasetInfo) -> Component:
    facts = [
        ("Texts", f"{info.texts:,}"),
        ("Skills", f"{info.skills:,}"),
        ("Requirements", f"{info.requirements:,}"),
        ("Prerequisites", f"{info.prerequisites:,}"),
        ("Part-of links", f"{info.part_of:,}"),
        ("Models", f"{info.models:,}"),
        ("Parts", ", ".join(map(isolated, info.parts)) or "one"),
        ("Loaded", info.loaded_at[:16].replace("T", " ")),
    ]
    return card(
        f"Dataset {isolated(info.name)}",
        [
            html.Dl([html.Div([html.Dt(name), html.Dd(value)]) for name, value in facts], className="facts"),
            *(html.P(line, className="quiet") for line in provenance_lines(info)),
        ],
        note="What was loaded: texts, the skills they require, and further data about both.",
    )


def provenance_lines(info: DatasetInfo) -> list[str]:
    """Where the dataset came from: one line for what was loaded first, and one for each part added to it."""
    loads: dict[str, list[str]] = {}
    for fact, value in info.provenance.items():
        if value not in (None, ""):
            part = next((name for name in info.parts if fact.startswith(f"{name}.")), "")
            loads.setdefault(part, []).append(f"{fact.removeprefix(f'{part}.')}: {value}")
    return [f"{f'Added {isolated(part)}: ' if part else ''}{' · '.join(facts)}" for part, facts in loads.items()]
