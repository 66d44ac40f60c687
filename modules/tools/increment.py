"""Tools, "Increment function". Source: Fusion help, Tools."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal

from engine.module import Context, Effect, Fields, Module


class IncrementFields(Fields):
    reset_after: Literal["never", "cycle", "execution"]
    """After what the number begins at 1 again. One that never does goes on in the next run, and
    goes back when the cycle is rolled back."""


class Incremented(Fields):
    i: int
    """The number: 1 for the first bundle, and one more for each that follows."""


class Increment(Module[IncrementFields, Incremented]):
    """Number the bundles that come by, each node for itself.

    It gives what its fields do not say, so its effect is `read`, as that of `tools.get_variables`.
    """

    id = "tools.increment"
    effect = Effect.READ
    acid = True
    in_order = True

    @classmethod
    def is_acid(cls, constants: Mapping[str, Any]) -> bool:
        """Only a number that outlives the run is worth a transaction; a mapped field may say so."""
        return bool(constants.get("reset_after", "never") == "never")

    async def execute(self, fields: IncrementFields, ctx: Context) -> AsyncIterator[Incremented]:
        if fields.reset_after == "never":
            number = (ctx.cursor.get("i") or 0) + 1
            ctx.cursor.set("i", number)
        else:
            number = (ctx.own_variables.get("i") or 0) + 1
            ctx.own_variables.set("i", number, lifetime=fields.reset_after)
        yield Incremented(i=number)
