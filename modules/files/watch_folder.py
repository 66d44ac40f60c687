"""Files, "Watch a folder": a trigger that emits each new or changed file once.

What was taken is marked in the cursor: path to `[size, mtime in nanoseconds]`. The path is relative
to the scenario's folder where the file lies below it, so a project can move with its store.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import AwareDatetime, Field, field_validator

from engine.errors import (
    DataError,
    IncompleteDataError,
    InvalidConfigurationError,
    MaxFileSizeExceededError,
)
from engine.module import Context, Cursor, Effect, Fields, Kind, Module
from modules.files.disk import FoundFile, found_file, located, printable, told

SETTLED: Final = timedelta(seconds=2)
"""A file that was not written to for longer is complete."""

SECOND_LOOK: Final = timedelta(seconds=1)
"""A younger file is complete if it is the same after so long."""


class Since(Fields):
    since: AwareDatetime
    """Only files changed at this moment or later; without a time zone it is in the scenario's."""


class WatchFields(Fields):
    folder: str = Field(min_length=1, examples=["inbox"])
    """The folder; a relative path starts at the scenario's folder. Folders in it are not read."""
    pattern: str = Field(default="*", min_length=1, examples=["*.mov"])
    """Which names to take, with `*`, `?` and `[abc]`; capitals count.

    Names that begin with a dot are taken only if the pattern does too; symbolic links never are.
    """
    limit: int | None = Field(default=None, ge=1)
    """Most files per cycle; left out: all."""
    start: Literal["all", "now"] | Since = "all"
    """What the first cycle takes: all files, only those that come or change from now on, or those
    changed since a date."""

    @field_validator("pattern")
    @classmethod
    def _names_only(cls, pattern: str) -> str:
        if "/" in pattern:
            raise ValueError("a pattern is about names: put folders into `folder`")
        return pattern


@dataclass(frozen=True, slots=True)
class Look:
    """A file as one look at the folder found it."""

    mtime_ns: int
    name: str
    size: int

    @property
    def mark(self) -> list[int]:
        return [self.size, self.mtime_ns]

    def is_settled(self, now: datetime) -> bool:
        return now.timestamp() - self.mtime_ns / 1_000_000_000 > SETTLED.total_seconds()


class WatchFolder(Module[WatchFields, FoundFile]):
    """Emit the files of a folder that were not taken before, oldest first.

    A file that has changed since it was taken is new. One that is still being written is left for
    the next cycle.
    """

    id = "files.watch_folder"
    kind = Kind.TRIGGER
    effect = Effect.READ

    async def initialize(self, constants: Mapping[str, Any], ctx: Context) -> None:
        if "folder" in constants:
            folder = located(constants["folder"], ctx)
            await asyncio.to_thread(_refuse_closed, folder)

    async def execute(self, fields: WatchFields, ctx: Context) -> AsyncIterator[FoundFile]:
        folder = located(fields.folder, ctx)
        looks, present = await asyncio.to_thread(_look_around, folder, fields.pattern)
        marks = Marks(ctx.cursor, folder, ctx.folder)
        marks.forget_all_but(present)
        if fields.start == "now" and marks.begin():
            marks.set_all(looks)
            return
        new = [look for look in looks if marks.is_new(look) and _is_wanted(look, fields.start)]
        await asyncio.to_thread(_refuse_unreadable, folder, new)
        left = len(new) if fields.limit is None else fields.limit
        ctx.progress(0, min(left, len(new)))
        waited = False
        for look in sorted(new, key=lambda look: (look.mtime_ns, look.name)):
            if left == 0:
                break
            if not waited and not look.is_settled(ctx.now()):
                await ctx.sleep(SECOND_LOOK)
                waited = True
            try:
                found = await _take(folder / look.name, look, ctx)
            except MaxFileSizeExceededError:
                marks.set(look)  # holds only if the scenario goes on without the file
                raise
            if found is not None:
                left -= 1
                marks.set(look)
                yield found


