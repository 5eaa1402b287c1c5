"""Where downloaded jars and the local server's data are kept on this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["CACHE_VARIABLE", "HOME_VARIABLE", "cache_folder", "server_home"]

CACHE_VARIABLE = "SKILLGRAPH_CACHE"
"""Environment variable that moves the cache."""
HOME_VARIABLE = "SKILLGRAPH_SERVER_HOME"
"""Environment variable that moves the local server's home."""


def cache_folder() -> Path:
    """Folder of what can be downloaded again: `$SKILLGRAPH_CACHE`, else the platform's cache folder for this user."""
    given = os.environ.get(CACHE_VARIABLE)
    return Path(given).expanduser().absolute() if given else _platform_folder("cache")


def server_home() -> Path:
    """Home of the local Neo4j, with its data: `$SKILLGRAPH_SERVER_HOME`, else in the platform's data folder."""
    given = os.environ.get(HOME_VARIABLE)
    return Path(given).expanduser().absolute() if given else _platform_folder("data") / "neo4j"


def _platform_folder(kind: str) -> Path:
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "skillgraph"
        return base / "Cache" if kind == "cache" else base
    if sys.platform == "darwin":
        library = home / "Library"
        return (library / "Caches" if kind == "cache" else library / "Application Support") / "skillgraph"
    variable, fallback = ("XDG_CACHE_HOME", ".cache") if kind == "cache" else ("XDG_DATA_HOME", ".local/share")
    given = os.environ.get(variable, "")
    # The XDG specification: a relative path is to be ignored.
    return (Path(given) if Path(given).is_absolute() else home / fallback) / "skillgraph"
