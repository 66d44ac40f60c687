"""Finds secrets that stand in a scenario in clear, outside of its connections (those are E303)."""

import re
from collections.abc import Iterator
from typing import Any

from engine.errors import Problem
from engine.plan.hints import shown
from engine.plan.inspection import Draft, Inspection
from engine.plan.read import KeyPath
from engine.plan.survey import Survey

_NAMES = re.compile(
    r"(?:.*[_-])?(?:password|passwd|passphrase|secret|token|api[_-]?key|private[_-]?key|"
    r"authorization|credentials?)",
    re.IGNORECASE,
)
_VALUES = re.compile(
    r"(?:Bearer|Basic) +[\w~+/.=-]{12,}"
    r"|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*",
    re.DOTALL,
)
_SHORTEST = 6
"""Characters of a text that may be a secret under a name that says so."""


def find_secrets(inspection: Inspection, survey: Survey) -> Iterator[Problem]:
    """Yield each constant that is or names itself a secret (W104), and keep it out of excerpts."""
    for draft in survey.by_id.values():
        for path, name in _secrets(draft.written.fields, draft.key("with"), ""):
            inspection.document.hide(path)
            yield _problem(inspection, draft, path, name)


def _problem(inspection: Inspection, draft: Draft, path: KeyPath, name: str) -> Problem:
    return Problem(
        "W104",
        f"a secret of {shown(draft.id)} stands in clear under {shown(name)}",
        inspection.document.value_place(path),
        (
            "declare an input, map it as `{{ inputs.secret }}`, and give it with --set",
            "or use a connection, whose credentials are references",
        ),
    )


def _secrets(value: Any, path: KeyPath, name: str) -> Iterator[tuple[KeyPath, str]]:
    """Yield the way to each text that looks like a secret, and the name that it stands under."""
    if isinstance(value, dict):
        row = value.get("name") if set(value) == {"name", "value"} else None
        for key, each in value.items():
            under = row if key == "value" and isinstance(row, str) else key
            yield from _secrets(each, (*path, key), under)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _secrets(each, (*path, index), name)
    elif isinstance(value, str) and "{{" not in value:
        named = _NAMES.fullmatch(name) and len(value.strip()) >= _SHORTEST
        if named or _VALUES.fullmatch(value.strip()):
            yield path, name
