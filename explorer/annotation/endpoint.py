"""An OpenAI-compatible endpoint: the only place from which texts leave this machine."""

from __future__ import annotations

import http.client
import json
import math
import random
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from explorer.errors import SkillgraphError

__all__ = ["KEY_VARIABLE", "Endpoint", "EndpointError", "Reply", "UnansweredError", "ask_endpoint", "checked_endpoint"]

KEY_VARIABLE = "SKILLGRAPH_ENDPOINT_KEY"
"""Environment variable with the key; it is neither stored nor shown."""
_RETRIED = frozenset({408, 409, 425, 429, *range(500, 600)})
_LONGEST_WAIT = 60.0
_LARGEST = 1 << 23
_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})

Sleep = Callable[[float], None]
Check = Callable[[Any], Any]


class EndpointError(SkillgraphError):
    """The endpoint refuses every request alike: the address, the model or the key is wrong."""


class UnansweredError(Exception):
    """One request has no usable answer, however often it was asked."""


@dataclass(frozen=True)
class Endpoint:
    """Where to ask, and how patiently.

    Attributes:
        url: Base address, up to and with `/v1`.
        model: Name of the model.
        key: Sent as a bearer token; None for an endpoint that needs none.
        timeout: Seconds without an answer after which a request is given up.
        tries: How often a request is sent at most.
        max_output: Most tokens of an answer.
    """

    url: str
    model: str
    key: str | None = field(default=None, repr=False)
    timeout: float = 60.0
    tries: int = 5
    max_output: int = 1000

    @property
    def host(self) -> str:
        """Name and, if it was given, port of the machine that texts go to."""
        return urllib.parse.urlsplit(self.url).netloc


@dataclass(frozen=True)
class Reply:
    """An answer that passed its check.

    Attributes:
        content: What the check made of it.
        tokens_in: Tokens sent, of all tries that were answered, as the endpoint counts them.
        tokens_out: Tokens received.
        tries: How often the request was sent.
    """

    content: Any
    tokens_in: int
    tokens_out: int
    tries: int


