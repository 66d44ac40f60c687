"""What a store forgets by age and size, so that its disk is free again. Runs in its thread."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from engine.model.retention import Forgotten, Retention
from engine.store.database import Database
from engine.store.records import to_moment

_AT_ONCE: Final = 200
"""Rows that go in one transaction, so that nobody waits long for the store."""

_WORTH_COMPACTING: Final = 4 * 1024 * 1024
"""Bytes of free pages, if they are also a quarter of the file, for which it is written anew."""


def forget(database: Database, retention: Retention, now: datetime) -> Forgotten:
    """Delete the rows that are past their time or beyond the size, the oldest first."""
    records = _resolved(database, retention, now)
    executions = 0
    before = to_moment(now - retention.runs)
    while old := database.query("old_executions", before=before, limit=_AT_ONCE):
        with database.transaction():
            executions += sum(database.change("forget_execution", id=row["id"]) for row in old)
    histories = _surplus(database, retention.histories)
    if retention.size is not None:
        histories += _beyond(database, retention.size)
    return Forgotten(executions, histories, records)


def compact(database: Database, forgotten: Forgotten) -> Forgotten:
    """Give free pages back to the disk where that is worth it; only for a process that is alone."""
    used, free = database.pages()
    if free < _WORTH_COMPACTING or free < used // 3:
        return forgotten
    database.compact()
    return replace(forgotten, bytes=forgotten.bytes + free - database.pages()[1])


def _resolved(database: Database, retention: Retention, now: datetime) -> int:
    """Delete records that have been resolved for long; the time counts from when that is seen."""
    with database.transaction():
        database.change("see_unresolved")
        database.change("see_resolved", now=to_moment(now))
    records, before = 0, to_moment(now - retention.resolved)
    while old := database.query("old_resolved", before=before, limit=_AT_ONCE):
        with database.transaction():
            records += sum(database.change("delete_incomplete", id=row["id"]) for row in old)
    return records


def _surplus(database: Database, kept: int) -> int:
    with database.transaction():
        return database.change("forget_histories", kept=kept)


def _beyond(database: Database, size: int) -> int:
    forgotten = 0
    while database.pages()[0] > size:
        oldest = database.query("oldest_histories", limit=_AT_ONCE // 10)
        if not oldest:
            break
        with database.transaction():
            for row in oldest:
                forgotten += database.change("forget_history", id=row["execution_id"])
    return forgotten
