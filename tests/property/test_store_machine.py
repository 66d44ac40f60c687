"""Runs, replays, deaths and people's changes in any order: nothing is lost, nothing done twice.

The same machine drives the store in memory and the one in SQLite, in virtual time.
"""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from clocks import StandingClock
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from mortal_store import Died
from runs import Bench, probes

from engine.app.planned import How, Planned, planned
from engine.errors import LeaseLostError, StoreBusyError, StoreError
from engine.model.execution import Execution, Incomplete, IncompleteStatus, Kind, Status
from engine.run.ports import Store
from engine.store.lock import FROZEN_SECONDS
from engine.store.sqlite import open_sqlite

Result = TypeVar("Result")

SCENARIO = """
settings: {store_incomplete_executions: true, retry_schedule: [10m, 60m]}
flow:
  - {id: came, module: moody.source}
  - {id: ask, module: moody.act, with: {item: "{{ came.id }}", word: "{{ came.word }}"}}
  - id: make
    module: moody.act
    filter: "{{ came.word != 'not this' }}"
    with: {item: "{{ came.id }}", word: "{{ came.word }}"}
    on_error:
      - {id: alarm, module: moody.act, with: {item: "{{ came.id }}", word: "{{ came.word }}"}}
      - {module: flow.break}
  - {id: send, module: moody.act, with: {item: "{{ came.id }}", word: "{{ came.word }}"}}
"""
ACTS = ("ask", "make", "alarm", "send")
MOODS = ("fail", "lose", "late", "die", "die late")
MAIN = ("ask", "make", "send")
WAITS = (timedelta(minutes=10), timedelta(minutes=60))
JUMPS = tuple(timedelta(minutes=each) for each in (0, 7, -7, 2 * 1440, 40 * 1440, -3 * 1440))
"""Of the clock; none brings a wait within a minute of its end, which is how exactly a store sees
that the clock goes back."""

moods = st.dictionaries(
    st.tuples(st.sampled_from(MAIN), st.integers(0, 2)),
    st.lists(st.sampled_from(MOODS), min_size=1, max_size=2),
    max_size=3,
)
"""By node and item, counted from the latest one."""
picks = st.integers(0, 5)


@dataclass
class JumpingClock(StandingClock):
    """Its moments jump; its seconds do not."""

    skew: timedelta = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.skew


