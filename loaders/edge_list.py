"""Edge lists: a row for each requirement, text and skill and perhaps a weight.

Large files stream through Arrow in blocks; ids become numbers block by block, so that memory is proportional to
the number of rows, not to the size of the file. Whatever Arrow stumbles over is read again row by row, which finds
the line and the column, or, where that is asked for, leaves the row out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from loaders import _columns
from loaders._builder import Builder
from loaders._dialect import name_key
from loaders._ends import LOOKED_AT, is_note, is_stray_summary, is_summary
from loaders._files import Progress, open_bytes
from loaders._reading import AmbiguousError, plural, stray_summary
from loaders._registry import Claim, Format, register
from loaders._rows import (
    TABLE_OPTIONS,
    Table,
    find_column,
    is_missing_word,
    open_table,
    optional_column,
    refuse_lists,
    report_doubtful,
)
from loaders._source import Source
from loaders.errors import DataError
from loaders.gate import limits

__all__ = ["OPTIONS", "read_edge_list"]

OPTIONS: Mapping[str, str] = {
    "text_column": "name of the column with the text",
    "skill_column": "name of the column with the skill",
    "weight_column": "name of the column with the weight",
    "where": "column=value: read only the rows with this value",
    **TABLE_OPTIONS,
}
_WORDING = ("title", "text_title", "text", "wording", "question", "problem", "item", "task", "document", "function",
            "question_text", "prompt")  # fmt: skip
_SKILL_WORDING = ("skill_name", "skill", "skill_label", "concept_name", "concept", "kc_name", "tag_name")


def read_edge_list(
    path: Path,
    builder: Builder,
    *,
    text_column: str | None = None,
    skill_column: str | None = None,
    weight_column: str | None = None,
    where: str | None = None,
    progress: Progress | None = None,
    **table: str | None,
) -> None:
    """Add the requirements of an edge list; repeated ones become one with the sum of their weights.

    Args:
        path: Any table, see `open_table`.
        builder: Takes them. Texts and skills must be known if they are listed somewhere.
        text_column: Name of the column with the text; without a header its number.
        skill_column: Likewise with the skill.
        weight_column: Likewise with the weight; without one every row weighs 1.
        where: `column=value`: take only the rows that have this value in this column.
        progress: Called with bytes read and all bytes.
        table: Of `TABLE_OPTIONS`.

    Raises:
        DataError: A missing column, an empty id, an unknown text or skill, a weight that is no positive number.
    """
    given = (text_column, skill_column, weight_column)
    known = [*given, (where or "").partition("=")[0].strip() or None]
    with open_table(path, builder.problems, progress=progress, known=known, ids=given[:2], **table) as opened:
        choice = _choose(opened, builder, *given, where)
        fast = opened.dialect is not None and opened.dialect.plain and opened.missing is None
        fast = fast and not (opened.escaped or opened.filled)
        if not fast or builder.closed_texts or builder.closed_skills:
            _read_rows(opened, builder, choice)
            return
    requirements = _read_blocks(path, opened, choice, progress)
    if requirements is not None and _take_blocks(requirements, builder, path):
        return
    with open_table(path, builder.problems, progress=progress, known=known, ids=given[:2], **table) as opened:
        _read_rows(opened, builder, choice)


@dataclass
class _Choice:
    """Which columns are read, and how."""

    header: tuple[str, ...]
    text: int
    skill: int
    weight: int | None = None
    where: tuple[int, str] | None = None
    names: dict[str, int] = field(default_factory=dict)
    named: bool = True


def _choose(
    table: Table,
    builder: Builder,
    text_column: str | None,
    skill_column: str | None,
    weight_column: str | None,
    where: str | None,
) -> _Choice:
    header, path = table.header, table.path
    if len(header) < 2:
        raise DataError(
            f"has one column, {header[0]!r}, where two are expected: text and skill; is another delimiter used?",
            path=path,
        )
    texts, skills, weights = (
        (_columns.TEXT, _columns.SKILL, _columns.WEIGHT) if table.named else (("1",), ("2",), ("3",))
    )
    skill = find_column(header, skills, skill_column, path, what="the skill", option="skill_column", table=table)
    text, evidence = _text_place(table, skill, texts, text_column)
    refuse_lists(table, text, skill)
    choice = _Choice(header, text, skill, named=table.named)
    choice.weight = optional_column(header, weights, weight_column, path)
    if not table.named and weight_column is None and choice.weight is not None:
        cells = [cell for cell in table.column(choice.weight) if cell]
        if not cells or any(_weight(cell) is None for cell in cells):
            choice.weight = None
    if choice.weight in {choice.text, choice.skill} and weight_column is None:
        choice.weight = None
    if where is not None:
        column, equals, value = where.partition("=")
        if not equals:
            raise DataError(f"where {where!r} must be column=value")
        place = optional_column(header, (), column.strip(), path)
        assert place is not None, "a named column is there or an error"
        choice.where = (place, value.strip())
    _names_beside(table, choice)
    parts = [f"texts from column {header[text]!r}, skills from column {header[skill]!r}"]
    if choice.weight is not None:
        parts.append(f"weights from column {header[choice.weight]!r}")
    parts += [f"their {what} from column {header[at]!r}" for what, at in choice.names.items()]
    meanings = [(header[text], "text"), (header[skill], "skill")]
    meanings += [(header[choice.weight], "weight")] if choice.weight is not None else []
    meanings += [(header[at], "title" if what == "titles" else "skill name") for what, at in choice.names.items()]
    builder.problems.decide(path, "columns", ", ".join(parts), evidence, option="text_column", columns=tuple(meanings))
    return choice


def _text_place(table: Table, skill: int, known: Sequence[str], given: str | None) -> tuple[int, str]:
    """The column with the ids of texts: an id beside it may number the rows, or be the id of the wording there."""
    header, path = table.header, table.path
    others = [name for at, name in enumerate(header) if at != skill]
    places = [at for at in range(len(header)) if at != skill]
    found = places[find_column(others, known, given, path, what="the text", option="text_column", table=table)]
    keys = [name_key(name) for name in header]
    number = keys.index("id") if "id" in keys else None
    if given is not None or number is None or number in {skill, found}:
        if given is None and number == found and "source" in keys and keys.index("source") != skill:
            return _beside(table, number, keys.index("source"))
        return found, ""
    if "id" not in known:
        return found, ""
    return _beside(table, number, found)


def _beside(table: Table, number: int, other: int) -> tuple[int, str]:
    header = table.header
    ids, values = table.column(number), table.column(other)
    if name_key(header[other]) in {"source", "from"}:
        return other, f"column {header[number]!r} numbers the rows, as next to source and target"
    if len(set(ids)) == len(ids) and len(set(values)) < len(values):
        return other, f"column {header[number]!r} differs in every row, so it numbers them"
    if len(set(zip(ids, values, strict=True))) == len(set(ids)):
        return number, f"column {header[other]!r} is the same wherever the id is the same, so it is the wording"
    if len(set(ids)) < len(set(values)):
        raise AmbiguousError(
            f"column {header[number]!r} and column {header[other]!r} may both hold the text",
            path=table.path,
            readings=[
                (f"texts are in {header[number]!r}", f"text_column={header[number]}"),
                (f"texts are in {header[other]!r}", f"text_column={header[other]}"),
            ],
        )
    return other, ""


def _names_beside(table: Table, choice: _Choice) -> None:
    """Columns with the titles of texts and the names of skills, beside their ids."""
    keys = [name_key(name) for name in table.header]
    taken = {choice.text, choice.skill, choice.weight}
    for what, place, wording in (("titles", choice.text, _WORDING), ("names", choice.skill, _SKILL_WORDING)):
        if not keys[place].endswith(("id", "uri", "url")):
            continue
        beside = next((keys.index(key) for key in wording if key in keys and keys.index(key) not in taken), None)
        if beside is None:
            continue
        pairs = set(zip(table.column(place), table.column(beside), strict=True))
        if len(pairs) == len({identifier for identifier, _ in pairs}):
            choice.names[what] = beside
            taken.add(beside)


def _read_blocks(path: Path, table: Table, choice: _Choice, progress: Progress | None) -> pa.Table | None:
    """The requirements as read by Arrow, dictionary-encoded; None if any row is not as it should be."""
    dialect = table.dialect
    assert dialect is not None, "delimited text"
    names = [f"f{place}" for place in range(len(choice.header))]
    encoded = pa.dictionary(pa.int32(), pa.string())
    types: dict[str, pa.DataType] = {names[choice.text]: encoded, names[choice.skill]: encoded}
    for place in choice.names.values():
        types[names[place]] = encoded
    if choice.weight is not None:
        types[names[choice.weight]] = pa.float64()
    if choice.where is not None:
        types.setdefault(names[choice.where[0]], pa.string())
    read = arrow_csv.ReadOptions(
        # One thread: the checks count lines while the file is read, and blocks are small beside the arrays.
        use_threads=False,
        block_size=min(2 * limits().line, 1 << 30),
        column_names=names,
        skip_rows=dialect.skip,
        skip_rows_after_names=int(dialect.header),
    )
    parse = arrow_csv.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=True)
    convert = arrow_csv.ConvertOptions(
        column_types=types,
        include_columns=list(types),
        null_values=[""],
        strings_can_be_null=True,
        decimal_point="," if choice.weight in dialect.comma else ".",
    )
    blocks: list[pa.Table] = []
    try:
        with open_bytes(path, progress, encoding=dialect.encoding) as reader:
            source = arrow_csv.open_csv(
                pa.PythonFile(reader, mode="r"), read_options=read, parse_options=parse, convert_options=convert
            )
            for batch in source:
                block = _block(pa.table(batch), names, choice)
                if block is None:
                    return None
                blocks.append(block)
    except pa.ArrowException:
        return None
    if not blocks or _is_doubtful_end(blocks[-1]):
        return None
    # One dictionary for all blocks: ids of a block are numbered anew.
    return pa.concat_tables(blocks).unify_dictionaries().combine_chunks()


def _block(table: pa.Table, names: list[str], choice: _Choice) -> pa.Table | None:
    if choice.where is not None:
        place, value = choice.where
        table = table.filter(pc.equal(pc.cast(table[names[place]], pa.string()), value))
    columns: dict[str, pa.ChunkedArray] = {}
    for column, place in (("text", choice.text), ("skill", choice.skill)):
        values = table[names[place]]
        if values.null_count:
            return None
        for chunk in values.chunks:
            # Outer spaces are no part of an id; they are rare enough to read such a file row by row.
            if not pc.all(pc.equal(chunk.dictionary, pc.utf8_trim_whitespace(chunk.dictionary))).as_py():
                return None
            if pc.any(pc.equal(chunk.dictionary, "")).as_py():
                return None
            if choice.named and pc.index(chunk.dictionary, choice.header[place]).as_py() >= 0:
                return None  # perhaps the names once more
            short = chunk.dictionary.filter(pc.less_equal(pc.utf8_length(chunk.dictionary), 7))
            if any(map(is_missing_word, short.to_pylist())):
                return None
            if column == "text" and any(map(is_summary, _few_words(chunk.dictionary))):
                return None  # perhaps a row that sums up others
        columns[column] = values
    if choice.weight is not None:
        weight = table[names[choice.weight]]
        if weight.null_count or not pc.all(pc.and_(pc.is_finite(weight), pc.greater(weight, 0.0))).as_py():
            return None
        columns["weight"] = weight
    for what, place in choice.names.items():
        columns[what] = table[names[place]]
    return pa.table(columns)


def _few_words(ids: pa.Array) -> list[str]:
    """The ids that begin as a word for a sum does and are as short."""
    found = ids.filter(pc.less_equal(pc.utf8_length(ids), 20))
    mark = r"(?i)tot|sum|mean|aver|avg|ergebnis|gesamt|som|med"
    few: list[str] = found.filter(pc.match_substring_regex(found, mark)).to_pylist()
    return few


def _is_doubtful_end(block: pa.Table) -> bool:
    """True if the last rows may be totals or notes, which the rows tell better."""
    last = block["text"].slice(max(block.num_rows - LOOKED_AT, 0)).cast(pa.string()).to_pylist()
    return any(is_summary(text) or is_note(text) for text in last)


def _take_blocks(requirements: pa.Table, builder: Builder, path: Path) -> bool:
    """Hand over what Arrow read; False if an id has two titles, which the rows tell better."""
    beside: list[tuple[str, str, pa.Table]] = []
    for what, column, meaning in (("titles", "text", "title"), ("names", "skill", "name")):
        if what not in requirements.column_names:
            continue
        plain = pa.table({"id": requirements[column].cast(pa.string()), "label": requirements[what].cast(pa.string())})
        pairs = plain.group_by(["id", "label"]).aggregate([])
        if pairs.num_rows != len(pc.unique(pairs["id"])):
            return False
        beside.append((column, meaning, pairs))
    kept = [name for name in ("text", "skill", "weight") if name in requirements.column_names]
    builder.require_all(requirements.select(kept), path)
    for column, meaning, pairs in beside:
        add = builder.text if column == "text" else builder.skill
        for identifier, label in zip(pairs["id"].to_pylist(), pairs["label"].to_pylist(), strict=True):
            add(identifier, {meaning: label})
    return True


def _read_rows(table: Table, builder: Builder, choice: _Choice) -> None:
    """The same row by row, with every check at its line."""
    header, path = choice.header, table.path
    labels: dict[tuple[str, str], str] = {}
    absent = 0
    for line, values in table.rows:
        if choice.where is not None and values[choice.where[0]].strip() != choice.where[1]:
            continue
        text, skill = values[choice.text].strip(), values[choice.skill].strip()
        if (
            table.missing is None
            and not table.all_data
            and is_summary(text)
            and is_stray_summary(text, [skill], table.column(choice.text))
        ):
            error = stray_summary(text, path, line)
            if not builder.problems.lenient:
                raise error
            builder.problems.report("sum of others", error.seen, path, line)
            continue
        if table.is_missing(text):
            absent += 1
            continue
        if table.is_missing(skill):
            absent += 1
            if builder.known_text(text, path, line, header[choice.text]):
                builder.text(text)
            continue
        doubtful = next((at for at in (choice.text, choice.skill) if table.is_doubtful(values[at])), None)
        if doubtful is not None and not _known(builder, doubtful == choice.text, values[doubtful].strip()):
            report_doubtful(table, builder.problems, doubtful, values[doubtful].strip(), line)
            continue
        weight = 1.0 if choice.weight is None else _weight(values[choice.weight])
        if weight is None:
            assert choice.weight is not None, "a weight that is wrong was read"
            written = values[choice.weight]
            way = "; use decimal=comma if it has a decimal comma" if "," in written else ""
            if written.strip(" 0.") == "" and written.strip():
                way = "; if 0 means that the text does not require the skill, --lenient leaves such rows out"
            if is_missing_word(written) or not written.strip():
                way = "; --lenient leaves such rows out"
            builder.problems.report(
                "no weight",
                f"column {header[choice.weight]!r}: weight {written!r} must be a positive number{way}",
                path,
                line,
            )
        elif builder.known_text(text, path, line, header[choice.text]) and builder.known_skill(
            skill, path, line, header[choice.skill]
        ):
            builder.require(text, skill, weight)
            for what, identifier in (("titles", text), ("names", skill)):
                if what in choice.names:
                    label = values[choice.names[what]].strip()
                    before = labels.setdefault((what, identifier), label)
                    if before != label:
                        builder.problems.report(
                            "another title",
                            f"{identifier!r} is {before!r} above and {label!r} here; name the column of ids with "
                            f"{'text_column' if what == 'titles' else 'skill_column'}",
                            path,
                            line,
                        )
    for (what, identifier), label in labels.items():
        (builder.text if what == "titles" else builder.skill)(
            identifier, {"title" if what == "titles" else "name": label}
        )
    if absent:
        builder.problems.decide(path, "missing values", plural(absent, "row"), "no text or no skill", option="missing")


def _known(builder: Builder, is_text: bool, value: str) -> bool:
    """True if a list says that there is a text or skill of this name."""
    if is_text:
        return builder.closed_texts is not None and value in builder.text_ids
    return builder.closed_skills is not None and value in builder.skill_ids


def _weight(value: str) -> float | None:
    try:
        weight = float(value)
    except ValueError:
        return None
    return weight if math.isfinite(weight) and weight > 0 else None


def _claims(source: Source) -> Claim | None:
    keys = source.keys
    if source.is_dir or source.table is None:
        return None
    texts, skills = keys & set(_columns.TEXT), keys & set(_columns.SKILL)
    if texts and skills and len(keys) > 1:
        return Claim(50, "columns for a text and for a skill")
    table = source.table
    if table is not None and not table.named and len(table.header) == 2 and not source.is_numeric:
        return Claim(30, "two columns without names")
    return None


register(
    Format(
        "edge-list",
        "table with a row for each requirement: text, skill, perhaps weight",
        read_edge_list,
        OPTIONS,
        claims=_claims,
        requirements=True,
    )
)
