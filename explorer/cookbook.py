"""Questions on learned associations, as Cypher that runs alike on both stores.

A recipe takes its values as parameters, so a query typed once serves every dataset, layer and skill.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["COOKBOOK", "PARAMETERS", "Recipe", "cookbook_page", "find_recipe"]

PARAMETERS: Mapping[str, str] = MappingProxyType(
    {
        "dataset": "name of the dataset",
        "layer": "name of the layer",
        "tuned": "name of a fine-tuned layer",
        "skill": "id of a skill",
        "other": "id of another skill",
        "limit": "most rows to return",
    }
)
"""Meaning of each parameter of a recipe, the same in all recipes."""


@dataclass(frozen=True)
class Recipe:
    """A question and the query that answers it.

    Attributes:
        name: Short name, unique; what a list shows.
        question: The question in one sentence; what its numbers mean.
        cypher: The query.
        parameters: Names of its parameters, in the order in which they appear; all are in `PARAMETERS`.
    """

    name: str
    question: str
    cypher: str
    parameters: tuple[str, ...]


# What a layer lacks is stored with it. Where that leaves out skills, as of an earlier version's layer or one whose
# dataset has got further skills since, each skill is looked at.
_LISTED = """  MATCH (d:Dataset {name: $dataset}), (l:Layer {dataset: $dataset, name: $layer})
  WHERE COUNT { (l)-[:LEARNED|LACKS]->() } = d.skills
  MATCH (l)-[:LACKS]->(s:Skill)
"""
_LOOKED_FOR = """  MATCH (d:Dataset {name: $dataset})
  OPTIONAL MATCH (l:Layer {dataset: $dataset, name: $layer})
  WITH d, l
  WHERE COUNT { (l)-[:LEARNED|LACKS]->() } <> d.skills
  MATCH (s:Skill {dataset: $dataset})
  WHERE NOT EXISTS { (l)-[:LEARNED]->(s) }
"""
_NOT_LEARNED = f"CALL {{\n{_LISTED}  RETURN s\n  UNION ALL\n{_LOOKED_FOR}  RETURN s\n}}\n"
_OF_THEIR_TEXTS = """  MATCH (t:Text)-[:REQUIRES]->(s)
  WITH DISTINCT t
  MATCH (m:Model {dataset: $dataset})-[a:ATTEMPTED]->(t)
  RETURN m, a, true AS lacks
"""


COOKBOOK: tuple[Recipe, ...] = (
    Recipe(
        "Neighbours of a skill",
        "Which learned skills occur in the same texts as this one, and in how many texts?",
        """MATCH (s:Skill {dataset: $dataset, id: $skill})-[a:ASSOCIATED_WITH {layer: $layer}]-(other:Skill)
RETURN other.name AS skill, other.class AS class, a.weight AS texts
ORDER BY texts DESC, skill
LIMIT $limit""",
        ("dataset", "skill", "layer", "limit"),
    ),
    Recipe(
        "Most connected skills",
        "Which skills hold a layer together? With how many others are they associated, and in how many texts?",
        """MATCH (:Layer {dataset: $dataset, name: $layer})-[learned:LEARNED]->(s:Skill)
WHERE learned.neighbours > 0
RETURN s.name AS skill, s.class AS class, learned.neighbours AS neighbours, learned.strength AS texts
ORDER BY neighbours DESC, texts DESC, skill
LIMIT $limit""",
        ("dataset", "layer", "limit"),
    ),
    Recipe(
        "Hubs of the first wave",
        "Of the skills that were learned in the first wave, from texts that required nothing else, which have the "
        "most associations?",
        """MATCH (:Layer {dataset: $dataset, name: $layer})-[learned:LEARNED]->(s:Skill)
WHERE learned.wave = 1 AND learned.neighbours > 0
RETURN s.name AS skill, learned.by AS taught_by, learned.neighbours AS neighbours
ORDER BY neighbours DESC, skill
LIMIT $limit""",
        ("dataset", "layer", "limit"),
    ),
    Recipe(
        "Shortest chain between two skills",
        "Which skills lie on a shortest chain from one skill to another, where each step is an association in any "
        "layer?",
        """MATCH (a:Skill {dataset: $dataset, id: $skill}), (b:Skill {dataset: $dataset, id: $other})
