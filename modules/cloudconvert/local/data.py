"""The data folder: who holds it, its secret, and the private folder of each task.

    DATA/lock                     held by the one server that uses DATA
    DATA/secret                   signs upload forms and download links, mode 0600
    DATA/cloudconvert.sqlite3     jobs and tasks
    DATA/tasks/<id>/{in,work,out} files of one task, mode 0700: inputs, scratch, results
    DATA/1, DATA/2, …             the same again, for servers that found DATA held

A server that takes DATA also takes over what servers that have died left in the numbered folders.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.module import lasting

DATABASE = "cloudconvert.sqlite3"


class DataFolderHeld(Exception):  # noqa: N818 - a fact about the folder
    """Another live server uses the folder."""


@dataclass(frozen=True, slots=True)
class TaskFolder:
    """The files of one task. Names on disk are ours; the user's names are labels in the store."""

    path: Path

    @property
    def inputs(self) -> Path:
        return self.path / "in"

    @property
    def work(self) -> Path:
        return self.path / "work"

    @property
    def results(self) -> Path:
        return self.path / "out"

    def result(self, position: int) -> Path:
        return self.results / f"out.{position}"

    def make(self) -> None:
        """Make the folders, or empty the scratch of an earlier attempt."""
        shutil.rmtree(self.work, ignore_errors=True)
        for folder in (self.path, self.inputs, self.work, self.results):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def clear(self, *, keep_inputs: bool) -> None:
        """Remove what only the work needed."""
        shutil.rmtree(self.work, ignore_errors=True)
        if not keep_inputs:
            shutil.rmtree(self.inputs, ignore_errors=True)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


class DataFolder:
    """A data folder held by this process until `close`."""

    def __init__(self, path: Path) -> None:
        """Take the folder. Raises DataFolderHeld if another live server has it.

        Its name becomes absolute: programs that work on its files do so in folders of their own.
        """
        path = path.absolute()
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = path
        self._lock = _locked(path / "lock")
        if self._lock is None:
            raise DataFolderHeld(str(path))
        (path / "tasks").mkdir(mode=0o700, exist_ok=True)

    @property
    def database(self) -> Path:
        return self.path / DATABASE

    def task(self, task_id: str) -> TaskFolder:
        return TaskFolder(self.path / "tasks" / task_id)

    def secret(self) -> bytes:
        """Return the folder's own secret, made on first use."""
        path = self.path / "secret"
        if not path.exists():
            fresh = path.with_suffix(".new")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(32))
                file.flush()
                lasting.flush(file.fileno())
            lasting.rename(fresh, path)
        return path.read_bytes()

    def remove_unknown(self, known: set[str]) -> None:
        """Remove folders of tasks that the store does not know: leftovers of a crash."""
        for folder in (self.path / "tasks").iterdir():
            if folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)

    def left_behind(self) -> Iterator["DataFolder"]:
        """Yield the numbered folders that no live server holds, each held by us meanwhile."""
        for path in sorted(self.path.iterdir()):
            if not (path.name.isdecimal() and (path / DATABASE).exists()):
                continue
            try:
                other = DataFolder(path)
            except DataFolderHeld:
                continue
            try:
                yield other
            finally:
                other.close()

    def take_files(self, other: "DataFolder") -> None:
        """Move the task folders of another data folder here; safe to repeat after a crash."""
        for folder in (other.path / "tasks").iterdir():
            lasting.rename(folder, self.path / "tasks" / folder.name)

    def close(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def take(path: Path) -> DataFolder:
    """Take the folder, or the first numbered one inside it that is free."""
    for candidate in _candidates(path):
        try:
            return DataFolder(candidate)
        except DataFolderHeld:
            continue
    raise DataFolderHeld(str(path))


def _candidates(path: Path) -> Iterator[Path]:
    yield path
    for number in range(1, 1000):
        yield path / str(number)


def _locked(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
