"""The command `export`: files for other programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from explorer.cli.group import RAW_HELP, DatasetOption, Run, command, single_dataset
from explorer.cli.output import Block, Note, Result
from explorer.errors import SkillgraphError
from explorer.wording import plural

if TYPE_CHECKING:
    from explorer.export import ExportReport
    from explorer.store.protocol import Store

__all__ = ["export"]


@command(store="read")
def export(
    run: Run,
    output: Annotated[
        Path, typer.Argument(help="File, or folder for csv, parquet and neo4j-admin; - is standard output.")
    ],
    layer: Annotated[
        str | None,
        typer.Argument(
            help="Export the association graph of this layer instead of the dataset.",
            metavar="[LAYER]",
            show_default=False,
        ),
    ] = None,
    dataset: DatasetOption = None,
    file_format: Annotated[
        Literal["graphml", "gexf", "json", "cytoscape", "csv", "parquet", "neo4j-admin", "html"] | None,
        typer.Option("--format", help="Format.", show_default="from the file's ending"),
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help=RAW_HELP)] = False,
) -> Result:
    """Write a dataset, or the association graph of a layer, for Gephi, networkx, Cytoscape, tables or Neo4j.

    As HTML a layer is a page that shows its graph with search, legend and each skill's associations, without a network.

    Example: skillgraph export graph.graphml

    Example: skillgraph export associations.gexf foundation

    Example: skillgraph export foundation.html foundation
    """
    from explorer.export import export as write

    with run.opened() as store:
        if file_format == "html" or (file_format is None and output.suffix.lower() in (".html", ".htm")):
            return _page(store, single_dataset(store, dataset), output, layer)
        report = write(store, single_dataset(store, dataset), output, layer=layer, file_format=file_format, raw=raw)
    if str(output) == "-":
        return Result(None, [Note(_summary(report))])
    return Result(report, _shown(report))


def _page(store: Store, dataset: str, output: Path, layer: str | None) -> Result:
    from explorer.export import ExportReport
    from explorer.service.output import atomic_output
    from ui.drawing.graph_file import layer_file

    if layer is None:
        raise SkillgraphError(f"an HTML page shows a layer: name one, skillgraph export {output} LAYER")
    page, nodes, edges = layer_file(store, dataset, layer)
    with atomic_output(output) as stream:
        stream.write(page.encode())
    report = ExportReport(str(output), "html", nodes, edges)
    if str(output) == "-":
        return Result(None, [Note(_summary(report))])
    return Result(report, [_summary(report)])


def _shown(report: ExportReport) -> Iterator[Block]:
    yield _summary(report)
    if report.format == "neo4j-admin":
        yield f"  import it with: skillgraph server import {report.path}"
        yield "  or, in that folder, on a machine with Neo4j: neo4j-admin database import full neo4j @import.args"


def _summary(report: ExportReport) -> str:
    return f"{report.path}: {plural(report.nodes, 'node')} and {plural(report.edges, 'edge')} as {report.format}."
