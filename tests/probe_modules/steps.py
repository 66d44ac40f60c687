"""Modules of random scenarios: each tells the run's watcher what it reads, and fails as told."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from engine import errors
from engine.module import Bundle, Context, Effect, Fields, Kind, Module

FAILURES = {
    error.type_name: error
    for error in (
        errors.DataError,
        errors.DuplicateDataError,
        errors.InvalidAccessTokenError,
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
    faults: dict[str, str] = {}
    """Types of the errors by number of the call."""


def begun(fields: StepFields, ctx: Context) -> int:
    """Tell what is read, fail if this call is to, and return its number."""
    number = int(ctx.operation_key.rpartition("-")[2])
    ctx.progress(0, text=fields.reads)
    if str(number) in fields.faults:
        raise FAILURES[fields.faults[str(number)]](f"call {number} fails")
    return number


def outputs(fields: StepFields, ctx: Context) -> Iterator[Bundle]:
    number = begun(fields, ctx)
    for index, bundle in enumerate(fields.emits, 1):
        yield {"text": f"{ctx.node_id}.{number}.{index}", **bundle}


class Plain(Module[StepFields, Bundle]):
    """A pure action."""

    id = "steps.plain"

    def execute(self, fields: StepFields, ctx: Context) -> Iterator[Bundle]:
        return outputs(fields, ctx)


class Waiting(Module[StepFields, Bundle]):
    """An action that changes something outside."""

    id = "steps.waiting"
    effect = Effect.WRITE

    async def execute(self, fields: StepFields, ctx: Context) -> AsyncIterator[Bundle]:
        for bundle in outputs(fields, ctx):
            yield bundle


class Search(Module[StepFields, Bundle]):
    """A search that emits as it finds."""

    id = "steps.search"
    kind = Kind.SEARCH
    effect = Effect.READ

    async def execute(self, fields: StepFields, ctx: Context) -> AsyncIterator[Bundle]:
        for bundle in outputs(fields, ctx):
            yield bundle


class PollFields(StepFields):
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
        begun(fields, ctx)
        taken = set(ctx.cursor.keys())
        fresh = [bundle for bundle in fields.bundles if bundle["id"] not in taken]
        for bundle in fresh[: fields.limit]:
            ctx.cursor.set(bundle["id"], True)  # noqa: FBT003 - a mark is any JSON value
            yield bundle
