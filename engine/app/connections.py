"""Whether connections work, asked without running anything.

Every service is asked by the request that a run asks it by first; a connector's own server is
started for it, on a folder that is gone afterwards, so that no store is touched.
"""

from asyncio import gather
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from engine.app import Operator, catalog, load_plan
from engine.connect.fetch import guarded_fetch
from engine.connect.open import Connections
from engine.connect.servers import Servers
from engine.errors import (
    EngineError,
    InvalidAccessTokenError,
    ModuleError,
    NotFoundError,
    Problem,
    Problems,
    UsageError,
)
from engine.model.scenario import Settings
from engine.plan.connections import (
    FILE_NAME,
    Entry,
    read_connections,
    read_connections_file,
    settled,
)
from engine.plan.hints import did_you_mean, listed, shown
from engine.plan.plan import EMBEDDED, Plan
from engine.plan.read import read
from engine.plan.source import Source
from engine.run.ports import Clock


@dataclass(frozen=True, slots=True)
class Tried:
    """How a connection does; `problem` is None if it works.

    `address` is the service's, empty if it does not work. `refused` says that the service was
    reached and refuses the credential.
    """

    name: str
    connector: str
    embedded: bool
    address: str = ""
    problem: Problem | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One to try; `entry` is its name in the plan, None for the server of a connector's own that
    nodes use without a word."""

    name: str
    connector: str
    embedded: bool
    entry: str | None


async def try_connections(
    scenario: Path | None, operator: Operator, clock: Clock, *, name: str | None = None
) -> list[Tried]:
    """Try every connection that a scenario defines, and own servers that its nodes use.

    `scenario` None: those of the connections file that is given, or lies in the current folder.
    `name`: only this one. Raises NotFoundError if there is none of this name, ScenarioError for
    files that are wrong, UsageError if there is no file at all.
    """
    plan, wanted = _of_file(operator) if scenario is None else _of_scenario(scenario, operator)
    chosen = wanted if name is None else _named(name, wanted)
    with TemporaryDirectory(prefix="fusion-") as folder:
        async with (
            Servers(Path(folder), guarded_fetch()) as servers,
            Connections(
                plan,
                catalog(operator).connector,
                servers,
                clock=clock,
                note=_said_by_its_row,
                secrets=operator.secrets,
            ) as connections,
        ):
            return await gather(*(_tried(connections, one) for one in chosen))


def _said_by_its_row(_text: str) -> None:
    """Leave out that an own server is used: the result says so."""


def _of_scenario(path: Path, operator: Operator) -> tuple[Plan, list[_Wanted]]:
    plan, found, problems = load_plan(path, operator), catalog(operator), Problems()
    document = read(Source(str(path), plan.source), problems)
    entries = read_connections(document, path, operator.connections, found, problems)
    problems.raise_if_any()
    own = {
        node.connector: None
        for node in plan.nodes.values()
        if node.module is not None
        and node.connection is None
        and found.connector(node.connector).connection is not None
    }
    unnamed = [_Wanted(connector, connector, embedded=True, entry=None) for connector in own]
    return plan, [*_wanted(entries), *unnamed]


def _of_file(operator: Operator) -> tuple[Plan, list[_Wanted]]:
    """Read a file that has no scenario.

    Assumed: paths of credentials then start from the file's own folder, where its scenario is.
    """
    path = operator.connections or Path(FILE_NAME)
    if operator.connections is None and not path.is_file():
        raise UsageError(
            f"name a scenario: no {FILE_NAME} lies in the current folder",
            code="E701",
            next_command="fusion connections test SCENARIO",
        )
    problems = Problems()
    entries = read_connections_file(path, catalog(operator), problems)
    problems.raise_if_any()
    plan = Plan("", "", path, "", Settings(), (), {}, {}, connections=settled(entries))
    return plan, list(_wanted(entries))


def _wanted(entries: Mapping[str, Entry]) -> Iterator[_Wanted]:
    for name, entry in entries.items():
        yield _Wanted(name, entry.connector, embedded=entry.fields == EMBEDDED, entry=name)


def _named(name: str, wanted: Sequence[_Wanted]) -> list[_Wanted]:
    names = [one.name for one in wanted]
    if name not in names:
        text = f"there is no connection {shown(name)}{did_you_mean(name, names)}"
        raise NotFoundError(text, notes=(f"connections: {listed(names)}",))
    return [one for one in wanted if one.name == name]


async def _tried(connections: Connections, one: _Wanted) -> Tried:
    problem, address, refused = None, "", False
    try:
        address = await connections.ask(one.connector, one.entry)
    except ModuleError as error:
        problem = Problem("E304", error.message, None, error.notes)
        refused = isinstance(error, InvalidAccessTokenError)
    except EngineError as error:
        problem = error.problems[0]
    except Exception as error:  # other people's code may raise anything
        problem = Problem("E304", f"{type(error).__name__}: {error}")
    return Tried(one.name, one.connector, one.embedded, _shown(address), problem, refused)


def _shown(address: str) -> str:
    """Return an address without parts that may hold a secret."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="", fragment="").geturl()
