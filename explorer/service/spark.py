"""Learning, association and components on Spark: Parquet in, Parquet out, and into the store if it is wanted there."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.learners import parse_learner
from explorer.errors import SkillgraphError
from explorer.options import Rule
from explorer.options import SparkMethod as Method
from explorer.service.association import ComponentsReport
from explorer.service.learning import LearnReport, known_parameters
from explorer.service.snapshot import graph_parts, lineage, read_dataset
from explorer.service.versions import package_versions
from explorer.spark.results import require_new, write_results
from explorer.spark.run_folder import absolute_url, alone, join_url, local_path
from explorer.spark.session import LOCAL, open_session, require_pyspark
from explorer.store.protocol import LAYER_SKILLS_SCHEMA, LayerInfo, Store
from explorer.store.records import with_missing
from explorer.temporary import temporary_folder
from loaders.parquet import write_parquet

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from explorer.spark.components import LearnedComponents
    from explorer.spark.prepared import PreparedGraph

__all__ = [
    "LOCAL",
    "SparkAssociationReport",
    "SparkLearnReport",
    "SparkRun",
    "associate_on_spark",
    "components_on_spark",
    "export_for_spark",
    "learn_on_spark",
]

Progress = Callable[[int, int], None]
Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class SparkRun:
    """Where a run takes place and what it reads and writes.

    Attributes:
        source: Folder of Parquet tables in the loaders' schema.
        output: Folder that the results go to; None for none.
        work: Run folder, which is kept; None for one beside the output, which goes when the run is done.
        master: As `explorer.spark.session.open_session` takes it.
        settings: Spark's own settings.
        parts: Parts whose texts are taken; empty means all.
        block_edges: About how many edges a block has; None for `explorer.spark.prepared.BLOCK_EDGES`.
        session: A session that is there already, in place of `master`.
    """

    source: str
    output: str | None = None
    work: str | None = None
    master: str = LOCAL
    settings: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    block_edges: int | None = None
    session: SparkSession | None = None


@dataclass(frozen=True)
class SparkLearnReport(LearnReport):
    """What a run of learning on Spark did: as a local one, and how it went there.

    `layer` is as a local run would store it, except that without exact waves its `waves` is 0, and `waves` is empty.

    Attributes:
        method: `blocks` or `rounds`.
        steps: Cumulative number of learned skills after each super-step or round.
        resumed: Super-steps or rounds that an earlier process had finished.
        output: Folder with the results; None if there is none.
        skills: Rows of `LAYER_SKILLS_SCHEMA`, if they were asked for; not part of what is printed.
    """

    method: str = "blocks"
    steps: tuple[int, ...] = ()
    resumed: int = 0
    output: str | None = None
    skills: pa.Table | None = field(default=None, repr=False)


@dataclass(frozen=True)
class SparkAssociationReport:
    """The association graph of learned skills.

    Attributes:
        layer: Name of the layer.
        rule: Which texts join two learned skills: `any`, or only `understood` ones.
        learned: Number of learned skills.
        associations: Number of pairs that are kept.
        pairs: Number of distinct pairs before the limits.
        skipped_texts: Texts left out because they have too many learned skills.
        components: Number of components, single skills included.
        component_sizes: Sizes of the largest, at most 20.
        giant: Size of the largest.
        giant_fraction: Size of the largest over all skills that the texts require.
        output: Folder with the results; None if there is none.
        seconds: Time taken.
        tables: Associations and components, if they were asked for; not part of what is printed.
    """

    layer: str
    rule: str
    learned: int
    associations: int
    pairs: int
    skipped_texts: int
    components: int
    component_sizes: tuple[int, ...]
    giant: int
    giant_fraction: float
    output: str | None
    seconds: float
    tables: tuple[pa.Table, pa.Table] | None = field(default=None, repr=False)


def learn_on_spark(
    run: SparkRun,
    *,
    name: str,
    dataset: str | None = None,
    learner: str = "one",
    known: Sequence[str] = (),
    known_classes: Sequence[str] = (),
    method: Method = "blocks",
    waves: bool = False,
    collect: bool = False,
    progress: Progress | None = None,
) -> SparkLearnReport:
    """Learn a foundation layer from Parquet tables, as `explorer.service.learn` does from a store.

    Args:
        run: Where it takes place.
        name: Name of the layer.
        dataset: Name of the dataset; by default that of the input folder.
        learner: `one` or `d:D`.
        known: Ids of skills taken as known.
        known_classes: Classes of skills taken as known.
        method: `blocks` or `rounds`, see `explorer.spark.learning.learn_skills`.
        waves: Exact waves and teaching texts with method `blocks`; `rounds` always has them.
        collect: Bring the layer's skills here.
        progress: Called after every super-step with its number and the number of skills it learned.

    Returns:
        The report, with the skills if they are to be collected.

    Raises:
        NotFoundError: A part, known skill or class that is not there.
        AnalysisError: A learner that is none.
        SparkError: A learner or an input that Spark does not take, or Spark failed; there is no half output.
        SkillgraphError: A wrong name of the layer.
    """
    require_pyspark()
    from explorer.spark.learning import learn_skills, skill_capacity

    start = time.perf_counter()
    if not name or "/" in name:
        raise SkillgraphError(f"layer name {name!r} must not be empty or contain '/'")
    skill_capacity(learner)
    learner = parse_learner(learner).name
    with _running(run) as (spark, graph, work):
        result = learn_skills(
            graph,
            work,
            learner=learner,
            known=known,
            known_classes=known_classes,
            method=method,
            waves=waves,
            progress=progress,
        )
        novel = result.novel_skills()
        info = LayerInfo(
            dataset=dataset or _stem(absolute_url(run.source)),
            name=name,
            kind="foundation",
            learner=learner,
            parts=tuple(sorted(run.parts)),
            texts=graph.n_texts,
            skills=graph.n_skills,
            learned=result.by_step[-1],
            waves=len(result.by_step) - 1 if result.exact else 0,
            parameters=known_parameters(known, known_classes),
            versions=package_versions() | {"pyspark": _pyspark_version()},
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        table = result.layer()
        if run.output is not None:
            facts = _facts(info, method, exact=result.exact)
            write_results(spark, run.output, {"skills": (table, info.learned)}, facts)
        skills = with_missing(table.toArrow(), LAYER_SKILLS_SCHEMA) if collect else None
    return SparkLearnReport(
        layer=info,
        waves=result.by_step if result.exact else (),
        novel_skills=novel,
        testing_error=1.0 - novel.get(0, 0) / info.texts if info.texts else 0.0,
        stalled=len(result.by_step) == 1,
        advice="",
        gained=result.by_step[-1] - result.by_step[0],
        method=method,
        steps=result.by_step,
        resumed=result.resumed,
        output=run.output,
        seconds=time.perf_counter() - start,
        skills=skills,
    )


def components_on_spark(run: SparkRun, learned: str, *, name: str, rule: Rule = "any") -> ComponentsReport:
    """Components of the learned skills of a run, written as `components.parquet`: `skill`, `component`.

    Args:
        run: Where it takes place; its input is the graph. Without parts of its own it takes those of `learned`.
        learned: Folder with `skills.parquet`, as `learn_on_spark` writes it, and `run.parquet` with the parts.
        name: Name of the layer.
        rule: Which texts join two learned skills.

    Raises:
        NotFoundError: A learned skill that no text requires.
        SparkError: An input that Spark does not take, or Spark failed; there is no half output.
    """
    start = time.perf_counter()
    with _running(run, learned) as (spark, graph, work):
        numbers = graph.numbers_of(_learned_skills(spark, learned))
        found = _components(graph, work, numbers, rule)
        facts: dict[str, Scalar] = {"layer": name, "rule": rule, "components": found.n_components, "giant": found.giant}
        if run.output is not None:
            write_results(spark, run.output, {"components": (found.skills, len(numbers))}, facts)
    return ComponentsReport(
        layer=name,
        rule=rule,
        learned=len(numbers),
        components=found.n_components,
        component_sizes=found.sizes,
        giant=found.giant,
        giant_fraction=found.giant / graph.n_skills if graph.n_skills else 0.0,
        output=run.output,
        seconds=time.perf_counter() - start,
    )


def associate_on_spark(
    run: SparkRun,
    learned: str,
    *,
    name: str,
    rule: Rule = "any",
    min_weight: int = 1,
    top_k: int | None = None,
    max_text_skills: int | None = None,
    collect: bool = False,
) -> SparkAssociationReport:
    """Association graph and components of the learned skills of a run, as Parquet.

    Args:
        run: Where it takes place; its input is the graph. Without parts of its own it takes those of `learned`.
        learned: Folder with `skills.parquet`, as `learn_on_spark` writes it, and `run.parquet` with the parts.
        name: Name of the layer.
        rule: Which texts join two learned skills.
        min_weight: Least number of texts that require both.
        top_k: Keep only the pairs that are among the k heaviest of one of their skills.
        max_text_skills: Leave out texts with more learned skills than this.
        collect: Bring the tables here.

    Raises:
        NotFoundError: A learned skill that no text requires.
        SparkError: A limit below 1, an input that Spark does not take, or Spark failed; there is no half output.
    """
    require_pyspark()
    from explorer.spark.association import find_associations

    start = time.perf_counter()
    with _running(run, learned) as (spark, graph, work):
        numbers = graph.numbers_of(_learned_skills(spark, learned))
        pairs = find_associations(
            graph,
            work,
            numbers,
            rule,
            min_weight=min_weight,
            top_k=top_k,
            max_text_skills=max_text_skills,
        )
        found = _components(graph, work, numbers, rule)
        n_kept = pairs.pairs.count()
        if run.output is not None:
            facts: dict[str, Scalar] = {"layer": name, "rule": rule, "associations": n_kept}
            facts["components"] = found.n_components
            tables = {"associations": (pairs.pairs, n_kept), "components": (found.skills, len(numbers))}
            write_results(spark, run.output, tables, facts)
        collected = (pairs.pairs.toArrow(), found.skills.toArrow()) if collect else None
    return SparkAssociationReport(
        layer=name,
        rule=rule,
        learned=len(numbers),
        associations=n_kept,
        pairs=pairs.n_pairs,
        skipped_texts=pairs.skipped_texts,
        components=found.n_components,
        component_sizes=found.sizes,
        giant=found.giant,
        giant_fraction=found.giant / graph.n_skills if graph.n_skills else 0.0,
        output=run.output,
        seconds=time.perf_counter() - start,
        tables=collected,
    )


def export_for_spark(store: Store, dataset: str, folder: Path, *, layer: str | None = None) -> tuple[str, ...]:
    """Write a stored dataset as `folder/input`, and a layer's skills as `folder/learned`.

    Args:
        store: Where they are.
        dataset: Name of the dataset.
        folder: Where to; it is there.
        layer: The layer; None for none.

    Returns:
        The parts that the layer and those it was fine-tuned from were learned from; empty means all, or no layer.

    Raises:
        NotFoundError: No such dataset or layer.
    """
    write_parquet(read_dataset(store, dataset), folder / "input")
    if layer is None:
        return ()
    parts = graph_parts(lineage(store, dataset, layer))
    (folder / "learned").mkdir()
    skills = store.read_layer(dataset, layer).skills
    pq.write_table(skills, folder / "learned" / "skills.parquet")
    return parts


@contextmanager
def _running(run: SparkRun, learned: str | None = None) -> Iterator[tuple[SparkSession, PreparedGraph, str]]:
    """The session, the prepared graph and the run folder, which goes afterwards if it is nobody's.

    Whatever Spark raises inside becomes a `SparkError`.
    """
    require_pyspark()
    if run.output is not None:
        require_new(run.output)
    with ExitStack() as stack:
        own = run.work is None and run.output is not None
        if run.work is not None:
            work = absolute_url(run.work)
        elif run.output is not None:
            work = f"{absolute_url(run.output)}.run"
        else:
            work = str(stack.enter_context(temporary_folder("run")))
        stack.enter_context(alone(work))
        spark = run.session or stack.enter_context(open_session(run.master, run.settings))
        from explorer.spark.errors import explained
        from explorer.spark.prepared import BLOCK_EDGES, prepare

        with explained("running"):
            parts = run.parts or (() if learned is None else _learned_parts(spark, learned))
            block_edges = BLOCK_EDGES if run.block_edges is None else run.block_edges
            yield spark, prepare(spark, absolute_url(run.source), work, parts=parts, block_edges=block_edges), work
        path = local_path(work)
        if own and path is not None:
            shutil.rmtree(path, ignore_errors=True)


def _components(graph: PreparedGraph, work: str, learned: np.ndarray[Any, Any], rule: Rule) -> LearnedComponents:
    from explorer.spark.components import find_components

    return find_components(graph, work, learned, rule)


def _learned_skills(spark: SparkSession, learned: str) -> DataFrame:
    from explorer.spark.errors import SparkError, explained

    url = join_url(absolute_url(learned), "skills.parquet")
    path = local_path(url)
    if path is not None and not path.exists():
        raise SparkError(f"{learned} holds no skills.parquet: give the output of `skillgraph spark learn`")
    with explained(f"reading {url}", "check that it is Parquet"):
        table = spark.read.parquet(url)
        there = table.columns
    if "skill" not in there:
        raise SparkError(f"{url} has no column 'skill'; it has: {', '.join(there) or 'none'}")
    return table.select(table["skill"].cast("string").alias("skill"))


def _learned_parts(spark: SparkSession, learned: str) -> tuple[str, ...]:
    """The parts that a layer was learned from, by the record beside it; none if there is no record."""
    from pyspark.errors import AnalysisException

    from explorer.spark.errors import SparkError

    url = join_url(absolute_url(learned), "run.parquet")
    path = local_path(url)
    if path is not None and not path.exists():
        return ()
    try:
        (row,) = spark.read.parquet(url).select("parts").collect()
        return tuple(map(str, json.loads(row[0])))
    except (AnalysisException, ValueError, TypeError):
        raise SparkError(f"{url} does not record which parts the layer was learned from: learn it again") from None


def _pyspark_version() -> str:
    return version("pyspark")


def _stem(source: str) -> str:
    return source.rstrip("/").rpartition("/")[2] or "input"


def _facts(info: LayerInfo, method: str, *, exact: bool) -> dict[str, Scalar]:
    """A layer's record as one row of scalars."""
    plain = asdict(info)
    flat: dict[str, Scalar] = {
        name: plain[name] for name in ("dataset", "name", "kind", "learner", "texts", "skills", "learned", "created_at")
    }
    flat |= {"waves": info.waves if exact else None, "parts": json.dumps(info.parts), "method": method}
    flat["parameters"] = json.dumps(dict(info.parameters), ensure_ascii=False)
    return flat | {f"version_{name.replace('-', '_')}": value for name, value in info.versions.items()}
