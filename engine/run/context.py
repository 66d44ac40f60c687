"""The world as one node's module sees it: `engine.module.Context`, made once per node and run."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from engine.errors import InvalidConfigurationError
from engine.module import Cursor, Files, Http, Variables
from engine.run.ports import Clock, Watcher


@dataclass(slots=True)
class NodeContext:
    """Handed to `Module.execute`; `operation` counts the node's operations in this execution."""

    scenario_id: str
    execution_id: str
    node_id: str
    folder: Path
    results: list[Path]
    files: Files
    variables: Variables
    own_variables: Variables
    clock: Clock
    watcher: Watcher
    connected: Http | None = None
    marks: Cursor | None = None
    told: Mapping[str, Any] | None = None
    """The event that an instant trigger is run for."""
    operation: int = 0
    earlier: Mapping[str, Any] = field(default_factory=dict)

    def ahead(self, variables: Variables) -> "NodeContext":
        """Return a context of its own for an operation that overlaps with others."""
        return replace(self, variables=variables, earlier={})

    @property
    def operation_key(self) -> str:
        return f"{self.execution_id}-{self.node_id}-{self.operation}"

    @property
    def http(self) -> Http:
        if self.connected is None:
            raise InvalidConfigurationError(f"`{self.node_id}` has no connection to a service")
        return self.connected

    @property
    def cursor(self) -> Cursor:
        if self.marks is None:
            raise InvalidConfigurationError(
                f"`{self.node_id}` is neither a trigger nor ACID: it has no cursor"
            )
        return self.marks

    @property
    def event(self) -> Mapping[str, Any]:
        if self.told is None:
            raise InvalidConfigurationError(f"`{self.node_id}` was given no event")
        return self.told

    def now(self) -> datetime:
        return self.clock.now()

    def saved(self, path: Path) -> None:
        self.results.append(path)
        self.watcher.saved(self.node_id, path)

    async def sleep(self, wait: timedelta) -> None:
        await self.clock.sleep(wait)

    def progress(self, done: float, total: float | None = None, *, text: str = "") -> None:
        self.watcher.node_progress(self.node_id, done, total, text)
