"""archive: any files into one, all names kept."""

from collections.abc import Iterable, Sequence
from typing import Literal

from modules.cloudconvert.local.call_worker import call_worker
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

ENGINE = "archivetool"
VERSION = "1.0"
FORMATS = ("zip", "7z", "rar", "tar", "tar.gz", "tar.bz2")
"""Members of a rar are stored as they are: no free program packs into that format."""


class ArchiveFields(ProcessingFields):
    output_format: Literal["zip", "7z", "rar", "tar", "tar.gz", "tar.bz2"]


async def pack(work: Work, files: Sequence[InputFile], output_format: str, name: str) -> Made:
    """Put files into an archive; of equal names all survive."""
    labels = distinct(one.filename for one in files)
    sources = [
        {"path": str(one.path), "filename": label} for one, label in zip(files, labels, strict=True)
    ]
    made = await call_worker(work, "archive", {"sources": sources, "output_format": output_format})
    return Made(made[0], clean_name(name), output_format)


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
