"""Tools, "Get multiple variables". Source: Fusion help, Tools."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Annotated, Any

from pydantic import Field

from engine.module import Bundle, Context, Effect, Fields, Module


class GetFields(Fields):
    names: list[Annotated[str, Field(min_length=1)]] = Field(min_length=1)
    """The variables to get."""


class GetVariables(Module[GetFields, Bundle]):
    """Emit one bundle with what modules executed earlier, on any route, have set.

    A variable that nobody has set is null. It reads what its fields do not say, so its effect is
    `read`: a run that goes on after a crash finds what this operation found, not what others have
    set since.
    """

    id = "tools.get_variables"
    effect = Effect.READ

    async def execute(self, fields: GetFields, ctx: Context) -> AsyncIterator[Bundle]:
        yield {name: ctx.variables.get(name) for name in fields.names}

    @classmethod
    def variables_read(cls, constants: Mapping[str, Any]) -> Collection[str] | None:
        return constants.get("names")
