"""export/url: results to be downloaded by anybody who is given their signed links."""

from modules.cloudconvert.local.files import link
from modules.cloudconvert.local.operations.archive import pack
from modules.cloudconvert.local.operations.operation import (
    Made,
    Operation,
    Outcome,
    TaskFields,
    Work,
)


class ExportUrlFields(TaskFields):
    inline: bool = False
    """Let a browser show the file instead of saving it."""
    archive_multiple_files: bool = False


async def _run(work: Work) -> Outcome:
    fields: ExportUrlFields = work.fields
    if fields.archive_multiple_files and len(work.inputs) > 1:
        return Outcome([await pack(work, work.inputs, "zip", "files.zip")])
    made = []
    for number, source in enumerate(work.inputs):
        target = work.folder.work / f"export.{number}"
        link(source.path, target)
        made.append(Made(target, source.filename))
    return Outcome(made)


EXPORT_URL = Operation(name="export/url", fields=ExportUrlFields, run=_run)
