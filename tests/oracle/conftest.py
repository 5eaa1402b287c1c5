"""The server that says what is right."""

from tests.support.neo4j import neo4j_server

__all__ = ["neo4j_server"]
