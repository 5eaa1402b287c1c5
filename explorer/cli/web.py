"""`ui`: the explorer in the browser."""

from __future__ import annotations

from typing import Annotated

import typer

from explorer.cli.group import Run, command
from explorer.errors import ServerError

__all__ = ["HostOption", "PortOption", "check_address", "serve", "ui"]

HostOption = Annotated[
    str, typer.Option("--host", help="Address to listen on; any but 127.0.0.1 needs SKILLGRAPH_UI_PASSWORD.")
]
PortOption = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 chooses a free one.")]


def check_address(host: str, port: int) -> None:
    """Find out before a long run whether the address can be listened on.

    Raises:
        ServerError: The port is in use, or the address is not of this machine.
    """
    import errno
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be listened on ({error.strerror})"
            raise ServerError(
                f"port {port} on {host} {reason}: stop the program that uses it, or choose another port with --port"
            ) from None


def serve(run: Run, store: str | None, *, host: str, port: int, browser: bool = True) -> None:
    """Serve the explorer until Ctrl-C."""
    from ui.app import serve as serve_ui

    check_address(host, port)

    def ready(address: str) -> None:
        typer.echo(f"The explorer is at {address} (Ctrl-C stops it).", err=True)

    serve_ui(store, host=host, port=port, open_browser=browser, on_ready=ready)


@command(store="read")
def ui(
    run: Run,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8050,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser window.")] = True,
) -> None:
    """Open the explorer in the browser.

    Example: skillgraph ui --port 8051
    """
    serve(run, run.store, host=host, port=port, browser=browser)
