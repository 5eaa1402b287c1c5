"""Memory that one thread frees is not kept for that thread alone."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

_SCRIPT = """
    import ctypes, sys, threading
    from ui.memory import keep_memory_small
    if sys.argv[1] == "small":
        keep_memory_small()
    import pyarrow as pa

    ready, kept = threading.Barrier(8), []

    def answer():
        # All eight are busy at the same time: each then has an arena of its own, as long as more may be made.
        ready.wait()
        kept.append([ctypes.create_string_buffer(60_000) for _ in range(20)])
        ready.wait()

    threads = [threading.Thread(target=answer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    file = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b"w"))
    libc.malloc_info(0, file)
    libc.fclose(file)
    print(pa.default_memory_pool().backend_name)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="arenas are those of glibc")
def test_threads_share_two_arenas_and_arrow_the_allocator_of_the_system(tmp_path: Path) -> None:
    arenas, pools = {}, {}
    # A test of child processes may have set it in this process.
    environment = {name: value for name, value in os.environ.items() if name != "ARROW_DEFAULT_MEMORY_POOL"}
    for how in ("small", "as it is"):
        told = tmp_path / how
        command = [sys.executable, "-c", textwrap.dedent(_SCRIPT), how, str(told)]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        pools[how] = ran.stdout.strip()
        arenas[how] = told.read_text().count("<heap nr=")
    assert arenas["small"] <= 2 < arenas["as it is"]
    assert pools["small"] == "system" != pools["as it is"]


def test_a_malloc_that_has_no_such_options_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from ui import memory

    def no_library(_: object) -> object:
        raise OSError

    monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", "")
    monkeypatch.delenv("ARROW_DEFAULT_MEMORY_POOL")
    monkeypatch.delitem(sys.modules, "pyarrow", raising=False)
    monkeypatch.setattr(memory.ctypes, "CDLL", no_library)
    memory.keep_memory_small()
    assert os.environ["ARROW_DEFAULT_MEMORY_POOL"] == "system"
