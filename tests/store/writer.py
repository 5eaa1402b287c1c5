"""A process that writes content that tells its number, and notes each write before and after; made to be killed."""

from __future__ import annotations

from pathlib import Path

# Imported by others while they work otherwise, where a Ctrl-C can be lost.
import pyarrow.acero
import pyarrow.dataset  # noqa: F401

from explorer.store.opening import open_store
from explorer.store.protocol import Store
from tests.store.content import numbered_associations, numbered_dataset, numbered_layer

STEPS = ("dataset", "layer", "associations")


def write(store: Store, number: int, step: str, size: int) -> None:
    """One write."""
    if step == "dataset":
        store.write_dataset(numbered_dataset(number, size), replace=True)
    elif step == "layer":
        store.write_layer(numbered_layer(number, size))
    else:
        pairs, components = numbered_associations(number, size)
        store.write_associations("numbered", "layer", pairs, rule="any", components=components)


def main(path: Path, notes: Path, first: int, last: int, size: int) -> None:
    """Write dataset, layer and associations of each number; `notes` gets `open`, then `begin` and `done` of each."""
    with notes.open("w", buffering=1) as log:
        store = open_store(path, mode="write")
        log.write("open\n")
        for number in range(first, last):
            for step in STEPS:
                log.write(f"begin {number} {step}\n")
                write(store, number, step, size)
                log.write(f"done {number} {step}\n")
        store.close()
