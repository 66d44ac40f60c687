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

from modules.cloudconvert.local.isolation import Isolation, launcher

STDERR_BYTES = 16 * 1024
"""How much of the end of a program's complaints is kept."""
LINE_BYTES = 64 * 1024
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


@dataclass(frozen=True, slots=True)
class Ended:
    status: int
    """Exit status; negative: the signal that ended it."""
    stderr: str


class Children:
    """Starts programs and leaves none behind."""

    def __init__(self, isolation: Isolation, *, watched: bool = sys.platform != "linux") -> None:
        self._isolation = isolation
        self._life = os.pipe() if watched else None

    def close(self) -> None:
        """Let the watchers of this server's children know that it ends."""
        for end in self._life or ():
            os.close(end)
        self._life = None

    async def run(self, program: Program, on_line: OnLine) -> Ended:
        """Run a program to its end; `on_line` gets each line of its output.

        If the caller is cancelled, the program and all it started are killed first.
        """
        async with self._started(program) as process:
            stderr, _, _ = await asyncio.gather(
                _tail(_stream(process.stderr)),
                _lines(_stream(process.stdout), on_line),
                _feed(process, program.stdin),
            )
            status = await process.wait()
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
            pass_fds=self._life[:1] if self._life else (),
        )
        try:
            yield process
        finally:
            _kill_group(process.pid)
            await _reaped(process)

    def _arguments(self, program: Program) -> list[str]:
        limits = {
            "RLIMIT_CORE": 0,
            "RLIMIT_NOFILE": 256,
            "RLIMIT_CPU": program.cpu_seconds,
            "RLIMIT_FSIZE": program.output_bytes,
        }
        if program.memory_bytes is not None and sys.platform == "linux":
            limits["RLIMIT_AS"] = program.memory_bytes
        plan = {
            "limits": limits,
            "network": self._isolation.network,
            "parent": os.getpid(),
            "life": self._life[0] if self._life else None,
        }
        inside = self._isolation.wrap(program.arguments, program.folder)
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
