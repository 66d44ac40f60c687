"""Plays one test: the scenario's own plan and driver, in a folder and a time of the test's own.

What waits takes no time, unless a service is asked for real. Nothing is written outside of the
folder, which is gone afterwards.
"""

import json
import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from engine.errors import UsageError
from engine.mapping.compile import World
from engine.model.bundle import Bundle, File
from engine.model.execution import (
    Execution,
    Failure,
    Incomplete,
    IncompleteStatus,
    Kind,
    NodeCount,
    Status,
)
from engine.model.history import History
from engine.model.retention import Budget
from engine.plan.inputs import settle_inputs
from engine.plan.plan import Node, NodeKind, Plan
from engine.plan.rebuilt import rebuilt
from engine.run.driver import Run, marked_nodes
from engine.run.ports import Clock
from engine.run.surroundings import Surroundings
from engine.store.files import FolderFiles
from engine.testing.case import Answer, Case
from engine.testing.coverage import Coverage
from engine.testing.props import CountingIds, Listening, Quiet
from engine.testing.reading import Tests, moment, span
from engine.testing.stand_in import Failing, Log, Role, standing_in, works_alone
from engine.testing.values import Values
from engine.testing.virtual import VirtualClock

ALL: Final = Budget(first=1_000_000, last=1, failures=1_000_000, outputs=1_000_000)
"""A test looks at everything."""

MOST_ATTEMPTS: Final = 1_000
"""Attempts that one test makes with what is due."""


