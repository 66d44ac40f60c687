"""The transport against real sockets: reuse, the limit, and whatever ends before its time."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from engine.connect import transport as transport_file
from engine.connect.transport import KeptConnections

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"

Serve = Callable[[str, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Answers one request, whose first line it is given."""


async def _answer(_line: str, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(OK)


@dataclass
class Server:
    """A loopback server that keeps connections open until its `serve` or its client closes them."""

    serve: Serve = _answer
    url: str = ""
    asked: list[list[str]] = field(default_factory=list)
    """First lines of the requests, by connection."""
    open: int = 0
    most: int = 0
    """How many connections were open at once."""
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        return [line for connection in self.asked for line in connection]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines: list[str] = []
        self.asked.append(lines)
        self.writers.append(writer)
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines.append(head.split(b"\r\n")[0].decode())
                await self.serve(lines[-1], reader, writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def running(
    serve: Serve = _answer, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    server = Server(serve)
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0, backlog=512, ssl=tls)
    scheme = "https" if tls else "http"
    server.url = f"{scheme}://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - a socket's other end has no event
            await asyncio.sleep(0)


def request(url: str, method: str = "GET", **timeouts: float) -> httpx.Request:
    return httpx.Request(method, url, extensions={"timeout": timeouts})


async def ask(kept: KeptConnections, url: str, method: str = "GET", **timeouts: float) -> bytes:
    response = await kept.handle_async_request(request(url, method, **timeouts))
    return await response.aread()


@pytest.fixture
async def kept() -> AsyncIterator[KeptConnections]:
    async with KeptConnections() as transport:
        yield transport


class Gate:
    """Answers requests whose path ends with `ok` at once, others when it is opened."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    async def __call__(
        self, line: str, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if "/ok " not in line:
            await self.open.wait()
        writer.write(OK)


def says(*parts: bytes) -> Serve:
    """Give these answers one after the other over all connections, the last one for ever."""
    left = list(parts)

    async def serve(
        _line: str, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])

    return serve


async def test_one_connection_carries_requests_one_after_another(kept: KeptConnections) -> None:
    async with running() as server:
        answers = [
            await ask(kept, f"{server.url}/{i}", method)
            for i, method in enumerate(["GET", "POST", "DELETE", "GET"])
        ]
    assert answers == [b"ok"] * 4
    assert [len(lines) for lines in server.asked] == [4]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
    ],
)
async def test_whatever_ends_by_itself_leaves_its_connection_to_the_next_request(
    kept: KeptConnections, answer: bytes
) -> None:
    async with running(says(answer, OK)) as server:
        await ask(kept, server.url)
        assert await ask(kept, server.url) == b"ok"
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    ],
)
async def test_a_connection_that_is_over_or_says_too_much_is_not_used_again(
    kept: KeptConnections, answer: bytes
) -> None:
    async with running(says(answer, OK)) as server:
        assert [await ask(kept, server.url), await ask(kept, server.url)] == [b"ok", b"ok"]
    assert len(server.asked) == 2


async def test_what_comes_while_nothing_is_asked_is_nobodys_answer(kept: KeptConnections) -> None:
    async with running() as server:
        await ask(kept, server.url, "POST")
        server.writers[0].write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        await server.writers[0].drain()
        assert await ask(kept, server.url, "POST") == b"ok"
    assert len(server.asked) == 2


async def test_an_answer_without_a_length_ends_with_its_connection(kept: KeptConnections) -> None:
    async def serve(_line: str, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        writer.close()

    async with running(serve) as server:
        assert await ask(kept, server.url) == b"all of it"


async def test_two_hundred_requests_at_once_have_each_their_answer(kept: KeptConnections) -> None:
    async def echo(line: str, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(server.asked) < 200:
            await until(lambda: len(server.lines) >= 200)
        body = line.split()[1].encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    async with running(echo) as server:
        asked = [ask(kept, f"{server.url}/{i}") for i in range(200)]
        assert await asyncio.gather(*asked) == [b"/%d" % i for i in range(200)]
    assert server.most == 200


async def test_requests_beyond_the_limit_wait_first_come_first_served() -> None:
    gate = Gate()
    async with running(gate) as server, KeptConnections(2) as kept:
        asked = []
        for i in range(8):
            asked.append(asyncio.create_task(ask(kept, f"{server.url}/{i}")))
            await asyncio.sleep(0)
        await until(lambda: len(server.lines) == 2)
        gate.open.set()
        assert await asyncio.gather(*asked) == [b"ok"] * 8
    assert server.most == 2
    assert sorted(server.lines) == [f"GET /{i} HTTP/1.1" for i in range(8)]
    assert all(lines == sorted(lines) for lines in server.asked)


async def test_the_limit_is_per_origin() -> None:
    gate = Gate()
    async with running(gate) as one, running() as two, KeptConnections(1) as kept:
        first = asyncio.create_task(ask(kept, one.url))
        assert await ask(kept, two.url) == b"ok"
        gate.open.set()
        assert await first == b"ok"


async def test_waiting_for_a_connection_has_its_own_timeout() -> None:
    gate = Gate()
    async with running(gate) as server, KeptConnections(1) as kept:
        first = asyncio.create_task(ask(kept, server.url))
        await until(lambda: len(server.lines) == 1)
        with pytest.raises(httpx.PoolTimeout):
            await ask(kept, f"{server.url}/ok", pool=0.01)
        gate.open.set()
        await first
        assert await ask(kept, f"{server.url}/ok") == b"ok"
    assert len(server.lines) == 2


async def test_a_request_that_is_cancelled_while_it_waits_takes_nobodys_turn() -> None:
    gate = Gate()
    async with running(gate) as server, KeptConnections(1) as kept:
        first, second, third = (asyncio.create_task(ask(kept, f"{server.url}/{i}")) for i in "123")
        await until(lambda: len(server.lines) == 1)
        second.cancel()
        gate.open.set()
        assert [await first, await third] == [b"ok", b"ok"]
        with pytest.raises(asyncio.CancelledError):
            await second
    assert server.asked == [["GET /1 HTTP/1.1", "GET /3 HTTP/1.1"]]


async def test_a_request_that_is_cancelled_before_its_answer_closes_its_connection() -> None:
    async with running(Gate()) as server, KeptConnections(1) as kept:
        waiting = asyncio.create_task(ask(kept, server.url))
        await until(lambda: len(server.lines) == 1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await ask(kept, f"{server.url}/ok") == b"ok"
    assert [len(lines) for lines in server.asked] == [1, 1]


async def test_a_request_may_be_cancelled_at_any_moment() -> None:
    """Each request gets one turn of the loop more before it is cancelled; all leave their slot."""
    async with running() as server, KeptConnections(1) as kept:
        ended = 0
        for turns in range(40):
            asked = asyncio.create_task(ask(kept, server.url))
            for _ in range(turns):
                await asyncio.sleep(0)
            asked.cancel()
            ended += (await asyncio.gather(asked, return_exceptions=True))[0] == b"ok"
        assert ended
        assert await ask(kept, server.url) == b"ok"
        await until(lambda: server.open == 1)


async def test_a_request_that_is_cancelled_inside_its_answer_closes_its_connection() -> None:
    async with running(says(LONG, OK)) as server, KeptConnections(1) as kept:
        response = await kept.handle_async_request(request(server.url))
        reading = asyncio.create_task(response.aread())
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await response.aclose()
        assert await ask(kept, server.url) == b"ok"
        await until(lambda: server.open == 1)
    assert len(server.asked) == 2


async def test_an_answer_that_is_closed_early_closes_its_connection() -> None:
    async with running(says(LONG, OK)) as server, KeptConnections(1) as kept:
        response = await kept.handle_async_request(request(server.url))
        body = aiter(response.stream)  # type: ignore[arg-type]
        assert await anext(body) == b"only this"
        await response.aclose()
        with pytest.raises(httpx.StreamClosed):
            await anext(body)
        assert await ask(kept, server.url) == b"ok"
        await until(lambda: server.open == 1)
    assert len(server.asked) == 2


async def test_an_unread_answer_that_is_there_already_leaves_its_connection(
    kept: KeptConnections,
) -> None:
    async with running() as server:
        for _ in range(2):
            response = await kept.handle_async_request(request(server.url))
            await response.aclose()
    assert len(server.asked) == 1


async def test_a_connection_that_the_server_closed_meanwhile_is_no_failure(
    kept: KeptConnections,
) -> None:
    async with running() as server:
        await ask(kept, server.url)
        server.writers[0].close()
        await until(lambda: server.open == 0)
        assert await ask(kept, server.url, "POST") == b"ok"
    assert len(server.asked) == 2


async def test_an_end_that_the_loop_has_not_seen_yet_is_seen_before_a_post(
    kept: KeptConnections,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        first = asyncio.create_task(ask(kept, url))
        server, _ = await asyncio.to_thread(listening.accept)
        await asyncio.to_thread(server.recv, 1000)
        server.sendall(OK)
        assert await first == b"ok"
        server.close()
        second = asyncio.create_task(ask(kept, url, "POST"))
        server, _ = await asyncio.to_thread(listening.accept)
        server.sendall(OK)
        assert await second == b"ok"
        server.close()


class Once:
    """Answers the first request of a connection, and closes it on the next one."""

    def __init__(self) -> None:
        self.seen: set[int] = set()

    async def __call__(
        self, _line: str, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if id(writer) in self.seen:
            writer.close()
        else:
            self.seen.add(id(writer))
            writer.write(OK)


async def test_a_read_that_crosses_the_servers_close_is_asked_again_at_once(
    kept: KeptConnections,
) -> None:
    async with running(Once()) as server:
        assert [await ask(kept, server.url), await ask(kept, server.url)] == [b"ok", b"ok"]
    assert [len(lines) for lines in server.asked] == [2, 1]


async def test_a_write_that_crosses_the_servers_close_is_never_sent_twice(
    kept: KeptConnections,
) -> None:
    async with running(Once()) as server:
        await ask(kept, server.url)
        with pytest.raises(httpx.RemoteProtocolError, match="without an answer"):
            await ask(kept, server.url, "POST")
    assert [len(lines) for lines in server.asked] == [2]


async def test_a_new_connection_that_is_closed_without_an_answer_is_a_failure(
    kept: KeptConnections,
) -> None:
    async def close(_line: str, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with running(close) as server:
        with pytest.raises(httpx.RemoteProtocolError, match="without an answer"):
            await ask(kept, server.url)
    assert len(server.asked) == 1


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
            await ask(kept, server.url, read=0.05)
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
    size = 64 * 1024 * 1024
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

    async def take(line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal got
        while got < 100 * 65_536:
            got += len(await reader.read(1_000_000))
        await _answer(line, reader, writer)

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


async def test_an_old_connection_is_not_used_again() -> None:
    async with running() as server, KeptConnections(kept_seconds=0) as kept:
        await ask(kept, server.url)
        await ask(kept, server.url)
        await until(lambda: server.open == 1)
    assert len(server.asked) == 2


async def test_old_connections_to_one_origin_are_closed_when_another_is_asked() -> None:
    async with running() as one, running() as two, KeptConnections(kept_seconds=0) as kept:
        await ask(kept, one.url)
        await ask(kept, two.url)
        await until(lambda: one.open == 0)


async def test_closing_closes_idle_and_busy_connections() -> None:
    gate = Gate()
    async with running(gate) as server:
        kept = KeptConnections()
        await ask(kept, f"{server.url}/ok")
        busy = [asyncio.create_task(ask(kept, server.url)) for _ in range(2)]
        await until(lambda: len(server.lines) == 3)
        await kept.aclose()
        found = await asyncio.gather(*busy, return_exceptions=True)
        assert [type(each) for each in found] == [httpx.ReadError] * 2
        with pytest.raises(RuntimeError, match="closed"):
            await ask(kept, server.url)
        gate.open.set()
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
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            await ask(kept, server.url)
    assert server.lines == []


@pytest.mark.needs("openssl")
async def test_the_certificate_must_be_for_the_name_that_was_asked(
    kept: KeptConnections, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting = ssl.create_default_context(cafile=certificate)
    monkeypatch.setattr(transport_file, "tls", lambda: trusting)
    async with verified(certificate) as server:
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
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
