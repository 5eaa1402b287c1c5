"""What runs of the page do in a child process, and what they give: sentences, tables and, of a plan, its steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from explorer.errors import USER_ERRORS, SkillgraphError
from explorer.run_options import run_kind
from explorer.service.planning import PlanReport
from explorer.service.snapshot import read_dataset
from explorer.store.place import Place
from explorer.store.protocol import Layer, Store
from explorer.wording import isolated, plural, quoted
from ui.typed import Cell, Properties
from ui.work.children import Report

if TYPE_CHECKING:
    import pyarrow as pa

    from explorer.service import LearnReport

__all__ = ["Outcome", "OutcomeTable", "perform"]

_ROWS = 2_000  # of a table in the browser


@dataclass(frozen=True)
class OutcomeTable:
    """A table of a result.

    Attributes:
        title: Its heading.
        columns: Names of the columns.
        rows: Text and numbers.
        note: What the columns mean.
        skills: Id of the skill of each row, if rows are about skills.
        layer: Names of the dataset and the layer that say why a skill was learned or not.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    skills: tuple[str | None, ...] = ()
    layer: tuple[str, str] | None = None


@dataclass(frozen=True)
class Outcome:
    """What a run gave.

    Attributes:
        sentences: What it found.
        tables: The same at length.
        links: Pages that show it: text, path and the query of the address.
        plan: A plan, to be played.
    """

    sentences: tuple[str, ...]
    tables: tuple[OutcomeTable, ...] = ()
    links: tuple[tuple[str, str, Mapping[str, str]], ...] = ()
    plan: PlanReport | None = None


Values = Properties
Doing = Callable[[Store, str, Values, Report], Outcome]


def perform(report: Report, place: Place, key: str, dataset: str, values: Values) -> Outcome:
    """A run on the store at a place, all or nothing."""
    kind = run_kind(key)
    report("opening the store", 0, 4)
    store = place.open("write" if kind.writes else "read")
    try:
        if key in _STAGES:
            report("reading the texts", 1, 4)
            read_dataset(store, dataset)
        report(_STAGES.get(key, "computing"), 2, 4)
        return _DOING[key](cast(Store, _Reporting(store, report)), dataset, values, report)
    except USER_ERRORS:
        raise
    except ValueError as error:  # of a value that only the use case can judge
        raise SkillgraphError(str(error)) from None
    finally:
        store.close()


def _pages(dataset: str, layer: str, *more: tuple[str, str]) -> tuple[tuple[str, str, Mapping[str, str]], ...]:
    here = {"dataset": dataset, "layer": layer}
    pages = (("overview", "/"), ("graph", "/graph"), *more)
    return tuple((text, path, here) for text, path in pages)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _learn(store: Store, dataset: str, values: Values, _: Report) -> Outcome:
    from explorer import service

    report = service.learn(
        store,
        dataset,
        name=values["name"],
        parts=values["part"],
        learner=values["learner"],
        base=values["base"],
        mode=values["mode"],
        known_classes=values["known_class"],
        seed=values["seed"],
    )
    return _learned(report, dataset)


def _continue(store: Store, dataset: str, values: Values, _: Report) -> Outcome:
    from explorer import service

    return _learned(service.continue_learning(store, dataset, values["name"], parts=values["part"]), dataset)


def _learned(report: LearnReport, dataset: str) -> Outcome:
    info = report.layer
    said = (
        f"{isolated(info.name)}: {info.learned:,} of {plural(info.skills, 'skill')} learned "
        f"({_share(info.learned_fraction)}) from {plural(info.texts, 'text')} in {plural(info.waves, 'wave')}; "
        f"{_share(1 - report.testing_error)} of the texts are understood."
    )
    again = "The store had this layer already, made from the same texts with the same options: nothing was written."
    more = ("learning", "/learning"), ("what is not learned, and why", "/why")
    here = {"dataset": dataset, "layer": info.name, "run": "associate"}
    next_ = (("link its skills", "/runs", here),) if info.associations is None else ()
    lines = (said, again if report.reused else "", report.associations_sentence, report.advice)
    return Outcome(tuple(filter(None, lines)), links=(*next_, *_pages(dataset, info.name, *more)))


