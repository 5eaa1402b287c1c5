"""All formats by name: what a file or folder is, and its dataset.

`load` finds the format out or is told it, reads the file with what lies beside it, and gives a validated dataset
and a report of what was understood and of what was left out. `inspect` does all but keep it.
"""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from loaders._builder import Builder, Value
from loaders._files import Progress, suffixes
from loaders._reading import ONLY_ASSOCIATIONS, AmbiguousError, Decision
from loaders._registry import FORMATS, Claim, Format
from loaders._report import Problems
from loaders._source import Source
from loaders.companions import COMPANIONS, OPTIONS_OF, companion_option, options_of, read_companions
from loaders.dataset import Dataset
from loaders.errors import DataError
from loaders.gate import exists
from loaders.names import check_given_name, odd_names, with_plain_names
from loaders.skill_links import expand_paths

__all__ = [
    "FORMATS",
    "AmbiguousError",
    "Decision",
    "Format",
    "LoadReport",
    "Reading",
    "TextPreview",
    "detect",
    "head_of",
    "inspect",
    "load",
    "preview",
]

_MODULES = (
    "annotations",
    "edge_list",
    "skill_rows",
    "skill_texts",
    "q_matrix",
    "student_log",
    "outcomes",
    "lm_evaluation",
    "helm",
    "inspect_logs",
    "task_files",
    "skill_links",
    "graphml",
    "gexf",
    "json_graph",
    "gephi_tables",
    "neo4j_csv",
    "vocabulary",
    "parquet",
    "tables",
    "python_files",
    "simulated",
)
"""Each registers what it reads."""

for _module in _MODULES:
    importlib.import_module(f"loaders.{_module}")


@dataclass(frozen=True)
class LoadReport:
    """What a load gave.

    Attributes:
        dataset: The dataset.
        format: Name of the format.
        skipped: Number of rows left out by reason; empty unless lenient.
        examples: The first messages about them.
        decisions: What was decided of the files, each with its evidence.
    """

    dataset: Dataset
    format: str
    skipped: Mapping[str, int]
    examples: tuple[str, ...]
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True)
class TextPreview:
    """A text with the skills that it was understood to require.

    Attributes:
        id: Its id.
        title: Its title.
        skills: Names of the first of its skills.
        n_skills: Number of all of them.
    """

    id: str
    title: str
    skills: tuple[str, ...]
    n_skills: int


@dataclass(frozen=True)
class Reading:
    """A proposed reading of a file, before anything is stored.

    Attributes:
        format: Name of the format; "" if it could not be told.
        formats: Other formats that the file may be of.
        decisions: What was decided, each with its evidence and the options that decide otherwise.
        texts: Number of texts.
        skills: Number of skills.
        requirements: Number of requirements.
        models: Number of models.
        attempts: Number of outcomes.
        preview: The first texts with their skills.
        skipped: Number of rows left out by reason.
        problem: Why it cannot be read; "" if it can.
        choices: Where two readings are possible: each in words with the options that take it.
    """

    format: str
    formats: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()
    texts: int = 0
    skills: int = 0
    requirements: int = 0
    models: int = 0
    attempts: int = 0
    preview: tuple[TextPreview, ...] = ()
    skipped: Mapping[str, int] | None = None
    problem: str = ""
    choices: tuple[tuple[str, str], ...] = ()


_COMMON = {
    **COMPANIONS,
    "requirements": "edge list or rows with skills, for a main file without skills",
    "paths": "yes if skills are written as paths, A -> B -> C: each is then part of the one before it",
}
_NO_FILE = frozenset({"scale", "attempts", "base_mark", "text_class", "skill_class", "paths"})


