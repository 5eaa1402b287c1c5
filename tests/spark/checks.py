"""What must be the same on Spark and in the kernels, on whatever engine the session is of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from explorer.service.spark import SparkRun, associate_on_spark, components_on_spark, learn_on_spark
from tests.spark.graphs import Case


def rows(folder: str | Path, table: str) -> list[tuple[Any, ...]]:
    """The rows of a table in order; not every engine names its files in the order of the rows."""
    found = pq.read_table(Path(folder, f"{table}.parquet"))
    order = [(name, "ascending") for name in found.column_names[:2]]
    found = found.sort_by(order)
    return list(zip(*(found[name].to_pylist() for name in found.column_names), strict=True))


def check_learning(
    session: Any,
    case: Case,
    folder: Path,
    *,
    learner: str = "one",
    known: tuple[str, ...] = (),
    method: Any = "blocks",
    waves: bool = False,
    block_edges: int = 400,
    work: str | None = None,
) -> Any:
    """Learn, compare with the kernel, and return the report."""
    run = SparkRun(case.folder, str(folder), work, block_edges=block_edges, session=session)
    report = learn_on_spark(run, name="layer", learner=learner, known=known, method=method, waves=waves)
    capacity = 1 if learner == "one" else int(learner[2:])
    wanted = case.learned(capacity, known)
    found = [row[:3] for row in rows(folder, "skills")]
    if waves or method == "rounds":
        different = [pair for pair in zip(found, wanted, strict=False) if pair[0] != pair[1]][:5]
        assert found == wanted, (learner, method, block_edges, len(found), len(wanted), different)
        assert report.layer.waves == max((wave for _, wave, _ in wanted), default=0)
        assert report.waves == tuple(sum(wave <= k for _, wave, _ in wanted) for k in range(report.layer.waves + 1))
    else:
        assert found == [(skill, 0 if wave == 0 else None, None) for skill, wave, _ in wanted]
        assert report.waves == ()
    assert report.layer.learned == len(wanted)
    assert (report.layer.texts, report.layer.skills) == (case.dataset.n_texts, len(case.indexed.skills))
    learned = {skill for skill, _, _ in wanted}
    novel: dict[str, int] = dict.fromkeys(case.indexed.text_ids.to_pylist(), 0)
    for text, skill in zip(*(case.dataset.requirements[c].to_pylist() for c in ("text", "skill")), strict=True):
        novel[text] += skill not in learned
    counts = list(novel.values())
    assert report.novel_skills == {n: counts.count(n) for n in sorted(set(counts))}
    return report


def check_components(session: Any, case: Case, learned: Path, folder: Path, rule: Any, **options: Any) -> None:
    skills = [row[0] for row in rows(learned, "skills")]
    run = SparkRun(case.folder, str(folder), session=session, **options)
    report = components_on_spark(run, str(learned), name="layer", rule=rule)
    wanted = case.components(skills, rule)
    assert dict(rows(folder, "components")) == wanted
    assert report.components == len(set(wanted.values()))
    assert report.giant == sum(component == 0 for component in wanted.values())


def check_associations(session: Any, case: Case, learned: Path, folder: Path, rule: Any, **limits: Any) -> None:
    skills = [row[0] for row in rows(learned, "skills")]
    work, block_edges = limits.pop("work", None), limits.pop("block_edges", 400)
    run = SparkRun(case.folder, str(folder), work, block_edges=block_edges, session=session)
    report = associate_on_spark(run, str(learned), name="layer", rule=rule, **limits)
    assert rows(folder, "associations") == case.associations(skills, rule, **limits)
    assert report.pairs == len(case.associations(skills, rule, max_text_skills=limits.get("max_text_skills")))
    assert dict(rows(folder, "components")) == case.components(skills, rule)
