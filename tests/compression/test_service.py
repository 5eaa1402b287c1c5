"""Compressing with a stored layer, from file to file, and sending from one layer to another."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from explorer.errors import NotFoundError, SkillgraphError
from explorer.service.communication import channel
from explorer.service.compression import compress, dataset_texts, decompress, rate_by_ratio, typed_rate_by_ratio
from explorer.service.snapshot import layer_view
from explorer.sgc import DamagedFileError, LayerMismatchError, SgcError
from explorer.store.protocol import Store

SMALL = "small"


def learned(store: Store, layer: str) -> set[str]:
    return set(store.read_layer(SMALL, layer).skills["skill"].to_pylist())


@pytest.mark.parametrize("model", ["uniform", "frequency"])
def test_a_file_comes_back_as_skill_sets_and_whole_lines(
    store: Store, texts_file: Path, tmp_path: Path, model: str
) -> None:
    packed, out = tmp_path / "f.sgc", tmp_path / "out.jsonl"
    report = compress(store, SMALL, "foundation", source=texts_file, output=packed, model=model)  # type: ignore[arg-type]
    back = decompress(store, SMALL, "foundation", source=packed, output=out)
    known = learned(store, "foundation")
    before = texts_file.read_bytes().splitlines()
    after = out.read_bytes().splitlines()
    understood = 0
    for old, new in zip(before, after, strict=True):
        value = json.loads(old)
        if set(value["skills"]) <= known:
            understood += 1
            assert json.loads(new) == {"id": value["id"], "skills": sorted(value["skills"])}
        else:
            assert new == old
    assert 0 < understood < len(before)
    assert (report.texts, report.understood) == (back.texts, back.understood) == (len(before), understood)
    assert report.file_bytes == packed.stat().st_size < texts_file.stat().st_size == report.input_bytes


def test_with_text_kept_the_file_comes_back_byte_for_byte(store: Store, texts_file: Path, tmp_path: Path) -> None:
    packed, out = tmp_path / "f.sgc", tmp_path / "out.jsonl"
    compress(store, SMALL, "foundation", source=texts_file, output=packed, keep_text=True)
    decompress(store, SMALL, "foundation", source=packed, output=out)
    assert out.read_bytes() == texts_file.read_bytes()


def test_the_report_adds_up_and_meets_the_expectation(store: Store, tmp_path: Path) -> None:
    """On the layer's own texts the expectation is the measurement, but for a word or two of the coder."""
    for model in ("uniform", "frequency"):
        report = compress(store, SMALL, "foundation", source=None, output=tmp_path / "f.sgc", model=model)  # type: ignore[arg-type]
        bits = report.bits
        assert report.texts == 300
        assert bits.sets + bits.kept + bits.ids + bits.overhead == pytest.approx(8 * report.file_bytes / 300)
        assert bits.semantic == bits.sets + bits.kept
        assert bits.file == pytest.approx(8 * report.file_bytes / report.texts)
        assert report.expected is not None
        assert report.expected.understood == report.understood_share
        assert bits.sets == pytest.approx(report.expected.sets, abs=128 / 300)
        assert bits.kept == pytest.approx(report.expected.kept)
        own = [item.text or b"" for item in dataset_texts(store, SMALL, ["basic"])]
        assert bits.raw == pytest.approx(8 * sum(map(len, own)) / 300)
        assert bits.xz is not None
        assert bits.zstd is not None
        assert max(bits.xz, bits.zstd) < bits.raw


def test_poisson_expectation_is_that_of_the_layers_c_and_r(store: Store, tmp_path: Path) -> None:
    report = compress(store, SMALL, "foundation", source=None, output=tmp_path / "f.sgc", baselines=False)
    graph = layer_view(store, SMALL, "foundation").indexed.graph
    raw = report.bits.kept / (1 - report.understood_share)
    curve = rate_by_ratio(store, SMALL, "foundation", raw_bits=raw, ratios=[graph.ratio])
    assert report.poisson is not None
    assert report.poisson.semantic == pytest.approx(curve.bits[0])
    assert report.poisson.understood == pytest.approx(math.exp(-graph.mean_skills * (1 - curve.learned[0])))
    assert report.bits.zstd is None


