"""archive: any files into one, all names kept."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from modules.cloudconvert.local.call_worker import call_worker
from modules.cloudconvert.local.converters.outside import BEGUN, DONE, run_outside
from modules.cloudconvert.local.files import link
from modules.cloudconvert.local.inventory import Inventory
from modules.cloudconvert.local.naming import clean_name, distinct
from modules.cloudconvert.local.operations.operation import (
    Entry,
    InputFile,
    Made,
    Operation,
    Outcome,
    ProcessingFields,
    Work,
)
from modules.cloudconvert.local.programs import SEVEN_ZIP, Found

ENGINE = "archivetool"
VERSION = "1.0"
FORMATS = ("zip", "7z", "rar", "tar", "tar.gz", "tar.bz2")
"""Members of a rar are stored as they are: no free program packs into that format."""


class ArchiveFields(ProcessingFields):
    output_format: Literal["zip", "7z", "rar", "tar", "tar.gz", "tar.bz2"]


async def pack(work: Work, files: Sequence[InputFile], output_format: str, name: str) -> Made:
    """Put files into an archive; of equal names all survive."""
    labels = distinct(one.filename for one in files)
    if output_format == "7z" and (program := work.inventory.program(SEVEN_ZIP)) is not None:
        return Made(await _by_7zip(work, program, files, labels), clean_name(name), output_format)
    sources = [
        {"path": str(one.path), "filename": label} for one, label in zip(files, labels, strict=True)
    ]
    made = await call_worker(work, "archive", {"sources": sources, "output_format": output_format})
    return Made(made[0], clean_name(name), output_format)


async def _by_7zip(
    work: Work, program: Found, files: Sequence[InputFile], labels: Sequence[str]
) -> Path:
    """Have 7-Zip pack links to the files, which bear their names."""
    packed, target = work.folder.work / "packed", work.folder.work / "out.0"
    packed.mkdir()
    for one, label in zip(files, labels, strict=True):
        link(one.path, packed / label)
    work.report(BEGUN)
    # It puts what a pattern finds at the top of the archive, and reads no name as an option.
    pattern = f"{packed}/*"
    threads = f"-mmt={work.threads}"
    command = [program.path, "a", "-t7z", "-mx=5", threads, "-bd", "-y", str(target)]
    await run_outside(work, [*command, "--", pattern], target)
    work.report(DONE)
    return target


async def _run(work: Work) -> Outcome:
    fields: ArchiveFields = work.fields
    name = fields.filename or f"archive.{fields.output_format}"
    made = await pack(work, work.inputs, fields.output_format, name)
    return Outcome([made], ENGINE, VERSION)


def _entries(_inventory: Inventory) -> Iterable[Entry]:
    for name in FORMATS:
        yield Entry("archive", ENGINE, None, name, group="archive", engine_version=VERSION)


ARCHIVE = Operation(
    name="archive",
    fields=ArchiveFields,
    run=_run,
    heavy=True,
    credits=1,
    entries=_entries,
)
