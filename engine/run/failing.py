"""From a failed bundle to what becomes of it: error routes, directives, defaults, storing.

The driver makes one `Failures` per run and asks it about each failure; what to do is decided by
`core`, from the tables in `rules`.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from engine.errors import ModuleError, NotFoundError, OutcomeUnknownError, UnstorableError
from engine.mapping.compile import Scope
from engine.model.execution import Execution, Failure, Incomplete, IncompleteStatus, Status
from engine.plan.flow import RetryFields, directive_fields
from engine.plan.plan import Flow, Handler, Node, Plan
from engine.run import core
from engine.run.core import Decision, Failed
from engine.run.cursor import RunVariables
from engine.run.durable import to_the_end
from engine.run.explained import bundle_words
from engine.run.journaling import Journaling, record_id_of
from engine.run.operation import mapped_fields
from engine.run.retrying import Trouble, retried
from engine.run.rules import FULL, retry_waits
from engine.run.surroundings import DROPPED, PATH, STOP, End, Outputs, Surroundings


@dataclass(slots=True)
class _ErrorRoute:
    """An error route under way; the first directive that is reached decides."""

    trouble: Trouble
    decision: Decision | None = None
    rejects: bool = False
    """It has tried in vain and ends there, so the next handler is asked."""


class Failures:
    """What went wrong in one run so far, and what is to be done about the next failure.

    `advance` takes a scope through a flow; it is the driver's.
    """

    def __init__(
        self,
        plan: Plan,
        around: Surroundings,
        execution: Execution,
        variables: RunVariables,
        advance: Callable[[Flow, int, Scope], Awaitable[bool]],
        journal: Journaling,
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
        self.variables = variables
        self.inputs: Mapping[str, Any] = {}
        self.cursor: Callable[[], Mapping[str, Any]] = dict
        """Returns the trigger's marks that belong to the bundle on its way."""
        self._plan = plan
        self._around = around
        self._execution = execution
        self._advance = advance
        self._journal = journal
        self._error_routes: list[_ErrorRoute] = []

    async def settle(self, trouble: Trouble) -> Outputs | End:
        """Do what handlers or defaults say, and return what goes on instead, or how it ends."""
        decision = await self._decision(trouble)
        if trouble.outputs is not None:
            return trouble.outputs
        if decision.shuts_node:
            self._shut[trouble.node.id] = trouble.failure
            decision = replace(decision, shuts_node=False)
        if not self._error_routes:
            decision = await self._act(trouble, decision)
        elif decision.substitute is None:
            # Assumed: a failure inside an error route decides for the bundle that failed first.
            route = self._error_routes[-1]
            route.decision = route.decision or decision
            if isinstance(trouble.failure, OutcomeUnknownError):
                trouble.failure.tell(route.trouble.failure)
        if decision.substitute is not None:
            return [decision.substitute]
        return STOP if decision.stops else DROPPED

    def is_shut(self, node: Node) -> bool:
        return node.id in self._shut

    @property
    def shut(self) -> bool:
        """Some node fails on every bundle, and what it failed on is stored."""
        return bool(self._shut)

    async def retry(self, node: Node, scope: Scope) -> Outputs | End:
        """Run the node again that failed on this error route's bundle, as `flow.retry` says.

        Once it has emitted, the error route is over: nothing is wrong any more.
        """
        route = self._error_routes[-1]
        fields = RetryFields.model_validate(node.fields.evaluate(scope))
        if await retried(route.trouble, fields, self._around):
            route.decision = route.decision or core.IGNORED
            return STOP
        scope["error"] = route.trouble.told
        scope[route.trouble.node.id] = {"error": route.trouble.told}
        flow, index = self._plan.positions[node.id]
        route.rejects = index == len(flow) - 1
        return [{}]

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
        return STOP if decision.stops else DROPPED

    async def _decision(self, trouble: Trouble) -> Decision:
        if isinstance(trouble.failure, OutcomeUnknownError):
            return core.UNKNOWN
        for handler in trouble.node.handlers:
            decision = await self._handled(handler, trouble)
            if decision is not None:
                return decision
        settings = self._plan.settings
        return core.by_default(
            Failed(
                trouble.failure.type_name,
                in_first_module=trouble.node is self._plan.trigger and self.replayed is None,
                storable=trouble.failure.storable,
            ),
            stores=settings.store_incomplete_executions,
            loses=settings.enable_data_loss,
            schedule=retry_waits(settings.retry_schedule),
        )

    async def _handled(self, handler: Handler, trouble: Trouble) -> Decision | None:
        """Run an error route; None: it does not want this error, or has tried again in vain."""
        told = trouble.told
        route_scope = {**trouble.scope, "error": told, trouble.node.id: {"error": told}}
        if PATH in route_scope:
            # Several nodes may share an error route.
            route_scope[PATH] = f"{route_scope[PATH]}!{trouble.node.id}"
        if not _wants(handler, route_scope):
            return None
        route = _ErrorRoute(trouble)
        self._error_routes.append(route)
        try:
            await self._advance(handler.flow, 0, route_scope)
        finally:
            self._error_routes.pop()
        if route.rejects and route.decision is None:
            return None
        decision = route.decision or core.IGNORED
        if handler.router and decision.substitute is None and trouble.outputs is None:
            self.skipped_routers.add(handler.router)
        return decision

    async def _act(self, trouble: Trouble, decision: Decision) -> Decision:
        node, told = trouble.node, self.told(trouble)
        stored_as = await self._journal.stored_as(node, trouble.scope) if decision.parks else ""
        may_wait = decision.parks and decision is not core.UNKNOWN and not stored_as
        loses = self._plan.settings.enable_data_loss
        if may_wait and await self._is_full():
            decision = core.unkept(decision, FULL, loses=loses)
        if stored_as:
            await self._stored_before(stored_as)
        elif decision.parks:
            try:
                await to_the_end(self._park(trouble, decision))
            except UnstorableError as error:
                if not may_wait or self.replayed is not None:
                    raise
                decision = core.unkept(decision, error.message, loses=loses)
        self.status = max(self.status, decision.status)
        self.lost += decision.loses
        if decision.stops:
            self.stop = decision
            self.failure = core.why_stopped(decision, told)
        self._around.watcher.node_failed(
            node.id,
            f"{told.type}: {told.message}",
            outcome="; ".join(filter(None, (told.bundle, decision.outcome))),
        )
        return decision

    def told(self, trouble: Trouble) -> Failure:
        """Return a failure as history and people may know it."""
        failure, secrets = trouble.failure, self._around.secrets
        told = Failure(
            failure.type_name,
            secrets.cut(failure.message),
            secrets.cut_in(failure.detail),
            where=str(failure.place or ""),
            bundle=secrets.cut(bundle_words(trouble.node, trouble.scope)),
            notes=tuple(map(secrets.cut, failure.notes)),
        )
        return core.discreet(told) if self._plan.settings.data_is_confidential else told

    def _replayable(self, trouble: Trouble) -> Failure:
        """Return a failure with its whole detail, by which a replay finds what was begun."""
        detail = self._around.secrets.cut_in(trouble.failure.detail)
        return replace(self.told(trouble), detail=detail)

    async def _is_full(self) -> bool:
        """Ask whether one more record would be beyond the scenario's limit.

        A replay may go beyond: no trigger brings back what it could not store.
        """
        limit = self._plan.settings.incomplete_limit
        if limit is None or self.replayed is not None:
            return False
        return (await self._around.store.scenario(self._plan.id)).incomplete >= limit

    async def _stored_before(self, record_id: str) -> None:
        """Leave a record as it is that was stored before the run was resumed.

        Somebody may have resolved or deleted it since.
        """
        with suppress(NotFoundError):
            self.stored.append(await self._around.store.incomplete(record_id))

    async def _park(self, trouble: Trouble, decision: Decision) -> None:
        """Store the failed bundle with all that a replay needs."""
        node, scope = trouble.node, trouble.scope
        now = self._around.clock.now()
        place = self._journal.failed_at(node, scope)
        incomplete = core.parked(
            Incomplete(
                id=self._around.ids.new() if place is None else record_id_of(place),
                scenario_id=self._plan.id,
                execution_id=self._execution.id,
                node_id=node.id,
                status=IncompleteStatus.UNRESOLVED,
                created_at=now,
                failure=self._replayable(trouble),
                source=self._plan.source,
                source_path=str(self._plan.path.absolute()),
                bundles={name: scope[name] for name in node.mappable if name in scope},
                inputs=self.inputs,
                variables=self.variables.snapshot(),
                fields=mapped_fields(node, scope),
                cursor=self.cursor(),
                failed_at=now,
                operation_key="" if place is None else place.key,
                confidential=self._plan.settings.data_is_confidential,
            ),
            decision.retry,
            now=now,
            replayed=None if self.stored else self.replayed,
        )
        if incomplete.due_at is not None:
            await self._around.store.retries.saw(now)
        await self._around.store.park(incomplete, place)
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
