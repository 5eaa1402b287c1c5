"""Figures and tables of docs/compression.md, from a store that `skillgraph demo` has filled.

skillgraph demo --no-ui --store demo.kgl
python -m benchmarks.compression_figures --store demo.kgl --output docs/images
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from analysis.compression import layer_rate, rate_curve
from analysis.peeling import peel
from analysis.threshold import emergence_threshold
from benchmarks.python_texts import source_texts
from benchmarks.svg import Line, line_chart
from explorer.arrays import index_dataset
from explorer.service.communication import ChannelReport, channel
from explorer.service.compression import CompressionReport, codebook_of, compress
from explorer.service.snapshot import layer_view, read_dataset
from explorer.sgc import TextRecord
from explorer.store.opening import open_store
from explorer.store.protocol import Store

DATASET, FOUNDATION, TUNED = "python", "foundation", "scipy-continued"
REPLICATES = 5


def texts_file(store: Store, parts: tuple[str, ...], path: Path) -> Path:
    records: list[TextRecord] = list(source_texts(index_dataset(read_dataset(store, DATASET), parts=parts)))
    path.write_bytes(b"".join(record.line + b"\n" for record in records))
    return path


def rate_figure(store: Store, report: CompressionReport) -> str:
    """Bits a text as texts are added: the standard library in random order, beside the Poisson ensemble."""
    view = layer_view(store, DATASET, FOUNDATION)
    graph = view.indexed.graph
    assert report.understood < report.texts
    raw = report.bits.kept * report.texts / (report.texts - report.understood)
    rng = np.random.default_rng(0)
    shares = np.linspace(0.05, 1.0, 20)
    measured = np.zeros(len(shares))
    for _ in range(REPLICATES):
        order = rng.permutation(graph.n_texts)
        for place, share in enumerate(shares):
            learned = peel(graph.subset(np.sort(order[: round(share * graph.n_texts)])), 1).learned
            measured[place] += layer_rate(graph, learned, raw_bits=raw).semantic / REPLICATES
    found = emergence_threshold(graph.mean_skills)
    assert found.ratio is not None
    near = found.ratio + np.array([-1e-4, 1e-4])
    grid = np.sort(np.concatenate((np.linspace(0.2, 8.0, 79), near)))
    poisson = rate_curve(graph.mean_skills, grid, graph.n_skills, raw)
    return line_chart(
        [
            Line(f"Poisson ensemble, c = {graph.mean_skills:.2f}", grid.tolist(), poisson.bits.tolist()),
            Line("standard library, uniform model", (shares * graph.ratio).tolist(), measured.tolist(), dots=True),
        ],
        title="What a function costs as more of them have been learned from",
        x_label="texts per skill, R",
        y_label="bits per text",
        marks=[(found.ratio, f"R* = {found.ratio:.2f}")],
    )


def channel_figure(report: ChannelReport) -> str:
    names = {
        "semantic_lt": "skills, LT code",
        "semantic_repetition": "skills, repetition",
        "text_lt": "zstd text, LT code",
    }
    lines = []
    for scheme in report.schemes:
        rows = [row for row in report.rows if row.scheme == scheme.name]
        lines.append(Line(names[scheme.name], [r.bits_per_text for r in rows], [r.error for r in rows]))
    return line_chart(
        lines,
        title=f"Semantic error, {report.erasure:.0%} of the packets lost",
        x_label="bits sent a text",
        y_label="share of texts in error",
        log_x=True,
    )


def compression_rows(reports: dict[str, CompressionReport]) -> str:
    rows = ["| bits per text | " + " | ".join(reports) + " |", "| --- |" + " ---: |" * len(reports)]

    def add(name: str, values: list[float | None]) -> None:
        rows.append(f"| {name} | " + " | ".join("–" if v is None else f"{v:,.1f}" for v in values) + " |")

    found = list(reports.values())
    add("**semantic**", [r.bits.semantic for r in found])
    add("… expected for the layer", [r.expected and r.expected.semantic for r in found])
    add("skill sets", [r.bits.sets for r in found])
    add("… expected for the layer", [r.expected and r.expected.sets for r in found])
    add("kept texts", [r.bits.kept for r in found])
    add("ids", [r.bits.ids for r in found])
    add("header, lengths, checksums", [r.bits.overhead for r in found])
    add("raw text", [r.bits.raw for r in found])
    add("zstd -3", [r.bits.zstd for r in found])
    add("xz -6", [r.bits.xz for r in found])
    add("lists of skills, xz -6", [r.bits.skills_xz for r in found])
    add("understood, %", [100 * r.understood_share for r in found])
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", required=True)
    parser.add_argument("--output", type=Path, default=Path("docs/images"))
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    store = open_store(arguments.store, mode="read")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        foundation = texts_file(store, ("stdlib",), work / "stdlib.jsonl")
        both = texts_file(store, (), work / "all.jsonl")
        reports = {
            name: compress(store, DATASET, FOUNDATION, source=foundation, output=work / "f.sgc", **options)  # type: ignore[arg-type]
            for name, options in (
                ("uniform", {"model": "uniform"}),
                ("frequency", {"model": "frequency"}),
                ("frequency, text kept", {"keep_text": True}),
            )
        }
        print(compression_rows(reports))
        book = codebook_of(layer_view(store, DATASET, FOUNDATION), "frequency")
        print(f"\n{book.n_skills} learned skills, fingerprint {book.fingerprint.hex()[:16]}\n")
        (arguments.output / "compression-rate.svg").write_text(rate_figure(store, reports["uniform"]))
        for sender, receiver in ((FOUNDATION, TUNED), (TUNED, FOUNDATION)):
            report = channel(store, DATASET, sender=sender, receiver=receiver, source=both, texts=300, trials=20)
            print(f"{sender} -> {receiver}: sender understands {report.sender_understood:.1%} of all texts,")
            print(f"  {report.texts} texts, k = {report.symbols}, unknown to the receiver {report.unknown:.1%}")
            print(f"  overhead {report.overhead}, density evolution {report.overhead_predicted}")
            print(f"  packets: {[(s.name, s.packet_bits, round(s.message_bits, 1)) for s in report.schemes]}")
            for row in report.rows:
                if row.scheme == "semantic_lt":
                    print(
                        f"    {row.received:.2f} {row.bits_per_text:7.1f} erased {row.erased:.3f} "
                        f"predicted {row.predicted_erased:.3f} mismatch {row.mismatch:.3f}"
                    )
            if sender == FOUNDATION:
                (arguments.output / "compression-channel.svg").write_text(channel_figure(report))
    store.close()


if __name__ == "__main__":
    main()