def _associate(store: Store, dataset: str, values: Values, _: Report) -> Outcome:
    from explorer import service

    report = service.associate(
        store,
        dataset,
        values["layer"],
        rule=values["rule"],
        min_weight=values["min_weight"],
        top_k=values["top"],
        max_text_skills=values["max_text_skills"],
    )
    said = (
        f"{isolated(report.layer.name)}: {plural(report.associations, 'association')}, "
        f"{plural(report.components, 'component')}; the giant one has {plural(report.giant, 'skill')}, "
        f"{_share(report.giant_fraction)} of all."
    )
    return Outcome((said,), links=_pages(dataset, report.layer.name))


def _percolate(store: Store, dataset: str, values: Values, _: Report) -> Outcome:
    from explorer import service

    found = service.percolate(
        store,
        dataset,
        values["layer"],
        replicates=values["replicates"],
        seed=values["seed"],
        types=values["types"],
    )
    curves = [found.phi, found.giant, found.second, found.predicted, found.predicted_poisson]
    columns: tuple[str, ...] = ("kept", "largest", "second", "same degrees", "Poisson")
    if found.predicted_typed:
        curves.append(found.predicted_typed)
        columns = (*columns, "with types")
    rows = tuple(tuple(round(value, 4) for value in row) for row in zip(*curves, strict=True))
    said = (
        f"{isolated(found.layer.name)}: kept at random, skills have a giant component from {_share(found.critical)} on "
        f"(predicted {_share(found.predicted_critical)}). The learned ones, {_share(found.learned)} of all, have a "
        f"giant component of {_share(found.learned_giant)}; as many random ones would have "
        f"{_share(found.learned_giant_random)}."
    )
    table = OutcomeTable("The sweep", columns, rows, "Shares of all skills.")
    return Outcome((said,), (table,), _pages(dataset, found.layer.name, ("percolation", "/percolation")))


def _evidence(store: Store, dataset: str, values: Values, report: Report) -> Outcome:
    from explorer.service.evidence import evidence, family_models

    ways = bool(values["models"]), values["all_models"], values["family"] is not None
    if ways.count(True) != 1:
        raise SkillgraphError("choose models, or a base model with its children, or all models: one of the three")
    models = _named_models(store, dataset, values["models"])
    if values["family"] is not None:
        models = family_models(store, dataset, values["family"])
    found = evidence(
        store,
        dataset,
        models=models,
        name=values["name"],
        parts=values["part"],
        fit=values["fit"],
        solve_rate=values["solve_rate"],
        noise=values["noise"],
        method=values["method"],
        mastered=values["mastered"],
        pass_score=values["pass_score"],
        ignored_classes=values["ignore_class"],
        common=values["common"],
        judged=values["judge"],
        progress=lambda done, total: report("judging and estimating", done, max(total, 1)),
    )
    rows = tuple(
        (m.layer.name, m.attempted, _share(m.score), m.mastered, m.lacking, m.unidentified, _said(m.supported))
        for m in found.models
    )
    columns = ("layer", "texts", "score", "mastered", "lacking", "unidentified", "skills add")
    note = (
        "mastered: skills whose mastery is at least as probable as asked for; unidentified: skills whose mastery no "
        "text shows; skills add: whether they predict held-out outcomes better than ability and difficulty alone."
    )
    first = found.models[0].layer.name
    said = f"{plural(len(found.models), 'evidence layer')} stored."
    links = (*_pages(dataset, first), ("all models side by side", "/family", {"dataset": dataset}))
    return Outcome((said,), (OutcomeTable("Models", columns, rows, note),), links)


def _named_models(store: Store, dataset: str, given: Sequence[str]) -> tuple[str, ...]:
    there = set(read_dataset(store, dataset).models["id"].to_pylist())
    unknown = [name for name in given if name not in there]
    if unknown:
        raise SkillgraphError(f"dataset {quoted(dataset)} has no model {quoted(unknown[0])}")
    return tuple(given)


