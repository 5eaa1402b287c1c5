"""Gathers texts, skills and links row by row and ends in a dataset.

Ids are numbered as they come and requirements kept as two arrays of numbers, so that memory stays in proportion
to the number of requirements.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from loaders._cells import is_missing_word
from loaders._reading import plural
from loaders._report import Problems
from loaders.dataset import TAG_COLUMNS, Dataset, build_dataset
from loaders.errors import DataError
from loaders.gate import check_identifier, limits

__all__ = ["Builder", "Value", "property_column", "property_name"]

Value = str | int | float | bool | None

_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
# Codes with zeros before them, and numbers that a float would not keep.
_LONG = re.compile(r"[+-]?(0[0-9]|[0-9]{17})")
_LARGEST = 1e300
_FLAGS = {"true": True, "false": False}
# Names that a store gives to properties of its own.
_RESERVED = {"key": "source_key", "dataset": "source_dataset"}


class Builder:
    """A dataset in the making.

    Args:
        problems: Where rows are reported.

    Attributes:
        closed_texts: What lists all texts, if anything does: another text is then a dangling id.
        stored_texts: The texts are those of a dataset that is stored, to which outcomes alone may be added.
        closed_skills: Likewise for skills.
        link_files: Files that links came from, by table: what a cycle among them is reported of.
    """

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.closed_texts: str | None = None
        self.stored_texts = False
        self.closed_skills: str | None = None
        self.link_files: dict[str, Path] = {}
        self._texts = _Nodes()
        self._skills = _Nodes()
        self._models = _Nodes()
        self._text_codes = array("i")
        self._skill_codes = array("i")
        self._weights = array("d")
        self._tags: dict[int, Mapping[str, Value]] = {}
        self._prerequisites: dict[tuple[str, str], None] = {}
        self._part_of: dict[tuple[str, str], None] = {}
        self._attempts: dict[tuple[str, str], float] = {}
        self._requirements: pa.Table | None = None

    @property
    def text_ids(self) -> Mapping[str, int]:
        """Texts by id, with their numbers."""
        return self._texts.ids

    @property
    def skill_ids(self) -> Mapping[str, int]:
        """Skills by id, with their numbers."""
        return self._skills.ids

    @property
    def model_ids(self) -> Mapping[str, int]:
        """Models by id, with their numbers."""
        return self._models.ids

    def text(self, identifier: str, properties: Mapping[str, Value] | None = None) -> None:
        """Add a text, or properties to it."""
        self._texts.add(identifier, properties)

    def skill(self, identifier: str, properties: Mapping[str, Value] | None = None) -> None:
        """Add a skill, or properties to it."""
        self._skills.add(identifier, properties)

    def model(self, identifier: str, properties: Mapping[str, Value] | None = None) -> None:
        """Add a model, or properties to it."""
        self._models.add(identifier, properties)

    def known_text(self, identifier: str, path: Path, line: int | None, column: str = "text") -> bool:
        """True if the text may be referred to; otherwise it is reported."""
        return self._known(identifier, self._texts, self.closed_texts, "text", path, line, column)

    def known_skill(self, identifier: str, path: Path, line: int | None, column: str = "skill") -> bool:
        """True if the skill may be referred to; otherwise it is reported."""
        return self._known(identifier, self._skills, self.closed_skills, "skill", path, line, column)

    def _known(
        self, identifier: str, nodes: _Nodes, closed: str | None, what: str, path: Path, line: int | None, column: str
    ) -> bool:
        if not identifier:
            self.problems.report(
                "empty id",
                f"column {column!r}: expected the id of a {what}, found nothing"
                + f"; if blank cells repeat the cell above, as merged cells do, use fill={column}" * (line is not None),
                path,
                line,
            )
            return False
        check_identifier(identifier, what, path=path, line=line)
        if closed is not None and identifier not in nodes.ids:
            self.problems.report(
                f"unknown {what}",
                f"column {column!r}: {what} {identifier!r} is not in {closed}; "
                + (nodes.near(identifier, what) or "add it there or correct the id"),
                path,
                line,
            )
            return False
        return True

    def require(self, text: str, skill: str, weight: float = 1.0, tag: Mapping[str, Value] | None = None) -> None:
        """Add a requirement; text and skill are added if they are new; `tag` has values of `TAG_COLUMNS`."""
        if tag is not None:
            self._tags[len(self._weights)] = tag
        self._text_codes.append(self._texts.add(text))
        self._skill_codes.append(self._skills.add(skill))
        self._weights.append(weight)

    def require_all(self, requirements: pa.Table, path: Path) -> None:
        """Take over a table of requirements whose ids are dictionary-encoded, instead of single ones."""
        assert not self._text_codes, "requirements must be added one by one or as a table, not both"
        for column, nodes, closed in (
            ("text", self._texts, self.closed_texts),
            ("skill", self._skills, self.closed_skills),
        ):
            ids = requirements[column].chunk(0).dictionary if requirements.num_rows else pa.array([], pa.string())
            if closed is None and pc.all(pc.not_equal(ids, "")).as_py() is not False:
                nodes.adopt(ids)
                continue
            wrong = [
                position
                for position, identifier in enumerate(ids.to_pylist())
                if not self._known(identifier, nodes, closed, column, path, None, column)
            ]
            codes = requirements[column].chunk(0).indices
            requirements = requirements.filter(pc.invert(pc.is_in(codes, value_set=pa.array(wrong, codes.type))))
            if closed is None:
                nodes.adopt(ids.filter(pc.not_equal(ids, "")))
        self._requirements = requirements.combine_chunks()

    def _is_self(self, skill: str, other: str, table: str) -> bool:
        """True if a link leads from a skill to itself and is left out; else the whole tells of it with the others."""
        if skill != other or not self.problems.lenient:
            return False
        self.skill(skill)
        self.problems.report(
            "link to itself",
            f"{table}: the link from {skill!r} to itself was cut",
            self.link_files.get(table, Path()),
        )
        return True

    def part_of(self, child: str, parent: str) -> None:
        """Make a skill part of another."""
        if self._is_self(child, parent, "part_of"):
            return
        self.skill(child)
        self.skill(parent)
        self._part_of[child, parent] = None

    def prerequisite(self, before: str, after: str) -> None:
        """Make a skill a prerequisite of another."""
        if self._is_self(before, after, "prerequisites"):
            return
        self.skill(before)
        self.skill(after)
        self._prerequisites[before, after] = None

    def attempt(self, model: str, text: str, score: float) -> bool:
        """Add an outcome; False if the model has one for this text already."""
        if (model, text) in self._attempts:
            return False
        self.model(model)
        self.text(text)
        self._attempts[model, text] = score
        return True

    @property
    def has_nodes(self) -> bool:
        """True if there is a text or a skill."""
        return bool(len(self._texts) or len(self._skills))

    @property
    def has_requirements(self) -> bool:
        """True if any text requires a skill."""
        return bool(self._text_codes) or self._requirements is not None

    def build(self, name: str, part: str | None, provenance: Mapping[str, Value], source: Path) -> Dataset:
        """The dataset.

        Raises:
            DataError: What `build_dataset` finds only in the whole, such as a cycle, with the source's name.
        """
        try:
            dataset = self._build(name, part, provenance)
            for nodes in (self._texts, self._skills, self._models):
                for column, count in nodes.absent.items():
                    self.problems.decide(source, "missing values", f"{plural(count, 'cell')} of {column!r}",
                                         "NA or the like, and the others are numbers or flags")  # fmt: skip
            return dataset
        except DataError as error:
            table = str(error).partition(" ")[0]
            raise DataError(str(error), path=self.link_files.get(table, source)) from None
        except UnicodeEncodeError as error:
            raise DataError(
                f"contains text that is not Unicode ({error.object[error.start : error.end]!r}, half of a surrogate "
                "pair); correct the escape that produces it",
                path=source,
            ) from None

    def _build(self, name: str, part: str | None, provenance: Mapping[str, Value]) -> Dataset:
        texts = self._texts.table()
        if part is not None and "part" not in texts.column_names:
            texts = texts.append_column("part", pa.repeat(pa.scalar(part), texts.num_rows))
        return build_dataset(
            name,
            texts=texts,
            skills=self._skills.table(),
            requirements=self._requirement_table(),
            prerequisites=_pairs(self._prerequisites, ("prerequisite", "skill")),
            part_of=_pairs(self._part_of, ("child", "parent")),
            models=self._models.table(),
            attempts=pa.table(
                {
                    "model": pa.array([model for model, _ in self._attempts], pa.string()),
                    "text": pa.array([text for _, text in self._attempts], pa.string()),
                    "score": pa.array(self._attempts.values(), pa.float64()),
                }
            ),
            provenance=provenance,
        )

    def _requirement_table(self) -> pa.Table:
        if self._requirements is not None:
            return self._requirements
        return pa.table(
            {
                "text": _encoded(self._text_codes, self._texts.ids),
                "skill": _encoded(self._skill_codes, self._skills.ids),
                "weight": pa.array(np.frombuffer(self._weights, np.float64))
                if self._weights
                else pa.array([], pa.float64()),
                **{
                    name: pa.array([self._tags.get(row, {}).get(name) for row in range(len(self._weights))], kind)
                    for name, kind in TAG_COLUMNS.items()
                    if self._tags
                },
            }
        )


class _Nodes:
    """Ids in the order they came, with properties in columns."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._adopted: pa.Array | None = None
        self._longest = limits().identifier
        self.columns: dict[str, dict[int, Value]] = {}
        self.absent: dict[str, int] = {}
        self._near: dict[str, str] | None = None

    def __len__(self) -> int:
        return len(self._ids) if self._adopted is None else max(len(self._ids), len(self._adopted))

    @property
    def ids(self) -> dict[str, int]:
        if self._adopted is not None:
            for identifier in self._adopted.to_pylist():
                self._ids.setdefault(identifier, len(self._ids))
            self._adopted = None
        return self._ids

    def adopt(self, ids: pa.Array) -> None:
        """Add many ids, as Python text only once somebody asks for them: millions of those take much memory."""
        self._adopted = ids

    def add(self, identifier: str, properties: Mapping[str, Value] | None = None) -> int:
        code = self.ids.setdefault(identifier, len(self.ids))
        if len(identifier) > self._longest:
            check_identifier(identifier, "text, skill or model")
        if properties:
            for name, value in properties.items():
                if value is not None and value != "":
                    self.columns.setdefault(name, {})[code] = value
        return code

    def near(self, identifier: str, what: str) -> str:
        """What was perhaps meant by an id that is not there; "" if nothing is near.

        An id may have lost zeros, changed its case or become a decimal on its way, or be a title.
        """
        if self._near is None:
            self._near = {_plain_id(known): known for known in self.ids}
        other = self._near.get(_plain_id(identifier))
        if other is not None:
            return f"it has {other!r}, which may be the same: write both alike"
        for column in ("title", "name"):
            titled = next((code for code, value in self.columns.get(column, {}).items() if value == identifier), None)
            if titled is not None:
                known = next(known for known, code in self.ids.items() if code == titled)
                return f"it is the {column} of {what} {known!r}: use ids, or name the column that holds these"
        return ""

    def table(self) -> pa.Table:
        if self._adopted is not None and not self._ids and not self.columns:
            return pa.table({"id": self._adopted})
        arrays: dict[str, pa.Array] = {"id": pa.array(self.ids, pa.string())}
        for name, values in self.columns.items():
            found = list(map(values.get, range(len(self.ids))))
            arrays[property_name(name)] = property_column(found, name)
            absent = arrays[property_name(name)].null_count - sum(map(_is_absent, found))
            if absent:
                self.absent[name] = absent
        return pa.table(arrays)


