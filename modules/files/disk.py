"""What the modules of this connector share: paths in fields, and the system's errors as ours."""

import contextlib
import errno
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePath

from engine.errors import DataError, InvalidConfigurationError, OutOfSpaceError
from engine.module import Context, Fields, File

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


class FoundFile(Fields):
    file: File
    """The file, with its content as it was when it was taken."""
    name: str
    """Name without the folder."""
    path: str
    """Where it lay, absolute."""
    size: int
    """Bytes."""
    modified_at: datetime
    """Last change of its content, in UTC."""


def found_file(file: File, path: Path, mtime_ns: int) -> FoundFile:
    """Return a file that was taken from `path`, as a module puts it out."""
    return FoundFile(
        file=file,
        name=file.name,
        path=printable(str(path)),
        size=file.size,
        modified_at=datetime.fromtimestamp(mtime_ns / 1_000_000_000, UTC),
    )


def located(text: str, ctx: Context) -> Path:
    """Return the absolute path that a field names; relative ones start at the scenario's folder.

    `~/` is the home folder. Raises DataError for `..` after a folder's name: an author has no
    use for it there, a value that was mapped into the path may not climb out; and for a path that
    leads out of the folders which the operator allows, by links too.
    """
    if "\0" in text:
        raise DataError("a path cannot hold a null character")
    path = Path(text).expanduser() if text.startswith("~/") else Path(text)
    named = False
    for part in PurePath(text).parts:
        if part == ".." and named:
            raise DataError(f"the path {text!r} climbs out of a folder that it names")
        named = named or part not in ("..", os.sep)
    found = Path(os.path.abspath(ctx.folder / path))
    if ctx.roots is not None:
        real = Path(os.path.realpath(found))
        if not any(real.is_relative_to(os.path.realpath(root)) for root in ctx.roots):
            allowed = ", ".join(printable(str(root)) for root in ctx.roots)
            raise DataError(f"{printable(str(found))} is in none of the allowed folders: {allowed}")
    return found


def printable(text: str) -> str:
    """Return a path as text, with bytes that are no UTF-8 written as `\\xff`."""
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")


@contextlib.contextmanager
def told(doing: str, path: Path) -> Iterator[None]:
    """Turn the system's errors into module errors that say what was being done to what."""
    try:
        yield
    except OSError as error:
        text = f"cannot {doing} {printable(str(path))}: {error.strerror or error}"
        if error.errno in FULL:
            notes = ("free some space there and run again",)
            raise OutOfSpaceError(text, notes=notes) from error
        if error.errno in FORBIDDEN:
            notes = ("check the rights of the file and of its folder",)
            raise InvalidConfigurationError(text, notes=notes) from error
        raise DataError(text) from error
