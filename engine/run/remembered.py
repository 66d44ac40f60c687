"""Errors as the journal remembers them, and back. Used by `journaling` and `emitting`."""

from collections.abc import Mapping
from typing import Any

from engine.errors import ModuleError, ModuleTimeoutError
from engine.plan.plan import Node
from engine.run.explained import broken


def failure_json(error: Exception, node: Node) -> dict[str, Any]:
    """Return what is remembered of an error; one that is no ModuleError is the module's bug."""
    failure = error if isinstance(error, ModuleError) else broken(error, node)
    return {
        "type": failure.type_name,
        "message": failure.message,
        "detail": failure.detail,
        "notes": list(failure.notes),
        "storable": failure.storable,
        "is_timeout": isinstance(failure, ModuleTimeoutError),
    }


def error_of(failure: Mapping[str, Any]) -> ModuleError:
    """Return an error that is told and handled as the one that was remembered."""
    kind = ModuleTimeoutError if failure["is_timeout"] else ModuleError
    error = kind(
        failure["message"],
        detail=failure["detail"],
        notes=tuple(failure["notes"]),
        storable=failure["storable"],
    )
    error.type_name = failure["type"]
    return error
