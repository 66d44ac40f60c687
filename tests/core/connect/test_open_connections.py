"""Which connection a node gets, and that each is opened once per run."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from clocks import StandingClock

from engine.connect.fetch import guarded_fetch
from engine.connect.open import Connections
from engine.connect.servers import Servers
from engine.errors import Place, ServiceConnectionError, SetupError, UnusableConnectionError
from engine.model.scenario import Settings
from engine.model.secrets import Secrets
from engine.module import Connection, Connector, Fetch, Http, Mentioned
from engine.plan.plan import EMBEDDED, Node, NodeKind, Plan
from modules.cloudconvert import connector as cloudconvert
from modules.cloudconvert.connection import CloudConvertConnection


@dataclass
class Server:
    """A connector's own server that only says where it would be."""

    connection: Connection
    jobs: int = 2
    shared: bool = False

    async def wait_idle(self, on_change: Callable[[int], None]) -> None:
        while self.jobs:
            on_change(self.jobs)
            self.jobs -= 1

    def share(self) -> None:
        self.shared = True


@dataclass
class Setting:
    """A plan's connections with a connector whose server counts its starts."""

    folder: Path
    entries: dict[str, Any] = field(default_factory=dict)
    fails: bool = False
    started: list[Path] = field(default_factory=list)
    stopped: int = 0
    notes: list[str] = field(default_factory=list)
    servers: Servers = field(init=False)

    @asynccontextmanager
    async def embedded(
        self, data_folder: Path, _fetch: Fetch, _mentioned: Mentioned
    ) -> AsyncIterator[Server]:
        if self.fails:
            raise PermissionError(13, "Permission denied")
        self.started.append(data_folder)
        yield Server(Connection("http://127.0.0.1:1/v2", "token"))
        self.stopped += 1

    def connector_of(self, name: str) -> Connector:
        return {
            "cloudconvert": Connector(
                "cloudconvert", "CloudConvert", {}, CloudConvertConnection, self.embedded
            ),
            "remote": Connector("remote", "Remote", {}, CloudConvertConnection),
            "files": Connector("files", "Files", {}),
        }[name]

    @asynccontextmanager
    async def connections(self, **nodes: str | None) -> AsyncIterator[Connections]:
        """Open for a plan whose nodes have these connections."""
        at = self.folder / "s.yaml"
        made = {name: node(name, connection) for name, connection in nodes.items()}
        plan = Plan("id", "", at, "", Settings(), (), made, {}, connections=self.entries)
        async with (
            Servers(self.folder / ".fusion", guarded_fetch()) as self.servers,
            Connections(
                plan,
                self.connector_of,
                self.servers,
                clock=StandingClock(),
                note=self.notes.append,
                secrets=Secrets(),
            ) as connections,
        ):
            yield connections


def node(name: str, connection: str | None) -> Node:
    place = Place("s.yaml", 1, 1)
    return Node(
        name,
        "x.y",
        NodeKind.MODULE,
        place,
        "flow.0",
        connector="cloudconvert",
        connection=connection,
    )


class Trying(CloudConvertConnection):
    """A connection that remembers its tests, and fails them if it is told to."""

    fails: bool = False
    tests: list[str] = []

    async def test(self, http: Http) -> None:
        self.tests.append(http.base_url)
        if self.fails:
            raise ServiceConnectionError("no route")


def entry(**fields: Any) -> CloudConvertConnection:
    return CloudConvertConnection.model_validate({"api_key": {"env": "CC_KEY"}, **fields})


async def test_a_node_without_connection_uses_the_embedded_server_and_one_line_says_so(
    tmp_path: Path,
) -> None:
    setting = Setting(tmp_path)
    async with setting.connections() as connections:
        first = await connections.open("cloudconvert", None)
        assert first is await connections.open("cloudconvert", None)
        assert first.base_url == "http://127.0.0.1:1/v2"
        assert setting.stopped == 0
    assert setting.started == [tmp_path / ".fusion" / "cloudconvert"]
    assert setting.stopped == 1
    assert len(setting.notes) == 1
    assert "embedded server" in setting.notes[0]


async def test_a_named_connection_leads_to_its_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC_KEY", "key")
    setting = Setting(tmp_path, {"cloudconvert": entry(region="us-east")})
    async with setting.connections() as connections:
        http = await connections.open("cloudconvert", "cloudconvert")
    assert http.base_url == "https://us-east.api.cloudconvert.com/v2"
    assert (setting.started, setting.notes) == ([], [])


async def test_a_named_connection_may_be_the_embedded_server(tmp_path: Path) -> None:
    setting = Setting(tmp_path, {"here": EMBEDDED})
    async with setting.connections() as connections:
        await connections.open("cloudconvert", "here")
        await connections.open("cloudconvert", None)
    assert len(setting.started) == 1


