"""What a store in memory forgets by age and size: the rules of `engine.store.tidying`."""

from datetime import datetime
from typing import TYPE_CHECKING

from engine.model.execution import IncompleteStatus
from engine.model.retention import Forgotten, Retention
from engine.store.records import Row, to_moment

if TYPE_CHECKING:
    from engine.store.memory import Records


def forget(records: "Records", retention: Retention, now: datetime) -> Forgotten:
    """Delete the rows that are past their time or beyond the size, the oldest first."""
    resolved = _resolved(records, retention, now)
    for record_id in resolved:
        del records.incompletes[record_id]
    before = to_moment(now - retention.runs)
    old = [row["id"] for row in records.executions.values() if _is_old(records, row, before)]
    for execution_id in old:
        del records.executions[execution_id]
        records.histories.pop(execution_id, None)
    surplus = _surplus(records, retention)
    for execution_id in surplus:
        del records.histories[execution_id]
    return Forgotten(len(old), len(surplus), len(resolved))


def _resolved(records: "Records", retention: Retention, now: datetime) -> list[str]:
    """Name the records that have been resolved for long; the time counts from when that is seen."""
    for row in records.incompletes.values():
        is_resolved = row["status"] == IncompleteStatus.RESOLVED
        row["resolved_at"] = row.get("resolved_at", to_moment(now)) if is_resolved else None
        if row["resolved_at"] is None:
            del row["resolved_at"]
    before = to_moment(now - retention.resolved)
    return [
        row["id"] for row in records.incompletes.values() if row.get("resolved_at", before) < before
    ]


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
