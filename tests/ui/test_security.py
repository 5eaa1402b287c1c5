"""Who may listen, who may enter, and what every answer says to browsers."""

import os
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from werkzeug.security import generate_password_hash

from explorer.errors import SkillgraphError
from ui.app import create_app, serve
from ui.security import LoginGate

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def locked(store_path: Path):
    return create_app(store_path, password=PASSWORD, secure_cookies=True).server


def enter(client, password: str):
    token = re.search(r'name="token" value="([^"]+)"', client.get("/login", base_url="https://localhost").text)
    assert token is not None
    return client.post("/login", data={"password": password, "token": token[1]}, base_url="https://localhost")


def test_another_address_needs_a_password(store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SKILLGRAPH_UI_PASSWORD", raising=False)
    monkeypatch.delenv("SKILLGRAPH_UI_PASSWORD_HASH", raising=False)
    with pytest.raises(SkillgraphError, match="SKILLGRAPH_UI_PASSWORD"):
        serve(store_path, host="0.0.0.0", port=0)


def test_a_port_in_use_is_said_with_the_way_out(store_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SkillgraphError, match=f"port {port}.*--port"):
            serve(store_path, port=port)


def test_without_a_password_there_is_no_login(store_path: Path) -> None:
    client = create_app(store_path).server.test_client()
    assert client.get("/").status_code == 200
    assert client.get("/login").text.count("password") == 0


def test_debug_mode_is_off(store_path: Path) -> None:
    app = create_app(store_path)
    assert not app.server.debug
    assert "debug" not in app.server.test_client().get("/_dash-layout").text.lower()


def test_headers_allow_this_server_only(store_path: Path) -> None:
    answer = create_app(store_path).server.test_client().get("/")
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert "unsafe" not in policy["script-src"]
    assert policy["frame-ancestors"] == "'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r'(src|href)="(https?:)?//', answer.text)


@pytest.mark.parametrize("path", ["/", "/graph", "/_dash-layout", "/_dash-dependencies", "/assets/skillgraph.js"])
def test_nothing_is_shown_before_the_login(locked, path: str) -> None:
    answer = locked.test_client().get(path, base_url="https://localhost")
    assert answer.status_code in (302, 401)
    assert "small" not in answer.text


def test_the_right_password_opens(locked) -> None:
    client = locked.test_client()
    answer = enter(client, PASSWORD)
    assert answer.status_code == 302
    cookie = answer.headers["Set-Cookie"]
    assert "Secure" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert client.get("/_dash-layout", base_url="https://localhost").status_code == 200
    client.post("/logout", base_url="https://localhost")
    assert client.get("/_dash-layout", base_url="https://localhost").status_code == 401


def test_a_wrong_password_does_not(locked) -> None:
    client = locked.test_client()
    assert enter(client, "wrong").status_code == 401
    assert client.get("/_dash-layout", base_url="https://localhost").status_code == 401


def test_a_form_without_its_token_is_refused(locked) -> None:
    client = locked.test_client()
    client.get("/login", base_url="https://localhost")
    answer = client.post("/login", data={"password": PASSWORD, "token": "made up"}, base_url="https://localhost")
    assert answer.status_code == 400
    assert client.get("/_dash-layout", base_url="https://localhost").status_code == 401


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}])
def test_another_site_cannot_send_requests(locked, headers: dict[str, str]) -> None:
    client = locked.test_client()
    enter(client, PASSWORD)
    answer = client.post("/_dash-update-component", json={}, headers=headers, base_url="https://localhost")
    assert answer.status_code == 403


def test_guessing_is_stopped(store_path: Path) -> None:
    client = create_app(store_path, password=PASSWORD, secure_cookies=True).server.test_client()
    for _ in range(5):
        assert enter(client, "guess").status_code == 401
    assert enter(client, PASSWORD).status_code == 429


def test_waiting_ends_and_is_for_one_address() -> None:
    gate = LoginGate(PASSWORD, tries=2, window=0.0)
    for _ in range(3):
        assert not gate.check("guess", "a")
    assert not gate.waiting("a")
    strict = LoginGate(PASSWORD, tries=2)
    for _ in range(2):
        strict.check("guess", "a")
    assert strict.waiting("a")
    assert not strict.waiting("b")