def load(
    path: str | Path,
    *,
    format: str | None = None,  # noqa: A002  # the command line's name for it
    name: str,
    part: str | None = None,
    lenient: bool = False,
    progress: Progress | None = None,
    stored: Dataset | None = None,
    **options: str | Path | None,
) -> LoadReport:
    """Read a file or folder of any format into a dataset.

    Args:
        path: The file or folder; for Python source also "stdlib" or the name of a package.
        format: One of `FORMATS`; None to find out.
        name: Name of the dataset.
        part: Name of the part that the texts belong to.
        lenient: Count and leave out rows that are wrong, instead of ending at the first.
        progress: Called with what is done and what there is, in bytes, files or row groups.
        stored: A dataset to whose texts a table of outcomes is to be added: it needs no skills then.
        options: Of the format, of `COMPANIONS`, and, behind the name of a file beside the main one, of
            `companions.OPTIONS_OF`, as `texts_id_column`; None is as if not given.

    Returns:
        The dataset, what was decided and what was left out.

    Raises:
        AmbiguousError: The file can be read in two ways; the message names both and the option that decides.
        DataError: The format is not known or cannot be found out, an option is not one of the format's, or the data
            are wrong: the message names file, line, column and what was expected.
    """
    given = {key: value for key, value in options.items() if value is not None}
    target = Path(path)
    check_given_name(name, "dataset")
    problems = Problems(lenient=lenient)
    found = _format(format, path, given, problems)
    _check_options(found, given)
    if found.whole:
        own = {key: value for key, value in given.items() if key in found.options}
        # names of packages and stdlib are no paths
        dataset: Dataset = found.read(path if not exists(target) else target, name=name, part=part,
                                      progress=progress, **own)  # fmt: skip
        dataset, told = with_plain_names(dataset, target)
        return LoadReport(dataset, found.name, {}, (), (*problems.decisions, *told))
    if found.expand is not None:
        given = {**found.expand(target, given), **given}
    builder = Builder(problems)
    if stored is not None and found.name == "outcomes" and "requirements" not in given:
        for text in stored.texts["id"].to_pylist():
            builder.text(text)
        for model in stored.models["id"].to_pylist():
            builder.model(model)
        builder.closed_texts, builder.stored_texts = "the dataset", True
    _read(found, target, builder, given, progress)
    if not builder.has_nodes:
        left = f"; {problems.total} rows were left out, the first: {problems.examples[0]}" if problems.total else ""
        raise DataError(f"has no texts and no skills{left}", path=target)
    facts: dict[str, Value] = {"source": target.name or target.resolve().name, "loader": found.name}
    facts |= {f"option.{key}": _shown(key, value) for key, value in sorted(given.items())}
    facts |= {f"reading.{d.file}.{d.what}": d.taken + (f" ({d.evidence})" if d.evidence else "")
              for d in problems.decisions}  # fmt: skip
    if lenient:
        facts["skipped"] = problems.total
        facts |= {f"skipped.{reason}": count for reason, count in sorted(problems.counts.items())}
    dataset, told = with_plain_names(builder.build(name, part, facts, target), target)
    if (
        stored is not None
        and found.name == "student-log"
        and _all_stored(dataset, stored)
        and (given.keys() <= FORMATS["outcomes"].options.keys() | COMPANIONS.keys())
    ):
        # A text has a row for each of its skills, or one for each try: either is one outcome, as above.
        further = {"attempts": "share", **given}
        alone = load(path, format="outcomes", name=name, part=part, lenient=lenient, progress=progress, stored=stored,
                     **further)  # fmt: skip
        skills = Decision(target.name, "skills", "left out, only outcomes are added", "all of its texts are stored")
        return replace(alone, decisions=(*alone.decisions, skills))
    decisions = (*problems.decisions, *told, *odd_names(dataset, target))
    return LoadReport(dataset, found.name, dict(problems.counts), tuple(problems.examples), decisions)


def inspect(
    path: str | Path,
    *,
    format: str | None = None,  # noqa: A002  # the command line's name for it
    lenient: bool = False,
    progress: Progress | None = None,
    stored: Dataset | None = None,
    **options: Any,
) -> Reading:
    """What a load would understand of a file, with what is wrong or undecided in it as part of the answer.

    Args:
        path: See `load`, likewise the others.
        format: See `load`.
        lenient: See `load`.
        progress: See `load`.
        stored: See `load`; of outcomes alone, no texts are counted then.
        options: See `load`.

    Returns:
        The proposed reading; `problem` says why there is none, `choices` which options decide.

    >>> inspect("no-such-file.csv").problem
    'no-such-file.csv: there is no such file or folder'
    """
    formats: tuple[str, ...] = ()
    found = format or ""
    try:
        if not found:
            found = detect(path, **options)
            if exists(path):
                given = {key: value for key, value in options.items() if value is not None}
                formats = tuple(name for name, _ in _claims(Path(path), given))
        report = load(
            path, format=found, name="inspected", lenient=lenient, progress=progress, stored=stored, **options
        )
    except AmbiguousError as error:
        return Reading(found, _others(formats, found), problem=str(error), choices=error.readings)
    except DataError as error:
        return Reading(found, _others(formats, found), problem=str(error))
    dataset = report.dataset
    told = Reading(
        format=report.format,
        formats=_others(formats, found),
        decisions=report.decisions,
        skipped=report.skipped,
        attempts=dataset.attempts.num_rows,
    )
    if stored is not None and dataset.outcomes_alone:
        return replace(told, models=len(dataset.attempts["model"].unique()))
    return replace(
        told,
        texts=dataset.n_texts,
        skills=dataset.n_skills,
        requirements=dataset.n_requirements,
        models=dataset.models.num_rows,
        preview=preview(dataset),
    )


