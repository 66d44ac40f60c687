"""optimize: a file made smaller that keeps its format."""

from collections.abc import Iterable
from functools import partial
from typing import Annotated, Literal

from pydantic import Field

from modules.cloudconvert.local.call_worker import call_worker, source_of
from modules.cloudconvert.local.converters.outside import program_of
from modules.cloudconvert.local.formats import canonical
from modules.cloudconvert.local.inventory import Inventory
from modules.cloudconvert.local.naming import result_names
from modules.cloudconvert.local.operations.operation import (
    Entry,
    InputFile,
    Operation,
    Options,
    Outcome,
    ProcessingFields,
    Text,
    Work,
)
from modules.cloudconvert.local.operations.optimize_programs import (
    PNGQUANT_QUALITY,
    fewer_colours,
    in_printing_colours,
)
from modules.cloudconvert.local.operations.results import Results
from modules.cloudconvert.local.programs import GHOSTSCRIPT, PNGQUANT
from modules.cloudconvert.local.refusal import TaskFailure, engine_missing, invalid
from modules.cloudconvert.local.sniff import format_of_file

ENGINES = {"pdf": "pikepdf", "png": "pillow", "jpg": "pillow"}
"""Which package works on which format."""


class OptimizeOptions(Options):
    profile: Literal["web", "print", "archive", "mrc", "max"] | None = None
    """`web` if not given. `print` and `archive` lose nothing that can be seen, `mrc` is for scans.
    Assumed: pictures follow the profile as well, as far as it means something for them."""
    quality: Annotated[int, Field(ge=0, le=100)] | None = None
    """For jpg and png; counts more than the profile."""
    flatten_signatures: bool = False
    colorspace: Literal["unchanged", "rgb", "cmyk", "greyscale"] = "unchanged"
    """Of pictures, in a PDF too. Assumed: what a PDF draws itself keeps its colours, but for
    `cmyk`; and `print` alone does not bring that, as it may lose colours and form fields."""


class OptimizeFields(ProcessingFields, OptimizeOptions):
    input_format: Text | None = None


def _check(fields: OptimizeFields, inventory: Inventory) -> None:
    given = canonical(fields.input_format) if fields.input_format else None
    if given is not None and given not in ENGINES:
        possible = ", ".join(sorted(ENGINES))
        text = f"The selected {{path}} is invalid. Possible values: {possible}."
        raise invalid({"input_format": [text]})
    if fields.colorspace == "cmyk" and given == "png":
        text = "The selected {path} is invalid: nothing here writes png in it."
        raise invalid({"colorspace": [text]})
    if fields.colorspace == "cmyk" and given == "pdf" and inventory.program(GHOSTSCRIPT) is None:
        raise engine_missing(f"The engine {GHOSTSCRIPT.name}", GHOSTSCRIPT.install, "colorspace")


async def _run(work: Work) -> Outcome:
    results, engine, version = Results(work), "", None
    for number, source in enumerate(work.inputs):
        format_name = _format_of(source, work.fields)
        printed = format_name == "pdf" and work.fields.colorspace == "cmyk"
        program = program_of(work, GHOSTSCRIPT) if printed else None
        engine, version = ENGINES[format_name], work.inventory.version(ENGINES[format_name])
        pngquant = work.inventory.program(PNGQUANT) if format_name == "png" else None
        made, *whole = await call_worker(
            work,
            "optimize_pdf" if format_name == "pdf" else "optimize_picture",
            {
                "source": source_of(source),
                "options": _options(work.fields, colours_stay=printed),
                "whole": pngquant is not None,
            },
            report=partial(results.share, number),
        )
        if pngquant is not None and whole:
            less = await fewer_colours(work, pngquant, whole[0], _quality(work.fields))
            if less is not None and less.stat().st_size < made.stat().st_size:
                made, engine, version = less, PNGQUANT.name, pngquant.version
        if program is not None:
            made = await in_printing_colours(work, program, made)
            engine, version = GHOSTSCRIPT.name, program.version
        wanted = work.fields.filename or source.filename
        results.add([made], result_names(wanted, source.filename, format_name, 1), format_name)
    return Outcome(results.made, engine, version)


def _format_of(source: InputFile, fields: OptimizeFields) -> str:
    found = format_of_file(source.path, source.filename, fields.input_format)
    if found not in ENGINES:
        raise TaskFailure("INVALID_CONVERSION_TYPE", f"Nothing here optimizes {found}")
    if fields.colorspace == "cmyk" and found == "png":
        raise TaskFailure("INVALID_DATA", "Nothing here writes png in cmyk")
    return found


def _options(fields: OptimizeFields, *, colours_stay: bool) -> dict[str, object]:
    options = fields.model_dump(include=set(OptimizeOptions.model_fields))
    stay = {"colorspace": "unchanged"} if colours_stay else {}
    return {**options, **stay, "profile": fields.profile or "web"}


def _quality(fields: OptimizeFields) -> tuple[int, int]:
    if fields.quality is not None:
        return 0, fields.quality
    return PNGQUANT_QUALITY[fields.profile or "web"]


def _entries(inventory: Inventory) -> Iterable[Entry]:
    for format_name, engine in ENGINES.items():
        version = inventory.version(engine)
        if version is not None:
            group = "document" if format_name == "pdf" else "image"
            yield Entry(
                "optimize",
                engine,
                format_name,
                format_name,
                group=group,
                engine_version=version,
                options=OptimizeOptions,
            )


OPTIMIZE = Operation(
    name="optimize",
    fields=OptimizeFields,
    run=_run,
    heavy=True,
    credits=1,
    check=_check,
    entries=_entries,
)
