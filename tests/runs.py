"""Running scenario texts in tests: real plan, real driver, memory store, a clock that stands."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any

from clocks import StandingClock

from engine.mapping.compile import World
from engine.model.bundle import Bundle
from engine.model.events import Event
from engine.model.execution import Execution, Incomplete, Kind, NodeCount, Status
from engine.module import Http
from engine.plan.catalog import Catalog
from engine.plan.check import load_text
from engine.plan.inputs import read_bundles
from engine.plan.plan import Plan
from engine.run.driver import Run, marked_nodes
from engine.run.journaling import Resuming
from engine.run.surroundings import Surroundings, nothing_to_test
from engine.run.turn import in_turn
from engine.store.files import FolderFiles
from engine.store.memory import MemoryStore

PROBES = Path(__file__).parent / "probe_modules"


@cache
def probes() -> Catalog:
    """Return all modules, with those that are made for tests; found once a process."""
    return Catalog([PROBES])


@dataclass
class CountingIds:
    count: int = 0

    def new(self) -> str:
        self.count += 1
        return f"{self.count:032x}"


@dataclass
class Listener:
    """A watcher that remembers what it was told."""

    failures: list[tuple[str, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    waits: list[tuple[str, float, str]] = field(default_factory=list)
    emitted: list[tuple[str, int | None, int | None]] = field(default_factory=list)

    def planned(self, plan: Any, store_folder: Path, counts: Mapping[str, NodeCount]) -> None:
        pass

    def node_started(self, node_id: str) -> None:
        self.started.append(node_id)

    def node_progress(self, node_id: str, done: float, total: float | None, text: str) -> None:
        pass

    def node_emits(self, node_id: str, done: int | None, total: int | None) -> None:
        self.emitted.append((node_id, done, total))

    def node_waits(self, node_id: str, seconds: float, reason: str) -> None:
        self.waits.append((node_id, seconds, reason))

    def node_finished(self, node_id: str, *, bundles: int, seconds: float) -> None:
        pass

    def node_failed(self, node_id: str, failure: str, *, outcome: str) -> None:
        self.failures.append((node_id, failure, outcome))

    def saved(self, node_id: str, path: Path) -> None:
        pass

    def note(self, text: str) -> None:
        self.notes.append(text)


@dataclass
class Bench:
    """A folder with a scenario, and a store that outlives its runs."""

    folder: Path
    text: str
    clock: StandingClock = field(default_factory=StandingClock)
    ids: CountingIds = field(default_factory=CountingIds)
    listener: Listener = field(default_factory=Listener)
    test_connection: Callable[[str], Awaitable[None]] = nothing_to_test
    http: Mapping[str, Http] = field(default_factory=dict)
    """HTTP by the id of the node that uses it."""

    def __post_init__(self) -> None:
        self.files = FolderFiles(self.folder / "files")
        self.store = MemoryStore(self.files)

    @property
    def plan(self) -> Plan:
        return load_text(dedent(self.text), self.folder / "probe.yaml", probes())

    @property
    def seen(self) -> list[str]:
        """What `probe.record` nodes wrote down, as `node:text`, in order."""
        path = self.folder / "seen.txt"
        return path.read_text().splitlines() if path.exists() else []

    def run_of(
        self,
        plan: Plan,
        kind: Kind,
        inputs: Mapping[str, Any],
        marks: Mapping[str, Mapping[str, Any]],
    ) -> Run:
        execution = Execution(self.ids.new(), plan.id, kind, Status.RUNNING, self.clock.now())
        return self.run_in(plan, execution, inputs, marks)

    def run_in(
        self,
        plan: Plan,
        execution: Execution,
        inputs: Mapping[str, Any],
        marks: Mapping[str, Mapping[str, Any]],
        resuming: Resuming | None = None,
    ) -> Run:
        """Return a run of an execution, new or taken up again."""
        world = World(self.clock.now, plan.settings.timezone, lambda: 0.5, self.ids.new, {})
        limit = plan.settings.max_file_size
        files = FolderFiles(self.folder / "files", max_file_size=limit)
        around = Surroundings(
            self.store,
            files,
            self.clock,
            self.ids,
            self.listener,
            world,
            test_connection=self.test_connection,
            http=self.http,
        )
        return Run(plan, around, execution, inputs=inputs, marks=marks, resuming=resuming)

    async def run(
        self,
        *,
        fed: Iterable[Bundle] | None = None,
        event: Event | None = None,
        inputs: Mapping[str, Any] | None = None,
    ) -> Execution:
        plan = self.plan
        run = self.run_of(plan, Kind.SCENARIO, inputs or {}, await self.marks(plan))
        return await run.execute(fed=fed, event=event)

    async def marks(self, plan: Plan) -> Mapping[str, Mapping[str, Any]]:
        """The stored marks of all nodes that have some."""
        return {name: await self.store.cursor(plan.id, name) for name in marked_nodes(plan)}

    async def run_in_turn(self) -> Execution:
        """Run as `fusion run` does: the scenario is known to the store, and its turn has come."""
        plan = self.plan
        await self.store.register_scenario(plan.id, plan.path)
        async with in_turn(self.store, plan, self.listener):
            return await self.run()

    async def die(self) -> None:
        """Let the process be gone, and another one come; what is in the store stays."""
        await self.store.close()
        self.store = self.store.another()

    async def resume(self, how: Resuming = Resuming.WHOLE) -> Run:
        """Take up the one run that did not finish, to its end."""
        [one] = await self.store.journal.unfinished(self.plan.id)
        begun, origin = one.execution, one.origin
        plan = load_text(origin.source, self.folder / "probe.yaml", probes())
        execution = Execution(begun.id, plan.id, begun.kind, Status.RUNNING, begun.started_at)
        run = self.run_in(plan, execution, origin.inputs, await self.marks(plan), how)
        if origin.replayed is None:
            fed = None if origin.fed is None else read_bundles(origin.fed.path)
            await run.execute(fed=fed, fed_file=origin.fed)
        else:
            await self.store.claim(origin.replayed.id)
            await run.replay(origin.replayed, from_trigger=origin.from_trigger)
        return run

    async def stored(self) -> list[Incomplete]:
        return await self.store.incompletes()

    async def replay(self, incomplete_id: str) -> Execution:
        incomplete = await self.store.claim(incomplete_id)
        plan = self.plan
        run = self.run_of(plan, Kind.REPLAY, incomplete.inputs, await self.marks(plan))
        return await run.replay(incomplete)