def head_of(path: str | Path, rows: int = 6, /, **options: Any) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """The names of the columns of a table and its first rows as they stand in the file; nothing of another file.

    Args:
        path: The file.
        rows: Number of rows.
        options: See `load`; those of tables count.

    >>> head_of("no-such-file.csv")
    ((), ())
    """
    try:
        table = Source(Path(path), {key: value for key, value in options.items() if value is not None}).table
    except (DataError, OSError):
        return (), ()
    if table is None:
        return (), ()
    return tuple(map(str, table.header)), tuple(tuple(str(cell) for cell in row) for row in table.sample[:rows])


def _all_stored(dataset: Dataset, stored: Dataset) -> bool:
    import pyarrow.compute as pc

    there = stored.texts["id"].combine_chunks()
    return bool(dataset.n_texts and pc.all(pc.is_in(dataset.texts["id"], value_set=there)).as_py())


def _others(formats: tuple[str, ...], found: str) -> tuple[str, ...]:
    return tuple(name for name in formats if name != found)


def preview(dataset: Dataset, texts: int = 3, skills: int = 5) -> tuple[TextPreview, ...]:
    """The first texts with the first of their skills.

    Args:
        dataset: The dataset.
        texts: Number of texts.
        skills: Most skills of each that are named.
    """
    import numpy as np

    codes = dataset.requirements["text"].combine_chunks()
    codes = codes.combine_chunks() if hasattr(codes, "combine_chunks") else codes
    numbers = codes.indices.to_numpy() if len(codes) else np.empty(0, np.int32)
    found = []
    for place in range(min(texts, dataset.n_texts)):
        first, last = np.searchsorted(numbers, [place, place + 1])
        ids = dataset.requirements["skill"].slice(first, min(last - first, skills)).to_pylist()
        rows = {skill: dataset.skills["name"][_place(dataset, skill)].as_py() for skill in ids}
        found.append(
            TextPreview(
                dataset.texts["id"][place].as_py(),
                dataset.texts["title"][place].as_py(),
                tuple(rows.values()),
                int(last - first),
            )
        )
    return tuple(found)


def _place(dataset: Dataset, skill: str) -> int:
    import pyarrow.compute as pc

    return int(pc.index(dataset.skills["id"], skill).as_py())


def _shown(key: str, value: str | Path) -> str:
    """Files by their name: where they lie is nobody's business but the user's."""
    is_file = (key in COMPANIONS or key in {"requirements", "responses", "vocabulary"}) and key not in _NO_FILE
    return Path(value).name if is_file or isinstance(value, Path) else str(value)


def _format(name: str | None, path: str | Path, given: Mapping[str, str | Path], problems: Problems) -> Format:
    if name is None:
        found, claim = _detected(path, given)
        problems.decide(Path(path), "format", found.name, claim.evidence, option="--format")
        return found
    if name not in FORMATS:
        near = difflib.get_close_matches(name, FORMATS, 1)
        meant = f"; did you mean {near[0]}?" if near else "; `skillgraph load --formats` lists them"
        raise DataError(f"there is no format {name!r}{meant}")
    return FORMATS[name]


def _check_options(found: Format, given: Mapping[str, object]) -> None:
    allowed = {**found.options, **(_COMMON if found.companions else {})}
    for key in given:
        if key in allowed:
            continue
        beside = companion_option(key)
        if beside is not None and found.companions and (beside[0] in given or found.expand is not None):
            continue
        if beside is not None and found.companions:
            raise DataError(f"option {key} belongs to the file {beside[0]}, which is not given; add {beside[0]}=FILE")
        near = difflib.get_close_matches(key, [*allowed, *_behind_names(given)], 1, 0.7)
        meant = f"; did you mean {near[0]}?" if near else "; its options are in `skillgraph load --formats`"
        raise DataError(f"format {found.name!r} has no option {key!r}{meant}")


def _behind_names(given: Mapping[str, object]) -> list[str]:
    return [f"{name}_{option}" for name, known in OPTIONS_OF.items() if name in given for option in known]


