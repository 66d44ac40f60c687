"""Contents on their way to and from disk, blocking: temporary files, copies, flushes.

`engine.store.files` runs these functions in threads.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine import lasting
from engine.errors import OutOfSpaceError

CHUNK: Final = 1 << 20
"""Bytes read, hashed and written at a time."""

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Errors that mean: the target cannot hold it."""

_FICLONE: Final = 0x40049409  # _IOW(0x94, 9, int) of linux/fs.h


class Blob:
    """A content that is hashed while it is written to a temporary file of mode 0600 in `folder`.

    `write` to it or `fill` it from an open file; then `keep` it under its final name. `discard`
    leaves nothing behind and does nothing after `keep`. `size` counts the bytes so far. The file is
    made by the first call that needs it, so that a small content costs one visit to a thread.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder
        self._descriptor = -1
        self._hash = hashlib.sha256()
        self._cloned = False
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes | bytearray) -> None:
        """Append. Raises OutOfSpaceError."""
        self._hash.update(data)
        self.size += len(data)
        if not self._cloned:
            write_all(self._opened(), data, self._folder)

    def begin(self, source: int, limit: int) -> bool:
        """Share the blocks of an open file if the disk can, so that `fill` hashes without writing;
        then fill for the first time."""
        self._cloned = reflink(source, self._opened())
        return self.fill(source, limit)

    def fill(self, source: int, limit: int) -> bool:
        """Append up to about `limit` bytes read from an open file; return false at its end."""
        origin = self._descriptor if self._cloned else source
        stop = self.size + limit
        while self.size < stop:
            data = os.read(origin, CHUNK)
            if not data:
                return False
            self.write(data)
        return True

    def keep(self, target: Path) -> None:
        """Give the content its place; what lies there already with the same size stays."""
        os.close(self._opened())
        self._descriptor = -1
        with contextlib.suppress(FileNotFoundError):
            if target.stat().st_size == self.size:
                self._path.unlink()
                return
        private_folder(target.parent)
        lasting.rename(self._path, target)

    def discard(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            self._path.unlink(missing_ok=True)

    def _opened(self) -> int:
        if self._descriptor < 0:
            with space_in(self._folder):
                private_folder(self._folder)
                self._descriptor, name = tempfile.mkstemp(".part", "", self._folder)
            self._path = Path(name)
        return self._descriptor


def private_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, for its owner only."""
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def open_regular(path: Path) -> int:
    """Open a file for reading. Raises OSError, also for what is no regular file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe must not hang us
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    code = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
    text = os.strerror(code) if code == errno.EISDIR else "Not a regular file"
    raise OSError(code, text, str(path))


def identity(descriptor: int) -> tuple[int, int]:
    """Return size and modification time, which tell whether a file was written to meanwhile."""
    facts = os.fstat(descriptor)
    return facts.st_size, facts.st_mtime_ns


def copy_some(source: int, target: int, limit: int, folder: Path) -> bool:
    """Copy up to about `limit` bytes between open files; return false at the end of the source."""
    copied = 0
    while copied < limit:
        data = os.read(source, CHUNK)
        if not data:
            return False
        write_all(target, data, folder)
        copied += len(data)
    return True


def write_all(descriptor: int, data: bytes | bytearray, folder: Path) -> None:
    """Write all bytes, however few the system takes at a time. Raises OutOfSpaceError."""
    rest = memoryview(data)
    with space_in(folder):
        while rest:
            rest = rest[lasting.write(descriptor, rest) :]


def reflink(source: int, target: int) -> bool:
    """Let an empty open file share another's blocks, copy on write; false where it cannot."""
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def space_in(folder: Path) -> Iterator[None]:
    """Turn the system's ways to say that a folder cannot hold more into OutOfSpaceError."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise OutOfSpaceError(
            f"no space left for the file in {folder}: {error.strerror}",
            notes=("free some space there and run again",),
        ) from error
