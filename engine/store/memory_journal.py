"""The journal of a store in memory: `engine.run.ports.Journal`, part of a `MemoryStore`."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from engine.model.bundle import File
from engine.model.execution import Execution
from engine.model.journal import Entry, OperationPlace, Origin, Stage, Tally, Unfinished
from engine.store.entries import (
    entry_of,
    entry_payload,
    files_of_origin,
    origin_of,
    origin_payload,
)
from engine.store.files import FolderFiles


@dataclass(slots=True)
class JournalRecords:
    """What several `MemoryJournal`s share."""

    entries: dict[OperationPlace, dict[str, Any]] = field(default_factory=dict)
    origins: dict[str, bytes] = field(default_factory=dict)
    """Payloads, by execution."""
    files: dict[str, set[str]] = field(default_factory=dict)
    """SHA-256s, by execution."""


class MemoryJournal:
    """`interrupted` returns the executions of a scenario that nobody runs any more."""

    def __init__(
        self,
        files: FolderFiles,
        records: JournalRecords,
        interrupted: Callable[[str], list[Execution]],
    ) -> None:
        self._files = files
        self._records = records
        self._interrupted = interrupted

    def note(self, entry: Entry) -> bool:
        payload, files = entry_payload(entry)
        row = {"stage": entry.stage, "record_id": "", "payload": payload}
        self._keep_files(entry.place.execution_id, files)
        known = self._records.entries.get(entry.place)
        if known is not None:
            row["record_id"] = known["record_id"]
        self._records.entries[entry.place] = row
        return False

    async def room(self) -> None:
        """All is remembered at once."""

    async def keep(self, entry: Entry) -> None:
        self.note(entry)

    async def entry(self, place: OperationPlace) -> Entry | None:
        row = self._records.entries.get(place)
        return None if row is None else entry_of(place, row, self._files.path_of)

    async def unfinished(self, scenario_id: str) -> list[Unfinished]:
        origins = self._records.origins
        return [
            Unfinished(one, origin_of(origins[one.id], self._files.path_of))
            for one in self._interrupted(scenario_id)
            if one.id in origins
        ]

    async def tally(self, execution_id: str) -> list[Tally]:
        counts: dict[str, Counter[str]] = {}
        for place, row in self._records.entries.items():
            if place.execution_id == execution_id and row["stage"] is not Stage.PASSED:
                doubt = row["stage"] is Stage.BEGUN and not row["record_id"]
                counts.setdefault(place.node_id, Counter())[row["stage"]] += 1
                counts[place.node_id]["in_doubt"] += doubt
        return [
            Tally(name, one[Stage.GAVE], one[Stage.FAILED], one["in_doubt"])
            for name, one in sorted(counts.items())
        ]

    def begin(self, execution_id: str, origin: Origin) -> None:
        """Remember where an execution began."""
        payload = origin_payload(origin)
        self._keep_files(execution_id, files_of_origin(origin))
        self._records.origins[execution_id] = payload

    def stored(self, place: OperationPlace, record_id: str) -> None:
        """Say in which record the failure of an operation is kept."""
        passed = {"stage": Stage.PASSED, "payload": b"{}"}
        self._records.entries.setdefault(place, passed)["record_id"] = record_id

    def forget(self, execution_id: str) -> None:
        """Forget an execution that has finished."""
        for place in [one for one in self._records.entries if one.execution_id == execution_id]:
            del self._records.entries[place]
        self._records.origins.pop(execution_id, None)
        self._records.files.pop(execution_id, None)

    def files_in_use(self) -> set[str]:
        """Return the SHA-256s that resumed runs would need."""
        return set().union(*self._records.files.values())

    def _keep_files(self, execution_id: str, files: tuple[File, ...]) -> None:
        self._files.sync(files)
        kept = self._records.files.setdefault(execution_id, set())
        kept.update(file.sha256 for file in files)
