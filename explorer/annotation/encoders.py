"""Sentence embeddings on this machine. Nothing here opens a connection."""

from __future__ import annotations

import importlib
import os
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from explorer.errors import SkillgraphError
from loaders.vocabulary import fold

__all__ = ["Encoder", "open_encoder"]

_BATCH = 64
_LETTERS = 4096


class Encoder(Protocol):
    """Turns sentences into vectors.

    Attributes:
        name: Kept with every tag as its annotator.
    """

    name: str

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector of length 1 a text: float32, texts × dimensions."""
        ...


def open_encoder(wanted: str) -> Encoder:
    """The encoder that is meant.

    Args:
        wanted: `letters`, which compares spelling and needs nothing; `onnx:FOLDER`, a folder with `model.onnx` and
            `tokenizer.json`; `sentence-transformers:NAME`, a model that is on this machine; or
            `python:MODULE:FUNCTION`, a function of your own from a list of texts to their vectors.

    Raises:
        SkillgraphError: There is no such kind, or what it needs is not there.
    """
    kind, _, place = wanted.partition(":")
    if wanted == "letters":
        return _Letters()
    if place and kind in _KINDS:
        try:
            made: Encoder = _KINDS[kind](place)
            return made
        except ImportError as error:
            raise SkillgraphError(
                f"--encoder {wanted} needs the package {error.name}: install it into the environment of skillgraph"
            ) from None
    raise SkillgraphError(
        f"encoder {wanted!r} must be letters, onnx:FOLDER, sentence-transformers:NAME or python:MODULE:FUNCTION"
    )


def _unit(vectors: Any, texts: Sequence[str], name: str) -> NDArray[np.float32]:
    found = np.asarray(vectors, dtype=np.float32)
    if found.ndim != 2 or len(found) != len(texts) or not np.isfinite(found).all():
        raise SkillgraphError(
            f"encoder {name} must give one finite vector for each of {len(texts)} texts, but gave {found.shape}"
        )
    length = np.linalg.norm(found, axis=1, keepdims=True)
    unit: NDArray[np.float32] = np.divide(found, length, out=np.zeros_like(found), where=length > 0)
    return unit


class _Letters:
    """Counts of three letters in a row: alike are words that are spelled alike."""

    name = "letters"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), _LETTERS), np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", fold(text)):
                padded = f" {word} "
                for at in range(len(padded) - 2):
                    # zlib's checksum is the same in every process, unlike `hash`
                    vectors[row, zlib.crc32(padded[at : at + 3].encode()) % _LETTERS] += 1.0
        return _unit(np.sqrt(vectors), texts, self.name)


class _Onnx:
    """A transformer as ONNX: mean of the vectors of the tokens, as sentence-transformers takes it."""

    def __init__(self, place: str) -> None:
        import onnxruntime  # type: ignore[import-not-found]  # the user's own
        import tokenizers  # type: ignore[import-not-found]

        folder = Path(place).expanduser()
        model, words = folder / "model.onnx", folder / "tokenizer.json"
        for file in (model, words):
            if not file.is_file():
                raise SkillgraphError(f"encoder onnx:{place}: there is no {file.name} in that folder")
        self.name = folder.resolve().name
        try:
            self._tokens = tokenizers.Tokenizer.from_file(str(words))
            self._tokens.enable_truncation(256)
            self._tokens.enable_padding()
            self._session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 -- either library raises classes of its own
            raise SkillgraphError(f"encoder onnx:{place} cannot be opened: {error}") from None
        self._inputs = {given.name for given in self._session.get_inputs()}

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        parts = [self._batch(texts[at : at + _BATCH]) for at in range(0, len(texts), _BATCH)]
        return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)

    def _batch(self, texts: Sequence[str]) -> NDArray[np.float32]:
        coded = self._tokens.encode_batch(list(texts))
        mask = np.array([one.attention_mask for one in coded], np.int64)
        ids = np.array([one.ids for one in coded], np.int64)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        [first, *_] = self._session.run(None, {name: given[name] for name in self._inputs})
        if first.ndim == 3:
            weight = mask[:, :, None].astype(np.float32)
            first = (first * weight).sum(axis=1) / weight.sum(axis=1)
        return _unit(first, texts, self.name)


class _SentenceTransformers:
    """A model of the sentence-transformers package that is on this machine already."""

    def __init__(self, place: str) -> None:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        from sentence_transformers import SentenceTransformer  # type: ignore[import-not-found]  # the user's own

        self.name = Path(place).name
        try:
            self._model = SentenceTransformer(place, local_files_only=True)
        except Exception as error:  # noqa: BLE001 -- the library raises what its parts raise
            raise SkillgraphError(f"encoder sentence-transformers:{place} is not on this machine: {error}") from None

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return _unit(self._model.encode(list(texts), show_progress_bar=False), texts, self.name)


class _Function:
    """A function of the user's own."""

    def __init__(self, place: str) -> None:
        module, _, function = place.partition(":")
        self.name = place
        self._encode = getattr(importlib.import_module(module), function or "encode", None)
        if not callable(self._encode):
            raise SkillgraphError(f"module {module} has no function {function or 'encode'!r}")

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return _unit(self._encode(list(texts)), texts, self.name)  # type: ignore[misc]  # checked to be callable


_KINDS: dict[str, Any] = {"onnx": _Onnx, "sentence-transformers": _SentenceTransformers, "python": _Function}
