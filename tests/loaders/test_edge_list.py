"""Edge lists: what is read, what is refused, and the fast reader against the plain one."""

from __future__ import annotations

import csv
import gc
import gzip
import io
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loaders import edge_list
from loaders._builder import Builder
from loaders._report import Problems
from loaders._rows import open_table
from loaders.dataset import Dataset
from loaders.errors import DataError
from loaders.formats import load

Write = Callable[[str, str | bytes], Path]


def edges(dataset: Dataset) -> list[tuple[str, str, float]]:
    return [(row["text"], row["skill"], row["weight"]) for row in dataset.requirements.to_pylist()]


def read(path: Path, **options: Any) -> Dataset:
    return load(path, format="edge-list", name="d", **options).dataset


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("e.csv", "text,skill\nt,a\nu,b\n", {}),
        ("e.csv", "\ufefftext,skill\r\nt,a\r\n\r\nu,b", {}),
        ("e.tsv", "skill\ttext\na\tt\nb\tu\n", {}),
        ("e.csv", "text;skill\nt;a\nu;b\n", {}),
        ("e.csv", "Item-ID|Skill ID|other\nt|a|x\nu|b|y\n", {}),
        ("e.csv", "t,a\nu,b\n", {"header": "no"}),
        ("e.csv", "a,t\nb,u\n", {"header": "no", "text_column": "2", "skill_column": "1"}),
        ("e.csv", "x,y\na,t\nb,u\n", {"text_column": "y", "skill_column": "x"}),
        ("e.csv", "id,skill\n t ,a\nu, b\n", {}),
        ("e.csv", "text skill\nt a\nu b\n", {"delimiter": "space"}),
        ("e.csv", "text,skill,keep\nt,a,yes\nu,b,yes\nu,c,no\n", {"where": "keep=yes"}),
    ],
)  # fmt: skip
def test_ways_to_write_two_edges(file: Write, name: str, content: str, options: dict[str, str]) -> None:
    assert edges(read(file(name, content), **options)) == [("t", "a", 1.0), ("u", "b", 1.0)]


def test_labels_with_commas_quotes_line_breaks_and_other_scripts(file: Write) -> None:
    labels = ['a, "b"', "naïve\nBayes", "الجبر", "集合", "e\u0301", "é", " "]  # é twice: joined by NFC
    rows = io.StringIO()
    csv.writer(rows).writerows([["text", "skill"], *[["t", label] for label in labels[:-1]]])
    dataset = read(file("e.csv", rows.getvalue()))
    assert [skill for _, skill, _ in edges(dataset)] == sorted({normalize("NFC", label) for label in labels[:-1]})


def test_weights_are_summed(file: Write) -> None:
    dataset = read(file("e.csv", "text,skill,weight\nt,a,0.5\nt,a,2\nt,b,1e1\n"))
    assert edges(dataset) == [("t", "a", 2.5), ("t", "b", 10.0)]


def test_provenance_and_part(file: Write) -> None:
    dataset = read(file("e.csv.gz", gzip.compress(b"text,skill\nt,a\n")), part="p", delimiter="comma")
    assert dataset.provenance == {
        "source": "e.csv.gz",
        "loader": "edge-list",
        "option.delimiter": "comma",
        "reading.e.csv.gz.columns": "texts from column 'text', skills from column 'skill'",
    }
    assert dataset.parts == ("p",)


_LENIENT = "; --lenient leaves such rows out"
_MERGED = "; if blank cells repeat the cell above, as merged cells do, use fill="


