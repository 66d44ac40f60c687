"""Pictures by Pillow: to one another, and to PDF."""

from typing import Annotated, Literal

from pydantic import Field

from modules.cloudconvert.local.converters.converter import Converter
from modules.cloudconvert.local.converters.worked import INSTALL, in_worker, version_of
from modules.cloudconvert.local.operations.operation import Options

READ = frozenset(("jpg", "png", "webp", "gif", "tiff", "bmp", "avif", "ico", "jp2", "tga", "ppm"))
WRITTEN = READ

Side = Annotated[int, Field(ge=1, le=30_000)]
Colour = Annotated[str, Field(pattern=r"^(#[0-9A-Fa-f]{6}|[a-z]{3,20})$")]


class PictureOptions(Options):
    width: Side | None = None
    height: Side | None = None
    fit: Literal["max", "crop", "scale"] = "max"
    """`max` never enlarges; `crop` fills both sides; `scale` distorts."""
    quality: Annotated[int, Field(ge=1, le=100)] | None = None
    strip: bool = False
    """Leave out metadata."""
    auto_orient: bool = True
    background: Colour | None = None
    """Shown through where the output format has no transparency; white if not given."""


class PicturePdfOptions(Options):
    auto_orient: bool = True


PICTURES = Converter(
    engine="pillow",
    inputs=READ,
    outputs=WRITTEN,
    options=PictureOptions,
    run=in_worker("images", "pillow"),
    version=version_of("pillow"),
    install=INSTALL,
)
PICTURES_TO_PDF = Converter(
    engine="reportlab",
    inputs=READ,
    outputs=frozenset(("pdf",)),
    options=PicturePdfOptions,
    run=in_worker("images_to_pdf", "reportlab"),
    version=version_of("reportlab"),
    install=INSTALL,
)
