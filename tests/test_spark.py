"""What of tests/spark needs no Java, in an environment of its own: Spark brings pandas; the rest is tested without.

All of it takes minutes: `python3 bootstrap.py test tests/spark`, as .ci/run does.
"""

from __future__ import annotations

from tests.support.environment import run_in_own_environment


def test_spark_in_its_own_environment() -> None:
    run_in_own_environment(".venv-spark", "tests/spark", "pandas", "-m", "short")
