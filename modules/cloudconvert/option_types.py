"""Options that are given as texts, as rows mostly are, sent as what their operation takes.

Source: CloudConvert API v2, types of options in the list of operations.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from engine.errors import DataError
from engine.module import Context
from modules.cloudconvert.answers import maps
from modules.cloudconvert.api import call, entries
from modules.cloudconvert.fields import RESERVED

KNOWN: Final = "types of options"
"""Variable of the node with the types that it has asked for, by what it asked."""

_WHOLE = re.compile(r"-?(0|[1-9]\d{0,14})")
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?")
_FLAGS: Final = {"true": True, "false": False}
_WITHOUT_OPTIONS = ("import/", "export/", "command")


async def typed(ctx: Context, tasks: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return tasks with the texts that spell a number or boolean as such, if that is their type.

    The service is asked only if there is such a text. What it does not list stays text.
    """
    return {name: await _typed_task(ctx, task) for name, task in tasks.items()}


async def _typed_task(ctx: Context, task: Mapping[str, Any]) -> dict[str, Any]:
    texts = {name for name, value in task.items() if name not in RESERVED and _may_be_typed(value)}
    if not texts or str(task["operation"]).startswith(_WITHOUT_OPTIONS):
        return dict(task)
    types = await _types(ctx, task)
    return {
        name: _as(types.get(name, ""), value) if name in texts else value
        for name, value in task.items()
    }


def _may_be_typed(value: Any) -> bool:
    return isinstance(value, str) and (value in _FLAGS or bool(_NUMBER.fullmatch(value)))


def _as(kind: str, text: str) -> Any:
    match kind:
        case "integer" if _WHOLE.fullmatch(text):
            return int(text)
        case "float" if _NUMBER.fullmatch(text):
            return float(text) if "." in text else int(text)
        case "boolean":
            return _FLAGS.get(text, text)
    return text


async def _types(ctx: Context, task: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the types of an operation's options; of a name with several, none."""
    names = ("operation", "input_format", "output_format")
    query = {f"filter[{name}]": str(task[name]) for name in names if task.get(name)}
    asked = str(sorted(query.items()))
    known = ctx.own_variables.get(KNOWN) or {}
    if asked not in known:
        known = {**known, asked: await _listed(ctx, query)}
        ctx.own_variables.set(KNOWN, known, lifetime="execution")
    types: Mapping[str, str] = known[asked]
    return types


async def _listed(ctx: Context, query: Mapping[str, str]) -> dict[str, str]:
    try:
        reply = await call(ctx, "GET", "/operations", query={**query, "include": "options"})
    except DataError:
        return {}  # a server without this list converts all the same
    found: dict[str, str] = {}
    for option in (option for entry in entries(reply) for option in maps(entry.get("options"))):
        name, kind = str(option.get("name")), str(option.get("type"))
        found[name] = kind if found.get(name, kind) == kind else ""
    return found
