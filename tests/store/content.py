"""Datasets, layers and associations to store: random ones that hold anything a store must take, and small ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from explorer.store.protocol import (
    ASSOCIATION_SCHEMA,
    LAYER_LACKS_SCHEMA,
    LAYER_SKILLS_SCHEMA,
    SOLVE_RATES,
    Layer,
    LayerInfo,
)
from loaders.dataset import Dataset, build_dataset
from loaders.errors import DataError
from loaders.names import check_given_name

__all__ = [
    "associations",
    "components",
    "datasets",
    "layer",
    "layers",
    "numbered_associations",
    "numbered_dataset",
    "numbered_layer",
    "small_dataset",
]

# Strings that some store or driver might take for something else.
_STRANGE = (
    "", " ", "  outer spaces ", "'", '"', "`", "\\", "\\'", "a\nb", "a\x00b", "\x7f", "é", "𝄞", "\u2028", "\ufeff",
    "null", "true", "1", "1.0", "NaN", "[1, 2]", '["a"]', "a", '{"a": 1}', "2020-01-01", "$p", "{id: 1}",
    "a/b", "..", "%s", "x" * 10_000,
)  # fmt: skip
_STRANGE_NAMES = (
    "title", "name", "type", "label", "labels", "node_type", "start", "end", "nodes", "relationships",
    "properties", "by", "value", "source", "a b", "a.b", "a`b", "`", "'", "é", "1a", "MATCH",
    "_", "id_", "-1", "x" * 200,
)  # fmt: skip

_text = st.sampled_from(_STRANGE) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_property_name = st.sampled_from(_STRANGE_NAMES) | st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs"]), min_size=1, max_size=6
)
_values: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.string(): _text,
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float64(): st.floats(allow_nan=False),
    pa.bool_(): st.booleans(),
}


def _may_be_given(name: str) -> bool:
    try:
        check_given_name(name, "dataset")
    except DataError:
        return False
    return True


_dataset_name = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/"), min_size=1, max_size=6
).filter(_may_be_given)
_provenance = st.dictionaries(
    _text,
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _text,
    max_size=3,
)


@st.composite
def _properties(draw: st.DrawFn, rows: int, taken: set[str]) -> dict[str, pa.Array]:
    """Up to three property columns, each possibly all null."""
    columns = {}
    for name in draw(st.lists(_property_name, max_size=3, unique=True)):
        if name not in {"key", "dataset", *taken} and not name.startswith("skillgraph_"):
            kind = draw(st.sampled_from(list(_values)))
            value = st.none() if draw(st.integers(0, 4)) == 0 else st.none() | _values[kind]
            columns[name] = pa.array(draw(st.lists(value, min_size=rows, max_size=rows)), kind)
    return columns


def _subset(draw: st.DrawFn, *sides: list[str]) -> list[tuple[str, ...]]:
    if not all(sides):
        return []
    return draw(st.lists(st.tuples(*map(st.sampled_from, sides)), max_size=8, unique=True))


@st.composite
def datasets(
    draw: st.DrawFn, name: st.SearchStrategy[str] = _dataset_name, avoid: frozenset[str] = frozenset()
) -> Dataset:
    """A dataset with anything in it; `avoid` are text ids it does not have."""
    ids = st.lists(_text, max_size=5, unique=True)
    texts, skills, models = [i for i in draw(ids) if i not in avoid], draw(ids), draw(ids)

    def column(values: st.SearchStrategy[Any], rows: list[str], kind: pa.DataType) -> pa.Array:
        return pa.array(draw(st.lists(st.none() | values, min_size=len(rows), max_size=len(rows))), kind)

    def table(rows: list[str], **columns: pa.Array) -> pa.Table:
        own = {"id": pa.array(rows, pa.string()), **columns}
        return pa.table(
            {**own, **draw(_properties(len(rows), {*own, "title", "name", "class", "part", "level", "role", "base"}))}
        )

    pairs = _subset(draw, texts, skills)
    ordered = {skill: place for place, skill in enumerate(draw(st.permutations(skills)))}
    links = [sorted({(a, b) for a, b in _subset(draw, skills, skills) if ordered[a] < ordered[b]}) for _ in range(2)]
    tried = _subset(draw, models, texts)
    return build_dataset(
        draw(name),
        texts=table(
            texts,
            title=column(_text, texts, pa.string()),
            part=column(st.sampled_from(["p", "q r", ""]), texts, pa.string()),
        ).append_column("class", column(_text, texts, pa.string())),
        skills=table(
            skills, name=column(_text, skills, pa.string()), level=column(st.integers(-5, 2**40), skills, pa.int64())
        ),
        requirements=pa.table(
            {
                "text": pa.array([a for a, _ in pairs], pa.string()),
                "skill": pa.array([b for _, b in pairs], pa.string()),
                "weight": pa.array([draw(st.floats(1e-300, 1e300)) for _ in pairs], pa.float64()),
            }
        ),
        prerequisites=pa.table({"prerequisite": [a for a, _ in links[0]], "skill": [b for _, b in links[0]]}).cast(
            pa.schema([("prerequisite", pa.string()), ("skill", pa.string())])
        ),
        part_of=pa.table({"child": [a for a, _ in links[1]], "parent": [b for _, b in links[1]]}).cast(
            pa.schema([("child", pa.string()), ("parent", pa.string())])
        ),
        models=table(
            models,
            role=column(_text, models, pa.string()),
            base=pa.array(
                [draw(st.none() | st.sampled_from(models[:i] or [None])) for i in range(len(models))], pa.string()
            ),
        ),
        attempts=pa.table(
            {
                "model": pa.array([a for a, _ in tried], pa.string()),
                "text": pa.array([b for _, b in tried], pa.string()),
                "score": pa.array([draw(st.floats(0, 1)) for _ in tried], pa.float64()),
            }
        ),
        provenance=draw(_provenance),
    )


@st.composite
def layers(draw: st.DrawFn, dataset: Dataset, name: str = "layer") -> Layer:
    """A layer of some skills of a dataset, without base."""
    texts, skills = dataset.texts["id"].to_pylist(), dataset.skills["id"].to_pylist()
    chosen = sorted(draw(st.sets(st.sampled_from(skills)))) if skills else []
    teacher = st.none() | st.sampled_from(texts) if texts else st.none()
    rows = [
        {
            "skill": skill,
            "wave": draw(st.integers(0, 2**31 - 1)),
            "by": draw(teacher),
            "component": draw(st.none() | st.integers(0, 2**31 - 1)),
            "mastery": draw(st.none() | st.floats(0, 1)),
            **{name: draw(st.none() | st.floats(0, 1)) for name in SOLVE_RATES},
        }
        for skill in chosen
    ]
    info = LayerInfo(
        dataset=dataset.name,
        name=name,
        kind=draw(st.sampled_from(["foundation", "evidence"])),
        learner=draw(_text),
        texts=draw(st.integers(0, 2**63 - 1)),
        skills=draw(st.integers(0, 2**63 - 1)),
        learned=len(rows),
        waves=draw(st.integers(0, 2**31)),
        mode=draw(st.none() | _text),
        parts=tuple(sorted(draw(st.sets(_text, max_size=3)))),
        seed=draw(st.none() | st.integers(-(2**63), 2**63 - 1)),
        parameters=draw(_provenance) | draw(st.dictionaries(_text, st.lists(_text, max_size=3).map(tuple), max_size=2)),
        graph_parts=draw(st.none() | st.sets(_text, max_size=3).map(lambda parts: tuple(sorted(parts)))),
        made_from=draw(st.dictionaries(_text, _text, max_size=3)),
        vanished=draw(st.lists(_text, max_size=2).map(tuple)),
        association_options=draw(_provenance),
        versions=draw(st.dictionaries(_text, _text, max_size=3)),
        created_at=draw(_text),
    )
    lacks = LAYER_LACKS_SCHEMA.empty_table()
    if draw(st.booleans()):
        learned = {row["skill"] for row in rows}
        missing = [
            {
                "skill": skill,
                "reason": draw(st.sampled_from(["together", "unused"])),
                "text": draw(st.none() | st.sampled_from(texts)) if texts else None,
                "novel": draw(st.none() | st.integers(1, 2**31 - 1)),
                "component": draw(st.none() | st.integers(0, 2**31 - 1)),
                "group": draw(st.none() | st.integers(0, 2**31 - 1)),
                "mastery": draw(st.none() | st.floats(0, 1)),
                **{name: draw(st.none() | st.floats(0, 1)) for name in SOLVE_RATES},
            }
            for skill in sorted(set(dataset.skills["id"].to_pylist()) - learned)
        ]
        lacks = pa.Table.from_pylist(missing, schema=LAYER_LACKS_SCHEMA)
        info = replace(info, lacks=len(missing))
    return Layer(info, pa.Table.from_pylist(rows, schema=LAYER_SKILLS_SCHEMA), lacks)


def small_dataset(name: str = "d") -> Dataset:
    """Four texts in two parts, five skills in two classes, one of them required by none."""
    return build_dataset(
        name,
        texts=pa.table(
            {
                "id": ["t1", "t2", "t3", "t4"],
                "title": ["one", "two", "three", "four"],
                "class": ["loops", "loops", "calls", None],
                "part": ["base", "base", "base", "domain"],
                "line": pa.array([1, 20, None, 3], pa.int64()),
            }
        ),
        skills=pa.table(
            {
                "id": ["for", "if", "print", "sum", "unused"],
                "name": ["for loop", "if statement", "print", "sum", "unused"],
                "class": ["syntax", "syntax", "builtin", "builtin", None],
                "level": pa.array([1, 1, 2, 2, None], pa.int64()),
            }
        ),
        requirements=pa.table(
            {
                "text": ["t1", "t2", "t2", "t3", "t3", "t3", "t4", "t4"],
                "skill": ["for", "for", "if", "for", "if", "print", "print", "sum"],
                "weight": [1.0, 2.0, 1.0, 1.0, 1.0, 3.0, 1.0, 1.0],
            }
        ),
        prerequisites=pa.table({"prerequisite": ["for"], "skill": ["sum"]}),
        part_of=pa.table({"child": ["print", "sum"], "parent": ["unused", "unused"]}),
        models=pa.table({"id": ["base-model", "tuned"], "role": ["base", "fine-tuned"], "base": [None, "base-model"]}),
        attempts=pa.table({"model": ["tuned", "base-model"], "text": ["t1", "t1"], "score": [1.0, 0.25]}),
        provenance={"source": "written by hand", "texts skipped": 2},
    )


def layer(name: str, learned: dict[str, int], dataset: str = "d", **info: Any) -> Layer:
    """A layer of `small_dataset`: skills with the wave of each, all taught by text t1 from wave 1 on."""
    given: dict[str, Any] = {"kind": "foundation", "learner": "one", "texts": 4, "skills": 4, "waves": 3, **info}
    rows = [{"skill": skill, "wave": wave, "by": "t1" if wave else None} for skill, wave in sorted(learned.items())]
    return Layer(
        LayerInfo(dataset=dataset, name=name, learned=len(rows), **given),
        pa.Table.from_pylist(rows, schema=LAYER_SKILLS_SCHEMA),
    )


def associations(*pairs: tuple[str, str, int]) -> pa.Table:
    """Associations from (source, target, weight)."""
    rows = [dict(zip(ASSOCIATION_SCHEMA.names, pair, strict=True)) for pair in sorted(pairs)]
    return pa.Table.from_pylist(rows, schema=ASSOCIATION_SCHEMA)


def components(**numbers: int) -> pa.Table:
    """Components by skill."""
    return pa.table({"skill": list(numbers), "component": pa.array(numbers.values(), pa.int32())})


# Content that tells its number ------------------------------------------------------------------------------


def numbered_dataset(number: int, size: int = 400) -> Dataset:
    """A dataset whose every part depends on `number`."""
    texts = [f"t{i:05d}" for i in range(size + number % 7)]
    skills = [f"s{i:04d}" for i in range(size // 4)]
    pairs = sorted({(i, (i * k + number) % len(skills)) for i in range(len(texts)) for k in (1, 7, 13, 29)})
    return build_dataset(
        "numbered",
        texts=pa.table({"id": texts, "title": [f"text {i} of {number}" for i in range(len(texts))]}),
        skills=pa.table({"id": skills, "number": pa.array([number] * len(skills), pa.int64())}),
        requirements=pa.table({"text": [texts[a] for a, _ in pairs], "skill": [skills[b] for _, b in pairs]}),
        provenance={"number": number},
    )


def numbered_layer(number: int, size: int = 400) -> Layer:
    """A layer on `numbered_dataset(number)`."""
    skills = numbered_dataset(number, size).skills["id"].to_pylist()[: size // 8 + number % 5]
    rows = [{"skill": skill, "wave": 1 + (i + number) % 9, "by": "t00001"} for i, skill in enumerate(skills)]
    info = LayerInfo(
        "numbered", "layer", "foundation", "one", size, size // 4, len(rows), 9, parameters={"number": number}
    )
    return Layer(info, pa.Table.from_pylist(rows, schema=LAYER_SKILLS_SCHEMA))


def numbered_associations(number: int, size: int = 400) -> tuple[pa.Table, pa.Table]:
    """Associations and components on `numbered_layer(number)`."""
    skills = numbered_layer(number, size).skills["skill"].to_pylist()
    pairs = [(a, b, 1 + number) for i, a in enumerate(skills) for b in skills[i + 1 : i + 5]]
    numbers = pa.array([(i + number) % 3 for i in range(len(skills))], pa.int32())
    return associations(*pairs), pa.table({"skill": skills, "component": numbers})
