"""Skills of the dataset that the layer has not learned: found by search, and told of in the panel."""

from __future__ import annotations

from urllib.parse import urlencode

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from dash import dcc, html

from explorer.service.lacking import REASONS
from explorer.service.reasons import layer_lacks
from explorer.wording import isolated, plural
from ui.attributes import attributes
from ui.content import Child
from ui.drawing.graphs import LayerGraph, texts_of
from ui.source import Snapshot

__all__ = ["all_skills", "is_lacking", "lacking_options", "lacking_panel", "links", "place_of"]

_TEXTS = 8


def all_skills(graph: LayerGraph) -> int:
    """Number of skills of the layer's dataset, learned or not."""
    return graph.view.indexed.dataset.n_skills


def is_lacking(graph: LayerGraph, skill: str | None) -> bool:
    """Whether a skill is of the dataset and not of the learned ones."""
    if not skill or skill in graph.node_of:
        return False
    return bool(graph.view.indexed.dataset.skills["id"].index(skill).as_py() >= 0)


def place_of(graph: LayerGraph, skill: str) -> int | None:
    """Index of a skill among those that the layer's texts require; None if none of them does."""
    place = pc.index(graph.view.indexed.skills.ids, pa.scalar(skill)).as_py()
    return place if place >= 0 else None


def lacking_options(graph: LayerGraph, typed: str, chosen: str | None, limit: int | None) -> list[dict[str, str]]:
    """Skills that are not learned whose names have what was typed in them, the chosen one first.

    Args:
        graph: Of the layer.
        typed: A part of a name, in any case.
        chosen: Id of the chosen skill, learned or not.
        limit: Most to give; None for all.
    """
    table = graph.view.indexed.dataset.skills
    names = pc.if_else(pc.equal(pc.fill_null(table["name"], ""), ""), table["id"], table["name"])
    lacking = np.ones(table.num_rows, dtype=bool)
    lacking[graph.view.indexed.skill_rows[graph.skill]] = False
    open_ = pa.array(lacking)
    if is_lacking(graph, chosen) and typed in {chosen, _label(names[table["id"].index(chosen).as_py()].as_py())}:
        typed = ""
    match = pc.and_(open_, pc.match_substring(names, typed, ignore_case=True)) if typed else open_
    rows = pc.indices_nonzero(pc.or_(match, pc.equal(table["id"], chosen or "")))
    found = pa.table({"id": table["id"].take(rows), "name": names.take(rows)})
    keys = {
        "late": pc.cast(pc.not_equal(found["id"], chosen or ""), pa.int8()),
        "length": pc.utf8_length(found["name"]) if typed else pa.array(np.zeros(len(rows), dtype=np.int32)),
        "name": found["name"],
    }
    order = pc.sort_indices(pa.table(keys), sort_keys=[(key, "ascending") for key in keys])
    first = found.take(order if limit is None else order[:limit])
    pairs = zip(first["id"].to_pylist(), first["name"].to_pylist(), strict=True)
    return [{"value": skill, "label": _label(name)} for skill, name in pairs if skill not in graph.node_of]


def _label(name: str) -> str:
    return f"○ {isolated(name)} · not learned"


def links(dataset: str, layer: str, skill: str, *, learned: bool) -> html.P:
    """The ways from a skill to why it was learned or not, and to a plan that unlocks more."""
    here = {"dataset": dataset, "layer": layer}
    shown = [dcc.Link("What led to it" if learned else "What would unlock it", href=_why(here, skill))]
    if not learned:
        shown.append(dcc.Link("Plan what to teach", href="/runs?" + urlencode({**here, "run": "plan"})))
    return html.P([part for link in shown for part in (link, " · ")][:-1])


def _why(here: dict[str, str], skill: str) -> str:
    return "/why?" + urlencode({**here, "skill": skill})


def lacking_panel(snapshot: Snapshot, graph: LayerGraph, skill: str) -> list[Child]:
    """What the panel says of a skill that is not learned."""
    info, table = graph.view.info, graph.view.indexed.dataset.skills
    row = table["id"].index(skill).as_py()
    lacks = snapshot.once(
        ("lacks", info.dataset, info.name), lambda: layer_lacks(snapshot.store, info.dataset, info.name)
    )
    at = lacks["skill"].index(skill).as_py()
    reason = lacks["reason"][at].as_py() if at >= 0 else None
    place = place_of(graph, skill)
    texts, total = ([], 0) if place is None else texts_of(graph.view, place, _TEXTS)
    own = bool(graph.view.taught[texts].any()) if texts else True
    chips = [html.Span("not learned", className="chip why-hollow")]
    chips += [
        html.Span(text, className="chip") for text in (table["class"][row].as_py(), plural(total, "text")) if text
    ]
    shown: list[Child] = [
        html.H2(table["name"][row].as_py() or skill),
        html.Div(chips, className="chips"),
        html.P(f"Not learned: {REASONS[reason]}." if reason else "Not learned.", className="why-said"),
        links(info.dataset, info.name, skill, learned=False),
    ]
    if texts:
        titles, ids = graph.view.indexed.text_column("title"), graph.view.indexed.text_ids
        shown += [
            html.Div(
                html.Button(
                    "Its texts",
                    className="act",
                    title="Show the texts that require it and their skills; those not learned are hollow",
                    **attributes(data_act="texts"),
                ),
                className="acts",
            ),
            html.H3(f"Texts {'' if own else 'of its base '}that require it ({total:,})"),
            *[
                html.Button(
                    titles[text].as_py(),
                    className="text-line link-line",
                    title="Show this text and its skills",
                    **attributes(data_text=ids[text].as_py()),
                )
                for text in texts
            ],
            html.P(f"the {len(texts)} with the fewest skills", className="quiet") if total > len(texts) else None,
        ]
    return shown
