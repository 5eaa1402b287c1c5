"""Everything that an export writes is read back equal, whatever the ids, names and properties hold."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings

from explorer.export import files as export
from explorer.store.neo4j.admin import write_admin_csv
from loaders.dataset import Dataset, build_dataset
from loaders.formats import detect, load
from loaders.parquet import write_parquet

FORMATS = {
    "graphml": "graphml",
    "gexf": "gexf",
    "json": "json-graph",
    "cytoscape": "json-graph",
    "csv": "exported-tables",
    "parquet": "parquet",
    "neo4j-admin": "neo4j-csv",
}
# XML and CSV know no control characters; outer spaces are no part of an id; loaders read names in form NFC.
_FORMULAS = ("=1+1", "'=x", "-a", "@SUM(A1)", "+b", "-5", "''")
_NAMES = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8).map(
        lambda name: unicodedata.normalize("NFC", name)
    ),
    st.sampled_from(_FORMULAS),
)
_PARTS = st.sampled_from(["general", "domain 2", "1", None])


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    """Two to four texts and skills with any names, links of all kinds, properties of all types."""
    texts = draw(st.lists(_NAMES, min_size=2, max_size=4, unique=True))
    skills = draw(st.lists(_NAMES, min_size=2, max_size=4, unique=True))
    pairs = draw(
        st.lists(st.tuples(st.sampled_from(texts), st.sampled_from(skills)), min_size=1, max_size=6, unique=True)
    )
    maybe = st.one_of(st.none(), st.integers(-(2**53), 2**53))
    size = draw(st.lists(maybe, min_size=len(texts), max_size=len(texts)))
    share = draw(st.lists(st.floats(-1e6, 1e6), min_size=len(texts), max_size=len(texts)))
    return build_dataset(
        "d",
        texts=pa.table(
            {
                "id": texts,
                "title": draw(st.lists(_NAMES, min_size=len(texts), max_size=len(texts))),
                "class": ["c", *[None] * (len(texts) - 1)],
                "part": draw(st.lists(_PARTS, min_size=len(texts), max_size=len(texts))),
                "size": pa.array([size[0] or 1, *size[1:]], pa.int64()),
                "share": pa.array(share, pa.float64()),
                "flag": [True, *[None] * (len(texts) - 1)],
                "label": [f"l{number}" for number in range(len(texts))],
                "type": ["skill", *["text"] * (len(texts) - 1)],
            }
        ),
        skills=pa.table({"id": skills, "level": pa.array(range(len(skills)), pa.int64())}),
        requirements=pa.table(
            {
                "text": [text for text, _ in pairs],
                "skill": [skill for _, skill in pairs],
                "weight": draw(st.lists(st.floats(0.001, 1e6), min_size=len(pairs), max_size=len(pairs))),
            }
        ),
        prerequisites=pa.table({"prerequisite": skills[:1], "skill": skills[1:2]}),
        part_of=pa.table({"child": skills[1:2], "parent": skills[:1]}),
        models=pa.table(
            {"id": ["m/a", "n"], "role": ["foundation", None], "base": pa.array([None, "m/a"], pa.string())}
        ),
        attempts=pa.table({"model": ["m/a", "n"], "text": [texts[0], texts[1]], "score": [0.5, 1 / 3]}),
    )


def _write(dataset: Dataset, file_format: str, folder: Path) -> Path:
    graph = export.dataset_graph(dataset)
    if file_format in export._WRITERS:
        path = folder / f"d.{'cyjs' if file_format == 'cytoscape' else file_format}"
        with path.open("wb") as stream:
            export._WRITERS[file_format](graph, stream)
        return path
    path = folder / "d"
    if file_format == "neo4j-admin":
        write_admin_csv(dataset, [], path)
    elif file_format == "parquet":
        write_parquet(dataset, path)
    else:
        export._write_tables(dataset.tables(), export._facts(graph), path, file_format)
    return path


def _rows(dataset: Dataset) -> dict[str, list[dict[str, object]]]:
    """Rows of all tables; a column that is empty throughout is as if it were not there."""
    return {
        name: [{key: value for key, value in row.items() if value is not None} for row in table.to_pylist()]
        for name, table in dataset.tables().items()
    }


@pytest.mark.parametrize("file_format", FORMATS)
@given(dataset=datasets())
@settings(max_examples=5, deadline=None, derandomize=True, phases=[Phase.generate])
def test_what_is_written_is_read_back_equal(file_format: str, dataset: Dataset) -> None:
    with TemporaryDirectory() as work:
        path = _write(dataset, file_format, Path(work))
        assert detect(path) == FORMATS[file_format]
        assert _rows(load(path, name="d").dataset) == _rows(dataset)


@pytest.mark.parametrize("raw", [False, True])
def test_csv_of_formulas_is_harmless_unless_raw(raw: bool, tmp_path: Path) -> None:
    ids = list(_FORMULAS)
    dataset = build_dataset(
        "d",
        texts=pa.table({"id": ["t"], "title": ["=HYPERLINK(1)"], "=head": ["@x"], "number": [-5]}),
        skills=pa.table({"id": ids}),
        requirements=pa.table({"text": ["t"] * len(ids), "skill": ids}),
    )
    facts = export._facts(export.dataset_graph(dataset))
    export._write_tables(dataset.tables(), facts, tmp_path / "d", "csv", raw=raw)
    cells = [
        cell
        for path in (tmp_path / "d").glob("*.csv")
        for row in csv.reader(path.open(encoding="utf-8", newline=""))
        for cell in row
    ]
    risky = {cell for cell in cells if cell[:1] in set("=+-@") and cell != "-5"}
    assert bool(risky) == raw
    assert _rows(load(tmp_path / "d", name="d").dataset) == _rows(dataset)
