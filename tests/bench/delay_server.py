"""A loopback server that answers `GET /items/<i>` with `{"i": <i>}` after 20 ms.

A process of its own, so that its CPU does not count: it prints its port, and ends with its input.
"""

import asyncio
import sys

LATENCY_SECONDS = 0.02
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"


class Answers(asyncio.Protocol):
    """One connection; its requests have no body."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *heads, self._unread = (self._unread + data).split(b"\r\n\r\n")
        for head in heads:
            item = head.split(b" ", 2)[1].rpartition(b"/")[2]
            self._loop.call_later(LATENCY_SECONDS, self._answer, b'{"i":%b}' % item)

    def _answer(self, body: bytes) -> None:
        self._transport.write(HEAD % (len(body), body))


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Answers, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
