"""pdf/ocr: what is written in a PDF's pictures becomes text to search and copy, by Tesseract.

Each page is drawn and read; the text is laid, without being seen, under the page, which stays what
it was. Source: Tesseract's manual, `textonly_pdf`.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from modules.cloudconvert.local.call_worker import call_worker, source_of
from modules.cloudconvert.local.converters.outside import program_of, run_outside
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
from modules.cloudconvert.local.programs import TESSERACT, Found
from modules.cloudconvert.local.refusal import engine_missing, invalid

DENSITY = 300
"""Pixels per inch at which pages are read, as Tesseract advises."""


def _several(value: Any) -> Any:
    return value.replace("+", ",").split(",") if isinstance(value, str) else value


Language = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z_]{1,30}$")]


class OcrOptions(Options):
    language: Annotated[
        list[Language], BeforeValidator(_several), Field(min_length=1, max_length=20)
    ] = ["eng"]
    """Such as `eng` or `deu`, the likeliest first."""


class OcrFields(ProcessingFields, OcrOptions):
    auto_orient: bool = False


def _check(fields: OcrFields, inventory: Inventory) -> None:
    found = inventory.program(TESSERACT)
    if found is None:
        raise engine_missing(f"The engine {TESSERACT.name}", TESSERACT.install, "operation")
    if fields.auto_orient:
        raise invalid({"auto_orient": ["The {path} is not served here."]})
    if unknown := sorted({one.lower() for one in fields.language} - found.formats):
        known = ", ".join(sorted(found.formats - {"osd"}))
        text = f"The {{path}} {', '.join(unknown)} is not installed here, only {known}."
        raise invalid({"language": [text]})


async def _run(work: Work) -> Outcome:
    program = program_of(work, TESSERACT)
    results = Results(work)
    for number, source in enumerate(work.inputs):
        refuse_other(source)
        made = await _read(work, program, source, partial(results.share, number))
        wanted = work.fields.filename or source.filename
        results.add(made, result_names(wanted, source.filename, "pdf", 1), "pdf")
    return Outcome(results.made, TESSERACT.name, program.version)


async def _read(work: Work, program: Found, source: InputFile, report: Any) -> Sequence[Path]:
    drawing = {"pages": None, "password": None, "pixel_density": DENSITY, "quality": None}
    job = {
        "source": source_of(source),
        "output_format": "png",
        "options": {**drawing, "width": None, "height": None},
    }
    pages = await call_worker(work, "pdf_to_images", job, report=lambda done: report(done // 4))
    listed = work.folder.work / "pages.txt"
    listed.write_text("\n".join(map(str, pages)), "utf-8")
    text = work.folder.work / "text.pdf"
    command = [program.path, str(listed), str(text.with_suffix("")), "--dpi", str(DENSITY)]
    command += ["-l", "+".join(work.fields.language), "-c", "textonly_pdf=1", "pdf"]
    threads = {"OMP_THREAD_LIMIT": str(work.threads)}
    await run_outside(work, command, text, threads)
    for page in pages:
        page.unlink()
    report(90)
    laid = {"source": source_of(source), "text": str(text)}
    return await call_worker(work, "pdf_text_layer", laid, report=lambda _done: None)


def _entries(inventory: Inventory) -> Iterable[Entry]:
    found = inventory.program(TESSERACT)
    if found is not None and "eng" in found.formats:
        yield Entry(
            "pdf/ocr", TESSERACT.name, "pdf", "pdf",
            group="document", engine_version=found.version, options=OcrOptions,
        )  # fmt: skip


PDF_OCR = Operation(
    name="pdf/ocr",
    fields=OcrFields,
    run=_run,
    heavy=True,
    credits=1,
    check=_check,
    entries=_entries,
)
