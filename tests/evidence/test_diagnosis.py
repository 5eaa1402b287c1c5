"""DINA, DINO and G-DINA of each text: against mirt and an EM written out, by recovery and by coverage."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.diagnosis import MOST_SKILLS, diagnose
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph


def simulated(
    rng: np.random.Generator, respondents: int, texts: int, skills: int, structure: str
) -> tuple[SkillTextGraph, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    required = [
        np.array([t]) if t < skills else np.sort(rng.choice(skills, 1 + t % 3, replace=False)) for t in range(texts)
    ]
    graph = SkillTextGraph.from_csr(
        np.concatenate(([0], np.cumsum([len(r) for r in required]))), np.concatenate(required), n_skills=skills
    )
    general = rng.normal(size=respondents)
    mastered = rng.random((respondents, skills)) < 1 / (1 + np.exp(-1.2 * general[:, None] - 0.3))
    slip, guess = rng.uniform(0.05, 0.3, texts), rng.uniform(0.05, 0.3, texts)
    enough = np.array([(np.any if structure == "dino" else np.all)(mastered[:, r], axis=1) for r in required]).T
    x = (rng.random(enough.shape) < np.where(enough, 1 - slip, guess)).astype(float)
    return graph, x, slip, guess, mastered


@pytest.mark.parametrize(
    ("structure", "classes"), [("dina", "saturated"), ("dino", "higher-order"), ("gdina", "saturated")]
)
def test_slip_and_guess_are_recovered_and_their_intervals_cover(structure: str, classes: str) -> None:
    """2 × 40 intervals: 95 % cover, within three standard errors of a binomial (± 7.3 %)."""
    rng = np.random.default_rng(0)
    covered, right = [], []
    for _ in range(2):
        graph, x, slip, guess, mastered = simulated(rng, 500, 20, 4, structure)
        found = diagnose(graph, x, structure=structure, classes=classes)  # type: ignore[arg-type]
        assert found.converged
        for value, error, truth in (
            (found.slip, found.slip_error, slip),
            (found.guess, found.guess_error, guess),
        ):
            covered.append(np.abs(value - truth) < 1.96 * error)
            assert np.abs(value - truth).mean() < 0.06
        right.append(((found.mastery > 0.5) == mastered).mean())
        share = mastered.mean(axis=0)
        assert found.prior == pytest.approx(share, abs=0.1)
    assert 0.877 <= np.mean(covered) <= 1.0
    assert np.mean(right) > 0.9


def test_likelihood_of_dina_equals_mirt() -> None:
    mirt_cdm = pytest.importorskip("mirt.models.cdm", reason="the package mirt is the independent implementation")
    graph, x, *_ = simulated(np.random.default_rng(1), 400, 18, 3, "dina")
    q = np.zeros((18, 3), int)
    q[np.repeat(np.arange(18), graph.text_degrees), graph.text_skills] = 1
    ours = diagnose(graph, x, classes="saturated", pseudo_count=0.0, tolerance=1e-6, max_iterations=5_000)
    model, _ = mirt_cdm.fit_cdm(x.astype(int), q, max_iter=5_000, tol=1e-9)
    assert np.abs(ours.slip - model.parameters["slip"]).max() < 0.02
    assert np.abs(ours.guess - model.parameters["guess"]).max() < 0.02


@pytest.mark.parametrize("structure", ["dina", "dino", "gdina"])
def test_the_fit_is_that_of_an_em_written_out(structure: str) -> None:
    """Every class in turn, in plain numpy: the same likelihood, class sizes and probabilities of each text."""
    graph, x, *_ = simulated(np.random.default_rng(4), 400, 12, 3, "dino" if structure == "dino" else "dina")
    x[7, 3] = np.nan
    found = diagnose(
        graph,
        x,
        structure=structure,
        classes="saturated",
        pseudo_count=0.0,
        tolerance=1e-7,
        max_iterations=5_000,  # type: ignore[arg-type]
    )
    group = np.zeros((12, 8), int)
    for t in range(12):
        own = graph.text_skills[graph.text_ptr[t] : graph.text_ptr[t + 1]]
        for c in range(8):
            has = [(c >> k) & 1 for k in own]
            group[t, c] = {"dina": all(has), "dino": any(has), "gdina": sum(h << i for i, h in enumerate(has))}[
                structure
            ]
    share = np.full(8, 0.125)
    solved = [np.linspace(0.2, 0.8, row.max() + 1) for row in group]
    before = -np.inf
    for _ in range(20_000):
        p = np.array([solved[t][group[t]] for t in range(12)]).clip(1e-12, 1 - 1e-12)  # (T, classes)
        logs = np.log(share) + np.nansum(
            x[:, :, None] * np.log(p)[None] + (1 - x[:, :, None]) * np.log(1 - p)[None], axis=1
        )
        total = np.logaddexp.reduce(logs, axis=1)
        after = np.exp(logs - total[:, None])
        share = after.mean(axis=0)
        for t in range(12):
            seen = ~np.isnan(x[:, t])
            for g in range(len(solved[t])):
                weight = after[seen][:, group[t] == g].sum(axis=1)
                solved[t][g] = weight @ x[seen, t] / weight.sum()
        if total.sum() - before < 1e-8:
            break
        before = total.sum()
    assert found.log_likelihood == pytest.approx(total.sum(), abs=1e-3)
    assert found.class_probability == pytest.approx(share, abs=2e-3)
    for t in range(12):
        ours = np.asarray(found.groups[t])[group[t]]
        # A class that nobody is in says nothing about its texts.
        assert np.abs(ours - solved[t][group[t]])[share > 0.02].max() < 0.03


def test_the_posterior_is_that_of_enumeration() -> None:
    graph, x, *_ = simulated(np.random.default_rng(2), 60, 9, 3, "dina")
    x[3, 2] = np.nan
    found = diagnose(graph, x, classes="independent")
    for m in (0, 3):
        weight = found.class_probability.copy()
        for c in range(8):
            has = np.array([(c >> k) & 1 for k in range(3)])
            for t in range(9):
                if np.isnan(x[m, t]):
                    continue
                own = graph.text_skills[graph.text_ptr[t] : graph.text_ptr[t + 1]]
                p = found.groups[t][int(has[own].all())]
                weight[c] *= p if x[m, t] else 1 - p
        assert found.posterior[m] == pytest.approx(weight / weight.sum(), abs=1e-9)


def test_what_cannot_be_fitted_is_refused() -> None:
    wide = SkillTextGraph.from_csr(range(MOST_SKILLS + 2), range(MOST_SKILLS + 1), n_skills=MOST_SKILLS + 1)
    with pytest.raises(AnalysisError, match="at most 12 skills"):
        diagnose(wide, np.ones((4, MOST_SKILLS + 1)))
    one = SkillTextGraph.from_csr([0, 1], [0], n_skills=1)
    with pytest.raises(AnalysisError, match="'nida' is not one"):
        diagnose(one, [[1.0]], structure="nida")  # type: ignore[arg-type]
    with pytest.raises(AnalysisError, match="from 0 to 1"):
        diagnose(one, [[2.0]])
