"""Runs of an instant trigger: one per event, which is acknowledged with the end of its run."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from clocks import START, StandingClock
from runs import Bench

from engine.model.events import Event
from engine.model.execution import Status

RINGS = """
settings: {settings}
flow:
  - id: bell
    module: bell.ring
  - id: save
    module: probe.record
    with: {{text: "{{{{ bell.word }}}}", fail: "{{{{ bell.fail }}}}"}}
"""


class Napping(StandingClock):
    """Nobody who sleeps wakes up; `naps` is set once somebody does."""

    def __init__(self) -> None:
        super().__init__()
        self.naps = asyncio.Event()

    async def sleep(self, wait: timedelta) -> None:
        self.naps.set()
        await asyncio.Event().wait()


def rings(folder: Path, settings: str = "{}") -> Bench:
    return Bench(folder, RINGS.format(settings=settings))


def event(word: str = "ding", **more: Any) -> Event:
    return Event("probe", word, START, {"word": word, **more})


async def test_a_run_is_for_one_event_and_acknowledges_it(tmp_path: Path) -> None:
    bench = rings(tmp_path, "{max_cycles: 5}")
    for word in ("ding", "dong"):
        await bench.store.events.add(event(word))
    execution = await bench.run(event=await bench.store.events.first("probe"))
    assert execution.status is Status.SUCCESS
    assert bench.seen == ["save:ding"]
    assert await bench.store.events.first("probe") == event("dong")


async def test_after_a_rollback_the_event_comes_again(tmp_path: Path) -> None:
    bench = rings(tmp_path)
    await bench.store.events.add(event(fail="DataError"))
    execution = await bench.run(event=await bench.store.events.first("probe"))
    assert execution.status is Status.ERROR
    assert await bench.store.events.first("probe") == event(fail="DataError")


async def test_an_event_whose_bundle_is_stored_is_acknowledged(tmp_path: Path) -> None:
    bench = rings(tmp_path, "{store_incomplete_executions: true}")
    await bench.store.events.add(event(fail="DataError"))
    execution = await bench.run(event=await bench.store.events.first("probe"))
    assert execution.status is Status.WARNING
    assert await bench.store.events.first("probe") is None
    assert [one.bundles["bell"]["word"] for one in await bench.stored()] == ["ding"]


async def test_an_event_without_a_bundle_is_acknowledged(tmp_path: Path) -> None:
    bench = rings(tmp_path)
    await bench.store.events.add(event(each=[]))
    execution = await bench.run(event=await bench.store.events.first("probe"))
    assert execution.status is Status.SUCCESS
    assert await bench.store.events.first("probe") is None


async def test_an_event_that_was_interrupted_comes_again(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        flow:
          - id: bell
            module: bell.ring
          - id: nap
            module: tools.sleep
            with: {duration: 60}
        """,
        clock=Napping(),
    )
    await bench.store.events.add(event())
    assert isinstance(bench.clock, Napping)
    run = asyncio.create_task(bench.run(event=event()))
    await bench.clock.naps.wait()
    run.cancel()
    assert (await run).interrupted
    assert await bench.store.events.first("probe") == event()


@pytest.mark.parametrize("fed", [None, [{"word": "by hand"}]])
async def test_without_an_event_only_given_bundles_run(tmp_path: Path, fed: Any) -> None:
    bench = rings(tmp_path)
    execution = await bench.run(fed=fed)
    assert execution.status is (Status.SUCCESS if fed else Status.ERROR)
    assert bench.seen == (["save:by hand"] if fed else [])
