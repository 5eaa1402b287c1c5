"""Memory and CPU time of evidence layers for many texts, skills and models.

    python -m benchmarks.evidence_memory                      # 10^5 texts, 10^4 skills, 100 models
    python -m benchmarks.evidence_memory --texts 10000 --skills 1000

Every model attempts every text. A text requires one to five skills; a model solves it by its ability, the text's
difficulty and its own deviation on the text's skills. `fit` is the estimate on arrays; `evidence` is the whole command
on a stored dataset, without and with its judgement on held-out outcomes, each in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from analysis.graph import SkillTextGraph


def outcomes(texts: int, skills: int, models: int) -> tuple[SkillTextGraph, npt.NDArray[np.float64]]:
    """The graph, and scores of every model on every text."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 6, texts)
    text = np.repeat(np.arange(texts), sizes)
    graph = SkillTextGraph.from_edges(text, rng.integers(0, skills, len(text)), texts, skills)
    difficulty = rng.normal(0.0, 1.5, texts)
    scores = np.empty((models, texts))
    for m in range(models):
        deviation = rng.normal(0.0, 0.3, skills)
        owner = np.repeat(np.arange(texts), graph.text_degrees)
        odds = rng.normal(0.0, 1.0) - difficulty + np.bincount(owner, deviation[graph.text_skills], texts)
        scores[m] = rng.random(texts) < 1.0 / (1.0 + np.exp(-odds))
    return graph, scores


def fit(texts: int, skills: int, models: int) -> None:
    """The estimate on arrays."""
    from analysis.item_response import fit_item_response, skill_rates

    graph, scores = outcomes(texts, skills, models)
    found = fit_item_response(graph, scores)
    skill_rates(graph, scores, found)


def store(path: Path, texts: int, skills: int, models: int) -> None:
    """Write the dataset."""
    from explorer.store.opening import open_store
    from loaders.dataset import build_dataset

    graph, scores = outcomes(texts, skills, models)
    owner = np.repeat(np.arange(texts), graph.text_degrees)
    t, s, m = (
        pa.array([f"{letter}{i:06d}" for i in range(n)]) for letter, n in (("t", texts), ("s", skills), ("m", models))
    )
    solver, item = np.divmod(np.arange(models * texts), texts)
    dataset = build_dataset(
        "large",
        texts=pa.table({"id": t}),
        skills=pa.table({"id": s}),
        requirements=pa.table({"text": t.take(pa.array(owner)), "skill": s.take(pa.array(graph.text_skills))}),
        models=pa.table({"id": m}),
        attempts=pa.table({"model": m.take(pa.array(solver)), "text": t.take(pa.array(item)), "score": scores.ravel()}),
    )
    opened = open_store(path, mode="write")
    opened.write_dataset(dataset)
    opened.close()


def evidence(path: Path, *, judged: bool) -> None:
    """The command on the stored dataset."""
    from explorer.service.evidence import evidence as estimate
    from explorer.store.opening import open_store

    opened = open_store(path, mode="write")
    estimate(opened, "large", judged=judged)
    opened.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--skills", type=int, default=10_000)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--step", choices=("fit", "store", "evidence", "judged"))
    parser.add_argument("--path", type=Path)
    given = parser.parse_args()
    sizes = (given.texts, given.skills, given.models)
    if given.step is not None:
        if given.step == "fit":
            fit(*sizes)
        elif given.step == "store":
            store(given.path, *sizes)
        else:
            evidence(given.path, judged=given.step == "judged")
        usage = resource.getrusage(resource.RUSAGE_SELF)
        peak = usage.ru_maxrss / 1024**2  # kB on Linux
        print(
            f"{given.step:9s} {usage.ru_utime + usage.ru_stime:8.1f} s of CPU time, at most {peak:5.2f} GiB", flush=True
        )
        return
    print(f"{sizes[0]:,} texts, {sizes[1]:,} skills, {sizes[2]:,} models", flush=True)
    with TemporaryDirectory() as folder:
        for step in ("fit", "store", "evidence", "judged"):
            start = time.perf_counter()
            words = [f"--{name}={size}" for name, size in zip(("texts", "skills", "models"), sizes, strict=True)]
            words += ["--step", step, "--path", str(Path(folder) / "large.kgl")]
            # As the command does: more threads would only wait for each other.
            environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
            subprocess.run([sys.executable, "-m", "benchmarks.evidence_memory", *words], check=True, env=environment)
            print(f"          {time.perf_counter() - start:8.1f} s in all", flush=True)


if __name__ == "__main__":
    main()
