"""Results: the reports of the use cases, which a notebook shows and other libraries take over.

Each is the frozen report of a use case, whose attributes it has, and a `Result`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from explorer.api.tables import as_pandas, as_polars, html_table, record_table
from explorer.errors import NotFoundError
from explorer.service.association import AssociationReport
from explorer.service.comparison import LayerComparison, SkillChange
from explorer.service.curriculum import CurriculumReport
from explorer.service.evidence import EvidenceReport, ModelEvidence, SkillMastery
from explorer.service.forecast import Forecast as ForecastReport
from explorer.service.forecast import ForecastMethod
from explorer.service.ladder import Ladder, Rung
from explorer.service.percolation import PercolationReport
from explorer.service.planning import PlannedStep, PlanReport
from explorer.service.prediction import BesideRow, LayerPrediction
from explorer.service.tags import TagFinding, TagReport
from explorer.service.why import NearText, WhyReport
from explorer.store.protocol import Node, Path, QueryResult, Relationship
from explorer.wording import plural

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go
    import polars as pl

    from explorer.api.graph import Layer

__all__ = [
    "Answer",
    "Association",
    "Comparison",
    "Curriculum",
    "Evidence",
    "Explanation",
    "Forecast",
    "Percolation",
    "Plan",
    "Prediction",
    "Result",
    "Tags",
    "Why",
    "result",
]

_R = TypeVar("_R", bound="Result")


class Result:
    """What all results can do: a sentence, a table, and the table as a frame."""

    def headline(self) -> str:
        """What came out, in a sentence."""
        raise NotImplementedError

    def to_arrow(self) -> pa.Table:
        """Its rows as a table of Arrow."""
        raise NotImplementedError

    def to_pandas(self) -> pd.DataFrame:
        """Its rows as a DataFrame of pandas.

        Raises:
            SkillgraphError: pandas is not installed.
        """
        return as_pandas(self.to_arrow())

    def to_polars(self) -> pl.DataFrame:
        """Its rows as a DataFrame of polars.

        Raises:
            SkillgraphError: polars is not installed.
        """
        return as_polars(self.to_arrow())

    def _repr_html_(self) -> str:
        return html_table(self.to_arrow(), self.headline())

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.headline()}>"


def result(kind: type[_R], report: Any, **further: Any) -> _R:
    """The result with the attributes of a report."""
    return kind(**{item.name: getattr(report, item.name) for item in dataclasses.fields(report)}, **further)


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1%}"


_OF: Any = field(default=None, repr=False, compare=False)
"""The layer that a result is of, for what is read only when it is asked for."""


@dataclass(frozen=True, repr=False)
class Prediction(Result, LayerPrediction):
    """A layer beside what theory predicts; rows of `quantity, meaning, measured, poisson, degrees` and others."""

    def headline(self) -> str:
        """What was learned, and what theory predicts."""
        row = self.row("learned")
        return (
            f"{self.layer.name}: {_share(row.measured)} of {plural(self.skills, 'skill')} learned; predicted "
            f"{_share(row.poisson)} for random texts, {_share(row.degrees)} for the measured degrees"
            + (f", {_share(row.typed)} with types." if row.typed is not None else ".")
        )

    def row(self, quantity: str) -> BesideRow:
        """One quantity: `learned`, `not_understood`, `giant` and so on.

        Raises:
            NotFoundError: There is no such quantity.
        """
        found = next((row for row in self.rows if row.quantity == quantity), None)
        if found is None:
            raise NotFoundError(f"no quantity {quantity!r}; there are {', '.join(row.quantity for row in self.rows)}")
        return found

    def to_arrow(self) -> pa.Table:
        """A row for each quantity."""
        return record_table(self.rows, BesideRow)

    def plot(self) -> go.Figure:
        """Learned fraction against texts per skill, and where the layer stands (the overview page's figure)."""
        from ui.drawing.of_layers import layer_emergence_figure

        return layer_emergence_figure(self)


@dataclass(frozen=True, repr=False)
class Association(Result, AssociationReport):
    """The association graph of a layer: rows of `source, target, weight`, the learned skills that occur together."""

    _of: Layer = _OF

    def headline(self) -> str:
        """Associations and components."""
        return (
            f"{self.layer.name}: {plural(self.associations, 'association')} in {plural(self.components, 'component')}; "
            f"the largest holds {plural(self.giant, 'skill')}, {_share(self.giant_fraction)} of all."
        )

    def to_arrow(self) -> pa.Table:
        """A row for each pair of skills, as the store has them now."""
        with self._of.graph.place.reading() as store:
            return store.read_associations(self.layer.dataset, self.layer.name)

    def to_networkx(self) -> Any:
        """A Graph of networkx; nodes are named `skill:<id>`.

        Raises:
            SkillgraphError: networkx is not installed.
        """
        return self._of.to_networkx()


@dataclass(frozen=True, repr=False)
class Percolation(Result, PercolationReport):
    """Skills kept at random: rows of `phi, giant, second, susceptibility, predicted, predicted_poisson`."""

    _of: Layer = _OF

    def headline(self) -> str:
        """Where the giant component sets in."""
        return (
            f"{self.layer.name}: the giant component sets in at {_share(self.critical)} of all skills, predicted "
            f"{_share(self.predicted_critical)}; {_share(self.learned)} are learned."
        )

    def to_arrow(self) -> pa.Table:
        """A row for each share of skills that is kept."""
        names = ["phi", "giant", "second", "susceptibility", "predicted", "predicted_poisson"]
        names += ["predicted_typed"] if self.predicted_typed else []
        return pa.table({name: pa.array(getattr(self, name), pa.float64()) for name in names})

    def plot(self) -> go.Figure:
        """Largest and second cluster against the share of kept skills (the percolation page's figure)."""
        from explorer.service.snapshot import layer_view
        from ui.drawing.of_layers import layer_percolation_figure

        with self._of.graph.place.reading() as store:
            return layer_percolation_figure(layer_view(store, self.layer.dataset, self.layer.name), self)


@dataclass(frozen=True, repr=False)
class Explanation(Result, Ladder):
    """Null models that keep more and more of a layer's graph: rows of `name, keeps, types, learned` and others."""

    def headline(self) -> str:
        """Which structure helps or delays learning."""
        return self.sentence

    def to_arrow(self) -> pa.Table:
        """A row for each rung of the ladder."""
        return record_table(self.rungs, Rung)


@dataclass(frozen=True, repr=False)
class Forecast(Result, ForecastReport):
    """What more texts of the same source would teach: rows of `method, learned, error, bias`."""

    def headline(self) -> str:
        """The forecast with its interval."""
        return self.sentence

    def to_arrow(self) -> pa.Table:
        """A row for each method with its backtest."""
        return record_table(self.methods, ForecastMethod)


@dataclass(frozen=True, repr=False)
class Plan(Result, PlanReport):
    """What to teach next: rows of `skill, name, text, learned, texts, value, bound, follows, total` and others."""

    def headline(self) -> str:
        """What the plan reaches."""
        gained = self.learned[-1] if self.learned else 0
        return (
            f"{self.layer.name}: {plural(len(self.steps), 'step')} learn {gained:,} of "
            f"{plural(self.lacking, 'skill')} that are lacking."
        )

    def to_arrow(self) -> pa.Table:
        """A row for each step."""
        return record_table(self.steps, PlannedStep)


@dataclass(frozen=True, repr=False)
class Why(Result, WhyReport):
    """Why a skill was learned or not: rows of the texts nearest to teaching it, `text, title, lacks`."""

    def headline(self) -> str:
        """The reason."""
        return self.sentence

    def to_arrow(self) -> pa.Table:
        """A row for each near text."""
        return record_table(self.texts, NearText)


@dataclass(frozen=True, repr=False)
class Curriculum(Result, CurriculumReport):
    """An order of texts: rows of `place, text, wave, pass, novel, teaches`."""

    def headline(self) -> str:
        """What the order does."""
        found = self.summary
        shown = f"{plural(found.places, 'presentation')} of {plural(found.texts, 'text')}"
        return f"{found.layer}: {shown} teach {plural(found.taught, 'skill')}."

    def to_arrow(self) -> pa.Table:
        """A row for each presentation."""
        types = (pa.int64(), pa.string(), pa.int64(), pa.int64(), pa.int64(), pa.list_(pa.string()))
        columns = list(zip(*self.rows, strict=True)) or [() for _ in types]
        return pa.table(
            {name: pa.array(values, kind) for name, values, kind in zip(self.columns, columns, types, strict=True)}
        )


@dataclass(frozen=True, repr=False)
class Evidence(Result, EvidenceReport):
    """What models master, from outcomes: rows of `model, layer, attempted, score, mastered, lacking` and others."""

    def headline(self) -> str:
        """For how many models, and whether the skills predict outcomes."""
        judged, said = self.judgement, ""
        if judged is not None and judged.skills_add:
            said = " Skills predict held-out outcomes better than ability and difficulty alone."
        elif judged is not None:
            said = " That skills predict held-out outcomes better than ability and difficulty alone cannot be shown."
        return f"{self.dataset}: {plural(len(self.models), 'model')}, fit {self.fit}.{said}"

    def model(self, model: str) -> ModelEvidence:
        """The evidence of one model.

        Raises:
            NotFoundError: It is not among them.
        """
        found = next((row for row in self.models if row.model == model), None)
        if found is None:
            raise NotFoundError(f"no model {model!r}; there are {', '.join(row.model for row in self.models)}")
        return found

    def skills(self, model: str) -> pa.Table:
        """What one model's outcomes say about each skill, as a table.

        Raises:
            NotFoundError: It is not among the models.
        """
        return record_table(self.model(model).skills, SkillMastery)

    def to_arrow(self) -> pa.Table:
        """A row for each model."""
        table = record_table(self.models, ModelEvidence)
        names = pa.array([row.layer.name for row in self.models], pa.string())
        return table.add_column(1, "layer", names)


@dataclass(frozen=True, repr=False)
class Tags(Result, TagReport):
    """Tags that outcomes contradict: rows of `rank, kind, text, skill, effect, error, p_value, q_value` and others."""

    def headline(self) -> str:
        """How many findings of each kind."""
        words = (("add", "tag to add", "tags to add"), ("drop", "tag to drop", "tags to drop"))
        said = [plural(len(self.of(kind)), one, many) for kind, one, many in words]  # type: ignore[arg-type]
        said += [plural(len(self.of("split")), "split skill"), plural(len(self.of("failed")), "failed text")]
        return f"{self.dataset}: {', '.join(said)}, from the outcomes of {plural(self.models, 'model')}."

    def to_arrow(self) -> pa.Table:
        """A row for each finding."""
        return record_table(self.findings, TagFinding)


@dataclass(frozen=True, repr=False)
class Comparison(Result, LayerComparison):
    """Two layers side by side: rows of `skill, name, skill_class, change, wave, attached_to` and others."""

    def headline(self) -> str:
        """Kept, gained and lost."""
        return (
            f"{self.first.name} → {self.second.name}: {self.kept:,} kept, {self.gained:,} gained, {self.lost:,} lost."
        )

    def to_arrow(self) -> pa.Table:
        """A row for each skill of either layer."""
        return record_table(self.changes, SkillChange)

    def plot(self, by: str = "class") -> go.Figure:
        """Kept, gained and lost skills by `class` or `level` (the layers page's figure)."""
        from ui.drawing.figures import learned_by_class_figure, learned_by_level_figure

        return learned_by_level_figure(self) if by == "level" else learned_by_class_figure(self)


@dataclass(frozen=True, repr=False)
class Answer(Result, QueryResult):
    """Rows of a Cypher query.

    Attributes:
        chosen: Values of recipe parameters that were not given, and so were chosen.
        remarks: What a given value does not match.
    """

    chosen: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def headline(self) -> str:
        """Number of rows."""
        return f"{plural(len(self.rows), 'row')}{', cut at the limit' if self.truncated else ''}."

    def to_arrow(self) -> pa.Table:
        """Its rows; nodes and relationships become their properties."""
        return pa.table(
            {name: pa.array([_value(row[place]) for row in self.rows]) for place, name in enumerate(self.columns)}
        )

    def to_networkx(self) -> Any:
        """A MultiDiGraph of networkx of the nodes and relationships among the rows; relationships with both ends only.

        Raises:
            SkillgraphError: networkx is not installed.
        """
        from explorer.api.tables import missing

        found = missing("networkx").MultiDiGraph()
        nodes, links = self.graph()
        for node in nodes.values():
            found.add_node(node.id, labels=node.labels, **node.properties)
        for link in links.values():
            if link.start in nodes and link.end in nodes:
                found.add_edge(link.start, link.end, key=link.id, type=link.type, **link.properties)
        return found


def _value(value: Any) -> Any:
    if isinstance(value, Node | Relationship):
        return dict(value.properties)
    if isinstance(value, Path):
        return {
            "nodes": [_value(node) for node in value.nodes],
            "relationships": [_value(r) for r in value.relationships],
        }
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    return value
