"""The world as a module sees it: `Context` and what it gives, as protocols and plain data.

Authors of modules import these names from `engine.module`; `engine.run.context` makes them true.
"""

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from engine.model.bundle import File


class Progress(Protocol):
    def __call__(self, done: float, total: float | None = None, *, text: str = "") -> None:
        """Tell the person watching how far the operation is; `total` None: unknown.

        A trigger or a search that knows how many bundles it will yield tells them as `total`.
        """


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
    """Small JSON values by key, kept per scenario and node, from one execution to the next.

    A trigger's tell where it stands: a change takes effect when the bundle that is yielded after it
    has been worked off. An ACID module's are its data: a change takes effect when the node commits.
    Either is forgotten if the cycle is rolled back.
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

    def set_all(self, values: Mapping[str, Any], *, lifetime: str) -> None:
        """Set several at once."""


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
    connection, unless `accept` names them. A detail with `sent` False tells that nothing was sent.
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

    async def awaited(self, path: str, limit: timedelta) -> Reply | None:
        """GET below the base URL where the service answers only at the end of what is asked for.

        None if it has no such place, fails, is too busy, or does not answer within `limit`: then
        the service has to be asked again and again.
        """

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
    """Requests to an address that somebody else chose, guarded against addresses of this network.

    Called, it GETs. Raises DataError for a refused address or an error status,
    ServiceConnectionError and ModuleTimeoutError as they are, MaxFileSizeExceededError past
    `max_bytes`.
    """

    def __call__(
        self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int | None = None
    ) -> AbstractAsyncContextManager[Download]: ...

    async def post(
        self, url: str, content: bytes, *, headers: Mapping[str, str] | None = None
    ) -> int:
        """POST content and return the status of the answer, whatever it is; its body is dropped.

        Redirects are not followed. Raises as a GET does.
        """


Mentioned: TypeAlias = Callable[[Collection[str]], Awaitable[Collection[str]]]
"""Asks which of some names, such as ids and tags, stored work still refers to: a server of ours
keeps what they name, however old it is. Awaited in the event loop that it came from."""


async def nothing_mentioned(_names: Collection[str]) -> Collection[str]:
    """Answer where no work is stored."""
    return ()


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
    def in_doubt(self) -> bool:
        """This operation was begun before, under the same key, and nobody knows how far it came.

        Only modules that say so by `finds_again` are called then.
        """

    @property
    def earlier(self) -> Mapping[str, Any]:
        """The detail of the failure after which this is tried again; empty in a first attempt.

        What was begun then may be found again by what the module put there.
        """

    @property
    def folder(self) -> Path:
        """The scenario file's folder; paths in fields are relative to it."""

    @property
    def roots(self) -> Sequence[Path] | None:
        """Folders in which paths of fields have to lie; None: anywhere."""

    @property
    def files(self) -> Files: ...
    @property
    def http(self) -> Http:
        """HTTP over the node's connection; only for modules of a connector with connections."""

    @property
    def cursor(self) -> Cursor:
        """Only for triggers and for ACID modules."""

    @property
    def event(self) -> Mapping[str, Any]:
        """What came to the hook of an instant trigger, as it was accepted; only for those."""

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
