"""Bundles on their way through a plan: depth first, one after the other.

The driver starts it at a flow. From here a bundle goes to `operation` (its fields) and to the
module, and its output onward; what fails goes to `failing`. What runs before its turn does so in
`ahead`, and is taken up here when the turn comes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Final, TypeAlias

from engine.errors import RunError, StoreError
from engine.mapping.compile import Scope
from engine.model.bundle import Bundle
from engine.model.execution import Execution
from engine.plan.plan import Filter, Flow, Node, NodeKind, Plan
from engine.run.aggregate import Collected, collected_by, sets_of
from engine.run.ahead import Ahead
from engine.run.context import NodeContext
from engine.run.emission import Emission, with_path, without_path
from engine.run.failing import Failures
from engine.run.history import SHORTEST
from engine.run.operation import (
    Operation,
    all_of,
    close,
    from_first,
    next_now,
    next_of,
    total_of,
)
from engine.run.parts import Parts
from engine.run.retrying import Trouble
from engine.run.routing import open_routes
from engine.run.steps import Step, asking, counting, step_of
from engine.run.surroundings import DROPPED, PATH, STOP, End, Outputs, Stream, Surroundings

BREATH_SECONDS: Final = 0.008
"""Longest stretch of pure work without giving signals, progress and servers a turn."""

ROUTER: Final = NodeKind.ROUTER
"""Bound once: a member of an enumeration is slow to look up, for each bundle."""

Onward: TypeAlias = tuple[Flow, int]


class Travel:
    """Takes bundles through the flows of a plan during one run.

    `fed` bundles take the trigger's place. `collected` holds what each open aggregation has.
    """

    def __init__(
        self, plan: Plan, around: Surroundings, execution: Execution, parts: Parts
    ) -> None:
        self.fed: Iterable[Bundle] | None = None
        self.collected: dict[str, Collected] = {}
        self.failures = Failures(
            plan, around, execution, parts.variables, self.advance, parts.journal
        )
        self._plan = plan
        self._trigger = plan.trigger
        self._parts = parts
        self._watcher = around.watcher
        self._history = parts.history
        self._keep = parts.history.keep
        self._ahead = Ahead(plan, parts, self.failures, around.watcher, self._perform)
        self._seconds = around.clock.monotonic
        self._counted = {node.id: counting(node, parts) for node in plan.nodes.values()}
        self._routes = {node.id: open_routes(node) for node in plan.nodes.values()}
        self._waiting = self._waiting_nodes()
        self._plain = self._plain_nodes()
        self._steps = self._unguarded_steps()
        self._breathed_at = self._seconds()
        self._with = with_path if parts.journal.keeps_paths else without_path

    def feed(self, bundles: Iterable[Bundle] | None) -> None:
        """Let bundles take the trigger's place; None: it runs itself."""
        if bundles is not None:
            self.fed = bundles
            self._plain[self._plan.trigger.id] = lambda _scope: iter(bundles)
            self._steps = self._unguarded_steps()

    def _plain_nodes(self) -> dict[str, Step]:
        """Return what nodes do that wait for nothing."""
        steps = {
            node.id: step_of(node, self._parts, self.failures, self.collected, self._seconds)
            for node in self._plan.nodes.values()
        }
        return {name: step for name, step in steps.items() if step is not None}

    def _unguarded_steps(self) -> dict[str, Step]:
        """Return the steps of plain nodes with their filters; no other can have run before."""
        return {
            name: step if node.filter is None else asking(node.filter, step)
            for name, step in self._plain.items()
            if (node := self._plan.nodes[name]) and name not in self._ahead.nodes
        }

    def _waiting_nodes(self) -> dict[str, Callable[[Node, Scope], Awaitable[Outputs | End]]]:
        """Return how nodes run that wait for something."""
        waiting: dict[str, Callable[[Node, Scope], Awaitable[Outputs | End]]] = {}
        for node in self._plan.nodes.values():
            if node.kind is NodeKind.RETRY:
                waiting[node.id] = self.failures.retry
            elif node.id in self._parts.operations and self._parts.operations[node.id].waits:
                waiting[node.id] = self._transacted if node.acid else self._performed
        return waiting

    async def advance(self, flow: Flow, index: int, scope: Scope) -> bool:
        """Take the bundles in `scope` through a flow from `index` on; True: the cycle stops."""
        while index < len(flow):
            node = flow[index]
            index += 1
            if node.disabled:
                continue
            if node.kind is ROUTER:
                return await self._route(node, scope)
            try:
                step = self._steps.get(node.id)
                outputs = step(scope) if step is not None else await self._ran(node, scope)
            except Exception as error:
                outputs = await self._settled(node, error, scope)
            if type(outputs) is list and len(outputs) == 1 and not node.closes:
                scope[node.id] = outputs[0]
            elif outputs is DROPPED or outputs is STOP:
                return outputs is STOP
            else:
                return await self._emit(node, outputs, (flow, index), scope)
        return False

    async def _ran(self, node: Node, scope: Scope) -> Outputs | End:
        """Run a node that waits, is shut, or may have run before its turn."""
        if node.filter is not None and not node.filter.passes(scope):
            return DROPPED
        self.failures.check_open(node)
        if node.id in self._ahead.nodes:
            done = await self._ahead.done(node)
            if done is not None:
                return self._counted[node.id](scope, done)
        return await self._run(node, scope)

    async def _run(self, node: Node, scope: Scope) -> Outputs | End:
        plain = self._plain.get(node.id)
        return await self._waiting[node.id](node, scope) if plain is None else plain(scope)

    async def _settled(self, node: Node, error: Exception, scope: Scope) -> Outputs | End:
        """Settle what fails, a module's bug too; what no handler may catch goes on."""
        if isinstance(error, RunError | StoreError):
            raise error
        again = self._attempted if node.kind is NodeKind.MODULE else None
        trouble = Trouble(node, error, scope, self._parts.counts[node.id], again)
        settled = await self._settle(trouble)
        if node.kind is NodeKind.AGGREGATOR and isinstance(settled, list):
            self.collected[node.id].substitute(settled[0])
            return DROPPED
        return settled

    async def _settle(self, trouble: Trouble) -> Outputs | End:
        self._history.failed(trouble, self.failures.told(trouble))
        settled = await self.failures.settle(trouble)
        if self.failures.is_shut(trouble.node):
            self._steps.pop(trouble.node.id, None)
        return settled

    async def _attempted(self, trouble: Trouble) -> Outputs | Exception:
        """Run a module once more for a bundle on which it failed, and return what fails.

        If its filter failed, that fails again. An attempt has a key of its own, unless nobody knows
        what became of the one before.
        """
        node, scope = trouble.node, trouble.scope
        if PATH in scope and trouble.known_failures:
            scope = {**scope, PATH: f"{scope[PATH]}~{trouble.known_failures}"}
        operation = self._parts.operations[node.id]
        operation.context.earlier = trouble.failure.detail
        try:
            if node.filter is not None and not node.filter.passes(scope):
                return []
            outputs = await self._run(node, scope)
            if isinstance(outputs, list | End):
                return outputs if isinstance(outputs, list) else []
            return await from_first(outputs)
        except (RunError, StoreError):
            raise
        except Exception as error:
            return error
        finally:
            operation.context.earlier = {}

    async def _performed(self, node: Node, scope: Scope) -> Outputs | End:
        return self._counted[node.id](scope, await self._perform(node, scope, None))

    async def _transacted(self, node: Node, scope: Scope) -> Outputs | End:
        """Run an ACID node, whose work is committed now or with the cycle."""
        try:
            outputs = await self._perform(node, scope, None)
        except asyncio.CancelledError:
            self._parts.transaction.torn(node)
            raise
        except Exception:
            await self._parts.transaction.failed(node)
            raise
        if self._parts.journal.holds(node):
            await self._parts.transaction.operated(node)
        return self._counted[node.id](scope, outputs)

    async def _perform(self, node: Node, scope: Scope, ctx: NodeContext | None) -> list[Bundle]:
        """Run an action to its end, or take what it has given before the run was resumed."""
        operation = self._parts.operations[node.id]
        if not operation.waits:
            return operation.compute(scope, ctx)
        self._parts.check_time()
        taken = partial(self._taken, operation)
        return await self._parts.journal.performed(operation, scope, ctx, taken)

    async def _taken(self, operation: Operation, stream: Stream) -> list[Bundle]:
        """Take all that an action gives, with a word to the watcher before and after."""
        node, started, count = operation.node, self._seconds(), operation.count
        number = 0 if node.id in self._ahead.nodes else count.operations + count.failed + 1
        self._watcher.node_started(node.id)
        try:
            outputs = await all_of(stream)
        finally:
            took = self._seconds() - started
            count.seconds += took
            self._history.worked(node.id, started, took, number)
        self._watcher.node_finished(node.id, bundles=len(outputs), seconds=took)
        return outputs

    async def _emit(self, node: Node, outputs: Outputs, onward: Onward, scope: Scope) -> bool:
        """Send each output through the rest of the flow, then close the node's aggregations."""
        for aggregator in node.closes:
            self.collected[aggregator] = collected_by(self._plan.nodes[aggregator])
        if isinstance(outputs, list) and node.id not in self._plan.ahead:
            ended = await self._send(node, outputs, onward, scope)
        else:
            ended = await self._stream(node, outputs, onward, scope)
        if ended is not None:
            return ended is STOP
        for aggregator in node.closes:
            if await self.flush(aggregator, scope):
                return True
        return False

    async def _send(
        self, node: Node, outputs: list[Bundle], onward: Onward, scope: Scope
    ) -> End | None:
        """Emit what is there already, one bundle after the other."""
        flow, index = onward
        total, tell, told_at = len(outputs), self._watcher.node_emits, self._breathed_at
        if total > 1:
            tell(node.id, 0, total)
        try:
            for position, bundle in enumerate(outputs, 1):
                if await self.advance(flow, index, self._with(bundle, node, scope, position)):
                    return STOP
                now = self._seconds()
                if now - told_at > BREATH_SECONDS and total > 1:
                    told_at = now
                    tell(node.id, position, total)
                if now - self._breathed_at > BREATH_SECONDS:
                    await self.breathe()
        finally:
            if total > 1:
                tell(node.id, None, total)
        return None

    async def _stream(
        self, node: Node, outputs: Outputs, onward: Onward, scope: Scope
    ) -> End | None:
        """Emit while the node yields: a bundle leaves the flow before the next comes in.

        Assumed: one that fails midway has emitted what it did, for its aggregations too; one that
        fails before that never ran.
        """
        flow, index = onward
        emission = Emission(
            self._parts.counts[node.id],
            total_of(outputs),
            is_counted=isinstance(outputs, list),
            stream=self._begun(node, outputs, onward, scope),
        )
        self._watcher.node_emits(node.id, 0, emission.total)
        try:
            while not emission.is_over:
                bundle = await self._next(node, emission)
                if isinstance(bundle, Exception):
                    await close(emission.stream)
                    settled = await self._settled_midway(node, bundle, scope, emission)
                    rest = self._begun(node, settled, onward, scope, emission.position)
                    emission.go_on(rest)
                elif bundle is not None:
                    if emission.position <= self._history.few:
                        emission.first.append(bundle)
                    own = self._with(bundle, node, scope, emission.position)
                    if await self.advance(flow, index, own):
                        emission.end(STOP)
        finally:
            self._watcher.node_emits(node.id, None, emission.total)
            await close(emission.stream)
        ended = emission.ended()
        if emission.is_operation:
            number = emission.count.operations + emission.count.failed
            self._keep[node.id]((number, scope, emission.first, emission.position))
        return ended

    def _begun(
        self, node: Node, outputs: Outputs, onward: Onward, scope: Scope, emitted: int = 0
    ) -> Stream:
        """Return what a node emits, bundle by bundle, with what may run ahead of it begun.

        `emitted` is how many bundles have come before.
        """
        stream = iter(outputs) if isinstance(outputs, list) else outputs
        if node.id in self._plan.ahead:
            scoped = partial(self._with, node=node, scope=scope)
            return self._ahead.window(node, stream, onward, scoped, emitted)
        return stream

    async def _next(self, node: Node, emission: Emission) -> Bundle | Exception | None:
        """Return the next bundle, or what fails; None after the last.

        The one before has been worked off then.
        """
        cursor = self._parts.cursor if node is self._trigger else None
        if cursor is not None:
            cursor.settle()
        started = self._seconds()
        if started - emission.told_at > BREATH_SECONDS:
            emission.told_at = started
            self._watcher.node_emits(node.id, emission.position, emission.total)
        if started - self._breathed_at > BREATH_SECONDS:
            await self.breathe()
        try:
            plain = emission.plain
            bundle = await next_of(emission.stream) if plain is None else next_now(plain)
        except Exception as error:
            return _to_settle(error)
        took = self._seconds() - started
        count = emission.count
        count.seconds += took
        if took > SHORTEST:
            self._history.worked(node.id, started, took, count.operations + count.failed + 1)
        if cursor is not None:
            cursor.take_up()
        if bundle is not None:
            return emission.numbered(bundle)
        emission.over(cursor)
        return None

    async def _settled_midway(
        self, node: Node, error: Exception, scope: Scope, emission: Emission
    ) -> Outputs:
        """Settle what fails while a node emits, and return what is left to emit."""
        again = None if emission.has_emitted else self._attempted
        trouble = Trouble(node, error, scope, emission.count, again)
        settled = await self._settle(trouble)
        emission.failed = trouble.outputs is None
        if settled is STOP:
            emission.end(STOP)
        return [] if isinstance(settled, End) else settled

    async def breathe(self) -> None:
        """Give others a turn, and see whether the run has taken too long."""
        await asyncio.sleep(0)
        self._breathed_at = self._seconds()
        self._history.lighten()
        self._parts.check_time()

    async def flush(self, aggregator_id: str, scope: Scope) -> bool:
        """Emit what an aggregator collected, now that its source's operation has ended."""
        node = self._plan.nodes[aggregator_id]
        flow, index = self._plan.positions[aggregator_id]
        collected = self.collected.pop(aggregator_id)
        if node.disabled or node.source is None:
            return False
        closed = node.mappable[node.mappable.index(node.source) :]
        scope = {**scope, **{name: {} for name in closed}}
        sets = sets_of(node, collected)
        self._history.emitted(node.id, scope, sets)
        count = self._parts.counts[node.id]
        count.operations += len(sets)
        count.bundles += len(sets)
        return await self._emit(node, sets, (flow, index + 1), scope)

    async def _route(self, node: Node, scope: Scope) -> bool:
        """Take the bundle through each route that wants it, in order, the fallback last."""
        enters = node.filter is None or await self._enters(node, node.filter, scope)
        if enters is not True:
            return enters is STOP
        skipped = self.failures.skipped_routers
        skipped.discard(node.id)
        taken = False
        for route in self._routes[node.id]:
            if route.fallback and taken:
                continue
            enters = route.filter is None or await self._enters(node, route.filter, scope)
            if enters is STOP or enters is DROPPED:
                return enters is STOP
            if enters:
                taken = True
                if await self.advance(route.flow, 0, scope):
                    return True
            if node.id in skipped:
                break
        return False

    async def _enters(self, router: Node, entry: Filter, scope: Scope) -> bool | End:
        """Ask the filter of a router or of one of its routes. End: it failed, which ended the way.

        Assumed: a bundle on which a filter fails takes no later route, for a record of it starts at
        the router and will take them all; only a Resume lets it go on with the next route.
        """
        try:
            return entry.passes(scope)
        except Exception as error:
            settled = await self._settled(router, error, scope)
            return settled if isinstance(settled, End) else False


def _to_settle(error: Exception) -> Exception:
    """Return what a handler may catch; raise what none may."""
    if isinstance(error, RunError | StoreError):
        raise error
    return error
