"""A run on Sail that is slow enough to be killed: python -m tests.spark.stubborn INPUT OUTPUT SECONDS.

Every super-step after the second takes so many seconds longer; prints the report.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from explorer.service.spark import SparkRun, learn_on_spark
from explorer.spark import learning
from explorer.spark.session import open_session


def main(source: str, output: str, seconds: float) -> None:
    from pysail.spark import SparkConnectServer

    real = learning.find_learned

    def slowly(batches: Any, learned: bytes, capacity: int, wave: int, *, exact: bool) -> Any:
        if wave > 2:
            time.sleep(seconds)
        yield from real(batches, learned, capacity, wave, exact=exact)

    learning.find_learned = slowly
    server = SparkConnectServer(ip="127.0.0.1", port=0)
    server.start(background=True)
    with open_session(f"sc://127.0.0.1:{server.listening_address[1]}") as session:
        run = SparkRun(source, output, block_edges=400, session=session)
        report = learn_on_spark(run, name="layer", waves=True)
    print(json.dumps({"resumed": report.resumed, "steps": report.steps}))


if __name__ == "__main__":
    main(sys.argv[1], str(Path(sys.argv[2])), float(sys.argv[3]))
