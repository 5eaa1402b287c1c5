"""A local Neo4j without Docker: `skillgraph server start | stop | status`."""

from explorer.server.folders import cache_folder, server_home
from explorer.server.jars import NEO4J_VERSION, Provision, provision
from explorer.server.local import Credentials, LocalServer, ServerOptions, ServerStatus, free_port, local_credentials

__all__ = [
    "NEO4J_VERSION",
    "Credentials",
    "LocalServer",
    "Provision",
    "ServerOptions",
    "ServerStatus",
    "cache_folder",
    "free_port",
    "local_credentials",
    "provision",
    "server_home",
]
