"""The SQLite file of a store: opened, created, upgraded and written under one lock.

Blocking, and used from one thread only. A new store is made beside its place and moved there when
it is complete, so an incomplete or empty file in that place is a damaged store, never a fresh one.
Source: SQLite documentation, "Write-ahead logging", "PRAGMA statements", "Online backup".
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, Final, NamedTuple

from engine import lasting
from engine.errors import LeaseLostError, NoStoreError, StoreBusyError, StoreError
from engine.lasting import flush_path
from engine.model.bundle import File
from engine.store.faults import damaged, told, unusable
from engine.store.lease import Leases
from engine.store.lock import FileLock, Processes
from engine.store.queries import Migration, migrations, queries
from engine.store.records import Row

COMMIT: Final = "COMMIT"

FILE_NAME: Final = "store.db"
APPLICATION_ID: Final = 0x46555349
"""Marks a SQLite file as a store of ours: `FUSI`."""

_PRAGMAS: Final = (
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",
    "PRAGMA checkpoint_fullfsync = ON",
    "PRAGMA foreign_keys = ON",
    "PRAGMA mmap_size = 0",
    "PRAGMA trusted_schema = OFF",
)


class Waiting(NamedTuple):
    """An entry of the journal as a row, and the files that it names."""

    row: Row
    files: tuple[File, ...]


def _nothing_to_sync(_files: Sequence[File]) -> None:
    """No file is named."""


class Database:
    """One connection to a store's file; `busy_seconds` is how long it waits for others."""

    def __init__(
        self, folder: Path, busy_seconds: float, seconds: Callable[[], float] = monotonic
    ) -> None:
        self.folder = folder
        self.path = folder / FILE_NAME
        self.processes = Processes(folder / "processes", seconds)
        self._leases = Leases(folder / "locks", self.processes)
        self._busy_seconds = busy_seconds
        self._lock = FileLock(folder / "store.lock")
        self._queries = queries()
        self._connection: sqlite3.Connection | None = None
        self.waiting: list[Waiting] = []
        """Entries of the journal that the next transaction writes first; anybody may append."""
        self.sync: Callable[[Sequence[File]], None] = _nothing_to_sync
        """Flushes contents to disk, before a row names them."""

    def open(self, *, create: bool) -> None:
        """Open the store. Raises NoStoreError if there is none and `create` is false."""
        if not create and not self.path.exists():
            self._refuse_log()
            raise NoStoreError(f"no store in {self.folder}")
        with told(self.path):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._lock.held(self._busy_seconds):
                if not self.path.exists():
                    self._create()
                self._connection = _connect(self.path, self._busy_seconds)
                try:
                    self._check()
                    _need_wal(self._connection, self.path)
                    self.processes.join()
                except BaseException:
                    self._disconnect()
                    raise

    def close(self) -> None:
        """Close the store; the last to close it leaves one file. Does nothing if not open."""
        if self._connection is None:
            return
        with told(self.path), self._lock.held(self._busy_seconds):
            self.processes.leave()
            self._disconnect()

    def query(self, name: str, **parameters: Any) -> list[Row]:
        """Run a query by its name and return its rows."""
        assert self._connection is not None  # noqa: S101 - open() comes first
        with told(self.path):
            return self._connection.execute(self._queries[name], parameters).fetchall()

    def query_where(self, name: str, conditions: Iterable[str], **parameters: Any) -> list[Row]:
        """Run a query that leaves its conditions open; they are queries' names too, in order."""
        assert self._connection is not None  # noqa: S101 - open() comes first
        joined = " AND ".join(self._queries[condition] for condition in conditions)
        text = self._queries[name].replace("{conditions}", joined)
        with told(self.path):
            return self._connection.execute(text, parameters).fetchall()

    def change(self, name: str, **parameters: Any) -> int:
        """Run a query inside `transaction` and return how many rows it changed."""
        assert self._connection is not None  # noqa: S101 - open() comes first
        return self._connection.execute(self._queries[name], parameters).rowcount

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block changed, or nothing of it, under the store's lock.

        Inside of another transaction the block is a part of that one.
        """
        connection = self._connection
        assert connection is not None  # noqa: S101 - open() comes first
        if connection.in_transaction:
            yield
            return
        waiting = list(self.waiting)
        self.flush([file for one in waiting for file in one.files])
        with told(self.path), self._lock.held(self._busy_seconds):
            self._fence()
            connection.execute("BEGIN IMMEDIATE")
            try:
                self._write(waiting)
                yield
                lasting.commit(lambda: connection.execute(COMMIT))
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        del self.waiting[: len(waiting)]

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Hold the store's lock, and say whether no other process has the store open."""
        with told(self.path), self._lock.held(self._busy_seconds):
            yield not self.processes.others()

    def pages(self) -> tuple[int, int]:
        """Return how many bytes of the file are used, and how many of it are free pages."""
        assert self._connection is not None  # noqa: S101 - open() comes first
        with told(self.path):
            size = _pragma(self._connection, "page_size")
            free = _pragma(self._connection, "freelist_count") * size
            return _pragma(self._connection, "page_count") * size - free, free

    def compact(self) -> None:
        """Write the file anew without its free pages. To be called inside of `alone`."""
        assert self._connection is not None  # noqa: S101 - open() comes first
        self._connection.execute("VACUUM")

    def take_lease(self, scenario_id: str) -> str:
        """Take the lease of a scenario; return who has it, empty if it is ours now."""
        with told(self.path), self._lock.held(self._busy_seconds):
            return self._leases.take(scenario_id)

    def give_lease_back(self, scenario_id: str) -> None:
        """Let others run a scenario."""
        with told(self.path), self._lock.held(self._busy_seconds):
            self._leases.give_back(scenario_id)

    def _fence(self) -> None:
        """Refuse to write once a run was taken over; what waits is no longer ours to tell."""
        try:
            self._leases.check()
        except LeaseLostError:
            self.waiting.clear()
            raise

    def flush(self, files: Sequence[File]) -> None:
        """Let contents be on disk, before a row names them."""
        with told(self.path):
            self.sync(files)

    def _write(self, waiting: Sequence[Waiting]) -> None:
        assert self._connection is not None  # noqa: S101 - open() comes first
        self._connection.executemany(self._queries["write_entry"], [one.row for one in waiting])
        for one in waiting:
            for file in one.files:
                self.change("name_journal_file", id=one.row["execution_id"], sha256=file.sha256)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _create(self) -> None:
        """Make a new store and move it to its place in one step."""
        self._refuse_log()
        new = self.path.with_name(f"{FILE_NAME}.new")
        for left in self.folder.glob(f"{new.name}*"):
            left.unlink()
        os.close(os.open(new, os.O_CREAT | os.O_EXCL, 0o600))
        connection = _connect(new, self._busy_seconds)
        try:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            _need_wal(connection, new)
            upgrade(connection, migrations())
        finally:
            connection.close()
        flush_path(new)
        lasting.rename(new, self.path)
        flush_path(self.folder)

    def _refuse_log(self) -> None:
        """Leave a log alone whose store is gone: it may be the only copy."""
        log = self.path.with_name(f"{FILE_NAME}-wal")
        if log.exists():
            raise damaged(self.path, f"the file is gone, its log {log.name} is still there")

    def _check(self) -> None:
        """Refuse what is no store or too new; upgrade what is older, after a backup."""
        assert self._connection is not None  # noqa: S101 - called by open()
        if _pragma(self._connection, "application_id") != APPLICATION_ID:
            raise damaged(self.path, "it is not a store of fusion")
        version, latest = _pragma(self._connection, "user_version"), migrations()[-1].number
        if version > latest:
            formats = f"(format {version}, this one knows {latest})"
            raise unusable(
                self.path,
                f"was written by a newer version of fusion {formats}",
                ("upgrade fusion, or use another store with --store",),
            )
        if version < latest:
            self._upgrade_from(version)

    def _upgrade_from(self, version: int) -> None:
        assert self._connection is not None  # noqa: S101 - called by open()
        if others := self.processes.others():
            raise StoreBusyError(
                f"the store {self.path} must be upgraded, but {len(others)} other process(es) "
                "have it open",
                notes=("end them first",),
            )
        back_up(self._connection, self.path.with_name(f"store-v{version}.db"))
        upgrade(self._connection, migrations())


