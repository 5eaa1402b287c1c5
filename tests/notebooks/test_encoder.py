"""Tags by a real sentence encoder: all-MiniLM-L6-v2, run by onnxruntime."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from explorer.annotation.encoders import Encoder, open_encoder
from explorer.annotation.files import SourceText, VocabularySkill
from explorer.annotation.matching import match
from tests.support.command_line import call_words
from tests.support.minilm import write_minilm


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_minilm(tmp_path_factory.mktemp("minilm"))


@pytest.fixture(scope="module")
def encoder(folder: Path) -> Encoder:
    return open_encoder(f"onnx:{folder}")


def test_similarities_are_those_that_sentence_transformers_publishes(encoder: Encoder) -> None:
    # The first example of the documentation of sentence-transformers, printed there with four digits.
    vectors = encoder.encode(["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."])
    published = [[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]]
    assert vectors @ vectors.T == pytest.approx(np.array(published), abs=1e-4)


def test_padding_changes_nothing(encoder: Encoder) -> None:
    together = encoder.encode(["one", "a much longer text than that one, with many more words in it"])
    # Single precision: sums of 384 products in another order.
    assert together[0] == pytest.approx(encoder.encode(["one"])[0], abs=1e-5)


def test_what_is_meant_is_found_and_not_only_what_is_spelled_alike(encoder: Encoder) -> None:
    skills = [
        VocabularySkill("sort", "sorting", "put values in order"),
        VocabularySkill("proof", "mathematical proof", "show that a statement is true"),
        VocabularySkill("geo", "geography", "countries and capitals"),
    ]
    texts = [
        SourceText("a", "Order these numbers from the smallest to the largest."),
        SourceText("b", "Prove that the sum of two even numbers is even."),
        SourceText("c", "What is the chief city of France?"),
    ]
    best = {tag.text: tag.skill for tag in match(texts, skills, encoder, threshold=0.0, top=1)}
    assert best == {"a": "sort", "b": "proof", "c": "geo"}
    spelled = {tag.text: tag.skill for tag in match(texts, skills, open_encoder("letters"), threshold=0.0, top=1)}
    assert spelled != best


def test_the_command_takes_the_threshold_from_what_a_person_has_reviewed(folder: Path, tmp_path: Path) -> None:
    tasks = {
        "order": ("Put these names into alphabetical order.", "sorting"),
        "smallest": ("Arrange the numbers so that each is larger than the one before.", "sorting"),
        "capital": ("Name the capital of Norway.", "geography"),
        "river": ("Which countries does the Danube flow through?", "geography"),
        "lemma": ("Show that every even number above two satisfies the claim.", "proof"),
        "root": ("Derive a contradiction from the assumption that the root is rational.", "proof"),
    }
    (tmp_path / "texts.jsonl").write_text(
        "".join(f"{json.dumps({'id': t, 'text': x})}\n" for t, (x, _) in tasks.items())
    )
    (tmp_path / "skills.csv").write_text(
        "id,name,description\nsorting,sorting,put values in order\n"
        "geography,geography,countries and capitals\nproof,mathematical proof,show that a statement is true\n"
    )
    given = ("annotate", "texts.jsonl", "--vocabulary", "skills.csv", "--encoder", f"onnx:{folder}")
    run(tmp_path, *given, "--threshold", "0.0", "--output", "tags.csv")

    rows = list(csv.DictReader((tmp_path / "tags.csv").open()))
    assert len(rows) > 2 * len(tasks), "bad tags are among those to review"
    right = {(task, skill) for task, (_, skill) in tasks.items()}
    with (tmp_path / "reviewed.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows({**row, "keep": "yes" if (row["text"], row["skill"]) in right else "no"} for row in rows)

    told = json.loads(run(tmp_path, *given, "--reviewed", "reviewed.csv", "--output", "best.csv", "--json"))
    found = {(row["text"], row["skill"]) for row in csv.DictReader((tmp_path / "best.csv").open())}
    # Unlike a comparison of spelling, a real model tells these tasks apart without an error.
    assert found == right
    assert (told["calibration"]["precision"], told["calibration"]["recall"]) == (1.0, 1.0)


def run(folder: Path, *words: str) -> str:
    ran = call_words(folder, words)
    assert ran.code == 0, ran.err
    return ran.out
