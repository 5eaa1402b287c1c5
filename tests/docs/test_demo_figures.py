"""The figures that docs/why.md and docs/demo.md give of the demo are those of the demo."""

from __future__ import annotations

import platform
import re
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from explorer.service import learn
from explorer.service.demo import run_demo
from explorer.service.forecast import forecast
from explorer.service.ladder import Ladder, explain
from explorer.service.planning import plan
from explorer.store.opening import open_store
from explorer.store.protocol import Store
from loaders import python_source
from loaders.dataset import Dataset
from loaders.python_source import load_python_source

DOCS = Path(__file__).parents[2] / "docs"


def told(page: str, heading: str) -> str:
    """A section of a page in one line, if it is of the Python that runs here."""
    text = " ".join((DOCS / page).read_text(encoding="utf-8").partition(heading)[2].split())
    version = re.search(r"Python (\d+\.\d+\.\d+)", text)
    assert version, f"{page} names the version of Python that its figures are of"
    if version[1] != platform.python_version():
        pytest.skip(f"the figures of {page} are of Python {version[1]}, and this is {platform.python_version()}")
    return text


@pytest.fixture(scope="module")
def store(stdlib: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The foundation alone."""
    opened = open_store(tmp_path_factory.mktemp("foundation") / "store.kgl", mode="write")
    opened.write_dataset(stdlib)
    learn(opened, "python", name="foundation")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def demo(stdlib: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """All of the demo; the standard library is not read again for it."""

    def load(targets: list[str], **options: Any) -> Dataset:
        return stdlib if targets == ["stdlib"] else load_python_source(targets, **options)

    opened = open_store(tmp_path_factory.mktemp("demo") / "store.kgl", mode="write")
    with mock.patch.object(python_source, "load_python_source", load):
        run_demo(opened, fresh=True)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def foundation_ladder(store: Store) -> Ladder:
    """The ladder of the foundation, which rests on the texts of the standard library alone."""
    return explain(store, "python", "foundation", graphs=0)


@pytest.mark.long
def test_what_the_foundation_lacks_and_what_to_teach_next(store: Store) -> None:
    text = told("why.md", "## Results for the demo")
    there = learn(store, "python", name="foundation")
    lacks = Counter(store.read_layer("python", "foundation").lacks["reason"].to_pylist())
    assert (
        f"lacks {there.layer.lacks:,} of its {there.layer.skills:,} skills: {lacks['together']:,} wait for each other "
        f"and {lacks['inseparable']:,} are inseparable; {there.novel_skills[2]:,} texts lack two skills and "
        f"{there.novel_skills[3]:,} lack three." in text
    )
    assert set(lacks) == {"together", "inseparable"}
    found = plan(store, "python", "foundation", budget=20)
    share = f"{100 * found.value[-1] / found.lacking:.0f} % of the lacking skills"
    assert (
        f"These 20 skills unlock {found.value[-1]:.0f} ({share}), compared with {found.random[-1]:.0f} for 20 random "
        f"skills and {found.most_used[-1]:.0f} for the 20 most used; no 20 skills unlock more than "
        f"{found.bound[-1]:.0f}:"
    ) in text
    named = re.search(r"> (.*?) All 20 are modules", text)
    assert named
    listed = re.findall(
        r"([\w.]+)(?: \((\d+)\)| \((\d+) each\))?(?:,| and|$)", named[1].replace("> ", "").replace("\\", "")
    )
    skills = [step.skill for step in found.steps]
    assert [f"module:{name}" for name, _, _ in listed] == skills
    gains = [step.learned for step in found.steps]
    counts = [alone or each for _, alone, each in listed]
    for place in reversed(range(len(counts))):  # "b and c (9 each)" counts for all before it that have no figure
        counts[place] = counts[place] or counts[place + 1]
    assert list(map(int, counts)) == gains
    simpler = plan(store, "python", "foundation", budget=3, by="simpler", replicates=1)
    assert f"({', '.join(str(step.learned) for step in simpler.steps)}, …)" in text
    two = learn(store, "python", name="two", learner="d:2").layer
    assert f"a learner of two skills at a time lacks only {two.lacks:,} of the {two.skills:,} skills." in text


@pytest.mark.long
def test_the_sizes_and_the_foundation(store: Store, stdlib: Dataset) -> None:
    text = told("demo.md", "## What it prints")
    layer = store.read_layer("python", "foundation").info
    assert f"| texts T (functions) | {stdlib.n_texts:,} |" in text
    assert f"| skills S | {layer.skills:,} |" in text
    assert f"| requirements | {stdlib.n_requirements:,} |" in text
    assert f"| R = T/S, texts per skill | {stdlib.n_texts / layer.skills:.2f} |" in text
    assert f"| c, mean skills in a text | {stdlib.n_requirements / stdlib.n_texts:.2f} |" in text
    assert f"| skills learned | {100 * layer.learned_fraction:.1f} % |" in text
    assert f"| waves | {layer.waves} |" in text


@pytest.mark.long
def test_the_ladder_and_the_table_by_types(foundation_ladder: Ladder) -> None:
    text = told("demo.md", "## What it prints")
    found = foundation_ladder
    names = {
        "few types": "few types, found by the search",
        "many types": "many types, found by the search",
    }
    for name in ("class", "uses", "module", "uses × module", "few types", "many types", "every skill"):
        rung = found.rung(name)
        assert rung.closes is not None
        row = f"| {names.get(name, name)} | {rung.types:,} | {100 * rung.learned:.1f} % | {100 * rung.closes:.0f} % |"
        assert row in text
    assert f"| degrees | 1 | {100 * found.rung('degrees').learned:.1f} % | |" in text
    poisson, degrees, few = (found.rung(name) for name in ("poisson", "degrees", "few types"))
    assert f"| with types ({few.types}) |" in text
    for quantity, values in (
        ("skills learned", (found.measured, poisson.learned, degrees.learned, few.learned)),
        ("giant component of the learned skills", (found.giant, poisson.giant, degrees.giant, few.giant)),
    ):
        assert f"| {quantity} | {' | '.join(f'{100 * (value or 0.0):.1f} %' for value in values)} |" in text
    waves = " | ".join(str(of.waves) for of in (found, poisson, degrees, few))
    assert f"| waves | {waves} |" in text
    # The aims of the ladder on this graph: types that are few, and points between prediction and layer.
    for name, types, points in (("few types", 100, 15), ("many types", 850, 6.5), ("every skill", 2_663, 2.5)):
        rung = found.rung(name)
        assert rung.types is not None
        assert rung.types <= types
        assert 100 * abs(rung.learned - found.measured) <= points


@pytest.mark.long
def test_the_ladders_of_the_layers_of_the_demo(demo: Store) -> None:
    text = told("demo.md", "## What it prints")
    if f"scipy {version('scipy')};" not in text:
        pytest.skip(f"the figures of demo.md are of another version of scipy than {version('scipy')}")
    for layer in ("foundation", "scipy-frozen", "scipy-continued", "scipy-joint"):
        found = explain(demo, "python", layer, graphs=0)
        measured = round(100 * found.measured, 1)
        cells = []
        for name in ("few types", "many types", "every skill"):
            learned = round(100 * found.rung(name).learned, 1)
            cells.append(f"{learned:.1f} % ({learned - measured:+.1f})")
        assert f"| {layer} | {' | '.join(cells)} | {measured:.1f} % |" in text


@pytest.mark.long
def test_the_forecast(store: Store) -> None:
    text = told("demo.md", "## What it prints")
    found = forecast(store, "python", "foundation")
    error = {row.method: row.error for row in found.methods}
    assert (
        f"would teach about {found.learned:,.0f} skills instead of {found.learned_now:,} (90 % interval "
        f"{found.low:,.0f} to {found.high:,.0f}), of the {found.seen:,.0f} that they would use." in text
    )
    assert (
        f"the same method is off by {error['growth']:.0f} skills, a straight line in log R by {error['line']:.0f} and "
        f"the last value by {error['last']:.0f}; the intervals made from those halves contain the present figure "
        f"{found.covered} times in {found.splits}." in text
    )
    assert found.outlook is not None
    assert found.outlook.jump is None
    assert found.outlook.started is not None
    assert f"would lead to about {found.outlook.started:,.0f} learned ones with today's texts" in text
