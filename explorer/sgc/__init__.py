"""The container of semantically compressed texts, `.sgc`: docs/compression.md describes it byte by byte."""

from explorer.sgc.codebook import Codebook, layer_fingerprint, quantize
from explorer.sgc.container import BLOCK_TEXTS, DecodedText, Sections, SgcHeader, SgcReader, SgcWriter
from explorer.sgc.errors import DamagedFileError, LayerMismatchError, SgcError
from explorer.sgc.texts import TextRecord, read_texts

__all__ = [
    "BLOCK_TEXTS",
    "Codebook",
    "DamagedFileError",
    "DecodedText",
    "LayerMismatchError",
    "Sections",
    "SgcError",
    "SgcHeader",
    "SgcReader",
    "SgcWriter",
    "TextRecord",
    "layer_fingerprint",
    "quantize",
    "read_texts",
]
