"""Every result of the theory as a command, against closed forms, reference values and simulation."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.cli.conftest import Run

REFERENCE = {  # docs/theory.md, section 5: R -> learned, giant any, understood, site; c = 3
    0.8: (0.1909, 0.1469, 0.0400, 0.0691),
    1.0: (0.3353, 0.3176, 0.2615, 0.2725),
    1.1: (0.9324, 0.9255, 0.9251, 0.8892),
}
CLASSES = ("--shares", "0.4,0.6", "--mean-skills", "3,1;0.5,4")


def test_curve_has_the_reference_values(run_here: Run, tmp_path: Path) -> None:
    found = run_here(tmp_path, "theory", "curve", "-c", 3, "--from", 0.8, "--to", 1.1, "--points", 4, "--json").json
    points = {round(point["ratio"], 9): point for point in found["points"]}
    for ratio, expected in REFERENCE.items():
        keys = ("learned", "giant_any", "giant_understood", "giant_site")
        assert [points[ratio][key] for key in keys] == pytest.approx(list(expected), abs=1e-4)
        assert points[ratio]["testing_error"] == pytest.approx(-math.expm1(-3 * (1 - points[ratio]["learned"])))
    assert "testing error" in run_here(tmp_path, "theory", "curve", "-c", 3, "--points", 3).out


def test_waves_are_the_iterates(run_here: Run, tmp_path: Path) -> None:
    found = run_here(tmp_path, "theory", "waves", "-c", 2, "-R", 1.5, "--json").json["waves"]
    q = 1.0
    for learned in found["learned"]:
        assert learned == pytest.approx(1 - q, abs=1e-12)
        q = math.exp(-3.0 * math.exp(-2 * q))
    assert found["learned"][-1] == pytest.approx(0.9240, abs=1e-4)


def test_exit_curves_meet_at_the_fixed_point(run_here: Run, tmp_path: Path) -> None:
    found = run_here(tmp_path, "theory", "exit", "-c", 3, "-R", 0.8, "--points", 1001, "--json").json["exit"]
    for x, y in zip(found["novel"], found["taught"], strict=True):
        assert y == pytest.approx(math.exp(-3 * x))
    last = max(x for x, gap in zip(found["novel"], found["gap"], strict=True) if gap <= 0)
    assert last == pytest.approx(1 - 0.1909, abs=0.002)


def test_texts_needed_reach_the_error(run_here: Run, tmp_path: Path) -> None:
    found = run_here(tmp_path, "theory", "texts", "-c", 3, "--error", 0.01, "--skills", 10_000, "--json").json
    q = 1.0
    for _ in range(2_000):
        q = math.exp(-3 * found["ratio"] * math.exp(-3 * q))
    assert 1 - math.exp(-3 * q) == pytest.approx(0.01, rel=1e-6)
    assert found["texts"] == pytest.approx(10_000 * found["ratio"])
    assert found["asymptotic"] == pytest.approx(10_000 / 3 * math.log(3 / 0.01))
    assert found["threshold"] == pytest.approx(1.0378857, abs=1e-7)


def test_percolation_thresholds_divide_giant_from_none(run_here: Run, tmp_path: Path) -> None:
    found = run_here(tmp_path, "theory", "percolation", "-c", 3, "-R", 1, "--json").json
    assert found["critical_occupation"] == pytest.approx(1 / 9)
    for rule, key in (("any", "giant_any"), ("understood", "giant_understood")):
        below, above = (
            run_here(tmp_path, "predict", "-c", 3, "-R", found[rule] + step, "--json").json for step in (-0.01, 0.01)
        )
        assert below[key] == 0
        assert above[key] > 0.001
    at = run_here(tmp_path, "predict", "-c", 3, "-R", found["site"], "--json").json
    assert at["condition"] == pytest.approx(1, abs=1e-6)


def test_two_classes_have_their_reference_values(run_here: Run, tmp_path: Path) -> None:
    found = run_here(tmp_path, "theory", "classes", *CLASSES, "--ratios", "0.8,0.7", "--json").json
    assert found["unlearned_by_class"] == pytest.approx([0.7365, 0.8385], abs=1e-4)
    q = found["unlearned_by_class"]
    assert found["learned"] == pytest.approx(1 - 0.4 * q[0] - 0.6 * q[1])
    assert found["testing_error_by_class"] == pytest.approx(
        [-math.expm1(-3 * q[0] - q[1]), -math.expm1(-0.5 * q[0] - 4 * q[1])]
    )


@pytest.mark.long
def test_the_border_of_the_stability_region_divides_learned_from_not(run_here: Run, tmp_path: Path) -> None:
    border = run_here(tmp_path, "theory", "stability", *CLASSES, "--json").json["border"]
    assert len(border) > 10
    for a, b in border[1:-1:6]:
        inside, outside = (
            run_here(tmp_path, "theory", "classes", *CLASSES, "--ratios", f"{a * by},{b * by}", "--json").json
            for by in (1.001, 0.999)
        )
        assert max(inside["unlearned_by_class"]) <= 0.5 < max(outside["unlearned_by_class"])


def test_hierarchy_has_its_reference_values(run_here: Run, tmp_path: Path) -> None:
    arguments = "--basic-share 0.5 --foundation-ratio 0.6 --domain-ratio 0.8 --foundation-skills 3 --basic-skills 1"
    found = run_here(tmp_path, "theory", "hierarchy", *arguments.split(), "--domain-skills", 3, "--json").json
    for mode, q in (("frozen", (0.0417, 0.0117)), ("continued", (0.0090, 0.0099)), ("joint", (0.0062, 0.0097))):
        assert [found[mode]["unlearned_basic"], found[mode]["unlearned_domain"]] == pytest.approx(q, abs=1e-4)
    q = found["foundation"]["unlearned_basic"]
    assert q == pytest.approx(math.exp(-3 * 0.6 / 0.5 * math.exp(-3 * q)))


def test_simulated_graphs_agree_with_the_prediction(run_here: Run, tmp_path: Path) -> None:
    arguments = ("theory", "simulate", "-c", 3, "-R", 0.8, "--skills", 5_000, "--replicates", 40, "--json")
    found = run_here(tmp_path, *arguments).json
    rows = {row["quantity"]: row for row in found["quantities"]}
    assert rows["learned"]["predicted"] == pytest.approx(0.1909, abs=1e-4)
    assert rows["giant_any"]["predicted"] == pytest.approx(0.1469, abs=1e-4)
    for row in rows.values():
        assert row["low"] <= row["mean"] <= row["high"]
        if row["predicted"] is not None:
            # five standard errors, and a shift of the order of 1/sqrt(S) for the finite number of skills
            assert abs(row["mean"] - row["predicted"]) < 5 * row["standard_error"] + 0.01
    assert run_here(tmp_path, *arguments).json == found
    assert run_here(tmp_path, *arguments, "--seed", 1).json["quantities"] != found["quantities"]


def test_the_fitted_blur_agrees_with_the_one_in_the_documentation(run_here: Run, tmp_path: Path) -> None:
    found = run_here(tmp_path, "theory", "finite-size", "-c", 4, "--skills", 8_000, "--replicates", 60, "--json").json
    fit = found["fit"]
    # docs/theory.md fits other graphs at other ratios: α = 2.17 ± 0.14, β = 3.40 ± 0.28; four joint standard errors
    assert abs(fit["alpha"] - 2.17) < 4 * math.hypot(0.14, fit["alpha_error"])
    assert abs(fit["beta"] - 3.40) < 4 * math.hypot(0.28, fit["beta_error"])
    chances = found["stall_probability"]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > 0.99
    assert chances[-1] < 0.01


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("curve", "-c", 3, "--from", 2, "--to", 1), ("--to", "1")),
        (("curve", "-c", -3, "--to", 1), ("-3",)),
        (("waves", "-c", 3, "-R", -1), ("-1",)),
        (("texts", "-c", 3, "--error", 2, "--skills", 10), ("2",)),
        (("classes", "--shares", "a", "--ratios", "1", "--mean-skills", "1"), ("--shares", "'a'")),
        (("classes", "--shares", "0.4,0.6", "--ratios", "1", "--mean-skills", "1,2;3,4"), ("row",)),
        (("stability", "--shares", "1", "--mean-skills", "1"), ("2 classes",)),
        (("simulate", "-c", 3, "-R", 1, "--learner", "two"), ("two",)),
        (("finite-size", "-c", 2, "--skills", 100), ("gradual",)),
    ],
)
def test_bad_values_are_named(run_here: Run, tmp_path: Path, arguments: tuple[object, ...], words: tuple[str]) -> None:
    ran = run_here(tmp_path, "theory", *arguments)
    assert ran.code == 1
    for word in words:
        assert word in ran.err
    assert "Traceback" not in ran.err


def test_any_degrees_learn_as_their_recursion_says(run_here: Run, tmp_path: Path) -> None:
    arguments = ("--texts", "1:0.2,4:0.8", "--skills", "regular:5")
    found = run_here(tmp_path, "theory", "degrees", *arguments, "--json").json
    assert found["mean_skills"] == pytest.approx(0.2 + 3.2)
    assert found["ratio"] == pytest.approx(5 / 3.4)
    # an edge leads to a text of one skill with probability 0.2/3.4, to one of four with 3.2/3.4
    novel, teaches = 1.0, 0.0
    for learned in found["waves"]:
        assert learned == pytest.approx(1 - (1 - teaches) ** 5, abs=1e-12)
        teaches = 0.2 / 3.4 + 3.2 / 3.4 * (1 - novel) ** 3
        novel = (1 - teaches) ** 4
    unlearned = (1 - teaches) ** 5
    assert found["learned"] == pytest.approx(1 - unlearned, abs=1e-9)
    # a fresh text meets skills along edges, as those that were read: ε = 1 - P(1 - x)
    assert found["testing_error"] == pytest.approx(1 - 0.2 * (1 - novel) - 0.8 * (1 - novel) ** 4, abs=1e-8)
    # a skill leads to five texts, a text to the others of its skills: ρ'(1) λ'(1)
    assert found["critical_occupation"] == pytest.approx(1 / (3.2 / 3.4 * 3 * 4))
    assert found["condition"] == pytest.approx(found["learned"] / found["critical_occupation"])
    assert "threshold R*" in run_here(tmp_path, "theory", "degrees", *arguments).out


def test_poisson_degrees_are_the_poisson_ensemble(run_here: Run, tmp_path: Path) -> None:
    found = run_here(tmp_path, "theory", "degrees", "--texts", "poisson:3", "--skills", "poisson:3.3", "--json").json
    assert [found[key] for key in ("learned", "giant_any", "giant_understood", "giant_site")] == pytest.approx(
        list(REFERENCE[1.1]), abs=1e-4
    )
    assert found["ratio"] == pytest.approx(1.1)
    assert found["threshold"] == pytest.approx(1.0378857, abs=1e-6)
    first = run_here(tmp_path, "theory", "percolation", "-c", 3, "--json").json["any"]
    assert found["percolation"] == pytest.approx(first, abs=1e-9)


def test_texts_of_three_skills_teach_no_learner_of_one(run_here: Run, tmp_path: Path) -> None:
    arguments = ("theory", "degrees", "--texts", "regular:3", "--skills", "regular:6", "--json")
    assert run_here(tmp_path, *arguments).json["learned"] == 0
    all_at_once = run_here(tmp_path, *arguments, "--learner", "d:3").json
    assert all_at_once["learned"] == 1
    assert all_at_once["percolation"] < all_at_once["ratio"] == 2
    assert run_here(tmp_path, *arguments).json["percolation"] is None


@pytest.mark.parametrize(
    ("texts", "skills", "message"),
    [
        ("regular", "regular:3", "'regular' is not a degree distribution; give regular:4"),
        ("1:0.5,2", "regular:3", "'1:0.5,2' is not a degree distribution"),
        ("1:0.5,2:0.6", "regular:3", "sum"),
        ("regular:-1", "regular:3", "-1"),
        ("3:1", "regular:10000000000000000000000", "is not a degree"),
        ("9223372036854775808:1", "regular:3", "is not a degree"),
        ("regular:0", "regular:0", "no text requires a skill"),
    ],
)
def test_what_is_no_degree_distribution(run_here: Run, tmp_path: Path, texts: str, skills: str, message: str) -> None:
    ran = run_here(tmp_path, "theory", "degrees", "--texts", texts, "--skills", skills)
    assert ran.code == 1
    assert message in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.long
def test_a_prediction_on_a_threshold_says_that_its_iteration_did_not_converge(run_here: Run, tmp_path: Path) -> None:
    cusp = run_here(tmp_path, "predict", "--mean-skills", math.e, "--ratio", 1).out
    assert "The iteration for this ensemble did not converge" in cusp
    assert run_here(tmp_path, "predict", "--mean-skills", 3, "--ratio", 1.1, "--json").json["converged"] is True
