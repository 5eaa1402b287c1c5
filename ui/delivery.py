"""How scripts, styles and answers reach the browser: few, compressed, and kept by it.

Dash asks for every script and style by itself, and sends what it has as it is. Here small ones are joined into one
file, icons are put into the styles, Cytoscape and Plotly come from the bundles in `assets/vendor` (built by
`ui/bundles`) in place of those in their packages, and everything under an address that changes with its content may be
kept for a year.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import zlib
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dash import Dash
    from flask import Request, Response

__all__ = ["ASSETS", "LEFT_OUT", "Packed", "compress", "deliver", "interpolated"]

ASSETS = Path(__file__).parent / "assets"

LEFT_OUT = ("/dash/dash_table/",)
"""Parts of addresses of scripts that no page needs."""

_REPLACED = {"/dash_cytoscape/": "vendor/cytoscape.js"}
"""Scripts of a package for which a bundle stands."""

_ASKED_ANEW = ("/_dash-layout", "/_dash-dependencies")
"""What a browser keeps, and asks about whenever a page is loaded: it is the same until the application is another."""

_KEPT = "public, max-age=31536000, immutable"
_KINDS = re.compile(r"text/|application/(json|javascript)|image/svg")
_SMALL = 600  # bytes that are not worth compressing
_LARGE = 16_000  # bytes that are worth compressing well, and keeping compressed
_LEVELS = {"small": {"zstd": 17, "gzip": 9}, "once": {"zstd": 9, "gzip": 7}, "fast": {"zstd": 4, "gzip": 5}}
"""Levels of compression: of large answers, which every reload fetches; of scripts and styles, which a browser keeps,
and which 17 would make 6 % smaller in nine times the time, a second at each start; and of all others."""
_KEPT_BYTES = 8_000_000
_SCRIPT = re.compile(r'<script src="([^"]+)"></script>')
_STYLE = re.compile(r'<link rel="stylesheet" href="([^"]+)">')
_URL = re.compile(r"url\(\s*[\"']?(?!data:)([^)\"']+)[\"']?\s*\)")
_FINGERPRINT = re.compile(r"\.v[\w-]+m\d+\.")


def deliver(app: Dash) -> None:
    """Make an application send little: to be called once everything else that adds scripts has been."""
    server = app.server
    joined: dict[str, tuple[bytes, str]] = {}

    def address(content: bytes, suffix: str, mimetype: str) -> str:
        # Dash looks for the name of its renderer among the scripts
        name = f"dash-renderer-{hashlib.sha256(content).hexdigest()[:20]}.{suffix}"
        joined[name] = content, mimetype
        return f"/_joined/{name}"

    @server.get("/_joined/<name>")
    def part(name: str) -> Response:
        from flask import Response, abort

        if name not in joined:
            abort(404)
        content, mimetype = joined[name]
        return Response(content, mimetype=mimetype)

    def content_of(url: str) -> bytes:
        """What the application itself answers under an address, without what is asked of visitors first."""
        with server.test_request_context(url):
            answer = server.make_response(server.dispatch_request())
            if answer.status_code != 200:
                raise FileNotFoundError(url)
            answer.direct_passthrough = False
            return bytes(answer.get_data())

    made: dict[tuple[str, str], tuple[str, str]] = {}

    def interpolate(**parts: str) -> str:
        key = parts["scripts"], parts["css"]
        if key not in made:
            made[key] = _scripts(key[0], content_of, address), _styles(key[1], content_of, address)
        scripts, css = made[key]
        plotly = versioned("vendor/plotly.js")
        return interpolated(app.index_string, plotly, {**parts, "scripts": scripts, "css": css})

    app.interpolate_index = interpolate  # type: ignore[method-assign, assignment]  # Dash documents that this is done
    answers = Packed("small")

    @server.after_request
    def lighten(answer: Response) -> Response:
        from flask import request

        fixed = (
            request.path.startswith("/_joined/")
            or (request.path.startswith("/assets/") and "m" in request.args)
            or bool(request.path.startswith("/_dash-component-suites/") and _FINGERPRINT.search(request.path))
        )
        if answer.status_code == 200 and fixed:
            answer.headers["Cache-Control"] = _KEPT
            answer.headers.pop("ETag", None)
        if answer.status_code == 200 and request.method == "GET" and request.path in _ASKED_ANEW:
            answer.set_etag(hashlib.sha256(answer.get_data()).hexdigest()[:32])
            answer.headers["Cache-Control"] = "private, no-cache"
        if answer.status_code == 200 and request.method == "GET" and "ETag" in answer.headers:
            # Dash compares with its own tag; a browser sends the weak one that compressed bytes have
            answer.make_conditional(request)
        return compress(answer, request, _FILES if fixed else answers)


def versioned(asset: str) -> str:
    """The address of an asset, which changes with its content."""
    return f"/assets/{asset}?m={hashlib.sha256((ASSETS / asset).read_bytes()).hexdigest()[:16]}"


def interpolated(index: str, plotly: str, parts: dict[str, str]) -> str:
    """The first page: the configuration names the bundle of Plotly, and the icon is in it."""
    config = re.sub(
        r"(<script[^>]*>)(.*?)(</script>)",
        # what the browser takes "not served locally" for is where Plotly comes from, and nothing else
        lambda found: (
            found[1] + json.dumps({**json.loads(found[2]), "serve_locally": False, "plotlyjs_url": plotly}) + found[3]
        ),
        parts["config"],
        flags=re.DOTALL,
    )
    icon = f'<link rel="icon" type="image/svg+xml" href="{_data(ASSETS / "favicon.svg")}">'
    for name, value in {**parts, "config": config, "favicon": icon}.items():
        index = index.replace("{%" + name + "%}", value)
    return index


def _scripts(tags: str, content_of: Callable[[str], bytes], address: Callable[..., str]) -> str:
    """One script of all that load no further parts from beside them, before the others."""
    alone, together = [], []
    for url in _SCRIPT.findall(tags):
        if any(part in url for part in LEFT_OUT):
            continue
        bundle = next((asset for part, asset in _REPLACED.items() if part in url), None)
        content = (ASSETS / bundle).read_bytes() if bundle else content_of(url)
        if b"currentScript" in content and bundle is None:
            alone.append(f'<script src="{url}"></script>')
        else:  # the semicolon keeps "use strict" of one from holding for all
            together.append(b";" + re.sub(rb"(?m)^//# sourceMappingURL=.*$", b"", content))
    rest = _SCRIPT.sub("", tags).strip()
    url = address(b"\n".join(together), "js", "text/javascript")
    return "\n".join((f'<script src="{url}"></script>', *alone, rest))


def _styles(tags: str, content_of: Callable[[str], bytes], address: Callable[..., str]) -> str:
    """One style sheet with the pictures in it."""
    sheets = [_whole(content_of(url).decode(), url) for url in _STYLE.findall(tags)]
    url = address("\n".join(sheets).encode(), "css", "text/css")
    return f'<link rel="stylesheet" href="{url}">'


def _whole(sheet: str, url: str) -> str:
    """A style sheet whose pictures are in it and whose other files are named from the root."""
    folder = url.partition("?")[0].removeprefix("/assets/").rpartition("/")[0]

    def put(found: re.Match[str]) -> str:
        name = f"{folder}/{found[1]}".lstrip("/")
        return f'url("{_data(ASSETS / name) if name.endswith(".svg") else versioned(name)}")'

    return _URL.sub(put, sheet) if url.startswith("/assets/") else sheet


def _data(path: Path) -> str:
    return f"data:image/svg+xml;base64,{b64encode(path.read_bytes()).decode()}"


class Packed:
    """Large answers as they were compressed before: the same picture is asked for by each visitor and each reload.

    >>> packed = Packed("small", most=100)
    >>> packed.get(b"a" * 60, "gzip") == packed.get(b"a" * 60, "gzip"), packed.size < 60
    (True, True)
    """

    def __init__(self, level: str, most: int = _KEPT_BYTES) -> None:
        """Nothing yet; the answers that were not asked for the longest go once there are more than `most` bytes.

        Args:
            level: A key of `_LEVELS`.
            most: Bytes to keep.
        """
        self.size = 0
        self._level = level
        self._most = most
        self._found: OrderedDict[tuple[bytes, str], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, whole: bytes, coding: str) -> bytes:
        """The bytes in an encoding."""
        key = hashlib.sha256(whole).digest(), coding
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        small = _smaller(whole, coding, self._level)
        with self._lock:
            if key not in self._found:
                self._found[key] = small
                self.size += len(small)
            while self.size > self._most and len(self._found) > 1:
                self.size -= len(self._found.popitem(last=False)[1])
        return small


_FILES = Packed("once")
"""Scripts and styles, for all applications of this process."""


def compress(answer: Response, request: Request, packed: Packed) -> Response:
    """An answer as small as the browser that asked can read it.

    Args:
        answer: A response of Flask.
        request: The request.
        packed: Large answers that were compressed before.
    """
    if not _KINDS.match(answer.mimetype or ""):
        return answer
    answer.headers.add("Vary", "Accept-Encoding")
    if answer.status_code != 200 or request.method == "HEAD" or "Content-Encoding" in answer.headers:
        return answer
    coding = next((name for name in ("zstd", "gzip") if request.accept_encodings[name] > 0), None)
    if coding is None or (answer.is_streamed and not answer.direct_passthrough):
        return answer
    answer.direct_passthrough = False
    whole = answer.get_data()
    if len(whole) < _SMALL:
        return answer
    answer.set_data(packed.get(whole, coding) if len(whole) >= _LARGE else _smaller(whole, coding, "fast"))
    answer.headers["Content-Encoding"] = coding
    if "ETag" in answer.headers:  # of other bytes than those that are sent
        answer.set_etag(answer.get_etag()[0] or "", weak=True)
    return answer


def _smaller(content: bytes, coding: str, how: str) -> bytes:
    level = _LEVELS[how][coding]
    if coding == "zstd":
        import zstandard

        return zstandard.ZstdCompressor(level=level).compress(content)
    packer = zlib.compressobj(level, wbits=31)
    return packer.compress(content) + packer.flush()
