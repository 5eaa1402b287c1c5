"""The tools served by the official `mcp` package: on standard input and output, or over HTTP to this machine."""

from __future__ import annotations

import functools
import hmac
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import explorer
from explorer.agent.tools import Tools, described
from explorer.errors import USER_ERRORS, ServerError, SkillgraphError
from explorer.extras import how_to_add

if TYPE_CHECKING:
    from mcp.server import MCPServer

__all__ = ["HOST", "PATH", "TokenGate", "make_server", "serve_http", "serve_stdio"]

HOST = "127.0.0.1"
"""The one address that HTTP is served on."""
PATH = "/mcp"
"""The one path that is served."""
_INSTRUCTIONS = (
    "Texts require skills, and a layer is what a learner has learned from texts. Begin with `datasets` and `layers`. "
    "Before asking Cypher read the resource skillgraph://schema; skillgraph://cookbook has tested queries. Ids of "
    "skills are not their names: look them up with `query`. Nothing can be written. Lists are cut where an answer has "
    "`cut` or `truncated`."
)

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def make_server(tools: Tools) -> MCPServer[Any]:
    """The tools and pages as a server of the `mcp` package.

    Raises:
        ServerError: The package is not installed.
    """
    try:
        from mcp.server import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError
        from mcp.server.mcpserver.resources import FunctionResource
        from mcp.server.mcpserver.tools import Tool
        from mcp.types import ToolAnnotations
    except ImportError:
        raise ServerError(f"serving agents needs the mcp package: {how_to_add('mcp')}") from None

    def told(function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        """The function with errors of its input as one sentence for the agent."""

        @functools.wraps(function)
        def tool(**given: Any) -> dict[str, Any]:
            try:
                return function(**given)
            except USER_ERRORS as error:
                raise ToolError(" ".join(str(error).split())) from error
            except MemoryError:
                raise ToolError("not enough memory for this: ask for less") from None

        return tool

    reads = ToolAnnotations(read_only_hint=True, open_world_hint=False, idempotent_hint=True)
    made = []
    for function in tools.functions():
        summary, arguments = described(function)
        tool = Tool.from_function(told(function), description=summary, annotations=reads)
        for name, said in arguments.items():
            tool.parameters["properties"][name]["description"] = said
        made.append(tool)
    pages = [
        FunctionResource(
            uri=page.uri, name=page.name, description=page.description, mime_type="text/markdown", fn=page.read
        )
        for page in tools.pages()
    ]
    server: MCPServer[Any] = MCPServer(
        "skillgraph",
        title="Skillgraph Explorer",
        instructions=_INSTRUCTIONS,
        version=explorer.__version__,
        tools=made,
        resources=[*pages],
        log_level="WARNING",
    )
    # What an agent asked wrongly is told to the agent; it is no event of this program.
    logging.getLogger("mcp").setLevel(logging.ERROR)
    return server


def serve_stdio(tools: Tools) -> None:
    """Serve one agent on standard input and output until it closes them.

    Raises:
        SkillgraphError: The store cannot be opened, or the `mcp` package is not installed.
    """
    server = make_server(tools)
    tools.check()
    server.run("stdio")


def serve_http(tools: Tools, *, port: int, token: str, ready: Callable[[str], None] = lambda address: None) -> None:
    """Serve agents on this machine that know a token, until Ctrl-C.

    Args:
        tools: The tools.
        port: Port on 127.0.0.1; 0 takes a free one.
        token: What a request must bring as `Authorization: Bearer …`.
        ready: Called with the address once requests are taken.

    Raises:
        SkillgraphError: The store cannot be opened, the port is in use, or the `mcp` package is not installed.
    """
    server = make_server(tools)
    tools.check()
    import uvicorn
    from mcp.server.transport_security import TransportSecuritySettings

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise ServerError(
            f"port {port} on {HOST} cannot be used ({error.strerror or error}): choose another with --port, or 0"
        ) from None
    listener.listen()
    names = [f"{name}:{listener.getsockname()[1]}" for name in (HOST, "localhost")]
    # A page in a browser can make a name of its own mean 127.0.0.1: only these names are answered.
    security = TransportSecuritySettings(allowed_hosts=names, allowed_origins=[f"http://{name}" for name in names])
    app = TokenGate(server.streamable_http_app(streamable_http_path=PATH, transport_security=security), token)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=2)
    with listener:
        ready(f"http://{names[0]}{PATH}")
        uvicorn.Server(config).run(sockets=[listener])


class TokenGate:
    """Lets only requests through that bring the token; an ASGI application around another.

    Args:
        app: What is behind it.
        token: The token.

    Raises:
        SkillgraphError: The token is too short to keep anybody out.
    """

    def __init__(self, app: Any, token: str) -> None:
        if len(token) < 16 or not token.isascii() or not token.isprintable() or " " in token:
            raise SkillgraphError("the token must have at least 16 printable ASCII characters without spaces")
        self._app: Application = app
        self._wanted = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        brought = [value for name, value in scope.get("headers", ()) if name == b"authorization"]
        if len(brought) == 1 and hmac.compare_digest(brought[0], self._wanted):
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        body = b'{"error": "the token is missing or wrong: send it as Authorization: Bearer"}\n'
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"www-authenticate", b"Bearer"),
        ]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": body})
