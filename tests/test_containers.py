"""The compose file and the Dockerfile: valid to the tools that check them, and true to what the project is.

No Docker engine is needed: the compose file is checked against the Compose Specification's own schema, the
Dockerfile by hadolint, and what they name is looked up in the project and on a real Neo4j.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from explorer.credentials import PASSWORD_VARIABLE, USER_VARIABLE
from explorer.server import NEO4J_VERSION, ServerOptions
from explorer.server.local import render_configuration
from tests.support.neo4j import RunningNeo4j

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "Dockerfile"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe").load(COMPOSE)
    return content


@pytest.fixture(scope="module")
def neo4j(compose: dict[str, Any]) -> dict[str, Any]:
    service: dict[str, Any] = compose["services"]["neo4j"]
    return service


@pytest.fixture(scope="module")
def ui(compose: dict[str, Any]) -> dict[str, Any]:
    service: dict[str, Any] = compose["services"]["ui"]
    return service


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    """Instructions of the Dockerfile, each with what follows it on its lines."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in joined.splitlines() if line.strip()]


def of(instructions: list[tuple[str, str]], name: str) -> list[str]:
    return [content for instruction, content in instructions if instruction == name]


# The compose file ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", [None, ("ports:", "portz:"), ("condition:", "if:")], ids=["as it is", "key", "deep"])
def test_the_compose_file_follows_the_specification(tmp_path: Path, damage: tuple[str, str] | None) -> None:
    """The schema of the Compose Specification takes the file as it is, and not with a misspelt key."""
    path = tmp_path / "docker-compose.yml"
    text = COMPOSE.read_text()
    path.write_text(text.replace(*damage) if damage else text)
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == (1 if damage else 0), done.stdout + done.stderr


def test_neo4j_is_the_version_that_is_tested(neo4j: dict[str, Any]) -> None:
    assert neo4j["image"] == f"neo4j:{NEO4J_VERSION}-community"
    assert NEO4J_VERSION.startswith("5.26.")


def test_ports_are_of_this_machine_only(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service["ports"]]
    assert {port.rpartition(":")[2] for port in ports} == {"7474", "7687", "8050"}
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports)


def test_passwords_come_from_the_environment_and_have_no_default(neo4j: dict[str, Any], ui: dict[str, Any]) -> None:
    required = r"\$\{%s:\?[^}]+\}"
    assert re.fullmatch("neo4j/" + required % PASSWORD_VARIABLE, neo4j["environment"]["NEO4J_AUTH"])
    for name in (PASSWORD_VARIABLE, "SKILLGRAPH_UI_PASSWORD"):
        assert re.fullmatch(required % name, ui["environment"][name])
    assert ui["environment"][USER_VARIABLE] == "neo4j"


def test_data_outlive_the_container(compose: dict[str, Any], neo4j: dict[str, Any]) -> None:
    (volume,) = neo4j["volumes"]
    name, _, folder = volume.partition(":")
    assert folder == "/data"
    assert name in compose["volumes"]


def test_the_explorer_waits_for_a_neo4j_that_answers(neo4j: dict[str, Any], ui: dict[str, Any]) -> None:
    assert "http://127.0.0.1:7474/" in neo4j["healthcheck"]["test"]
    assert ui["depends_on"] == {"neo4j": {"condition": "service_healthy"}}
    assert ui["build"] == "."
    assert ui["environment"]["SKILLGRAPH_STORE"] == "neo4j://neo4j:7687"


def settings_of(neo4j: dict[str, Any]) -> dict[str, str]:
    """Neo4j's settings as its image takes them from the environment: `_` is a dot, `__` an underscore."""
    return {
        name.removeprefix("NEO4J_").replace("__", "\0").replace("_", ".").replace("\0", "_"): value
        for name, value in neo4j["environment"].items()
        if name not in ("NEO4J_AUTH", "NEO4J_PLUGINS")
    }


