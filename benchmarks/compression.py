"""Encode and decode throughput of the semantic container beside zstd -3, and memory as files grow.

    python -m benchmarks.compression [--repeat 4] [--json]

The texts are the functions of the standard library with their source (the demo's foundation corpus), `repeat` times.
Every figure of the table is the best of three runs in one process; memory is the peak of a process of its own.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import zstandard

from analysis.compression import understood_texts
from analysis.peeling import peel
from benchmarks.python_texts import source_texts
from explorer.arrays import index_dataset
from explorer.sgc import Codebook, SgcReader, SgcWriter, TextRecord, read_texts
from loaders.python_source import load_python_source

DIRECTIONS = ("encode", "decode")
Corpus = tuple[list[TextRecord], dict[str, Codebook]]


def corpus() -> Corpus:
    """Texts and codebooks of the layer that the 1-skill learner learns from them."""
    indexed = index_dataset(load_python_source(["stdlib"], name="python", part="stdlib"))
    learned = peel(indexed.graph, 1).learned
    known = indexed.graph.subset(understood_texts(indexed.graph, learned))
    skills = indexed.skills.take(np.flatnonzero(learned)).to_pylist()
    uses = {"uniform": None, "frequency": known.skill_degrees[learned]}
    books = {model: Codebook.from_counts(skills, known.text_degrees, counts) for model, counts in uses.items()}
    return list(source_texts(indexed)), books


def encode(lines: bytes, book: Codebook, *, keep_text: bool) -> bytes:
    stream = io.BytesIO()
    writer = SgcWriter(stream, book, keep_text=keep_text)
    for record in read_texts(io.BytesIO(lines), "memory"):
        writer.write(record)
    writer.close()
    return stream.getvalue()


def decode(data: bytes, book: Codebook) -> int:
    reader = SgcReader(io.BytesIO(data), "memory")
    blocks = reader.blocks(reader.header.codebook(book.skills, layer="own"))
    return sum(len(text.to_line()) + 1 for block in blocks for text in block)


def best(run: Callable[[], object], times: int = 3) -> tuple[float, object]:
    seconds, value = [], None
    for _ in range(times):
        start = time.perf_counter()
        value = run()
        seconds.append(time.perf_counter() - start)
    return min(seconds), value


def measure(repeat: int) -> dict[str, object]:
    """All figures: rows by code, and peak memory by megabytes of input."""
    records, books = corpus()
    lines = b"".join(record.line + b"\n" for record in records) * repeat
    n, megabytes = len(records) * repeat, len(lines) / 1e6
    rows = []

    def row(code: str, encoded: Callable[[], bytes], decoded: Callable[[bytes], object]) -> None:
        into, data = best(encoded)
        assert isinstance(data, bytes)
        back, _ = best(lambda: decoded(data))
        rows.append(
            {
                "code": code,
                "bits_per_text": 8 * len(data) / n,
                "encode_texts_per_s": n / into,
                "encode_mb_per_s": megabytes / into,
                "decode_texts_per_s": n / back,
                "decode_mb_per_s": megabytes / back,
            }
        )

    def zstd() -> bytes:
        return zstandard.ZstdCompressor(level=3).compress(lines)

    row("zstd -3", zstd, lambda data: zstandard.ZstdDecompressor().decompress(data))
    for model, book in books.items():
        row(
            f"semantic, {model}", lambda book=book: encode(lines, book, keep_text=False), lambda d, b=book: decode(d, b)
        )
    book = books["frequency"]
    row("semantic, text kept", lambda: encode(lines, book, keep_text=True), lambda data: decode(data, book))
    # parsing JSON is part of the semantic code's job and not of zstd's
    parsing, _ = best(lambda: sum(1 for _ in read_texts(io.BytesIO(lines), "memory")))
    return {
        "texts": n,
        "megabytes": megabytes,
        "rows": rows,
        "parse_texts_per_s": n / parsing,
        "memory": [peak_memory(records, times) for times in (1, 4, 16)],
    }


def peak_memory(records: list[TextRecord], times: int) -> dict[str, float]:
    """Peak memory in MB of a process that encodes and decodes a file of the texts so many times over."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts.jsonl"
        with path.open("wb") as stream:
            for _ in range(times):
                stream.writelines(record.line + b"\n" for record in records)
        ran = subprocess.run(
            [sys.executable, "-m", "benchmarks.compression", "--stream", str(path)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        return {"input_mb": path.stat().st_size / 1e6, "peak_mb": float(ran.stdout)}


def stream_through(path: Path) -> float:
    """Encode a file to a file, decode it again; peak memory in MB."""
    skills: set[str] = set()
    with path.open("rb") as stream:
        for record in read_texts(stream, str(path)):
            skills.update(record.skills)
    book = Codebook.from_counts(sorted(skills)[::2], np.arange(10), np.ones((len(skills) + 1) // 2, dtype=np.int64))
    packed = path.with_suffix(".sgc")
    with path.open("rb") as stream, packed.open("wb") as out:
        writer = SgcWriter(out, book)
        for record in read_texts(stream, str(path)):
            writer.write(record)
        writer.close()
    with packed.open("rb") as stream:
        reader = SgcReader(stream, str(packed))
        for _ in reader.blocks(reader.header.codebook(book.skills, layer="own")):
            pass
    return peak_of_this_process() / 1e6


def peak_of_this_process() -> int:
    """Bytes."""
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # not ru_maxrss: on Linux a child starts with its parent's
    status = Path("/proc/self/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def table(found: dict[str, object]) -> str:
    """As Markdown."""
    rows = ["| code | bits per text | encode | decode |", "| --- | ---: | ---: | ---: |"]
    for r in found["rows"]:  # type: ignore[attr-defined]
        speeds = " | ".join(f"{r[f'{d}_texts_per_s']:,.0f} texts/s, {r[f'{d}_mb_per_s']:,.0f} MB/s" for d in DIRECTIONS)
        rows.append(f"| {r['code']} | {r['bits_per_text']:,.1f} | {speeds} |")
    memory = ", ".join(f"{m['peak_mb']:.0f} MB for {m['input_mb']:.0f} MB" for m in found["memory"])  # type: ignore[attr-defined]
    head = (
        f"{found['texts']:,} texts, {found['megabytes']:.0f} MB of JSON Lines; reading the lines alone: "
        f"{found['parse_texts_per_s']:,.0f} texts/s."
    )
    tail = f"Peak memory of a process that encodes and decodes a file: {memory}."
    return "\n".join([head, "", *rows, "", tail])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--stream", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stream is not None:
        print(stream_through(arguments.stream))
        return
    found = measure(arguments.repeat)
    print(json.dumps(found, indent=2) if arguments.json else table(found))


if __name__ == "__main__":
    main()
