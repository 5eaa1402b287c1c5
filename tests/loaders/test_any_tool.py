"""Random data as other tools write them, read back equal: graphs of programs, results of harnesses, lists of tasks."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.sax.saxutils import escape

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from loaders.formats import load

Pairs = Sequence[tuple[str, str]]
Written = tuple[Path, dict[str, str]]
Outcomes = dict[tuple[str, int], bool]

_ODD = ["", " & Söhne", ' "x"', "<T>", ", b", "; c", "'s", " = 1", "–", "#"]
PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=9, unique=True).flatmap(
    lambda numbers: st.tuples(st.just(numbers), st.sampled_from(_ODD), st.sampled_from(_ODD))
)


def named(numbers: Sequence[tuple[int, int]], of_text: str, of_skill: str) -> list[tuple[str, str]]:
    return sorted((f"text {t}{of_text}", f"skill {s}{of_skill}") for t, s in numbers)


def nodes_of(pairs: Pairs) -> tuple[list[str], list[str]]:
    return sorted({text for text, _ in pairs}), sorted({skill for _, skill in pairs})


def table(rows: Sequence[Sequence[object]], delimiter: str = ",") -> str:
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def graphml(keys: str, nodes: list[str], edges: list[str], direction: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns" '
        f'xmlns:y="http://www.yworks.com/xml/graphml">{keys}<graph id="G" edgedefault="{direction}">'
        + "".join(nodes) + "".join(edges) + "</graph></graphml>"
    )  # fmt: skip


def numbered(pairs: Pairs) -> tuple[dict[str, str], list[str]]:
    """Ids of nodes by name, and edges between them."""
    texts, skills = nodes_of(pairs)
    place = {name: f"n{number}" for number, name in enumerate([*texts, *skills])}
    return place, [f'<edge id="e{i}" source="{place[t]}" target="{place[s]}"/>' for i, (t, s) in enumerate(pairs)]


def igraph(pairs: Pairs, folder: Path) -> Written:
    place, edges = numbered(pairs)
    texts = set(nodes_of(pairs)[0])
    keys = (
        '<key id="v_type" for="node" attr.name="type" attr.type="boolean"/>'
        '<key id="v_name" for="node" attr.name="name" attr.type="string"/>'
    )
    nodes = [
        f'<node id="{at}"><data key="v_type">{str(name not in texts).lower()}</data>'
        f'<data key="v_name">{escape(name)}</data></node>'
        for name, at in place.items()
    ]
    path = folder / "ig.graphml"
    path.write_text(graphml(keys, nodes, edges, "undirected"), encoding="utf-8")
    # without direction, nothing else in the file says which of the two groups are the texts
    return path, {"text_label": "false", "skill_label": "true"}


def yed(pairs: Pairs, folder: Path) -> Written:
    place, edges = numbered(pairs)
    nodes = [
        f'<node id="{at}"><data key="d6"><y:ShapeNode><y:NodeLabel>{escape(name)}</y:NodeLabel></y:ShapeNode></data>'
        "</node>"
        for name, at in place.items()
    ]
    path = folder / "y.graphml"
    keys = '<key for="node" id="d6" yfiles.type="nodegraphics"/>'
    path.write_text(graphml(keys, nodes, edges, "directed"), encoding="utf-8")
    return path, {}


def apoc(pairs: Pairs, folder: Path) -> Written:
    place, _ = numbered(pairs)
    texts = set(nodes_of(pairs)[0])
    nodes = []
    for name, at in place.items():
        label = ":Exercise" if name in texts else ":Skill"
        nodes.append(
            f'<node id="{at}" labels="{label}"><data key="labels">{label}</data>'
            f'<data key="name">{escape(name)}</data></node>'
        )
    edges = [
        f'<edge id="e{i}" source="{place[t]}" target="{place[s]}" label="NEEDS"><data key="label">NEEDS</data></edge>'
        for i, (t, s) in enumerate(pairs)
    ]
    path = folder / "apoc.graphml"
    path.write_text(graphml("", nodes, edges, "directed"), encoding="utf-8")
    return path, {"text_label": "Exercise"}


def cytoscape(pairs: Pairs, folder: Path) -> Written:
    texts, skills = nodes_of(pairs)
    number = {name: str(at) for at, name in enumerate([*texts, *skills], 62)}
    elements = {
        "nodes": [
            {"data": {"id": at, "SUID": int(at), "name": name, "kind": "text" if name in texts else "skill"}}
            for name, at in number.items()
        ],
        "edges": [{"data": {"source": number[text], "target": number[skill]}} for text, skill in pairs],
    }
    path = folder / "d.cyjs"
    path.write_text(json.dumps({"data": {"name": "d"}, "elements": elements}), encoding="utf-8")
    return path, {}


def node_link(pairs: Pairs, folder: Path) -> Written:
    """As networkx writes it: `links` until release 3.4, `edges` since."""
    texts, skills = nodes_of(pairs)
    key = "links" if len(pairs) % 2 else "edges"
    graph = {
        "directed": True,
        "multigraph": False,
        "graph": {},
        "nodes": [{"id": name, "bipartite": int(name in skills)} for name in [*texts, *skills]],
        key: [{"source": text, "target": skill} for text, skill in pairs],
    }
    path = folder / "g.json"
    path.write_text(json.dumps(graph), encoding="utf-8")
    return path, {}


def gephi(pairs: Pairs, folder: Path) -> Written:
    texts, skills = nodes_of(pairs)
    number = {name: f"n{at}" for at, name in enumerate([*texts, *skills])}
    target = folder / "gephi"
    target.mkdir()
    rows = [[number[name], name, "", "text" if name in texts else "skill"] for name in number]
    (target / "nodes.csv").write_text(table([["Id", "Label", "timeset", "kind"], *rows]), encoding="utf-8")
    links = [[number[t], number[s], "Directed", at, "", "", "1.0"] for at, (t, s) in enumerate(pairs)]
    heading = ["Source", "Target", "Type", "Id", "Label", "timeset", "Weight"]
    (target / "edges.csv").write_text(table([heading, *links]), encoding="utf-8")
    return target, {}


def gexf(version: str) -> Callable[[Pairs, Path], Written]:
    def write(pairs: Pairs, folder: Path) -> Written:
        texts, skills = nodes_of(pairs)
        number = {name: str(at) for at, name in enumerate([*texts, *skills])}
        space = "http://www.gexf.net/1.2draft" if version == "1.2" else f"http://gexf.net/{version}"
        quoted = {'"': "&quot;"}
        nodes = "".join(
            f'<node id="{at}" label="{escape(name, quoted)}"><attvalues><attvalue for="k" '
            f'value="{"text" if name in texts else "skill"}"/></attvalues></node>'
            for name, at in number.items()
        )
        edges = "".join(
            f'<edge id="{at}" source="{number[t]}" target="{number[s]}"/>' for at, (t, s) in enumerate(pairs)
        )
        path = folder / "g.gexf"
        path.write_text(
            f'<?xml version="1.0" encoding="UTF-8"?><gexf xmlns="{space}" version="{version}">'
            '<graph defaultedgetype="directed"><attributes class="node"><attribute id="k" title="kind" type="string"/>'
            f"</attributes><nodes>{nodes}</nodes><edges>{edges}</edges></graph></gexf>",
            encoding="utf-8",
        )
        return path, {}

    return write


def neo4j_headers(pairs: Pairs, folder: Path) -> Written:
    """Headers in files of their own, as Neo4j's manual has them."""
    texts, skills = nodes_of(pairs)
    target = folder / "import"
    target.mkdir()
    files = {
        "tasks-header.csv": [["taskId:ID(Task)", "title", ":LABEL"]],
        "tasks.csv": [[name, name, "Text"] for name in texts],
        "skills-header.csv": [["skillId:ID(Skill)", "name", ":LABEL"]],
        "skills.csv": [[name, name, "Skill"] for name in skills],
        "needs-header.csv": [[":START_ID(Task)", ":END_ID(Skill)", ":TYPE"]],
        "needs.csv": [[text, skill, "REQUIRES"] for text, skill in pairs],
    }
    for name, rows in files.items():
        (target / name).write_text(table(rows), encoding="utf-8")
    return target, {}


