"""HTML and SVG files to PDF and pictures, by a Chromium that reaches nothing.

Assumed: a page brings its pictures inside it. What it names elsewhere is not fetched, because a
conversion reaches no network; `capture-website` does, under the rules for addresses.
"""

from modules.cloudconvert.local.call_worker import call_worker, source_of
from modules.cloudconvert.local.converters.converter import Conversion, Converted, Converter
from modules.cloudconvert.local.converters.outside import program_of, version_of_program
from modules.cloudconvert.local.operations.operation import Work
from modules.cloudconvert.local.operations.pages import PageOptions
from modules.cloudconvert.local.programs import CHROMIUM


async def run_page(work: Work, conversion: Conversion) -> Converted:
    """Convert one file; Raises TaskFailure."""
    program = program_of(work, CHROMIUM)
    job = {
        "program": program.path,
        "proxy": None,
        "source": source_of(conversion.source),
        "input_format": conversion.input_format,
        "output_format": conversion.output_format,
        "options": conversion.options.model_dump(),
    }
    made = await call_worker(work, "capture", job, browses=True)
    return Converted(made, program.version)


PAGES = Converter(
    engine=CHROMIUM.name,
    inputs=frozenset(("html", "svg")),
    outputs=frozenset(("pdf", "png", "jpg")),
    options=PageOptions,
    run=run_page,
    version=version_of_program(CHROMIUM),
    install=CHROMIUM.install,
)
