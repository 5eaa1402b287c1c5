"""Reads XML as a stream of elements with their lines; documents that declare entities are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.parsers import expat

from loaders._files import Progress, open_bytes
from loaders.errors import DataError
from loaders.gate import limits, refused

__all__ = ["End", "Start", "parse_xml"]

Start = Callable[[str, dict[str, str], int], None]
End = Callable[[str, str, int], None]


def parse_xml(path: Path, start: Start, end: End, progress: Progress | None = None) -> None:
    """Call `start` and `end` for every element, by its local name.

    Args:
        path: Plain, gzip or zstd.
        start: Name, attributes, line.
        end: Name, text directly inside of the element, line.
        progress: Called with bytes read and all bytes.

    Raises:
        DataError: The document is not well-formed, or declares entities, which can expand without bound.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    text: list[list[str]] = []
    most = limits().nesting

    def begin(name: str, attributes: dict[str, str]) -> None:
        if len(text) >= most:
            raise refused("elements are nested too deeply", "nesting", path=path, line=parser.CurrentLineNumber)
        text.append([])
        plain = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        start(name.rpartition(" ")[2], plain, parser.CurrentLineNumber)

    def finish(name: str) -> None:
        end(name.rpartition(" ")[2], "".join(text.pop()), parser.CurrentLineNumber)

    def characters(data: str) -> None:
        text[-1].append(data)

    def refuse(*_: object) -> None:
        raise DataError("declares an entity; remove the document type", path=path, line=parser.CurrentLineNumber)

    parser.StartElementHandler = begin
    parser.EndElementHandler = finish
    parser.CharacterDataHandler = characters
    parser.EntityDeclHandler = refuse
    try:
        with open_bytes(path, progress, lines=False) as file:
            parser.ParseFile(file)
    except expat.ExpatError as error:
        raise DataError(
            f"column {error.offset + 1}: is not well-formed XML: {expat.ErrorString(error.code)}",
            path=path,
            line=error.lineno,
        ) from None
    except (LookupError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        # what Python says of an encoding that the document declares and that it does not know, or not for XML
        raise DataError(f"declares an encoding that cannot be read ({error}); save it as UTF-8", path=path) from None
