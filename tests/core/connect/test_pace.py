"""Limits on how fast a connection asks: requests under way, and begun in a minute."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest
from clocks import LoopClock, StandingClock, never, virtually
from loopback import Gate, running, until

from engine.connect.client import HttpClient
from engine.connect.limits import LIMITS, Limits
from engine.errors import ModuleTimeoutError
from engine.module import Connection

BASE = "https://api.example.test/v2"


@dataclass
class Service:
    """Answers at once, or by `answer`; keeps when it was asked, by the loop."""

    answer: Callable[[int], httpx.Response] = lambda _number: httpx.Response(200)
    asked: list[float] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(round(asyncio.get_running_loop().time(), 3))
        self.paths.append(request.url.path)
        return self.answer(len(self.asked))

    def client(self, per_minute: int, limits: Limits = LIMITS) -> HttpClient:
        """Made while a virtual loop runs."""
        return HttpClient(
            Connection(BASE, "key", requests_per_minute=per_minute),
            clock=LoopClock(),
            limits=limits,
            transport=httpx.MockTransport(self),
            chance=never,
        )


def test_no_more_requests_begin_in_any_minute_than_the_connection_allows() -> None:
    service = Service()

    async def work() -> None:
        async with service.client(3) as http:
            await http.request("GET", "/first")
            await asyncio.sleep(50)
            await asyncio.gather(*(http.request("GET", f"/{n}") for n in range(6)))

    virtually(work())
    assert service.asked == [0, 50, 50, 60, 110, 110, 120]
    assert service.paths[1:] == [f"/v2/{n}" for n in range(6)]


def test_a_repeat_takes_a_turn_of_its_own() -> None:
    broken = [httpx.Response(503), httpx.Response(200)]
    service = Service(lambda number: broken[number - 1])

    async def work() -> None:
        async with service.client(1) as http:
            await http.request("GET", "/jobs")

    virtually(work())
    assert service.asked == [0, 60]


def test_what_waits_for_its_turn_is_not_late() -> None:
    service = Service()

    async def work() -> None:
        async with service.client(1, Limits(deadline_seconds=5)) as http:
            await asyncio.gather(*(http.request("GET", f"/{n}") for n in range(4)))

    virtually(work())
    assert service.asked == [0, 60, 120, 180]


async def test_no_more_requests_are_under_way_than_the_connection_allows() -> None:
    gate = Gate()
    async with running(gate) as server:
        connection = Connection(server.url, "key", requests_at_once=2)
        async with HttpClient(connection, clock=StandingClock()) as http:
            asking = [asyncio.create_task(http.request("GET", f"/{n}")) for n in range(6)]
            await until(lambda: len(server.lines) == 2)
            gate.open.set()
            await asyncio.gather(*asking)
    assert server.most == 2
    assert sorted(server.lines) == [f"GET /{n} HTTP/1.1" for n in range(6)]


async def test_a_download_is_under_way_until_it_is_closed() -> None:
    async with running() as server:
        connection = Connection(server.url, "key", requests_at_once=1)
        async with HttpClient(connection, clock=StandingClock()) as http:
            async with http.download(f"{server.url}/file"):
                waiting = asyncio.create_task(http.request("GET", "/next"))
                for _ in range(20):
                    await asyncio.sleep(0)
                assert server.lines == ["GET /file HTTP/1.1"]
            await waiting
    assert server.lines == ["GET /file HTTP/1.1", "GET /next HTTP/1.1"]


async def test_a_request_that_fails_or_is_cancelled_gives_its_place_back() -> None:
    gate = Gate()
    async with running(gate) as server:
        connection = Connection(server.url, "key", requests_at_once=1)
        quick = Limits(deadline_seconds=0.05)
        async with HttpClient(connection, clock=StandingClock(), limits=quick) as http:
            with pytest.raises(ModuleTimeoutError):
                await http.request("GET", "/late")
            cancelled = asyncio.create_task(http.request("GET", "/cancelled"))
            await until(lambda: len(server.lines) == 2)
            cancelled.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cancelled
            assert (await http.request("GET", "/ok")).status == 200