MATCH chain = shortestPath((a)-[:ASSOCIATED_WITH*..15]-(b))
RETURN [s IN nodes(chain) | s.name] AS skills, length(chain) AS steps""",
        ("dataset", "skill", "other"),
    ),
    Recipe(
        "Shortest chains within a layer",
        "Through which skills does one get from one skill to another when each step is an association of this layer, "
        "and how many texts make the weakest step?",
        """MATCH (a:Skill {dataset: $dataset, id: $skill}), (b:Skill {dataset: $dataset, id: $other})
MATCH chain = allShortestPaths((a)-[:ASSOCIATED_WITH*..15]-(b))
WHERE all(r IN relationships(chain) WHERE r.layer = $layer)
WITH [s IN nodes(chain) | s.name] AS skills, [r IN relationships(chain) | r.weight] AS weights
UNWIND weights AS weight
WITH skills, min(weight) AS texts
RETURN skills, size(skills) - 1 AS steps, texts
ORDER BY texts DESC, skills
LIMIT $limit""",
        ("dataset", "skill", "other", "layer", "limit"),
    ),
    Recipe(
        "Common neighbours of two skills",
        "Which skills are associated with both, and how many texts support the weaker of the two associations?",
        """MATCH (:Skill {dataset: $dataset, id: $skill})-[a:ASSOCIATED_WITH {layer: $layer}]-(s:Skill)
MATCH (s)-[b:ASSOCIATED_WITH {layer: $layer}]-(:Skill {dataset: $dataset, id: $other})
RETURN s.name AS skill, CASE WHEN a.weight < b.weight THEN a.weight ELSE b.weight END AS texts
ORDER BY texts DESC, skill
LIMIT $limit""",
        ("dataset", "skill", "layer", "other", "limit"),
    ),
    Recipe(
        "Texts that link two skills",
        "Which texts require both skills and so link them?",
        """MATCH (t:Text)-[:REQUIRES]->(:Skill {dataset: $dataset, id: $skill})
MATCH (t)-[:REQUIRES]->(:Skill {dataset: $dataset, id: $other})
RETURN t.title AS text, t.class AS class, t.part AS part
ORDER BY text
LIMIT $limit""",
        ("dataset", "skill", "other", "limit"),
    ),
    Recipe(
        "Triangles around a skill",
        "Which pairs of a skill's neighbours are themselves associated? Many such pairs mean that it belongs to one "
        "topic, none that it connects several.",
        """MATCH (s:Skill {dataset: $dataset, id: $skill})-[:ASSOCIATED_WITH {layer: $layer}]-(a:Skill)
MATCH (a)-[r:ASSOCIATED_WITH {layer: $layer}]->(b:Skill)-[:ASSOCIATED_WITH {layer: $layer}]-(s)
RETURN a.name AS one, b.name AS other, r.weight AS texts
ORDER BY texts DESC, one, other
LIMIT $limit""",
        ("dataset", "skill", "layer", "limit"),
    ),
    Recipe(
        "Bridges between classes",
        "Which associations link skills of different classes, the strongest first? Where enough skills have one, "
        "associations weaker than `least` cannot be among the rows returned, and are not looked at.",
        """MATCH (l:Layer {dataset: $dataset, name: $layer})-[learned:LEARNED]->(:Skill)
WHERE learned.bridge IS NOT NULL
WITH l, learned.bridge AS bridge
ORDER BY bridge DESC
LIMIT 2 * $limit
WITH l, count(bridge) AS skills, min(bridge) AS least
MATCH (l)-[learned:LEARNED]->(a:Skill)
WHERE learned.bridge >= least
MATCH (a)-[r:ASSOCIATED_WITH {layer: $layer}]->(b:Skill)
WHERE a.class <> b.class AND (r.weight >= least OR skills < 2 * $limit)
RETURN a.name AS one, a.class AS class, b.name AS other, b.class AS other_class, r.weight AS texts
ORDER BY texts DESC, one, other
LIMIT $limit""",
        ("dataset", "layer", "limit"),
    ),
    Recipe(
        "How classes mix",
        "How many associations are there within each class of skills and between each two classes? A last row without "
        "classes stands for the pairs of classes with the fewest, if there are more than 1,000 pairs.",
        """MATCH (:Layer {dataset: $dataset, name: $layer})-[mix:MIXES]->(:Layer)
