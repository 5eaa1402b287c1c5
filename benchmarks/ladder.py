"""The ladder of null models on graphs of a million requirements: python -m benchmarks.ladder.

One is drawn at random, of common skills and the rare ones of topics; the other is a real one ten times over: the
functions of the standard library of the Python that runs this, as the demo reads them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks import harness
from explorer.service.ladder import explain
from explorer.service.learning import learn
from explorer.service.stages import Training, layer_training
from explorer.store.opening import open_store
from loaders.dataset import Dataset, build_dataset
from loaders.python_source import load_python_source


def topics(requirements: int, seed: int = 0) -> Dataset:
    """Texts of about six skills: common ones by Zipf's law, and up to three of the rare ones of a topic."""
    rng = np.random.default_rng(seed)
    texts = requirements // 5
    n_topics = max(texts // 40, 1)
    topic = rng.integers(0, n_topics, texts)
    common, own = rng.integers(1, 9, texts), rng.integers(0, 4, texts)
    text = np.concatenate([np.repeat(np.arange(texts), common), np.repeat(np.arange(texts), own)])
    shared = np.minimum(rng.zipf(1.3, common.sum()), 2_000)
    rare = 2_001 + np.repeat(topic, own) * 8 + np.minimum(rng.geometric(0.35, own.sum()), 8) - 1
    pairs = np.unique(text.astype(np.int64) * (2_001 + 8 * n_topics) + np.concatenate([shared, rare]))
    text, skill = pairs // (2_001 + 8 * n_topics), pairs % (2_001 + 8 * n_topics)
    used = np.unique(skill)
    names = np.char.add("s", np.char.zfill(used.astype(str), 7))
    return build_dataset(
        "topics",
        texts=pa.table({"id": np.char.add("t", np.char.zfill(np.arange(texts).astype(str), 7)).tolist()}),
        skills=pa.table({"id": names.tolist(), "topic": np.where(used <= 2_000, -1, (used - 2_001) // 8)}),
        requirements=pa.table(
            {
                "text": np.char.add("t", np.char.zfill(text.astype(str), 7)).tolist(),
                "skill": names[np.searchsorted(used, skill)].tolist(),
            }
        ),
    )


def libraries(requirements: int) -> Dataset:
    """As many copies of the standard library's functions as make so many requirements, ten of 96,000 for a million."""
    one = load_python_source(["stdlib"], name="libraries", part="stdlib", min_uses=1)
    copies = max(1, round(requirements / one.n_requirements))

    def named(table: pa.Table, columns: Sequence[str]) -> pa.Table:
        tables = []
        for copy in range(copies):
            part = table
            for name in columns:
                ids = pc.binary_join_element_wise(pa.scalar(str(copy)), part[name].cast(pa.string()), "#")
                part = part.set_column(part.column_names.index(name), name, ids)
            tables.append(part)
        return pa.concat_tables(tables)

    return build_dataset(
        "libraries",
        texts=named(one.texts, ["id"]),
        skills=named(one.skills, ["id"]),
        requirements=named(one.requirements.select(["text", "skill"]), ["text", "skill"]),
    )


def main() -> None:
    options = harness.arguments(__doc__, requirements=(1e6, "requirements of each graph"))
    report = harness.Report("Ladder of null models")
    with tempfile.TemporaryDirectory() as folder:
        _measure(report, topics(2_000), Path(folder))  # compiles
        report.tables.clear()
        report.targets.clear()
        for dataset in (topics(int(options.requirements)), libraries(int(options.requirements))):
            _measure(report, dataset, Path(folder))
    harness.finish(report, options)


def _measure(report: harness.Report, dataset: Dataset, folder: Path) -> None:
    store = open_store(folder / f"{dataset.name}-{dataset.n_requirements}.kgl", mode="write")
    store.write_dataset(dataset)
    learn(store, dataset.name, name="all")
    begun = time.process_time()
    found = explain(store, dataset.name, "all", graphs=0)
    seconds = time.process_time() - begun
    view = layer_training(store, dataset.name, "all")
    costs = [_cost(view, rung.name, rung.types) for rung in found.rungs]
    store.close()
    rows = [
        [rung.name, f"{rung.types:,}" if rung.types else "–", f"{rung.learned:.3f}", cost]
        for rung, cost in zip(found.rungs, costs, strict=True)
    ]
    rows.append(["this layer", "–", f"{found.measured:.3f}", ""])
    note = (
        "The last column is for as many types, drawn at random, as the rung has: what a prediction costs depends "
        f"on their number. All rungs together, with features, both searches and held-out texts: {seconds:.1f} CPU s."
    )
    title = f"{dataset.name}: {found.requirements:,} requirements, {found.texts:,} texts, {found.skills:,} skills"
    report.tables.append(harness.Table(title, ["keeps", "types", "learned", "one prediction, CPU s"], rows, note))
    report.at_most(f"ladder on {found.requirements:,} requirements ({dataset.name})", seconds, 10.0, "CPU s")


def _cost(training: Training, name: str, types: int | None) -> str:
    """CPU seconds of one prediction with as many types, drawn at random."""
    if not types:
        return "–"
    skills = training.graph.n_skills
    labels = np.arange(skills) if types >= skills else np.random.default_rng(0).permutation(skills) % types
    begun = time.process_time()
    training.predict(labels, poisson=name == "text sizes")
    return f"{time.process_time() - begun:.2f}"


if __name__ == "__main__":
    main()
