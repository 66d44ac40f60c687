"""Types of the fields that several modules have: sources of files, formats, options.

Source: Fusion's CloudConvert page; CloudConvert API v2, import tasks.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, Protocol, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from engine.module import Fields, File, FileValue, duration

RESERVED = frozenset({"operation", "input", "output_format", "input_format", "filename"})
"""Options that are fields of their own or belong to the job; they cannot be given as options."""

_ROWS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "value": {}},
        "required": ["name", "value"],
    },
}
_MAP_OR_ROWS = WithJsonSchema({"anyOf": [{"type": "object"}, _ROWS]})
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?")


def _web_url(text: str) -> str:
    parts = urlsplit(text.strip())
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise ValueError("give an http or https URL")
    return text.strip()


def map_of_rows(value: Any) -> Any:
    """Return rows of name and value as a map, anything else as it is."""
    if not isinstance(value, list):
        return value
    found: dict[str, Any] = {}
    for row in value:
        if not isinstance(row, Mapping) or set(row) != {"name", "value"}:
            raise ValueError("each row must have `name` and `value`")
        name = str(row["name"]).strip()
        if not name or name in found:
            raise ValueError(f"name {name!r} comes twice" if name else "a row has an empty name")
        found[name] = row["value"]
    return found


def _options(options: dict[str, Any]) -> dict[str, Any]:
    """Return options as they are sent; those without a value are left out.

    Assumed: a text that reads like a number or boolean is meant as one, but for passwords.
    """
    for name in options:
        if name in RESERVED:
            raise ValueError(f"`{name}` is no option: it is set by the module")
    return {
        name: value if name.endswith("password") else _typed(name, value)
        for name, value in options.items()
        if value is not None
    }


def _typed(name: str, value: Any) -> Any:
    match value:
        case "true" | "false":
            return value == "true"
        case str() if number := _NUMBER.fullmatch(value):
            return float(value) if number[2] else int(value)
        case bool() | int() | float() | str():
            return value
        case datetime() | date():
            return value.isoformat()
        case list():
            return [_typed(name, item) for item in value]
        case Mapping() if not isinstance(value, File):
            return {str(key): _typed(name, item) for key, item in value.items()}
    raise ValueError(f"option `{name}` must be a text, a number or a boolean")


def _wait(value: Any) -> Any:
    return duration(value) if isinstance(value, str) else value


WebUrl = Annotated[str, AfterValidator(_web_url)]
Headers = Annotated[dict[str, str], BeforeValidator(map_of_rows), _MAP_OR_ROWS]
Options = Annotated[
    dict[str, Any], BeforeValidator(map_of_rows), AfterValidator(_options), _MAP_OR_ROWS
]
Id = Annotated[
    str,
    StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=64),
    Field(examples=["7a02b3f9-3d8c-4a41-9d5e-0f1c2b3a4d5e"]),
]
"""Id of a job or task; nothing else may become a part of an address."""
OperationName = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, pattern=r"^[a-z0-9]+([/_-][a-z0-9]+)*$", max_length=64
    ),
    Field(examples=["convert", "import/url"]),
]
Limit = Annotated[int, Field(ge=1)]
LIMIT = 10
"""Assumed: how many entries a list yields if nothing is said."""
FileName = Annotated[str, Field(min_length=1, max_length=255, examples=["report.pdf"])]
Format = Annotated[
    str,
    BeforeValidator(
        lambda value: value.strip().lstrip(".").lower() if isinstance(value, str) else value
    ),
    Field(pattern=r"^[a-z0-9]+(\.[a-z0-9]+)*$", max_length=20, examples=["pdf"]),
]
WaitLimit = Annotated[
    timedelta,
    BeforeValidator(_wait),
    Field(ge=timedelta(seconds=1), le=timedelta(days=1)),
    WithJsonSchema({"type": "string", "examples": ["180s", "15m"]}),
]


class Source(Protocol):
    """Fields that say where one input file comes from."""

    @property
    def input_file(self) -> Literal["upload", "url"]: ...
    @property
    def file(self) -> File | Mapping[str, Any] | None: ...
    @property
    def url(self) -> str | None: ...
    @property
    def headers(self) -> Mapping[str, str]: ...


def check_source(source: Source) -> None:
    """Raise ValueError unless the fields go with the choice of `input_file`."""
    if source.input_file == "upload":
        if source.file is None:
            raise ValueError("`file` is required with `input_file: upload`")
        if source.url is not None or source.headers:
            raise ValueError("`url` and `headers` go with `input_file: url` only")
        return
    if source.url is None:
        raise ValueError("`url` is required with `input_file: url`")
    if source.file is not None:
        raise ValueError("`file` goes with `input_file: upload` only")


class InputFile(Fields):
    """One of several input files; a file alone is taken as an upload."""

    input_file: Literal["upload", "url"]
    """`upload`: a file of this run; `url`: the service fetches it. Left out: what the rest says."""
    file: FileValue | None = None
    """The file, or its `name` and `data`."""
    url: WebUrl | None = None
    """Where the service fetches the file; it must open without a login, but for `headers`."""
    headers: Headers = {}
    """HTTP headers to fetch it with: a map, or rows of `name` and `value`."""

    @model_validator(mode="before")
    @classmethod
    def _from_value(cls, value: Any) -> Any:
        if isinstance(value, File) or (
            isinstance(value, Mapping) and set(value) == {"name", "data"}
        ):
            return {"input_file": "upload", "file": value}
        if isinstance(value, Mapping) and "input_file" not in value:
            return {**value, "input_file": "url" if value.get("url") is not None else "upload"}
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        check_source(self)
        return self


def _several(value: Any) -> Any:
    return [value] if isinstance(value, File) else value


InputFiles = Annotated[list[InputFile], BeforeValidator(_several)]
"""Rows, or one mapped array of files."""
