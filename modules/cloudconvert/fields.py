"""Types of the fields that several modules have: sources of files, formats, options.

Source: Fusion's CloudConvert page; CloudConvert API v2, import tasks.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, Protocol, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from engine.module import Fields, File, FileValue, Lengths, file_value

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
    """Return options without those that have no value."""
    for name in options:
        if name in RESERVED:
            raise ValueError(f"`{name}` is no option: it is set by the module")
    return {
        name: sendable(value, f"option `{name}` must be a text, a number or a boolean")
        for name, value in options.items()
        if value is not None
    }


def sendable(value: Any, refusal: str) -> Any:
    """Return a value as JSON has it. Raises ValueError with `refusal` for files and the like."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case datetime() | date():
            return value.isoformat()
        case list():
            return [sendable(each, refusal) for each in value]
        case Mapping() if not isinstance(value, File):
            return {str(key): sendable(each, refusal) for key, each in value.items()}
    raise ValueError(refusal)


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
_WAITS = Lengths("seconds", timedelta(seconds=1), timedelta(days=1), "between 1 second and 1 day")
WaitLimit = Annotated[timedelta, PlainValidator(_WAITS.read), WithJsonSchema(_WAITS.schema)]


def _file_or_files(value: Any) -> Any:
    """Return a file, or the uploads of an array; its elements may be those of an aggregator."""
    if not isinstance(value, list):
        return file_value(value)
    if not value:
        raise ValueError("the array has no file in it")
    rows = [InputFile.model_validate(_upload_of(each)) for each in value]
    if any(row.input_file != "upload" for row in rows):
        raise ValueError("each element should be a file, or have one as its `file`")
    return rows


def _upload_of(element: Any) -> Any:
    if isinstance(element, Mapping) and "file" in element and not isinstance(element, File):
        return {"file": element["file"]}
    return element


FileOrFiles = Annotated[
    File | Mapping[str, Any] | list[Any],
    PlainValidator(_file_or_files),
    WithJsonSchema({"title": "File", "anyOf": [{"type": "object"}, {"type": "array"}]}),
]
"""Type of a field that takes a file, its name and data apart, or a mapped array of files."""


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


class Choice(Protocol):
    """Fields of a source as they are given."""

    @property
    def input_file(self) -> Literal["upload", "url"]: ...
    @property
    def file(self) -> object: ...
    @property
    def url(self) -> str | None: ...
    @property
    def headers(self) -> Mapping[str, str]: ...


def check_source(source: Choice) -> None:
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


def formats_of(sources: Sequence[Source]) -> set[str]:
    """Return the extensions of the files to upload, in lower case."""
    names = [str(source.file["name"]) for source in sources if source.file is not None]
    return {name.rpartition(".")[2].lower() for name in names if "." in name}


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
