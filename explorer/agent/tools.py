"""What an agent may do with a store: look, ask and compute; nothing is ever written.

Each public method of `Tools` but `resources` is a tool: its docstring is what the agent reads of it, its annotations
are the schema of its arguments. The answers are those of the command line's `--json`, with long lists cut.
"""

from __future__ import annotations

import inspect
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.cookbook import cookbook_page
from explorer.errors import SkillgraphError
from explorer.options import LIMITS, PlanWay
from explorer.plain import plain
from explorer.store.choosing import single_dataset

if TYPE_CHECKING:
    from explorer.store.place import Place
    from explorer.store.protocol import Store

__all__ = ["AgentLimits", "Page", "Tools", "cut_lists", "described"]


@dataclass(frozen=True)
class AgentLimits:
    """What one call may take and give; an agent may ask for less, never for more.

    Attributes:
        rows: Rows of a query, and entries of any list in an answer.
        seconds: Seconds until a query is stopped.
        memory: GiB that a query may take on the embedded store.
    """

    rows: int = LIMITS.query_rows
    seconds: float = LIMITS.query_seconds
    memory: float = LIMITS.query_memory


@dataclass(frozen=True)
class Page:
    """A text that an agent can read.

    Attributes:
        uri: Its address.
        name: Short name.
        description: What it is good for, in a sentence.
        read: Gives it, as Markdown.
    """

    uri: str
    name: str
    description: str
    read: Callable[[], str]


