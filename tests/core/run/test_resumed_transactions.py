"""ACID operations of a run that was cut off, however often it is taken up."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from clocks import StandingClock
from mortal_store import Death, Died, MortalStore
from runs import Bench

from engine.model.execution import Execution

LEDGER = """
settings: {store_incomplete_executions: true, auto_commit: AUTO}
flow:
  - {id: mail, module: probe.emit, with: {bundles: [{id: 1}, {id: 2}, {id: 3}]}}
  - id: book
    module: ledger.add
    with:
      entry: "{{ mail.id }}"
      needs: "{{ if(mail.id == 2, 'NEEDS', null) }}"
      slow_on: "{{ if(mail.id == 3, SLOW, null) }}"
    on_error: [module: flow.break]
  - {id: told, module: probe.record, with: {text: "{{ mail.id }}"}}
"""


def ledger(*, auto: bool, needs: str = "probe.yaml", slow: str = "null") -> str:
    """Return a scenario whose second bundle needs a file."""
    text = LEDGER.replace("AUTO", str(auto).lower()).replace("NEEDS", needs)
    return text.replace("SLOW", slow)


def entries(bench: Bench) -> Counter[str]:
    path = bench.folder / "book.db"
    if not path.exists():
        return Counter()
    with closing(sqlite3.connect(path)) as book:
        return Counter(entry for (entry,) in book.execute("SELECT entry FROM entries"))


async def dies(bench: Bench, at: int | None) -> bool:
    """Run, or take up what was cut off, and die before a write; False: it lived to the end."""
    unfinished = await bench.store.journal.unfinished("probe")
    bench.store = MortalStore(bench.files, Death(at), bench.store._records)
    try:
        await (bench.resume() if unfinished else bench.run())
    except Died:
        await bench.die()
        return True
    return False


def test_an_operation_in_doubt_is_not_done_again_however_often_the_run_dies(
    tmp_path: Path,
) -> None:
    in_doubt = 0
    for first in range(1, 60):
        for second in (2, 3, 5):
            folder = tmp_path / f"{first}-{second}"
            folder.mkdir()
            (folder / "probe.yaml").touch()
            bench = Bench(folder, ledger(auto=True))
            if not asyncio.run(dies(bench, first)):
                assert in_doubt > 0
                return
            if asyncio.run(dies(bench, second)):
                asyncio.run(dies(bench, None))
            in_doubt += len(asyncio.run(bench.stored()))
            assert max(entries(bench).values()) == 1, (first, second)
            assert max(Counter(bench.seen).values()) == 1, (first, second)
    pytest.fail("the run has more writes than were tried")


async def test_what_has_failed_stays_failed_when_the_run_is_taken_up(tmp_path: Path) -> None:
    whole = Bench(tmp_path, ledger(auto=True, needs="stamp.txt"))
    assert await dies(whole, 12)
    [stored] = await whole.stored()
    assert stored.bundles["mail"]["id"] == 2
    (tmp_path / "stamp.txt").touch()

    assert not await dies(whole, None)

    assert [one.id for one in await whole.stored()] == [stored.id]
    assert entries(whole) == Counter("13")
    assert whole.seen == ["told:1", "told:3"]


@dataclass
class Interrupting(StandingClock):
    """Whoever sleeps finds the run interrupted when it wakes."""

    run: asyncio.Task[Execution] | None = None

    async def sleep(self, wait: timedelta) -> None:
        await super().sleep(wait)
        assert self.run is not None
        self.run.cancel()
        await asyncio.sleep(0)


@pytest.mark.parametrize("auto", [True, False])
async def test_what_an_interruption_has_taken_back_is_done_when_the_run_is_taken_up(
    tmp_path: Path, auto: bool
) -> None:
    (tmp_path / "probe.yaml").touch()
    bench = Bench(tmp_path, ledger(auto=auto, slow="'execute'"))
    bench.clock = clock = Interrupting()
    clock.run = asyncio.create_task(bench.run())
    assert (await clock.run).interrupted
    bench.clock = StandingClock()

    await bench.resume()

    assert await bench.stored() == []
    assert entries(bench) == Counter("123")
    assert bench.seen == ["told:1", "told:2", "told:3"]
