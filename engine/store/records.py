"""Executions and incomplete executions as rows: columns to select by, and one JSON payload."""

import os
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias

from engine.model.bundle import File
from engine.model.execution import (
    Attempt,
    Execution,
    Failure,
    Incomplete,
    IncompleteStatus,
    Kind,
    NodeCount,
    Phase,
    Registered,
    Status,
)
from engine.model.selection import Summary
from engine.store.encode import PathOf, decode, encode, files_in
from engine.store.summaries import summary_columns

Row: TypeAlias = Mapping[str, Any]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_moment(at: datetime) -> int:
    """Return microseconds since 1970 in UTC."""
    return (at - EPOCH) // _MICROSECOND


def from_moment(moment: int) -> datetime:
    """Return the moment that so many microseconds since 1970 stand for."""
    return EPOCH + moment * _MICROSECOND


def registered_of(row: Row) -> Registered:
    """Return a scenario as its row and the counts beside it tell it."""
    return Registered(
        id=row["id"],
        path=Path(os.fsdecode(row["path"])),
        active=bool(row["active"]),
        errors_in_row=row["errors_in_row"],
        last_run_at=_optional_moment(row["last_run_at"]),
        incomplete=row["incomplete"],
        events=row["events"],
    )


def execution_row(execution: Execution) -> dict[str, Any]:
    """Return the columns of an execution, but for the process that runs it."""
    payload = {
        "operations": execution.operations,
        "bundles": execution.bundles,
        "lost": execution.lost,
        "nodes": {node_id: _count_json(count) for node_id, count in execution.nodes.items()},
        "failure": execution.failure and failure_json(execution.failure),
        "interrupted": execution.interrupted,
    }
    return {
        "id": execution.id,
        "scenario_id": execution.scenario_id,
        "kind": execution.kind.value,
        "status": execution.status.value,
        "started_at": to_moment(execution.started_at),
        "ended_at": execution.ended_at and to_moment(execution.ended_at),
        "payload": encode(payload),
    }


def _count_json(count: NodeCount) -> dict[str, float]:
    return {name: getattr(count, name) for name in _COUNTED}


_COUNTED: Final = tuple(one.name for one in fields(NodeCount))


def execution_of(row: Row, path_of: PathOf, *, runs: bool) -> Execution:
    """Return an execution; `runs` says whether its process still has the store open."""
    payload = decode(row["payload"], path_of)
    status = Status(row["status"])
    return Execution(
        id=row["id"],
        scenario_id=row["scenario_id"],
        kind=Kind(row["kind"]),
        status=status,
        started_at=from_moment(row["started_at"]),
        ended_at=_optional_moment(row["ended_at"]),
        operations=payload["operations"],
        bundles=payload["bundles"],
        lost=payload.get("lost", 0),
        nodes={node_id: NodeCount(**count) for node_id, count in payload["nodes"].items()},
        failure=payload["failure"] and failure_of(payload["failure"]),
        interrupted=payload["interrupted"] or (status is Status.RUNNING and not runs),
    )


_PAYLOAD: Final = (
    "source",
    "source_path",
    "bundles",
    "inputs",
    "variables",
    "attempts",
    "allowed",
    "interval_seconds",
    "fields",
    "cursor",
    "failed_at",
    "operation_key",
)


def incomplete_row(incomplete: Incomplete) -> dict[str, Any]:
    """Return the columns of an incomplete execution, but for status and claim."""
    payload = {name: getattr(incomplete, name) for name in _PAYLOAD}
    payload["failure"] = failure_json(incomplete.failure)
    payload["earlier"] = [attempt_json(one) for one in incomplete.earlier]
    return {
        "id": incomplete.id,
        "scenario_id": incomplete.scenario_id,
        "execution_id": incomplete.execution_id,
        "node_id": incomplete.node_id,
        "created_at": to_moment(incomplete.created_at),
        "due_at": incomplete.due_at and to_moment(incomplete.due_at),
        "confidential": int(incomplete.confidential),
        **summary_columns(incomplete),
        "payload": encode(payload),
    }


def incomplete_of(row: Row, path_of: PathOf) -> Incomplete:
    """Return an incomplete execution with the status of its row."""
    payload = {"confidential": False, "operation_key": ""} | decode(row["payload"], path_of)
    return Incomplete(
        id=row["id"],
        scenario_id=row["scenario_id"],
        execution_id=row["execution_id"],
        node_id=row["node_id"],
        status=IncompleteStatus(row["status"]),
        created_at=from_moment(row["created_at"]),
        due_at=_optional_moment(row["due_at"]),
        confidential=bool(row["confidential"]),
        failure=failure_of(payload["failure"]),
        earlier=tuple(attempt_of(one) for one in payload.get("earlier", ())),
        **{name: payload[name] for name in _PAYLOAD if name in payload},
    )


def summary_of(row: Row) -> Summary:
    """Return what a list shows, with the status of the row."""
    return Summary(
        id=row["id"],
        scenario_id=row["scenario_id"],
        execution_id=row["execution_id"],
        node_id=row["node_id"],
        status=IncompleteStatus(row["status"]),
        created_at=from_moment(row["created_at"]),
        due_at=_optional_moment(row["due_at"]),
        attempts=row["attempts"],
        allowed=row["allowed"],
        error_type=row["error_type"],
        message=row["message"],
        hint=row["hint"],
        cause=row["cause"],
        position=row["seq"],
    )


def attempt_json(attempt: Attempt) -> dict[str, Any]:
    """Return an attempt as `encode` takes it."""
    told = {"at": attempt.at, "execution_id": attempt.execution_id, "node_id": attempt.node_id}
    return {**told, "failure": failure_json(attempt.failure)}


def attempt_of(payload: Mapping[str, Any]) -> Attempt:
    """Return the attempt that was decoded."""
    return Attempt(**{**payload, "failure": failure_of(payload["failure"])})


def files_of(incomplete: Incomplete) -> tuple[File, ...]:
    """Return the files that a replay would need."""
    return tuple(files_in([incomplete.bundles, incomplete.inputs, incomplete.variables]))


def failure_json(failure: Failure) -> dict[str, Any]:
    """Return a failure as `encode` takes it."""
    return {
        "type": failure.type,
        "message": failure.message,
        "detail": failure.detail,
        "where": failure.where,
        "bundle": failure.bundle,
        "notes": failure.notes,
        "phase": failure.phase.value,
    }


def failure_of(payload: Mapping[str, Any]) -> Failure:
    """Return the failure that was decoded."""
    notes, phase = tuple(payload.get("notes", ())), Phase(payload.get("phase", Phase.OPERATION))
    return Failure(**{**payload, "notes": notes, "phase": phase})


def _optional_moment(moment: int | None) -> datetime | None:
    return None if moment is None else from_moment(moment)
