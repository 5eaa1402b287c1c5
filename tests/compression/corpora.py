"""Random corpora, and how a file is made of one and read back."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from analysis.graph import SkillTextGraph
from explorer.sgc import Codebook, DecodedText, SgcReader, SgcWriter, TextRecord

# Fixed examples: a failure is one for everybody.
fixed = settings(max_examples=120, derandomize=True, deadline=None)

# what a store can hold: any string without lone surrogates
ids = st.text(st.characters(codec="utf-8"), max_size=6)


def record(ident: str, skills: Sequence[str], text: str | None = None, *, ascii_only: bool = False) -> TextRecord:
    value = {"id": ident, "skills": list(skills)} | ({} if text is None else {"text": text})
    line = json.dumps(value, ensure_ascii=ascii_only).encode()
    return TextRecord(ident, tuple(skills), line, None if text is None else text.encode())


@st.composite
def corpora(draw: st.DrawFn) -> tuple[tuple[str, ...], list[TextRecord]]:
    """Learned skills and texts; lists of skills in any order, with repeats and skills that are not learned."""
    learned = draw(st.sets(ids, max_size=12))
    others = draw(st.sets(ids, max_size=3))
    pool = sorted(learned | others)
    lists = st.lists(st.sampled_from(pool), max_size=10) if pool else st.just([])
    known = st.lists(st.sampled_from(sorted(learned)), max_size=10) if learned else st.just([])
    texts = draw(
        st.lists(st.builds(record, ids, lists | known, st.none() | ids, ascii_only=st.booleans()), max_size=25)
    )
    return tuple(sorted(learned)), texts


@st.composite
def codebooks(draw: st.DrawFn, learned: Sequence[str]) -> Codebook:
    """Any weights, also such that do not fit the texts."""
    sizes = np.array(draw(st.lists(st.integers(0, 6), max_size=5)), dtype=np.int64)
    uses = np.array(draw(st.lists(st.integers(0, 10**6), min_size=len(learned), max_size=len(learned))), dtype=np.int64)
    return Codebook.from_counts(learned, sizes, draw(st.sampled_from([None, uses])))


def written(codebook: Codebook, records: Sequence[TextRecord], **options: object) -> bytes:
    stream = io.BytesIO()
    writer = SgcWriter(stream, codebook, **options)  # type: ignore[arg-type]
    for item in records:
        writer.write(item)
    writer.close()
    data = stream.getvalue()
    assert len(data) == writer.header_bytes + writer.sections.total + writer.end_bytes
    return data


def read_back(data: bytes, learned: Sequence[str]) -> list[DecodedText]:
    reader = SgcReader(io.BytesIO(data), "file.sgc")
    codebook = reader.header.codebook(learned, layer="mine")
    return [text for block in reader.blocks(codebook) for text in block]


def poisson_graph(rng: np.random.Generator, n_texts: int, n_skills: int, c: float) -> SkillTextGraph:
    """Poisson(c) skills a text, uniform with replacement; a repeat is one edge."""
    text = np.repeat(np.arange(n_texts), rng.poisson(c, n_texts))
    return SkillTextGraph.from_edges(text, rng.integers(0, n_skills, len(text)), n_texts, n_skills)


def records_of(graph: SkillTextGraph, names: Sequence[str]) -> list[TextRecord]:
    """The texts of a graph as lines."""
    bounds = graph.text_ptr.tolist()
    return [
        record(f"t{t}", [names[s] for s in graph.text_skills[bounds[t] : bounds[t + 1]]]) for t in range(graph.n_texts)
    ]
