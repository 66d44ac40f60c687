"""Has programs started by a fork server, which `children` thus need not pay for one by one.

A Python that sets the limits and becomes the program costs more than many a program itself. The
process that does it stays instead (`fork_server.py`): one per server, made for the first program.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TypeAlias

from modules.cloudconvert.local import launch

End: TypeAlias = asyncio.StreamWriter | asyncio.BaseTransport

FORK_SERVER = Path(__file__).with_name("fork_server.py")
STOP_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Order:
    """What to start: `folder` is where it works, `environment` all that it gets of one."""

    arguments: Sequence[str]
    plan: Mapping[str, Any]
    """A plan of `launch.py`, but for the process that asks."""
    folder: Path
    environment: Mapping[str, str]
    stdin: bytes | None = None
    """None: nothing to read."""


@dataclass(slots=True)
class Started:
    """A program on its way, leader of a process group of its own."""

    pid: int
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader
    _channel: asyncio.StreamReader
    _ends: Sequence[End]
    _ended: asyncio.Lock = field(default_factory=asyncio.Lock)
    _status: int | None = None

    async def status(self) -> int:
        """Return its exit status once it has ended; negative: the signal that ended it."""
        async with self._ended:
            if self._status is None:
                # Without the fork server the kernel has killed it.
                self._status = int(await _line(self._channel) or -signal.SIGKILL)
            return self._status

    def close(self) -> None:
        """Let go of its output, which a process that left the group may still hold."""
        for end in self._ends:
            end.close()


class Starter:
    """Starts programs by a fork server of its own; a new one if that has died."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    async def start(self, order: Order) -> Started:
        """Start a program. Raises RuntimeError if the fork server ends meanwhile."""
        with ExitStack() as ours, ExitStack() as theirs:
            channel, far = socket.socketpair()
            ours.callback(channel.close)
            theirs.callback(far.close)
            (stdout, out), (stderr, err) = _pipe(ours, theirs), _pipe(ours, theirs)
            given = theirs.enter_context(_stdin(order.stdin))
            server, control = self._alive()
            with suppress(ConnectionError):
                # Without it nobody answers, which is seen below.
                socket.send_fds(control, [b"\0"], [far.fileno(), given, out, err])
            ours.pop_all()
        reader, writer = await asyncio.open_connection(sock=channel)
        writer.write(_request(order, server.pid))
        streams = [await _reading(end) for end in (stdout, stderr)]
        said = await _line(reader)
        ends: list[End] = [writer, *(transport for _, transport in streams)]
        started = Started(int(said or 0), streams[0][0], streams[1][0], reader, ends)
        if not said:
            started.close()
            raise RuntimeError("the process that starts programs has ended")
        return started

    def _alive(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        if self._server is None or self._control is None or self._server.poll() is not None:
            self.close()
            self._control, theirs = socket.socketpair()
            with theirs:
                command = [sys.executable, "-I", "-S", str(FORK_SERVER), str(theirs.fileno())]
                self._server = subprocess.Popen(  # noqa: S603 - our own list
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    env={"LANG": "C.UTF-8"},
                    cwd="/",
                    start_new_session=True,
                    pass_fds=[theirs.fileno()],
                )
        return self._server, self._control

    def close(self) -> None:
        """End the fork server, which kills what it has started. It may be used again."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._server is not None:
            try:
                self._server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
            self._server = None


def _request(order: Order, server: int) -> bytes:
    request = {
        "program": list(order.arguments),
        "plan": launch.written({**order.plan, "parent": server}),
        "folder": str(order.folder),
        "environment": dict(order.environment),
    }
    return json.dumps(request).encode() + b"\n"


def _pipe(ours: ExitStack, theirs: ExitStack) -> tuple[int, int]:
    reading, writing = os.pipe()
    ours.callback(os.close, reading)
    theirs.callback(os.close, writing)
    return reading, writing


async def _line(channel: asyncio.StreamReader) -> bytes:
    """Return what the fork server says next; nothing if it has ended."""
    try:
        return await channel.readline()
    except ConnectionError:
        return b""


@contextmanager
def _stdin(data: bytes | None) -> Iterator[int]:
    """Open a file to read from: unlike a pipe it needs nobody who feeds it."""
    with Path(os.devnull).open("rb") if data is None else TemporaryFile() as file:
        if data:
            file.write(data)
            file.seek(0)
        yield file.fileno()


async def _reading(end: int) -> tuple[asyncio.StreamReader, asyncio.BaseTransport]:
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(end, "rb", 0)
    )
    return reader, transport
