"""The local server for real: started, tied to its starter, killed, started again, stopped.

One home goes through the module's tests in their order, because a start takes some ten seconds.
"""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from typer.testing import CliRunner

from explorer.cli.app import app
from explorer.errors import ServerError
from explorer.server import LocalServer, ServerOptions, free_port
from explorer.server.jars import REPOSITORY_VARIABLE
from tests.support.neo4j import RunningNeo4j, options_for_tests

pytestmark = pytest.mark.neo4j


@pytest.fixture(scope="module")
def options() -> ServerOptions:
    return options_for_tests(http_port=free_port(), settings={"db.transaction.timeout": "2s"})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, options: ServerOptions) -> Iterator[LocalServer]:
    server = LocalServer(tmp_path_factory.mktemp("local"), options=options)
    try:
        server.provision()
    except ServerError as error:
        if os.environ.get("CI") or os.environ.get(REPOSITORY_VARIABLE):
            raise
        pytest.skip(f"Neo4j's jars are not here and cannot be fetched: {error}")
    yield server
    server.stop()


def connected(server: LocalServer) -> RunningNeo4j:
    return RunningNeo4j(str(server.status().url), server.credentials(), server)


def gone(pid: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.1)
    return False


def test_it_ends_with_its_starter_even_if_that_is_killed(server: LocalServer, options: ServerOptions) -> None:
    script = """
        import json, os, signal, sys
        from pathlib import Path
        from explorer.server import LocalServer, ServerOptions
        from tests.support.neo4j import RunningNeo4j
        server = LocalServer(Path(sys.argv[1]), options=ServerOptions(**json.loads(sys.argv[2])))
        status = server.start(attached=True)
        RunningNeo4j(status.url, server.credentials()).rows("CREATE (:Kept {n: 1})")
        print(status.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    starter = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(server.home), json.dumps(asdict(options))],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        timeout=300,
        check=False,
    )
    assert starter.returncode == -signal.SIGKILL, starter.stderr
    assert gone(int(starter.stdout), 30)
    assert not server.status().running


def test_it_starts_again_with_its_data_and_its_password(server: LocalServer) -> None:
    status = server.start(attached=True)
    assert status.running
    assert status.changed
    assert connected(server).rows("MATCH (n:Kept) RETURN n.n") == [(1,)]


def test_a_second_start_changes_nothing(server: LocalServer) -> None:
    before = server.status()
    assert before.running
    assert not before.changed
    again = LocalServer(server.home, options=options_for_tests()).start()
    assert replace(again, changed=False) == before
    assert not again.changed


def test_it_listens_on_this_machine_only(server: LocalServer, options: ServerOptions) -> None:
    process = psutil.Process(server.status().pid)
    addresses = {c.laddr for c in process.net_connections(kind="tcp") if c.status == psutil.CONN_LISTEN}
    assert {address.port for address in addresses} == {options.bolt_port, options.http_port}
    assert {address.ip.removeprefix("::ffff:") for address in addresses} == {"127.0.0.1"}


def test_the_password_is_in_one_file_of_the_user_and_nowhere_else(server: LocalServer) -> None:
    password = server.credentials().password
    assert len(password) >= 24
    path = server.home / "credentials.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    process = psutil.Process(server.status().pid)
    assert password not in " ".join(process.cmdline())
    assert password not in json.dumps(process.environ())
    holding = [
        file
        for file in server.home.rglob("*")
        if file.is_file()
        and file.suffix in (".log", ".conf", ".json", ".ini", "")
        and password.encode() in file.read_bytes()
    ]
    assert holding == [path]


def test_its_own_settings_keep_queries_from_files_addresses_and_eternity(server: LocalServer, tmp_path: Path) -> None:
    """With a writing session and no check of the store before it."""
    from neo4j.exceptions import ClientError, Neo4jError

    neo4j = connected(server)
    (tmp_path / "secret.csv").write_text("secret")
    (server.home / "import" / "allowed.csv").write_text("a,b")
    browser = server.status().browser_url
    for source in (
        f"file://{tmp_path}/secret.csv",
        "file:///../credentials.json",
        f"{browser}/",
        "file:///allowed.csv",
    ):
        with pytest.raises(Neo4jError):
            neo4j.rows("LOAD CSV FROM $source AS line RETURN line", source=source)
    with pytest.raises(ClientError) as caught:
        neo4j.rows("UNWIND range(1, 1000000000) AS x RETURN count(x)")
    assert "TransactionTimedOut" in str(caught.value.code)


def test_a_killed_server_is_seen_and_starts_again(server: LocalServer, options: ServerOptions) -> None:
    pid = server.status().pid
    assert pid is not None
    connected(server).rows("CREATE (:Kept {n: 2})")
    os.kill(pid, signal.SIGKILL)
    assert gone(pid, 10)
    assert not server.status().running
    assert server.start(attached=True).pid != pid
    assert connected(server).rows("MATCH (n:Kept) RETURN count(n)") == [(2,)]


def test_stopping_ends_the_process_and_stopping_again_changes_nothing(server: LocalServer) -> None:
    pid = server.status().pid
    assert pid is not None
    assert server.stop().changed
    assert gone(pid, 1)
    assert not server.status().running
    assert not server.stop().changed
    assert not (server.home / "server.json").exists()


def test_a_port_in_use_is_named_and_nothing_is_left_running(server: LocalServer, options: ServerOptions) -> None:
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        for changed, option in (({"bolt_port": port}, "--port"), ({"http_port": port}, "--http-port")):
            busy: dict[str, Any] = changed
            with pytest.raises(ServerError, match=rf"port {port} .* choose another port with {option}$"):
                LocalServer(server.home, options=replace(options, **busy)).start()
    assert not server.status().running


def test_a_first_start_that_fails_says_why(server: LocalServer, options: ServerOptions, tmp_path: Path) -> None:
    fresh = LocalServer(tmp_path / "fresh", options=replace(options, heap="much"))
    with pytest.raises(ServerError, match="Java does not accept this heap size; give it as 1g or 512m"):
        fresh.start()
    assert not fresh.status().running


def test_a_server_that_dies_says_why(server: LocalServer, options: ServerOptions) -> None:
    if not (server.home / "data" / "databases").exists():
        # Run by itself: a first start would already fail at setting the password.
        server.start(attached=True)
        server.stop()
    with pytest.raises(ServerError, match="Neo4j ended because Java does not accept this heap size"):
        LocalServer(server.home, options=replace(options, heap="much")).start()
    with pytest.raises(ServerError, match=r"Neo4j ended with code \d+: .*no\.such\.setting.*console\.log"):
        LocalServer(server.home, options=replace(options, settings={"no.such.setting": "1"})).start()
    assert not server.status().running
    assert not (server.home / "server.json").exists()


def test_administration_output_is_given(server: LocalServer) -> None:
    assert "5.26" in server.admin("--version")
    with pytest.raises(ServerError, match="neo4j-admin no-such-command failed"):
        server.admin("no-such-command")


def test_the_page_s_commands_start_ask_and_stop_a_server(server: LocalServer) -> None:
    """As docs/neo4j.md prints them, on a home and ports of the test's own."""
    page = (Path(__file__).parents[2] / "docs" / "neo4j.md").read_text(encoding="utf-8")
    lines = re.findall(r"skillgraph (server start --quick|server status|server stop)", page)
    assert list(dict.fromkeys(lines)) == ["server start --quick", "server status", "server stop"]
    said = []
    for line in dict.fromkeys(lines):
        own = ["--port", str(free_port()), "--http-port", str(free_port()), "--heap", "512m"] * ("start" in line)
        ran = CliRunner().invoke(app, [*line.split(), *own, "--home", str(server.home)])
        assert ran.exit_code == 0, ran.output
        said.append(ran.output)
    assert [words in text for words, text in zip(("started;", "runs;", "stopped;"), said, strict=True)] == [True] * 3
    assert not server.status().running
