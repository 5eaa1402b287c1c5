"""What no callback changes is sent as plain HTML.

Dash makes each tag that a page is built of a component of its own, which listens to every change of any other and is
set up again with every answer that has it. Most tags are only there to be read: those without an id. Here each piece
of a page that is made of such tags becomes one component, which draws them all; see `assets/still.js`.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, cast

from dash.development.base_component import Component

__all__ = ["Still", "still"]

_HTML = "dash_html_components"
_TAGS = {"MapEl": "map", "ObjectEl": "object"}
_DASH_ONLY = frozenset({"children", "disable_n_clicks", "n_clicks", "n_clicks_timestamp"})


class Still(Component):
    """Tags that nothing changes; the components among them are its children.

    Its `tree` is a text or number, or `{"child": i}` for the i-th of its children, or a list of a tag's name, its
    attributes and what is in it; a tag whose name is empty draws only what is in it.
    """

    _children_props: list[str] = []  # noqa: RUF012 -- as the base class declares it
    _base_nodes: list[str] = ["children"]  # noqa: RUF012
    _namespace = "skillgraph"
    _type = "Still"

    def __init__(self, tree: object, children: list[Component]) -> None:
        """The tags of `tree` around `children`."""
        self._prop_names = ["children", "tree"]
        self._valid_wildcard_attributes: list[str] = []
        self.available_properties = self._prop_names
        self.available_wildcard_properties: list[str] = []
        super().__init__(tree=tree, children=children)  # type: ignore[no-untyped-call]


def still(value: object) -> Any:
    """The same to look at, of as few components as can be.

    Only buttons report their clicks to callbacks.

    Args:
        value: A component, a text or a list of them, as a callback returns it for `children`; it is not changed.
    """
    if isinstance(value, list | tuple):
        return _drawn(value) if any(map(_plain, value)) else [still(one) for one in value]
    if not isinstance(value, Component):
        return value
    return _drawn(value) if _plain(value) else _kept(value)


def _plain(value: object) -> bool:
    return isinstance(value, Component) and value._namespace == _HTML and getattr(value, "id", None) is None


def _kept(component: Any) -> Component:
    """A component of its own."""
    made = copy.copy(component)
    if getattr(made, "children", None) is not None:
        made.children = still(made.children)
    if made._namespace == _HTML and made._type != "Button":
        made.disable_n_clicks = True
    return made


def _drawn(value: object) -> Still:
    children: list[Component] = []

    def tree(node: object) -> object:
        if isinstance(node, list | tuple):
            return ["", {}, *map(tree, node)]
        if not isinstance(node, Component):
            return node
        if not _plain(node):
            children.append(_kept(node))
            return {"child": len(children) - 1}
        props = cast("Any", node).to_plotly_json()["props"]
        held = props.get("children")
        inside: Sequence[object] = held if isinstance(held, list | tuple) else () if held is None else (held,)
        name = _TAGS.get(node._type, node._type.lower())
        return [name, {key: each for key, each in props.items() if key not in _DASH_ONLY}, *map(tree, inside)]

    return Still(tree(value), children)
