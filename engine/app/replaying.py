"""Replays of incomplete executions: one or many, from the failed node or behind the trigger."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from engine.app import Operator, clock, open_store, tidy
from engine.app.planned import How, Planned, changed_since, plan_for, planned
from engine.app.replayer import Replayer, ReplayResult, replayer_of
from engine.errors import (
    NotFoundError,
    ResolvedError,
    ScenarioError,
    SetupError,
    StoreBusyError,
    UsageError,
)
from engine.model.execution import Incomplete, IncompleteStatus
from engine.run.durable import uncancelled
from engine.run.ports import Clock, Watcher
from engine.store.sqlite import SqliteStore

AHEAD: Final = 100
"""Records that are claimed, and replays without an effect outside that are written, at a time."""

TOLD: Final = 10
"""Reasons why plans no longer hold that are told."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """How many replays go on. `every`: the least time from one begin to the next, None: at once.

    `stop_on`: after so many that did not resolve their record nothing more begins; None: never.
    """

    every: timedelta | None = None
    stop_on: int | None = None


@dataclass(frozen=True, slots=True)
class Replays:
    """All that came of a bulk replay; `left` were not begun."""

    results: tuple[ReplayResult, ...]
    left: tuple[str, ...] = ()
    interrupted: bool = False


async def replay(
    ids: Sequence[str],
    operator: Operator,
    watcher: Watcher,
    how: How = How(),  # noqa: B008 - frozen
    bulk: Bulk = Bulk(),
) -> Replays:
    """Replay incomplete executions one after another, by their whole ids.

    A replay waits while its scenario runs. One that cannot begin is refused, and the others go on;
    if it is the only one, its refusal is raised.
    """
    async with open_store(operator) as store:
        async with replayer_of(store, operator, watcher, how) as replayer:
            found = await _each(ids, replayer, Pace(bulk.every, clock()), bulk.stop_on)
        await tidy(store)
    return found


async def replay_alone(
    incomplete_id: str, operator: Operator, store: SqliteStore, watcher: Watcher
) -> ReplayResult:
    """Replay one as it was stored, while the caller keeps its scenario from running."""
    async with replayer_of(store, operator, watcher, How()) as replayer:
        return await replayer.alone(incomplete_id)


async def plans_of(ids: Sequence[str], operator: Operator, how: How) -> list[Planned]:
    """Return what the replays of incomplete executions would do. Raises UsageError for a misfit."""
    async with open_store(operator) as store:
        records = [await store.incomplete(one) for one in ids]
    return [planned(record, plan_for(record, operator, how), how) for record in records]


async def apply(
    plans: Mapping[str, Any], operator: Operator, watcher: Watcher, how: How, bulk: Bulk
) -> Replays:
    """Do exactly what replay plans say, by their ids.

    Raises UsageError (E608), before anything runs, if one of them no longer holds. One that stops
    to hold later is refused when its turn comes.
    """
    reasons: list[str] = []
    async with open_store(operator) as store:
        for one, plan in plans.items():
            record = await store.incomplete(one)
            reasons += [f"{one[:8]}: {why}" for why in _why_not(record, plan, operator, how)]
    if reasons:
        more = [f"and {len(reasons) - TOLD} more"] if len(reasons) > TOLD else []
        raise UsageError(
            "the replay plan no longer holds, so nothing was replayed",
            code="E608",
            notes=(*reasons[:TOLD], *more),
        )
    async with open_store(operator) as store:
        async with replayer_of(store, operator, watcher, how, plans) as replayer:
            found = await _each(list(plans), replayer, Pace(bulk.every, clock()), bulk.stop_on)
        await tidy(store)
    return found


class Pace:
    """Lets replays begin no faster than one in `every`; None: without a wait."""

    def __init__(self, every: timedelta | None, clock: Clock) -> None:
        self.is_free = every is None
        self._every = 0.0 if every is None else every.total_seconds()
        self._clock = clock
        self._next_at = clock.monotonic()

    async def turn(self) -> None:
        """Wait until the next replay may begin."""
        wait = self._next_at - self._clock.monotonic()
        if wait > 0:
            await self._clock.sleep(timedelta(seconds=wait))
        self._next_at = max(self._next_at, self._clock.monotonic()) + self._every


async def _each(ids: Sequence[str], replayer: Replayer, pace: Pace, stop_on: int | None) -> Replays:
    results: list[ReplayResult] = []
    failures = 0
    for number, one in enumerate(ids):
        try:
            if pace.is_free and len(ids) > 1 and number % AHEAD == 0:
                await replayer.ahead(ids[number : number + AHEAD])
            await pace.turn()
            result = await _tried(one, replayer, alone=len(ids) == 1)
        except asyncio.CancelledError:
            if not results:
                raise
            uncancelled()
            return Replays(tuple(results), tuple(ids[number:]), interrupted=True)
        if result is None:
            continue
        results.append(result)
        if len(ids) > 1:
            replayer.tell(result, number + 1, len(ids))
        failures += not result.resolved
        if result.interrupted or failures == stop_on:
            left = tuple(ids[number + 1 :])
            return Replays(tuple(results), left, interrupted=result.interrupted)
    return Replays(tuple(results))


async def _tried(one: str, replayer: Replayer, *, alone: bool) -> ReplayResult | None:
    """Replay one, or say why not; None: it is no longer there."""
    try:
        return await replayer.replay(one)
    except _REFUSALS as error:
        if alone:
            raise
        with suppress(NotFoundError):
            return await replayer.refused(one, error)
    replayer.watcher.note(f"{one[:8]} has been deleted meanwhile")
    return None


_REFUSALS: Final = (ScenarioError, SetupError, StoreBusyError, NotFoundError, ResolvedError)
"""Why one record cannot be replayed while others can."""


def _why_not(record: Incomplete, plan: Any, operator: Operator, how: How) -> list[str]:
    """Say why a replay plan does not hold for a record; nothing: it does."""
    if record.status is IncompleteStatus.RESOLVED:
        return ["it is resolved"]
    try:
        return changed_since(plan, planned(record, plan_for(record, operator, how), how))
    except (ScenarioError, SetupError) as error:
        return [error.message]
