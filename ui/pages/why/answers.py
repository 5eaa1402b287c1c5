"""What the page says of a skill, learned or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import pyarrow as pa
import pyarrow.compute as pc
from dash import dcc, html
from dash.development.base_component import Component

from explorer.service.lacking import NEVER, REASONS
from explorer.service.reasons import layer_lacks
from explorer.service.snapshot import read_dataset
from explorer.service.why import WhyReport
from explorer.wording import isolated, plural
from ui.components import card, folded, wide_table
from ui.content import Child, Content
from ui.pages.why.state import LACKING
from ui.source import Snapshot
from ui.typed import Row

__all__ = ["answer", "lacking_lasts", "lacking_rows", "names_of", "options", "summary"]

_OFFERED = 30
NOT_RECORDED = "not recorded"
"""Reason of skills of a layer that was estimated by a version that kept none."""


def names_of(snapshot: Snapshot, dataset: str) -> Mapping[str, str]:
    """What people call each skill of a dataset, by id."""
    return snapshot.names(dataset)


def _waves(snapshot: Snapshot, dataset: str, layer: str) -> Mapping[str, int]:
    def make() -> dict[str, int]:
        skills = snapshot.store.read_layer(dataset, layer).skills
        return dict(zip(skills["skill"].to_pylist(), skills["wave"].to_pylist(), strict=True))

    return snapshot.once(("waves of skills", dataset, layer), make)


def options(snapshot: Snapshot, dataset: str, layer: str, typed: str, picked: str | None) -> list[dict[str, str]]:
    """Skills of the dataset whose name or id has what was typed, with whether they are learned."""
    skills = read_dataset(snapshot.store, dataset).skills
    wave = _waves(snapshot, dataset, layer)
    ids, names = skills["id"], skills["name"]
    if typed:
        match = pc.or_(
            pc.match_substring(pc.cast(ids, pa.string()), typed, ignore_case=True),
            pc.match_substring(pc.fill_null(names, ""), typed, ignore_case=True),
        )
        rows = pc.indices_nonzero(match).to_pylist()
        rows.sort(key=lambda i: (len(names[i].as_py() or ""), i))
    else:
        rows = [i for i in range(min(len(ids), 4 * _OFFERED)) if ids[i].as_py() not in wave]
    found = [ids[i].as_py() for i in rows[:_OFFERED]]
    if picked and picked not in found and picked in names_of(snapshot, dataset):
        found.insert(0, picked)
    called = names_of(snapshot, dataset)
    return [{"value": key, "label": f"{isolated(called[key] or key)} · {_state(wave.get(key))}"} for key in found]


def _state(wave: int | None) -> str:
    if wave is None:
        return "not learned"
    return "known beforehand" if wave == 0 else f"learned in wave {wave}"


def _uses(snapshot: Snapshot, dataset: str) -> Mapping[str, int]:
    """How many texts require each skill of a dataset, made once."""

    def make() -> Counter[str]:
        counts = pc.value_counts(read_dataset(snapshot.store, dataset).requirements["skill"])
        return Counter(dict(zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True)))

    return snapshot.once(("texts of skills", dataset), make)


def lacking_lasts(snapshot: Snapshot, dataset: str) -> dict[str, int]:
    """The right ends of the brushes over what is not learned, the same for all layers of a dataset."""
    return LACKING.lasts([{"uses": max(_uses(snapshot, dataset).values(), default=1)}])


def lacking_rows(snapshot: Snapshot, dataset: str, layer: str) -> list[Row]:
    """Skills that the layer lacks, with the reason."""

    def make() -> list[Row]:
        skills = read_dataset(snapshot.store, dataset).skills
        info = next(found for found in snapshot.layers(dataset) if found.name == layer)
        if info.kind == "evidence" and info.lacks is None:
            learned = _waves(snapshot, dataset, layer)
            ids = [skill for skill in skills["id"].to_pylist() if skill not in learned]
            lacks = pa.table({"skill": pa.array(ids, pa.string()), "reason": [NOT_RECORDED] * len(ids)})
        else:
            lacks = layer_lacks(snapshot.store, dataset, layer)
        where = pc.index_in(lacks["skill"], value_set=skills["id"].combine_chunks()).to_pylist()
        names, classes = skills["name"].to_pylist(), skills["class"].to_pylist()
        uses = _uses(snapshot, dataset)
        rows = [
            {
                "id": skill,
                "name": names[i] or skill,
                "class": classes[i] or "",
                "reason": reason,
                "uses": uses[skill],
            }
            for skill, reason, i in zip(lacks["skill"].to_pylist(), lacks["reason"].to_pylist(), where, strict=True)
            if i is not None
        ]
        return sorted(rows, key=lambda row: (-uses[str(row["id"])], str(row["name"])))

    return snapshot.once(("lacking", dataset, layer), make)


def summary(rows: Sequence[Row]) -> Component:
    """How many skills are lacking for which reason."""
    counts = Counter(str(row["reason"]) for row in rows)
    items = [
        html.Li([html.Strong(f"{n:,}"), f" {reason}: {REASONS[reason]}."])
        for reason, n in counts.most_common()
        if reason in REASONS
    ]
    if counts[NOT_RECORDED]:
        items = [html.Li("The reasons were not recorded when this layer was stored: estimate the model again.")]
    never = sum(n for reason, n in counts.items() if reason in NEVER)
    said = f"{plural(len(rows), 'skill is', 'skills are')} not learned"
    said += f"; no text of this layer could ever teach {never:,} of them." if never else "."
    return html.Div([html.P(said), html.Ul(items, className="hint-list")])


def answer(report: WhyReport, names: Mapping[str, str]) -> Component:
    """The state of a skill: how it was learned, or what stands in its way."""
    here = {"dataset": report.layer.dataset, "layer": report.layer.name, "skill": report.skill}
    links = []
    if report.learned:
        links.append(dcc.Link("See it in the graph", href="/graph?" + urlencode(here)))
    else:
        links.append(dcc.Link("Plan what to teach", href="/runs?" + urlencode({**here, "run": "plan"})))
    chips = [
        html.Span(
            ["learned" if report.learned else "not learned"],
            className="chip why-learned" if report.learned else "chip why-hollow",
        ),
        *([html.Span(report.skill_class, className="chip")] if report.skill_class else []),
        *([html.Span("can never be learned from these texts", className="chip chip-stale")] if report.never else []),
    ]
    parts: list[Child] = [
        html.Div(chips, className="chips"),
        html.P(report.sentence, className="why-said"),
        html.P(links),
    ]
    if report.chain:
        rows = [
            (_pick(link.skill, names), link.wave, link.text or "", _several(link.beside, names))
            for link in report.chain
        ]
        parts += [html.H3("The chain that led to it"), _table(("skill", "wave", "taught by", "beside"), rows)]
    if report.prerequisites:
        parts += [html.H3("Prerequisites that are not learned"), html.P(_several(report.prerequisites, names, 20))]
    if report.texts:
        near = [(text.title, text.too_many, _several(text.lacks, names)) for text in report.texts]
        parts += [
            html.H3("The nearest texts"),
            html.P(
                "Too many: how many other skills must be learned before the text can teach this one.", className="quiet"
            ),
            _table(("text", "too many", "other lacking skills"), near),
        ]
    if len(report.group) > 1:
        parts += [
            html.H3("It waits in a group"),
            html.P(
                [
                    f"Any one of these {len(report.group):,} skills makes all the others learnable: ",
                    *_several(report.group, names, 12),
                ]
            ),
        ]
    if report.unlocking:
        title = "What would unlock it" + ("" if report.proved else f" (fewer than {report.least} skills cannot)")
        sets = [
            (_several(u.skills, names), u.follows.skills, u.follows.texts, _several(u.follows.first, names, 3))
            for u in report.unlocking
        ]
        parts += [html.H3(title), _table(("teach", "skills that follow", "texts understood", "first of these"), sets)]
    if report.taught is not None:
        parts.append(
            html.P(
                f"Taught directly, it leads to {plural(report.taught.skills, 'further skill')} and makes "
                f"{plural(report.taught.texts, 'text')} understood."
            )
        )
    return card(report.name, parts)


def _pick(skill: str, names: Mapping[str, str]) -> html.Button:
    label = names.get(skill) or skill
    return html.Button(
        folded(label), id={"type": "w-pick", "skill": skill, "at": _number()}, className="link", title=skill
    )


_numbers = iter(range(10**15))


def _number() -> int:
    """Ids of buttons must differ; a skill may be named several times."""
    return next(_numbers)


def _several(skills: Sequence[str], names: Mapping[str, str], most: int = 5) -> list[Child]:
    found: list[Child] = []
    for skill in skills[:most]:
        found += [", " if found else "", _pick(skill, names)]
    if len(skills) > most:
        found.append(f", and {len(skills) - most:,} more")
    return found or ["none"]


def _table(columns: Sequence[str], rows: Sequence[Sequence[Content]]) -> Component:
    def cell(value: Content) -> html.Td:
        return html.Td(
            folded(value) if isinstance(value, str) else value, className="number" if isinstance(value, int) else ""
        )

    head = html.Tr([html.Th(name[:1].upper() + name[1:]) for name in columns])
    body = [html.Tr([cell(value) for value in row]) for row in rows]
    return wide_table(html.Table([html.Thead(head), html.Tbody(body)], className="table"))
