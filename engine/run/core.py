"""Decisions of a run, from facts alone: no clock, no I/O, no await. Called by the driver."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from engine.model.directive import Directive
from engine.model.execution import (
    Attempt,
    Execution,
    Failure,
    Incomplete,
    IncompleteStatus,
    Kind,
    Status,
    Streak,
)
from engine.model.scenario import Settings
from engine.run.rules import (
    BURST,
    BURST_WITHIN,
    DEACTIVATES,
    DIRECTIVES,
    KEPT_ATTEMPTS,
    LOST_IF_ENABLED,
    RETRIED_BY_DEFAULT,
    ROLLED_BACK,
    SET_ASIDE,
    STORED_BY_DEFAULT,
    TELLS_NO_DATA,
    UNCOUNTED,
    WARNS_ON_FIRST,
    WITHHELD,
    Rule,
    TriggerMoves,
    break_wait,
)


@dataclass(frozen=True, slots=True)
class Retry:
    """How a stored bundle is tried again: one wait per attempt, in order."""

    waits: tuple[timedelta, ...]

    def wait(self, attempts_made: int) -> timedelta | None:
        """Return the wait before the next attempt; None when all have been made."""
        return self.waits[attempts_made] if attempts_made < len(self.waits) else None


@dataclass(frozen=True, slots=True)
class Failed:
    """A module failed, and no handler applies."""

    type_name: str
    in_first_module: bool
    storable: bool | None = None
    """What the error says of storing it; None: its type decides."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the driver is to do about a failed bundle."""

    parks: bool
    stops: bool
    status: Status
    trigger: TriggerMoves
    retry: Retry | None = None
    shuts_node: bool = False
    substitute: Mapping[str, Any] | None = None
    """The output with which the bundle goes on; None: it does not."""
    unkept: str = ""
    """Why the bundle is not stored though it should be; empty: nothing is in the way."""
    loses: bool = False
    """The bundle is dropped though its failure should be stored; the scenario allows it."""

    @property
    def outcome(self) -> str:
        """What became of the bundle, for people."""
        if self.unkept:
            return f"{'dropped' if self.loses else 'run stopped'}: {self.unkept}"
        if self.loses:
            return "dropped: the scenario allows data loss"
        if self.parks:
            return "stored as an incomplete execution"
        if self.substitute is not None:
            return "goes on with substitute output"
        if not self.stops:
            return "ignored"
        return "run stopped, rolled back" if self.status is Status.ERROR else "run stopped"


def by_directive(directive: Directive, fields: Mapping[str, Any]) -> Decision:
    """Decide by the directive that ended the error route; `fields` are its mapped fields.

    For Break: `automatically_complete`, `attempts`, `interval` (a timedelta).
    """
    decision = _by_rule(DIRECTIVES[directive])
    if directive is Directive.RESUME:
        return replace(decision, substitute=fields)
    if directive is Directive.BREAK and fields.get("automatically_complete"):
        attempts, interval = int(fields["attempts"]), fields["interval"]
        waits = tuple(break_wait(k, interval) for k in range(1, attempts + 1))
        return replace(decision, status=Status.SUCCESS, retry=Retry(waits))
    return decision


def by_default(
    failed: Failed, *, stores: bool, schedule: Sequence[timedelta], loses: bool = False
) -> Decision:
    """Decide without a handler. `stores`: the scenario stores incomplete executions; `loses`: it
    enables data loss.

    Assumed: data loss drops a bundle with too large a file whether the scenario stores or not,
    and wherever it fails.
    """
    if loses and failed.type_name in LOST_IF_ENABLED:
        return replace(IGNORED, status=Status.WARNING, loses=True)
    if failed.in_first_module:
        mild = failed.type_name in WARNS_ON_FIRST
        return replace(_by_rule(ROLLED_BACK), status=Status.WARNING if mild else Status.ERROR)
    rule = STORED_BY_DEFAULT.get(failed.type_name)
    if rule is None and failed.storable:
        rule = SET_ASIDE
    if not stores or rule is None or failed.storable is False:
        return _by_rule(ROLLED_BACK)
    retried = failed.type_name in RETRIED_BY_DEFAULT
    return replace(_by_rule(rule), retry=Retry(tuple(schedule)) if retried else None)


def _by_rule(rule: Rule) -> Decision:
    return Decision(rule.parks, rule.stops, rule.status, rule.trigger, shuts_node=rule.shuts_node)


UNKNOWN = _by_rule(SET_ASIDE)
"""Nobody knows whether an operation was done: a person must look, whatever handlers would do."""

IGNORED = _by_rule(DIRECTIVES[Directive.IGNORE])
"""An error route that reaches no directive (Fusion: no directive means Ignore)."""


def unkept(decision: Decision, why: str, *, loses: bool) -> Decision:
    """Decide anew about a bundle that was to be stored and cannot be: no room, or too deep a value.

    With data loss it is dropped. Else the run stops, and the trigger keeps the bundle as untaken.
    """
    if loses:
        status = max(decision.status, Status.WARNING)
        return replace(decision, parks=False, retry=None, status=status, unkept=why, loses=True)
    return Decision(
        parks=False, stops=True, status=Status.ERROR, trigger=TriggerMoves.SETTLED, unkept=why
    )


