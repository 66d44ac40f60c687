"""A module that is to the engine what another is, and does something else."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from engine.module import Bundle, Context, Fields, Module

Execute: TypeAlias = Callable[[Fields, Context], Any]
"""As `Module.execute`, of one object."""


class _StandIn(Module[Fields, Bundle]):
    """Executes what it is given; the rest of a run goes to the module that it stands for."""

    id = "engine.stand_in"

    def __init__(self, module: Module[Any, Any], execute: Execute) -> None:
        self._module = module
        self._execute = execute

    def execute(self, fields: Fields, ctx: Context) -> Any:
        return self._execute(fields, ctx)

    async def initialize(self, constants: Mapping[str, Any], ctx: Context) -> None:
        await self._module.initialize(constants, ctx)

    async def commit(self, ctx: Context) -> None:
        await self._module.commit(ctx)

    async def rollback(self, ctx: Context) -> None:
        await self._module.rollback(ctx)


class _Alone(_StandIn):
    """Has nothing to do with the module that it stands for."""

    async def initialize(self, constants: Mapping[str, Any], ctx: Context) -> None:
        """Nothing can fail."""

    @classmethod
    def is_acid(cls, constants: Mapping[str, Any]) -> bool:
        return False


def standing_for(module: Module[Any, Any], execute: Execute, *, alone: bool) -> Module[Any, Any]:
    """Return a module with another's kind, effect and fields that executes something else.

    `alone`: the other module takes no part at all; else it is initialized, commits and rolls back.
    """
    own = type(module)
    facts: dict[str, Any] = {
        name: getattr(own, name) for name in ("id", "kind", "effect", "in_order")
    }
    if not alone:
        facts["is_acid"] = own.is_acid
    base = _Alone if alone else _StandIn
    made: type[_StandIn] = type(own.__name__, (base,), facts)
    made.input, made.output = own.input, own.output
    return made(module, execute)
