"""All formats by name: what a file or folder is, and its dataset.

`load` finds the format out or is told it, reads the file with what lies beside it, and gives a validated dataset
and a report of what was left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loaders import (
    _columns,
    edge_list,
    gexf,
    graphml,
    lm_evaluation,
    neo4j_csv,
    parquet,
    q_matrix,
    skill_rows,
    task_files,
    vocabulary,
)
from loaders._builder import Builder, Value
from loaders._files import Progress, open_lines, read_text, suffixes
from loaders._report import Problems
from loaders._rows import name_key, open_table
from loaders.companions import COMPANIONS, read_companions
from loaders.dataset import Dataset
from loaders.errors import DataError
from loaders.outcomes import parse_score, read_outcomes
from loaders.skill_links import expand_paths, read_hierarchy, read_paths, read_prerequisites, split_path

__all__ = ["FORMATS", "Format", "LoadReport", "detect", "load"]

Reader = Callable[..., Any]


@dataclass(frozen=True)
class Format:
    """A format that can be read.

    Attributes:
        name: As given to `load`.
        summary: One line for help.
        read: Adds a path to a builder; takes the options and `progress`.
        options: What may be given to `load` for this format, with a line of help each.
        companions: True if the files of `COMPANIONS` may be given as well.
    """

    name: str
    summary: str
    read: Reader
    options: Mapping[str, str] = field(default_factory=dict)
    companions: bool = True


@dataclass(frozen=True)
class LoadReport:
    """What a load gave.

    Attributes:
        dataset: The dataset.
        format: Name of the format.
        skipped: Number of rows left out by reason; empty unless lenient.
        examples: The first messages about them.
    """

    dataset: Dataset
    format: str
    skipped: Mapping[str, int]
    examples: tuple[str, ...]


def _read_outcomes(path: Path, builder: Builder, *, scale: str | None = None, **options: Any) -> None:
    if not builder.has_requirements:
        raise DataError(
            "holds outcomes, which say nothing of skills; give the edge list or the rows with skills as requirements",
            path=path,
        )
    read_outcomes(path, builder, scale=scale or "auto", **options)


def _read_elsewhere(path: Path, builder: Builder, **options: Any) -> None:
    raise AssertionError("this format is not read row by row")


_DELIMITER = "one character, or tab, comma, semicolon, pipe, space"
FORMATS: Mapping[str, Format] = {
    found.name: found
    for found in (
        Format("edge-list", "CSV or TSV with a row for each requirement: text, skill, perhaps weight",
               edge_list.read_edge_list, edge_list.OPTIONS),
        Format("skill-rows", "CSV, TSV, JSON or JSON Lines with a row for each text and its skills",
               skill_rows.read_skill_rows, skill_rows.OPTIONS),
        Format("q-matrix", "CSV with a row for each item and a column for each skill",
               q_matrix.read_q_matrix, q_matrix.OPTIONS),
        Format("outcomes", "CSV of outcomes, long or wide; needs requirements",
               _read_outcomes,
               {"text_column": "name of the column with the text", "model_column": "name of the column with the model",
                "score_column": "name of the column with the score", "delimiter": _DELIMITER}),
        Format("lm-evaluation", "samples_*.jsonl of the lm-evaluation-harness, or a folder of them",
               lm_evaluation.read_lm_evaluation, lm_evaluation.OPTIONS),
        Format("big-bench", "BIG-bench task.json with keywords, or a folder of them", task_files.read_big_bench),
        Format("natural-instructions", "task JSON of Natural Instructions, or a folder of them",
               task_files.read_natural_instructions),
        Format("hierarchy", "CSV of parent and child skills", read_hierarchy,
               {"parent_column": "name of the column with the parent", "child_column": "name of that with the child",
                "delimiter": _DELIMITER}),
        Format("prerequisites", "CSV of skills and their prerequisites", read_prerequisites,
               {"prerequisite_column": "name of the column with the prerequisite",
                "skill_column": "name of the column with the skill", "delimiter": _DELIMITER}),
        Format("paths", "text file with a path of skills a line: A -> B -> C", read_paths),
        Format("graphml", "GraphML with texts and skills as nodes", graphml.read_graphml, graphml.OPTIONS),
        Format("gexf", "GEXF (Gephi) with texts and skills as nodes", gexf.read_gexf, gexf.OPTIONS),
        Format("neo4j-csv", "node and relationship files for neo4j-admin import, or APOC's CSV export",
               neo4j_csv.read_neo4j_csv, neo4j_csv.OPTIONS),
        Format("text-folder", "folder of plain text or Markdown against a vocabulary of terms",
               vocabulary.read_text_folder, vocabulary.OPTIONS),
        Format("parquet-edges", "Parquet with a row for each requirement",
               parquet.read_parquet_edges, parquet.OPTIONS),
        Format("parquet", "folder of Parquet files, one for each table of a dataset", _read_elsewhere, {},
               companions=False),
        Format("tables", "folder of CSV files: edges, texts, skills, models, outcomes, hierarchy, prerequisites",
               _read_elsewhere,
               {"prefix": "what the names of the files begin with, where a folder holds several datasets",
                **{name: edge_list.OPTIONS[name] for name in ("where", "weight_column")}}),
        Format("python", "Python source: stdlib, an installed package, a file or a folder", _read_elsewhere,
               {"min_uses": "leave out skills that fewer texts use", "include_tests": "yes to read tests as well",
                "workers": "number of processes"},
               companions=False),
    )
}  # fmt: skip
_COMMON = {
    **COMPANIONS,
    "requirements": "edge list or rows with skills, for a main file that says nothing of skills",
    "paths": "yes, if skills are written as paths, A -> B -> C: each is then part of the one before it",
}


def load(
    path: str | Path,
    *,
    format: str | None = None,  # noqa: A002  # the command line's name for it
    name: str,
    part: str | None = None,
    lenient: bool = False,
    progress: Progress | None = None,
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
        options: Of the format, and of `COMPANIONS`; None is as if not given.

    Returns:
        The dataset and what was left out.

    Raises:
        DataError: The format is not known or cannot be found out, an option is not one of the format's, or the data
            are wrong: the message names file, line, column and what was expected.
    """
    given = {key: value for key, value in options.items() if value is not None}
    target = Path(path)
    found = FORMATS.get(format or detect(path))
    if found is None:
        raise DataError(f"there is no format {format!r}; formats are: {', '.join(FORMATS)}")
    _check_options(found, given)
    if found.name == "python":
        return LoadReport(_load_python(path, name, part, given, progress), found.name, {}, ())
    if found.name == "parquet":
        return LoadReport(parquet.read_parquet_folder(target, name=name, part=part), found.name, {}, ())
    if found.name == "tables":
        given = {**_tables(target, given.pop("prefix", None)), **given}
    problems = Problems(lenient=lenient)
    builder = Builder(problems)
    _read(found, target, builder, given, progress)
    if not (builder.text_ids or builder.skill_ids):
        left = f"; {problems.total} rows were left out, the first: {problems.examples[0]}" if problems.total else ""
        raise DataError(f"holds no text and no skill{left}", path=target)
    facts: dict[str, Value] = {"source": target.name or target.resolve().name, "loader": found.name}
    facts |= {f"option.{key}": _shown(key, value) for key, value in sorted(given.items())}
    if lenient:
        facts["skipped"] = problems.total
        facts |= {f"skipped.{reason}": count for reason, count in sorted(problems.counts.items())}
    dataset = builder.build(name, part, facts, target)
    return LoadReport(dataset, found.name, dict(problems.counts), tuple(problems.examples))


