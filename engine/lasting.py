"""The calls by which anything is made to last: writes, flushes, renames, links and commits.

All of them in the engine, in the modules for files and in the connectors' own servers go through
here, so that a test can count them and let the process die before, after or in the middle of any.
Imports nothing of the project.
"""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

Result = TypeVar("Result")

_FULL_FSYNC: Final[int | None] = getattr(fcntl, "F_FULLFSYNC", None)


Around: TypeAlias = Callable[[str, Callable[[], Any]], Any]
"""Stands around every call: is given its name here and what makes it, and returns what it gives."""


def _plainly(_kind: str, call: Callable[[], Any]) -> Any:
    return call()


_around: list[Around] = [_plainly]


def watch(around: Around) -> None:
    """Let something stand around every call of this process from now on."""
    _around[0] = around


def write(descriptor: int, data: bytes | bytearray | memoryview) -> int:
    """Write some bytes to an open file; return how many."""
    written: int = _around[0]("write", lambda: os.write(descriptor, data))
    return written


def flush(descriptor: int) -> None:
    """Return when an open file's content, or a folder's entries, survive a loss of power."""
    if _FULL_FSYNC is not None:
        _around[0]("flush", lambda: fcntl.fcntl(descriptor, _FULL_FSYNC))
    else:
        _around[0]("flush", lambda: os.fsync(descriptor))


def flush_path(path: Path) -> None:
    """Flush a file or folder by its path."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        flush(descriptor)
    finally:
        os.close(descriptor)


def rename(source: Path | str, target: Path | str) -> None:
    """Give a file another name, in place of what has it."""
    _around[0]("rename", lambda: os.replace(source, target))


def link(source: Path, target: Path) -> None:
    """Give a file a second name. Raises FileExistsError if something has it."""
    _around[0]("link", lambda: os.link(source, target))


def commit(end: Callable[[], Result]) -> Result:
    """End a transaction of a database by a call that commits it."""
    committed: Result = _around[0]("commit", end)
    return committed
