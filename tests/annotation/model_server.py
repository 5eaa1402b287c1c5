"""A server that speaks the protocol of OpenAI's chat completions, with faults as a test wants them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Answering", "ModelServer", "completion", "serving", "tags_of"]

Answering = Callable[[str, int], Any]
"""From a text and how often it was asked before to what is answered: skills, a `(status, headers, body)`, or `HANG`."""
HANG = object()
BROKEN = object()


def completion(content: str, **more: Any) -> dict[str, Any]:
    """A whole answer with this content."""
    return {
        "choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": "stop", **more}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10},
    }


def tags_of(*skills: str, score: float = 0.5, evidence: str = "") -> dict[str, Any]:
    """A good answer."""
    return completion(
        json.dumps({"skills": [{"skill": skill, "score": score, "evidence": evidence} for skill in skills]})
    )


@dataclass
class ModelServer:
    """What the server has seen.

    Attributes:
        url: Its address, up to /v1.
        requests: Body of each request, in the order in which they came.
        headers: Headers of each.
        most_at_once: Most requests that were answered at a time.
    """

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    def asked(self, text: str) -> int:
        return sum(request["messages"][-1]["content"] == text for request in self.requests)


@contextmanager
def serving(answering: Answering) -> Iterator[ModelServer]:
    """The server, until the block ends."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = body["messages"][-1]["content"]
            with lock:
                before = server.asked(text)
                server.requests.append(body)
                server.headers.append(dict(self.headers))
                server.paths.append(self.path)
                server.at_once += 1
                server.most_at_once = max(server.most_at_once, server.at_once)
            try:
                self._answer(answering(text, before))
            finally:
                with lock:
                    server.at_once -= 1

        def _answer(self, answer: Any) -> None:
            if answer is HANG:
                server.released.wait(60)
                self.close_connection = True
                return
            if answer is BROKEN:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
                self.close_connection = True
                return
            status, headers, content = answer if isinstance(answer, tuple) else (200, {}, answer)
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server = ModelServer(f"http://127.0.0.1:{http.server_port}/v1")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        http.shutdown()
        thread.join()
        http.server_close()
