"""thumbnail: small pictures of pictures, films and documents."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from modules.cloudconvert.local.call_worker import call_worker, last_words
from modules.cloudconvert.local.children import Program
from modules.cloudconvert.local.converters.ffmpeg import (
    Clock,
    frame_arguments,
    probe_arguments,
    read_probe,
    seconds_of,
)
from modules.cloudconvert.local.converters.media import READ as MEDIA
from modules.cloudconvert.local.converters.pictures import READ as PICTURES
from modules.cloudconvert.local.converters.pictures import Side
from modules.cloudconvert.local.converters.registry import converters_for
from modules.cloudconvert.local.formats import FORMATS, canonical
from modules.cloudconvert.local.inventory import VIDEO_INSTALL, Inventory
from modules.cloudconvert.local.naming import result_names
from modules.cloudconvert.local.operations.convert import ConvertFields, settle
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
from modules.cloudconvert.local.operations.results import Results
from modules.cloudconvert.local.refusal import TaskFailure
from modules.cloudconvert.local.sniff import format_of_file

ENGINE = "pillow"
FILMS = frozenset(name for name in MEDIA if FORMATS[name].kind == "video")
WRITTEN = ("png", "jpg", "webp")


class ThumbnailOptions(Options):
    width: Side | None = None
    height: Side | None = None
    """A box of 300 x 300 pixels if neither is given. Assumed."""
    fit: Literal["max", "crop", "scale"] = "max"
    count: Annotated[int, Field(ge=1, le=100)] = 1
    """Frames of a film at even times, or first pages of a document."""
    timestamp: Clock | None = None
    """Of the frame, `HH:MM:SS` or seconds; left out: even times."""


class ThumbnailFields(ProcessingFields, ThumbnailOptions):
    output_format: Literal["png", "jpg", "webp"]
    input_format: Text | None = None


async def _run(work: Work) -> Outcome:
    fields: ThumbnailFields = work.fields
    results = Results(work)
    for number, source in enumerate(work.inputs):
        format_name = format_of_file(source.path, source.filename, fields.input_format)
        is_pdf, pictures = await _pictures(work, source, format_name)
        job = {
            "is_pdf": is_pdf,
            "pictures": [str(path) for path in pictures],
            "output_format": fields.output_format,
            "options": {
                **fields.model_dump(include=set(ThumbnailOptions.model_fields)),
                "background": None,
            },
        }
        made = await call_worker(work, "thumbnail", job, report=partial(results.share, number))
        names = result_names(fields.filename, source.filename, fields.output_format, len(made))
        results.add(made, names, fields.output_format)
    return Outcome(results.made, ENGINE, work.inventory.version(ENGINE))


async def _pictures(work: Work, source: InputFile, format_name: str) -> tuple[bool, list[Path]]:
    """Return what the thumbnails are made of, and whether that is one PDF."""
    if format_name in PICTURES:
        return False, [source.path]
    if format_name in FILMS:
        return False, await _frames(work, source)
    if format_name == "pdf":
        return True, [source.path]
    converter, conversion = settle(work, source, ConvertFields(output_format="pdf"))
    converted = await converter.run(work, conversion)
    document = work.folder.work / "document"
    converted.paths[0].rename(document)
    return True, [document]


async def _frames(work: Work, source: InputFile) -> list[Path]:
    program = work.inventory.ffmpeg_for(frozenset({"png"}))
    if program is None:
        raise TaskFailure("ENGINE_MISSING", f"The engine ffmpeg is not here: {VIDEO_INSTALL}")
    command = probe_arguments(program.path, str(source.path))
    probe = read_probe((await work.run(Program(command, work.folder.path), _quiet)).stderr)
    if probe is None or not probe.video:
        raise TaskFailure("OPEN_FAILED", f"{source.filename} has no picture that can be read")
    paths = []
    for number, moment in enumerate(_moments(work.fields, probe.seconds or 0.0)):
        target = work.folder.work / f"frame.{number}"
        command = frame_arguments(program.path, str(source.path), str(target), moment)
        ended = await work.run(Program(command, work.folder.path), _quiet)
        if not target.exists():
            raise TaskFailure("CONVERSION_FAILED", last_words(ended, work))
        paths.append(target)
    return paths


def _moments(fields: ThumbnailFields, seconds: float) -> Sequence[float]:
    if fields.timestamp is not None:
        return [seconds_of(fields.timestamp)]
    return [seconds * (number + 1) / (fields.count + 1) for number in range(fields.count)]


def _quiet(_line: bytes) -> None:
    return None


def _entries(inventory: Inventory) -> Iterable[Entry]:
    version = inventory.version(ENGINE)
    if version is None or inventory.version("pypdfium2") is None:
        return
    films = FILMS if inventory.ffmpeg_for(frozenset({"png"})) else frozenset()
    written = {
        name
        for name in FORMATS
        if any(one.version(inventory) for one in converters_for(name, "pdf"))
    }
    for source in sorted({*PICTURES, "pdf", *films, *written}):
        for target in WRITTEN:
            yield Entry(
                "thumbnail",
                ENGINE,
                canonical(source),
                target,
                group=FORMATS[source].kind,
                engine_version=version,
                options=ThumbnailOptions,
            )


THUMBNAIL = Operation(
    name="thumbnail",
    fields=ThumbnailFields,
    run=_run,
    heavy=True,
    credits=1,
    entries=_entries,
)
