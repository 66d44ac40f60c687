"""Starts a Chromium that keeps to itself: an empty profile, no sandbox lost, one way out."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from modules.cloudconvert.local import launch
from modules.cloudconvert.local.engines.cdp import MESSAGE_BYTES, Browser

Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]

STOP_SECONDS = 5
NOWHERE = 9
"""The port of a browser that needs no network: nothing answers there."""
SWITCHES = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-default-apps",
    "--disable-breakpad",
    "--disable-dev-shm-usage",
    "--dns-prefetch-disable",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--hide-scrollbars",
    "--mute-audio",
    "--password-store=basic",
    "--use-mock-keychain",
    # Addresses of this machine too go through the proxy, and names are looked up by it alone.
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-pipe",
)


@asynccontextmanager
async def chromium(
    program: str, folder: Path, place: Mapping[str, Any] | None, asked: Collection[str]
) -> AsyncIterator[Browser]:
    """Run a browser while the block runs.

    `place` is where the proxy listens: `{"port": …}`, or `{"socket": …}` in the folder; None for a
    browser that is to reach nothing. `asked` are the hosts with ports that it may go to, now.
    """
    async with _port_of(folder, place, asked) as port:
        short = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        down_read, down_write = os.pipe()
        up_read, up_write = os.pipe()
        plan = {"pipes": [down_read, up_write], "parent": os.getpid()}
        process = _started(_command(program, folder, port), plan, _scratch(folder, short))
        os.close(down_read)
        os.close(up_write)
        try:
            yield await _connected(up_read, down_write)
        finally:
            os.close(short)
            process.kill()
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(process.wait, STOP_SECONDS)


def _command(program: str, folder: Path, port: int) -> list[str]:
    profile = mkdtemp(prefix="profile-", dir=folder)
    as_root = ["--no-sandbox"] if os.getuid() == 0 else []
    own = [f"--user-data-dir={profile}", f"--proxy-server=http://127.0.0.1:{port}"]
    return [program, *SWITCHES, *as_root, *own, "about:blank"]


def _scratch(folder: Path, opened: int) -> str:
    """Return the folder by a name that leaves room: a socket in it may not have a long path."""
    return f"/proc/{os.getpid()}/fd/{opened}" if sys.platform == "linux" else str(folder)


def _started(command: list[str], own: dict[str, Any], scratch: str) -> "subprocess.Popen[bytes]":
    """Start the browser bound to our life; it takes commands on 3 and answers on 4."""
    plan = launch.written({"network": "open", **own})
    arguments = [sys.executable, "-I", "-S", launch.__file__, plan, "--", *command]
    return subprocess.Popen(  # noqa: S603 - our own list
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=own["pipes"],
        env={**os.environ, "TMPDIR": scratch},
    )


async def _connected(reading: int, writing: int) -> Browser:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=MESSAGE_BYTES)
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", 0)
    )
    writer, _ = await loop.connect_write_pipe(asyncio.Protocol, os.fdopen(writing, "wb", 0))
    return Browser(reader, writer)


@asynccontextmanager
async def _port_of(
    folder: Path, place: Mapping[str, Any] | None, asked: Collection[str]
) -> AsyncIterator[int]:
    """Return the port at which the browser finds its proxy."""
    if place is None:
        yield NOWHERE
        return

    there = _way_to(folder, place)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _relayed(reader, writer, there, asked)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            # The browser or the proxy went away; the page notices by itself.
            return
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        yield server.sockets[0].getsockname()[1]


def _way_to(folder: Path, place: Mapping[str, Any]) -> Callable[[], Awaitable[Streams]]:
    """Return what connects to the proxy."""
    if "port" in place:
        return lambda: asyncio.open_connection("127.0.0.1", place["port"])
    # From where we stand: a socket's path may not be long.
    socket = os.path.relpath(folder / place["socket"])
    return lambda: asyncio.open_unix_connection(socket)


async def _relayed(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    there: Callable[[], Awaitable[Streams]],
    asked: Collection[str],
) -> None:
    """Pass a connection on if the page asked for its host: browsers call their makers too."""
    head = await reader.readuntil(b"\r\n")
    method, target, _ = head.decode("latin-1").split(" ", 2)
    parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
    if f"{parts.hostname}:{parts.port or 80}" not in asked:
        return
    from_there, to_there = await there()
    to_there.write(head)
    await asyncio.gather(
        _passed(reader, to_there), _passed(from_there, writer), return_exceptions=True
    )


async def _passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(1 << 16):
            writer.write(chunk)
            await writer.drain()
    finally:
        writer.close()
