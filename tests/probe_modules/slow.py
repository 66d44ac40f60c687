"""Modules that take their time, and tell the run's watcher when they begin and end."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from engine.errors import DataError, InvalidAccessTokenError, RateLimitError
from engine.module import Bundle, Context, Effect, Fields, Kind, Module

FAILURES = {one.type_name: one for one in (DataError, InvalidAccessTokenError, RateLimitError)}


class SlowFields(Fields):
    name: str
    """Whom it works for."""
    seconds: float = 1
    """How long it takes."""
    fails: str | None = None
    """Type of the error at the end; left out: none."""
    attempts: int = 100
    """How many operations for that name fail."""


class Slow(Module[SlowFields, Bundle]):
    """An action that takes its time."""

    id = "slow.action"
    effect = Effect.WRITE

    async def execute(self, fields: SlowFields, ctx: Context) -> AsyncIterator[Bundle]:
        ctx.progress(0, text=f"+{fields.name}")
        failed = ctx.own_variables.get(fields.name) or 0
        try:
            await ctx.sleep(timedelta(seconds=fields.seconds))
        except asyncio.CancelledError:
            ctx.progress(0, text=f"!{fields.name}")
            raise
        ctx.progress(0, text=f"-{fields.name}")
        if fields.fails and failed < fields.attempts:
            ctx.own_variables.set(fields.name, failed + 1, lifetime="execution")
            raise FAILURES[fields.fails](f"cannot take {fields.name}")
        yield {"name": fields.name}


class SourceFields(Fields):
    count: int
    """How many bundles there are."""
    fail_after: int | None = None
    """Fail with a DataError after so many; None: never."""


class Source(Module[SourceFields, Bundle]):
    """A trigger that tells of each bundle that is taken from it."""

    id = "slow.source"
    kind = Kind.TRIGGER
    effect = Effect.READ

    async def execute(self, fields: SourceFields, ctx: Context) -> AsyncIterator[Bundle]:
        for number in range(1, fields.count + 1):
            if ctx.cursor.get(str(number)):
                continue
            if fields.fail_after is not None and number > fields.fail_after:
                raise DataError("the source broke")
            ctx.progress(0, text=f"*{number}")
            ctx.cursor.set(str(number), True)  # noqa: FBT003 - a mark is any JSON value
            yield {"nr": number}
