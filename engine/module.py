"""What the author of a connector needs: `Connector`, `Module`, `Fields`, and the `Context`.

A connector is a folder with one file per module and a `Connector` object that names them. The
engine finds it by entry point (group `fusion_runner.connectors`), imports a module's file only when
a scenario uses it, maps and validates its fields, and calls `execute` once per bundle.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, Protocol, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, PlainValidator, WithJsonSchema, model_validator

from engine import lasting
from engine.context import (
    Context,
    Cursor,
    Download,
    Fetch,
    Files,
    Http,
    Mentioned,
    Progress,
    Reply,
    Variables,
    nothing_mentioned,
)
from engine.hooks import Hooked, HookEvent, HookRequest, Refusal, Registration
from engine.model.bundle import Bundle, File
from engine.model.durations import Lengths, duration
from engine.model.health import Finding, Health
from engine.model.patterns import Pattern, PatternError, compile_pattern, first_found

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
    "Finding",
    "Health",
    "HookEvent",
    "HookRequest",
    "Hooked",
    "Http",
    "Kind",
    "Lengths",
    "Mentioned",
    "Module",
    "Pattern",
    "PatternError",
    "Progress",
    "Refusal",
    "Registration",
    "Reply",
    "SearchFields",
    "Variables",
    "compile_pattern",
    "duration",
    "file_value",
    "first_found",
    "lasting",
    "nothing_mentioned",
]


class Fields(BaseModel):
    """Base of a module's input and output: named items, each described by its docstring."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        coerce_numbers_to_str=True,
        arbitrary_types_allowed=True,
    )


def file_value(value: Any) -> File | Mapping[str, Any]:
    """Return a file, or a collection of `name` and `data`. Raises ValueError for all else."""
    if isinstance(value, File):
        return value
    if isinstance(value, Mapping) and set(value) == {"name", "data"}:
        return dict(value)
    raise ValueError("should be a file, or a collection of `name` and `data`")


FileValue = Annotated[
    File | Mapping[str, Any],
    PlainValidator(file_value),
    WithJsonSchema({"title": "File", "type": "object"}),
]
"""Type of a field that takes a file whole, or its name and data apart; for `Files.file_of`."""


class Kind(StrEnum):
    """What a module is to the flow. Source: Fusion help, module types."""

    TRIGGER = "trigger"
    """Stands first; yields 0..n bundles per cycle. An instant trigger is `Hooked` besides."""
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


class SearchFields(Fields):
    """Base of the fields of a search that may go on without results."""

    continue_if_no_results: bool = False
    """Emit one bundle without items when nothing is found; otherwise the path ends here."""


Input = TypeVar("Input", bound=Fields)
Output = TypeVar("Output")


