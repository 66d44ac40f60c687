"""What can be chosen when a page becomes a PDF or a picture, whatever it comes from."""

from typing import Annotated, Literal

from pydantic import Field

from modules.cloudconvert.local.operations.operation import Options, Text

Side = Annotated[int, Field(ge=1, le=30_000)]
Margin = Annotated[float, Field(ge=0, le=1000)]
Centimetres = Annotated[float, Field(gt=0, le=500)]


class PageOptions(Options):
    """Options of CloudConvert's engine `chrome`. Source: API v2, capture-website."""

    pages: Annotated[str, Field(pattern=r"^[0-9, -]+$", max_length=1000)] | None = None
    """Of the PDF, such as `1-3,7-`; all pages if not given."""
    zoom: Annotated[float, Field(ge=0.1, le=2)] = 1
    page_width: Centimetres | None = None
    """Centimetres; counts more than the format."""
    page_height: Centimetres | None = None
    page_format: (
        Literal["A0", "A1", "A2", "A3", "A4", "A5", "A6", "Letter", "Legal", "Tabloid", "Ledger"]
        | None
    ) = None
    """A4 if not given. Assumed."""
    page_orientation: Literal["portrait", "landscape"] = "portrait"
    margin_top: Margin = 10
    """Millimetres. Assumed: the documentation names no unit."""
    margin_bottom: Margin = 10
    margin_left: Margin = 10
    margin_right: Margin = 10
    print_background: bool = True
    display_header_footer: bool = False
    header_template: Text | None = None
    footer_template: Text | None = None
    wait_until: Literal["load", "domcontentloaded", "networkidle0", "networkidle2"] = "load"
    wait_for_element: Annotated[str, Field(max_length=1000)] | None = None
    """CSS selector of something that must be there first."""
    wait_time: Annotated[int, Field(ge=0, le=60_000)] = 0
    """Milliseconds more."""
    css_media_type: Literal["print", "screen"] | None = None
    """For a PDF `print`, for pictures `screen`, if not given."""
    screen_width: Annotated[int, Field(ge=1, le=10_000)] = 1440
    screen_height: Annotated[int, Field(ge=1, le=30_000)] | None = None
    """Of the picture; the whole page if not given. Assumed."""
    width: Side | None = None
    """To which the picture is made smaller."""
    height: Side | None = None
    fit: Literal["max", "crop", "scale"] = "max"
