"""Office documents by LibreOffice: to PDF, and to one another within a kind.

A profile of its own for each run: two runs on one profile end with an error. Source: LibreOffice
help, command line parameters, filter names, and PDF export command line parameters.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated, Any

from pydantic import Field

from modules.cloudconvert.local.converters.converter import Conversion, Converted, Converter
from modules.cloudconvert.local.converters.locked import unlocked
from modules.cloudconvert.local.converters.outside import (
    BEGUN,
    DONE,
    program_of,
    run_outside,
    version_of_program,
)
from modules.cloudconvert.local.files import link
from modules.cloudconvert.local.formats import stem_of_name
from modules.cloudconvert.local.operations.operation import Options, Text, Work
from modules.cloudconvert.local.programs import LIBREOFFICE
from modules.cloudconvert.local.refusal import TaskFailure
from modules.cloudconvert.local.sniff import UNMARKED, head_of, sniff_bytes

_CSV = "Text - txt - csv (StarCalc):44,34,76,1"
"""Commas, quotation marks, UTF-8, from the first line."""
_TEXT = "Text (encoded):UTF8,LF,,,"
_PLAIN_CSV = f"{_CSV},,0,false,true"
"""Quotation marks only where they are needed, numbers as they are shown."""
READING = {"csv": _CSV, "txt": _TEXT}
"""Filters of formats that nothing in the file tells."""
WRITING: Mapping[str, str] = {
    "doc": "MS Word 97",
    "docx": "MS Word 2007 XML",
    "odt": "writer8",
    "rtf": "Rich Text Format",
    "txt": _TEXT,
    "html": "HTML (StarWriter):EmbedImages",
    "xls": "MS Excel 97",
    "xlsx": "Calc MS Excel 2007 XML",
    "ods": "calc8",
    "csv": _PLAIN_CSV,
    "ppt": "MS PowerPoint 97",
    "pptx": "Impress MS PowerPoint 2007 XML",
    "odp": "impress8",
}
TEXTS = frozenset(("doc", "docx", "odt", "rtf"))
SHEETS = frozenset(("xls", "xlsx", "ods", "csv"))
SLIDES = frozenset(("ppt", "pptx", "odp"))
DOCUMENTS = TEXTS | SHEETS | SLIDES

Pages = Annotated[str, Field(pattern=r"^[0-9, -]+$", max_length=1000)]


class OfficeOptions(Options):
    """Between office formats nothing is to be chosen."""


class OfficePdfOptions(Options):
    pages: Pages | None = None
    """Such as `1-3,7-`; all pages if not given."""
    password: Text | None = None
    """Opens a Word, Excel or PowerPoint file."""
    pdf_a: bool = False
    """Write PDF/A-2b."""
    bookmarks: bool = True
    """Headings become the PDF's outline."""
    include_markup: bool = False
    """Comments become notes of the PDF."""
    optimize_print: bool = False
    """Pictures keep their resolution and precision."""


def _pdf_filter(source: str, options: OfficePdfOptions) -> str:
    module = "writer" if source in TEXTS | {"txt"} else "calc" if source in SHEETS else "impress"
    chosen: dict[str, Any] = {
        "ExportBookmarks": options.bookmarks,
        "ExportNotes": options.include_markup,
        "SelectPdfVersion": 2 if options.pdf_a else 0,
    }
    if options.pages:
        chosen["PageRange"] = options.pages.replace(" ", "")
    if options.optimize_print:
        chosen |= {"UseLosslessCompression": True, "ReduceImageResolution": False}
    kinds = {bool: "boolean", int: "long", str: "string"}
    stated = {
        name: {"type": kinds[type(value)], "value": str(value).lower()}
        for name, value in chosen.items()
    }
    return f"pdf:{module}_pdf_Export:{json.dumps(stated, separators=(',', ':'))}"


def _target(conversion: Conversion) -> str:
    if conversion.output_format == "pdf":
        return _pdf_filter(conversion.input_format, conversion.options)
    return f"{conversion.output_format}:{WRITING[conversion.output_format]}"


