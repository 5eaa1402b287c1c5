"""What a page's address says: each control declared once, read here, and sent to the browser as data.

A control is a key of the address, the component and property that hold its value, and a codec that turns the value
into text and back. `assets/state.js` has the same codecs; tests/ui/browser/test_frame.py holds the two together.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dash import Input, Output, State, dcc
from dash.dependencies import DashDependency

from loaders.gate import parse_json
from ui.calls import Calls
from ui.typed import Properties

__all__ = ["CODECS", "Control", "Group", "bounded", "integers", "strings"]


@dataclass(frozen=True)
class Control:
    """One choice that a person makes on a page.

    Attributes:
        key: Its name in the address.
        component: Id of the component that holds its value.
        property: The component's property.
        codec: One of `CODECS`.
        default: The value that the address leaves out; a page may send another.
        among: Values that there are, if they are few; others are read as the default.
        low: Least value of a number.
        high: Largest value of a number.
        word: What a flag that is on is written as.
        always: The address names it also where it is the default, which a page has from its data.
        slides: Passes through many values at once: a slider, or a field that is typed into.
    """

    key: str
    component: str
    property: str = "value"
    codec: str = "text"
    default: Any = None
    among: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    word: str = "1"
    slides: bool = False
    always: bool = False

    def write(self, value: object) -> str:
        """The value as text; empty for none."""
        return CODECS[self.codec][0](value, self)

    def read(self, text: str | None, default: object = None) -> Any:
        """The value of a text; the default where there is no text or it says nothing that can be."""
        usual = self.default if default is None else default
        if text is None or text == "":
            return usual
        found = CODECS[self.codec][1](text, self)
        return usual if found is None or (self.among and found not in self.among) else found


@dataclass(frozen=True)
class Group:
    """Controls that are on a page together.

    Attributes:
        name: What the group's stores are called by.
        controls: The controls.
    """

    name: str
    controls: tuple[Control, ...]

    def read(self, query: Mapping[str, str], **defaults: object) -> Properties:
        """The value of each control, by its key."""
        return {c.key: c.read(query.get(c.key), defaults.get(c.key)) for c in self.controls}

    def stores(self, **defaults: object) -> list[dcc.Store]:
        """What the page has of the group besides the controls: their declaration, and what they say now.

        Args:
            **defaults: Values, by key, that this page leaves out of the address in place of the declared ones.
        """
        declared = [
            {
                "key": c.key,
                "id": c.component,
                "property": c.property,
                "codec": c.codec,
                "word": c.word,
                "slides": c.slides,
                "always": c.always,
                "default": c.default if defaults.get(c.key) is None else defaults[c.key],
            }
            for c in self.controls
        ]
        return [
            dcc.Store(id=f"{self.name}-controls", data={"name": self.name, "controls": declared}),
            dcc.Store(id=f"{self.name}-kept"),
        ]

    def wire(self, calls: Calls) -> None:
        """Keep the address in step with the controls, and the controls with Back and Forward."""
        calls.browser("sgState.keep", Output(f"{self.name}-kept", "data"), *self.inputs())

    def inputs(self) -> list[DashDependency]:
        """What a browser function that keeps the address is called with: all values, then the declaration."""
        values = [Input(c.component, c.property) for c in self.controls]
        return [*values, State(f"{self.name}-controls", "data")]


def strings(text: str) -> tuple[str, ...]:
    """Strings written as a JSON list; any other text is one string.

    >>> strings('["a", "b,c"]'), strings("a"), strings("[")
    (('a', 'b,c'), ('a',), ())
    """
    if not text.startswith("["):
        return (text,) if text else ()
    try:
        found = parse_json(text)
    except ValueError:
        return ()
    return tuple(value for value in found if isinstance(value, str))


def integers(text: str) -> tuple[int, ...]:
    """Whole numbers, with commas between them; what is none is passed over.

    >>> integers("2,0,x")
    (2, 0)
    """
    return tuple(int(part) for part in text.split(",") if part.isdecimal())


def bounded(ends: Sequence[int] | None, last: int) -> tuple[int, int] | None:
    """A span of places, no longer than all there is; None for all of it.

    >>> bounded([2, 9], 5), bounded([0, 9], 5), bounded(None, 5)
    ((2, 5), None, None)
    """
    if ends is None or len(ends) != 2:
        return None
    span = (min(max(min(ends), 0), last), min(max(ends), last))
    return None if span == (0, last) else span


def _number(text: str, control: Control) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return min(max(value, control.low), control.high) if math.isfinite(value) else None


def _whole(text: str, control: Control) -> int | None:
    return int(min(max(int(text), control.low), control.high)) if text.isdecimal() else None


def _range(text: str, _: Control) -> list[int] | None:
    ends = text.split("-")
    return sorted(map(int, ends)) if len(ends) == 2 and all(end.isdecimal() for end in ends) else None


def _list(value: Sequence[str] | None, _: Control) -> str:
    return json.dumps(list(value), ensure_ascii=False, separators=(",", ":")) if value else ""


def _plain(value: object, _: Control) -> str:
    return "" if value is None else str(value)


def _figures(value: Any, _: Control) -> str:
    return "" if value is None or value == "" else f"{float(value):.10g}"


Codec = tuple[Callable[[Any, Control], str], Callable[[str, Control], Any]]
CODECS: Mapping[str, Codec] = {
    "text": (_plain, lambda text, _: text),
    "whole": (_figures, _whole),
    "number": (_figures, _number),
    "flag": (lambda value, control: control.word if value else "", lambda text, control: text == control.word),
    "list": (_list, lambda text, _: list(strings(text))),
    "numbers": (lambda value, _: ",".join(map(str, value or ())), lambda text, _: list(integers(text))),
    "range": (lambda value, _: "-".join(map(str, value or ())), _range),
}
"""How values are written in an address and read from it, by name: text, whole and other numbers, flags, lists of
strings and of whole numbers, a range of whole numbers."""