def test_the_password_itself_is_not_kept() -> None:
    assert PASSWORD not in str(vars(LoginGate(PASSWORD)))


def test_guesses_at_the_same_time_are_all_counted() -> None:
    gate = LoginGate(PASSWORD, tries=3)
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda i: gate.check(PASSWORD if i == 11 else f"guess {i}", "a"), range(11)))
    assert not any(found)
    assert gate.waiting("a")
    assert not gate.check(PASSWORD, "a")
    assert gate.check(PASSWORD, "b")


def test_a_hash_is_as_good_as_the_password(store_path: Path) -> None:
    hashed = generate_password_hash(PASSWORD)
    client = create_app(store_path, password_hash=hashed, secure_cookies=True).server.test_client()
    assert enter(client, "wrong").status_code == 401
    assert enter(client, hashed).status_code == 401
    assert enter(client, PASSWORD).status_code == 302


def test_what_is_no_hash_is_refused(store_path: Path) -> None:
    with pytest.raises(SkillgraphError, match="SKILLGRAPH_UI_PASSWORD_HASH"):
        create_app(store_path, password_hash=PASSWORD)


@pytest.mark.parametrize("host", ["elsewhere.example", "localhost.elsewhere.example:8050", "192.0.2.7:8050", "[::2]"])
@pytest.mark.parametrize("path", ["/", "/_dash-layout", "/assets/skillgraph.js"])
def test_another_name_of_this_machine_is_not_answered(store_path: Path, host: str, path: str) -> None:
    client = create_app(store_path).server.test_client()
    answer = client.get(path, headers={"Host": host})
    assert answer.status_code == 403
    assert "small" not in answer.text
    assert client.get(path, headers={"Host": "localhost:8050"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "null"},
    ],
)
def test_another_site_cannot_start_a_run_where_there_is_no_login(store_path: Path, headers: dict[str, str]) -> None:
    before = store_path.read_bytes()
    client = create_app(store_path).server.test_client()
    answer = client.post("/_dash-update-component", json=start_of_a_run("stolen"), headers=headers)
    assert answer.status_code == 403
    assert store_path.read_bytes() == before


def test_a_run_needs_the_login(locked, store_path: Path) -> None:
    before = store_path.read_bytes()
    client = locked.test_client()
    url = "https://localhost"
    assert client.post("/_dash-update-component", json=start_of_a_run("early"), base_url=url).status_code == 401
    assert store_path.read_bytes() == before
    enter(client, PASSWORD)
    # The same request with the login is understood: it answers that this name is taken.
    answer = client.post("/_dash-update-component", json=start_of_a_run("foundation"), base_url=url)
    assert answer.status_code == 200
    assert "has a layer 'foundation' already" in str(answer.json["response"]["runs-result"]["children"])


def test_the_password_does_not_reach_child_processes(store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKILLGRAPH_UI_PASSWORD", PASSWORD)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SkillgraphError, match="port"):
            serve(store_path, port=taken.getsockname()[1])
    assert "SKILLGRAPH_UI_PASSWORD" not in os.environ


def start_of_a_run(name: str) -> dict[str, Any]:
    """What a browser sends when "Learn" is pressed."""
    outputs = ("state.data", "progress.hidden", "text.children", "bar.value", "result.children", "ticket.data")
    listed = [dict(zip(("id", "property"), f"runs-{output}".split("."), strict=True)) for output in outputs]
    form = {"run": "learn", "dataset": "small", "name": name}
    return {
        "output": "..".join(("", "...".join(f"runs-{output}" for output in outputs), "")),
        "outputs": listed,
        "inputs": [
            {"id": "runs-start", "property": "data", "value": {"id": f"ticket-{name}", "form": form}},
            {"id": "runs-pulse", "property": "data"},
            {"id": "runs-cancel", "property": "n_clicks"},
            {"id": "runs-ticket", "property": "modified_timestamp"},
        ],
        "changedPropIds": ["runs-start.data"],
        "state": [{"id": "runs-ticket", "property": "data"}],
    }
