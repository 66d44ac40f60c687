"""Office documents with a password: opened first, then converted like any other."""

from dataclasses import replace

from modules.cloudconvert.local.call_worker import call_worker, source_of
from modules.cloudconvert.local.converters.converter import Conversion
from modules.cloudconvert.local.operations.operation import InputFile, Work
from modules.cloudconvert.local.programs import extra
from modules.cloudconvert.local.refusal import TaskFailure
from modules.cloudconvert.local.sniff import head_of, is_old_container

PACKAGE = "msoffcrypto-tool"


async def unlocked(work: Work, conversion: Conversion) -> Conversion:
    """Return the conversion of the opened document; itself if there is nothing to open.

    Raises TaskFailure if the password is wrong, or if the package that opens it is not here.
    """
    password: str | None = conversion.options.password
    if password is None or not is_old_container(head_of(conversion.source.path)):
        return conversion
    if work.inventory.version(PACKAGE) is None:
        text = f"The engine {PACKAGE} is not here. Install it: {extra('office')}"
        raise TaskFailure("ENGINE_MISSING", text)
    job = {"source": source_of(conversion.source), "password": password}
    [opened] = await call_worker(work, "office_unlock", job, report=lambda _done: None)
    source = InputFile(opened, conversion.source.filename, opened.stat().st_size)
    return replace(conversion, source=source)