GRAPHS: dict[str, Callable[[Pairs, Path], Written]] = {
    "igraph": igraph,
    "yEd": yed,
    "APOC": apoc,
    "Cytoscape": cytoscape,
    "node-link": node_link,
    "Gephi's tables": gephi,
    "GEXF 1.2": gexf("1.2"),
    "GEXF 1.3": gexf("1.3"),
    "neo4j-admin": neo4j_headers,
}


@pytest.mark.parametrize("tool", GRAPHS)
@given(drawn=PAIRS)
@settings(max_examples=8, deadline=None, derandomize=True)
def test_graphs_of_other_tools(tool: str, drawn: tuple[list[tuple[int, int]], str, str]) -> None:
    pairs = named(*drawn)
    with TemporaryDirectory() as folder:
        path, options = GRAPHS[tool](pairs, Path(folder))
        dataset = load(path, name="d", **options).dataset
    # ids may be the nodes' own; names and titles are what was written
    titles = dict(zip(*(dataset.texts[column].to_pylist() for column in ("id", "title")), strict=True))
    names = dict(zip(*(dataset.skills[column].to_pylist() for column in ("id", "name")), strict=True))
    found = [(titles[row["text"]], names[row["skill"]]) for row in dataset.requirements.to_pylist()]
    assert sorted(found) == pairs


