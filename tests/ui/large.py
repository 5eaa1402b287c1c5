"""A layer of any number of skills in planted groups, for tests of what is drawn of very large graphs."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from analysis.association import associate
from explorer.arrays import index_dataset
from explorer.service import LayerView
from explorer.store.protocol import LayerInfo
from loaders.dataset import Dataset, build_dataset
from ui.drawing.graphs import LayerGraph


def large_dataset(n_skills: int, *, groups: int, seed: int = 0) -> Dataset:
    """One text a skill, which requires it and, but for every tenth, two more, mostly of the skill's own group."""
    rng = np.random.default_rng(seed)
    share = 1.0 / np.arange(1, groups + 1)
    group = np.sort(rng.choice(groups, n_skills, p=share / share.sum()))
    start = np.searchsorted(group, np.arange(groups + 1))
    size = np.diff(start)[group]
    texts_of, skills_of = [np.arange(n_skills)], [np.arange(n_skills)]
    more = np.flatnonzero(np.arange(n_skills) % 10 > 0)
    for _ in range(2):
        inside = start[group[more]] + (rng.random(len(more)) ** 2 * size[more]).astype(np.int64)
        texts_of.append(more)
        skills_of.append(np.where(rng.random(len(more)) < 0.9, inside, rng.integers(0, n_skills, len(more))))
    ids = np.array([f"s{i:06d}" for i in range(n_skills)], dtype=object)
    texts = np.array([f"t{i:06d}" for i in range(n_skills)], dtype=object)
    return build_dataset(
        "large",
        texts=pa.table({"id": texts}),
        skills=pa.table({"id": ids, "name": ids, "class": np.array([f"class {i % 5}" for i in range(n_skills)])}),
        requirements=pa.table({"text": texts[np.concatenate(texts_of)], "skill": ids[np.concatenate(skills_of)]}),
    )


def large_graph(n_skills: int, *, groups: int = 300, seed: int = 0) -> LayerGraph:
    """The graph of a layer that has learned every skill that a text requires, in waves 1 to 6."""
    indexed = index_dataset(large_dataset(n_skills, groups=groups, seed=seed))
    n = len(indexed.skills)
    info = LayerInfo("large", "all", "foundation", "one", texts=indexed.graph.n_texts, skills=n, learned=n, waves=6)
    nothing = np.full(n, -1, dtype=np.int32)
    wave = (1 + np.arange(n) % 6).astype(np.int32)
    taught = np.ones(indexed.graph.n_texts, dtype=bool)
    view = LayerView(info, indexed, taught, wave, nothing, nothing.copy(), np.full(n, np.nan))
    pairs = associate(indexed.graph, view.learned)
    names = indexed.skills.ids.to_pylist()
    return LayerGraph(
        view=view,
        skill=np.arange(n),
        name=tuple(names),
        skill_class=tuple(indexed.skill_column("class").to_pylist()),
        uses=indexed.graph.skill_degrees.astype(np.int64),
        wave=wave.astype(np.int64),
        component=nothing.astype(np.int64),
        source=pairs.source.astype(np.int64),
        target=pairs.target.astype(np.int64),
        weight=pairs.weight,
        stored=False,
    )
