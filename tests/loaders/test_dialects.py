"""The same table written in many ways is read as the same dataset, or refused with the option that decides."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from loaders._reading import AmbiguousError
from loaders.errors import DataError
from loaders.formats import inspect, load

Write = Callable[[str, str | bytes], Path]

EDGES = [("t1", "loops"), ("t2", "loops"), ("t2", "sorting"), ("t3", "loops"), ("t3", "recursion")]
LISTS = {"t1": ["loops"], "t2": ["loops", "sorting"], "t3": ["recursion", "loops"]}
ROWS = [{"id": text, "skills": skills} for text, skills in LISTS.items()]
FLAGS = "t1,1,0,0\nt2,1,0,1\nt3,1,1,0\n"
Q_MATRIX = "item,loops,recursion,sorting\n" + FLAGS


def edges(mark: str, heading: tuple[str, ...] = ("text", "skill")) -> str:
    return "".join(mark.join(row) + "\n" for row in (heading, *EDGES))


def numbered(mark: str, heading: str, quote: str = "") -> str:
    rows = [[str(number), *row] for number, row in enumerate(EDGES, 1)]
    return heading + "".join(mark.join(f"{quote}{value}{quote}" for value in row) + "\n" for row in rows)


def listed(write: Callable[[list[str]], str]) -> str:
    stream = io.StringIO()
    rows = csv.writer(stream)
    rows.writerow(["id", "skills"])
    rows.writerows([text, write(skills)] for text, skills in LISTS.items())
    return stream.getvalue()


WAYS: dict[str, tuple[str, str | bytes, dict[str, str]]] = {
    "UTF-16": ("a.csv", edges(",").encode("utf-16"), {}),
    "packed tabs": ("a.tsv.gz", gzip.compress(edges("\t").encode()), {}),
    "old Macintosh": ("a.csv", edges(",").replace("\n", "\r"), {}),
    "pipes in .txt": ("a.txt", edges("|"), {}),
    "tabs in .txt": ("a.txt", edges("\t"), {}),
    "spaces": ("a.txt", edges(" "), {}),
    "no header": ("a.csv", edges(",").partition("\n")[2], {}),
    "comments": ("a.csv", "# made by hand\n# in spring\n" + edges(","), {}),
    "title above": ("a.csv", "Export of 2024,\n\n" + edges(","), {}),
    "blank lines above": ("a.csv", "\n\n" + edges(","), {}),
    "pandas index": ("a.csv", numbered(",", "Unnamed: 0,text,skill\n"), {}),
    "write.csv": ("a.csv", numbered(",", '"","text","skill"\n', '"'), {}),
    "write.table": ("a.txt", numbered(" ", '"text" "skill"\n', '"'), {}),
    "missing": ("a.csv", edges(",") + ",NULL\n".replace(",", "NULL,"), {"missing": "NULL"}),
    "trailing delimiters": ("a.csv", edges(";").replace("\n", ";\n"), {}),
    "single quotes": ("a.csv", "'text','skill'\n" + "".join(f"'{text}','{skill}'\n" for text, skill in EDGES), {}),
    "semicolons": ("r.csv", listed(";".join), {}),
    "pipes": ("r.csv", listed(" | ".join), {}),
    "tildes": ("r.csv", listed("~~".join), {}),
    "commas": ("r.csv", listed(", ".join), {}),
    "line breaks": ("r.csv", listed("\n".join), {}),
    "JSON": ("r.csv", listed(json.dumps), {}),
    "Python list": ("r.csv", listed(repr), {}),
    "Python tuple": ("r.csv", listed(lambda skills: repr(tuple(skills))), {}),
    "numpy": ("r.csv", listed(lambda skills: "[" + " ".join(map(repr, skills)) + "]"), {}),
    "PostgreSQL": ("r.csv", listed(lambda skills: "{" + ",".join(skills) + "}"), {}),
    "array in .jsonl": ("r.jsonl", json.dumps(ROWS), {}),
    "lines in .json": ("r.json", "\n".join(map(json.dumps, ROWS)), {}),
    "by column": ("r.json", json.dumps({"id": list(LISTS), "skills": list(LISTS.values())}), {}),
    "split": ("r.json", json.dumps({"columns": ["id", "skills"], "data": [list(row) for row in LISTS.items()]}), {}),
    "id to skills": ("r.json", json.dumps(LISTS), {}),
    "one of two lists": ("r.json", json.dumps({"train": ROWS, "test": ROWS}), {"rows": "train"}),
    "JSON edges": ("r.json", json.dumps([{"text": text, "skill": skill} for text, skill in EDGES]), {}),
    "Q-matrix with semicolons": ("q.csv", Q_MATRIX.replace(",", ";"), {}),
    "Q-matrix without a name for items": ("q.csv", Q_MATRIX.removeprefix("item"), {}),
    "Q-matrix of marks": ("q.csv", Q_MATRIX.replace("0", "").replace(",1", ",x"), {}),
    "Q-matrix of words": ("q.csv", Q_MATRIX.replace(",0", ",no").replace(",1", ",yes"), {}),
    "Q-matrix of R": ("q.csv", Q_MATRIX.replace(",0", ",FALSE").replace(",1", ",TRUE"), {}),
    "Q-matrix by skills": ("q.csv", "skill,t1,t2,t3\nloops,1,1,1\nsorting,0,1,0\nrecursion,0,0,1\n",
                           {"transposed": "yes"}),
    "columns by number": ("r.csv", "id,skill1,skill2\nt1,loops,\nt2,loops,sorting\nt3,recursion,loops\n", {}),
    "columns of one name": ("r.csv", "id,skill,skill\nt1,loops,\nt2,loops,sorting\nt3,recursion,loops\n", {}),
    "lists in a column of one skill": ("r.csv", "text,skill\nt1,loops\nt2,loops;sorting\nt3,recursion;loops\n", {}),
    "plus signs": ("r.csv", listed("+".join), {"separator": "+"}),
    "UTF-16 without its mark": ("a.csv", edges(",").encode("utf-16-le"), {"encoding": "utf-16-le"}),
    "numbers without names": ("a.csv", edges(",").partition("\n")[2], {"header": "no"}),
    "text beside flags": ("q.csv", "ID,TITLE,loops,recursion,sorting\n" + FLAGS.replace(",", ",a b,", 1)
                          .replace("t2,", "t2,c d,").replace("t3,", "t3,e f,"), {}),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_ways_to_write_one_dataset(file: Write, way: str) -> None:
    name, content, options = WAYS[way]
    dataset = load(file(name, content), name="d", **options).dataset
    assert [(row["text"], row["skill"]) for row in dataset.requirements.to_pylist()] == EDGES
    assert (dataset.n_texts, dataset.n_skills) == (3, 3)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            edges(",") + "t9,NULL\n",
            "'NULL' (1 row) may be a missing value or a name: missing: use -o missing=",
        ),
        ("r.json", json.dumps({"train": ROWS, "test": ROWS}), "holds 2 lists of rows: 3 rows: use -o rows=train; "),
        ("r.csv", "id,skills\na,x;y\nb,x|y\n", "lists: skills separated by semicolon: use -o separator=semicolon; "),
        ("q.csv", "0,1\n1,0\n1,1\n", "names or data: names: use -o header=yes; data without column names"),
        ("r.csv", listed("/".join), "one skill: use -o separator=none; several: use -o separator=/"),
        (
            "q.csv",
            "skill,t1,t2\na,1,0\nb,0,1\n",
            "rows are skills: use -o transposed=yes; rows are texts: use -o t",
        ),
        ("a.csv", "a,b;c\nd,e;f\n", "by comma: use -o delimiter=comma; 2 columns by semicolon: use -o delimiter="),
    ],
)
def test_two_readings_are_refused_with_both(file: Write, name: str, content: str, message: str) -> None:
    path = file(name, content)
    with pytest.raises(DataError, match=re.escape(message)):
        load(path, name="d", format="q-matrix" if name == "q.csv" else None)
    assert len(inspect(path, format="q-matrix" if name == "q.csv" else None).choices) == 2


@pytest.mark.parametrize(
    ("responses", "options", "expected"),
    [
        ("id,t1,t2,t3\na,1,5,3\nb,2,4,3\n", {"scale": "1-5"}, [0.0, 1.0, 0.5, 0.25, 0.75, 0.5]),
        ("id,t1,t2,t3\na,10,55,33\nb,20,94,73.5\n", {}, [0.1, 0.55, 0.33, 0.2, 0.94, 0.735]),
        ("id,t1,t2,t3\na,1,99,0\nb,0,1,1\n", {"missing": "99"}, [1.0, 0.0, 0.0, 1.0, 1.0]),
        ("id,t1,t2,t3\na,1,.,0\nb,NA,1,1\n", {}, [1.0, 0.0, 1.0, 1.0]),
        ("id;t1;t2;t3\na;0,5;1;0\nb;1;0,25;1\n", {}, [0.5, 1.0, 0.0, 1.0, 0.25, 1.0]),
        ("1 0 1\n0 1 1\n", {}, [1.0, 0.0, 1.0, 0.0, 1.0, 1.0]),
    ],
)
def test_scales_and_codes_of_scores(
    file: Write, responses: str, options: dict[str, str], expected: list[float]
) -> None:
    dataset = load(file("q.csv", Q_MATRIX), name="d", responses=file("resp.csv", responses), **options).dataset
    assert dataset.attempts["score"].to_pylist() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("cells", "way"),
    [
        ("1,9,0", "missing=9"),
        ("1,-1,0", "missing=-1"),
        ("0,1,2", "scale=0-2"),
        ("1,5,3", "scale=1-5"),
        ("10,20,0", "0-20"),
    ],
)
def test_a_scale_that_is_not_told_is_refused_with_the_options(file: Write, cells: str, way: str) -> None:
    responses = file("resp.csv", f"id,t1,t2,t3\na,{cells}\n")
    with pytest.raises(DataError, match=re.escape(way)):
        load(file("q.csv", Q_MATRIX), name="d", responses=responses)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", edges(",").encode("utf-16-le"), "looks like UTF-16 without its mark; use encoding=utf-16-le"),
        ("a.gml", 'graph [\n  node [ id 0 label "t1" ]\n]\n', "is a graph in GML, which is not read; save it as Graph"),
        ("a.net", '*Vertices 2\n1 "t1"\n2 "s1"\n*Edges\n1 2\n', "is a graph in Pajek's form, which is not read"),
        ("a.sav", b"$FL2@(#) SPSS DATA FILE" + bytes(9), "is an SPSS file (.sav); export it as CSV"),
        ("a.rds", gzip.compress(b"X\n" + bytes(9)), "is a file of R's own; write its table with write.csv"),
        ("a.csv", "<html><body>Not found</body></html>", "is an HTML page; save its table as CSV"),
        ("a.yaml", "t1: [loops]\nt2: [loops, sorting]\n", "is YAML, which is not read; write it as JSON"),
        ("a.csv", "text,loops,sorting\nt1,1,0\nt2,0.5,1\n", "--format q-matrix if its columns are skills with weights"),
        ("a.dot", "graph g {\n t1 -- s1;\n}\n", "is a graph in DOT, which is not read"),
        ("a.csv", "1,10\n2,10\n2,11\n3,12\n", "two columns of numbers without names: for a text and a skill in each r"),
    ],
)  # fmt: skip
def test_what_is_not_read_is_named_with_the_way_out(file: Write, name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        load(file(name, content), name="d")


def test_answers_in_rows_are_no_response_matrix(file: Write) -> None:
    answers = file("answers.csv", "student,item,score\na,t1,1\na,t2,0\nb,t1,1\n")
    with pytest.raises(DataError, match=r"a row for each answer .*use outcomes=answers\.csv"):
        load(file("q.csv", Q_MATRIX), name="d", responses=answers)
    assert load(file("q.csv", Q_MATRIX), name="d", outcomes=answers).dataset.attempts.num_rows == 3


@given(
    pairs=st.lists(st.tuples(st.integers(0, 9), st.text("abc ,;|\"'#é", max_size=4)), min_size=1, max_size=8),
    mark=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    blank=st.integers(0, 2),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_any_edge_list_in_any_dialect(
    pairs: list[tuple[int, str]], mark: str, end: str, encoding: str, blank: int
) -> None:
    written = sorted({(f"t{number}", f"s{skill}x") for number, skill in pairs})
    stream = io.StringIO()
    rows = csv.writer(stream, delimiter=mark, lineterminator=end)
    rows.writerows([("text", "skill"), *written, *[("", "")] * blank])
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.csv")
        path.write_bytes(stream.getvalue().encode(encoding))
        dataset = load(path, name="d", format="edge-list").dataset
    assert [(row["text"], row["skill"]) for row in dataset.requirements.to_pylist()] == written


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ('id,skills\nt1,"1,2"\nt2,3\n', {}),
        ("id;skills\nt1;1,2\nt2;3\n", {}),
        ('id,mine\nt1,"1,2"\nt2,3\n', {"skills_column": "mine"}),
    ],
)
def test_numbers_of_skills_are_no_decimal_fractions(file: Write, content: str, options: dict[str, str]) -> None:
    requirements = load(file("r.csv", content), name="d", **options).dataset.requirements.to_pylist()  # type: ignore[arg-type]
    assert [(row["text"], row["skill"]) for row in requirements] == [("t1", "1"), ("t1", "2"), ("t2", "3")]


def test_columns_that_are_named_say_the_format(file: Write) -> None:
    pairs = file("e.csv", "job,thing,prerequisites\nt1,a,\nt2,b,\nt3,c,x\n")
    assert load(pairs, name="d", text_column="job", skill_column="thing").format == "edge-list"
    assert load(pairs, name="d", text_column="job", skills_column="thing").format == "skill-rows"


@pytest.mark.parametrize(
    ("cells", "options", "right"),
    [
        (["- a\n- b", "- a"], {}, ["t0 a", "t0 b", "t1 a"]),
        (["1. a\n2. b", "1. a"], {}, ["t0 a", "t0 b", "t1 a"]),
        (["a and b", "a", "b"], {"separator": "and"}, ["t0 a", "t0 b", "t1 a", "t2 b"]),
        (["#a #b", "#a"], {"separator": "space"}, ["t0 #a", "t0 #b", "t1 #a"]),
        (["a;NA", "a;b"], {"missing": "NA"}, ["t0 a", "t1 a", "t1 b"]),
        (["a;none", "a;b"], {"missing": "blank,none"}, ["t0 a", "t1 a", "t1 b"]),
        (["a:0.5;b:1", "a:1"], {"weights": "yes"}, ["t0 a", "t0 b", "t1 a"]),
        (["a (3);b (1)", "a (2)"], {"weights": "yes"}, ["t0 a", "t0 b", "t1 a"]),
        (["iso:9001", "iso:9002"], {"weights": "no"}, ["t0 iso:9001", "t1 iso:9002"]),
        (["machine learning", "learning", "sorting"], {}, ["t0 machine learning", "t1 learning", "t2 sorting"]),
    ],
)
def test_cells_of_skills_as_people_write_them(
    file: Write, cells: list[str], options: dict[str, str], right: list[str]
) -> None:
    path = file("r.csv", "id,skills\n" + "".join(f't{at},"{cell}"\n' for at, cell in enumerate(cells)))
    if options:
        with pytest.raises(AmbiguousError, match=next(iter(options))):
            load(path, name="d")
    found = load(path, name="d", **options).dataset.requirements.to_pylist()  # type: ignore[arg-type]
    assert [f"{row['text']} {row['skill']}" for row in found] == right


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("e.csv", "text,skill\nt,#REF!\nu,a\n", "'#REF!' .* may be a missing value"),
        ("q.csv", "item,a,b,c\nt1,1,0,9\nt2,0,1,0\nt3,1,1,1\n", "1 is 9: missing: use -o missing=9"),
        ("q.csv", "item,a,b\nt1,1,2\nt2,2,1\nt3,1,1\n", "every cell is 1 or 2"),
        ("r.txt", '{"id":"t","skills":["a"]}\n{"id":"u","skills":["a"]}\n', "holds JSON; give its name the ending"),
        ("r.json", '{"id":"t","skills":["a"]}{"id":"u","skills":["a"]}', "several values follow one another"),
        ("r.jsonl", '{"id":"t","skills":["a"]},\n{"id":"u","skills":["a"]}\n', "the line ends in a comma"),
        ("r.toml", "[x]\n", "is TOML, which is not read"),
        ("r.tex", "\\begin{tabular}{l}a\\end{tabular}\n", "is LaTeX, which is not read"),
    ],
)
def test_more_that_is_not_read_is_named(file: Write, name: str, content: str, message: str) -> None:
    options = {"format": "q-matrix"} if name == "q.csv" else {}
    with pytest.raises(DataError, match=message):
        load(file(name, content), name="d", **options)  # type: ignore[arg-type]


def test_responses_with_a_row_for_each_item_are_named(file: Write) -> None:
    matrix, answers = file("q.csv", "item,a,b\nt1,1,0\nt2,0,1\n"), file("r.csv", "item,s1,s2\nt1,1,0\nt2,0,1\n")
    with pytest.raises(DataError, match=r"row for each item, not a column; use outcomes=r\.csv"):
        load(matrix, name="d", responses=str(answers))


def test_ids_that_something_was_done_to_are_told(file: Write) -> None:
    path = file("e.csv", "text,skill\n1.00E+05,gÃ©o\nt,R&amp;D\nu,Loops\nv,loops\n")
    told = " ".join(map(str, load(path, name="d").decisions))
    for words in ("'1.00E+05'", "'gÃ©o'", "'R&amp;D'", "'Loops', 'loops'"):
        assert words in told
    plain = load(file("f.csv", "text,skill\nt,géo\nu,a & b\nv,E+05\n"), name="d").decisions
    assert not any(decision.what == "names" for decision in plain)


def test_null_and_nan_of_json_are_no_values(file: Write) -> None:
    rows = '[{"id":"t","skills":null,"d":NaN},{"id":"u","skills":["a"],"d":1.5}]'
    dataset = load(file("r.json", rows), name="d").dataset
    assert dataset.texts["d"].to_pylist() == [None, 1.5]
    assert dataset.requirements["text"].to_pylist() == ["u"]