def _shown(key: str, value: str | Path) -> str:
    """Files by their name: where they lie is nobody's business but the user's."""
    is_file = key in COMPANIONS and key not in {"scale", "base_mark", "text_class", "skill_class"}
    return Path(value).name if is_file or isinstance(value, Path) else str(value)


def _check_options(found: Format, given: Mapping[str, object]) -> None:
    allowed = {**found.options, **(_COMMON if found.companions else {})}
    wrong = next((key for key in given if key not in allowed), None)
    if wrong is not None:
        listed = ", ".join(allowed) or "none"
        raise DataError(f"format {found.name!r} has no option {wrong!r}; its options are: {listed}")


def _read(found: Format, path: Path, builder: Builder, given: dict[str, str | Path], progress: Progress | None) -> None:
    own = {key: value for key, value in given.items() if key in found.options}
    if found.name == "q-matrix" and "responses" in own and "scale" in given:
        own["scale"] = given["scale"]
    if found.name == "outcomes" and "scale" in given:
        own["scale"] = given["scale"]
    requirements = given.get("requirements")

    def main() -> None:
        if requirements is not None:
            other = Path(requirements)
            kind = detect(other)
            if kind not in {"edge-list", "skill-rows", "q-matrix", "parquet-edges"}:
                raise DataError(f"is {kind}, where an edge list or rows with skills are expected", path=other)
            FORMATS[kind].read(other, builder, progress=progress)
        if found.name == "tables":
            edges = Path(given["edges"])
            chosen = {key: own[key] for key in ("where", "weight_column") if key in own}
            edge_list.read_edge_list(edges, builder, progress=progress, **chosen)  # type: ignore[arg-type]
        else:
            found.read(path, builder, progress=progress, **own)

    read_companions(builder, given, main=main, progress=progress)
    if _is_yes(given.get("paths"), "paths"):
        expand_paths(builder)


