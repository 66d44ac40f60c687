"""Tools, "Set variable". Source: Fusion help, Tools."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from engine.module import Bundle, Context, Fields, Module


class SetFields(Fields):
    name: str = Field(min_length=1)
    """The variable to set; the bundle has one item of this name."""
    lifetime: Literal["cycle", "execution"] = "cycle"
    """Until when `tools.get_variable` finds it."""
    value: Any = None
    """What it is set to. What comes out empty sets it to null."""


class SetVariable(Module[SetFields, Bundle]):
    """Set a variable for later modules on any route, and emit one bundle with it.

    It is pure as `tools.set_variables` is: running it again sets the same value.
    """

    id = "tools.set_variable"

    def execute(self, fields: SetFields, ctx: Context) -> Iterable[Bundle]:
        ctx.variables.set(fields.name, fields.value, lifetime=fields.lifetime)
        return ({fields.name: fields.value},)

    @classmethod
    def variables_set(cls, constants: Mapping[str, Any]) -> Collection[str] | None:
        return (constants["name"],) if "name" in constants else None
