"""One store protocol, two implementations: embedded (kglite) and server (Neo4j)."""
