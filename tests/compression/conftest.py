"""A store with a small corpus and three layers, and its texts as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from explorer import service
from explorer.store.opening import open_store
from explorer.store.protocol import Store
from loaders.dataset import build_dataset

SKILLS = [f"basic {i:02d}" for i in range(40)] + [f"domain {i:02d}" for i in range(20)]
N_BASIC, N_DOMAIN = 300, 150


def _dataset() -> tuple[pa.Table, pa.Table, pa.Table]:
    """Basic texts need basic skills, domain texts both; every fifth text needs a skill of its own."""
    rng = np.random.default_rng(11)
    texts: list[dict[str, str]] = []
    requirements: list[dict[str, str]] = []
    skills = list(SKILLS)
    for number in range(N_BASIC + N_DOMAIN):
        domain = number >= N_BASIC
        ident = f"{'domain' if domain else 'basic'}/{number:03d}"
        needs = set(rng.integers(0, 40, rng.integers(0, 5)).tolist())
        needs |= set((40 + rng.integers(0, 20, rng.integers(0, 3))).tolist()) if domain else set()
        names = [SKILLS[s] for s in needs]
        if number % 5 == 0:
            own = [f"own {number:03d} {i}" for i in range(2)]
            skills += own
            names += own
        texts.append(
            {"id": ident, "part": "domain" if domain else "basic", "text": f"Text {number}: " + "word " * number}
        )
        requirements += [{"text": ident, "skill": name} for name in names]
    return pa.Table.from_pylist(texts), pa.table({"id": skills}), pa.Table.from_pylist(requirements)


@pytest.fixture(scope="session")
def store_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compression") / "small.kgl"
    texts, skills, requirements = _dataset()
    opened = open_store(str(path), mode="write")
    opened.write_dataset(build_dataset("small", texts=texts, skills=skills, requirements=requirements))
    service.learn(opened, "small", name="foundation", parts=["basic"])
    service.learn(opened, "small", name="tuned", parts=["domain"], base="foundation")
    service.learn(opened, "small", name="twin", parts=["basic"])
    opened.close()
    return path


@pytest.fixture(scope="session")
def store(store_path: Path) -> Iterator[Store]:
    opened = open_store(str(store_path), mode="read")
    yield opened
    opened.close()


@pytest.fixture
def texts_file(tmp_path: Path, store: Store) -> Path:
    """All texts in another order, skills shuffled."""
    from explorer.service.compression import dataset_texts

    rng = np.random.default_rng(12)
    lines = []
    for item in dataset_texts(store, "small"):
        value = json.loads(item.line)
        rng.shuffle(value["skills"])
        lines.append(json.dumps(value) + "\n")
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(lines[i] for i in rng.permutation(len(lines))), encoding="utf-8")
    return path
