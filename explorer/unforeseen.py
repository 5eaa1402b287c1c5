"""The last resort: an error that nobody foresaw becomes one sentence, and its traceback a file that is named in it."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import traceback
from pathlib import Path

from explorer.folders import cache_folder

__all__ = ["MARK", "explain"]

MARK = "an error that this program did not foresee"
"""Words of the sentence, by which tests know that it was needed."""

_KEPT = 20


def explain(error: BaseException) -> str:
    """The sentence for an unforeseen error.

    The traceback goes to a new file with mode 0600 in `errors` of the cache folder, of which the newest are kept. It
    holds the command line, versions and the traceback; no values of variables.

    Args:
        error: As it was caught.

    Returns:
        What happened, and where the details are.
    """
    kind = type(error).__name__
    try:
        path = _log(error)
    except OSError:
        traceback.print_exception(error)
        return f"{MARK} ({kind}); its details are above: please report them"
    return f"{MARK} ({kind}); nothing stored was changed by it; its details are in {path}: please report them"


def _log(error: BaseException) -> Path:
    from explorer import __version__

    folder = cache_folder() / "errors"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    path = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{os.urandom(2).hex()}.log"
    arguments = " ".join(map(repr, sys.argv[:40]))[:4_000]
    head = f"Skillgraph Explorer {__version__}, Python {sys.version.split()[0]}, {sys.platform}\n{arguments}\n\n"
    text = head + "".join(traceback.format_exception(error))
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    for old in sorted(folder.glob("*.log"))[:-_KEPT]:
        with contextlib.suppress(OSError):
            old.unlink()
    return path
