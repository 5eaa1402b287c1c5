"""Names that look alike are one thing, or the difference is told; names that people give keep to one rule."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from explorer.errors import StoreError
from explorer.store.opening import open_store
from explorer.store.records import check_dataset_name, check_layer_name
from loaders.errors import DataError
from loaders.formats import load
from loaders.names import check_given_name, invisible_in
from loaders.spreadsheet import escaped, escaped_column, restored, restored_column

COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


def told(path: Path, **options: str) -> tuple[list[str], list[str]]:
    report = load(path, name="d", **options)
    return report.dataset.skills["id"].to_pylist(), [str(d) for d in report.decisions if d.what == "names"]


def test_forms_of_one_word_are_joined_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text(f"text,skill,weight\nt,{COMPOSED},1\nt,{DECOMPOSED},2\nu,{DECOMPOSED},4\n", encoding="utf-8")
    skills, remarks = told(path)
    assert skills == [COMPOSED]
    (remark,) = remarks
    assert remark.startswith("e.csv: names: 1 skill joined with another (their ids differed only in how letters")
    dataset = load(path, name="d").dataset
    assert dataset.requirements["weight"].to_pylist() == [3.0, 4.0]


def test_joined_skills_keep_what_is_known_of_either(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text(f"text,skill\nt,{COMPOSED}\nu,{DECOMPOSED}\n", encoding="utf-8")
    (tmp_path / "s.csv").write_text(f"id,class\n{COMPOSED},\n{DECOMPOSED},{DECOMPOSED}\n", encoding="utf-8")
    dataset = load(tmp_path / "e.csv", name="d", skills=str(tmp_path / "s.csv")).dataset
    assert dataset.skills["class"].to_pylist() == [COMPOSED]


@pytest.mark.parametrize(
    ("mark", "kind"),
    [
        ("\u200b", "zero-width"),
        ("\u00a0", "no-break space"),
        ("\ufeff", "byte order mark"),
        ("\u202e", "direction mark"),
    ],
)
def test_what_cannot_be_seen_is_told(mark: str, kind: str, tmp_path: Path) -> None:
    plain = "a b" if "space" in kind else "ab"
    path = tmp_path / "e.csv"
    path.write_text(f"text,skill\nt,{plain}\nt,a{mark}b\n", encoding="utf-8")
    skills, remarks = told(path)
    assert len(skills) == 2
    (remark,) = remarks
    assert kind in remark
    assert "1 skill differs from another in nothing else" in remark


def test_plain_names_are_not_talked_about(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text("text,skill\nt,übung\nt,学\n", encoding="utf-8")
    assert told(path) == (["übung", "学"], [])


@pytest.mark.parametrize("name", ["", " a", "a/b", "a\nb", "a\0", "x" * 201, "a\u202eb", "a\u2028b", "\x7f"])
def test_one_rule_for_names_that_people_give(name: str, tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("text,skill\nt,a\n")
    for check in (check_dataset_name, check_layer_name):
        with pytest.raises(StoreError):
            check(name)
    with pytest.raises(DataError):
        load(tmp_path / "e.csv", name=name)
    store = open_store(tmp_path / "s.kgl", mode="write")
    store.write_dataset(load(tmp_path / "e.csv", name="d").dataset)
    with pytest.raises(StoreError):
        store.rename_dataset("d", name)
    store.close()


def test_names_of_all_scripts_may_be_given() -> None:
    for name in ("学", "Übung 1", "a\u200db", "x" * 200, "=1", "a\\b"):
        check_given_name(name, "layer")


@given(st.text())
def test_invisible_marks_are_found_in_either_form(text: str) -> None:
    assert invisible_in(text) == invisible_in(unicodedata.normalize("NFC", text))


# Cells of spreadsheets --------------------------------------------------------------------------------------

CELLS = st.lists(st.text(st.sampled_from("=+-@\t\r\n'a1.e＝ ,\""), max_size=6), max_size=8)


@given(CELLS)
def test_cells_come_back_and_none_is_run(cells: list[str]) -> None:
    import pyarrow as pa

    safe = [escaped(cell) for cell in cells]
    assert [restored(cell) for cell in safe] == cells
    for cell in safe:
        assert cell[:1] not in tuple("=@\t\r\n＝") or cell == ""
        if cell[:1] in ("+", "-"):
            float(cell)
    column = pa.chunked_array([pa.array([*cells, None], pa.string())])
    assert escaped_column(column).to_pylist() == [*safe, None]
    assert restored_column(escaped_column(column)).to_pylist() == [*cells, None]
