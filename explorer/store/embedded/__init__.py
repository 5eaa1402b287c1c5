"""The default store: columns in one file, and Neo4j's Cypher dialect on a graph built from them, in this process."""
