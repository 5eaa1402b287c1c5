"""Cypher on the store, read-only: an editor, the schema, recipes, and the result as a table or a graph."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from explorer.cookbook import COOKBOOK as RECIPES
from explorer.service.recipes import ROWS, main_skills
from ui.attributes import attributes
from ui.choice import Choice, Query, choose
from ui.components import grid, page_header
from ui.content import Child
from ui.drawing.canvas import canvas
from ui.source import Snapshot

__all__ = ["COOKBOOK", "SCHEMA", "default_parameters", "layout", "recipes"]

_TITLE = "Query"


_MEANING = (
    "Query the graph in Cypher. Queries only read: a query that would write is refused. A query can be cancelled, "
    "and is stopped at the time limit; the time shown is the store's."
)


COOKBOOK: tuple[tuple[str, str], ...] = (
    ("Datasets", "MATCH (d:Dataset)\nRETURN d.name AS dataset, d.loaded_at AS loaded"),
    (
        "Most required skills",
        (
            "MATCH (t:Text)-[:REQUIRES]->(s:Skill {dataset: $dataset})\n"
            "RETURN s.name AS skill, s.class AS class, count(t) AS texts\nORDER BY texts DESC\nLIMIT 25"
        ),
    ),
    (
        "Skills by class",
        "MATCH (s:Skill {dataset: $dataset})\nRETURN s.class AS class, count(s) AS skills\nORDER BY skills DESC",
    ),
    (
        "Skills learned first",
        (
            "MATCH (l:Layer {dataset: $dataset})-[learned:LEARNED]->(s:Skill)\nWHERE learned.wave = 1\n"
            "RETURN l.name AS layer, s.name AS skill, learned.by AS text\nLIMIT 50"
        ),
    ),
    (
        "Learned by layer and wave",
        (
            "MATCH (l:Layer {dataset: $dataset})-[learned:LEARNED]->(s:Skill)\n"
            "RETURN l.name AS layer, learned.wave AS wave, count(s) AS skills\nORDER BY layer, wave"
        ),
    ),
    (
        "Strongest associations",
        (
            "MATCH (a:Skill {dataset: $dataset})-[r:ASSOCIATED_WITH]->(b:Skill)\nRETURN a, r, b\n"
            "ORDER BY r.weight DESC\nLIMIT 40"
        ),
    ),
    (
        "Texts around a skill, as a graph",
        (
            "MATCH (s:Skill {dataset: $dataset, id: $skill})<-[r:REQUIRES]-(t:Text)-[q:REQUIRES]->(o:Skill)\n"
            "RETURN s, r, t, q, o\nLIMIT 40"
        ),
    ),
)


SCHEMA: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "Nodes": (
        (
            "(:Dataset",
            (
                "name, source, loaded_at, texts, skills, requirements, prerequisites, part_of, models, attempts, "
                "parts, provenance, fingerprint, part_fingerprints, columns, schema_version"
            ),
            ")",
        ),
        ("(:Text", "key, dataset, id, title, class, part", ")"),
        ("(:Skill", "key, dataset, id, name, class, level", ")"),
        ("(:Model", "key, dataset, id, name, role, base", ")"),
        (
            "(:Layer",
            (
                "key, dataset, name, kind, learner, base, mode, parts, texts, skills, learned, waves, lacks, "
                "associations, class_pairs, association_rule, seed, association_options, parameters, graph_parts, "
                "made_from, vanished, fingerprint, stale, stale_because, versions, created_at, skills_add"
            ),
            ")",
        ),
    ),
    "Relationships": (
        ("(:Text)-[:REQUIRES", "weight, annotator, method, score, evidence", "]->(:Skill)"),
        ("(:Skill)-[:PREREQUISITE_OF", "", "]->(:Skill)"),
        ("(:Skill)-[:PART_OF", "", "]->(:Skill)"),
        ("(:Model)-[:ATTEMPTED", "score", "]->(:Text)"),
        ("(:Model)-[:FINE_TUNED_FROM", "", "]->(:Model)"),
        ("(:Layer)-[:FINE_TUNED_FROM", "", "]->(:Layer)"),
        (
            "(:Layer)-[:LEARNED",
            "wave, by, component, neighbours, strength, bridge, mastery, solve_rate, solve_rate_low, solve_rate_high",
            "]->(:Skill)",
        ),
        (
            "(:Layer)-[:LACKS",
            "reason, text, novel, component, group, mastery, solve_rate, solve_rate_low, solve_rate_high",
            "]->(:Skill)",
        ),
        ("(:Layer)-[:MIXES", "class, other_class, associations, texts", "]->(:Layer)"),
        ("(:Skill)-[:ASSOCIATED_WITH", "layer, weight", "]-(:Skill)"),
    ),
}
"""Labels and types as written in a query, with their properties between the two halves; see docs/schema.md."""


_WORDS = (
    "MATCH", "OPTIONAL", "WHERE", "RETURN", "ORDER", "BY", "LIMIT", "SKIP", "WITH", "UNWIND", "AS", "DISTINCT",
    "count", "collect", "sum", "avg", "min", "max", "CONTAINS", "STARTS", "DESC", "AND", "OR", "NOT", "NULL",
    ":Dataset", ":Text", ":Skill", ":Model", ":Layer", ":REQUIRES", ":PREREQUISITE_OF", ":PART_OF", ":ATTEMPTED",
    ":FINE_TUNED_FROM", ":LEARNED", ":LACKS", ":MIXES", ":ASSOCIATED_WITH",
    "name", "class", "title", "weight", "wave", "dataset", "layer",
)  # fmt: skip


def layout(snapshot: Snapshot, query: Query) -> Component:
    """The page for what the URL says."""
    choice = choose(snapshot, query)
    text = query.get("q") or COOKBOOK[1][1]
    defaults = default_parameters(snapshot, choice)
    parameters = query.get("parameters", "" if "q" in query else _given(text, defaults) or "")
    return html.Div(
        [
            page_header(_TITLE, _MEANING, choice, layer=False),
            dcc.Store(id="q-text", data=text),
            dcc.Store(id="q-subject", data={"dataset": choice.dataset, "layer": choice.layer}),
            dcc.Store(id="q-words", data=list(_WORDS)),
            dcc.Store(id="q-recipes", data=recipes(defaults)),
            dcc.Store(id="q-ask"),
            dcc.Store(id="q-pulse"),
            dcc.Store(id="q-state"),
            dcc.Store(id="q-result"),
            dcc.Store(id="q-history", storage_type="local"),
            dcc.Store(id="q-autorun", data="draft" not in query),
            dcc.Download(id="q-download"),
            html.Div(
                [
                    html.Div(
                        [
                            html.Section(
                                [
                                    html.Div(id="q-editor", className="editor", **attributes(data_text=text)),
                                    html.Div(
                                        [
                                            dmc.Button(
                                                "Run",
                                                id="q-run",
                                                size="xs",
                                                leftSection=html.Span(className="icon icon-play"),
                                            ),
                                            dmc.Button(
                                                "Cancel",
                                                id="q-cancel",
                                                size="xs",
                                                variant="default",
                                                style={"display": "none"},
                                            ),
                                            html.Span("Ctrl + Enter", className="quiet"),
                                            dmc.TextInput(
                                                id="q-parameters",
                                                value=parameters,
                                                placeholder='Parameters, as JSON: {"name": "sorted"}',
                                                size="xs",
                                                className="grow-x",
                                                **attributes(aria_label="Parameters as JSON"),
                                            ),
                                            dmc.Select(
                                                id="q-timeout",
                                                data=[
                                                    {"value": v, "label": f"stop after {v} s"}
                                                    for v in ("5", "30", "120")
                                                ],
                                                value="30",
                                                allowDeselect=False,
                                                size="xs",
                                                w=130,
                                                **attributes(aria_label="Time limit"),
                                            ),
                                        ],
                                        className="query-bar",
                                    ),
                                ],
                                className="card editor-card",
                            ),
                            html.Section(
                                [
                                    html.Div(
                                        [
                                            html.Div(
                                                "Changed since it was last run." if "draft" in query else "",
                                                id="q-summary",
                                                className="query-summary",
                                                **attributes(aria_live="polite"),
                                            ),
                                            dmc.SegmentedControl(
                                                id="q-view",
                                                data=[
                                                    {"value": "table", "label": "Table"},
                                                    {"value": "graph", "label": "Graph"},
                                                ],
                                                value="table",
                                                size="xs",
                                                **attributes(aria_label="Result as"),
                                            ),
                                            html.Span(
                                                dcc.Link("", href="", id="q-add", className="act"),
                                                id="q-add-box",
                                                hidden=True,
                                            ),
                                            dmc.Button("CSV", id="q-csv", size="xs", variant="default", disabled=True),
                                            dmc.Button(
                                                "JSON", id="q-json", size="xs", variant="default", disabled=True
                                            ),
                                        ],
                                        className="query-bar",
                                    ),
                                    html.Div(
                                        [
                                            html.Div(grid("q-table", (), (), height="100%"), id="q-table-box"),
                                            html.Div(
                                                canvas("q-cy", "Nodes and relationships of the result"),
                                                id="q-graph-box",
                                                className="graph-stage",
                                                hidden=True,
                                            ),
                                            html.P(id="q-nothing", className="sentence pad", hidden=True),
                                        ],
                                        id="q-body",
                                        className="query-body",
                                    ),
                                ],
                                className="card result-card",
                            ),
                        ],
                        className="side",
                    ),
                    html.Aside(
                        dmc.Tabs(
                            [
                                dmc.TabsList(
                                    [
                                        dmc.TabsTab("Recipes", value="recipes", id="q-tab-recipes"),
                                        dmc.TabsTab("Schema", value="schema", id="q-tab-schema"),
                                    ]
                                ),
                                dmc.TabsPanel(_recipe_buttons(), value="recipes", pt=10),
                                dmc.TabsPanel(_schema(), value="schema", pt=10),
                            ],
                            value="recipes",
                        ),
                        className="card inspector",
                        tabIndex=0,
                        **attributes(aria_label="Recipes and schema"),
                    ),
                ],
                className="graph-body",
            ),
        ],
        className="page fill",
    )


def default_parameters(snapshot: Snapshot, choice: Choice) -> dict[str, str | int | None]:
    """Values for the parameters of the cookbook's recipes: the chosen layer, one tuned from it, its main skills."""
    found: dict[str, str | int | None] = {
        "dataset": choice.dataset,
        "layer": choice.layer,
        "tuned": choice.layer,
        "limit": ROWS,
    }
    tuned = [info.name for info in choice.layers if info.base == choice.layer]
    if tuned:
        found["tuned"] = tuned[0]
    if choice.dataset is not None and choice.layer is not None:
        found |= main_skills(snapshot.view(choice.dataset, choice.layer))
    return found