@pytest.mark.parametrize(
    ("content", "options", "line", "message"),
    [
        ("text,skill\nt,a\n,b\n", {}, 3,
         ("column 'text': expected the id of a text, found nothing" + _MERGED + "text")),
        ("text,skill\nt,a\nt,\n", {}, 3,
         ("column 'skill': expected the id of a skill, found nothing" + _MERGED + "skill")),
        ("text,skill\nt,a\nt,\" \"\n", {}, 3,
         ("column 'skill': expected the id of a skill, found nothing" + _MERGED + "skill")),
        ("text,skill,weight\nt,a,1\nt,b,much\n", {}, 3,
         "column 'weight': weight 'much' must be a positive number"),
        ("text,skill,weight\nt,a,-1\n", {}, 2, "column 'weight': weight '-1' must be a positive number"),
        ("text,skill,weight\nt,a,nan\n", {}, 2, "column 'weight': weight 'nan' must be a positive number" + _LENIENT),
        ("text,skill,weight\nt,a,1e999\n", {}, 2, "column 'weight': weight '1e999' must be a positive number"),
        ("text,skill,weight\nt,a,\n", {}, 2, "column 'weight': weight '' must be a positive number" + _LENIENT),
        ("text,skill\nt,\"a\nb\"\nt\n", {}, 4,
         "1 value where the first row has 2; complete it, or leave out a note below the table with footer=1"),
        ("text,skill\nt,a,b\n", {}, 2,
         "3 values where the first row has 2; put a value that contains ',' in double quotes"),
        ("text,skill\nt,\"a\n", {}, 2, "cannot be read as a table: a quote is not closed; check the quotes"),
        ("text,text\nt,a\n", {}, None,
         "has no column for the skill; its columns are: 'text', 'text'; choose one with skill_column"),
        ("a,b\nt,a\n", {}, None,
         ("has no column for the skill; its columns are: 'a', 'b'; choose one "
          "with skill_column, or use header=no if the first row is data")),
        ("a,skill\nt,a\n", {}, None,
         "has no column for the text; its columns are: 'a'; choose one with text_column"),
        ("text,skill\nt,a\n", {"skill_column": "x"}, None, "has no column 'x'; its columns are: 'text', 'skill'"),
        ("text\nt\n", {}, None,
         "has one column, 'text', where two are expected: text and skill; is another delimiter used?"),
        ("\n\n", {}, None, "has no rows"),
        ("text,skill\n", {}, None, "has no texts and no skills"),
    ],
)  # fmt: skip
def test_errors_name_file_line_and_column(
    file: Write, content: str, options: dict[str, str], line: int | None, message: str
) -> None:
    path = file("e.csv", content)
    where = f"{path}, line {line}: " if line else f"{path}: "
    with pytest.raises(DataError, match=f"^{re.escape(where + message)}$"):
        read(path, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"header": "maybe"}, "header 'maybe' must be yes or no"),
        ({"delimiter": "::"}, "delimiter '::' must be one character"),
        ({"where": "x"}, "where 'x' must be column=value"),
        (
            {"separator": ";"},
            "format 'edge-list' has no option 'separator'; its options are in `skillgraph load --formats`",
        ),
    ],
)
def test_wrong_options(file: Write, options: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}"):
        read(file("e.csv", "text,skill\nt,a\n"), **options)


def test_lenient_counts_and_leaves_out(file: Write) -> None:
    content = "text,skill,weight\nt,a,1\n,a,1\nt,b,x\nt,c\nu,a,2\nu,,1\n"
    report = load(file("e.csv", content), name="d", lenient=True)
    assert edges(report.dataset) == [("t", "a", 1.0), ("u", "a", 2.0)]
    assert report.skipped == {"empty id": 2, "no weight": 1, "wrong number of columns": 1}
    assert len(report.examples) == 4
    assert report.dataset.provenance["skipped"] == 4
    assert report.dataset.provenance["skipped.no weight"] == 1


def test_lenient_with_nothing_left_is_an_error(file: Write) -> None:
    with pytest.raises(DataError, match=r"has no texts and no skills; 2 rows were left out, the first: .*line 2: "):
        load(file("e.csv", "text,skill\n,a\n,b\n"), name="d", lenient=True)


