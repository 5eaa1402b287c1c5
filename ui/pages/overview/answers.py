"""What the page's callbacks answer with."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from explorer.service import BesideRow, LayerPrediction
from explorer.service.ladder import Ladder, Rung
from ui.components import fraction, share, stat, wide_table
from ui.told import told

__all__ = ["beside_table", "headline_numbers", "ladder_table", "reasons_list"]

_FRACTIONS = ("learned", "not_understood", "giant", "giant_understood", "giant_site")


def ladder_table(found: Ladder) -> Component:
    """The rungs as a table with bars, the layer itself last."""

    def row(name: str, keeps: str, types: int | None, learned: float, closes: float | None, tone: str) -> html.Tr:
        bar = html.Div(
            html.Div(className=f"fill fill-{tone}", style={"width": f"{100 * learned:.1f}%"}), className="bar"
        )
        return html.Tr(
            [
                html.Td([name, html.Div(keeps, className="quiet")]),
                html.Td("–" if types is None else f"{types:,}", className="number"),
                html.Td(bar, className="bar-cell"),
                html.Td(
                    html.Strong(fraction(learned)) if tone == "measured" else fraction(learned), className="number"
                ),
                html.Td("–" if closes is None else f"{closes:.0%}".replace("%", " %"), className="number"),
            ]
        )

    tones = {"poisson": "poisson", "text sizes": "poisson", "degrees": "degrees"}
    rows = [
        row(rung.name, _kept(rung), rung.types, rung.learned, rung.closes, tones.get(rung.name, "typed"))
        for rung in found.rungs
    ]
    rows.append(
        row("this layer", "measured", None, found.measured, 1.0 if abs(found.gap) >= 0.01 else None, "measured")
    )
    heads = (("Keeps", ""), ("Types", "number"), ("", "bar-cell"), ("Learned", "number"), ("Closes", "number"))
    head = html.Tr([html.Th(name, className=style, scope="col") for name, style in heads])
    return html.Div(
        [
            html.P(found.sentence, className="sentence"),
            wide_table(html.Table([html.Thead(head), html.Tbody(rows)], className="table ladder")),
            html.Ul([html.Li(told(note)) for note in found.notes if "--graphs" not in note], className="reasons"),
        ]
    )


def _kept(rung: Rung) -> str:
    return " × ".join(rung.features) if len(rung.features) > 1 and " × " not in rung.name else rung.keeps


def _row(prediction: LayerPrediction, quantity: str) -> BesideRow:
    return next(row for row in prediction.rows if row.quantity == quantity)


def headline_numbers(prediction: LayerPrediction, skills: int) -> html.Div:
    """The layer's size, and what was learned of it; the dataset has so many skills."""
    others = skills - prediction.skills
    left = f"; {others:,} more of the dataset are in none" if others else ""
    learned, giant, ratio = (_row(prediction, name) for name in ("learned", "giant", "ratio"))
    if ratio.poisson is not None:
        threshold = f"{ratio.poisson:.2f}"
        side = f"Poisson texts; R is {'below' if prediction.ratio < ratio.poisson else 'above'} it"
    elif prediction.prerequisites:
        threshold, side = "–", "not known with prerequisites"
    else:
        threshold, side = "gradual", "Poisson texts; learning grows without a jump"
    return html.Div(
        [
            stat("Texts, T", f"{prediction.texts:,}", "that teach this layer and its base"),
            stat("Skills, S", f"{prediction.skills:,}", f"that those texts require{left}"),
            stat("Texts per skill, R", f"{prediction.ratio:.2f}", "T / S"),
            stat("Skills per text, c", f"{prediction.mean_skills:.2f}", "mean over all T texts"),
            share("Learned", learned.measured, prediction.skills, "skills, measured", tone="measured"),
            stat("Threshold, R*", threshold, side),
            share(
                "Giant component",
                giant.measured,
                prediction.skills,
                "skills: learned, and linked with each other",
                tone="measured",
            ),
        ],
        className="stats",
    )


def beside_table(prediction: LayerPrediction) -> Component:
    """Each quantity as measured and as three random graphs have it."""

    def shown(row: BesideRow, value: float | None) -> str:
        if value is None:
            return "–"
        if row.quantity in _FRACTIONS:
            return fraction(value)
        if row.quantity == "waves":
            return f"{value:.0f}"
        if value < 0.1:
            return f"{value:.2g}"
        return f"{value:,.2f}" if value < 1000 else f"{value:,.0f}"

    titles = {
        "learned": "Learned",
        "not_understood": "Texts not understood",
        "waves": "Waves",
        "ratio": "Texts per skill",
        "giant": "Giant component",
        "giant_understood": "Giant, understood texts",
        "percolation": "Giant component from",
        "giant_site": "Giant, skills at random",
        "condition": "Percolation condition",
    }
    head = html.Tr(
        [
            html.Th("Quantity"),
            html.Th([html.Span(className="dot dot-measured"), "measured"], className="number"),
            html.Th([html.Span(className="dot dot-poisson"), "Poisson"], className="number"),
            html.Th([html.Span(className="dot dot-degrees"), "degrees"], className="number"),
            html.Th([html.Span(className="dot dot-typed"), "types"], className="number"),
        ]
    )
    rows = [
        html.Tr(
            [
                html.Td([titles.get(row.quantity, row.quantity), html.Div(row.meaning, className="quiet")]),
                html.Td(html.Strong(shown(row, row.measured)), className="number"),
                html.Td(shown(row, row.poisson), className="number"),
                html.Td(shown(row, row.degrees), className="number"),
                html.Td(shown(row, row.typed), className="number"),
            ]
        )
        for row in prediction.rows
    ]
    return html.Table([html.Thead(head), html.Tbody(rows)], className="table")


def reasons_list(prediction: LayerPrediction) -> Component:
    """Why measurement and prediction differ."""
    if not prediction.reasons:
        return html.P(
            "Prediction and measurement agree within the accuracy possible for a graph of this size.",
            className="sentence",
        )
    return html.Ul([html.Li(reason) for reason in prediction.reasons], className="reasons")