def _recipe_buttons() -> list[Child]:
    return [
        html.H3("Recipes", className="first"),
        html.Div(
            [
                html.Button(html.Span(title), id={"type": "q-recipe", "at": at}, className="item")
                for at, (title, _) in enumerate(COOKBOOK)
            ],
            className="item-list",
        ),
        html.H3("Cookbook: learned associations"),
        html.Div(
            [
                html.Button(
                    html.Span(recipe.name),
                    id={"type": "q-recipe", "at": len(COOKBOOK) + at},
                    className="item",
                    title=recipe.question,
                )
                for at, recipe in enumerate(RECIPES)
            ],
            className="item-list",
        ),
        html.H3("Your last queries"),
        html.Div(id="q-past", className="item-list"),
    ]


def _schema() -> list[Child]:
    found: list[Child] = []
    for title, lines in SCHEMA.items():
        found.append(html.H3(title, className="" if found else "first"))
        for before, properties, after in lines:
            text = f"{before} {{{properties}}}{after}" if properties else before + after
            found.append(html.Div(html.Code(text), className="schema-line"))
    note = "Further columns of a source become further properties of its texts, skills and models."
    return [*found, html.P(note, className="quiet")]


def _given(text: str, defaults: Mapping[str, str | int | None]) -> str | None:
    """The parameters that a query names, as JSON: the chosen dataset, and a skill of it; None if it names none."""
    names = dict.fromkeys(re.findall(r"\$(\w+)", text))
    return json.dumps({name: defaults.get(name) for name in names}, ensure_ascii=False) if names else None


def recipes(defaults: Mapping[str, str | int | None]) -> list[dict[str, str | None]]:
    """Text and parameters of each recipe, in the order of the buttons; None leaves the parameters as they are."""
    own = [{"text": text, "parameters": _given(text, defaults)} for _, text in COOKBOOK]
    return own + [
        {
            "text": recipe.cypher,
            "parameters": json.dumps({name: defaults.get(name) for name in recipe.parameters}, ensure_ascii=False),
        }
        for recipe in RECIPES
    ]
