"""Frames of pandas in and out; they run in .venv-docs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

import explorer as sg
from loaders.errors import DataError

EDGES = [("t1", "a"), ("t2", "a"), ("t2", "b"), ("t3", "b"), ("t3", "c")]
FRAME = pd.DataFrame(EDGES, columns=["text", "skill"])


@pytest.mark.parametrize(
    "frame",
    [
        FRAME,
        FRAME.astype("category"),
        FRAME.astype("string"),
        FRAME.set_index(np.arange(5) * 7),
        FRAME.groupby("text", as_index=False).agg({"skill": list}),
        FRAME.assign(weight=1.0),
    ],
    ids=["objects", "categories", "strings", "an index of its own", "lists", "weights"],
)
def test_frames_of_pandas(frame: pd.DataFrame) -> None:
    made, expected = sg.Graph.from_pandas(frame).dataset, sg.Graph.from_edges(EDGES).dataset
    for name in ("texts", "skills", "requirements"):
        assert made.tables()[name].equals(expected.tables()[name]), name


def test_what_comes_out_are_frames() -> None:
    graph = sg.Graph.from_pandas(FRAME, skills=pd.DataFrame({"id": ["a", "b", "c"], "level": [1, 2, 2]}))
    layer = graph.learn()
    again = sg.Graph.from_pandas(graph.to_pandas(), skills=graph.to_pandas("skills"), texts=graph.to_pandas("texts"))
    assert again.dataset.requirements.equals(graph.dataset.requirements)
    assert again.dataset.skills.equals(graph.dataset.skills)
    found = layer.predict().to_pandas()
    assert isinstance(found, pd.DataFrame)
    assert found.set_index("quantity").measured["learned"] == 1.0
    assert layer.to_pandas().wave.tolist() == [1, 2, 3]
    assert isinstance(layer.to_polars(), pl.DataFrame)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (FRAME.assign(skill=["a", None, "b", "b", "c"]), "row 2: 'skill' is empty"),
        (pd.DataFrame({"text": [1, None], "skill": ["a", "b"]}), "row 2: 'text' is empty"),
        (pd.DataFrame({"text": [1.5], "skill": ["a"]}), "ids are text or integers"),
        (pd.DataFrame({"text": ["t", 1], "skill": ["a", "b"]}), "several types"),
        (FRAME["text"], "a DataFrame of pandas is expected, not Series"),
        (FRAME.rename(columns={"text": "item"}), "no column 'text'"),
    ],
)
def test_wrong_frames_are_one_sentence(frame: pd.DataFrame, said: str) -> None:
    with pytest.raises(DataError, match=said):
        sg.Graph.from_pandas(frame)