def test_dangling_ids(file: Write) -> None:
    path = file("e.csv", "text,skill\nt,a\nu,a\nt,b\n")
    texts, skills = file("t.csv", "id,size\nt,1\n"), file("s.csv", "id\na\nc\n")
    with pytest.raises(DataError, match=r"line 3: column 'text': text 'u' is not in t.csv; add it there or correct"):
        read(path, texts=texts)
    with pytest.raises(DataError, match=r"line 4: column 'skill': skill 'b' is not in s.csv; add it there or correct"):
        read(path, skills=skills)
    report = load(path, name="d", lenient=True, texts=texts, skills=skills)
    assert edges(report.dataset) == [("t", "a", 1.0)]
    assert report.dataset.skills["id"].to_pylist() == ["a", "c"]
    assert report.skipped == {"unknown text": 1, "unknown skill": 1}


ids = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=4)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(ids, ids, st.sampled_from(["1", "0.25", "2e3", "x", "", "-1", "nan"])), max_size=8),
    weighted=st.booleans(),
    breaks=st.booleans(),
)
def test_fast_reader_agrees_with_the_plain_one(
    tmp_path: Path, rows: list[tuple[str, str, str]], weighted: bool, breaks: bool
) -> None:
    path = tmp_path / "e.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_ALL)
        width = 3 if weighted else 2
        writer.writerow(("text", "skill", "weight")[:width])
        writer.writerows(
            [(text, f"{skill}\n{skill}" if breaks else skill, weight)[:width] for text, skill, weight in rows]
        )
    found = []
    for fast in (True, False):
        problems = Problems(lenient=True)
        builder = Builder(problems)
        with pytest.MonkeyPatch.context() as patch:
            if not fast:
                patch.setattr(edge_list, "_read_blocks", lambda *_: None)
            edge_list.read_edge_list(path, builder)
        found.append((builder.build("d", None, {}, path), problems.counts))
    assert found[0][0].equals(found[1][0])
    assert found[0][1] == found[1][1]


def test_a_clean_file_is_read_in_blocks_and_other_files_row_by_row(file: Write) -> None:
    clean, spaced = file("a.csv", "text,skill\nt,a\n"), file("b.csv", "text,skill\n t,a\n")
    for path, in_blocks in ((clean, True), (spaced, False)):
        with open_table(path, Problems()) as table:
            choice = edge_list._choose(table, Builder(Problems()), None, None, None, None)
        assert (edge_list._read_blocks(path, table, choice, None) is not None) == in_blocks


@pytest.mark.long
def test_a_million_edges_stream_in_proportion_to_their_arrays(file: Write) -> None:
    """12 bytes a line in the file; held while reading: two numbers an edge, twice at most, and the ids."""
    n_edges = 1_000_000
    rng = np.random.default_rng(3)
    texts, skills = rng.integers(50_000, size=n_edges), rng.integers(5_000, size=n_edges)
    lines = "".join(f"t{text},s{skill}\n" for text, skill in zip(texts.tolist(), skills.tolist(), strict=True))
    path = file("e.csv", "text,skill\n" + lines)
    builder = Builder(Problems())
    before = pa.total_allocated_bytes()
    seen: list[int] = []
    edge_list.read_edge_list(path, builder, progress=lambda done, total: seen.append(done))
    assert seen[-1] == path.stat().st_size
    # the reader's threads let go of their blocks a moment later, on a busy machine several moments
    gc.collect()
    deadline = time.monotonic() + 30
    while pa.total_allocated_bytes() - before >= 20 * n_edges and time.monotonic() < deadline:
        time.sleep(0.05)
    assert pa.total_allocated_bytes() - before < 20 * n_edges
    dataset = builder.build("d", None, {}, path)
    expected = np.unique(np.char.add(np.char.add(texts.astype(str), " "), skills.astype(str)))
    assert dataset.n_requirements == len(expected)
    assert dataset.requirements["weight"].to_numpy().sum() == n_edges
