"""The driver: takes bundles through a plan, depth first.

`engine.app` makes a `Run` and awaits `execute` or `replay`. From here a bundle goes to `operation`
(its fields) and to the module, and its output onward; what fails goes to `failing`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from engine.errors import RunError, StoreError
from engine.mapping.compile import Scope
from engine.model.bundle import Bundle
from engine.model.execution import Execution, Failure, Incomplete, NodeCount, Status
from engine.module import Kind
from engine.plan.plan import Flow, Node, NodeKind, Plan, Route, nodes_from
from engine.run import core
from engine.run.aggregate import Collected, collected_by, sets_of, spread
from engine.run.context import NodeContext
from engine.run.cursor import TriggerCursor
from engine.run.failing import STOP, End, Failures, Surroundings, to_the_end, uncancelled
from engine.run.operation import Operation, Stream, close, next_of, scope_of
from engine.run.ports import CursorChange
from engine.run.rules import TriggerMoves
from engine.run.time_limit import time_limit

BREATH_SECONDS: Final = 0.008
"""Longest stretch of pure work without giving signals, progress and servers a turn."""

Outputs: TypeAlias = list[Bundle] | Stream
Onward: TypeAlias = tuple[Flow, int]


class Run:
    """One execution of a plan: make it, then await `execute` or `replay` once."""

    def __init__(
        self,
        plan: Plan,
        around: Surroundings,
        execution: Execution,
        *,
        inputs: Mapping[str, Any],
        marks: Mapping[str, Any],
    ) -> None:
        self.saved: list[Path] = []
        """Files that modules told of as results."""
        self.counts = {node_id: NodeCount() for node_id in plan.nodes}
        self._plan = plan
        self._around = around
        self._execution = execution
        self._cursor = TriggerCursor(plan.trigger.id, marks)
        self._failures = Failures(plan, around, execution, self._advance)
        self._failures.inputs = inputs
        self._operations = {
            node.id: Operation(node, self._context(node), self.counts[node.id])
            for node in plan.nodes.values()
            if node.kind is NodeKind.MODULE
        }
        self._waiting = {
            node_id for node_id, operation in self._operations.items() if operation.waits
        }
        self._fed: Iterable[Bundle] | None = None
        self._collected: dict[str, Collected] = {}
        self._seconds = around.clock.monotonic
        self._breathed_at = self._seconds()
        self._check_time = time_limit(around.clock, plan.settings.timeout_minutes)

    @property
    def stored(self) -> list[Incomplete]:
        """The incomplete executions that this run has stored or changed."""
        return self._failures.stored

    async def execute(self, *, fed: Iterable[Bundle] | None = None) -> Execution:
        """Run all cycles and store how it ended; `fed` bundles take the trigger's place.

        An interruption is stored too: bundles worked off are behind the cursor, the others come
        again. Raises StoreError when the store fails, after storing what it still can.
        """
        if fed is not None:
            self._fed = fed
            self._waiting.discard(self._plan.trigger.id)
        return await self._recorded(self._cycles)

    async def replay(self, incomplete: Incomplete) -> Execution:
        """Run from the failed node on with the stored bundles, and store what became of them."""
        self._failures.replayed = incomplete
        self._failures.variables.restore(incomplete.variables)
        if incomplete.node_id in self._operations:
            self._operations[incomplete.node_id].context.earlier = incomplete.failure.detail
        execution = await self._recorded(lambda: self._from_failed_node(incomplete))
        if not self.stored:
            await to_the_end(self._around.store.park(core.after_replay(incomplete, execution)))
        return execution

    async def _recorded(self, work: Callable[[], Awaitable[list[CursorChange]]]) -> Execution:
        store = self._around.store
        await store.begin(self._execution)
        interrupted = False
        try:
            changes = await work()
        except asyncio.CancelledError:
            interrupted = True
            uncancelled()
            changes = self._ended_early("ExecutionInterruptedError", "interrupted from outside")
        except RunError as error:
            changes = self._ended_early("ScenarioTimeoutError", error.message)
        except StoreError as error:
            changes = self._ended_early("InconsistencyError", error.message)
            with suppress(StoreError):  # the first failure is the one to tell
                await store.finish(self._ended(interrupted=False), changes)
            raise
        execution = self._ended(interrupted=interrupted)
        streak = core.streak(execution, max_errors=self._plan.settings.max_consecutive_errors)
        await to_the_end(store.finish(execution, changes, streak))
        return execution

    def _ended_early(self, type_name: str, message: str) -> list[CursorChange]:
        self._failures.status = Status.ERROR
        self._failures.failure = Failure(type_name, message)
        return self._cursor.end_cycle(TriggerMoves.SETTLED)

    def _ended(self, *, interrupted: bool) -> Execution:
        return replace(
            self._execution,
            status=self._failures.status,
            ended_at=self._around.clock.now(),
            operations=sum(count.operations for count in self.counts.values()),
            bundles=sum(count.bundles for count in self.counts.values()),
            nodes=self.counts,
            lost=self._failures.lost,
            failure=self._failures.failure,
            interrupted=interrupted,
        )

    async def _cycles(self) -> list[CursorChange]:
        trigger = self.counts[self._plan.trigger.id]
        first = self._plan.trigger.module
        max_cycles = 1 if self._fed is not None else self._plan.settings.max_cycles
        cycle = 0
        while True:
            cycle += 1
            before = trigger.bundles
            await self._advance(self._plan.flow, 0, self._scope({}))
            stop = self._failures.stop
            changes = self._cursor.end_cycle(core.trigger_moves(stop, self._plan.settings))
            self._failures.variables.end_cycle()
            if stop or not core.another_cycle(
                cycle=cycle,
                max_cycles=max_cycles,
                bundles=trigger.bundles - before,
                has_trigger=first is not None and first.kind is Kind.TRIGGER,
            ):
                return changes
            await to_the_end(self._around.store.commit_cursor(self._plan.id, changes))

    async def _from_failed_node(self, incomplete: Incomplete) -> list[CursorChange]:
        """Assumed: enclosing aggregations emit for the replayed bundle alone, innermost first."""
        flow, index = self._plan.positions[incomplete.node_id]
        scope = self._scope(incomplete.bundles)
        enclosing = [
            node.id for node in nodes_from(flow, index) if node.source in flow[index].mappable
        ]
        self._collected = {name: collected_by(self._plan.nodes[name]) for name in enclosing}
        stopped = await self._advance(flow, index, scope)
        for aggregator in enclosing:
            if not stopped and not self._collected[aggregator].is_empty:
                stopped = await self._flush(aggregator, scope)
        return []

    def _scope(self, bundles: Mapping[str, Bundle]) -> Scope:
        return scope_of(self._plan, self._around.world, self._failures.inputs, bundles)

    def _context(self, node: Node) -> NodeContext:
        return NodeContext(
            scenario_id=self._plan.id,
            execution_id=self._execution.id,
            node_id=node.id,
            folder=self._plan.path.parent,
            results=self.saved,
            files=self._around.files,
            variables=self._failures.variables,
            own_variables=self._failures.variables.apart(),
            clock=self._around.clock,
            watcher=self._around.watcher,
            connected=self._around.http.get(node.id),
            marks=self._cursor if node is self._plan.trigger else None,
        )

    async def _advance(self, flow: Flow, index: int, scope: Scope) -> bool:
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
            self._failures.check_open(node)
            if node.id in self._waiting:
                return await self._performed(node, scope)
            return self._outputs(node, scope)
        except (RunError, StoreError):
            raise
        except Exception as error:
            return await self._settled(node, error, scope)

    async def _settled(self, node: Node, error: Exception, scope: Scope) -> list[Bundle] | End:
        settled = await self._failures.settle(node, error, scope, self.counts[node.id])
        return settled if isinstance(settled, End) else [settled]

    def _outputs(self, node: Node, scope: Scope) -> Outputs | End:
        """Run a node that waits for nothing: all it emits in a list, or a stream yet to begin."""
        match node.kind:
            case NodeKind.MODULE:
                return self._module_outputs(node, scope)
            case NodeKind.ITERATOR:
                if self._fed is not None and node is self._plan.trigger:
                    return iter(self._fed)
                bundles = spread(node.module_id, node.fields.evaluate(scope))
                self._counted(node, len(bundles))
                return bundles
            case NodeKind.AGGREGATOR:
                self._collected[node.id].add(node.fields.evaluate(scope))
            case NodeKind.DIRECTIVE:
                return self._failures.reach(node, scope)
        return End.DROPPED

    def _module_outputs(self, node: Node, scope: Scope) -> Outputs:
        if self._fed is not None and node is self._plan.trigger:
            return iter(self._fed)
        operation = self._operations[node.id]
        if operation.streams:
            return operation.stream(scope)
        started = self._seconds()
        try:
            outputs = operation.compute(scope)
        finally:
            operation.count.seconds += self._seconds() - started
        self._counted(node, len(outputs))
        return outputs

    async def _performed(self, node: Node, scope: Scope) -> list[Bundle]:
        """Run an action that waits for something, with a word to the watcher before and after."""
        operation, watcher = self._operations[node.id], self._around.watcher
        self._check_time()
        started = self._seconds()
        stream = operation.stream(scope)
        watcher.node_started(node.id)
        outputs: list[Bundle] = []
        try:
            while (bundle := await next_of(stream)) is not None:
                outputs.append(bundle)
        finally:
            await close(stream)
            took = self._seconds() - started
            operation.count.seconds += took
        watcher.node_finished(node.id, bundles=len(outputs), seconds=took)
        self._counted(node, len(outputs))
        return outputs

    def _counted(self, node: Node, bundles: int) -> None:
        count = self.counts[node.id]
        count.operations += 1
        count.bundles += bundles

    async def _emit(self, node: Node, outputs: Outputs, onward: Onward, scope: Scope) -> bool:
        """Send each output through the rest of the flow, then close the node's aggregations."""
        for aggregator in node.closes:
            self._collected[aggregator] = collected_by(self._plan.nodes[aggregator])
        send = self._send if isinstance(outputs, list) else self._stream
        ended = await send(node, outputs, onward, scope)
        if ended is not None:
            return ended is STOP
        for aggregator in node.closes:
            if await self._flush(aggregator, scope):
                return True
        return False

    async def _send(self, node: Node, outputs: Any, onward: Onward, scope: Scope) -> End | None:
        """Emit what is there already, one bundle after the other."""
        for bundle in outputs:
            scope[node.id] = bundle
            if await self._advance(*onward, scope):
                return STOP
            if self._seconds() - self._breathed_at > BREATH_SECONDS:
                await self._breathe()
        return None

    async def _stream(self, node: Node, outputs: Any, onward: Onward, scope: Scope) -> End | None:
        """Emit while the module yields: a bundle leaves the flow before the next comes in.

        Assumed: one that fails midway has emitted what it did, for its aggregations too; one that
        fails before that never ran.
        """
        count = self.counts[node.id]
        bundles, failed = count.bundles, count.failed
        try:
            ended = await self._pumped(node, outputs, onward, scope)
        finally:
            await close(outputs)
        if count.failed == failed:
            count.operations += 1
        elif ended is None and count.bundles == bundles:
            return End.DROPPED
        return ended

    async def _pumped(self, node: Node, stream: Stream, onward: Onward, scope: Scope) -> End | None:
        count = self.counts[node.id]
        is_trigger = node is self._plan.trigger
        while True:
            started = self._seconds()
            bundle = await self._pulled(node, stream, scope)
            if bundle is None or isinstance(bundle, End):
                return bundle
            now = self._seconds()
            count.seconds += now - started
            count.bundles += 1
            scope[node.id] = bundle
            if await self._advance(*onward, scope):
                return STOP
            if is_trigger:
                self._cursor.settle()
            if now - self._breathed_at > BREATH_SECONDS:
                await self._breathe()

    async def _pulled(self, node: Node, stream: Stream, scope: Scope) -> Bundle | End | None:
        """Return the next bundle; None after the last, or if the module failed midway."""
        try:
            bundle = await next_of(stream)
        except (RunError, StoreError):
            raise
        except Exception as error:
            settled = await self._settled(node, error, scope)
            if isinstance(settled, list):
                return settled[0]
            return settled if settled is STOP else None
        if bundle is None and node is self._plan.trigger:
            self._cursor.settle()
        return bundle

    async def _breathe(self) -> None:
        await asyncio.sleep(0)
        self._breathed_at = self._seconds()
        self._check_time()

    async def _flush(self, aggregator_id: str, scope: Scope) -> bool:
        """Emit what an aggregator collected, now that its source's operation has ended."""
        node = self._plan.nodes[aggregator_id]
        flow, index = self._plan.positions[aggregator_id]
        collected = self._collected.pop(aggregator_id)
        if node.disabled or node.source is None:
            return False
        for closed in node.mappable[node.mappable.index(node.source) :]:
            scope[closed] = {}
        sets = sets_of(node, collected)
        count = self.counts[aggregator_id]
        count.operations += len(sets)
        count.bundles += len(sets)
        return await self._emit(node, sets, (flow, index + 1), scope)

    async def _route(self, node: Node, scope: Scope) -> bool:
        """Take the bundle through each route that wants it, in order, the fallback last."""
        skipped = self._failures.skipped_routers
        skipped.discard(node.id)
        taken = False
        for route in sorted(node.routes, key=lambda route: route.fallback):
            if route.disabled or (route.fallback and taken):
                continue
            entry = await self._entry(node, route, scope)
            if entry is STOP:
                return True
            if entry is None:
                taken = True
                if await self._advance(route.flow, 0, scope):
                    return True
            if node.id in skipped:
                break
        return False

    async def _entry(self, node: Node, route: Route, scope: Scope) -> End | None:
        """Ask the filters of router and route; None: the bundle enters."""
        try:
            for entry in (node.filter, route.filter):
                if entry is not None and not entry.passes(scope):
                    return End.DROPPED
        except Exception as error:
            settled = await self._settled(node, error, scope)
            return settled if isinstance(settled, End) else End.DROPPED
        return None
