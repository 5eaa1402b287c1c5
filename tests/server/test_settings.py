"""Configuration, credentials and messages of the local server, without starting it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from explorer.cli.app import app
from explorer.credentials import (
    CREDENTIALS_FILE,
    PASSWORD_VARIABLE,
    STATE_FILE,
    USER_VARIABLE,
    Credentials,
    find_credentials,
    local_credentials,
)
from explorer.errors import ServerError, StoreError
from explorer.folders import CACHE_VARIABLE, HOME_VARIABLE, cache_folder, server_home
from explorer.server import NEO4J_VERSIONS, LocalServer, ServerOptions, ServerStatus
from explorer.server.local import explain_exit, render_configuration


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    monkeypatch.delenv(USER_VARIABLE, raising=False)
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    monkeypatch.setattr("sys.stdin", None)
    return tmp_path


def settings_of(options: ServerOptions) -> dict[str, str]:
    lines = render_configuration(Path("/home"), options).splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_every_address_is_this_machine() -> None:
    settings = settings_of(ServerOptions(bolt_port=1234, http_port=4321))
    listening = {key: value for key, value in settings.items() if "address" in key}
    assert len(listening) >= 4
    assert {value.partition(":")[0] for value in listening.values()} == {"127.0.0.1"}
    assert settings["server.bolt.listen_address"] == "127.0.0.1:1234"


def test_files_and_addresses_are_closed_to_queries_and_authentication_is_on() -> None:
    settings = settings_of(ServerOptions())
    assert settings["dbms.security.auth_enabled"] == "true"
    assert settings["dbms.security.allow_csv_import_from_file_urls"] == "false"
    assert settings["server.directories.import"] == str(Path("/home") / "import")
    assert settings["internal.dbms.cypher_ip_blocklist"] == "0.0.0.0/0,::/0"
    assert settings["db.transaction.timeout"] == "15m"


@pytest.mark.parametrize(("heap", "each"), [("1g", "512m"), ("512m", "256m"), ("3G", "1536m"), ("much", None)])
def test_a_transaction_may_take_half_of_the_heap(heap: str, each: str | None) -> None:
    settings = settings_of(ServerOptions(heap=heap))
    given = settings.get("db.memory.transaction.max")
    units = {"b": 1, "k": 2**10, "m": 2**20}
    sizes = [None if size is None else int(size[:-1]) * units[size[-1]] for size in (given, each)]
    assert sizes[0] == sizes[1]
    assert int(settings["db.transaction.concurrent.maximum"]) < 1_000


def test_browser_is_off_without_a_port_and_own_settings_win() -> None:
    settings = settings_of(ServerOptions(http_port=None, settings={"db.transaction.timeout": "1h"}))
    assert settings["server.http.enabled"] == "false"
    assert "server.http.listen_address" not in settings
    assert settings["db.transaction.timeout"] == "1h"


def test_backslashes_of_windows_paths_survive() -> None:
    text = render_configuration(Path("C:\\Users\\Ada"), ServerOptions())
    assert "C:\\\\Users\\\\Ada" in text


@pytest.mark.parametrize(
    ("console", "said"),
    [
        ("java.net.BindException: Address already in use", "a port is in use"),
        ("FileLockException: Lock file has been locked", "another Neo4j server uses this home"),
        ("java.lang.OutOfMemoryError: Java heap space", "larger --heap"),
        ("something\nunheard of", "something | unheard of"),
        ("", "it printed nothing"),
    ],
)
def test_why_a_server_ended(console: str, said: str) -> None:
    assert said in explain_exit(console, 1, Path("console.log"))


def test_a_signal_is_named() -> None:
    assert "killed by signal 9" in explain_exit("", -9, Path("console.log"))


def test_options_of_the_command_reach_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[ServerOptions] = []

    def start(self: LocalServer, **_: object) -> ServerStatus:
        seen.append(self.options)
        return self.status()

    monkeypatch.setattr(LocalServer, "start", start)
    given = ["--port", "1234", "--no-browser", "--heap", "2g", "--page-cache", "1g"]
    for more in ([], ["--quick"]):
        assert CliRunner().invoke(app, ["server", "start", *given, *more]).exit_code == 0
    assert seen == [ServerOptions(1234, None, "2g", "1g", quick) for quick in (False, True)]


def test_a_home_keeps_its_version_and_goes_back_to_no_older_one(tmp_path: Path) -> None:
    old, new = NEO4J_VERSIONS
    assert LocalServer(tmp_path).version == old
    (tmp_path / "data" / "dbms").mkdir(parents=True)
    assert LocalServer(tmp_path).version == old
    assert LocalServer(tmp_path, options=ServerOptions(version=new)).version == new
    (tmp_path / "version").write_text(f"{new}\n")
    assert LocalServer(tmp_path).version == new
    with pytest.raises(ServerError, match=r"are of Neo4j 2026.*leave --version out"):
        LocalServer(tmp_path, options=ServerOptions(version=old)).start()
    (tmp_path / "version").write_text("2031.01.0\n")
    with pytest.raises(ServerError, match=r"2031\.01\.0.*--home"):
        LocalServer(tmp_path).start()


def test_a_version_that_is_not_tested_is_refused_by_the_command() -> None:
    refused = CliRunner().invoke(app, ["server", "start", "--version", "4.4"])
    assert refused.exit_code == 1
    assert "choose 5.26.30 or 2026.08.1" in refused.output


def test_folders_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    assert server_home() == tmp_path
    monkeypatch.delenv(CACHE_VARIABLE)
    assert cache_folder().name in ("skillgraph", "Cache")


def test_nothing_has_been_started(own_home: Path) -> None:
    server = LocalServer()
    assert not server.status().running
    assert not server.stop().changed
    with pytest.raises(ServerError, match="skillgraph server start"):
        server.credentials()


def test_a_state_file_of_a_process_that_is_gone_means_not_running(own_home: Path) -> None:
    state = {"pid": 2**22 - 7, "created": 1.0, "bolt_port": 7687, "http_port": None, "version": "5"}
    (own_home / STATE_FILE).write_text(json.dumps(state))
    assert not LocalServer().status().running


def test_a_state_file_that_is_damaged_is_named(own_home: Path) -> None:
    (own_home / STATE_FILE).write_text("{")
    with pytest.raises(ServerError, match=r"server\.json"):
        LocalServer().status()


class TestCredentials:
    """Where a password comes from."""

    def started(self, home: Path, port: int) -> None:
        (home / CREDENTIALS_FILE).write_text(json.dumps({"user": "neo4j", "password": "generated"}))
        state = {"pid": 1, "created": 1.0, "bolt_port": port, "http_port": None, "version": "5"}
        (home / STATE_FILE).write_text(json.dumps(state))

    def test_environment_first(self, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.started(own_home, 7687)
        monkeypatch.setenv(PASSWORD_VARIABLE, "from-environment")
        monkeypatch.setenv(USER_VARIABLE, "ada")
        assert find_credentials("localhost", 7687) == Credentials("ada", "from-environment")

    def test_empty_password_means_no_authentication(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(PASSWORD_VARIABLE, "")
        assert find_credentials("localhost", 7687) is None

    def test_the_local_server_by_its_address(self, own_home: Path) -> None:
        self.started(own_home, 7777)
        assert find_credentials("127.0.0.1", 7777) == Credentials("neo4j", "generated")
        assert local_credentials("localhost", 7777) == Credentials("neo4j", "generated")
        # The generated password goes to no other server.
        assert local_credentials("localhost", 7778) is None
        assert local_credentials("db.example.org", 7777) is None

    def test_asked_for(self) -> None:
        prompts: list[str] = []

        def ask(prompt: str) -> str:
            prompts.append(prompt)
            return "typed"

        assert find_credentials("db.example.org", 7687, ask=ask) == Credentials("neo4j", "typed")
        assert prompts == ["Password of neo4j at db.example.org:7687: "]

    def test_nobody_to_ask(self) -> None:
        with pytest.raises(StoreError, match="set NEO4J_PASSWORD"):
            find_credentials("db.example.org", 7687)

    def test_a_password_is_not_shown(self) -> None:
        assert "secret" not in repr(Credentials("neo4j", "secret"))
