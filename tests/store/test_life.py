"""Layers and datasets live: loaded, learned, renamed, deleted and made anew in any order, they never end in an error.

A model keeps beside the store what each layer was made from and says by itself which layers are stale.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from analysis.errors import AnalysisError
from explorer.errors import SkillgraphError
from explorer.service import associate, compare, continue_learning, learn, percolate, predict_layer
from explorer.service.evidence import evidence, mastery_of
from explorer.service.family import family
from explorer.service.life import delete_dataset, delete_layer, dependents, refresh, rename_dataset, rename_layer
from explorer.service.loading import load
from explorer.service.snapshot import layer_view
from explorer.store.protocol import Layer, LayerInfo, Store
from loaders.dataset import Dataset, build_dataset, extend_dataset
from loaders.dataset import rename_dataset as renamed

EXAMPLES = int(os.environ.get("SKILLGRAPH_LIFE_EXAMPLES", "6"))
"""Sequences that are tried, half of them by README's command, on Neo4j a third; many more by the variable."""
STEPS = 14
_CLASSES = {"a": "reading, basic", "b": "reading, basic", "c": "k", "d": None, "e": "k", "f": None}
_INSIDE = re.compile(r"is not among|not in the dataset|KeyError|IndexError|changed while|components of")
_NAMES = st.sampled_from(["one", "two", "three", "four"])
_PARTS = st.sampled_from(["p", "q", "r"])
_TEXTS = st.lists(st.sets(st.sampled_from("abcdef"), min_size=1, max_size=3), min_size=1, max_size=5)
_PICK = st.integers(0, 1_000)


def _corpus(name: str, part: str, texts: list[set[str]], number: int) -> Dataset:
    """Texts of one part, each an outcome of two models."""
    ids = [f"{part}{number}.{i}" for i in range(len(texts))]
    pairs = [(text, skill) for text, skills in zip(ids, texts, strict=True) for skill in sorted(skills)]
    used = sorted({skill for _, skill in pairs})
    scores = [("m", text, float(len(s) < 3)) for text, s in zip(ids, texts, strict=True)]
    scores += [("tuned", text, float(len(s) < 2)) for text, s in zip(ids, texts, strict=True)]
    return build_dataset(
        name,
        texts=pa.table({"id": ids, "part": [part] * len(ids)}),
        skills=pa.table({"id": used, "class": pa.array([_CLASSES[skill] for skill in used], pa.string())}),
        requirements=pa.table({"text": [a for a, _ in pairs], "skill": [b for _, b in pairs]}),
        models=pa.table({"id": ["m", "tuned"], "base": [None, "m"]}),
        attempts=pa.table({key: [row[i] for row in scores] for i, key in enumerate(("model", "text", "score"))}),
    )


@dataclass(frozen=True)
class Made:
    """What the model knows of a layer.

    Attributes:
        inputs: The texts of its parts with their skills, as they were; for all texts, those of every part.
        parts: Parts of its graph; empty means all.
        base: Name of its base.
        base_state: The content of the base when it was made.
        content: Its skills, waves, teachers and masteries.
        lost: Skills that it learned and that were gone when the dataset was replaced.
    """

    inputs: Any
    parts: tuple[str, ...]
    base: str | None
    base_state: Any
    content: Any
    kind: str
    lost: frozenset[str] = frozenset()


def _content(layer: Layer) -> Any:
    return layer.skills.select(["skill", "wave", "by", "mastery"]).to_pylist(), layer.info.graph_parts


