"""Which processes live, for tests that something must have ended. Linux only: reads /proc."""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def processes_of(task_id: str) -> list[int]:
    """Return the processes whose command line names the task's folder."""
    found = []
    for path in Path("/proc").iterdir():
        if not path.name.isdecimal():
            continue
        try:
            command = (path / "cmdline").read_bytes()
        except OSError:
            continue
        if f"{task_id}/work".encode() in command and b"launch.py" not in command:
            found.append(int(path.name))
    return found


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def children_of_this_process() -> list[str]:
    return children_of(os.getpid())


def children_of(pid: int) -> list[str]:
    """Return what the threads of `pid` started, without the part of one that ends meanwhile."""
    found = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            found += (thread / "children").read_text().split()
    return found


def are_gone(pids: list[int]) -> bool:
    """Tell whether the processes have ended, or do before long."""
    deadline = time.monotonic() + 20
    while any(map(is_alive, pids)):
        if time.monotonic() > deadline:
            return False
        os.sched_yield()
    return True
