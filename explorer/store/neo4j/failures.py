"""Why a Neo4j server does not do what it is asked, as one sentence each with the way out."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neo4j.exceptions import Neo4jError

    from explorer.store.neo4j.connection import Address

__all__ = ["explain", "is_memory_error", "is_overload", "is_read_only"]

_MEMORY_CODES = ("MemoryPoolOutOfMemoryError", "TransactionOutOfMemoryError", "OutOfMemoryError")
_READ_ONLY_CODES = ("ForbiddenOnReadOnlyDatabase", "WriteOnReadOnlyAccessDatabase", "Security.Forbidden", "AccessMode")
_OVERLOAD_CODES = ("MaximumTransactionLimitReached", "NoThreadsAvailable", "DatabaseUnavailable")


def is_memory_error(error: Neo4jError) -> bool:
    """True if the server had too little memory for a transaction."""
    return (error.code or "").endswith(_MEMORY_CODES)


def is_overload(error: Neo4jError) -> bool:
    """True if the server has as much to do as it may."""
    return (error.code or "").endswith(_OVERLOAD_CODES)


def is_read_only(error: BaseException | None) -> bool:
    """True if the server refuses to write, to this user or to anybody."""
    return (getattr(error, "code", None) or "").endswith(_READ_ONLY_CODES)


def explain(error: Exception, address: Address) -> str:
    """One sentence on an error of the driver.

    Args:
        error: The error; those that caused it are looked at too.
        address: The server it came from.
    """
    from neo4j.exceptions import AuthError, Neo4jError, ServiceUnavailable, SessionExpired

    if isinstance(error, AuthError):
        return f"{address.url} {_authentication(error)}"
    if isinstance(error, ServiceUnavailable | SessionExpired):
        return _connection(error, address)
    if isinstance(error, Neo4jError):
        return _refusal(error, address.url)
    return f"{address.url}: {' '.join(str(error).split())}"


def _authentication(error: Neo4jError) -> str:
    if (error.code or "").endswith("AuthenticationRateLimit"):
        return "was given a wrong password too often: wait a few seconds, then set NEO4J_USER and NEO4J_PASSWORD"
    return "refuses the user or the password: set NEO4J_USER and NEO4J_PASSWORD"


def _refusal(error: Neo4jError, url: str) -> str:
    code, message = error.code or "", " ".join((error.message or str(error)).split())
    if code.endswith("DatabaseNotFound"):
        return f"{url}: there is no such database on that server"
    if code.endswith("CredentialsExpired"):
        return f"{url} wants its first password to be changed: do that in Neo4j Browser, and set NEO4J_PASSWORD"
    if is_memory_error(error):
        return (
            f"{url} has too little memory for this in one transaction, and nothing was changed: give the "
            "server a larger heap, or load it with skillgraph export --format neo4j-admin"
        )
    if is_read_only(error):
        return (
            f"{url} may only be read, by this user or by everybody, and nothing was changed: set NEO4J_USER and "
            f"NEO4J_PASSWORD of a user who may write, or choose another store with --store ({message.rstrip('.')})"
        )
    if is_overload(error):
        return f"{url} is overloaded, and nothing was changed: try again later ({message.rstrip('.')})"
    return f"{url} refused: {message} ({code.rpartition('.')[2]})"


def _connection(error: BaseException, address: Address) -> str:
    """Why there is no connection, from what the socket said."""
    url, causes = address.url, list(_causes(error))
    encrypted = "+" in address.scheme
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"the certificate of {url} is not trusted ({cause.verify_message}): if the server is yours, use "
                f"{address.with_scheme('+ssc')}, else have this machine trust who issued the certificate"
            )
        if isinstance(cause, socket.gaierror):
            return f"{url}: there is no host of that name; check the address"
        if isinstance(cause, ConnectionRefusedError):
            return (
                f"no Neo4j answers at {url}: start it (skillgraph server start runs one on this machine) and try "
                "again; its data are unharmed"
            )
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return (
            f"{url} takes connections but does not answer: it is overloaded, or still starting, or no Neo4j; try again "
            "later"
        )
    if encrypted and any(isinstance(cause, ssl.SSLError | ConnectionResetError) for cause in causes):
        return f"{url} does not encrypt connections, but the address asks for that: use {address.with_scheme('')}"
    said = " ".join(str(cause) for cause in causes)
    if "HTTP" in said:
        return f"{url} is a web server, not the port for drivers (Bolt): that of Neo4j is 7687 by default"
    if not encrypted and "handshake" in said:
        return (
            f"{url} closes connections that are not encrypted: use {address.with_scheme('+s')}, or "
            f"{address.with_scheme('+ssc')} if it made its certificate itself"
        )
    return (
        f"the connection to {url} broke off, and nothing is half done: see that the server runs (skillgraph server "
        "status, for one on this machine) and try again"
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error, those within it, and those that caused it."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += getattr(one, "exceptions", ())
        waiting += [other for other in (one.__cause__, one.__context__) if other is not None]
