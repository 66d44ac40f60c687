"""The client on a real socket: uploads in a stream, answers that drip, break off or are packed."""

import asyncio
import email
import gzip
import hashlib
import tracemalloc
from pathlib import Path

import pytest
from clocks import StandingClock
from wire import dripping, sends, serving

from engine.connect.client import HttpClient
from engine.connect.limits import Limits
from engine.connect.sending import USER_AGENT
from engine.errors import DataError, ModuleTimeoutError, ServiceConnectionError
from engine.model.bundle import File
from engine.module import Connection

QUICK = Limits(read_seconds=0.5, deadline_seconds=0.2, slowest_rate=1_000_000)
CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"


def client(url: str, limits: Limits = QUICK) -> HttpClient:
    return HttpClient(Connection(f"{url}/v2", "secret-token"), clock=StandingClock(), limits=limits)


def file_of(folder: Path, name: str, size: int) -> File:
    path = folder / "content"
    with path.open("wb") as target:
        target.truncate(size)
    with path.open("rb") as source:
        sha256 = hashlib.file_digest(source, "sha256").hexdigest()
    return File(name, size, "video/quicktime", sha256, path)


async def read(http: HttpClient, url: str) -> bytes:
    async with http.download(url) as got:
        return b"".join([chunk async for chunk in got.chunks])


async def test_an_upload_sends_the_form_first_and_the_file_last_with_a_known_length(
    tmp_path: Path,
) -> None:
    file = file_of(tmp_path, 'Urlaub "süß".mov', 700_000)
    told: list[float] = []

    def progress(done: float, total: float | None = None, *, text: str = "") -> None:
        told.append(done)

    async with serving(sends(CREATED)) as wire, client(wire.url) as http:
        form = {"key": "1/${filename}", "signature": "ä=&"}
        reply = await http.upload(f"{wire.url}/tasks?s=1", form, file, progress=progress)
    asked = wire.asked[0]
    assert reply.status == 201
    assert asked.line == "POST /tasks?s=1 HTTP/1.1"
    assert "authorization" not in asked.headers
    assert "transfer-encoding" not in asked.headers
    assert asked.headers["user-agent"] == USER_AGENT
    head = f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode()
    parts = email.message_from_bytes(head + asked.body).get_payload()
    assert [part.get_param("name", header="content-disposition") for part in parts] == [  # type: ignore[union-attr]
        "key",
        "signature",
        "file",
    ]
    assert b'filename="Urlaub %22s\xc3\xbc\xc3\x9f%22.mov"' in asked.body
    assert b"\r\n\r\n\xc3\xa4=&\r\n" in asked.body
    assert asked.body.count(b"\0") == 700_000
    assert told == [262144, 524288, 700_000]


async def test_an_upload_is_never_whole_in_memory(tmp_path: Path) -> None:
    file = file_of(tmp_path, "big.bin", 64 * 1024 * 1024)
    received = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        while received < file.size:
            received += len(await reader.read(1024 * 1024))
        writer.write(CREATED)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    tracemalloc.start()
    try:
        async with client(url, Limits()) as http:
            await http.upload(url, {}, file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        server.close()
    assert peak < 16 * 1024 * 1024


async def test_an_upload_refused_by_an_expired_form_is_a_data_error(tmp_path: Path) -> None:
    refused = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    async with serving(sends(refused)) as wire, client(wire.url) as http:
        with pytest.raises(DataError):
            await http.upload(wire.url, {}, file_of(tmp_path, "a", 10))
    assert len(wire.asked) == 1


async def test_a_redirect_after_an_upload_is_its_success(tmp_path: Path) -> None:
    moved = b"HTTP/1.1 303 See Other\r\nLocation: https://a.test/\r\nContent-Length: 0\r\n\r\n"
    async with serving(sends(moved)) as wire, client(wire.url) as http:
        assert (await http.upload(wire.url, {}, file_of(tmp_path, "a", 10))).status == 303


async def test_a_content_of_another_hash_is_never_sent_whole(tmp_path: Path) -> None:
    file = file_of(tmp_path, "a.bin", 1_000_000)
    with file.path.open("r+b") as content:
        content.write(b"\1")
    async with serving(sends(CREATED)) as wire, client(wire.url) as http:
        with pytest.raises(DataError, match=r"content of `a\.bin` has changed"):
            await http.upload(wire.url, {}, file)
    assert wire.asked == []


@pytest.mark.parametrize("change", ["gone", "grown"])
async def test_a_content_that_changed_on_disk_is_not_uploaded(tmp_path: Path, change: str) -> None:
    file = file_of(tmp_path, "a.bin", 10)
    if change == "gone":
        file.path.unlink()
    else:
        file.path.write_bytes(b"more than before")
    async with client("http://127.0.0.1:1") as http:
        with pytest.raises(DataError, match=r"content of `a\.bin`"):
            await http.upload("http://127.0.0.1:1/", {}, file)


async def test_an_answer_that_drips_is_a_timeout_inside_the_deadline() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
    async with serving(dripping(head)) as wire, client(wire.url) as http:
        with pytest.raises(ModuleTimeoutError):
            await http.request("GET", "/jobs")


async def test_headers_that_drip_are_a_timeout_inside_the_deadline() -> None:
    async with serving(dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ")) as wire, client(wire.url) as http:
        with pytest.raises(ModuleTimeoutError):
            await http.request("GET", "/jobs")


async def test_a_file_that_drips_is_a_timeout() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    async with serving(dripping(head)) as wire, client(wire.url) as http:
        with pytest.raises(ModuleTimeoutError):
            await read(http, f"{wire.url}/f")


async def test_a_download_that_breaks_off_raises_instead_of_ending() -> None:
    short = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"
    async with serving(sends(short)) as wire, client(wire.url) as http:
        with pytest.raises(ServiceConnectionError, match="broken"):
            await read(http, f"{wire.url}/f")


async def test_a_packed_download_that_breaks_off_raises_too() -> None:
    packed = gzip.compress(bytes(range(256)) * 40)[:-9]
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
    content = head + f"Content-Length: {len(packed)}\r\n\r\n".encode() + packed
    async with serving(sends(content)) as wire, client(wire.url) as http:
        with pytest.raises(ServiceConnectionError, match="breaks off"):
            await read(http, f"{wire.url}/f")


async def test_endless_headers_are_a_connection_error() -> None:
    endless = b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 50_000
    async with serving(sends(endless)) as wire, client(wire.url) as http:
        with pytest.raises(ServiceConnectionError):
            await http.request("POST", "/jobs")


async def test_a_refused_connection_is_a_connection_error() -> None:
    async with client("http://127.0.0.1:1") as http:
        with pytest.raises(ServiceConnectionError, match="cannot connect"):
            await http.request("GET", "/jobs")
