"""Files that a browser sends to be loaded: in a private folder, for a while, and never more than fits."""

from __future__ import annotations

import re
import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from explorer.errors import SkillgraphError
from explorer.temporary import private_folder
from explorer.wording import quoted
from ui.told import told_plainly
from ui.work.written import command_text

if TYPE_CHECKING:
    from dash import Dash
    from flask import Response

__all__ = ["LARGEST", "Upload", "Uploads", "receive_files"]

LARGEST = 64 * 1024 * 1024
"""Bytes of all files of one upload."""

_FILES = 20  # of one upload
_KEPT = 8  # uploads at the same time
_SECONDS = 1800.0  # that an upload is kept after it was last used
_TICKET = re.compile(r"[0-9a-f]{32}")
_CHUNK = 1 << 20


@dataclass
class Upload:
    """Files that were sent together.

    Attributes:
        folder: Where they lie.
        files: Their names with their sizes.
        used: When something was last done with them.
    """

    folder: Path
    files: dict[str, int] = field(default_factory=dict)
    used: float = field(default_factory=time.monotonic)

    def path(self, name: str) -> Path:
        """A file of it.

        Raises:
            SkillgraphError: It has no such file.
        """
        if name not in self.files:
            raise SkillgraphError(f"there is no file {quoted(name)} any more: choose it again")
        return self.folder / name


class Uploads:
    """All uploads of a server; only who knows an upload's random name can use it."""

    def __init__(self) -> None:
        """None yet."""
        self._found: dict[str, Upload] = {}
        self._lock = threading.Lock()

    def receive(self, ticket: str, name: str, stream: IO[bytes], *, at: str | None = None) -> Upload:
        """Take a file in.

        Args:
            ticket: The upload's name.
            name: The file's name in the browser.
            stream: Its bytes, with `read(n)`.
            at: What the browser says about its size.

        Raises:
            SkillgraphError: It is too large, or has a name that no file may have.
        """
        if not _TICKET.fullmatch(ticket):
            raise SkillgraphError("an upload has a name of 32 hexadecimal digits")
        plain = _plain(name)
        if at is not None and at.isdecimal() and int(at) > LARGEST:
            raise SkillgraphError(too_large(plain))
        with self._lock:
            self._sweep()
            upload = self._found.get(ticket)
            if upload is None:
                if len(self._found) >= _KEPT:
                    raise SkillgraphError("too many files are waiting to be loaded: try again in half an hour")
                folder = private_folder() / f"upload-{ticket}"
                folder.mkdir(mode=0o700)
                upload = self._found[ticket] = Upload(folder)
            if len(upload.files) >= _FILES and plain not in upload.files:
                raise SkillgraphError(
                    f"more than {_FILES} files at once: put them into a .zip, or use the command line"
                )
            room = LARGEST - sum(size for other, size in upload.files.items() if other != plain)
        size = 0
        with (upload.folder / plain).open("wb") as out:
            while chunk := stream.read(min(_CHUNK, room - size + 1)):
                size += len(chunk)
                if size > room:
                    break
                out.write(chunk)
        if size > room:
            (upload.folder / plain).unlink()
            upload.files.pop(plain, None)
            raise SkillgraphError(too_large(plain))
        upload.files[plain] = size
        upload.used = time.monotonic()
        return upload

    def find(self, ticket: str | None) -> Upload | None:
        """An upload by its name, if it is still there."""
        with self._lock:
            found = self._found.get(ticket or "")
            if found is None:
                return None
            if not found.folder.is_dir():  # the load that used it has deleted its files
                del self._found[ticket or ""]
                return None
            found.used = time.monotonic()
            return found

    def forget(self, ticket: str | None) -> None:
        """Delete the files of an upload; one that is not there is no error."""
        with self._lock:
            found = self._found.pop(ticket or "", None)
        if found is not None:
            shutil.rmtree(found.folder, ignore_errors=True)

    def close(self) -> None:
        """Delete all files."""
        for ticket in list(self._found):
            self.forget(ticket)

    def _sweep(self) -> None:
        old = time.monotonic() - _SECONDS
        for ticket in [key for key, upload in self._found.items() if upload.used < old]:
            shutil.rmtree(self._found.pop(ticket).folder, ignore_errors=True)


def too_large(name: str) -> str:
    """What is said of a file that does not fit."""
    return (
        f"{name} is too large to be sent from a browser (at most {LARGEST >> 20} MB in all): run "
        f"`{command_text(['load', name])}` on the machine that has it"
    )


def _plain(name: str) -> str:
    """A name without folders.

    >>> _plain("a/b c.csv")
    'b c.csv'
    """
    plain = re.split(r"[\\/]", name)[-1].strip()
    if not plain or plain.startswith(".") or not plain.isprintable() or len(plain.encode("utf-8", "replace")) > 200:
        raise SkillgraphError(f"a file cannot be called {plain[:80]!r}: give it a plain name")
    return plain


def receive_files(app: Dash, uploads: Uploads) -> None:
    """Let pages send files to `/_files/TICKET/NAME`, and take them away again.

    Who may is decided before: without a password only this machine is answered, with one only who is logged in, and
    requests of other sites never (`ui.security`).
    """
    from flask import Response, request

    @app.server.post("/_files/<ticket>")
    def receive(ticket: str) -> Response | dict[str, list[dict[str, str | int]]]:
        try:
            upload = uploads.receive(
                ticket, request.args.get("name", ""), request.stream, at=request.headers.get("Content-Length")
            )
        except SkillgraphError as error:
            return Response(told_plainly(str(error)), status=413, mimetype="text/plain")
        return {"files": [{"name": name, "size": size} for name, size in upload.files.items()]}

    @app.server.delete("/_files/<ticket>")
    def forget(ticket: str) -> Response:
        uploads.forget(ticket)
        return Response("", status=204)
