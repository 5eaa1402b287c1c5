"""Tags by sentence embeddings, files of texts and vocabularies, merges and quality."""

from __future__ import annotations

import csv
import io
import math
import socket
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.annotation.encoders import open_encoder
from explorer.annotation.files import SourceText, VocabularySkill, read_texts, read_vocabulary, tags_as_text
from explorer.annotation.matching import calibrate, match, sentences
from explorer.annotation.merging import merge_tags, propose_merges, read_merges
from explorer.annotation.quality import agreement, coverage
from explorer.errors import SkillgraphError
from loaders.annotations import COLUMNS, Tag, read_tags
from loaders.errors import DataError

SKILLS = [
    VocabularySkill("sort", "sorting"),
    VocabularySkill("read", "reading files"),
    VocabularySkill("x", "xylophone"),
]


class Words:
    """An encoder whose vectors are known by hand: which of these words a text has."""

    name = "words"
    WORDS = ("sorting", "reading", "files", "xylophone")

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        found = np.array([[float(word in text.lower()) for word in self.WORDS] for text in texts], np.float32)
        length = np.linalg.norm(found, axis=1, keepdims=True)
        return np.divide(found, length, out=np.zeros_like(found), where=length > 0)


def test_the_nearest_sentence_is_the_evidence() -> None:
    text = SourceText("t", "Nothing here.\nSorting is fun! Reading files, too; and sorting while reading.")
    tags = match([text], SKILLS, Words(), threshold=0.5, top=5)
    assert [(tag.skill, tag.evidence) for tag in tags] == [
        ("sort", "Sorting is fun!"), ("read", "Reading files, too;")
    ]  # fmt: skip
    assert all(text.text[tag.start : tag.end] == tag.evidence for tag in tags)
    assert [tag.score for tag in tags] == pytest.approx([1.0, 1.0])
    assert len(match([text], SKILLS, Words(), threshold=0.5, top=1)) == 1
    assert match([text], SKILLS[2:], Words(), threshold=0.5) == []


def test_order_and_company_of_texts_change_nothing() -> None:
    texts = [SourceText(str(n), f"Sorting {n}. Reading {'files' if n % 2 else 'books'}.") for n in range(600)]
    together = match(texts, SKILLS, Words(), threshold=0.3)
    alone = [tag for text in texts for tag in match([text], SKILLS, Words(), threshold=0.3)]
    assert together == alone
    assert sorted(match(texts[::-1], SKILLS, Words(), threshold=0.3), key=str) == sorted(together, key=str)


@pytest.mark.parametrize("text", ["One. Two? Three!\n\nFour", "no end", "  \n ", "文。字", "a;b; c", ""])
def test_sentences_cover_all_words_in_order(text: str) -> None:
    spans = sentences(text)
    assert "".join("".join(text[a:b].split()) for a, b in spans) == "".join(text.split())
    assert all(a < b for a, b in spans)


def test_a_review_sets_the_threshold() -> None:
    def tag(score: float, keep: bool | None, annotator: str = "words") -> Tag:
        return Tag("t", "s", annotator=annotator, score=score, keep=keep)

    reviewed = [tag(0.9, True), tag(0.7, True), tag(0.6, False), tag(0.5, None), tag(0.99, False, "other")]
    found = calibrate(reviewed, "words")
    assert (found.score, found.precision, found.recall, found.right, found.wrong) == (0.7, 1.0, 1.0, 2, 1)
    with pytest.raises(SkillgraphError, match="needs both"):
        calibrate(reviewed[:2], "words")


def test_letters_are_alike_where_spelling_is() -> None:
    vectors = open_encoder("letters").encode(["graph theory", "Graph  Theory", "graph theories", "cooking", ""])
    alike = vectors @ vectors[0]
    assert alike[1] == pytest.approx(1.0)
    assert 0.6 < alike[2] < 1.0
    assert alike[3] < 0.2
    assert alike[4] == 0.0
    assert np.allclose(np.linalg.norm(vectors[:4], axis=1), 1.0)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("magic", "must be letters"),
        ("onnx:", "must be letters"),
        ("python:no_such_module_at_all:f", "no_such_module_at_all"),
        ("python:math:no_such", "no function"),
        ("python:math:sqrt", ""),
    ],
)
def test_an_encoder_that_is_none_is_one_sentence(wanted: str, said: str) -> None:
    if wanted == "python:math:sqrt":
        with pytest.raises(TypeError):
            open_encoder(wanted).encode(["a"])
        return
    with pytest.raises(SkillgraphError, match=said):
        open_encoder(wanted)


