"""Programs that work on files: each in its own process group, under limits, killed as a whole.

Called by operations through `Work.run`. Next: `starting`, which has them started.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from modules.cloudconvert.local.family import resident_bytes
from modules.cloudconvert.local.isolation import Isolation
from modules.cloudconvert.local.refusal import TaskFailure
from modules.cloudconvert.local.starting import Order, Started, Starter

STDERR_BYTES = 16 * 1024
"""How much of the end of a program's complaints is kept."""
LINE_BYTES = 64 * 1024
LOOK_SECONDS = 0.5
"""How often the memory of a family of processes is looked at."""
GIGABYTE = 1 << 30

OnLine = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `folder` is the task's private folder, the only one it may write to."""

    arguments: Sequence[str]
    folder: Path
    stdin: bytes | None = None
    cpu_seconds: int = 36_000
    memory_bytes: int | None = None
    """Address space; None for programs that reserve much more than they use."""
    output_bytes: int = 20 * GIGABYTE
    """Largest file it may write."""
    open_files: int = 256
    loopback: bool = False
    """It speaks to others inside of its own network."""
    family_bytes: int | None = None
    """It starts others, which live no longer than it: memory of all of them together."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What it gets besides what every child has."""


@dataclass(frozen=True, slots=True)
class Ended:
    status: int
    """Exit status; negative: the signal that ended it."""
    stderr: str


class Children:
    """Starts programs and leaves none behind."""

    def __init__(self, isolation: Isolation) -> None:
        self.isolation = isolation
        self._starter = Starter()

    def close(self) -> None:
        """End the process that starts programs, and with it whatever still runs."""
        self._starter.close()

    async def run(
        self, program: Program, on_line: OnLine, on_complaint: OnLine | None = None
    ) -> Ended:
        """Run a program to its end; `on_line` gets each line of its output.

        With `on_complaint`, each line of its complaints goes there, and none is kept.

        If the caller is cancelled, the program and all it started are killed first. Raises
        TaskFailure if they hold more memory than they may.
        """
        async with self._started(program) as started:
            guard = asyncio.create_task(_within(program.family_bytes, started.pid))
            try:
                stderr, _ = await asyncio.gather(
                    _complaints(started.stderr, on_complaint), _lines(started.stdout, on_line)
                )
                status = await started.status()
            finally:
                guard.cancel()
                await asyncio.wait([guard])
        if not guard.cancelled():
            guard.result()
        return Ended(status, stderr.decode("utf-8", "replace"))

    @asynccontextmanager
    async def _started(self, program: Program) -> AsyncIterator[Started]:
        starting = asyncio.create_task(self._starter.start(self._order(program)))
        try:
            # A start that is cancelled half-way would leave a program that nobody knows.
            yield await asyncio.shield(starting)
        finally:
            await asyncio.shield(_killed(starting))

    def _order(self, program: Program) -> Order:
        limits = {
            "RLIMIT_CORE": 0,
            "RLIMIT_NOFILE": program.open_files,
            "RLIMIT_CPU": program.cpu_seconds,
            "RLIMIT_FSIZE": program.output_bytes,
        }
        if program.memory_bytes is not None and sys.platform == "linux":
            limits["RLIMIT_AS"] = program.memory_bytes
        plan = {
            **limits,
            "network": self.isolation.network,
            "loopback": 1 if program.loopback else None,
        }
        inside = self.isolation.wrap(program.arguments, program.folder)
        work = program.folder / "work"
        environment = {**_environment(work), **program.environment}
        return Order(inside, plan, work, environment, program.stdin)


def _environment(work: Path) -> Mapping[str, str]:
    """Return the whole environment of a child: no key or token of ours is in it."""
    home = str(work)
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": home,
        "TMPDIR": home,
        "XDG_CACHE_HOME": home,
        "XDG_CONFIG_HOME": home,
        "XDG_DATA_HOME": home,
    }


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return
    except PermissionError:
        # macOS answers so for a group of which only the unreaped leader is left.
        return


async def _within(most: int | None, group: int) -> None:
    """Kill a process group that holds more than `most` bytes, None: any number."""
    if most is None:
        return
    while True:
        held = await asyncio.to_thread(resident_bytes, group)
        if held > most:
            break
        await asyncio.sleep(LOOK_SECONDS)
    _kill_group(group)
    raise TaskFailure("FILE_TOO_LARGE", "The file needs more memory than allowed")


async def _killed(starting: "asyncio.Task[Started]") -> None:
    """End a program and its group, even if its start is still on the way."""
    started = await starting
    _kill_group(started.pid)
    await started.status()
    started.close()


async def _complaints(stream: asyncio.StreamReader, on_line: OnLine | None) -> bytes:
    """Return their end, unless somebody takes each line."""
    kept = b""
    if on_line is not None:
        await _lines(stream, on_line)
        return kept
    while chunk := await stream.read(STDERR_BYTES):
        kept = (kept + chunk)[-STDERR_BYTES:]
    return kept


async def _lines(stream: asyncio.StreamReader, on_line: OnLine) -> None:
    rest = b""
    while chunk := await stream.read(LINE_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            on_line(line)
        rest = rest[-LINE_BYTES:]
    if rest:
        on_line(rest)
