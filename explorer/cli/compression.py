"""Commands that use a layer as a code: `compress`, `decompress`, `channel`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, overload

import typer

from explorer.cli.group import DatasetOption, LayerArgument, Run, command, single_dataset, standard_input
from explorer.cli.output import Block, Note, Result, Table, number, rows_of, share
from explorer.options import SET_CODE_HELP, SetCode
from explorer.wording import plural

if TYPE_CHECKING:
    from explorer.service.communication import ChannelReport
    from explorer.service.compression import CompressionReport, DecompressionReport

__all__ = ["channel", "compress", "decompress"]

TextsOption = Annotated[
    Path | None,
    typer.Option(
        "--input",
        "-i",
        help='Texts, one JSON object per line: {"id": "t1", "skills": ["s1"], "text": "…"}; - is standard input.',
        show_default="the dataset's own texts",
    ),
]
PartOption = Annotated[
    list[str] | None,
    typer.Option("--part", help="Without --input: texts of this part (repeatable).", show_default="the layer's"),
]


@command(store="read", advice="take one --part")
def compress(
    run: Run,
    layer: LayerArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Compressed file to write (.sgc); - is standard output.")
    ],
    source: TextsOption = None,
    dataset: DatasetOption = None,
    part: PartOption = None,
    model: Annotated[SetCode, typer.Option("--model", help=SET_CODE_HELP)] = "frequency",
    keep_text: Annotated[bool, typer.Option("--keep-text", help="Keep understood texts too: lossless.")] = False,
    ids: Annotated[bool, typer.Option("--ids/--no-ids", help="Keep ids of understood texts.")] = True,
    baselines: Annotated[bool, typer.Option("--baselines/--no-baselines", help="Measure zstd and xz too.")] = True,
) -> Result:
    """Write texts by what they mean: understood ones as skill sets, all others as they are.

    A text is understood if the layer has learned all its skills. Its wording is not kept, unless with --keep-text.

    Example: skillgraph compress foundation --output functions.sgc
    """
    from explorer.service.compression import compress as compress_with

    with ExitStack() as stack:
        source = _piped(stack, source)
        store = stack.enter_context(run.opened())
        progress = stack.enter_context(run.progress("Compressing"))
        report = compress_with(
            store,
            single_dataset(store, dataset),
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
    return _printed(output, report, _show_compression(report, output))


@overload
def _piped(stack: ExitStack, source: Path) -> Path: ...


@overload
def _piped(stack: ExitStack, source: Path | None) -> Path | None: ...


def _piped(stack: ExitStack, source: Path | None) -> Path | None:
    """The file, or for `-` what comes on standard input."""
    return stack.enter_context(standard_input("stdin")) if str(source) == "-" else source


def _printed(
    output: Path, report: object, shown: Iterator[Block], code: int = 0, remarks: Sequence[str] = ()
) -> Result:
    """The report, or nothing of it where standard output holds the file itself."""
    return Result(None, (), None, code, remarks) if str(output) == "-" else Result(report, shown, None, code, remarks)


def _show_compression(report: CompressionReport, output: Path) -> Iterator[Block]:
    bits = report.bits

    def beside(name: str) -> tuple[str, ...]:
        expected = (report.expected, report.poisson, report.typed)
        return tuple(number(None if e is None else getattr(e, name), 1) for e in expected)

    wording = "with the wording" if report.keep_text else "the wording of understood texts is left out"
    rows = [
        ("skill sets", number(bits.sets, 1), *beside("sets"), "flag, number of skills, skills"),
        ("same lists, xz -6", number(bits.skills_xz, 1), "–", "–", "–", "like for like: what the skill sets hold"),
        ("whole file", number(bits.file, 1), "–", "–", "–", wording),
        ("  content", number(bits.semantic, 1), *beside("semantic"), "skill sets and kept texts"),
        ("    kept texts", number(bits.kept, 1), *beside("kept"), "texts kept whole, after zstd"),
        ("  ids, header", number(bits.ids + bits.overhead, 1), "–", "–", "–", "ids of understood texts, checksums"),
        ("xz -6", number(bits.xz, 1), "–", "–", "–", "the texts as one stream, with their wording"),
        ("zstd -3", number(bits.zstd, 1), "–", "–", "–", "likewise"),
        ("raw", number(bits.raw, 1), "–", "–", "–", "the texts as they are"),
    ]
    yield Table(
        ("bits a text", "measured", "layer", "Poisson", "with types", "meaning"),
        rows,
        title=f"{output}: {plural(report.texts, 'text')}, {share(report.understood_share)} understood",
        caption="layer: expected for a text of the layer's own; Poisson: for random texts with its c and R; "
        "with types: for random texts that keep their sizes and their mix of types of skills",
    )
    yield (
        f"{report.input_bytes:,} bytes became {report.file_bytes:,} with layer {report.layer.name}, fingerprint "
        f"{report.fingerprint[:16]}, in {report.seconds:.1f} s."
    )
    if not report.keep_text and report.understood:
        yield Note(
            f"Of {plural(report.understood, 'understood text')} the skills are kept, not the wording (see --keep-text)."
        )


@command(store="read")
def decompress(
    run: Run,
    layer: LayerArgument,
    source: Annotated[Path, typer.Option("--input", "-i", help="Compressed file (.sgc); - is standard input.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="JSON Lines to write; - is standard output.")],
    dataset: DatasetOption = None,
    salvage: Annotated[
        bool, typer.Option("--salvage", help="If the file is damaged, write the texts before the damage.")
    ] = False,
) -> Result:
    """Turn a compressed file back into texts: skill sets of understood ones, all others byte for byte.

    Example: skillgraph decompress foundation --input functions.sgc --output functions.jsonl
    """
    from explorer.service.compression import decompress as decompress_with

    with ExitStack() as stack:
        store = stack.enter_context(run.opened())
        progress = stack.enter_context(run.progress("Decompressing"))
        report = decompress_with(
            store,
            single_dataset(store, dataset),
            layer,
            source=_piped(stack, source),
            output=output,
            salvage=salvage,
            progress=progress,
        )
    if report.damage is None:
        return _printed(output, report, _show_decompression(report, output))
    damage = f"{report.damage}; the {plural(report.texts, 'text')} before that place {_were(report.texts)} written."
    return _printed(output, report, _show_decompression(report, output), 1, (damage,))


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _show_decompression(report: DecompressionReport, output: Path) -> Iterator[Block]:
    yield (
        f"{output}: {plural(report.texts, 'text')}, {plural(report.understood, 'skill set')} and {report.kept:,} kept "
        f"as written, in {report.seconds:.1f} s."
    )


@command(store="read", rows=True)
def channel(
    run: Run,
    sender: Annotated[str, typer.Option("--sender", help="Layer of the sender.")],
    receiver: Annotated[str, typer.Option("--receiver", help="Layer of the receiver.")],
    erasure: Annotated[
        float, typer.Option("--erasure", help="Probability that a packet is lost, at least 0 and below 1.")
    ] = 0.1,
    source: TextsOption = None,
    dataset: DatasetOption = None,
    part: PartOption = None,
    texts: Annotated[int, typer.Option("--texts", min=1, help="Texts in the message.")] = 200,
    trials: Annotated[
        int, typer.Option("--trials", min=1, help="Number of random codes and channels to average over.")
    ] = 10,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of message, codes and channels.")] = 0,
) -> Result:
    """Send texts by their skills over a channel that loses packets; the code is peeled like a skill-text graph.

    Example: skillgraph channel --sender foundation --receiver scipy-continued --erasure 0.1
    """
    from explorer.service.communication import ChannelRow
    from explorer.service.communication import channel as send

    with ExitStack() as stack:
        source = _piped(stack, source)
        store = stack.enter_context(run.opened())
        report = send(
            store,
            single_dataset(store, dataset),
            sender=sender,
            receiver=receiver,
            erasure=erasure,
            source=source,
            parts=part or (),
            texts=texts,
            trials=trials,
            seed=seed,
        )
    return Result(report, _show_channel(report), rows_of(report.rows, ChannelRow))


def _show_channel(report: ChannelReport) -> Iterator[Block]:
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
    yield Table(
        columns,
        rows,
        title=f"{report.sender} to {report.receiver}: {plural(report.texts, 'text')}, "
        f"{plural(report.symbols, 'source symbol')}, "
        f"{report.erasure:.0%} of the packets lost",
        caption="received: packets that arrive for each source symbol; shares of the texts that are not recovered "
        "(skills in an LT code, skills repeated, zstd text in the same LT code); unknown: recovered from the LT code, "
        "but requires a skill that the receiver has not learned",
    )
    yield (
        f"The LT code needs {share(report.overhead)} more packets than symbols (density evolution: "
        f"{share(report.overhead_predicted)}). The sender understands {share(report.sender_understood)} of the texts."
    )
    if not any(scheme.name == "text_lt" for scheme in report.schemes):
        yield Note("These texts have no 'text', so sending them as text was not compared: give --input with texts.")
