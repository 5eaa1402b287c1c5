"""Commands that use a layer as a code: `compress`, `decompress`, `channel`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from explorer.cli.console import (
    DatasetOption,
    JsonOption,
    StoreOption,
    emit_json,
    guarded,
    note,
    number,
    opened,
    progress_bar,
    share,
    show_table,
    single_dataset,
)

if TYPE_CHECKING:
    from explorer.service.communication import ChannelReport
    from explorer.service.compression import CompressionReport

__all__ = ["register"]

LayerOption = Annotated[str, typer.Option("--layer", "-l", help="Layer whose learned skills are the code.")]
TextsOption = Annotated[
    Path | None,
    typer.Option(
        "--input",
        "-i",
        help='Texts, one JSON object a line: {"id": "t1", "skills": ["s1"], "text": "…"}.',
        show_default="the dataset's own texts",
    ),
]
PartOption = Annotated[
    list[str] | None,
    typer.Option("--part", help="Without --input: texts of this part (repeatable).", show_default="the layer's"),
]


@guarded
def compress(
    layer: LayerOption,
    output: Annotated[Path, typer.Option("--output", "-o", help="Compressed file to write (.sgc).")],
    source: TextsOption = None,
    dataset: DatasetOption = None,
    part: PartOption = None,
    model: Annotated[
        Literal["uniform", "frequency"], typer.Option("--model", help="How skill sets are coded.")
    ] = "frequency",
    keep_text: Annotated[bool, typer.Option("--keep-text", help="Keep understood texts too: lossless.")] = False,
    ids: Annotated[bool, typer.Option("--ids/--no-ids", help="Keep ids of understood texts.")] = True,
    baselines: Annotated[bool, typer.Option("--baselines/--no-baselines", help="Measure zstd and xz too.")] = True,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write texts by what they mean: understood ones as skill sets, all others as they are.

    A text is understood if the layer has learned all its skills. Its wording is not kept, unless with --keep-text.

    Example: skillgraph compress --layer foundation --input texts.jsonl --output texts.sgc
    """
    from explorer.service.compression import compress as compress_with

    with opened(store) as opened_store, progress_bar("Compressing", quiet=as_json) as progress:
        report = compress_with(
            opened_store,
            single_dataset(opened_store, dataset),
            layer,
            source=source,
            output=output,
            parts=part or (),
            model=model,
            keep_text=keep_text,
            keep_ids=ids,
            baselines=baselines,
            progress=progress,
        )
    if as_json:
        emit_json(report)
    else:
        _show_compression(report, output)


def _show_compression(report: CompressionReport, output: Path) -> None:
    bits, expected, poisson = report.bits, report.expected, report.poisson

    def beside(name: str) -> tuple[str, str]:
        return tuple(number(None if e is None else getattr(e, name), 1) for e in (expected, poisson))  # type: ignore[return-value]

    rows = [
        ("semantic", number(bits.semantic, 1), *beside("semantic"), "skill sets and kept texts"),
        ("  skill sets", number(bits.sets, 1), *beside("sets"), "flag, number of skills, skills"),
        ("  kept texts", number(bits.kept, 1), *beside("kept"), "texts kept whole, after zstd"),
        ("ids, header", number(bits.ids + bits.overhead, 1), "–", "–", "ids of understood texts, checksums"),
        ("raw", number(bits.raw, 1), "–", "–", "the texts as they are"),
        ("zstd -3", number(bits.zstd, 1), "–", "–", "the texts as one stream"),
        ("xz -6", number(bits.xz, 1), "–", "–", "the texts as one stream"),
        ("skills xz -6", number(bits.skills_xz, 1), "–", "–", "lists of skills of understood texts"),
    ]
    show_table(
        ("bits a text", "measured", "layer", "Poisson", "meaning"),
        rows,
        title=f"{output}: {report.texts:,} texts, {share(report.understood_share)} understood",
        caption="layer: expected for a text of the layer's own; Poisson: for random texts with its c and R",
    )
    typer.echo(
        f"{report.input_bytes:,} bytes became {report.file_bytes:,} with layer {report.layer}, fingerprint "
        f"{report.fingerprint[:16]}, in {report.seconds:.1f} s."
    )
    if not report.keep_text and report.understood:
        note(f"Of the {report.understood:,} understood texts the skills are kept, not the wording (see --keep-text).")


