"""An action that waits at a gate until somebody opens it."""

import asyncio
from collections.abc import AsyncIterator
from typing import ClassVar

from engine.module import Bundle, Context, Effect, Fields, Module


class GateFields(Fields):
    name: str
    """Who waits."""


class Gate(Module[GateFields, Bundle]):
    """Wait until the gate is open."""

    id = "gate.pass"
    effect = Effect.WRITE
    open: ClassVar[asyncio.Event]
    news: ClassVar[asyncio.Event]
    inside: ClassVar[list[str]] = []
    most: ClassVar[int] = 0

    @classmethod
    def reset(cls) -> None:
        cls.open, cls.news, cls.inside, cls.most = asyncio.Event(), asyncio.Event(), [], 0

    @classmethod
    async def until(cls, count: int) -> None:
        """Wait until so many wait at the gate."""
        async with asyncio.timeout(60):
            while len(cls.inside) < count:
                cls.news.clear()
                await cls.news.wait()

    async def execute(self, fields: GateFields, ctx: Context) -> AsyncIterator[Bundle]:
        kind = type(self)
        kind.inside.append(fields.name)
        kind.most = max(kind.most, len(kind.inside))
        kind.news.set()
        try:
            await kind.open.wait()
        finally:
            kind.inside.remove(fields.name)
        yield {"name": fields.name}
