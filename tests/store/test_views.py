"""Saved views are kept in each store, all or nothing, and are no content of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from explorer.errors import NotFoundError, SkillgraphError, StoreError
from explorer.service import views
from explorer.store.protocol import Store
from explorer.store.views import MOST_VIEWS, SavedView
from tests.store.conftest import Open
from tests.store.content import small_dataset


def test_views_are_kept_beside_the_content(open_store: Open) -> None:
    store = open_store()
    assert store.views() == ()
    store.write_dataset(small_dataset())
    names = ["\u6f22 שלום", 'quo"te', "<b>x</b>", "a"]
    for name in names:
        views.save_view(store, name, "http://127.0.0.1:8050/query?q=MATCH%20(n)&dataset=d")
    assert [view.name for view in store.views()] == sorted(names)
    assert {view.address for view in store.views()} == {"/query?q=MATCH%20(n)&dataset=d"}
    before = store.views()
    store.write_dataset(small_dataset(), replace=True)
    store.delete_dataset("d")
    assert store.views() == before
    assert store.query("MATCH (n:Skill) RETURN count(n)").rows == [(0,)]
    store.close()
    assert open_store(mode="read").views() == before


def test_a_change_that_is_refused_changes_nothing(store: Store) -> None:
    first = views.save_view(store, "first", "/graph")
    views.save_view(store, "second", "/")
    before = store.views()
    new = SavedView("new", "/graph")
    for change in (
        lambda: store.change_views([new, SavedView("first", "/query")]),
        lambda: store.change_views([new], remove=["first", "nothing"]),
        lambda: views.rename_view(store, "first", "second"),
        lambda: views.delete_views(store, ["first", "nothing"]),
        lambda: store.change_views([SavedView(f"v{i}", "/") for i in range(MOST_VIEWS)]),
    ):
        with pytest.raises((StoreError, NotFoundError)):
            change()
        assert store.views() == before
    views.rename_view(store, "first", "third")
    assert [view.name for view in store.views()] == ["second", "third"]
    assert store.views()[1].saved_at == first.saved_at
    views.save_view(store, "third", "/layers?first=a", replace=True)
    views.delete_views(store, ["second", "second"])
    assert [view.address for view in store.views()] == ["/layers?first=a"]


@pytest.mark.parametrize(
    ("name", "path", "query"),
    [
        ("", "/graph", ""),
        ("two\nlines", "/graph", ""),
        ("x" * 201, "/graph", ""),
        ("x", "//elsewhere.example", ""),
        ("x", "https://elsewhere.example", ""),
        ("x", "javascript:alert(1)", ""),
        ("x", "/graph/../x", ""),
        ("x", "/graph", "?a"),
        ("x", "/graph", "a\x00"),
        ("\ud800", "/graph", ""),
    ],
)
def test_what_is_no_view_is_refused(name: str, path: str, query: str) -> None:
    with pytest.raises(StoreError):
        SavedView(name, path, query)


def test_files_go_out_and_in_again(tmp_path: Path) -> None:
    from explorer.store.opening import open_store

    store = open_store(tmp_path / "a.kgl", mode="write")
    for name, address in (("a", "/graph?x=1"), ("b", "/query?q=RETURN+1")):
        views.save_view(store, name, address)
    file = tmp_path / "views.json"
    file.write_text(views.views_text(store.views()))
    other = open_store(tmp_path / "b.kgl", mode="write")
    assert views.import_views(other, views.read_views(file)) == ("a", "b")
    assert other.views() == store.views()
    assert views.import_views(other, views.read_views(file)) == ()
    views.save_view(other, "b", "/layers", replace=True)
    views.delete_views(other, ["a"])
    with pytest.raises(StoreError, match="'b' already"):
        views.import_views(other, views.read_views(file))
    assert [view.name for view in other.views()] == ["b"]
    assert views.import_views(other, views.read_views(file), replace=True) == ("a", "b")
    assert other.views() == store.views()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "holds no saved views"),
        ("[]", "holds no saved views"),
        (json.dumps({"skillgraph_views": 2, "views": []}), "later version"),
        (json.dumps({"skillgraph_views": 1, "views": [1]}), "view 1 is not"),
        (json.dumps({"skillgraph_views": 1, "views": [{"name": "a", "path": "//x"}]}), "is not the path of a page"),
        (json.dumps({"skillgraph_views": 1, "views": [{"name": "a", "path": "/"}] * 2}), "two views 'a'"),
        ("[" * 5000, "holds no saved views"),
    ],
)
def test_a_file_that_holds_no_views_is_refused_in_a_sentence(content: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "views.json"
    file.write_text(content)
    with pytest.raises(SkillgraphError, match=said) as caught:
        views.read_views(file)
    assert "views.json" in str(caught.value)
