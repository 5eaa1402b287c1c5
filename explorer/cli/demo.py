"""`demo`: the main job end to end, on the running interpreter's own source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.group import Run, command
from explorer.cli.output import Block, Result, Table, number, share
from explorer.cli.web import HostOption, PortOption, check_address, serve

if TYPE_CHECKING:
    from explorer.service.demo import DemoReport, Steps

__all__ = ["demo"]


@command(store="write")
def demo(
    run: Run,
    package: Annotated[str, typer.Option("--package", help="Installed package to fine-tune on.")] = "scipy",
    min_uses: Annotated[
        int, typer.Option("--min-uses", min=1, help="Leave out skills that fewer texts use than this.")
    ] = 1,
    fresh: Annotated[bool, typer.Option("--fresh", help="Read the sources again.")] = False,
    ui: Annotated[bool, typer.Option("--ui/--no-ui", help="Open the explorer when done.")] = True,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8050,
) -> None:
    """Read Python's standard library as a skill-text graph, learn it, compare with theory, and explore.

    A function is a text; the syntax, builtins and imported APIs that it uses are its skills.

    Example: skillgraph demo

    Example: skillgraph demo --no-ui --json
    """
    from explorer.service.demo import run_demo

    if ui:
        check_address(host, port)
    with run.opened() as store, _steps(run) as steps:
        report = run_demo(store, package=package, min_uses=min_uses, fresh=fresh, steps=steps)
        url = store.url
    run.print(Result(report, _show(report)))
    if ui:
        serve(run, url, host=host, port=port)


@contextmanager
def _steps(run: Run) -> Iterator[Steps]:
    """A line for each step, with a bar for those that say how far they are."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    quiet = run.quiet or not run.for_people
    shown = console.is_terminal and not quiet
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not shown) as bars:

        def step(title: str) -> _Bar:
            for task in bars.tasks:
                bars.update(task.id, total=task.total or 1, completed=task.total or 1)
            if not shown and not quiet:
                run.note(f"{title} …")
            return _Bar(bars, title)

        yield step
        for task in bars.tasks:
            bars.update(task.id, total=task.total or 1, completed=task.total or 1)


class _Bar:
    """A progress callback on one line of the display."""

    def __init__(self, bars: object, title: str) -> None:
        from rich.progress import Progress

        assert isinstance(bars, Progress)
        self._bars = bars
        self._task = bars.add_task(title, total=None)

    def __call__(self, done: int, total: int) -> None:
        self._bars.update(self._task, completed=done, total=total)


def _show(report: DemoReport) -> Iterator[Block]:
    foundation, tuned = report.foundation, report.fine_tuned
    yield (
        f"\nThe standard library as a skill-text graph: {report.texts:,} functions require {report.skills:,} skills, "
        f"{report.requirements:,} times (R = {report.ratio:.2f} texts per skill, c = {report.mean_skills:.2f} skills "
        "in a text)."
    )
    yield Table(
        ("foundation layer", "measured", "Poisson", "same degrees", "with types"),
        [
            (
                "skills learned",
                share(foundation.learned),
                share(foundation.predicted_poisson),
                share(foundation.predicted_degrees),
                share(foundation.predicted_typed),
            ),
            ("  of those used 3 times or more", share(foundation.learned_used_thrice), "–", "–", "–"),
            (
                "giant component",
                share(foundation.giant),
                "–",
                share(foundation.giant_predicted),
                share(foundation.giant_typed),
            ),
            ("waves", number(foundation.waves), "–", "–", "–"),
        ],
        caption="shares of all skills; Poisson, same degrees and with types are predictions of density evolution"
        + ("" if foundation.types is None else f", with types by {foundation.types} types of skills"),
    )
    yield _emergence(report)
    yield Table(
        (f"fine-tuned on {tuned.package}", "skills learned"),
        [
            ("foundation alone", share(tuned.foundation)),
            ("frozen: no basic skills are added", share(tuned.frozen.learned)),
            ("continued: on top of the foundation", share(tuned.continued.learned)),
            ("joint: both corpora together", share(tuned.joint.learned)),
        ],
        caption=f"shares of the {tuned.skills:,} skills of both corpora; {tuned.texts:,} functions of {tuned.package}",
    )
    yield f"Stored in {report.store} ({report.seconds:.1f} s). Open them again at any time with `skillgraph ui`."


def _emergence(report: DemoReport) -> str:
    """Where this corpus stands on the emergence curve, in a sentence or two."""
    if report.threshold is None:
        return "Random texts of this length would teach skills gradually, without a threshold."
    side = "above" if report.ratio > report.threshold else "below"
    learned, same = report.foundation.learned, report.foundation.predicted_degrees
    return (
        f"Random texts of this length would teach nearly everything at once above R* = {report.threshold:.2f} texts "
        f"per skill; this corpus is {side} it. Real skills are far from evenly used: with the same degrees but random "
        f"pairing {same:.0%} would be learned. The corpus teaches {learned:.0%}, "
        + (
            "because its rare skills occur together with other rare skills, which then wait for each other."
            if learned < same
            else "because skills that are used together are learned together."
        )
    )