@pytest.mark.parametrize("made", [np.zeros((1, 3)), np.zeros(2), np.full((2, 3), np.nan)], ids=str)
def test_a_function_must_give_a_vector_for_each_text(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: NDArray[np.float64]
) -> None:
    (tmp_path / "own_encoder.py").write_text("made = None\ndef encode(texts):\n    return made\n")
    monkeypatch.syspath_prepend(tmp_path)
    import own_encoder  # type: ignore[import-not-found]

    monkeypatch.setattr(own_encoder, "made", made)
    with pytest.raises(SkillgraphError, match="one finite vector"):
        open_encoder("python:own_encoder:encode").encode(["a", "b"])


def test_no_encoder_opens_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert match([SourceText("t", "Sorting.")], SKILLS, open_encoder("letters"), threshold=0.3)


# Files -------------------------------------------------------------------------------------------------------


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_texts_of_json_lines_and_csv_are_the_same(tmp_path: Path) -> None:
    lines = written(
        tmp_path / "a.jsonl",
        '{"id": "1", "text": "A\\nb", "title": "T", "class": "c"}\n'
        '{"id": "2", "text": "Ünï, \\"quoted\\"", "title": "", "class": ""}\n',
    )
    table = written(tmp_path / "a.csv", 'id,text,title,class\n1,"A\nb",T,c\n2,"Ünï, ""quoted""",,\n')
    expected = [SourceText("1", "A\nb", "T", "c"), SourceText("2", 'Ünï, "quoted"')]
    assert read_texts(lines) == read_texts(table) == expected
    other = written(tmp_path / "b.csv", "nr,wording\n7,hello there\n8,and more\n")
    assert read_texts(other, text_column="wording", id_column="nr")[0] == SourceText("7", "hello there")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"id": "1", "text": "a"}\n{"id": "1", "text": "b"}\n', r"line 2: id '1' occurs twice"),
        ('{"id": "1", "text": "a"}\n{"id": "2", "text": " "}\n', r"line 2: column 'text' is empty"),
        ('{"id": "", "text": "a"}\n{"id": "2", "text": "b"}\n', r"line 1: column 'id' is empty"),
        ('{"a": "1", "b": "a"}\n', "column"),
    ],
)
def test_wrong_texts_are_told_with_their_line(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        read_texts(written(tmp_path / "t.jsonl", content))
    assert "t.jsonl" in str(caught.value)


def test_a_vocabulary_of_a_table_and_of_a_list(tmp_path: Path) -> None:
    table = written(tmp_path / "v.csv", "id,name,description\ns,Sorting,put in order\nr,Reading,\n")
    assert read_vocabulary(table) == [
        VocabularySkill("s", "Sorting", "put in order"), VocabularySkill("r", "Reading")
    ]  # fmt: skip
    assert read_vocabulary(table)[0].phrase == "Sorting: put in order"
    listed = written(tmp_path / "v.txt", "Sorting\n\n Reading \n")
    assert [skill.id for skill in read_vocabulary(listed)] == ["Sorting", "Reading"]
    with pytest.raises(DataError, match=r"line 2: skill 'a' occurs twice"):
        read_vocabulary(written(tmp_path / "w.txt", "a\na\n"))
    with pytest.raises(DataError, match="no skill"):
        read_vocabulary(written(tmp_path / "e.txt", "\n"))


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_tags_come_back_as_they_were_written(tmp_path: Path, ending: str) -> None:
    texts = [SourceText("1", "x", 'A "title", with\nlines', "c"), SourceText("2", "y"), SourceText("3", "z")]
    tags = [
        Tag("1", "s", "S", "m", "way/1", 0.25, "=evidence, \n more", 0, 9, None, texts[0].title, "c"),
        Tag("1", "r", "R", "m", "way/1", None, "", None, None, True, texts[0].title, "c"),
        Tag("3", "s", "S", "ann", "", 1.0, "é", 3, 4, False),
    ]
    path = tmp_path / f"tags.{ending}"
    path.write_text(tags_as_text(path, texts, tags), encoding="utf-8")
    assert read_tags(path) == [*tags[:2], Tag("2"), tags[2]]


# Merges ------------------------------------------------------------------------------------------------------


def given(*pairs: tuple[str, str], score: float = 0.5) -> list[Tag]:
    return [Tag(text, skill, skill, "m", "w", score) for text, skill in pairs]


def test_near_names_are_proposed_into_the_most_used_and_merged_only_on_a_yes(tmp_path: Path) -> None:
    tags = given(("1", "sorting"), ("2", "sorting"), ("3", "sortings"), ("2", "sortings"), ("4", "cooking"))
    found = propose_merges(tags, open_encoder("letters"), threshold=0.75)
    assert [(merge.skill, merge.into, merge.skill_texts, merge.into_texts) for merge in found] == [
        ("sortings", "sorting", 2, 2)
    ]
    from explorer.annotation.merging import merges_as_text

    path = written(tmp_path / "m.csv", merges_as_text(found))
    assert read_merges(path) == {}
    path.write_text(path.read_text().replace(",2,2,", ",2,2,yes"))
    merges = read_merges(path)
    assert merges == {"sortings": "sorting"}
    merged = merge_tags([*tags, *given(("2", "sortings"), score=0.9)], merges)
    assert sorted((tag.text, tag.skill) for tag in merged) == [
        ("1", "sorting"), ("2", "sorting"), ("3", "sorting"), ("4", "cooking")
    ]  # fmt: skip
    assert next(tag for tag in merged if tag.text == "2").score == 0.9


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("a,b,yes\nb,a,yes", "circle"),
        ("a,a,yes\nb,c,no", "circle"),
        ("a,b,yes\nb,c,yes\nc,b,yes", "circle"),
        ("a,b,yes\na,c,yes", "goes into"),
        ("a,b,perhaps\nb,c,no", "must be yes, no"),
    ],
)
def test_merges_that_lead_nowhere_are_told(tmp_path: Path, rows: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_merges(written(tmp_path / "m.csv", f"skill,into,keep\n{rows}\n"))


# Quality -----------------------------------------------------------------------------------------------------


def test_agreement_against_the_published_example_of_two_observers() -> None:
    # Krippendorff (2011), section A, as ten texts and one skill.
    meg, owen = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    tags = [
        [Tag(str(n), "s" if yes else "", annotator="x" if yes else "") for n, yes in enumerate(who)]
        for who in (meg, owen)
    ]
    found = agreement(*tags, replicates=200)
    assert round(found.alpha, 3) == 0.095
    assert (found.texts, found.skills, found.both, found.first, found.second) == (10, 1, 1, 1, 3)
    assert found.low <= found.alpha <= found.high
    assert round(found.by_skill[0].alpha, 3) == 0.095
    swapped = agreement(*tags[::-1], replicates=200)
    assert (swapped.alpha, swapped.first) == (found.alpha, found.second)


def test_a_rejected_tag_is_not_given_and_texts_of_one_alone_do_not_count() -> None:
    model = [*given(("1", "s"), ("1", "r"), ("2", "s")), *given(("9", "s"))]
    person = [model[0], Tag("1", "r", annotator="m", keep=False), Tag("2")]
    found = agreement(model, person, replicates=10)
    assert (found.texts, found.both, found.first, found.second) == (2, 1, 2, 0)
    assert agreement(model, model, replicates=10).alpha == 1.0
    with pytest.raises(SkillgraphError, match="no text in common"):
        agreement(model[-1:], person)
    with pytest.raises(SkillgraphError, match="neither"):
        agreement([Tag("1")], [Tag("1")])
    assert math.isnan(agreement(given(("1", "s")), given(("1", "s")), replicates=5).alpha)


def test_coverage_counts_pairs_once() -> None:
    tags = [*given(("1", "s"), ("1", "s"), ("2", "s"), ("2", "r")), Tag("3"), Tag("3", "x", annotator="m", keep=False)]
    found = coverage(tags, 4)
    assert (found.texts, found.tagged, found.tags, found.skills, found.once) == (4, 2, 3, 2, 1)
    assert found.mean_skills == 0.75


def test_the_columns_of_the_file_are_those_that_are_described() -> None:
    text = tags_as_text(Path("x.csv"), [SourceText("1", "x")], [])
    assert tuple(next(csv.reader(io.StringIO(text)))) == COLUMNS
