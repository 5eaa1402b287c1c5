"""Sentences of the explorer's other parts, as pages show them."""

from __future__ import annotations

import re

from dash import html

from explorer.wording import quotes_isolated
from ui.content import Child

__all__ = ["told", "told_plainly"]

# Names, isolated or in quotes, which may hold anything; or what is code.
_PARTS = re.compile("\u2068[^\u2068\u2069]*\u2069|'[^'\n]*'|\"[^\"\n]*\"|`([^`\n]+)`")


def told(sentence: str) -> str | list[Child]:
    """A sentence with each name isolated, and with what stands between backticks, a command mostly, as code.

    >>> told("no layer 'b'")
    "no layer 'b'"
    >>> told("make one with `skillgraph learn`.")
    ['make one with ', Code('skillgraph learn'), '.']
    """
    text = quotes_isolated(sentence)
    parts: list[Child] = []
    end = 0
    for found in _PARTS.finditer(text):
        if found[1]:
            parts += [text[end : found.start()], html.Code(found[1])]
            end = found.end()
    return [part for part in (*parts, text[end:]) if part] if parts else text


def told_plainly(sentence: str) -> str:
    """The same as text alone: a command stands in quotes.

    >>> told_plainly("make one with `skillgraph learn`.")
    'make one with “skillgraph learn”.'
    """
    return _PARTS.sub(lambda found: f"“{found[1]}”" if found[1] else found[0], quotes_isolated(sentence))
