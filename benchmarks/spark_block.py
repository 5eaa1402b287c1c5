"""What one block of a graph of 10¹⁰ requirements costs its worker in a super-step: python -m benchmarks.spark_block."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import numpy as np

from benchmarks import harness

C, RATIO = 4, 1.1 * 1.4663503


def measure(n_edges: int, n_skills: int, share: float) -> tuple[float, float, int]:
    """CPU seconds of a super-step, those for the skills' bits alone, and the edges that the block still holds."""
    from explorer.spark.blocks import Bits, Block, find_learned

    rng = np.random.default_rng(0)
    text = np.sort(rng.integers(0, n_edges // C, n_edges))
    skill = rng.integers(0, n_skills, n_edges)
    skill_ids, places = np.unique(skill, return_inverse=True)
    text_ids, degrees = np.unique(text, return_counts=True)
    block = Block(text_ids, skill_ids, np.concatenate(([0], np.cumsum(degrees))), places.astype(np.int32))
    row = block.row(0)
    chunks = [min(1 << 24, n_skills - start) for start in range(0, n_skills, 1 << 24)]
    words = [np.packbits(rng.random(size) < share, bitorder="little") for size in chunks]  # learned elsewhere
    learned = Bits(n_skills, np.concatenate(words))
    packed = learned.pack()
    del text, skill, places, words, learned
    best, best_bits = np.inf, np.inf
    for _ in range(3):
        start_time = time.process_time()
        Bits.unpack(packed)
        between = time.process_time()
        (found,) = find_learned([row], packed, 1, 1, exact=True)
        best, best_bits = min(best, time.process_time() - between), min(best_bits, between - start_time)
    return best, best_bits, int(found.column("edges")[-1].as_py())


def main() -> None:
    options = harness.arguments(
        __doc__,
        edges=([4e6, 2e7], "edges of the block"),
        skills=(1e10 / C / RATIO, "skills of the whole graph"),
        shares=([0.0, 0.25, 0.45], "fractions of the skills that are learned already"),
    )
    report = harness.Report("One block in its worker")
    rows = []
    for n_edges in options.edges:
        for share in options.shares:
            run = (
                f"import json, resource; from benchmarks.spark_block import measure; "
                f"found = measure({int(n_edges)}, {int(options.skills)}, {share}); "
                "print(json.dumps([*found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))"
            )
            done = subprocess.run([sys.executable, "-c", run], check=True, capture_output=True, text=True)
            seconds, bits, held, peak = json.loads(done.stdout)
            rows.append(
                [
                    f"{n_edges:.0e}",
                    f"{share:.0%}",
                    f"{seconds:.3g}",
                    f"{seconds / n_edges * 1e6:.3g}",
                    f"{seconds / held * 1e6:.3g}",
                    f"{bits:.2g}",
                    f"{peak / 1e9:.2g} GB",
                ]
            )
    columns = [
        "edges",
        "learned",
        "CPU s",
        "µs an edge",
        "µs an edge still novel",
        "of it unpacking the bits, s",
        "peak",
    ]
    note = f"One exact round, c = {C}, {options.skills:.3g} skills in all. The peak includes making the block."
    report.tables.append(harness.Table("", columns, rows, note))
    harness.finish(report, options)


if __name__ == "__main__":
    main()
