"""Headers of every answer, and the login where the explorer is not for this machine alone."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from typing import Any

__all__ = ["LoginGate", "protect"]

_TRIES = 5  # wrong passwords from one address ...
_WINDOW = 300.0  # ... within as many seconds
_HOURS = 12


class LoginGate:
    """Checks a password slowly enough that guessing is hopeless, and counts wrong ones by address."""

    def __init__(self, password: str, *, tries: int = _TRIES, window: float = _WINDOW) -> None:
        """The password itself is not kept: only its scrypt hash under a salt of this process."""
        self._salt = secrets.token_bytes(16)
        self._hash = self._digest(password)
        self._tries = tries
        self._window = window
        self._wrong: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def _digest(self, password: str) -> bytes:
        import hashlib

        return hashlib.scrypt(password.encode(), salt=self._salt, n=2**14, r=8, p=1)

    def waiting(self, address: str) -> bool:
        """True if an address has had too many wrong passwords lately."""
        with self._lock:
            now = time.monotonic()
            recent = [moment for moment in self._wrong.get(address, ()) if now - moment < self._window]
            if recent:
                self._wrong[address] = recent
            else:
                self._wrong.pop(address, None)
            return len(recent) >= self._tries

    def check(self, password: str, address: str) -> bool:
        """True for the right password; a wrong one is counted."""
        if hmac.compare_digest(self._digest(password), self._hash):
            with self._lock:
                self._wrong.pop(address, None)
            return True
        with self._lock:
            self._wrong.setdefault(address, []).append(time.monotonic())
        return False


def protect(app: Any, *, password: str | None, secure_cookies: bool) -> None:
    """Add security headers and, with a password, the login to a Dash application."""
    server = app.server
    _headers(app, server)
    if password is not None:
        _login(server, LoginGate(password), secure_cookies)


def _headers(app: Any, server: Any) -> None:
    hashes: list[str] = []

    @server.after_request  # type: ignore[untyped-decorator,unused-ignore]
    def add(response: Any) -> Any:
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
                "frame-ancestors 'none'",
            )
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["X-Frame-Options"] = "DENY"
        return response


def _login(server: Any, gate: LoginGate, secure_cookies: bool) -> None:
    from flask import Response, abort, redirect, request, session

    server.secret_key = secrets.token_bytes(32)
    server.config.update(
        SESSION_COOKIE_NAME="skillgraph",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_SECURE=secure_cookies,
        PERMANENT_SESSION_LIFETIME=_HOURS * 3600,
    )

    @server.before_request  # type: ignore[untyped-decorator,unused-ignore]
    def ask() -> Any:
        if request.method not in ("GET", "HEAD", "OPTIONS") and not _same_origin(request):
            abort(403)
        if request.path in ("/login", "/assets/login.css") or request.path.startswith("/assets/fonts/"):
            return None
        if session.get("in"):
            return None
        if request.method != "GET" or request.path.startswith(("/_dash", "/assets")):
            abort(401)
        return redirect("/login")

    @server.get("/login")  # type: ignore[untyped-decorator,unused-ignore]
    def form() -> Any:
        return Response(_form(_token(session), ""), mimetype="text/html")

    @server.post("/login")  # type: ignore[untyped-decorator,unused-ignore]
    def enter() -> Any:
        address = request.remote_addr or "?"
        if gate.waiting(address):
            text = "Too many wrong passwords from this address: try again in five minutes."
            return Response(_form(_token(session), text), status=429, mimetype="text/html")
        if not hmac.compare_digest(request.form.get("token", ""), session.get("token", "none")):
            return Response(_form(_token(session), "The form was out of date: try again."), 400, mimetype="text/html")
        if not gate.check(request.form.get("password", ""), address):
            return Response(_form(_token(session), "That is not the password."), status=401, mimetype="text/html")
        session.clear()
        session.permanent = True
        session["in"] = True
        return redirect("/")

    @server.post("/logout")  # type: ignore[untyped-decorator,unused-ignore]
    def leave() -> Any:
        session.clear()
        return redirect("/login")


def _same_origin(request: Any) -> bool:
    """True unless the browser says that another site sent the request."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return bool(site in ("same-origin", "none"))
    origin = request.headers.get("Origin")
    return origin is None or bool(origin.split("://", 1)[-1] == request.host)


def _token(session: Any) -> str:
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
