"""A Maven repository on this machine with jars of a few bytes."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from explorer.server.jars import REPOSITORY_VARIABLE, Jar


@dataclass
class Repository:
    """What is served, by path, and what was asked for.

    Attributes:
        files: Content by path below the repository's root.
        cut: Paths of which the first answer breaks off in the middle.
        asked: Paths of jars, in the order of the requests.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def publish(self, artifact: str, content: bytes, version: str = "1.0") -> Jar:
        """Serve a jar, and give the lock's line for it."""
        jar = Jar("org.example", artifact, version, "", len(content), hashlib.sha256(content).hexdigest())
        self.files[f"/org/example/{artifact}/{version}/{jar.filename}"] = content
        return jar


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    shelf = Repository()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.endswith(".jar"):
                shelf.asked.append(self.path)
            content = shelf.files.get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            broken = self.path in shelf.cut
            shelf.cut.discard(self.path)
            self.wfile.write((content or b"")[: len(content or b"") // 2 if broken else None])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    monkeypatch.setenv(REPOSITORY_VARIABLE, f"http://127.0.0.1:{server.server_port}")
    yield shelf
    server.shutdown()
    server.server_close()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"
