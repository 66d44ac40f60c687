"""Modules of random scenarios: each tells the run's watcher what it reads, and fails as told.

What one does depends on what it reads and on how often it has read that in this cycle, never on
what ran at the same time; so it does the same however many operations overlap. `emitted` and
`fault` stand a second time in the reference interpreter.
"""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from datetime import timedelta
from typing import Any
from zlib import crc32

from engine import errors
from engine.module import Bundle, Context, Effect, Fields, Kind, Module, SearchFields

FAILURES = {
    error.type_name: error
    for error in (
        errors.DataError,
        errors.DuplicateDataError,
        errors.InvalidAccessTokenError,
        errors.MaxFileSizeExceededError,
        errors.ModuleError,
        errors.RateLimitError,
        errors.ServiceConnectionError,
    )
}


class StepFields(Fields):
    reads: str
    """What the node reads of earlier bundles."""
    emits: list[dict[str, Any]] = []
    """What each operation emits, with an item `text` of its own added."""
    faults: list[list[str]] = []
    """Types of errors, attempt by attempt; what is read chooses the row. One type and `always`:
    no attempt succeeds."""
    sets: str | None = None
    """Variable that is set to what is read; its name is its lifetime."""
    gets: str | None = None
    """Variable that is read as well."""


class Step(Module[StepFields, Bundle]):
    """A pure action."""

    id = "steps.plain"

    def execute(self, fields: StepFields, ctx: Context) -> Any:
        return emitted(begun(fields, ctx), fields, ctx)

    @classmethod
    def variables_read(cls, constants: Mapping[str, Any]) -> Collection[str] | None:
        name = constants.get("gets")
        return [name] if name else ()

    @classmethod
    def variables_set(cls, constants: Mapping[str, Any]) -> Collection[str] | None:
        name = constants.get("sets")
        return [name] if name else ()


def begun(fields: StepFields, ctx: Context, *, counted: str = "cycle") -> str:
    """Tell what is read, set what is to be set, fail if this attempt is to, and return the text."""
    text = fields.reads
    if fields.gets:
        text += f"={ctx.variables.get(fields.gets) or ''}"
    ctx.progress(0, text=text)
    if fields.sets:
        ctx.variables.set(fields.sets, text, lifetime=fields.sets)
    attempt = (ctx.own_variables.get(text) or 0) + 1
    ctx.own_variables.set(text, attempt, lifetime=counted)
    row = fields.faults[crc32(text.encode()) % len(fields.faults)] if fields.faults else []
    if row[-1:] == ["always"]:
        attempt = 1
    if attempt <= len(row):
        raise FAILURES[row[attempt - 1]](f"attempt {attempt} fails")
    return text


def emitted(text: str, fields: StepFields, ctx: Context) -> Iterator[Bundle]:
    mark = crc32(text.encode()) % 1000
    for index, bundle in enumerate(fields.emits, 1):
        yield {"text": f"{ctx.node_id}.{mark}.{index}", **bundle}


async def rest(text: str, ctx: Context) -> None:
    """Take a while that depends on what is read, so that later operations end earlier."""
    await ctx.sleep(timedelta(seconds=crc32(text.encode()) % 7))


class Waiting(Step):
    """An action that changes something outside, and takes its time."""

    id = "steps.waiting"
    effect = Effect.WRITE

    async def execute(self, fields: StepFields, ctx: Context) -> AsyncIterator[Bundle]:
        await rest(fields.reads, ctx)
        for bundle in emitted(begun(fields, ctx), fields, ctx):
            yield bundle


class Acid(Step):
    """An action with data of its own: all that it has read, in order."""

    id = "steps.acid"
    effect = Effect.WRITE
    acid = True

    async def execute(self, fields: StepFields, ctx: Context) -> AsyncIterator[Bundle]:
        text = begun(fields, ctx)
        ctx.cursor.set("read", [*(ctx.cursor.get("read") or []), text])
        for bundle in emitted(text, fields, ctx):
            yield bundle

    async def commit(self, ctx: Context) -> None:
        ctx.progress(0, text="commit")

    async def rollback(self, ctx: Context) -> None:
        ctx.progress(0, text="roll back")


class FindFields(StepFields, SearchFields):
    breaks: tuple[int, str] | None = None
    """After how many bundles it fails, and with what."""


class Search(Module[FindFields, Bundle]):
    """A search that emits as it finds."""

    id = "steps.search"
    kind = Kind.SEARCH
    effect = Effect.READ
    variables_read = Step.variables_read
    variables_set = Step.variables_set

    async def execute(self, fields: FindFields, ctx: Context) -> AsyncIterator[Bundle]:
        text = begun(fields, ctx)
        for index, bundle in enumerate(emitted(text, fields, ctx)):
            broken(fields, index)
            yield bundle
            await rest(f"{text}{index}", ctx)
        broken(fields, len(fields.emits))


def broken(fields: FindFields, index: int) -> None:
    if fields.breaks and fields.breaks[0] == index:
        raise FAILURES[fields.breaks[1]]("breaks midway")


class PollFields(FindFields):
    bundles: list[dict[str, Any]]
    """What there is, each with an `id`."""
    limit: int
    """Most bundles of a cycle."""


class Poll(Module[PollFields, Bundle]):
    """A polling trigger with a cursor: a bundle is emitted until it has been taken."""

    id = "steps.poll"
    kind = Kind.TRIGGER
    effect = Effect.READ

    async def execute(self, fields: PollFields, ctx: Context) -> AsyncIterator[Bundle]:
        begun(fields, ctx, counted="execution")
        taken = set(ctx.cursor.keys())
        fresh = [bundle for bundle in fields.bundles if bundle["id"] not in taken]
        for index, bundle in enumerate(fresh[: fields.limit]):
            broken(fields, index)
            ctx.cursor.set(bundle["id"], True)  # noqa: FBT003 - a mark is any JSON value
            yield bundle
            await rest(bundle["id"], ctx)
        broken(fields, len(fresh[: fields.limit]))
