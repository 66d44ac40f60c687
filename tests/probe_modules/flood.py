"""A source of any number of bundles that tells how many of them are still held by anybody."""

from collections.abc import Iterator
from weakref import WeakSet

from engine.errors import DataError
from engine.module import Bundle, Context, Fields, Kind, Module


class WatchedText(str):
    """A text that can be referred to without holding it."""

    __slots__ = ("__weakref__",)


class FloodFields(Fields):
    count: int
    """How many bundles to emit."""


class Flood(Module[FloodFields, Bundle]):
    """Emit bundles with a `text` each, and how many of the texts before are `held`."""

    id = "flood.source"
    kind = Kind.TRIGGER

    def execute(self, fields: FloodFields, ctx: Context) -> Iterator[Bundle]:
        alive: WeakSet[WatchedText] = WeakSet()
        for i in range(fields.count):
            held, text = len(alive), WatchedText(f"text {i}")
            alive.add(text)
            yield {"id": i, "text": text, "held": held}
            del text


class RefuseFields(Fields):
    text: str


class Refuse(Module[RefuseFields, Bundle]):
    """Fail on every bundle."""

    id = "flood.refuse"

    def execute(self, fields: RefuseFields, ctx: Context) -> Iterator[Bundle]:
        raise DataError(f"{fields.text} is refused")
