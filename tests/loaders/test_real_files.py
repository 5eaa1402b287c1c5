"""Small inputs as many programs write them: each is read right or refused with the reason, never read wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

from loaders.dataset import Dataset
from loaders.errors import DataError
from loaders.formats import load

_NUMBERS = re.compile(r"t\.(\w+) > (\d+)")


def _cases(shared: Path) -> Iterator[Path]:
    yield from sorted(path.parent for path in (shared / "real-files").glob("*/case.json"))


def _load(command: list[str], folder: Path) -> Dataset:
    words = iter(command)
    options: dict[str, Any] = {}
    target = next(words)
    for word in words:
        if word == "--format":
            options["format"] = next(words)
        elif word == "--lenient":
            options["lenient"] = True
        else:
            name, _, value = next(words).partition("=")
            options[name] = value
    return load(target, name="x", **options).dataset


def _wrong(dataset: Dataset, expect: dict[str, Any]) -> list[str]:
    titles = dict(zip(*(dataset.texts[name].to_pylist() for name in ("id", "title")), strict=True))
    names = dict(zip(*(dataset.skills[name].to_pylist() for name in ("id", "name")), strict=True))
    rows = dataset.requirements.to_pylist()
    pairs = sorted([row["text"], row["skill"]] for row in rows)
    named = sorted([titles[row["text"]], names[row["skill"]]] for row in rows)
    scores = sorted([row["model"], row["text"], row["score"]] for row in dataset.attempts.to_pylist())
    found: dict[str, object] = {
        "counts": {"texts": dataset.n_texts, "skills": dataset.n_skills, "requirements": dataset.n_requirements},
        "pairs": pairs,
        "named": named,
        "scores": scores,
        "nscores": sorted(row[2] for row in scores),
    }
    wanted = dict(expect)
    for key in ("pairs", "named", "scores", "nscores"):
        if key in wanted:
            wanted[key] = sorted(wanted[key])
    wrong = [f"{key}: {found[key]}" for key in found if key in wanted and found[key] != wanted[key]]
    if "pairs" in expect and "scores" not in expect:
        texts = {text for text, _ in expect["pairs"]}
        if not len(texts) <= dataset.n_texts <= len(texts) + expect.get("alt_texts", 0):
            wrong.append(f"{dataset.n_texts} texts")
    if "weight" in expect and {row["weight"] for row in rows} != {expect["weight"]}:
        wrong.append(f"weights {rows}")
    if "query" in expect:
        match = _NUMBERS.search(expect["query"][0])
        assert match is not None, "a query that counts texts by a number"
        above = pc.sum(pc.greater(dataset.texts[match[1]], float(match[2]))).as_py()
        if above != expect["query"][1]:
            wrong.append(f"{expect['query'][0]}: {above}")
    return wrong


def test_each_is_read_right_or_refused_with_the_reason(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = []
    cases = list(_cases(shared))
    assert cases, "there are cases"
    for folder in cases:
        case = json.loads((folder / "case.json").read_text(encoding="utf-8"))
        monkeypatch.chdir(folder)
        told = []
        for command in case["commands"]:
            try:
                wrong = _wrong(_load(command, folder), case["expect"])
            except DataError as error:
                told.append(str(error))
                pattern = case["expect"].get("or_refuse")
                if pattern and re.search(pattern, str(error)):
                    break
                continue
            if wrong:
                failed.append(f"{folder.name}: {command}: {wrong}")
            break
        else:
            failed.append(f"{folder.name}: {told}")
    assert not failed, "\n".join(failed)
