"""A process that reads while another writes, and fails at the first thing that is neither the old nor the new.

Run as `python -m tests.store.reader PATH SIZE`; it ends when the dataset is gone, and prints how often it read and
how many states it saw.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from explorer.errors import NotFoundError
from explorer.store.opening import open_store
from explorer.store.protocol import Store
from tests.store.content import numbered_associations, numbered_dataset, numbered_layer


def check(store: Store, size: int, at_least: int) -> int:
    """Read the dataset, then its layer and associations; the number of the dataset, which never goes back."""
    dataset = store.read_dataset("numbered")
    number = int(str(dataset.provenance["number"]))
    assert number >= at_least, f"number {number} after {at_least}"
    assert dataset.equals(numbered_dataset(number, size)), f"dataset {number} is not whole"
    try:
        layer = store.read_layer("numbered", "layer")
        pairs = store.read_associations("numbered", "layer")
    except NotFoundError:
        return number
    later = int(str(layer.info.parameters["number"]))
    assert later >= number, f"layer {later} on dataset {number}"
    expected = numbered_layer(later, size).skills
    assert layer.skills.drop(["component"]).equals(expected.drop(["component"])), f"layer {later} is not whole"
    if layer.info.associations is not None:
        components = numbered_associations(later, size)[1]["component"]
        assert layer.skills["component"].equals(components), f"components of layer {later} are not whole"
    if pairs.num_rows:
        number_of_pairs = pairs["weight"][0].as_py() - 1
        assert number_of_pairs >= later, f"associations {number_of_pairs} of layer {later}"
        assert pairs.equals(numbered_associations(number_of_pairs, size)[0]), f"associations {later} are not whole"
    return number


def main(path: Path, size: int) -> None:
    """Read on one open store, and now and then on a new one."""
    store, number, reads, seen = open_store(path, mode="read"), 0, 0, set()
    while True:
        if reads % 5 == 4:
            store.close()
            store = open_store(path, mode="read")
        try:
            number = check(store, size, number)
        except NotFoundError:
            break
        seen.add(number)
        reads += 1
        if reads >= 10 and len(seen) >= 5:
            path.with_suffix(f".{os.getpid()}.read").touch()
    print(reads, len(seen))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