def test_queries_are_kept_from_files_and_addresses_as_on_the_projects_own_server(neo4j: dict[str, Any]) -> None:
    own = dict(line.split("=", 1) for line in render_configuration(Path("/home"), ServerOptions()).splitlines())
    settings = settings_of(neo4j)
    for name in ("dbms.security.allow_csv_import_from_file_urls", "internal.dbms.cypher_ip_blocklist"):
        assert settings[name] == own[name]
    assert re.fullmatch(r"\d+m", settings["db.transaction.timeout"])


@pytest.mark.neo4j
def test_every_setting_is_one_that_neo4j_knows(neo4j: dict[str, Any], neo4j_server: RunningNeo4j) -> None:
    known = {name for (name,) in neo4j_server.rows("SHOW SETTINGS YIELD name RETURN name")}
    public = {name for name in settings_of(neo4j) if not name.startswith("internal.")}
    assert public <= known


# The Dockerfile -----------------------------------------------------------------------------------------------


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("hadolint")), "--no-color", str(DOCKERFILE)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_file_that_is_copied_is_here_and_reaches_the_build(instructions: list[tuple[str, str]]) -> None:
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line]
    assert patterns[0] == "**"
    sent = [pattern.removeprefix("!") for pattern in patterns if pattern.startswith("!")]
    sources = [source for content in of(instructions, "COPY") for source in content.split()[:-1]]
    assert len(sources) > 6
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(fnmatch(source, pattern) for pattern in sent), source


def test_the_packages_are_those_of_the_wheel(instructions: list[tuple[str, str]]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    folders = {content.split()[0] for content in of(instructions, "COPY") if (ROOT / content.split()[0]).is_dir()}
    assert folders == packages
    image = re.fullmatch(r"python:3\.(\d+)-slim", of(instructions, "FROM")[0])
    assert image is not None
    assert f">=3.{min(11, int(image[1]))}" == project["project"]["requires-python"]


def test_requirements_are_installed_from_the_locks_by_hash(instructions: list[tuple[str, str]]) -> None:
    commands = [shlex.split(part) for run in of(instructions, "RUN") for part in run.split("&&")]
    installs = [command for command in commands if command[:2] == ["pip", "install"]]
    locked = [command for command in installs if "-r" in command]
    assert {command[command.index("-r") + 1] for command in locked} == {
        "requirements/build.lock",
        "requirements/runtime.lock",
    }
    assert all("--require-hashes" in command for command in locked)
    (own,) = [command for command in installs if "-r" not in command]
    assert {"--no-deps", "--no-build-isolation", "."} <= set(own)


def test_the_command_is_one_of_the_projects_and_takes_its_arguments(
    instructions: list[tuple[str, str]], ui: dict[str, Any]
) -> None:
    import typer

    from explorer.cli.app import app

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (entry,) = json.loads(of(instructions, "ENTRYPOINT")[0])
    assert entry in project["project"]["scripts"]
    name, *arguments = json.loads(of(instructions, "CMD")[0])
    group: Any = typer.main.get_command(app)
    # Parsed and checked, not run.
    command = group.get_command(group.make_context(entry, [name, *arguments]), name)
    values = command.make_context(name, list(arguments)).params
    assert values["host"] == "0.0.0.0"
    port = str(values["port"])
    assert of(instructions, "EXPOSE") == [port]
    assert f"('127.0.0.1', {port})" in of(instructions, "HEALTHCHECK")[0]
    assert ui["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_it_runs_as_a_user_that_is_made_before_and_is_not_root(instructions: list[tuple[str, str]]) -> None:
    number = of(instructions, "USER")[-1]
    assert int(number) >= 1000
    assert any(f"--uid {number}" in run for run in of(instructions, "RUN") if run.startswith("useradd"))
    order = [name for name, _ in instructions]
    assert order.index("USER") < order.index("ENTRYPOINT")
