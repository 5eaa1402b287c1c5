"""Whether a guess or a recalibration makes the probabilities of the default fit better where outcomes are guessed.

    python -m benchmarks.evidence_guessing
    python -m benchmarks.evidence_guessing --guessed 0          # what they cost where nothing is guessed

Ten models on 400 texts of one to four of 30 skills; ability, difficulty and model × skill deviations are normal, and a
share of all outcomes is solved by guessing. Each fifth of the outcomes is predicted from the others:

- by the default fit;
- by the same, recalibrated: a + b · log-odds, without and with a floor, estimated by penalised likelihood on the
  predictions of the other folds;
- by a fit with a guess c that all texts share, P = c + (1 − c) p, by EM: a solved text was known with probability
  p / (c + (1 − c) p), and the fit is made again with that in the place of the outcome. c is given.

Printed are the calibration error on outcomes, what chance makes of it, the calibration error against the true
probabilities, and log-loss; ± one standard error over simulations.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from analysis.graph import SkillTextGraph
from analysis.item_response import fit_item_response
from analysis.judgement import calibration_by_chance, calibration_error, log_losses

MODELS, TEXTS, SKILLS, FOLDS, ROUNDS = 10, 400, 30, 5, 15

Floats = npt.NDArray[np.float64]


def simulated(rng: np.random.Generator, guessed: float) -> tuple[SkillTextGraph, Floats, Floats]:
    """Graph, outcomes, and their true probabilities, float64 (M, T)."""
    required = [rng.choice(SKILLS, size=rng.integers(1, 5), replace=False) for _ in range(TEXTS)]
    odds = rng.normal(size=(MODELS, 1)) - rng.normal(scale=1.5, size=TEXTS)
    deviation = rng.normal(scale=0.5, size=(MODELS, SKILLS))
    odds += np.array([[row[own].sum() for own in required] for row in deviation])
    p = guessed + (1.0 - guessed) * special.expit(odds)
    sizes = [len(own) for own in required]
    graph = SkillTextGraph.from_edges(np.repeat(np.arange(TEXTS), sizes), np.concatenate(required), TEXTS, SKILLS)
    return graph, rng.binomial(1, p).astype(float), p


def recalibrated(x: Floats, p: Floats, *, floor: bool) -> Callable[[Floats], Floats]:
    """The map of probabilities that fits these outcomes best, kept near the identity by a normal prior."""

    def mapped(v: Floats, at: Floats) -> Floats:
        low = float(special.expit(v[2])) if floor else 0.0
        odds = v[0] + np.exp(v[1]) * special.logit(np.clip(at, 1e-6, 1.0 - 1e-6))
        return np.asarray(np.clip(low + (1.0 - low) * special.expit(odds), 1e-6, 1.0 - 1e-6))

    def loss(v: Floats) -> float:
        prior = 40.0 * float(v[0] ** 2 + v[1] ** 2) + (0.5 * ((v[2] + 4.0) / 1.5) ** 2 if floor else 0.0)
        return float(log_losses(x, mapped(v, p)).sum()) + prior

    found = optimize.minimize(loss, np.array([0.0, 0.0, -4.0][: 2 + floor]), method="Nelder-Mead").x
    return lambda at: mapped(found, at)


def with_guess(graph: SkillTextGraph, x: Floats, guess: float) -> Floats:
    """P(solved) by the fit with a shared guess."""
    fit = fit_item_response(graph, x)
    for _ in range(ROUNDS):
        p = fit.probability(graph)
        fit = fit_item_response(graph, x * p / (guess + (1.0 - guess) * p), start=fit, rounds=3)
    return guess + (1.0 - guess) * fit.probability(graph)


def predictions(graph: SkillTextGraph, x: Floats, guesses: list[float]) -> dict[str, Floats]:
    """Held-out probabilities by each way, float64 (M, T)."""
    rng = np.random.default_rng(20_260)
    fold = np.stack([rng.permutation(np.arange(TEXTS) % FOLDS) for _ in range(MODELS)])
    found = {name: np.empty_like(x) for name in ("fit", *(f"fit with a guess of {c:g}" for c in guesses))}
    whole = fit_item_response(graph, x)
    for k in range(FOLDS):
        held, seen = fold == k, np.where(fold == k, np.nan, x)
        found["fit"][held] = fit_item_response(graph, seen, start=whole).probability(graph)[held]
        for c in guesses:
            found[f"fit with a guess of {c:g}"][held] = with_guess(graph, seen, c)[held]
    for name, floor in (("recalibrated by a line", False), ("recalibrated by a line and a floor", True)):
        found[name] = np.empty_like(x)
        for k in range(FOLDS):
            held = fold == k
            change = recalibrated(x[~held], found["fit"][~held], floor=floor)
            found[name][held] = change(found["fit"][held])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--guessed", type=float, default=0.25, help="share of outcomes solved by guessing")
    parser.add_argument("--guesses", type=float, nargs="*", default=[0.1, 0.25], help="of the fits with a guess")
    options = parser.parse_args()
    rows: dict[str, list[tuple[float, float, float, float]]] = {}
    for run in range(options.runs):
        graph, x, true = simulated(np.random.default_rng(run), options.guessed)
        for name, p in predictions(graph, x, options.guesses).items():
            flat, at = x.ravel(), p.ravel()
            figures = calibration_error(flat, at), calibration_by_chance(flat, at)
            against = calibration_error(true.ravel(), at)
            rows.setdefault(name, []).append((*figures, against, float(log_losses(flat, at).mean())))
    print(f"{options.runs} runs: calibration error, by chance, against the truth; log-loss less that of the fit")
    fit = np.array(rows["fit"])
    for name, row in rows.items():
        table = np.array(row)
        table[:, 3] -= fit[:, 3]
        mean, error = table.mean(axis=0), table.std(axis=0, ddof=1) / np.sqrt(len(table))
        print(f"{name:36s}", "  ".join(f"{m:+.4f} ± {e:.4f}" for m, e in zip(mean, error, strict=True)), flush=True)


if __name__ == "__main__":
    main()