class Tools:
    """The tools on one store.

    Args:
        place: Where the store is.
        limits: What one call may take.
    """

    def __init__(self, place: Place, limits: AgentLimits | None = None) -> None:
        self._place = place
        self._limits = limits or AgentLimits()
        # One computation at a time: each uses all cores, and an agent may ask for many at once.
        self._turn = threading.Lock()

    @contextmanager
    def _opened(self) -> Iterator[Store]:
        store = self._place.open("read")
        try:
            yield store
        finally:
            store.close()

    @contextmanager
    def _on(self, dataset: str | None) -> Iterator[tuple[Store, str]]:
        with self._turn, self._opened() as store:
            yield store, single_dataset(store, dataset)

    def _answer(self, value: Any) -> dict[str, Any]:
        return cut_lists(plain(value), self._limits.rows)

    def check(self) -> str:
        """The address of the store, once it has been opened.

        Raises:
            StoreError: It cannot be opened.
        """
        with self._opened() as store:
            store.datasets()
            return store.url

    def datasets(self) -> dict[str, Any]:
        """List the datasets of the store: sizes, parts, and names of their layers."""
        with self._opened() as store:
            return self._answer({"datasets": store.datasets()})

    def layers(self, dataset: str | None = None) -> dict[str, Any]:
        """List layers: what was learned from which texts, by which rule, and how much of it.

        Args:
            dataset: Only those of this dataset.
        """
        with self._opened() as store:
            return self._answer({"layers": store.layers(None if dataset is None else single_dataset(store, dataset))})

    def query(
        self,
        cypher: str,
        parameters: dict[str, Any] | None = None,
        limit: int | None = None,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """Ask read-only Cypher of texts, skills, layers and learned associations.

        The graph is described in the resource skillgraph://schema; tested queries are in skillgraph://cookbook, and
        parameters of these that are not given are chosen from what the store holds.

        Args:
            cypher: One statement that reads; anything else is refused.
            parameters: Values of its parameters, by name without the $.
            limit: Most rows to give.
            timeout: Seconds after which it is stopped.
        """
        from explorer.service.asking import ask

        most = self._limits
        with self._opened() as store:
            answer = ask(
                store,
                cypher,
                parameters,
                max_rows=_at_most(limit, most.rows, "limit"),
                timeout=_at_most(timeout, most.seconds, "timeout"),
                memory=most.memory,
            )
        found = answer.result
        value = {
            "columns": found.columns,
            "rows": found.rows,
            "truncated": found.truncated,
            "warnings": [*found.warnings, *answer.unmatched],
        }
        return self._answer({**value, "chosen": answer.chosen} if answer.chosen else value)

    def why(self, skill: str, layer: str, dataset: str | None = None, texts: int = 5) -> dict[str, Any]:
        """Say how a skill was learned in a layer, or what stands in its way and what would unlock it.

        Args:
            skill: Id of any skill of the dataset.
            layer: Name of the layer.
            dataset: May be left out if the store has only one.
            texts: Most texts and sets to list.
        """
        from explorer.service.why import why

        with self._on(dataset) as (store, name):
            return self._answer(why(store, name, layer, skill, texts=_at_most(texts, self._limits.rows, "texts")))

    def plan(
        self,
        layer: str,
        budget: int = 20,
        by: PlanWay = "skills",
        dataset: str | None = None,
        pool_parts: list[str] | None = None,
        goal_classes: list[str] | None = None,
        goal_texts: list[str] | None = None,
        goal_layer: str | None = None,
        goal_giant: bool = False,
        seed: int = 0,
    ) -> dict[str, Any]:
        """Plan what to teach next: each step is the best single step when its turn comes.

        Args:
            layer: A layer that was learned from texts.
            budget: Number of steps.
            by: Teach skills outright, add texts of a pool, or make texts simpler by one requirement.
            dataset: May be left out if the store has only one.
            pool_parts: With texts: add from these parts only; else from all texts that the layer has not read.
            goal_classes: Only skills of these classes count.
            goal_texts: Only these texts count, by id.
            goal_layer: Only what this layer has learned counts.
            goal_giant: The size of the giant component of learned skills counts.
            seed: Seed of the random orders beside the plan.
        """
        from explorer.service.planning import plan

        with self._on(dataset) as (store, name):
            return self._answer(
                plan(
                    store,
                    name,
                    layer,
                    budget=_at_most(budget, self._limits.rows, "budget"),
                    by=by,
                    pool_parts=pool_parts or (),
                    goal_classes=goal_classes or (),
                    goal_texts=goal_texts or (),
                    goal_layer=goal_layer,
                    goal_giant=goal_giant,
                    seed=seed,
                )
            )

    def compare(self, first: str, second: str, dataset: str | None = None) -> dict[str, Any]:
        """Compare two layers: kept, gained and lost skills, by class and one by one, and what theory expects.

        Args:
            first: The first layer, usually the foundation.
            second: The second, usually the fine-tuned one.
            dataset: May be left out if the store has only one.
        """
        from explorer.service.comparison import compare

        with self._on(dataset) as (store, name):
            return self._answer(compare(store, name, first, second))

    def predict(
        self,
        layer: str | None = None,
        mean_skills: float | None = None,
        ratio: float | None = None,
        learner: str = "one",
        dataset: str | None = None,
        replicates: int = 20,
        seed: int = 0,
    ) -> dict[str, Any]:
        """Predict what is learned: from mean skills in a text and texts per skill, or for a layer beside what it did.

        Args:
            layer: A stored layer; then leave out mean_skills, ratio and learner.
            mean_skills: Mean number of skills in a text.
            ratio: Texts per skill.
            learner: Rule by which texts teach: one, d:2, capacity:0.6.
            dataset: With a layer; may be left out if the store has only one.
            replicates: With a layer: random graphs for the 95 % band; 0 for none.
            seed: With a layer: seed of these.
        """
        from explorer.service import predict, predict_layer

        if layer is None:
            if mean_skills is None or ratio is None:
                raise SkillgraphError("give mean_skills and ratio, or name a stored layer")
            return self._answer(predict(mean_skills, ratio, learner))
        if mean_skills is not None or ratio is not None or learner != "one":
            raise SkillgraphError("a layer has its own mean_skills, ratio and learner: leave them out")
        with self._on(dataset) as (store, name):
            return self._answer(
                predict_layer(
                    store,
                    name,
                    layer,
                    replicates=_at_most(replicates, self._limits.rows, "replicates", least=0),
                    seed=seed,
                    workers=os.cpu_count() or 1,
                )
            )

    def functions(self) -> tuple[Callable[..., dict[str, Any]], ...]:
        """The tools, in the order in which they are listed."""
        return (self.datasets, self.layers, self.query, self.why, self.plan, self.compare, self.predict)

    @staticmethod
    def pages() -> tuple[Page, ...]:
        """What an agent should read before it asks Cypher."""
        return (
            Page("skillgraph://schema", "schema", "Nodes, relationships and properties of the graph.", _schema_page),
            Page("skillgraph://cookbook", "cookbook", "Questions with the Cypher that answers them.", cookbook_page),
        )


def described(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """What a docstring says of a function, and of each of its arguments."""
    summary, _, rest = (inspect.getdoc(function) or "").partition("\nArgs:\n")
    lines = re.findall(r"^    (\w+): (.+)$", rest, re.MULTILINE)
    return summary.strip(), dict(lines)


def _schema_page() -> str:
    """docs/schema.md: in a checkout where it is written, in an installed package beside this module."""
    here = Path(__file__)
    shipped = here.with_name("schema.md")
    return (shipped if shipped.exists() else here.parents[2] / "docs" / "schema.md").read_text(encoding="utf-8")


def _at_most(wanted: Any, most: Any, what: str, least: float = 1) -> Any:
    """What is asked for, or the most if nothing is.

    Raises:
        SkillgraphError: It is more than may be had, or makes no sense.
    """
    if wanted is None:
        return most
    low = least if isinstance(most, int) else 0.001
    if not low <= wanted <= most:
        raise SkillgraphError(f"{what} {wanted:g} must be from {low:g} to {most:g}")
    return wanted


def cut_lists(value: Mapping[str, Any], most: int) -> dict[str, Any]:
    """The value with every list cut to its first `most` entries, and told where.

    Returns:
        The value; if something was cut, with `cut`: the length of each list that is not whole, by its path.

    >>> cut_lists({"a": [1, 2, 3], "b": [{"c": [1, 2]}]}, 2)
    {'a': [1, 2], 'b': [{'c': [1, 2]}], 'cut': {'a': 3}}
    """
    lengths: dict[str, int] = {}

    def cut(item: Any, path: str) -> Any:
        if isinstance(item, Mapping):
            return {str(key): cut(inner, f"{path}.{key}" if path else str(key)) for key, inner in item.items()}
        if isinstance(item, list):
            if len(item) > most:
                lengths[path] = max(len(item), lengths.get(path, 0))
            return [cut(inner, path) for inner in item[:most]]
        return item

    kept: dict[str, Any] = cut(value, "")
    return {**kept, "cut": lengths} if lengths else kept