def _is_yes(value: str | Path | None, option: str) -> bool:
    text = str(value or "no").lower()
    if text not in {"yes", "no", "true", "false"}:
        raise DataError(f"{option} {value!r} must be yes or no")
    return text in {"yes", "true"}


def _load_python(
    path: str | Path, name: str, part: str | None, given: Mapping[str, str | Path], progress: Progress | None
) -> Dataset:
    from loaders.python_source import load_python_source

    counts: dict[str, int] = {}
    for option in ("min_uses", "workers"):
        if option in given:
            try:
                counts[option] = int(str(given[option]))
            except ValueError:
                raise DataError(f"{option} {given[option]!r} must be an integer") from None
    return load_python_source(
        [path],
        name=name,
        part=part,
        min_uses=counts.get("min_uses", 1),
        workers=counts.get("workers"),
        include_tests=_is_yes(given.get("include_tests"), "include_tests"),
        progress=progress,
    )


# A folder of tables -----------------------------------------------------------------------------------------

_TABLES = {
    "edges": r"(edges|requirements|edge_list)",
    "texts": r"texts",
    "skills": r"skills(_tree)?",
    "models": r"models",
    "outcomes": r"(outcomes|attempts)(_wide|_long)?",
    "hierarchy": r"(hierarchy|part_of|parents)",
    "prerequisites": r"prerequisites",
}


def _named_tables(folder: Path) -> dict[str, dict[str, Path]]:
    """Tables of a folder by prefix of their name ("" for none) and meaning."""
    found: dict[str, dict[str, Path]] = {}
    for file in sorted(folder.iterdir()):
        if suffixes(file) not in {".csv", ".tsv"}:
            continue
        stem = re.sub(r"\.(csv|tsv)(\.(gz|zst|zstd))?$", "", file.name.lower())
        for meaning, pattern in _TABLES.items():
            match = re.fullmatch(rf"((?P<prefix>.+?)[_-])?{pattern}", stem)
            if match:
                found.setdefault(match["prefix"] or "", {}).setdefault(meaning, file)
                break
    return {prefix: tables for prefix, tables in found.items() if "edges" in tables}


def _tables(folder: Path, prefix: str | Path | None) -> dict[str, str | Path]:
    if not folder.is_dir():
        raise DataError("is no folder; expected one with edges.csv and further tables", path=folder)
    found = _named_tables(folder)
    if prefix is None and len(found) == 1:
        return dict(next(iter(found.values())))
    if str(prefix or "") in found:
        return dict(found[str(prefix or "")])
    if not found:
        raise DataError("holds no edges.csv (or requirements.csv), which says what texts require", path=folder)
    listed = ", ".join(map(repr, sorted(found)))
    raise DataError(f"holds several datasets; give prefix as one of {listed}", path=folder)


# Finding the format out -------------------------------------------------------------------------------------

_BY_SUFFIX = {".graphml": "graphml", ".gexf": "gexf", ".parquet": "parquet-edges", ".py": "python"}


def detect(path: str | Path) -> str:
    """Name of the format of a file or folder, by its name and its first rows.

    Raises:
        DataError: There is no such file, or its format cannot be told.
    """
    target = Path(path)
    if not target.exists():
        text = str(path)
        if target.name == text and not target.suffix:
            return "python"  # stdlib or the name of a package; its loader says if there is none
        raise DataError("there is no such file or folder", path=target)
    if target.is_dir():
        return _detect_folder(target)
    kind = suffixes(target)
    if kind in _BY_SUFFIX:
        return _BY_SUFFIX[kind]
    if lm_evaluation.is_samples_file(target):
        return "lm-evaluation"
    if kind in {".jsonl", ".ndjson"}:
        return _detect_json_lines(target)
    if kind == ".json":
        return _detect_json(target)
    if kind == ".xml":
        head = _head(target)
        return "gexf" if "<gexf" in head else "graphml"
    if kind in vocabulary.TEXT_SUFFIXES:
        lines = [line for line in _head(target).splitlines() if line.strip() and not line.startswith("#")]
        paths = sum(len(split_path(line)) > 1 for line in lines)
        return "paths" if 0 < len(lines) <= 2 * paths else "text-folder"
    return _detect_table(target)


