"""watermark: a text or picture over or under the pages of a PDF, or pictures."""

from collections.abc import Iterable
from functools import partial
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from modules.cloudconvert.local.call_worker import call_worker, source_of
from modules.cloudconvert.local.converters.pictures import READ as PICTURES
from modules.cloudconvert.local.formats import FORMATS
from modules.cloudconvert.local.inventory import Inventory
from modules.cloudconvert.local.naming import result_names
from modules.cloudconvert.local.operations.operation import (
    Entry,
    Operation,
    Options,
    Outcome,
    ProcessingFields,
    Text,
    Work,
)
from modules.cloudconvert.local.operations.pdf import Pages
from modules.cloudconvert.local.operations.results import Results
from modules.cloudconvert.local.refusal import TaskFailure
from modules.cloudconvert.local.sniff import format_of_file
from modules.cloudconvert.local.validation_texts import about

ENGINE = "pikepdf"
PICTURE_ENGINE = "pillow"
MARKED = PICTURES - {"gif", "ico"}
"""Pictures without frames."""

Points = Annotated[float, Field(gt=0, le=14_400)]
Percent = Annotated[float, Field(gt=0, le=100)]


class WatermarkOptions(Options):
    """Lengths are points; for pictures, pixels."""

    text: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    image: Text | None = None
    """The import task of a picture."""
    layer: Literal["above", "below"] = "above"
    pages: Pages | None = None
    """Of a PDF; all if not given."""
    font_size: Annotated[float, Field(ge=1, le=2000)] | None = None
    font_width_percent: Percent | None = None
    """Width of the text, of the page's; for a text without `font_size`."""
    font_color: Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")] = "#000000"
    font_name: Text | None = None
    """Times, Courier, or what is like Helvetica. Assumed: fonts by name are not looked for."""
    font_align: Literal["left", "center", "right"] = "left"
    image_width: Points | None = None
    image_height: Points | None = None
    image_width_percent: Percent | None = None
    position_vertical: Literal["top", "center", "bottom"] = "center"
    position_horizontal: Literal["left", "center", "right"] = "center"
    margin_vertical: Annotated[float, Field(ge=0, le=14_400)] = 25
    margin_horizontal: Annotated[float, Field(ge=0, le=14_400)] = 25
    opacity: Annotated[int, Field(ge=0, le=100)] = 100
    rotation: Annotated[float, Field(ge=-360, le=360)] = 0
    """Degrees, clockwise. Assumed."""


class WatermarkFields(ProcessingFields, WatermarkOptions):
    input_format: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.text is None) == (self.image is None):
            raise about("text", "Exactly one of text and image is required.")
        return self


async def _run(work: Work) -> Outcome:
    fields: WatermarkFields = work.fields
    pictures = [one for one in work.inputs if fields.image in one.origin]
    marked = [one for one in work.inputs if one not in pictures]
    if not marked or (fields.image is not None and len(pictures) != 1):
        raise TaskFailure("INPUT_FILE_NOT_FOUND", "There must be inputs, and one picture at most")
    results, engine = Results(work), ""
    for number, source in enumerate(marked):
        format_name = format_of_file(source.path, source.filename, fields.input_format)
        if format_name != "pdf" and format_name not in MARKED:
            text = f"Nothing here puts a watermark on {format_name}"
            raise TaskFailure("INVALID_CONVERSION_TYPE", text)
        engine = ENGINE if format_name == "pdf" else PICTURE_ENGINE
        job = {
            "source": source_of(source),
            "format": format_name,
            "picture": str(pictures[0].path) if pictures else None,
            "options": fields.model_dump(include=set(WatermarkOptions.model_fields)),
        }
        made = await call_worker(work, "watermark", job, report=partial(results.share, number))
        wanted = fields.filename or source.filename
        results.add(made, result_names(wanted, source.filename, format_name, 1), format_name)
    return Outcome(results.made, engine, work.inventory.version(engine))


def _entries(inventory: Inventory) -> Iterable[Entry]:
    for name in ("pdf", *sorted(MARKED)):
        engine = ENGINE if name == "pdf" else PICTURE_ENGINE
        version = inventory.version(engine)
        if version is not None and inventory.version("reportlab") is not None:
            yield Entry(
                "watermark",
                engine,
                name,
                name,
                group=FORMATS[name].kind,
                engine_version=version,
                options=WatermarkOptions,
            )


WATERMARK = Operation(
    name="watermark",
    fields=WatermarkFields,
    run=_run,
    edges=("image",),
    heavy=True,
    credits=1,
    entries=_entries,
)
