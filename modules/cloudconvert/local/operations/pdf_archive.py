"""pdf/a: a PDF as one for archives, by Ghostscript.

What the level does not allow is left out, colours become sRGB, fonts are embedded. Source:
Ghostscript's documentation, "Creating a PDF/A document"; `pdfmark` of its PDF/A example.
"""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Literal

from modules.cloudconvert.local.call_worker import call_worker, source_of
from modules.cloudconvert.local.converters.outside import (
    BEGUN,
    DONE,
    program_of,
    run_outside,
)
from modules.cloudconvert.local.converters.postscript import QUIET
from modules.cloudconvert.local.converters.srgb import srgb_profile
from modules.cloudconvert.local.inventory import Inventory
from modules.cloudconvert.local.naming import result_names
from modules.cloudconvert.local.operations.operation import (
    Entry,
    InputFile,
    Operation,
    Options,
    Outcome,
    ProcessingFields,
    Work,
)
from modules.cloudconvert.local.operations.pdf import refuse_other
from modules.cloudconvert.local.operations.results import Results
from modules.cloudconvert.local.programs import GHOSTSCRIPT
from modules.cloudconvert.local.refusal import engine_missing

INTENT = """%!
[/_objdef {icc} /type /stream /OBJ pdfmark
[{icc} << /N 3 >> /PUT pdfmark
[{icc} (PROFILE) (r) file /PUT pdfmark
[/_objdef {intent} /type /dict /OBJ pdfmark
[{intent} << /Type /OutputIntent /S /GTS_PDFA1 /DestOutputProfile {icc}
  /OutputConditionIdentifier (sRGB) >> /PUT pdfmark
[{Catalog} << /OutputIntents [ {intent} ] >> /PUT pdfmark
"""


class ArchiveOptions(Options):
    conformance_level: Literal["1b", "2b", "3b"] = "3b"
    """Of PDF/A."""


class ArchiveFields(ProcessingFields, ArchiveOptions):
    pass


def _check(_fields: ArchiveFields, inventory: Inventory) -> None:
    if inventory.program(GHOSTSCRIPT) is None:
        raise engine_missing(f"The engine {GHOSTSCRIPT.name}", GHOSTSCRIPT.install, "operation")


async def _run(work: Work) -> Outcome:
    program = program_of(work, GHOSTSCRIPT)
    profile = work.folder.work / "srgb.icc"
    profile.write_bytes(srgb_profile())
    intent = work.folder.work / "intent.ps"
    intent.write_text(INTENT.replace("PROFILE", str(profile)), "utf-8")
    results = Results(work)
    for number, source in enumerate(work.inputs):
        refuse_other(source)
        report = partial(results.share, number)
        report(BEGUN)
        target = work.folder.work / "out.0"
        arguments = _arguments(work, await _opened(work, source), target, profile, intent)
        await run_outside(work, [program.path, *arguments], target)
        report(DONE)
        wanted = work.fields.filename or source.filename
        results.add([target], result_names(wanted, source.filename, "pdf", 1), "pdf")
    return Outcome(results.made, GHOSTSCRIPT.name, program.version)


async def _opened(work: Work, source: InputFile) -> Path:
    """Return the file without a lock; Ghostscript makes an empty PDF of one that stays closed."""
    job = {"action": "decrypt", "source": source_of(source), "options": {"password": None}}
    [made] = await call_worker(work, "pdf_pages", job, report=lambda _done: None)
    return made.rename(made.with_name("opened"))


def _arguments(
    work: Work, source: Path, target: Path, profile: Path, intent: Path
) -> Iterable[str]:
    fields: ArchiveFields = work.fields
    yield from (*QUIET, f"--permit-file-read={profile}", "-sDEVICE=pdfwrite")
    yield from (f"-dPDFA={fields.conformance_level[0]}", "-dPDFACompatibilityPolicy=1")
    yield from ("-sColorConversionStrategy=RGB", "-dPreserveAnnots=true")
    yield from (f"-sOutputFile={target}", "-f", str(intent), str(source))


def _entries(inventory: Inventory) -> Iterable[Entry]:
    found = inventory.program(GHOSTSCRIPT)
    if found is not None:
        yield Entry(
            "pdf/a", GHOSTSCRIPT.name, "pdf", "pdf",
            group="document", engine_version=found.version, options=ArchiveOptions,
        )  # fmt: skip


PDF_ARCHIVE = Operation(
    name="pdf/a",
    fields=ArchiveFields,
    run=_run,
    heavy=True,
    credits=1,
    check=_check,
    entries=_entries,
)
