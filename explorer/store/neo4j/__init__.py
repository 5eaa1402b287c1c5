"""A Neo4j server as the store."""
