"""Sessions that end, and requests that no page sends."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ui.app import create_app
from ui.security import Sessions

PASSWORD = "correct horse"
LOCAL = {"base_url": "http://127.0.0.1"}


@pytest.fixture(scope="module")
def open_app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return create_app(tmp_path_factory.mktemp("open") / "s.kgl").server


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return create_app(tmp_path_factory.mktemp("locked") / "s.kgl", password=PASSWORD).server


def log_in(client: Any, password: str = PASSWORD) -> Any:
    token = re.search(r'name="token" value="([^"]+)"', client.get("/login", **LOCAL).text)
    assert token is not None
    return client.post("/login", data={"password": password, "token": token[1]}, **LOCAL)


def test_a_logout_ends_the_session_for_every_copy_of_its_cookie(locked: Any) -> None:
    client, thief = locked.test_client(), locked.test_client()
    log_in(client)
    stolen = client.get_cookie("skillgraph", domain="127.0.0.1")
    thief.set_cookie("skillgraph", stolen.value, domain="127.0.0.1")
    assert thief.get("/_dash-layout", **LOCAL).status_code == 200
    client.post("/logout", **LOCAL)
    thief.set_cookie("skillgraph", stolen.value, domain="127.0.0.1")
    assert thief.get("/_dash-layout", **LOCAL).status_code == 401


def test_a_new_password_ends_all_sessions(locked: Any, tmp_path: Path) -> None:
    client = locked.test_client()
    log_in(client)
    other = create_app(tmp_path / "s.kgl", password="another").server.test_client()
    other.set_cookie("skillgraph", client.get_cookie("skillgraph", domain="127.0.0.1").value, domain="127.0.0.1")
    assert other.get("/_dash-layout", **LOCAL).status_code == 401


@pytest.mark.parametrize("token", ["none", "", "é", "\udce9", "None", "x" * 100_000])
def test_a_token_that_was_not_given_out_is_refused(token: str, locked: Any) -> None:
    for visited in (False, True):
        client = locked.test_client()
        if visited:
            client.get("/login", **LOCAL)
        data = b"password=correct+horse&token=" + token.encode("utf-8", "surrogateescape")
        kind = "application/x-www-form-urlencoded"
        assert client.post("/login", data=data, content_type=kind, **LOCAL).status_code == 400
        assert client.get("/_dash-layout", **LOCAL).status_code == 401


def test_cookies_follow_how_the_request_came(locked: Any) -> None:
    for scheme, secure in (("http", False), ("https", True)):
        answer = locked.test_client().get("/login", base_url=f"{scheme}://127.0.0.1")
        assert ("Secure" in answer.headers["Set-Cookie"]) == secure


def test_sessions_end_by_themselves() -> None:
    short = Sessions(seconds=0.0)
    assert not short.holds(short.begin())
    sessions = Sessions()
    names = [sessions.begin() for _ in range(3)]
    sessions.end(names[0])
    assert [sessions.holds(name) for name in names] == [False, True, True]
    for wrong in (None, True, 1, "", ["a"]):
        sessions.end(wrong)
        assert not sessions.holds(wrong)


# Requests that no page sends --------------------------------------------------------------------------------

GOOD = {
    "output": "..store-version.data...banner.children..",
    "outputs": [{"id": "store-version", "property": "data"}, {"id": "banner", "property": "children"}],
    "inputs": [{"id": "heartbeat", "property": "n_intervals", "value": 1}],
    "changedPropIds": ["heartbeat.n_intervals"],
    "state": [{"id": "store-version", "property": "data"}],
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def send(server: Any, data: bytes, caplog: pytest.LogCaptureFixture) -> int:
    caplog.clear()
    answer = server.test_client().post("/_dash-update-component", data=data, content_type="application/json", **LOCAL)
    if answer.status_code == 400:
        assert answer.text.endswith(".")
        assert "<" not in answer.text
        (record,) = caplog.records
        assert record.exc_info is None
        assert "\n" not in record.getMessage()
    return int(answer.status_code)


def test_what_a_page_sends_is_answered(open_app: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert send(open_app, json.dumps(GOOD).encode(), caplog) == 200


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_malformed_updates_are_refused_in_a_sentence(
    open_app: Any, caplog: pytest.LogCaptureFixture, data: st.DataObject
) -> None:
    caplog.set_level(logging.WARNING)
    body: Any = json.loads(json.dumps(GOOD))
    kind = data.draw(st.sampled_from(["replace", "remove", "whole", "bytes", "inner"]))
    key = data.draw(st.sampled_from(sorted(body)))
    if kind == "replace":
        body[key] = data.draw(JSON)
    elif kind == "remove":
        del body[key]
    elif kind == "inner":
        places = data.draw(st.sampled_from(["outputs", "inputs", "state"]))
        body[places][0][data.draw(st.sampled_from(["id", "property"]))] = data.draw(JSON)
    elif kind == "whole":
        body = data.draw(JSON)
    raw = data.draw(st.binary(max_size=20)) if kind == "bytes" else json.dumps(body).encode()
    assert send(open_app, raw, caplog) in (200, 204, 400)


@pytest.mark.parametrize("data", [b"[" * 100_000, b"", b"\xff", b'{"output": 1' + b"0" * 5_000 + b"}", b"null", b"NaN"])
def test_what_is_no_json_is_refused(data: bytes, open_app: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert send(open_app, data, caplog) == 400


@pytest.mark.parametrize(
    "path",
    [
        "/assets/%00", "/assets/..%2f..%2fetc/passwd", "/assets/" + "x" * 5_000, "/_dash-component-suites/dash/x",
        "/_dash-component-suites/os/path.py", "/_dash-component-suites/%00/%00", "/_joined/nothing.js", "/%ff%fe",
        "/?" + "x" * 40_000, "/_dash-component-suites/", "/assets/a\\b", "/graph?focus=" + "[" * 2_000,
    ],
)  # fmt: skip
def test_odd_paths_are_no_error_of_the_server(path: str, open_app: Any, caplog: pytest.LogCaptureFixture) -> None:
    answer = open_app.test_client().get(path, **LOCAL)
    assert answer.status_code < 500
    assert not any(record.exc_info for record in caplog.records)
