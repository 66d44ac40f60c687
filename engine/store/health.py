"""How a store is, found without changing anything in it. Blocking.

Source: SQLite documentation, "PRAGMA quick_check", "Uniform Resource Identifiers".
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from engine.errors import StoreBusyError, StoreError
from engine.model.health import Finding, Health
from engine.store.database import APPLICATION_ID, FILE_NAME
from engine.store.faults import told
from engine.store.lock import FileLock, Processes
from engine.store.queries import migrations
from engine.store.seal import KEY_FILE

LITTLE: Final = 1_000_000_000
TOO_LITTLE: Final = 50_000_000
"""Bytes of free space below which there is a warning, and below which no run should begin."""

PATIENCE_SECONDS: Final = 5.0
"""How long to wait for whoever writes to the store."""


def sqlite_finding() -> Finding:
    """Return which SQLite this Python brings."""
    return Finding("SQLite", Health.OK, sqlite3.sqlite_version)


def store_findings(folder: Path) -> Iterator[Finding]:
    """Yield how the store in a folder is; it is there."""
    yield _space(folder)
    yield _mode(folder)
    yield from _key(folder)
    path = folder / FILE_NAME
    log = path.with_name(f"{FILE_NAME}-wal")
    if not path.exists() and log.exists():
        text = f"{path} is gone, and its log {log.name} is still there"
        yield Finding("store", Health.FAIL, text, _MOVE)
        return
    if not path.exists():
        text = f"{folder} has no {FILE_NAME}; the next run makes it"
        yield Finding("store", Health.OK, text)
        return
    try:
        with told(path):
            yield from _file(folder, path)
    except StoreBusyError as error:
        yield Finding("store", Health.WARN, error.message, "; ".join(error.notes))
    except StoreError as error:
        yield Finding("store", Health.FAIL, error.message, "; ".join(error.notes))


def _file(folder: Path, path: Path) -> Iterator[Finding]:
    """Yield how the file is, with the store's lock held, so that nobody writes to it.

    Where it has no log, nobody has it open: read so, it stays the only file.
    """
    log = path.with_name(f"{FILE_NAME}-wal")
    with FileLock(folder / "store.lock").held(PATIENCE_SECONDS):
        yield _users(folder)
        way = "mode=ro" if log.exists() else "immutable=1"
        uri = f"{path.absolute().as_uri()}?{way}"
        with closing(sqlite3.connect(uri, uri=True, timeout=PATIENCE_SECONDS)) as connection:
            yield from _content(connection, path)


def _content(connection: sqlite3.Connection, path: Path) -> Iterator[Finding]:
    if _pragma(connection, "application_id") != APPLICATION_ID:
        yield Finding("store", Health.FAIL, f"{path} is not a store of fusion", _MOVE)
        return
    yield _version(path, int(_pragma(connection, "user_version")))
    faults = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
    if faults == ["ok"]:
        size = path.stat().st_size / 1_000_000
        yield Finding("integrity", Health.OK, f"nothing is damaged ({size:.1f} MB)")
    else:
        yield Finding("integrity", Health.FAIL, f"{path} is damaged: {'; '.join(faults)}", _MOVE)


_MOVE: Final = "move the folder aside to start with a new store; a copy may lie beside it"


def _version(path: Path, version: int) -> Finding:
    latest = migrations()[-1].number
    if version > latest:
        text = f"{path} was written by a newer version of fusion (format {version}, not {latest})"
        return Finding("store", Health.FAIL, text, "upgrade fusion, or use another --store")
    if version < latest:
        text = f"{path} has format {version}; the next command upgrades it to {latest}"
        return Finding("store", Health.OK, text)
    return Finding("store", Health.OK, f"{path} (format {version})")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _users(folder: Path) -> Finding:
    processes = Processes(folder / "processes")
    living = [name for name in _names(processes, folder) if processes.lives(name)]
    if not living:
        return Finding("locks", Health.OK, "no other process has the store open")
    ids = ", ".join(sorted(name.partition("-")[0] for name in living))
    return Finding("locks", Health.OK, f"the store is open in process {ids}")


def _names(processes: Processes, folder: Path) -> list[str]:
    there = folder / "processes"
    found = [path.name for path in there.iterdir()] if there.is_dir() else []
    return [name for name in found if name != processes.own]


def _space(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    text = f"{free / 1_000_000_000:.1f} GB are free where {folder} is"
    if free < TOO_LITTLE:
        return Finding("space", Health.FAIL, text, "free some space before the next run")
    if free < LITTLE:
        return Finding("space", Health.WARN, text, "files of a run may not fit")
    return Finding("space", Health.OK, text)


def _key(folder: Path) -> Iterator[Finding]:
    """Yield how the key of confidential records is, if there is one."""
    path = folder / KEY_FILE
    if not path.exists():
        return
    if path.stat().st_mode & 0o077:
        yield Finding("key", Health.FAIL, f"others may read {path}", f"chmod 600 {path}")
    else:
        text = "confidential records have a key; without a copy of it, no copy of them can be read"
        yield Finding("key", Health.OK, text)


def _mode(folder: Path) -> Finding:
    mode = folder.stat().st_mode & 0o777
    if mode & 0o077:
        text = f"others on this machine may look into {folder} (mode {mode:04o})"
        return Finding("access", Health.WARN, text, f"chmod 700 {folder}")
    return Finding("access", Health.OK, "only you may look into the store")
