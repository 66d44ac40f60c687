"""Plain text to PDF by reportlab, PDF to pictures by pdfium."""

from typing import Annotated

from pydantic import Field

from modules.cloudconvert.local.converters.converter import Converter
from modules.cloudconvert.local.converters.pictures import Side
from modules.cloudconvert.local.converters.worked import INSTALL, in_worker, version_of
from modules.cloudconvert.local.operations.operation import Options, Text


class TextOptions(Options):
    """Plain text has nothing to choose yet."""


class PdfPictureOptions(Options):
    pages: Annotated[str, Field(pattern=r"^[0-9, -]+$", max_length=1000)] | None = None
    """Such as `1-3,7-`; all pages if not given."""
    password: Text | None = None
    pixel_density: Annotated[int, Field(ge=10, le=1200)] = 150
    """Pixels per inch; `width` and `height` count more."""
    width: Side | None = None
    height: Side | None = None
    quality: Annotated[int, Field(ge=1, le=100)] | None = None


TEXT_TO_PDF = Converter(
    engine="reportlab",
    inputs=frozenset(("txt",)),
    outputs=frozenset(("pdf",)),
    options=TextOptions,
    run=in_worker("text_to_pdf", "reportlab"),
    version=version_of("reportlab"),
    install=INSTALL,
)
PDF_TO_PICTURES = Converter(
    engine="pdfium",
    inputs=frozenset(("pdf",)),
    outputs=frozenset(("png", "jpg")),
    options=PdfPictureOptions,
    run=in_worker("pdf_to_images", "pypdfium2"),
    version=version_of("pypdfium2"),
    install=INSTALL,
)