def _plain_id(identifier: str) -> str:
    """An id as it is compared where none is equal: without case, outer zeros of numbers, and marks between words.

    >>> _plain_id("007"), _plain_id("7.0"), _plain_id("Task-A 1"), _plain_id("task_a_1")
    ('7', '7', 'taska1', 'taska1')
    """
    plain = re.sub(r"\.0+$", "", identifier.strip()).casefold()
    return (plain.lstrip("0") or "0") if plain.isdecimal() else re.sub(r"[\W_]+", "", plain)


def property_name(name: str) -> str:
    """Name of a property: one that a store uses itself gets another.

    >>> property_name("dataset"), property_name("size")
    ('source_dataset', 'size')
    """
    return _RESERVED.get(name, name)


def property_column(values: Iterable[Value], name: str) -> pa.Array:
    """Values of a property as the narrowest of the types that a dataset knows.

    Text that is a number throughout becomes one, unless it starts with zeros, as codes do; NA and the like among
    numbers become null; `title`, `name`, `class` and `part` stay text.

    >>> property_column(["1", None, "20"], "size").type
    DataType(int64)
    >>> property_column(["1", "NA"], "size").to_pylist(), property_column(["x", "NA"], "size").to_pylist()
    ([1, None], ['x', 'NA'])
    >>> property_column(["007", "1"], "code").type
    DataType(string)
    """
    found = [None if isinstance(value, float) and not math.isfinite(value) else value for value in values]
    kinds = {type(value) for value in found if value is not None}
    if name in {"title", "name", "class", "part", "role", "base"} or not kinds:
        return pa.array([_text(value) for value in found], pa.string())
    if kinds == {str}:
        return _narrowed(found)
    if kinds == {bool}:
        return pa.array(found, pa.bool_())
    if kinds == {int} and all(value is None or -(2**63) <= value < 2**63 for value in found):  # type: ignore[operator]
        return pa.array(found, pa.int64())
    if kinds <= {int, float} and all(value is None or abs(value) < _LARGEST for value in found):  # type: ignore[arg-type]
        return pa.array([None if value is None else float(value) for value in found], pa.float64())
    return pa.array([_text(value) for value in found], pa.string())