def back_up(connection: sqlite3.Connection, target: Path) -> None:
    """Copy an open store to a file of mode 0600 that is complete or not there at all."""
    new = target.with_name(f"{target.name}.new")
    new.unlink(missing_ok=True)
    os.close(os.open(new, os.O_CREAT | os.O_EXCL, 0o600))
    copy = sqlite3.connect(new)
    try:
        connection.backup(copy)
    finally:
        copy.close()
    flush_path(new)
    lasting.rename(new, target)
    flush_path(target.parent)


def upgrade(connection: sqlite3.Connection, steps: Sequence[Migration]) -> None:
    """Apply the migrations that a store does not have yet, each in a transaction of its own."""
    version = _pragma(connection, "user_version")
    for step in steps:
        if step.number <= version:
            continue
        script = f"BEGIN IMMEDIATE;{step.sql};PRAGMA user_version = {step.number};"
        try:
            connection.executescript(script)
            lasting.commit(lambda: connection.execute(COMMIT))
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _connect(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """Open an existing file; SQLite must not make one, and nothing is written to it yet."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=busy_seconds, isolation_level=None
    )
    try:
        connection.row_factory = _as_dict
        for pragma in _PRAGMAS:
            connection.execute(pragma)
    except BaseException:
        connection.close()
        raise
    return connection


def _need_wal(connection: sqlite3.Connection, path: Path) -> None:
    row = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if row["journal_mode"] != "wal":
        raise StoreError(
            f"the disk of {path} cannot hold a store: it gives no shared memory",
            notes=("use a local disk: --store FOLDER",),
        )


def _as_dict(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[name]
    return value
