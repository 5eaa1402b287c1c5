"""Files that are there whole or not at all."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from explorer.errors import SkillgraphError
from loaders.errors import DataError
from loaders.gate import open_regular
from loaders.writing import written_file

__all__ = ["atomic_output", "opened_input"]


@contextmanager
def atomic_output(path: Path) -> Iterator[IO[bytes]]:
    """A binary stream that becomes the file at `path` when the block ends well, and leaves nothing otherwise.

    Args:
        path: The file; `-` is standard output, which likewise gets all or nothing.

    Yields:
        The stream.

    Raises:
        SkillgraphError: The file cannot be written.
    """
    try:
        if str(path) == "-":
            with tempfile.SpooledTemporaryFile(max_size=1 << 24) as spool:
                yield spool
                spool.seek(0)
                sys.stdout.flush()
                if hasattr(sys.stdout, "buffer"):
                    shutil.copyfileobj(spool, sys.stdout.buffer)
                else:  # a test or a notebook has put text in its place
                    sys.stdout.write(spool.read().decode())
                sys.stdout.flush()
            return
        if path.exists() and not path.is_file():
            if path.is_dir():
                raise SkillgraphError(f"{path} is a folder: name a file in it")
            # a device or pipe cannot be replaced
            with path.open("wb") as stream:
                yield stream
            return
        with written_file(path) as stream:
            yield stream
    except BrokenPipeError:
        raise
    except OSError as error:
        raise SkillgraphError(f"cannot write {path}: {error.strerror or error}") from None


@contextmanager
def opened_input(path: Path) -> Iterator[IO[bytes]]:
    """The file for reading.

    Raises:
        SkillgraphError: It is no regular file, or cannot be opened.
    """
    try:
        stream = open_regular(path)
    except DataError as error:
        raise SkillgraphError(f"cannot read {error}") from None
    with stream:
        yield stream
