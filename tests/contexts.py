"""A world for modules under test: real files in a temporary folder, a clock that one can set."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.module import Bundle, Context, Fields, Http, Module
from engine.plan.expected import coerced, slots_of
from engine.store.files import FolderFiles

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@dataclass
class Marks:
    """A cursor that takes every change at once."""

    values: dict[str, Any] = field(default_factory=dict)

    def get(self, key: str) -> Any:
        return self.values.get(key)

    def keys(self) -> Iterable[str]:
        return list(self.values)

    def set(self, key: str, value: Any) -> None:
        if value is None:
            self.values.pop(key, None)
        else:
            self.values[key] = value


@dataclass
class Kept:
    """Variables with their lifetimes."""

    values: dict[str, Any] = field(default_factory=dict)
    lifetimes: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        return self.values.get(name)

    def set(self, name: str, value: Any, *, lifetime: str) -> None:
        self.values[name] = value
        self.lifetimes[name] = lifetime

    def set_all(self, values: Mapping[str, Any], *, lifetime: str) -> None:
        for name, value in values.items():
            self.set(name, value, lifetime=lifetime)


class World:
    """`engine.module.Context` in a folder, which is the scenario's; contents lie in `.fusion`."""

    scenario_id = "scenario"
    execution_id = "0123456789abcdef0123456789abcdef"
    node_id = "node"

    def __init__(
        self, folder: Path, *, http: Http | None = None, max_file_size: int | None = None
    ) -> None:
        self.folder = folder
        self.roots: tuple[Path, ...] | None = None
        self.files = FolderFiles(folder / ".fusion" / "files", max_file_size=max_file_size)
        self.cursor = Marks()
        self.variables = Kept()
        self.own_variables = Kept()
        self.time = NOON
        self.slept: list[timedelta] = []
        self.told: list[tuple[float, float | None, str]] = []
        """What `progress` was told: done, total, text."""
        self.results: list[Path] = []
        """Paths that modules told of with `saved`."""
        self.operation = 1
        self.in_doubt = False
        self.earlier: dict[str, Any] = {}
        """The detail of the failure that is replayed."""
        self.event: dict[str, Any] = {}
        """What came to the hook of an instant trigger."""
        self._http = http

    @property
    def operation_key(self) -> str:
        return f"{self.execution_id}-{self.node_id}-{self.operation}"

    @property
    def http(self) -> Http:
        assert self._http is not None, "this test gives the module no HTTP"
        return self._http

    def progress(self, done: float, total: float | None = None, *, text: str = "") -> None:
        self.told.append((done, total, text))

    def now(self) -> datetime:
        return self.time

    def saved(self, path: Path) -> None:
        self.results.append(path)

    async def sleep(self, wait: timedelta) -> None:
        self.slept.append(wait)
        self.time += wait


async def outputs(
    module: type[Module[Any, Any]], fields: Mapping[str, Any], world: Context
) -> list[Bundle]:
    """Run a module for one bundle as the engine does, its fields in UTC; return its bundles."""
    given = coerced(slots_of(module.input, UTC), fields)
    emitted = module().execute(module.input.model_validate(given), world)
    found = list(emitted) if isinstance(emitted, Iterable) else [out async for out in emitted]
    return [dict(out) if isinstance(out, Fields) else out for out in found]
