"""Commands that explain a layer and look ahead: `explain` and `forecast`."""

from __future__ import annotations

from typing import Annotated

import typer

from explorer.cli.console import (
    DatasetOption,
    JsonOption,
    StoreOption,
    emit_json,
    guarded,
    number,
    opened,
    share,
    show_table,
    single_dataset,
)

__all__ = ["register"]


@guarded
def explain(
    layer: Annotated[str, typer.Argument(help="Name of the layer.")],
    types: Annotated[
        str | None,
        typer.Option("--types", help="Features of skills, as in 'uses,module', whose product is one more rung, `own`."),
    ] = None,
    graphs: Annotated[
        int | None,
        typer.Option(
            "--graphs",
            min=0,
            help="Random graphs to draw for each rung, which keep exactly what the rung keeps.",
            show_default="3, none above 200,000 requirements",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random graphs and of the folds.")] = 0,
    dataset: DatasetOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain what a layer learned by a ladder of random graphs that keep more and more of it.

    Example: skillgraph explain foundation

    Example: skillgraph explain foundation --types uses,module
    """
    from explorer.service import ladder

    wanted = [name.strip() for name in types.split(",") if name.strip()] if types else []
    with opened(store) as opened_store:
        name = single_dataset(opened_store, dataset)
        found = ladder.explain(opened_store, name, layer, types=wanted, graphs=graphs, seed=seed)
    if as_json:
        emit_json(found)
        return
    typer.echo(found.sentence)
    rows = [
        (
            rung.name,
            number(rung.types),
            share(rung.learned),
            share(rung.closes),
            "–" if rung.simulated is None else share(rung.simulated),
            share(rung.giant),
            number(rung.waves),
            share(rung.testing_error),
        )
        for rung in found.rungs
    ]
    rows.append(
        (
            "this layer",
            "–",
            share(found.measured),
            "100.0%",
            "–",
            share(found.giant),
            number(found.waves),
            share(found.testing_error),
        )
    )
    show_table(
        ("keeps", "types", "learned", "closes", "simulated", "giant", "waves", "error"),
        rows,
        title=f"{found.layer.name}: {found.texts:,} texts require {found.skills:,} skills {found.requirements:,} times",
        caption="Random graphs that keep more and more of this layer's; shares of all skills. closes: share of the gap "
        "between degrees and this layer. error: of held-out texts, a fifth at a time."
        + (f" Simulated: mean of {found.graphs} rewired graphs." if found.graphs else ""),
    )
    for rung in found.rungs:
        if len(rung.features) > 1 and " × " not in rung.name:
            typer.echo(f"- {rung.name}: types by {' × '.join(rung.features)}.")
    for line in found.notes:
        typer.echo(f"- {line}")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("explain")(explain)
