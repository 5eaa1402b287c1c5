"""Attributes of HTML whose names have hyphens."""

from __future__ import annotations

from typing import Any

from ui.typed import Properties

__all__ = ["attributes", "named"]


def attributes(**values: str) -> Properties:
    """Names as HTML spells them: `**attributes(aria_label="Play", data_key="x")` gives `aria-label` and `data-key`."""
    return {name.replace("_", "-"): value for name, value in values.items()}


def named(label: str) -> Any:
    """Properties of a button inside a component that name it; their declared types leave `aria-` out."""
    return attributes(aria_label=label)
