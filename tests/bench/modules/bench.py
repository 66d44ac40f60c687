"""The source of the benchmarks' bundles, the same data for every engine, and a step that fails."""

from collections.abc import Iterable, Iterator

from engine.errors import DataError
from engine.module import Bundle, Context, Fields, Kind, Module


class SourceFields(Fields):
    count: int
    """How many bundles to emit."""


class Source(Module[SourceFields, Bundle]):
    """Emit numbered users, one at a time."""

    id = "bench.source"
    kind = Kind.TRIGGER

    def execute(self, fields: SourceFields, ctx: Context) -> Iterator[Bundle]:
        for i in range(fields.count):
            yield {
                "id": i,
                "name": f"User {i}",
                "email": f"user{i}@example.com",
                "qty": i % 10 + 1,
                "price": i % 100 + 0.5,
                "active": i % 2 == 0,
            }


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
