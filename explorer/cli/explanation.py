"""Commands that explain a layer and look ahead: `explain` and `forecast`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.group import DatasetOption, Run, command, single_dataset
from explorer.cli.output import Block, Result, Table, number, rows_of, share
from explorer.wording import plural

if TYPE_CHECKING:
    from explorer.service.forecast import Forecast
    from explorer.service.ladder import Ladder

__all__ = ["explain", "forecast"]


@command(store="read", rows=True, advice="draw no random graphs (--graphs 0), or name fewer --types")
def explain(
    run: Run,
    layer: Annotated[str, typer.Argument(help="Name of the layer.")],
    types: Annotated[
        str | None,
        typer.Option(
            "--types", help="Features of skills, such as 'uses,module'; their product becomes one more rung, `own`."
        ),
    ] = None,
    graphs: Annotated[
        int | None,
        typer.Option(
            "--graphs",
            min=0,
            help="Number of random graphs to draw for each rung, each keeping exactly what the rung keeps.",
            show_default="3, none above 200,000 requirements",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random graphs and of the folds.")] = 0,
    dataset: DatasetOption = None,
) -> Result:
    """Explain what a layer learned by a ladder of random graphs that keep more and more of its graph.

    Example: skillgraph explain foundation

    Example: skillgraph explain foundation --types uses,module
    """
    from explorer.service import ladder

    wanted = [name.strip() for name in types.split(",") if name.strip()] if types else []
    with run.opened() as store:
        name = single_dataset(store, dataset)
        found = ladder.explain(store, name, layer, types=wanted, graphs=graphs, seed=seed)
    return Result(found, _ladder(found), rows_of(found.rungs, ladder.Rung))


def _ladder(found: Ladder) -> Iterator[Block]:
    yield found.sentence
    rows = [
        (
            rung.name,
            number(rung.types),
            share(rung.learned),
            share(rung.closes),
            share(rung.simulated),
            share(rung.giant),
            number(rung.waves),
            share(rung.testing_error),
        )
        for rung in found.rungs
    ]
    own = (share(found.measured), "100.0%", "–", share(found.giant), number(found.waves), share(found.testing_error))
    rows.append(("this layer", "–", *own))
    yield Table(
        ("keeps", "types", "learned", "closes", "simulated", "giant", "waves", "error"),
        rows,
        title=f"{found.layer.name}: {plural(found.texts, 'text')}, {plural(found.skills, 'skill')}, "
        f"{plural(found.requirements, 'requirement')}",
        caption="Random graphs that keep more and more of this layer's structure; values are shares of all skills. "
        "closes: share of the gap between degrees and this layer. error: on held-out texts, a fifth at a time.",
    )
    for rung in found.rungs:
        if len(rung.features) > 1 and " × " not in rung.name:
            yield f"- {rung.name}: types by {' × '.join(rung.features)}."
    for line in found.notes:
        yield f"- {line}"


@command(store="read", rows=True)
def forecast(
    run: Run,
    layer: Annotated[str, typer.Argument(help="Name of the layer.")],
    to: Annotated[str, typer.Option("--to", help="How many times as many texts, such as 2x, 1.5x or 4x.")] = "2x",
    splits: Annotated[
        int, typer.Option("--splits", min=2, max=200, help="Number of random halves in the backtest.")
    ] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random halves.")] = 0,
    dataset: DatasetOption = None,
) -> Result:
    """Forecast what a layer would learn if more texts came from the same source, and test the forecast.

    Example: skillgraph forecast foundation --to 2x
    """
    from explorer.service import forecast as service

    factor = service.parse_factor(to)
    with run.opened() as store:
        name = single_dataset(store, dataset)
        found = service.forecast(store, name, layer, factor=factor, splits=splits, seed=seed)
    return Result(found, _forecast(found), rows_of(found.methods, service.ForecastMethod))


def _forecast(found: Forecast) -> Iterator[Block]:
    from explorer.service.forecast import METHOD_NAMES

    yield found.sentence
    yield Table(
        ("forecast", "learned", "backtest error", "bias"),
        [
            (METHOD_NAMES[row.method], number(row.learned, 0), number(row.error, 1), number(row.bias, 1))
            for row in found.methods
        ],
        title=f"{found.layer.name}, {found.factor:g} times as many texts",
        caption=f"Backtest: from {plural(found.splits, 'random half', 'random halves')} of the texts, held against the "
        f"{found.truth:,} skills that all of them teach; mean absolute error and mean error, in skills.",
    )
