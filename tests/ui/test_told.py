"""Sentences on pages: commands in them are code, and no page shows a sentence past `ui.told`."""

from __future__ import annotations

from pathlib import Path

import pytest
from dash import html

import ui
from ui.notices import banner, notice, store_away
from ui.told import told
from ui.work.watching import failed_line

SAID = "layer 'b' has no associations yet: run `skillgraph associate b` first"


def codes(component: object) -> list[str]:
    """The commands in a component and in all that it holds."""
    if isinstance(component, html.Code):
        return [str(component.children)]
    inner = getattr(component, "children", None)
    parts = inner if isinstance(inner, list | tuple) else [inner]
    return [code for part in parts if part is not None for code in codes(part)]


@pytest.mark.parametrize("shown", [notice, banner, store_away, failed_line])
def test_a_command_in_a_sentence_is_code(shown) -> None:
    found = shown(SAID)
    assert codes(found) == ["skillgraph associate b"]
    assert "`" not in str(found)


def test_several_commands_and_what_only_looks_like_one() -> None:
    parts = [str(part) for part in told("`skillgraph learn`, then `--part x`")]
    assert parts == ["Code('skillgraph learn')", ", then ", "Code('--part x')"]
    for text in ("no text 'a`b'", "there are '`a`' and \u2068`b`\u2069", "a ` skillgraph", ""):
        assert told(text) == text


def test_no_page_shows_sentences_past_it() -> None:
    root = Path(ui.__file__).parent
    using = [str(path.relative_to(root)) for path in root.rglob("*.py") if "quotes_isolated" in path.read_text("utf-8")]
    assert using == ["told.py"]