@pytest.mark.parametrize("layer", ["foundation", "tuned"])
def test_the_curve_by_types_ends_at_what_the_report_predicts(store: Store, tmp_path: Path, layer: str) -> None:
    report = compress(store, SMALL, layer, source=None, output=tmp_path / "f.sgc", baselines=False)
    graph = layer_view(store, SMALL, layer).indexed.graph
    raw = report.bits.kept / (1 - report.understood_share)
    curve = typed_rate_by_ratio(store, SMALL, layer, raw_bits=raw)
    assert report.typed is not None
    assert curve is not None
    assert curve.ratios[-1] == pytest.approx(graph.ratio)
    assert curve.understood[-1] == pytest.approx(report.typed.understood, abs=2e-3)
    assert curve.bits[-1] == pytest.approx(report.typed.semantic, rel=0.01)
    assert np.all(np.diff(curve.learned) >= -1e-3)  # more texts never unlearn


def test_another_layer_is_refused_and_nothing_is_written(store: Store, texts_file: Path, tmp_path: Path) -> None:
    packed, out = tmp_path / "f.sgc", tmp_path / "out.jsonl"
    report = compress(store, SMALL, "foundation", source=texts_file, output=packed)
    out.write_text("what was there")
    with pytest.raises(LayerMismatchError, match=report.fingerprint[:16]):
        decompress(store, SMALL, "tuned", source=packed, output=out)
    assert out.read_text() == "what was there"
    # the same skills learned again are the same code
    assert decompress(store, SMALL, "twin", source=packed, output=out).texts == 450


def test_a_damaged_file_is_refused_or_salvaged(store: Store, texts_file: Path, tmp_path: Path) -> None:
    packed, out, whole = tmp_path / "f.sgc", tmp_path / "out.jsonl", tmp_path / "whole.jsonl"
    compress(store, SMALL, "foundation", source=texts_file, output=packed, block_texts=100)
    decompress(store, SMALL, "foundation", source=packed, output=whole)
    data = bytearray(packed.read_bytes())
    data[len(data) * 3 // 4] ^= 1
    packed.write_bytes(data)
    with pytest.raises(DamagedFileError, match=r"nothing was written: --salvage writes the 300 texts"):
        decompress(store, SMALL, "foundation", source=packed, output=out)
    assert not out.exists()
    report = decompress(store, SMALL, "foundation", source=packed, output=out, salvage=True)
    assert report.texts == 300
    assert "block 4" in (report.damage or "")
    assert out.read_bytes() == b"".join(whole.read_bytes().splitlines(keepends=True)[:300])


def test_a_bad_line_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    bad, packed = tmp_path / "bad.jsonl", tmp_path / "f.sgc"
    bad.write_text('{"id": "a", "skills": []}\n{"id": "b"}\n')
    packed.write_bytes(b"what was there")
    with pytest.raises(SgcError, match=r"bad\.jsonl, line 2: 'skills' must be a list"):
        compress(store, SMALL, "foundation", source=bad, output=packed)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.jsonl", "f.sgc"]
    assert packed.read_bytes() == b"what was there"


def test_files_and_names_that_cannot_be(store: Store, texts_file: Path, tmp_path: Path) -> None:
    def run(**changes: object) -> None:
        given = {"source": texts_file, "output": tmp_path / "f.sgc"} | changes
        compress(store, SMALL, str(given.pop("layer", "foundation")), **given)  # type: ignore[arg-type]

    with pytest.raises(SkillgraphError, match=r"cannot read .*missing"):
        run(source=tmp_path / "missing")
    with pytest.raises(SkillgraphError, match="cannot write"):
        run(output=tmp_path / "no such folder" / "f.sgc")
    with pytest.raises(SkillgraphError, match="is a folder"):
        run(output=tmp_path)
    with pytest.raises(SkillgraphError, match="another name"):
        run(output=texts_file)
    with pytest.raises(SkillgraphError, match="either from a file or from parts"):
        run(parts=["basic"])
    with pytest.raises(SkillgraphError, match="'best' is not one of"):
        run(model="best")
    with pytest.raises(NotFoundError, match="no layer 'none'"):
        run(layer="none")


def test_texts_of_a_part_are_its_texts(store: Store) -> None:
    records = list(dataset_texts(store, SMALL, ["domain"]))
    assert len(records) == 150
    assert all(json.loads(record.line)["id"] == record.id for record in records)
    assert records[3].text is not None
    assert records[3].text.startswith(b"Text 303: word")


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """A process that encodes and decodes 6 times the texts needs no more than a few blocks more."""
    program = """
import io, json, sys
import numpy as np
from explorer.sgc import Codebook, SgcReader, SgcWriter, read_texts
path, n = sys.argv[1], int(sys.argv[2])
names = [f"s{i:03d}" for i in range(100)]
line = lambda i: json.dumps({"id": f"t{i}", "skills": names[i % 90 : i % 90 + 3 + i % 2], "text": "x" * 1000}).encode()
book = Codebook.from_counts(names[:80], np.full(10, 3))
with open(path, "wb") as stream:
    writer = SgcWriter(stream, book, keep_text=True)
    for record in read_texts((line(i) for i in range(n)), "x"):
        writer.write(record)
    writer.close()
with open(path, "rb") as stream:
    reader = SgcReader(stream, path)
    total = sum(len(block) for block in reader.blocks(reader.header.codebook(names[:80], layer="x")))
assert total == n
# not ru_maxrss: on Linux a child starts with its parent's
status = open("/proc/self/status").read().splitlines()
print(1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM")))
"""

    def peak(n: int) -> int:
        ran = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "f.sgc"), str(n)], capture_output=True, text=True, check=True
        )
        return int(ran.stdout)

    small, large = peak(8_000), peak(48_000)
    # 40 MB more went through; a block is 8 MiB of lines, its copies and pieces below 32 MiB
    assert large - small < 32 * 2**20


