"""Random data in every format of tables, in every dialect and container, are read back equal."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis.strategies as st
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import Phase, given, settings

from loaders._reading import AmbiguousError
from loaders.dataset import Dataset
from loaders.formats import load

Row = Sequence[object]
_LETTERS = st.text("abcé #'\"", max_size=4)


@dataclass(frozen=True)
class Facts:
    """What is written, and has to come back."""

    pairs: list[tuple[str, str]]
    scores: list[tuple[str, str, float]]
    links: list[tuple[str, str]]

    def skills_of(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for text, skill in self.pairs:
            found.setdefault(text, []).append(skill)
        return found


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    """Three to five texts and skills with odd names; every text requires a skill, every model attempted a text."""
    skills = [f"s{name}{number}x" for number, name in enumerate(draw(st.lists(_LETTERS, min_size=3, max_size=5)))]
    texts = [f"t{name}{number}y" for number, name in enumerate(draw(st.lists(_LETTERS, min_size=3, max_size=5)))]
    pairs = {(text, skills[at % len(skills)]) for at, text in enumerate(texts)}
    pairs |= {(texts[at % len(texts)], skill) for at, skill in enumerate(skills)}
    pairs |= set(draw(st.lists(st.tuples(st.sampled_from(texts), st.sampled_from(skills)), max_size=6)))
    models = ["org/a", "b"]
    values = draw(st.lists(st.sampled_from([0, 1, 1, 0.5]), min_size=2 * len(texts), max_size=2 * len(texts)))
    scores = [(model, text, values[at]) for at, (model, text) in enumerate((m, t) for m in models for t in texts)]
    return Facts(sorted(pairs), sorted(scores), [(skills[0], skill) for skill in skills[1:]])


@st.composite
def dialects(draw: st.DrawFn) -> dict[str, object]:
    return {
        "container": draw(st.sampled_from(["delimited", "delimited", "array", "lines", "wrapped", "split", "parquet"])),
        "delimiter": draw(st.sampled_from(",;\t|")),
        "end": draw(st.sampled_from(["\n", "\r\n"])),
        "encoding": draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])),
        "quoting": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        "blank": draw(st.integers(0, 2)),
        "packed": draw(st.booleans()),
    }


def _put(folder: str, stem: str, header: Sequence[str], rows: Iterable[Row], dialect: dict[str, object]) -> Path:
    """Write a table in a dialect; lists of skills are arrays where the container has them."""
    listed = [list(row) for row in rows]
    container = dialect["container"]
    if container == "parquet":
        path = Path(folder, f"{stem}.parquet")
        pq.write_table(pa.table({name: [row[at] for row in listed] for at, name in enumerate(header)}), path)
        return path
    if container == "delimited":
        stream = io.StringIO()
        writer = csv.writer(stream, delimiter=str(dialect["delimiter"]), lineterminator=str(dialect["end"]),
                            quoting=dialect["quoting"])  # type: ignore[arg-type]  # fmt: skip
        writer.writerow(header)
        writer.writerows(listed)
        # a spreadsheet leaves rows of separators only, without quotes
        stream.write((str(dialect["delimiter"]) * (len(header) - 1) + str(dialect["end"])) * int(str(dialect["blank"])))
        path, content = Path(folder, f"{stem}.csv"), stream.getvalue().encode(str(dialect["encoding"]))
    else:
        objects = [dict(zip(header, row, strict=True)) for row in listed]
        if container == "lines":
            text = "\n".join(map(json.dumps, objects))
        elif container == "wrapped":
            text = json.dumps({"version": 1, "rows": objects})
        elif container == "split":
            text = json.dumps({"columns": list(header), "data": listed})
        else:
            text = json.dumps(objects, indent=1, ensure_ascii=False)
        path, content = Path(folder, f"{stem}.json{'l' if container == 'lines' else ''}"), text.encode()
    if dialect["packed"]:
        path, content = path.with_name(path.name + ".gz"), gzip.compress(content)
    path.write_bytes(content)
    return path


def _pairs(dataset: Dataset) -> list[tuple[str, str]]:
    return sorted((row["text"], row["skill"]) for row in dataset.requirements.to_pylist())


def _scores(dataset: Dataset) -> list[tuple[str, str, float]]:
    return sorted((row["model"], row["text"], row["score"]) for row in dataset.attempts.to_pylist())


def _read(path: Path, deciding: dict[str, str], **options: object) -> Dataset:
    """Load it; where two readings are possible, with what the user knows."""
    given = {key: str(value) for key, value in options.items()}
    try:
        return load(path, name="d", **given).dataset  # type: ignore[arg-type]
    except AmbiguousError as error:
        said = " ".join(option for _, option in error.readings)
        known = {key: value for key, value in deciding.items() if f"{key}=" in said}
        if not known:
            pytest.fail(f"refused without an option that decides: {error}")
        return load(path, name="d", **given, **known).dataset  # type: ignore[arg-type]


_SETTINGS = settings(max_examples=25, deadline=None, derandomize=True, phases=[Phase.generate])


@given(what=facts(), how=dialects())
@_SETTINGS
def test_edge_lists(what: Facts, how: dict[str, object]) -> None:
    with TemporaryDirectory() as folder:
        rows = [(*pair, 1 + at / 2) for at, pair in enumerate(what.pairs)]
        dataset = _read(_put(folder, "links", ("text", "skill", "weight"), rows, how), {"decimal": "point"})
    assert _pairs(dataset) == what.pairs
    assert sorted(dataset.requirements["weight"].to_pylist()) == [row[2] for row in rows]


@given(what=facts(), how=dialects(), mark=st.sampled_from([";", "|", "~~", "\n", "json", "python"]))
@_SETTINGS
def test_rows_with_skills(what: Facts, how: dict[str, object], mark: str) -> None:
    lists = how["container"] != "delimited"

    def cell(skills: list[str]) -> object:
        if lists:
            return skills
        return json.dumps(skills) if mark == "json" else repr(skills) if mark == "python" else mark.join(skills)

    with TemporaryDirectory() as folder:
        rows = [(text, cell(skills)) for text, skills in what.skills_of().items()]
        dataset = _read(
            _put(folder, "rows", ("id", "skills"), rows, how), {"separator": mark, "delimiter": str(how["delimiter"])}
        )
    assert _pairs(dataset) == what.pairs


@given(what=facts(), how=dialects(), beside=dialects())
@_SETTINGS
def test_q_matrices_with_responses(what: Facts, how: dict[str, object], beside: dict[str, object]) -> None:
    texts, skills = (sorted({pair[at] for pair in what.pairs}) for at in (0, 1))
    models = sorted({model for model, _, _ in what.scores})
    score = {(model, text): value for model, text, value in what.scores}
    with TemporaryDirectory() as folder:
        matrix = _put(folder, "q", ("item", *skills),
                      [(t, *(int((t, skill) in what.pairs) for skill in skills)) for t in texts], how)  # fmt: skip
        answers = _put(folder, "r", ("model", *texts),
                       [(model, *(score[model, text] for text in texts)) for model in models], beside)  # fmt: skip
        dataset = _read(matrix, {}, format="q-matrix", responses=answers)
    assert _pairs(dataset) == what.pairs
    assert _scores(dataset) == what.scores


@given(what=facts(), how=dialects(), wide=st.booleans(), beside=dialects())
@_SETTINGS
def test_outcomes_beside_requirements(
    what: Facts, how: dict[str, object], wide: bool, beside: dict[str, object]
) -> None:
    models = sorted({model for model, _, _ in what.scores})
    score = {(model, text): value for model, text, value in what.scores}
    texts = sorted({text for _, text, _ in what.scores})
    with TemporaryDirectory() as folder:
        links = _put(folder, "links", ("text", "skill"), what.pairs, how)
        header = ("text", *models) if wide else ("model", "text", "score")
        rows: list[Row] = [(t, *(score[m, t] for m in models)) for t in texts] if wide else list(what.scores)
        dataset = _read(links, {}, outcomes=_put(folder, "outcomes", header, rows, beside))
    assert _pairs(dataset) == what.pairs
    assert _scores(dataset) == what.scores


@given(what=facts(), how=dialects())
@_SETTINGS
def test_logs_of_students(what: Facts, how: dict[str, object]) -> None:
    skills = what.skills_of()
    rows = [(number, model, text, skill, int(value > 0))
            for number, (model, text, value) in enumerate(what.scores) for skill in skills[text]]  # fmt: skip
    with TemporaryDirectory() as folder:
        path = _put(folder, "log", ("order_id", "user_id", "problem_id", "skill_name", "correct"), rows, how)
        dataset = _read(path, {})
    assert _pairs(dataset) == what.pairs
    assert _scores(dataset) == [(model, text, float(value > 0)) for model, text, value in what.scores]


@pytest.mark.parametrize("kind", ["hierarchy", "prerequisites"])
@given(what=facts(), how=dialects(), beside=dialects())
@_SETTINGS
def test_links_between_skills(kind: str, what: Facts, how: dict[str, object], beside: dict[str, object]) -> None:
    header = ("parent", "child") if kind == "hierarchy" else ("prerequisite", "skill")
    with TemporaryDirectory() as folder:
        links = _put(folder, "links", ("text", "skill"), what.pairs, how)
        dataset = _read(links, {}, **{kind: _put(folder, kind, header, what.links, beside)})
    table = dataset.part_of if kind == "hierarchy" else dataset.prerequisites
    names = ("parent", "child") if kind == "hierarchy" else ("prerequisite", "skill")
    assert sorted((row[names[0]], row[names[1]]) for row in table.to_pylist()) == sorted(what.links)
