"""Graphs and their layers: a dataset in a store, and what was learned from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from explorer.api.place import Place
from explorer.api.results import (
    Answer,
    Association,
    Comparison,
    Curriculum,
    Evidence,
    Explanation,
    Forecast,
    Percolation,
    Plan,
    Prediction,
    Tags,
    Why,
    result,
)
from explorer.api.tables import as_pandas, as_polars, html_table
from explorer.api.window import Explorer, explore
from explorer.errors import NotFoundError, SkillgraphError
from explorer.options import LIMITS, EvidenceFit, Mode, Noise, PlanWay, Rule, TagMethod
from explorer.wording import plural
from loaders.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go
    import polars as pl
    import pyarrow as pa

    from explorer.service.learning import LearnReport
    from explorer.store.protocol import DatasetInfo, LayerInfo
    from loaders.dataset import Dataset

__all__ = ["Graph", "Layer", "answer"]

Tables = Literal["requirements", "texts", "skills", "prerequisites", "part_of", "models", "attempts"]


@runtime_checkable
class Connected(Protocol):
    """What is in a place: a `Connection`, or another graph."""

    @property
    def place(self) -> Place:
        """Where it is."""
        ...


class _OfALayer:
    """What can be asked of a layer, and of a graph that has only one."""

    def layer(self, name: str | None = None) -> Layer:
        """The layer that is asked.

        Raises:
            NotFoundError: There is no such layer, or none or several and no name.
        """
        raise NotImplementedError

    def associate(
        self,
        *,
        rule: Rule = "any",
        min_weight: int = 1,
        top_k: int | None = None,
        max_text_skills: int | None = None,
    ) -> Association:
        """Link learned skills that occur in the same text, find components, and store both.

        Args:
            rule: `any` text links its skills, or only `understood` ones.
            min_weight: Fewest texts that a link needs.
            top_k: Strongest links of each skill that are kept; None for all.
            max_text_skills: Leave out texts with more skills; None for no limit.

        Returns:
            Components, with the links as rows.
        """
        from explorer.service.association import associate

        layer = self.layer()
        with layer.graph.place.writing() as store:
            found = associate(
                store,
                layer.graph.name,
                layer.name,
                rule=rule,
                min_weight=min_weight,
                top_k=top_k,
                max_text_skills=max_text_skills,
            )
        return result(Association, found, _of=layer)

    def percolate(
        self,
        *,
        phi: Sequence[float] | None = None,
        replicates: int = LIMITS.percolation_orders,
        seed: int = 0,
        types: bool = False,
    ) -> Percolation:
        """Keep skills at random and watch the giant component form, beside the prediction.

        Args:
            phi: Shares of skills that are kept; 0, 0.01 … 1 by default.
            replicates: Random orders.
            seed: Of the orders.
            types: Whether to predict with types of skills, too.
        """
        from explorer.service.percolation import percolate

        layer = self.layer()
        with layer.graph.place.reading() as store:
            found = percolate(
                store, layer.graph.name, layer.name, phi=phi, replicates=replicates, seed=seed, types=types
            )
        return result(Percolation, found, _of=layer)

    def predict(self, *, replicates: int = 0, seed: int = 0) -> Prediction:
        """What theory predicts of the layer, beside what was measured.

        Args:
            replicates: Random graphs behind 95 % bands; 0 for none.
            seed: Of these graphs.
        """
        from explorer.service.prediction import predict_layer

        layer = self.layer()
        with layer.graph.place.reading() as store:
            return result(
                Prediction, predict_layer(store, layer.graph.name, layer.name, replicates=replicates, seed=seed)
            )

    def explain(self, *, types: Sequence[str] = (), graphs: int | None = None, seed: int = 0) -> Explanation:
        """Which structure of the graph makes it learn more or less than its degrees say.

        Args:
            types: Properties of skills whose product are the types of a rung of your own.
            graphs: Rewired graphs behind each simulated value; by default as many as the size allows.
            seed: Of the rewiring.
        """
        from explorer.service.ladder import explain

        layer = self.layer()
        with layer.graph.place.reading() as store:
            found = explain(store, layer.graph.name, layer.name, types=types, graphs=graphs, seed=seed)
        return result(Explanation, found)

    def forecast(self, factor: float = 2.0, *, splits: int = 8, seed: int = 0) -> Forecast:
        """What would be learned from `factor` times as many texts of the same source.

        Args:
            factor: Above 1, at most 64.
            splits: Random halves of the backtest.
            seed: Of all draws.
        """
        from explorer.service.forecast import forecast

        layer = self.layer()
        with layer.graph.place.reading() as store:
            found = forecast(store, layer.graph.name, layer.name, factor=factor, splits=splits, seed=seed)
        return result(Forecast, found)

    def plan(
        self,
        budget: int = 20,
        *,
        by: PlanWay = "skills",
        pool_parts: Sequence[str] = (),
        pool: Graph | None = None,
        goal_classes: Sequence[str] = (),
        goal_texts: Sequence[str] = (),
        goal_layer: str | None = None,
        goal_giant: bool = False,
        seed: int = 0,
    ) -> Plan:
        """What to teach next, step by step, each the one that unlocks most.

        Args:
            budget: Steps.
            by: Teach `skills`, add `texts` of a pool, or make texts `simpler`.
            pool_parts: Parts of this graph whose texts are the pool.
            pool: Another graph whose texts are the pool.
            goal_classes: Count only skills of these classes.
            goal_texts: Count only these texts, as understood.
            goal_layer: Count only skills that this layer has learned.
            goal_giant: Count the giant component.
            seed: Of the random plans that it is compared with.
        """
        from explorer.service.planning import plan

        layer = self.layer()
        with layer.graph.place.reading() as store:
            found = plan(
                store,
                layer.graph.name,
                layer.name,
                budget=budget,
                by=by,
                pool_parts=pool_parts,
                pool=None if pool is None else pool.dataset,
                goal_classes=goal_classes,
                goal_texts=goal_texts,
                goal_layer=goal_layer,
                goal_giant=goal_giant,
                seed=seed,
            )
        return result(Plan, found)

    def why(self, skill: str, *, texts: int = 5) -> Why:
        """Why a skill was or was not learned.

        Args:
            skill: Its id.
            texts: Near texts that are shown at most.
        """
        from explorer.service.why import why

        layer = self.layer()
        with layer.graph.place.reading() as store:
            return result(Why, why(store, layer.graph.name, layer.name, skill, texts=texts))

    def curriculum(self, *, rest: bool = False) -> Curriculum:
        """An order of the layer's texts in which each has few enough novel skills.

        Args:
            rest: Add the texts that never have, at the end.
        """
        from explorer.service.curriculum import make_curriculum

        layer = self.layer()
        with layer.graph.place.reading() as store:
            return result(Curriculum, make_curriculum(store, layer.graph.name, layer.name, rest=rest))

    def compare(self, other: Layer | str, *, predict: bool = True) -> Comparison:
        """This layer beside another of the same graph: what was kept, gained and lost.

        Args:
            other: The other layer, or its name.
            predict: Also what theory predicts of ways to train.

        Raises:
            SkillgraphError: The other layer belongs to another graph.
        """
        from explorer.service.comparison import compare

        layer = self.layer()
        second = other if isinstance(other, str) else other.name
        if not isinstance(other, str) and (other.graph.place.url, other.graph.name) != (
            layer.graph.place.url,
            layer.graph.name,
        ):
            raise SkillgraphError(
                f"layers {layer.name!r} and {second!r} belong to different graphs: learn both from one graph, with "
                "parts for the texts of each"
            )
        with layer.graph.place.reading() as store:
            return result(Comparison, compare(store, layer.graph.name, layer.name, second, predict=predict))

    def plot(self, kind: Literal["waves", "emergence", "texts", "exit"] = "waves") -> go.Figure:
        """The layer beside theory, as the pages draw it.

        Args:
            kind: Learned fraction after each of the `waves`; against texts per skill (`emergence`); or for growing
                shares of the `texts`; or the `exit` curves of texts and skills.
        """
        from explorer.service.messages import exit_chart
        from explorer.service.prediction import subsample, wave_curve
        from ui.drawing.figures import exit_figure, subsample_figure, waves_figure

        layer = self.layer()
        if kind == "emergence":
            return self.predict().plot()
        if kind not in ("waves", "texts", "exit"):
            raise SkillgraphError(f"plot {kind!r} is none of waves, emergence, texts, exit")
        with layer.graph.place.reading() as store:
            if kind == "exit":
                return exit_figure(exit_chart(store, layer.graph.name, layer.name))
            if kind == "texts":
                return subsample_figure(subsample(store, layer.graph.name, layer.name))
            return waves_figure(wave_curve(store, layer.graph.name, layer.name))


@dataclass(frozen=True, repr=False)
class Layer(_OfALayer):
    """A layer of a graph: what one run learned, or what a model's outcomes show.

    Attributes:
        graph: The graph it was learned from.
        name: Its name there.
        report: What the run did, where this is the result of `Graph.learn`; None otherwise.
    """

    graph: Graph
    name: str
    report: LearnReport | None = field(default=None, compare=False)

    def layer(self, name: str | None = None) -> Layer:
        """This layer, or another one of its graph."""
        return self if name is None else self.graph.layer(name)

    @property
    def info(self) -> LayerInfo:
        """Kind, learner, base, counts, seed, parameters and versions, as the store has them now."""
        from explorer.service.snapshot import lineage

        with self.graph.place.reading() as store:
            return lineage(store, self.graph.name, self.name)[0]

    @property
    def learned(self) -> int:
        """Number of learned skills."""
        return self.info.learned

    @property
    def learned_fraction(self) -> float:
        """Learned skills over the skills that its texts require."""
        return self.info.learned_fraction

    def to_arrow(self) -> pa.Table:
        """Its learned skills: `id, name, class, level, wave, by, component, mastery`; of evidence `solve_rate` too.

        `solve_rate_low` and `solve_rate_high` are the ends of its 95 % interval.
        """
        from explorer.export.files import layer_skills

        with self.graph.place.reading() as store:
            return layer_skills(self.graph.dataset, store.read_layer(self.graph.name, self.name))

    def lacking(self) -> pa.Table:
        """The skills that it lacks, each with the reason (docs/why.md), as a table of Arrow."""
        from explorer.service.reasons import layer_lacks

        with self.graph.place.reading() as store:
            return layer_lacks(store, self.graph.name, self.name)

    def to_pandas(self) -> pd.DataFrame:
        """Its learned skills as a DataFrame of pandas."""
        return as_pandas(self.to_arrow())

    def to_polars(self) -> pl.DataFrame:
        """Its learned skills as a DataFrame of polars."""
        return as_polars(self.to_arrow())

    def to_networkx(self) -> Any:
        """Its association graph as a Graph of networkx; `associate` makes it first.

        Raises:
            SkillgraphError: It has no associations yet, or networkx is not installed.
        """
        from explorer.export.files import association_graph
        from explorer.export.networks import to_networkx

        if self.info.associations is None:
            raise SkillgraphError(f"layer {self.name!r} has no associations yet: call associate() first")
        with self.graph.place.reading() as store:
            layer = store.read_layer(self.graph.name, self.name)
            return to_networkx(
                association_graph(self.graph.dataset, layer, store.read_associations(self.graph.name, self.name))
            )

    def explore(
        self, page: str = "graph", *, port: int = 0, height: int = 720, browser: bool | None = None
    ) -> Explorer:
        """Open the explorer at this layer; see `Graph.explore`."""
        query = {"dataset": self.graph.name, "layer": self.name}
        return explore(self.graph.place, page, query, port=port, height=height, browser=browser)

    def _repr_html_(self) -> str:
        return html_table(self.to_arrow(), self._said())

    def _said(self) -> str:
        info = self.info
        return (
            f"{info.name}: {info.learned:,} of {plural(info.skills, 'skill')} learned in {plural(info.waves, 'wave')}."
        )

    def __repr__(self) -> str:
        return f"<Layer {self._said()}>"


@dataclass(frozen=True, repr=False)
class Graph(_OfALayer):
    """A skill–text graph: which texts require which skills, with its layers.

    A graph made of tables is kept in a file of this process until `save` copies it to a store of yours; one that
    `connect` gives is in that store.

    Attributes:
        place: Where it is kept.
        name: Name of the dataset.
    """

    place: Place
    name: str

    # Making one -----------------------------------------------------------------------------------------------

    @classmethod
    def from_pandas(
        cls,
        frame: pd.DataFrame,
        *,
        name: str = "graph",
        part: str | None = None,
        text: str = "text",
        skill: str = "skill",
        weight: str = "weight",
        texts: pd.DataFrame | None = None,
        skills: pd.DataFrame | None = None,
        prerequisites: pd.DataFrame | None = None,
        part_of: pd.DataFrame | None = None,
        models: pd.DataFrame | None = None,
        outcomes: pd.DataFrame | None = None,
    ) -> Graph:
        """A graph from frames of pandas.

        Args:
            frame: A row for each text and skill that it requires, or a row for each text with a list of skills.
            name: Name of the dataset.
            part: Part that texts belong to whose table does not say it.
            text: Column with the ids of texts: text or integers.
            skill: Column with the ids of skills, or with lists of them.
            weight: Column with weights; may be missing.
            texts: `id` and attributes: `title`, `class`, `part` and others.
            skills: `id` and attributes: `name`, `class`, `level` and others.
            prerequisites: `prerequisite, skill`.
            part_of: `child, parent`.
            models: `id, role, base`.
            outcomes: `model, text, score`.

        Raises:
            DataError: A frame that is none, a missing column, or data that are wrong; the message names the row.
        """
        further = (texts, skills, prerequisites, part_of, models, outcomes)
        return _of_tables("pandas", _of_pandas, frame, name, part, (text, skill, weight), further)

    @classmethod
    def from_polars(
        cls,
        frame: pl.DataFrame,
        *,
        name: str = "graph",
        part: str | None = None,
        text: str = "text",
        skill: str = "skill",
        weight: str = "weight",
        texts: pl.DataFrame | None = None,
        skills: pl.DataFrame | None = None,
        prerequisites: pl.DataFrame | None = None,
        part_of: pl.DataFrame | None = None,
        models: pl.DataFrame | None = None,
        outcomes: pl.DataFrame | None = None,
    ) -> Graph:
        """A graph from frames of polars; see `from_pandas`."""
        further = (texts, skills, prerequisites, part_of, models, outcomes)
        return _of_tables("polars", _of_polars, frame, name, part, (text, skill, weight), further)

    @classmethod
    def from_arrow(
        cls,
        table: pa.Table,
        *,
        name: str = "graph",
        part: str | None = None,
        text: str = "text",
        skill: str = "skill",
        weight: str = "weight",
        texts: pa.Table | None = None,
        skills: pa.Table | None = None,
        prerequisites: pa.Table | None = None,
        part_of: pa.Table | None = None,
        models: pa.Table | None = None,
        outcomes: pa.Table | None = None,
    ) -> Graph:
        """A graph from tables of Arrow; see `from_pandas`."""
        further = (texts, skills, prerequisites, part_of, models, outcomes)
        return _of_tables("arrow", lambda given, _: given, table, name, part, (text, skill, weight), further)

    @classmethod
    def from_scipy(
        cls,
        matrix: Any,
        *,
        name: str = "graph",
        part: str | None = None,
        text_ids: Sequence[str | int] | None = None,
        skill_ids: Sequence[str | int] | None = None,
    ) -> Graph:
        """A graph from a sparse matrix of scipy, texts by skills; what is not zero is required.

        Args:
            matrix: Shape (T, S), of any sparse format.
            name: Name of the dataset.
            part: Part that the texts belong to.
            text_ids: Ids of the rows; `t0`, `t1`, … by default.
            skill_ids: Ids of the columns; `s0`, `s1`, … by default.

        Raises:
            DataError: Not a sparse matrix, a negative value, or ids that are not one for each row or column.
        """
        from loaders.in_memory import dataset_from_matrix

        return _stored(dataset_from_matrix(matrix, name=name, part=part, text_ids=text_ids, skill_ids=skill_ids))

    @classmethod
    def from_networkx(cls, graph: Any, *, name: str = "graph", part: str | None = None) -> Graph:
        """A graph from one of networkx.

        Args:
            graph: Its nodes have the attribute `kind` (`text` or `skill`) or `bipartite` (0 or 1), or its edges lead
                from texts to skills.
            name: Name of the dataset.
            part: Part that texts belong to that do not say it.

        Raises:
            DataError: It cannot be told which nodes are texts, or an edge joins two texts.
        """
        from loaders.in_memory import dataset_from_networkx

        return _stored(dataset_from_networkx(graph, name=name, part=part))

    @classmethod
    def from_edges(cls, edges: Iterable[Sequence[Any]], *, name: str = "graph", part: str | None = None) -> Graph:
        """A graph from pairs (text, skill) or triples (text, skill, weight).

        Args:
            edges: The pairs.
            name: Name of the dataset.
            part: Part that the texts belong to.

        Raises:
            DataError: An edge that is no pair or triple, or an id that is none.
        """
        from loaders.in_memory import dataset_from_edges

        return _stored(dataset_from_edges(edges, name=name, part=part))

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        name: str | None = None,
        part: str | None = None,
        format: str | None = None,  # noqa: A002  # the command line's name for it
        lenient: bool = False,
        **options: str | Path,
    ) -> Graph:
        """A graph from a file, a folder, a package or `stdlib`, as `skillgraph load` reads it.

        Args:
            path: What is read; `simulated` makes a graph with models and outcomes.
            name: Name of the dataset; the file's by default.
            part: Part that its texts belong to; the file's name by default.
            format: Name of the format; found out by default.
            lenient: Leave out rows that are wrong.
            options: Of the format, as `--option` takes them.

        Raises:
            DataError: The file is not there, of no known format, or wrong.
        """
        from explorer.service.loading import Source, default_name, load_sources

        stem = default_name(path)
        place = Place.temporary()
        source = Source(str(path), format, part or stem, lenient, {key: str(value) for key, value in options.items()})
        with place.writing() as store:
            load_sources(store, [source], name=name or stem)
        return cls(place, name or stem)

    # What it holds --------------------------------------------------------------------------------------------

    @property
    def info(self) -> DatasetInfo:
        """Sizes, parts and provenance."""
        from explorer.service.loading import dataset_info

        with self.place.reading() as store:
            found = dataset_info(store, self.name)
        if found is None:
            raise NotFoundError(f"there is no dataset {self.name!r} in {self.place.url} any more")
        return found

    @property
    def dataset(self) -> Dataset:
        """All its tables, in memory."""
        from explorer.service.snapshot import read_dataset

        with self.place.reading() as store:
            return read_dataset(store, self.name)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Its layers, ordered by name."""
        with self.place.reading() as store:
            return tuple(Layer(self, info.name) for info in store.layers(self.name))

    def layer(self, name: str | None = None) -> Layer:
        """A layer by its name, which may be left out if there is only one.

        Raises:
            NotFoundError: There is no such layer, or none or several and no name.
        """
        names = [layer.name for layer in self.layers]
        if name is None and len(names) == 1:
            return Layer(self, names[0])
        if name is not None and name in names:
            return Layer(self, name)
        there = ", ".join(map(repr, names))
        if not names:
            raise NotFoundError(f"graph {self.name!r} has no layer yet: learn() makes one")
        if name is None:
            raise NotFoundError(f"graph {self.name!r} has {len(names)} layers: choose one with layer(name), of {there}")
        raise NotFoundError(f"graph {self.name!r} has no layer {name!r}; its layers: {there}")

    def to_arrow(self, table: Tables = "requirements") -> pa.Table:
        """One of its tables: `requirements`, `texts`, `skills`, `prerequisites`, `part_of`, `models`, `attempts`."""
        tables = self.dataset.tables()
        if table not in tables:
            raise SkillgraphError(f"there is no table {table!r}; there are {', '.join(tables)}")
        return tables[table]

    def to_pandas(self, table: Tables = "requirements") -> pd.DataFrame:
        """One of its tables as a DataFrame of pandas; see `to_arrow`."""
        return as_pandas(self.to_arrow(table))

    def to_polars(self, table: Tables = "requirements") -> pl.DataFrame:
        """One of its tables as a DataFrame of polars; see `to_arrow`."""
        return as_polars(self.to_arrow(table))

    def to_networkx(self) -> Any:
        """A MultiDiGraph of networkx of texts, skills and models; nodes are named `text:<id>`, `skill:<id>`.

        Raises:
            SkillgraphError: networkx is not installed.
        """
        from explorer.export.files import dataset_graph
        from explorer.export.networks import to_networkx

        return to_networkx(dataset_graph(self.dataset))

    # What is done with it -------------------------------------------------------------------------------------

    def learn(
        self,
        name: str | None = None,
        *,
        parts: Sequence[str] = (),
        learner: str = "one",
        base: Layer | str | None = None,
        mode: Mode | None = None,
        known: Sequence[str] = (),
        known_classes: Sequence[str] = (),
        seed: int = 0,
    ) -> Layer:
        """Learn a layer by peeling, and store it.

        Args:
            name: Name of the layer, `foundation` by default, `fine-tuned` with a base; one of that name is replaced.
            parts: Parts whose texts are presented; all by default.
            learner: `one`, `d:2` or `capacity:0.6`.
            base: Layer to start from.
            mode: How to train on it: `continued` (the default), `frozen` or `joint`.
            known: Ids of skills that are known beforehand.
            known_classes: Classes of skills that are.
            seed: Of random capacities.
        """
        from explorer.service.learning import learn

        chosen = name or ("foundation" if base is None else "fine-tuned")
        with self.place.writing() as store:
            report = learn(
                store,
                self.name,
                name=chosen,
                parts=parts,
                learner=learner,
                base=base.name if isinstance(base, Layer) else base,
                mode=mode,
                known=known,
                known_classes=known_classes,
                seed=seed,
            )
        return Layer(self, chosen, report)

    def evidence(
        self,
        models: Sequence[str] = (),
        *,
        name: str | None = None,
        parts: Sequence[str] = (),
        fit: EvidenceFit = "irt",
        noise: Noise = "family",
        mastered: float = 0.5,
        solve_rate: float = 0.5,
        pass_score: float | None = None,
        common: bool = False,
        ignored_classes: Sequence[str] = (),
        judged: bool = True,
    ) -> Evidence:
        """Estimate which skills models master from the texts that they solved, and store a layer for each.

        Args:
            models: Ids of models; all with outcomes by default.
            name: Name of the layer of a single model; the model's id by default.
            parts: Parts whose texts count; all by default.
            fit: `irt`, `additive`, `dina`, `dino` or `gdina` (docs/evidence.md).
            noise: With `dina`: who shares slip and guess.
            mastered: Least probability at which a skill is in the layer.
            solve_rate: Share of its texts from which on a skill counts as mastered.
            pass_score: Scores from this on count as solved; by default a score is a share.
            common: Use only texts that all these models attempted.
            ignored_classes: Classes of skills that are left out.
            judged: Judge the fit on held-out outcomes too.
        """
        from explorer.service.evidence import evidence

        with self.place.writing() as store:
            found = evidence(
                store,
                self.name,
                models=models,
                name=name,
                parts=parts,
                fit=fit,
                noise=noise,
                mastered=mastered,
                solve_rate=solve_rate,
                pass_score=pass_score,
                common=common,
                ignored_classes=ignored_classes,
                judged=judged,
            )
        return result(Evidence, found)

    def tags(
        self,
        *,
        parts: Sequence[str] = (),
        ignored_classes: Sequence[str] = (),
        pass_score: float | None = None,
        method: TagMethod = "auto",
        rate: float = 0.05,
        seed: int = 0,
    ) -> Tags:
        """Texts and skills whose tags the outcomes of models contradict, ranked.

        Args:
            parts: Parts whose texts count; all by default.
            ignored_classes: Classes of skills that are left out.
            pass_score: Scores from this on count as solved; by default a score is a share.
            method: `residuals` (any number of skills), `pvaf` (at most twelve) or `auto`.
            rate: Expected share of false findings of each kind.
            seed: Of permutations.
        """
        from explorer.service.tags import check_tags

        with self.place.reading() as store:
            found = check_tags(
                store,
                self.name,
                parts=parts,
                ignored_classes=ignored_classes,
                pass_score=pass_score,
                method=method,
                rate=rate,
                seed=seed,
            )
        return result(Tags, found)

    def query(
        self,
        cypher: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        limit: int = LIMITS.query_rows,
        timeout: float = LIMITS.query_seconds,
    ) -> Answer:
        """Ask read-only Cypher of the store that the graph is in; `$dataset` is this graph.

        Args:
            cypher: One statement.
            parameters: Values of its parameters by name; those of recipes that are not given are chosen.
            limit: Most rows that are given.
            timeout: Seconds until it is stopped.

        Raises:
            QueryError: It writes, is not Cypher, takes too long, or a parameter has no value.
        """
        return answer(self.place, cypher, {"dataset": self.name, **(parameters or {})}, limit=limit, timeout=timeout)

    def explore(
        self, page: str = "overview", *, port: int = 0, height: int = 720, browser: bool | None = None
    ) -> Explorer:
        """Open the explorer: in a notebook in the cell, elsewhere in a browser. It runs until this process ends.

        Args:
            page: `overview`, `graph`, `learning`, `percolation`, `layers`, `classes`, `compression` or `query`.
            port: Port on 127.0.0.1; 0 takes a free one.
            height: Of the frame in a notebook, in pixels.
            browser: Open a browser; by default only outside a notebook.
        """
        return explore(self.place, page, {"dataset": self.name}, port=port, height=height, browser=browser)

    def save(
        self, store: str | Path | Connected | None = None, name: str | None = None, *, replace: bool = False
    ) -> Graph:
        """Copy the graph with its layers to a store, which the command line and the pages can open.

        Args:
            store: Path of a file, which is made if it is not there (`./skillgraph.kgl` by default), or
                `neo4j://host:7687`, or what `connect` gives.
            name: Its name there; the same by default.
            replace: Replace a dataset of that name.

        Returns:
            The graph in that store.

        Raises:
            StoreError: A dataset of that name is there, or the store cannot be written.
        """
        from explorer.service.copying import copy_dataset

        place = store.place if isinstance(store, Connected) else Place(store)
        with place.writing() as target:
            # the same file is read through the handle that writes it
            reading = nullcontext(target) if place.url == self.place.url else self.place.reading()
            with reading as source:
                copy_dataset(source, self.name, target, name=name, replace_there=replace)
        return Graph(place, name or self.name)

    def _repr_html_(self) -> str:
        return html_table(self.to_arrow(), self._said())

    def _said(self) -> str:
        info = self.info
        layers = f", {plural(len(info.layers), 'layer')}" if info.layers else ""
        return (
            f"{info.name}: {plural(info.texts, 'text')}, {plural(info.skills, 'skill')}, "
            f"{plural(info.requirements, 'requirement')}{layers}."
        )

    def __repr__(self) -> str:
        return f"<Graph {self._said()}>"


