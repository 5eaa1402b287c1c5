"""The server that measures correctness."""

from tests.support.neo4j import neo4j_server

__all__ = ["neo4j_server"]