class Seconds:
    """What tells processes of one machine which of them stand still."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


class StoreMachine(RuleBasedStateMachine):
    """The process that works is `bench.store`; `other` is a second one, which holds claims."""

    leases_end = False
    """A process that stands still loses its lease: where processes share more than memory."""
    act: Any
    source: Any

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="fusion-machine-"))
        self.runner = asyncio.Runner()
        self.seconds = Seconds()
        self.clock = JumpingClock()
        self.bench = Bench(self.folder, SCENARIO, clock=self.clock)
        self.do(self.open_both())
        self.do(self.bench.store.retries.due(self.clock.now()))  # as each run asks at first
        self.act = probes().module("moody.act")
        self.source = probes().module("moody.source")
        self.act.reset()
        self.act.end, self.source.items = Died, 0
        self.statuses: dict[str, IncompleteStatus] = {}
        self.waits: dict[str, timedelta] = {}
        """How long each pending one still waits."""
        self.claimed: dict[str, IncompleteStatus] = {}
        """What `other` holds, with the status that it had."""
        self.waived: set[int] = set()
        """Items that a person has resolved or deleted, or kept out."""
        self.allowed: Counter[tuple[str, int]] = Counter()
        """The most effects that there may have been, by node and item."""
        self.is_dead = False
        """An execution has died and was not taken up yet."""

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)

    async def open_both(self) -> None:
        self.other: Store = self.bench.store.another()

    async def opened_anew(self) -> Store:
        return self.bench.store.another()

    def teardown(self) -> None:
        self.do(self.bench.store.close())
        self.do(self.other.close())
        self.runner.close()
        shutil.rmtree(self.folder)

    # Runs

    def set_moods(self, wanted: dict[tuple[str, int], list[str]]) -> None:
        newest = self.source.items
        self.act.trace = []
        self.act.moods = {
            (node, newest - back): list(each) for (node, back), each in wanted.items()
        }

    def survives(self, work: Coroutine[Any, Any, Result]) -> Result | None:
        """Do some work; None: the process died of it, and another one has come."""
        try:
            return self.do(work)
        except Died:
            self.do(self.reborn())
            self.is_dead = bool(self.do(self.bench.store.journal.unfinished("probe")))
            self.learn_new()  # what was stored before is there
            return None

    async def reborn(self) -> None:
        await self.bench.store.close()
        self.bench.store = await self.opened_anew()  # type: ignore[assignment]

    @precondition(lambda self: not self.is_dead)
    @rule(fresh=st.integers(0, 3), moods=moods)
    def run(self, fresh: int, moods: dict[tuple[str, int], list[str]]) -> None:
        before = self.source.items
        self.source.items += fresh
        for item in range(before + 1, self.source.items + 1):
            self.allowed.update({(node, item): 1 for node in MAIN})
            self.allowed["alarm", item] = 1
        self.set_moods(moods)
        if self.survives(self.bench.run()) is not None:
            self.learn_new()

    @precondition(lambda self: self.is_dead)
    @rule(moods=moods)
    def take_up(self, moods: dict[tuple[str, int], list[str]]) -> None:
        self.set_moods(moods)
        if self.survives(self.bench.resume()) is not None:
            self.is_dead = False
            self.learn_new()

    @precondition(lambda self: self.leases_end and not self.is_dead)
    @rule(node=st.sampled_from(MAIN))
    def stand_still(self, node: str) -> None:
        """A process stands still, another takes its run over and ends it; then it wakes up."""
        self.source.items += 1
        self.allowed.update({(each, self.source.items): 1 for each in MAIN})
        self.set_moods({(node, 0): ["freeze"]})
        self.do(self.frozen())
        self.do(self.reborn())
        self.learn_new()

    async def frozen(self) -> None:
        frozen, heir = self.bench.store, await self.opened_anew()

        async def taken_over() -> None:
            self.seconds.now += FROZEN_SECONDS + 1
            async with heir.run_lock("probe", wait=False, on_wait=print):
                self.bench.store = heir  # type: ignore[assignment]
                await self.bench.resume()

        self.act.stand_still = taken_over
        async with frozen.run_lock("probe", wait=False, on_wait=print):
            with pytest.raises(LeaseLostError):
                await self.bench.run()
        await frozen.close()
        self.claimed = {}  # `other` stood still as long
        await self.other.close()
        self.other = await self.opened_anew()

    # Replays

    @precondition(lambda self: not self.is_dead and self.free())
    @rule(pick=picks, moods=moods, from_trigger=st.booleans())
    def replay(
        self, pick: int, moods: dict[tuple[str, int], list[str]], from_trigger: bool
    ) -> None:
        free = self.free()
        self.replay_one(free[pick % len(free)], moods, How(from_trigger=from_trigger))

    @precondition(lambda self: not self.is_dead and self.due())
    @rule(moods=moods)
    def retry(self, moods: dict[tuple[str, int], list[str]]) -> None:
        self.replay_one(self.due()[0], moods, How())

    def replay_one(self, one: str, moods: dict[tuple[str, int], list[str]], how: How) -> None:
        """Replay one, and compare what ran with what was planned."""
        record = self.do(self.bench.store.incomplete(one))
        item, told = record.bundles["came"]["id"], planned(record, self.bench.plan, how)
        self.set_moods({})
        self.act.moods = {(node, item): list(each) for (node, _), each in moods.items()}
        for step in told.steps:
            if step.act == "RUN":
                self.allowed[step.node_id, item] = self.act.effects[step.node_id, item] + 1
        execution = self.survives(self.replayed(record, how))
        check_acts(told, self.act.trace, item, ended=execution)
        if execution is not None:
            self.learn_replayed(record, execution)

    async def replayed(self, record: Incomplete, how: How) -> Execution:
        store, plan = self.bench.store, self.bench.plan
        claimed = await store.claim(record.id)
        with pytest.raises(StoreBusyError):
            await self.other.claim(record.id)
        run = self.bench.run_of(plan, Kind.REPLAY, claimed.inputs, await self.bench.marks(plan))
        return await run.replay(claimed, from_trigger=how.from_trigger)

    # People

    @precondition(lambda self: not self.is_dead and self.free())
    @rule(pick=picks, word=st.sampled_from(["plain", "other", "not this"]))
    def edit(self, pick: int, word: str) -> None:
        free = self.free()
        record = self.do(self.bench.store.incomplete(free[pick % len(free)]))
        came = {**record.bundles["came"], "word": word}
        changed = replace(record, bundles={**record.bundles, "came": came})
        self.do(self.bench.store.park(changed))

    @precondition(lambda self: not self.is_dead and self.statuses)
    @rule(pick=picks, deletes=st.booleans())
    def put_away(self, pick: int, deletes: bool) -> None:
        """Resolve or delete one; what somebody works on is left alone."""
        known, store = sorted(self.statuses), self.bench.store
        one = known[pick % len(known)]
        item = self.do(store.incomplete(one)).bundles["came"]["id"]
        change = store.delete_incompletes if deletes else store.resolve_incompletes
        changed = self.do(change([one]))
        if one in self.claimed:
            assert (changed.done, changed.busy) == ((), (one,))
            return
        if self.statuses[one] is not IncompleteStatus.RESOLVED:
            self.waived.add(item)
        self.waits.pop(one, None)
        if deletes:
            assert changed.done == (one,)
            del self.statuses[one]
        else:
            self.statuses[one] = IncompleteStatus.RESOLVED

    # The other process

    @precondition(lambda self: not self.is_dead and self.statuses)
    @rule(pick=picks)
    def claim(self, pick: int) -> None:
        known = sorted(self.statuses)
        one = known[pick % len(known)]
        if self.statuses[one] in {IncompleteStatus.RESOLVED, IncompleteStatus.IN_PROGRESS}:
            with pytest.raises(StoreError):
                self.do(self.other.claim(one))
            return
        assert self.do(self.other.claim(one)).status is self.statuses[one]
        self.claimed[one] = self.statuses[one]
        self.statuses[one] = IncompleteStatus.IN_PROGRESS
        for store in (self.bench.store, self.other):
            with pytest.raises(StoreBusyError):
                self.do(store.claim(one))
        with pytest.raises(StoreBusyError):
            self.do(self.bench.store.park(self.do(self.bench.store.incomplete(one))))

    @rule()
    def other_dies(self) -> None:
        self.do(self.other.close())
        self.other = self.do(self.opened_anew())
        self.statuses |= self.claimed
        self.claimed = {}

    # Time

    @rule(jump=st.sampled_from(JUMPS))
    def clock_jumps(self, jump: timedelta) -> None:
        """Forwards, what waits is due sooner; backwards, it waits as long as it would have."""
        self.clock.skew += jump
        if jump > timedelta(0):
            self.waits = {one: wait - jump for one, wait in self.waits.items()}
        due = self.do(self.bench.store.retries.due(self.clock.now()))
        assert sorted(one.id for one in due) == self.due()

    # What must hold

    def free(self) -> list[str]:
        waiting = (IncompleteStatus.UNRESOLVED, IncompleteStatus.PENDING)
        return sorted(one for one, status in self.statuses.items() if status in waiting)

    def due(self) -> list[str]:
        ended = {one for one, wait in self.waits.items() if wait <= timedelta(0)}
        return sorted(ended - set(self.claimed))

    def learn_new(self) -> None:
        """Take in what a run has stored; what it replayed, if it did, is settled too."""
        for record in self.do(self.all_records()):
            if record.id not in self.claimed:
                self.learn(record)

    def learn_replayed(self, before: Incomplete, execution: Execution) -> None:
        record = self.do(self.bench.store.incomplete(before.id))
        has_failed = any(count.failed for count in execution.nodes.values())
        assert (record.status is IncompleteStatus.RESOLVED) is not has_failed
        assert record.attempts == before.attempts + has_failed
        assert execution.status is not Status.RUNNING
        self.learn(record)

    def learn(self, record: Incomplete) -> None:
        if record.status is self.statuses.get(record.id) and record.due_at is None:
            return
        is_retried = record.failure.type == "ConnectionError" and record.attempts <= len(WAITS)
        if record.status is IncompleteStatus.PENDING:
            assert is_retried
        came, is_done = record.bundles["came"], record.status is IncompleteStatus.RESOLVED
        if is_done and came["word"] == "not this":
            self.waived.add(came["id"])
        self.statuses[record.id] = record.status
        self.waits.pop(record.id, None)
        if record.due_at is not None:
            self.waits[record.id] = record.due_at - self.clock.now()

    async def all_records(self) -> list[Incomplete]:
        return await self.bench.store.incompletes(statuses=tuple(IncompleteStatus))

    @invariant()
    def no_effect_is_repeated(self) -> None:
        effects = self.act.effects
        assert all(effects[place] <= self.allowed[place] for place in effects), effects

    @invariant()
    def statuses_follow_the_model(self) -> None:
        if not self.is_dead:
            found = {one.id: one.status for one in self.do(self.all_records())}
            assert found == self.statuses

    @invariant()
    def nothing_is_lost(self) -> None:
        """Each item is done, stored or put away by a person, or will come again."""
        if self.is_dead:
            assert len(self.do(self.bench.store.journal.unfinished("probe"))) == 1
            return
        taken = self.do(self.bench.store.cursor("probe", "came"))
        stored = Counter(one.bundles["came"]["id"] for one in self.do(self.waiting()))
        for item in range(1, self.source.items + 1):
            is_done = self.act.effects["send", item] > 0
            ways = stored[item] + (item in self.waived) + (str(item) not in taken)
            assert is_done or ways >= 1, item
            assert stored[item] <= 1, item

    async def waiting(self) -> list[Incomplete]:
        return await self.bench.store.incompletes()


class SqliteMachine(StoreMachine):
    leases_end = True

    async def open_both(self) -> None:
        self.bench.store = await self.opened_anew()  # type: ignore[assignment]
        self.bench.files = self.bench.store.files
        self.other = await self.opened_anew()

    async def opened_anew(self) -> Store:
        return await open_sqlite(self.folder, create=True, seconds=self.seconds)


def check_acts(
    told: Planned, trace: list[tuple[str, int, str]], item: int, *, ended: Execution | None
) -> None:
    """What ran is what a replay plan says, in its order, as far as the replay came."""
    surely = [
        (step.node_id, item, str(step.act))
        for step in told.steps
        if step.act in {"RUN", "RE-ATTACH"} and not step.note.startswith("if ")
        if step.node_id in MAIN
    ]
    if told.incomplete.bundles["came"]["word"] == "not this":
        surely = [one for one in surely if one[0] != "make"][:1]  # nothing passes its filter
    maybe = {step.node_id for step in told.steps if step.note == "if something fails"}
    ran = [one for one in trace if one[0] not in maybe]
    assert all(node in maybe or (node, item, act) in surely for node, _, act in trace)
    assert ran == surely[: len(ran)]
    if ended is not None and not any(count.failed for count in ended.nodes.values()):
        assert trace == surely


few = settings(
    max_examples=60,
    stateful_step_count=20,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

TestInMemory = StoreMachine.TestCase
TestInMemory.settings = few
TestInSqlite = SqliteMachine.TestCase
TestInSqlite.settings = settings(few, max_examples=15)
