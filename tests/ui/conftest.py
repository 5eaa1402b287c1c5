"""A small store for the tests of the front end, made with the real embedded store and the real use cases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from explorer.service import associate, layer_view, learn
from explorer.store.opening import open_store
from explorer.store.protocol import Store
from loaders.dataset import Dataset, build_dataset
from ui.drawing.graphs import LayerGraph, layer_graph

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
CLASSES = ("alpha", "beta", "<b>gamma</b>")


def small_dataset(seed: int = 5) -> Dataset:
    """Basic skills that single-skill texts start off, domain skills on top, and a skill that bears a script."""
    rng = np.random.default_rng(seed)
    basic = [f"b{i:02d}" for i in range(40)]
    domain = [f"d{i:02d}" for i in range(25)]
    texts: list[tuple[str, str, str, list[str]]] = []
    for i in range(75):
        size = 2 + int(rng.poisson(1.0)) if i > 7 else 1
        texts.append((f"f{i:03d}", "base", f"kind {i % 3}", sorted(set(rng.choice(basic, size).tolist()))))
    for i in range(50):
        chosen = {*rng.choice(basic, 1).tolist(), *rng.choice(domain, 1 + i % 2).tolist()}
        texts.append((f"g{i:03d}", "domain", f"kind {i % 3}", sorted(chosen)))
    texts += [(f"h{i}", "base", "kind 0", ["u0", "u1"]) for i in range(3)]  # never learned one at a time
    skills = [*basic, *domain, "u0", "u1"]
    return build_dataset(
        "small",
        texts=pa.table(
            {
                "id": [t[0] for t in texts],
                "title": [f"text {t[0]}" for t in texts],
                "class": [t[2] for t in texts],
                "part": [t[1] for t in texts],
            }
        ),
        skills=pa.table(
            {
                "id": [*skills, "group-0", "group-1"],
                "name": [HOSTILE if s == "b00" else f"skill {s}" for s in skills] + ["group 0", "group 1"],
                "class": [CLASSES[i % 3] for i in range(len(skills))] + [None, None],
            }
        ),
        requirements=pa.table(
            {
                "text": [t[0] for t in texts for _ in t[3]],
                "skill": [s for t in texts for s in t[3]],
            }
        ),
        part_of=pa.table({"child": skills, "parent": [f"group-{i % 2}" for i in range(len(skills))]}),
        provenance={"source": "synthetic", "seed": seed},
    )


def fill(path: Path) -> None:
    """A store in a file with the dataset, a foundation and a fine-tuned layer."""
    store = open_store(path, mode="write")
    fill_store(store)
    store.close()


def fill_store(store: Store) -> None:
    """Write the dataset with a foundation and a fine-tuned layer."""
    store.write_dataset(small_dataset())
    learn(store, "small", name="foundation", parts=["base"], known=["b00"])
    associate(store, "small", "foundation")
    learn(store, "small", name="tuned", parts=["domain"], base="foundation", mode="continued")
    associate(store, "small", "tuned")


@pytest.fixture(scope="session")
def store_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ui") / "small.kgl"
    fill(path)
    return path


@pytest.fixture(scope="session")
def small_graph(store_path: Path) -> LayerGraph:
    store = open_store(store_path, mode="read")
    return layer_graph(store, layer_view(store, "small", "tuned"))
