"""A folder of plain text or Markdown against a vocabulary: the skills of a text are the terms it contains.

All terms are found in one pass over a text by an Aho-Corasick automaton [AhoCorasick1975].
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from loaders import _columns
from loaders._builder import Builder, Value
from loaders._files import Progress, open_lines, read_text, suffixes
from loaders._frames import is_framed
from loaders._reading import AmbiguousError
from loaders._registry import Claim, Format, register
from loaders._rows import find_column, open_table, optional_column
from loaders._source import Source
from loaders.errors import DataError
from loaders.gate import files_below

__all__ = ["OPTIONS", "TEXT_SUFFIXES", "Vocabulary", "fold", "read_text_folder", "read_vocabulary"]

OPTIONS: Mapping[str, str] = {
    "vocabulary": "the terms: a text file with one per line, or a table with columns term and skill",
    "separator": "separator of several terms of one skill in a table; by default ;",
}
TEXT_SUFFIXES = frozenset({".txt", ".md", ".markdown", ".rst", ".text"})

# Thai to Burmese, Khmer, and the Chinese and Japanese scripts.
_WITHOUT_SPACES = (("\u0e00", "\u109f"), ("\u1780", "\u17ff"), ("\u2e80", "\u9fff"), ("\uf900", "\ufaff"),
                   ("\U00020000", "\U0003ffff"))  # fmt: skip


def fold(text: str) -> str:
    """A text as it is compared: without case, accents and compatibility forms, every space a blank.

    >>> fold("Théorie  des GRAPHES, ﬁnite")
    'theorie des graphes, finite'
    """
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = "".join(mark for mark in decomposed if not unicodedata.combining(mark))
    return " ".join(plain.split())


class Vocabulary:
    """Terms and the skills that they stand for.

    Args:
        terms: Pairs of a term, as it is written, and the id of a skill. A term may stand for several skills.

    >>> found = Vocabulary([("graph", "graphs"), ("graph theory", "theory")]).count("Graph theory is no graphology.")
    >>> sorted(found.items())
    [('graphs', 1), ('theory', 1)]
    """

    def __init__(self, terms: Iterable[tuple[str, str]]) -> None:
        import ahocorasick  # type: ignore[import-not-found]  # it publishes no types

        skills: dict[str, dict[str, None]] = {}
        for term, skill in terms:
            key = fold(term)
            if key:
                skills.setdefault(key, {})[skill] = None
        self._automaton = ahocorasick.Automaton()
        for key, found in skills.items():
            self._automaton.add_word(key, (len(key), tuple(found)))
        self._automaton.make_automaton()
        self.size = len(skills)

    def count(self, text: str) -> Counter[str]:
        """How often each skill's terms occur in a text, as whole words; terms inside of longer terms count too."""
        counts: Counter[str] = Counter()
        if not self.size:
            return counts
        folded = fold(text)
        for last, (length, skills) in self._automaton.iter(folded):
            first = last - length + 1
            if _is_bounded(folded, first, last):
                counts.update(skills)
        return counts


def _is_bounded(text: str, first: int, last: int) -> bool:
    """True if what is found is not a piece of a longer word: letters and digits go on, other characters do not."""
    before = first == 0 or not (_in_word(text[first - 1]) and _in_word(text[first]))
    after = last + 1 == len(text) or not (_in_word(text[last + 1]) and _in_word(text[last]))
    return before and after


def _in_word(character: str) -> bool:
    """True for characters that words are written with; scripts without spaces between words have no such."""
    return (character.isalnum() or character == "_") and not any(
        first <= character <= last for first, last in _WITHOUT_SPACES
    )


def read_vocabulary(path: Path, builder: Builder, *, separator: str | None = None) -> list[tuple[str, str]]:
    """Terms with the ids of their skills, from a file.

    A text file has a term a line; `#` begins a comment, and the term is the skill's id. A table has the id of the
    skill and, in a column `term`, `terms`, `name` or `label`, its terms; other columns become properties.

    Raises:
        DataError: No term, or an empty id.
    """
    pairs: list[tuple[str, str]] = []
    if suffixes(path) not in {".csv", ".tsv", ".json", ".jsonl", ".parquet"}:
        with open_lines(path) as lines:
            for line in lines:
                term = line.strip()
                if term and not term.startswith("#"):
                    builder.skill(term)
                    pairs.append((term, term))
    else:
        pairs.extend(_table_terms(path, builder, separator or ";"))
    if not any(fold(term) for term, _ in pairs):
        raise DataError("has no terms", path=path)
    return pairs


