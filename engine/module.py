"""What the author of a connector needs: `Connector`, `Module`, `Fields`, and the `Context`.

A connector is a folder with one file per module and a `Connector` object that names them. The
engine finds it by entry point (group `fusion_runner.connectors`), imports a module's file only when
a scenario uses it, maps and validates its fields, and calls `execute` once per bundle.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, Protocol, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, PlainValidator, WithJsonSchema, model_validator

from engine.model.bundle import Bundle, File
from engine.model.durations import Lengths, duration

__all__ = [
    "Bundle",
    "Connection",
    "ConnectionFields",
    "Connector",
    "Context",
    "Credential",
    "Cursor",
    "Download",
    "Effect",
    "Embedded",
    "Fetch",
    "Fields",
    "File",
    "FileValue",
    "Files",
    "Http",
    "Kind",
    "Lengths",
    "Module",
    "Progress",
    "Reply",
    "Variables",
    "duration",
]


class Fields(BaseModel):
    """Base of a module's input and output: named items, each described by its docstring."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        coerce_numbers_to_str=True,
        arbitrary_types_allowed=True,
    )


def _file_value(value: Any) -> File | Mapping[str, Any]:
    if isinstance(value, File):
        return value
    if isinstance(value, Mapping) and set(value) == {"name", "data"}:
        return dict(value)
    raise ValueError("give a file, or a collection of `name` and `data`")


FileValue = Annotated[
    File | Mapping[str, Any],
    PlainValidator(_file_value),
    WithJsonSchema({"title": "File", "type": "object"}),
]
"""Type of a field that takes a file whole, or its name and data apart; for `Files.file_of`."""


class Kind(StrEnum):
    """What a module is to the flow. Source: Fusion help, module types."""

    TRIGGER = "trigger"
    """Stands first; yields 0..n bundles per cycle."""
    ACTION = "action"
    SEARCH = "search"
    """Yields 0..n bundles per bundle."""


class Effect(StrEnum):
    """What running a module again would do."""

    PURE = "pure"
    """Depends on its fields alone; recomputed, never journaled. `execute` is a plain function."""
    READ = "read"
    WRITE = "write"
    """Changes something outside; never repeated without need."""


class Progress(Protocol):
    def __call__(self, done: float, total: float | None = None, *, text: str = "") -> None:
        """Tell the person watching how far the operation is; `total` None: unknown."""


class Files(Protocol):
    """The run's file store. Content is streamed to disk, hashed on the way, and never in memory."""

    async def take(self, path: Path, *, name: str | None = None) -> File:
        """Copy a file of the user's in, so that later changes to it do not matter.

        Raises OSError if it cannot be read, OutOfSpaceError if the store is full.
        """

    async def receive(
        self, name: str, chunks: AsyncIterator[bytes], *, expected: int | None = None
    ) -> File:
        """Store a stream. `name` is a label: path separators and control characters go.

        Raises DataError if `expected` bytes did not come, MaxFileSizeExceededError past the
        scenario's limit, OutOfSpaceError if the store is full. Nothing stays behind then.
        """

    async def file_of(self, value: File | Mapping[str, Any]) -> File:
        """Return a file given whole, or as `{name, data}` with data a File, bytes or text.

        Its name is made a label, as by `receive`. Raises DataError for anything else.
        """

    async def copy(self, file: File, target: Path) -> None:
        """Write the content to a new file of the user's, flushed to disk before this returns.

        Raises FileExistsError if `target` exists, OutOfSpaceError if it does not fit, OSError if
        the target cannot be written. Nothing stays behind then.
        """


class Cursor(Protocol):
    """Where a trigger stands: small JSON values by key, kept per scenario and node.

    A change takes effect when the bundle that is yielded after it has been worked off, and is
    forgotten if the cycle is rolled back.
    """

    def get(self, key: str) -> Any:
        """Return the value, None if there is none."""

    def keys(self) -> Iterable[str]: ...

    def set(self, key: str, value: Any) -> None:
        """Set a value; None removes the key."""


