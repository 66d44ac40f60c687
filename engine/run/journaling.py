"""What a run remembers of its operations, and what it does not do again once it is resumed.

A dead execution is run again from its beginning, and ends as it would have: what is pure is
computed again, and an operation with an effect outside is answered with what it gave or failed with
before. One that was begun, and of which nothing more is known, is *in doubt*: its module looks up
what became of it, or a person does. Made by `driver`, asked by `travel`, `failing` and
`transaction`.
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from engine.errors import (
    OutcomeUnknownError,
    RunError,
    StoreError,
    UnstorableError,
)
from engine.mapping.compile import Scope
from engine.model.bundle import Bundle
from engine.model.journal import Entry, OperationPlace, Origin, Stage
from engine.module import Effect
from engine.plan.plan import Node, Plan
from engine.run.context import NodeContext
from engine.run.cursor import VariablesAhead, set_again
from engine.run.durable import to_the_end
from engine.run.operation import Operation
from engine.run.ports import Store
from engine.run.remembered import error_of, failure_json
from engine.run.surroundings import PATH, Stream

_BEGUN, _GAVE, _FAILED = Stage.BEGUN, Stage.GAVE, Stage.FAILED
"""Bound once: a member of an enumeration is slow to look up, for each operation."""

_RECORD_ID: Final = 32
"""Characters of an incomplete execution's id."""


@dataclass(slots=True)
class Resumed:
    """What became of the operations that an execution had begun before it was resumed."""

    reused: int = 0
    looked_up: int = 0
    in_doubt: int = 0


class Resuming(Enum):
    """How far a run goes whose execution was begun before."""

    WHOLE = "whole"
    """As far as it would have gone."""
    TAKEN = "taken"
    """Bundles that had been taken are worked off, and the trigger is not asked for more."""


