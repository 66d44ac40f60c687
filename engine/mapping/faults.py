"""Turns what an operation could not do into a `MappingError` that names the item and its place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import MappingError
from engine.mapping.coercion import describe, escaped
from engine.mapping.refusal import Refused

FAILURES = (
    Refused,
    ArithmeticError,
    ValueError,
    TypeError,
    LookupError,
    RecursionError,
    MemoryError,
)
"""What an operation on values may end in; all of it becomes a MappingError."""

MESSAGE_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Spot:
    """A piece of a text: its place, and the path of the item that it names (empty: no path)."""

    offset: int
    length: int = 1
    path: str = ""


def mapping_error(
    operation: str, spot: Spot, error: Exception, operands: Sequence[tuple[Spot, Any]] = ()
) -> MappingError:
    """Return the error of an operation, pointing at the operand to blame if it has a path.

    `operation` is as people write it (`*`, `upper`), empty for text around expressions.
    """
    blamed = _blamed(error, operands)
    if blamed is not None and blamed.path:
        spot = blamed
    doer = f"`{escaped(operation)}` needs" if operation else "the text needs"
    if isinstance(error, Refused) and error.wanted:
        subject = f"`{escaped(spot.path, 120)}` is " if spot.path and spot is blamed else "got "
        message = f"{doer} {error.wanted}, but {subject}{describe(error.value)}"
    else:
        lead = f"`{escaped(operation)}`: " if operation else ""
        message = lead + _reason(error, operands)
    return MappingError(
        message[:MESSAGE_LIMIT], offset=spot.offset, length=spot.length, notes=_notes(error)
    )


def _blamed(error: Exception, operands: Sequence[tuple[Spot, Any]]) -> Spot | None:
    if isinstance(error, Refused) and error.wanted:
        for spot, value in operands:
            if value is error.value:
                return spot
    return None


def _reason(error: Exception, operands: Sequence[tuple[Spot, Any]]) -> str:
    if isinstance(error, Refused):
        return error.reason
    if isinstance(error, RecursionError):
        return "a value is nested too deep"
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    values = ", ".join(describe(value) for _, value in operands[:4])
    return f"cannot work with {values}" if values else "the result is out of range"


def _notes(error: Exception) -> tuple[str, ...]:
    if isinstance(error, Refused) and error.advice:
        return (error.advice,)
    if isinstance(error, Refused) and error.wanted == "text":
        return ("map one of its items, or `| tojson` for all of them",)
    if isinstance(error, Refused) and error.value is None and error.wanted:
        return ("`ifempty(item, other)` or `| default(other)` replaces null",)
    return ()
