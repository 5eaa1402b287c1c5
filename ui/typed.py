"""Names of what pages, callbacks and the browser give each other."""

from __future__ import annotations

from typing import Any, TypeAlias

__all__ = ["Properties"]

Properties: TypeAlias = dict[str, Any]
"""Properties of a component, or values of controls, by name: each name has a type of its own, which Dash checks where
the component is made and a control's codec where it is read."""