def why_stopped(decision: Decision, failure: Failure) -> Failure | None:
    """Return what ended the run; None if a directive did so in good order."""
    if decision.unkept:
        text = f"{decision.unkept}, so this could not be stored: {failure.type}: {failure.message}"
        return replace(failure, type="DataSizeLimitExceededError", message=text)
    return None if decision.status is Status.SUCCESS else failure


def discreet(failure: Failure) -> Failure:
    """Return a failure of a scenario with confidential data without what may hold bundle values."""
    message = failure.message if failure.type in TELLS_NO_DATA else WITHHELD
    return replace(failure, message=message, detail={}, notes=())


def trigger_moves(
    stop: Decision | None, settings: Settings, *, undone: bool = False
) -> TriggerMoves:
    """Say how far the cursor goes when a cycle ends; `stop` says why it stopped, None: it did not.

    Without *commit trigger last* the trigger has committed when it emitted: nothing brings its
    bundles back. `undone`: work for bundles of this cycle has been taken back, so all come again.
    """
    if stop is None or (settings.auto_commit and not settings.commit_trigger_last):
        return TriggerMoves.ALL
    return TriggerMoves.NONE if undone else stop.trigger


def early_moves(settings: Settings, *, undone: bool) -> TriggerMoves:
    """Say how far the cursor goes when a run is cut short; `undone`: not all that was done holds.

    Assumed: bundles that were worked off do not come again, unless work for them was undone and the
    trigger commits last.
    """
    if undone and not (settings.auto_commit and not settings.commit_trigger_last):
        return TriggerMoves.NONE
    return TriggerMoves.SETTLED


def another_cycle(*, cycle: int, max_cycles: int, bundles: int, has_trigger: bool) -> bool:
    """Say whether a cycle follows the one with number `cycle` (from 1).

    A trigger that yields nothing ends the execution; a scenario without one makes every cycle.
    """
    return cycle < max_cycles and (bundles > 0 or not has_trigger)


def parked(
    fresh: Incomplete, retry: Retry | None, *, now: datetime, replayed: Incomplete | None
) -> Incomplete:
    """Complete a record about to be stored: its schedule, and its past if it is a replay's.

    A failure in a replay changes the record that is replayed, which moves to the node that failed
    now, so that finished work is not repeated.
    """
    attempts = 0
    if replayed is not None:
        attempts = replayed.attempts + 1
        fresh = replace(
            fresh,
            id=replayed.id,
            created_at=replayed.created_at,
            cursor=replayed.cursor,
            earlier=_with_attempt(replayed),
        )
    wait = retry.wait(attempts) if retry else None
    return replace(
        fresh,
        status=IncompleteStatus.PENDING if wait else IncompleteStatus.UNRESOLVED,
        attempts=attempts,
        allowed=len(retry.waits) if retry else 0,
        due_at=now + wait if wait else None,
    )


def after_replay(replayed: Incomplete, execution: Execution) -> Incomplete:
    """Return the record after a replay that stored nothing: resolved, or back for a person.

    It stays when the replay ended in error; one that was interrupted, or ended before a bundle
    moved, is no attempt.
    """
    if execution.status is not Status.ERROR:
        return replace(replayed, status=IncompleteStatus.RESOLVED, due_at=None)
    failure = execution.failure
    if execution.interrupted or (failure is not None and failure.before_bundles):
        return replayed
    return replace(
        replayed,
        status=IncompleteStatus.UNRESOLVED,
        attempts=replayed.attempts + 1,
        failure=failure or replayed.failure,
        execution_id=execution.id,
        failed_at=execution.ended_at,
        earlier=_with_attempt(replayed),
        due_at=None,
    )


def _with_attempt(replayed: Incomplete) -> tuple[Attempt, ...]:
    """Return the attempts before a new one: those that are kept, and the one that was replayed."""
    last = Attempt(
        replayed.failed_at or replayed.created_at,
        replayed.execution_id,
        replayed.node_id,
        replayed.failure,
    )
    return (*replayed.earlier, last)[-KEPT_ATTEMPTS:]


def streak(execution: Execution, *, max_errors: int, shut: bool = False) -> Streak:
    """Return what the end of an execution does to its scenario's row of errors.

    Errors that every later run would meet deactivate it at once; `shut`: one of them has been
    stored at its node, whatever the status. Assumed: replays and interruptions leave the row as it
    is, as do errors that do not count.
    """
    if execution.kind is Kind.REPLAY or execution.interrupted:
        return Streak()
    if shut:
        return Streak(errors=1, limit=1)
    if execution.status is not Status.ERROR:
        return Streak(over=True)
    if execution.failure is not None and execution.failure.type in UNCOUNTED:
        return Streak()
    at_once = execution.failure is not None and execution.failure.type in DEACTIVATES
    return Streak(errors=1, limit=1 if at_once else max_errors)


def is_burst(latest: Sequence[Execution]) -> bool:
    """Say whether a scenario fails so often in a short time that it must rest; `latest` first.

    Replays and interruptions are passed over, as in `streak`.
    """
    runs = [one for one in latest if one.kind is Kind.SCENARIO and not one.interrupted][:BURST]
    ends = [one.ended_at for one in runs if one.status is Status.ERROR and one.ended_at]
    return len(ends) == BURST and max(ends) - min(ends) <= BURST_WITHIN


def rolls_back(stop: Decision | None) -> bool:
    """Say whether a cycle that stopped takes back what has not been committed; None: it did not."""
    return stop is not None and stop.trigger is not TriggerMoves.ALL
