"""Edge lists: CSV or TSV with a row for each requirement, text and skill and perhaps a weight.

Large files stream through Arrow in blocks; ids become numbers block by block, so that memory is proportional to
the number of rows, not to the size of the file. Whatever Arrow stumbles over is read again row by row, which finds
the line and the column, or, where that is asked for, leaves the row out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from loaders import _columns
from loaders._builder import Builder
from loaders._files import MAX_LINE, Progress, open_bytes
from loaders._rows import find_column, open_table, optional_column
from loaders.errors import DataError

__all__ = ["read_edge_list"]

_TRUE_WORDS = {"yes": True, "true": True, "no": False, "false": False}


def read_edge_list(
    path: Path,
    builder: Builder,
    *,
    text_column: str | None = None,
    skill_column: str | None = None,
    weight_column: str | None = None,
    delimiter: str | None = None,
    header: str | bool = True,
    where: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Add the requirements of an edge list; repeated ones become one with the sum of their weights.

    Args:
        path: CSV or TSV, plain, gzip or zstd.
        builder: Takes them. Texts and skills must be known if they are listed somewhere.
        text_column: Name of the column with the text; without a header its number.
        skill_column: Likewise with the skill.
        weight_column: Likewise with the weight; without one every row weighs 1.
        delimiter: One character or its name; None to find out.
        header: "no" if the first row is an edge already: then text, skill and weight are columns 1, 2 and 3.
        where: `column=value`: take only the rows that have this value in this column.
        progress: Called with bytes read and all bytes.

    Raises:
        DataError: A missing column, an empty id, an unknown text or skill, a weight that is no positive number.
    """
    named = _flag(header, "header")
    choice = _choose(path, builder, named, delimiter, text_column, skill_column, weight_column, where)
    if not (builder.closed_texts or builder.closed_skills):
        requirements = _read_blocks(path, choice, progress)
        if requirements is not None:
            builder.require_all(requirements, path)
            return
    _read_rows(path, builder, choice, progress)


class _Choice:
    """Which columns are read, and how."""

    def __init__(self, header: tuple[str, ...], delimiter: str, *, named: bool) -> None:
        self.header = header
        self.delimiter = delimiter
        self.named = named
        self.text = 0
        self.skill = 1
        self.weight: int | None = None
        self.where: tuple[int, str] | None = None


def _flag(value: str | bool, option: str) -> bool:
    if isinstance(value, bool):
        return value
    if value.lower() not in _TRUE_WORDS:
        raise DataError(f"{option} {value!r} must be yes or no")
    return _TRUE_WORDS[value.lower()]


def _choose(
    path: Path,
    builder: Builder,
    named: bool,
    delimiter: str | None,
    text_column: str | None,
    skill_column: str | None,
    weight_column: str | None,
    where: str | None,
) -> _Choice:
    with open_table(path, builder.problems, delimiter=delimiter, header=named) as table:
        choice = _Choice(table.header, table.delimiter, named=named)
    header = choice.header
    if len(header) < 2:
        raise DataError(
            f"has one column, {header[0]!r}, where two are expected: text and skill; is the delimiter another one?",
            path=path,
        )
    text_names, skill_names, weight_names = (
        (_columns.TEXT, _columns.SKILL, _columns.WEIGHT) if named else (("1",), ("2",), ("3",))
    )
    choice.skill = find_column(header, skill_names, skill_column, path, what="the skill", option="skill_column")
    others = [name for place, name in enumerate(header) if place != choice.skill]
    text = find_column(others, text_names, text_column, path, what="the text", option="text_column")
    choice.text = header.index(others[text])
    choice.weight = optional_column(header, weight_names, weight_column, path)
    if where is not None:
        column, equals, value = where.partition("=")
        if not equals:
            raise DataError(f"where {where!r} must be column=value")
        place = optional_column(header, (), column.strip(), path)
        assert place is not None, "a named column is there or an error"
        choice.where = (place, value.strip())
    return choice


def _read_blocks(path: Path, choice: _Choice, progress: Progress | None) -> pa.Table | None:
    """The requirements as read by Arrow, dictionary-encoded; None if any row is not as it should be."""
    names = [f"f{place}" for place in range(len(choice.header))]
    types: dict[str, pa.DataType] = {
        names[choice.text]: pa.dictionary(pa.int32(), pa.string()),
        names[choice.skill]: pa.dictionary(pa.int32(), pa.string()),
    }
    if choice.weight is not None:
        types[names[choice.weight]] = pa.float64()
    if choice.where is not None:
        types.setdefault(names[choice.where[0]], pa.string())
    read = arrow_csv.ReadOptions(
        # One thread: the checks count lines while the file is read, and blocks are small beside the arrays.
        use_threads=False,
        block_size=2 * MAX_LINE,
        column_names=names,
        skip_rows_after_names=int(choice.named),
    )
    parse = arrow_csv.ParseOptions(delimiter=choice.delimiter, newlines_in_values=True)
    convert = arrow_csv.ConvertOptions(
        column_types=types, include_columns=list(types), null_values=[""], strings_can_be_null=True
    )
    blocks: list[pa.Table] = []
    try:
        with open_bytes(path, progress) as reader:
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
    if not blocks:
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
        columns[column] = values
    if choice.weight is not None:
        weight = table[names[choice.weight]]
        if weight.null_count or not pc.all(pc.and_(pc.is_finite(weight), pc.greater(weight, 0.0))).as_py():
            return None
        columns["weight"] = weight
    return pa.table(columns)


def _read_rows(path: Path, builder: Builder, choice: _Choice, progress: Progress | None) -> None:
    """The same row by row, with every check at its line."""
    header = choice.header
    with open_table(
        path, builder.problems, delimiter=choice.delimiter, header=choice.named, progress=progress
    ) as table:
        for line, values in table.rows:
            if choice.where is not None and values[choice.where[0]].strip() != choice.where[1]:
                continue
            text, skill = values[choice.text].strip(), values[choice.skill].strip()
            weight = 1.0 if choice.weight is None else _weight(values[choice.weight])
            if weight is None:
                assert choice.weight is not None, "a weight that is wrong was read"
                builder.problems.report(
                    "no weight",
                    f"column {header[choice.weight]!r}: weight {values[choice.weight]!r} must be a positive number",
                    path,
                    line,
                )
            elif builder.known_text(text, path, line, header[choice.text]) and builder.known_skill(
                skill, path, line, header[choice.skill]
            ):
                builder.require(text, skill, weight)


def _weight(value: str) -> float | None:
    try:
        weight = float(value)
    except ValueError:
        return None
    return weight if math.isfinite(weight) and weight > 0 else None


OPTIONS: Mapping[str, str] = {
    "text_column": "name of the column with the text",
    "skill_column": "name of the column with the skill",
    "weight_column": "name of the column with the weight",
    "delimiter": "one character, or tab, comma, semicolon, pipe, space",
    "header": "no, if the first row is an edge already",
    "where": "column=value: take only the rows with this value",
}
