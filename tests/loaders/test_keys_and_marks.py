"""Keys that occur twice in JSON, typographic quotation marks, per cent among shares, merged cells in every file."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from loaders._marks import CURLY, is_marked, straightened, unmarked
from loaders._reading import AmbiguousError
from loaders.errors import DataError
from loaders.formats import LoadReport, load
from loaders.gate import RepeatedKeyError, parse_json

Write = Callable[[str, str | bytes], Path]
ROOT = Path(__file__).parents[2]
EDGES = "text,skill\nt1,loops\nt2,loops\nt2,sorting\n"


def _pairs(report: LoadReport) -> list[tuple[str, str]]:
    return sorted((row["text"], row["skill"]) for row in report.dataset.requirements.to_pylist())


def _scores(report: LoadReport) -> dict[tuple[str, str], float]:
    return {(row["model"], row["text"]): row["score"] for row in report.dataset.attempts.to_pylist()}


# Keys -------------------------------------------------------------------------------------------------------

_KEYS = st.text('ab\u00e9"\\ {}[]:,\n', max_size=3)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | _KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=12,
)


@given(value=_JSON, key=_KEYS, escaped=st.booleans(), indent=st.sampled_from([None, 2]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_key_twice_is_found_where_it_stands(value: object, key: str, escaped: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=escaped, indent=indent)
    assert parse_json(text) == value
    first, again = json.dumps(key), json.dumps(key, ensure_ascii=not escaped)
    twice = f"[{text},\n{{{first}: {text},\n  {again} : {text}}}]"
    for written in (twice, twice.encode(), twice.encode("utf-16")):
        with pytest.raises(RepeatedKeyError) as refused:
            parse_json(written)
        assert refused.value.key == key
        assert (refused.value.line, refused.value.column) == (
            twice.count("\n", 0, twice.rindex(f"\n  {again} :")) + 2,
            3,
        )


TWICE = {
    "rows.json": ('[{"id": "t1", "skills": ["a"]},\n {"id": "t2", "skills": ["a"],\n  "skills": ["b"]}]', 3),
    "wrapped.json": ('{"rows": [{"id": "t1", "skills": ["a"], "skills": ["b"]}]}', 1),
    "two-lists.json": ('{"rows": [{"id": "t1", "skills": ["a"]}],\n"rows": [{"id": "t2", "skills": ["b"]}]}', 2),
    "by-id.json": ('{"t1": {"skills": ["a"]},\n "t2": {"skills": ["b"]},\n "t1": {"skills": ["b"]}}', 3),
    "id-to-skills.json": ('{"t1": ["a"], "t2": ["b"],\n "t1": ["b"]}', 2),
    "weights.json": ('[{"id": "t1", "skills": {"a": 1, "b": 2, "a": 3}}]', 1),
    "rows.jsonl": ('{"id": "t1", "skills": ["a"]}\n{"id": "t2", "skills": ["a"], "skills": ["b"]}\n', 2),
    "first.jsonl": ('{"id": "t2", "skills": ["a"], "skills": ["b"]}\n{"id": "t1", "skills": ["a"]}\n', 1),
    "graph.json": (('{"nodes": [{"id": "t", "kind": "text"}, {"id": "s", "kind": "skill", "kind": "text"}],\n'
                   ' "links": [{"source": "t", "target": "s"}]}'), 1),
    "task.json": ('{"name": "t", "keywords": ["a"], "examples": [],\n "keywords": ["b"]}', 2),
    "per_instance_stats.json": (('[{"instance_id": "1", "train_trial_index": 0,\n'
                                '  "stats": [{"name": {"name": "a"}, "mean": 1, "mean": 0}]}]'), 2),
    "samples_arc_2024.jsonl": ('{"doc_id": 0, "doc": {}, "acc": 1.0, "acc": 0.0, "target": "", "arguments": []}\n', 1),
}  # fmt: skip


@pytest.mark.parametrize("name", TWICE)
def test_a_key_twice_is_refused_in_every_form_of_json(name: str, file: Write) -> None:
    content, line = TWICE[name]
    with pytest.raises(DataError, match=rf"line {line}: column [0-9]+: has the key '[a-z0-9]+' twice in one object"):
        load(file(name, content), name="d")


@pytest.mark.parametrize(("companion", "row"), [
    ("texts", '{"id": "t1", "title": "a"'), ("skills", '{"id": "loops", "name": "a"'),
    ("models", '{"id": "m", "role": "base"'), ("hierarchy", '{"parent": "loops", "child": "sorting"'),
    ("prerequisites", '{"prerequisite": "loops", "skill": "sorting"'),
    ("outcomes", '{"text": "t1", "model": "m", "score": 1'),
])  # fmt: skip
@pytest.mark.parametrize("lines", [False, True])
def test_in_files_beside_the_main_one_too(companion: str, row: str, lines: bool, file: Write) -> None:
    content = f'{row}, "x": 1, "x": 2}}\n' if lines else f'[\n{row}, "x": 1, "x": 2}}]'
    beside = file("b.jsonl" if lines else "b.json", content)
    with pytest.raises(DataError, match=rf"b\.jsonl?, line {1 if lines else 2}: column .* the key 'x' twice"):
        load(file("e.csv", EDGES), name="d", **{companion: str(beside)})  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", ['{""a"": 1, ""a"": 2}', "{'a': 1, 'a': 2}", '[{""id"": ""a"", ""id"": ""b""}]'])
def test_in_cells_too(cell: str, file: Write) -> None:
    with pytest.raises(DataError, match=r"line 2: .* has the key '(a|id)' twice"):
        load(file("r.csv", f'id,skills\nt1,"{cell}"\nt2,"{{""b"": 1}}"\n'), name="d", format="skill-rows")


def test_lines_with_a_key_twice_are_counted_where_rows_may_be_left_out(file: Write) -> None:
    content = '{"id": "t1", "skills": ["a"]}\n{"id": "t2", "skills": ["a"], "skills": ["b"]}\n'
    report = load(file("r.jsonl", content), name="d", lenient=True)
    assert _pairs(report) == [("t1", "a")]
    assert report.skipped == {"key twice": 1}


def test_loaders_parse_json_through_the_gate_alone() -> None:
    found = [
        f"{path.name}:{node.lineno}"
        for path in sorted((ROOT / "loaders").glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"json.load", "json.loads", "json.JSONDecoder"}
        and path.name != "gate.py"
    ]  # fmt: skip
    assert found == []


# Quotation marks ----------------------------------------------------------------------------------------------

PAIRS = ["“”", "„“", "„”", "”””"[:2], "«»", "»«", "‹›", "‘’", "‚‘", "「」"]


@pytest.mark.parametrize("pair", PAIRS)
def test_typographic_marks_around_all_values_quote_them(pair: str, file: Write) -> None:
    first, last = pair[0], pair[1]
    rows = [("t1", "loops, nested"), ("t2", 'a "b" c'), ("t2", "sorting")]
    for mark in ",;\t":
        content = f"text{mark}skill\n" + "".join(f"{text}{mark}{first}{skill}{last}\n" for text, skill in rows)
        report = load(file("e.csv", content), name="d")
        assert _pairs(report) == sorted(rows)
        assert "quotation marks" in {decision.what for decision in report.decisions}
    kept = load(
        file("e.csv", f"text,skill\nt1,{first}loops{last}\nt2,{first}sorting{last}\n"), name="d", quote="double"
    )
    assert _pairs(kept) == [("t1", f"{first}loops{last}"), ("t2", f"{first}sorting{last}")]
    assert any("quotation marks, kept" in str(decision) for decision in kept.decisions)


@given(values=st.lists(st.text("ab ,;\"'é’", min_size=1, max_size=5).map(lambda v: f"x{v}y"), min_size=1, max_size=4),
       pair=st.sampled_from(["“”", "„“", "«»"]), mark=st.sampled_from(",;\t|"))  # fmt: skip
@settings(max_examples=60, deadline=None, derandomize=True)
def test_straightened_lines_hold_the_same_values(values: list[str], pair: str, mark: str) -> None:
    import csv

    line = mark.join(f"{pair[0]}{value}{pair[1]}" for value in values)
    assert next(csv.reader(straightened([line], mark), delimiter=mark)) == values
    assert all(is_marked(f"{pair[0]}{value}{pair[1]}") and unmarked(f"{pair[0]}{value}{pair[1]}") == value
               for value in values)  # fmt: skip
    assert CURLY == "“"


def test_marks_that_only_stand_around_values_with_the_delimiter_quote(file: Write) -> None:
    report = load(file("e.csv", "text,skill\nt1,loops\nt2,“sorting, hard”\nt3,loops\n"), name="d")
    assert _pairs(report) == [("t1", "loops"), ("t2", "sorting, hard"), ("t3", "loops")]


def test_marks_around_some_skills_are_refused_and_the_option_decides(file: Write) -> None:
    path = file("e.csv", "text,skill\nt1,“loops”\nt2,loops\nt2,sorting\n")
    with pytest.raises(
        AmbiguousError, match=r"'skill': 1 value such as “loops” stands in .* -o quote=curly; .*=double"
    ):
        load(path, name="d")
    assert _pairs(load(path, name="d", quote="curly")) == [("t1", "loops"), ("t2", "loops"), ("t2", "sorting")]
    assert ("t1", "“loops”") in _pairs(load(path, name="d", quote="double"))
    with pytest.raises(DataError, match="quote 'ab' must be one character"):
        load(path, name="d", quote="ab")


def test_marks_in_titles_stay(file: Write) -> None:
    content = "id,title,skills\nt1,“Hamlet” by Shakespeare,loops\nt2,“Macbeth”,sorting\nt3,Lear,loops\n"
    report = load(file("r.csv", content), name="d")
    assert report.dataset.texts["title"].to_pylist() == ["“Hamlet” by Shakespeare", "“Macbeth”", "Lear"]


@pytest.mark.parametrize("cells", [
    ("“loops”; “sorting”", "“loops”"), ("'loops'; 'sorting'", "'loops'"), ('""loops""; ""sorting""', '""loops""'),
    ("«loops», «sorting»", "«loops»"),
])  # fmt: skip
def test_marks_around_each_skill_of_a_cell(cells: tuple[str, str], file: Write) -> None:
    report = load(file("r.csv", f'id,skills\nt1,"{cells[0]}"\nt2,"{cells[1]}"\n'), name="d")
    assert _pairs(report) == [("t1", "loops"), ("t1", "sorting"), ("t2", "loops")]


def test_marks_in_json_belong_to_the_name_and_are_told(file: Write) -> None:
    report = load(file("r.json", '[{"id": "t1", "skills": ["“loops”", "sorting"]}]'), name="d")
    assert _pairs(report) == [("t1", "sorting"), ("t1", "“loops”")]
    assert any("1 skill in quotation marks, kept" in str(decision) for decision in report.decisions)


# Per cent -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [
    "text,model,score\nt1,m,85%\nt2,m,0.7\n",
    "text,m,n\nt1,85 %,0.7\nt2,90 %,0\n",
    "text,model,score\nt1,m,85%\nt1,n,80\nt2,m,0.7\n",
])  # fmt: skip
def test_per_cent_among_shares_is_refused_and_the_option_decides(content: str, file: Write) -> None:
    edges, outcomes = file("e.csv", EDGES), file("o.csv", content)
    with pytest.raises(AmbiguousError, match=r"0\.7 has no per cent sign.*-o scale=share; .*-o scale=percent$"):
        load(edges, name="d", outcomes=str(outcomes))
    percent = sorted(_scores(load(edges, name="d", outcomes=str(outcomes), scale="percent")).values())
    assert percent[-1] >= 0.85
    assert 0.007 in [pytest.approx(value) for value in percent]
    if "80\n" not in content:
        share = _scores(load(edges, name="d", outcomes=str(outcomes), scale="share")).values()
        assert 0.85 in share
        assert 0.7 in share


@pytest.mark.parametrize(("first", "second", "right"), [
    ("85%", "0", (0.85, 0)), ("85%", "70", (0.85, 0.7)), ("85,5 %", "70,25%", (0.855, 0.7025)), ("85%", "NA", (0.85,)),
])  # fmt: skip
def test_per_cent_with_one_reading(first: str, second: str, right: tuple[float, ...], file: Write) -> None:
    outcomes = file("o.csv", f'text,model,score\nt1,m,"{first}"\nt2,m,"{second}"\n')
    found = _scores(load(file("e.csv", EDGES), name="d", outcomes=str(outcomes)))
    assert tuple(found.values()) == pytest.approx(right)


# Merged cells -------------------------------------------------------------------------------------------------

FILLED: dict[str, tuple[str, str, str]] = {
    "texts": ("texts", "id,class\nt1,easy\nt2,\n", "class"),
    "skills": ("skills", "id,class\nloops,control\nsorting,\n", "class"),
    "models": ("models", "id,role\nm,small\nn,\n", "role"),
    "hierarchy": ("hierarchy", "parent,child\nbasics,loops\n,sorting\n", "parent"),
    "prerequisites": ("prerequisites", "prerequisite,skill\nloops,sorting\n,searching\n", "prerequisite"),
    "outcomes": ("outcomes", "model,text,score\nm,t1,1\n,t2,0\n", "model"),
    "wide outcomes": ("outcomes", "text,m,n\nt1,1,0\nt2,,1\n", "m"),
}


@pytest.mark.parametrize("kind", FILLED)
def test_merged_cells_in_files_beside_the_main_one(kind: str, file: Write) -> None:
    companion, content, column = FILLED[kind]
    beside, edges = file("b.csv", content), file("e.csv", EDGES)
    given = {companion: str(beside), f"{companion}_fill": column}
    report = load(edges, name="d", **given)  # type: ignore[arg-type]
    dataset = report.dataset
    found = {
        "texts": lambda: dataset.texts["class"].to_pylist() == ["easy", "easy"],
        "skills": lambda: dataset.skills["class"].to_pylist() == ["control", "control"],
        "models": lambda: dataset.models["role"].to_pylist() == ["small", "small"],
        "hierarchy": lambda: (
            {(row["child"], row["parent"]) for row in dataset.part_of.to_pylist()}
            == {("loops", "basics"), ("sorting", "basics")}
        ),
        "prerequisites": lambda: (
            {(r["prerequisite"], r["skill"]) for r in dataset.prerequisites.to_pylist()}
            == {("loops", "sorting"), ("loops", "searching")}
        ),
        "outcomes": lambda: _scores(report) == {("m", "t1"): 1, ("m", "t2"): 0},
        "wide outcomes": lambda: _scores(report) == {("m", "t1"): 1, ("m", "t2"): 1, ("n", "t1"): 0, ("n", "t2"): 1},
    }
    assert found[kind](), dataset  # type: ignore[no-untyped-call]
    assert ("b.csv", "blank cells") in {(decision.file, decision.what) for decision in report.decisions}


@pytest.mark.parametrize(("companion", "content"), [
    ("outcomes", "model,text,score\nm,t1,1\n,t2,0\n"), ("outcomes", "text,model,score\nt1,m,1\n,n,0\n"),
    ("hierarchy", "parent,child\nbasics,loops\nmore,\n"),
    ("prerequisites", "prerequisite,skill\nloops,sorting\n,searching\n"),
])  # fmt: skip
def test_the_message_for_a_blank_cell_names_the_option_of_that_file(companion: str, content: str, file: Write) -> None:
    beside = file("b.csv", content)
    with pytest.raises(DataError, match=rf"b\.csv, line 3: .*{companion}_fill=[a-z]+") as refused:
        load(file("e.csv", EDGES), name="d", **{companion: str(beside)})  # type: ignore[arg-type]
    column = str(refused.value).rpartition("_fill=")[2].split(" ")[0].rstrip(").,;")
    assert column in content.splitlines()[0]


@pytest.mark.parametrize(("companion", "content", "option"), [
    ("outcomes", "text,model;score\nt1,m;1\nt2,m;0\n", "outcomes_delimiter=comma"),
    ("texts", "id,title\nNA,a\nt1,b\nt2,c\n", "texts_missing=NA"),
    ("skills", "skill,level\nNA,1\nloops,1\nsorting,1\n", "skills_missing=NA"),
    ("texts", "number,title\nt1,a\nt2,b\n", "texts_id_column"),
    ("models", "model,role\nnull,a\nm,b\n", "models_missing=null"),
    ("outcomes", "text,model,score\nt1,NA,1\nt2,m,0\n", "outcomes_missing=NA"),
    ("prerequisites", "prerequisite,skill\nloops,NA\nloops,sorting\n", "prerequisites_missing=NA"),
    ("prerequisites", "a,b\nloops,sorting\n", "prerequisites_prerequisite_column"),
    ("hierarchy", "parent,child\nloops,NA\nloops,sorting\n", "hierarchy_missing=NA"),
    ("skills", "skill,name\n“loops”,a\nsorting,b\n", "skills_quote=curly"),
])  # fmt: skip
def test_messages_of_files_beside_the_main_one_name_options_as_they_are_typed(
    companion: str, content: str, option: str, file: Write
) -> None:
    edges, beside = file("e.csv", EDGES), file("b.csv", content)
    with pytest.raises(DataError, match=rf"b\.csv.*[ :]({option})\b") as refused:
        load(edges, name="d", **{companion: str(beside)})  # type: ignore[arg-type]
    assert f"{companion}_{companion}" not in str(refused.value)
    name, _, value = option.partition("=")
    if name.endswith("missing"):
        load(edges, name="d", **{companion: str(beside), name: value})  # type: ignore[arg-type]


def test_requirements_beside_outcomes_take_the_options_of_tables(file: Write) -> None:
    outcomes = file("o.csv", "text,model,score\nt1,m,1\nt2,m,0\n")
    edges = file("e.txt", "# made by hand\nt1|loops|x\nt2|sorting|x\n")
    given = {"requirements": str(edges), "requirements_header": "no", "requirements_delimiter": "pipe",
             "requirements_text_column": "1", "requirements_skill_column": "2"}  # fmt: skip
    report = load(outcomes, name="d", **given)  # type: ignore[arg-type]
    assert _pairs(report) == [("t1", "loops"), ("t2", "sorting")]
    assert len(_scores(report)) == 2


def test_missing_numbers_of_properties_are_missing_and_told(file: Write) -> None:
    texts = file("t.csv", "id,size,word,flag\nt1,NA,x,true\nt2,2.5,NA,.\nt3,3,y,false\n")
    report = load(file("e.csv", EDGES), name="d", texts=str(texts))
    found = report.dataset.texts
    assert found["size"].to_pylist() == [None, 2.5, 3.0]
    assert found["flag"].to_pylist() == [True, None, False]
    assert found["word"].to_pylist() == ["x", "NA", "y"]
    told = [str(decision) for decision in report.decisions if decision.what == "missing values"]
    assert len(told) == 2
    assert "1 cell of 'size'" in told[0]
