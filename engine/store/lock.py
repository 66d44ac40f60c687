"""Locks between processes of one machine: advisory locks on files, freed when a process ends.

    store.lock                held while the store is opened, written, checkpointed and closed
    processes/<id>            held by a process as long as it has the store open; in it, when it
                              last gave a sign of life, on the machine's monotonic clock

A lock file is never removed while others may wait for it, so that all of them hold the same one;
only `processes/` is cleaned, under `store.lock`. Source: flock(2).
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Final

from engine.errors import StoreBusyError

POLL_SECONDS: Final = 0.02
"""Pause between two looks at a lock that somebody holds."""

BEAT_SECONDS: Final = 10.0
"""Pause between two signs of life."""

FROZEN_SECONDS: Final = 60.0
"""A process that gives no sign of life for so long stands still, and others go on without it."""


class FileLock:
    """An exclusive lock on a file; whoever holds it has left the process id in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1

    def acquire(self) -> bool:
        """Take the lock without waiting; false if anybody has it, this process included."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        self.write(str(os.getpid()))
        return True

    def write(self, text: str) -> None:
        """Leave a note in the file of a lock that is held, for those who wait.

        One that is there already stays: to look takes microseconds, to write up to a millisecond.
        """
        note = text.encode()
        with contextlib.suppress(OSError):  # a full disk: the lock holds, only its note is missing
            if os.pread(self._descriptor, len(note) + 1, 0) == note:
                return
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, note, 0)

    def release(self) -> None:
        """Free the lock; does nothing if it is not held."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def holder(self) -> str:
        """Say who has the lock: `process 123`, or `another process`."""
        try:
            pid = self.path.read_text().partition(" ")[0].strip()
        except OSError:
            pid = ""
        return f"process {pid}" if pid else "another process"

    @contextlib.contextmanager
    def held(self, seconds: float) -> Iterator[None]:
        """Hold the lock; raises StoreBusyError if it does not come free in time. Blocks."""
        deadline = monotonic() + seconds
        while not self.acquire():
            if monotonic() >= deadline:
                raise StoreBusyError(
                    f"the store is busy: {self.holder()} holds {self.path}",
                    notes=("try again when it is done",),
                )
            sleep(POLL_SECONDS)
        try:
            yield
        finally:
            self.release()


class Processes:
    """Which processes have the store open: each holds a lock on a file of its own.

    Call `join`, `leave` and `others` with the store's lock held.
    """

    def __init__(self, folder: Path, seconds: Callable[[], float] = monotonic) -> None:
        self._folder = folder
        self._seconds = seconds
        self._left = Event()
        self.own = f"{os.getpid()}-{os.urandom(4).hex()}"
        """This process's id in the store; each opening has another."""
        self._lock = FileLock(folder / self.own)

    def join(self) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self.others()
        self._lock.acquire()
        self.beat()
        Thread(target=self._keep_beating, name="store-beat", daemon=True).start()

    def beat(self) -> None:
        """Give a sign of life."""
        self._lock.write(f"{os.getpid()} {self._seconds():.1f} ")

    def leave(self) -> None:
        self._left.set()
        self._lock.path.unlink(missing_ok=True)
        self._lock.release()

    def lives(self, process: str) -> bool:
        """Tell whether a process that once joined still has the store open, and does not stand
        still."""
        return process == self.own or (self._is_open(process) and not self._is_frozen(process))

    def _keep_beating(self) -> None:
        while not self._left.wait(BEAT_SECONDS):
            self.beat()

    def _is_frozen(self, process: str) -> bool:
        """Say so of a process whose last sign of life is too old; without any it has just come."""
        try:
            _, at, *_ = (self._folder / process).read_text().split()
            return self._seconds() - float(at) > FROZEN_SECONDS
        except (OSError, ValueError):
            return False

    def _is_open(self, process: str) -> bool:
        path = self._folder / process
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(descriptor)

    def others(self) -> list[str]:
        """Return the others that have the store open, and remove what dead ones left."""
        living: list[str] = []
        if not self._folder.is_dir():
            return living
        for path in self._folder.iterdir():
            if path.name == self.own:
                continue
            if self._is_open(path.name):
                living.append(path.name)
            else:
                path.unlink(missing_ok=True)
        return living
