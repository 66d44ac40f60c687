"""An action that raises an error of any type, by name."""

from collections.abc import AsyncIterator

from engine.errors import ThrownError
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
