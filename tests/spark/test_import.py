"""What Spark wrote to a folder comes into a store as a local run would have left it."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.errors import NotFoundError, SkillgraphError
from explorer.service.association import associate
from explorer.service.learning import learn
from explorer.service.spark import SparkRun, associate_on_spark, learn_on_spark
from explorer.service.spark_import import import_associations, import_layer, read_associations, read_layer
from explorer.store.opening import open_store
from explorer.store.protocol import Store
from loaders.dataset import rename_dataset
from tests.spark.graphs import Case, ensembles, make_case


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return make_case(tmp_path_factory.mktemp("case") / "input", ensembles(5, 60))


@pytest.fixture(scope="module")
def outputs(session: Any, case: Case, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`learned`, of one part and with known skills; `associated`; and `blocks`, without waves."""
    folder = tmp_path_factory.mktemp("outputs")
    run = SparkRun(case.folder, str(folder / "learned"), str(folder / "work"), session=session, parts=("even",))
    learn_on_spark(run, name="there", known_classes=("e1",), waves=True)
    run = SparkRun(case.folder, str(folder / "associated"), str(folder / "work"), session=session)
    associate_on_spark(run, str(folder / "learned"), name="there", rule="understood", min_weight=1)
    learn_on_spark(SparkRun(case.folder, str(folder / "blocks"), session=session), name="there")
    return folder


@pytest.fixture
def store(case: Case, tmp_path: Path) -> Any:
    opened = open_store(tmp_path / "store.kgl", mode="write")
    opened.write_dataset(rename_dataset(case.dataset, "d"))
    yield opened
    opened.close()


@pytest.mark.long
def test_as_a_local_run_leaves_it(store: Store, outputs: Path) -> None:
    info = import_layer(store, "d", *read_layer(outputs / "learned", "taken"))
    learn(store, "d", name="local", parts=["even"], known_classes=["e1"])
    taken, local = (store.read_layer("d", name) for name in ("taken", "local"))
    assert taken.skills.equals(local.skills)
    assert taken.lacks.equals(local.lacks)
    assert taken.info.lacks == local.info.lacks == taken.lacks.num_rows > 0
    assert info.learned > 20
    for name in ("kind", "learner", "parts", "texts", "skills", "learned", "waves", "parameters"):
        assert getattr(taken.info, name) == getattr(local.info, name), name
    assert {"pyspark", "skillgraph-explorer"} < set(taken.info.versions)
    after = import_associations(store, "d", "taken", *read_associations(outputs / "associated"))
    associate(store, "d", "local", rule="understood")
    pairs = store.read_associations("d", "taken")
    assert pairs.equals(store.read_associations("d", "local"))
    assert after.associations == pairs.num_rows > 0
    assert after.association_rule == "understood"
    assert store.read_layer("d", "taken").skills.equals(store.read_layer("d", "local").skills)


@pytest.mark.long
def test_another_dataset_or_layer_is_refused(store: Store, outputs: Path, tmp_path: Path) -> None:
    with pytest.raises(SkillgraphError, match="needs exact waves"):
        import_layer(store, "d", *read_layer(outputs / "blocks", "taken"))
    found = read_layer(outputs / "learned", "taken")
    other = make_case(tmp_path / "other", ensembles(6, 60))
    store.write_dataset(rename_dataset(other.dataset, "other"))
    with pytest.raises((NotFoundError, SkillgraphError), match="it is not the dataset that was learned from"):
        import_layer(store, "other", *found)
    larger = make_case(tmp_path / "larger", [*ensembles(5, 60), ("z", "e0/s1")])
    store.write_dataset(rename_dataset(larger.dataset, "larger"))
    with pytest.raises(SkillgraphError, match=r"was learned from .* (texts|skills), where dataset 'larger' has"):
        import_layer(store, "larger", *found)
    assert not store.layers("other")
    assert not store.layers("larger")
    associated = read_associations(outputs / "associated")
    with pytest.raises(NotFoundError, match="no layer 'taken'"):
        import_associations(store, "d", "taken", *associated)
    learn(store, "d", name="all")
    with pytest.raises(SkillgraphError, match="which are not the"):
        import_associations(store, "d", "all", *associated)
    assert store.read_associations("d", "all").num_rows == 0


@pytest.mark.long
def test_a_folder_that_is_no_output_is_refused(outputs: Path, tmp_path: Path) -> None:
    with pytest.raises(SkillgraphError, match=r"holds no run\.parquet"):
        read_layer(tmp_path, "taken")
    with pytest.raises(SkillgraphError, match=r"not the output of `skillgraph spark learn --output`"):
        read_layer(outputs / "associated", "taken")
    with pytest.raises(SkillgraphError, match=r"not the output of `skillgraph spark associate --output`"):
        read_associations(outputs / "learned")
    half = tmp_path / "half"
    shutil.copytree(outputs / "learned", half)
    shutil.rmtree(half / "skills.parquet")
    with pytest.raises(SkillgraphError, match=r"holds no skills\.parquet"):
        read_layer(half, "taken")
    whole = pq.read_table(outputs / "learned" / "skills.parquet")
    pq.write_table(whole.slice(1), half / "skills.parquet")
    with pytest.raises(SkillgraphError, match="it is incomplete"):
        read_layer(half, "taken")
    (half / "skills.parquet").write_bytes(b"no table")
    with pytest.raises(SkillgraphError, match="cannot read"):
        read_layer(half, "taken")
    lists = pa.array([[1]] * whole.num_rows)
    pq.write_table(whole.set_column(1, "wave", lists), half / "skills.parquet")
    with pytest.raises(SkillgraphError, match="cannot read"):
        read_layer(half, "taken")
    pq.write_table(whole, half / "skills.parquet")
    record = pq.read_table(half / "run.parquet")
    shutil.rmtree(half / "run.parquet")
    pq.write_table(pa.table({"learned": [1]}), half / "run.parquet")
    with pytest.raises(SkillgraphError, match="not the record of a layer"):
        read_layer(half, "taken")
    nobody = record.set_column(record.column_names.index("learner"), "learner", pa.nulls(1, pa.string()))
    pq.write_table(nobody, half / "run.parquet")
    with pytest.raises(SkillgraphError, match="not the record of a layer"):
        read_layer(half, "taken")
    pq.write_table(pa.concat_tables([record, record]), half / "run.parquet")
    with pytest.raises(SkillgraphError, match="not the output of"):
        read_layer(half, "taken")


@pytest.mark.long
def test_the_commands(case: Case, outputs: Path, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from explorer.cli.app import app

    with closing(open_store(tmp_path / "skillgraph.kgl", mode="write")) as store:
        store.write_dataset(rename_dataset(case.dataset, "d"))
    run = CliRunner()
    place = ["--store", str(tmp_path / "skillgraph.kgl")]
    done = run.invoke(app, ["spark", "import", "taken", str(outputs / "learned"), *place])
    assert done.exit_code == 0, done.output
    assert "taken: " in done.output
    # as it was written in the last release
    done = run.invoke(app, ["associate", "taken", "--take-up", str(outputs / "associated"), *place, "--json"])
    assert done.exit_code == 0, done.output
    assert "skillgraph spark import taken" in done.stderr
    assert done.stdout.startswith("{")
    with closing(open_store(tmp_path / "skillgraph.kgl", mode="read")) as store:
        assert store.read_associations("d", "taken").num_rows > 0
    done = run.invoke(app, ["spark", "import", "taken", str(outputs / "learned"), *place, "--learner", "d:2"])
    assert done.exit_code == 2, "what was computed before takes no options"
