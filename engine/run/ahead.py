"""Operations that run before their turn, so that those of a node with `concurrency` overlap.

A source hands its bundles on in order, as always. While one is on its way, the bundles behind it
are pulled and *scouted*: each goes the straight way to the nodes whose operations may overlap, and
what its operations gave or failed with is kept. When its turn comes, the bundle travels as if
nothing had happened, and takes up at each node what is there (`done`). So order, handling of
errors, variables and counts are those of one operation at a time.

`travel` is the only caller.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from engine.mapping.compile import Scope
from engine.model.bundle import Bundle
from engine.plan.plan import Filter, Flow, Node, NodeKind, Plan
from engine.run.context import NodeContext
from engine.run.cursor import VariablesAhead
from engine.run.failing import Failures
from engine.run.operation import close, next_of
from engine.run.parts import Parts
from engine.run.ports import Watcher
from engine.run.routing import open_routes
from engine.run.surroundings import Stream

Onward: TypeAlias = tuple[Flow, int]

Perform: TypeAlias = Callable[[Node, Scope, NodeContext | None], Awaitable[list[Bundle]]]


class Scoped(Protocol):
    """Gives a bundle of a source the scope in which it travels."""

    def __call__(self, bundle: Bundle, *, position: int) -> Scope: ...


@dataclass(frozen=True, slots=True)
class Done:
    """What a node made of a bundle before its turn: what it emitted, or what it failed with."""

    outcome: list[Bundle] | Exception
    variables: VariablesAhead


class Ahead:
    """All windows of one run. `nodes` are those that may run before their turn."""

    def __init__(
        self, plan: Plan, parts: Parts, failures: Failures, watcher: Watcher, perform: Perform
    ) -> None:
        self._sources = {name: source for source, names in plan.ahead.items() for name in names}
        self.nodes = self._sources.keys()
        self._plan = plan
        self._parts = parts
        self._failures = failures
        self._watcher = watcher
        self._perform = perform
        self._on_its_way: dict[str, _Scout] = {}

    async def window(
        self, source: Node, stream: Stream, onward: Onward, scoped: Scoped, emitted: int = 0
    ) -> AsyncGenerator[Bundle]:
        """Yield the bundles of one operation of `source` in order, with work for later ones begun.

        `scoped` gives the scope of one, `emitted` is how many came before. Closed early, it lets
        what has begun go on to its end and tells of it; if the run has been interrupted, it cancels
        it.
        """
        window = _Window(self, source, stream, onward, scoped, emitted)
        try:
            while (scout := await window.next()) is not None:
                self._on_its_way[source.id] = scout
                yield scout.bundle
        finally:
            self._on_its_way.pop(source.id, None)
            await window.close()

    async def done(self, node: Node) -> list[Bundle] | None:
        """Return what a node has made of the bundle on its way; None: it has not run for it.

        Raises what it failed with.
        """
        scout = self._on_its_way.get(self._sources[node.id])
        done = None if scout is None else await scout.done[node.id]
        if scout is None or done is None:
            return None
        scout.taken.add(node.id)
        done.variables.apply(self._parts.variables)
        if isinstance(done.outcome, Exception):
            raise done.outcome
        return done.outcome

    async def operated(self, node: Node, scope: Scope, variables: VariablesAhead) -> Done:
        """Run an action for a bundle before its turn; whatever fails is kept for that."""
        try:
            ctx = self._parts.operations[node.id].context.ahead(variables)
            return Done(await self._perform(node, scope, ctx), variables)
        except Exception as error:
            return Done(error, variables)

    def of(self, source: Node) -> Mapping[str, int]:
        """Return the nodes that may run ahead of a source, with their `concurrency`."""
        return self._plan.ahead[source.id]

    def is_shut(self, node: Node) -> bool:
        return self._failures.is_shut(node)

    def fresh_variables(self) -> VariablesAhead:
        return VariablesAhead(self._parts.variables)

    def set_marks_aside(self, source: Node) -> None:
        """What a trigger has set belongs to the bundle that it has just emitted."""
        if source is self._plan.trigger:
            self._parts.cursor.set_aside()

    def tell_unused(self, scouts: "list[_Scout]") -> None:
        """Count and tell what was done for bundles that did not get there in their turn."""
        finished: Counter[str] = Counter()
        failed: Counter[str] = Counter()
        for scout in scouts:
            for name, done in scout.unused():
                operation = self._parts.operations.get(name)
                if operation is None or not operation.waits:
                    continue
                if isinstance(done.outcome, list):
                    finished[name] += 1
                    operation.count.operations += 1
                elif isinstance(done.outcome, Exception):
                    failed[name] += 1
                    operation.count.failed += 1
        for name in finished | failed:
            self._watcher.note(
                f"`{name}` had begun on {finished[name] + failed[name]} later bundles: "
                f"{finished[name]} finished, {failed[name]} failed; nothing went on with that"
            )


@dataclass(eq=False)
class _Scout:
    """A bundle ahead of its turn. `begun` and `done` have a future for each node that may run."""

    bundle: Bundle
    begun: dict[str, asyncio.Future[None]]
    done: dict[str, asyncio.Future[Done | None]]
    taken: set[str] = field(default_factory=set)
    task: asyncio.Task[None] | None = None

    def at_its_end(self) -> None:
        """Nothing more is done ahead for this bundle."""
        for begun in self.begun.values():
            if not begun.done():
                begun.set_result(None)
        for done in self.done.values():
            if not done.done():
                done.set_result(None)

    def unused(self) -> list[tuple[str, Done]]:
        """Return what was done and not taken up, by node."""
        results = [(name, one.result()) for name, one in self.done.items() if one.done()]
        return [(name, one) for name, one in results if one and name not in self.taken]


class _Window:
    """The bundles of one operation of a source: one on its way, and those behind it."""

    def __init__(
        self,
        ahead: Ahead,
        source: Node,
        stream: Stream,
        onward: Onward,
        scoped: Scoped,
        emitted: int,
    ) -> None:
        self._ahead = ahead
        self._source = source
        self._stream = stream
        self._onward = onward
        self._scoped = scoped
        self._emitted = emitted
        names = ahead.of(source)
        self._gates = {name: asyncio.Semaphore(n) for name, n in names.items()}
        self._room = asyncio.Semaphore(max(names.values()))
        self._ready: asyncio.Queue[_Scout | Exception | None] = asyncio.Queue()
        self._scouts: list[_Scout] = []
        self._last: _Scout | None = None
        self._is_closing = False
        self._pulling = asyncio.create_task(self._pull())

    async def next(self) -> _Scout | None:
        """Return the scout whose turn it is; None after the last. Raises what the source raised."""
        await self._finish(self._scouts[:1])
        scout = await self._ready.get()
        self._room.release()
        if isinstance(scout, Exception):
            raise scout
        if scout is not None:
            self._scouts.append(scout)
        return scout

    async def close(self) -> None:
        """End all work ahead: let operations that have begun go on, or cancel them."""
        self._is_closing = True
        self._pulling.cancel()
        await asyncio.wait([self._pulling])
        while not self._ready.empty():
            waiting = self._ready.get_nowait()
            if isinstance(waiting, _Scout):
                self._scouts.append(waiting)
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            for scout in self._scouts:
                if scout.task is not None:
                    scout.task.cancel()
        await self._finish(list(self._scouts))
        await close(self._stream)

    async def _finish(self, scouts: list[_Scout]) -> None:
        """Wait for the end of scouts whose turn is over, and tell what nobody took up."""
        tasks = [scout.task for scout in scouts if scout.task is not None]
        if tasks:
            await asyncio.wait(tasks)
        self._ahead.tell_unused(scouts)
        for scout in scouts:
            self._scouts.remove(scout)

    async def _pull(self) -> None:
        """Take bundles from the source while there is room for them, and send scouts out."""
        try:
            await self._room.acquire()
            while (bundle := await next_of(self._stream)) is not None:
                self._ahead.set_marks_aside(self._source)
                self._ready.put_nowait(self._sent_out(bundle))
                await self._room.acquire()
            self._ahead.set_marks_aside(self._source)
        except Exception as error:
            self._ready.put_nowait(error)
        else:
            self._ready.put_nowait(None)

    def _sent_out(self, bundle: Bundle) -> _Scout:
        loop, names = asyncio.get_running_loop(), self._gates
        scout = _Scout(
            bundle,
            {name: loop.create_future() for name in names},
            {name: loop.create_future() for name in names},
        )
        self._emitted += 1
        scope = self._scoped(bundle, position=self._emitted)
        scout.task = asyncio.create_task(self._scouted(scout, self._last, scope))
        self._last = scout
        return scout

    async def _scouted(self, scout: _Scout, before: _Scout | None, scope: Scope) -> None:
        """Go the way of a bundle as far as it may be gone before its turn."""
        flow, index = self._onward
        variables = self._ahead.fresh_variables()
        try:
            while index < len(flow):
                node = flow[index]
                index += 1
                if node.disabled:
                    continue
                if node.id not in scout.done:
                    return
                if not _lets_in(node.filter, scope):
                    return
                if node.kind is NodeKind.ROUTER:
                    flow, index = _entered(node, scope), 0
                    continue
                done = await self._operated(node, scout, before, (scope, variables))
                if done is None or isinstance(done.outcome, Exception) or len(done.outcome) != 1:
                    return
                scope[node.id] = done.outcome[0]
                variables = variables.above()
        finally:
            scout.at_its_end()

    async def _operated(
        self,
        node: Node,
        scout: _Scout,
        before: _Scout | None,
        seen: tuple[Scope, VariablesAhead],
    ) -> Done | None:
        """Run a node for a scout, after it has begun for the one before; None: not any more."""
        if before is not None:
            await before.begun[node.id]
        async with self._gates[node.id]:
            scout.begun[node.id].set_result(None)
            if self._is_closing or self._ahead.is_shut(node):
                return None
            done = await self._ahead.operated(node, *seen)
        scout.done[node.id].set_result(done)
        return done


def _lets_in(entry: Filter | None, scope: Scope) -> bool:
    """Ask a filter before a bundle's turn; if it fails, that is seen when the turn comes."""
    try:
        return entry is None or entry.passes(scope)
    except Exception:
        return False


def _entered(router: Node, scope: Scope) -> Flow:
    """Return the first route that a bundle takes; empty: it takes none, or a filter fails.

    Later routes must wait for all that happens on this one.
    """
    try:
        for route in open_routes(router):
            if route.filter is None or route.filter.passes(scope):
                return route.flow
    except Exception:
        return ()
    return ()
