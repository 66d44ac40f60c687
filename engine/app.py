"""The composition root: the one place where the concrete parts of the engine meet.

Commands call these functions. Each loads a plan, finds the store, opens connections, and hands all
of it to the driver.
"""

import random
import secrets
import time
from asyncio import sleep
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from engine.errors import UsageError
from engine.mapping.compile import World
from engine.mapping.functions.date_formats import zone_named
from engine.model.bundle import File
from engine.model.execution import Execution, Incomplete, IncompleteStatus, Kind, Registered, Status
from engine.model.history import History
from engine.module import Connector
from engine.plan.catalog import Catalog
from engine.plan.check import load, load_text
from engine.plan.inputs import read_bundles, settle_inputs
from engine.plan.plan import Plan
from engine.run.driver import Run, marked_nodes
from engine.run.durable import to_the_end
from engine.run.operation import check_fields, scope_of
from engine.run.ports import Watcher
from engine.run.surroundings import Surroundings
from engine.run.turn import in_turn
from engine.store import place
from engine.store.config import use_config
from engine.store.files import FolderFiles
from engine.store.sqlite import SqliteStore, open_sqlite


@dataclass(frozen=True, slots=True)
class Operator:
    """What the person at the machine settles for any scenario, by flags or the environment."""

    store: Path | None = None
    connections: Path | None = None
    modules: tuple[Path, ...] = ()
    allow_private_networks: bool = False


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One `fusion run`. `bundles` is a file of bundles that take the trigger's place."""

    scenario: Path
    inputs: Mapping[str, str]
    bundles: Path | None = None
    reset_trigger: bool = False
    wait: bool = True


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run went; `stored` holds the incomplete executions that it left behind."""

    plan: Plan
    execution: Execution
    stored: tuple[Incomplete, ...]
    saved: tuple[Path, ...]
    nothing_new: bool
    """The trigger had no bundle."""
    store_folder: Path
    store_created: bool


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """How a replay went; `incomplete` is the record as it is now."""

    incomplete: Incomplete
    execution: Execution
    saved: tuple[Path, ...]
    plan: Plan


class SystemClock:
    """The machine's clock, and the only one that is real."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    monotonic = staticmethod(time.monotonic)

    async def sleep(self, wait: timedelta) -> None:
        await sleep(wait.total_seconds())


class RandomIds:
    def new(self) -> str:
        return secrets.token_hex(16)


def clock() -> SystemClock:
    """Return the clock that commands tell people's times by."""
    return SystemClock()


@cache
def catalog(operator: Operator) -> Catalog:
    """Return the connectors that are installed, and the operator's own; found once a process."""
    return Catalog(operator.modules)


def load_plan(path: Path, operator: Operator) -> Plan:
    """Read and check a scenario. Raises ScenarioError with every mistake in it."""
    use_config(operator.store, path, Path.cwd())
    return load(path, catalog(operator), connections_file=operator.connections)


async def run_scenario(request: RunRequest, operator: Operator, watcher: Watcher) -> RunResult:
    """Run a scenario once, from its trigger or from given bundles."""
    plan = load_plan(request.scenario, operator)
    inputs = settle_inputs(plan, request.inputs)
    fed = None if request.bundles is None else read_bundles(request.bundles)
    folder, created = place.for_run(operator.store, plan.path, Path.cwd())
    async with (
        _opened(folder, create=True) as store,
        _alone(store, plan, watcher, wait=request.wait),
    ):
        if request.reset_trigger and plan.has_trigger:
            await store.reset_cursor(plan.id, plan.trigger.id)
        marks = {name: await store.cursor(plan.id, name) for name in marked_nodes(plan)}
        execution = _execution(plan, Kind.SCENARIO)
        async with _surrounded(plan, operator, store, execution, watcher) as (around, idle):
            run = Run(plan, around, execution, inputs=inputs, marks=marks)
            watcher.planned(plan, folder, run.counts)
            execution = await run.execute(fed=fed)
            if not execution.interrupted:
                await idle()
        await store.sweep_files()
    return RunResult(
        plan=plan,
        execution=execution,
        stored=tuple(run.stored),
        saved=tuple(run.saved),
        nothing_new=fed is None and _nothing_new(plan, execution),
        store_folder=folder,
        store_created=created,
    )