def _is_absent(value: Value) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def _narrowed(values: list[Any]) -> pa.Array:
    words = {value for value in set(values) if value is not None and is_missing_word(value)}
    if words and len(words) < len(set(values) - {None}):
        # NA among numbers is what statistics programs write for a number that is missing
        found = _narrowed([None if value in words else value for value in values])
        return pa.array(values, pa.string()) if pa.types.is_string(found.type) else found
    present = [value.strip() for value in values if value is not None]
    if all(_INTEGER.fullmatch(value) for value in present):
        return pa.array([None if value is None else int(value) for value in values], pa.int64())
    if all(_DECIMAL.fullmatch(value) and not _LONG.match(value) for value in present) and all(
        abs(float(value)) < _LARGEST for value in present
    ):
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if all(value.lower() in _FLAGS for value in present):
        return pa.array([None if value is None else _FLAGS[value.strip().lower()] for value in values], pa.bool_())
    return pa.array(values, pa.string())


def _text(value: Value) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def _encoded(codes: array[int], ids: Mapping[str, int]) -> pa.DictionaryArray:
    numbers = np.frombuffer(codes, np.int32) if codes else np.empty(0, np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(numbers), pa.array(ids, pa.string()))


def _pairs(pairs: Iterable[tuple[str, str]], names: tuple[str, str]) -> pa.Table:
    found = list(pairs)
    return pa.table(
        {
            names[0]: pa.array([first for first, _ in found], pa.string()),
            names[1]: pa.array([second for _, second in found], pa.string()),
        }
    )
