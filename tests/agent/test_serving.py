"""The server as an agent meets it: a real client of the official package, over both transports."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from explorer.agent.serving import TokenGate
from explorer.errors import SkillgraphError
from tests.support.command_line import call_words

SKILLGRAPH = Path(sys.executable).with_name("skillgraph")
PAGE = Path(__file__).parents[2] / "docs" / "agents.md"
NAMES = ["datasets", "layers", "query", "why", "plan", "compare", "predict"]
TOKEN = "a token of sixteen letters".replace(" ", "-")


def apart(run: Callable[[], object]) -> None:
    """Run in a thread of its own: where a browser was driven before, an event loop is running in this one."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(run).result()


async def conversation(client: Client) -> None:
    """What an agent does first, and what it may do wrong."""
    listed = (await client.list_tools()).tools
    assert [tool.name for tool in listed] == NAMES
    for tool in listed:
        assert tool.description
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint
        assert all(about.get("description") for about in tool.input_schema["properties"].values()), tool.name
    pages = {str(page.uri) for page in (await client.list_resources()).resources}
    assert pages == {"skillgraph://schema", "skillgraph://cookbook"}
    [schema] = (await client.read_resource("skillgraph://schema")).contents
    assert "[:REQUIRES]" in schema.text  # type: ignore[union-attr]

    found = await client.call_tool("datasets", {})
    assert found.structured_content is not None
    assert found.structured_content["datasets"][0]["name"] == "python"
    assert json.loads(found.content[0].text) == found.structured_content  # type: ignore[union-attr]
    rows = (await client.call_tool("query", {"cypher": "MATCH (s:Skill) RETURN s.id", "limit": 2})).structured_content
    assert rows is not None
    assert rows["truncated"]
    assert len(rows["rows"]) == 2
    for tool_name, arguments, said in (
        ("query", {"cypher": "MATCH (s) DETACH DELETE s"}, "read"),
        ("query", {"cypher": "MATCH (s) RETURN s", "limit": 10**9}, "limit"),
        ("why", {"skill": "no-such", "layer": "foundation"}, "no-such"),
        ("plan", {"layer": "foundation", "by": "magic"}, "by"),
        ("predict", {"ratio": "many", "mean_skills": 1}, "ratio"),
    ):
        refused = await client.call_tool(tool_name, arguments)
        assert refused.is_error, tool_name
        assert said in refused.content[0].text  # type: ignore[union-attr]
        assert "Traceback" not in refused.content[0].text  # type: ignore[union-attr]


@pytest.mark.ci
def test_over_standard_input_and_output(folder: Path) -> None:
    [shown] = re.findall(r"^```json\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    words = json.loads(shown)["mcpServers"]["skillgraph"]
    assert words["command"] == "skillgraph"

    async def talk() -> None:
        async with Client(StdioServerParameters(command=str(SKILLGRAPH), args=words["args"], cwd=folder)) as client:
            await conversation(client)
            # Calls at once are answered each with its own.
            asked = [client.call_tool("query", {"cypher": f"RETURN {n} AS n"}) for n in range(3)]
            answers = await asyncio.gather(*asked)
            assert [answer.structured_content["rows"] for answer in answers if answer.structured_content] == [
                [[0]], [[1]], [[2]]
            ]  # fmt: skip

    apart(lambda: asyncio.run(talk()))


@dataclass(frozen=True)
class Served:
    process: subprocess.Popen[str]
    port: int
    said: str


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Served]:
    environment = {**os.environ, "SKILLGRAPH_MCP_TOKEN": TOKEN}
    words = [str(SKILLGRAPH), "mcp", "--http", "--port", "0"]
    process = subprocess.Popen(words, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = process.stderr.readline() + process.stderr.readline()
    try:
        yield Served(process, int(said.split("127.0.0.1:")[1].split("/")[0]), said)
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(60)
        rest = process.stderr.read()
        process.stderr.close()
    assert code == 130
    assert "Traceback" not in rest
    assert TOKEN not in said + rest


@pytest.mark.long
def test_over_http_with_the_token(served: Served) -> None:
    async def talk() -> None:
        bearer = httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60)
        url = f"http://127.0.0.1:{served.port}/mcp"
        async with bearer, Client(streamable_http_client(url, http_client=bearer)) as client:
            await conversation(client)

    apart(lambda: asyncio.run(talk()))


def test_the_client_of_the_docs_gets_its_rows(
    served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [shown] = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    monkeypatch.setenv("SKILLGRAPH_MCP_TOKEN", TOKEN)
    assert "http://127.0.0.1:8051/" in shown
    client = compile(shown.replace(":8051/", f":{served.port}/"), PAGE.name, "exec")
    apart(lambda: exec(client, {}))
    assert "foundation" in capsys.readouterr().out


def post(port: int, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}})
    own = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    connection.request("POST", "/mcp", body, {**own, **headers})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"Cookie": f"token={TOKEN}"},
    ],
    ids=str,
)
def test_without_the_token_nothing_is_told(served: Served, headers: dict[str, str]) -> None:
    status, text = post(served.port, **headers)
    assert status == 401
    assert "skillgraph" not in text


@pytest.mark.parametrize("headers", [{"Host": "example.com"}, {"Origin": "http://example.com"}], ids=str)
def test_a_page_of_another_place_is_not_answered(served: Served, headers: dict[str, str]) -> None:
    status, _ = post(served.port, Authorization=f"Bearer {TOKEN}", **headers)
    assert status in (403, 421)


def test_it_listens_on_this_machine_only_and_says_where(served: Served) -> None:
    assert f"http://127.0.0.1:{served.port}/mcp" in served.said
    assert "SKILLGRAPH_MCP_TOKEN" in served.said


def test_a_port_in_use_is_one_sentence(served: Served, folder: Path) -> None:
    ran = call_words(folder, ["mcp", "--http", "--port", str(served.port)])
    assert ran.code == 1
    assert ran.err.startswith(f"error: port {served.port} on 127.0.0.1 cannot be used")


@pytest.mark.parametrize("words", [["mcp"], ["mcp", "--http", "--port", "0"]])
def test_a_store_that_is_not_there_is_said_before_anything_is_served(tmp_path: Path, words: list[str]) -> None:
    ran = call_words(tmp_path, words)
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert "skillgraph.kgl" in ran.err


@pytest.mark.parametrize("token", ["", "short", "with spaces in it, long", "not-ascii-äöü-äöü-äöü"])
def test_a_token_that_keeps_nobody_out_is_refused(token: str) -> None:
    with pytest.raises(SkillgraphError, match="16 printable"):
        TokenGate(None, token)


@pytest.mark.long
def test_lifespan_passes_the_gate_and_a_websocket_does_not() -> None:
    passed: list[str] = []
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        passed.append(scope["type"])

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {}

    gate = TokenGate(app, TOKEN)
    apart(lambda: asyncio.run(gate({"type": "lifespan"}, receive, send)))
    apart(lambda: asyncio.run(gate({"type": "websocket", "headers": []}, receive, send)))
    twice = [(b"authorization", f"Bearer {TOKEN}".encode())] * 2
    apart(lambda: asyncio.run(gate({"type": "http", "headers": twice}, receive, send)))
    assert passed == ["lifespan"]
    assert [message["type"] for message in sent] == ["websocket.close", "http.response.start", "http.response.body"]
