"""What SQLite and the system say when the store cannot be used, told with advice."""

import contextlib
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
FULL_ADVICE: Final = ("free some space; what was stored before is safe",)


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
    return StoreError(f"the store {path} is damaged: {reason}", notes=DAMAGED_ADVICE)


def _from_sqlite(error: sqlite3.Error, path: Path) -> StoreError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary code of an extended one
    if code in _BUSY:
        notes = ("another program has the file open; try again when it is done",)
        return StoreBusyError(f"the store {path} is busy: {error}", notes=notes)
    if code in _DAMAGED:
        return damaged(path, str(error))
    if code == sqlite3.SQLITE_FULL:
        return StoreError(f"no space left for the store {path}", notes=FULL_ADVICE)
    if code in _CLOSED:
        return StoreError(f"the store {path} cannot be written: {error}", notes=CLOSED_ADVICE)
    if code == sqlite3.SQLITE_IOERR:
        notes = ("check the disk and the space on it",)
        return StoreError(f"the disk of the store {path} failed: {error}", notes=notes)
    return StoreError(f"the store {path} failed: {error}")


def _from_system(error: OSError, path: Path) -> StoreError:
    if error.errno in FULL:
        return StoreError(f"no space left for the store {path}", notes=FULL_ADVICE)
    where = error.filename or path
    return StoreError(
        f"the store {path} cannot be used: {where}: {error.strerror}", notes=CLOSED_ADVICE
    )
