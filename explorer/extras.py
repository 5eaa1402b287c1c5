"""How what an extra needs is had: by one command of the checkout, or by pip where the package was installed."""

from __future__ import annotations

import os
import re
from importlib.metadata import requires
from pathlib import Path
from typing import Literal

__all__ = ["Extra", "how_to_add"]

Extra = Literal["server", "spark", "fast", "mcp"]
_BOOTSTRAP = Path(__file__).resolve().parents[1] / "bootstrap.py"


def how_to_add(extra: Extra, *more: Extra) -> str:
    """The command that adds extras, for the end of a message.

    In a checkout it is `python3 bootstrap.py add …`, with the path if that is not the present folder's. Elsewhere pip
    is given the packages themselves: this project is on no index.
    """
    extras = (extra, *more)
    if _BOOTSTRAP.is_file():
        here = _BOOTSTRAP.parent == Path.cwd()
        return f"run `python3 {'bootstrap.py' if here else _quoted(_BOOTSTRAP)} add {' '.join(extras)}`"
    of_an_extra = re.compile(r"([^;]+);.*\bextra == ['\"](\w+)['\"].*")
    marked = map(of_an_extra.fullmatch, requires("skillgraph-explorer") or ())
    wanted = [found[1].strip() for found in marked if found and found[2] in extras]
    return f"run `pip install {' '.join(map(repr, wanted))}`"


def _quoted(path: Path) -> str:
    return f'"{path}"' if " " in str(path) and os.name == "nt" else str(path).replace(" ", "\\ ")
