"""The delay call: GET of a server that takes its time; and how long all such calls took."""

import time
from collections.abc import AsyncIterator, Mapping

from engine.module import (
    Connection,
    ConnectionFields,
    Connector,
    Context,
    Credential,
    Effect,
    Fields,
    Module,
)


class DelayConnection(ConnectionFields):
    base_url: str
    token: Credential

    def connect(self, secrets: Mapping[str, str]) -> Connection:
        return Connection(self.base_url, secrets["token"])


class Item(Fields):
    i: int


class Taken(Fields):
    wall: float
    """Seconds since the first call began."""
    cpu: float
    """Seconds of this process and its threads since then."""


class Nothing(Fields):
    pass


began: list[tuple[float, float]] = []
"""Wall and CPU seconds when the first call of this process began."""


class Get(Module[Item, Item]):
    """Get one item."""

    id = "delay.get"
    effect = Effect.READ

    async def execute(self, fields: Item, ctx: Context) -> AsyncIterator[Item]:
        if not began:
            began.append((time.perf_counter(), time.process_time()))
        reply = await ctx.http.request("GET", f"/items/{fields.i}")
        yield Item(i=reply.body["i"])


class Read(Module[Nothing, Taken]):
    """Read how long it took since the first call began."""

    id = "delay.read"
    effect = Effect.READ

    async def execute(self, fields: Nothing, ctx: Context) -> AsyncIterator[Taken]:
        wall, cpu = began[0]
        yield Taken(wall=time.perf_counter() - wall, cpu=time.process_time() - cpu)


connector = Connector(
    name="delay",
    title="Delay",
    modules={"get": "user_modules.delay:Get", "read": "user_modules.delay:Read"},
    connection=DelayConnection,
)
