"""Output for people and for pipes: whole lines, whole names, formats, standard input and output, former spellings."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import get_args

import pytest

from explorer import options
from explorer.cli.former import modernised
from explorer.cli.output import Rows, Table, print_table
from explorer.wording import plural
from tests.cli.conftest import Run

LONG = "a-name-that-is-much-longer-than-any-narrow-terminal-and-has-no-space-in-it"


def test_a_table_in_a_pipe_has_one_row_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    caption = "a caption of several words " * 8
    print_table(Table(("layer", "note"), [(LONG, "several words " * 10), ("[b]", "x")], title=LONG, caption=caption))
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if LONG in line and "several words several" in line]
    assert [line for line in lines if line.strip().startswith("[b]")], "no markup"
    assert caption.strip() in map(str.strip, lines)


def test_on_a_narrow_terminal_words_stay_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    print_table(Table(("layer", "words"), [("x", f"some {LONG} words"), (LONG, "y")]))
    assert capsys.readouterr().out.count(LONG) == 2


@pytest.mark.parametrize("command", ["layers", "datasets"])
def test_lists_in_every_format(command: str, filled: Path, run_here: Run) -> None:
    as_json = run_here(filled, command, "--json").json[command]
    assert run_here(filled, command, "--format", "json").json[command] == as_json
    lines = run_here(filled, command, "--format", "jsonl").out.splitlines()
    assert [json.loads(line) for line in lines] == as_json
    rows = list(csv.DictReader(io.StringIO(run_here(filled, command, "--format", "csv").out)))
    assert [row["name"] for row in rows] == [item["name"] for item in as_json]
    assert list(rows[0]) == list(as_json[0])
    table = run_here(filled, command).out
    assert all(sum(item["name"] in line for line in table.splitlines()) >= 1 for item in as_json)
    assert run_here(filled, command, "--json", "--format", "csv").code == 2


def test_an_empty_list_has_its_header(run_here: Run, filled: Path) -> None:
    ran = run_here(filled, "query", "MATCH (l:Layer {name: 'none'}) RETURN l.name AS name", "--format", "csv")
    assert (ran.code, ran.out) == (0, "name\n")


def test_values_in_csv_and_json_lines() -> None:
    rows = Rows(("a", "b"), [(["x, y"], None), (True, float("nan")), ('say "a"\nb', 1.5)])
    assert list(csv.reader(io.StringIO(rows.csv()))) == [
        ["a", "b"], ['["x, y"]', ""], ["true", ""], ['say "a"\nb', "1.5"],
    ]  # fmt: skip
    assert [json.loads(line) for line in rows.jsonl().splitlines()] == [
        {"a": ["x, y"], "b": None}, {"a": True, "b": None}, {"a": 'say "a"\nb', "b": 1.5},
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_cut_list_says_so_in_its_exit_code(form: str, filled: Path, run_here: Run) -> None:
    cypher = "MATCH (s:Skill) RETURN s.id AS id ORDER BY id"
    ran = run_here(filled, "query", cypher, "--limit", 2, "--format", form, "--quiet")
    assert ran.code == 3
    assert "--limit 2" in ran.err
    assert len(ran.out.splitlines()) == 2 + (form == "csv")
    whole = run_here(filled, "query", cypher, "--format", form, "--quiet")
    assert (whole.code, whole.err) == (0, "")
    assert "--limit 2" in run_here(filled, "query", cypher, "--limit", 2, "--quiet").err


def test_common_options_before_or_after_the_command(filled: Path, run_here: Run, tmp_path: Path) -> None:
    store = filled / "skillgraph.kgl"
    after = run_here(tmp_path, "layers", "--store", store, "--json")
    assert after.code == 0
    assert run_here(tmp_path, "--store", store, "--json", "layers").out == after.out
    assert run_here(tmp_path, "--store", tmp_path / "absent.kgl", "layers", "--store", store, "--json").out == after.out
    assert run_here(tmp_path, "--quiet", "query", "RETURN 1", "--store", store).err == ""
    assert "row in" in run_here(tmp_path, "query", "RETURN 1", "--store", store).err
    said = run_here(tmp_path, "layers", "--store", store, "--verbose").err
    assert str(store) in said
    assert " s\n" in said
    assert "Traceback" in run_here(tmp_path, "associate", "none", "--store", store, "--verbose").err


def test_standard_input_and_output(
    filled: Path, run_here: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def typed(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    typed("text,skill\nt1,a\nt2,a\nt2,b\n")
    ran = run_here(tmp_path, "load", "-", "--dataset", "piped", "--json")
    assert ran.json["dataset"]["texts"] == 2
    typed('{"text": "t3", "skills": ["a"]}\n{"text": "t4", "skills": ["b"]}\n')
    ran = run_here(tmp_path, "load", "-", "--append", "--part", "more", "--json")
    assert ran.json["dataset"]["parts"] == ["more", "stdin"]
    typed("a\n")
    assert run_here(tmp_path, "learn", "known", "--known", "-", "--json").json["layer"]["learned"] == 2
    written = run_here(tmp_path, "export", "-", "--format", "graphml")
    assert "<graphml" in written.out
    assert "5 nodes" not in written.out
    assert run_here(tmp_path, "export", "out.graphml").code == 0
    assert (tmp_path / "out.graphml").read_text() == written.out
    assert run_here(tmp_path, "export", "-").code == 1, "standard output has no ending that says the format"
    changes = run_here(filled, "compare", "foundation", "tuned", "--csv", "-")
    assert changes.out.startswith("skill,name,")
    assert changes.out == run_here(filled, "compare", "foundation", "tuned", "--format", "csv").out


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("predict --layer tuned --curve waves", "predict --curve waves tuned"),
        ("compress -l base --output x.sgc", "compress --output x.sgc base"),
        ("export a.gexf --layer=tuned", "export a.gexf tuned"),
        ("learn a --engine spark --input b", "spark learn a --input b"),
        ("learn a --engine=local", "learn a"),
        ("associate a --take-up folder --store s", "spark import a --store s folder"),
        ("query RETURN --layer", "query RETURN --layer"),
        ("learn a -- --engine", "learn a -- --engine"),
    ],
)
def test_former_spellings(before: str, now: str) -> None:
    found, warnings = modernised(before.split())
    assert found == now.split()
    assert bool(warnings) == (before != now)


def test_a_former_spelling_warns_and_works(filled: Path, run_here: Run) -> None:
    ran = run_here(filled, "predict", "--layer", "foundation", "--replicates", 0, "--json")
    assert ran.code == 0
    assert "warning: " in ran.err
    assert "skillgraph predict --replicates 0 --json foundation" in ran.err
    assert ran.json == run_here(filled, "predict", "foundation", "--replicates", 0, "--json").json


@pytest.mark.long
def test_what_takes_minutes_on_a_large_layer_is_left_out_with_a_word_and_done_when_asked_for(
    filled: Path, run_here: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = run_here(filled, "predict", "foundation", "--replicates", 2, "--json")
    assert "Left out" not in usual.err
    monkeypatch.setattr("explorer.service.prediction.SWIFT_UP_TO", 1)
    swift = run_here(filled, "predict", "foundation", "--json")
    assert (swift.json["replicates"], swift.json["types"]) == (0, None)
    assert {row["typed"] for row in swift.json["rows"]} == {None}
    assert {row["poisson_band"] and 1 for row in swift.json["rows"]} == {None}
    people = run_here(filled, "predict", "foundation", "--no-types")
    assert "as they take minutes: the random graphs (--replicates 100)." in people.err
    assert run_here(filled, "predict", "foundation", "--replicates", 2, "--types", "--json").json == usual.json


@pytest.mark.parametrize(
    "command",
    [("associate", "foundation"), ("components", "foundation"), ("percolate", "foundation"), ("predict", "foundation")],
)
def test_layer_in_json_is_an_object(command: tuple[str, ...], filled: Path, run_here: Run, tmp_path: Path) -> None:
    (tmp_path / "skillgraph.kgl").write_bytes((filled / "skillgraph.kgl").read_bytes())
    assert run_here(tmp_path, *command, "--json").json["layer"]["name"] == "foundation"


def test_plurals() -> None:
    assert [plural(n, "text") for n in (0, 1, 2, 1000)] == ["0 texts", "1 text", "2 texts", "1,000 texts"]
    assert plural(1, "entry", "entries") == "1 entry"
    assert plural(3, "entry", "entries") == "3 entries"


def test_one_of_each_is_singular(run_here: Run, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("text,skill\nt,s\n")
    loaded = run_here(tmp_path, "load", "one.csv")
    learned = run_here(tmp_path, "learn", "l")
    linked = run_here(tmp_path, "associate", "l")
    for text in (loaded.out, learned.out, linked.out):
        assert " 1 " in text
        for wrong in ("1 texts", "1 skills", "1 waves", "1 requirements", "1 components"):
            assert wrong not in text


@pytest.mark.parametrize(
    ("choices", "literal"),
    [
        (options.RULES, options.Rule),
        (options.MODES, options.Mode),
        (options.NOISES, options.Noise),
        (options.SET_CODES, options.SetCode),
    ],
)
def test_choices_and_their_types_are_the_same(choices: tuple[options.Choice, ...], literal: object) -> None:
    assert {choice.value for choice in choices} == set(get_args(literal))


def test_every_learner_of_the_options_is_one() -> None:
    from analysis.learners import parse_learner

    assert [parse_learner(choice.written).name for choice in options.LEARNERS] == ["one", "d:2", "capacity:0.6"]


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["learn", "--help"], ["theory", "curve", "--help"]])
def test_help_and_version_import_nothing_heavy(arguments: list[str]) -> None:
    import subprocess
    import sys

    code = (
        "import sys\nfrom explorer.cli.app import app\n"
        f"try: app({arguments!r})\nexcept SystemExit: pass\n"
        "heavy = {'numpy', 'pyarrow', 'scipy', 'numba', 'kglite', 'neo4j', 'dash', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
