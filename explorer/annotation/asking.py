"""Tags by a language model: many texts at once, nothing paid twice, whatever was answered kept."""

from __future__ import annotations

import hashlib
import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.annotation.endpoint import Endpoint, EndpointError, Reply, UnansweredError, ask_endpoint, checked_endpoint
from explorer.annotation.files import SourceText
from explorer.annotation.prompting import SCHEMA, Question
from explorer.errors import SkillgraphError
from explorer.store.protocol import Progress
from loaders.annotations import Tag

__all__ = ["Answers", "Estimate", "Prices", "ask_model", "estimate"]

_IN_A_ROW = 10
_ANSWER_TOKENS = 40


@dataclass(frozen=True)
class Prices:
    """What a million tokens cost, in any currency; None if that is not known.

    Attributes:
        sent: Of the prompt.
        received: Of the answer.
    """

    sent: float | None = None
    received: float | None = None

    def cost(self, tokens_in: int, tokens_out: int) -> float | None:
        """What so many tokens cost; None if a price is not known."""
        if self.sent is None or self.received is None:
            return None
        return (tokens_in * self.sent + tokens_out * self.received) / 1e6


@dataclass(frozen=True)
class Estimate:
    """What a run would take.

    Attributes:
        texts: Number of texts.
        cached: Texts whose answer is there already: they are neither sent nor paid.
        requests: Texts to be sent.
        tokens_in: Tokens to be sent, four bytes of UTF-8 taken as one.
        tokens_out: Tokens to be received, if every text gets as many tags as it may.
        cost: What they cost; None without prices.
    """

    texts: int
    cached: int
    requests: int
    tokens_in: int
    tokens_out: int
    cost: float | None


@dataclass(frozen=True)
class Answers:
    """What a run gave.

    Attributes:
        tags: The tags, in the order of the texts.
        asked: Texts that were answered now.
        cached: Texts whose answer was there already.
        failed: Reason by id of text, of those without an answer.
        unsupported: Tags whose evidence is not in the text; they have none.
        tokens_in: Tokens sent now, as the endpoint counts them.
        tokens_out: Tokens received now.
        cost: What they cost; None without prices.
    """

    tags: list[Tag]
    asked: int
    cached: int
    failed: Mapping[str, str]
    unsupported: int
    tokens_in: int
    tokens_out: int
    cost: float | None


