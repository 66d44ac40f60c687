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
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in one unit of `ru_maxrss`. Source: getrusage(2)."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took, its children included: seconds, and bytes of memory at its peak."""

    wall: float
    cpu: float
    peak: float = 0.0


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
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * PEAK_UNIT)


def bare_start(folder: Path) -> Cost:
    """Start Python and do nothing with it."""
    return process(folder, sys.executable, "-I", "-c", "pass")


def answered(name: str, folder: Path, **inputs: object) -> tuple[Cost, list[str]]:
    """Run a scenario of this folder; return also the words that it has written to text files."""
    for path in folder.glob("*.txt"):
        path.unlink()
    given = {"folder": folder, **inputs}
    sets = [word for key, value in given.items() for word in ("--set", f"{key}={value}")]
    run = (FUSION, "run", HERE / f"{name}.yaml", "--modules", HERE / "modules")
    cost = process(folder, *run, *sets, "--store", folder / "store")
    words = [word for path in sorted(folder.glob("*.txt")) for word in path.read_text().split()]
    return cost, words


def timed(work: Callable[[], object]) -> Cost:
    """Return what a function takes in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


def rounds(count: int, *ways: Callable[[], Cost]) -> list[Cost]:
    """Try the ways in turn, `count` times; return the median cost of each."""
    costs = [[way() for way in ways] for _ in range(count)]
    return [
        Cost(
            statistics.median(cost.wall for cost in column),
            statistics.median(cost.cpu for cost in column),
            statistics.median(cost.peak for cost in column),
        )
        for column in zip(*costs, strict=True)
    ]


def check(what: str, found: object, wanted: object) -> None:
    """Leave with an error if a benchmark gave a wrong answer."""
    if found != wanted:
        sys.exit(f"{what}: {found!r}, not {wanted!r}")