@guarded
def decompress(
    layer: Annotated[str, typer.Option("--layer", "-l", help="Layer that the file was written with.")],
    source: Annotated[Path, typer.Option("--input", "-i", help="Compressed file (.sgc).")],
    output: Annotated[Path, typer.Option("--output", "-o", help="JSON Lines to write.")],
    dataset: DatasetOption = None,
    salvage: Annotated[
        bool, typer.Option("--salvage", help="Of a damaged file, write what comes before the damage.")
    ] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Turn a compressed file back into texts: skill sets of understood ones, all others byte for byte.

    Example: skillgraph decompress --layer foundation --input texts.sgc --output texts.jsonl
    """
    from explorer.service.compression import decompress as decompress_with

    with opened(store) as opened_store, progress_bar("Decompressing", quiet=as_json) as progress:
        report = decompress_with(
            opened_store,
            single_dataset(opened_store, dataset),
            layer,
            source=source,
            output=output,
            salvage=salvage,
            progress=progress,
        )
    if as_json:
        emit_json(report)
    else:
        typer.echo(
            f"{output}: {report.texts:,} texts, {report.understood:,} as skill sets and {report.kept:,} as they were, "
            f"in {report.seconds:.1f} s."
        )
    if report.damage is not None:
        note(f"{report.damage}; the {report.texts:,} texts before that place were written.")
        raise typer.Exit(1)


@guarded
def channel(
    sender: Annotated[str, typer.Option("--sender", help="Layer of the sender.")],
    receiver: Annotated[str, typer.Option("--receiver", help="Layer of the receiver.")],
    erasure: Annotated[float, typer.Option("--erasure", help="Probability that a packet is lost, 0 to below 1.")] = 0.1,
    source: TextsOption = None,
    dataset: DatasetOption = None,
    part: PartOption = None,
    texts: Annotated[int, typer.Option("--texts", min=1, help="Texts in the message.")] = 200,
    trials: Annotated[int, typer.Option("--trials", min=1, help="Random codes and channels to average over.")] = 10,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of message, codes and channels.")] = 0,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send texts by their skills over a channel that loses packets; the code is peeled like a skill-text graph.

    Example: skillgraph channel --sender foundation --receiver tuned --erasure 0.1
    """
    from explorer.service.communication import channel as send

    with opened(store) as opened_store:
        report = send(
            opened_store,
            single_dataset(opened_store, dataset),
            sender=sender,
            receiver=receiver,
            erasure=erasure,
            source=source,
            parts=part or (),
            texts=texts,
            trials=trials,
            seed=seed,
        )
    if as_json:
        emit_json(report)
    else:
        _show_channel(report)


def _show_channel(report: ChannelReport) -> None:
    by_scheme = {scheme.name: [row for row in report.rows if row.scheme == scheme.name] for scheme in report.schemes}
    columns = ["received", "bits a text", "LT code", "predicted", "repetition", "predicted", "unknown"]
    kinds = [by_scheme["semantic_lt"], by_scheme["semantic_repetition"]]
    if "text_lt" in by_scheme:
        columns += ["bits as text", "LT code, text"]
        kinds.append(by_scheme["text_lt"])
    rows = []
    for coded, repeated, *text in zip(*kinds, strict=True):
        cells = [number(coded.received, 2), number(coded.bits_per_text, 1)]
        cells += [share(coded.erased), share(coded.predicted_erased)]
        cells += [share(repeated.erased), share(repeated.predicted_erased), share(coded.mismatch)]
        rows.append(cells + [cell for row in text for cell in (number(row.bits_per_text, 1), share(row.erased))])
    show_table(
        columns,
        rows,
        title=f"{report.sender} to {report.receiver}: {report.texts:,} texts, {report.symbols:,} source symbols, "
        f"{report.erasure:.0%} of the packets lost",
        caption="received: packets that arrive for each source symbol; shares of the texts that are not recovered "
        "(skills in an LT code, skills repeated, zstd text in the same LT code); unknown: recovered from the LT code, "
        "but with a skill that the receiver has not learned",
    )
    typer.echo(
        f"The LT code needs {share(report.overhead)} more packets than symbols (density evolution: "
        f"{share(report.overhead_predicted)}). The sender understands {share(report.sender_understood)} of the texts."
    )
    if not any(scheme.name == "text_lt" for scheme in report.schemes):
        note("These texts have no 'text', so sending them as text was not compared: give --input with texts.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (("compress", compress), ("decompress", decompress), ("channel", channel)):
        app.command(name)(command)
