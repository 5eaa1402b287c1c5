"""One gate for all input: what cannot be data is refused in a sentence, at once and in little memory."""

from __future__ import annotations

import ast
import gzip
import json
import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

import explorer
from explorer.errors import USER_ERRORS, QueryError, StoreError
from explorer.sgc import Codebook, DamagedFileError, SgcReader, SgcWriter, TextRecord, read_texts
from explorer.sgc import container as sgc_container
from explorer.store.opening import open_store
from explorer.unforeseen import MARK
from loaders.errors import DataError
from loaders.formats import inspect, load
from loaders.gate import LimitError, check_nesting, files_below, limits, open_regular, parse_json, read_regular
from tests.support.command_line import call_words

ROOT = Path(explorer.__file__).parents[1]
MIB = 1 << 20
# Files of the program's own, which no user names and which lie in folders of its own.
OWN_FILES = {
    "explorer/agent/tools.py", "explorer/annotation/asking.py",
    "explorer/server/jars.py", "explorer/server/local.py", "explorer/server/archive.py", "explorer/server/watchdog.py",
    "explorer/credentials.py",
    "explorer/service/memo.py", "explorer/spark/run_folder.py", "explorer/spark/session.py",
    "explorer/store/embedded/bounded.py", "explorer/unforeseen.py", "loaders/gate.py", "loaders/writing.py",
    "ui/delivery.py", "ui/scripts.py", "ui/work/kept.py",
}  # fmt: skip
READING = {"open", "read_text", "read_bytes"}
WRITES = {"wb", "w", "r+b", "xb", "ab"}


def test_nothing_else_opens_files_for_reading() -> None:
    found = []
    for path in sorted(path for room in ("loaders", "explorer", "ui") for path in (ROOT / room).rglob("*.py")):
        place = path.relative_to(ROOT).as_posix()
        if place in OWN_FILES:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            owner = getattr(getattr(node.func, "value", None), "id", "")
            how = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            takes_path = (
                isinstance(node.func, ast.Name) or name in {"read_text", "read_bytes"} or set(how) & {"r", "rb"}
            )
            if name in READING and takes_path and owner not in {"os", "kglite", "webbrowser"} and not set(how) & WRITES:
                if name == "read_text" and (isinstance(node.func, ast.Name) or owner == "found"):
                    continue  # the loaders' own, which goes through the gate; and of an installed package
                found.append(f"{place}:{node.lineno}: {ast.unparse(node)[:60]}")
            walks = name in {"rglob", "walk"} and owner != "ast"
            if walks and room_of(place) == "loaders" and place != "loaders/_python_targets.py":
                found.append(f"{place}:{node.lineno}: {ast.unparse(node)[:60]}")
    assert found == [], "read through loaders/gate.py (docs/architecture.md)"


def test_pages_parse_json_of_others_through_the_gate() -> None:
    """ui/delivery.py alone reads JSON by itself: what Dash has just written into its own page."""
    calls = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "ui").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"json.loads", "json.load"}
    ]
    assert calls == ["ui/delivery.py"]


def test_nested_json_of_a_page_is_answered() -> None:
    from ui.pages.query.answers import read_parameters
    from ui.state import strings

    deep = "[" * 20_000 + "]" * 20_000
    with pytest.raises(QueryError, match=r"^the parameters are JSON that is nested more than 100 levels deep: write "):
        read_parameters(deep)
    assert strings(deep) == ()


def room_of(place: str) -> str:
    return place.partition("/")[0]


# Files that are none ----------------------------------------------------------------------------------------


@pytest.fixture
def strange(tmp_path: Path) -> dict[str, Path]:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    raw = os.fsencode(tmp_path) + b"/bad\xff.csv"
    Path(os.fsdecode(raw)).write_text("text,skill\na,b\n")
    return {
        "pipe": tmp_path / "pipe.csv",
        "loop": tmp_path / "loop.csv",
        "not UTF-8": Path(os.fsdecode(raw)),
        "long": tmp_path / ("x" * 5_000),
        "nul": Path(f"{tmp_path}/a\0b"),
        "device": Path("/dev/zero"),
    }


@pytest.mark.parametrize("kind", ["pipe", "loop", "not UTF-8", "long", "nul", "device"])
def test_what_is_no_file_is_refused_everywhere(kind: str, strange: dict[str, Path]) -> None:
    path = strange[kind]
    with pytest.raises(DataError) as error:
        open_regular(path)
    assert str(error.value).encode(), "it can be printed"
    with pytest.raises(DataError):
        load(path, name="d")
    assert inspect(path).problem
    for mode in ("read", "write"):
        with pytest.raises(StoreError):
            open_store(path, mode=mode)


