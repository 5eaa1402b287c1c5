"""How often a planted shift of one skill can be found: the paired tests beside the bounds that no test exceeds.

    python -m benchmarks.evidence_power FOLDER
    python -m benchmarks.evidence_power FOLDER --planted 10       # of 40 skills, difficulties estimated

FOLDER holds `outcomes_wide.csv`: a column `text_id` and one for each model. The difficulties of the simulation are
those of a Rasch fit to these outcomes, for the model of middling ability. One of 100 skills, each with 100 texts, is
shifted in log-odds so that its solve rate rises by 0.15 (falls, where it cannot rise so far).

With `--planted` so many of 40 skills are shifted by 0.15, and the comparison knows no difficulty: as in the command,
it estimates them from the outcomes of both models and of 27 others, whose abilities are those of the real models and
who deviate on each skill by 0.1 logits (one standard deviation). The shifted skills all rise, or half of them fall.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

from analysis.graph import SkillTextGraph
from analysis.item_response import fit_item_response, place
from analysis.pairing import benjamini_hochberg, beyond_overall, paired_differences

SKILLS, EACH, SHIFT, RATE = 100, 100, 0.15, 0.05

Floats = npt.NDArray[np.float64]


def difficulties(folder: Path) -> tuple[Floats, Floats]:
    """Log-odds of the middling model on every text, and the abilities of 27 others less its own."""
    with (folder / "outcomes_wide.csv").open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    models = [name for name in rows[0] if name != "text_id"]
    scores = np.array([[float(row[m]) if row[m] else np.nan for row in rows] for m in models])
    graph = SkillTextGraph.from_csr(np.zeros(len(rows) + 1, np.int64), np.empty(0, np.int64), n_skills=1)
    fit = fit_item_response(graph, scores, model="rasch")
    order = np.argsort(fit.ability)
    middling = int(order[len(models) // 2])
    others = np.delete(order, [len(models) // 2 - 1, len(models) // 2])
    return fit.log_odds(graph)[middling], fit.ability[others] - fit.ability[middling]


def shifted(odds: Floats) -> Floats:
    """Probabilities after the shift of log-odds that raises their mean by 0.15."""
    start = float(special.expit(odds).mean())
    sign = 1.0 if start + SHIFT < 0.98 else -1.0
    delta = optimize.brentq(lambda d: float(special.expit(odds + d).mean()) - start - sign * SHIFT, -20.0, 20.0)
    return np.asarray(special.expit(odds + delta))


def tails(p: Floats, samples: int, solved: Floats) -> Floats:
    """Mid-p of at least so many solved attempts in each of S skills (Poisson-binomial, exact).

    Args:
        p: Probabilities, float64 (S, n).
        samples: Attempts at each text.
        solved: Number of solved attempts, float64 (S,).
    """
    most = p.shape[1] * samples
    at = np.exp(2j * np.pi * np.arange(most + 1) / (most + 1))
    transform = np.ones((len(p), most + 1), complex)
    for column in p.T:
        transform *= 1.0 + column[:, None] * (at - 1.0)
    mass = np.real(np.fft.fft(transform**samples, axis=1)) / (most + 1)
    upper = np.arange(most + 1) - solved[:, None]
    return np.asarray(np.clip(np.where(upper > 0, mass, np.where(upper == 0, 0.5 * mass, 0.0)).sum(axis=1), 1e-15, 1.0))


def several(
    odds: Floats, abilities: Floats, rng: np.random.Generator, *, planted: int, samples: int, mixed: bool
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """One simulation with several shifted skills and difficulties from the outcomes of all models.

    Args:
        odds: Log-odds of the middling model on texts, float64 (n,), n ≥ 100.
        abilities: Of the other models, less that of the middling one, float64 (M,).
        rng: Draws texts, deviations and outcomes.
        planted: Number of shifted skills, of 40 with 100 texts each.
        samples: Outcomes of each model on each text.
        mixed: Half of the shifted skills fall.

    Returns:
        Bool (planted,): found, in the right direction; bool (40 − planted,): wrongly found.
    """
    skills, texts = 40, 40 * EACH
    groups = SkillTextGraph.from_csr(np.arange(texts + 1), np.repeat(np.arange(skills), EACH), n_skills=skills)
    own = odds[np.concatenate([rng.choice(len(odds), EACH, replace=False) for _ in range(skills)])]
    deviations = np.repeat(rng.normal(0.0, 0.1, (len(abilities) + 1, skills)), EACH, axis=1)
    p = special.expit(own + deviations[0])
    after, signs = p.copy(), np.zeros(planted)
    for s in range(planted):
        span = slice(s * EACH, (s + 1) * EACH)
        falls = (mixed and s % 2 == 1) or p[span].mean() + SHIFT >= 0.98
        signs[s] = -1.0 if falls else 1.0
        after[span] = 1.0 - shifted(-special.logit(p[span])) if falls else shifted(special.logit(p[span]))
    others = special.expit(own[None, :] + abilities[:, None] + deviations[1:])
    x, y, *rest = rng.binomial(samples, np.vstack([p, after, others])) / samples
    scores = np.vstack([x, y, rest])
    fit = fit_item_response(groups, scores)
    plain = fit_item_response(groups, scores, model="rasch", start=fit)
    first = place(groups, scores[:1], plain)
    expected = first.probability(groups)[0]
    given = beyond_overall(
        groups,
        x,
        y,
        expected,
        expected,
        deviation_variance=1.0 / fit.precisions.deviation,
        level_variance=float(first.level_error[0] ** 2),
    )
    found = given.q_value <= RATE
    return found[:planted] & (np.sign(given.difference[:planted]) == signs), found[planted:]


def print_several(odds: Floats, abilities: Floats, runs: int, planted: int) -> None:
    """Power and false discoveries of `several` over runs."""
    print(f"{runs} runs; {planted} of 40 skills shifted; share of these found, and of the found that are false")
    for samples in (1, 2, 3):
        for mixed in (False, True):
            rng = np.random.default_rng(20_260 + samples)
            hits, wrong = [], []
            for _ in range(runs):
                found, false = several(odds, abilities, rng, planted=planted, samples=samples, mixed=mixed)
                hits.append(found.mean())
                wrong.append(false.sum() / max(found.sum() + false.sum(), 1))
            error = np.std(hits, ddof=1) / np.sqrt(runs)
            told = "half of them down" if mixed else "all up"
            print(
                f"{samples:3d} samples  {told:18s} {np.mean(hits):.3f} ± {error:.3f} ({np.mean(wrong):.3f})", flush=True
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--samples", type=int, nargs="+", default=[1, 2, 3, 10], help="outcomes of a model on a text")
    parser.add_argument("--planted", type=int, help="shift so many of 40 skills, and estimate difficulties")
    arguments = parser.parse_args()
    odds, abilities = difficulties(arguments.folder)
    if arguments.planted is not None:
        print_several(odds, abilities, arguments.runs, arguments.planted)
        return
    rng = np.random.default_rng(20_260)
    texts = SKILLS * EACH
    groups = SkillTextGraph.from_csr(np.arange(texts + 1), np.repeat(np.arange(SKILLS), EACH), n_skills=SKILLS)
    print(f"{arguments.runs} runs; share in which the planted shift is found; share of false discoveries")
    for samples in arguments.samples:
        rows: dict[str, list[tuple[float, float]]] = {}
        for _ in range(arguments.runs):
            own = odds[np.concatenate([rng.choice(len(odds), EACH, replace=False) for _ in range(SKILLS)])]
            p, after = special.expit(own), special.expit(own)
            after[:EACH] = shifted(own[:EACH])
            first, second = rng.binomial(samples, p), rng.binomial(samples, after)
            x, y = first / samples, second / samples
            plain = paired_differences(groups, x, y)
            beyond = beyond_overall(groups, x, y, p, p, deviation_variance=0.01)
            results = {"paired": plain.q_value, "known difficulties": beyond.q_value}
            if samples == 1:
                rises = after[:EACH].mean() > p[:EACH].mean()
                worse, better = plain.only_first.astype(float), plain.only_second.astype(float)
                k, n = (better if rises else worse), worse + better
                one_sided = stats.binom.sf(k, n, 0.5) + 0.5 * stats.binom.pmf(k, n, 0.5)
                results["bound, pair, direction told"] = benjamini_hochberg(one_sided)
            risen = after[:EACH].mean() > p[:EACH].mean()
            counts = second.reshape(SKILLS, EACH).sum(axis=1).astype(float)
            upper = tails(p.reshape(SKILLS, EACH), samples, counts)
            results["bound, direction told"] = benjamini_hochberg(upper if risen else 1.0 - upper)
            results["bound"] = benjamini_hochberg(2.0 * np.minimum(upper, 1.0 - upper))
            for name, q in results.items():
                hit, wrong = bool(q[0] <= RATE), int((q[1:] <= RATE).sum())
                rows.setdefault(name, []).append((float(hit), wrong / max(wrong + hit, 1)))
        for name, row in rows.items():
            (power, false), (of_power, of_false) = np.mean(row, axis=0), np.std(row, axis=0) / np.sqrt(len(row))
            print(
                f"{samples:3d} samples  {name:30s} {power:.3f} ± {of_power:.3f} ({false:.3f} ± {of_false:.3f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
