"""One text's code: its bits add up to the container's, it is read back, and receivers are told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from analysis.compression import understood_texts
from explorer.errors import NotFoundError
from explorer.service import layer_view, learn
from explorer.service.compression import compress
from explorer.service.text_code import code_text, measure_layer, receive
from explorer.store.opening import open_store
from explorer.store.protocol import Store
from loaders.dataset import build_dataset


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    rng = np.random.default_rng(11)
    sets = {f"t{i:03d}": rng.choice(60, size=1 + int(rng.poisson(1.2)), replace=False) for i in range(220)}
    rows = [(text, f"s{skill:02d}") for text, skills in sets.items() for skill in skills]
    store = open_store(tmp_path_factory.mktemp("code") / "code.kgl", mode="write")
    store.write_dataset(
        build_dataset(
            "small",
            texts=pa.table({"id": list(sets), "part": ["a" if i < 90 else "b" for i in range(220)]}),
            skills=pa.table({"id": [f"s{i:02d}" for i in range(60)], "name": [f"skill {i}" for i in range(60)]}),
            requirements=pa.table({"text": [row[0] for row in rows], "skill": [row[1] for row in rows]}),
        )
    )
    learn(store, "small", name="less", parts=["a"])
    learn(store, "small", name="more", parts=["b"], base="less", mode="continued")
    return store


@pytest.mark.parametrize("model", ["uniform", "frequency"])
def test_bits_of_single_texts_add_up_to_what_the_layer_costs(store: Store, model) -> None:
    view = layer_view(store, "small", "less")
    codes = [code_text(view, text, model) for text in view.indexed.text_ids.to_pylist()]
    understood = understood_texts(view.indexed.graph, view.learned)
    assert [code.understood for code in codes] == understood.tolist()
    assert 0 < understood.sum() < len(codes)
    report = measure_layer(store, "small", "less", model)
    assert report.expected is not None
    known = [code for code in codes if code.understood]
    own = sum(code.count_bits + code.set_bits for code in known) / len(codes) + codes[0].flag_bits
    assert own == pytest.approx(report.expected.sets, rel=1e-9)
    for code in known:
        # Alone, a code takes whole 32-bit words, and the coder's state may take one more.
        assert code.count_bits + code.set_bits <= 8 * len(code.data) + 1e-6
        assert 8 * len(code.data) <= code.count_bits + code.set_bits + 96
    assert {code.raw_bits for code in codes} != {0}


@pytest.mark.parametrize("model", ["uniform", "frequency"])
def test_a_reader_with_the_same_layer_gets_the_skills_back(store: Store, model) -> None:
    view = layer_view(store, "small", "more")
    for text in view.indexed.text_ids.to_pylist():
        code = code_text(view, text, model)
        assert code.decoded == (tuple(skill.id for skill in code.skills) if code.understood else ())


def test_receivers(store: Store) -> None:
    less, more = layer_view(store, "small", "less"), layer_view(store, "small", "more")
    learned = {
        view.info.name: set(view.indexed.skills.take(np.flatnonzero(view.learned)).to_pylist()) for view in (less, more)
    }
    assert learned["less"] < learned["more"]
    ordered = sorted(learned["less"])
    found = {"unknown": 0, "misread": 0}
    for text in more.indexed.text_ids.to_pylist():
        code = code_text(more, text)
        same, other = receive(more, more, code), receive(more, less, code)
        assert same.same
        assert not other.same
        assert same.fingerprint != other.fingerprint
        missing = {skill.name for skill in code.skills if skill.id not in learned["less"]}
        assert set(other.unknown) == missing
        assert other.known == len(code.skills) - len(missing)
        found["unknown"] += bool(missing)
        if code.understood:
            read = [ordered[s.place] if s.place < len(ordered) else "" for s in code.skills]
            assert other.misread == tuple(f"skill {int(name[1:])}" if name else "" for name in read)
            found["misread"] += other.misread != tuple(skill.name for skill in code.skills)
            assert same.misread == tuple(skill.name for skill in code.skills)
    assert min(found.values()) > 0


def test_the_layer_as_a_whole_is_what_compress_measures(store: Store, tmp_path: Path) -> None:
    expected = compress(store, "small", "less", source=None, output=tmp_path / "x.sgc")
    assert measure_layer(store, "small", "less").bits == expected.bits


def test_a_text_that_is_not_there(store: Store) -> None:
    with pytest.raises(NotFoundError, match="'t999'"):
        code_text(layer_view(store, "small", "less"), "t999")
