"""CloudConvert's wire as a list of answers, for modules of which each request is to be seen."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from clocks import StandingClock, never
from cloudconvert_fake import BASE, KEY
from contexts import World, outputs

from engine.connect.client import HttpClient
from engine.module import Bundle, Connection, Module

Answer = httpx.Response | BaseException

GONE = httpx.Response(404, json={"message": "Not found.", "code": "NOT_FOUND"})
RESET = httpx.ReadError("reset")
SILENCE = httpx.ReadTimeout("nothing")


def data(value: Any, status: int = 200, **more: Any) -> httpx.Response:
    return httpx.Response(status, json={"data": value, **more})


def refused(status: int, code: str, message: str, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "message": message}, headers=headers)


@dataclass
class Script:
    """`answers` maps `METHOD /path` to what is answered in turn; the last one stays.

    Unexpected requests fail the test.
    """

    answers: dict[str, list[Answer]]
    asked: list[httpx.Request] = field(default_factory=list)
    clock: StandingClock = field(default_factory=StandingClock)

    @property
    def lines(self) -> list[str]:
        """The requests as `METHOD /path`, in order."""
        return [f"{request.method} {request.url.path}" for request in self.asked]

    @property
    def queries(self) -> list[dict[str, str]]:
        return [dict(request.url.params) for request in self.asked]

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content or b"null") for request in self.asked]

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answers = self.answers[self.lines[-1]]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def http(self) -> HttpClient:
        transport = httpx.MockTransport(self.answer)
        return HttpClient(
            Connection(BASE, KEY), clock=self.clock, transport=transport, chance=never
        )

    async def run(
        self,
        module: type[Module[Any, Any]],
        folder: Path,
        fields: Mapping[str, Any],
        earlier: Mapping[str, Any] | None = None,
    ) -> list[Bundle]:
        """Run a module; `earlier` is the detail of the failure that is replayed."""
        async with self.http() as http:
            world = World(folder, http=http)
            world.earlier = dict(earlier or {})
            return await outputs(module, fields, world)
