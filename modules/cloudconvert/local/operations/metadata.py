"""metadata and metadata/write: what a file says of itself, under exiftool's names."""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, Field

from modules.cloudconvert.local.call_worker import ask_worker, call_worker, last_words, source_of
from modules.cloudconvert.local.children import Program
from modules.cloudconvert.local.converters.containers import CONTAINERS
from modules.cloudconvert.local.converters.ffmpeg import probe_arguments, retagging_arguments
from modules.cloudconvert.local.converters.media import READ as MEDIA
from modules.cloudconvert.local.converters.pictures import READ as PICTURES
from modules.cloudconvert.local.formats import FORMATS
from modules.cloudconvert.local.inventory import VIDEO_INSTALL, Ffmpeg, Inventory
from modules.cloudconvert.local.naming import result_names
from modules.cloudconvert.local.operations.operation import (
    Entry,
    InputFile,
    Operation,
    Outcome,
    ProcessingFields,
    Text,
    Work,
)
from modules.cloudconvert.local.operations.results import Results
from modules.cloudconvert.local.programs import EXIFTOOL, Found
from modules.cloudconvert.local.refusal import TaskFailure
from modules.cloudconvert.local.sniff import format_of_file

ENGINES = {"pdf": "pikepdf", "jpg": "pillow", "png": "pillow"}
"""Formats that can be written besides media, and the package that does."""
MOST = 100
OURS = frozenset(("SourceFile", "Directory", "ExifToolVersion", "Error", "Warning"))
"""What exiftool tells of our copy of the file, not of the file."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")
_TAG = re.compile(r"^ {4}(\w[\w -]{0,60}?) *: (.+)$", re.MULTILINE)
_SIZE = re.compile(r"Video: .*?(\d{2,5})x(\d{2,5})")
_RATE = re.compile(r"([\d.]+) fps")
_LENGTH = re.compile(r"Duration: ([\d:.]+)")
_CODEC = re.compile(r": (Video|Audio): (\w+)")


class MetadataFields(ProcessingFields):
    input_format: Text | None = None


def _names(metadata: dict[str, str]) -> dict[str, str]:
    for name, value in metadata.items():
        if not _NAME.fullmatch(name):
            raise ValueError("The {path} may only have names of letters and digits.")
        if "\0" in value:
            raise ValueError("The {path} may not have values with null characters.")
    return metadata


class WriteFields(MetadataFields):
    metadata: Annotated[
        dict[str, Annotated[Text, Field(coerce_numbers_to_str=True)]],
        Field(min_length=1, max_length=MOST),
        AfterValidator(_names),
    ]


async def _read(work: Work) -> Outcome:
    if len(work.inputs) != 1:
        raise TaskFailure("INVALID_DATA", "Metadata are those of one file")
    [source] = work.inputs
    format_name = format_of_file(source.path, source.filename, work.fields.input_format)
    known = FORMATS.get(format_name)
    facts: dict[str, Any] = {
        "FileName": source.filename,
        "FileSize": source.size,
        "FileType": format_name.upper().replace("JPG", "JPEG"),
        "MIMEType": known.media_type if known else "application/octet-stream",
    }
    if format_name in MEDIA - PICTURES:
        program = _ffmpeg(work.inventory)
        command = probe_arguments(program.path, str(source.path))
        ended = await work.run(Program(command, work.folder.path), _quiet)
        if "Input #0" not in ended.stderr:
            raise TaskFailure("OPEN_FAILED", last_words(ended, work))
        facts |= _of_media(ended.stderr)
        facts = {**await _more(work, source), **facts}
        return Outcome([], "ffmpeg", program.version, {"metadata": facts})
    engine = "pikepdf" if format_name == "pdf" else "pillow"
    if format_name == "pdf" or format_name in PICTURES:
        job = {"source": source_of(source), "format": format_name}
        facts |= await ask_worker(work, "metadata", job)
    more = await _more(work, source)
    if more and format_name not in ENGINES and format_name not in PICTURES:
        found = work.inventory.program(EXIFTOOL)
        version = found.version if found else None
        return Outcome([], EXIFTOOL.name, version, {"metadata": {**more, **facts}})
    return Outcome([], engine, work.inventory.version(engine), {"metadata": {**more, **facts}})


async def _more(work: Work, source: InputFile) -> dict[str, Any]:
    """Return what exiftool tells beside, if it is here; what we found ourselves counts more."""
    program = work.inventory.program(EXIFTOOL)
    if program is None:
        return {}
    lines: list[bytes] = []
    command = [program.path, "-config", "", "-json", str(source.path)]
    # A file that it does not know is no fault of the task.
    await work.run(Program(command, work.folder.path, cpu_seconds=60), lines.append)
    try:
        [said] = orjson.loads(b"\n".join(lines))
    except (orjson.JSONDecodeError, ValueError):
        return {}
    plain = (str, int, float, bool)
    return {
        name: value[:2000] if isinstance(value, str) else value
        for name, value in said.items()
        if isinstance(value, plain) and name not in OURS and not name.startswith("File")
    }


def _of_media(said: str) -> Iterator[tuple[str, Any]]:
    """Read ffmpeg's description of a file."""
    head = said[said.index("Input #0") :].partition("Stream #")[0]
    for name, value in _TAG.findall(head)[:MOST]:
        shown = "".join(part.capitalize() for part in re.split(r"[ _-]+", name))
        yield shown, "".join(c if c.isprintable() else "\ufffd" for c in value)[:2000]
    if found := _LENGTH.search(said):
        yield "Duration", found[1]
    if found := _SIZE.search(said):
        yield "ImageWidth", int(found[1])
        yield "ImageHeight", int(found[2])
    if found := _RATE.search(said):
        yield "VideoFrameRate", float(found[1])
    for kind, codec in reversed(_CODEC.findall(said)):
        yield f"{kind}Codec", codec


