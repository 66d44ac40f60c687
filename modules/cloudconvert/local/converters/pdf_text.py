"""The text of a PDF: by Poppler, which keeps how it stands on the page, else by pdfium."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from modules.cloudconvert.local.converters.converter import Conversion, Converted, Converter
from modules.cloudconvert.local.converters.outside import (
    BEGUN,
    DONE,
    program_of,
    run_outside,
    version_of_program,
)
from modules.cloudconvert.local.converters.worked import INSTALL, in_worker, version_of
from modules.cloudconvert.local.operations.operation import Options, Text, Work
from modules.cloudconvert.local.programs import POPPLER


class PdfTextOptions(Options):
    pages: Annotated[str, Field(pattern=r"^[0-9, -]+$", max_length=1000)] | None = None
    """Such as `1-3,7-`; all pages if not given."""
    password: Text | None = None


_PDFIUM = in_worker("pdf_to_text", "pypdfium2")


async def _run(work: Work, conversion: Conversion) -> Converted:
    options: PdfTextOptions = conversion.options
    if options.pages or options.password:
        # A password would stand in the list of processes, and Poppler knows no list of pages.
        return replace(await _PDFIUM(work, conversion), engine="pdfium")
    program = program_of(work, POPPLER)
    target = work.folder.work / "out.0"
    work.report(BEGUN)
    command = [program.path, "-layout", "-enc", "UTF-8", str(conversion.source.path), str(target)]
    await run_outside(work, command, target)
    work.report(DONE)
    return Converted([target], program.version)


PDF_TO_TEXT = (
    Converter(
        engine="poppler",
        inputs=frozenset(("pdf",)),
        outputs=frozenset(("txt",)),
        options=PdfTextOptions,
        run=_run,
        version=version_of_program(POPPLER),
        install=POPPLER.install,
    ),
    Converter(
        engine="pdfium",
        inputs=frozenset(("pdf",)),
        outputs=frozenset(("txt",)),
        options=PdfTextOptions,
        run=_PDFIUM,
        version=version_of("pypdfium2"),
        install=INSTALL,
    ),
)
