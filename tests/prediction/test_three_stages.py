"""Three layers on one another in a store: what the commands predict by types is what they and random graphs learn."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from explorer.service.learning import learn
from explorer.service.stages import layer_training
from explorer.service.typed import typed_expectation
from explorer.store.opening import open_store
from loaders.dataset import Dataset, build_dataset
from tests.support.command_line import call_words

STAGES = ("basic", "further", "special")
SKILLS = 1_200


def chain(seed: int) -> Dataset:
    """Texts of three parts; each part has skills of its own and requires some of the parts before."""
    rng = np.random.default_rng(seed)
    pairs: set[tuple[str, str]] = set()
    parts: list[str] = []
    for stage, name in enumerate(STAGES):
        for _ in range(1_100):
            own, before = 1 + rng.integers(0, 3), rng.integers(0, 2) * min(stage, 1)
            chosen = [(stage, s) for s in rng.integers(0, SKILLS, own)]
            chosen += [(int(rng.integers(0, max(stage, 1))), int(s)) for s in rng.integers(0, SKILLS, before)]
            pairs |= {(f"t{len(parts):05d}", f"{STAGES[k]}{s:04d}") for k, s in chosen}
            parts.append(name)
    rows = sorted(pairs)
    skills = sorted({s for _, s in rows})
    return build_dataset(
        "chain",
        texts=pa.table({"id": [f"t{i:05d}" for i in range(len(parts))], "part": parts}),
        skills=pa.table({"id": skills, "class": [s.rstrip("0123456789") for s in skills]}),
        requirements=pa.table({"text": [t for t, _ in rows], "skill": [s for _, s in rows]}),
    )


@pytest.mark.long
@pytest.mark.parametrize("modes", [("continued", "frozen"), ("frozen", "continued")])
def test_a_chain_of_three_layers_is_predicted_from_the_store(tmp_path: Path, modes: tuple[str, str]) -> None:
    path = tmp_path / "store.kgl"
    store = open_store(path, mode="write")
    store.write_dataset(chain(0))
    learn(store, "chain", name="basic", parts=["basic"])
    learn(store, "chain", name="further", parts=["further"], base="basic", mode=modes[0])  # type: ignore[arg-type]
    learn(store, "chain", name="special", parts=["special"], base="further", mode=modes[1])  # type: ignore[arg-type]
    store.close()
    told = call_words(tmp_path, ["explain", "special", "--store", str(path), "--graphs", "5", "--json"]).json
    assert [told["layer"]["base"], told["layer"]["mode"]] == ["further", modes[1]]
    rungs = {rung["name"]: rung for rung in told["rungs"]}
    for name in ("class", "uses", "uses × class"):
        rung = rungs[name]
        # Rewired graphs of 3,600 skills, five of each: four standard errors, and a point for their size.
        assert rung["simulated"] == pytest.approx(rung["learned"], abs=4 * rung["simulated_error"] + 0.01), name
    assert rungs["class"]["learned"] == pytest.approx(told["measured"], abs=0.03)
    rows = json.loads(call_words(tmp_path, ["predict", "special", "--store", str(path), "--json"]).out)["rows"]
    beside = {row["quantity"]: row for row in rows}
    assert beside["learned"]["measured"] == pytest.approx(told["measured"])
    assert beside["learned"]["typed"] == pytest.approx(told["measured"], abs=0.03)
    assert beside["giant"]["typed"] == pytest.approx(beside["giant"]["measured"], abs=0.04)
    assert beside["not_understood"]["typed"] == pytest.approx(beside["not_understood"]["measured"], abs=0.04)
    # The skills of each stage by themselves: their class is their type.
    store = open_store(path, mode="read")
    expected = typed_expectation(store, "chain", "special")
    assert expected is not None
    training = layer_training(store, "chain", "special")
    assert len(training.stages) == 3
    predicted = training.predict(training.view.indexed.skill_column("class").dictionary_encode().indices.to_numpy())
    kind = np.array(training.view.indexed.skill_column("class").to_pylist())
    store.close()
    for name in STAGES:
        mine = 1.0 - predicted.evolution.unlearned_by_type[predicted.types]
        assert float(mine[kind == name].mean()) == pytest.approx(
            float(training.view.learned[kind == name].mean()), abs=0.05
        )
