"""The same learned skills, waves, texts, associations and components as the kernels', on a real local Spark."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from explorer.arrays import index_dataset
from explorer.service.spark import SparkRun, components_on_spark, learn_on_spark
from explorer.spark import components
from explorer.spark.blocks import Block
from explorer.spark.learning import learn_skills
from explorer.spark.prepared import prepare
from explorer.spark.run_folder import RunFolder
from explorer.spark.session import wide_rows
from tests.spark.checks import check_associations, check_components, check_learning, rows
from tests.spark.graphs import Case, hub, make_case, poisson


@pytest.fixture
def work(shared_work: Path) -> Any:
    """The shared layout of the graph; what algorithms leave there goes."""
    yield str(shared_work)
    for folder in ("learn", "components", "associations"):
        shutil.rmtree(shared_work / folder, ignore_errors=True)


def known(case: Case) -> tuple[str, ...]:
    return tuple(case.indexed.skills.ids.to_pylist()[::31])


@pytest.fixture(scope="module")
def learned(session: Any, mixed: Case, shared_work: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layer of the 1-skill learner, with exact waves."""
    folder = tmp_path_factory.mktemp("learned") / "learned"
    report = check_learning(session, mixed, folder, waves=True, work=str(shared_work), block_edges=600)
    assert report.layer.waves > 5
    shutil.rmtree(shared_work / "learn")
    return folder


def test_a_small_graph_is_learned_and_linked_as_by_the_kernels(session: Any, tmp_path: Path) -> None:
    case = make_case(tmp_path / "small", poisson(np.random.default_rng(2), "s", 30, 2.0, 3.0))
    work = str(tmp_path / "work")
    report = check_learning(session, case, tmp_path / "learned", waves=True, block_edges=60, work=work)
    assert report.layer.waves > 1
    check_components(session, case, tmp_path / "learned", tmp_path / "components", "any", work=work, block_edges=60)


@pytest.mark.long
def test_blocks_learn_what_the_kernel_learns(session: Any, mixed: Case, work: str, tmp_path: Path) -> None:
    report = check_learning(
        session, mixed, tmp_path / "out", learner="d:2", known=known(mixed), work=work, block_edges=600
    )
    assert len(report.steps) < 1 + max(wave for _, wave, _ in mixed.learned(2, known(mixed))) + 1


@pytest.mark.long
@pytest.mark.usefixtures("learned")
def test_rounds_give_the_waves_and_texts_of_the_kernel(session: Any, mixed: Case, work: str, tmp_path: Path) -> None:
    # the 1-skill learner is the one whose texts carry the exclusive or of their skills
    report = check_learning(session, mixed, tmp_path / "out", method="rounds", work=work, block_edges=600)
    assert report.layer.waves > 8, "losses are subtracted for good at least once"


@pytest.mark.long
@pytest.mark.parametrize("rule", ["any", "understood"])
def test_components(session: Any, mixed: Case, learned: Path, work: str, tmp_path: Path, rule: str) -> None:
    check_components(session, mixed, learned, tmp_path / "out", rule, work=work, block_edges=600)


@pytest.mark.long
def test_the_join_with_a_giant_component_can_be_split(session: Any, tmp_path: Path) -> None:
    folder = RunFolder(session, str(tmp_path / "run"), {})
    pairs = folder.step("pairs", session.createDataFrame([(k, 0) for k in range(1, 6)], "skill long, star long"))
    sides: dict[str, str] = {}
    real = components._large_star

    def planned(pairs: Any, smallest: Any) -> Any:
        joined = real(pairs, smallest)
        sides["plan"] = joined._jdf.queryExecution().toString()
        return joined

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(components, "_large_star", planned)
        stars, _ = components._joined(folder, pairs)
    # Spark leaves a join as it is if one of its sides was summed up on the way
    assert "Join" in sides["plan"]
    assert "Aggregate" not in sides["plan"]
    assert sorted(map(tuple, stars.collect())) == [(k, 0) for k in range(1, 6)]


@pytest.mark.long
@pytest.mark.parametrize("rule", ["any", "understood"])
def test_associations(session: Any, mixed: Case, learned: Path, tmp_path: Path, work: str, rule: str) -> None:
    check_associations(
        session, mixed, learned, tmp_path / "out", rule, min_weight=2, top_k=3, max_text_skills=12, work=work,
        block_edges=600,
    )  # fmt: skip