class Life(RuleBasedStateMachine):
    """Rules are what people do; each looks first whether it can be done, and expects to be refused if not."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.datasets: dict[str, Dataset] = {}
        self.layers: dict[str, dict[str, Made]] = {}
        self.number = 0

    @initialize(texts=_TEXTS, more=_TEXTS)
    def begin(self, texts: list[set[str]], more: list[set[str]]) -> None:
        for info in self.store.datasets():
            self.store.delete_dataset(info.name)
        self.store_dataset("d", "p", texts)
        self.append("d", "q", more)
        learn(self.store, "d", name="one", parts=("p",))
        learn(self.store, "d", name="two", parts=("q",), base="one")
        self.note_layer("d", "one", None)
        self.note_layer("d", "two", "one")

    # What can be asked for -----------------------------------------------------------------------------------

    def some_dataset(self, pick: int) -> str:
        names = sorted(self.datasets)
        return names[pick % len(names)]

    def some_layer(self, dataset: str, pick: int) -> str:
        names = sorted(self.layers[dataset])
        return names[pick % len(names)] if names else "none"

    def attempt(self, act: Callable[[], Any], *, refused: bool = False) -> Any:
        """Do it; a refusal is one sentence about what was asked, and only where the model expects it."""
        said = None
        try:
            return act()
        except (SkillgraphError, AnalysisError) as error:
            said = str(error)
        assert refused, said
        assert "\n" not in said
        assert not _INSIDE.search(said), said
        return None

    # Datasets ------------------------------------------------------------------------------------------------

    def store_dataset(self, name: str, part: str, texts: list[set[str]]) -> None:
        self.number += 1
        corpus = _corpus(name, part, texts, self.number)
        there = name in self.datasets
        report = load(self.store, lambda: corpus, name=name, replace=True)
        assert report.replaced == there
        assert not report.unchanged
        self.datasets[name] = corpus
        now = set(corpus.skills["id"].to_pylist())
        self.layers[name] = {
            layer: replace(
                made,
                content=([row for row in made.content[0] if row["skill"] in now], made.content[1]),
                lost=made.lost | {row["skill"] for row in made.content[0] if row["skill"] not in now},
            )
            for layer, made in self.layers.get(name, {}).items()
        }

    @rule(name=st.sampled_from(["d", "e"]), part=_PARTS, texts=_TEXTS)
    def load_or_replace(self, name: str, part: str, texts: list[set[str]]) -> None:
        self.store_dataset(name, part, texts)

    @rule(pick=_PICK)
    @precondition(lambda self: self.datasets)
    def load_the_same(self, pick: int) -> None:
        name = self.some_dataset(pick)
        version = self.store.version
        assert load(self.store, lambda: self.datasets[name], name=name, replace=True).unchanged
        assert self.store.version == version

    def append(self, name: str, part: str, texts: list[set[str]]) -> None:
        self.number += 1
        addition = _corpus(name, part, texts, self.number)
        load(self.store, lambda: addition, name=name, append=True)
        self.datasets[name] = extend_dataset(self.datasets[name], addition)

    @rule(pick=_PICK, part=_PARTS, texts=_TEXTS)
    @precondition(lambda self: self.datasets)
    def append_some(self, pick: int, part: str, texts: list[set[str]]) -> None:
        self.append(self.some_dataset(pick), part, texts)

    @rule(pick=_PICK, new=st.sampled_from(["d", "e", "f"]))
    @precondition(lambda self: self.datasets)
    def rename_a_dataset(self, pick: int, new: str) -> None:
        name = self.some_dataset(pick)
        taken = new in self.datasets and new != name
        if self.attempt(lambda: rename_dataset(self.store, name, new), refused=taken) is not None and new != name:
            self.datasets[new] = renamed(self.datasets.pop(name), new)
            self.layers[new] = self.layers.pop(name)

    @rule(pick=_PICK, along=st.booleans())
    @precondition(lambda self: len(self.datasets) > 1)
    def delete_a_dataset(self, pick: int, along: bool) -> None:
        name = self.some_dataset(pick)
        refused = bool(self.layers[name]) and not along
        if self.attempt(lambda: delete_dataset(self.store, name, with_dependents=along), refused=refused):
            del self.datasets[name], self.layers[name]

    # Layers --------------------------------------------------------------------------------------------------

    def inputs(self, dataset: str, parts: tuple[str, ...], kind: str, info: LayerInfo | None = None) -> Any:
        """What a layer of these parts depends on, as it is now."""
        source = self.datasets[dataset]
        part_of = dict(zip(source.texts["id"].to_pylist(), source.texts["part"].to_pylist(), strict=True))
        found: dict[str, dict[str, list[str]]] = {part: {} for part in parts or source.parts if part in source.parts}
        for row in source.requirements.to_pylist():
            if part_of[row["text"]] in found:
                found[part_of[row["text"]]].setdefault(row["text"], []).append(row["skill"])
        return found

    def note_layer(self, dataset: str, name: str, base: str | None) -> None:
        layer = self.store.read_layer(dataset, name)
        parts = layer.info.graph_parts
        assert parts is not None
        base_state = None if base is None else self.layers[dataset][base].content
        self.layers[dataset][name] = Made(
            self.inputs(dataset, parts, layer.info.kind), parts, base, base_state, _content(layer), layer.info.kind
        )

    def stale(self, dataset: str, name: str) -> bool:
        made = self.layers[dataset][name]
        if made.lost or made.inputs != self.inputs(dataset, made.parts, made.kind):
            return True
        if made.base is None or made.kind == "evidence":
            return False
        return made.base_state != self.layers[dataset][made.base].content or self.stale(dataset, made.base)

    def rests_on(self, dataset: str, name: str, other: str) -> bool:
        """Whether a layer is another, or was made from it."""
        layer: str | None = name
        while layer is not None and layer != other:
            layer = self.layers[dataset][layer].base
        return layer == other

    @rule(
        pick=_PICK,
        name=_NAMES,
        parts=st.sets(_PARTS, max_size=2),
        base=st.none() | _NAMES,
        mode=st.sampled_from(["frozen", "continued", "joint"]),
        learner=st.sampled_from(["one", "d:2", "capacity:0.5"]),
        known=st.booleans(),
    )
    @precondition(lambda self: self.datasets)
    def learn_one(
        self, pick: int, name: str, parts: set[str], base: str | None, mode: Any, learner: str, known: bool
    ) -> None:
        dataset = self.some_dataset(pick)
        source = self.datasets[dataset]
        layers = self.layers[dataset]
        options: dict[str, Any] = {"name": name, "parts": sorted(parts), "learner": learner, "base": base}
        options["mode"] = None if base is None else mode
        here = {
            skill
            for texts in self.inputs(dataset, tuple(sorted(parts)), "").values()
            for s in texts.values()
            for skill in s
        }
        if known and here & {"a", "b"}:
            options["known_classes"] = ["reading, basic"]
        refused = bool(parts - set(source.parts)) or base == name or (base is not None and base not in layers)
        refused = refused or (base is not None and name in layers and self.rests_on(dataset, base, name))
        report = self.attempt(lambda: learn(self.store, dataset, **options), refused=refused)
        if report is None:
            return
        if name not in layers or not report.reused:
            self.note_layer(dataset, name, base)
        self.check_associations(dataset, name)
        version = self.store.version
        again = learn(self.store, dataset, **options)
        if not self.stale(dataset, name):
            assert again.reused
            assert self.store.version == version
            assert again.waves == report.waves
            assert again.novel_skills == report.novel_skills
        else:
            self.note_layer(dataset, name, base)

    def check_associations(self, dataset: str, name: str) -> None:
        """What a layer that is not stale has as associations is what its texts and its learned skills say now."""
        layer = self.store.read_layer(dataset, name)
        if layer.info.associations is None or self.stale(dataset, name):
            return
        options, learned = layer.info.association_options, set(layer.skills["skill"].to_pylist())
        counts: Counter[tuple[str, str]] = Counter()
        for texts in self.inputs(dataset, self.layers[dataset][name].parts, "").values():
            for required in texts.values():
                if options["rule"] == "any" or set(required) <= learned:
                    counts.update(combinations(sorted(learned & set(required)), 2))
        expected = [(a, b, n) for (a, b), n in sorted(counts.items()) if n >= options["min_weight"]]
        there = self.store.read_associations(dataset, name).to_pylist()
        assert [tuple(row.values()) for row in there] == expected
        if there:
            # Linked skills are in one component, whichever layer of this name the components come from.
            component = dict(zip(*(layer.skills[c].to_pylist() for c in ("skill", "component")), strict=True))
            assert all(component[a] == component[b] is not None for a, b, _ in expected)

    @rule(pick=_PICK, layer=_PICK, part=st.none() | _PARTS)
    @precondition(lambda self: self.datasets)
    def continue_one(self, pick: int, layer: int, part: str | None) -> None:
        dataset = self.some_dataset(pick)
        name = self.some_layer(dataset, layer)
        before = set() if name == "none" else {row["skill"] for row in self.layers[dataset][name].content[0]}
        report = self.attempt(
            lambda: continue_learning(self.store, dataset, name, parts=() if part is None else (part,)), refused=True
        )
        if report is not None:
            base = self.layers[dataset][name].base
            assert before <= set(self.store.read_layer(dataset, name).skills["skill"].to_pylist())
            keeps_base = report.layer.stale and any("has changed" in reason for reason in report.layer.stale_because)
            former = self.layers[dataset][name].base_state
            self.note_layer(dataset, name, base)
            if keeps_base:
                self.layers[dataset][name] = replace(self.layers[dataset][name], base_state=former)

    @rule(pick=_PICK, layer=_PICK, what=st.sampled_from(["any", "understood"]), weight=st.integers(1, 2))
    @precondition(lambda self: self.datasets)
    def associate_one(self, pick: int, layer: int, what: Any, weight: int) -> None:
        dataset = self.some_dataset(pick)
        name = self.some_layer(dataset, layer)
        act: Callable[[], Any] = lambda: associate(self.store, dataset, name, rule=what, min_weight=weight)  # noqa: E731
        report = self.attempt(act, refused=name == "none")
        if report is not None:
            assert self.store.read_associations(dataset, name).num_rows == report.associations
            if not self.stale(dataset, name):
                version = self.store.version
                again = act()
                assert again.reused
                assert self.store.version == version
                assert again.component_sizes == report.component_sizes

    @rule(pick=_PICK, parts=st.sets(_PARTS, max_size=1), common=st.booleans())
    @precondition(lambda self: self.datasets)
    def estimate(self, pick: int, parts: set[str], common: bool) -> None:
        dataset = self.some_dataset(pick)
        taken = any(self.layers[dataset].get(n, _NONE).kind not in ("", "evidence") for n in ("m", "tuned"))
        refused = taken or bool(parts - set(self.datasets[dataset].parts))
        report = self.attempt(
            lambda: evidence(self.store, dataset, parts=sorted(parts), common=common, method="enumeration"),
            refused=refused,
        )
        for row in report.models if report is not None else ():
            self.note_layer(dataset, row.layer.name, row.layer.base)

    @rule(pick=_PICK, layer=_PICK, new=_NAMES)
    @precondition(lambda self: self.datasets)
    def rename_one(self, pick: int, layer: int, new: str) -> None:
        dataset = self.some_dataset(pick)
        name, layers = self.some_layer(dataset, layer), self.layers[dataset]
        refused = name == "none" or (new in layers and new != name)
        if self.attempt(lambda: rename_layer(self.store, dataset, name, new), refused=refused) is not None:
            layers[new] = layers.pop(name)
            for other, made in layers.items():
                if made.base == name:
                    layers[other] = replace(made, base=new)

    @rule(pick=_PICK, layer=_PICK, along=st.booleans())
    @precondition(lambda self: self.datasets)
    def delete_one(self, pick: int, layer: int, along: bool) -> None:
        dataset = self.some_dataset(pick)
        name, layers = self.some_layer(dataset, layer), self.layers[dataset]
        rest = [other for other in layers if other != name and self.rests_on(dataset, other, name)]
        refused = name == "none" or (bool(rest) and not along)
        if name != "none":
            assert {info.name for info in dependents(self.store, dataset, name)} == set(rest)
        if self.attempt(lambda: delete_layer(self.store, dataset, name, with_dependents=along), refused=refused):
            for gone in (name, *rest):
                del layers[gone]

    @rule(pick=_PICK, layer=st.none() | _PICK)
    @precondition(lambda self: self.datasets)
    def refresh_some(self, pick: int, layer: int | None) -> None:
        dataset = self.some_dataset(pick)
        name = None if layer is None else self.some_layer(dataset, layer)
        layers = self.layers[dataset]
        chain = [other for other in layers if name is None or (name in layers and self.rests_on(dataset, name, other))]
        infos = {info.name: info for info in self.store.layers(dataset)}
        there = set(self.datasets[dataset].parts)
        lacking = any(self.stale(dataset, other) and set(infos[other].parts) - there for other in chain)
        asked = [other for other in chain if infos[other].associations is not None]
        report = self.attempt(lambda: refresh(self.store, dataset, name), refused=name == "none" or lacking)
        if report is None:
            return
        for step in report.steps:
            if step.done != "unchanged":
                self.note_layer(dataset, step.layer.name, step.layer.base)
        after = {info.name: info for info in self.store.layers(dataset)}
        assert not any(after[other].stale or self.stale(dataset, other) for other in chain)
        assert all(after[other].associations is not None for other in asked)
        assert report.still_stale == tuple(sorted(other for other in layers if self.stale(dataset, other)))

    # What is read --------------------------------------------------------------------------------------------

    @rule(pick=_PICK, first=_PICK, second=_PICK)
    @precondition(lambda self: any(self.layers.values()))
    def compare_two(self, pick: int, first: int, second: int) -> None:
        dataset = self.some_dataset(pick)
        if not self.layers[dataset]:
            return
        names = [self.some_layer(dataset, number) for number in (first, second)]
        report = self.attempt(lambda: compare(self.store, dataset, names[0], names[1]))
        for name in {name for name in names if self.stale(dataset, name)}:
            assert any(f"'{name}' is stale" in caution for caution in report.cautions)
        self.attempt(lambda: family(self.store, dataset))

    @rule(pick=_PICK, layer=_PICK)
    @precondition(lambda self: any(self.layers.values()))
    def look_at_one(self, pick: int, layer: int) -> None:
        dataset = self.some_dataset(pick)
        if not self.layers[dataset]:
            return
        name = self.some_layer(dataset, layer)
        view = self.attempt(lambda: layer_view(self.store, dataset, name))
        learned = {row["skill"] for row in self.layers[dataset][name].content[0]}
        assert set(view.indexed.skills.ids.filter(pa.array(view.learned)).to_pylist()) == learned
        estimated = self.layers[dataset][name].kind == "evidence"
        empty = not view.indexed.graph.n_texts
        self.attempt(lambda: percolate(self.store, dataset, name, replicates=1), refused=empty)
        self.attempt(lambda: predict_layer(self.store, dataset, name), refused=estimated or empty)
        if estimated:
            self.attempt(lambda: mastery_of(self.store, dataset, name))

    # What always holds ----------------------------------------------------------------------------------------

    @invariant()
    def the_store_has_what_the_model_has(self) -> None:
        infos = {(info.dataset, info.name): info for info in self.store.layers()}
        expected = {(dataset, name): made for dataset, layers in self.layers.items() for name, made in layers.items()}
        assert set(infos) == set(expected)
        assert {info.name for info in self.store.datasets()} == set(self.datasets)
        for (dataset, name), made in expected.items():
            info = infos[dataset, name]
            assert info.base == made.base
            assert info.stale == bool(info.stale_because) == self.stale(dataset, name), (name, info.stale_because)
            assert _content(self.store.read_layer(dataset, name)) == made.content
        for name, dataset in self.datasets.items():
            assert self.store.read_dataset(name).equals(dataset)

    @invariant()
    def cypher_tells_the_same(self) -> None:
        rows = self.store.query("MATCH (l:Layer) RETURN l.dataset, l.name, l.stale").rows
        assert {(a, b): c for a, b, c in rows} == {(i.dataset, i.name): i.stale for i in self.store.layers()}


_NONE = Made(None, (), None, None, None, "")


@pytest.mark.parametrize("share", [2, pytest.param(1, marks=pytest.mark.long)], ids=["half", "all"])
def test_no_sequence_ends_in_an_error_about_an_inside(store: Store, share: int) -> None:
    examples = max(1, EXAMPLES // share // (3 if "://" in store.url else 1))
    run_state_machine_as_test(
        lambda: Life(store),
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            derandomize=True,
            deadline=None,
            phases=[Phase.generate] if EXAMPLES <= 12 else [Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
