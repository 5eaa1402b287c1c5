"""Cypher on the store, read-only: an editor, the schema, recipes, and the result as a table or a graph."""

from ui.pages.query.answers import plain, result_csv, result_elements, result_json, result_rows
from ui.pages.query.callbacks import CALLS
from ui.pages.query.layout import COOKBOOK, SCHEMA, default_parameters, layout, recipes

__all__ = [
    "COOKBOOK",
    "SCHEMA",
    "default_parameters",
    "layout",
    "plain",
    "recipes",
    "register",
    "result_csv",
    "result_elements",
    "result_json",
    "result_rows",
]

register = CALLS.register
