"""Requests that no page of the explorer sends: answered with 400 and a sentence, and one line in the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from loaders.gate import limits, parse_json

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["check_requests", "problem_of_update"]

_log = logging.getLogger(__name__)
_UPDATE = "/_dash-update-component"
_OWN = ("/_dash", "/_joined", "/assets", "/_favicon")


def check_requests(server: Flask) -> None:
    """Answer malformed requests to a Dash application's server with 400 before Dash stumbles over them.

    Errors of callbacks are the application's (its `on_error`); what fails outside of them has been asked wrongly, or
    is an error of this program, which is logged with its traceback and answered with a sentence, too.
    """
    from flask import Response, request
    from werkzeug.exceptions import HTTPException

    def refused(what: str) -> Response:
        _log.warning("refused a request to %.100r: %s", request.path, what)
        return Response(f"This request cannot be answered: {what}.", status=400, mimetype="text/plain")

    @server.before_request
    def check() -> Response | None:
        if len(request.full_path) > limits().address:
            return refused("its address is too long")
        if "\0" in request.path:
            return refused("its address holds a NUL character")
        if request.path == _UPDATE and request.method == "POST":
            try:
                body = parse_json(request.get_data(cache=True))
            except ValueError:
                return refused("its content is not JSON that can be read")
            problem = problem_of_update(body)
            if problem:
                return refused(problem)
        return None

    @server.errorhandler(Exception)
    def failed(error: Exception) -> Response | HTTPException:
        if isinstance(error, HTTPException):
            return error
        if request.path.startswith(_OWN) and type(error).__name__ != "InvalidCallbackReturnValue":
            return refused(f"it asks for nothing that this page has ({type(error).__name__})")
        _log.error("a request to %.100r failed", request.path, exc_info=error)
        text = "Something went wrong while this was answered; the server's log says what."
        return Response(text, status=500, mimetype="text/plain")


def problem_of_update(body: object) -> str:
    """What is wrong with the content of a callback's request; "" if it has the form that Dash sends.

    >>> problem_of_update([]), problem_of_update({"output": "a.b"})
    ('its content is not an object', 'it names no outputs')
    """
    if not isinstance(body, dict):
        return "its content is not an object"
    if not isinstance(body.get("output"), str):
        return "it names no output"
    if not _are_places(body.get("outputs")) or body["outputs"] == []:
        return "it names no outputs"
    for name in ("inputs", "state"):
        if not _are_places(body.get(name, [])):
            return f"its {name} are not a list of properties"
    changed = body.get("changedPropIds", [])
    if not isinstance(changed, list) or not all(isinstance(name, str) for name in changed):
        return "what has changed is not a list of names"
    return ""


def _are_places(value: object) -> bool:
    """True for properties of components: one, or lists of them inside of lists, as patterns of ids give them."""
    if isinstance(value, dict):
        return isinstance(value.get("id"), str | dict) and isinstance(value.get("property"), str)
    return isinstance(value, list) and all(_are_places(item) for item in value)
