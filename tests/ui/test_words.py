"""Names, classes and places of nodes on Arrow arrays, against plain Python."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from ui.drawing.words import Places, Words, coded

NAMES = ["b", "", "ä", "a", "𝛼", "a\0", "b", "é", "z", "�", "ä"]


@pytest.mark.parametrize("encoded", [False, True])
def test_words_are_the_strings_of_the_array(encoded: bool) -> None:
    values = pa.array(NAMES)
    words = Words(values.dictionary_encode() if encoded else values)
    assert list(words) == NAMES
    assert [words[i] for i in range(len(words))] == NAMES
    assert list(words[2:9:3]) == NAMES[2:9:3]
    assert words[-1] == NAMES[-1]
    assert list(words.take(np.array([4, 0, 4]))) == [NAMES[4], NAMES[0], NAMES[4]]
    with pytest.raises(IndexError):
        words[len(NAMES)]


@pytest.mark.parametrize(
    "make", [tuple, lambda n: Words(pa.array(n)), lambda n: Words(pa.array(n).dictionary_encode())]
)
def test_codes_name_each_string(make) -> None:
    names, code = coded(make(NAMES))
    assert names == tuple(sorted(set(NAMES)))
    assert [names[i] for i in code] == NAMES
    assert coded(make([]))[0] == ()


def test_codes_of_a_part_name_what_is_there() -> None:
    part = Words(pa.array(NAMES).dictionary_encode()).take([3, 8])
    assert coded(part)[0] == ("a", "z")


@pytest.mark.parametrize("seed", range(5))
def test_places_are_those_of_a_table(seed: int) -> None:
    rng = np.random.default_rng(seed)
    letters = list("ab~é𝛼�")
    ids = sorted({"".join(rng.choice(letters, rng.integers(0, 5))) for _ in range(60)})
    rows = np.flatnonzero(rng.random(len(ids)) < 0.6)
    places = Places(pa.array(ids), rows)
    table = {ids[row]: node for node, row in enumerate(rows.tolist())}
    assert dict(places) == table
    assert list(places) == list(table)
    assert [places.get(name) for name in ids] == [table.get(name) for name in ids]
    assert None not in places
    assert "nosuch" not in places
