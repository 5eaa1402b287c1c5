"""The ladder of null models on a graph of a million requirements: python -m benchmarks.ladder."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from explorer.service.ladder import explain
from explorer.service.learning import learn
from explorer.store.opening import open_store
from loaders.dataset import Dataset, build_dataset


def topics(requirements: int, seed: int = 0) -> Dataset:
    """Texts of about six skills: common ones by Zipf's law, and up to three of the rare ones of a topic."""
    rng = np.random.default_rng(seed)
    texts = requirements // 6
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requirements", type=float, default=1e6)
    sizes = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for requirements in (2_000, int(sizes.requirements)):  # the first compiles
            store = open_store(Path(folder) / f"{requirements}.kgl", mode="write")
            store.write_dataset(topics(requirements))
            learn(store, "topics", name="all")
            begun = time.process_time()
            found = explain(store, "topics", "all", graphs=0)
            seconds = time.process_time() - begun
            store.close()
    print(
        f"{found.requirements:,} requirements, {found.skills:,} skills: {len(found.rungs)} rungs in {seconds:.1f} CPU s"
    )
    for rung in found.rungs:
        print(f"  {rung.name:16} {rung.types or '-':>8} types, learned {rung.learned:.3f}")
    print(f"  measured {found.measured:.3f}")


if __name__ == "__main__":
    main()
