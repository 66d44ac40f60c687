"""What is kept beside an incomplete execution's data, so that lists need not read the data.

A hint and a cause for people, and the words of its bundles to seek in. Data that is confidential
gives none of them away.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from engine.model.bundle import ORDER_ITEMS, File
from engine.model.execution import Incomplete

LONGEST_MESSAGE: Final = 300
LONGEST_HINT: Final = 80
LONGEST_WORDS: Final = 8_000
"""Characters that are kept of each; a text is sought in so many characters of the bundles."""

CAUSE_ID: Final = 12
"""Hex characters."""

_VARIES: Final = re.compile(r'"[^"]*"|\b[0-9a-f]{8,}\b|\d+')
"""What may differ between two messages of one cause: texts in quotes, ids, numbers.

Assumed: what stands in backticks is the scenario's own, names of nodes and items.
"""

SHORTENED: Final = "…"


def summary_columns(incomplete: Incomplete) -> dict[str, Any]:
    """Return what is kept beside the data; `hint` and `words` are empty if it is confidential."""
    failure, open_ = incomplete.failure, not incomplete.confidential
    return {
        "attempts": incomplete.attempts,
        "allowed": incomplete.allowed,
        "error_type": failure.type,
        "message": storable(failure.message[:LONGEST_MESSAGE]),
        "hint": storable(_hint(incomplete.bundles)) if open_ else "",
        "words": storable(_words(incomplete.bundles)) if open_ else "",
        "cause": cause_id(incomplete),
    }


def cause_row(incomplete: Incomplete) -> dict[str, str]:
    """Return the cause that an incomplete execution belongs to."""
    return {
        "id": cause_id(incomplete),
        "scenario_id": incomplete.scenario_id,
        "node_id": incomplete.node_id,
        "error_type": incomplete.failure.type,
        "message": _general(incomplete.failure.message),
    }


def cause_id(incomplete: Incomplete) -> str:
    """Return the same for all that failed alike: at the same node, with the same kind of error."""
    failure = incomplete.failure
    parts = (incomplete.scenario_id, incomplete.node_id, failure.type, _general(failure.message))
    text = "\0".join(parts).encode(errors="replace")
    return hashlib.sha256(text).hexdigest()[:CAUSE_ID]


def sought(text: str) -> str:
    """Return a text in the form in which `words` are kept."""
    return storable(text.casefold())


def storable(text: str) -> str:
    """Return a text that any database takes: without NUL and lone surrogates."""
    return text.replace("\0", " ").encode(errors="replace").decode()


def _general(message: str) -> str:
    return storable(_VARIES.sub(SHORTENED, message[:LONGEST_MESSAGE]))


def _hint(bundles: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a file's name, else a short value."""
    values = [value for bundle in bundles.values() for value in _own(bundle)]
    named = next((value.name for value in values if isinstance(value, File)), None)
    plain = (str(value) for value in values if isinstance(value, str | int | float) and value != "")
    return (named or next(plain, ""))[:LONGEST_HINT]


def _words(bundles: Mapping[str, Mapping[str, Any]]) -> str:
    found: list[str] = []
    length = 0
    for bundle in bundles.values():
        for text in _texts(list(_own(bundle))):
            found.append(text[: LONGEST_WORDS - length])
            length += len(found[-1]) + 1
            if length >= LONGEST_WORDS:
                return "\n".join(found).casefold()
    return "\n".join(found).casefold()


def _own(bundle: Mapping[str, Any]) -> Iterator[Any]:
    return (value for name, value in bundle.items() if name not in ORDER_ITEMS)


def _texts(value: Any) -> Iterator[str]:
    """Yield what is there to be read in a value, in order."""
    match value:
        case str():
            yield value
        case File():
            yield value.name
        case Mapping():
            yield from _texts(list(value.values()))
        case list() | tuple():
            for item in value:
                yield from _texts(item)
        case datetime():
            yield value.isoformat()
        case bool() | None | bytes():
            return
        case _:
            yield str(value)
