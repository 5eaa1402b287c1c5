"""Names of what callbacks give for properties of components."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, TypeVar

from dash import NoUpdate
from dash.development.base_component import Component

__all__ = ["Child", "Content", "Update"]

T = TypeVar("T")

Child: TypeAlias = str | int | float | Component | None
"""One thing of what is in a tag."""

Content: TypeAlias = Child | Sequence[Child]
"""What is in a tag: what a callback gives for `children`."""

Update: TypeAlias = T | NoUpdate
"""What a callback gives for a property that may stay as it is."""
