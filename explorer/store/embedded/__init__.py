"""The default store: Neo4j's Cypher dialect in one file, in this process."""