class Variables(Protocol):
    """The variables of the cycle and of the execution."""

    def get(self, name: str) -> Any:
        """Return what any module executed earlier has set; None if nothing has."""

    def set(self, name: str, value: Any, *, lifetime: str) -> None:
        """Set for `cycle` or `execution`; the last write wins."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A service's answer: `body` is parsed JSON, else text; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Download:
    """A file on its way in. `name` comes from the answer, None if it gave none; `size` likewise."""

    name: str | None
    size: int | None
    chunks: AsyncIterator[bytes]


class Http(Protocol):
    """HTTP to the service of the node's connection. Credentials are added here, and only to it.

    Refused, reset and dripping connections, 429 and 5xx become typed `ModuleError`s; 429 is waited
    for within the deadline, 5xx is repeated on GET. Other statuses from 400 raise by the module's
    connection, unless `accept` names them.
    """

    @property
    def base_url(self) -> str: ...

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        query: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Sequence[int] = (),
    ) -> Reply:
        """Send a request to a path below the base URL."""

    async def upload(
        self, url: str, form: Mapping[str, str], file: File, *, progress: Progress | None = None
    ) -> Reply:
        """POST multipart/form-data to any URL without credentials: the form, then `file`, streamed
        with a known length.
        """

    def download(
        self, url: str, *, headers: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Download]:
        """GET any URL without credentials, streamed."""


class Fetch(Protocol):
    """GET of an address that somebody else chose, guarded against addresses of this network.

    Raises DataError for a refused address or an error status, ServiceConnectionError and
    ModuleTimeoutError as they are, MaxFileSizeExceededError past `max_bytes`.
    """

    def __call__(
        self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int | None = None
    ) -> AbstractAsyncContextManager[Download]: ...


class Context(Protocol):
    """The world as a module sees it during one operation."""

    @property
    def scenario_id(self) -> str: ...
    @property
    def execution_id(self) -> str: ...
    @property
    def node_id(self) -> str: ...
    @property
    def operation_key(self) -> str:
        """Unique to this operation and attempt; services that take a tag or key are given it."""

    @property
    def earlier(self) -> Mapping[str, Any]:
        """The detail of the failure that is replayed here; empty in a first attempt.

        What was begun then may be found again by what the module put there.
        """

    @property
    def folder(self) -> Path:
        """The scenario file's folder; paths in fields are relative to it."""

    @property
    def files(self) -> Files: ...
    @property
    def http(self) -> Http:
        """HTTP over the node's connection; only for modules of a connector with connections."""

    @property
    def cursor(self) -> Cursor:
        """Only for triggers."""

    @property
    def variables(self) -> Variables: ...
    @property
    def own_variables(self) -> Variables:
        """Variables that this node alone sees; each execution, a replay too, begins without."""

    @property
    def progress(self) -> Progress: ...

    def now(self) -> datetime:
        """Return the current moment in UTC."""

    def saved(self, path: Path) -> None:
        """Tell the person where a result of the run lies; shown at its end."""

    async def sleep(self, wait: timedelta) -> None: ...


Input = TypeVar("Input", bound=Fields)
Output = TypeVar("Output")


class Module(ABC, Generic[Input, Output]):
    """One module: subclass it once, as `Module[ItsInput, ItsOutput]`.

    `ItsOutput` is a `Fields` class when the items are known (a mapping to an unknown item is then
    refused at load), or `Bundle` when they depend on the data. `execute` is called with validated
    fields. A `pure` module returns an iterable of outputs; a `read` or `write` module is an async
    generator of them. Errors are `ModuleError`s; anything else that escapes becomes a RuntimeError
    of this operation.
    """

    id: ClassVar[str]
    kind: ClassVar[Kind] = Kind.ACTION
    effect: ClassVar[Effect] = Effect.PURE

    input: ClassVar[type[Fields]]
    output: ClassVar[type[Fields] | None]
    """None: the items depend on the data."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        input_type, output_type = get_args(cls.__orig_bases__[0])  # type: ignore[attr-defined]
        cls.input = input_type
        known = isinstance(output_type, type) and issubclass(output_type, Fields)
        cls.output = output_type if known else None

    @abstractmethod
    def execute(self, fields: Input, ctx: Context) -> Iterable[Output] | AsyncIterator[Output]:
        """Run the module for one bundle."""

    @classmethod
    def absent_items(cls, constants: Mapping[str, Any]) -> Mapping[str, str]:
        """Name output items that can never be set with these constant fields, each with a reason.

        `constants` holds each field that is settled at load, unwritten ones with their default.
        Mapping one of the items is refused at load.
        """
        return {}


@dataclass(frozen=True, slots=True)
class Connection:
    """A service and the right to use it, ready for requests.

    `credential` is sent as `Authorization: Bearer` and appears in no text for people.
    """

    base_url: str
    credential: str = field(repr=False)
    sync_base_url: str | None = None


class Embedded(Protocol):
    """A server of the connector's own that runs inside the engine's process."""

    @property
    def connection(self) -> Connection: ...

    async def wait_idle(self, on_change: Callable[[int], None]) -> None:
        """Return when no job runs; `on_change` hears how many still do."""


class Credential(Fields):
    """A reference to a secret; exactly one of the three is given."""

    env: str | None = None
    """Name of an environment variable."""
    file: str | None = None
    """Path of a file of mode 0600, relative to the scenario; the last newline does not count."""
    keyring: str | None = None
    """`service/name` in the system keyring."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(way is not None for way in (self.env, self.file, self.keyring)) != 1:
            raise ValueError("give one of env, file, keyring")
        return self


class ConnectionFields(Fields, ABC):
    """Base of a connector's connection model: what its entry in `connections` may hold.

    Fields of type `Credential` are resolved by the engine before `connect` is called.
    """

    @abstractmethod
    def connect(self, secrets: Mapping[str, str]) -> Connection:
        """Return the connection; `secrets` holds each `Credential` field's value by field name."""


@dataclass(frozen=True, slots=True)
class Connector:
    """A connector: a name, its modules, and how to reach its service.

    `modules` maps a module's short name to `package.file:Class`, imported when first used.
    `embedded(data_folder, fetch)` starts the connector's own server; it is what a node without a
    connection uses. `commands` names a click group `package.file:object`, shown as
    `fusion <connector> …`; empty: none.
    """

    name: str
    title: str
    modules: Mapping[str, str]
    connection: type[ConnectionFields] | None = None
    embedded: Callable[[Path, Fetch], AbstractAsyncContextManager[Embedded]] | None = None
    commands: str = ""

    def load(self, short_name: str) -> type[Module[Any, Any]]:
        """Import a module's class. Raises KeyError for a name that is not listed."""
        module: type[Module[Any, Any]] = load_object(self.modules[short_name])
        return module


def load_object(path: str) -> Any:
    """Import `package.file:name`."""
    file, _, name = path.partition(":")
    return getattr(import_module(file), name)
