"""Mapped fields that a module does not take, told field by field. Pure."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from engine.errors import BundleValidationError, ModuleError
from engine.mapping.coercion import describe
from engine.mapping.compile import Scope
from engine.plan.misfits import Complaint, rejected
from engine.plan.plan import Node
from engine.plan.read import KeyPath
from engine.plan.shape import errors_by_path
from engine.plan.words import expect_all

_SAID = {
    "missing": "is required, but came out empty",
    "extra_forbidden": "is unknown, but came",
}


def misfit(error: ValidationError, node: Node, scope: Scope) -> BundleValidationError:
    """Say which field does not fit, what was expected and what came, and point at its mapping."""
    groups = errors_by_path(_fields(node, scope), error.errors(include_url=False))
    complaints = [_complaint(path, errors) for path, errors in groups.items()]
    return rejected(complaints, node.fields.leaves, node.place)


def _fields(node: Node, scope: Scope) -> Mapping[str, Any]:
    """Return the fields once more, to tell their names from those that pydantic puts between."""
    try:
        return node.fields.evaluate(scope)
    except ModuleError:  # what came by chance the first time
        return {}


def _complaint(path: KeyPath, errors: list[ErrorDetails]) -> Complaint:
    if errors[0]["type"] in _SAID:
        return Complaint(path, _SAID[errors[0]["type"]])
    words = expect_all(errors)
    if not path:
        return Complaint(path, f"do not fit: {words}")
    mark = "" if words.startswith("should") else ": "
    return Complaint(path, f"{mark}{words}, got {describe(errors[0]['input'])}")
