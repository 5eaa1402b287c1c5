"""Names of the data that pages, drawings and the browser give each other; none of them needs Dash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NotRequired, TypeAlias, TypedDict

__all__ = ["Cell", "Download", "Element", "Position", "Properties", "Row", "Rule"]

Cell: TypeAlias = str | int | float | None
"""A value in a table; whole numbers and flags are numbers."""

Row: TypeAlias = Mapping[str, Cell]
"""A row of a table, by the fields of its columns."""

Properties: TypeAlias = dict[str, Any]
"""Properties of a component, or values of controls, by name: each name has a type of its own, which Dash checks where
the component is made and a control's codec where it is read."""


class Position(TypedDict):
    """Where a node lies, in pixels of a graph that is not zoomed."""

    x: float
    y: float


class Element(TypedDict):
    """A node or an edge as Cytoscape takes it; its data are what its looks and the page's scripts ask for."""

    data: Properties
    position: NotRequired[Position]
    classes: NotRequired[str]
    selectable: NotRequired[bool]
    grabbable: NotRequired[bool]


class Rule(TypedDict):
    """A rule of Cytoscape's stylesheet."""

    selector: str
    style: Mapping[str, str | float]


class Download(TypedDict):
    """A file that the browser saves, as `dcc.Download` takes it."""

    content: str
    filename: str
    type: NotRequired[str]
