"""Texts that are not UTF-8 in Parquet files and Arrow tables: one `DataError` that names the place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loaders.errors import DataError
from loaders.formats import load
from loaders.in_memory import dataset_from_edges, dataset_from_tables
from loaders.parquet import write_parquet
from loaders.tables import EXPORT_FACTS

WHOLE = {"text": ["tttt", "uuuu"], "skill": ["aaaa", "bbbb"], "other": ["xxxx", "yyyy"]}
LISTS = {"text": ["tttt", "uuuu"], "skills": [["aaaa"], ["bbbb"]]}
STRUCTS = {"text": ["tttt"], "skills": pa.array([[{"name": "aaaa"}]])}
MAPS = {"text": ["tttt"], "skills": pa.array([[("aaaa", 1.0)]], pa.map_(pa.string(), pa.float64()))}
INDEX = {"skill": ["aaaa", "bbbb"], "texts": [["tttt"], ["uuuu"]]}


@pytest.mark.parametrize(("dictionary", "size"), [(True, 2), (False, 1)])
@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize(
    ("columns", "known", "word", "where"),
    [
        (WHOLE, "parquet-edges", "skill", "name of a column"),
        (WHOLE, "parquet-edges", "bbbb", "column 'skill', row 2"),
        (WHOLE, "parquet-edges", "uuuu", "column 'text', row 2"),
        (WHOLE, "edge-list", "other", "name of a column"),
        (WHOLE, "edge-list", "yyyy", "column 'other', row 2"),
        (LISTS, "skill-rows", "skills", "name of a column"),
        (LISTS, "skill-rows", "bbbb", "column 'skills', row 2"),
        (STRUCTS, "skill-rows", "name", "name of a column"),
        (STRUCTS, "skill-rows", "aaaa", "column 'skills', row 1"),
        (MAPS, "skill-rows", "aaaa", "column 'skills', row 1"),
        (INDEX, "skill-texts", "uuuu", "column 'texts', row 2"),
    ],
)
def test_parquet_with_a_text_that_is_not_utf8(
    columns: dict[str, Any], known: str, word: str, where: str, said: bool, dictionary: bool, size: int, tmp_path: Path
) -> None:
    path = tmp_path / "e.parquet"
    pq.write_table(pa.table(columns), path, compression="none", use_dictionary=dictionary, store_schema=False,
                   row_group_size=size)  # fmt: skip
    good = path.read_bytes()
    assert load(path, format=known if said else None, name="d").dataset.n_requirements > 0
    path.write_bytes(good.replace(word.encode(), b"\xff" + word[1:].encode()))
    with pytest.raises(DataError, match=rf"e\.parquet: .*{where}.*is not UTF-8: '\\xff{word[1:]}"):
        load(path, format=known if said else None, name="d")


@pytest.mark.parametrize(
    ("columns", "format_"),
    [
        ({"text": ["t", "ü"], "skill": ["a", "b"]}, "parquet-edges"),
        ({"text": ["t", "ü"], "skill": ["a", "b"]}, "edge-list"),
        ({"text": ["t", "ü"], "skills": [["a"], ["b"]]}, "skill-rows"),
        ({"skill": ["a", "b"], "texts": [["t"], ["ü"]]}, "skill-texts"),
    ],
)
@pytest.mark.parametrize("said", [True, False])
def test_texts_of_parquet_that_are_bytes_are_read_as_utf8(
    columns: dict[str, list[Any]], format_: str, said: bool, tmp_path: Path
) -> None:
    """Some tools write text as bytes, without the note that it is text."""
    binary = {
        name: pa.array(values).cast(pa.list_(pa.binary()) if isinstance(values[0], list) else pa.binary())
        for name, values in columns.items()
    }
    pq.write_table(pa.table(binary), tmp_path / "e.parquet", store_schema=False)
    found = load(tmp_path / "e.parquet", format=format_ if said else None, name="d").dataset
    assert found.requirements["text"].to_pylist() == ["t", "ü"]
    assert found.requirements["skill"].to_pylist() == ["a", "b"]


@pytest.mark.parametrize(
    ("table", "word"), [("texts", b"id"), ("texts", b"tttt"), ("skills", b"aaaa"), ("requirements", b"text")]
)
def test_folders_of_parquet_with_a_text_that_is_not_utf8(tmp_path: Path, table: str, word: bytes) -> None:
    write_parquet(dataset_from_edges([("tttt", "aaaa"), ("uuuu", "bbbb")], name="d"), tmp_path / "d")
    path = tmp_path / "d" / f"{table}.parquet"
    pq.write_table(pq.read_table(path), path, compression="none", use_dictionary=False, store_schema=False)
    good = path.read_bytes()
    assert word in good
    path.write_bytes(good.replace(word, b"\xff" + word[1:]))
    with pytest.raises(DataError, match=rf"{table}\.parquet: .*is not UTF-8"):
        load(tmp_path / "d", name="d")


@pytest.mark.parametrize("facts", [b"\xff", b"{", b"[1]", b"3", b"[" * 500])
def test_folders_of_parquet_with_damaged_metadata(tmp_path: Path, facts: bytes) -> None:
    write_parquet(dataset_from_edges([("t", "a")], name="d"), tmp_path / "d")
    path = tmp_path / "d" / "texts.parquet"
    pq.write_table(pq.read_table(path).replace_schema_metadata({"skillgraph": facts}), path)
    with pytest.raises(DataError, match=r"texts\.parquet: its metadata 'skillgraph'"):
        load(tmp_path / "d", name="d")


@pytest.mark.parametrize("texts", [b"\xffid,title\nt,u\n", b"id,\xfftitle\nt,u\n", b"id,title\n\xfft,u\n"])
def test_exported_tables_with_a_text_that_is_not_utf8(tmp_path: Path, texts: bytes) -> None:
    (tmp_path / EXPORT_FACTS).write_text('{"types": {}}')
    (tmp_path / "texts.csv").write_bytes(texts)
    (tmp_path / "skills.csv").write_text("id\na\n")
    (tmp_path / "requirements.csv").write_text("text,skill\nt,a\n")
    with pytest.raises(DataError, match=r"(?i)texts.*utf-?8"):
        load(tmp_path, name="d")


def test_tables_in_memory_with_a_text_that_is_not_utf8() -> None:
    broken = pa.array([b"t", b"\xff"]).view(pa.string())
    for column in (broken, broken.dictionary_encode(), pa.ListArray.from_arrays([0, 1, 2], broken)):
        pairs = pa.table({"text": ["t", "u"], "skill": column})
        with pytest.raises(DataError, match=r"requirements, column 'skill', row 2 is not UTF-8: '\\xff'"):
            dataset_from_tables(pairs, name="d")
