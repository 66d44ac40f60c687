"""Tools, "Increment function". Source: Fusion help, Tools."""

from collections.abc import AsyncIterator
from typing import Literal

from engine.module import Context, Effect, Fields, Module


class IncrementFields(Fields):
    reset_after: Literal["cycle", "execution"]
    """After what the number begins at 1 again."""


class Incremented(Fields):
    i: int
    """The number: 1 for the first bundle, and one more for each that follows."""


class Increment(Module[IncrementFields, Incremented]):
    """Number the bundles that come by, each node for itself.

    It gives what its fields do not say, so its effect is `read`, as that of `tools.get_variables`.
    """

    id = "tools.increment"
    effect = Effect.READ

    async def execute(self, fields: IncrementFields, ctx: Context) -> AsyncIterator[Incremented]:
        number = (ctx.own_variables.get("i") or 0) + 1
        ctx.own_variables.set("i", number, lifetime=fields.reset_after)
        yield Incremented(i=number)
