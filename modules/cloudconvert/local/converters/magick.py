"""Pictures that Pillow does not read, by ImageMagick.

Each file is named with the coder that reads or writes it, so no content and no name makes
ImageMagick try another one, and of the coders only such are listed as read a picture from the file
itself. Source: ImageMagick's documentation, command line and security policy.
"""

from collections.abc import Callable

from modules.cloudconvert.local.converters.converter import Conversion, Converted, Converter
from modules.cloudconvert.local.converters.magick_command import ENVIRONMENT
from modules.cloudconvert.local.converters.outside import (
    BEGUN,
    DONE,
    program_of,
    run_outside,
)
from modules.cloudconvert.local.converters.pictures import PictureOptions
from modules.cloudconvert.local.inventory import Inventory
from modules.cloudconvert.local.operations.operation import Work
from modules.cloudconvert.local.programs import IMAGEMAGICK
from modules.cloudconvert.local.refusal import TaskFailure
from modules.cloudconvert.local.sniff import head_of, sniff_bytes

READ = ("psd", "heic", "xcf", "dds", "pcx")
WRITTEN = frozenset(("png", "jpg", "webp", "tiff", "gif", "bmp"))


async def _run(work: Work, conversion: Conversion) -> Converted:
    program, options = program_of(work, IMAGEMAGICK), conversion.options
    if conversion.input_format not in sniff_bytes(head_of(conversion.source.path)):
        raise TaskFailure("OPEN_FAILED", f"The input file is not {conversion.input_format}")
    target = work.folder.work / "out.0"
    area = ("-limit", "area", str(work.limits.pixels), "-limit", "thread", str(work.threads))
    # The first picture of a file is the whole, with all layers on it.
    source = f"{conversion.input_format}:{conversion.source.path}[0]"
    command = [program.path, *area, source, *_changes(options)]
    if conversion.output_format in ("jpg", "bmp"):
        command += ["-background", options.background or "white", "-alpha", "remove"]
    work.report(BEGUN)
    command.append(f"{conversion.output_format}:{target}")
    await run_outside(work, command, target, ENVIRONMENT)
    work.report(DONE)
    return Converted([target], program.version)


def _changes(options: PictureOptions) -> list[str]:
    changes = ["-auto-orient"] if options.auto_orient else []
    if options.width or options.height:
        box = f"{options.width or ''}x{options.height or ''}"
        sign = {"max": ">", "crop": "^", "scale": "!"}[options.fit]
        changes += ["-resize", box + sign]
        if options.fit == "crop" and options.width and options.height:
            changes += ["-gravity", "center", "-extent", box]
    if options.strip:
        changes.append("-strip")
    if options.quality:
        changes += ["-quality", str(options.quality)]
    return changes


def _version(name: str) -> Callable[[Inventory], str | None]:
    def version(inventory: Inventory) -> str | None:
        found = inventory.program(IMAGEMAGICK)
        return found.version if found and name in found.formats else None

    return version


MAGICKS = tuple(
    Converter(
        engine=IMAGEMAGICK.name,
        inputs=frozenset((name,)),
        outputs=WRITTEN,
        options=PictureOptions,
        run=_run,
        version=_version(name),
        install=IMAGEMAGICK.install,
    )
    for name in READ
)
