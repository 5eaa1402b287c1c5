"""A local Neo4j without Docker: `skillgraph server start`, `stop` and `status`."""

from explorer.server.jars import NEO4J_VERSION, NEO4J_VERSIONS, Provision, find_version, provision
from explorer.server.local import LocalServer, ServerOptions, ServerStatus, free_port

__all__ = [
    "NEO4J_VERSION",
    "NEO4J_VERSIONS",
    "LocalServer",
    "Provision",
    "ServerOptions",
    "ServerStatus",
    "find_version",
    "free_port",
    "provision",
]
