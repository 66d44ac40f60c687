"""From a failed bundle to what becomes of it: error routes, directives, defaults, storing.

The driver makes one `Failures` per run and asks it about each failure; what to do is decided by
`core`, from the tables in `rules`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final, TypeVar

from engine.errors import ModuleError
from engine.mapping.compile import Scope, World
from engine.model.bundle import Bundle
from engine.model.execution import (
    Execution,
    Failure,
    Incomplete,
    IncompleteStatus,
    NodeCount,
    Status,
)
from engine.module import Files, Http
from engine.plan.flow import directive_fields
from engine.plan.plan import Flow, Handler, Node, Plan
from engine.run import core
from engine.run.core import Decision, Failed
from engine.run.cursor import RunVariables
from engine.run.explained import explained
from engine.run.ports import Clock, Ids, Store, Watcher
from engine.run.rules import retry_waits

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run is given from outside. `http` holds a client per node that talks to a service."""

    store: Store
    files: Files
    clock: Clock
    ids: Ids
    watcher: Watcher
    world: World
    http: Mapping[str, Http] = field(default_factory=dict)


class End(Enum):
    """How a bundle's way ends at a node that failed, when nothing goes on with it."""

    DROPPED = "dropped"
    """Ignored or stored; other bundles go on."""
    STOP = "stop"
    """The cycle stops: no further bundle, route or set."""


STOP: Final = End.STOP


@dataclass(slots=True)
class _ErrorRoute:
    """An error route under way; the first directive that is reached decides."""

    decision: Decision | None = None


