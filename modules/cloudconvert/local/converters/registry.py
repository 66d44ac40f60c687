"""Every converter, and which of them serves a pair of formats."""

from modules.cloudconvert.local.converters.archives import ARCHIVES, ARCHIVES_READ
from modules.cloudconvert.local.converters.chains import DOCUMENTS_TO_PDF, OFFICE_TO_PICTURES
from modules.cloudconvert.local.converters.converter import Converter
from modules.cloudconvert.local.converters.documents import PDF_TO_PICTURES, TEXT_TO_PDF
from modules.cloudconvert.local.converters.drawings import DRAWINGS, RESVG
from modules.cloudconvert.local.converters.magick import MAGICKS
from modules.cloudconvert.local.converters.media import MEDIA
from modules.cloudconvert.local.converters.office import OFFICE, OFFICE_TEXTS, OFFICE_TO_PDF
from modules.cloudconvert.local.converters.office_wheel import OFFICE2PDF
from modules.cloudconvert.local.converters.pages import PAGES
from modules.cloudconvert.local.converters.pandoc import PANDOCS
from modules.cloudconvert.local.converters.pdf_text import PDF_TO_TEXT
from modules.cloudconvert.local.converters.pictures import PICTURES, PICTURES_TO_PDF
from modules.cloudconvert.local.converters.postscript import POSTSCRIPT
from modules.cloudconvert.local.inventory import Inventory

LISTED: tuple[Converter, ...] = (
    PICTURES,
    PICTURES_TO_PDF,
    TEXT_TO_PDF,
    PDF_TO_PICTURES,
    *PDF_TO_TEXT,
    *MEDIA,
    OFFICE_TO_PDF,
    OFFICE2PDF,
    *OFFICE,
    *PANDOCS,
    *OFFICE_TEXTS,
    POSTSCRIPT,
    DRAWINGS,
    *MAGICKS,
    PAGES,
    RESVG,
    *DOCUMENTS_TO_PDF,
    *OFFICE_TO_PICTURES,
    ARCHIVES,
    ARCHIVES_READ,
)
"""In order of preference where several serve a pair: programs on PATH, then packages."""


def converters_for(input_format: str | None, output_format: str) -> list[Converter]:
    """Return all converters of a pair; an input format of None stands for any."""
    return [one for one in LISTED if one.serves(input_format, output_format)]


def present_converter(
    input_format: str, output_format: str, inventory: Inventory
) -> Converter | None:
    """Return the preferred converter of the pair whose engine is present."""
    found = converters_for(input_format, output_format)
    return next((one for one in found if one.version(inventory) is not None), None)