@pytest.mark.parametrize(("sender", "receiver"), [("foundation", "tuned"), ("tuned", "foundation")])
def test_mismatch_is_apart_from_erasure(store: Store, sender: str, receiver: str) -> None:
    report = channel(store, SMALL, sender=sender, receiver=receiver, erasure=0.2, texts=100, trials=6, seed=1)
    rows = {name: [row for row in report.rows if row.scheme == name] for name in ("semantic_lt", "text_lt")}
    known = [learned(store, layer) for layer in (sender, receiver)]
    # the tuned layer goes on from the foundation, so only the way back meets unknown skills
    assert (report.unknown == 0.0) == (known[0] <= known[1])
    assert (report.unknown > 0.0) == (sender == "tuned")
    for row in report.rows:
        assert row.error == pytest.approx(row.erased + row.mismatch)
    last = rows["semantic_lt"][-1]
    assert last.erased == 0.0
    assert last.mismatch == pytest.approx(report.unknown)
    # as text the same content takes more bits, in the same number of packets
    assert rows["text_lt"][-1].packets == last.packets
    assert rows["text_lt"][-1].bits_per_text > last.bits_per_text


@pytest.mark.long
def test_repetition_meets_its_closed_form(store: Store) -> None:
    """1 - Π (1 - δ^r) over the symbols of a text; 25 trials of 120 texts, five standard errors of the trials."""
    report = channel(store, SMALL, sender="foundation", receiver="tuned", erasure=0.3, trials=25, texts=120, seed=2)
    rows = [row for row in report.rows if row.scheme == "semantic_repetition"]
    assert all(row.predicted_erased is not None for row in rows)
    for row in rows:
        # texts of one trial share the channel but not packets: they are independent
        p = row.predicted_erased or 0.0
        assert abs(row.erased - p) <= 5 * math.sqrt(p * (1 - p) / (25 * 120)) + 1e-9
    assert np.all(np.diff([row.predicted_erased for row in rows]) <= 1e-12)


@pytest.mark.long
def test_the_same_seed_gives_the_same_report(store: Store) -> None:
    def rows(seed: int) -> object:
        return channel(store, SMALL, sender="tuned", receiver="tuned", erasure=0.1, texts=40, trials=2, seed=seed).rows

    assert rows(3) == rows(3)
    assert rows(3) != rows(4)


def test_texts_come_from_a_file_too_and_without_text_there_is_no_text_scheme(
    store: Store, texts_file: Path, tmp_path: Path
) -> None:
    report = channel(store, SMALL, sender="foundation", receiver="tuned", source=texts_file, trials=1, texts=30)
    assert [scheme.name for scheme in report.schemes] == ["semantic_lt", "semantic_repetition", "text_lt"]
    bare = tmp_path / "bare.jsonl"
    bare.write_text('{"id": "a", "skills": []}\n{"id": "b", "skills": ["unheard of"]}\n')
    report = channel(store, SMALL, sender="foundation", receiver="tuned", source=bare, trials=1)
    assert [scheme.name for scheme in report.schemes] == ["semantic_lt", "semantic_repetition"]
    assert (report.texts, report.symbols, report.sender_understood) == (1, 1, 0.5)
    bare.write_text('{"id": "b", "skills": ["unheard of"]}\n')
    with pytest.raises(SkillgraphError, match="understands none of the 1 texts"):
        channel(store, SMALL, sender="foundation", receiver="tuned", source=bare)
    with pytest.raises(SkillgraphError, match="below 1, not 1"):
        channel(store, SMALL, sender="foundation", receiver="tuned", erasure=1.0)
