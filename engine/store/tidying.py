"""What a store forgets by age and size, so that its disk is free again. Runs in its thread."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from engine.model.retention import Forgotten, Retention, look
from engine.store.database import Database
from engine.store.records import from_moment, to_moment

_AT_ONCE: Final = 200
"""Rows that go in one transaction, so that nobody waits long for the store."""

_WORTH_COMPACTING: Final = 4 * 1024 * 1024
"""Bytes of free pages, if they are also a quarter of the file, for which it is written anew."""


def forget(database: Database, retention: Retention, now: datetime) -> Forgotten:
    """Delete the rows that are past their time or beyond the size, the oldest first.

    Number and size go by the order of arrival, which no clock changes.
    """
    confirmed = _look(database, now)
    forgotten = Forgotten() if confirmed is None else _aged(database, retention, confirmed)
    histories = _surplus(database, retention.histories)
    if retention.size is not None:
        histories += _beyond(database, retention.size)
    return replace(forgotten, histories=histories)


def compact(database: Database, forgotten: Forgotten) -> Forgotten:
    """Give free pages back to the disk where that is worth it; only for a process that is alone."""
    used, free = database.pages()
    if free < _WORTH_COMPACTING or free < used // 3:
        return forgotten
    database.compact()
    return replace(forgotten, bytes=forgotten.bytes + free - database.pages()[1])


def _look(database: Database, now: datetime) -> datetime | None:
    """See what is resolved, whose time counts from then; return the moment to which ages count."""
    with database.transaction():
        database.change("see_unresolved")
        database.change("see_resolved", now=to_moment(now))
        earlier = {from_moment(row["at"]) for row in database.query("looks")}
        looks = look(earlier, now)
        for at in earlier - looks.remembered:
            database.change("forget_look", at=to_moment(at))
        for at in looks.remembered - earlier:
            database.change("remember_look", at=to_moment(at))
    return looks.confirmed


def _aged(database: Database, retention: Retention, confirmed: datetime) -> Forgotten:
    runs, resolved, events = (
        to_moment(confirmed - age) for age in (retention.runs, retention.resolved, retention.events)
    )
    young = database.query("first_young", before=runs, confirmed=to_moment(confirmed))[0]["seq"]
    _each(database, "old_events", "forget_event", before=events)
    return Forgotten(
        records=_each(database, "old_resolved", "delete_incomplete", before=resolved),
        # What began after one that is young is young itself: the clock was behind then.
        executions=_each(database, "old_executions", "forget_execution", before=runs, young=young),
    )


def _each(database: Database, old: str, forget_one: str, **known: int | None) -> int:
    """Forget the rows that a query finds, whose columns are what names them; return how many."""
    forgotten = 0
    while rows := database.query(old, **known, limit=_AT_ONCE):
        with database.transaction():
            forgotten += sum(database.change(forget_one, **row) for row in rows)
    return forgotten


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
