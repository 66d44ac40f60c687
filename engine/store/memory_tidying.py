"""What a store in memory forgets by age and size: the rules of `engine.store.tidying`."""

from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING

from engine.model.execution import IncompleteStatus
from engine.model.retention import Forgotten, Retention, look
from engine.store.records import Row, to_moment

if TYPE_CHECKING:
    from engine.store.memory import Records


def forget(records: "Records", retention: Retention, now: datetime) -> Forgotten:
    """Delete the rows that are past their time or beyond the size, the oldest first."""
    confirmed = _look(records, now)
    forgotten = Forgotten() if confirmed is None else _aged(records, retention, confirmed)
    surplus = _surplus(records, retention)
    for execution_id in surplus:
        del records.histories[execution_id]
    return replace(forgotten, histories=len(surplus))


def _look(records: "Records", now: datetime) -> datetime | None:
    """See what is resolved, whose time counts from then; return the moment to which ages count."""
    for row in records.incompletes.values():
        is_resolved = row["status"] == IncompleteStatus.RESOLVED
        row["resolved_at"] = row.get("resolved_at", to_moment(now)) if is_resolved else None
        if row["resolved_at"] is None:
            del row["resolved_at"]
    looks = look(records.looks, now)
    records.looks = looks.remembered
    return looks.confirmed


def _aged(records: "Records", retention: Retention, confirmed: datetime) -> Forgotten:
    resolved = _resolved(records, to_moment(confirmed - retention.resolved))
    for record_id in resolved:
        del records.incompletes[record_id]
    executions = _old(records, to_moment(confirmed - retention.runs), to_moment(confirmed))
    for execution_id in executions:
        del records.executions[execution_id]
        records.histories.pop(execution_id, None)
    records.waiting.forget(to_moment(confirmed - retention.events))
    return Forgotten(executions=len(executions), records=len(resolved))


def _resolved(records: "Records", before: int) -> list[str]:
    rows = records.incompletes.values()
    return [row["id"] for row in rows if row.get("resolved_at", before) < before]


def _old(records: "Records", before: int, confirmed: int) -> list[str]:
    """Name the executions that are old; what began after one that is young is young itself."""
    rows = records.executions.values()
    came = takewhile(lambda row: not before <= row["started_at"] <= confirmed, rows)
    return [row["id"] for row in came if _is_old(records, row, before)]


def _is_old(records: "Records", row: Row, before: int) -> bool:
    own = [one["id"] for one in records.executions.values() if _alike(one, row)]
    waits = any(
        one["execution_id"] == row["id"] and one["status"] != IncompleteStatus.RESOLVED
        for one in records.incompletes.values()
    )
    past = row["ended_at"] is not None and row["ended_at"] < before
    return past and row["id"] != own[-1] and not waits


def _alike(one: Row, other: Row) -> bool:
    same: bool = one["scenario_id"] == other["scenario_id"]
    return same


def _surplus(records: "Records", retention: Retention) -> set[str]:
    """Name the histories beyond those that each scenario keeps, and beyond the size of all."""
    runs, histories = records.executions, records.histories
    own: dict[str, list[str]] = {}
    for execution_id in histories:
        own.setdefault(runs[execution_id]["scenario_id"], []).append(execution_id)
    surplus = {one for each in own.values() for one in each[: -retention.histories]}
    left = [one for one in runs if one in histories and one not in surplus]
    while retention.size is not None and left and _bytes(records, left) > retention.size:
        surplus.add(left.pop(0))
    return surplus


def _bytes(records: "Records", histories: list[str]) -> int:
    return sum(len(records.histories[one]) for one in histories)