def _head(path: Path) -> str:
    with open_lines(path) as text:
        return text.read(4096)


def _unknown(path: Path, found: str) -> DataError:
    return DataError(f"{found}; name its format: {', '.join(FORMATS)}", path=path)


def _detect_folder(folder: Path) -> str:
    if parquet.is_parquet_folder(folder):
        return "parquet"
    names = [file.relative_to(folder).as_posix() for file in sorted(folder.rglob("*")) if file.is_file()]
    kinds = {suffixes(Path(name)) for name in names}
    top = [folder / name for name in names if "/" not in name]
    if any(lm_evaluation.is_samples_file(Path(name)) for name in names):
        return "lm-evaluation"
    tables = [file for file in top if suffixes(file) in {".csv", ".tsv"}]
    if _named_tables(folder):
        return "tables"
    if any(neo4j_csv.is_neo4j_header(_header(file)) for file in tables):
        return "neo4j-csv"
    if any(Path(name).name == "task.json" for name in names):
        return "big-bench"
    if ".py" in kinds:
        return "python"
    if ".json" in kinds:
        first = next(folder / name for name in names if suffixes(Path(name)) == ".json")
        return _detect_json(first)
    if kinds & vocabulary.TEXT_SUFFIXES:
        return "text-folder"
    raise _unknown(folder, "holds no file of a known format")


def _header(path: Path) -> tuple[str, ...]:
    with open_table(path, Problems()) as table:
        return table.header


def _detect_json_lines(path: Path) -> str:
    with open_lines(path) as text:
        first = next((line for line in text if line.strip()), "")
    try:
        row = json.loads(first)
    except ValueError:
        raise DataError("is no JSON; expected an object in every line", path=path, line=1) from None
    names = list(row) if isinstance(row, dict) else []
    if "doc_id" in names and {"resps", "filtered_resps", "target"} & set(names):
        return "lm-evaluation"
    if skill_rows.has_skill_rows(names):
        return "skill-rows"
    listed = ", ".join(map(repr, names[:12])) or "none"
    raise _unknown(path, f"holds objects with keys {listed}, none of which holds skills")


def _detect_json(path: Path) -> str:
    try:
        content = json.loads(read_text(path))
    except DataError:
        raise
    except (ValueError, RecursionError) as error:
        raise DataError(f"is no JSON: {error}", path=path) from None
    if task_files.is_natural_instructions(content):
        return "natural-instructions"
    if task_files.is_big_bench(content):
        return "big-bench"
    if isinstance(content, list) and content and isinstance(content[0], dict):
        return "skill-rows"
    raise _unknown(path, "is JSON of an unknown form")


def _detect_table(path: Path) -> str:
    """A table by the names of its columns, or, if those say nothing, by its cells."""
    with open_table(path, Problems(lenient=True)) as table:
        header = table.header
        rows = [values for _, values in zip(range(50), (values for _, values in table.rows), strict=False)]
    keys = {name_key(name) for name in header}
    if neo4j_csv.is_neo4j_header(header):
        return "neo4j-csv"
    texts, skills = keys & set(_columns.TEXT), keys & set(_columns.SKILL)
    if keys & set(_columns.MODEL) and keys & set(_columns.SCORE) and texts:
        return "outcomes"
    if skill_rows.has_skill_rows(header):
        return "skill-rows"
    if keys & set(_columns.PARENT) and keys & set(_columns.CHILD) and not texts - {"id", "source"}:
        return "hierarchy"
    if keys & {"prerequisite", "prerequisite_id", "prereq"}:
        return "prerequisites"
    if texts and skills:
        return "edge-list"
    if texts and re.search(r"outcome|response|result|score", path.name.lower()):
        return "outcomes"
    cells = [value for row in rows for value in row[1:]]
    if len(header) > 2 and cells and all(value.strip() in {"", "0", "1", "0.0", "1.0"} for value in cells):
        return "q-matrix"
    if len(header) > 1 and cells and texts and all(_is_score(value) for value in cells):
        return "outcomes"
    raise _unknown(path, f"has columns {', '.join(map(repr, header[:12]))}, which do not tell what it is")


def _is_score(value: str) -> bool:
    try:
        parse_score(value)
    except ValueError:
        return False
    return True
