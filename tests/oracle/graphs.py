"""Small random graphs of the store's schema, with repeated values, gaps and parallel associations."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from explorer.store.protocol import LAYER_SKILLS_SCHEMA, Layer, LayerInfo, Store
from loaders.dataset import Dataset, build_dataset
from tests.store.content import associations

__all__ = ["fill"]


def _some(rng: np.random.Generator, values: list[object], size: int, missing: float = 0.2) -> list[object]:
    return [None if rng.random() < missing else values[rng.integers(len(values))] for _ in range(size)]


def random_dataset(seed: int) -> Dataset:
    """A dataset of about ten texts and ten skills."""
    rng = np.random.default_rng(seed)
    texts = [f"t{i}" for i in range(int(rng.integers(5, 12)))]
    skills = [f"s{i}" for i in range(int(rng.integers(5, 11)))]
    pairs = [(t, s) for t in texts for s in skills if rng.random() < 0.25]
    links = [(a, b) for i, a in enumerate(skills) for b in skills[i + 1 :] if rng.random() < 0.12]
    models = ["m0", "m1", "m2"]
    tried = [(m, t) for m in models for t in texts if rng.random() < 0.6]
    return build_dataset(
        "d",
        texts=pa.table(
            {
                "id": texts,
                "title": pa.array(_some(rng, ["Sort a list", "sum", "é and Z", "a,b", ""], len(texts)), pa.string()),
                "class": pa.array(_some(rng, ["loops", "calls"], len(texts)), pa.string()),
                "part": pa.array(_some(rng, ["base", "domain"], len(texts), 0), pa.string()),
                "line": pa.array(_some(rng, [1, 2, 3, -7, 40], len(texts)), pa.int64()),
                "difficulty": pa.array(_some(rng, [0.5, 1.0, 2.5, -1.5, 1e-4, 3e8], len(texts)), pa.float64()),
                "done": pa.array(_some(rng, [True, False], len(texts)), pa.bool_()),
            }
        ),
        skills=pa.table(
            {
                "id": skills,
                "name": pa.array(_some(rng, ["sort", "loop", "Sum", "ä"], len(skills), 0), pa.string()),
                "class": pa.array(_some(rng, ["syntax", "builtin", "api"], len(skills)), pa.string()),
                "level": pa.array(_some(rng, [1, 2, 3], len(skills)), pa.int64()),
            }
        ),
        requirements=pa.table(
            {
                "text": [t for t, _ in pairs],
                "skill": [s for _, s in pairs],
                "weight": [float(rng.integers(1, 4)) for _ in pairs],
            }
        ),
        prerequisites=pa.table({"prerequisite": [a for a, _ in links[::2]], "skill": [b for _, b in links[::2]]}),
        part_of=pa.table({"child": [a for a, _ in links[1::2]], "parent": [b for _, b in links[1::2]]}),
        models=pa.table({"id": models, "role": ["base", "fine-tuned", None], "base": [None, "m0", "m0"]}),
        attempts=pa.table(
            {
                "model": [m for m, _ in tried],
                "text": [t for _, t in tried],
                "score": [float(rng.integers(0, 5)) / 4 for _ in tried],
            }
        ),
        provenance={"source": "random"},
    )


def fill(store: Store, seed: int) -> None:
    """Put a random dataset, a foundation, a fine-tuned layer and their associations into an empty store."""
    rng = np.random.default_rng([seed, 1])
    dataset = random_dataset(seed)
    texts, skills = dataset.texts["id"].to_pylist(), dataset.skills["id"].to_pylist()
    store.write_dataset(dataset)
    for name, base, share in (("foundation", None, 0.7), ("tuned", "foundation", 0.8)):
        learned = sorted(skill for skill in skills if rng.random() < share)
        rows = []
        for skill in learned:
            wave = int(rng.integers(0, 4))
            rows.append({"skill": skill, "wave": wave, "by": texts[rng.integers(len(texts))] if wave else None})
        info = LayerInfo(
            dataset="d",
            name=name,
            kind="fine-tuned" if base else "foundation",
            learner="one",
            base=base,
            texts=len(texts),
            skills=len(skills),
            learned=len(rows),
            waves=3,
        )
        store.write_layer(Layer(info, pa.Table.from_pylist(rows, schema=LAYER_SKILLS_SCHEMA)))
        pairs = [
            (a, b, int(rng.integers(1, 4)))
            for i, a in enumerate(learned)
            for b in learned[i + 1 :]
            if rng.random() < 0.3
        ]
        numbers = pa.table({"skill": learned, "component": pa.array([0] * len(learned), pa.int32())})
        store.write_associations("d", name, associations(*pairs), rule="any", components=numbers)
