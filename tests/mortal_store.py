"""A store in memory whose process dies at a chosen write: before it, or just after."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.model.execution import Execution, Incomplete
from engine.model.journal import Entry, OperationPlace, Origin
from engine.run.ports import NOTHING_MORE, CursorChange, Ending
from engine.store.files import FolderFiles
from engine.store.memory import MemoryStore, Records
from engine.store.memory_journal import MemoryJournal


class Died(BaseException):
    """The process is gone; nothing of it runs on."""


@dataclass
class Death:
    """Dies at the write with the number `at`, counted from 1; None: it lives."""

    at: int | None = None
    after: bool = False
    writes: int = 0

    def before_write(self) -> None:
        self.writes += 1
        if self.writes == self.at and not self.after:
            raise Died

    def after_write(self) -> None:
        if self.writes == self.at and self.after:
            raise Died


class MortalJournal(MemoryJournal):
    death: Death

    def note(self, entry: Entry) -> bool:
        self.death.before_write()
        is_much = super().note(entry)
        self.death.after_write()
        return is_much


class MortalStore(MemoryStore):
    def __init__(self, files: FolderFiles, death: Death, records: Records | None = None) -> None:
        super().__init__(files, records)
        self._death = death
        self.journal = MortalJournal(files, self._records.journal, self._interrupted)
        self.journal.death = death

    async def begin(self, execution: Execution, origin: Origin | None = None) -> None:
        self._death.before_write()
        await super().begin(execution, origin)
        self._death.after_write()

    async def finish(self, execution: Execution, ending: Ending = NOTHING_MORE) -> None:
        self._death.before_write()
        await super().finish(execution, ending)
        self._death.after_write()

    async def commit_cursor(
        self, scenario_id: str, cursor: Sequence[CursorChange], entries: Sequence[Entry] = ()
    ) -> None:
        self._death.before_write()
        whole, self._death.at = (self._death.at, self._death.writes), None
        await super().commit_cursor(scenario_id, cursor, entries)
        self._death.at, self._death.writes = whole  # it was one write, entries included
        self._death.after_write()

    async def park(self, incomplete: Incomplete, failed: OperationPlace | None = None) -> None:
        self._death.before_write()
        await super().park(incomplete, failed)
        self._death.after_write()
