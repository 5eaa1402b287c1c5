"""Errors that end a command with one sentence and exit code 1.

`SkillgraphError` is the base of what this package raises; the two packages below it have a base of their
own, because they do not know this one. `USER_ERRORS` is all three.
"""

from analysis.errors import AnalysisError
from loaders.errors import DataError

__all__ = ["USER_ERRORS", "NotFoundError", "QueryError", "ServerError", "SkillgraphError", "StoreError"]


class SkillgraphError(Exception):
    """Base class: the message is one sentence that names the value and the way out."""


class StoreError(SkillgraphError):
    """The store cannot be opened, read or written; what it held before is unharmed."""


class NotFoundError(SkillgraphError):
    """A dataset, layer or skill of that name is not in the store."""


class QueryError(SkillgraphError):
    """A Cypher query is refused: syntax, a write in a read-only query, timeout or an unknown name."""


class ServerError(SkillgraphError):
    """The local Neo4j server cannot be provisioned, started or stopped."""


USER_ERRORS: tuple[type[Exception], ...] = (SkillgraphError, DataError, AnalysisError)
