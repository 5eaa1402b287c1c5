"""What a page asks of work that it watches: calls may overtake each other, and the last start counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from dash import no_update

from explorer.errors import SkillgraphError
from ui.calls import Cause
from ui.source import Source
from ui.work.children import Job, Pool, Report
from ui.work.watching import Watch

PATIENCE = 120.0  # seconds; only a failure waits so long
START, TICKET, PULSE, CANCEL = "t-start.data", "t-ticket.modified_timestamp", "t-pulse.data", "t-cancel.n_clicks"


def said(_report: Report, text: str) -> str:
    """Work that says what it was given."""
    return text


def forever(_report: Report) -> None:
    """Work that only ends when it is ended."""
    while True:
        pass


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    found = Pool(4, "busy")
    yield found
    found.close()


@pytest.fixture
def watch(pool: Pool) -> Watch:
    def begin(_source: Source, name: str, form: Mapping[str, Any]) -> Job:
        if form.get("refused"):
            raise SkillgraphError("refused")
        return pool.begin(said, form["text"], name=name)

    return Watch("t", "the test", lambda _source: pool, begin, lambda _source, job: job.value)


def asked(watch: Watch, start: Mapping[str, Any] | None, ticket: str | None, *triggers: str) -> tuple[Any, ...]:
    return watch.follow(None, Cause(properties=triggers), start, None, None, None, ticket)  # type: ignore[arg-type]


@pytest.mark.parametrize("after", [TICKET, PULSE])
def test_an_old_result_does_not_take_the_place_of_a_new_start(
    watch: Watch, pool: Pool, after: str, request: pytest.FixtureRequest
) -> None:
    """The call that the start caused was answered to nobody: its ticket is not known to the page."""
    old, new = f"old {request.node.name}", {"id": f"new {request.node.name}", "form": {"text": "new"}}
    assert pool.begin(said, "old", name=old).wait(PATIENCE)
    assert asked(watch, None, old, TICKET)[4] == "old"
    asked(watch, new, old, START)
    begun = pool.find(new["id"])
    assert begun is not None
    assert begun.wait(PATIENCE)
    assert asked(watch, new, old, after)[4:] == ("new", new["id"])


@pytest.mark.parametrize("cause", [(), (START,), (TICKET,), (PULSE,), (START, TICKET)])
def test_a_start_begins_whatever_call_brings_it(watch: Watch, pool: Pool, cause: tuple[str, ...]) -> None:
    start = {"id": f"start by {cause}", "form": {"text": "done"}}
    first = asked(watch, start, "of another page", *cause)
    assert first[5] == start["id"]
    begun = pool.find(start["id"])
    assert begun is not None
    assert begun.wait(PATIENCE)
    assert asked(watch, start, start["id"], PULSE)[4:] == ("done", no_update)


def test_work_that_a_server_has_forgotten_is_not_begun_again(watch: Watch, pool: Pool) -> None:
    start = {"id": "of another server", "form": {"text": "done"}}
    assert asked(watch, start, start["id"], PULSE)[0] == {"running": False}
    assert pool.find(start["id"]) is None


def test_what_cannot_begin_says_why(watch: Watch, pool: Pool) -> None:
    start = {"id": "refused", "form": {"refused": True}}
    state, hidden, *_, shown, ticket = asked(watch, start, None, START)
    # The name makes `done` change, by which tables and figures hear that nothing is computed.
    assert (state, hidden, ticket) == ({"running": False, "work": "refused"}, True, no_update)
    assert "Not started: refused" in str(shown)
    assert pool.find("refused") is None


def test_cancelling_ends_the_last_start(watch: Watch, pool: Pool) -> None:
    running = pool.begin(forever, name="slow")
    start = {"id": "slow", "form": {}}
    asked(watch, start, "of another page", CANCEL)
    assert running.state == "cancelled"
    never = {"id": "never begun", "form": {"text": "no"}}
    assert "Cancelled" in str(asked(watch, never, "slow", CANCEL)[4])
    assert asked(watch, never, "slow", START)[0]["running"] is False
