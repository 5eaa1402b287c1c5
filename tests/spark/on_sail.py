"""All checks on Sail, a Spark Connect engine without a JVM: python -m tests.spark.on_sail FOLDER.

In a process of its own, because PySpark is either a Spark Connect client or a JVM's in a process.
"""

from __future__ import annotations

import sys
from pathlib import Path

from explorer.spark.session import open_session
from tests.spark.checks import check_associations, check_components, check_learning
from tests.spark.graphs import ensembles, hub, make_case, poisson, python_source


def main(folder: Path) -> None:
    import numpy as np
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer(ip="127.0.0.1", port=0)
    server.start(background=True)
    with open_session(f"sc://127.0.0.1:{server.listening_address[1]}") as session:
        checked = 0
        for seed in range(2):
            case = make_case(folder / f"ensembles{seed}", ensembles(seed, 250), repeats=60)
            known = tuple(case.indexed.skills.ids.to_pylist()[seed::29])
            settings = (
                ("one", (), "blocks", False, 700),
                ("one", known, "blocks", True, 3_000),
                ("one", known, "rounds", True, 700),
                ("d:2", known, "blocks", False, 150),
                ("d:2", (), "rounds", True, 700),
                ("d:3", (), "blocks", True, 10**6),
            )
            for learner, given, method, waves, block_edges in settings:
                checked += 1
                out = folder / f"out{checked}"
                check_learning(session, case, out, learner=learner, known=given, method=method, waves=waves,
                               block_edges=block_edges)  # fmt: skip
            for rule in ("any", "understood"):
                # the layers of d:3 and of the 1-skill learner with few and with many components
                for layer in (f"out{checked}", f"out{checked - 5}"):
                    check_components(session, case, folder / layer, folder / f"{layer}-{rule}", rule, block_edges=300)
            check_associations(session, case, folder / f"out{checked}", folder / f"pairs{seed}", "any", min_weight=2)
            check_associations(session, case, folder / f"out{checked}", folder / f"top{seed}", "understood", top_k=2,
                               max_text_skills=4)  # fmt: skip
        near = make_case(folder / "near", poisson(np.random.default_rng(5), "n", 3_000, 4.0, 1.47))
        long_run = check_learning(session, near, folder / "near-rounds", method="rounds")
        assert long_run.layer.waves > 16, "the rounds are merged twice at least"
        check_learning(session, near, folder / "near-waves", waves=True, block_edges=2_000)
        for name, pairs in (("hub", hub(800)), ("asyncio", python_source("asyncio"))):
            case = make_case(folder / name, pairs)
            for method in ("blocks", "rounds"):
                check_learning(session, case, folder / f"{name}-{method}", method=method, waves=True)
    print("alike")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
