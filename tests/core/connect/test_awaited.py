"""Requests that the service answers only at the end of what they ask for."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import pytest
from clocks import LoopClock, never, virtually

from engine.connect.client import HttpClient
from engine.connect.limits import LIMITS
from engine.module import Connection, Reply

BASE = "https://api.example.test/v2"
SYNC = "https://sync.example.test/v2"
JOB = {"data": {"id": "1", "status": "finished"}}
JSON = {"content-type": "application/json"}
LIMIT = timedelta(minutes=3)


@dataclass
class Service:
    """Answers after some seconds, or never; keeps who asked with a credential."""

    after: float | None = 0.0
    answer: Callable[[], httpx.Response] = lambda: httpx.Response(200, json=JOB)
    sync: str | None = SYNC
    at_once: int | None = None
    asked: list[str] = field(default_factory=list)
    credentials: list[str | None] = field(default_factory=list)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        self.credentials.append(request.headers.get("authorization"))
        await asyncio.sleep(3600 if self.after is None else self.after)
        return self.answer()

    def client(self) -> HttpClient:
        """Made while a virtual loop runs."""
        return HttpClient(
            Connection(BASE, "key", self.sync, requests_at_once=self.at_once),
            clock=LoopClock(),
            transport=httpx.MockTransport(self),
            chance=never,
        )

    async def awaited(self, limit: timedelta = LIMIT) -> Reply | None:
        async with self.client() as http:
            return await http.awaited("/jobs/1", limit)


def test_the_answer_is_asked_for_once_where_the_service_waits() -> None:
    service = Service(after=20)

    reply = virtually(service.awaited())

    assert reply is not None
    assert reply.body == JOB
    assert service.asked == [f"{SYNC}/jobs/1"]
    assert service.credentials == ["Bearer key"]


def test_an_answer_that_takes_longer_is_asked_for_anew_before_silence_counts_as_a_failure() -> None:
    service = Service(after=None)

    assert virtually(service.awaited(timedelta(seconds=LIMITS.read_seconds * 1.25))) is None
    assert len(service.asked) == 3


def test_a_service_without_such_a_place_is_not_asked() -> None:
    service = Service(sync=None)

    assert virtually(service.awaited()) is None
    assert service.asked == []


def _broken() -> httpx.Response:
    raise httpx.RemoteProtocolError("closed without an answer")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda: httpx.Response(503), id="stopping"),
        pytest.param(lambda: httpx.Response(429, headers={"retry-after": "9"}), id="too often"),
        pytest.param(lambda: httpx.Response(200, content=b"{", headers=JSON), id="half"),
        pytest.param(_broken, id="broken off"),
    ],
)
def test_a_failure_there_is_left_to_the_questions_that_follow(
    answer: Callable[[], httpx.Response],
) -> None:
    service = Service(answer=answer)

    assert virtually(service.awaited()) is None
    assert len(service.asked) == 1


def test_half_of_the_places_stay_free_for_requests_that_do_something() -> None:
    service = Service(after=None, at_once=4)

    async def trial() -> list[Reply | None]:
        async with service.client() as http:
            waiting = [
                asyncio.create_task(http.awaited(f"/jobs/{n}", timedelta(seconds=1)))
                for n in range(5)
            ]
            return await asyncio.gather(*waiting)

    assert virtually(trial()) == [None] * 5
    assert service.asked == [f"{SYNC}/jobs/{n}" for n in range(2)]