def answer(place: Place, cypher: str, parameters: Mapping[str, Any], *, limit: int, timeout: float) -> Answer:
    """Rows of a query on a place; parameters that the query does not use are left out."""
    from explorer.service.asking import ask

    used = {name: value for name, value in parameters.items() if f"${name}" in cypher}
    with place.reading() as store:
        asked = ask(store, cypher, used, max_rows=limit, timeout=timeout, memory=None)
    return result(Answer, asked.result, chosen=asked.chosen, remarks=asked.unmatched)


_FURTHER = ("texts", "skills", "prerequisites", "part_of", "models", "outcomes")


def _of_tables(
    source: str,
    to_arrow: Callable[[Any, str], pa.Table],
    table: Any,
    name: str,
    part: str | None,
    columns: tuple[str, str, str],
    further: Sequence[Any | None],
) -> Graph:
    """The graph of a package's tables; `further` are those of `_FURTHER`, `to_arrow` is told what it reads."""
    from loaders.in_memory import dataset_from_tables

    text, skill, weight = columns
    pairs = to_arrow(table, f"from_{source}")
    given = {key: None if more is None else to_arrow(more, key) for key, more in zip(_FURTHER, further, strict=True)}
    return _stored(
        dataset_from_tables(pairs, name=name, source=source, part=part, text=text, skill=skill, weight=weight, **given)
    )


def _stored(dataset: Dataset) -> Graph:
    """The graph in a place of its own."""
    from explorer.service.loading import load

    place = Place.temporary()
    with place.writing() as store:
        load(store, lambda: dataset, name=dataset.name)
    return Graph(place, dataset.name)


def _of_pandas(frame: Any, what: str) -> pa.Table:
    import pyarrow as pa

    if type(frame).__module__.partition(".")[0] != "pandas" or not hasattr(frame, "columns"):
        raise DataError(f"{what}: a DataFrame of pandas is expected, not {type(frame).__name__}")
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except pa.ArrowException as error:
        raise DataError(f"{what}: a column holds values of several types: {error}") from None


def _of_polars(frame: Any, what: str) -> pa.Table:
    if type(frame).__module__.partition(".")[0] != "polars" or not hasattr(frame, "to_arrow"):
        raise DataError(f"{what}: a DataFrame of polars is expected, not {type(frame).__name__}")
    return frame.to_arrow()
