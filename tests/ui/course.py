"""A small course for the tests of layers, classes and hierarchy: prerequisites, parts, two corpora, outcomes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from explorer.service import associate, learn
from explorer.service.evidence import evidence
from explorer.store.opening import open_store
from loaders.dataset import Dataset, build_dataset

LEVELS = (12, 10, 8, 6)
BLOCKER = "s0-11"
"""No text teaches it, so that what builds on it is blocked."""


def skills() -> list[str]:
    """Skills s<level>-<number>."""
    return [f"s{level}-{i:02d}" for level, n in enumerate(LEVELS) for i in range(n)]


def prerequisites() -> list[tuple[str, str]]:
    """Each skill above the first level needs two of the level below; two of the second level need the blocker."""
    pairs = []
    for level in range(1, len(LEVELS)):
        for i in range(LEVELS[level]):
            below = LEVELS[level - 1] - (1 if level == 1 else 0)
            pairs += [(f"s{level - 1}-{k % below:02d}", f"s{level}-{i:02d}") for k in (i, i + 1)]
    return sorted({*pairs, (BLOCKER, "s1-00"), (BLOCKER, "s1-01")})


def course(seed: int = 2) -> Dataset:
    """Texts of two parts and three classes, most with one skill, and two models with outcomes on them."""
    rng = np.random.default_rng(seed)
    names = [s for s in skills() if s != BLOCKER]
    texts: list[tuple[str, str, str, list[str]]] = []
    for part, n in (("basics", 90), ("advanced", 90)):
        pool = [s for s in names if (s[1] in "01") == (part == "basics")] if part == "basics" else names
        for i in range(n):
            chosen = sorted(set(rng.choice(pool, 1 + i % 3).tolist()))
            texts.append((f"{part[0]}{i:03d}", part, ("lecture", "exercise", "exam")[i % 3], chosen))
    texts.append(("b999", "basics", "exam", [BLOCKER, "s3-00"]))
    mastered = {"base": set(names[:18]), "tuned": {*names[4:18], *names[20:30]}}
    attempts = [
        (model, text, float((set(needs) <= known and rng.random() > 0.05) or rng.random() < 0.05))
        for model, known in mastered.items()
        for text, _, _, needs in texts
    ]
    links = prerequisites()
    return build_dataset(
        "course",
        texts=pa.table(
            {
                "id": [t[0] for t in texts],
                "part": [t[1] for t in texts],
                "class": [t[2] for t in texts],
            }
        ),
        skills=pa.table(
            {
                "id": [*skills(), "all", "early", "late"],
                "name": [f"skill {s}" for s in skills()] + ["everything", "early skills", "late skills"],
                "class": [("knowing", "doing")[i % 2] for i in range(sum(LEVELS))] + [None] * 3,
            }
        ),
        requirements=pa.table(
            {"text": [t[0] for t in texts for _ in t[3]], "skill": [s for t in texts for s in t[3]]},
        ),
        prerequisites=pa.table({"prerequisite": [a for a, _ in links], "skill": [b for _, b in links]}),
        part_of=pa.table(
            {
                "child": [*skills(), "early", "late"],
                "parent": ["early" if s[1] in "01" else "late" for s in skills()] + ["all", "all"],
            }
        ),
        models=pa.table({"id": ["base", "tuned"], "base": [None, "base"]}),
        attempts=pa.table(
            {
                "model": [a[0] for a in attempts],
                "text": [a[1] for a in attempts],
                "score": [a[2] for a in attempts],
            }
        ),
        provenance={"source": "synthetic", "seed": seed},
    )


def fill(path: Path) -> None:
    """Write the course with a foundation, a layer on top of it, and an evidence layer of each model."""
    store = open_store(path, mode="write")
    store.write_dataset(course())
    learn(store, "course", name="foundation", parts=["basics"])
    associate(store, "course", "foundation")
    learn(store, "course", name="continued", parts=["advanced"], base="foundation", mode="continued")
    associate(store, "course", "continued")
    evidence(store, "course", fit="dina")
    store.close()
