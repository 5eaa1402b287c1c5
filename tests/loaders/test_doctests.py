"""The examples in the docstrings."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import loaders


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(loaders.__path__)])
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"loaders.{name}")).failed == 0
