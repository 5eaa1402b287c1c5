"""Versions that a stored result keeps."""

from __future__ import annotations

import platform
from importlib.metadata import version

__all__ = ["package_versions"]


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that compute layers."""
    packages = ("skillgraph-explorer", "numpy", "numba")
    return {"python": platform.python_version(), **{package: version(package) for package in packages}}
