"""What SQLite and the system say when the store cannot be used, told with advice."""

import contextlib
import shlex
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine.errors import StoreBusyError, StoreError
from engine.store.blob import FULL

_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_CLOSED: Final = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM})

DAMAGED_ADVICE: Final = (
    "nothing was changed in it; a copy made before an upgrade may lie beside it",
    "move the folder aside to start with a new store",
)
CLOSED_ADVICE: Final = ("check who may write to the folder, and that its disk is not read-only",)
DISK_ADVICE: Final = ("check the disk",)
FULL_ADVICE: Final = ("free some space; what was stored before is safe",)

LEAST_SPACE: Final = 64 * 1024
"""Bytes that SQLite needs beside a store to open it; with less, an error of the disk is of that."""


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Raise StoreError or StoreBusyError in place of the driver's and the system's errors."""
    try:
        yield
    except sqlite3.Error as error:
        raise _from_sqlite(error, path) from error
    except OSError as error:
        raise _from_system(error, path) from error


def damaged(path: Path, reason: str) -> StoreError:
    """Return why a store is left alone."""
    return unusable(path, f"is damaged: {reason}", DAMAGED_ADVICE)


def unusable(path: Path, why: str, notes: tuple[str, ...]) -> StoreError:
    """Return why a store cannot be used, with advice, and the command that looks closer."""
    command = f"fusion doctor --store {shlex.quote(str(path.parent))}"
    return StoreError(f"the store {path} {why}", notes=notes, next_command=command)


def _from_sqlite(error: sqlite3.Error, path: Path) -> StoreError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary code of an extended one
    if code in _BUSY:
        notes = ("another program has the file open; try again when it is done",)
        return StoreBusyError(f"the store {path} is busy: {error}", notes=notes)
    if code in _DAMAGED:
        return damaged(path, str(error))
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(path)):
        return _full(path)
    if code in _CLOSED:
        return unusable(path, f"cannot be written: {error}", CLOSED_ADVICE)
    if code == sqlite3.SQLITE_IOERR:
        return unusable(path, f"is on a disk that failed: {error}", DISK_ADVICE)
    return unusable(path, f"failed: {error}", ())


def _from_system(error: OSError, path: Path) -> StoreError:
    if error.errno in FULL:
        return _full(path)
    where = error.filename or path
    return unusable(path, f"cannot be used: {where}: {error.strerror}", CLOSED_ADVICE)


def _full(path: Path) -> StoreError:
    return unusable(path, "has no space left", FULL_ADVICE)


def _is_full(path: Path) -> bool:
    """Say so of the disk that a store lies on: SQLite's own word for it comes only amid a write."""
    try:
        return shutil.disk_usage(path.parent).free < LEAST_SPACE
    except OSError:
        return False
