"""The driver: one execution of a plan through its phases, and how it ends.

`engine.app` makes a `Run` and awaits `execute` or `replay`: it initializes connections and modules,
sends bundles through the flow in cycles (`travel`), commits or rolls back (`transaction`), and
stores the outcome.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.errors import (
    InconsistencyError,
    InitializationError,
    RunError,
    StoreError,
    UnusableConnectionError,
)
from engine.mapping.compile import Scope
from engine.model.bundle import Bundle, File
from engine.model.events import Event
from engine.model.execution import Execution, Failure, Incomplete, NodeCount, Phase, Status
from engine.model.journal import Origin
from engine.plan.plan import Flow, Node, NodeKind, Plan, nodes_from
from engine.run import core
from engine.run.aggregate import collected_by
from engine.run.context import NodeContext
from engine.run.cursor import NodeMarks, RunVariables, TriggerCursor
from engine.run.durable import to_the_end, uncancelled
from engine.run.history import Recorder
from engine.run.initializing import initialize, nodes_that_may_run
from engine.run.journaling import Journaling, Resumed, Resuming
from engine.run.operation import Operation, mapped_fields, scope_of
from engine.run.parts import Parts
from engine.run.ports import CursorChange, Ending
from engine.run.surroundings import PATH, Surroundings
from engine.run.time_limit import time_limit
from engine.run.transaction import Transaction
from engine.run.travel import Travel
from engine.run.waiting import ACKNOWLEDGED


def acid_nodes(plan: Plan) -> list[str]:
    """Name the nodes with data of their own, which are kept from run to run."""
    return [node.id for node in plan.nodes.values() if node.acid]


def marked_nodes(plan: Plan) -> list[str]:
    """Name the nodes whose marks a run needs: the trigger, and those with data of their own."""
    return [plan.trigger.id, *(name for name in acid_nodes(plan) if name != plan.trigger.id)]


class Run:
    """One execution of a plan: make it, then await `execute` or `replay` once.

    `marks` holds the stored marks of `marked_nodes`, by node id. `resuming`: the execution was
    begun before and did not finish.
    """

    def __init__(
        self,
        plan: Plan,
        around: Surroundings,
        execution: Execution,
        *,
        inputs: Mapping[str, Any],
        marks: Mapping[str, Mapping[str, Any]],
        resuming: Resuming | None = None,
    ) -> None:
        self.saved: list[Path] = []
        """Files that modules told of as results."""
        self.counts = {node_id: NodeCount() for node_id in plan.nodes}
        self._plan = plan
        self._around = around
        self._execution = execution
        self._max_cycles = plan.settings.max_cycles
        self._cursor = TriggerCursor(plan.trigger.id, marks.get(plan.trigger.id, {}))
        self._variables = RunVariables()
        self._marks = {name: NodeMarks(name, marks.get(name, {})) for name in acid_nodes(plan)}
        self._operations = {
            node.id: Operation(node, self._context(node), self.counts[node.id])
            for node in plan.nodes.values()
            if node.kind is NodeKind.MODULE
        }
        self._history = Recorder(plan, around.history, around.clock.monotonic())
        self._journal = Journaling(plan, around.store, execution.id, resuming)
        self._transaction = Transaction(plan, around, self._operations, self._marks, self._journal)
        self._travel = Travel(
            plan,
            around,
            execution,
            Parts(
                counts=self.counts,
                operations=self._operations,
                variables=self._variables,
                cursor=self._cursor,
                transaction=self._transaction,
                check_time=time_limit(around.clock, plan.settings.timeout_minutes),
                history=self._history,
                journal=self._journal,
            ),
        )
        self._failures = self._travel.failures
        self._failures.inputs = inputs
        self._failures.cursor = self._cursor.of_bundle

    @property
    def stored(self) -> list[Incomplete]:
        """The incomplete executions that this run has stored or changed."""
        return self._failures.stored

    @property
    def resumed(self) -> Resumed:
        """What became of the operations that had begun before the run was resumed."""
        return self._journal.resumed

    async def execute(
        self,
        *,
        fed: Iterable[Bundle] | None = None,
        fed_file: File | None = None,
        event: Event | None = None,
    ) -> Execution:
        """Run all cycles and store how it ended; `fed` bundles take the trigger's place.

        `fed_file` is where they come from, so that they are there if the run is resumed. An instant
        trigger runs once, for an `event`, which is acknowledged when its bundle has been worked
        off, and comes again if the cycle is rolled back.

        An interruption is stored too: bundles worked off are behind the cursor, the others come
        again. Raises StoreError when the store fails, after storing what it still can.
        """
        self._travel.feed(fed)
        if event is not None:
            self._max_cycles = 1
            self._operations[self._plan.trigger.id].context.told = event.payload
            self._cursor.set(ACKNOWLEDGED, event.id)
        first = 0 if fed is None else 1
        origin = None
        if fed is None or fed_file is not None:
            origin = self._journal.origin(self._failures.inputs, fed=fed_file, event=event)
        return await self._recorded(self._cycles, (self._plan.flow, first), origin)

    async def replay(self, incomplete: Incomplete, *, from_trigger: bool = False) -> Execution:
        """Run from the failed node on with the stored bundles, and store what became of them.

        `from_trigger`: from the node behind the trigger on, with the trigger's bundle alone.
        """
        self._failures.replayed = incomplete
        place, bundles = (self._plan.flow, 1), incomplete.bundles
        if from_trigger:
            trigger = self._plan.trigger.id
            bundles = {trigger: bundles[trigger]}
        else:
            self._variables.restore(incomplete.variables)
            operation = self._operations.get(incomplete.node_id)
            if operation is not None:
                mapped = mapped_fields(operation.node, self._scope(bundles, cycle=1))
                operation.context.tries_again(incomplete, mapped)
            place = self._plan.positions[incomplete.node_id]
        origin = self._journal.origin(
            self._failures.inputs, replayed=incomplete, from_trigger=from_trigger
        )
        return await self._recorded(lambda: self._from(place, bundles), place, origin)

    async def _recorded(
        self,
        work: Callable[[], Awaitable[list[CursorChange]]],
        place: tuple[Flow, int],
        origin: Origin | None,
    ) -> Execution:
        """Initialize what may run from a place in a flow on, do the work, and store its end."""
        store = self._around.store
        await store.begin(self._execution, origin)
        interrupted = False
        try:
            nodes = nodes_that_may_run(self._plan, *place)
            await initialize(nodes, self._operations, self._around.test_connection)
            changes = await work()
        except asyncio.CancelledError:
            interrupted = True
            uncancelled()
            told = Failure("ExecutionInterruptedError", "interrupted from outside")
            changes = await self._ended_early(told)
        except RunError as error:
            uncancelled()
            in_doubt = isinstance(error, InconsistencyError)
            changes = await self._ended_early(self._told(error), in_doubt=in_doubt)
        except StoreError as error:
            changes = await self._ended_early(Failure("InconsistencyError", error.message))
            ending = Ending(changes) if origin is None else self._to_be_resumed(changes)
            with suppress(StoreError):  # the first failure is the one to tell
                await store.finish(self._ended(interrupted=ending.resumes), ending)
            raise
        execution = self._ended(interrupted=interrupted)
        streak = core.streak(
            execution,
            max_errors=self._plan.settings.max_consecutive_errors,
            shut=self._failures.shut,
        )
        history = self._history.history(self._failures.inputs)
        ending = Ending(changes, streak)
        if interrupted and origin is not None:
            ending = self._to_be_resumed(changes)
        replayed = self._after_replay(execution)
        await to_the_end(
            store.finish(execution, replace(ending, history=history, incomplete=replayed))
        )
        return execution

    def _to_be_resumed(self, changes: Sequence[CursorChange]) -> Ending:
        """Return the end of a run that goes on later: what has been committed is kept.

        Marks of the trigger are not: what it has emitted is in the journal.
        """
        kept = [change for change in changes if change.node_id in self._marks]
        return Ending(kept, resumes=True, entries=self._journal.committed())

    def _after_replay(self, execution: Execution) -> Incomplete | None:
        """Return what becomes of the record that was replayed; None: it has been stored anew."""
        replayed = self._failures.replayed
        if replayed is None or self.stored:
            return None
        return core.after_replay(replayed, execution)

    async def _ended_early(self, told: Failure, *, in_doubt: bool = False) -> list[CursorChange]:
        """Take back what is not committed, and return the marks to store.

        `in_doubt`: a commit or rollback has failed, so that the trigger's turn never came.
        """
        self._failures.status = Status.ERROR
        self._failures.failure = told
        undone = self._transaction.is_open
        try:
            await self._transaction.rollback(told=undone)
        except (InconsistencyError, StoreError) as error:
            second = self._told(error) if isinstance(error, RunError) else error
            self._around.watcher.note(second.message)  # what ended the run is kept as its failure
        moves = core.early_moves(self._plan.settings, undone=undone or in_doubt)
        return [*self._transaction.taken_marks(), *self._cursor.end_cycle(moves)]

    def _told(self, error: RunError) -> Failure:
        """Return what ended the run, as history and people may know it.

        What a module says of a commit or rollback may quote bundles.
        """
        cut = self._around.secrets.cut
        told = failure_of(error)
        told = replace(told, message=cut(told.message), notes=tuple(map(cut, told.notes)))
        quotes = told.phase is Phase.COMMIT and self._plan.settings.data_is_confidential
        return core.discreet(told) if quotes else told

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
        max_cycles = 1 if self._travel.fed is not None else self._max_cycles
        cycle = 0
        while True:
            cycle += 1
            before = trigger.bundles
            await self._travel.advance(self._plan.flow, 0, self._scope({}, cycle))
            stop = self._failures.stop
            changes = await self._cycle_ended()
            if stop or not core.another_cycle(
                cycle=cycle,
                max_cycles=max_cycles,
                bundles=trigger.bundles - before,
                has_trigger=self._plan.has_trigger,
            ):
                return changes
            entries = self._journal.committed()
            await to_the_end(self._around.store.commit_cursor(self._plan.id, changes, entries))

    async def _cycle_ended(self) -> list[CursorChange]:
        """Commit or roll back: ACID nodes first, the trigger last. Return the marks to store."""
        stop = self._failures.stop
        undone = core.rolls_back(stop) and self._transaction.is_open
        if core.rolls_back(stop):
            await self._transaction.rollback()
        else:
            await self._transaction.commit()
        self._variables.end_cycle()
        moves = core.trigger_moves(stop, self._plan.settings, undone=undone)
        return [*self._transaction.taken_marks(), *self._cursor.end_cycle(moves)]

    async def _from(
        self, place: tuple[Flow, int], bundles: Mapping[str, Bundle]
    ) -> list[CursorChange]:
        """Assumed: enclosing aggregations emit for the replayed bundle alone, innermost first."""
        flow, index = place
        scope = self._scope(bundles, cycle=1)
        before = flow[index].mappable if index < len(flow) else ()
        enclosing = [node.id for node in nodes_from(flow, index) if node.source in before]
        travel = self._travel
        travel.collected |= {name: collected_by(self._plan.nodes[name]) for name in enclosing}
        stopped = await travel.advance(flow, index, scope)
        for aggregator in enclosing:
            if not stopped and not travel.collected[aggregator].is_empty:
                stopped = await travel.flush(aggregator, scope)
        return await self._cycle_ended()

    def _scope(self, bundles: Mapping[str, Bundle], cycle: int) -> Scope:
        scope = scope_of(self._plan, self._around.world, self._failures.inputs, bundles)
        return {**scope, PATH: str(cycle)} if self._journal.keeps_paths else scope

    def _context(self, node: Node) -> NodeContext:
        return NodeContext(
            scenario_id=self._plan.id,
            execution_id=self._execution.id,
            node_id=node.id,
            folder=self._plan.path.parent,
            results=self.saved,
            files=self._around.files,
            variables=self._variables,
            own_variables=self._variables.apart(),
            clock=self._around.clock,
            watcher=self._around.watcher,
            connected=self._around.http.get(node.id),
            roots=self._around.roots,
            marks=self._marks.get(node.id, self._cursor if node is self._plan.trigger else None),
        )


def failure_of(error: RunError) -> Failure:
    """Return what ended a run, as it is kept."""
    told = Failure(error.type_name, error.message, notes=error.notes)
    match error:
        case UnusableConnectionError():
            return replace(told, phase=Phase.CONNECTION)
        case InitializationError():
            return replace(told, phase=Phase.INITIALIZATION, where=str(error.place or ""))
        case InconsistencyError():
            return replace(told, phase=Phase.COMMIT)
    return told
