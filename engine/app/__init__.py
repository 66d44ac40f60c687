"""The composition root: the one place where the concrete parts of the engine meet.

What is done for a command has a file of its own in this folder, such as `running` or `replaying`,
and is made of what is here: plans loaded, the store found and opened, connections opened, the one
real clock.
"""

import random
import secrets
import time
from asyncio import sleep
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import UsageError
from engine.mapping.compile import World
from engine.mapping.functions.date_formats import zone_named
from engine.model.execution import Execution, Incomplete, Kind, Registered, Status
from engine.model.history import History
from engine.model.journal import Origin
from engine.model.secrets import Secrets
from engine.module import Connector
from engine.plan.catalog import Catalog
from engine.plan.check import load, load_text
from engine.plan.plan import Plan
from engine.run.ports import Watcher
from engine.run.surroundings import Surroundings
from engine.store import place
from engine.store.config import (
    file_roots,
    history_budget,
    key_reference,
    module_folders,
    retention,
    use_config,
)
from engine.store.files import FolderFiles
from engine.store.seal import KeyOf, key_from
from engine.store.sqlite import SqliteStore, open_sqlite

if TYPE_CHECKING:
    from engine.connect.servers import Servers


@dataclass(frozen=True, slots=True)
class Operator:
    """What the person at the machine settles for any scenario, by flags or the environment."""

    store: Path | None = None
    connections: Path | None = None
    modules: tuple[Path, ...] = ()
    allow_private_networks: bool = False
    confined: bool = False
    """Paths in fields stay inside the folders that the store's settings allow, or else inside the
    scenario's: what others send may have been mapped into them."""
    secrets: Secrets = field(default_factory=Secrets, compare=False)
    """What no text for people may show; opening a connection adds to it."""
    servers: "Servers | None" = field(default=None, compare=False)
    """Connectors' own servers that outlive a run; None: each run starts and ends its own."""


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


def catalog(operator: Operator) -> Catalog:
    """Return the connectors that are installed, and the operator's own; found once a process.

    Raises ScenarioError (E140) of a module that does not load.
    """
    here = Path.cwd()
    by_place = {folder.resolve(): folder for folder in module_folders(operator.store, here)}
    by_place |= {folder.resolve(): folder for folder in operator.modules}
    return _catalog(tuple(by_place.values()), here)


@cache
def _catalog(folders: tuple[Path, ...], _beside: Path) -> Catalog:
    """Load what relative `folders` lead to from the folder `_beside`."""
    return Catalog(folders)


def load_plan(path: Path, operator: Operator) -> Plan:
    """Read and check a scenario. Raises ScenarioError with every mistake in it."""
    use_config(operator.store, path, Path.cwd())
    return load(path, catalog(operator), connections_file=operator.connections)


def stored_plan(record: Incomplete | History | Origin, operator: Operator) -> Plan:
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
    async with opened(place.existing(operator.store, near, Path.cwd())) as store:
        yield store


@asynccontextmanager
async def opened(folder: Path, *, create: bool = False) -> AsyncIterator[SqliteStore]:
    """Open the store in a folder; one that is not there is made if `create` is true."""
    store = await open_sqlite(folder, create=create, key_of=_key_of(folder))
    try:
        yield store
    finally:
        await store.close()


async def tidy(store: SqliteStore) -> None:
    """Let a store forget what is past its time, after work on it."""
    await store.tidy(retention(store.folder), clock().now())


def _key_of(folder: Path) -> KeyOf | None:
    """Return what fetches the key of confidential records; None: it lies in the folder."""
    reference = key_reference(folder)
    if reference is None:
        return None

    def key_of() -> bytes:
        from engine.connect.credentials import secret_of

        owner = "encryption_key"
        return key_from(secret_of(reference, owner, folder), f"`{owner}`")

    return key_of


@asynccontextmanager
async def surrounded(
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
        secrets=operator.secrets,
        roots=file_roots(store.folder, plan.path.parent) if operator.confined else None,
        history=history_budget(store.folder),
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
    from engine.connect.servers import Servers
    from engine.store.mentions import mentioned

    fetch = guarded_fetch(allow_private_networks=operator.allow_private_networks)
    async with (
        Servers(store.folder, fetch, partial(mentioned, store)) as own,
        Connections(
            plan,
            found.connector,
            operator.servers or own,
            clock=clock(),
            note=watcher.note,
            secrets=operator.secrets,
        ) as connections,
    ):
        http = {
            node.id: await connections.open(node.connector, node.connection) for node in talking
        }

        async def idle() -> None:
            await own.wait_idle(
                lambda jobs: watcher.note(f"waiting for {jobs} conversion(s) that still run")
            )

        yield replace(around, http=http, test_connection=connections.test), idle


async def _nothing_to_wait_for() -> None:
    """No server of ours was started."""


def _talks(connector: Connector) -> bool:
    return connector.connection is not None or connector.embedded is not None


def new_execution(plan: Plan, kind: Kind) -> Execution:
    """Return an execution that begins now."""
    return Execution(RandomIds().new(), plan.id, kind, Status.RUNNING, clock().now())


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