def _table_terms(path: Path, builder: Builder, separator: str) -> Iterator[tuple[str, str]]:
    with open_table(path, builder.problems) as table:
        header = table.header
        term = optional_column(header, ("terms", "term", "alias", "aliases", "name", "label"), None, path)
        skill = optional_column(header, ("skill_id", "skill", "concept_id", "concept", "id"), None, path)
        if term is None and skill is None:
            term = find_column(header, _columns.SKILL_ID, None, path, what="the term", option="the column term")
        kind = optional_column(header, _columns.SKILL_CLASS, None, path)
        for line, values in table.rows:
            written = values[term if term is not None else skill or 0].strip()
            identifier = written if skill is None else values[skill].strip()
            if not identifier:
                builder.problems.report("empty id", "expected the id of a skill, found nothing", path, line)
                continue
            properties: dict[str, Value] = {} if kind is None else {"class": values[kind].strip()}
            builder.skill(identifier, properties)
            yield identifier, identifier
            for alias in written.split(separator):
                if alias.strip():
                    yield alias.strip(), identifier


def read_text_folder(
    path: Path,
    builder: Builder,
    *,
    vocabulary: str | Path | None = None,
    separator: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Add the texts of a folder with the terms of a vocabulary that they contain; `weight` is how often.

    The id of a text is its path relative to the folder, its class the folder it lies in, its title the first line
    with a letter (in Markdown without the number signs).

    Args:
        path: A folder with .txt, .md or .rst files, or one such file.
        builder: Takes texts, skills and requirements.
        vocabulary: See `OPTIONS`, likewise the other.
        separator: See `OPTIONS`.
        progress: Called with files read and all files.

    Raises:
        DataError: No vocabulary or no text; a file that is not UTF-8 text.
    """
    if vocabulary is None:
        way = "to find the skills of texts, give a list of terms with vocabulary=FILE"
        if path.is_dir():
            raise DataError(f"is a folder of texts; {way}", path=path)
        raise DataError(
            f"is a text, not a table; {way}; if it is a table, name its format with --format, and its delimiter",
            path=path,
        )
    index = Vocabulary(read_vocabulary(Path(vocabulary), builder, separator=separator))
    own = Path(vocabulary).resolve()
    files = [path]
    root = path.parent
    if path.is_dir():
        root = path
        files = sorted(file for file in files_below(path) if suffixes(file) in TEXT_SUFFIXES and file.resolve() != own)
    if not files:
        raise DataError(f"has no text files ({', '.join(sorted(TEXT_SUFFIXES))})", path=path)
    for number, file in enumerate(files, 1):
        try:
            text = read_text(file) if file.stat().st_size else ""
        except DataError as error:
            builder.problems.report("unreadable file", str(error).partition(": ")[2], file, error.line)
            continue
        identifier = file.relative_to(root).as_posix()
        if builder.known_text(identifier, file, None):
            folder = file.parent.relative_to(root).as_posix()
            builder.text(identifier, {"title": _title(text), "class": None if folder == "." else folder})
            for skill, count in sorted(index.count(text).items()):
                builder.require(identifier, skill, float(count))
        if progress is not None:
            progress(number, len(files))


def _title(text: str) -> str | None:
    first = next((line for line in text.splitlines() if any(map(str.isalpha, line))), "")
    return first.lstrip("# ").strip()[:200] or None


def _claims(source: Source) -> Claim | None:
    if source.is_dir:
        kinds = {suffixes(Path(name)) for name in source.files}
        return Claim(15, "text files") if kinds & TEXT_SUFFIXES else None
    if source.suffix not in TEXT_SUFFIXES:
        return None
    if "vocabulary" in source.options:
        return Claim(98, "a text, and a list of terms to look for")
    if source.is_json_unnamed:
        return None
    if source.is_table_text or isinstance(source.why_no_table, AmbiguousError):
        return None
    if source.why_no_table is not None and is_framed(source.head.splitlines()):
        return None
    return Claim(15, "a text file whose lines are not rows of a table")


register(Format("text-folder", "folder of plain text or Markdown against a vocabulary of terms", read_text_folder,
                OPTIONS, claims=_claims))  # fmt: skip