RETURN mix.class AS class, mix.other_class AS other_class, mix.associations AS associations, mix.texts AS texts
ORDER BY mix.class IS NULL, associations DESC, class, other_class""",
        ("dataset", "layer"),
    ),
    Recipe(
        "Components of a layer",
        "How many skills are in each connected part of the association graph? Number 0 is the largest.",
        """MATCH (:Layer {dataset: $dataset, name: $layer})-[learned:LEARNED]->(s:Skill)
WHERE learned.component IS NOT NULL
RETURN learned.component AS component, count(s) AS skills
ORDER BY skills DESC, component
LIMIT $limit""",
        ("dataset", "layer", "limit"),
    ),
    Recipe(
        "Learned, but outside the giant component",
        "Which learned skills lie outside the giant component, and which text taught each?",
        """MATCH (:Layer {dataset: $dataset, name: $layer})-[learned:LEARNED]->(s:Skill)
WHERE learned.component > 0
RETURN s.name AS skill, learned.component AS component, learned.wave AS wave, learned.by AS taught_by
ORDER BY component, skill
LIMIT $limit""",
        ("dataset", "layer", "limit"),
    ),
    Recipe(
        "What fine-tuning adds",
        "Which skills has a fine-tuned layer learned that its base has not learned, and in which wave?",
        """MATCH (l:Layer {dataset: $dataset, name: $tuned})
OPTIONAL MATCH (l)-[:FINE_TUNED_FROM]->(base:Layer)
MATCH (l)-[learned:LEARNED]->(s:Skill)
WHERE NOT EXISTS { (base)-[:LEARNED]->(s) }
RETURN s.name AS skill, s.class AS class, learned.wave AS wave, learned.by AS taught_by
ORDER BY wave, skill
LIMIT $limit""",
        ("dataset", "tuned", "limit"),
    ),
    Recipe(
        "What fine-tuning adds around a skill",
        "Which neighbours does a skill have in a fine-tuned layer that the base of the layer has not learned?",
        """MATCH (l:Layer {dataset: $dataset, name: $tuned})-[:FINE_TUNED_FROM]->(base:Layer)
MATCH (s:Skill {dataset: $dataset, id: $skill})-[a:ASSOCIATED_WITH {layer: $tuned}]-(new:Skill)
WHERE NOT EXISTS { (base)-[:LEARNED]->(new) }
RETURN new.name AS skill, new.class AS class, a.weight AS texts
ORDER BY texts DESC, skill
LIMIT $limit""",
        ("dataset", "tuned", "skill", "limit"),
    ),
    Recipe(
        "New associations of a known skill",
        "With which skills is a skill associated only in the fine-tuned layer, where its base has learned both?",
        """MATCH (l:Layer {dataset: $dataset, name: $tuned})-[:FINE_TUNED_FROM]->(base:Layer)
MATCH (base)-[:LEARNED]->(s:Skill {dataset: $dataset, id: $skill})
MATCH (s)-[r:ASSOCIATED_WITH]-(other:Skill)
WHERE r.layer = $tuned OR r.layer = base.name
WITH base, other, collect(r.layer) AS layers, max(r.weight) AS texts
WHERE layers = [$tuned] AND EXISTS { (base)-[:LEARNED]->(other) }
RETURN other.name AS skill, other.class AS class, texts
ORDER BY texts DESC, skill
LIMIT $limit""",
        ("dataset", "tuned", "skill", "limit"),
    ),
    Recipe(
        "What fine-tuning loses",
        "Which skills of the base are not in the fine-tuned layer, and with how many others were they associated?",
        """MATCH (l:Layer {dataset: $dataset, name: $tuned})-[:FINE_TUNED_FROM]->(base:Layer)
MATCH (base)-[learned:LEARNED]->(s:Skill)
WHERE NOT EXISTS { (l)-[:LEARNED]->(s) }
RETURN s.name AS skill, s.class AS class, coalesce(learned.neighbours, 0) AS neighbours
ORDER BY neighbours DESC, skill
LIMIT $limit""",
        ("dataset", "tuned", "limit"),
    ),
    Recipe(
        "Texts that lack only one skill",
        "Which texts require one skill that the layer has not learned, and otherwise only learned ones?",
        _NOT_LEARNED
        + """MATCH (t:Text)-[:REQUIRES]->(s)
