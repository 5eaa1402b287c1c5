#!/usr/bin/env python3
"""Set up Skillgraph Explorer in this folder and run something in it; needs Python 3.11+ and nothing else.

    python3 bootstrap.py demo            set up, then run the demo (arguments go to `skillgraph demo`)
    python3 bootstrap.py test            set up with the developers' tools, then run the tests, without those marked
                                         `ci` or `long` (arguments go to pytest: `-m long` runs those, `tests/spark`
                                         those of Spark)
    python3 bootstrap.py check           lint, format, types, import contracts and the wheel
    python3 bootstrap.py skillgraph ...  set up, then run any command of the tool
    python3 bootstrap.py add server ...  add an extra: server (Neo4j without Docker), spark, fast (driver), mcp (agents)
    python3 bootstrap.py just ...        set up with the developers' tools, then run a task of the justfile
    python3 bootstrap.py docs            build the documentation as a site, in build/site

Everything goes into `.venv` and `.bootstrap` (and `.venv-spark` and `.venv-docs`, for what needs pandas) beside this
file; versions and hashes are those of requirements/. Packages come from the index that uv or pip is configured to use.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

ROOT = Path(__file__).resolve().parent
LOCKS = ROOT / "requirements"
ENVIRONMENT = ROOT / ".venv"
SPARK = ROOT / ".venv-spark"  # pandas comes with Spark; it is kept out of where everything else is tested
DOCS = ROOT / ".venv-docs"  # the site and the notebooks, which show pandas
TOOLS = ROOT / ".bootstrap"
LOCK = ROOT / ".bootstrap.lock"
STAMP = "skillgraph-setup.json"
EXTRAS = ("server", "spark", "fast", "mcp")
BIN = "Scripts" if os.name == "nt" else "bin"
PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
}
PROXIES = {"nginx": "nginx-light", "caddy": "caddy"}  # programs with their packages
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def main() -> int:
    """Run the command that the arguments name; its exit code."""
    commands = {
        "demo": _demo,
        "test": _test,
        "check": _check,
        "skillgraph": _skillgraph,
        "just": _just,
        "add": _add,
        "docs": _docs,
    }
    arguments = sys.argv[1:]
    if not arguments or arguments[0] not in commands:
        print(__doc__)
        return 0 if arguments[:1] in (["-h"], ["--help"]) else 2
    try:
        return commands[arguments[0]](arguments[1:])
    except subprocess.CalledProcessError as error:
        print(f"error: {' '.join(map(str, error.cmd))} ended with code {error.returncode}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _demo(arguments: list[str]) -> int:
    _set_up("runtime")
    return _run("skillgraph", "demo", *arguments)


def _skillgraph(arguments: list[str]) -> int:
    _set_up("runtime")
    return _run("skillgraph", *arguments)


def _add(arguments: list[str]) -> int:
    if not arguments or not set(arguments) <= set(EXTRAS):
        print(f"error: name what to add: {', '.join(EXTRAS)}", file=sys.stderr)
        return 2
    _set_up("runtime", extras=arguments)
    print(f"{ENVIRONMENT.name} has {', '.join(_stamp(ENVIRONMENT).get('extras', []))}.", file=sys.stderr)
    return 0


def _test(arguments: list[str]) -> int:
    if any("tests/spark" in argument for argument in arguments):
        _set_up("spark-tests")
        return _run("python", "-m", "pytest", *arguments, environment=SPARK)
    _set_up("dev")
    named = [argument for argument in arguments if argument.startswith("tests/")]
    if "tests/test_notebooks.py" in named or (arguments and not named):
        _set_up("docs")  # the notebooks are `long`
    _provide_browser()
    if not arguments:
        # In two processes; what belongs together stays in one (tests/conftest.py).
        two = ("-n", "2", "--dist", "loadscope", "--no-loadscope-reorder") if (os.cpu_count() or 1) > 1 else ()
        arguments = ["-m", "not ci and not long and not neo4j and not fresh_clone and not soak", *two]
    return _run("python", "-m", "pytest", *arguments)


def _check(arguments: list[str]) -> int:
    _set_up("dev")
    return _run("just", "check", *arguments)


def _just(arguments: list[str]) -> int:
    _set_up("dev")
    return _run("just", *arguments)


def _docs(arguments: list[str]) -> int:
    _set_up("docs")
    return _run("python", "docs/site/build.py", *arguments, environment=DOCS)


def _set_up(profile: str, extras: Iterable[str] = ()) -> None:
    """Make the environment of `profile` hold what its lock names, with these extras and those added before."""
    with _alone():
        _set_up_alone(profile, extras)


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time sets up; whoever comes meanwhile waits, and finds what it needs."""
    try:
        file = LOCK.open("wb")
    except OSError:  # where nothing can be written, nothing is set up either
        yield
        return
    with file:
        if not _locked(file):
            _say("Another command is setting up here: waiting for it.")
            while not _locked(file):
                time.sleep(0.2)
        yield


