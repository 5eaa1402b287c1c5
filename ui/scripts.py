"""The pages' scripts: each lies beside its page, and the browser is sent all of them as one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dash import Dash

__all__ = ["page_scripts", "serve_scripts"]

_ADDRESS = "/assets/pages.js"


def page_scripts() -> str:
    """All scripts of the pages, one after the other in order of their names."""
    found = sorted((Path(__file__).parent / "pages").glob("*/*.js"))
    return "\n".join(path.read_text(encoding="utf-8") for path in found)


def serve_scripts(app: Dash) -> None:
    """Serve them under one address, which changes with them so that a browser may keep them."""
    from flask import Response

    content = page_scripts()
    version = hashlib.sha256(content.encode()).hexdigest()[:16]
    app.config.external_scripts.append(f"{_ADDRESS}?m={version}")

    @app.server.get(_ADDRESS)
    def scripts() -> Response:
        answer = Response(content, mimetype="text/javascript")
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return answer
