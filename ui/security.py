"""Headers of every answer, and the login where the explorer is not for this machine alone."""

from __future__ import annotations

import hmac
import re
import secrets
import threading
import time
from typing import TYPE_CHECKING

from explorer.errors import SkillgraphError
from ui.requests import check_requests

if TYPE_CHECKING:
    from dash import Dash
    from flask import Flask, Request, Response
    from flask.sessions import SessionMixin
    from werkzeug.wrappers import Response as BaseResponse

__all__ = ["LOCAL_NAMES", "LoginGate", "Sessions", "protect"]

LOCAL_NAMES = ("127.0.0.1", "localhost", "::1")
"""Names of this machine that no other machine can take."""

_TRIES = 5  # wrong passwords from one address ...
_WINDOW = 300.0  # ... within as many seconds
_HOURS = 12
_ADDRESSES = 10_000  # addresses that are remembered
_LONGEST = 1_024  # letters of a password that are looked at
_LARGEST = 64 * 1024 * 1024  # bytes of a request
_HASH = re.compile(r"(scrypt:\d+:\d+:\d+|pbkdf2:\w+:\d+)\$[^$]+\$[0-9a-f]{32,}")


class Sessions:
    """Who is logged in: kept here and not in the cookie, so that a logout holds for every copy of it."""

    def __init__(self, seconds: float = _HOURS * 3600) -> None:
        """Nobody is.

        Args:
            seconds: How long a session lasts.
        """
        self._seconds = seconds
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()

    def begin(self) -> str:
        """A new session, by the name that its cookie carries."""
        name = secrets.token_urlsafe(32)
        with self._lock:
            now = time.monotonic()
            self._until = {key: until for key, until in self._until.items() if until > now}
            while len(self._until) >= _ADDRESSES:
                self._until.pop(next(iter(self._until)))
            self._until[name] = now + self._seconds
        return name

    def holds(self, name: object) -> bool:
        """True if it has begun, and neither ended nor been ended."""
        with self._lock:
            return isinstance(name, str) and self._until.get(name, 0.0) > time.monotonic()

    def end(self, name: object) -> None:
        """End a session; one that is not there is no error."""
        if isinstance(name, str):
            with self._lock:
                self._until.pop(name, None)


class LoginGate:
    """Checks a password slowly enough that guessing is hopeless, and counts wrong ones by address."""

    def __init__(
        self, password: str | None = None, *, hashed: str | None = None, tries: int = _TRIES, window: float = _WINDOW
    ) -> None:
        """The password itself is not kept: only its salted scrypt hash.

        Args:
            password: The password.
            hashed: In its place its hash, as `werkzeug.security.generate_password_hash` makes it.
            tries: Wrong passwords from one address ...
            window: ... within so many seconds.

        Raises:
            SkillgraphError: `hashed` is no such hash.
        """
        from werkzeug.security import generate_password_hash

        if hashed is not None and not _HASH.fullmatch(hashed):
            raise SkillgraphError(
                "SKILLGRAPH_UI_PASSWORD_HASH is not the hash of a password: it must be "
                "the result of werkzeug.security.generate_password_hash, scrypt:…$…$…"
            )
        self._hash = hashed or generate_password_hash(password or secrets.token_urlsafe())
        self._tries = tries
        self._window = window
        self._tried: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def _recent(self, address: str) -> list[float]:
        now = time.monotonic()
        recent = [moment for moment in self._tried.pop(address, ()) if now - moment < self._window]
        if recent:
            self._tried[address] = recent
        return recent

    def waiting(self, address: str) -> bool:
        """True if an address has had too many wrong passwords lately."""
        with self._lock:
            return len(self._recent(address)) >= self._tries

    def check(self, password: str, address: str) -> bool:
        """True for the right password; a wrong one is counted, and an address with too many is not listened to."""
        from werkzeug.security import check_password_hash

        with self._lock:
            if len(self._recent(address)) >= self._tries:
                return False
            # Counted before it is checked, so that guesses sent at the same time are counted too.
            self._tried.setdefault(address, []).append(time.monotonic())
            while len(self._tried) > _ADDRESSES:
                self._tried.pop(next(iter(self._tried)))
        if not check_password_hash(self._hash, password[:_LONGEST]):
            return False
        with self._lock:
            self._tried.pop(address, None)
        return True


def protect(app: Dash, *, gate: LoginGate | None, secure_cookies: bool, framed: bool = False) -> None:
    """Add security headers, checks of where requests come from and, with a gate, the login to a Dash application.

    Without a gate only requests to this machine's own names are answered: another site whose name is made to lead
    to 127.0.0.1 cannot ask anything. With `framed`, pages of this machine may show it in a frame; none otherwise.
    """
    server = app.server
    server.config["MAX_CONTENT_LENGTH"] = _LARGEST
    _headers(app, server, framed=framed)
    _origin(server, local=gate is None)
    if gate is not None:
        _login(server, gate, secure_cookies)
    check_requests(server)


