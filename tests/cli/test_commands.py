"""The command line from load to query, on a corpus small enough to be worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_load_counts_texts_and_lists_them(filled: Path, run_in: Run) -> None:
    [dataset] = run_in(filled, "datasets", "--json").json["datasets"]
    assert dataset["name"] == "small"
    assert dataset["texts"] == 9
    assert dataset["parts"] == ["basic", "domain"]
    assert dataset["layers"] == ["foundation", "tuned"]
    table = run_in(filled, "datasets")
    assert table.code == 0
    assert "small" in table.out


def test_learned_skills_are_those_of_the_hand_worked_peeling(filled: Path, run_in: Run) -> None:
    rows = run_in(
        filled,
        "query",
        "--json",
        "MATCH (:Layer {name: 'foundation'})-[l:LEARNED]->(s:Skill) RETURN s.name, l.wave ORDER BY s.name",
    ).json["rows"]
    # `first` teaches sorted and `third` teaches len; then `fourth` teaches print; then `second` teaches the loop.
    # `fifth` and `sixth` need several names at once and are never understood.
    assert dict(rows) == {"sorted": 1, "len": 1, "print": 2, "for loop": 3}


def test_fine_tuning_keeps_what_the_foundation_learned_and_adds_its_own(filled: Path, run_in: Run) -> None:
    found = run_in(filled, "compare", "foundation", "tuned", "--json").json
    gained = {change["name"] for change in found["changes"] if change["change"] == "gained"}
    # print and len are known: `module` teaches the module cmath, then `phase` teaches cmath.phase; `opened` needs two
    assert gained == {"cmath", "cmath.phase"}
    assert found["lost"] == 0
    assert found["kept"] == found["first"]["learned"]
    assert found["gained"] == found["second"]["learned"] - found["first"]["learned"] == len(gained)
    assert sum(row["gained"] for row in found["by_class"]) == found["gained"]
    assert "gained" in run_in(filled, "compare", "foundation", "tuned").out


def test_modes_are_nested(filled: Path, run_in: Run, tmp_path: Path) -> None:
    store = tmp_path / "copy.kgl"
    store.write_bytes((filled / "skillgraph.kgl").read_bytes())
    learned = {}
    for mode in ("frozen", "continued", "joint"):
        name = f"tuned-{mode}"
        ran = run_in(
            tmp_path, "learn", name, "--part", "domain", "--base", "foundation", "--mode", mode, "--store", store
        )
        assert ran.code == 0, ran.err
        rows = run_in(
            tmp_path,
            "query",
            "--json",
            "--store",
            store,
            f"MATCH (:Layer {{name: '{name}'}})-[:LEARNED]->(s:Skill) RETURN s.id",
        ).json["rows"]
        learned[mode] = {row[0] for row in rows}
    assert learned["frozen"] <= learned["continued"] <= learned["joint"]


def test_layers_lists_both_with_their_base(filled: Path, run_in: Run) -> None:
    layers = {layer["name"]: layer for layer in run_in(filled, "layers", "--json").json["layers"]}
    assert layers["foundation"]["kind"] == "foundation"
    assert layers["tuned"]["base"] == "foundation"
    assert layers["tuned"]["mode"] == "continued"
    assert layers["foundation"]["associations"] is not None


def test_percolation_curve_rises_from_nothing_to_the_whole_component(filled: Path, run_in: Run) -> None:
    found = run_in(filled, "percolate", "foundation", "--replicates", 5, "--json").json
    assert found["phi"][0] == 0
    assert found["phi"][-1] == 1
    assert found["giant"][0] == 0
    # with all skills kept the largest cluster is the skills that texts connect: it can be counted by hand
    assert found["giant"][-1] == pytest.approx(max(found["giant"]))
    assert found["learned_giant"] <= found["learned"]
    assert run_in(filled, "percolate", "foundation").code == 0


def test_keystones_are_the_skills_without_which_the_component_falls_apart(filled: Path, run_in: Run) -> None:
    found = run_in(filled, "keystones", "foundation", "--json").json
    # sorted, len, print and the loop are linked by `second`, which requires all of them
    assert found["giant"] == 4
    assert [step["giant"] for step in found["steps"]] == [3, 2, 1]
    assert all(step["cost"] == step["alone"] == 1 for step in found["steps"][:1])
    assert found["most_used"][: len(found["steps"]) + 1] == [4, 3, 2, 1]
    shown = run_in(filled, "keystones", "foundation", "--steps", 1)
    assert "These 1 step leave" not in shown.out
    assert shown.code == 0


def test_a_layer_is_exported_as_a_page(filled: Path, run_in: Run, tmp_path: Path) -> None:
    target = tmp_path / "foundation.html"
    found = run_in(filled, "export", target, "foundation", "--json").json
    assert (found["format"], found["nodes"]) == ("html", 4)
    assert "for loop" in target.read_text(encoding="utf-8")
    refused = run_in(filled, "export", target)
    assert refused.code == 1
    assert "name one" in refused.err


def test_prediction_beside_measurement(filled: Path, run_in: Run) -> None:
    found = run_in(filled, "predict", "foundation", "--json").json
    rows = {row["quantity"]: row for row in found["rows"]}
    layer = found["layer"]
    assert rows["learned"]["measured"] == pytest.approx(layer["learned"] / layer["skills"])
    assert found["ratio"] == pytest.approx(found["texts"] / found["skills"])
    assert 0 <= rows["learned"]["degrees"] <= 1
    assert "learned" in run_in(filled, "predict", "foundation").out


def test_curves_beside_a_layer_end_at_what_it_learned(filled: Path, run_in: Run) -> None:
    layer = run_in(filled, "predict", "foundation", "--replicates", 0, "--json").json["layer"]
    waves = run_in(filled, "predict", "foundation", "--curve", "waves", "--json").json
    texts = run_in(filled, "predict", "foundation", "--curve", "texts", "--json").json
    for measured in (waves["measured"], texts["learned"]):
        assert measured[-1] == pytest.approx(layer["learned"] / layer["skills"])
        assert measured == sorted(measured)
    assert len(waves["measured"]) == len(waves["poisson"]) == layer["waves"] + 1
    assert len(waves["typed"]) == len(waves["measured"])
    assert "with types" in run_in(filled, "predict", "foundation", "--curve", "waves").out
    assert "100%" in run_in(filled, "predict", "foundation", "--curve", "texts").out
    ran = run_in(filled, "predict", "--curve", "waves")
    assert ran.code == 1
    assert "needs a layer" in ran.err


def test_exit_curves_of_a_layer_are_those_of_all_three_ensembles(filled: Path, run_in: Run) -> None:
    chart = run_in(filled, "predict", "foundation", "--curve", "exit", "--json").json
    assert [line["ensemble"] for line in chart["lines"]] == ["poisson", "degrees", "typed"]
    for line in chart["lines"]:
        assert line["novel"] == sorted(line["novel"], reverse=True)
        both = zip(line["novel"], line["novel_after"], strict=True)
        assert all(after <= x + 1e-9 for x, after in both if x > line["fixed"] + 1e-6)
    rows = run_in(filled, "predict", "foundation", "--curve", "exit", "--format", "csv").out.splitlines()
    assert rows[0] == "ensemble,novel,taught,novel_after"
    assert len(rows) == 1 + sum(len(line["novel"]) for line in chart["lines"])


@pytest.mark.long
def test_percolation_with_types_lies_beside_the_others(filled: Path, run_in: Run) -> None:
    found = run_in(filled, "percolate", "foundation", "--types", "--replicates", 2, "--json").json
    assert len(found["predicted_typed"]) == len(found["phi"])
    assert found["predicted_typed"][0] == 0
    assert found["predicted_typed"] == sorted(found["predicted_typed"])
    rows = run_in(filled, "percolate", "foundation", "--types", "--replicates", 2, "--format", "csv").out
    assert rows.splitlines()[0].endswith(",predicted_poisson,predicted_typed")


def test_predict_agrees_with_the_fixed_point_equation(run_in: Run, tmp_path: Path) -> None:
    found = run_in(tmp_path, "predict", "--mean-skills", 3, "--ratio", 1.1, "--json").json
    q = found["unlearned"]
    assert q == pytest.approx(math.exp(-3 * 1.1 * math.exp(-3 * q)), abs=1e-9)
    assert found["learned"] == pytest.approx(0.9324, abs=1e-4)
    assert found["giant_any"] == pytest.approx(0.9255, abs=1e-4)
    assert found["giant_understood"] == pytest.approx(0.9251, abs=1e-4)
    assert found["giant_site"] == pytest.approx(0.8892, abs=1e-4)
    assert found["condition"] == pytest.approx((1 - q) * 9 * 1.1)
    assert found["percolates"] is True
    assert not list(tmp_path.iterdir()), "prediction needs no store"


def test_threshold_agrees_with_the_reference(run_in: Run, tmp_path: Path) -> None:
    found = run_in(tmp_path, "threshold", "--mean-skills", 4, "--json").json
    assert found["ratio"] == pytest.approx(1.4663503, abs=1e-7)
    assert found["unlearned_at_threshold"] == pytest.approx(0.6994906, abs=1e-7)
    assert found["jump"] is True
    gradual = run_in(tmp_path, "threshold", "--mean-skills", 2, "--json").json
    assert gradual == {"ratio": None, "unlearned_at_threshold": None, "jump": False}
    assert "gradual" in run_in(tmp_path, "threshold", "--mean-skills", 2).out


def test_query_parameters_csv_and_row_cap(filled: Path, run_in: Run) -> None:
    cypher = "MATCH (s:Skill {name: $name}) RETURN s.name AS name, s.class AS class"
    ran = run_in(filled, "query", cypher, "--param", "name=sorted", "--format", "csv")
    assert ran.out == "name,class\nsorted,builtin\n"
    capped = run_in(filled, "query", "MATCH (s:Skill) RETURN s.id", "--limit", 2, "--json").json
    assert len(capped["rows"]) == 2
    assert capped["truncated"] is True


def test_query_gives_the_subgraph_of_its_rows(filled: Path, run_in: Run) -> None:
    cypher = (
        "MATCH p = (:Layer {name: 'foundation'})-[:LEARNED {wave: 1}]->(s:Skill) "
        "OPTIONAL MATCH (s)<-[r:REQUIRES]-(t:Text) WHERE t.id ENDS WITH 'first' "
        "RETURN [p] AS paths, {skill: s} AS map, r"
    )
    ran = run_in(filled, "query", cypher, "--format", "graph")
    nodes = {node["id"]: node for node in ran.json["nodes"]}
    assert sorted(node["properties"]["name"] for node in nodes.values()) == ["foundation", "len", "sorted"]
    assert {tuple(node["labels"]) for node in nodes.values()} == {("Layer",), ("Skill",)}
    learned = [link for link in ran.json["relationships"] if link["type"] == "LEARNED"]
    assert len(learned) == len(ran.json["relationships"]) == 2
    assert {nodes[link["end"]]["properties"]["name"] for link in learned} == {"sorted", "len"}
    assert all(nodes[link["start"]]["labels"] == ["Layer"] and link["properties"]["wave"] == 1 for link in learned)
    assert ran.json["truncated"] is False
    # The text that requires `sorted` is not among the columns.
    assert "relationships left out: 1" in ran.err


def test_query_tells_what_the_store_does_not_know(filled: Path, run_in: Run) -> None:
    cypher = "MATCH (s:Skil) RETURN s.name"
    ran = run_in(filled, "query", cypher)
    assert ran.code == 0
    assert "\nnote: " in ran.err
    assert "Skil" in ran.err
    [warning] = run_in(filled, "query", cypher, "--json").json["warnings"]
    assert "Skil" in warning
    assert run_in(filled, "query", "MATCH (s:Skill) RETURN s.name", "--json").json["warnings"] == []


def test_query_refuses_to_write(filled: Path, run_in: Run) -> None:
    before = (filled / "skillgraph.kgl").read_bytes()
    ran = run_in(filled, "query", "MATCH (s:Skill) DETACH DELETE s")
    assert ran.code == 1
    assert ran.err.startswith("error: ")
    assert (filled / "skillgraph.kgl").read_bytes() == before


def test_load_detects_formats_and_counts_what_lenient_leaves_out(run_here: Run, tmp_path: Path) -> None:
    edges = tmp_path / "edges.csv"
    edges.write_text("text,skill,weight\na,x,1\nb,x,2\nb,y,heavy\nc,y,3\n")
    refused = run_here(tmp_path, "load", edges)
    assert refused.code == 1
    assert "line 4" in refused.err
    assert "heavy" in refused.err
    assert not (tmp_path / "skillgraph.kgl").exists()
    loaded = run_here(tmp_path, "load", edges, "--lenient", "--json")
    assert loaded.code == 0, loaded.err
    assert loaded.json["dataset"]["name"] == "edges"
    assert loaded.json["dataset"]["requirements"] == 3
    assert sum(loaded.json["skipped"].values()) == 1


def test_load_takes_several_targets_as_parts(run_here: Run, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("text,skill\na,x\n")
    (tmp_path / "two.csv").write_text("text,skill\nb,x\nb,y\n")
    loaded = run_here(tmp_path, "load", "one.csv", "two.csv", "--dataset", "both", "--json")
    assert loaded.json["dataset"]["parts"] == ["one", "two"]
    # part one teaches x; then the text of part two has y left
    assert run_here(tmp_path, "learn", "base", "--part", "one", "--json").json["layer"]["learned"] == 1
    tuned = run_here(tmp_path, "learn", "tuned", "--part", "two", "--base", "base", "--json").json["layer"]
    assert (tuned["learned"], tuned["skills"]) == (2, 2)
    frozen = run_here(tmp_path, "learn", "f", "--part", "two", "--base", "base", "--mode", "frozen", "--json")
    assert frozen.json["layer"]["learned"] == 2, "y is new here, so frozen training may learn it"


def test_formats_are_listed_with_their_options(run_here: Run, tmp_path: Path) -> None:
    listed = run_here(tmp_path, "load", "--formats", "--json").json
    assert {"edge-list", "parquet", "python", "graphml"} <= set(listed["formats"])
    assert "text_column" in listed["formats"]["edge-list"]["options"]
    assert "edge-list" in run_here(tmp_path, "load", "--formats").out
