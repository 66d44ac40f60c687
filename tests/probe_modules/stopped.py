"""Modules that let their own process be told to stop: a signal comes while they work.

The file `stop` beside the scenario names the node and the signal; whoever reads it takes it away.
"""

import os
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

from engine.module import Bundle, Context, Effect, Fields, Kind, Module

LONG = timedelta(hours=1)


def told_to_stop(ctx: Context) -> bool:
    """Send this process the signal that is meant for the node; false if there is none."""
    path = ctx.folder / "stop"
    if not path.exists():
        return False
    node_id, _, signum = path.read_text().partition(" ")
    if node_id != ctx.node_id:
        return False
    path.unlink()
    os.kill(os.getpid(), int(signum))
    return True


class SourceFields(Fields):
    count: int
    """How many bundles there are."""


class Source(Module[SourceFields, Bundle]):
    """A polling trigger; the signal comes between its first bundle and its second."""

    id = "stopped.source"
    kind = Kind.TRIGGER
    effect = Effect.READ

    async def execute(self, fields: SourceFields, ctx: Context) -> AsyncIterator[Bundle]:
        for number in range(1, fields.count + 1):
            if ctx.cursor.get(str(number)) is None:
                if number > 1 and told_to_stop(ctx):
                    await ctx.sleep(LONG)
                ctx.cursor.set(str(number), True)  # noqa: FBT003 - a mark is any JSON value
                yield {"id": number}


class PassFields(Fields):
    value: int
    """What to pass on."""


class Pass(Module[PassFields, Bundle]):
    """A pure action; it cannot be cut off, so it ends before the signal is heard."""

    id = "stopped.pass"

    def execute(self, fields: PassFields, ctx: Context) -> Iterator[Bundle]:
        told_to_stop(ctx)
        yield {"value": fields.value}


class Wait(Module[PassFields, Bundle]):
    """An action that waits for long once the signal has come."""

    id = "stopped.wait"
    effect = Effect.READ

    async def execute(self, fields: PassFields, ctx: Context) -> AsyncIterator[Bundle]:
        if told_to_stop(ctx):
            await ctx.sleep(LONG)
        yield {"value": fields.value}
