"""The source of the benchmarks' bundles, the same data for every engine, and a step that fails.

`durable.*` are W6's: a source and two steps that read, so that what each gives is journaled.
"""

from collections.abc import AsyncIterator, Iterable, Iterator

from engine.errors import DataError
from engine.module import Bundle, Context, Effect, Fields, Kind, Module


class SourceFields(Fields):
    count: int
    """How many bundles to emit."""


def users(count: int) -> Iterator[Bundle]:
    for i in range(count):
        yield {
            "id": i,
            "name": f"User {i}",
            "email": f"user{i}@example.com",
            "qty": i % 10 + 1,
            "price": i % 100 + 0.5,
            "active": i % 2 == 0,
        }


class Source(Module[SourceFields, Bundle]):
    """Emit numbered users, one at a time."""

    id = "bench.source"
    kind = Kind.TRIGGER

    def execute(self, fields: SourceFields, ctx: Context) -> Iterator[Bundle]:
        return users(fields.count)


class StepFields(Fields):
    number: int
    failing: str
    """Last digits of the numbers that the step fails on."""


class Stepped(Fields):
    number: int
    outcome: str


class Step(Module[StepFields, Stepped]):
    """Pass a number on, or fail on it."""

    id = "bench.step"

    def execute(self, fields: StepFields, ctx: Context) -> Iterable[Stepped]:
        if str(fields.number)[-1] in fields.failing:
            raise DataError(f"{fields.number} is not to be had")
        return (Stepped(number=fields.number, outcome="through"),)


class DurableSource(Module[SourceFields, Bundle]):
    """Emit numbered users, one at a time."""

    id = "durable.source"
    kind = Kind.TRIGGER
    effect = Effect.READ

    async def execute(self, fields: SourceFields, ctx: Context) -> AsyncIterator[Bundle]:
        for user in users(fields.count):
            yield user


class UserFields(Fields):
    id: int
    name: str
    qty: float
    price: float


class User(Module[UserFields, Bundle]):
    """Read what a user has ordered."""

    id = "durable.user"
    effect = Effect.READ

    async def execute(self, fields: UserFields, ctx: Context) -> AsyncIterator[Bundle]:
        total = fields.qty * fields.price
        yield {"id": fields.id, "label": fields.name.upper(), "total": total}


class LookedUpFields(Fields):
    id: int
    total: float
    active: bool


class LookedUp(Module[LookedUpFields, Bundle]):
    """Read whether a user is active."""

    id = "durable.looked_up"
    effect = Effect.READ

    async def execute(self, fields: LookedUpFields, ctx: Context) -> AsyncIterator[Bundle]:
        yield {"id": fields.id, "total": fields.total, "active": fields.active}
