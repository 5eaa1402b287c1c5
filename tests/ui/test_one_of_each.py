"""What is said of a layer in which there is one of most things."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from dash.development.base_component import Component

from explorer.service import associate, learn
from explorer.store.opening import open_store
from loaders.dataset import build_dataset
from ui.calls import Cause
from ui.pages import PAGES
from ui.pages.graph import callbacks as graph
from ui.source import Source

SUBJECT = {"dataset": "few", "layer": "all"}
WRONG = re.compile(
    r"(?<![\d.,])1 (?:\w+ )?"
    r"(?:skills|texts|associations|waves|groups|classes|components|communities|layers|lines|discs|models|pairs|rows)\b"
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    path = tmp_path_factory.mktemp("few") / "few.kgl"
    store = open_store(path, mode="write")
    store.write_dataset(
        build_dataset(
            "few",
            texts=pa.table({"id": ["t", "u"], "class": ["only", "only"]}),
            skills=pa.table({"id": ["a", "b"], "class": ["only", "only"]}),
            requirements=pa.table({"text": ["t", "u", "u"], "skill": ["a", "a", "b"]}),
        )
    )
    learn(store, "few", name="all")
    associate(store, "few", "all")
    store.close()
    found = Source(path)
    yield found
    found.close()


def words(shown: Any) -> Iterator[str]:
    """Each piece of text in what a page or a callback gives; a tag's own pieces together."""
    if isinstance(shown, str):
        yield shown
    elif isinstance(shown, dict):
        for value in shown.values():
            yield from words(value)
    elif isinstance(shown, list | tuple):
        for value in shown:
            yield from words(value)
    elif isinstance(shown, Component):
        yield from words(list(shown.to_plotly_json()["props"].values()))


def test_pages_say_one_skill_and_not_one_skills(source: Source) -> None:
    snapshot = source.snapshot()
    said = [text for page in PAGES for text in words(page.layout(snapshot, SUBJECT))]
    for view in ("skills", "groups", "neighbours", "texts"):
        state = {"view": view, "around": "b" if view in ("neighbours", "texts") else "", "by": "class"}
        said += words(graph.draw(source, Cause("g-state"), state, "class", "name", None, SUBJECT))
        opened = {**state, "open": "0"}
        said += words(graph.draw(source, Cause("g-state"), opened, "class", "name", None, SUBJECT))
    said += words(graph.chart(source, {"view": "map", "skill": "b"}, SUBJECT)[1:])
    for skill in (None, "a", "b"):
        said += words(graph.inspect(source, skill, None, SUBJECT))
    assert len(said) > 1_000
    assert not [text for text in said if WRONG.search(text)]
    assert any("1 association" in text for text in said)
