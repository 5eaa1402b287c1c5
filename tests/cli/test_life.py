"""Deleting, renaming and refreshing on the command line, and what it says of stale layers."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.fixture
def folder(filled: Path, tmp_path: Path) -> Path:
    shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    return tmp_path


def _states(run: Run, folder: Path) -> dict[str, bool]:
    return {layer["name"]: layer["stale"] for layer in run(folder, "layers", "--json").json["layers"]}


def test_what_rests_on_a_layer_is_named_before_anything_is_deleted(folder: Path, run_here: Run) -> None:
    refused = run_here(folder, "delete", "foundation")
    assert refused.code == 1
    assert "'tuned' was fine-tuned from layer 'foundation'" in refused.err
    assert "--with-dependents" in refused.err
    assert set(_states(run_here, folder)) == {"foundation", "tuned"}
    refused = run_here(folder, "delete", "--dataset", "small")
    assert refused.code == 1
    assert "'foundation' and 'tuned'" in refused.err
    done = run_here(folder, "delete", "foundation", "--with-dependents", "--json").json
    assert done == {"dataset": "small", "layers": ["tuned", "foundation"], "whole": False}
    assert _states(run_here, folder) == {}
    assert run_here(folder, "delete", "--dataset", "small").out.split() == ["Dataset", "small", "deleted."]
    assert run_here(folder, "datasets", "--json").json == {"datasets": []}


def test_a_layer_and_a_dataset_are_renamed(folder: Path, run_here: Run) -> None:
    assert "foundation is now called first" in run_here(folder, "rename", "foundation", "first").out
    assert run_here(folder, "compare", "first", "tuned", "--json").code == 0
    assert "first" in run_here(folder, "layers").out
    assert run_here(folder, "rename", "first", "tuned").code == 1
    assert run_here(folder, "rename", "--dataset", "small", "large", "--json").json["followed"] == ["first", "tuned"]
    assert run_here(folder, "datasets", "--json").json["datasets"][0]["name"] == "large"
    assert run_here(folder, "rename", "first").code == 1


def test_a_base_that_is_learned_from_other_texts_makes_what_rests_on_it_stale(folder: Path, run_here: Run) -> None:
    assert _states(run_here, folder) == {"foundation": False, "tuned": False}
    assert run_here(folder, "learn", "foundation", "--part", "domain").code == 0
    assert _states(run_here, folder) == {"foundation": False, "tuned": True}
    listed = run_here(folder, "layers")
    assert "stale" in listed.out
    assert "its base 'foundation' has changed" in listed.err
    assert "`skillgraph refresh tuned --dataset small`" in listed.err
    for command in (
        ("compare", "foundation", "tuned"),
        ("compare", "--family"),
        ("associate", "tuned"),
        ("predict", "tuned"),
        ("percolate", "tuned", "--replicates", "1"),
    ):
        ran = run_here(folder, *command)
        assert ran.code == 0, (command, ran.err)
        assert command == ("compare", "--family") or "'tuned' is stale" in ran.err + ran.out, command
    done = run_here(folder, "refresh", "tuned", "--dataset", "small")
    assert "tuned: learned again" in done.out
    assert _states(run_here, folder) == {"foundation": False, "tuned": False}
    assert "No layer is stale." in run_here(folder, "refresh").out


def test_texts_that_are_appended_or_replaced_make_a_layer_stale(folder: Path, sources: Path, run_here: Run) -> None:
    more = folder / "more.py"
    more.write_text("def again(x):\n    print(sorted(x))\n")
    ran = run_here(folder, "load", more, "--dataset", "small", "--append", "--part", "domain")
    assert ran.code == 0, ran.err
    assert "Stale now: tuned." in ran.err
    ran = run_here(folder, "load", sources / "basic", "--dataset", "small", "--replace")
    assert ran.code == 0, ran.err
    assert "Stale now: tuned." in ran.err
    assert run_here(folder, "compare", "foundation", "tuned").code == 0
    refused = run_here(folder, "refresh", "tuned")
    assert refused.code == 1
    assert "part 'domain', which dataset 'small' no longer has" in refused.err


def test_doing_it_again_writes_nothing(folder: Path, sources: Path, run_here: Run) -> None:
    before = (folder / "skillgraph.kgl").stat()
    report = run_here(folder, "learn", "tuned", "--part", "domain", "--base", "foundation", "--json").json
    assert report["reused"]
    assert run_here(folder, "associate", "tuned", "--json").json["reused"]
    assert "nothing was written" in run_here(folder, "learn", "foundation", "--part", "basic").err
    after = (folder / "skillgraph.kgl").stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


def test_associations_of_a_layer_learned_again_stay_or_are_said_to_go(tmp_path: Path, run_here: Run) -> None:
    (tmp_path / "edges.csv").write_text("text,skill\nt1,a\nt2,a\nt2,b\nt3,a\nt3,b\nt3,c\nt4,a\nt4,c\nt5,d\nt5,e\n")
    assert run_here(tmp_path, "load", "edges.csv", "--dataset", "two parts").code == 0
    assert run_here(tmp_path, "learn", "l").code == 0
    options = ("--rule", "understood", "--min-weight", "2")
    assert run_here(tmp_path, "associate", "l", *options, "--json").json["associations"] == 2
    asked = ("query", "MATCH (a)-[r:ASSOCIATED_WITH]->(b) RETURN a.id, b.id, r.weight ORDER BY b.id", "--json")
    before = run_here(tmp_path, *asked).json["rows"]

    # Of the same three skills two are known now: what links them is the same.
    (tmp_path / "known.txt").write_text("a\nb\n")
    ran = run_here(tmp_path, "learn", "l", "--known", "known.txt", "--json")
    assert (ran.json["kept_associations"], ran.json["removed_associations"]) == (2, 0)
    assert ran.json["layer"]["association_options"]["min_weight"] == 2
    assert run_here(tmp_path, *asked).json["rows"] == before
    assert run_here(tmp_path, "associate", "l", *options, "--json").json["reused"]
    assert "keeps its 2 associations" in run_here(tmp_path, "learn", "l").err

    ran = run_here(tmp_path, "learn", "l", "--learner", "d:2")
    said = re.search(
        r"2 associations of the layer that was replaced went with it\. `skillgraph (.+)` computes", ran.err
    )
    assert said, ran.err
    assert run_here(tmp_path, *asked).json["rows"] == []
    again = run_here(tmp_path, *shlex.split(said[1]), "--json").json
    assert (again["rule"], again["associations"]) == ("understood", 2)
    assert run_here(tmp_path, *asked).json["rows"] == before


def test_printed_commands_for_a_layer_whose_name_begins_with_a_dash_run(tmp_path: Path, run_here: Run) -> None:
    (tmp_path / "edges.csv").write_text("text,skill\nt1,a\nt2,a\nt2,b\n")
    assert run_here(tmp_path, "load", "edges.csv", "--dataset", "d").code == 0
    for words in (("learn",), ("associate",), ("learn", "--learner", "d:2")):
        ran = run_here(tmp_path, *words, "--", "-l")
        assert ran.code == 0, ran.err
    (tmp_path / "more.csv").write_text("text,skill\nt3,b\nt3,c\n")
    assert run_here(tmp_path, "load", "more.csv", "--append", "--dataset", "d").code == 0
    said = run_here(tmp_path, "percolate", "--replicates", "1", "--", "-l")
    refresh = re.search(r"`(skillgraph refresh .+?)` updates it", said.out + said.err)
    assert refresh, said
    report = run_here(tmp_path, "learn", "--json", "--", "-l").json
    for command in (refresh[1], report["associate_command"]):
        again = run_here(tmp_path, *shlex.split(command)[1:])
        assert again.code == 0, again.err


def test_a_class_with_a_comma_is_one_class(tmp_path: Path, run_here: Run) -> None:
    (tmp_path / "edges.csv").write_text("text,skill\nt1,a\nt1,b\nt2,b\nt2,c\n")
    (tmp_path / "skills.csv").write_text('id,class\na,"reading, basic"\nb,"x, y"\nc,z\n')
    assert run_here(tmp_path, "load", "edges.csv", "-o", "skills=skills.csv", "--dataset", "d").code == 0
    classes = ("--known-class", "reading, basic", "--known-class", "x, y")
    ran = run_here(tmp_path, "learn", "l", *classes, "--json")
    assert ran.json["layer"]["parameters"]["known_classes"] == ["reading, basic", "x, y"]
    assert ran.json["layer"]["learned"] == 3
    (tmp_path / "more.csv").write_text("text,skill\nt3,c\nt3,d\n")
    assert run_here(tmp_path, "load", "more.csv", "--append", "--dataset", "d").code == 0
    ran = run_here(tmp_path, "learn", "l", "--continue", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["layer"]["learned"] == 4


def test_a_dataset_is_copied_with_its_layers_and_not_over_another(folder: Path, run_here: Run) -> None:
    run_here(folder, "associate", "foundation")
    copied = run_here(folder, "copy", "copy.kgl", "--json").json
    assert copied["layers"] == ["foundation", "tuned"]
    assert copied["associations"] > 0
    assert not copied["replaced"]

    def there(*store: str) -> list[dict[str, object]]:
        return list(run_here(folder, "layers", "--json", *store).json["layers"])

    assert there("--store", "copy.kgl") == there()
    refused = run_here(folder, "copy", "copy.kgl")
    assert refused.code == 1
    assert "dataset 'small' is in" in refused.err
    assert run_here(folder, "copy", "copy.kgl", "--replace", "--json").json["replaced"]
    run_here(folder, "views", "save", "core", "/graph?layer=foundation&skill=builtin%3Asorted")
    run_here(folder, "views", "save", "asked", "/query?q=MATCH%20%28n%29%20RETURN%20n")
    run_here(folder, "views", "save", "other", "/graph?dataset=elsewhere")
    run_here(folder, "views", "save", "mine", "/layers?dataset=small")
    run_here(folder, "views", "save", "mine", "/family", "--store", "copy.kgl")
    again = run_here(folder, "copy", "copy.kgl", "--name", "second")
    assert "Dataset second copied to" in again.out
    assert "2 saved views." in again.out
    assert "1 saved view was not copied, as other views have its name there: 'mine'" in again.err
    views = {
        view["name"]: view for view in run_here(folder, "views", "list", "--json", "--store", "copy.kgl").json["views"]
    }
    assert set(views) == {"core", "asked", "mine"}
    assert views["core"]["address"] == "/graph?dataset=second&layer=foundation&skill=builtin%3Asorted"