def checked_endpoint(endpoint: Endpoint) -> Endpoint:
    """The endpoint, if it is one.

    Raises:
        EndpointError: The address is none, holds a password, or would carry a key in the clear over a network.
    """
    try:
        parts = urllib.parse.urlsplit(endpoint.url)
        _ = parts.port
    except ValueError as error:
        raise EndpointError(f"endpoint {endpoint.url!r} is no address: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise EndpointError(f"endpoint {endpoint.url!r} must be an address such as http://127.0.0.1:8080/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise EndpointError(f"the endpoint's address must end with its path; a key belongs into {KEY_VARIABLE}")
    if endpoint.key is not None and (not endpoint.key.isascii() or not endpoint.key.isprintable()):
        raise EndpointError(f"the key in {KEY_VARIABLE} has characters that no header can carry")
    if parts.scheme == "http" and endpoint.key and parts.hostname not in _THIS_MACHINE:
        raise EndpointError(f"http:// would send the key to {parts.hostname} in the clear: use https://")
    return endpoint


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Texts and key go to the address that was given, and to no other."""

    def redirect_request(self, *arguments: Any, **options: Any) -> None:
        return None


def ask_endpoint(
    endpoint: Endpoint,
    messages: Sequence[Mapping[str, str]],
    schema: Mapping[str, Any],
    check: Check,
    *,
    sleep: Sleep = time.sleep,
    rng: random.Random | None = None,
) -> Reply:
    """Ask for an object of a schema, again where a fault may pass: after 1, 2, 4 … seconds, or as the endpoint says.

    Args:
        endpoint: Where.
        messages: The conversation.
        schema: JSON schema of the answer; the endpoint is asked to keep to it.
        check: Makes the result of the answer; raises `ValueError` if it is not of the schema.
        sleep: Waits.
        rng: Spreads the waits of several requests.

    Raises:
        EndpointError: The request is refused for a reason that all requests share.
        UnansweredError: No try has given a usable answer.
    """
    chance = rng or random.Random()
    shape = {"type": "json_schema", "json_schema": {"name": "tags", "strict": True, "schema": schema}}
    body = {
        "model": endpoint.model,
        "messages": list(messages),
        "temperature": 0,
        "max_tokens": endpoint.max_output,
        "response_format": shape,
    }
    tokens_in = tokens_out = 0
    reason = ""
    for attempt in range(1, endpoint.tries + 1):
        wait = min(2.0 ** (attempt - 1), _LONGEST_WAIT) * (1.0 + 0.25 * chance.random())
        try:
            answer = _post(endpoint, body)
            usage = answer.get("usage") if isinstance(answer, dict) else None
            if isinstance(usage, dict):
                tokens_in += _count(usage.get("prompt_tokens"))
                tokens_out += _count(usage.get("completion_tokens"))
            return Reply(check(_content(answer)), tokens_in, tokens_out, attempt)
        except _RetryError as fault:
            reason = str(fault)
            wait = wait if fault.after is None else min(max(fault.after, 0.0), _LONGEST_WAIT)
        except ValueError as fault:
            reason = f"the answer is not what was asked for: {fault}"
        if attempt < endpoint.tries:
            sleep(wait)
    raise UnansweredError(f"{reason} ({endpoint.tries} tries)" if endpoint.tries > 1 else reason)


class _RetryError(Exception):
    """A fault that may pass."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


def _post(endpoint: Endpoint, body: Mapping[str, Any]) -> Any:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if endpoint.key:
        headers["Authorization"] = f"Bearer {endpoint.key}"
    request = urllib.request.Request(  # noqa: S310 -- the scheme was checked
        endpoint.url.rstrip("/") + "/chat/completions", json.dumps(body).encode(), headers, method="POST"
    )
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=endpoint.timeout) as answer:
            data = answer.read(_LARGEST + 1)
    except urllib.error.HTTPError as error:
        with error:
            said = _said(error, endpoint)
        if error.code in _RETRIED:
            raise _RetryError(f"{endpoint.host} answered {error.code}{said}", _after(error)) from None
        if error.code in range(300, 400):
            said = f": it leads elsewhere ({error.headers.get('Location', '')}), which is not followed"
        raise EndpointError(f"{endpoint.host} answered {error.code}{said}") from None
    except TimeoutError:
        raise _RetryError(f"{endpoint.host} did not answer within {endpoint.timeout:g} s") from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise _RetryError(f"{endpoint.host} did not answer within {endpoint.timeout:g} s") from None
        raise _RetryError(f"{endpoint.host} cannot be reached: {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        raise _RetryError(f"{endpoint.host} broke off: {error or type(error).__name__}") from None
    if len(data) > _LARGEST:
        raise ValueError("it is longer than 8 MiB")
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None


def _said(error: urllib.error.HTTPError, endpoint: Endpoint) -> str:
    """What the endpoint says of a refusal, without the key, on one line."""
    try:
        text = error.read(4096).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return ""
    try:
        told = json.loads(text)["error"]
        text = str(told["message"] if isinstance(told, dict) else told)
    except (ValueError, KeyError, TypeError):
        pass
    text = " ".join(text.split())[:200]
    return f": {text.replace(endpoint.key, '…') if endpoint.key else text}" if text else ""


def _after(error: urllib.error.HTTPError) -> float | None:
    """Seconds to wait, as the endpoint says; None if it does not say, or says a date."""
    try:
        seconds = float(error.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _content(answer: Any) -> Any:
    """The object in the first choice."""
    try:
        choice = answer["choices"][0]
        message = choice["message"]
        text = message["content"]
    except (KeyError, IndexError, TypeError):
        raise ValueError("it has no choices[0].message.content") from None
    if choice.get("finish_reason") == "length":
        raise ValueError("it was cut at --max-output")
    if message.get("refusal"):
        raise ValueError(f"the model refuses: {message['refusal']}")
    if not isinstance(text, str):
        raise ValueError("its content is no text")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("its content is not JSON") from None
