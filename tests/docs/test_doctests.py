"""The examples in the docstrings, and that the public functions of the theory have one."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest

import analysis
import loaders

MODULES = [
    module.name
    for package in (analysis, loaders)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("analysis.") and "._" not in name])
def test_public_functions_say_what_they_take_give_and_show_it(name: str) -> None:
    module = importlib.import_module(name)
    for public in getattr(module, "__all__", ()):
        value = getattr(module, public)
        if not inspect.isfunction(value):
            continue
        text = inspect.getdoc(value) or ""
        for part in ("Args:", "Returns:", ">>>"):
            assert part in text, f"{name}.{public} lacks {part}"