# results of models -----------------------------------------------------------------------------------------------

MODELS = ("org/small-1", "plain")
OUTCOMES = st.dictionaries(st.tuples(st.sampled_from(MODELS), st.integers(0, 5)), st.booleans(), min_size=1, max_size=9)
STAMP = "2024-05-01T10-20-30.123456"


def by_model(outcomes: Outcomes) -> dict[str, list[tuple[int, bool]]]:
    return {model: sorted((at, ok) for (who, at), ok in outcomes.items() if who == model) for model, _ in outcomes}


def lm_samples(outcomes: Outcomes, folder: Path) -> Path:
    for model, answers in by_model(outcomes).items():
        place = folder / "out" / model.replace("/", "__")
        place.mkdir(parents=True)
        rows = [
            {"doc_id": at, "doc": {"question": "?"}, "target": "A", "arguments": [["p"]], "resps": [["r"]],
             "filtered_resps": ["r"], "acc": float(ok)}
            for at, ok in answers
        ]  # fmt: skip
        (place / f"samples_arc_{STAMP}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "out"


def lm_write_out(outcomes: Outcomes, folder: Path) -> Path:
    """Version 0.3: an array, with scores as text."""
    for model, answers in by_model(outcomes).items():
        place = folder / "out" / model.replace("/", "__")
        place.mkdir(parents=True)
        rows = [{"doc_id": at, "prompt_0": "p", "truth": "0", "acc": str(float(ok))} for at, ok in answers]
        (place / "arc_write_out_info.json").write_text(json.dumps(rows))
    return folder / "out"


def inspect_logs(outcomes: Outcomes, folder: Path) -> Path:
    (folder / "logs").mkdir()
    for number, (model, answers) in enumerate(by_model(outcomes).items()):
        log = {
            "version": 2,
            "status": "success",
            "eval": {"task": "arc", "model": model, "created": "2026-01-01"},
            "samples": [
                {"id": at, "epoch": 1, "scores": {"match": {"value": "C" if ok else "I"}}, "metadata": {}}
                for at, ok in answers
            ],
        }
        (folder / "logs" / f"{number}.json").write_text(json.dumps(log))
    return folder / "logs"


def helm(outcomes: Outcomes, folder: Path) -> Path:
    for model, answers in by_model(outcomes).items():
        run = folder / "runs" / f"arc:model={model.replace('/', '_')}"
        run.mkdir(parents=True)
        rows = [
            {"instance_id": f"id{at}", "train_trial_index": 0,
             "stats": [{"name": {"name": "exact_match", "split": "test"}, "count": 1, "mean": float(ok)}]}
            for at, ok in answers
        ]  # fmt: skip
        (run / "per_instance_stats.json").write_text(json.dumps(rows))
    return folder / "runs"


HARNESSES: dict[str, Callable[[Outcomes, Path], Path]] = {
    "lm-evaluation 0.4": lm_samples,
    "lm-evaluation 0.3": lm_write_out,
    "Inspect": inspect_logs,
    "HELM": helm,
}


def told(model: str, text: str, score: float) -> tuple[str, int, bool]:
    """HELM writes no `/` in names of models."""
    return model.replace("/", "_"), int("".join(letter for letter in text if letter.isdigit())), score == 1.0


def right(outcomes: Outcomes) -> list[tuple[str, int, bool]]:
    return sorted((model.replace("/", "_"), at, ok) for (model, at), ok in outcomes.items())


@pytest.mark.parametrize("harness", HARNESSES)
@given(outcomes=OUTCOMES)
@settings(max_examples=8, deadline=None, derandomize=True)
def test_results_of_harnesses(harness: str, outcomes: Outcomes) -> None:
    with TemporaryDirectory() as folder:
        dataset = load(HARNESSES[harness](outcomes, Path(folder)), name="d").dataset
    rows = dataset.attempts.to_pylist()
    assert sorted(told(row["model"], row["text"], row["score"]) for row in rows) == right(outcomes)


def long_table(mark: str, yes: str, no: str) -> Callable[[Outcomes], tuple[str, str]]:
    def write(outcomes: Outcomes) -> tuple[str, str]:
        rows = [[model, f"t{at}", yes if ok else no] for (model, at), ok in outcomes.items()]
        return "answers.csv", table([["model", "text", "score"], *rows], mark)

    return write


def json_lines(outcomes: Outcomes) -> tuple[str, str]:
    rows = [{"task_id": f"t{at}", "model": model, "passed": ok} for (model, at), ok in outcomes.items()]
    return "results.jsonl", "".join(json.dumps(row) + "\n" for row in rows)


def wide(outcomes: Outcomes) -> tuple[str, str]:
    models = sorted({model for model, _ in outcomes})
    cells = [
        [f"t{at}", *("" if (who, at) not in outcomes else int(outcomes[who, at]) for who in models)] for at in range(6)
    ]
    return "wide.csv", table([["text", *models], *cells])


TABLES: dict[str, Callable[[Outcomes], tuple[str, str]]] = {
    "0 and 1": long_table(",", "1", "0"),
    "1.0 and 0.0": long_table(";", "1.0", "0.0"),
    "TRUE and FALSE": long_table("\t", "TRUE", "FALSE"),
    "JSON Lines": json_lines,
    "wide": wide,
}


@pytest.mark.parametrize("way", TABLES)
@given(outcomes=OUTCOMES)
@settings(max_examples=8, deadline=None, derandomize=True)
def test_tables_of_outcomes(way: str, outcomes: Outcomes) -> None:
    with TemporaryDirectory() as folder:
        links = Path(folder, "edges.csv")
        links.write_text(table([["text", "skill"], *([f"t{at}", "loops"] for at in range(6)), ["t0", "sorting"]]))
        name, content = TABLES[way](outcomes)
        Path(folder, name).write_text(content)
        dataset = load(links, name="d", outcomes=Path(folder, name)).dataset
    rows = dataset.attempts.to_pylist()
    assert sorted(told(row["model"], row["text"], row["score"]) for row in rows) == right(outcomes)


# Collections of tasks ------------------------------------------------------------------------------------------

# ` -> ` in a domain of Natural Instructions is a step down a tree, and a key says of which kind a skill is.
NAMES = st.sampled_from(["loops", "Größe, Maß", "数学", 'say "it"', "a; b", "C++", "x's", "<T>", "arithmetic/2"])
TASKS = st.dictionaries(
    st.integers(0, 99), st.tuples(*[st.lists(NAMES, min_size=1, max_size=4, unique=True)] * 2), min_size=1, max_size=5
)
Tasks = dict[int, tuple[list[str], list[str]]]


def in_big_bench(tasks: Tasks, folder: Path) -> tuple[Path, list[tuple[str, str]]]:
    for number, (keywords, _) in tasks.items():
        at = folder / "tasks" / f"task_{number}"
        at.mkdir(parents=True)
        task = {"name": f"n{number}", "description": "d", "keywords": keywords, "examples": [{"input": "?"}]}
        (at / "task.json").write_text(json.dumps(task, ensure_ascii=number % 2 == 0), encoding="utf-8")
    return folder / "tasks", [(f"task_{number}", word) for number, (words, _) in tasks.items() for word in words]


def in_natural_instructions(tasks: Tasks, folder: Path) -> tuple[Path, list[tuple[str, str]]]:
    (folder / "tasks").mkdir()
    for number, (categories, domains) in tasks.items():
        task = {"Categories": categories, "Reasoning": [], "Domains": domains, "Definition": ["d"], "Instances": []}
        path = folder / "tasks" / f"task{number:03}_x.json"
        path.write_text(json.dumps(task, ensure_ascii=number % 2 == 0, indent=number % 3), encoding="utf-8")
    return folder / "tasks", [
        (f"task{number:03}_x", f"{kind}:{name}")
        for number, lists in tasks.items()
        for kind, names in zip(("category", "domain"), lists, strict=True)
        for name in names
    ]


@pytest.mark.parametrize("written", [in_big_bench, in_natural_instructions])
@given(tasks=TASKS)
@settings(max_examples=12, deadline=None, derandomize=True)
def test_collections_of_tasks(
    written: Callable[[Tasks, Path], tuple[Path, list[tuple[str, str]]]], tasks: Tasks
) -> None:
    with TemporaryDirectory() as folder:
        path, expected = written(tasks, Path(folder))
        rows = load(path, name="d").dataset.requirements.to_pylist()
    assert sorted((row["text"], row["skill"]) for row in rows) == sorted(expected)
