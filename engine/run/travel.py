"""Bundles on their way through a plan: depth first, one after the other.

The driver starts it at a flow. From here a bundle goes to `operation` (its fields) and to the
module, and its output onward; what fails goes to `failing`. What runs before its turn does so in
`ahead`, and is taken up here when the turn comes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Final, TypeAlias

from engine.errors import RunError, StoreError, ThrownError
from engine.mapping.compile import Scope
from engine.model.bundle import Bundle
from engine.model.execution import Execution
from engine.plan.flow import ThrowFields
from engine.plan.plan import Filter, Flow, Node, NodeKind, Plan
from engine.run.aggregate import Collected, collected_by, sets_of, spread
from engine.run.ahead import Ahead
from engine.run.context import NodeContext
from engine.run.emission import Emission, numbered
from engine.run.failing import Failures
from engine.run.history import FEW
from engine.run.operation import close, from_first, next_of, total_of
from engine.run.parts import Parts
from engine.run.retrying import Trouble
from engine.run.routing import in_order
from engine.run.surroundings import STOP, End, Outputs, Stream, Surroundings

BREATH_SECONDS: Final = 0.008
"""Longest stretch of pure work without giving signals, progress and servers a turn."""

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
        self.failures = Failures(plan, around, execution, parts.variables, self.advance)
        self._plan = plan
        self._parts = parts
        self._watcher = around.watcher
        self._history = parts.history
        self._keep = parts.history.keep
        self._ahead = Ahead(plan, parts, self.failures, around.watcher, self._perform)
        self._waiting = self._waiting_nodes()
        self._seconds = around.clock.monotonic
        self._breathed_at = self._seconds()

    def feed(self, bundles: Iterable[Bundle] | None) -> None:
        """Let bundles take the trigger's place; None: it runs itself."""
        if bundles is not None:
            self.fed = bundles
            self._waiting.pop(self._plan.trigger.id, None)

    def _waiting_nodes(self) -> dict[str, Callable[[Node, Scope], Awaitable[Outputs | End]]]:
        """Return how nodes run that wait for something; all others are plain calls."""
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
            if node.kind is NodeKind.ROUTER:
                return await self._route(node, scope)
            outputs = await self._tried(node, scope)
            if type(outputs) is list and len(outputs) == 1 and not node.closes:
                scope[node.id] = outputs[0]
            elif isinstance(outputs, End):
                return outputs is STOP
            else:
                return await self._emit(node, outputs, (flow, index), scope)
        return False

    async def _tried(self, node: Node, scope: Scope) -> Outputs | End:
        """Run a node for one bundle and settle what fails; a module's bug fails its bundle only."""
        try:
            if node.filter is not None and not node.filter.passes(scope):
                return End.DROPPED
            self.failures.check_open(node)
            if node.id in self._ahead.nodes:
                done = await self._ahead.done(node)
                if done is not None:
                    return self._counted(node, scope, done)
            wait_for = self._waiting.get(node.id)
            return await wait_for(node, scope) if wait_for else self._outputs(node, scope)
        except (RunError, StoreError):
            raise
        except Exception as error:
            settled = await self._settled(node, error, scope)
            if node.kind is NodeKind.AGGREGATOR and isinstance(settled, list):
                self.collected[node.id].substitute(settled[0])
                return End.DROPPED
            return settled

    async def _settled(self, node: Node, error: Exception, scope: Scope) -> Outputs | End:
        again = partial(self._attempted, node, scope) if node.kind is NodeKind.MODULE else None
        trouble = Trouble(node, error, scope, self._parts.counts[node.id], again)
        return await self._settle(trouble)

    async def _settle(self, trouble: Trouble) -> Outputs | End:
        self._history.failed(trouble, self.failures.told(trouble))
        return await self.failures.settle(trouble)

    async def _attempted(self, node: Node, scope: Scope) -> Outputs | Exception:
        """Run a module once more for a bundle on which it failed, and return what fails.

        If its filter failed, that fails again.
        """
        try:
            if node.filter is not None and not node.filter.passes(scope):
                return []
            wait_for = self._waiting.get(node.id)
            outputs = await wait_for(node, scope) if wait_for else self._outputs(node, scope)
            if isinstance(outputs, list | End):
                return outputs if isinstance(outputs, list) else []
            return await from_first(outputs)
        except (RunError, StoreError):
            raise
        except Exception as error:
            return error

    def _outputs(self, node: Node, scope: Scope) -> Outputs | End:
        """Run a node that waits for nothing: all it emits in a list, or a stream yet to begin."""
        match node.kind:
            case NodeKind.MODULE:
                return self._module_outputs(node, scope)
            case NodeKind.ITERATOR:
                if self.fed is not None and node is self._plan.trigger:
                    return iter(self.fed)
                spread_out = spread(node.module_id, node.fields.evaluate(scope))
                return self._counted(node, scope, spread_out)
            case NodeKind.AGGREGATOR:
                self.collected[node.id].add(node.fields.evaluate(scope))
                self._history.arrived(node.id, scope)
            case NodeKind.DIRECTIVE:
                return self.failures.reach(node, scope)
            case NodeKind.THROW:
                return _unless_thrown(ThrowFields.model_validate(node.fields.evaluate(scope)))
        return End.DROPPED

    def _module_outputs(self, node: Node, scope: Scope) -> Outputs:
        if self.fed is not None and node is self._plan.trigger:
            return iter(self.fed)
        operation = self._parts.operations[node.id]
        if operation.streams:
            return operation.stream(scope)
        started = self._seconds()
        try:
            outputs = operation.compute(scope)
        finally:
            operation.count.seconds += self._seconds() - started
        return self._counted(node, scope, outputs)

    async def _performed(self, node: Node, scope: Scope) -> Outputs | End:
        return self._counted(node, scope, await self._perform(node, scope, None))

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
        await self._parts.transaction.operated(node)
        return self._counted(node, scope, outputs)

    async def _perform(self, node: Node, scope: Scope, ctx: NodeContext | None) -> list[Bundle]:
        """Run an action to its end, with a word to the watcher before and after if it waits."""
        operation = self._parts.operations[node.id]
        if not operation.waits:
            return operation.compute(scope, ctx)
        self._parts.check_time()
        started = self._seconds()
        stream = operation.stream(scope, ctx)
        self._watcher.node_started(node.id)
        outputs: list[Bundle] = []
        try:
            while (bundle := await next_of(stream)) is not None:
                outputs.append(bundle)
        finally:
            await close(stream)
            took = self._seconds() - started
            operation.count.seconds += took
        self._watcher.node_finished(node.id, bundles=len(outputs), seconds=took)
        return outputs

    def _counted(self, node: Node, scope: Scope, outputs: list[Bundle]) -> list[Bundle]:
        count = self._parts.counts[node.id]
        count.operations += 1
        emitted = len(outputs)
        count.bundles += emitted
        number = count.operations + count.failed
        if emitted == 1:
            self._keep[node.id]((number, scope, outputs, 1))
            return outputs
        if node.kind is NodeKind.MODULE:
            outputs = numbered(outputs)
        self._keep[node.id]((number, scope, outputs[:FEW], emitted))
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
        for bundle in outputs:
            if await self.advance(*onward, {**scope, node.id: bundle}):
                return STOP
            if self._seconds() - self._breathed_at > BREATH_SECONDS:
                await self.breathe()
        return None

    async def _stream(
        self, node: Node, outputs: Outputs, onward: Onward, scope: Scope
    ) -> End | None:
        """Emit while the node yields: a bundle leaves the flow before the next comes in.

        Assumed: one that fails midway has emitted what it did, for its aggregations too; one that
        fails before that never ran.
        """
        emission = Emission(
            self._parts.counts[node.id], total_of(outputs), is_counted=isinstance(outputs, list)
        )
        stream = self._begun(node, outputs, onward, scope)
        try:
            while not emission.is_over:
                bundle = await self._next(node, stream, emission)
                if isinstance(bundle, Exception):
                    await close(stream)
                    settled = await self._settled_midway(node, bundle, scope, emission)
                    stream = self._begun(node, settled, onward, scope)
                elif bundle is not None:
                    if emission.position <= FEW:
                        emission.first.append(bundle)
                    if await self.advance(*onward, {**scope, node.id: bundle}):
                        emission.end(STOP)
        finally:
            await close(stream)
        ended = emission.ended()
        if emission.is_operation:
            number = emission.count.operations + emission.count.failed
            self._keep[node.id]((number, scope, emission.first, emission.position))
        return ended

    def _begun(self, node: Node, outputs: Outputs, onward: Onward, scope: Scope) -> Stream:
        """Return what a node emits, bundle by bundle, with what may run ahead of it begun."""
        stream = iter(outputs) if isinstance(outputs, list) else outputs
        if node.id in self._plan.ahead:
            return self._ahead.window(node, stream, onward, scope)
        return stream

    async def _next(
        self, node: Node, stream: Stream, emission: Emission
    ) -> Bundle | Exception | None:
        """Return the next bundle, or what fails; None after the last.

        The one before has been worked off then.
        """
        cursor = self._parts.cursor if node is self._plan.trigger else None
        if cursor is not None:
            cursor.settle()
        started = self._seconds()
        if started - self._breathed_at > BREATH_SECONDS:
            await self.breathe()
        try:
            bundle = await next_of(stream)
        except (RunError, StoreError):
            raise
        except Exception as error:
            return error
        emission.count.seconds += self._seconds() - started
        if cursor is not None:
            cursor.take_up()
        if bundle is not None:
            return emission.numbered(bundle)
        if cursor is not None:
            cursor.settle()
        emission.end(None)
        return None

    async def _settled_midway(
        self, node: Node, error: Exception, scope: Scope, emission: Emission
    ) -> Outputs:
        """Settle what fails while a node emits, and return what is left to emit."""
        again = None if emission.has_emitted else partial(self._attempted, node, scope)
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
        sets = self._counted_sets(node, sets_of(node, collected))
        self._history.emitted(node.id, scope, sets)
        return await self._emit(node, sets, (flow, index + 1), scope)

    def _counted_sets(self, node: Node, sets: list[Bundle]) -> list[Bundle]:
        count = self._parts.counts[node.id]
        count.operations += len(sets)
        count.bundles += len(sets)
        return sets

    async def _route(self, node: Node, scope: Scope) -> bool:
        """Take the bundle through a router, if its own filter lets it in."""
        if node.filter is not None:
            enters = await self._enters(node, node.filter, scope)
            if enters is not True:
                return enters is STOP
        return await self._take_routes(node, scope)

    async def _take_routes(self, node: Node, scope: Scope) -> bool:
        """Take the bundle through each route that wants it, in order, the fallback last."""
        skipped = self.failures.skipped_routers
        skipped.discard(node.id)
        taken = False
        for route in in_order(node.routes):
            if route.disabled or (route.fallback and taken):
                continue
            enters = await self._enters(node, route.filter, scope)
            if isinstance(enters, End):
                return enters is STOP
            if enters:
                taken = True
                if await self.advance(route.flow, 0, scope):
                    return True
            if node.id in skipped:
                break
        return False

    async def _enters(self, router: Node, entry: Filter | None, scope: Scope) -> bool | End:
        """Ask the filter of a router or of one of its routes. End: it failed, which ended the way.

        Assumed: a bundle on which a filter fails takes no later route, for a record of it starts at
        the router and will take them all; only a Resume lets it go on with the next route.
        """
        try:
            return entry is None or entry.passes(scope)
        except Exception as error:
            settled = await self._settled(router, error, scope)
            return settled if isinstance(settled, End) else False


def _unless_thrown(fields: ThrowFields) -> list[Bundle]:
    if fields.when:
        raise ThrownError(fields.type, fields.message, detail=fields.detail)
    return [{}]
