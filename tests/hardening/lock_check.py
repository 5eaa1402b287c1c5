"""Have the locks become old, or has a release of the runtime been withdrawn? The ordinary installer is asked.

    python -m tests.hardening.lock_check

The installer resolves the lock without installing anything; of a release that was yanked it says so on standard error.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_DAYS = 120


def age_in_days(lock: Path) -> float:
    """Days since the lock was last committed."""
    shown = subprocess.run(
        ["git", "log", "-1", "--format=%ct", "--", str(lock)], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    return (time.time() - int(shown)) / 86_400 if shown else 0.0


def withdrawn(said: str) -> list[str]:
    """Lines of the installer that tell of a yanked release.

    >>> withdrawn("Resolved 3\\nwarning: `a==1` is yanked (reason: broken)\\n")
    ['warning: `a==1` is yanked (reason: broken)']
    """
    return [line for line in said.splitlines() if re.search(r"\byanked\b", line)]


def main() -> int:
    problems = []
    for lock in sorted((ROOT / "requirements").glob("*.lock")):
        days = age_in_days(lock)
        if days > MOST_DAYS:
            problems.append(f"{lock.name} is {days:.0f} days old, more than {MOST_DAYS}: run `just lock`")
    runtime = ROOT / "requirements" / "runtime.lock"
    command = ["uv", "pip", "install", "--dry-run", "--no-deps", "--reinstall", "--require-hashes", "-r", str(runtime)]
    asked = subprocess.run([*command, "--python", sys.executable], capture_output=True, text=True, check=False)
    if asked.returncode:
        print(f"The index could not be asked: {asked.stderr.strip()[-300:]}", file=sys.stderr)
        return 1
    problems += withdrawn(asked.stderr)
    print("\n".join(problems) or "The locks are young, and no release of the runtime has been withdrawn.")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
