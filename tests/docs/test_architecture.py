"""The table of docs/architecture.md is true: a toy learner, loader, page, store, recipe and command in their places."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import call

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()


def test_the_files_and_names_of_the_page_are_there() -> None:
    places = set(re.findall(r"`((?:analysis|loaders|explorer|ui|tests)/[\w./]*)`", PAGE))
    assert len(places) > 15
    for place in places:
        assert (ROOT / place).exists(), place
    rows = re.findall(r"`(\w+)` (?:in|of) `([\w/.]+\.py)`", PAGE)
    assert {name for name, _ in rows} >= {"_KINDS", "LEARNERS", "_MODULES", "PAGES", "SERVERS", "COOKBOOK"}
    for name, place in rows:
        assert re.search(rf"^{name}\b", (ROOT / place).read_text(), re.MULTILINE), (name, place)


def test_the_order_of_the_rooms_is_the_checked_one() -> None:
    import tomllib

    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    said = re.search(r"`(explorer\.cli[^`]*→[^`]*)`", PAGE)
    assert said is not None
    assert [" ".join(room.split()) for room in said[1].split("→")] == layers, (
        "in the same order, with the same siblings"
    )


@pytest.fixture
def small(tmp_path: Path) -> Path:
    (tmp_path / "edges.csv").write_text("text,skill\nt1,a\nt2,a\nt2,b\nt3,b\nt3,c\n")
    assert call(tmp_path, "skillgraph load edges.csv --dataset small").code == 0
    return tmp_path


def test_a_learner(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from analysis import learners
    from explorer import options

    class Toy(learners.DSkillLearner):
        def __init__(self) -> None:
            super().__init__(3)
            self.name = "toy"

    monkeypatch.setitem(learners._KINDS, "toy", lambda value: Toy())
    row = options.Choice("toy", "three unknown skills", "a text teaches up to 3 novel skills")
    monkeypatch.setattr(options, "LEARNERS", (*options.LEARNERS, row))
    assert learners.parse_learner(row.written).name == "toy"
    ran = call(small, "skillgraph learn l --learner toy --json")
    assert ran.json["layer"]["learner"] == "toy"
    assert ran.json["layer"]["learned"] == 3
    assert call(small, "skillgraph threshold --mean-skills 3 --learner toy --json").code == 0


def test_a_loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from loaders import formats

    def read(path: Path, builder: Any, **options: Any) -> None:
        for line in path.read_text().splitlines():
            text, _, skill = line.partition(" needs ")
            builder.text(text)
            builder.skill(skill)
            builder.require(text, skill)

    toy = formats.Format("toy", "lines: TEXT needs SKILL", read)
    monkeypatch.setattr(formats, "FORMATS", {**formats.FORMATS, "toy": toy})
    (tmp_path / "a.toy").write_text("t1 needs a\nt2 needs a\n")
    ran = call(tmp_path, "skillgraph load a.toy --format toy --json")
    assert ran.json["dataset"]["texts"] == 2, ran.err
    assert "TEXT needs SKILL" in call(tmp_path, "skillgraph load --formats").out


def test_a_page(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ui.pages
    from ui.app import create_app

    seen: list[str] = []
    module = types.ModuleType("toy_page")
    module.layout = lambda snapshot, query: seen.append("laid out") or "toy"  # type: ignore[attr-defined,func-returns-value]
    module.register = lambda app, source: seen.append("registered")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "toy_page", module)
    page = ui.pages.Page("/toy", "Toy", "query", "toy_page")
    monkeypatch.setattr(ui.pages, "PAGES", (*ui.pages.PAGES, page))
    app = create_app(str(small / "skillgraph.kgl"))
    try:
        assert seen == ["registered"]
        assert page.layout(app.server.extensions["skillgraph"].snapshot(), {}) == "toy"
    finally:
        app.server.extensions["skillgraph"].close()


def test_a_store(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.store import opening
    from explorer.store.embedded.store import EmbeddedStore

    module = types.ModuleType("toy_store")
    module.ToyStore = lambda url, **_: EmbeddedStore(small / "skillgraph.kgl", mode="read")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "toy_store", module)
    monkeypatch.setitem(opening.SERVERS, "toy", "toy_store:ToyStore")
    assert call(small, "skillgraph datasets --store toy://anywhere --json").json["datasets"][0]["name"] == "small"


def test_a_recipe(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer import cookbook

    toy = cookbook.Recipe(
        "Toy", "How many skills?", "MATCH (s:Skill {dataset: $dataset}) RETURN count(s)", ("dataset",)
    )
    monkeypatch.setattr(cookbook, "COOKBOOK", (*cookbook.COOKBOOK, toy))
    assert cookbook.find_recipe("Toy") == toy
    assert "## Toy" in cookbook.cookbook_page()
    ran = call(small, f'skillgraph query "{toy.cypher}" --param dataset=small --json')
    assert ran.json["rows"] == [[3]]


def test_the_command_of_the_page(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.cli.app import app

    found = re.search(r"A complete command:\n\n```python\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    module = types.ModuleType("explorer.cli.toy")
    exec(compile(found[1], "docs/architecture.md", "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, "explorer.cli.toy", module)
    places: Any = app.info.cls
    monkeypatch.setitem(places.places, "parts", "toy:parts")
    assert call(small, "skillgraph parts --json").json == {"parts": ["edges"]}
    assert call(small, "skillgraph parts --format csv").out == "part\nedges\n"
    assert call(small, "skillgraph --store skillgraph.kgl parts").out.split()[-1] == "edges"
    assert "List the parts" in call(small, "skillgraph --help").out
