"""Documents of text to one another by pandoc.

Where the result is text, pandoc's own sandbox keeps the document from reading files of this
machine. Packages such as DOCX it writes with files of its own, which the sandbox of common builds
does not have, and pictures it puts into a page outside of its sandbox (seen with 2.17). So there
the document is read inside the sandbox and rid of all that a writer would fetch
(`pandoc_filter.lua`), and what is left of it is written outside. Source: pandoc's manual.
"""

from pathlib import Path

from modules.cloudconvert.local.converters.converter import Conversion, Converted, Converter
from modules.cloudconvert.local.converters.outside import (
    BEGUN,
    DONE,
    program_of,
    run_outside,
    version_of_program,
)
from modules.cloudconvert.local.operations.operation import Options, Work
from modules.cloudconvert.local.programs import PANDOC

FILTER = Path(__file__).with_name("pandoc_filter.lua")
READERS = {
    "md": "markdown",
    "html": "html",
    "docx": "docx",
    "odt": "odt",
    "epub": "epub",
    "rst": "rst",
    "tex": "latex",
    "org": "org",
}
WRITERS = {
    "md": "gfm",
    "html": "html",
    "docx": "docx",
    "odt": "odt",
    "epub": "epub",
    "rst": "rst",
    "tex": "latex",
    "org": "org",
    "txt": "plain",
    "rtf": "rtf",
}
PACKAGES = frozenset(("docx", "odt", "epub"))


class PandocOptions(Options):
    """Between documents of text nothing is to be chosen."""


async def _run(work: Work, conversion: Conversion) -> Converted:
    program = program_of(work, PANDOC)
    source, target = conversion.source.path, work.folder.work / "out.0"
    reader, writer = READERS[conversion.input_format], WRITERS[conversion.output_format]
    titled = ["--standalone", "-M", f"pagetitle={conversion.source.filename}"]
    work.report(BEGUN)
    if not _in_two_steps(conversion):
        command = [program.path, "--sandbox", *titled, "-f", reader, "-t", writer]
        await run_outside(work, [*command, "-o", str(target), str(source)], target)
        return Converted([target], program.version)
    tree = work.folder.work / "tree.json"
    command = [program.path, "--sandbox", "-f", reader, "-t", "json", "--lua-filter", str(FILTER)]
    await run_outside(work, [*command, "-o", str(tree), str(source)], tree)
    work.report(DONE // 2)
    command = [program.path, *titled, "-f", "json", "-t", writer, "-o", str(target), str(tree)]
    await run_outside(work, command, target)
    work.report(DONE)
    return Converted([target], program.version)


def _in_two_steps(conversion: Conversion) -> bool:
    """Say whether the writer needs files, its own or the pictures of a package."""
    pictured = conversion.input_format in PACKAGES and conversion.output_format == "html"
    return pictured or conversion.output_format in PACKAGES


PANDOCS = tuple(
    Converter(
        engine="pandoc",
        inputs=frozenset(READERS) - {output},
        outputs=frozenset((output,)),
        options=PandocOptions,
        run=_run,
        version=version_of_program(PANDOC),
        install=PANDOC.install,
    )
    for output in WRITERS
)
