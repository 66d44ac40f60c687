"""Runs `fusion` as a whole process and measures it. Only ratios of one run mean something."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
FUSION = str(Path(sys.executable).with_name("fusion"))


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took, its children included: seconds."""

    wall: float
    cpu: float


def process(folder: Path, *words: str | Path) -> Cost:
    """Run a command that must end well, in a folder, with the byte code cache in use."""
    environment = {
        name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    }
    start = time.perf_counter()
    child = subprocess.Popen(
        [str(word) for word in words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert child.stderr is not None
    told = child.stderr.read()
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{words} ended with {child.returncode}\n{told.decode()}")
    return Cost(wall, used.ru_utime + used.ru_stime)


def rounds(count: int, *ways: Callable[[], Cost]) -> list[Cost]:
    """Try the ways in turn, `count` times; return the median cost of each."""
    costs = [[way() for way in ways] for _ in range(count)]
    return [
        Cost(
            statistics.median(cost.wall for cost in column),
            statistics.median(cost.cpu for cost in column),
        )
        for column in zip(*costs, strict=True)
    ]


def check(what: str, found: object, wanted: object) -> None:
    """Leave with an error if a benchmark gave a wrong answer."""
    if found != wanted:
        sys.exit(f"{what}: {found!r}, not {wanted!r}")
