"""One node made ready to run: its fields mapped and validated, its module called.

The driver makes one `Operation` per node and run, and asks it for each bundle.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping
from operator import length_hint
from typing import Any

from pydantic import BaseModel, ValidationError

from engine.errors import MappingError, ModuleError
from engine.mapping.compile import Scope, World
from engine.model.bundle import Bundle, is_value
from engine.model.execution import NodeCount
from engine.module import Effect, Kind, Module, SearchFields
from engine.plan.plan import Node, Plan
from engine.run.context import NodeContext
from engine.run.explained import explained
from engine.run.surroundings import Stream


class Operation:
    """A module node of a plan in one run."""

    __slots__ = (
        "_constant",
        "_evaluate",
        "_execute",
        "_may_be_empty",
        "_module",
        "_validate",
        "acid",
        "changes",
        "commits_elsewhere",
        "context",
        "count",
        "leaves_traces",
        "node",
        "streams",
        "waits",
    )

    def __init__(self, node: Node, context: NodeContext, count: NodeCount) -> None:
        assert node.module is not None  # noqa: S101 - the driver makes operations of module nodes only
        self._module = node.module
        self._evaluate = node.fields.evaluate
        self._execute = node.module.execute
        self._validate = node.module.input.__pydantic_validator__.validate_python
        self._constant = (
            self._validate(dict(node.fields.constants)) if node.fields.is_constant else None
        )
        self._may_be_empty = issubclass(node.module.input, SearchFields)
        self.node = node
        self.context = context
        self.count = count
        self.streams = node.module.kind is not Kind.ACTION
        self.waits = node.module.effect is not Effect.PURE and not self.streams
        writes = node.module.effect is Effect.WRITE
        self.acid = node.acid
        """It can take back what it did."""
        self.changes = writes or self.acid
        """It changes something outside of the run."""
        self.commits_elsewhere = self.acid and type(node.module).commit is not Module.commit
        """It keeps data of its own outside of the store, and commits them there."""
        self.leaves_traces = self.commits_elsewhere if self.acid else writes
        """What it does outside of the store is done as soon as it runs, or commits by itself."""

    def compute(self, scope: Scope, ctx: NodeContext | None = None) -> list[Bundle]:
        """Run a pure action for one bundle, to its end; `ctx` as for `stream`."""
        called = self._called(scope, ctx)
        return [one if type(one) is dict else bundle_of(one) for one in called]

    def stream(self, scope: Scope, ctx: NodeContext | None = None) -> Stream:
        """Start the module for one bundle; it runs on as its outputs are taken.

        `ctx` is the operation's own context if it overlaps with others; else they share one.
        """
        called = self._called(scope, ctx)
        return called if isinstance(called, AsyncIterator) else iter(called)

    def fields_of(self, scope: Scope) -> Any:
        """Map and validate the fields. Raises MappingError and ValidationError as they come."""
        if self._constant is not None:
            return self._constant
        return self._validate(self._evaluate(scope))

    def begun(self, fields: Any, ctx: NodeContext) -> Stream:
        """Start the module with fields of `fields_of`, in a context of the operation's own."""
        self.context.operation += 1
        ctx.operation = self.context.operation
        called = self._execute(fields, ctx)
        if self._may_be_empty and fields.continue_if_no_results:
            return _or_one_empty(called)
        return called if isinstance(called, AsyncIterator) else iter(called)

    def finds_again(self, fields: Any) -> bool:
        """It can tell by its key what became of an operation with these fields."""
        return self._module.finds_again(fields)

    async def initialize(self) -> None:
        """See that the module can work."""
        await self._module.initialize(self.node.fields.constants, self.context)

    async def commit(self) -> None:
        """Make what it did last."""
        await self._module.commit(self.context)

    async def rollback(self) -> None:
        """Take back what it did."""
        await self._module.rollback(self.context)

    def _called(self, scope: Scope, ctx: NodeContext | None = None) -> Any:
        """Map and validate the fields, and call the module with them.

        Raises MappingError and ValidationError as they come; `explained` makes them presentable.
        """
        fields = self._constant
        if fields is None:
            fields = self._validate(self._evaluate(scope))
        context = self.context
        context.operation += 1
        if ctx is not None:
            ctx.operation = context.operation
            context = ctx
        called = self._execute(fields, context)
        if self._may_be_empty and fields.continue_if_no_results:
            return _or_one_empty(called)
        return called


