"""How a run ends before it is done: by Ctrl-C, by a signal that asks it to end, or by an error nobody foresaw.

SIGTERM (what `docker stop` sends) and SIGHUP (the terminal is gone) end a run as Ctrl-C does: what is open is closed,
what was unpacked is deleted, the store is as it was.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

__all__ = ["end_on_signals", "ended_by", "guarded"]

_received: list[int] = []


def end_on_signals() -> None:
    """Turn SIGTERM and SIGHUP into `KeyboardInterrupt`, unless whoever started this process has them ignored."""
    _received.clear()
    if threading.current_thread() is not threading.main_thread():
        return  # only the main thread may ask for signals
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is None or signal.getsignal(number) not in (signal.SIG_DFL, signal.default_int_handler):
            continue
        signal.signal(number, _end)


def _end(number: int, _: FrameType | None) -> None:
    _received.append(number)
    raise KeyboardInterrupt


def ended_by() -> int:
    """The exit code of an interrupted run: 128 and the number of its signal, which is SIGINT's if none is known."""
    return 128 + (_received[0] if _received else int(signal.SIGINT))


def guarded(run: Callable[[], None]) -> None:
    """Run the command line; whatever happens, it ends with a sentence and an exit code."""
    try:
        run()
    except KeyboardInterrupt:
        _say_interrupted()
    except SystemExit as ending:
        if _received and ending.code not in (0, None, ended_by()):
            # An import that was interrupted may end as an error of its own.
            _say_interrupted()
        raise
    except Exception as error:  # noqa: BLE001 -- the last resort
        if _received:
            _say_interrupted()
        from explorer.unforeseen import explain

        print(f"error: {explain(error)}", file=sys.stderr)  # noqa: T201 -- nothing else is sure to work
        sys.exit(1)


def _say_interrupted() -> None:
    print("\nInterrupted.", file=sys.stderr)  # noqa: T201
    sys.exit(ended_by())
