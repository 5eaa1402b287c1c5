"""CPU time of what learning leaves, a plan of 20 skills and its bound, on Poisson texts with 10^6 requirements.

python -m benchmarks.planning            # c = 4, R = 1.46, just below the threshold 1.4663
python -m benchmarks.planning --ratio 1.0
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from analysis.cascade import Cascade
from analysis.graph import SkillTextGraph
from analysis.peeling import peel
from analysis.planning import plan_bounds, plan_skills
from analysis.residual import residual

_MEAN = 4.0


def poisson_graph(requirements: int, ratio: float, rng: np.random.Generator) -> SkillTextGraph:
    """Poisson(4) skills a text, `ratio` texts a skill."""
    n_skills = int(requirements / _MEAN / ratio)
    sizes = rng.poisson(_MEAN, int(ratio * n_skills))
    text = np.repeat(np.arange(len(sizes)), sizes)
    return SkillTextGraph.from_edges(text, rng.integers(0, n_skills, len(text)), len(sizes), n_skills)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ratio", type=float, default=1.46)
    parser.add_argument("--requirements", type=int, default=1_000_000)
    parser.add_argument("--budget", type=int, default=20)
    given = parser.parse_args()
    for requirements in (1_000, given.requirements):  # the first compiles
        graph = poisson_graph(requirements, given.ratio, np.random.default_rng(0))
        learned = peel(graph).learned
        times = [time.process_time()]
        residual(graph, learned)
        times.append(time.process_time())
        cascade = Cascade(graph, learned)
        plan = plan_skills(cascade, given.budget)
        times.append(time.process_time())
        bounds = plan_bounds(cascade, given.budget)
        times.append(time.process_time())
    left, planned, bounded = np.diff(times)
    exact = sum(step.exact for step in plan.steps)
    print(f"{graph.n_edges:,} requirements, {graph.n_skills:,} skills, {learned.mean():.1%} learned")
    print(
        f"residual {left:.1f} s, plan {planned:.1f} s ({exact} of {len(plan.steps)} steps exact), bound {bounded:.1f} s"
    )
    print(
        f"learned by the plan {plan.learned[-1]:,}, most used first {plan.most_used.learned[-1]:,.0f}, "
        f"random {plan.random.learned[-1]:,.0f}, at most {bounds[-1]:,.0f}"
    )


if __name__ == "__main__":
    main()
