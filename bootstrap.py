#!/usr/bin/env python3
"""Set up Skillgraph Explorer in this folder and run something in it; needs Python 3.11+ and nothing else.

    python3 bootstrap.py demo            set up, then run the demo (arguments go to `skillgraph demo`)
    python3 bootstrap.py test            set up with the developers' tools, then run all tests (arguments go to pytest)
    python3 bootstrap.py check           lint, format, types, import contracts and the wheel
    python3 bootstrap.py skillgraph ...  set up, then run any command of the tool
    python3 bootstrap.py just ...        set up with the developers' tools, then run a task of the justfile

Everything goes into `.venv` and `.bootstrap` beside this file; versions and hashes are those of requirements/.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
LOCKS = ROOT / "requirements"
ENVIRONMENT = ROOT / ".venv"
TOOLS = ROOT / ".bootstrap"
STAMP = ENVIRONMENT / "skillgraph-setup.json"
BIN = "Scripts" if os.name == "nt" else "bin"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def main() -> int:
    """Run the command that the arguments name; its exit code."""
    commands = {"demo": _demo, "test": _test, "check": _check, "skillgraph": _skillgraph, "just": _just}
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


def _test(arguments: list[str]) -> int:
    _set_up("dev")
    _provide_browser()
    # All tests run in two processes; what belongs together stays in one (tests/conftest.py).
    two = ("-n", "2", "--dist", "loadscope", "--no-loadscope-reorder")
    several = () if arguments or (os.cpu_count() or 1) < 2 else two
    return _run("python", "-m", "pytest", *several, *arguments)


def _check(arguments: list[str]) -> int:
    _set_up("dev")
    return _run("just", "check", *arguments)


def _just(arguments: list[str]) -> int:
    _set_up("dev")
    return _run("just", *arguments)


def _set_up(profile: str) -> None:
    """Make `.venv` hold what the lock of `profile` names; nothing is done if it does already."""
    wanted = {"profile": profile, "digest": _digest(), "python": sys.version.split()[0]}
    if STAMP.exists():
        there = json.loads(STAMP.read_text())
        if there in (wanted, {**wanted, "profile": "dev"}):
            return
    print(f"Setting up {ENVIRONMENT.name} ({profile}); this is done once.", file=sys.stderr)
    if not (TOOLS / BIN / _program("uv")).exists():
        venv.EnvBuilder(with_pip=True, clear=True).create(TOOLS)
        pip = [str(TOOLS / BIN / _program("python")), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", str(LOCKS / "uv.lock")], check=True)
    if not (ENVIRONMENT / BIN / _program("python")).exists() or (
        STAMP.exists() and json.loads(STAMP.read_text()).get("python") != wanted["python"]
    ):
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(ENVIRONMENT))
    STAMP.unlink(missing_ok=True)
    build = ("--build-constraints", str(LOCKS / "build.lock"))
    target = ("--quiet", "--python", str(ENVIRONMENT / BIN / _program("python")))
    _uv("pip", "sync", *target, *build, "--require-hashes", str(LOCKS / f"{profile}.lock"))
    _uv("pip", "install", *target, *build, "--no-deps", "--editable", str(ROOT))
    STAMP.write_text(json.dumps(wanted))


def _digest() -> str:
    """Changes whenever the environment has to be made anew."""
    digest = hashlib.sha256()
    for file in (*sorted(LOCKS.glob("*.lock")), ROOT / "pyproject.toml"):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _provide_browser() -> None:
    """Install Debian's Chromium for the browser tests where CI runs as root; elsewhere they say what they miss."""
    if not os.environ.get("CI") or any(map(shutil.which, BROWSERS)):
        return
    apt = shutil.which("apt-get")
    if apt and hasattr(os, "geteuid") and os.geteuid() == 0:
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = [apt, "install", "-qq", "-y", "--no-install-recommends", "chromium", "fonts-liberation"]
        subprocess.run([apt, "update", "-qq"], check=True, env=quiet)
        subprocess.run(install, check=True, env=quiet, stdout=subprocess.DEVNULL)


def _uv(*arguments: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    subprocess.run([str(TOOLS / BIN / _program("uv")), *arguments], check=True, cwd=ROOT, env=environment)


def _program(name: str) -> str:
    return f"{name}.exe" if os.name == "nt" else name


def _run(program: str, *arguments: str) -> int:
    """A program of the environment, in the folder from which this one was called."""
    path = os.pathsep.join([str(ENVIRONMENT / BIN), os.environ.get("PATH", ""), str(TOOLS / BIN)])  # the last: uv
    environment = {**os.environ, "PATH": path, "VIRTUAL_ENV": str(ENVIRONMENT)}
    inside = program in ("python", "just")
    command = [str(ENVIRONMENT / BIN / _program(program)), *arguments]
    try:
        return subprocess.run(command, check=False, cwd=ROOT if inside else None, env=environment).returncode
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036  (this file is what a user of an older Python runs first)
        sys.exit(f"error: Python 3.11 or newer is needed, this is {sys.version.split()[0]}: try python3.11")
    sys.exit(main())
