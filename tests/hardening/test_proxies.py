"""Behind nginx and Caddy, as docs/proxy.md shows them: real clients are counted, cookies are sent over HTTPS only."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

import explorer
from ui.app import _listen, _server, create_app

DOCS = (Path(explorer.__file__).parents[1] / "docs" / "proxy.md").read_text(encoding="utf-8")
PASSWORD = "correct horse"
HOST = "explorer.example.org"


def example(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)
    assert found is not None
    return found[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """An explorer that trusts a proxy on this machine."""
    app = create_app(tmp_path_factory.mktemp("store") / "s.kgl", password=PASSWORD)
    listener = _listen("127.0.0.1", 0)
    server, _ = _server(app, listener, "127.0.0.1", proxy="127.0.0.1")
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    server.task_dispatcher.shutdown()
    server.close()


@pytest.fixture(params=["nginx", "caddy"])
def proxy(request: pytest.FixtureRequest, behind: int, tmp_path: Path) -> Iterator[int]:
    """The port of a proxy with the documented configuration; only ports and paths are of this machine."""
    program = shutil.which(request.param) or shutil.which(request.param, path="/usr/sbin")
    if program is None:
        assert not os.environ.get("CI"), f"CI installs {request.param}"
        pytest.skip(f"{request.param} is not installed")
    port = free_port()
    text = example(request.param).replace("127.0.0.1:8050", f"127.0.0.1:{behind}")
    if request.param == "nginx":
        certificate, key = tmp_path / "c.pem", tmp_path / "c.key"
        make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}"]
        subprocess.run([*make, "-keyout", key, "-out", certificate], check=True, capture_output=True)
        text = text.replace("listen 443", f"listen 127.0.0.1:{port}").replace("/etc/ssl/explorer.pem", str(certificate))
        text = text.replace("/etc/ssl/explorer.key", str(key))
        paths = "".join(
            f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        text = (
            f"daemon off; pid {tmp_path}/pid; error_log stderr; events {{}}\nhttp {{ access_log off;\n{paths}{text}}}\n"
        )
        command = [program, "-c", str(tmp_path / "conf"), "-p", str(tmp_path)]
    else:
        text = text.replace(HOST, f"https://{HOST}:{port}").replace("{\n", "{\n    tls internal\n", 1)
        text = "{\n    skip_install_trust\n    admin off\n    auto_https disable_redirects\n}\n" + text
        command = [program, "run", "--adapter", "caddyfile", "--config", str(tmp_path / "conf")]
    (tmp_path / "conf").write_text(text)
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment) as process:
        for _ in range(600):
            with contextlib.suppress(OSError, http.client.HTTPException):
                ask(port, "GET", "/login")
                break
            assert process.poll() is None, process.stderr.read().decode()[-500:] if process.stderr else ""
            time.sleep(0.05)
        yield port
        process.terminate()
        process.communicate(timeout=30)


def ask(
    port: int, method: str, path: str, body: str = "", client: str = "127.0.0.1", **headers: str
) -> tuple[int, str, str]:
    """Status, cookie and content, asked of the proxy by a client at an address."""
    context = ssl._create_unverified_context()
    with contextlib.closing(socket.create_connection(("127.0.0.1", port), 30, source_address=(client, 0))) as plain:
        secure = context.wrap_socket(plain, server_hostname=HOST)
        connection = http.client.HTTPConnection(HOST)
        connection.sock = secure
        host = f"{HOST}:{port}"
        form = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        given = {key.replace("_", "-"): value for key, value in headers.items()}
        connection.request(method, path, body or None, {"Host": host, "Origin": f"https://{host}", **form, **given})
        answer = connection.getresponse()
        cookie = answer.headers.get("Set-Cookie", "")
        return answer.status, cookie, answer.read().decode()


def enter(port: int, password: str, client: str, **headers: str) -> tuple[int, str]:
    _, cookie, page = ask(port, "GET", "/login", client=client)
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert token is not None
    body = urllib.parse.urlencode({"password": password, "token": token[1]})
    status, entered, _ = ask(port, "POST", "/login", body, client, Cookie=cookie.partition(";")[0], **headers)
    return status, entered


def test_clients_are_told_apart_and_cookies_are_secure(proxy: int, request: pytest.FixtureRequest) -> None:
    guesser = "127.0.0.7" if "nginx" in request.node.name else "127.0.0.8"
    status, cookie = enter(proxy, PASSWORD, "127.0.0.2")
    assert status == 302
    assert "Secure" in cookie
    assert "HttpOnly" in cookie
    for number in range(5):
        # Whoever guesses cannot pass for somebody else.
        assert enter(proxy, "guess", guesser, X_Forwarded_For=f"10.0.0.{number}")[0] == 401
    assert enter(proxy, PASSWORD, guesser)[0] == 429
    assert enter(proxy, PASSWORD, "127.0.0.3")[0] == 302, "one guesser locks out nobody else"
    assert ask(proxy, "GET", "/_dash-layout", Cookie=cookie.partition(";")[0])[0] == 200


def test_without_a_trusted_proxy_nobody_is_believed(tmp_path: Path) -> None:
    app = create_app(tmp_path / "s.kgl", password=PASSWORD)
    listener = _listen("127.0.0.1", 0)
    server, _ = _server(app, listener, "127.0.0.1")
    seen: list[str | None] = []
    app.server.before_request(lambda: seen.append(__import__("flask").request.remote_addr))
    threading.Thread(target=server.run, daemon=True).start()
    connection = http.client.HTTPConnection("127.0.0.1", listener.getsockname()[1], timeout=30)
    connection.request("GET", "/login", headers={"X-Forwarded-For": "10.0.0.1", "X-Forwarded-Proto": "https"})
    answer = connection.getresponse()
    assert "Secure" not in answer.headers["Set-Cookie"]
    server.task_dispatcher.shutdown()
    server.close()
    assert seen in ([], ["127.0.0.1"])
