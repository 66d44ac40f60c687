"""What a test gives a run in place of the world: a store that listens, ids that count, silence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.model.execution import Execution, NodeCount
from engine.model.history import History
from engine.run.ports import NOTHING_MORE, Ending
from engine.store.files import FolderFiles
from engine.store.memory import MemoryStore


class Listening(MemoryStore):
    """A store that keeps whole histories."""

    def __init__(self, files: FolderFiles) -> None:
        super().__init__(files)
        self.histories: list[History] = []

    async def finish(self, execution: Execution, ending: Ending = NOTHING_MORE) -> None:
        await super().finish(execution, ending)
        if ending.history is not None:
            self.histories.append(ending.history)


@dataclass(slots=True)
class CountingIds:
    count: int = 0

    def new(self) -> str:
        self.count += 1
        return f"{self.count:032x}"


@dataclass(slots=True)
class Quiet:
    """A watcher that keeps what a person would be told in lines."""

    notes: list[str] = field(default_factory=list)

    def planned(self, plan: Any, store_folder: Path, counts: Mapping[str, NodeCount]) -> None:
        """Nothing is drawn."""

    def node_started(self, node_id: str) -> None:
        """Nothing is drawn."""

    def node_progress(self, node_id: str, done: float, total: float | None, text: str) -> None:
        """Nothing is drawn."""

    def node_emits(self, node_id: str, done: int | None, total: int | None) -> None:
        """Nothing is drawn."""

    def node_waits(self, node_id: str, seconds: float, reason: str) -> None:
        """Nothing is drawn."""

    def node_finished(self, node_id: str, *, bundles: int, seconds: float) -> None:
        """Nothing is drawn."""

    def node_failed(self, node_id: str, failure: str, *, outcome: str) -> None:
        self.notes.append(f"{node_id} failed: {failure} ({outcome})")

    def saved(self, node_id: str, path: Path) -> None:
        """Nothing is drawn."""

    def note(self, text: str) -> None:
        self.notes.append(text)
