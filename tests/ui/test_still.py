"""Pages of few components show what they would show as they are written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dash import dcc, html
from dash.development.base_component import Component

from ui.app import create_app
from ui.pages import PAGES
from ui.shell import shell
from ui.source import Source
from ui.still import Still, still


@pytest.fixture(scope="module")
def laid_out(store_path: Path) -> Iterator[list[Any]]:
    """The frame, and all pages of a store."""
    source = Source(store_path)
    snapshot = source.snapshot()
    yield [shell("small.kgl", login=True), *(page.layout(snapshot, {}) for page in PAGES)]
    source.close()


def components(value: Any) -> Iterator[Any]:
    """All that stand in a place for children."""
    if isinstance(value, list | tuple):
        for one in value:
            yield from components(one)
    elif isinstance(value, Component):
        yield value
        yield from components(getattr(value, "children", None))


def shown(value: Any) -> list[Any]:
    """What a browser draws: tags with attributes and what is in them, whichever component they are of."""
    if value is None:
        return []
    if isinstance(value, list | tuple):
        return [one for each in value for one in shown(each)]
    if not isinstance(value, Component):
        return [value]
    if isinstance(value, Still):
        return drawn(value.tree, value.children)
    props = dict(value.to_plotly_json()["props"])
    inside = shown(props.pop("children", None))
    props.pop("disable_n_clicks", None)
    name = value._type.lower() if value._namespace == "dash_html_components" else f"{value._namespace}.{value._type}"
    return [(name, props, inside)]


def drawn(tree: Any, children: list[Any]) -> list[Any]:
    """As `assets/still.js` does it."""
    if tree is None:
        return []
    if isinstance(tree, dict):
        return shown(children[tree["child"]])
    if not isinstance(tree, list):
        return [tree]
    name, attributes, *held = tree
    inside = [one for each in held for one in drawn(each, children)]
    return [(name, attributes, inside)] if name else inside


def test_pages_show_the_same_with_few_components(laid_out: list[Any]) -> None:
    for page in laid_out:
        before = list(components(page))
        made = still(page)
        after = list(components(made))
        assert shown(made) == shown(page)
        assert [id(one) for one in components(page)] == [id(one) for one in before], "it is left as it is"
        assert not any(hasattr(one, "disable_n_clicks") for one in before)
        assert not [one for one in after if one._namespace == "dash_html_components" and not hasattr(one, "id")]
        named = [str(one.id) for one in before if hasattr(one, "id")]
        assert [str(one.id) for one in after if hasattr(one, "id")] == named
    everywhere = [one for page in laid_out for one in components(page)]
    assert sum(1 for page in laid_out for _ in components(still(page))) < 0.6 * len(everywhere)


def test_tags_whose_clicks_are_answered_are_buttons(laid_out: list[Any], store_path: Path) -> None:
    app = create_app(store_path)
    heard = {
        str(each["id"])
        for callback in app._callback_list
        for each in (*callback["inputs"], *callback["state"])
        if each["property"].startswith("n_clicks")
    }
    app.server.extensions["skillgraph"].close()
    many = {json.loads(name)["type"] for name in heard if name.startswith("{")}

    def answers(one: Any) -> bool:
        name = getattr(one, "id", None)
        return name["type"] in many if isinstance(name, dict) else name in heard

    answered = [one for page in laid_out for one in components(page) if answers(one)]
    assert len(answered) > 20
    assert any(isinstance(one.id, dict) for one in answered)
    assert {one._type for one in answered if one._namespace == "dash_html_components"} == {"Button"}
    for page in laid_out:
        for one in components(still(page)):
            if answers(one):
                assert not getattr(one, "disable_n_clicks", False), one.id


def test_what_is_no_tag_stays() -> None:
    assert still("words") == "words"
    assert still(None) is None
    assert still(["one", None, 2]) == ["one", None, 2]
    store = dcc.Store(id="kept")
    assert still([store])[0].id == "kept"
    mixed = still(["a", html.B("b"), store, html.P(["c", [html.I("d")]], hidden=True, key="k")])
    assert mixed.tree == [
        "", {}, "a", ["b", {}, "b"], {"child": 0}, ["p", {"hidden": True, "key": "k"}, "c", ["", {}, ["i", {}, "d"]]],
    ]  # fmt: skip
    assert [one.id for one in mixed.children] == ["kept"]