class Journaling:
    """The journal of one run. `resuming`: its execution was begun before; None: it is new."""

    def __init__(
        self, plan: Plan, store: Store, execution_id: str, resuming: Resuming | None = None
    ) -> None:
        self.resumed = Resumed()
        self.is_on = _has_effects(plan)
        """Some operation is remembered."""
        self.keeps_paths = can_be_resumed(plan)
        """Bundles know where they come from, so that the execution can be resumed."""
        self._plan = plan
        self._journal = store.journal
        self._execution_id = execution_id
        self._is_confidential = plan.settings.data_is_confidential
        self.resuming = resuming
        self._held: list[Entry] = []
        self._committed: list[Entry] = []
        self._open: dict[str, list[OperationPlace]] = {}

    def origin(self, inputs: Mapping[str, Any], **begun: Any) -> Origin | None:
        """Return what is stored to run again from; None: there would be nothing to finish.

        `begun` tells what it began with, by the names of `Origin`.
        """
        if not self.keeps_paths:
            return None
        source, path = self._plan.source, str(self._plan.path)
        return Origin(source, path, inputs, is_confidential=self._is_confidential, **begun)

    # Actions

    async def performed(
        self,
        operation: Operation,
        scope: Scope,
        ctx: NodeContext | None,
        run: Callable[[Stream], Awaitable[list[Bundle]]],
    ) -> list[Bundle]:
        """Return what an action gives for a bundle: what it gave before, else what `run` takes.

        Raises what it fails or has failed with; OutcomeUnknownError if nobody can tell.
        """
        if not self.is_on:
            return await run(operation.stream(scope, ctx))
        place = self.place_of(operation.node.id, scope)
        shared = operation.context if ctx is None else ctx
        known = await self.known(place) if self.resuming else None
        if known is not None and known.stage in {_GAVE, _FAILED}:
            return self._done_before(known, shared)
        in_doubt = known is not None and known.stage is _BEGUN
        fields = operation.fields_of(scope)
        if operation.leaves_traces:
            await self._begin(operation, fields, place, in_doubt=in_doubt)
        own = shared.copied()
        own.path, own.in_doubt = place.path, in_doubt
        own.variables = variables = VariablesAhead(shared.variables)
        own.own_variables = own_variables = VariablesAhead(shared.own_variables)
        shared.kept_key = ""
        try:
            work = run(operation.begun(fields, own))
            return await self._remembered(operation, place, own, work)
        finally:
            variables.apply(shared.variables)
            own_variables.apply(shared.own_variables)

    async def _begin(
        self, operation: Operation, fields: Any, place: OperationPlace, *, in_doubt: bool
    ) -> None:
        """Say that an operation begins that matters; refuse one that may be done already."""
        if not in_doubt:
            self._opened(operation, place)
            await self._journal.keep(self.entry(place, _BEGUN))
        elif operation.finds_again(fields):
            self._opened(operation, place)
            self.resumed.looked_up += 1
        else:
            self.resumed.in_doubt += 1
            # Not open: a rollback now cannot take back what an earlier process has committed.
            raise OutcomeUnknownError.of(operation.node.title, place.key)

    def _opened(self, operation: Operation, place: OperationPlace) -> None:
        if operation.acid:
            self._open.setdefault(operation.node.id, []).append(place)

    async def _remembered(
        self,
        operation: Operation,
        place: OperationPlace,
        ctx: NodeContext,
        work: Awaitable[list[Bundle]],
    ) -> list[Bundle]:
        try:
            outputs = await work
        except (RunError, StoreError, OutcomeUnknownError):
            raise
        except Exception as error:
            entry = self.entry(
                place, _FAILED, failure=failure_json(error, operation.node), **_set_in(ctx)
            )
            if place in (opened := self._open.get(operation.node.id, [])):
                # It has taken back its own work; the rollback is about those before it.
                opened.remove(place)
            await self._written(entry, operation)
            raise
        entry = self.entry(place, _GAVE, outputs=tuple(outputs), **_set_in(ctx))
        if operation.acid:
            self._held.append(entry)
        else:
            await self._written(entry, operation)
        return outputs

    async def _written(self, entry: Entry, operation: Operation) -> None:
        """Remember how an operation ended: at once if it changed something, else soon.

        What no store can hold is not remembered: it is read again, or in doubt.
        """
        try:
            if operation.leaves_traces:
                await to_the_end(self._journal.keep(entry))
            else:
                await self.note(entry)
        except UnstorableError:
            return

    async def note(self, entry: Entry) -> None:
        """Remember an entry soon, unless no store can hold it."""
        try:
            is_much = self._journal.note(entry)
        except UnstorableError:
            return
        if is_much:
            await self._journal.room()

    def _done_before(self, known: Entry, ctx: NodeContext) -> list[Bundle]:
        self.resumed.reused += 1
        set_again(known.variables, ctx.variables)
        set_again(known.own_variables, ctx.own_variables)
        if known.failure is not None:
            raise error_of(known.failure)
        return list(known.outputs)

    # Transactions

    def holds(self, node: Node) -> bool:
        """Tell whether an ACID node has done work that waits for its commit: it was not reused."""
        return not self.is_on or any(entry.place.node_id == node.id for entry in self._held)

    async def committing(self, operations: Iterable[Operation]) -> None:
        """Say that nodes with data of their own elsewhere are about to commit it."""
        if not self._held:
            return
        names = {operation.node.id for operation in operations if operation.commits_elsewhere}
        for entry in list(self._held):
            if entry.place.node_id in names:
                await self._journal.keep(entry._replace(stage=_BEGUN, outputs=()))

    def has_committed(self, node: Node) -> None:
        """What an ACID node has done is done for good."""
        self._open.pop(node.id, None)
        self._committed += [one for one in self._held if one.place.node_id == node.id]
        self._held = [one for one in self._held if one.place.node_id != node.id]

    def committed(self) -> list[Entry]:
        """Return what is to be remembered in the transaction that stores the nodes' marks."""
        entries, self._committed = self._committed, []
        return entries

    def taken_back(self, node: Node) -> None:
        """An ACID node has taken back what it had done since its last commit."""
        for place in self._open.pop(node.id, []):
            self._journal.note(self.entry(place, Stage.PASSED))

    def rolled_back(self) -> None:
        """Forget what waited for a commit."""
        self._held = []

    # Failures

    async def stored_as(self, node: Node, scope: Scope) -> str:
        """Return the id of the record in which a failure was stored before; empty: it was not."""
        if not self.keeps_paths:
            return ""
        known = await self.known(self.place_of(node.id, scope))
        return "" if known is None else known.record_id

    def failed_at(self, node: Node, scope: Scope) -> OperationPlace | None:
        """Return the place of an operation whose failure is about to be stored."""
        return self.place_of(node.id, scope) if self.keeps_paths else None

    async def known(self, place: OperationPlace) -> Entry | None:
        return await self._journal.entry(place) if self.resuming else None

    def place_of(self, node_id: str, scope: Scope) -> OperationPlace:
        return OperationPlace(self._execution_id, node_id, scope[PATH])

    def entry(self, place: OperationPlace, stage: Stage, **more: Any) -> Entry:
        return Entry(place, stage, is_confidential=self._is_confidential, **more)


def can_be_resumed(plan: Plan) -> bool:
    """Tell whether a run of a plan leaves anything outside that must not be done again."""
    return _has_effects(plan) or plan.settings.store_incomplete_executions


def record_id_of(place: OperationPlace) -> str:
    """Return the id of the record that keeps the failure of an operation: always the same."""
    return hashlib.sha256(place.key.encode()).hexdigest()[:_RECORD_ID]


def _has_effects(plan: Plan) -> bool:
    return any(map(has_effect, plan.nodes.values()))


def has_effect(node: Node) -> bool:
    """Tell whether what a node does or reads outside is remembered."""
    return node.module is not None and not node.disabled and node.module.effect is not Effect.PURE


def _set_in(ctx: NodeContext) -> dict[str, Any]:
    """Return the variables that an operation has set, as an entry keeps them."""
    both = (("variables", ctx.variables), ("own_variables", ctx.own_variables))
    return {
        name: given
        for name, variables in both
        if isinstance(variables, VariablesAhead) and (given := variables.given)
    }
