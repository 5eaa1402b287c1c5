"""The list of mutants follows the program; `just mutants` tries them."""

from __future__ import annotations

from tests.mutants import MUTANTS, ROOT, misfits


def test_every_mutant_stands_in_its_file_and_names_its_tests() -> None:
    assert misfits() == []
    assert all((ROOT / "tests" / mutant.tests).is_file() for mutant in MUTANTS)
