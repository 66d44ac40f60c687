"""merge: files of any kind that can become a PDF, joined to one in the order of the inputs."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from modules.cloudconvert.local.call_worker import call_worker
from modules.cloudconvert.local.converters.registry import LISTED
from modules.cloudconvert.local.inventory import Inventory
from modules.cloudconvert.local.naming import clean_name
from modules.cloudconvert.local.operations.convert import ConvertFields, settle
from modules.cloudconvert.local.operations.operation import (
    Entry,
    InputFile,
    Made,
    Operation,
    Outcome,
    ProcessingFields,
    Work,
)
from modules.cloudconvert.local.refusal import TaskFailure, engine_missing
from modules.cloudconvert.local.sniff import format_of_file

ENGINE = "pikepdf"


class MergeFields(ProcessingFields):
    output_format: Literal["pdf"]


def _check(_fields: MergeFields, inventory: Inventory) -> None:
    if inventory.version(ENGINE) is None:
        raise engine_missing(f"The engine {ENGINE}", f"pip install {ENGINE}", "output_format")


async def _run(work: Work) -> Outcome:
    if len(work.inputs) < 2:
        raise TaskFailure("CONVERSION_FAILED", "Merging needs at least two input files")
    parts = []
    for number, source in enumerate(work.inputs):
        parts.append(await _as_pdf(work, source, number))
        work.report(number * 80 // len(work.inputs))
    job = {
        "sources": [
            {"path": str(part), "filename": one.filename}
            for part, one in zip(parts, work.inputs, strict=True)
        ]
    }
    made = await call_worker(
        work, "merge", job, report=lambda percent: work.report(80 + percent // 5)
    )
    name = clean_name(work.fields.filename or "merged.pdf")
    return Outcome([Made(made[0], name, "pdf")], ENGINE, work.inventory.version(ENGINE))


async def _as_pdf(work: Work, source: InputFile, number: int) -> Path:
    """Return the file as a PDF: itself, or converted."""
    if format_of_file(source.path, source.filename, None) == "pdf":
        return source.path
    try:
        converter, conversion = settle(work, source, ConvertFields(output_format="pdf"))
        converted = await converter.run(work, conversion)
    except TaskFailure as failure:
        raise TaskFailure(failure.code, f"{source.filename}: {failure.message}") from failure
    part = work.folder.work / f"part.{number}"
    converted.paths[0].rename(part)
    return part


def _entries(inventory: Inventory) -> Iterable[Entry]:
    version = inventory.version(ENGINE)
    if version is None:
        return
    becoming = {
        one
        for converter in LISTED
        if "pdf" in converter.outputs and converter.version(inventory)
        for one in converter.inputs
    }
    for source in sorted({"pdf", *becoming}):
        yield Entry("merge", ENGINE, source, "pdf", group="document", engine_version=version)


MERGE = Operation(
    name="merge",
    aliases=("pdf/merge",),
    fields=MergeFields,
    run=_run,
    heavy=True,
    credits=1,
    check=_check,
    entries=_entries,
)
