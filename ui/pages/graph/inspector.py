"""The panel beside the graph: the layer, or the chosen skill and how the learner came to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import dash_mantine_components as dmc
import numpy as np
from dash import html

from explorer.wording import isolated, plural
from ui.attributes import attributes
from ui.content import Child
from ui.drawing.graphs import LayerGraph, shortest_path, skills_of, texts_of
from ui.drawing.learning_path import learning_path, needed_before, relatives
from ui.pages.graph.lacking import all_skills, is_lacking, lacking_options, links
from ui.pages.graph.state import GraphState
from ui.searching import searching
from ui.told import told

__all__ = [
    "every_option",
    "inspector",
    "path_box",
    "path_nodes",
    "path_steps",
    "skill_options",
    "summary",
    "whole_fields",
]

_TAP = (
    "Click a skill to see how it was learned",
    "Click a disc with a number to open it, and its ring to close it",
    "Scroll to zoom and drag to move: more names appear as you zoom in",
)
_LISTED = 10
_CHIPS = {
    "wave": "the round of peeling in which it was learned",
    "level": "its level in the dataset's hierarchy",
    "mastery": "probability that the model has it, from the outcomes",
    "giant": "the largest connected part of the association graph",
    "outside": "in a smaller component than the largest",
}
ALL_OPTIONS = 500
"""Most skills that are all sent to the browser as choices; of more, only those that match what is typed."""


def summary(graph: LayerGraph) -> list[Child]:
    """What the panel says while no skill is chosen."""
    info = graph.view.info
    most = graph.by_use[:8].tolist()
    source = (
        f"Stored with rule “{info.association_rule}”."
        if graph.stored
        else "Linked for this page by rule “any”: the layer has no stored associations yet (`skillgraph associate`)."
    )
    return [
        html.H2(info.name),
        html.P(
            told(f"{plural(graph.n, 'learned skill')}, {plural(graph.m, 'association')}. {source}"), className="quiet"
        ),
        html.Ul([html.Li(text) for text in _TAP], className="hint-list"),
        html.H3("Most used skills, by texts that require them"),
        _skill_list(graph, [(node, _texts(int(graph.uses[node]))) for node in most]),
    ]


def _texts(count: int) -> str:
    return plural(count, "text")


def _wave(wave: int) -> str:
    return "not learned" if wave < 0 else "known before" if wave == 0 else f"wave {wave}"


def _skill_list(graph: LayerGraph, items: Sequence[tuple[int, str]]) -> html.Div:
    rows = [_skill_button(graph.skill_id(node), graph.name[node], note) for node, note in items]
    return html.Div(rows, className="item-list")


def _skill_button(skill: str, name: str, note: str) -> html.Button:
    return html.Button(
        [html.Span(name), html.Span(note, className="count")],
        className="item",
        title=name,
        **attributes(data_skill=skill),
    )


def path_nodes(graph: LayerGraph, skill: str | None, goal: str | None) -> list[int]:
    """Nodes of the shortest path between two skills; empty without one."""
    if skill not in graph.node_of or goal not in graph.node_of or skill is None or goal is None:
        return []
    return shortest_path(graph, graph.node_of[skill], graph.node_of[goal])


def every_option(graph: LayerGraph, typed: str, chosen: str | None, limit: int = 40) -> list[dict[str, str]]:
    """Skills of the dataset to choose among, the learned ones first; of very many, those that match what was typed."""
    if all_skills(graph) <= ALL_OPTIONS:
        return skill_options(graph, "", chosen) + lacking_options(graph, "", None, None)
    lacking = lacking_options(graph, typed, chosen, limit // 2)
    first = lacking[:1] if is_lacking(graph, chosen) else []
    if first and typed == first[0]["label"]:  # nothing was typed: the field says what is chosen
        typed = ""
    learned = skill_options(graph, typed, chosen, limit - len(lacking), matching=True)
    return [*first, *learned, *lacking[len(first) :]]


def whole_fields(graph: LayerGraph) -> list[str]:
    """The fields for skills whose choices are all in the browser."""
    sizes = {"g-search": all_skills(graph), "g-to": graph.n}
    return [field for field, size in sizes.items() if size <= ALL_OPTIONS]


def skill_options(
    graph: LayerGraph, typed: str, chosen: str | None, limit: int = 40, *, matching: bool = False
) -> list[dict[str, str]]:
    """Learned skills to choose among: all, or of very many (and with `matching`) those that match what was typed."""
    order: Iterable[int] = map(int, graph.by_use)
    if matching or graph.n > ALL_OPTIONS:
        there = graph.node_of.get(chosen or "")
        if there is not None and typed == graph.name[there]:
            typed = ""
        words = typed.casefold()
        found = [] if there is None else [there]
        for node in order:
            if len(found) >= limit:
                break
            if node != there and words in graph.name[node].casefold():
                found.append(node)
        order = found
    return [{"value": graph.skill_id(node), "label": graph.name[node]} for node in order]


def inspector(graph: LayerGraph, skill: str) -> list[Child]:
    """All about one skill."""
    node = graph.node_of[skill]
    index = int(graph.skill[node])
    near = graph.neighbours(node)
    n_texts = int(graph.uses[node])
    chips = [graph.skill_class[node], _wave(int(graph.wave[node])), _texts(n_texts)]
    if graph.level[node] >= 0:
        chips.append(f"level {graph.level[node]}")
    if graph.component[node] >= 0:
        chips.append("giant component" if graph.component[node] == 0 else "outside the giant component")
    mastery = float(graph.view.mastery[index])
    if not np.isnan(mastery):
        chips.append(f"mastery {mastery:.2f}")
    return [
        html.H2(graph.name[node]),
        html.Div(
            [html.Span(text, className="chip", title=_CHIPS.get(text.split()[0])) for text in chips], className="chips"
        ),
        html.Div(
            [
                _act("near", "Its neighbours", "Show this skill and its associations only"),
                _act("texts", "Its texts", "Show the texts that require it and their skills"),
                _act("region", "Around it", "Show the 300 skills nearest to it on the map"),
            ],
            className="acts",
        ),
        links(graph.view.info.dataset, graph.view.info.name, skill, learned=True),
        *_taught(graph, node),
        *_came(graph, node),
        *_family(graph, skill),
        html.H3(f"Associations ({len(near):,}), by texts that require both"),
        _skill_list(graph, [(other, _texts(weight)) for other, weight in near[:_LISTED]]),
        *_required_by(graph, index),
    ]


def _act(act: str, label: str, title: str) -> html.Button:
    return html.Button(label, className="act", title=title, **attributes(data_act=act))


def path_box(graph: LayerGraph, state: GraphState) -> html.Div:
    """The other end of a path from the chosen skill, and the way there; it is hidden while none is chosen."""
    return html.Div(
        [
            html.H3("Path to another skill"),
            searching(
                dmc.Select(
                    id="g-to",
                    data=skill_options(graph, "", state.goal),
                    value=state.goal,
                    searchable=True,
                    clearable=True,
                    limit=30,
                    size="xs",
                    placeholder="Choose the other end",
                    comboboxProps={"shadow": "md"},
                    **attributes(aria_label="Path to"),
                )
            ),
            html.Div(id="g-path-steps"),
        ],
        id="g-path-box",
        hidden=state.skill is None,
    )


def path_steps(graph: LayerGraph, goal: str | None, path: Sequence[int]) -> list[Child]:
    """The way to the other end, or that there is none."""
    if goal is None:
        return []
    if not path:
        return [html.P("No path: the two are in different components.", className="quiet")]
    steps = len(path) - 1
    return [
        html.P(f"{plural(steps, 'association')} apart:", className="quiet"),
        _skill_list(graph, [(step, _wave(int(graph.wave[step]))) for step in path]),
    ]


def _taught(graph: LayerGraph, node: int) -> list[Child]:
    """The text that taught a skill: all its other skills were known by then."""
    view = graph.view
    index = int(graph.skill[node])
    text = int(view.by[index])
    if graph.wave[node] == 0:
        return [html.H3("Taught by"), html.P("Known before the first text was read.", className="quiet")]
    if text < 0:
        return []
    others = [s for s in skills_of(view, text) if s != index]
    ids, names = view.indexed.skills.ids, view.indexed.skill_column("name")
    others.sort(key=lambda s: -int(view.wave[s]))
    chips: list[Child] = []
    for other in others[:16]:
        wave = int(view.wave[other])
        label = f"{isolated(names[other].as_py())} · {_wave(wave)}"
        hollow = "" if wave >= 0 else " why-hollow"
        chips.append(html.Button(label, className=f"chip{hollow}", **attributes(data_skill=ids[other].as_py())))
    why = "It was the text's only skill." if not others else "The text's other skills were known by then:"
    if any(int(view.wave[s]) < 0 or int(view.wave[s]) >= graph.wave[node] for s in others):
        why = "The text taught several skills at once; its others:"
    return [
        html.H3("Taught by"),
        _text_button(graph, text),
        html.P(why, className="quiet"),
        html.Div(chips, className="chips"),
        html.P(f"and {len(others) - 16} more", className="quiet") if len(others) > 16 else None,
    ]


def _came(graph: LayerGraph, node: int) -> list[Child]:
    """The skills and texts that led to a skill, in order."""
    view = graph.view
    index = int(graph.skill[node])
    chain = learning_path(view, index)
    if len(chain) < 2:
        return []
    titles, names = view.indexed.text_column("title"), view.indexed.skill_column("name")
    steps = []
    for learned in chain:
        step: list[Child] = [
            _skill_button(
                view.indexed.skills.ids[learned.skill].as_py(), names[learned.skill].as_py(), _wave(learned.wave)
            )
        ]
        if learned.text >= 0:
            step.append(html.Div(f"by {isolated(titles[learned.text].as_py())}", className="text-line from"))
        steps.append(html.Li(step))
    before, texts = needed_before(view, index)
    return [
        html.H3("How it was learned"),
        html.P(
            "Each text waited for the skill above, the last of its other skills to be learned. In all "
            f"{plural(len(before), 'skill')} learned from {plural(len(texts) - 1, 'text')} came before it.",
            className="quiet",
        ),
        html.Ol(steps, className="chain"),
        html.Button("See these texts and their skills", className="act", **attributes(data_act="chain")),
    ]


def _family(graph: LayerGraph, skill: str) -> list[Child]:
    """What the dataset's hierarchies join it to."""
    found = relatives(graph.view, skill)
    kinds = (
        ("Prerequisites", "must be learned before it", found.before),
        ("Prerequisite of", "wait for it", found.after),
        ("Part of", "it belongs to", found.parents),
        ("Its parts", "belong to it", found.parts),
    )
    rows: list[Child] = []
    for title, meaning, members in kinds:
        if not members:
            continue
        rows.append(html.H3(f"{title} ({len(members):,}: {meaning})"))
        chips: list[Child] = []
        for member, name in members[:16]:
            node = graph.node_of.get(member)
            label = f"{isolated(name)} · {'not learned' if node is None else _wave(int(graph.wave[node]))}"
            hollow = " why-hollow" if node is None else ""
            chips.append(html.Button(label, className=f"chip{hollow}", **attributes(data_skill=member)))
        if len(members) > 16:
            chips.append(html.Span(f"and {len(members) - 16:,} more", className="quiet"))
        rows.append(html.Div(chips, className="chips"))
    return rows


def _required_by(graph: LayerGraph, index: int) -> list[Child]:
    texts, total = texts_of(graph.view, index, 8)
    return [
        html.H3(f"Texts that require it ({total:,})"),
        *[_text_button(graph, text) for text in texts],
        html.P(f"the {len(texts)} with the fewest skills", className="quiet") if total > len(texts) else None,
    ]


def _text_button(graph: LayerGraph, text: int) -> html.Button:
    title = graph.view.indexed.text_column("title")[text].as_py()
    return html.Button(
        title,
        className="text-line link-line",
        title="Show this text and its skills",
        **attributes(data_text=graph.view.indexed.text_ids[text].as_py()),
    )
