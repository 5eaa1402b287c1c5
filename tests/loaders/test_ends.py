"""Rows of a table that are no data are left out and told, refused with both readings, or kept where they are data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from loaders._reading import AmbiguousError
from loaders.errors import DataError
from loaders.formats import load

Write = Callable[[str, str | bytes], Path]

EDGES = "text,skill\nt1,loops\nt2,loops\nt2,sorting\nt3,loops\n"
WEIGHTS = "text,skill,weight\nt1,loops,1\nt2,loops,2\nt2,sorting,2\nt3,loops,1\n"
MATRIX = "item,loops,sorting\nt1,1,0\nt2,1,1\nt3,1,0\n"
ROWS = "id,skills\nt1,loops\nt2,loops;sorting\nt3,loops\n"
RIGHT = ["t1 loops", "t2 loops", "t2 sorting", "t3 loops"]


def pairs(path: object, **options: str) -> list[str]:
    found = load(str(path), name="d", **options).dataset.requirements.to_pylist()  # type: ignore[arg-type]
    return sorted(f"{row['text']} {row['skill']}" for row in found)


@pytest.mark.parametrize(
    ("table", "end"),
    [
        (EDGES, "Total,4\n"),
        (EDGES, "Grand Total,\n"),
        (EDGES, "Summe:,4\n"),
        (EDGES, "Source: Ministry of Education\n"),
        (EDGES, '\n"Note: a, b and c",\n'),
        (EDGES, "* marks preliminary data,\n"),
        (EDGES, "(4 rows affected)\n"),
        (EDGES, ",\nThis list was made by hand in May and is not complete,\n"),
        (WEIGHTS, "Total,,6\n"),
        (WEIGHTS, "Total,,6\nMean,,1.5\nSource: x,,\n"),
        (WEIGHTS, ",,6\n"),
        (ROWS, "Total,4\n"),
        (ROWS, "Total,\n"),
        (MATRIX, "Total,3,1\n"),
        (MATRIX, "Average,1.00,0.33\n"),
        (MATRIX, "%,100,33\n"),
        (MATRIX, "Sum,3,1\nMean,1.0,0.33\n"),
    ],
)
def test_totals_and_notes_at_the_end_are_left_out_and_told(file: Write, table: str, end: str) -> None:
    path = file("e.csv", table + end)
    assert pairs(path) == RIGHT
    told = [d for d in load(path, name="d").decisions if d.option == "footer"]
    assert told
    assert all(d.alternatives == ("footer=0",) for d in told)


@pytest.mark.parametrize("rows", [100, 5000])
def test_in_long_files_too(file: Write, rows: int) -> None:
    edges = "".join(f"u{n},s{n % 7},2\n" for n in range(rows))
    end = f"text,skill,weight\nTotal,,{2 * rows}\nMean,,2\nSource: x\n"
    report = load(file("e.csv", "text,skill,weight\n" + edges + end), name="d")
    assert report.dataset.n_requirements == report.dataset.n_texts == rows
    assert sum(d.option == "footer" for d in report.decisions) == 2
    assert any("1 further row" in d.taken for d in report.decisions)


@pytest.mark.parametrize(
    ("table", "end"),
    [
        (EDGES, "Total,loops\n"),  # a text that requires what others require
        ("text,skill\nmin,loops\nmax,loops\n", "sum,loops\n"),
        ("item,a,b\nmin,1,0\nmax,1,1\n", "sum,1,0\n"),
        ("id,skills\nmin,a\nmax,\n", "sum,\n"),
        ("text,skill\nNote: a,x\nNote: b,y\n", "Note: c,x\n"),
        ("id,skills\nHow to sort a list,a\nHow to walk a tree,b\n", "How to walk through a list of lists,\n"),
        ("text,skill\n1,5\n2,7\n", "3,5\n"),
    ],
)
def test_what_only_looks_so_is_data(file: Write, table: str, end: str) -> None:
    with_end = load(file("e.csv", table + end), name="d").dataset
    assert with_end.n_texts == load(file("f.csv", table), name="d").dataset.n_texts + 1


@pytest.mark.parametrize(
    ("table", "end"),
    [
        ("item,a,b\nt1,1,0\nt2,0,1\n", "Total,1,1\n"),
        ("id,skills\nA,loops\nB,\nC,loops\n", "Total,\n"),
        ("text,skill\nA,11\nB,12\nC,12\n", "Sum,11\n"),
    ],
)
def test_two_readings_are_refused_and_the_option_decides(file: Write, table: str, end: str) -> None:
    path = file("e.csv", table + end)
    with pytest.raises(AmbiguousError, match=r"footer=1.*footer=0"):
        load(path, name="d")
    last = end.partition(",")[0]
    texts = {count: load(path, name="d", footer=count).dataset.texts["id"].to_pylist() for count in ("0", "1")}
    assert last in texts["0"]
    assert last not in texts["1"]


@pytest.mark.parametrize("footer", ["x", "-1"])
def test_footer_is_a_number_of_rows(file: Write, footer: str) -> None:
    with pytest.raises(DataError, match=f"footer '{footer}' must be a number of rows"):
        load(file("e.csv", EDGES), name="d", footer=footer)


@pytest.mark.parametrize("row", [",,[min]", "(id),(name),(min)", "----,-----,------", "string,string,double"])
def test_units_and_types_below_the_names(file: Write, row: str) -> None:
    names, rest = WEIGHTS.split("\n", 1)
    path = file("e.csv", f"{names}\n{row}\n{rest}")
    assert pairs(path) == RIGHT
    assert any(d.alternatives == ("units=no",) for d in load(path, name="d").decisions)


@pytest.mark.parametrize(("table", "row"), [(EDGES, "string,integer"), (WEIGHTS, "The text,The skill,How much of it")])
def test_a_row_below_the_names_that_may_be_data(file: Write, table: str, row: str) -> None:
    names, rest = table.split("\n", 1)
    path = file("e.csv", f"{names}\n{row}\n{rest}")
    with pytest.raises(AmbiguousError, match=r"units=yes.*units=no"):
        load(path, name="d")
    assert pairs(path, units="yes") == RIGHT


def test_columns_that_add_up_the_others_are_no_skills(file: Write) -> None:
    matrix = "item,loops,sorting,Total\nt1,1,0,1\nt2,1,1,2\nt3,1,0,1\n"
    assert pairs(file("q.csv", matrix)) == pairs(file("q2.csv", matrix + "Sum,3,1,4\n")) == RIGHT
    with pytest.raises(AmbiguousError, match=r"skill_columns=loops,sorting;.*skill_columns=loops,sorting,Total"):
        load(file("r.csv", "item,loops,sorting,Total\nt1,1,0,1\nt2,0,1,1\n"), name="d")
    # marks of a skill that is called so, as the built-in functions are
    assert len(pairs(file("s.csv", "item,sum,min,count\nt1,1,0,0\nt2,1,1,0\nt3,1,0,1\n"))) == 5


def test_sums_among_outcomes(file: Write) -> None:
    edges = file("e.csv", EDGES)
    wide = file("o.csv", "text,a,b,Mean\nt1,1,0,0.5\nt2,0,0,0\nt3,1,1,1\nMean,0.67,0.33,0.5\n")
    named = file("p.csv", "text,a,b,all\nt1,1,0,1\nt2,0,0,0\nt3,1,1,1\n")
    for path, models in ((wide, ["a", "b"]), (named, ["a", "all", "b"])):
        assert load(edges, name="d", outcomes=str(path)).dataset.models["id"].to_pylist() == models
    answers = file("r.csv", "student,t1,t2,t3,Sum\na,1,0,1,2\nb,1,1,1,3\nTotal,2,1,2,5\n")
    dataset = load(file("q.csv", MATRIX), name="d", responses=str(answers)).dataset
    assert dataset.models["id"].to_pylist() == ["a", "b"]


MARKDOWN = "| text | skill |\n| :--- | ---: |\n| t1 | loops |\n| t2 | loops |\n| `t2` | sorting |\n| **t3** | loops |\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.md", MARKDOWN),
        ("t.txt", MARKDOWN),
        ("t.md", f"# Skills\n\nAs of today.\n\n{MARKDOWN}\nMore | or less.\n".replace(" | or", " or")),
        ("t.md", MARKDOWN.replace("| ", "", 1).replace("\n| ", "\n").replace(" |\n", "\n")),
        ("t.txt", " text | skill \n------+-------\n t1 | loops\n t2 | loops\n t2 | sorting\n t3 | loops\n(4 rows)\n\n"),
        ("t.txt", "+------+\n" + MARKDOWN.replace("| :--- | ---: |", "+------+-------+") + "+------+\n4 rows in set\n"),
        ("t.org", MARKDOWN.replace("| :--- | ---: |", "|------+-------|")),
        ("t.rst", ("====  =======\ntext  skill\n====  =======\nt1    loops\nt2    loops\nt2    sorting\nt3    loops\n"
                  "====  =======\n")),
        ("t.csv", "text,skill\n----,-----\nt1,loops\nt2,loops\nt2,sorting\nt3,loops\n"),
    ],
)  # fmt: skip
def test_tables_that_are_drawn_with_lines(file: Write, name: str, content: str) -> None:
    assert pairs(file(name, content)) == RIGHT


def test_several_tables_in_one_text_are_refused_and_prose_is_named(file: Write) -> None:
    with pytest.raises(DataError, match="several tables, the second from line 9"):
        load(file("t.md", MARKDOWN + "\n\n" + MARKDOWN), name="d")
    with pytest.raises(DataError, match=r"is a text, not a table; .* vocabulary=FILE"):
        load(file("t.md", "# Notes\n\nNothing but prose.\n"), name="d")
    vocabulary = file("v.txt", "loops\nsorting\n")
    assert pairs(file("u.md", MARKDOWN), vocabulary=str(vocabulary)) == ["u.md loops", "u.md sorting"]


@given(
    cells=st.lists(
        st.tuples(st.text("ab |\\`*,;'\"", max_size=4), st.text("cd |,;", max_size=4)), min_size=1, max_size=6
    ),
    outer=st.booleans(),
)
@settings(
    max_examples=40, deadline=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_any_markdown_table(file: Write, cells: Sequence[tuple[str, str]], outer: bool) -> None:
    rows = [(f"t{text}{at}y".replace("\\", ""), f"s{skill}x") for at, (text, skill) in enumerate(cells)]
    lines = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in (("text", "skill"), *rows)]
    lines.insert(1, "--- | ---")
    path = file("t.md", "\n".join(f"| {line} |" if outer else line for line in lines))
    assert pairs(path, format="edge-list") == sorted(f"{text} {skill}" for text, skill in rows)
