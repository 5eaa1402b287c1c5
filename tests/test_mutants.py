"""The list of mutants follows the program; `just mutants` tries them."""

from __future__ import annotations

from tests.mutants import MUTANTS, ROOT, misfits


def test_every_mutant_stands_in_its_file_and_names_its_tests() -> None:
    assert misfits() == []
    for mutant in MUTANTS:
        file, _, test = mutant.tests.partition("::")
        assert f"\ndef {test}" in (ROOT / "tests" / file).read_text(encoding="utf-8")
