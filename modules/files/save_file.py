"""Files, "Save a file": a file of the run, written to a folder of this machine.

Nobody ever sees half a file: it is written under a hidden name, flushed, and given its name in one
step that never replaces another file unless the fields say so.
"""

import asyncio
import errno
import hashlib
import os
import stat
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import Field

from engine.errors import DuplicateDataError, InvalidConfigurationError
from engine.module import Context, Effect, Fields, File, FileValue, Module, lasting
from modules.files.disk import located, printable, told

NO_LINKS: Final = frozenset(
    {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
)
"""What disks say that cannot give a file a second name."""


class SaveFields(Fields):
    folder: str = Field(min_length=1, examples=["outbox"])
    """Where to save; made if missing. A relative path starts at the scenario's folder."""
    file: FileValue
    """The file, or its `name` and `data`."""
    file_name: str | None = Field(default=None, examples=["report.pdf"])
    """Name to save it under; left out: its own. Slashes become `_`: it stays in the folder."""
    overwrite: bool = False
    """Replace a file of that name; otherwise it is an error, unless it has the same content."""


class SavedFile(Fields):
    file: File
    """The file, under the name it was saved with."""
    path: str
    """Where it was saved, absolute."""
    name: str
    """Name without the folder."""
    size: int
    """Bytes."""


class SaveFile(Module[SaveFields, SavedFile]):
    """Save a file in a folder. Saving the same content twice is a success and writes once."""

    id = "files.save_file"
    effect = Effect.WRITE

    async def initialize(self, constants: Mapping[str, Any], ctx: Context) -> None:
        if "folder" in constants:
            folder = located(constants["folder"], ctx)
            await asyncio.to_thread(_refuse_closed, folder)

    def finds_again(self, fields: SaveFields) -> bool:
        """What was saved is found by its name and content; a replacement may be written anew."""
        return True

    async def execute(self, fields: SaveFields, ctx: Context) -> AsyncIterator[SavedFile]:
        folder = located(fields.folder, ctx)
        file = await ctx.files.file_of(fields.file)
        if fields.file_name is not None:
            file = await ctx.files.file_of({"name": fields.file_name, "data": file})
        target = folder / file.name
        with told("save", target):
            await asyncio.to_thread(_make, folder)
            if fields.overwrite or not await asyncio.to_thread(_is_there, target, file):
                part = folder / f".{_digest(ctx.operation_key)}.part"
                await _write(file, part, target, ctx, overwrite=fields.overwrite)
        ctx.saved(target)
        yield SavedFile(file=file, path=printable(str(target)), name=file.name, size=file.size)


async def _write(file: File, part: Path, target: Path, ctx: Context, *, overwrite: bool) -> None:
    """Write the content under a hidden name, then give it its own."""
    _discard(part)  # left by a run that was killed here
    try:
        await ctx.files.copy(file, part)
        if overwrite:
            await asyncio.to_thread(lasting.rename, part, target)
        else:
            await asyncio.to_thread(_name_new, part, target, file)
    finally:
        _discard(part)
    await asyncio.to_thread(lasting.flush_path, target.parent)


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)


def _name_new(part: Path, target: Path, file: File) -> None:
    """Give the written file its name. Raises DuplicateDataError if another one has it by now."""
    try:
        lasting.link(part, target)
    except FileExistsError:
        _is_there(target, file)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        try:
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            _is_there(target, file)
            return
        lasting.rename(part, target)


def _is_there(target: Path, file: File) -> bool:
    """Tell whether this content is saved already; DuplicateDataError if another one is."""
    try:
        facts = target.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(facts.st_mode) or facts.st_size != file.size:
        raise _duplicate(target)
    with target.open("rb") as saved:
        if hashlib.file_digest(saved, "sha256").hexdigest() != file.sha256:
            raise _duplicate(target)
    return True


def _duplicate(target: Path) -> DuplicateDataError:
    return DuplicateDataError(
        f"{printable(str(target))} exists with other content",
        notes=("set `overwrite: true` to replace it, or map another `file_name`",),
    )


def _refuse_closed(folder: Path) -> None:
    """Fail if files cannot be saved in a folder; one that is missing is not made yet."""
    nearest = folder
    while not os.path.lexists(nearest) and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        reason, note = f"{printable(str(nearest))} is no folder", "correct `folder`"
    elif not os.access(nearest, os.W_OK | os.X_OK):
        reason, note = f"{printable(str(nearest))} is not writable", "change its rights"
    else:
        return
    raise InvalidConfigurationError(
        f"cannot save in {printable(str(folder))}: {reason}", notes=(note,), field="folder"
    )


def _make(folder: Path) -> None:
    """Make the folder and those above it, so that they survive a loss of power."""
    if folder.is_dir():
        return
    _make(folder.parent)
    folder.mkdir(exist_ok=True)
    lasting.flush_path(folder.parent)


def _digest(operation_key: str) -> str:
    return hashlib.sha256(operation_key.encode()).hexdigest()[:24]
