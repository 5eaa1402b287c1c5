"""Neo4j Community on this machine without Docker, as a child process bound to 127.0.0.1."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from explorer.credentials import CREDENTIALS_FILE, STATE_FILE, Credentials, read_credentials
from explorer.errors import ServerError
from explorer.folders import cache_folder, server_home
from explorer.server.archive import class_archive
from explorer.server.jars import NEO4J_VERSION, NEO4J_VERSIONS, JarSet, Progress, Provision, provision
from explorer.server.java import Java, find_java
from explorer.server.watchdog import creation_time, end_process, find_process, is_alive
from loaders.writing import lock_file

__all__ = [
    "LocalServer",
    "ServerOptions",
    "ServerStatus",
    "explain_exit",
    "free_port",
    "render_configuration",
]

_HOST = "127.0.0.1"
_USER = "neo4j"
_CONSOLE = "console.log"
_CLASSES = "classes.jsa"
_FOLDERS = ("conf", "data", "import", "licenses", "logs", "plugins", "run")
_OPENS = ("java.nio", "java.io", "sun.nio.ch", "java.lang")
_IMPORT_ARGUMENTS = "import.args"
_VERSION_FILE = "version"
_STARTING_FILE = "starting.json"
_LOCK_FILE = "start.lock"


@dataclass(frozen=True)
class ServerOptions:
    """How the local server runs.

    Attributes:
        bolt_port: Port that the driver talks to.
        http_port: Port of Neo4j Browser; None leaves it off.
        heap: Largest Java heap, as `1g` or `512m`.
        page_cache: Memory for the store's pages.
        quick: Start in half the time and run slower: for tests and short sessions.
        settings: Further lines of neo4j.conf; they win over what is set here.
        version: Neo4j's version, one of `NEO4J_VERSIONS`; None is the one that the home was last run with.
    """

    bolt_port: int = 7687
    http_port: int | None = 7474
    heap: str = "1g"
    page_cache: str = "256m"
    quick: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    version: str | None = None


@dataclass(frozen=True)
class ServerStatus:
    """What is known of the local server.

    Attributes:
        running: True if its process is alive.
        home: Its folder: data, configuration, logs, generated password.
        version: Neo4j's version.
        url: Address for `--store`; None if it does not run, like those below.
        browser_url: Address of Neo4j Browser; None if that is off.
        pid: Number of its process.
        started_at: Seconds since the epoch.
        log: File with what it printed.
        credentials_file: File with the generated password, readable by this user only.
        changed: True if the call that returned this started or stopped it.
    """

    running: bool
    home: Path
    version: str
    url: str | None = None
    browser_url: str | None = None
    pid: int | None = None
    started_at: float | None = None
    log: Path | None = None
    credentials_file: Path | None = None
    changed: bool = False


@dataclass(frozen=True)
class _State:
    """What is written to `server.json` beside a running server."""

    pid: int
    created: float
    bolt_port: int
    http_port: int | None
    version: str


class LocalServer:
    """One Neo4j in one home folder: provision, start, stop, status.

    The password is generated at the first start and kept in `credentials.json` in the home, mode 0600.
    """

    def __init__(
        self, home: Path | None = None, *, options: ServerOptions | None = None, cache: Path | None = None
    ) -> None:
        self.home = (home or server_home()).absolute()
        self.options = options or ServerOptions()
        self._cache = cache or cache_folder()
        self._leash: subprocess.Popen[bytes] | None = None
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def version(self) -> str:
        """The version of Neo4j that is run here: the one asked for, else the home's, else the default.

        Raises:
            ServerError: An older version than the home's data are of, or one that is not among those locked.
        """
        try:
            kept = (self.home / _VERSION_FILE).read_text(encoding="utf-8").strip() or None
        except OSError:
            # Before there was such a file, there was one version.
            kept = NEO4J_VERSION if (self.home / "data" / "dbms").exists() else None
        version = self.options.version or kept or NEO4J_VERSION
        if version not in NEO4J_VERSIONS:
            raise ServerError(
                f"{self.home} was last run with Neo4j {version}, but this program runs "
                f"{' or '.join(NEO4J_VERSIONS)}: choose another folder with --home"
            )
        if kept in NEO4J_VERSIONS and NEO4J_VERSIONS.index(version) < NEO4J_VERSIONS.index(kept):
            raise ServerError(
                f"the data in {self.home} are of Neo4j {kept}, which {version} cannot read: leave --version out, "
                "or choose another folder with --home"
            )
        return version

    def provision(self, progress: Progress | None = None) -> Provision:
        """Fetch and check the jars; see `explorer.server.jars.provision`."""
        return provision(cache=self._cache, progress=progress, version=self.version)

    def start(
        self, *, attached: bool = False, timeout: float = 180.0, progress: Progress | None = None
    ) -> ServerStatus:
        """Start the server and wait until it answers; one that runs already is left as it is.

        Args:
            attached: Tie its life to this process: it ends when this process does, even if that is killed.
            timeout: Seconds to wait for its answer.
            progress: Called with (bytes fetched, bytes to fetch) while jars are fetched.

        Returns:
            The status, `changed` if this call started it.

        Raises:
            ServerError: No Java, no jars, a port in use, a home that cannot be used, a server that dies or does
                not answer; the message says which and what to do. Nothing is left running.
        """
        status = self.status()
        if status.running:
            return status
        java = find_java(self.version)
        jars = self.provision(progress).jars
        with self._starting_alone(timeout):
            # Another process may have started it meanwhile.
            status = self.status()
            return status if status.running else self._start(java, jars, attached=attached, timeout=timeout)

    def _start(self, java: Java, jars: JarSet, *, attached: bool, timeout: float) -> ServerStatus:
        for name, port in (("--port", self.options.bolt_port), ("--http-port", self.options.http_port)):
            if port is not None:
                _require_free(port, name)
        try:
            self._prepare_home()
        except OSError as error:
            raise ServerError(f"cannot use {self.home} as the server's home: {error}") from error
        self._set_password(java, jars)
        # Killed between the two, this process would leave a server that nobody knows: what is about to be started is
        # written down first, and found again by its home.
        intended = _State(0, 0.0, self.options.bolt_port, self.options.http_port, self.version)
        _write_private(self.home / _STARTING_FILE, json.dumps(asdict(intended)))
        child = self._spawn(java, jars)
        try:
            self._own(child, attached=attached)
            self._wait_until_ready(child, timeout)
        except BaseException:
            self._release(child)
            raise
        return self._status(changed=True)

    def stop(self, timeout: float = 60.0) -> ServerStatus:
        """Stop the server if it runs, and wait until it is gone.

        Raises:
            ServerError: It does not end.
        """
        state = self._read_state()
        running = state is not None and is_alive(state.pid, state.created)
        if state is not None and running and not end_process(state.pid, state.created, patience=timeout):
            raise ServerError(f"the server (process {state.pid}) does not stop; end it yourself")
        if self._child is not None:
            self._child.wait()
        if running and (self.home / "run" / _CLASSES).exists():
            # Only for a faster start the next time; the extra that has Java may have been removed.
            with contextlib.suppress(ServerError):
                class_archive(find_java(self.version), self.provision().jars).keep(self.home / "run" / _CLASSES)
        self._drop_leash()
        (self.home / STATE_FILE).unlink(missing_ok=True)
        (self.home / _STARTING_FILE).unlink(missing_ok=True)
        return self._status(changed=running)

    def status(self) -> ServerStatus:
        """Whether it runs, where, and under which process."""
        return self._status(changed=False)

    def credentials(self) -> Credentials:
        """User and generated password.

        Raises:
            ServerError: The server was never started in this home, or the file is not readable.
        """
        return read_credentials(self.home)

    def admin(self, *arguments: str, folder: Path | None = None) -> str:
        """Run one of Neo4j's administration commands on this home, which must not be running; its output.

        Args:
            *arguments: Of `neo4j-admin`.
            folder: The folder to run it in.

        Raises:
            ServerError: The server runs, or the command fails; the message ends with what it printed.
        """
        if self.status().running:
            raise ServerError(f"the server in {self.home} runs: stop it first with skillgraph server stop")
        java, jars = find_java(self.version), self.provision().jars
        self._prepare_home()
        return self._admin(java, jars, *arguments, folder=folder)

    def import_csv(self, folder: Path) -> str:
        """Make a database of a CSV set written by `skillgraph export --format neo4j-admin`; the server must be stopped.

        Raises:
            ServerError: As `admin`; or there is a database already, which is left as it is.
        """
        if not (folder / _IMPORT_ARGUMENTS).exists():
            raise ServerError(f"{folder} holds no {_IMPORT_ARGUMENTS}: it is not a CSV set for neo4j-admin")
        if (self.home / "data" / "databases" / "neo4j").exists():
            raise ServerError(
                f"the server in {self.home} has a database already, but an offline import needs a new one: "
                "name another folder with --home"
            )
        return self.admin("database", "import", "full", "neo4j", f"@{_IMPORT_ARGUMENTS}", folder=folder)

    def _status(self, *, changed: bool) -> ServerStatus:
        state = self._read_state()
        if state is None or not is_alive(state.pid, state.created):
            return ServerStatus(running=False, home=self.home, version=self.version, changed=changed)
        return ServerStatus(
            running=True,
            home=self.home,
            version=state.version,
            url=f"bolt://{_HOST}:{state.bolt_port}",
            browser_url=None if state.http_port is None else f"http://{_HOST}:{state.http_port}",
            pid=state.pid,
            started_at=state.created,
            log=self.home / "logs" / _CONSOLE,
            credentials_file=self.home / CREDENTIALS_FILE,
            changed=changed,
        )

    def _read_state(self) -> _State | None:
        """What is known of the server; that of a start which was killed before it could say so is found again."""
        state, intended = (self._state_in(name) for name in (STATE_FILE, _STARTING_FILE))
        if intended is None or (state is not None and is_alive(state.pid, state.created)):
            return state
        found = find_process(f"--home-dir={self.home}")
        return state if found is None else replace(intended, pid=found[0], created=found[1])

    def _state_in(self, name: str) -> _State | None:
        path = self.home / name
        try:
            return _State(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise ServerError(f"cannot read {path}: {error}; delete it if no server runs") from error

    @contextmanager
    def _starting_alone(self, timeout: float) -> Iterator[None]:
        """Wait until no other process starts a server in this home, and keep others waiting."""
        path, end = self.home / _LOCK_FILE, time.monotonic() + timeout
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ServerError(f"cannot use {self.home} as the server's home: {error}") from error
        try:
            while not lock_file(file):
                if time.monotonic() > end:
                    raise ServerError(f"another process has been starting a server in {self.home} for {timeout:.0f} s")
                time.sleep(0.1)
            yield
        finally:
            os.close(file)

    def _prepare_home(self) -> None:
        for name in _FOLDERS:
            (self.home / name).mkdir(parents=True, exist_ok=True)
        configuration = self.home / "conf" / "neo4j.conf"
        configuration.write_text(render_configuration(self.home, self.options), encoding="utf-8")
        (self.home / _VERSION_FILE).write_text(f"{self.version}\n", encoding="utf-8")

    def _set_password(self, java: Java, jars: JarSet) -> None:
        """Generate the password of a new home; Neo4j keeps a salted hash of it."""
        path = self.home / CREDENTIALS_FILE
        if (self.home / "data" / "dbms" / "auth.ini").exists() or (
            self.home / "data" / "databases" / "system"
        ).exists():
            self.credentials()
            return
        # A leading letter keeps it from looking like an option.
        password = "p" + secrets.token_urlsafe(24)
        _write_private(path, json.dumps({"user": _USER, "password": password}))
        handed = self.home / "run" / "password"
        try:
            # An argument file, because the command line of a process can be read by every user of the machine.
            _write_private(handed, password)
            self._admin(java, jars, "dbms", "set-initial-password", f"@{handed}")
        finally:
            handed.unlink(missing_ok=True)

    def _admin(self, java: Java, jars: JarSet, *arguments: str, folder: Path | None = None) -> str:
        done = subprocess.run(  # noqa: S603 -- no shell, and nothing of it comes from a file or the network
            [str(java.path), f"-Xmx{self.options.heap}", *_java_options(), "org.neo4j.cli.AdminTool", *arguments],
            env=self._environment(jars),
            cwd=folder or self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        output = done.stdout + done.stderr
        if done.returncode:
            why = _reason(output) or _last_lines(output, 5)
            raise ServerError(f"neo4j-admin {' '.join(arguments[:2])} failed: {why}")
        return output

    def _environment(self, jars: JarSet) -> dict[str, str]:
        # The class path has 200 names: by the environment it escapes the length limit of a Windows command line.
        own = {"NEO4J_HOME": str(self.home), "NEO4J_CONF": str(self.home / "conf"), "CLASSPATH": jars.class_path}
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith("NEO4J_") and key != "JAVA_TOOL_OPTIONS"
        }
        return {**kept, **own}

    def _spawn(self, java: Java, jars: JarSet) -> subprocess.Popen[bytes]:
        command = [
            str(java.path),
            "-Xms128m",
            f"-Xmx{self.options.heap}",
            *_java_options(),
            *(("-XX:TieredStopAtLevel=1",) if self.options.quick else ()),
            *class_archive(java, jars).options(java, self.home / "run" / _CLASSES),
            _entry_point(jars),
            f"--home-dir={self.home}",
            f"--config-dir={self.home / 'conf'}",
        ]
        console = self.home / "logs" / _CONSOLE
        detach: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            detach = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
        try:
            with console.open("wb") as output:
                return subprocess.Popen(  # noqa: S603 -- no shell, and nothing of it comes from a file or the network
                    command,
                    env=self._environment(jars),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=self.home,
                    **detach,
                )
        except OSError as error:
            raise ServerError(f"cannot start {java.path}: {error}") from error

    def _own(self, child: subprocess.Popen[bytes], *, attached: bool) -> None:
        created = creation_time(child.pid)
        if created is None:
            raise ServerError(self._explain(child))
        self._child = child
        if attached:
            from explorer.server import watchdog

            self._leash = subprocess.Popen(  # noqa: S603 -- no shell, and nothing of it comes from a file or the network
                [sys.executable, str(watchdog.__file__), str(child.pid), repr(created)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=sys.platform != "win32",
            )
        state = _State(child.pid, created, self.options.bolt_port, self.options.http_port, self.version)
        _write_private(self.home / STATE_FILE, json.dumps(asdict(state)))
        (self.home / _STARTING_FILE).unlink(missing_ok=True)

    def _wait_until_ready(self, child: subprocess.Popen[bytes], timeout: float) -> None:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if child.poll() is not None:
                raise ServerError(self._explain(child))
            if _answers(self.options.bolt_port, self.credentials()):
                return
            time.sleep(0.1)
        raise ServerError(
            f"the server did not answer within {timeout:.0f} s and was stopped; its log is in {self.home / 'logs'}"
        )

    def _explain(self, child: subprocess.Popen[bytes]) -> str:
        code = child.wait()
        console = self.home / "logs" / _CONSOLE
        return explain_exit(console.read_text(encoding="utf-8", errors="replace"), code, console)

    def _release(self, child: subprocess.Popen[bytes]) -> None:
        if child.poll() is None:
            child.kill()
            child.wait()
        self._child = None
        self._drop_leash()
        (self.home / _STARTING_FILE).unlink(missing_ok=True)
        state = self._read_state()
        if state is not None and state.pid == child.pid:
            (self.home / STATE_FILE).unlink(missing_ok=True)

    def _drop_leash(self) -> None:
        if self._leash is not None and self._leash.stdin is not None:
            self._leash.stdin.close()
            self._leash.wait()
        self._leash = None


def render_configuration(home: Path, options: ServerOptions) -> str:
    """The text of neo4j.conf: local addresses only, queries kept from other files and from the network.

    >>> "server.bolt.listen_address=127.0.0.1:7687" in render_configuration(Path("/n"), ServerOptions())
    True
    """
    settings = {
        "server.default_listen_address": _HOST,
        "server.default_advertised_address": _HOST,
        "server.bolt.listen_address": f"{_HOST}:{options.bolt_port}",
        "server.bolt.advertised_address": f"{_HOST}:{options.bolt_port}",
        "server.http.enabled": "false" if options.http_port is None else "true",
        "server.https.enabled": "false",
        "server.directories.import": str(home / "import"),
        "server.memory.pagecache.size": options.page_cache,
        "dbms.security.auth_enabled": "true",
        "dbms.security.allow_csv_import_from_file_urls": "false",
        # LOAD CSV reaches no address at all.
        "internal.dbms.cypher_ip_blocklist": "0.0.0.0/0,::/0",
        "dbms.usage_report.enabled": "false",
        "db.transaction.timeout": "15m",
        "db.transaction.monitor.check.interval": "500ms",
        # One query takes neither all of the memory nor, with many like it, all of the threads.
        "db.transaction.concurrent.maximum": "64",
        **_transaction_memory(options.heap),
        "db.tx_log.rotation.size": "16m",
        "db.tx_log.rotation.retention_policy": "2 files",
        # Without it every stop waits twice five seconds.
        "internal.server.bolt.thread_pool_shutdown_wait_time": "0s",
    }
    if options.http_port is not None:
        settings["server.http.listen_address"] = f"{_HOST}:{options.http_port}"
    settings.update(options.settings)
    # A backslash escapes in this format, as in C:\\Users.
    return "".join(f"{key}={value.replace(chr(92), chr(92) * 2)}\n" for key, value in settings.items())


def _transaction_memory(heap: str) -> dict[str, str]:
    """Half of the heap for one transaction; nothing if the heap is not as Java wants it, which Java then says."""
    found = re.fullmatch(r"(\d+)([kmg])", heap.lower())
    if found is None:
        return {}
    return {"db.memory.transaction.max": f"{int(found[1]) * 1024 // 2}{ {'k': 'b', 'm': 'k', 'g': 'm'}[found[2]] }"}


def explain_exit(console: str, code: int, log: Path) -> str:
    """One sentence on why a server ended, from what it printed.

    >>> explain_exit("java.net.BindException: Address already in use", 1, Path("c.log"))
    'Neo4j ended because a port is in use by another program; stop it or choose other ports'
    """
    reason = _reason(console)
    if reason:
        return f"Neo4j ended because {reason}"
    ended = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
    return f"Neo4j {ended}: {_causes(console) or 'it printed nothing'}; see {log}"


def _reason(output: str) -> str | None:
    """What is known of why Java or Neo4j ended, and the way out; None if what it printed is nothing known."""
    reasons = {
        "Address already in use": "a port is in use by another program; stop it or choose other ports",
        "already in use by another process": "another Neo4j server uses this home; stop it or choose another --home",
        "FileLockException": "another Neo4j server uses this home; stop it or choose another --home",
        "OutOfMemoryError": "it has too little memory; give it a larger --heap",
        "Invalid maximum heap size": "Java does not accept this heap size; give it as 1g or 512m",
        "Too small maximum heap": "the heap is too small; give at least 256m",
        "No space left on device": "the disk is full",
    }
    return next((reason for sign, reason in reasons.items() if sign in output), None)


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _require_free(port: int, option: str) -> None:
    with socket.socket() as probe:
        if os.name == "posix":
            # As Java does it: a port in TIME_WAIT is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except (OSError, OverflowError) as error:
            raise ServerError(
                f"port {port} on {_HOST} cannot be used ({error}); stop the program that uses it or choose another "
                f"port with {option}"
            ) from None


def _java_options() -> list[str]:
    return [
        "-XX:+UseG1GC",
        "-XX:-OmitStackTraceInFastThrow",
        "-XX:+DisableExplicitGC",
        "-Djdk.nio.maxCachedBufferSize=1024",
        "-Dio.netty.tryReflectionSetAccessible=true",
        "-Dlog4j2.disable.jmx=true",
        "-Dfile.encoding=UTF-8",
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENS),
    ]


def _entry_point(jars: JarSet) -> str:
    """The class that starts the server, as the jar itself declares it."""
    with zipfile.ZipFile(jars.folder / f"neo4j-{jars.version}.jar") as jar:
        return jar.read("META-INF/services/org.neo4j.server.startup.EntryPoint").decode().strip()


def _answers(port: int, credentials: Credentials) -> bool:
    """True once a query can be run; wrong credentials are an error, everything else means not yet."""
    from neo4j import GraphDatabase
    from neo4j.exceptions import AuthError, DriverError, Neo4jError

    try:
        socket.create_connection((_HOST, port), timeout=1.0).close()
    except OSError:
        return False
    try:
        with GraphDatabase.driver(f"bolt://{_HOST}:{port}", auth=(credentials.user, credentials.password)) as driver:
            driver.execute_query("RETURN 1")
    except AuthError:
        raise ServerError(
            "the server refuses its own generated password, so it was changed: set it in credentials.json"
        ) from None
    except (DriverError, Neo4jError):
        return False
    return True


def _write_private(path: Path, content: str) -> None:
    """Write a file that only this user can read, whole or not at all."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(content)
    temporary.replace(path)


def _last_lines(text: str, count: int) -> str:
    return " | ".join([line.strip() for line in text.splitlines() if line.strip()][-count:])


def _causes(text: str) -> str:
    """The exception that ended Java and its causes, else the last lines."""
    signs = ("Caused by: ", 'Exception in thread "main" ')
    causes = [line.partition(sign)[2].strip() for line in text.splitlines() for sign in signs if sign in line]
    return causes[-1] if causes else _last_lines(text, 3)