WITH t, collect(s.name) AS missing
WHERE size(missing) = 1
RETURN t.title AS text, t.class AS class, missing[0] AS skill
ORDER BY skill, text
LIMIT $limit""",
        ("dataset", "layer", "limit"),
    ),
    Recipe(
        "What to teach next",
        "Which single skill would make the most texts understood if it were learned?",
        _NOT_LEARNED
        + """MATCH (t:Text)-[:REQUIRES]->(s)
WITH t, collect(s.name) AS missing
WHERE size(missing) = 1
RETURN missing[0] AS skill, count(t) AS texts
ORDER BY texts DESC, skill
LIMIT $limit""",
        ("dataset", "layer", "limit"),
    ),
    Recipe(
        "Required, but not learned",
        "Which skills that the layer has not learned are required by the most texts? Where each skill is learned "
        "or in LACKS, the latter are those; otherwise all skills are looked at.",
        _NOT_LEARNED
        + """MATCH (t:Text)-[:REQUIRES]->(s)
RETURN s.name AS skill, s.class AS class, count(t) AS texts
ORDER BY texts DESC, skill
LIMIT $limit""",
        ("dataset", "layer", "limit"),
    ),
    Recipe(
        "Texts that taught the most",
        "Which texts taught the layer the most skills? Those that taught equally many are in order of id; one that no "
        "longer exists is named by its id.",
        """MATCH (:Layer {dataset: $dataset, name: $layer})-[learned:LEARNED]->(s:Skill)
WHERE learned.by IS NOT NULL
WITH learned.by AS teacher, count(s) AS skills
ORDER BY skills DESC, teacher
LIMIT $limit
OPTIONAL MATCH (t:Text {key: $dataset + '/' + teacher})
RETURN coalesce(t.title, teacher) AS text, t.class AS class, skills
ORDER BY skills DESC, teacher""",
        ("dataset", "layer", "limit"),
    ),
    Recipe(
        "Waves of learning",
        "How many skills of each class were learned in each wave? Wave 0 is what was known before the first text.",
        """MATCH (:Layer {dataset: $dataset, name: $layer})-[learned:LEARNED]->(s:Skill)
RETURN learned.wave AS wave, s.class AS class, count(s) AS skills
ORDER BY wave, class""",
        ("dataset", "layer"),
    ),
    Recipe(
        "Skills blocked by a prerequisite",
        "Which required skills wait for a prerequisite that the layer has not learned?",
        """MATCH (before:Skill {dataset: $dataset})-[:PREREQUISITE_OF]->(s:Skill)
WHERE NOT EXISTS { (:Layer {dataset: $dataset, name: $layer})-[:LEARNED]->(before) }
  AND EXISTS { (:Text)-[:REQUIRES]->(s) }
RETURN s.name AS skill, collect(before.name) AS waits_for
ORDER BY skill
LIMIT $limit""",
        ("dataset", "layer", "limit"),
    ),
    Recipe(
        "Outcomes of understood texts",
        "How do the models score on texts that the layer understands, and on the others?",
        """CALL {
  MATCH (m:Model {dataset: $dataset})-[a:ATTEMPTED]->(:Text)
  RETURN m, a, false AS lacks
  UNION ALL
"""
        f"{_LISTED}{_OF_THEIR_TEXTS}  UNION ALL\n{_LOOKED_FOR}{_OF_THEIR_TEXTS}"
        """}
WITH m, a, max(lacks) AS lacks
RETURN m.id AS model, NOT lacks AS understood, count(a.score) AS texts, avg(a.score) AS mean_score
ORDER BY model, understood""",
        ("dataset", "layer"),
    ),
    Recipe(
        "Solve rates of a model",
        "What share of each skill's texts does the model of an evidence layer solve, with its 95 % interval, "
        "and does the skill count as mastered?",
        """MATCH (:Layer {dataset: $dataset, name: $layer})-[r:LEARNED|LACKS]->(s:Skill)
WHERE r.solve_rate IS NOT NULL
RETURN s.name AS skill, r.solve_rate AS solve_rate, r.solve_rate_low AS low, r.solve_rate_high AS high,
       type(r) = 'LEARNED' AS mastered
