"""Names of things: one rule for those that people give, one form for those that files hold.

The same word can be written in several ways that look alike: é as one letter or as e with an accent (Unicode's forms
NFC and NFD), with a no-break space, or with marks that cannot be seen. Ids and names that files hold are put into form
NFC, and what becomes the same is joined; what cannot be seen is left, and told of.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from loaders._reading import Decision, plural, quoted
from loaders.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

    from loaders.dataset import Dataset

__all__ = ["LONGEST_NAME", "check_given_name", "invisible_in", "odd_names", "with_plain_names"]

LONGEST_NAME = 200
"""Characters of the name of a dataset or layer, at most."""

_INVISIBLE = {
    "\u00a0": "no-break space",
    "\u00ad": "soft hyphen",
    "\u061c": "direction mark",
    "\u180e": "vowel separator",
    "\u2007": "figure space",
    "\u2028": "line separator",
    "\u2029": "paragraph separator",
    "\u202f": "narrow no-break space",
    "\ufeff": "byte order mark",
    **dict.fromkeys("\u200b\u200c\u200d\u2060", "zero-width character"),
    **dict.fromkeys("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", "direction mark"),
}
_REMOVED = str.maketrans({mark: " " if "space" in name else None for mark, name in _INVISIBLE.items()})
# Columns of ids, and of words that are compared with each other.
_COLUMNS: Mapping[str, Sequence[str]] = {
    "texts": ("id", "title", "class", "part"),
    "skills": ("id", "name", "class"),
    "requirements": ("text", "skill"),
    "prerequisites": ("prerequisite", "skill"),
    "part_of": ("child", "parent"),
    "models": ("id", "role", "base"),
    "attempts": ("model", "text"),
}
_NOUNS = {"texts": "text", "skills": "skill", "models": "model"}


def check_given_name(name: str, what: str) -> None:
    r"""Refuse a name that a dataset or layer cannot have.

    Args:
        name: The name.
        what: What it is of: "dataset", "layer".

    Raises:
        DataError: It is empty, too long, has outer spaces, or holds "/", a control character or a direction mark.

    >>> check_given_name("a\nb", "layer")
    Traceback (most recent call last):
    ...
    loaders.errors.DataError: layer name 'a\nb' holds the control character '\n': choose a name without it
    """
    if not name or "/" in name or name != name.strip():
        raise DataError(f"{what} name {name[:60]!r} must not be empty, contain '/', or begin or end with a space")
    if len(name) > LONGEST_NAME:
        raise DataError(
            f"{what} name {name[:40]!r}… has {len(name):,} characters: choose one of at most {LONGEST_NAME}"
        )
    for letter in name:
        if unicodedata.category(letter) in ("Cc", "Zl", "Zp") or _INVISIBLE.get(letter) == "direction mark":
            raise DataError(f"{what} name {name!r} holds the control character {letter!r}: choose a name without it")


def invisible_in(text: str) -> str:
    r"""What cannot be seen in a text, by name; "" if all can.

    >>> invisible_in("a\u200bb"), invisible_in("a b")
    ('zero-width character', '')
    """
    return ", ".join(dict.fromkeys(_INVISIBLE[letter] for letter in text if letter in _INVISIBLE))


def with_plain_names(dataset: Dataset, source: Path) -> tuple[Dataset, tuple[Decision, ...]]:
    """A dataset whose ids and names are in form NFC, and what there is to tell about them.

    What becomes the same is joined: of its properties the first that is known counts, requirements are summed.

    Args:
        dataset: As it was read.
        source: Where from, for messages.

    Returns:
        The dataset, the same if nothing had to be changed, and remarks.

    Raises:
        DataError: Joining two things leaves a model with two scores for a text, or a cycle.
    """
    found: list[Decision] = []
    tables = dataset.tables()
    changed = {name: _normalised(table, _COLUMNS[name]) for name, table in tables.items()}
    if any(changed[name] is not tables[name] for name in tables):
        dataset = _rebuilt(dataset, changed, source, found)
    for name, noun in _NOUNS.items():
        found += _hidden(dataset.tables()[name], noun, source)
    return dataset, tuple(found)


def _normalised(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    for name in columns:
        place = table.column_names.index(name)
        column = table.column(place)
        if pa.types.is_dictionary(column.type):
            values = column.unify_dictionaries().combine_chunks()
            values = values.chunk(0) if isinstance(values, pa.ChunkedArray) and values.num_chunks else values
            words = values.dictionary if isinstance(values, pa.DictionaryArray) else pa.array([], pa.string())
        else:
            words = column
        if pc.all(pc.string_is_ascii(words)).as_py() is not False:
            continue
        plain = pc.utf8_normalize(words, "NFC")
        if plain.equals(words):
            continue
        if pa.types.is_dictionary(column.type):
            plain = plain.take(values.indices)
        table = table.set_column(place, name, plain)
    return table


def _rebuilt(dataset: Dataset, tables: dict[str, pa.Table], source: Path, found: list[Decision]) -> Dataset:
    from loaders.dataset import build_dataset

    for name, noun in _NOUNS.items():
        before = tables[name].num_rows
        tables[name] = _joined(tables[name])
        joined = before - tables[name].num_rows
        if joined:
            found.append(
                Decision(
                    source.name, "names", f"{plural(joined, noun)} joined with another",
                    "their ids differed only in how letters are composed (Unicode NFC and NFD)",
                )
            )  # fmt: skip
    try:
        return build_dataset(dataset.name, provenance=dataset.provenance, **tables)
    except DataError as error:
        raise DataError(f"once names are in Unicode form NFC: {error}", path=source) from None


def _joined(table: pa.Table) -> pa.Table:
    """One row for each id; of each property the first value that is known."""
    import pyarrow.compute as pc

    if pc.count_distinct(table["id"]).as_py() == table.num_rows:
        return table
    rest = [name for name in table.column_names if name != "id"]
    firsts: dict[str, dict[str, object]] = {}
    for row in table.to_pylist():
        kept = firsts.setdefault(row["id"], row)
        for name in rest:
            if kept[name] is None:
                kept[name] = row[name]
    return type(table).from_pylist(list(firsts.values()), schema=table.schema)


# Patterns of RE2, as Arrow searches them.
_ODD = (
    ("[\u00c3\u00c2][\u0080-\u00bf\u0152-\u0192\u2018-\u203a\u20ac\u2122]|\u00e2\u20ac",
     "with garbled letters, kept",
     "UTF-8 was read as another encoding where they come from"),
    ("^[“„”«»‹›‘‚「『＂\"'].+[”“»«›‹’‘」』＂\"']$", "in quotation marks, kept", "they belong to what the file holds"),
    ("&(amp|lt|gt|quot|nbsp|#[0-9]+|#x[0-9a-f]+);", "with marks of HTML, kept", "as &amp; stands for &"),
    ("^[0-9]([.,][0-9]+)?E[+][0-9]{2,}$", "written as a number in short form, kept",
     "a spreadsheet may have made different numbers the same"),
)  # fmt: skip


def odd_names(dataset: Dataset, source: Path) -> tuple[Decision, ...]:
    """What there is to tell about ids that something was done to on their way, and others that differ in case only."""
    import pyarrow.compute as pc

    found = []
    for table, noun in (("texts", "text"), ("skills", "skill")):
        ids = dataset.tables()[table]["id"]
        for pattern, what, why in _ODD:
            odd = ids.filter(pc.match_substring_regex(ids, pattern))
            if len(odd):
                few = quoted(odd.slice(0, 3).to_pylist(), 3)
                found.append(Decision(source.name, "names", f"{plural(len(odd), noun)} {what}", f"{why}: {few}"))
    for table, noun in (("texts", "text"), ("skills", "skill")):
        ids = dataset.tables()[table]["id"]
        lower = pc.utf8_lower(ids)
        if lower.equals(ids):
            continue
        count = len(ids) - pc.count_distinct(lower).as_py()
        if not count:
            continue
        seen: dict[str, str] = {}
        twins = next(
            ([seen[key], name] for key, name in zip(lower.to_pylist(), ids.to_pylist(), strict=True)
             if seen.setdefault(key, name) != name), []
        )  # fmt: skip
        found.append(
            Decision(
                source.name, "names", f"{plural(count, noun)} kept apart from another in spite of the same letters",
                f"they differ in upper and lower case: {quoted(twins)}",
            )
        )  # fmt: skip
    return tuple(found)


def _hidden(table: pa.Table, noun: str, source: Path) -> list[Decision]:
    import pyarrow.compute as pc

    ids = table["id"]
    if pc.all(pc.string_is_ascii(ids)).as_py() is not False:
        return []
    every = ids.to_pylist()
    hidden = [name for name in every if invisible_in(name)]
    if not hidden:
        return []
    known = set(every)
    twins = [name for name in hidden if " ".join(name.translate(_REMOVED).split()) in known]
    kinds = ", ".join(dict.fromkeys(invisible_in(name) for name in hidden))
    evidence = kinds
    if twins:
        differ = "differs" if len(twins) == 1 else "differ"
        evidence += f"; {plural(len(twins), noun)} {differ} from another in nothing else: {quoted(twins)}"
    return [Decision(source.name, "names", f"{plural(len(hidden), noun)} with invisible characters, kept", evidence)]