def _said(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "not judged"}[value]


def _compare(store: Store, dataset: str, values: Values, _: Report) -> Outcome:
    from explorer.service import compare

    found = compare(store, dataset, values["first"], values["second"])
    changed = [c for c in found.changes if c.change != "kept"]
    counts = ", ".join(f"{getattr(found, kind):,} {kind}" for kind in ("kept", "gained", "lost", "open"))
    rows = tuple(
        (
            c.change,
            c.name,
            c.skill_class or "",
            c.wave,
            c.attached_to,
            ", ".join(isolated(a.name) for a in c.attachments),
        )
        for c in changed
    )
    columns = ("change", "skill", "class", "wave", "links", "attached to")
    here = {"dataset": dataset, "layer": values["second"], "first": values["first"], "second": values["second"]}
    return Outcome(
        (f"{isolated(values['second'])} against {isolated(values['first'])}: {counts}.", *found.cautions),
        (
            OutcomeTable(
                "What changed",
                columns,
                rows[:_ROWS],
                "links: texts that require it with a skill of the first."
                + (
                    f" The first {_ROWS:,} of {len(rows):,} changes; the page of both layers has all of them."
                    if len(rows) > _ROWS
                    else ""
                ),
                tuple(c.skill for c in changed[:_ROWS]),
                (dataset, values["second"]),
            ),
        ),
        (("both layers drawn as one graph", "/layers", here),),
    )


def _explain(store: Store, dataset: str, values: Values, report: Report) -> Outcome:
    from explorer.service.ladder import explain

    types = tuple(name.strip() for name in (values["types"] or "").split(",") if name.strip())
    found = explain(
        store,
        dataset,
        values["layer"],
        types=types,
        graphs=values["graphs"],
        seed=values["seed"],
        progress=lambda name: report(f"random graphs that keep {name}", 2, 4),
    )
    rows = tuple(
        (r.name, r.types, _share(r.learned), _share(r.closes), _share(r.simulated), _share(r.giant), r.waves)
        for r in found.rungs
    )
    measured = ("this layer", None, _share(found.measured), "100.0 %", "–", _share(found.giant), found.waves)
    columns = ("keeps", "types", "learned", "closes", "simulated", "giant", "waves")
    note = "closes: share of the gap between the degrees alone and this layer."
    return Outcome(
        (found.sentence, *found.notes),
        (OutcomeTable("Random graphs that keep more and more", columns, (*rows, measured), note),),
        _pages(dataset, values["layer"]),
    )


def _plan(store: Store, dataset: str, values: Values, _: Report) -> Outcome:
    from explorer.service.planning import plan

    found = plan(
        store,
        dataset,
        values["layer"],
        budget=values["budget"],
        by=values["by"],
        pool_parts=values["pool_part"],
        goal_classes=values["goal_class"],
        goal_layer=values["goal_layer"],
        goal_giant=values["goal_giant"],
        seed=values["seed"],
    )
    links = _pages(dataset, values["layer"], ("what is not learned, and why", "/why"))
    if not found.steps:
        return Outcome(("No single step of this kind gains anything.",), links=links)
    k = len(found.steps)
    said = (
        f"{plural(k, 'step')}: worth {found.value[k]:,.0f} of {found.goal.worth:,.0f} ({found.goal.name}). In random "
        f"order {found.random[k]:,.0f} on average, the most used first {found.most_used[k]:,.0f}; no plan of that size "
        f"can be worth more than {found.bound[k]:,.0f}."
    )
    rows = tuple(
        (
            n,
            s.name,
            s.skill or "",
            s.text or "",
            s.uses,
            s.learned,
            s.texts,
            s.total,
            ", ".join(map(isolated, s.follows)),
        )
        for n, s in enumerate(found.steps, 1)
    )
    columns = ("step", "name", "skill", "text", "uses", "skills", "texts", "in all", "what follows")
    note = "skills, texts: skills learned and texts understood by this step; in all: skills learned by the plan so far."
    skills = tuple(step.skill for step in found.steps)
    table = OutcomeTable("Steps", columns, rows, note, skills, (dataset, values["layer"]))
    return Outcome((said,), (table,), links, found)


