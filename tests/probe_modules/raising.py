"""Actions that raise an error of any type, by name, and one whose outcome nobody knows."""

from collections.abc import AsyncIterator

from engine.errors import OutcomeUnknownError, ThrownError
from engine.module import Bundle, Context, Effect, Fields, Module


class RaiseFields(Fields):
    type: str | None = None
    """Type of the error; left out: none."""


class Any(Module[RaiseFields, Bundle]):
    """Raise an error of the type."""

    id = "raising.any"
    effect = Effect.READ

    async def execute(self, fields: RaiseFields, ctx: Context) -> AsyncIterator[Bundle]:
        if fields.type is not None:
            raise ThrownError(fields.type, "as told", detail={})
        yield {}


class Doubt(Module[Fields, Bundle]):
    """End as if the process had died amid a request."""

    id = "raising.doubt"
    effect = Effect.WRITE

    async def execute(self, fields: Fields, ctx: Context) -> AsyncIterator[Bundle]:
        raise OutcomeUnknownError.of("Pay a bill", ctx.operation_key)
        yield {}
