"""Processes are ended whoever started them, with the extra 'server' and, on Linux, without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from explorer.server.watchdog import creation_time, end_process

# It starts another process, says its number, and never asks how that one ended.
_PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import sys; print(0, flush=True); sys.stdin.read()"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="a process keeps its number after its end on Unix")
@pytest.mark.parametrize("extra", [True, False], ids=["with psutil", "without"])
def test_a_process_whose_parent_does_not_ask_is_gone_when_it_has_ended(
    monkeypatch: pytest.MonkeyPatch, extra: bool
) -> None:
    if not extra:
        monkeypatch.setitem(sys.modules, "psutil", None)
    command = [sys.executable, "-c", _PARENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        created = creation_time(pid)
        assert created is not None
        assert end_process(pid, created, patience=20.0)
        assert Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        assert creation_time(pid) is None
        assert end_process(pid, created)
        parent.communicate()
