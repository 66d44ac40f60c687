"""import/base64 and import/raw: the file stands in the request itself.

Its content goes to disk before the task is stored, so neither the store nor a retry carries it.
"""

import base64
import binascii
from pathlib import Path
from typing import Any

from modules.cloudconvert.local.files import link
from modules.cloudconvert.local.naming import clean_name
from modules.cloudconvert.local.operations.operation import (
    Made,
    Operation,
    Outcome,
    RequiredText,
    TaskFields,
    Work,
)
from modules.cloudconvert.local.refusal import TaskFailure, invalid

SPOOLED = "in.0"
"""The content's name in the task's `in` folder."""


class InlineFields(TaskFields):
    filename: RequiredText
    file: str
    """The content; empty once it lies on disk."""


async def _run(work: Work) -> Outcome:
    source = work.folder.inputs / SPOOLED
    if not source.exists():
        raise TaskFailure("INPUT_FILE_NOT_FOUND", "The content of this task was deleted")
    target = work.folder.work / "content"
    link(source, target)
    return Outcome([Made(target, clean_name(work.fields.filename))])


def _spool_base64(fields: dict[str, Any], target: Path) -> dict[str, Any]:
    text: str = fields["file"]
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        target.write_bytes(base64.b64decode("".join(text.split()), validate=True))
    except (binascii.Error, ValueError) as error:
        raise invalid({"file": ["The {path} must be valid base64."]}) from error
    return _without_file(fields)


def _spool_raw(fields: dict[str, Any], target: Path) -> dict[str, Any]:
    target.write_text(fields["file"], encoding="utf-8", errors="surrogatepass", newline="")
    return _without_file(fields)


def _without_file(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"file": ""}


IMPORT_BASE64 = Operation(
    name="import/base64", fields=InlineFields, run=_run, takes_input=False, spool=_spool_base64
)
IMPORT_RAW = Operation(
    name="import/raw", fields=InlineFields, run=_run, takes_input=False, spool=_spool_raw
)
