"""SVG by librsvg, which runs no script and reads no file but the drawing itself, or by resvg."""

from modules.cloudconvert.local.converters.converter import Conversion, Converted, Converter
from modules.cloudconvert.local.converters.outside import (
    BEGUN,
    DONE,
    program_of,
    run_outside,
    version_of_program,
)
from modules.cloudconvert.local.converters.pictures import Side
from modules.cloudconvert.local.converters.worked import in_worker, version_of
from modules.cloudconvert.local.operations.operation import Options, Work
from modules.cloudconvert.local.programs import RSVG, extra


class DrawingOptions(Options):
    width: Side | None = None
    height: Side | None = None
    """With both, the drawing fits into them."""


async def _run(work: Work, conversion: Conversion) -> Converted:
    program, options = program_of(work, RSVG), conversion.options
    target = work.folder.work / "out.0"
    sides = [f"--width={options.width}"] if options.width else []
    sides += [f"--height={options.height}"] if options.height else []
    command = [program.path, "--keep-aspect-ratio", *sides, f"--format={conversion.output_format}"]
    work.report(BEGUN)
    await run_outside(work, [*command, f"--output={target}", str(conversion.source.path)], target)
    work.report(DONE)
    return Converted([target], program.version)


DRAWINGS = Converter(
    engine=RSVG.name,
    inputs=frozenset(("svg",)),
    outputs=frozenset(("png", "pdf")),
    options=DrawingOptions,
    run=_run,
    version=version_of_program(RSVG),
    install=RSVG.install,
)
RESVG = Converter(
    engine="resvg",
    inputs=frozenset(("svg",)),
    outputs=frozenset(("png", "jpg", "webp")),
    options=DrawingOptions,
    run=in_worker("drawing", "resvg-py"),
    version=version_of("resvg-py"),
    install=extra("image"),
)
