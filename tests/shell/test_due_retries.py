"""Retries that are due: how many at once, in which order, and what cannot begin."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from runs import Listener

from engine.app import Operator, catalog, clock, load_plan, opened
from engine.app.due import UNABLE_WAIT, retries_at_once, retry_all_due, retry_due
from engine.app.running import RunRequest, run_scenario
from engine.errors import StoreBusyError
from engine.model.execution import IncompleteStatus
from engine.store.sqlite import SqliteStore

PROBES = Path(__file__).parents[1] / "probe_modules"

GAUGED = """\
settings: {{store_incomplete_executions: true, {settings}}}
flow:
  - id: source
    module: tools.basic_trigger
    with: {{bundles: [{{nr: 1}}, {{nr: 2}}, {{nr: 3}}, {{nr: 4}}, {{nr: 5}}, {{nr: 6}}]}}
  - module: gauge.pass
    with: {{name: "{{{{ source.nr }}}}", together: {together}, patience: {patience}}}
{more}
"""

COUNTS = """\
  - id: count
    module: tools.increment
    with: {reset_after: never}
"""


class Desk:
    """A folder with a scenario of which six bundles wait for a retry."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "gauged.yaml"
        self.operator = Operator(store=folder / ".fusion", modules=(PROBES,))
        self.listener = Listener()
        self.gauge: Any = catalog(self.operator).module("gauge.pass")

    async def fail(
        self, *, together: int = 1, patience: float = 0, settings: str = "", more: str = ""
    ) -> None:
        told = {"together": together, "patience": patience}
        self.path.write_text(GAUGED.format(settings=settings, more=more, **told))
        self.gauge.retries = False
        await run_scenario(RunRequest(self.path, {}), self.operator, self.listener)
        self.gauge.retries, self.gauge.passed = True, []
        self.gauge.most, self.gauge.enough = 0, asyncio.Condition()

    async def make_due(self, store: SqliteStore) -> None:
        for one in await store.incompletes():
            await store.retries.postpone(one.id, clock().now() - timedelta(seconds=1))

    async def retry(self) -> list[str]:
        """Retry what is due under the scenario's lock; return the outcomes."""
        plan = load_plan(self.path, self.operator)
        async with opened(self.path.parent / ".fusion") as store:
            await self.make_due(store)
            async with store.run_lock(plan.id, wait=False, on_wait=self.listener.note):
                results = await retry_due(
                    plan.id, store, self.operator, self.listener, at_once=retries_at_once(plan)
                )
        return [result.outcome for result in results]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_three_retries_of_a_scenario_run_at_once_and_no_more(desk: Desk) -> None:
    await desk.fail(together=3)
    assert await desk.retry() == ["resolved"] * 6
    assert desk.gauge.most == 3


async def test_a_sequential_scenario_retries_one_by_one_and_the_oldest_first(desk: Desk) -> None:
    await desk.fail(settings="sequential_processing: true", patience=0.1)
    assert await desk.retry() == ["resolved"] * 6
    assert desk.gauge.most == 1
    assert desk.gauge.passed == ["1", "2", "3", "4", "5", "6"]


async def test_retries_of_a_scenario_that_keeps_data_never_overlap(desk: Desk) -> None:
    await desk.fail(more=COUNTS, patience=0.1)
    assert await desk.retry() == ["resolved"] * 6
    assert desk.gauge.most == 1
    async with opened(desk.path.parent / ".fusion") as store:
        assert list((await store.cursor("gauged", "count")).values()) == [6]


async def test_each_is_retried_once_however_late_it_is(desk: Desk) -> None:
    await desk.fail(settings="retry_schedule: [1m, 1m, 1m]")
    desk.gauge.retries = False
    outcomes = await desk.retry()
    assert [outcome.split(":")[0] for outcome in outcomes] == ["failed again"] * 6
    async with opened(desk.path.parent / ".fusion") as store:
        left = await store.incompletes()
        assert [(one.attempts, one.status) for one in left] == [(1, IncompleteStatus.PENDING)] * 6
        now = clock().now()
        assert all(one.due_at is not None and one.due_at > now for one in left)


async def test_what_cannot_begin_is_put_off_and_counts_as_no_attempt(desk: Desk) -> None:
    await desk.fail()
    desk.operator = Operator(store=desk.operator.store)  # its modules are gone
    async with opened(desk.path.parent / ".fusion") as store:
        await desk.make_due(store)
        before = clock().now()
        assert await retry_due("gauged", store, desk.operator, desk.listener, at_once=3) == []
        left = await store.incompletes()
        assert [(one.attempts, one.status) for one in left] == [(0, IncompleteStatus.PENDING)] * 6
        soonest = before + UNABLE_WAIT
        assert all(one.due_at is not None and one.due_at >= soonest for one in left)
    told = [note for note in desk.listener.notes if "cannot be retried" in note]
    assert len(told) == 6


async def test_a_scenario_that_runs_keeps_its_retries_waiting(desk: Desk) -> None:
    await desk.fail()
    async with opened(desk.path.parent / ".fusion") as store:
        await desk.make_due(store)
        async with store.run_lock("gauged", wait=False, on_wait=desk.listener.note):
            done = await retry_all_due(desk.operator, desk.listener)
        assert (done.results, done.running) == ((), ("gauged",))
        done = await retry_all_due(desk.operator, desk.listener)
    assert [result.outcome for result in done.results] == ["resolved"] * 6
    assert (done.running, done.next_at) == ((), None)


async def test_what_somebody_else_replays_is_left_to_them(desk: Desk) -> None:
    await desk.fail()
    async with opened(desk.path.parent / ".fusion") as store, opened(store.folder) as other:
        await desk.make_due(store)
        [first, *_] = await other.incompletes()
        await other.claim(first.id)
        results = await retry_due("gauged", store, desk.operator, desk.listener, at_once=3)
        assert len(results) == 5
        with pytest.raises(StoreBusyError):
            await store.claim(first.id)


async def test_an_interruption_stores_what_was_under_way_and_ends_the_row(desk: Desk) -> None:
    await desk.fail(together=7)
    async with opened(desk.path.parent / ".fusion") as store:
        await desk.make_due(store)
        work = asyncio.create_task(
            retry_due("gauged", store, desk.operator, desk.listener, at_once=3)
        )
        async with asyncio.timeout(30), desk.gauge.enough:
            await desk.gauge.enough.wait_for(lambda: len(desk.gauge.passed) == 3)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        left = await store.incompletes()
    assert [(one.attempts, one.status) for one in left] == [(0, IncompleteStatus.PENDING)] * 6
    assert len(desk.gauge.passed) == 3
