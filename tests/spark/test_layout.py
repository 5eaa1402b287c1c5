"""How a graph is laid out: blocks of alike size, ids that are unique, and a run folder that belongs to one input."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.arrays import index_dataset
from explorer.spark import blocks as laid_out
from explorer.spark import prepared
from explorer.spark.blocks import Bits, Block, number_partition
from explorer.spark.errors import SparkError
from explorer.spark.learning import learn_skills
from explorer.spark.prepared import prepare
from explorer.spark.run_folder import RunFolder
from explorer.spark.session import wide_rows
from tests.spark.graphs import Case, make_case, poisson


def small(folder: Path) -> Case:
    return make_case(folder, poisson(np.random.default_rng(4), "l", 40, 2.0, 4.0))


def test_the_checksum_of_a_trillion_rows_is_a_number_that_spark_can_hold() -> None:
    assert prepared._SUMMED * 10**12 < 2**63


def test_a_set_that_is_put_together_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laid_out, "_INDICES_AT_ONCE", 3)
    chosen, indices = Bits(40), np.array([39, 8, 9, 8, 0, 15, 39, 16])
    chosen.add(indices)
    assert np.flatnonzero(chosen.test(np.arange(40))).tolist() == [0, 8, 9, 15, 16, 39]
    chosen.add(np.empty(0, np.int64))
    assert len(chosen) == 6


@pytest.mark.parametrize(
    ("ids", "unclear"),
    [
        (["b", "a", "c"], [False, False, False]),
        (["b", "a", "b"], [False, False, True]),
        (["b", None, None], [False, True, True]),
    ],
)
def test_numbering_marks_what_is_not_unique(ids: list[str | None], unclear: list[bool]) -> None:
    halves = [pa.record_batch({"id": pa.array(part, pa.string())}) for part in (ids[:1], ids[1:])]
    found = pa.Table.from_batches(number_partition(halves, ["id"]))
    assert found.column_names == ["id", "run", "place", "unclear"]
    assert found["place"].to_pylist() == [0, 1, 2]
    assert found["unclear"].to_pylist() == unclear


@pytest.mark.long
def test_an_id_that_is_there_twice_does_not_make_up_for_one_that_is_missing(session: Any, tmp_path: Path) -> None:
    rows = {"text": ["t0", "x", "t1"], "skill": ["s0", "s1", "s0"]}
    for name, content in (
        ("texts", {"id": ["t0", "t0", "t1"]}), ("skills", {"id": ["s0", "s1"]}), ("requirements", rows),
    ):  # fmt: skip
        pq.write_table(pa.table(content), tmp_path / f"{name}.parquet")
    with pytest.raises(SparkError, match=r"^texts.parquet has the id 't0' more than once: ids must be unique$"):
        prepare(session, str(tmp_path), str(tmp_path / "work"))


@pytest.mark.long
def test_a_run_folder_belongs_to_its_parts_and_classes(session: Any, tmp_path: Path) -> None:
    case = small(tmp_path / "input")
    work = str(tmp_path / "work")
    prepare(session, case.folder, work, parts=["odd"])
    for name, column, first, second in (("texts", "part", "odd", "even"), ("skills", "class", "l", None)):
        path = Path(case.folder, f"{name}.parquet")
        table = pq.read_table(path)
        changed = [second if value == first else first for value in table[column].to_pylist()]
        pq.write_table(table.set_column(table.column_names.index(column), column, [changed]), path)
        with pytest.raises(SparkError, match=rf"holds a run whose (number|checksum) of the {name}.* is .*, not "):
            prepare(session, case.folder, work, parts=["odd"])
        pq.write_table(table, path)
    prepare(session, case.folder, work, parts=["odd"])


@pytest.mark.long
def test_tables_that_were_written_where_the_driver_cannot_see_them_are_not_taken_for_empty(
    session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = small(tmp_path / "input")
    work = str(tmp_path / "work")
    real = RunFolder.write

    def go() -> Any:
        graph = prepare(session, case.folder, work, parts=["odd"])
        return learn_skills(graph, work, waves=True)

    for lost in ("texts", "pairs", "blocks", "step-00001"):

        def lose(folder: RunFolder, name: str, table: Any, lost: str = lost) -> None:
            real(folder, name, table)
            if name == lost:
                for part in Path(folder.path(name)).glob("part-*"):
                    part.unlink()

        with monkeypatch.context() as patched:
            patched.setattr(RunFolder, "write", lose)
            with pytest.raises(
                SparkError, match=rf"{lost} has 0 rows instead of [\d,]+: .* shared by the driver, all workers"
            ):
                go()
    wanted = Case(case.dataset, case.folder, index_dataset(case.dataset, parts=("odd",))).learned()
    assert go().by_step[-1] == len(wanted) > 0


@pytest.mark.long
def test_blocks_are_filled_by_edges_and_not_by_texts(session: Any, tmp_path: Path) -> None:
    long = [(f"a{text}", f"s{skill}") for text in range(10) for skill in range(200)]
    short = [(f"b{text:04d}", f"s{text % 200}") for text in range(3_000)]
    case = make_case(tmp_path / "input", long + short)
    graph = prepare(session, case.folder, str(tmp_path / "work"), block_edges=1_000)
    with wide_rows(session):
        blocks = [Block.parse(data.as_buffer()) for data in graph.blocks.toArrow()["data"]]
    assert [block.n_edges for block in sorted(blocks, key=lambda block: block.text_ids[0])] == [1_000] * 5
    assert graph.n_blocks == 5


@pytest.mark.parametrize("edges", [0, 200_000_000])
def test_the_size_of_a_block_has_bounds(edges: int) -> None:
    with pytest.raises(SparkError, match="edges in a block: it must be 1 to 80,000,000"):
        prepare(None, "input", "work", block_edges=edges)  # type: ignore[arg-type]


def test_examples_of_the_docstrings() -> None:
    found = doctest.testmod(prepared)
    assert found.failed == 0 < found.attempted
