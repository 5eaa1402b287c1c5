"""`compress`, `decompress` and `channel` as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from explorer.cli.app import app


def run(store: Path, *arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments), "--store", str(store)], env={"COLUMNS": "200"})


def test_there_and_back_with_json(store_path: Path, texts_file: Path, tmp_path: Path) -> None:
    packed, out = tmp_path / "f.sgc", tmp_path / "out.jsonl"
    there = run(
        store_path,
        "compress",
        "foundation",
        "--input",
        texts_file,
        "--output",
        packed,
        "--keep-text",
        "--json",
    )
    assert there.exit_code == 0, there.output
    report = json.loads(there.stdout)
    assert {
        "texts",
        "understood",
        "understood_share",
        "fingerprint",
        "model",
        "bits",
        "expected",
        "poisson",
        "typed",
    } <= set(report)
    assert {"semantic", "sets", "kept", "ids", "overhead", "raw", "zstd", "xz", "skills_xz"} == set(report["bits"])
    back = run(store_path, "decompress", "foundation", "--input", packed, "--output", out, "--json")
    assert back.exit_code == 0, back.output
    assert json.loads(back.stdout)["fingerprint"] == report["fingerprint"]
    assert out.read_bytes() == texts_file.read_bytes()


def test_tables_for_people(store_path: Path, tmp_path: Path) -> None:
    packed = tmp_path / "f.sgc"
    there = run(store_path, "compress", "foundation", "-o", packed, "--part", "basic", "--model", "uniform")
    assert there.exit_code == 0, there.output
    assert "300 texts" in there.stdout
    assert "skill sets" in there.stdout
    assert "not the wording" in there.stderr
    back = run(store_path, "decompress", "foundation", "-i", packed, "-o", tmp_path / "out.jsonl")
    assert "300 texts" in back.stdout


def test_another_layer_ends_with_one_sentence_and_code_1(store_path: Path, tmp_path: Path) -> None:
    packed = tmp_path / "f.sgc"
    assert run(store_path, "compress", "foundation", "-o", packed).exit_code == 0
    back = run(store_path, "decompress", "tuned", "-i", packed, "-o", tmp_path / "out.jsonl")
    assert back.exit_code == 1
    assert back.stderr.count("\n") == 1
    assert back.stderr.count("fingerprint") == 2
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("salvage", [False, True])
def test_a_damaged_file_ends_with_code_1(store_path: Path, tmp_path: Path, salvage: bool) -> None:
    packed, out = tmp_path / "f.sgc", tmp_path / "out.jsonl"
    assert run(store_path, "compress", "foundation", "-o", packed).exit_code == 0
    packed.write_bytes(packed.read_bytes()[:-5])
    back = run(store_path, "decompress", "foundation", "-i", packed, "-o", out, *["--salvage"] * salvage)
    assert back.exit_code == 1
    assert "damaged or truncated" in back.stderr
    assert (len(out.read_bytes().splitlines()) if out.exists() else 0) == 300 * salvage


def test_a_bad_line_is_named(store_path: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"id": "a", "skills": ["x"}\n')
    there = run(store_path, "compress", "foundation", "-i", bad, "-o", tmp_path / "f.sgc")
    assert there.exit_code == 1
    assert "bad.jsonl, line 1: not JSON" in there.stderr


def test_channel_reports_all_schemes(store_path: Path) -> None:
    arguments = ("channel", "--sender", "tuned", "--receiver", "foundation", "--texts", 30, "--trials", 2)
    report = json.loads(run(store_path, *arguments, "--json").stdout)
    assert {row["scheme"] for row in report["rows"]} == {"semantic_lt", "semantic_repetition", "text_lt"}
    assert {"erased", "mismatch", "error", "predicted_erased", "bits_per_text"} <= set(report["rows"][0])
    shown = run(store_path, *arguments)
    assert shown.exit_code == 0
    assert "30 texts" in shown.stdout
    assert "density evolution" in shown.stdout
    wrong = run(store_path, "channel", "--sender", "tuned", "--receiver", "foundation", "--erasure", 2)
    assert wrong.exit_code == 1