_SETTING = (
    '<item oor:path="/org.openoffice.Office.{path}"><prop oor:name="{name}" oor:op="fuse">'
    "<value>{value}</value></prop></item>"
)
SETTINGS = (
    ("Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    # Never, in the numbers of each.
    ("Writer/Content/Update", "Link", "0"),
    ("Writer/Content/Update", "Field", "false"),
    ("Calc/Content/Update", "Link", "1"),
    ("Common/Misc", "FirstRun", "false"),
)
"""What a document may not do: run macros, and bring in what it links to."""


def _profile(work: Path) -> str:
    """Make a fresh profile and return its URL."""
    folder = Path(mkdtemp(prefix="profile-", dir=work))
    (folder / "user").mkdir()
    items = "".join(
        _SETTING.format(path=path, name=name, value=value) for path, name, value in SETTINGS
    )
    head = '<?xml version="1.0" encoding="UTF-8"?><oor:items xmlns:oor='
    text = f'{head}"http://openoffice.org/2001/registry">{items}</oor:items>'
    (folder / "user" / "registrymodifications.xcu").write_text(text, "utf-8")
    return folder.as_uri()


def _check_source(conversion: Conversion) -> None:
    """Refuse what is not what it claims: LibreOffice makes a document of any bytes."""
    name = conversion.input_format
    if name not in UNMARKED and name not in sniff_bytes(head_of(conversion.source.path)):
        raise TaskFailure("OPEN_FAILED", f"The input file is not {name}")


async def _run(work: Work, conversion: Conversion) -> Converted:
    program = program_of(work, LIBREOFFICE)
    if isinstance(conversion.options, OfficePdfOptions):
        conversion = await unlocked(work, conversion)
    _check_source(conversion)
    # It goes by the extension where the content tells nothing, and a sheet is called by the name.
    stem = re.sub(r"\W", "_", stem_of_name(conversion.source.filename))[:60]
    source = work.folder.work / f"{stem}.{conversion.input_format}"
    link(conversion.source.path, source)
    written = work.folder.work / "office"
    reading = READING.get(conversion.input_format)
    work.report(BEGUN)
    ended = await run_outside(
        work,
        [
            program.path,
            f"-env:UserInstallation={_profile(work.folder.work)}",
            *("--headless", "--norestore", "--nolockcheck", "--nodefault", "--nologo"),
            *([f"--infilter={reading}"] if reading else []),
            *("--convert-to", _target(conversion), "--outdir", str(written), str(source)),
        ],
    )
    work.report(DONE)
    made = written / f"{stem}.{conversion.output_format}"
    if not made.is_file():
        # Its exit status tells nothing; this is its way of saying that it cannot read the file.
        words = "could not be loaded" in ended.stderr
        text = "The document is damaged or needs a password" if words else "Nothing was written"
        raise TaskFailure("OPEN_FAILED" if words else "CONVERSION_FAILED", text)
    target = work.folder.work / "out.0"
    made.rename(target)
    return Converted([target], program.version)


def _converter(
    inputs: frozenset[str], outputs: frozenset[str], options: type[Options] = OfficeOptions
) -> Converter:
    return Converter(
        engine="libreoffice",
        inputs=inputs,
        outputs=outputs,
        options=options,
        run=_run,
        version=version_of_program(LIBREOFFICE),
        install=LIBREOFFICE.install,
    )


OFFICE_TO_PDF = _converter(DOCUMENTS, frozenset(("pdf",)), OfficePdfOptions)
OFFICE = (
    _converter(TEXTS, TEXTS),
    _converter(SHEETS, SHEETS),
    _converter(SLIDES, SLIDES),
)
OFFICE_TEXTS = (
    _converter(TEXTS, frozenset(("txt", "html"))),
    _converter(frozenset(("txt",)), TEXTS | {"html"}),
)
"""Where pandoc comes first: it writes cleaner HTML and text."""
