"""Saved views, in a menu of every page: kept in the store under names, for all who open it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NotRequired, TypedDict

from dash import Input, Output, dcc

from explorer.errors import USER_ERRORS, SkillgraphError
from explorer.service import views
from explorer.store.protocol import Store
from explorer.wording import plural
from ui.calls import Calls
from ui.content import Child
from ui.source import Source
from ui.told import told_plainly

__all__ = ["CALLS", "views_stores"]

CALLS = Calls()
_LONGEST = 2_000_000  # characters of a file of views


class Answer(TypedDict):
    """What the menu is drawn from."""

    at: object
    act: str
    said: str
    problem: str
    views: list[dict[str, str]]
    file: NotRequired[str]


def views_stores() -> list[Child]:
    """What is asked, and what the store answered; `assets/views.js` draws the menu."""
    return [dcc.Store(id="views-ask"), dcc.Store(id="views-list"), dcc.Store(id="views-drawn")]


@CALLS.answer("the saved views", Output("views-list", "data"), Input("views-ask", "data"), prevent_initial_call=True)
def answer(source: Source, ask: Mapping[str, object] | None) -> Answer:
    """Do what is asked, and list the views that there are then."""
    asked = ask or {}
    act = str(asked.get("act") or "list")
    found: Answer = {"at": asked.get("at"), "act": act, "said": "", "problem": "", "views": []}
    try:
        if act in _DOING:
            with source.writing() as store:
                found["said"] = _DOING[act](store, {key: str(value) for key, value in asked.items()})
    except USER_ERRORS as error:
        found["problem"] = told_plainly(str(error))
    try:
        saved = source.snapshot().store.views()
        found["views"] = [{"name": view.name, "page": view.path, "address": view.address} for view in saved]
        if act == "export":
            found["file"] = views.views_text(saved)
    except USER_ERRORS as error:
        found["problem"] = found["problem"] or told_plainly(str(error))
    return found


def _save(store: Store, asked: Mapping[str, str]) -> str:
    view = views.save_view(store, asked["name"], asked["address"], replace=asked.get("replace") == "True")
    return f"Saved “{view.name}”."


def _rename(store: Store, asked: Mapping[str, str]) -> str:
    view = views.rename_view(store, asked["name"], asked["new"])
    return f"“{asked['name']}” is now called “{view.name}”."


def _delete(store: Store, asked: Mapping[str, str]) -> str:
    views.delete_views(store, [asked["name"]])
    return f"Deleted “{asked['name']}”."


def _import(store: Store, asked: Mapping[str, str]) -> str:
    content = asked["content"]
    if len(content) > _LONGEST:
        raise SkillgraphError("the file is too large to hold saved views")
    new = views.import_views(store, views.read_views(content.encode("utf-8", "surrogatepass"), asked["file"]))
    return f"Saved {plural(len(new), 'view')} of {asked['file']}."


_DOING = {"save": _save, "rename": _rename, "delete": _delete, "import": _import}

CALLS.browser("sgViews.draw", Output("views-drawn", "data"), Input("views-list", "data"), prevent_initial_call=True)