@pytest.mark.parametrize("kind", ["pipe", "loop", "not UTF-8", "long"])
def test_commands_say_it_in_a_sentence(kind: str, strange: dict[str, Path], tmp_path: Path) -> None:
    for words in (["load", strange[kind], "--dataset", "d"], ["layers", "--store", strange[kind]]):
        ran = call_words(tmp_path, list(map(str, words)))
        assert ran.code == 1
        assert ran.err.count("\n") == 1
        assert MARK not in ran.err


def test_a_pipe_in_a_tree_of_python_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.py").write_text("def f(x):\n    print(len(x))\n")
    os.mkfifo(tmp_path / "tree" / "b.py")
    assert load(tmp_path / "tree", name="d").dataset.n_texts == 1


def test_a_folder_with_all_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`load /` ends before it has looked at every file of the machine."""
    for number in range(60):
        (tmp_path / f"{number}.py").write_text("")
    monkeypatch.setenv("SKILLGRAPH_LIMITS", "files=50")
    with pytest.raises(LimitError, match="more than 50 files"):
        files_below(tmp_path)
    for kind in (None, "python"):
        with pytest.raises(LimitError, match="SKILLGRAPH_LIMITS=files"):
            load(tmp_path, name="d", format=kind)


# Limits -----------------------------------------------------------------------------------------------------


def test_limits_are_moved_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKILLGRAPH_LIMITS", "ratio=2000, unpacked=3GiB line=16MiB")
    assert (limits().ratio, limits().unpacked, limits().line) == (2000, 3 << 30, 16 << 20)
    for wrong in ("ratio", "ratio=-1", "ratio=0", "speed=3", "line=3MB2", "line=1e3"):
        monkeypatch.setenv("SKILLGRAPH_LIMITS", wrong)
        with pytest.raises(DataError, match="SKILLGRAPH_LIMITS"):
            limits()


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize("depth", [101, 900, 1_000, 100_000])
def test_json_that_is_nested(depth: int) -> None:
    for text in (nested(depth), '{"a":' * depth + "1" + "}" * depth, f'"{"]" * depth}"'):
        if text.startswith('"'):
            assert parse_json(text) == text[1:-1], "brackets in text are text"
            continue
        with pytest.raises(ValueError, match="nested more than 100"):
            parse_json(text)
        with pytest.raises(ValueError, match="nested"):
            parse_json(text.encode())
    assert parse_json(nested(100))
    check_nesting([[1]] * 1_000)


DEEP = nested(5_000)
FLOOD = b'{"id": "t", "skills": ["' + b"a" * (80 * MIB) + b'"]}'
WIDE = ",".join(f"c{i}" for i in range(25_000))


def several_members(folder: Path) -> Path:
    path = folder / "log.eval"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", json.dumps({"eval": {"task": "t", "model": "m"}, "status": "success"}))
        archive.writestr("samples/1.json", b" " * (80 * MIB))
    return path


def constant_parquet(folder: Path) -> Path:
    path = folder / "e.parquet"
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(9_000_000, np.int8)), ["a" * 100])
    pq.write_table(pa.table({"text": column, "skill": column}), path, compression="zstd")
    return path


def written(name: str, content: bytes | str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def packed(name: str, compress: Callable[[bytes], bytes], content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        return written(name, compress(content))(folder)

    return write


def graph_of(depth: int) -> str:
    return "<graphml>" + "<graph>" * depth + "</graph>" * depth + "</graphml>"


BOMBS: dict[str, Callable[[Path], Path]] = {
    "json": written("a.json", DEEP),
    "a line of json": written("a.jsonl", '{"id": "t", "skills": ' + DEEP + "}\n"),
    "a cell": written("a.csv", f'id,skills\nt,"{DEEP}"\n'),
    "a task": written("task.json", '{"keywords": ' + DEEP + ', "examples": []}'),
    "xml": written("g.graphml", graph_of(5_000)),
    "unknown encoding": written("g.graphml", '<?xml version="1.0" encoding="klingon"?><graphml/>'),
    "many bytes encoding": written("g.graphml", '<?xml version="1.0" encoding="utf-7"?><graphml/>'),
    "gzip json": packed("a.json.gz", gzip.compress, FLOOD),
    "zstd json": packed("a.json.zst", zstandard.compress, FLOOD),
    "zstd lines": packed("a.csv.zst", zstandard.compress, b"text,skill\n" + b"t,s\n" * (20 * MIB)),
    "gzip task": packed("task.json.gz", gzip.compress, FLOOD),
    "an id": written("a.json", json.dumps([{"id": "x" * 20 * MIB, "skills": ["a"]}])),
    "a skill": written("a.json", json.dumps([{"id": "x", "skills": ["a" * 20 * MIB]}])),
    "columns": written("a.csv", f"{WIDE}\n{WIDE}\n"),
    "different keys": written("a.json", json.dumps([{f"k{i}": 1} for i in range(25_000)])),
    "a path": written("p.txt", " -> ".join(f"s{i}" for i in range(100_000)) + "\n"),
    "zip": several_members,
    "parquet": constant_parquet,
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_in_little_memory(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = BOMBS[name](tmp_path)
    options = {"format": "paths"} if name == "a path" else {}
    if name == "parquet":
        monkeypatch.setenv("SKILLGRAPH_LIMITS", "ratio=20")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError) as error:
        load(path, name="d", **options)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400 << 10
    assert len(str(error.value)) < 700


# Coded files ------------------------------------------------------------------------------------------------


def coded(path: Path, **changes: object) -> Path:
    """A coded file whose numbers are not those of its content, with the right checksums."""
    book = Codebook.from_counts(["a", "b"], np.array([1, 2]))
    with path.open("wb") as stream:
        writer = SgcWriter(stream, book)
        body = sgc_container._BODY.pack(*changes.get("body", (1, 1, 0, 0, 0, 0)))  # type: ignore[misc]
        writer._frame(b"B", body + bytes(changes.get("rest", b"")))  # type: ignore[call-overload]
        writer._blocks = 1
        writer.close()
    return path


@pytest.mark.parametrize(
    "body",
    [
        (2**32 - 1, 2**32 - 1, 0, 0, 0, 0),
        (2**32 - 1, 0, 0, 0, 0, 0),
        (2**30, 2**30, 0, 0, 0, 0),
        (1, 2, 0, 0, 0, 0),
        (1 << 20, 1 << 20, 0, 0, 0, 0),
    ],
)
def test_coded_files_that_promise_too_much(body: tuple[int, ...], tmp_path: Path) -> None:
    path = coded(tmp_path / "f.sgc", body=body)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with path.open("rb") as stream:
        reader = SgcReader(stream, "f.sgc")
        with pytest.raises(DamagedFileError):
            list(reader.blocks(reader.header.codebook(["a", "b"], layer="l")))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400 << 10


def test_a_coded_header_that_is_nested(tmp_path: Path) -> None:
    told = DEEP.encode()
    body = sgc_container.struct.pack("<I", len(told)) + told
    head = sgc_container._PREFIX.pack(sgc_container.MAGIC, 1, len(body)) + body
    (tmp_path / "f.sgc").write_bytes(head + sgc_container._digest(head))
    with (tmp_path / "f.sgc").open("rb") as stream, pytest.raises(DamagedFileError):
        SgcReader(stream, "f.sgc")


def test_a_text_that_is_nested_or_has_an_endless_id() -> None:
    for line in (f'{{"id": "a", "skills": {DEEP}}}', json.dumps({"id": "x" * 70_000, "skills": []})):
        with pytest.raises(USER_ERRORS):
            list(read_texts([line.encode()], "x"))
    assert list(read_texts([b'{"id": "a", "skills": []}'], "x")) == [
        TextRecord("a", (), b'{"id": "a", "skills": []}', None)
    ]


# The last resort --------------------------------------------------------------------------------------------


def test_an_error_nobody_foresaw_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import explorer.store.opening

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret of nobody")

    monkeypatch.setattr(explorer.store.opening, "open_store", fail)
    ran = call_words(tmp_path, ["layers"], SKILLGRAPH_CACHE=str(tmp_path / "cache"))
    assert ran.code == 1
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1
    assert MARK in ran.err
    (log,) = (tmp_path / "cache" / "errors").iterdir()
    assert str(log) in ran.err
    assert log.stat().st_mode & 0o777 == 0o600
    assert "ZeroDivisionError" in log.read_text()
    assert "Traceback" not in ran.err


def test_an_error_before_a_command_runs_is_one_too(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['skillgraph', 'layers']\n"
        "import explorer.cli.ending as e\n"
        "def broken(): raise RuntimeError('no')\n"
        "e.guarded(broken)"
    )
    environment = {**os.environ, "SKILLGRAPH_CACHE": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert ran.returncode == 1
    assert MARK in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_document_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)
    monkeypatch.setenv("SKILLGRAPH_LIMITS", "document=2MiB")
    with pytest.raises(LimitError, match="document"):
        read_regular(tmp_path / "a")
    (tmp_path / "a.json").write_text(json.dumps([{"id": "a" * 100, "skills": ["b"]}] * 30_000))
    with pytest.raises(LimitError, match="document"):
        load(tmp_path / "a.json", name="d")
