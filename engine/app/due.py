"""Retries of incomplete executions that are due: by a run before it starts, by cron, by `serve`.

All of them look into the same store, so whoever comes first retries; a claim keeps two from the
same one.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from engine.app import Operator, clock, load_plan, open_store, tidy
from engine.app.replayer import ReplayResult
from engine.app.replaying import replay_alone
from engine.errors import EngineError, StoreBusyError, StoreError
from engine.model.execution import IncompleteStatus, NodeCount
from engine.plan.plan import Plan
from engine.run.driver import acid_nodes
from engine.run.ports import Store, Watcher
from engine.run.rules import RETRIES_AT_ONCE
from engine.run.waiting import Due
from engine.store.sqlite import SqliteStore

UNABLE_WAIT: Final = timedelta(minutes=10)
"""Wait after a retry that could not begin: a connection was refused, a module is gone. It counts as
no attempt."""

LOOKED_AT: Final = 10_000
"""Records among which the scenarios are sought of which something is due."""


@dataclass(frozen=True, slots=True)
class DueResult:
    """What `fusion replay --due` did; `running` are the scenarios that it left alone.

    `next_at` is when the next retry is due; None: nothing is pending any more.
    """

    results: tuple[ReplayResult, ...]
    running: tuple[str, ...]
    next_at: datetime | None


class Quiet:
    """A watcher of retries: of what happens meanwhile only notes are told."""

    def __init__(self, watcher: Watcher) -> None:
        self.note = watcher.note

    def planned(self, plan: Any, store_folder: Path, counts: Mapping[str, NodeCount]) -> None: ...
    def node_started(self, node_id: str) -> None: ...
    def node_progress(self, node_id: str, done: float, total: float | None, text: str) -> None: ...
    def node_emits(self, node_id: str, done: int | None, total: int | None) -> None: ...
    def node_waits(self, node_id: str, seconds: float, reason: str) -> None: ...
    def node_finished(self, node_id: str, *, bundles: int, seconds: float) -> None: ...
    def node_failed(self, node_id: str, failure: str, *, outcome: str) -> None: ...
    def saved(self, node_id: str, path: Path) -> None: ...


def retries_at_once(plan: Plan) -> int:
    """Return how many retries of a scenario may run side by side.

    Only one where order matters, and where nodes keep data that each run changes.
    """
    return 1 if plan.settings.sequential_processing or acid_nodes(plan) else RETRIES_AT_ONCE


async def retry_due(
    scenario_id: str, store: SqliteStore, operator: Operator, watcher: Watcher, *, at_once: int
) -> list[ReplayResult]:
    """Retry what is due of a scenario, oldest first, each once, in batches of `at_once`.

    The caller holds the scenario's run lock, so that it does not run meanwhile. Raises StoreError,
    and CancelledError when it is cancelled, after what was under way has been stored.
    """
    results: list[ReplayResult] = []
    tried: set[str] = set()
    while batch := await _batch(scenario_id, store, tried, at_once):
        tried.update(one.id for one in batch)
        ended = await asyncio.gather(*(_retried(one, store, operator, watcher) for one in batch))
        results += [result for result in ended if result is not None]
        if any(result.interrupted for result in results):
            raise asyncio.CancelledError
    return results


async def retry_all_due(operator: Operator, watcher: Watcher) -> DueResult:
    """Retry what is due of every scenario that does not run now."""
    results: list[ReplayResult] = []
    running: list[str] = []
    async with open_store(operator) as store:
        due = await store.retries.due(clock().now(), limit=LOOKED_AT)
        for scenario_id in dict.fromkeys(one.scenario_id for one in due):
            try:
                async with store.run_lock(scenario_id, wait=False, on_wait=watcher.note):
                    at_once = await _at_once(scenario_id, store, operator)
                    results += await retry_due(
                        scenario_id, store, operator, watcher, at_once=at_once
                    )
            except StoreBusyError:
                running.append(scenario_id)
        await tidy(store)
        next_at = await store.retries.next_at()
    return DueResult(tuple(results), tuple(running), next_at)


async def _at_once(scenario_id: str, store: Store, operator: Operator) -> int:
    """Ask today's scenario; one that cannot be read is retried one by one."""
    try:
        return retries_at_once(load_plan((await store.scenario(scenario_id)).path, operator))
    except EngineError:
        return 1


async def _batch(scenario_id: str, store: Store, tried: set[str], at_once: int) -> Sequence[Due]:
    limit = at_once + len(tried)
    due = await store.retries.due(clock().now(), scenario_id=scenario_id, limit=limit)
    return [one for one in due if one.id not in tried][:at_once]


async def _retried(
    one: Due, store: SqliteStore, operator: Operator, watcher: Watcher
) -> ReplayResult | None:
    """Retry one and tell of it; None if somebody else has taken it, or it cannot begin."""
    try:
        result = await replay_alone(one.id, operator, store, Quiet(watcher))
    except StoreBusyError:
        return None
    except StoreError:
        raise
    except EngineError as error:
        watcher.note(f"{one.id[:8]} cannot be retried: {error.message}")
        await store.retries.postpone(one.id, clock().now() + UNABLE_WAIT)
        return None
    await _put_off(result, store)
    watcher.note(f"retried {one.id[:8]} (`{result.incomplete.node_id}`): {result.outcome}")
    return result


async def _put_off(result: ReplayResult, store: Store) -> None:
    """See that a retry which was no attempt is not due again at once."""
    record, now = result.incomplete, clock().now()
    is_due = record.due_at is not None and record.due_at <= now
    if record.status is IncompleteStatus.PENDING and is_due and not result.interrupted:
        await store.retries.postpone(record.id, now + UNABLE_WAIT)
