"""An action that goes on once enough of its operations are under way, and counts them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import ClassVar

from engine.errors import ServiceConnectionError
from engine.module import Bundle, Context, Effect, Fields, Module


class GaugeFields(Fields):
    name: str
    """Whom it works for."""
    together: int = 1
    """How many must be under way before one ends."""
    patience: float = 0
    """Seconds that one waits for company besides."""


class Gauge(Module[GaugeFields, Bundle]):
    """Fail in a run, pass in a retry, in company."""

    id = "gauge.pass"
    effect = Effect.WRITE
    retries: ClassVar[bool] = False
    inside: ClassVar[int] = 0
    most: ClassVar[int] = 0
    passed: ClassVar[list[str]] = []
    enough: ClassVar[asyncio.Condition]

    async def execute(self, fields: GaugeFields, ctx: Context) -> AsyncIterator[Bundle]:
        kind = type(self)
        if not kind.retries:
            raise ServiceConnectionError("not yet")
        kind.inside += 1
        kind.most = max(kind.most, kind.inside)
        kind.passed.append(fields.name)
        try:
            async with asyncio.timeout(30), kind.enough:
                kind.enough.notify_all()
                await kind.enough.wait_for(lambda: len(kind.passed) % fields.together == 0)
            with suppress(TimeoutError):
                async with asyncio.timeout(fields.patience), kind.enough:
                    await kind.enough.wait_for(lambda: kind.inside > 1)
        finally:
            kind.inside -= 1
        yield {"name": fields.name}
