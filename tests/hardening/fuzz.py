"""Fuzz every reader for as long as you like: damaged files end in a result or a sentence, never in another error.

python -m tests.hardening.fuzz --seconds 60
python -m tests.hardening.fuzz --rounds 5 --seed 1
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import math
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from explorer.errors import USER_ERRORS
from explorer.sgc import Codebook, SgcReader, SgcWriter, read_texts
from explorer.store.opening import open_store
from loaders.formats import load
from loaders.gate import parse_json
from tests.loaders.test_damage import SAMPLES

PIECES = [
    b"", b"\0", b"\xff", b'"', b",", b"\n", b"{", b"[" * 200, b"]", b"<", b"-", b"9" * 400, b"\\ud800", b"=1+1", b"'",
    b" -> " * 150, b"\xe2\x80\x8b", b"e\xcc\x81", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"1e308", b"nan", b"\xff\xfe",
]  # fmt: skip
DAMAGE = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 8), st.sampled_from(PIECES)), max_size=5)


def damaged(good: bytes, damage: list[tuple[float, int, bytes]]) -> bytes:
    found = bytearray(good)
    for where, length, piece in damage:
        place = int(where * len(found))
        found[place : place + length] = piece
    return bytes(found)


def targets(folder: Path) -> dict[str, tuple[bytes, Callable[[bytes], object]]]:
    """By name: what is damaged, and what reads it."""
    (folder / "v.txt").write_text("set\ngraph\n")
    book = Codebook.from_counts(["a", "b", "c"], np.array([1, 2, 2]), np.array([3, 2, 1]))
    stream = io.BytesIO()
    writer = SgcWriter(stream, book)
    for text in read_texts([b'{"id": "t", "skills": ["a", "b"]}', b'{"id": "u", "skills": ["z"]}'], "x"):
        writer.write(text)
    writer.close()
    (folder / "e.csv").write_text("text,skill\nt,a\nu,b\n")
    store = open_store(folder / "s.kgl", mode="write")
    store.write_dataset(load(folder / "e.csv", name="d").dataset)
    store.close()
    parquet = {
        "parquet": pa.table({"text": ["t", "u"], "skill": ["a", "b"]}),
        "parquet with lists": pa.table({"text": ["t", "u"], "skills": [["a"], ["a", "b"]]}),
        "parquet with maps": pa.table({"t": ["t"], "skills": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8()))}),
    }
    for name, table in parquet.items():
        pq.write_table(table, folder / f"{name}.parquet", compression="none")

    def read_coded(data: bytes) -> None:
        reader = SgcReader(io.BytesIO(data), "x")
        list(reader.blocks(reader.header.codebook(["a", "b", "c"], layer="l")))

    def read_store(data: bytes) -> None:
        (folder / "damaged.kgl").write_bytes(data)
        opened = open_store(folder / "damaged.kgl", mode="read")
        try:
            for info in opened.datasets():
                opened.read_dataset(info.name)
        finally:
            opened.close()

    def read_json(data: bytes) -> None:
        try:
            parse_json(data)
        except ValueError:
            return

    def file_reader(file: str, name: str | None) -> Callable[[bytes], object]:
        options = {"vocabulary": str(folder / "v.txt")} if name == "text-folder" else {}

        def read(data: bytes) -> None:
            (folder / file).write_bytes(data)
            load(folder / file, format=name, name="d", lenient=len(data) % 2 == 0, **options)

        return read

    found: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
        name: (content.encode(), file_reader(file, name)) for name, (file, content) in SAMPLES.items()
    }
    found |= {
        f"{name}, found out": (content.encode(), file_reader(file, None))
        for name, (file, content) in SAMPLES.items()
        if name != "text-folder"
    }
    return found | {
        "coded file": (stream.getvalue(), read_coded),
        "texts": (b'{"id": "t", "skills": ["a", "b"]}', lambda data: list(read_texts(data.splitlines(), "x"))),
        "store": ((folder / "s.kgl").read_bytes(), read_store),
        **{
            name: ((folder / f"{name}.parquet").read_bytes(), file_reader(f"damaged {name}.parquet", None))
            for name in parquet
        },
        "json": (json.dumps([{"a": [1, "b"]}]).encode(), read_json),
    }


def _round(name: str, good: bytes, read: Callable[[bytes], object], number: int) -> int:
    tried = 0

    @seed(number)
    @settings(
        max_examples=15,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(damage=DAMAGE)
    def attempt(damage: list[tuple[float, int, bytes]]) -> None:
        nonlocal tried
        tried += 1
        try:
            read(damaged(good, damage))
        except USER_ERRORS as error:
            str(error).encode("utf-8", "surrogateescape")
        except Exception as error:
            error.add_note(f"reader {name!r}, --seed {number}: {damaged(good, damage)[:300]!r}")
            raise

    attempt()
    return tried


def run(first: int, *, rounds: int | None = None, seconds: float = math.inf) -> int:
    """Number of inputs that were tried; the first that ends in another error is raised, with how to repeat it."""
    tried = 0
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as work:
        every = targets(Path(work))
        for number in itertools.count() if rounds is None else range(rounds):
            for name, (good, read) in every.items():
                if time.monotonic() > until:
                    return tried
                tried += _round(name, good, read, first + number)
    return tried


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    until = parser.add_mutually_exclusive_group()
    until.add_argument("--seconds", type=float, default=60.0)
    until.add_argument("--rounds", type=int, help="so many rounds of every reader, however long they take")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    given_ = parser.parse_args()
    print(f"seed {given_.seed}", file=sys.stderr)
    end = {"seconds": given_.seconds} if given_.rounds is None else {"rounds": given_.rounds}
    print(f"{run(given_.seed, **end):,} damaged inputs, each a result or a sentence")
    return 0


if __name__ == "__main__":
    sys.exit(main())