@pytest.mark.long
def test_the_layer_is_sorted_and_says_what_it_is(learned: Path) -> None:
    table = pq.read_table(learned / "skills.parquet")
    assert table.column_names == ["skill", "wave", "by", "component", "mastery"]
    assert table["skill"].to_pylist() == sorted(table["skill"].to_pylist())
    (facts,) = pq.read_table(learned / "run.parquet").to_pylist()
    assert (facts["learner"], facts["method"], facts["learned"]) == ("one", "blocks", table.num_rows)


@pytest.mark.long
def test_a_hub_burdens_no_worker(session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = make_case(tmp_path / "hub", hub(60))
    graph = prepare(session, case.folder, str(tmp_path / "work"), block_edges=50)
    with wide_rows(session):
        blocks = graph.blocks.toArrow()
    sizes = [Block.parse(data.as_buffer()).n_edges for data in blocks["data"]]
    assert max(sizes) <= 50
    assert len(sizes) > 3
    # a few newly learned skills go to all workers: the edges of the hub are not brought together in one
    plans = {}
    real = RunFolder.write

    def write(folder: RunFolder, name: str, table: Any) -> None:
        plans[name] = table._jdf.queryExecution().toString()
        real(folder, name, table)

    monkeypatch.setattr(RunFolder, "write", write)
    session.conf.set("spark.sql.autoBroadcastJoinThreshold", "-1")  # Spark would send tables this small by itself
    try:
        learn_skills(graph, str(tmp_path / "work"), method="rounds", known=["hub/centre"])
    finally:
        session.conf.unset("spark.sql.autoBroadcastJoinThreshold")
    for name in ("edges-00000", "loss-00001"):
        assert "BroadcastHashJoin" in plans[name], name
        assert "SortMergeJoin" not in plans[name], name


@pytest.mark.long
def test_plans_that_spark_compiles_give_the_same(session: Any, tmp_path: Path) -> None:
    case = make_case(tmp_path / "small", [("a", "1"), ("b", "1"), ("b", "2"), ("c", "3"), ("c", "4")])
    # the settings of this session are for short tests; these are Spark's own
    compiled = {"spark.sql.codegen.wholeStage": "true", "spark.sql.codegen.factoryMode": "FALLBACK"}
    before = {name: session.conf.get(name) for name in compiled}
    for name, value in compiled.items():
        session.conf.set(name, value)
    try:
        check_learning(session, case, tmp_path / "out", method="rounds", block_edges=3)
    finally:
        for name, value in before.items():
            session.conf.set(name, value)


@pytest.mark.long
def test_manifests_on_a_store_without_renaming(session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.spark.run_folder.local_path", lambda url: None)
    url = str(tmp_path / "run")
    folder = RunFolder(session, url, {"learner": "one"})
    assert folder.finished("step") is None
    folder.write("step", session.range(3))
    assert folder.finished("step") is None, "written, but not committed"
    folder.commit("step", {"rows": 3})
    again = RunFolder(session, url, {"learner": "one"})
    assert again.finished("step") == {"rows": 3}
    assert again.read("step").count() == 3
    with pytest.raises(Exception, match="learner is 'one', not 'd:2'"):
        RunFolder(session, url, {"learner": "d:2"})


@pytest.mark.long
def test_parts_take_their_texts_only(session: Any, mixed: Case, tmp_path: Path) -> None:
    half = Case(mixed.dataset, mixed.folder, index_dataset(mixed.dataset, parts=("odd",)))
    out, work = tmp_path / "out", str(tmp_path / "work")
    run = SparkRun(mixed.folder, str(out), work, parts=("odd",), session=session)
    report = learn_on_spark(run, name="layer", waves=True)
    assert [row[:3] for row in rows(out, "skills")] == half.learned()
    assert (report.layer.texts, report.layer.skills) == (half.indexed.graph.n_texts, half.indexed.graph.n_skills)
    # what is made of the layer is made of its parts, without saying so again, and in the same run folder
    skills = [skill for skill, _, _ in half.learned()]
    assert half.components(skills, "any") != mixed.components(skills, "any")
    run = SparkRun(mixed.folder, str(tmp_path / "parts"), work, session=session)
    components_on_spark(run, str(out), name="layer")
    assert dict(rows(tmp_path / "parts", "components")) == half.components(skills, "any")