async def replay(
    ids: Sequence[str], operator: Operator, watcher: Watcher, *, current: bool = False
) -> list[ReplayResult]:
    """Replay incomplete executions one after another, each from the node that failed.

    They run the scenario as it was stored; `current`: as its file says today. A replay waits while
    its scenario runs. An interruption ends the row after the replay that it met.
    """
    results: list[ReplayResult] = []
    async with open_store(operator) as store:
        for incomplete_id in ids:
            scenario_id = (await store.incomplete(incomplete_id)).scenario_id
            async with store.run_lock(scenario_id, wait=True, on_wait=watcher.note):
                result = await _replayed(incomplete_id, operator, store, watcher, current=current)
            results.append(result)
            if result.execution.interrupted:
                break
        await store.sweep_files()
    return results


async def edit_incomplete(
    incomplete_id: str,
    operator: Operator,
    *,
    files: Mapping[str, Path],
    values: Mapping[str, Any],
) -> Incomplete:
    """Change bundles of a stored incomplete execution; keys are `NODE.ITEM`.

    The failed node's fields are mapped anew and checked first. Raises UsageError (E606) for an
    item that is not there, ModuleError if the fields no longer fit.
    """
    async with open_store(operator) as store:
        incomplete = await store.incomplete(incomplete_id)
        if incomplete.status is IncompleteStatus.RESOLVED:
            raise UsageError(f"{incomplete.id[:8]} is resolved already", code="E606")
        taken: dict[str, Any] = {key: await _taken(store, path) for key, path in files.items()}
        edited = replace(incomplete, bundles=_edited(incomplete, {**values, **taken}))
        plan = stored_plan(incomplete, operator)
        scope = scope_of(plan, world(plan, edited.execution_id), edited.inputs, edited.bundles)
        check_fields(plan.nodes[incomplete.node_id], scope)
        await store.park(edited)
    return edited


async def _taken(store: SqliteStore, path: Path) -> File:
    try:
        return await store.files.take(path)
    except OSError as error:
        text = f"cannot read {path}: {error.strerror or error}"
        raise UsageError(text, code="E402") from error


def _edited(incomplete: Incomplete, changes: Mapping[str, Any]) -> dict[str, Any]:
    bundles = {name: dict(bundle) for name, bundle in incomplete.bundles.items()}
    for key, value in changes.items():
        node, _, item = key.partition(".")
        if node not in bundles or item not in bundles[node]:
            there = [f"{name}.{item}" for name, bundle in bundles.items() for item in bundle]
            raise UsageError(
                f"`{key}` is not in this incomplete execution",
                code="E606",
                notes=(f"it has: {', '.join(there)}",),
                next_command=f"fusion incomplete show {incomplete.id[:8]}",
            )
        bundles[node][item] = value
    return bundles


async def _replayed(
    incomplete_id: str, operator: Operator, store: SqliteStore, watcher: Watcher, *, current: bool
) -> ReplayResult:
    incomplete = await store.claim(incomplete_id)
    try:
        plan = _replay_plan(incomplete, operator, current=current)
        execution = _execution(plan, Kind.REPLAY)
        async with _surrounded(plan, operator, store, execution, watcher) as (around, idle):
            marks = {name: await store.cursor(plan.id, name) for name in marked_nodes(plan)}
            run = Run(plan, around, execution, inputs=incomplete.inputs, marks=marks)
            watcher.planned(plan, store.folder, run.counts)
            execution = await run.replay(incomplete)
            if not execution.interrupted:
                await idle()
    except BaseException:
        await to_the_end(_released(store, incomplete))
        raise
    return ReplayResult(await store.incomplete(incomplete.id), execution, tuple(run.saved), plan)


async def _released(store: SqliteStore, incomplete: Incomplete) -> None:
    """Give a record back that could not be replayed; one that was replayed keeps its outcome."""
    now = await store.incomplete(incomplete.id)
    if now.status is IncompleteStatus.IN_PROGRESS:
        await store.park(incomplete)


def _replay_plan(incomplete: Incomplete, operator: Operator, *, current: bool) -> Plan:
    path = Path(incomplete.source_path)
    plan = load_plan(path, operator) if current else stored_plan(incomplete, operator)
    if incomplete.node_id not in plan.positions:
        raise UsageError(
            f"the scenario of today has no node `{incomplete.node_id}`",
            code="E701",
            notes=(f"it has: {', '.join(plan.nodes)}",),
            next_command=f"fusion replay {incomplete.id[:8]}",
        )
    return plan