class Failures:
    """What went wrong in one run so far, and what is to be done about the next failure.

    `advance` takes a scope through a flow; it is the driver's.
    """

    def __init__(
        self,
        plan: Plan,
        around: Surroundings,
        execution: Execution,
        advance: Callable[[Flow, int, Scope], Awaitable[bool]],
    ) -> None:
        self.status = Status.SUCCESS
        self.stop: Decision | None = None
        """Why the cycle stopped; None while it goes on."""
        self.failure: Failure | None = None
        self.stored: list[Incomplete] = []
        self.lost = 0
        """Bundles dropped because they could not be kept, which the scenario allows."""
        self._shut: dict[str, ModuleError] = {}
        self.skipped_routers: set[str] = set()
        """Routers whose remaining routes the current bundle does not take."""
        self.replayed: Incomplete | None = None
        self.variables = RunVariables()
        self.inputs: Mapping[str, Any] = {}
        self._plan = plan
        self._around = around
        self._execution = execution
        self._advance = advance
        self._error_routes: list[_ErrorRoute] = []

    async def settle(
        self, node: Node, error: Exception, scope: Scope, count: NodeCount
    ) -> Bundle | End:
        """Do what handlers or defaults say, and return the substitute output or how it ends."""
        failure = explained(error, node, scope)
        count.failed += 1
        decision = await self._decision(node, failure, scope)
        if decision.shuts_node:
            self._shut[node.id] = failure
            decision = replace(decision, shuts_node=False)
        if not self._error_routes:
            decision = await self._act(node, failure, scope, decision)
        elif decision.substitute is None:
            # Assumed: a failure inside an error route decides for the bundle that failed first.
            route = self._error_routes[-1]
            route.decision = route.decision or decision
        if decision.substitute is not None:
            return decision.substitute
        return STOP if decision.stops else End.DROPPED

    def check_open(self, node: Node) -> None:
        """Raise the error again of a node at which every bundle fails."""
        if node.id in self._shut:
            raise self._shut[node.id]

    def reach(self, node: Node, scope: Scope) -> End:
        """A directive ends the error route for its bundle; of several, the first decides.

        One that stops the cycle also stops what is left of the error route.
        """
        assert node.directive is not None  # noqa: S101 - the plan gives directive nodes one
        fields = directive_fields(node.directive, node.fields.evaluate(scope))
        decision = core.by_directive(node.directive, fields)
        route = self._error_routes[-1]
        route.decision = route.decision or decision
        return STOP if decision.stops else End.DROPPED

    async def _decision(self, node: Node, failure: ModuleError, scope: Scope) -> Decision:
        for handler in node.handlers:
            decision = await self._handled(handler, node, failure, scope)
            if decision is not None:
                return decision
        settings = self._plan.settings
        return core.by_default(
            Failed(
                failure.type_name,
                in_first_module=node is self._plan.trigger and self.replayed is None,
                storable=failure.storable,
            ),
            stores=settings.store_incomplete_executions,
            loses=settings.enable_data_loss,
            schedule=retry_waits(settings.retry_schedule),
        )

    async def _handled(
        self, handler: Handler, node: Node, failure: ModuleError, scope: Scope
    ) -> Decision | None:
        """Run an error route; None: its entry filter does not want this error."""
        told = {"type": failure.type_name, "message": failure.message, "detail": failure.detail}
        route_scope = {**scope, "error": told, node.id: {"error": told}}
        if not _wants(handler, route_scope):
            return None
        route = _ErrorRoute()
        self._error_routes.append(route)
        try:
            await self._advance(handler.flow, 0, route_scope)
        finally:
            self._error_routes.pop()
        decision = route.decision or core.IGNORED
        if handler.router and decision.substitute is None:
            self.skipped_routers.add(handler.router)
        return decision

    async def _act(
        self, node: Node, failure: ModuleError, scope: Scope, decision: Decision
    ) -> Decision:
        told = self._told(failure)
        if decision.parks and await self._is_full():
            decision = core.without_room(decision, loses=self._plan.settings.enable_data_loss)
        self.status = max(self.status, decision.status)
        self.lost += decision.loses
        if decision.parks:
            await to_the_end(self._park(node, failure, scope, decision))
        if decision.stops:
            self.stop = decision
            self.failure = core.why_stopped(decision, told)
        self._around.watcher.node_failed(
            node.id, f"{told.type}: {told.message}", outcome=decision.outcome
        )
        return decision

    def _told(self, failure: ModuleError) -> Failure:
        """Return a failure as history and people may know it."""
        where = str(failure.place or "")
        told = Failure(failure.type_name, failure.message, failure.detail, where)
        return core.discreet(told) if self._plan.settings.data_is_confidential else told

    async def _is_full(self) -> bool:
        """Ask whether one more record would be beyond the scenario's limit.

        A replay may go beyond: no trigger brings back what it could not store.
        """
        limit = self._plan.settings.incomplete_limit
        if limit is None or self.replayed is not None:
            return False
        return (await self._around.store.scenario(self._plan.id)).incomplete >= limit

    async def _park(
        self, node: Node, failure: ModuleError, scope: Scope, decision: Decision
    ) -> None:
        """Store the failed bundle with all that a replay needs."""
        now = self._around.clock.now()
        incomplete = core.parked(
            Incomplete(
                id=self._around.ids.new(),
                scenario_id=self._plan.id,
                execution_id=self._execution.id,
                node_id=node.id,
                status=IncompleteStatus.UNRESOLVED,
                created_at=now,
                failure=replace(self._told(failure), detail=failure.detail),
                source=self._plan.source,
                source_path=str(self._plan.path),
                bundles={name: scope[name] for name in node.mappable if name in scope},
                inputs=self.inputs,
                variables=self.variables.snapshot(),
            ),
            decision.retry,
            now=now,
            replayed=None if self.stored else self.replayed,
        )
        await self._around.store.park(incomplete)
        self.stored.append(incomplete)


def _wants(handler: Handler, scope: Scope) -> bool:
    """Ask the entry filter; if it fails, the bundle enters, and fails there with a place."""
    entry = handler.flow[0].filter if handler.flow else None
    if entry is None:
        return True
    try:
        return entry.passes(scope)
    except ModuleError:
        return True


async def to_the_end(work: Awaitable[T]) -> T:
    """Await something durable to its end, even if the run is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def uncancelled() -> None:
    """Let the task await what is left to do after an interruption."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
