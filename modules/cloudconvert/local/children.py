"""Programs that work on files: each in its own process group, under limits, killed as a whole.

Called by operations through `Work.run`. A child must be started on the server's own thread: the
kernel ends it together with the thread that made it.
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from modules.cloudconvert.local.family import resident_bytes
from modules.cloudconvert.local.isolation import Isolation, launcher
from modules.cloudconvert.local.refusal import TaskFailure

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


@dataclass(frozen=True, slots=True)
class Ended:
    status: int
    """Exit status; negative: the signal that ended it."""
    stderr: str


class Children:
    """Starts programs and leaves none behind."""

    def __init__(self, isolation: Isolation, *, watched: bool = sys.platform != "linux") -> None:
        self.isolation = isolation
        self._watched = watched
        self._life: Sequence[int] = os.pipe()

    def close(self) -> None:
        """Let the watchers of this server's children know that it ends."""
        for end in self._life:
            os.close(end)
        self._life = ()

    async def run(self, program: Program, on_line: OnLine) -> Ended:
        """Run a program to its end; `on_line` gets each line of its output.

        If the caller is cancelled, the program and all it started are killed first. Raises
        TaskFailure if they hold more memory than they may.
        """
        async with self._started(program) as process:
            guard = asyncio.create_task(_within(program.family_bytes, process.pid))
            try:
                stderr, _, _ = await asyncio.gather(
                    _tail(_stream(process.stderr)),
                    _lines(_stream(process.stdout), on_line),
                    _feed(process, program.stdin),
                )
                status = await process.wait()
            finally:
                guard.cancel()
                await asyncio.wait([guard])
        if not guard.cancelled():
            guard.result()
        return Ended(status, stderr.decode("utf-8", "replace"))

    @asynccontextmanager
    async def _started(self, program: Program) -> AsyncIterator[Process]:
        process = await asyncio.create_subprocess_exec(
            *self._arguments(program),
            stdin=DEVNULL if program.stdin is None else PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=program.folder / "work",
            env=_environment(program.folder / "work"),
            start_new_session=True,
            pass_fds=self._life[:1] if self._is_watched(program) else (),
        )
        try:
            yield process
        finally:
            _kill_group(process.pid)
            await _reaped(process)

    def _is_watched(self, program: Program) -> bool:
        """Say whether its launcher stays: the kernel ends a child with us, but not its children."""
        return self._watched or program.family_bytes is not None

    def _arguments(self, program: Program) -> list[str]:
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
            "parent": os.getpid(),
            "life": self._life[0] if self._is_watched(program) else None,
        }
        inside = self.isolation.wrap(program.arguments, program.folder)
        return launcher(plan, inside)


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


async def _reaped(process: Process) -> None:
    # A second cancellation must not leave the child unwaited; SIGKILL ends it at once.
    await asyncio.shield(process.wait())


def _stream(stream: asyncio.StreamReader | None) -> asyncio.StreamReader:
    if stream is None:
        raise RuntimeError("the child was started without a pipe")
    return stream


async def _feed(process: Process, data: bytes | None) -> None:
    if process.stdin is None:
        return
    try:
        process.stdin.write(data or b"")
        await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        # It ended before it read everything; its status and words tell why.
        return
    finally:
        process.stdin.close()


async def _tail(stream: asyncio.StreamReader) -> bytes:
    kept = b""
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