async def test_an_unknown_connection_names_those_that_exist(tmp_path: Path) -> None:
    setting = Setting(tmp_path, {"one": EMBEDDED})
    async with setting.connections() as connections:
        with pytest.raises(SetupError, match="`other` does not exist") as caught:
            await connections.open("cloudconvert", "other")
    assert caught.value.problems[0].code == "E301"
    assert caught.value.problems[0].notes == ("defined: `one`",)


async def test_a_connection_of_another_connector_is_refused(tmp_path: Path) -> None:
    setting = Setting(tmp_path, {"mail": object()})
    async with setting.connections() as connections:
        with pytest.raises(SetupError, match="not one of CloudConvert"):
            await connections.open("cloudconvert", "mail")


async def test_a_missing_credential_is_found_when_the_connection_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CC_KEY", raising=False)
    setting = Setting(tmp_path, {"live": entry()})
    async with setting.connections() as connections:
        with pytest.raises(SetupError, match=r"`live\.api_key`.*`CC_KEY` is not set"):
            await connections.open("cloudconvert", "live")


async def test_a_connector_without_a_server_asks_for_a_connection(tmp_path: Path) -> None:
    async with Setting(tmp_path).connections() as connections:
        with pytest.raises(SetupError, match="Remote needs a connection"):
            await connections.open("remote", None)
        with pytest.raises(SetupError, match="has no connections"):
            await connections.open("files", None)


async def test_a_server_that_cannot_start_is_a_setup_error(tmp_path: Path) -> None:
    async with Setting(tmp_path, fails=True).connections() as connections:
        with pytest.raises(SetupError, match="cannot start") as caught:
            await connections.open("cloudconvert", None)
    assert caught.value.problems[0].code == "E305"


async def test_the_end_of_a_run_waits_for_the_servers_jobs(tmp_path: Path) -> None:
    heard: list[int] = []
    setting = Setting(tmp_path)
    async with setting.connections() as connections:
        await setting.servers.wait_idle(heard.append)
        assert heard == []
        await connections.open("cloudconvert", None)
        assert list(setting.servers.started) == ["cloudconvert"]
        await setting.servers.wait_idle(heard.append)
    assert heard == [2, 1]


def test_the_declaration_names_modules_that_load() -> None:
    for name in cloudconvert.modules:
        assert cloudconvert.load(name).id == f"cloudconvert.{name}"


async def test_each_connection_is_tested_once_and_an_own_server_never(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC_KEY", "key")
    live = Trying.model_validate({"api_key": {"env": "CC_KEY"}})
    setting = Setting(tmp_path, {"live": live, "here": EMBEDDED})
    async with setting.connections(a="live", b="live", c="here", d=None) as connections:
        for name in "abcd":
            await connections.test(name)
    assert live.tests == ["https://api.cloudconvert.com/v2"]


async def test_a_connection_that_fails_its_test_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC_KEY", "key")
    live = Trying.model_validate({"api_key": {"env": "CC_KEY"}, "fails": True})
    async with Setting(tmp_path, {"live": live}).connections(a="live") as connections:
        with pytest.raises(
            UnusableConnectionError, match="`live` cannot be used: no route"
        ) as told:
            await connections.test("a")
    assert told.value.type_name == "ConnectionError"


async def test_shared_servers_outlive_the_connections_that_use_them(tmp_path: Path) -> None:
    setting = Setting(tmp_path)
    connector = setting.connector_of("cloudconvert")
    async with Servers(tmp_path / ".fusion", guarded_fetch(), shared=True) as servers:
        server = await servers.of(connector)
        assert await servers.of(connector) is server
        assert isinstance(server, Server)
        assert server.shared
        assert setting.stopped == 0
    assert (len(setting.started), setting.stopped) == (1, 1)


async def test_of_shared_servers_each_scenario_is_told_once_however_many_runs_it_has(
    tmp_path: Path,
) -> None:
    setting, place = Setting(tmp_path), tmp_path / "s.yaml"
    told: dict[str, list[str]] = {"one": [], "two": []}
    async with Servers(tmp_path / ".fusion", guarded_fetch(), shared=True) as servers:
        for scenario_id in ("one", "two", "one"):
            plan = Plan(scenario_id, "", place, "", Settings(), (), {}, {})
            async with Connections(
                plan,
                setting.connector_of,
                servers,
                clock=StandingClock(),
                note=told[scenario_id].append,
                secrets=Secrets(),
            ) as connections:
                await connections.open("cloudconvert", None)
    assert {name: len(notes) for name, notes in told.items()} == {"one": 1, "two": 1}
