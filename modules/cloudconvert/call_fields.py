"""Types of the fields of "Make an API Call". Source: Fusion's CloudConvert page."""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final
from urllib.parse import unquote

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from modules.cloudconvert.fields import map_of_rows, sendable

VERSION: Final = "/v2/"
"""What a path begins with. The base URL of a connection ends with it."""

OURS: Final = frozenset(
    {"authorization", "host", "content-length", "transfer-encoding", "connection"}
    | {"accept-encoding", "cookie"}
)
"""Headers that the connection sets."""

_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|[\\/]*\\")
_NEVER = re.compile(r"[\x00-\x20\x7f\\#]")


def _path(text: str) -> str:
    """Return the path below the version, with its query. Raises ValueError for other addresses."""
    text = text.strip()
    if _ELSEWHERE.match(text):
        raise ValueError("give a path such as `/v2/tasks`: the connection knows the host")
    if _NEVER.search(text):
        raise ValueError("a path holds no spaces, backslashes or `#`")
    text = text if text.startswith("/") else f"/{text}"
    if not text.startswith(VERSION) or text == VERSION:
        raise ValueError("give the path with the API's version, such as `/v2/tasks`")
    path = unquote(text.partition("?")[0])
    if any(part in (".", "..") for part in re.split(r"[/\\]", path)):
        raise ValueError("a path does not lead upwards")
    return text[len(VERSION) - 1 :]


def _from_json(value: Any) -> Any:
    """Return what a text says as JSON, anything else as it is; an empty text says nothing."""
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    try:
        return json.loads(value, parse_constant=_refused_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"not valid JSON: {error.msg} at {place}") from error
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def _refused_constant(name: str) -> None:
    raise ValueError(f"not valid JSON: {name} is no value of it")


def _pairs(value: Any) -> Any:
    """Return a map, rows of `name` (or Fusion's `key`) and `value`, or their JSON, as texts."""
    value = _from_json(value)
    if isinstance(value, list):
        value = map_of_rows([_named(row) for row in value])
    match value:
        case None:
            return {}
        case Mapping():
            pairs = ((str(name), item) for name, item in value.items() if item is not None)
            return {name: _text(name, item) for name, item in pairs}
    raise ValueError("give a map, or rows of `name` and `value`")


def _named(row: Any) -> Any:
    if isinstance(row, Mapping) and set(row) == {"key", "value"}:
        return {"name": row["key"], "value": row["value"]}
    return row


def _text(name: str, value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case datetime() | date():
            return value.isoformat()
    raise ValueError(f"`{name}` must be a text, a number, a boolean or a date")


def _headers(headers: dict[str, str]) -> dict[str, str]:
    """Return the headers that are to be sent. The type of the body is JSON in any case."""
    kept = {}
    for name, value in headers.items():
        lower = name.lower()
        if lower in OURS:
            raise ValueError(f"header `{name}` is set by the connection")
        if lower == "content-type":
            if value.partition(";")[0].strip().lower() != "application/json":
                raise ValueError(f"`{name}` can only be `application/json`: bodies are JSON")
            continue
        kept["Accept" if lower == "accept" else name] = value
    return kept


_NO_FILE: Final = "the body cannot hold a file: send its address, or use another module"


def _body(value: Any) -> Any:
    value = _from_json(value)
    if value is None or isinstance(value, list | Mapping):
        return sendable(value, _NO_FILE)
    raise ValueError("the body must be a JSON object or array")


_PAIRS_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": "object"},
            {"type": "array", "items": {"type": "object"}},
            {"type": "string"},
        ]
    }
)

ApiPath = Annotated[str, AfterValidator(_path), Field(examples=["/v2/tasks"])]
Query = Annotated[dict[str, str], BeforeValidator(_pairs), _PAIRS_SCHEMA]
CallHeaders = Annotated[
    dict[str, str], BeforeValidator(_pairs), AfterValidator(_headers), _PAIRS_SCHEMA
]
Body = Annotated[
    Any,
    BeforeValidator(_body),
    WithJsonSchema({"anyOf": [{"type": "object"}, {"type": "array"}, {"type": "string"}]}),
]
