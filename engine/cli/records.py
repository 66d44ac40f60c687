"""Executions, incomplete executions and bundle values as JSON, for programs.

The names and the shape are stable; a change that breaks readers raises `output.FORMAT_VERSION`.
"""

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Any

from engine.cli.outline import without_order
from engine.model.bundle import File
from engine.model.execution import Execution, Failure, Incomplete, NodeCount, Registered
from engine.model.selection import Cause, Summary


def execution_json(execution: Execution) -> dict[str, Any]:
    """Return an execution; moments are ISO 8601 in UTC, times are seconds."""
    return {
        "id": execution.id,
        "scenario": execution.scenario_id,
        "kind": execution.kind.value,
        "status": execution.status.name.lower(),
        "started_at": execution.started_at.isoformat(),
        "ended_at": execution.ended_at and execution.ended_at.isoformat(),
        "operations": execution.operations,
        "bundles": execution.bundles,
        "lost": execution.lost,
        "interrupted": execution.interrupted,
        "failure": execution.failure and failure_json(execution.failure),
        "nodes": {node_id: count_json(count) for node_id, count in execution.nodes.items()},
    }


def registered_json(scenario: Registered) -> dict[str, Any]:
    """Return a scenario as the store knows it; `incomplete` counts what is not resolved,
    `events` what waits for its run."""
    return {
        "id": scenario.id,
        "path": str(scenario.path),
        "active": scenario.active,
        "errors_in_row": scenario.errors_in_row,
        "last_run_at": scenario.last_run_at and scenario.last_run_at.isoformat(),
        "incomplete": scenario.incomplete,
        "events": scenario.events,
    }


def count_json(count: NodeCount) -> dict[str, Any]:
    """Return a node's counts; `seconds` is time inside its module."""
    return {
        "operations": count.operations,
        "bundles": count.bundles,
        "failed": count.failed,
        "seconds": round(count.seconds, 6),
    }


def failure_json(failure: Failure) -> dict[str, Any]:
    """Return a failure; `where` is null if its place is not known."""
    return {
        "type": failure.type,
        "message": failure.message,
        "detail": value_json(failure.detail),
        "where": failure.where or None,
        "bundle": failure.bundle or None,
        "notes": list(failure.notes),
        "phase": failure.phase.value,
    }


def incomplete_json(incomplete: Incomplete) -> dict[str, Any]:
    """Return an incomplete execution without its data."""
    return {
        "id": incomplete.id,
        "scenario": incomplete.scenario_id,
        "execution": incomplete.execution_id,
        "node": incomplete.node_id,
        "status": incomplete.status.value,
        "created_at": incomplete.created_at.isoformat(),
        "attempts": incomplete.attempts,
        "allowed": incomplete.allowed,
        "due_at": incomplete.due_at and incomplete.due_at.isoformat(),
        "outcome_unknown": incomplete.outcome_unknown,
        "operation_key": incomplete.operation_key,
        "failure": failure_json(incomplete.failure),
    }


def summary_json(summary: Summary) -> dict[str, Any]:
    """Return what a list shows of an incomplete execution."""
    return {
        "id": summary.id,
        "scenario": summary.scenario_id,
        "execution": summary.execution_id,
        "node": summary.node_id,
        "status": summary.status.value,
        "created_at": summary.created_at.isoformat(),
        "attempts": summary.attempts,
        "allowed": summary.allowed,
        "due_at": summary.due_at and summary.due_at.isoformat(),
        "failure": {"type": summary.error_type, "message": summary.message},
        "bundle": summary.hint,
        "cause": summary.cause,
    }


def cause_json(cause: Cause) -> dict[str, Any]:
    """Return a cause; `id` selects all that failed of it."""
    return {
        "id": cause.id,
        "scenario": cause.scenario_id,
        "node": cause.node_id,
        "type": cause.error_type,
        "message": cause.message,
        "count": cause.count,
        "oldest": {"id": cause.oldest_id, "created_at": cause.oldest_at.isoformat()},
        "newest_at": cause.newest_at.isoformat(),
    }


def data_json(incomplete: Incomplete) -> dict[str, Any]:
    """Return what an incomplete execution would be replayed with.

    Where a bundle stands among others is told by its failure's `bundle`.
    """
    return {
        "source_path": incomplete.source_path,
        "source": incomplete.source,
        "bundles": {
            name: value_json(without_order(bundle)) for name, bundle in incomplete.bundles.items()
        },
        "inputs": value_json(incomplete.inputs),
        "variables": value_json(incomplete.variables),
        "fields": value_json(incomplete.fields),
        "cursor": value_json(incomplete.cursor),
        "earlier": [
            {
                "at": one.at.isoformat(),
                "execution": one.execution_id,
                "node": one.node_id,
                "failure": failure_json(one.failure),
            }
            for one in incomplete.earlier
        ],
    }


def value_json(value: Any) -> Any:
    """Return a bundle value as JSON: dates as text, files by their facts, buffers in Base64."""
    match value:
        case File():
            return {
                "name": value.name,
                "size": value.size,
                "type": value.type,
                "sha256": value.sha256,
            }
        case Mapping():
            return {str(key): value_json(item) for key, item in value.items()}
        case list() | tuple():
            return [value_json(item) for item in value]
        case bytes():
            return {"buffer": b64encode(value).decode()}
        case datetime():
            return value.isoformat()
        case float() if not isfinite(value):
            return str(value)
        case None | bool() | int() | float() | str():
            return value
        case _:
            return str(value)