def stored_plan(record: Incomplete | History, operator: Operator) -> Plan:
    """Return the plan of a scenario as it was when a record of it was stored."""
    path, found = Path(record.source_path), catalog(operator)
    use_config(operator.store, path, Path.cwd())
    return load_text(record.source, path, found, connections_file=operator.connections)


def _id_of(name: str, known: Sequence[Registered]) -> str:
    path = Path(name).resolve()
    return next((one.id for one in known if one.path == path), name)


async def set_active(name: str, operator: Operator, *, active: bool) -> Registered:
    """Activate or deactivate a scenario of the store, by its id or its file."""
    async with open_store(operator) as store:
        scenario_id = _id_of(name, await store.scenarios())
        await store.set_active(scenario_id, active=active)
        return await store.scenario(scenario_id)


@asynccontextmanager
async def open_store(operator: Operator, near: Path | None = None) -> AsyncIterator[SqliteStore]:
    """Open the store that commands read. Raises NoStoreError, which says where it looked."""
    async with _opened(place.existing(operator.store, near, Path.cwd())) as store:
        yield store


@asynccontextmanager
async def _opened(folder: Path, *, create: bool = False) -> AsyncIterator[SqliteStore]:
    store = await open_sqlite(folder, create=create)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def _alone(
    store: SqliteStore, plan: Plan, watcher: Watcher, *, wait: bool
) -> AsyncIterator[None]:
    await store.register_scenario(plan.id, plan.path)
    async with (
        store.run_lock(plan.id, wait=wait, on_wait=watcher.note),
        in_turn(store, plan, watcher),
    ):
        yield


@asynccontextmanager
async def _surrounded(
    plan: Plan, operator: Operator, store: SqliteStore, execution: Execution, watcher: Watcher
) -> AsyncIterator[tuple[Surroundings, Callable[[], Awaitable[None]]]]:
    """Open the connections of a plan's nodes, and give what a run needs from outside.

    The second part waits until servers of ours that were started have no job left.
    """
    found = catalog(operator)
    around = Surroundings(
        store=store,
        files=FolderFiles(store.folder / "files", max_file_size=plan.settings.max_file_size),
        clock=clock(),
        ids=RandomIds(),
        watcher=watcher,
        world=world(plan, execution.id, execution.started_at),
    )
    talking = [
        node
        for node in plan.nodes.values()
        if node.module is not None and _talks(found.connector(node.connector))
    ]
    if not talking:
        yield around, _nothing_to_wait_for
        return
    # Imported here: scenarios that talk to no service start in half the time without it.
    from engine.connect.fetch import guarded_fetch
    from engine.connect.open import Connections

    fetch = guarded_fetch(allow_private_networks=operator.allow_private_networks)
    async with Connections(
        plan, found.connector, store.folder, fetch, clock=clock(), note=watcher.note
    ) as connections:
        http = {
            node.id: await connections.open(node.connector, node.connection) for node in talking
        }

        async def idle() -> None:
            await connections.wait_idle(
                lambda jobs: watcher.note(f"waiting for {jobs} conversion(s) that still run")
            )

        yield replace(around, http=http, test_connection=connections.test), idle


async def _nothing_to_wait_for() -> None:
    """No server of ours was started."""


def _talks(connector: Connector) -> bool:
    return connector.connection is not None or connector.embedded is not None


def _execution(plan: Plan, kind: Kind) -> Execution:
    return Execution(RandomIds().new(), plan.id, kind, Status.RUNNING, clock().now())


def _nothing_new(plan: Plan, execution: Execution) -> bool:
    ended_well = execution.status is Status.SUCCESS
    return plan.has_trigger and ended_well and not execution.nodes[plan.trigger.id].bundles


def world(plan: Plan, execution_id: str, started_at: datetime | None = None) -> World:
    """Return what expressions of a run can ask of the outside; one without a start begins now."""
    facts = {
        "executionID": execution_id,
        "scenarioID": plan.id,
        "scenarioName": plan.name,
        "triggerTimestamp": started_at or clock().now(),
    }
    return replace(world_in(plan.settings.timezone), facts=facts)


def world_in(timezone: str) -> World:
    """Return what an expression outside of a run can ask. Raises UsageError for no time zone."""
    if zone_named(timezone) is None:
        raise UsageError(f"there is no time zone `{timezone}`; one is Europe/Rome", code="E701")
    return World(clock().now, timezone, random.random, RandomIds().new, facts={})