async def _write(work: Work) -> Outcome:
    results, engine, version = Results(work), "", None
    for number, source in enumerate(work.inputs):
        format_name = format_of_file(source.path, source.filename, work.fields.input_format)
        if format_name in ENGINES:
            engine = ENGINES[format_name]
            version = work.inventory.version(engine)
            job = {
                "source": source_of(source),
                "format": format_name,
                "metadata": work.fields.metadata,
            }
            made = await call_worker(work, "metadata", job, report=partial(results.share, number))
        elif format_name in MEDIA - PICTURES:
            program = _ffmpeg(work.inventory)
            engine, version = "ffmpeg", program.version
            made = [await _retagged(work, source, format_name, program)]
        else:
            text = f"Nothing here writes metadata into {format_name}"
            raise TaskFailure("INVALID_CONVERSION_TYPE", text)
        wanted = work.fields.filename or source.filename
        results.add(made, result_names(wanted, source.filename, format_name, 1), format_name)
    return Outcome(results.made, engine, version)


async def _retagged(work: Work, source: InputFile, format_name: str, program: Ffmpeg) -> Any:
    target = work.folder.work / "out.0"
    command = retagging_arguments(
        program.path,
        (str(source.path), str(target)),
        CONTAINERS[format_name].muxer,
        work.fields.metadata,
    )
    ended = await work.run(Program(command, work.folder.path), _quiet)
    if ended.status != 0:
        raise TaskFailure("CONVERSION_FAILED", last_words(ended, work))
    return target


def _ffmpeg(inventory: Inventory) -> Ffmpeg:
    program = inventory.ffmpeg_for(frozenset())
    if program is None:
        raise TaskFailure("ENGINE_MISSING", f"The engine ffmpeg is not here: {VIDEO_INSTALL}")
    return program


def _quiet(_line: bytes) -> None:
    return None


def _entries(inventory: Inventory) -> Iterable[Entry]:
    media = MEDIA - PICTURES if inventory.ffmpeg_for(frozenset()) else frozenset()
    others = FORMATS if inventory.program(EXIFTOOL) else ()
    for name in sorted({*PICTURES, "pdf", *media, *others}):
        yield _entry("metadata", name, inventory)


def _write_entries(inventory: Inventory) -> Iterable[Entry]:
    media = MEDIA - PICTURES if inventory.ffmpeg_for(frozenset()) else frozenset()
    for name in sorted({*ENGINES, *media}):
        yield _entry("metadata/write", name, inventory)


def _entry(operation: str, name: str, inventory: Inventory) -> Entry:
    found: Ffmpeg | Found | None = inventory.ffmpeg_for(frozenset())
    engine = "pikepdf" if name == "pdf" else "pillow" if name in PICTURES else "ffmpeg"
    if engine == "ffmpeg" and name not in MEDIA:
        engine, found = EXIFTOOL.name, inventory.program(EXIFTOOL)
    program = engine in ("ffmpeg", EXIFTOOL.name)
    version = found.version if program and found else inventory.version(engine)
    output = name if operation == "metadata/write" else None
    group = FORMATS[name].kind
    return Entry(operation, engine, name, output, group=group, engine_version=version, credits=0)


METADATA = Operation(name="metadata", fields=MetadataFields, run=_read, entries=_entries)
METADATA_WRITE = Operation(
    name="metadata/write", fields=WriteFields, run=_write, entries=_write_entries
)
