"""The commands `evidence`, `compare` and `export` as a user calls them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from explorer.cli.app import app
from explorer.store.opening import open_store
from tests.evidence.test_layers import dataset

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    path = tmp_path / "store.kgl"
    store = open_store(path, mode="write")
    store.write_dataset(dataset())
    store.close()
    return lambda *arguments: CliRunner().invoke(app, [*map(str, arguments), "--store", str(path)])


def ok(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return result.stdout


def test_evidence_then_compare_then_report(run: Run, tmp_path: Path) -> None:
    found = json.loads(ok(run("evidence", "--all-models", "--fit", "dina", "--ignore-class", "task", "--json")))
    assert set(found) == {"dataset", "fit", "noise", "judgement", "calibrated_on", "models", "seconds", "intervals"}
    assert [m["model"] for m in found["models"]] == ["org/base", "other", "org/tuned"]
    assert {"slip", "guess", "log_likelihood", "bic_gain", "supported", "unidentified", "skills", "layer"} <= set(
        found["models"][0]
    )
    unknown = next(s for s in found["models"][0]["skills"] if s["skill"] == "z")
    assert unknown["mastery"] is None
    assert unknown["reason"] == "no attempted text requires it"
    pair = json.loads(ok(run("compare", "org_base", "org_tuned", "--json")))
    assert {"first", "second", "kept", "gained", "lost", "open", "by_class", "by_level", "by_component"} <= set(pair)
    assert {"mastery", "training", "changes", "cautions", "giant_first", "giant_second"} <= set(pair)
    assert (pair["gained"], pair["lost"]) == (1, 1)
    report, table = tmp_path / "r.html", tmp_path / "r.csv"
    text = ok(run("compare", "org/base", "org/tuned", "--report", report, "--csv", table))
    assert "1 gained, 1 lost" in text
    assert report.read_text().startswith("<!doctype html>")
    rows = table.read_text().splitlines()
    assert rows[0].startswith("skill,name,skill_class,level,change,")
    assert sum(",gained," in row for row in rows) == sum(",lost," in row for row in rows) == 1


@pytest.mark.long
def test_families_in_one_command(run: Run, tmp_path: Path) -> None:
    result = run("compare", "--family")
    assert result.exit_code == 0
    assert "No layer has a base" in result.stderr
    ok(run("evidence", "--all-models"))
    report, table = tmp_path / "f.html", tmp_path / "f.csv"
    found = json.loads(ok(run("compare", "--family", "--json", "--report", report, "--csv", table)))
    assert found["pairs"] == 1
    assert [m["depth"] for m in found["members"]] == [0, 1]
    assert "org_tuned" in report.read_text()
    assert len(table.read_text().splitlines()) == 3
    assert "each against its base (1)" in ok(run("compare", "--family"))


def test_one_model_lists_its_skills(run: Run) -> None:
    result = run("evidence", "org/base", "--rows", "4")
    assert "The most and the least certain of 9 skills" in ok(result)
    assert "No text shows the mastery of 1 skill," in result.stderr


@pytest.mark.parametrize("name", ["g.graphml", "g.gexf", "g.json", "g.cyjs"])
def test_export_by_the_ending(run: Run, tmp_path: Path, name: str) -> None:
    said = json.loads(ok(run("export", tmp_path / name, "--json")))
    assert said["nodes"] == 121 + 10 + 3
    assert Path(said["path"]).stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evidence"], "--all-models"),
        (["evidence", "nobody"], "no model 'nobody'"),
        (["evidence", "other", "--all-models"], "either models or --all-models"),
        (["evidence", "--family", "nobody"], "no model 'nobody'"),
        (["evidence", "other", "--family", "base"], "either models or --all-models or --family"),
        (["evidence", "other", "--mastered", "2"], "at most 1, not 2.0"),
        (["compare", "one"], "name two layers"),
        (["compare", "one", "two"], "no layer 'one'"),
        (["compare", "--family", "a", "b"], "no second layer"),
        (["export", "x.unknown"], "--format graphml"),
        (["export", "no/such/folder/x.json"], "cannot write"),
    ],
)
def test_faults_are_one_sentence(run: Run, arguments: list[str], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Traceback" not in result.output
