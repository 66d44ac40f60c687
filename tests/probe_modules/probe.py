"""Modules that tests put into scenarios: they emit, record what comes, and fail on demand."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

from engine.errors import (
    DataError,
    InvalidAccessTokenError,
    ModuleError,
    ServiceConnectionError,
)
from engine.module import Bundle, Context, Effect, Fields, Kind, Module

FAILURES = {
    error.type_name: error
    for error in (DataError, InvalidAccessTokenError, ModuleError, ServiceConnectionError)
}


class EmitFields(Fields):
    bundles: list[dict[str, Any]]
    """What the trigger finds: one bundle each, unless its item `id` was taken before."""
    fail_after: int | None = None
    """Fail with a DataError after so many bundles; None: never."""


class Emit(Module[EmitFields, Bundle]):
    """A polling trigger with a cursor."""

    id = "probe.emit"
    kind = Kind.TRIGGER
    effect = Effect.READ

    async def execute(self, fields: EmitFields, ctx: Context) -> AsyncIterator[Bundle]:
        for index, bundle in enumerate(fields.bundles):
            if index == fields.fail_after:
                raise DataError("the source broke")
            if ctx.cursor.get(str(bundle["id"])) is None:
                ctx.cursor.set(str(bundle["id"]), True)  # noqa: FBT003 - a mark is any JSON value
                yield bundle


class RecordFields(Fields):
    text: str
    """What to write down."""
    fail: str | None = None
    """Type of the error to raise after writing; left out: none."""
    bug: bool = False
    """Raise something that is no ModuleError."""


class Recorded(Fields):
    text: str
    """What was written down."""


class Record(Module[RecordFields, Recorded]):
    """An action that leaves a line in `seen.txt` beside the scenario for each operation."""

    id = "probe.record"
    effect = Effect.WRITE

    async def execute(self, fields: RecordFields, ctx: Context) -> AsyncIterator[Recorded]:
        with (ctx.folder / "seen.txt").open("a") as seen:
            seen.write(f"{ctx.node_id}:{fields.text}\n")
        if fields.fail is not None:
            raise FAILURES[fields.fail](f"cannot take {fields.text}")
        if fields.bug:
            raise KeyError("surprise")
        yield Recorded(text=fields.text)


class PureFields(Fields):
    value: Any = None
    """What to pass on."""


class Pass(Module[PureFields, Bundle]):
    """A pure action that passes its value on."""

    id = "probe.pass"

    def execute(self, fields: PureFields, ctx: Context) -> Iterator[Bundle]:
        yield {"value": fields.value}


class WaitFields(Fields):
    minutes: float
    """How long it takes."""


class Wait(Module[WaitFields, Bundle]):
    """An action that takes its time."""

    id = "probe.wait"
    effect = Effect.READ

    async def execute(self, fields: WaitFields, ctx: Context) -> AsyncIterator[Bundle]:
        await ctx.sleep(timedelta(minutes=fields.minutes))
        yield {}


class SearchFields(Fields):
    count: int
    """How many bundles to find."""


class Search(Module[SearchFields, Bundle]):
    """A search that finds numbered bundles."""

    id = "probe.search"
    kind = Kind.SEARCH

    def execute(self, fields: SearchFields, ctx: Context) -> Iterator[Bundle]:
        for number in range(fields.count):
            yield {"number": number}
