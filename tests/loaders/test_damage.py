"""Damaged files of every format: a dataset or one `DataError`, never another exception."""

from __future__ import annotations

import contextlib
import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loaders.dataset import build_dataset
from loaders.errors import DataError
from loaders.formats import load

GRAPHML = (
    '<graphml><key id="k" for="node" attr.name="kind"/><graph edgedefault="directed"><node id="t"><data key="k">text'
    '</data></node><node id="s"><data key="k">skill</data></node><edge source="t" target="s"/></graph></graphml>'
)
GEXF = (
    '<gexf><graph defaultedgetype="directed"><attributes class="node"><attribute id="0" title="kind"><default>text'
    '</default></attribute></attributes><nodes><node id="t"/><node id="s" label="S"><attvalues><attvalue for="0" '
    'value="skill"/></attvalues></node></nodes><edges><edge source="t" target="s" weight="2"/></edges></graph></gexf>'
)
SAMPLES: dict[str, tuple[str, str]] = {
    "edge-list": ("e.csv", 'text,skill,weight\nt,"a, b",1\nu,c,2.5\n'),
    "skill-rows": (
        "r.jsonl",
        '{"id": "t", "skills": ["a", {"id": "b", "weight": 2}], "size": 3}\n{"id": "u", "skills": "a; b"}\n',
    ),
    "skill-texts": ("i.jsonl", '{"skill": "a", "texts": ["t", "u"], "size": 3}\n{"skill": "b", "texts": "t; u"}\n'),
    "q-matrix": ("q.csv", "item,a,b\nq1,1,0\nq2,0,1\n"),
    "lm-evaluation": ("samples_x.jsonl", '{"doc_id": 0, "target": "1", "acc": 1.0, "filter": "none"}\n'),
    "big-bench": ("task.json", '{"name": "n", "keywords": ["a", "b"], "examples": [{"input": "x"}]}'),
    "natural-instructions": (
        "task.json", '{"Categories": ["c"], "Reasoning": [], "Domains": ["A -> B"], "Definition": ["d"]}'
    ),
    "hierarchy": ("h.csv", "parent,child\na,b\na,c\n"),
    "prerequisites": ("p.csv", "prerequisite,skill\na,b\nb,c\n"),
    "paths": ("p.txt", "A -> B\nA -> C\n"),
    "graphml": ("g.graphml", GRAPHML),
    "gexf": ("g.gexf", GEXF),
    "neo4j-csv": ("n.csv", '_id,_labels,id,_start,_end,_type\n0,:Text,t,,,\n1,:Skill,a,,,\n,,,0,1,REQUIRES\n'),
    "text-folder": ("t.txt", "# A set\nand a graph\n"),
}  # fmt: skip


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vocabulary") / "v.txt"
    path.write_text("set\ngraph\n")
    return path


def read(path: Path, name: str, vocabulary: Path, *, lenient: bool) -> None:
    options = {"vocabulary": vocabulary} if name == "text-folder" else {}
    with contextlib.suppress(DataError):
        dataset = load(path, format=name, name="d", lenient=lenient, **options).dataset
        # What was read is whole: it can be taken apart and built again.
        assert dataset.equals(build_dataset("d", **dataset.tables(), provenance=dataset.provenance))


@pytest.mark.parametrize("name", SAMPLES)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files(name: str, tmp_path: Path, vocabulary: Path, data: st.DataObject) -> None:
    file, content = SAMPLES[name]
    damaged = bytearray(content.encode())
    for _ in range(data.draw(st.integers(0, 4))):
        if damaged:
            place = data.draw(st.integers(0, len(damaged) - 1))
            piece = data.draw(
                st.sampled_from([b"", b"\0", b"\xff", b'"', b",", b"\n", b"{", b"<", b"-", b"9", b"\\ud800"])
            )
            damaged[place : place + data.draw(st.integers(0, 3))] = piece
    damaged = damaged[: data.draw(st.integers(0, len(damaged)))] if data.draw(st.booleans()) else damaged
    packed = data.draw(st.sampled_from(["plain", "gzip", "cut"]))
    raw = bytes(damaged)
    if packed != "plain":
        raw = gzip.compress(raw)
        raw = raw[:-5] if packed == "cut" else raw
    path = tmp_path / file
    path.write_bytes(raw)
    read(path, name, vocabulary, lenient=data.draw(st.booleans()))


@pytest.mark.parametrize("name", SAMPLES)
def test_undamaged_files_are_datasets(name: str, tmp_path: Path, vocabulary: Path) -> None:
    file, content = SAMPLES[name]
    (tmp_path / file).write_text(content)
    options = {"vocabulary": vocabulary} if name == "text-folder" else {}
    assert load(tmp_path / file, format=name, name="d", **options).dataset.n_skills > 0


@pytest.mark.parametrize("cut", [0, 3, 60, 200, 400])
def test_damaged_parquet(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "e.parquet"
    pq.write_table(pa.table({"text": ["t"], "skill": ["a"]}), path)
    data = path.read_bytes()
    path.write_bytes(data[:cut])
    with pytest.raises(DataError, match=r"e\.parquet"):
        load(path, name="d")
