"""What the server sends: few files, compressed, and kept by the browser."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
import zstandard

from ui import delivery
from ui.app import create_app
from ui.delivery import Packed

LOCAL = {"Host": "127.0.0.1:8050"}


@pytest.fixture(scope="module")
def client(store_path: Path) -> Any:
    return create_app(store_path).server.test_client()


@pytest.fixture(scope="module")
def first(client: Any) -> str:
    return client.get("/graph", headers=LOCAL).text


def addresses(page: str) -> list[str]:
    return re.findall(r'(?:src|href)="(/[^"]+)"', page)


def test_a_page_needs_few_files_and_at_most_a_megabyte_and_a_half(client: Any, first: str) -> None:
    found = addresses(first)
    assert len(found) <= 6, found
    sizes = [
        len(client.get(url, headers={**LOCAL, "Accept-Encoding": "gzip"}).data) for url in (*found, "/_dash-layout")
    ]
    assert sum(sizes) < 1_500_000, dict(zip(found, sizes, strict=False))


def test_what_a_page_loads_is_kept_for_a_year_and_what_it_asks_is_not(client: Any, first: str) -> None:
    for url in addresses(first):
        answer = client.get(url, headers=LOCAL)
        assert answer.status_code == 200, url
        assert "max-age=31536000" in answer.headers["Cache-Control"], url
        assert "immutable" in answer.headers["Cache-Control"], url
    for url in ("/graph", "/_dash-layout", "/_dash-dependencies"):
        assert "max-age" not in client.get(url, headers=LOCAL).headers.get("Cache-Control", "")


def test_the_bundles_stand_for_the_packages_scripts(client: Any, first: str) -> None:
    [script] = [url for url in addresses(first) if url.startswith("/_joined/") and url.endswith(".js")]
    joined = client.get(script, headers=LOCAL).data
    bundle = (Path(__file__).parents[2] / "ui/assets/vendor/cytoscape.js").read_bytes()
    assert bundle.strip() in joined
    assert not [url for url in addresses(first) if "dash_cytoscape" in url or "plotly" in url or "dash_table" in url]
    config = json.loads(re.search(r'_dash-config"[^>]*>(.*?)</script>', first, re.DOTALL)[1])  # type: ignore[index]
    assert config["plotlyjs_url"].startswith("/assets/vendor/plotly.js?m=")
    assert client.get(config["plotlyjs_url"], headers=LOCAL).status_code == 200


def test_styles_bring_their_pictures_and_name_their_fonts(client: Any, first: str) -> None:
    [sheet] = [url for url in addresses(first) if url.endswith(".css")]
    text = client.get(sheet, headers=LOCAL).text
    for url in re.findall(r'url\("?([^")]+)', text):
        assert url.startswith("data:image/svg+xml") or client.get(url, headers=LOCAL).status_code == 200, url


@pytest.mark.parametrize(
    ("asked", "given"), [("gzip, deflate, br, zstd", "zstd"), ("gzip", "gzip"), ("identity", None), ("gzip;q=0", None)]
)
def test_answers_are_compressed_as_the_browser_asks(client: Any, asked: str, given: str | None) -> None:
    plain = client.get("/_dash-dependencies", headers={**LOCAL, "Accept-Encoding": "identity"})
    answer = client.get("/_dash-dependencies", headers={**LOCAL, "Accept-Encoding": asked})
    assert answer.headers.get("Content-Encoding") == given
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    unpack = {"gzip": gzip.decompress, "zstd": lambda b: zstandard.ZstdDecompressor().decompressobj().decompress(b)}
    content = unpack[given](answer.data) if given else answer.data
    assert json.loads(content) == json.loads(plain.data)


def test_the_second_time_an_unchanging_file_is_the_same(client: Any, first: str) -> None:
    url = addresses(first)[-1]
    headers = {**LOCAL, "Accept-Encoding": "gzip"}
    assert client.get(url, headers=headers).data == client.get(url, headers=headers).data
    assert client.head(url, headers=headers).status_code == 200
    assert client.get("/_joined/none.js", headers=LOCAL).status_code == 404


def test_a_part_that_is_loaded_later_is_not_sent_again_unchanged(client: Any) -> None:
    url = "/_dash-component-suites/dash_ag_grid/async-community.js"
    for coding in ("gzip", "zstd", "identity"):
        headers = {**LOCAL, "Accept-Encoding": coding}
        tag = client.get(url, headers=headers).headers["ETag"]
        again = client.get(url, headers={**headers, "If-None-Match": tag})
        assert (again.status_code, again.data) == (304, b"")
        other = client.get(url, headers={**headers, "If-None-Match": 'W/"other"'})
        assert (other.status_code, bool(other.data)) == (200, True)


@pytest.mark.parametrize("url", ["/_dash-layout", "/_dash-dependencies"])
def test_what_pages_are_made_of_is_sent_once_for_many_loads(client: Any, url: str) -> None:
    asks = {**LOCAL, "Accept-Encoding": "gzip"}
    first = client.get(url, headers=asks)
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = client.get(url, headers={**asks, "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = client.get(url, headers={**asks, "If-None-Match": '"another"'})
    assert (other.status_code, other.data) == (200, first.data)


def test_files_are_compressed_once_whatever_is_added_to_their_addresses(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A visitor could fill the memory otherwise: an address with any `m` is kept for a year."""
    done: list[bytes] = []
    smaller = delivery._smaller
    monkeypatch.setattr(delivery, "_smaller", lambda whole, *how: done.append(whole) or smaller(whole, *how))
    monkeypatch.setattr(delivery, "_FILES", Packed("once"))
    for number in range(3):
        answer = client.get(f"/assets/base.css?m={number}", headers={**LOCAL, "Accept-Encoding": "gzip"})
        assert "immutable" in answer.headers["Cache-Control"]
    assert len(done) == 1


def test_joined_scripts_are_behind_the_login_too(store_path: Path) -> None:
    guarded = create_app(store_path, password="a long password").server.test_client()
    assert guarded.get("/_joined/any.js", headers=LOCAL).status_code == 401


def test_large_answers_are_kept_compressed_until_there_are_too_many() -> None:
    packed = Packed("small", most=400)
    wholes = [f"{i} ".encode() * 9_000 for i in range(40)]
    for whole in wholes:
        assert zstandard.ZstdDecompressor().decompress(packed.get(whole, "zstd")) == whole
        assert gzip.decompress(packed.get(whole, "gzip")) == whole
        assert packed.size <= 400
    assert packed.size > 0
    one = Packed("small", most=1)
    assert one.get(wholes[0], "zstd") is one.get(wholes[0], "zstd")