class Marks:
    """The cursor's marks of one folder."""

    def __init__(self, cursor: Cursor, folder: Path, scenario_folder: Path) -> None:
        base = Path(os.path.abspath(scenario_folder))
        place = folder.relative_to(base) if folder.is_relative_to(base) else folder
        self._cursor = cursor
        self._prefix = printable(place.as_posix()).rstrip("/") + "/"

    def begin(self) -> bool:
        """Note that the folder is watched; true if it was not before."""
        if self._cursor.get(self._prefix) is not None:
            return False
        self._cursor.set(self._prefix, "watched")
        return True

    def is_new(self, look: Look) -> bool:
        return bool(self._cursor.get(self._key(look.name)) != look.mark)

    def set(self, look: Look) -> None:
        self._cursor.set(self._key(look.name), look.mark)

    def set_all(self, looks: Collection[Look]) -> None:
        for look in looks:
            self.set(look)

    def forget_all_but(self, names: Collection[str]) -> None:
        """Remove the marks of files that are gone."""
        kept = {self._prefix, *(self._key(name) for name in names)}
        for key in list(self._cursor.keys()):
            inside = key.startswith(self._prefix) and "/" not in key[len(self._prefix) :]
            if inside and key not in kept:
                self._cursor.set(key, None)

    def _key(self, name: str) -> str:
        return self._prefix + printable(name)


def _look_around(folder: Path, pattern: str) -> tuple[list[Look], set[str]]:
    """Return the files that the pattern names, and the names of all files there are."""
    looks: list[Look] = []
    present: set[str] = set()
    with _entries(folder) as entries:
        for entry in entries:
            if not entry.is_file(follow_symlinks=False):
                continue
            present.add(entry.name)
            hidden = entry.name.startswith(".") and not pattern.startswith(".")
            if not hidden and fnmatchcase(entry.name, pattern):
                looks += _look_at(folder / entry.name)
    return looks, present


@contextmanager
def _entries(folder: Path) -> Iterator[Iterator[os.DirEntry[str]]]:
    """Read a folder. Raises InvalidConfigurationError if it is not there, or closed."""
    try:
        with told("read the folder", folder), os.scandir(folder) as entries:
            yield entries
    except (DataError, InvalidConfigurationError) as error:
        notes = error.notes or ("make the folder, or correct `folder`",)
        raise InvalidConfigurationError(
            error.message, notes=notes, field="folder"
        ) from error.__cause__


def _refuse_closed(folder: Path) -> None:
    with _entries(folder):
        pass


def _look_at(path: Path) -> list[Look]:
    """Return one look at a file, none if it is gone."""
    try:
        facts = path.lstat()
    except FileNotFoundError:
        return []
    return [Look(facts.st_mtime_ns, path.name, facts.st_size)]


def _is_wanted(look: Look, start: str | Since) -> bool:
    if not isinstance(start, Since):
        return True
    return look.mtime_ns >= start.since.timestamp() * 1_000_000_000


def _refuse_unreadable(folder: Path, new: list[Look]) -> None:
    """Fail before the first bundle: a failure later would have the ones before it come again."""
    closed = [look.name for look in new if not os.access(folder / look.name, os.R_OK)]
    if closed:
        some = ", ".join(printable(name) for name in closed[:5])
        raise IncompleteDataError(
            f"cannot read {len(closed)} of the new files in {folder}: {some}",
            notes=("nothing was taken; change their rights, or leave them out with `pattern`",),
        )


async def _take(path: Path, look: Look, ctx: Context) -> FoundFile | None:
    """Take a file in; None if it is gone, or changes and is left for the next cycle."""
    if await asyncio.to_thread(_look_at, path) != [look]:
        return None
    try:
        with told("read", path):
            file = await ctx.files.take(path)
    except MaxFileSizeExceededError:
        raise
    except DataError as error:
        changing = error.__cause__ is None  # the file store's own finding, not the system's
        if changing or isinstance(error.__cause__, FileNotFoundError):
            return None
        raise IncompleteDataError(error.message) from error.__cause__
    return found_file(file, path, look.mtime_ns)
