"""Who one is to a Neo4j server: from the environment, from the local server's own file, or asked for.

A password is never taken from an address or a command line, where other users and logs could see it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from getpass import getpass
from pathlib import Path

from explorer.errors import ServerError, StoreError
from explorer.folders import server_home

__all__ = [
    "CREDENTIALS_FILE",
    "PASSWORD_VARIABLE",
    "STATE_FILE",
    "USER_VARIABLE",
    "Credentials",
    "find_credentials",
    "local_credentials",
    "read_credentials",
]

USER_VARIABLE = "NEO4J_USER"
"""Environment variable with the user's name; `neo4j` if it is not set."""
PASSWORD_VARIABLE = "NEO4J_PASSWORD"  # noqa: S105 -- the name of a variable
"""Environment variable with the password; set but empty means a server without authentication."""
CREDENTIALS_FILE = "credentials.json"
"""File in the local server's home with its generated password, mode 0600."""
STATE_FILE = "server.json"
"""File in the local server's home that says where it listens while it runs."""

_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Credentials:
    """A user and a password; the password is not shown."""

    user: str
    password: str = field(repr=False)


def find_credentials(host: str, port: int, *, ask: Callable[[str], str] | None = None) -> Credentials | None:
    """Credentials for the server at an address; None for a server without authentication.

    Taken from `NEO4J_USER` and `NEO4J_PASSWORD`; else, if the address is that of the server started by
    `skillgraph server start`, from that server's home; else asked for.

    Args:
        host: Host of the address.
        port: Its port.
        ask: Called with a prompt, returns the password; by default who sits at the terminal is asked, if there
            is one.

    Raises:
        StoreError: There is no password and nobody to ask.
    """
    user = os.environ.get(USER_VARIABLE) or "neo4j"
    password = os.environ.get(PASSWORD_VARIABLE)
    if password is not None:
        return Credentials(user, password) if password else None
    local = local_credentials(host, port)
    if local is not None:
        return local
    if ask is None and sys.stdin is not None and sys.stdin.isatty():
        ask = getpass
    if ask is None:
        raise StoreError(
            f"no password for {host}:{port}: set {PASSWORD_VARIABLE} (and {USER_VARIABLE} if the user is not neo4j)"
        )
    return Credentials(user, ask(f"Password of {user} at {host}:{port}: "))


def local_credentials(host: str, port: int, *, home: Path | None = None) -> Credentials | None:
    """Credentials of the local server, if that is what an address means; None otherwise.

    Args:
        host: Host of the address; only this machine's own names are the local server.
        port: Its port; must be that on which the server in `home` was started.
        home: Home of the local server; `server_home()` if not given.
    """
    folder = home or server_home()
    if host not in _THIS_MACHINE:
        return None
    try:
        state = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
        return read_credentials(folder) if state["bolt_port"] == port else None
    except (OSError, ValueError, KeyError, TypeError, ServerError):
        return None


def read_credentials(home: Path) -> Credentials:
    """User and generated password of the local server in a home.

    Raises:
        ServerError: No server was started there, or the file is not readable.
    """
    path = home / CREDENTIALS_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Credentials(content["user"], content["password"])
    except FileNotFoundError:
        raise ServerError(f"no server was started in {home} yet: run skillgraph server start") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ServerError(f"cannot read the server's password from {path}: {error}") from error
