"""The lock of Neo4j's jars of one version, from Maven's own resolution: python -m tests.hardening.neo4j_lock VERSION.

It needs `mvn`. The output is a file for `explorer/server/`: coordinate, size and SHA-256 of each jar.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from explorer.server.jars import Jar

BROWSER = "5.24.0"
"""Neo4j Browser has versions of its own; this is the newest that is published as a jar."""

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>lock</groupId><artifactId>lock</artifactId><version>1</version><dependencies>{dependencies}</dependencies>
</project>"""
_DEPENDENCY = (
    "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version>"
    "<exclusions>{}</exclusions></dependency>"
)
_ALL = "<exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion>"


def resolved(version: str, folder: Path) -> list[Jar]:
    """The jars of Neo4j Community with its server and Browser, copied into a folder by Maven."""
    wanted = [
        ("org.neo4j", "neo4j", version, ""),
        ("org.neo4j.app", "neo4j-server", version, ""),
        ("org.neo4j.client", "neo4j-browser", BROWSER, _ALL),
    ]
    pom = folder / "pom.xml"
    pom.write_text(_POM.format(dependencies="".join(_DEPENDENCY.format(*row) for row in wanted)), encoding="utf-8")
    goals = ["dependency:list", "dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
    done = subprocess.run(
        ["mvn", "-B", "-f", str(pom), *goals],
        capture_output=True,
        text=True,
        check=True,
    )
    jars = []
    for coordinate in re.findall(r"^\[INFO\]\s{2,}(\S+:jar:\S+:(?:compile|runtime))", done.stdout, re.MULTILINE):
        group, artifact, _, *classifier, number, _ = coordinate.split(":")
        jar = Jar(group, artifact, number, "".join(classifier), 0, "")
        content = (folder / jar.filename).read_bytes()
        jars.append(Jar(*coordinate.split(":")[:2], number, "".join(classifier), len(content), _sha256(content)))
    return sorted(jars, key=lambda jar: jar.coordinate)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def main() -> None:
    """Print the lock."""
    version = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        jars = resolved(version, Path(folder))
    print(f"# Jars of Neo4j Community {version} with its Browser: coordinate, size in bytes, SHA-256.")
    print("# Made by `python -m tests.hardening.neo4j_lock` from Maven's own resolution.")
    for jar in jars:
        print(jar.coordinate, jar.size, jar.sha256)


if __name__ == "__main__":
    main()
