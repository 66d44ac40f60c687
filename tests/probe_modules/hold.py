"""An action that goes on once a file is there."""

from collections.abc import AsyncIterator
from datetime import timedelta

from engine.module import Bundle, Context, Effect, Fields, Module


class HoldFields(Fields):
    file: str
    """Name of the file, beside the scenario."""


class Until(Module[HoldFields, Bundle]):
    """Wait until a file is there."""

    id = "hold.until"
    effect = Effect.READ

    async def execute(self, fields: HoldFields, ctx: Context) -> AsyncIterator[Bundle]:
        while not (ctx.folder / fields.file).exists():
            await ctx.sleep(timedelta(milliseconds=20))
        yield {}
