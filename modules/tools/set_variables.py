"""Tools, "Set multiple variables". Source: Fusion help, Tools."""

from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from engine.module import Bundle, Context, Fields, Module


class SetFields(Fields):
    variables: dict[Annotated[str, Field(min_length=1)], Any] = Field(min_length=1)
    """Names and values; the bundle has an item of each name."""
    lifetime: Literal["cycle", "execution"] = "cycle"
    """Until when `tools.get_variables` finds them."""


class SetVariables(Module[SetFields, Bundle]):
    """Set variables for later modules on any route, and emit one bundle with them.

    It is pure although variables outlive it: they belong to the run, and running it again sets them
    to the same values.
    """

    id = "tools.set_variables"

    def execute(self, fields: SetFields, ctx: Context) -> Iterable[Bundle]:
        variables = fields.variables
        ctx.variables.set_all(variables, lifetime=fields.lifetime)
        return (variables,)

    @classmethod
    def variables_set(cls, constants: Mapping[str, Any]) -> Collection[str] | None:
        return constants.get("variables")