def _read(found: Format, path: Path, builder: Builder, given: dict[str, str | Path], progress: Progress | None) -> None:
    own = {key: value for key, value in given.items() if key in found.options}
    if "responses" in own:
        own["response_options"] = options_of("responses", given)  # type: ignore[assignment]
        own["response_options"].pop("scale", None)  # type: ignore[union-attr]
        if "responses_scale" in given:
            own["scale"] = given["responses_scale"]
    requirements = given.get("requirements")

    def main() -> None:
        if requirements is not None:
            other, said = Path(requirements), options_of("requirements", given)
            with builder.problems.beside("requirements", OPTIONS_OF["requirements"]):
                kind = FORMATS[detect(other, **said)]
                if not kind.requirements:
                    raise DataError(f"is {kind.name}, where an edge list or rows with skills are expected", path=other)
                wrong = next((key for key in said if key not in kind.options), None)
                if wrong is not None:
                    raise DataError(f"is {kind.name}, which has no option {wrong}", path=other)
                kind.read(other, builder, progress=progress, **said)
        found.read(path, builder, progress=progress, **own)

    read_companions(builder, given, main=main, progress=progress)
    if is_yes(given.get("paths"), "paths"):
        expand_paths(builder)


def is_yes(value: str | Path | None, option: str) -> bool:
    """A flag among the options.

    Raises:
        DataError: It is neither yes nor no.
    """
    text = str(value or "no").lower()
    if text not in {"yes", "no", "true", "false"}:
        raise DataError(f"{option} {value!r} must be yes or no")
    return text in {"yes", "true"}


# Finding the format out -------------------------------------------------------------------------------------


def detect(path: str | Path, **options: str | Path | None) -> str:
    """Name of the format of a file or folder, by its name and its content.

    Args:
        path: The file or folder.
        options: Those of `load`, which say how a table is written.

    Raises:
        DataError: There is no such file, or its format cannot be told.
    """
    return _detected(path, {key: value for key, value in options.items() if value is not None})[0].name


def _claims(path: Path, given: Mapping[str, str | Path]) -> list[tuple[str, Claim]]:
    source = Source(path, dict(given))
    found: list[tuple[str, Claim]] = []
    wrong: DataError | None = None
    for name, known in FORMATS.items():
        try:
            claim = known.claims(source)
        except DataError as error:
            wrong = wrong or error  # unless a name says what the file is, and its reader what is wrong
            continue
        if claim is not None:
            found.append((name, claim))
    if wrong is not None and not found:
        raise wrong
    return sorted(found, key=lambda pair: -pair[1].rank)


def _detected(path: str | Path, given: Mapping[str, str | Path]) -> tuple[Format, Claim]:
    target = Path(path)
    if not exists(target):
        text = str(path)
        if text == "simulated":
            return FORMATS[text], Claim(90, "no file has this name, so drawn from a seed")
        if target.name == text and not target.suffix:
            # stdlib or the name of a package; its loader says if there is none
            return FORMATS["python"], Claim(10, "no file has this name, so a package")
        raise DataError("there is no such file or folder", path=target)
    source = Source(target, dict(given))
    if source.is_dir and _is_association_export(source.files):
        raise DataError(ONLY_ASSOCIATIONS, path=target)
    claims = _claims(target, given)
    own = [key for key in given if key not in _COMMON and companion_option(key) is None]
    # columns that the user named say more than names of columns do
    told = [claim for claim in claims if FORMATS[claim[0]].options.keys() >= set(own)] or _by_options(source, own)
    if not claims and not told:
        raise _unknown(source)
    first = (told or claims)[0]
    return FORMATS[first[0]], first[1]


def _is_association_export(files: Sequence[str]) -> bool:
    """True for a folder with what an export of a layer's association graph writes, and nothing else."""
    return any(set(files) == {"dataset.json", f"skills.{end}", f"associations.{end}"} for end in ("csv", "parquet"))


def _by_options(source: Source, own: Sequence[str]) -> list[tuple[str, Claim]]:
    """The format of a table by the options that name its columns."""
    if source.table is None:
        return []
    ways = {
        "edge-list": ("text_column", "skill_column"),
        "skill-rows": ("skills_column",),
        "skill-texts": ("texts_column",),
        "q-matrix": ("skill_columns",),
    }
    return [
        (name, Claim(1, f"{' and '.join(needed)} are given" if len(needed) > 1 else f"{needed[0]} is given"))
        for name, needed in ways.items()
        if set(needed) <= set(own) <= FORMATS[name].options.keys()
    ]


