"""`ui`: the explorer in the browser."""

from __future__ import annotations

from typing import Annotated

import typer

from explorer.cli.console import StoreOption, guarded, note

__all__ = ["HostOption", "PortOption", "register", "serve"]

HostOption = Annotated[
    str, typer.Option("--host", help="Address to listen on; other than 127.0.0.1 needs SKILLGRAPH_UI_PASSWORD.")
]
PortOption = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 takes a free one.")]


def serve(store: str | None, *, host: str, port: int, browser: bool = True) -> None:
    """Serve the explorer until Ctrl-C."""
    from ui.app import serve as serve_ui

    def ready(address: str) -> None:
        note(f"The explorer is at {address} (Ctrl-C ends it).")

    serve_ui(store, host=host, port=port, open_browser=browser, on_ready=ready)


@guarded
def ui(
    host: HostOption = "127.0.0.1",
    port: PortOption = 8050,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser window.")] = True,
    store: StoreOption = None,
) -> None:
    """Open the explorer in the browser.

    Example: skillgraph ui --port 8051
    """
    serve(store, host=host, port=port, browser=browser)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ui")(ui)
