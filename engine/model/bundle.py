"""Bundles and the values in them.

A bundle is a mapping of item names to values. A value is None, a bool, int or float, a str, an
aware datetime in UTC, bytes, a `File`, a list of values, or a mapping of str to value. Nobody
changes a bundle after it has been emitted; the mapping language cannot.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

Value: TypeAlias = (
    "bool | int | float | str | datetime | bytes | File | list[Value] | Mapping[str, Value] | None"
)
Bundle: TypeAlias = Mapping[str, Any]

ORDER_ITEMS = ("bundle_index", "bundle_count", "__IMTINDEX__", "__IMTLENGTH__")
"""Items of a bundle that is one of several: its position from 1, and how many there are."""


@dataclass(frozen=True, slots=True, eq=False)
class File(Mapping[str, Any]):
    """A file on its way through a scenario: a name and facts, with the content left on disk.

    To an expression it is a mapping of `name`, `stem`, `extension` (lower case, no dot; empty if
    none), `size` in bytes, `type` (media type) and `sha256` (lower-case hex). `path` is the content
    and belongs to the run's file store: read it, never write, rename or delete it.
    """

    name: str
    size: int
    type: str
    sha256: str
    path: Path

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem

    @property
    def extension(self) -> str:
        return PurePosixPath(self.name).suffix[1:].lower()

    def __getitem__(self, key: str) -> Any:
        if key in FILE_ITEMS:
            return getattr(self, key)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(FILE_ITEMS)

    def __len__(self) -> int:
        return len(FILE_ITEMS)

    def __eq__(self, other: object) -> bool:
        """Compare name and content; where the content lies does not matter."""
        return isinstance(other, File) and (self.name, self.sha256) == (other.name, other.sha256)

    def __hash__(self) -> int:
        return hash((self.name, self.sha256))

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Accept files only: a mapping from bundle data must not name a `path` to read."""
        return core_schema.is_instance_schema(cls, cls_repr="File")

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        items = {name: {"type": "integer" if name == "size" else "string"} for name in FILE_ITEMS}
        return {"title": "File", "type": "object", "properties": items}


def is_value(value: Any) -> bool:
    """Say whether something is what a bundle may hold, with all that is in it."""
    match value:
        case None | bool() | int() | float() | str() | bytes() | File():
            return True
        case datetime():
            return value.tzinfo is not None
        case Mapping():
            return all(isinstance(key, str) and is_value(item) for key, item in value.items())
        case list() | tuple():
            return all(map(is_value, value))
    return False


FILE_ITEMS = ("name", "stem", "extension", "size", "type", "sha256")
"""What an expression can read of a file, in the order in which it is listed to people."""