def _forecast(store: Store, dataset: str, values: Values, _: Report) -> Outcome:
    from explorer.service.forecast import METHOD_NAMES, forecast, parse_factor

    factor = parse_factor(values["to"])
    found = forecast(store, dataset, values["layer"], factor=factor, splits=values["splits"], seed=values["seed"])
    rows = tuple(
        (METHOD_NAMES.get(m.method, m.method), round(m.learned), round(m.error, 1), round(m.bias, 1))
        for m in found.methods
    )
    columns = ("forecast", "learned", "error in the test", "bias")
    table = OutcomeTable("Ways to forecast", columns, rows, "Tested on random halves of the texts at hand.")
    return Outcome((found.sentence,), (table,), _pages(dataset, values["layer"], ("learning", "/learning")))


def _refresh(store: Store, dataset: str, values: Values, report: Report) -> Outcome:
    from explorer.service.life import refresh

    found = refresh(store, dataset, values["layer"], steps=lambda title: report(str(title).lower(), 2, 4))
    rows = tuple((s.layer.name, s.done, "; ".join(s.because), s.learned_before, s.layer.learned) for s in found.steps)
    names = [s.layer.name for s in found.steps if s.done != "unchanged"]
    said = f"Refreshed: {', '.join(map(isolated, names)) or 'nothing, because nothing was stale'}."
    columns = ("layer", "done", "because", "learned before", "learned now")
    tables = (OutcomeTable("Layers", columns, rows),) if rows else ()
    return Outcome((said,), tables, (("layers", "/layers", {"dataset": dataset}),))


def _rename(store: Store, dataset: str, values: Values, _: Report) -> Outcome:
    from explorer.service.life import rename_layer

    found = rename_layer(store, dataset, values["name"], values["new"])
    followed = f" Layers that follow: {', '.join(map(isolated, found.followed))}." if found.followed else ""
    return Outcome(
        (f"Layer {quoted(found.old)} is now called {quoted(found.new)}.{followed}",), links=_pages(dataset, found.new)
    )


def _delete(store: Store, dataset: str, values: Values, _: Report) -> Outcome:
    from explorer.service.life import delete_layer

    found = delete_layer(store, dataset, values["layer"], with_dependents=values["with_dependents"])
    return Outcome(
        (f"Deleted: {', '.join(map(isolated, found.layers))}.",), links=(("layers", "/layers", {"dataset": dataset}),)
    )


_STAGES = {
    "learn": "peeling: reading all texts until nothing more is learned",
    "continue": "peeling: reading the new texts until nothing more is learned",
    "associate": "linking the skills that occur in the same texts",
    "percolate": "keeping skills at random, one order after another",
}

_DOING: Mapping[str, Doing] = {
    "learn": _learn,
    "continue": _continue,
    "associate": _associate,
    "percolate": _percolate,
    "evidence": _evidence,
    "compare": _compare,
    "explain": _explain,
    "plan": _plan,
    "forecast": _forecast,
    "refresh": _refresh,
    "rename": _rename,
    "delete": _delete,
}


class _Reporting:
    """A store that says when it is written to; everything else is the store's own."""

    def __init__(self, store: Store, report: Report) -> None:
        self._store = store
        self._report = report

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def write_layer(self, layer: Layer, *, keep_associations: bool = False) -> None:
        self._writing()
        self._store.write_layer(layer, keep_associations=keep_associations)

    def write_layers(self, layers: Sequence[Layer]) -> None:
        self._writing()
        self._store.write_layers(layers)

    def write_lacks(self, dataset: str, name: str, lacks: pa.Table) -> None:
        self._writing()
        self._store.write_lacks(dataset, name, lacks)

    def write_associations(self, *arguments: Any, **options: Any) -> None:
        self._writing()
        self._store.write_associations(*arguments, **options)

    def _writing(self) -> None:
        self._report("writing to the store, all or nothing", 3, 4)
