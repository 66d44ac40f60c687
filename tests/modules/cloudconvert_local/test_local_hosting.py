"""How servers of ours take their connections."""

import asyncio
import socket
from collections.abc import Callable

import pytest

from engine.web import hosting
from modules.cloudconvert.local.hosting import Address, listening


def _for_hooks() -> socket.socket:
    with hosting.listening("127.0.0.1", 0) as taken:
        return taken.dup()


@pytest.mark.parametrize("taking", [lambda: listening(Address()), _for_hooks])
async def test_small_answers_are_not_held_back(taking: Callable[[], socket.socket]) -> None:
    loop = asyncio.get_running_loop()
    made: asyncio.Future[asyncio.BaseTransport] = loop.create_future()

    class Taking(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made.set_result(transport)

    async with await loop.create_server(Taking, sock=taking()) as server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        taken = (await made).get_extra_info("socket")
        assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        writer.close()
        await writer.wait_closed()