class Module(ABC, Generic[Input, Output]):
    """One module: subclass it once, as `Module[ItsInput, ItsOutput]`.

    `ItsOutput` is a `Fields` class when the items are known (a mapping to an unknown item is then
    refused at load), or `Bundle` when they depend on the data. `execute` is called with validated
    fields. A `pure` module returns an iterable of outputs; a `read` or `write` module is an async
    generator of them. Errors are `ModuleError`s; anything else that escapes becomes a RuntimeError
    of this operation.

    Before validation a value becomes what the type of its field expects, by Fusion's table (in a
    `str` a number is its text), unless a validator of the field is called before pydantic's own.
    What comes out empty is not in `fields.model_fields_set`. What was mapped to `erase` is, as None
    if the field may be None: an update leaves the first as it was, and clears the second.

    A run makes one object of the class for each node. It goes through four phases: `initialize`,
    operations, then `commit` or `rollback` of what they did. Source: Fusion help, ACID modules.
    """

    id: ClassVar[str]
    kind: ClassVar[Kind] = Kind.ACTION
    effect: ClassVar[Effect] = Effect.PURE
    acid: ClassVar[bool] = False
    """It can take back what it did; `is_acid` may except some of its nodes. Such a module is an
    action and not pure, its `ctx.cursor` goes back with it, and what an operation that raises has
    set there is forgotten. All else that such an operation did, it must itself have taken back.
    """

    in_order: ClassVar[bool] = False
    """What an operation gives depends on those before it, so none begins before its turn."""

    input: ClassVar[type[Fields]]
    output: ClassVar[type[Fields] | None]
    """None: the items depend on the data."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        input_type, output_type = get_args(cls.__orig_bases__[0])  # type: ignore[attr-defined]
        cls.input = input_type
        known = isinstance(output_type, type) and issubclass(output_type, Fields)
        cls.output = output_type if known else None
        if cls.acid and (cls.kind is not Kind.ACTION or cls.effect is Effect.PURE):
            raise TypeError(f"{cls.__name__}: an ACID module is an action, and not pure")

    @abstractmethod
    def execute(self, fields: Input, ctx: Context) -> Iterable[Output] | AsyncIterator[Output]:
        """Run the module for one bundle."""

    async def initialize(self, constants: Mapping[str, Any], ctx: Context) -> None:
        """Check that the module can work, before the first bundle of the run moves.

        `constants` holds the fields that are settled at load, as written. A ModuleError raised here
        ends the run, and no handler is asked. Nothing to check: leave it out.
        """

    async def commit(self, ctx: Context) -> None:
        """Make what was done since the last commit last. Only called of ACID modules.

        Whatever is raised here or by `rollback` is an InconsistencyError: the run stops, and the
        module is not asked again; it closes what it holds in any case.
        """

    async def rollback(self, ctx: Context) -> None:
        """Take back what was done since the last commit, even if that is nothing or a part of an
        operation that was cut short. Only called of ACID modules."""

    def finds_again(self, fields: Input) -> bool:
        """Say whether an operation that was begun and cut off can be called once more.

        It is called under the same `ctx.operation_key` then, with `ctx.in_doubt` true, and finds
        out by itself what has been done, so that nothing is done twice. Otherwise a person must
        look: the bundle is stored as an incomplete execution. Only asked of modules that write.
        """
        return False

    @classmethod
    def takes_up(cls, earlier: Mapping[str, Any], changed: Collection[str]) -> str | None:
        """Name what a replay takes up of a failed attempt, not to begin anew; None: nothing.

        `earlier` is the detail of that attempt's failure, as `ctx.earlier` will be; `changed` names
        the fields that differ now. It is what a replay plan tells people; `execute` does it.
        """
        return None

    @classmethod
    def is_acid(cls, constants: Mapping[str, Any]) -> bool:
        """Say whether a node with these constant fields can take back what it did."""
        return cls.acid

    @classmethod
    def variables_read(cls, constants: Mapping[str, Any]) -> Collection[str] | None:
        """Name the variables that an operation reads; None: which ones is known only then."""
        return ()

    @classmethod
    def variables_set(cls, constants: Mapping[str, Any]) -> Collection[str] | None:
        """Name the variables that an operation sets; None: which ones is known only then."""
        return ()

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

    `credential` is sent as `Authorization: Bearer` and appears in no text for people. A download
    is a request under way until it is closed; None: no limit.
    """

    base_url: str
    credential: str = field(repr=False)
    sync_base_url: str | None = None
    requests_at_once: int | None = None
    """Requests that may be under way; more wait, first come, first served."""
    requests_per_minute: int | None = None
    """Requests that may begin in any minute, repeats included; more wait for their turn."""


class Embedded(Protocol):
    """A server of the connector's own that runs inside the engine's process."""

    @property
    def connection(self) -> Connection: ...

    async def wait_idle(self, on_change: Callable[[int], None]) -> None:
        """Return when no job runs; `on_change` hears how many still do."""

    def share(self) -> None:
        """Let other processes on the same data folder use it while it runs. Raises OSError."""


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

    async def test(self, http: Http) -> None:
        """See that the connection works, by a request that is cheap and changes nothing.

        Called once per run, before the first bundle. Raises ModuleError; InvalidAccessTokenError
        means that the credential is refused. Nothing to test: leave it out. `fusion connections
        test` asks the connector's own server too, of an object that has only the defaults.
        """


@dataclass(frozen=True, slots=True)
class Connector:
    """A connector: a name, its modules, and how to reach its service.

    `modules` maps a module's short name to `package.file:Class`, imported when first used.
    `embedded(data_folder, fetch, mentioned)` starts the connector's own server; it is what a node
    without a connection uses. `commands` names a click group `package.file:object`, shown as
    `fusion <connector> …`; empty: none. `health` names an async function `package.file:function`
    that takes nothing and returns `Finding`s about the machine, for `fusion doctor`; empty: none.
    """

    name: str
    title: str
    modules: Mapping[str, str]
    connection: type[ConnectionFields] | None = None
    embedded: Callable[[Path, Fetch, Mentioned], AbstractAsyncContextManager[Embedded]] | None = (
        None
    )
    commands: str = ""
    health: str = ""

    def load(self, short_name: str) -> type[Module[Any, Any]]:
        """Import a module's class. Raises KeyError for a name that is not listed."""
        module: type[Module[Any, Any]] = load_object(self.modules[short_name])
        return module


def load_object(path: str) -> Any:
    """Import `package.file:name`."""
    file, _, name = path.partition(":")
    return getattr(import_module(file), name)
