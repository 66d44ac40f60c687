"""Files of tasks on their way in and out of a task's folder. Contents are linked, not copied."""

import asyncio
import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.module import lasting
from modules.cloudconvert.local.data import TaskFolder
from modules.cloudconvert.local.naming import clean_name
from modules.cloudconvert.local.operations.operation import InputFile, Made
from modules.cloudconvert.local.records import StoredFile, TaskRecord
from modules.cloudconvert.local.refusal import TaskFailure
from modules.cloudconvert.local.settings import Limits
from modules.cloudconvert.local.sniff import is_plausible


@dataclass(frozen=True, slots=True)
class Source:
    """A result of a task that another one takes."""

    path: Path
    file: StoredFile
    task: TaskRecord


def link(source: Path, target: Path) -> None:
    """Give a file a second name; where the file system cannot, copy it."""
    target.unlink(missing_ok=True)
    try:
        lasting.link(source, target)
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        shutil.copyfile(source, target)


async def link_inputs(
    sources: Sequence[Source], folder: TaskFolder, limits: Limits
) -> list[InputFile]:
    """Put the files of the input tasks into a task's `in` folder. Raises TaskFailure."""
    inputs = []
    for number, source in enumerate(sources):
        file = source.file
        if file.size > limits.file_bytes:
            raise TaskFailure("FILE_TOO_LARGE", f"{file.filename} has {file.size} bytes")
        target = folder.inputs / f"in.{number}"
        try:
            await asyncio.to_thread(link, source.path, target)
        except FileNotFoundError as error:
            text = f"The file {file.filename} of an input task was deleted"
            raise TaskFailure("INPUT_FILE_NOT_FOUND", text) from error
        origin = frozenset(name for name in (source.task.id, source.task.name) if name)
        inputs.append(InputFile(target, file.filename, file.size, origin))
    return inputs


async def keep(
    made: Sequence[Made], folder: TaskFolder, *, hashed: bool, keep_inputs: bool
) -> list[StoredFile]:
    """Check results, make them durable, and move them to the task's `out` folder; clear the rest.

    `hashed`: note their MD5 too.
    Raises TaskFailure for a result that is missing, empty where its format never is, or of another
    format.
    """

    def work() -> list[StoredFile]:
        files = _keep(made, folder, hashed=hashed)
        folder.clear(keep_inputs=keep_inputs)
        return files

    return await asyncio.to_thread(work)


def _keep(made: Sequence[Made], folder: TaskFolder, *, hashed: bool) -> list[StoredFile]:
    files = []
    for position, one in enumerate(made):
        _check(one)
        with one.path.open("rb") as file:
            lasting.flush(file.fileno())
            size = os.fstat(file.fileno()).st_size
            md5 = hashlib.file_digest(file, _md5).hexdigest() if hashed else None
        lasting.rename(one.path, folder.result(position))
        files.append(StoredFile(position, clean_name(one.filename), size, md5))
    lasting.flush_path(folder.results)
    return files


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


def _check(made: Made) -> None:
    if not made.path.is_file() or made.path.is_symlink():
        raise TaskFailure("CONVERSION_FAILED", "The engine wrote no file")
    if made.format is not None and made.path.stat().st_size == 0:
        raise TaskFailure("CONVERSION_FAILED", "The engine wrote an empty file")
    if made.format is not None and not is_plausible(made.path, made.format):
        raise TaskFailure(
            "CONVERSION_FAILED", f"The engine wrote something that is no {made.format}"
        )
