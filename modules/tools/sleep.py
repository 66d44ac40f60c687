"""Tools, "Sleep". Source: Fusion help, Tools."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

from engine.module import Context, Effect, Fields, Lengths, Module

_LENGTHS = Lengths(
    "seconds", timedelta(seconds=1), timedelta(seconds=300), "between 1 and 300 seconds"
)
Seconds = Annotated[timedelta, PlainValidator(_LENGTHS.read), WithJsonSchema(_LENGTHS.schema)]


class SleepFields(Fields):
    duration: Seconds
    """How long to wait, from 1 to 300 seconds: a number of seconds, or `90s`, `1m30s`."""


class Slept(Fields):
    """No items."""


class Sleep(Module[SleepFields, Slept]):
    """Wait, and let the bundle go on; the bundles behind it wait too."""

    id = "tools.sleep"
    effect = Effect.READ

    async def execute(self, fields: SleepFields, ctx: Context) -> AsyncIterator[Slept]:
        await ctx.sleep(fields.duration)
        yield Slept()
