"""The command line on a Neo4j server: the same commands as on the embedded file, with `--store neo4j://…`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from explorer.credentials import PASSWORD_VARIABLE, USER_VARIABLE
from tests.support.command_line import call_words
from tests.support.neo4j import RunningNeo4j

pytestmark = pytest.mark.neo4j

SOURCE = "import math\n\ndef first(x):\n    sorted(x)\n\ndef second(x):\n    len(sorted(x))\n"


def test_load_learn_associate_and_query(neo4j_server: RunningNeo4j, tmp_path: Path) -> None:
    neo4j_server.empty()
    (tmp_path / "work.py").write_text(SOURCE)
    login = {USER_VARIABLE: neo4j_server.credentials.user, PASSWORD_VARIABLE: neo4j_server.credentials.password}
    url = neo4j_server.url.replace("bolt://", "neo4j://")

    def run(*arguments: str) -> Any:
        done = call_words(tmp_path, [*arguments, "--store", url, "--json"], **login)
        assert done.code == 0, done.err
        return done.json

    # The first as a process of its own.
    first = subprocess.run(
        [str(Path(sys.executable).with_name("skillgraph")), "load", "work.py", "--dataset", "small", "--store", url],
        cwd=tmp_path,
        env={**os.environ, **login, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert first.returncode == 0, first.stderr
    [loaded] = run("datasets")["datasets"]
    assert (loaded["name"], loaded["texts"]) == ("small", 2)
    # `first` teaches sorted, and then `second` has only len left.
    assert run("learn", "foundation")["layer"]["learned"] == 2
    run("associate", "foundation")
    waves = run(
        "query",
        "MATCH (:Layer {name: $layer})-[l:LEARNED]->(s:Skill) RETURN s.name, l.wave ORDER BY l.wave",
        *("--param", "layer=foundation"),
    )
    assert waves["rows"] == [["sorted", 1], ["len", 2]]
    graph = run("query", "MATCH (a)-[r:ASSOCIATED_WITH]->(b) RETURN a, r, b", "--format", "graph")
    assert {node["properties"]["name"] for node in graph["nodes"]} == {"sorted", "len"}
    assert [link["type"] for link in graph["relationships"]] == ["ASSOCIATED_WITH"]
    assert "Skil" in run("query", "MATCH (s:Skil) RETURN s")["warnings"][0]
    assert list(tmp_path.iterdir()) == [tmp_path / "work.py"]