ORDER BY solve_rate DESC, skill
LIMIT $limit""",
        ("dataset", "layer", "limit"),
    ),
    Recipe(
        "Why skills are lacking",
        "Of the skills that a layer has not learned, how many are lacking for each reason, and how few lacking skills "
        "has the nearest text of any of them?",
        """MATCH (:Layer {dataset: $dataset, name: $layer})-[lack:LACKS]->(:Skill)
RETURN lack.reason AS reason, count(*) AS skills, min(lack.novel) AS lacking_in_nearest_text
ORDER BY skills DESC, reason""",
        ("dataset", "layer"),
    ),
    Recipe(
        "Texts by their number of lacking skills",
        "How many texts require 1, 2, 3, … skills that a layer lacks?",
        """MATCH (:Layer {dataset: $dataset, name: $layer})-[:LACKS]->(s:Skill)
MATCH (t:Text)-[:REQUIRES]->(s)
WITH t, count(s) AS lacking
RETURN lacking, count(t) AS texts
ORDER BY lacking
LIMIT $limit""",
        ("dataset", "layer", "limit"),
    ),
    Recipe(
        "Lacking skills of a text",
        "Which texts require the fewest skills that a layer lacks, and which skills are these?",
        """MATCH (:Layer {dataset: $dataset, name: $layer})-[:LACKS]->(s:Skill)
MATCH (t:Text)-[:REQUIRES]->(s)
WITH t, s ORDER BY s.id
WITH t, collect(s.name) AS lacks
RETURN t.id AS text, size(lacks) AS lacking, lacks
ORDER BY lacking, text
LIMIT $limit""",
        ("dataset", "layer", "limit"),
    ),
    Recipe(
        "Groups of skills that wait for each other",
        "Which lacking skills bring each other, so that teaching any one of a group brings the others, and in how many "
        "texts is the most used of them?",
        """MATCH (:Layer {dataset: $dataset, name: $layer})-[lack:LACKS]->(s:Skill)
WHERE lack.group IS NOT NULL
WITH lack.group AS waiting, s ORDER BY s.id
WITH waiting, collect(s.name) AS skills, max(COUNT { (:Text)-[:REQUIRES]->(s) }) AS texts
RETURN waiting, size(skills) AS size, texts, skills
ORDER BY waiting
LIMIT $limit""",
        ("dataset", "layer", "limit"),
    ),
)
"""The recipes, in the order in which they are shown."""


def find_recipe(name: str) -> Recipe:
    """The recipe of a name.

    >>> find_recipe("Neighbours of a skill").parameters
    ('dataset', 'skill', 'layer', 'limit')

    Raises:
        KeyError: There is none.
    """
    return {recipe.name: recipe for recipe in COOKBOOK}[name]


def cookbook_page() -> str:
    """The recipes as the Markdown page docs/cookbook.md."""
    lines = [
        "# Cookbook",
        "",
        "Questions about learned associations, written in Cypher that gives the same result on the embedded store and",
        "on Neo4j. The query page of the explorer offers all of them. On the command line:",
        "",
        '    skillgraph query --param layer=foundation --param limit=10 "MATCH …"',
        "",
        "A parameter of the table below that is not given is chosen from the store's content, and the command says",
        "which value it chose; a parameter that matches nothing there is reported. Ids of skills are those of the",
        "data, such as `builtin:sorted`.",
        "",
        "Rows are printed as a table, as CSV with `--format csv`, or as JSON with `--json`. `--format graph` returns",
        "the subgraph that they contain as one JSON object with each node and relationship once: `nodes` (`id`,",
        "`labels`, `properties`) and `relationships` (`id`, `type`, `start`, `end`, `properties`). For this, return",
        "nodes and relationships, or paths, as in",
        "`MATCH (a)-[r:ASSOCIATED_WITH]->(b) RETURN a, r, b`.",
        "",
        "`--timeout`, `--limit` and `--memory` bound the time, the rows and, on the embedded store, the memory of a",
        "query: it runs in a separate process, which by default may use 1 GiB more than the open store.",
        "A Neo4j server has its own limits (`dbms.memory.transaction.total.max`).",
        "",
        "| parameter | meaning |",
        "| --- | --- |",
        *(f"| `${name}` | {meaning} |" for name, meaning in PARAMETERS.items()),
        "",
    ]
    for recipe in COOKBOOK:
        lines += [f"## {recipe.name}", "", recipe.question, "", "```cypher", recipe.cypher, "```", ""]
    return "\n".join(lines).rstrip() + "\n"