async def _or_one_empty(found: Iterable[Any] | AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Yield what a search finds, or a bundle without items."""
    is_empty = True
    stream = found if isinstance(found, AsyncIterator) else iter(found)
    try:
        while (bundle := await next_of(stream)) is not None:
            is_empty = False
            yield bundle
    finally:
        await close(stream)
    if is_empty:
        yield {}


async def next_of(stream: Stream) -> Bundle | None:
    """Return the next bundle of a module, plain or async; None after the last."""
    if isinstance(stream, Iterator):
        return next_now(stream)
    try:
        return bundle_of(await anext(stream))
    except StopAsyncIteration:
        return None


def next_now(stream: Iterator[Any]) -> Bundle | None:
    """Return the next bundle of a plain module; None after the last."""
    try:
        output = next(stream)
    except StopIteration:
        return None
    return output if type(output) is dict else bundle_of(output)


async def all_of(stream: Stream) -> list[Bundle]:
    """Return all bundles of a module, plain or async, and close it."""
    try:
        if isinstance(stream, Iterator):
            return [bundle_of(output) for output in stream]
        return [bundle_of(output) async for output in stream]
    except BaseException:
        await close(stream)
        raise


async def from_first(stream: Stream) -> Stream:
    """Return a stream that has begun well; what fails before its first bundle is raised here."""
    first = await next_of(stream)
    return iter(()) if first is None else _with_first(first, stream)


async def _with_first(first: Bundle, stream: Stream) -> AsyncIterator[Bundle]:
    try:
        yield first
        while (bundle := await next_of(stream)) is not None:
            yield bundle
    finally:
        await close(stream)


def total_of(stream: Stream | list[Bundle]) -> int | None:
    """Return how many bundles there will be; None if nobody knows yet."""
    return length_hint(stream) if type(stream) in _COUNTABLE else None


_COUNTABLE: tuple[type, ...] = (list, type(iter([])), type(iter(())))


async def close(stream: Stream) -> None:
    """Close an async generator, however far it came; the others need no closing."""
    if isinstance(stream, AsyncGenerator):
        await stream.aclose()


def check_fields(node: Node, scope: Scope) -> None:
    """Map and validate a node's fields without running it. Raises ModuleError with a place."""
    try:
        fields = node.fields.evaluate(scope)
        if node.module is not None:
            node.module.input.model_validate(fields)
    except (MappingError, ValidationError) as error:
        raise explained(error, node, scope) from error


def mapped_fields(node: Node, scope: Scope) -> dict[str, Any] | None:
    """Return a node's fields as they are mapped, to be kept; None if they cannot be."""
    try:
        fields = node.fields.evaluate(scope)
    except ModuleError:
        return None
    return fields if is_value(fields) else None


def scope_of(
    plan: Plan, world: World, inputs: Mapping[str, Any], bundles: Mapping[str, Bundle]
) -> Scope:
    """Return what expressions see: the plan, the inputs, and bundles by node id."""
    scenario = {"id": plan.id, "name": plan.name}
    return {"": world, "inputs": inputs, "scenario": scenario, **bundles}


def bundle_of(output: Any) -> Bundle:
    """Return a module's output as a plain mapping; models inside it become mappings too."""
    if type(output) is dict:
        return output
    items = output if isinstance(output, BaseModel) else output.items()
    return {name: value if type(value) in _PLAIN else _plain(value) for name, value in items}


_PLAIN = frozenset({str, int, float, bool, type(None)})
"""Types of values in which there is no model."""


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return bundle_of(value)
    if isinstance(value, list) and any(isinstance(item, BaseModel) for item in value):
        return [_plain(item) for item in value]
    return value