def _locked(file: BinaryIO) -> bool:
    """Whether a file is this process's alone from now on, until it is closed."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _set_up_alone(profile: str, extras: Iterable[str]) -> None:
    folder = {"spark-tests": SPARK, "docs": DOCS}.get(profile, ENVIRONMENT)
    there = _stamp(folder)
    extras = sorted({*extras, *there.get("extras", [])})
    wanted = {"profile": profile, "extras": extras, "digest": _digest(), "python": sys.version.split()[0]}
    if {"extras": [], **there} in (wanted, {**wanted, "profile": "dev"}):
        return
    began = time.monotonic()
    _say(f"Setting up {folder.name} ({' with '.join(filter(None, (profile, ', '.join(extras))))}); this is done once.")
    if not (TOOLS / BIN / _program("uv")).exists():
        _say("  1/3 the installer, uv")
        venv.EnvBuilder(with_pip=True, clear=True).create(TOOLS)
        index = os.environ.get("UV_DEFAULT_INDEX")
        environment = {**({"PIP_INDEX_URL": index} if index else {}), **os.environ}
        _pip("install", "--quiet", "--require-hashes", "-r", str(LOCKS / "uv.lock"), env=environment)
    python = folder / BIN / _program("python")
    if there.get("python") != wanted["python"] or not python.exists():
        if "python" in there:
            _say(f"  {folder.name} was made by Python {there['python']}, this is {wanted['python']}: making it anew")
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
    (folder / STAMP).write_text(json.dumps({"extras": extras, "python": wanted["python"]}))
    locks = [LOCKS / f"{profile}.lock", *(LOCKS / f"extra-{extra}.lock" for extra in extras)]
    _say(f"  2/3 {sum(line[:1].isalnum() for lock in locks for line in lock.read_text().splitlines())} packages")
    build = ("--build-constraints", str(LOCKS / "build.lock"))
    # Where Python may not write bytecode, every command would compile what it imports again: seconds each time. The
    # programs of the other profiles may always write it (`_run`).
    compiled = ("--compile-bytecode",) if sys.dont_write_bytecode and profile == "runtime" else ()
    target = (*(() if sys.stderr.isatty() else ("--quiet",)), "--python", str(python))
    _uv("pip", "sync", *target, *build, *compiled, "--require-hashes", *map(str, locks))
    _say("  3/3 skillgraph itself")
    _uv("pip", "install", *target, *build, "--no-deps", "--editable", str(ROOT))
    if compiled:
        _compile(python)
    (folder / STAMP).write_text(json.dumps(wanted))
    _say(f"Set up in {time.monotonic() - began:.0f} s.")


def _compile(python: Path) -> None:
    """Write the bytecode of this project's packages; what is edited later is compiled at each start, as before."""
    subprocess.run([python, "-m", "compileall", "-q", "analysis", "explorer", "loaders", "ui"], check=True, cwd=ROOT)


def _stamp(folder: Path) -> dict[str, Any]:
    """What this script noted when it made an environment; a folder that it did not make is left alone."""
    try:
        return dict(json.loads((folder / STAMP).read_text()))
    except (OSError, ValueError):
        if not folder.exists():
            return {}
    sys.exit(f"error: bootstrap.py has not made {folder}, or not finished it: move or delete it, then try again")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _digest() -> str:
    """Changes whenever the environment has to be made anew."""
    digest = hashlib.sha256()
    for file in (*sorted(LOCKS.glob("*.lock")), ROOT / "pyproject.toml"):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _provide_browser() -> None:
    """Install Debian's Chromium and proxies for the tests where CI runs as root; elsewhere they say what they miss."""
    search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    wanted = [] if any(map(shutil.which, BROWSERS)) else ["chromium", "fonts-liberation"]
    wanted += [package for program, package in PROXIES.items() if not shutil.which(program, path=search)]
    if not os.environ.get("CI") or not wanted:
        return
    apt = shutil.which("apt-get")
    if apt and hasattr(os, "geteuid") and os.geteuid() == 0:
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = [apt, "install", "-qq", "-y", "--no-install-recommends", *wanted]
        subprocess.run([apt, "update", "-qq"], check=True, env=quiet)
        subprocess.run(install, check=True, env=quiet, stdout=subprocess.DEVNULL)


def _pip(*arguments: str, **options: Any) -> str:
    command = [str(TOOLS / BIN / _program("python")), "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


def _uv(*arguments: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    environment = {**_index(_pip("config", "list")), **environment}
    subprocess.run([str(TOOLS / BIN / _program("uv")), *arguments], check=True, cwd=ROOT, env=environment)


def _index(configured: str) -> dict[str, str]:
    """Where pip is told to look (`pip config list`), in uv's words; uv reads neither pip.conf nor PIP_INDEX_URL."""
    settings: dict[str, str] = {}
    for line in configured.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if section in ("global", "install", ":env:") and name in PIP_TO_UV:
            rank = ("global", "install", ":env:").index(section)
            settings[f"{PIP_TO_UV[name]} {rank}"] = " ".join(value.strip("'\"").replace("\\n", " ").split())
    return {name.partition(" ")[0]: settings[name] for name in sorted(settings)}


def _program(name: str) -> str:
    return f"{name}.exe" if os.name == "nt" else name


def _run(program: str, *arguments: str, environment: Path = ENVIRONMENT) -> int:
    """A program of the environment, in the folder from which this one was called."""
    path = os.pathsep.join([str(environment / BIN), os.environ.get("PATH", ""), str(TOOLS / BIN)])  # the last: uv
    variables = {**os.environ, "PATH": path, "VIRTUAL_ENV": str(environment)}
    inside = program in ("python", "just")
    if inside:
        # Compiling the tests takes as long as many of them, and each process that they start compiles what was edited.
        variables.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [str(environment / BIN / _program(program)), *arguments]
    try:
        return subprocess.run(command, check=False, cwd=ROOT if inside else None, env=variables).returncode
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036  (this file is what a user of an older Python runs first)
        sys.exit(f"error: Python 3.11 or newer is needed, this is {sys.version.split()[0]}: try python3.11")
    sys.exit(main())
