"""DOCX, PPTX and XLSX to PDF by office2pdf; pages are chosen afterwards.

office2pdf shows what a sheet's program has stored of its formulas, and programs that only write
sheets store nothing: such sheets are calculated first.
"""

from pathlib import Path
from typing import Any

import office2pdf
import pikepdf
from office2pdf import (
    ConvertOptions,
    Office2PdfError,
    Office2PdfParseError,
    PdfStandard,
    UnsupportedEncryptionError,
)

from modules.cloudconvert.local.engines.pages import pages_in
from modules.cloudconvert.local.engines.sheets import calculated
from modules.cloudconvert.local.engines.talk import Failure, Progress

LOCKED = b"\xd0\xcf\x11\xe0"
"""How a file of these formats begins once it has a password."""


def run(job: dict[str, Any], progress: Progress) -> list[str]:
    """Convert one file; the job is the one of `converters.worked`."""
    options, target = job["options"], Path(job["folder"]) / "out.0"
    content = Path(job["source"]["path"]).read_bytes()
    if content.startswith(LOCKED):
        raise Failure("OPEN_FAILED", "The document needs a password")
    if job["input_format"] == "xlsx":
        content = calculated(content)
    progress(10, 100)
    target.write_bytes(_converted(content, job["input_format"], pdf_a=options["pdf_a"]))
    progress(90, 100)
    with pikepdf.open(target, allow_overwriting_input=True) as document:
        count = len(document.pages)
        if count > job["limits"]["pages"]:
            raise Failure("FILE_TOO_LARGE", f"More than {job['limits']['pages']} pages")
        if options["pages"]:
            _keep(document, set(pages_in(options["pages"], count)))
            document.save(target)
    return [target.name]


def _converted(content: bytes, input_format: str, *, pdf_a: bool) -> bytes:
    options = ConvertOptions(
        pdf_standard=PdfStandard.PDF_A_2B if pdf_a else None, include_warnings=False
    )
    try:
        return office2pdf.convert_bytes(content, input_format, options).pdf
    except UnsupportedEncryptionError as error:
        raise Failure("OPEN_FAILED", "The document needs a password") from error
    except Office2PdfParseError as error:
        raise Failure("OPEN_FAILED", f"The document is damaged: {error}") from error
    except Office2PdfError as error:
        raise Failure("CONVERSION_FAILED", str(error)) from error


def _keep(document: pikepdf.Pdf, wanted: set[int]) -> None:
    for number in reversed(range(len(document.pages))):
        if number not in wanted:
            del document.pages[number]
