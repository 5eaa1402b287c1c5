"""The explorer as a Dash application, and serving it on this machine."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from explorer.errors import USER_ERRORS, SkillgraphError, StoreError
from ui.memory import keep_memory_small
from ui.security import LOCAL_NAMES
from ui.source import OpeningError, Source
from ui.typed import Properties

if TYPE_CHECKING:
    from dash import Dash
    from dash.development.base_component import Component
    from waitress.server import BaseWSGIServer, MultiSocketServer

    from ui.content import Content, Update

__all__ = ["BackgroundServer", "create_app", "serve"]

_log = logging.getLogger(__name__)
_INDEX = """<!DOCTYPE html>
<html lang="en">
<head>{%metas%}<title>{%title%}</title>{%favicon%}{%css%}</head>
<body>{%app_entry%}<footer>{%config%}{%scripts%}{%renderer%}</footer></body>
</html>"""


def create_app(
    store_url: str | Path | None,
    *,
    password: str | None = None,
    password_hash: str | None = None,
    secure_cookies: bool = False,
    framed: bool = False,
) -> Dash:
    """The application for a store; the store is opened when the first page asks for it.

    Args:
        store_url: Path or address of the store; None for the default one.
        password: If given, every page asks for it first; without, only this machine's own names are answered.
        password_hash: Its hash in its place.
        secure_cookies: Send the session's cookie over HTTPS only.
        framed: Let pages of this machine, as that of a notebook, show it in a frame.

    Returns:
        A `dash.Dash`; its `server` is the WSGI application.
    """
    from dash import Dash

    from ui.delivery import deliver
    from ui.pages import PAGES
    from ui.pages.saved_views import CALLS as VIEWS
    from ui.scripts import serve_scripts
    from ui.security import LoginGate, protect
    from ui.shell import shell
    from ui.still import still
    from ui.work.uploads import receive_files

    locked = password is not None or password_hash is not None
    gate = LoginGate(password, hashed=password_hash) if locked else None
    source = Source(store_url)
    app = Dash(
        "ui",
        assets_folder=str(Path(__file__).parent / "assets"),
        serve_locally=True,
        assets_ignore=r"^(login|editor|cytoscape|pdf|plotly)\..*",
        suppress_callback_exceptions=True,
        title="Skillgraph Explorer",
        update_title=None,  # type: ignore[arg-type]  # Dash documents None
        on_error=_report,
        index_string=_INDEX,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    serve_scripts(app)
    app.server.extensions["skillgraph"] = source  # whoever serves the application closes it
    app.layout = still(shell(str(store_url or "skillgraph.kgl"), login=locked))
    _register_routes(app, source)
    for page in PAGES:
        page.register(app, source)
    VIEWS.register(app, source)
    receive_files(app, source.uploads)
    deliver(app)
    protect(app, gate=gate, secure_cookies=secure_cookies, framed=framed)
    return app


def _report(error: Exception) -> None:
    """An error of a callback becomes a sentence on the page; what is not the user's goes to the log too."""
    from dash import set_props

    from ui.boundary import failed
    from ui.calls import PartError
    from ui.notices import notice

    part = error.part if isinstance(error, PartError) else "this page"
    if isinstance(error, PartError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    if isinstance(error, USER_ERRORS):
        said = notice(str(error))
    else:
        _log.error("%s could not be made", part, exc_info=error)
        said = failed(part, error)
    set_props("notice", {"children": said})


def _register_routes(app: Dash, source: Source) -> None:
    from dash import ALL, ClientsideFunction, Input, Output, State

    from ui.notices import banner, store_away
    from ui.still import still

    def js(name: str) -> ClientsideFunction:
        return ClientsideFunction("sg", name)

    app.clientside_callback(
        js("route"),
        Output("route", "data"),
        Output({"type": "nav", "path": ALL}, "href"),
        Output({"type": "nav", "path": ALL}, "active"),
        Input("url", "pathname"),
        Input("url", "search"),
        Input("store-version", "data"),
        State({"type": "nav", "path": ALL}, "id"),
        State("route", "data"),
    )
    app.clientside_callback(
        js("pick"),
        Output("url", "search"),
        Input({"type": "pick", "field": ALL}, "value"),
        State({"type": "pick", "field": ALL}, "id"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        js("closeDialog"),
        Output("m-modal", "opened", allow_duplicate=True),
        Input("url", "pathname"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        js("toggleScheme"),
        Output("scheme", "data"),
        Input("toggle-scheme", "n_clicks"),
        State("shown-scheme", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        js("scheme"),
        Output("shown-scheme", "data"),
        Output("mantine", "forceColorScheme"),
        Input("scheme", "data"),
    )

    @app.callback(
        Output("store-version", "data"),
        Output("banner", "children"),
        Input("heartbeat", "n_intervals"),
        State("store-version", "data"),
    )
    def beat(_: int | None, seen: str | None) -> tuple[Update[str], Content]:
        from dash import no_update

        try:
            version = source.snapshot().version
        except StoreError as error:
            return "away", banner(str(error), opening=isinstance(error, OpeningError))
        return (no_update if version == seen else version), None

    @app.callback(Output("page", "children"), Output("notice", "children"), Input("route", "data"))
    def show(route: dict[str, str] | None) -> tuple[Update[Content], Update[Content]]:
        from dash import no_update

        if route is None:
            return no_update, no_update
        return still(_page(source, route["path"], dict(parse_qsl(route["search"].lstrip("?"))))), None

    def _page(source: Source, path: str, query: dict[str, str]) -> Component:
        from ui.boundary import page_failed
        from ui.components import empty_state
        from ui.pages import PAGES

        found = next((page for page in PAGES if page.path == path), None)
        if found is None:
            return empty_state(
                "There is no such page",
                f"The address {path} is not a page of the explorer; the pages are listed on the left.",
            )
        if path == "/query":
            source.queries.prepare()  # while the browser is busy with the page
        elif "run" in query:
            source.runs.prepare()
        try:
            with source.elsewhere():
                return found.layout(source.snapshot(), query)
        except StoreError as error:
            if path == "/load":  # what is loaded makes the store
                return found.layout(None, query)
            return store_away(str(error), opening=isinstance(error, OpeningError))
        except Exception as error:  # noqa: BLE001 - whatever a page raises, the others stay
            _log.exception("page %s could not be made", path)
            return page_failed(found.name, error)


def serve(
    store_url: str | Path | None,
    *,
    host: str = "127.0.0.1",
    port: int = 8050,
    open_browser: bool = False,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the explorer until it is interrupted.

    Args:
        store_url: Path or address of the store; None for the default one.
        host: Address to listen on; any but this machine's own needs the environment's `SKILLGRAPH_UI_PASSWORD` or
            `SKILLGRAPH_UI_PASSWORD_HASH`.
        port: Port; 0 takes a free one.
        open_browser: Open a browser window.
        on_ready: Called with the address once connections are accepted.

    Raises:
        SkillgraphError: The port is in use, or a password is needed and there is none.
    """
    import os

    keep_memory_small()
    # Taken out of the environment, so that child processes do not have it.
    password = os.environ.pop("SKILLGRAPH_UI_PASSWORD", None) or None
    hashed = os.environ.pop("SKILLGRAPH_UI_PASSWORD_HASH", None) or None
    secure = os.environ.get("SKILLGRAPH_UI_HTTPS", "") not in ("", "0")
    proxy = _proxy(os.environ.get("SKILLGRAPH_UI_PROXY", ""))
    if host not in LOCAL_NAMES and password is None and hashed is None:
        raise SkillgraphError(
            f"listening on {host} is open to other machines: set a password in the environment, SKILLGRAPH_UI_PASSWORD "
            "or SKILLGRAPH_UI_PASSWORD_HASH, or leave --host at 127.0.0.1"
        )
    if host not in LOCAL_NAMES and not secure and proxy is None:
        _log.warning(
            "Passwords and pages can be read in transit to %s: put a proxy with HTTPS in front of the explorer and "
            "give its address in SKILLGRAPH_UI_PROXY.",
            host,
        )
    listener = _listen(host, port)
    app = create_app(store_url, password=password, password_hash=hashed, secure_cookies=secure)
    server, address = _server(app, listener, host, proxy=proxy)
    if on_ready is not None:
        on_ready(address)
    if open_browser:
        import threading
        import webbrowser

        threading.Timer(0.5, webbrowser.open, [address]).start()
    try:
        server.run()
    finally:
        server.close()
        app.server.extensions["skillgraph"].close()


class BackgroundServer:
    """The explorer of a store in a thread of this process, for notebooks: on this machine only, until `close`."""

    def __init__(self, store_url: str | Path | None, *, port: int = 0, framed: bool = False) -> None:
        """Start it; connections are accepted from then on.

        Args:
            store_url: See `serve`.
            port: See `serve`.
            framed: Let a page of this machine, as that of a notebook, show the explorer in a frame.

        Raises:
            SkillgraphError: The port is in use.
        """
        import threading

        listener = _listen(LOCAL_NAMES[0], port)
        self._app = create_app(store_url, framed=framed)
        self._server, self.address = _server(self._app, listener, LOCAL_NAMES[0])
        self._thread = threading.Thread(target=self._server.run, name="explorer", daemon=True)
        self._closed = False
        self._thread.start()

    def wait(self) -> None:
        """Return when it has been closed, or at Ctrl-C."""
        try:
            self._thread.join()
        except KeyboardInterrupt:
            self.close()

    @property
    def closed(self) -> bool:
        """True once it has been closed."""
        return self._closed

    def close(self) -> None:
        """End it; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._server.task_dispatcher.shutdown()  # answers that are being sent need the server
        self._server.close()
        self._app.server.extensions["skillgraph"].close()


def _server(
    app: Dash, listener: socket.socket, host: str, *, proxy: str | None = None
) -> tuple[MultiSocketServer | BaseWSGIServer, str]:
    """A server of the application, and its address; of a trusted proxy it learns who asks, how, and for which host."""
    from waitress.server import create_server

    server = create_server(app.server, sockets=[listener], threads=16, ident=None, **_trusted(proxy))
    shown = f"[{host}]" if ":" in host else host
    return server, f"http://{shown}:{listener.getsockname()[1]}/"


def _trusted(proxy: str | None) -> Properties:
    """What waitress is told of the proxy before it; without one, nobody is believed who says to be one."""
    if proxy is None:
        return {"clear_untrusted_proxy_headers": True}
    return {
        "trusted_proxy": proxy,
        "trusted_proxy_count": 1,
        "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"},
        "clear_untrusted_proxy_headers": True,
    }


def _proxy(given: str) -> str | None:
    """The address of the proxy in the environment.

    Raises:
        SkillgraphError: It is no address of a machine.
    """
    import ipaddress

    if not given:
        return None
    try:
        return str(ipaddress.ip_address(given.strip()))
    except ValueError:
        raise SkillgraphError(
            f"SKILLGRAPH_UI_PROXY is {given!r}: give the address from which the proxy connects, such as 127.0.0.1"
        ) from None


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise SkillgraphError(
            f"port {port} on {host} cannot be used ({error.strerror or error}): choose another with --port, "
            "or --port 0 for any free port"
        ) from None
    return listener