def estimate(
    texts: Sequence[SourceText],
    question: Question,
    endpoint: Endpoint,
    cache: Path,
    *,
    top: int,
    prices: Prices | None = None,
) -> Estimate:
    """What it would take to ask a model of these texts; nothing is sent."""
    new = [text for text in _distinct(texts) if _kept(_file(cache, endpoint, question, text), question) is None]
    size = sum(len(m["content"].encode()) for text in new for m in question.messages(text))
    tokens_in, tokens_out = -(-size // 4), len(new) * min(endpoint.max_output, _ANSWER_TOKENS * top)
    cost = (prices or Prices()).cost(tokens_in, tokens_out)
    return Estimate(len(texts), len(texts) - len(new), len(new), tokens_in, tokens_out, cost)


def _distinct(texts: Iterable[SourceText]) -> list[SourceText]:
    """One text of each wording: the others have its answer."""
    return list({text.text: text for text in reversed(list(texts))}.values())[::-1]


def ask_model(
    texts: Sequence[SourceText],
    question: Question,
    endpoint: Endpoint,
    cache: Path,
    *,
    concurrency: int = 4,
    prices: Prices | None = None,
    progress: Progress | None = None,
    sleep: Callable[[float], None] = time.sleep,
    seed: int = 0,
) -> Answers:
    """Ask a model which skills each text needs.

    Each answer goes into the cache as it comes, under a digest of everything that was asked; so a run that was cut off
    goes on where it stopped, and texts that were answered are not sent again.

    Args:
        texts: The texts.
        question: What is asked of each.
        endpoint: Where.
        cache: Folder of the answers.
        concurrency: Most requests at a time.
        prices: For the cost.
        progress: Called with texts done and all texts.
        sleep: Waits between tries.
        seed: Seed of the spread of these waits.

    Raises:
        EndpointError: The endpoint refuses everything, or has answered nothing many times in a row.
        SkillgraphError: The cache cannot be written.
    """
    checked_endpoint(endpoint)
    found: dict[str, list[dict[str, Any]]] = {}
    failed: dict[str, str] = {}
    waiting: list[SourceText] = []
    for text in _distinct(texts):
        kept = _kept(_file(cache, endpoint, question, text), question)
        if kept is None:
            waiting.append(text)
        else:
            found[text.text] = kept
    cached = sum(text.text in found for text in texts)
    done, in_a_row, tokens_in, tokens_out = cached, 0, 0, 0
    rng = random.Random(seed)

    stopped = threading.Event()

    def pause(seconds: float) -> None:
        """Wait, unless the run has ended meanwhile: then no further try is made."""
        if not stopped.is_set():
            sleep(seconds)
        if stopped.is_set():
            raise UnansweredError("the run was ended")

    def one(text: SourceText, chance: random.Random) -> Reply:
        return ask_endpoint(endpoint, question.messages(text), SCHEMA, question.check, sleep=pause, rng=chance)

    with ThreadPoolExecutor(concurrency, thread_name_prefix="skillgraph-ask") as pool:
        running: dict[Future[Reply], SourceText] = {}
        queue = iter(waiting)
        try:
            while True:
                for text in queue:
                    running[pool.submit(one, text, random.Random(rng.random()))] = text
                    if len(running) >= concurrency:
                        break
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    text = running.pop(future)
                    try:
                        reply = future.result()
                    except UnansweredError as error:
                        failed[text.text] = str(error)
                        in_a_row += 1
                        if in_a_row >= _IN_A_ROW:
                            raise EndpointError(
                                f"{in_a_row} texts in a row without an answer, so this was stopped: {error}; what was "
                                "answered is kept, and the same command goes on from there"
                            ) from None
                        continue
                    in_a_row = 0
                    found[text.text] = reply.content
                    tokens_in, tokens_out = tokens_in + reply.tokens_in, tokens_out + reply.tokens_out
                    _keep(_file(cache, endpoint, question, text), reply)
                    done += 1
                    if progress is not None:
                        progress(done, len(texts))
        except BaseException:
            # Answers that are on their way are paid for: they are kept, and nothing more is sent.
            stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)
            for future, text in running.items():
                if not future.cancelled() and future.exception() is None:
                    _keep(_file(cache, endpoint, question, text), future.result())
            raise
    tags: list[Tag] = []
    unsupported = 0
    for text in texts:
        if text.text in found:
            own, without = question.tags(text, found[text.text], endpoint.model)
            tags += own
            unsupported += without
    reasons = {text.id: failed[text.text] for text in texts if text.text in failed}
    asked = len(texts) - cached - len(reasons)
    cost = (prices or Prices()).cost(tokens_in, tokens_out)
    return Answers(tags, asked, cached, reasons, unsupported, tokens_in, tokens_out, cost)


# The cache ---------------------------------------------------------------------------------------------------


def _file(cache: Path, endpoint: Endpoint, question: Question, text: SourceText) -> Path:
    asked = [endpoint.url.rstrip("/"), endpoint.model, endpoint.max_output, question.messages(text), SCHEMA]
    digest = hashlib.sha256(json.dumps(asked, ensure_ascii=True).encode()).hexdigest()
    return cache / digest[:2] / f"{digest}.json"


def _kept(file: Path, question: Question) -> list[dict[str, Any]] | None:
    """The answer in a file of the cache; None if there is none that passes the check."""
    try:
        return question.check(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def _keep(file: Path, reply: Reply) -> None:
    value = {"skills": reply.content, "tokens_in": reply.tokens_in, "tokens_out": reply.tokens_out}
    partial = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
        partial.replace(file)
    except OSError as error:
        raise SkillgraphError(f"cannot keep an answer in {file.parent}: {error.strerror or error}") from None