def _origin(server: Flask, *, local: bool) -> None:
    from flask import Response, request

    def refused(text: str) -> Response:
        return Response(text, status=403, mimetype="text/plain")

    @server.before_request
    def check() -> Response | None:
        if local and _name(request.host) not in LOCAL_NAMES:
            return refused("This explorer answers on this machine only: open it at http://127.0.0.1 and its port.")
        if request.method not in ("GET", "HEAD", "OPTIONS") and not _same_origin(request):
            return refused("This request came from another site, so it was refused.")
        return None


def _name(host: str) -> str:
    """A host without its port.

    >>> _name("localhost:8050"), _name("[::1]:8050"), _name("127.0.0.1")
    ('localhost', '::1', '127.0.0.1')
    """
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _headers(app: Dash, server: Flask, *, framed: bool) -> None:
    hashes: list[str] = []
    ancestors = " ".join(f"http://{name}:*" for name in LOCAL_NAMES[:2]) if framed else "'none'"

    @server.after_request
    def add(response: Response) -> Response:
        if not hashes:
            hashes.extend(f"'{value}'" if not value.startswith("'") else value for value in app.csp_hashes())
        response.headers["Content-Security-Policy"] = "; ".join(
            (
                "default-src 'self'",
                f"script-src 'self' {' '.join(hashes)}",
                "style-src 'self' 'unsafe-inline'",  # Mantine and Plotly set styles on elements
                "img-src 'self' data: blob:",
                "font-src 'self' data:",
                "worker-src 'self' blob:",
                "connect-src 'self'",
                "object-src 'none'",
                "base-uri 'self'",
                "form-action 'self'",
                f"frame-ancestors {ancestors}",
            )
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        if not framed:
            response.headers["X-Frame-Options"] = "DENY"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        return response


def _login(server: Flask, gate: LoginGate, secure_cookies: bool) -> None:
    from flask import Response, abort, redirect, request, session
    from flask.sessions import SecureCookieSessionInterface

    class Cookies(SecureCookieSessionInterface):
        """The session's cookie, sent over HTTPS only where the request came over HTTPS, or where it has to be."""

        def get_cookie_secure(self, app: Flask) -> bool:
            return secure_cookies or bool(request.is_secure)

    sessions = Sessions()
    server.session_interface = Cookies()
    # Made anew at every start: with another password no earlier session holds.
    server.secret_key = secrets.token_bytes(32)
    server.config.update(
        SESSION_COOKIE_NAME="skillgraph",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        PERMANENT_SESSION_LIFETIME=_HOURS * 3600,
    )

    @server.before_request
    def ask() -> BaseResponse | None:
        if request.path in ("/login", "/assets/login.css") or request.path.startswith("/assets/fonts/"):
            return None
        if sessions.holds(session.get("in")):
            return None
        if request.method != "GET" or request.path.startswith(("/_dash", "/_joined", "/assets")):
            abort(401)
        return redirect("/login")

    @server.get("/login")
    def form() -> BaseResponse:
        return Response(_form(_token(session), ""), mimetype="text/html")

    @server.post("/login")
    def enter() -> BaseResponse:
        address = request.remote_addr or "?"
        if gate.waiting(address):
            text = "Too many wrong passwords from this address: try again in five minutes."
            return Response(_form(_token(session), text), status=429, mimetype="text/html")
        token = session.get("token")
        given = request.form.get("token", "")
        if not isinstance(token, str) or not hmac.compare_digest(given.encode("utf-8", "replace"), token.encode()):
            return Response(_form(_token(session), "The form has expired: try again."), 400, mimetype="text/html")
        if not gate.check(request.form.get("password", ""), address):
            return Response(_form(_token(session), "The password is wrong."), status=401, mimetype="text/html")
        sessions.end(session.get("in"))
        session.clear()
        session.permanent = True
        session["in"] = sessions.begin()
        return redirect("/")

    @server.post("/logout")
    def leave() -> BaseResponse:
        sessions.end(session.get("in"))
        session.clear()
        return redirect("/login")


def _same_origin(request: Request) -> bool:
    """True unless the browser says that another site sent the request."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return bool(site in ("same-origin", "none"))
    origin = request.headers.get("Origin")
    return origin is None or bool(origin.split("://", 1)[-1] == request.host)


def _token(session: SessionMixin) -> str:
    token: str = session.setdefault("token", secrets.token_urlsafe(24))
    return token


def _form(token: str, problem: str) -> str:
    from html import escape

    shown = f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Skillgraph Explorer</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/assets/login.css"></head>
<body><main><h1>Skillgraph Explorer</h1>{shown}
<form method="post" action="/login"><input type="hidden" name="token" value="{escape(token)}">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" autofocus required>
<button type="submit">Enter</button></form></main></body></html>"""