_UNREAD = {
    ".toml": "TOML", ".xml": "XML", ".rdf": "RDF", ".owl": "RDF", ".ttl": "RDF", ".sql": "SQL",
    ".ods": "an OpenDocument spreadsheet", ".numbers": "a spreadsheet of Numbers", ".bib": "BibTeX",
}  # fmt: skip


def _unknown(source: Source) -> DataError:
    way = "name its format with --format; `skillgraph load --formats` lists them"
    if source.is_dir:
        if any(re.search(r"(^|/)results[^/]*\.json$", name) for name in source.files):
            return DataError(
                "has results for whole tasks, results….json, as the lm-evaluation-harness writes them, but no samples, "
                "which tell each text: run it with --log_samples",
                path=source.path,
            )
        kinds = sorted({suffixes(Path(name)) or "(none)" for name in source.files})
        listed = f"; its files end in {', '.join(kinds[:8])}" if kinds else ""
        return DataError(f"has no files of a known format{listed}; {way}", path=source.path)
    if re.match(r"\s*<(!doctype html|html|table)\b", source.head, re.IGNORECASE):
        return DataError("is an HTML page; save its table as CSV, or download the file itself", path=source.path)
    if source.suffix in {".yaml", ".yml"}:
        return DataError("is YAML, which is not read; write it as JSON", path=source.path)
    if source.suffix in _UNREAD:
        return DataError(f"is {_UNREAD[source.suffix]}, which is not read; write its table as CSV or JSON",
                         path=source.path)  # fmt: skip
    if source.is_json_unnamed:
        return DataError("holds JSON; give its name the ending .json, or .jsonl if each line is an object of its own",
                         path=source.path)  # fmt: skip
    if source.suffix == ".tex" or re.search(r"\\begin\{(tabular|longtable)", source.head):
        return DataError("is LaTeX, which is not read; save its table as CSV", path=source.path)
    kind = _graph_kind(source)
    if kind is not None:
        return DataError(f"is a graph in {kind}, which is not read; save it as GraphML and load that", path=source.path)
    why = source.why_no_table
    if isinstance(why, AmbiguousError):
        return why
    if source.table is None and why is not None:
        return why
    if source.is_json:
        keys = ", ".join(map(repr, list(source.first_object)[:12]))
        what = f"objects with keys {keys}, none of which contains skills" if keys else "JSON in an unknown form"
        columns = list(source.table.header[:12]) if source.table is not None and not keys else []
        if columns:
            what = f"rows with keys {', '.join(map(repr, columns))}, none of which contains skills"
        return DataError(f"holds {what}; name the column of skills with skills_column and --format skill-rows, or "
            f"that of the texts of a skill with texts_column and --format skill-texts, or {way}",
                         path=source.path)  # fmt: skip
    if source.table is not None and not source.table.named and len(source.table.header) == 2:
        return DataError(
            "has two columns of numbers without names: for a text and a skill in each row use --format edge-list; if "
            "the first row holds names, use header=yes",
            path=source.path,
        )
    if source.table is not None:
        header = ", ".join(map(repr, source.table.header[:12]))
        sure = source.table.dialect is None or source.table.dialect.sure
        first = "" if sure or not source.table.named else "; if its first row is already data, use header=no"
        return DataError(
            f"has columns {header}, which do not show what it is: name them with text_column and skill_column and "
            "use --format edge-list (a row for each requirement), or with skills_column and --format skill-rows, or "
            "with texts_column and --format skill-texts (a row for each skill), or with skill_columns and --format "
            f"q-matrix (a column for each skill){first}",
            path=source.path,
        )
    return DataError(f"is of an unknown kind; {way}", path=source.path)


_GRAPH_KINDS = (
    ("GML", r"(?:\s*(?:#|Creator|Version)[^\n]*\n)*\s*graph\s*\["),
    ("Pajek's form", r"\s*(?:%[^\n]*\n)*\s*\*(?:Network|Vertices)\b"),
    ("DOT", r"\s*(?:strict\s+)?(?:di)?graph\b[^\[\n]*\{"),
)


def _graph_kind(source: Source) -> str | None:
    """What a file of a graph is written in, if it is a form that other programs write and none is read here."""
    return next((kind for kind, start in _GRAPH_KINDS if re.match(start, source.head, re.IGNORECASE)), None)
