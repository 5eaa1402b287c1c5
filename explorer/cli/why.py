"""Commands on what a layer lacks: `why`, `plan`, `curriculum`, `master`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.group import DatasetOption, Run, command, read_lines, single_dataset
from explorer.cli.output import Block, Note, Result, Rows, Table, number, rows_of
from explorer.options import PlanWay
from explorer.wording import plural

if TYPE_CHECKING:
    from explorer.service.curriculum import CurriculumReport
    from explorer.service.planning import PlanReport
    from explorer.service.turning import TurningReport
    from explorer.service.why import WhyReport
    from loaders.dataset import Dataset

__all__ = ["curriculum", "master", "plan", "why"]

LayerArgument = Annotated[str, typer.Argument(help="Name of the layer.")]


@command(store="read")
def why(
    run: Run,
    skill: Annotated[str, typer.Argument(help="Id of a skill of the dataset.")],
    layer: Annotated[str, typer.Option("--layer", "-l", help="Name of the layer.")],
    texts: Annotated[int, typer.Option("--texts", min=1, help="Most texts and sets to list.")] = 5,
    dataset: DatasetOption = None,
) -> Result:
    """Say how a skill was learned, or what stands in its way and what would unlock it.

    Example: skillgraph why module:codecs --layer foundation
    """
    from explorer.service.why import why as ask

    with run.opened() as store:
        report = ask(store, single_dataset(store, dataset), layer, skill, texts=texts)
    return Result(report, _answered(report))


def _answered(report: WhyReport) -> Iterator[Block]:
    yield report.sentence
    if report.chain:
        yield Table(
            ("skill", "wave", "taught by", "beside"),
            [(link.skill, number(link.wave), link.text or "", _listed(link.beside)) for link in report.chain],
            title="The chain that led to it",
            caption=f"{plural(report.before, 'skill')} had to be learned before it, over all branches; each row is "
            "the last skill learned before the one above it",
        )
    if report.texts:
        yield Table(
            ("text", "too many", "other lacking skills"),
            [(near.text, number(near.too_many), _listed(near.lacks)) for near in report.texts],
            title="The nearest texts",
            caption="too many: how many of the other lacking skills must be learned before the text can teach this one",
        )
    if len(report.group) > 1:
        yield (
            f"It waits in a group of {plural(len(report.group), 'skill')}, any one of which makes all the others "
            f"learnable: {_listed(report.group, 8)}."
        )
    if report.unlocking:
        yield Table(
            ("teach", "follows", "texts", "first of these"),
            [
                (_listed(u.skills), number(u.follows.skills), number(u.follows.texts), _listed(u.follows.first))
                for u in report.unlocking
            ],
            title="What would unlock it" + ("" if report.proved else f" (fewer than {report.least} cannot)"),
            caption="follows: skills learned then; texts: texts understood then. A text that requires only that skill "
            "teaches it too, unless the skill waits for a prerequisite",
        )
    if report.taught is not None:
        yield (
            f"Taught directly, it leads to {plural(report.taught.skills, 'further skill')} and makes "
            f"{plural(report.taught.texts, 'text')} understood."
        )


def _listed(names: Sequence[str], most: int = 4) -> str:
    more = f", and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


@command(store="read", rows=True)
def plan(
    run: Run,
    layer: LayerArgument,
    budget: Annotated[int, typer.Option("--budget", "-b", min=1, help="Number of steps.")] = 20,
    by: Annotated[
        PlanWay,
        typer.Option(
            "--by", help="Teach skills directly, add texts from a pool, or simplify texts by one requirement."
        ),
    ] = "skills",
    pool_part: Annotated[
        list[str] | None,
        typer.Option("--pool-part", help="Add texts from this part (repeatable).", show_default="all unread texts"),
    ] = None,
    pool: Annotated[
        str | None, typer.Option("--pool", help="Add texts from this file, in any format that `load` reads.")
    ] = None,
    goal_class: Annotated[
        list[str] | None, typer.Option("--goal-class", help="Only skills of this class count (repeatable).")
    ] = None,
    goal_texts: Annotated[
        Path | None, typer.Option("--goal-texts", help="Only these texts count; a file with ids, one per line.")
    ] = None,
    goal_layer: Annotated[
        str | None, typer.Option("--goal-layer", help="Only what this layer has learned counts.")
    ] = None,
    goal_giant: Annotated[
        bool, typer.Option("--goal-giant", help="The size of the giant component of learned skills counts.")
    ] = False,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Seed of the random orders that the plan is compared with.")
    ] = 0,
    dataset: DatasetOption = None,
) -> Result:
    """Plan what to teach next: each step is the best single step when its turn comes.

    Example: skillgraph plan foundation --budget 20

    Example: skillgraph plan foundation --by texts --budget 5

    Example: skillgraph plan foundation --by simpler --goal-class builtin
    """
    from explorer.service.planning import PlannedStep
    from explorer.service.planning import plan as make_plan

    with run.opened() as store:
        report = make_plan(
            store,
            single_dataset(store, dataset),
            layer,
            budget=budget,
            by=by,
            pool_parts=pool_part or (),
            pool=None if pool is None else _pool(pool),
            goal_classes=goal_class or (),
            goal_texts=_ids(goal_texts),
            goal_layer=goal_layer,
            goal_giant=goal_giant,
            seed=seed,
        )
    return Result(report, _planned(report), rows_of(report.steps, PlannedStep))


def _pool(path: str) -> Dataset:
    from loaders.formats import load as read_file

    return read_file(path, name="pool", part=Path(path).stem).dataset


def _ids(path: Path | None) -> list[str]:
    return [] if path is None else read_lines(path)


def _planned(report: PlanReport) -> Iterator[Block]:
    if not report.steps:
        yield "No single step of this kind gains anything" + (". Try --by skills." if report.by != "skills" else ".")
        return
    what = {"skills": "Teach", "texts": "Add", "simpler": "Simplify"}[report.by]
    head = {"skills": "skill", "texts": "text", "simpler": "text"}[report.by]
    rows = []
    for k, step in enumerate(report.steps, 1):
        cells = [number(k), (step.skill if report.by == "skills" else step.text) or step.name]
        if report.by == "simpler":
            cells.append(step.skill or "")
        cells += [number(step.learned), number(step.texts), number(step.total), _listed(step.follows, 3)]
        rows.append(tuple(cells))
    columns = ["step", head, *(["without"] if report.by == "simpler" else [])]
    yield Table(
        (*columns, "skills", "texts", "in all", "what follows"),
        rows,
        title=f"{what} next, for {report.layer.name}: {report.goal.name}",
        caption="skills, texts: skills learned and texts understood by this step; "
        "in all: skills learned by the plan so far",
    )
    k = len(report.steps)
    worth = report.value[k]
    yield (
        f"{plural(k, 'step')}: worth {worth:,.0f} of {report.goal.worth:,.0f}. In random order {report.random[k]:,.0f} "
        f"(mean), the most used first {report.most_used[k]:,.0f}; no plan of that size can be worth more than "
        f"{report.bound[k]:,.0f}."
    )
    if report.optimum:
        n = len(report.optimum)
        best = "the best one" if report.value[min(n, k)] >= report.optimum[-1] else "not the best one"
        yield f"Up to {plural(n, 'step')} all plans were tried; this one is {best} ({report.optimum[-1]:,.0f})."
    doubt = [i for i, step in enumerate(report.steps, 1) if step.value < step.bound]
    if doubt:
        yield Note(f"From step {doubt[0]} on not every choice was tried; the table shows the best of those that were.")


@command(store="read", rows=True)
def curriculum(
    run: Run,
    layer: LayerArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the order to this file, .jsonl or .csv.")
    ] = None,
    rest: Annotated[
        bool, typer.Option("--rest", help="Append the texts that never have few enough novel skills.")
    ] = False,
    dataset: DatasetOption = None,
) -> Result:
    """Order the texts of a layer so that no next text has more novel skills than its learner takes.

    Example: skillgraph curriculum foundation --output order.jsonl
    """
    from explorer.service.curriculum import make_curriculum, write_curriculum

    with run.opened() as store:
        report = make_curriculum(store, single_dataset(store, dataset), layer, rest=rest)
    if output is not None:
        write_curriculum(report, output)
    return Result(report.summary, _ordered(report, output), Rows(report.columns, report.rows))


def _ordered(report: CurriculumReport, output: Path | None) -> Iterator[Block]:
    found = report.summary
    if output is None:
        shown = report.rows[:20]
        yield Table(
            ("place", "text", "wave", "pass", "novel", "teaches"),
            [
                (number(place), text, number(wave), number(turn), number(novel), _listed(teaches))
                for place, text, wave, turn, novel, teaches in shown
            ],
            title=f"The first {plural(len(shown), 'text')}",
            caption="wave: round in which the text first comes within reach; novel: its novel skills at that point",
        )
    yield (
        f"{plural(found.texts, 'text')} in {plural(found.passes, 'pass', 'passes')}, teaching "
        f"{plural(found.taught, 'skill')}; no text has more than {found.most_novel} novel. "
        f"{plural(found.left, 'text')} never come within reach."
        + (f" Written to {output}." if output is not None else "")
    )


@command(store="read", rows=True)
def master(
    run: Run,
    layer: Annotated[str, typer.Argument(help="Name of a layer that `skillgraph evidence` made.")],
    top: Annotated[int, typer.Option("--top", min=1, help="Most skills to list.")] = 20,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the intervals.")] = 0,
    dataset: DatasetOption = None,
) -> Result:
    """Rank the skills that a model lacks by the failures that mastering one would turn into passes.

    Example: skillgraph master codellama-7b
    """
    from explorer.service.turning import TurningSkill, turning

    with run.opened() as store:
        report = turning(store, single_dataset(store, dataset), layer, most=top, seed=seed)
    return Result(report, _mastered(report), rows_of(report.skills, TurningSkill))


def _mastered(report: TurningReport) -> Iterator[Block]:
    if not report.skills:
        yield Note("No failed text would be passed by mastering a single lacking skill.")
        return
    yield Table(
        ("skill", "mastered", "failures", "turned", "90 % interval", "look at"),
        [
            (
                row.skill,
                number(row.mastery, 2),
                number(row.failures),
                number(row.turned, 1),
                f"{row.low:.0f} to {row.high:.0f}",
                _listed(row.texts, 2),
            )
            for row in report.skills
        ],
        title=f"{report.layer.name}: what to master next, of {plural(report.failures, 'failed text')}",
        caption="mastered: probability that the skill is mastered already; turned: expected number of failures that "
        "would become passes if this skill alone were mastered",
    )
