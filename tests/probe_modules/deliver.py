"""A module that can tell by its key what it has done, as services can that take a tag."""

from collections.abc import AsyncIterator

from engine.errors import ModuleTimeoutError
from engine.module import Context, Effect, Fields, Module


class DeliverFields(Fields):
    text: str
    """What to deliver."""
    late: bool = False
    """It is delivered, but the answer comes too late, unless it was there before."""


class Delivered(Fields):
    key: str
    """Under which it was delivered."""
    text: str
    """What was delivered."""


class Deliver(Module[DeliverFields, Delivered]):
    """An action that leaves a line `KEY TEXT` in `delivered.txt` beside the scenario."""

    id = "deliver.parcel"
    effect = Effect.WRITE

    def finds_again(self, fields: DeliverFields) -> bool:
        return True

    async def execute(self, fields: DeliverFields, ctx: Context) -> AsyncIterator[Delivered]:
        path, line = ctx.folder / "delivered.txt", f"{ctx.operation_key} {fields.text}\n"
        is_there = path.exists() and line in path.read_text()
        if not is_there:
            with path.open("a") as delivered:
                delivered.write(line)
            if fields.late:
                raise ModuleTimeoutError("no answer")
        yield Delivered(key=ctx.operation_key, text=fields.text)