@dataclass(slots=True)
class Told:
    """What a test has come to, for its expectations."""

    execution: Execution
    histories: Sequence[History]
    incomplete: Sequence[Incomplete]
    counts: Mapping[str, NodeCount]
    order: Sequence[str]
    missing: Mapping[str, str]
    """By node that nothing stood in for, what to do about it."""
    saved: Sequence[Path]
    notes: Sequence[str]

    def outputs(self, node_id: str) -> list[Bundle | None]:
        """Return every bundle that a node has emitted, in order."""
        kept = (history.operations.get(node_id, ()) for history in self.histories)
        return [bundle for operations in kept for one in operations for bundle in one.outputs]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a test is played: its folder, and what it is given besides.

    `talking` names the nodes that use a service, `http` holds a client for each that may do so, and
    `clock` is the machine's if one does; None: time is the test's own.
    """

    folder: Path
    talking: Collection[str] = ()
    http: Mapping[str, Any] = field(default_factory=dict)
    clock: Clock | None = None


async def play(case: Case, tests: Tests, plan: Plan, coverage: Coverage, stage: Stage) -> Told:
    """Play a test, and return what it has come to. Raises EngineErrors if it cannot be played."""
    files = FolderFiles(stage.folder / ".fusion" / "files")
    values = Values(tests.path.parent, files)
    await _lay_out(case, values, stage.folder)
    log = Log()
    roles = await _roles(case, tests, plan, values, stage)
    played = _staged(plan, roles, coverage, stage.folder, log)
    performance = _Performance(
        played, stage.clock or VirtualClock(moment(case.now)), Listening(files), stage, log
    )
    inputs = settle_inputs(played, {**_texts(tests.written.inputs), **_texts(case.inputs)})
    if case.start_at is None:
        fed = None if case.bundles is None else [await values.bundle(one) for one in case.bundles]
        await performance.run(inputs, fed)
    else:
        given = {name: await values.bundle(one) for name, one in case.given.items()}
        await performance.run_from(case.start_at, given, inputs)
    await performance.go_on(performance.clock.now() + span(case))
    coverage.ran(performance.counts)
    return await performance.told()


@dataclass(slots=True)
class _Performance:
    """The runs of one test."""

    plan: Plan
    clock: Clock
    store: Listening
    stage: Stage
    log: Log
    watcher: Quiet = field(default_factory=Quiet)
    ids: CountingIds = field(default_factory=CountingIds)
    counts: dict[str, NodeCount] = field(default_factory=dict)
    saved: list[Path] = field(default_factory=list)
    ended: Execution | None = None
    began_with: str = ""
    """The record that a run from a node was made from; it is told only if it has failed."""

    async def run(self, inputs: Mapping[str, Any], fed: Iterable[Bundle] | None) -> None:
        """Run the scenario from its trigger, or on bundles in its place."""
        await self.store.register_scenario(self.plan.id, self.plan.path)
        run = await self._run_of(Kind.SCENARIO, inputs)
        self._took_in(run, await run.execute(fed=fed))

    async def run_from(
        self, node_id: str, given: Mapping[str, Bundle], inputs: Mapping[str, Any]
    ) -> None:
        """Run the scenario from a node on, as a replay does."""
        await self.store.register_scenario(self.plan.id, self.plan.path)
        record = Incomplete(
            id=self.ids.new(),
            scenario_id=self.plan.id,
            execution_id=self.ids.new(),
            node_id=node_id,
            status=IncompleteStatus.UNRESOLVED,
            created_at=self.clock.now(),
            failure=Failure("RuntimeError", "the test starts here"),
            source=self.plan.source,
            source_path=str(self.plan.path),
            bundles=given,
            inputs=inputs,
        )
        self.began_with = record.id
        await self.store.park(record)
        await self._replay(record.id)

    async def go_on(self, until: datetime) -> None:
        """Make the attempts that are due up to a moment, each when its time has come."""
        for _ in range(MOST_ATTEMPTS):
            pending = await self.store.incompletes(statuses=[IncompleteStatus.PENDING])
            due = [(one.due_at, one.id) for one in pending if one.due_at and one.due_at <= until]
            if not due:
                return
            at, record_id = min(due)
            if at > self.clock.now():
                await self.clock.sleep(at - self.clock.now())
            await self._replay(record_id)

    async def told(self) -> Told:
        assert self.ended is not None  # noqa: S101 - a run comes first
        stored = await self.store.incompletes(statuses=list(IncompleteStatus))
        every = [one for one in stored if not self._is_done_start(one)]
        return Told(
            self.ended,
            self.store.histories,
            every,
            self.counts,
            self.log.order,
            self.log.missing,
            self.saved,
            self.watcher.notes,
        )

    def _is_done_start(self, record: Incomplete) -> bool:
        return record.id == self.began_with and record.status is IncompleteStatus.RESOLVED

    async def _replay(self, record_id: str) -> None:
        record = await self.store.claim(record_id)
        run = await self._run_of(Kind.REPLAY, record.inputs)
        self._took_in(run, await run.replay(record))

    async def _run_of(self, kind: Kind, inputs: Mapping[str, Any]) -> Run:
        now = self.clock.now()
        execution = Execution(self.ids.new(), self.plan.id, kind, Status.RUNNING, now)
        around = Surroundings(
            store=self.store,
            files=self.store.files,
            clock=self.clock,
            ids=self.ids,
            watcher=self.watcher,
            world=self._world(execution),
            http=self.stage.http,
            history=ALL,
        )
        names = marked_nodes(self.plan)
        marks = {name: await self.store.cursor(self.plan.id, name) for name in names}
        return Run(self.plan, around, execution, inputs=inputs, marks=marks)

    def _world(self, execution: Execution) -> World:
        facts = {
            "executionID": execution.id,
            "scenarioID": self.plan.id,
            "scenarioName": self.plan.name,
            "triggerTimestamp": execution.started_at,
        }
        chance = random.Random(0).random  # noqa: S311 - the same in every test
        zone = self.plan.settings.timezone
        return World(self.clock.now, zone, chance, self.ids.new, facts)

    def _took_in(self, run: Run, ended: Execution) -> None:
        self.ended = ended
        self.saved += run.saved
        for name, count in run.counts.items():
            own = self.counts.setdefault(name, NodeCount())
            own.operations += count.operations
            own.bundles += count.bundles
            own.failed += count.failed


def _staged(
    plan: Plan, roles: Mapping[str, Role], coverage: Coverage, folder: Path, log: Log
) -> Plan:
    """Return the plan with modules that play their roles, and filters that are counted.

    Data is not withheld in a test, for it is the author's own.
    """

    def node_of(node: Node) -> Node:
        node = coverage.watched(node)
        return standing_in(node, roles[node.id], log) if node.id in roles else node

    changed = rebuilt(plan, node_of, coverage.route, coverage.entry)
    settings = plan.settings.model_copy(update={"data_is_confidential": False})
    return replace(changed, path=folder / plan.path.name, settings=settings)


async def _roles(
    case: Case, tests: Tests, plan: Plan, values: Values, stage: Stage
) -> dict[str, Role]:
    written = {**tests.written.mock, **case.mock}
    roles = {}
    for node in plan.nodes.values():
        if node.kind is not NodeKind.MODULE:
            continue
        answers = await _answers(written.get(node.id, []), values)
        faults = [
            (fault.bundle, fault.times, Failing(fault.error_type, fault.message))
            for fault in case.fail
            if fault.node == node.id
        ]
        real = is_real(case, node.id) or works_alone(node, stage.talking)
        roles[node.id] = Role(answers, faults, real)
    return roles


def is_real(case: Case, node_id: str) -> bool:
    """Say whether a test lets a node's module work outside."""
    return case.real is True or (case.real is not False and node_id in case.real)


async def _answers(
    written: Answer | list[Answer], values: Values
) -> dict[int | None, Sequence[Bundle] | Failing]:
    answers: dict[int | None, Sequence[Bundle] | Failing] = {}
    for answer in written if isinstance(written, list) else [written]:
        if answer.error is not None:
            error = answer.error
            answers[answer.bundle] = Failing(error.type, error.message, error.detail)
        else:
            outputs = answer.outputs if answer.output is None else [answer.output]
            answers[answer.bundle] = [await values.bundle(one) for one in outputs or []]
    return answers


async def _lay_out(case: Case, values: Values, folder: Path) -> None:
    """Write the files of a test into its folder."""
    for name, written in case.files.items():
        target = folder / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            text = f"the file `{name}` of a test would lie outside of the test's own folder"
            raise UsageError(text, code="E402")
        target.parent.mkdir(parents=True, exist_ok=True)
        file = await values.value(written)
        if not isinstance(file, File):
            file = await values.file({"name": target.name, "data": written})
        await values.files.copy(file, target)


def _texts(inputs: Mapping[str, Any]) -> dict[str, str]:
    """Return inputs as `--set` gives them."""
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in inputs.items()
    }
