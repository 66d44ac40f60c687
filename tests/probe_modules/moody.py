"""Modules that behave as a test wants, operation by operation, and tell what they did."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from typing import Any, ClassVar

from engine.errors import DataError, ServiceConnectionError
from engine.module import Bundle, Context, Effect, Fields, Kind, Module


class SourceFields(Fields):
    """None: the bundles are those of `Source.items`."""


class Source(Module[SourceFields, Bundle]):
    """A polling trigger of numbered items."""

    id = "moody.source"
    kind = Kind.TRIGGER
    effect = Effect.READ
    items: ClassVar[int] = 0
    """How many there are."""

    async def execute(self, fields: SourceFields, ctx: Context) -> AsyncIterator[Bundle]:
        for number in range(1, type(self).items + 1):
            if ctx.cursor.get(str(number)) is None:
                ctx.cursor.set(str(number), True)  # noqa: FBT003 - a mark is any JSON value
                yield {"id": number, "word": "plain"}


class ActFields(Fields):
    item: int
    word: str


class Act(Module[ActFields, Bundle]):
    """An action with one effect for each operation, under its key.

    Moods: `fail` and `lose` end it before its effect; `late` fails after it and can be taken up;
    `die` and `die late` end the process; `freeze` lets it stand still after the effect.
    """

    id = "moody.act"
    effect = Effect.WRITE
    moods: ClassVar[dict[tuple[str, int], list[str]]] = {}
    """What the next operations of a node on an item are like; none: they succeed."""
    keys: ClassVar[set[str]] = set()
    effects: ClassVar[Counter[tuple[str, int]]] = Counter()
    trace: ClassVar[list[tuple[str, int, str]]] = []
    """Node, item and act of each operation, in the words of replay plans."""
    end: ClassVar[type[BaseException]]
    """How a process dies."""
    stand_still: ClassVar[Callable[[], Awaitable[None]]]

    @classmethod
    def reset(cls) -> None:
        cls.moods, cls.keys, cls.effects, cls.trace = {}, set(), Counter(), []

    def finds_again(self, fields: ActFields) -> bool:
        return True

    @classmethod
    def takes_up(cls, earlier: Mapping[str, Any], changed: Collection[str]) -> str | None:
        return f"act {earlier['act']}" if "act" in earlier and not changed else None

    async def execute(self, fields: ActFields, ctx: Context) -> AsyncIterator[Bundle]:
        kind, place = type(self), (ctx.node_id, fields.item)
        moods = kind.moods.get(place, [])
        mood = moods.pop(0) if moods else ""
        is_same = ctx.earlier.get("word") == fields.word
        kind.trace.append((*place, "RE-ATTACH" if is_same else "RUN"))
        if mood == "die":
            raise kind.end
        if mood == "fail":
            raise DataError("not in the mood")
        if mood == "lose":
            raise ServiceConnectionError("the line is cut")
        is_there = is_same or (ctx.in_doubt and ctx.operation_key in kind.keys)
        if not is_there:
            kind.keys.add(ctx.operation_key)
            kind.effects[place] += 1
        if mood == "die late":
            raise kind.end
        if mood == "late":
            detail = {"act": ctx.operation_key, "word": fields.word}
            raise DataError("it was too late", detail=detail)
        if mood == "freeze":
            await kind.stand_still()
        yield {"item": fields.item}
