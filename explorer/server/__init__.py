"""A local Neo4j without Docker: `skillgraph server start`, `stop` and `status`."""

from explorer.server.jars import NEO4J_VERSION, Provision, provision
from explorer.server.local import LocalServer, ServerOptions, ServerStatus, free_port

__all__ = [
    "NEO4J_VERSION",
    "LocalServer",
    "Provision",
    "ServerOptions",
    "ServerStatus",
    "free_port",
    "provision",
]
