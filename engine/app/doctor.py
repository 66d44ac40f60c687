"""Whether this machine is fit for runs, found out before one needs to know.

Nothing is changed: no store is made or upgraded, no scenario is run. What a connector needs of the
machine, it says itself (`Connector.health`).
"""

import asyncio
import os
import platform
import sys
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import version
from pathlib import Path

from engine.app import Operator, catalog, clock, load_plan
from engine.app.connections import Tried, try_connections
from engine.errors import EngineError, NoStoreError, Problem, ScenarioError
from engine.mapping.functions.date_formats import zone_named
from engine.model.health import Finding, Health
from engine.module import Connector, load_object
from engine.plan.catalog import Catalog
from engine.plan.plan import Plan
from engine.store import place
from engine.store.health import sqlite_finding, store_findings

_KNOWN_ZONE = "Europe/Rome"


async def examine(scenario: Path | None, operator: Operator) -> AsyncIterator[Finding]:
    """Yield one finding after the other; with a scenario, also how it and its connections are.

    The scenario's store is the nearest to it. Without one: to the current folder.
    """
    for finding in _machine():
        yield finding
    for finding in await asyncio.to_thread(lambda: list(_store(scenario, operator))):
        yield finding
    found, finding = _connectors(operator)
    yield finding
    if found is None:
        return
    for name in found.names():
        async for finding in _connector(found, name):
            yield finding
    if scenario is not None:
        async for finding in _scenario(scenario, operator):
            yield finding


def _machine() -> Iterator[Finding]:
    yield Finding("fusion", Health.OK, version("fusion-runner"))
    python = f"{platform.python_version()} on {platform.system()} ({sys.executable})"
    yield Finding("Python", Health.OK, python)
    yield sqlite_finding()
    if zone_named(_KNOWN_ZONE) is None:
        text = "no time zones are known, only UTC"
        yield Finding("time zones", Health.FAIL, text, "apt install tzdata, or pip install tzdata")
    else:
        yield Finding("time zones", Health.OK, f"{_KNOWN_ZONE} and the others are known")
    if os.environ.get("FUSION_STORE"):
        text = f"FUSION_STORE names {os.environ['FUSION_STORE']}"
        yield Finding("environment", Health.OK, text)


def _store(scenario: Path | None, operator: Operator) -> Iterator[Finding]:
    try:
        folder = place.existing(operator.store, scenario, Path.cwd())
    except NoStoreError as error:
        text = f"none yet ({'; '.join(error.notes)}); the first run makes one"
        yield Finding("store", Health.OK, text)
        return
    try:
        yield from store_findings(folder)
    except OSError as error:
        text = f"{folder} cannot be looked into: {error.strerror or error}"
        yield Finding("store", Health.FAIL, text, "check whose folder it is")


def _connectors(operator: Operator) -> tuple[Catalog | None, Finding]:
    try:
        found = catalog(operator)
    except ScenarioError as error:
        return None, _failed("modules", error.problems[0])
    text = ", ".join(found.names())
    if found.folders:
        text += f"; yours come from {', '.join(map(str, found.folders))}"
    return found, Finding("connectors", Health.OK, text)


async def _connector(found: Catalog, name: str) -> AsyncIterator[Finding]:
    try:
        connector = found.connector(name)
        findings = await _own_findings(connector)
    except ScenarioError as error:
        yield _failed(name, error.problems[0])
        return
    except Exception as error:  # other people's code may raise anything
        text = f"its health cannot be told: {type(error).__name__}: {error}"
        yield Finding(name, Health.FAIL, text[:500])
        return
    for finding in findings:
        yield finding


async def _own_findings(connector: Connector) -> list[Finding]:
    if not connector.health:
        return []
    return list(await load_object(connector.health)())


async def _scenario(path: Path, operator: Operator) -> AsyncIterator[Finding]:
    try:
        plan = load_plan(path, operator)
    except ScenarioError as error:
        yield _invalid(path, error)
        return
    yield _valid(path, plan)
    try:
        tried = await try_connections(path, operator, clock())
    except EngineError as error:
        yield _failed("connections", error.problems[0])
        return
    for one in tried:
        yield _connection(one)


def _invalid(path: Path, error: ScenarioError) -> Finding:
    first, count = error.problems[0], len(error.problems)
    more = f", and {count - 1} more" if count > 1 else ""
    text = f"{path} cannot be run: {first.message}{more}"
    return Finding("scenario", Health.FAIL, text, f"fusion validate {path}")


def _valid(path: Path, plan: Plan) -> Finding:
    text = f"{path} is valid ({len(plan.nodes)} nodes)"
    if plan.warnings:
        count = len(plan.warnings)
        told = f"{text}, with {count} warning{'s' if count > 1 else ''}"
        return Finding("scenario", Health.WARN, told, f"fusion validate {path}")
    return Finding("scenario", Health.OK, text)


def _connection(one: Tried) -> Finding:
    about = f"connection {one.name}"
    if one.problem is not None:
        return _failed(about, one.problem)
    return Finding(about, Health.OK, "embedded server" if one.embedded else one.address)


def _failed(about: str, problem: Problem) -> Finding:
    return Finding(about, Health.FAIL, problem.message, "; ".join(problem.notes) or problem.next)
