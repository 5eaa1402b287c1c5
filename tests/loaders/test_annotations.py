"""Files of tags: read by themselves, reviewed or not, with who said so on every requirement."""

from __future__ import annotations

from pathlib import Path

import pytest

from loaders.errors import DataError
from loaders.formats import detect, load

HEAD = "text,title,class,skill,name,annotator,method,score,evidence,start,end,keep\n"
ROWS = """1,One,c,sort,sorting,model-a,closed/1,0.9,sort it,0,7,
1,One,c,loop,loops,model-a,closed/1,0.4,"for, each",8,17,no
1,One,c,sort,sorting,ann,,,,,,yes
2,,,sort,sorting,model-a,closed/1,0.3,,,,
3,,,,,,,,,,,
"""


def written(path: Path, text: str = HEAD + ROWS) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def requirements(path: Path, **options: str) -> list[tuple[str, str, str | None, float | None, str | None]]:
    found = load(path, name="d", **options).dataset.requirements.to_pylist()
    return [(row["text"], row["skill"], row["annotator"], row["score"], row["evidence"]) for row in found]


def test_it_is_known_by_its_columns_and_keeps_who_said_so(tmp_path: Path) -> None:
    path = written(tmp_path / "tags.csv")
    assert detect(path) == "annotations"
    assert requirements(path) == [
        ("1", "sort", "ann; model-a", 0.9, "sort it"), ("2", "sort", "model-a", 0.3, None)
    ]  # fmt: skip
    dataset = load(path, name="d").dataset
    assert dataset.texts["id"].to_pylist() == ["1", "2", "3"]
    assert dataset.texts["title"].to_pylist() == ["One", "2", "3"]
    assert dataset.skills["name"].to_pylist() == ["sorting"]
    assert dataset.requirements["weight"].to_pylist() == [1.0, 1.0]


def test_what_a_review_left_out_is_told(tmp_path: Path) -> None:
    report = load(written(tmp_path / "tags.csv"), name="d", min_score="0.5")
    told = {decision.what: decision.taken for decision in report.decisions}
    assert told["rejected tags"] == "1 left out"
    assert told["tags below min_score"] == "1 left out"
    assert report.dataset.n_requirements == 1


def test_one_annotator_may_be_taken(tmp_path: Path) -> None:
    path = written(tmp_path / "tags.csv")
    assert requirements(path, annotator="ann") == [("1", "sort", "ann", None, None)]
    with pytest.raises(DataError, match=r"no tag of annotator 'bob'; annotators there: 'ann', 'model-a'"):
        load(path, name="d", annotator="bob")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("4,,,s,,m,w,2,,,,", "'2' must be a number from 0 to 1"),
        ("4,,,s,,m,w,nan,,,,", "must be a number"),
        ("4,,,s,,m,w,much,,,,", "must be a number"),
        ("4,,,s,,m,w,0.5,,,,perhaps", "'perhaps' must be yes, no or empty"),
        ("4,,,s,,,w,0.5,,,,", "write who says so"),
        (",,,s,,m,w,0.5,,,,", "id of a text"),
    ],
)
def test_a_wrong_row_is_told_with_its_line_and_may_be_left_out(tmp_path: Path, row: str, said: str) -> None:
    path = written(tmp_path / "tags.csv", HEAD + ROWS + row + "\n")
    with pytest.raises(DataError, match=said) as caught:
        load(path, name="d")
    assert "tags.csv, line 7" in str(caught.value) or "line 7" in str(caught.value)
    lenient = load(path, name="d", lenient=True)
    assert sum(lenient.skipped.values()) == 1
    assert lenient.dataset.n_requirements == 2


def test_the_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    forth = load(written(tmp_path / "tags.csv"), name="d").dataset
    back = written(tmp_path / "back.csv", HEAD + "\n".join(ROWS.splitlines()[::-1]) + "\n")
    assert load(back, name="d").dataset.requirements.equals(forth.requirements)


def test_a_min_score_that_is_none_is_told(tmp_path: Path) -> None:
    for wrong in ("2", "-1", "x", "nan"):
        with pytest.raises(DataError, match="min_score"):
            load(written(tmp_path / "tags.csv"), name="d", min_score=wrong)
