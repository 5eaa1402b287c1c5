"""What goes wrong on Spark, in one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from explorer.errors import SkillgraphError

__all__ = ["SparkError", "explained"]

_LIMIT = 300


class SparkError(SkillgraphError):
    """Spark cannot be started or reached, refuses the input, or did not finish; no result was written."""


@contextmanager
def explained(doing: str, way_out: str = "") -> Iterator[None]:
    """Whatever the engine or its client raises becomes one `SparkError`.

    Args:
        doing: What was being done, for the message.
        way_out: What the reader can do.

    Raises:
        SparkError: The engine failed.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    failures: tuple[type[BaseException], ...] = (PySparkException, Py4JError, ConnectionError)
    try:
        import grpc
    except ImportError:
        pass
    else:
        failures = (*failures, grpc.RpcError)
    try:
        yield
    except failures as error:
        tail = f"; {way_out}" if way_out else ""
        raise SparkError(f"Spark failed while {doing}: {_reason(error)}{tail}") from error


def _reason(error: BaseException) -> str:
    """The line of a long message that says why: the last of a worker's traceback, else the first."""
    text = str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    chosen = lines[0]
    if "Traceback (most recent call last)" in text:
        raised = [line for line in lines if re.match(r"[A-Za-z_][\w.]*(Error|Exception|Interrupt|Exit)\b", line)]
        chosen = raised[-1] if raised else chosen
    else:
        caused = [line for line in lines if line.startswith("Caused by: ")]
        chosen = caused[-1].removeprefix("Caused by: ") if caused else chosen
    return chosen[:_LIMIT]
