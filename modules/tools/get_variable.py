"""Tools, "Get variable". Source: Fusion help, Tools."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

from pydantic import Field

from engine.module import Bundle, Context, Effect, Fields, Module


class GetFields(Fields):
    name: str = Field(min_length=1)
    """The variable to get; the bundle has one item of this name."""


class GetVariable(Module[GetFields, Bundle]):
    """Emit one bundle with what a module executed earlier, on any route, has set.

    A variable that nobody has set is null. Its effect is that of `tools.get_variables`, for the
    same reason. Assumed: the item has the variable's name, as that of `tools.set_variable` has.
    """

    id = "tools.get_variable"
    effect = Effect.READ

    async def execute(self, fields: GetFields, ctx: Context) -> AsyncIterator[Bundle]:
        yield {fields.name: ctx.variables.get(fields.name)}

    @classmethod
    def variables_read(cls, constants: Mapping[str, Any]) -> Collection[str] | None:
        return (constants["name"],) if "name" in constants else None
