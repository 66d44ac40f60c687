"""import/upload: the file comes by a form, in a request of its own (see `uploads`)."""

from pathlib import Path

from modules.cloudconvert.local.operations.operation import (
    Made,
    Operation,
    Outcome,
    TaskFields,
    Work,
)
from modules.cloudconvert.local.refusal import TaskFailure


class UploadFields(TaskFields):
    redirect: str | None = None
    """Where a browser is sent after its upload."""


def uploaded(path: Path, filename: str) -> Outcome:
    """Return the outcome of a task whose file has arrived."""
    return Outcome([Made(path, filename)])


async def _never(work: Work) -> Outcome:
    raise TaskFailure("UPLOAD_FAILED", "The file of this task comes by an upload")


IMPORT_UPLOAD = Operation(
    name="import/upload",
    fields=UploadFields,
    run=_never,
    takes_input=False,
    awaits_upload=True,
)
