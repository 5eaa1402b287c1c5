"""A short random walk over the controls of all pages, the same on every run; `just walk` goes on for hours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.ui.walk import STORES, Walk, fill_large

pytestmark = pytest.mark.browser

LENGTHS = {"small": 5, "outcomes": 4, "large": 2, "awkward": 5}
FIRST = {"small": "/runs", "outcomes": "/family", "large": "/graph", "awkward": "/why"}


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        pytest.param("outcomes", 2, marks=pytest.mark.long),
        *(pytest.param(name, LENGTHS[name], marks=pytest.mark.long) for name in STORES),
    ],
)
def test_whatever_one_does_the_page_answers_and_its_address_shows_it_again(
    page: Page, serve: Any, tmp_path: Path, name: str, steps: int
) -> None:
    path = tmp_path / f"{name}.kgl"
    if name == "large":
        fill_large(path, 4_000)  # more than are drawn at once
    else:
        STORES[name](path)
    walk = Walk(page, serve(path), seed=len(name))
    walk.begin(FIRST[name])
    for _ in range(steps):
        walk.step()
    walk.again()
