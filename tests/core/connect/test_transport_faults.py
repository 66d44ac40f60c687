"""The transport against servers that stall, lie, refuse, or are not who they say."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from loopback import LONG, OK, Gate, Server, ask, request, running, says, until

from engine.connect import transport as transport_file
from engine.connect.transport import KeptConnections


@pytest.fixture
async def kept() -> AsyncIterator[KeptConnections]:
    async with KeptConnections() as transport:
        yield transport


@pytest.mark.parametrize(
    ("part", "error"),
    [
        (b"", httpx.ReadTimeout),
        (LONG[:20], httpx.ReadTimeout),
        (LONG, httpx.ReadTimeout),
        (b"\x16\x03\x01 not http at all\r\n\r\n", httpx.RemoteProtocolError),
        (LONG.replace(b"OK", b"OK\r\nContent-Length: 2"), httpx.RemoteProtocolError),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\n\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", httpx.RemoteProtocolError),
    ],
)  # fmt: skip
async def test_an_answer_that_stops_or_is_none_is_an_error_and_frees_its_slot(
    part: bytes, error: type[Exception]
) -> None:
    async with running(says(part, OK)) as server, KeptConnections(1) as kept:
        with pytest.raises(error):
            await ask(kept, server.url, read=0.05 if error is httpx.ReadTimeout else 30)
        assert await ask(kept, server.url) == b"ok"
        await until(lambda: server.open == 1)


async def test_a_reset_inside_an_answer_is_a_read_error(kept: KeptConnections) -> None:
    async def reset(_line: str, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(LONG)
        await writer.drain()
        await began.wait()
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()

    began = asyncio.Event()
    async with running(reset) as server:
        response = await kept.handle_async_request(request(server.url))
        began.set()
        with pytest.raises(httpx.ReadError):
            await response.aread()


async def test_nobody_listening_is_a_connect_error(kept: KeptConnections) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(httpx.ConnectError):
        await ask(kept, f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("host", ["a..b", "x" * 64])
async def test_a_name_that_cannot_be_found_is_a_connect_error(
    kept: KeptConnections, host: str
) -> None:
    with pytest.raises(httpx.ConnectError):
        await ask(kept, f"http://{host}/")


async def test_a_name_with_several_addresses_is_reached_at_the_one_that_listens(
    kept: KeptConnections,
) -> None:
    async with running() as server:
        assert await ask(kept, server.url.replace("127.0.0.1", "localhost")) == b"ok"


async def test_a_slow_reader_holds_up_the_server(kept: KeptConnections) -> None:
    size = 24 * 1024 * 1024
    sent = 0

    async def flood(_line: str, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _piece in range(size // 65_536):
            writer.write(bytes(65_536))
            sent += 65_536
            await writer.drain()

    async with running(flood) as server:
        response = await kept.handle_async_request(request(server.url))
        before = -1
        while before != sent:
            before = sent
            for _ in range(200):
                await asyncio.sleep(0)
        assert sent < size / 2
        assert len(await response.aread()) == size


class Pieces(httpx.AsyncByteStream):
    """A body that notes how much of it was taken."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.taken < self.count:
            self.taken += 1
            yield bytes(65_536)


async def test_an_upload_goes_out_in_pieces(kept: KeptConnections) -> None:
    got = 0

    async def take(_line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal got
        while got < 100 * 65_536:
            got += len(await reader.read(1_000_000))
        writer.write(OK)

    async with running(take) as server:
        sending = httpx.Request(
            "PUT", server.url, headers={"Content-Length": str(100 * 65_536)}, content=Pieces(100)
        )
        response = await kept.handle_async_request(sending)
        assert await response.aread() == b"ok"


async def test_an_upload_that_is_refused_meanwhile_stops_and_gives_the_refusal() -> None:
    refusal = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge"
    body = Pieces(1000)

    async def refuse(_line: str, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(refusal)
        await writer.drain()
        await over.wait()

    over = asyncio.Event()
    async with running(refuse) as server, KeptConnections(1) as kept:
        sending = httpx.Request(
            "PUT", server.url, headers={"Content-Length": str(1000 * 65_536)}, content=body
        )
        response = await kept.handle_async_request(sending)
        assert (response.status_code, await response.aread()) == (413, b"large")
        over.set()
    assert body.taken < 1000


async def test_an_upload_that_the_other_side_does_not_take_is_a_write_timeout() -> None:
    gate = Gate()
    async with running(gate) as server, KeptConnections(1) as kept:
        sending = httpx.Request(
            "PUT",
            server.url,
            headers={"Content-Length": str(1000 * 65_536)},
            content=Pieces(1000),
            extensions={"timeout": {"write": 0.05}},
        )
        with pytest.raises(httpx.WriteTimeout):
            await kept.handle_async_request(sending)
        assert await ask(kept, f"{server.url}/ok") == b"ok"
        gate.open.set()


async def test_a_body_that_is_shorter_than_announced_is_an_error(kept: KeptConnections) -> None:
    async def take(_line: str, reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with running(take) as server:
        sending = httpx.Request(
            "PUT", server.url, headers={"Content-Length": "99999999"}, content=Pieces(1)
        )
        with pytest.raises(httpx.LocalProtocolError):
            await kept.handle_async_request(sending)
        await until(lambda: server.open == 0)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a key and a certificate of its own for `files.test`, in one file."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=files.test", "-keyout", "-", "-out", "-",
         "-addext", "subjectAltName=DNS:files.test"],
        capture_output=True, check=True,
    )  # fmt: skip
    path.write_bytes(made.stdout)
    return path


@asynccontextmanager
async def verified(certificate: Path) -> AsyncIterator[Server]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with running(tls=context) as server:
        yield server


@pytest.mark.needs("openssl")
async def test_a_certificate_that_nobody_vouches_for_is_refused(
    kept: KeptConnections, certificate: Path
) -> None:
    async with verified(certificate) as server:
        with pytest.raises(
            httpx.ConnectError, match="certificate is not to be trusted: self-signed"
        ):
            await ask(kept, server.url)
    assert server.lines == []


@pytest.mark.needs("openssl")
async def test_the_certificate_must_be_for_the_name_that_was_asked(
    kept: KeptConnections, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting = ssl.create_default_context(cafile=certificate)
    monkeypatch.setattr(transport_file, "tls", lambda: trusting)
    async with verified(certificate) as server:
        with pytest.raises(
            httpx.ConnectError, match="certificate is not to be trusted: IP address mismatch"
        ):
            await ask(kept, server.url)
        for _ in range(2):
            named = httpx.Request("GET", server.url, extensions={"sni_hostname": "files.test"})
            response = await kept.handle_async_request(named)
            assert await response.aread() == b"ok"
    assert [len(lines) for lines in server.asked if lines] == [2]


async def test_a_server_that_does_not_finish_the_handshake_is_a_connect_timeout(
    kept: KeptConnections,
) -> None:
    async with running() as server:
        with pytest.raises(httpx.ConnectTimeout):
            await ask(kept, server.url.replace("http:", "https:"), connect=0.05)
        await until(lambda: server.open == 0)


async def test_the_trusted_certificates_are_read_once() -> None:
    assert transport_file.tls() is transport_file.tls()
    assert transport_file.tls().verify_mode is ssl.CERT_REQUIRED
    assert transport_file.tls().check_hostname
