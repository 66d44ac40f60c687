"""Office documents to PDF by office2pdf, a package that needs no office suite.

It is young: nothing but `engines/office_to_pdf.py` knows it. It keeps all text, lists, tables and
pictures, but of charts only the frame.
"""

from modules.cloudconvert.local.converters.converter import Conversion, Converted, Converter
from modules.cloudconvert.local.converters.locked import unlocked
from modules.cloudconvert.local.converters.office import Pages
from modules.cloudconvert.local.converters.worked import in_worker
from modules.cloudconvert.local.inventory import Inventory
from modules.cloudconvert.local.operations.operation import Options, Text, Work
from modules.cloudconvert.local.programs import extra

PACKAGES = ("office2pdf-python", "openpyxl", "betteroffice-xlsx")
READ = frozenset(("docx", "pptx", "xlsx"))


class WheelPdfOptions(Options):
    pages: Pages | None = None
    """Such as `1-3,7-`; all pages if not given."""
    password: Text | None = None
    """Opens a file that has one."""
    pdf_a: bool = False
    """Write PDF/A-2b."""


_IN_WORKER = in_worker("office_to_pdf", PACKAGES[0])


async def _run(work: Work, conversion: Conversion) -> Converted:
    return await _IN_WORKER(work, await unlocked(work, conversion))


def _version(inventory: Inventory) -> str | None:
    found = [inventory.version(one) for one in PACKAGES]
    return found[0] if all(found) else None


OFFICE2PDF = Converter(
    engine="office2pdf",
    inputs=READ,
    outputs=frozenset(("pdf",)),
    options=WheelPdfOptions,
    run=_run,
    version=_version,
    install=extra("office"),
)
