"""The transport against real sockets: reuse, the limit, and whatever is given up early."""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from loopback import LONG, OK, Gate, ask, request, running, says, until

from engine.connect.transport import KeptConnections


@pytest.fixture
async def kept() -> AsyncIterator[KeptConnections]:
    async with KeptConnections() as transport:
        yield transport


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
        assert (len(one.asked), len(two.asked)) == (1, 1)


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
