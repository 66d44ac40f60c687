"""The source of the benchmarks' bundles: the same data for every engine."""

from collections.abc import Iterator

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
