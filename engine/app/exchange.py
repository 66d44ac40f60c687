"""Incomplete executions on their way to another store: out to a folder, and in again.

FOLDER/<id>.yaml          one record, to be read and changed by people
FOLDER/files/<SHA-256>    contents of files, shared by the records beside them
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from engine.app import Operator, open_store, opened, stored_plan
from engine.errors import NoStoreError, NotFoundError, OutOfSpaceError, UsageError
from engine.model.bundle import File
from engine.model.execution import Incomplete
from engine.plan.read import read_file
from engine.store import place
from engine.store.encode import files_in
from engine.store.portable import BOUNDS, exported, imported
from engine.store.sqlite import SqliteStore

FILES: Final = "files"


@dataclass(frozen=True, slots=True)
class Exported:
    """One record that was written, and where."""

    incomplete_id: str
    path: Path


@dataclass(frozen=True, slots=True)
class Imported:
    """One record that was read in; `known`: it had been there already, exactly so."""

    incomplete: Incomplete
    known: bool


async def export(
    ids: Sequence[str], folder: Path, operator: Operator, *, decrypt: bool
) -> list[Exported]:
    """Write records to a folder, each by its whole id. What is there already and equal stays.

    Raises UsageError for a confidential one unless `decrypt` allows to write it in clear, for a
    content that is gone, and for a file in the way.
    """
    written: list[Exported] = []
    async with open_store(operator) as store:
        for one in ids:
            record = await store.incomplete(one)
            if record.confidential and not decrypt:
                raise UsageError(
                    f"{one[:8]} is confidential, and would be written in clear",
                    code="E701",
                    notes=("--decrypt does that; keep the folder from others then",),
                )
            written.append(Exported(one, await _written(record, folder, store)))
    return written


async def take_in(
    paths: Sequence[Path], operator: Operator, *, at: Path | None, overwrite: bool
) -> list[Imported]:
    """Read records in from files and folders, once all of them have been checked.

    `at` is where the scenario lies here, if elsewhere than where it ran. Raises ScenarioError with
    places, UsageError (E609) for a content that is missing or not what it should be, a scenario
    that cannot be checked, and a record that is here already and differs, unless `overwrite`.
    """
    async with _store(operator) as store:
        found = [
            (path, _checked(_read(path, store, at), path, operator)) for path in _texts_in(paths)
        ]
        known = [await _known(record, store, overwrite=overwrite) for _, record in found]
        for (path, record), is_known in zip(found, known, strict=True):
            if not is_known:
                await _contents(record, path, store)
                await store.park(record)
    pairs = zip((record for _, record in found), known, strict=True)
    return [Imported(record, is_known) for record, is_known in pairs]


def _store(operator: Operator) -> AbstractAsyncContextManager[SqliteStore]:
    """Open the store that is meant; if there is none, the one named or in this folder is made."""
    try:
        folder = place.existing(operator.store, None, Path.cwd())
    except NoStoreError:
        folder = operator.store or Path.cwd() / place.NAME
    return opened(folder, create=True)


async def _written(record: Incomplete, folder: Path, store: SqliteStore) -> Path:
    text, target = exported(record).encode(), folder / f"{record.id}.yaml"
    try:
        (folder / FILES).mkdir(parents=True, exist_ok=True)
        for file in files_in([record.bundles, record.inputs, record.variables]):
            await _copied(file, folder / FILES / file.sha256, store)
        if not target.exists():
            _create(target, text)
        elif target.read_bytes() != text:
            raise UsageError(f"{target} is there already, and differs", code="E701")
    except OSError as error:
        where = error.filename or folder
        text_of = f"cannot write {where}: {error.strerror or error}"
        raise UsageError(text_of, code="E701") from error
    return target


async def _copied(file: File, target: Path, store: SqliteStore) -> None:
    if not file.path.is_file():
        raise UsageError(f"the content of `{file.name}` is gone from the store", code="E701")
    with suppress(FileExistsError):
        await store.files.copy(file, target)


def _create(target: Path, content: bytes) -> None:
    """Write a new file that only its owner may read: data of bundles is in it."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _texts_in(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the records' files, those of a folder by name. Raises UsageError for an empty one."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        inside = sorted(path.glob("*.yaml"))
        if not inside:
            raise NotFoundError(f"there is no incomplete execution in {path}")
        yield from inside


def _read(path: Path, store: SqliteStore, at: Path | None) -> Incomplete:
    record = imported(read_file(path, BOUNDS), store.files.path_of)
    return record if at is None else replace(record, source_path=str(at.resolve()))


def _checked(record: Incomplete, path: Path, operator: Operator) -> Incomplete:
    """See that the record can be replayed here. Raises ScenarioError, UsageError (E609)."""
    folder = Path(record.source_path).parent
    if not Path(record.source_path).is_absolute() or not folder.is_dir():
        raise _refused(
            path,
            f"its scenario ran as {record.source_path}, and that folder is not here",
            "--at FILE says where the scenario lies on this machine",
        )
    plan = stored_plan(record, operator)
    if plan.id != record.scenario_id:
        raise _refused(path, f"it is of scenario `{record.scenario_id}`, not of `{plan.id}`")
    if record.node_id not in plan.nodes:
        raise _refused(path, f"its scenario has no node `{record.node_id}`")
    for file in files_in([record.bundles, record.inputs, record.variables]):
        _check_content(file, path)
    return record


def _check_content(file: File, path: Path) -> None:
    """See that a content lies beside its record, with the right size, and is no link."""
    content = path.parent / FILES / file.sha256
    try:
        facts = content.lstat()
    except OSError as error:
        raise _refused(path, f"the content of `{file.name}` is missing: {content}") from error
    if not stat.S_ISREG(facts.st_mode) or facts.st_size != file.size:
        raise _refused(path, f"the content of `{file.name}` is not what it should be: {content}")


async def _known(record: Incomplete, store: SqliteStore, *, overwrite: bool) -> bool:
    """Say whether the store has exactly this record. Raises UsageError if it has another one."""
    try:
        here = await store.incomplete(record.id)
    except NotFoundError:
        return False
    if exported(here) == exported(record):
        return True
    if overwrite:
        return False
    raise UsageError(
        f"{record.id[:8]} is in this store already, and differs",
        code="E609",
        notes=("--overwrite puts the one that is read in its place",),
        next_command=f"fusion incomplete show {record.id[:8]}",
    )


async def _contents(record: Incomplete, path: Path, store: SqliteStore) -> None:
    """Copy the contents of a record's files into the store, each once its hash is right."""
    for file in files_in([record.bundles, record.inputs, record.variables]):
        try:
            taken = await store.files.take(path.parent / FILES / file.sha256, name=file.name)
        except OutOfSpaceError:
            raise
        except OSError as error:
            raise _refused(path, f"the content of `{file.name}` cannot be read") from error
        if (taken.sha256, taken.size) != (file.sha256, file.size):
            raise _refused(path, f"the content of `{file.name}` has another SHA-256 than its name")


def _refused(path: Path, text: str, *notes: str) -> UsageError:
    return UsageError(f"{path}: {text}", code="E609", notes=notes)
