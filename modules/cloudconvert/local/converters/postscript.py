"""PostScript to PDF by Ghostscript.

SAFER lets a document read all below the folder for temporary files, so that one is the task's own.
Source: Ghostscript's documentation, "Using Ghostscript".
"""

from modules.cloudconvert.local.converters.converter import Conversion, Converted, Converter
from modules.cloudconvert.local.converters.outside import (
    BEGUN,
    DONE,
    program_of,
    run_outside,
    version_of_program,
)
from modules.cloudconvert.local.operations.operation import Options, Work
from modules.cloudconvert.local.programs import GHOSTSCRIPT

QUIET = ("-dSAFER", "-dBATCH", "-dNOPAUSE", "-q")


class PostScriptOptions(Options):
    """Nothing is to be chosen yet."""


async def _run(work: Work, conversion: Conversion) -> Converted:
    program = program_of(work, GHOSTSCRIPT)
    target = work.folder.work / "out.0"
    crop = ["-dEPSCrop"] if conversion.input_format == "eps" else []
    work.report(BEGUN)
    command = [program.path, *QUIET, *crop, "-sDEVICE=pdfwrite", f"-sOutputFile={target}"]
    await run_outside(work, [*command, "-f", str(conversion.source.path)], target)
    work.report(DONE)
    return Converted([target], program.version)


POSTSCRIPT = Converter(
    engine="ghostscript",
    inputs=frozenset(("ps", "eps")),
    outputs=frozenset(("pdf",)),
    options=PostScriptOptions,
    run=_run,
    version=version_of_program(GHOSTSCRIPT),
    install=GHOSTSCRIPT.install,
)
