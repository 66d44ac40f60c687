"""Mapped fields that a module does not take, told field by field. Pure."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from engine.errors import BundleValidationError, Place
from engine.plan.plan import Node


def misfit(error: ValidationError, node: Node) -> BundleValidationError:
    """Say which field does not fit, what was expected and what came, and point at its mapping."""
    texts = []
    places: list[Place] = []
    for fault in error.errors(include_url=False):
        name = ".".join(str(part) for part in fault["loc"]) or "fields"
        if fault["type"] == "missing":
            texts.append(f"required field `{name}` came out empty")
        else:
            message = fault["msg"].removeprefix("Value error, ")
            texts.append(f"field `{name}`: {message[:1].lower()}{message[1:]}, got {_shown(fault)}")
        places += [
            leaf.place_at(0, len(leaf.mapped.text))
            for leaf in node.fields.leaves
            if fault["loc"] and fault["loc"][0] in leaf.path
        ]
    return BundleValidationError("; ".join(texts)[:500], place=(places or [node.place])[0])


def _shown(fault: Mapping[str, Any]) -> str:
    value = fault.get("input")
    if isinstance(value, Mapping):
        return f"a collection of {', '.join(map(str, list(value)[:5])) or 'no items'}"
    if isinstance(value, list):
        return f"an array of {len(value)}"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
