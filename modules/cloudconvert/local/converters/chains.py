"""Two converters in a row, for pairs that no engine serves alone."""

from dataclasses import replace

from modules.cloudconvert.local.converters.converter import Conversion, Converted, Converter
from modules.cloudconvert.local.converters.documents import PDF_TO_PICTURES
from modules.cloudconvert.local.converters.office import DOCUMENTS, OFFICE_TO_PDF
from modules.cloudconvert.local.converters.office_wheel import OFFICE2PDF, READ
from modules.cloudconvert.local.converters.pages import PAGES
from modules.cloudconvert.local.converters.pandoc import PANDOCS
from modules.cloudconvert.local.inventory import Inventory
from modules.cloudconvert.local.operations.operation import InputFile, Work

MARKED_UP = frozenset(("md", "rst", "tex", "org", "epub"))


def _chained(
    first: Converter, through: str, second: Converter, inputs: frozenset[str]
) -> Converter:
    """Return the converter of `inputs` that makes `through` first.

    Options are the second's; a password opens the file for whichever asks for one.
    """

    async def run(work: Work, conversion: Conversion) -> Converted:
        given = first.options.model_validate(
            {"password": getattr(conversion.options, "password", None)}
        )
        half = Conversion(conversion.source, conversion.input_format, through, given)
        made = await first.run(work, half)
        between = work.folder.work / "between"
        made.paths[0].replace(between)
        name = f"{conversion.source.filename}.{through}"
        source = InputFile(between, name, between.stat().st_size)
        return await second.run(work, replace(conversion, source=source, input_format=through))

    def version(inventory: Inventory) -> str | None:
        return second.version(inventory) if first.version(inventory) else None

    return replace(
        second,
        inputs=inputs,
        run=run,
        version=version,
        install=" && ".join(dict.fromkeys((first.install, second.install))),
    )


def _to(output_format: str) -> Converter:
    [found] = [one for one in PANDOCS if output_format in one.outputs]
    return found


DOCUMENTS_TO_PDF = (
    replace(_chained(_to("html"), "html", PAGES, MARKED_UP), outputs=frozenset(("pdf",))),
    _chained(_to("docx"), "docx", OFFICE_TO_PDF, MARKED_UP | {"html"}),
    _chained(_to("docx"), "docx", OFFICE2PDF, MARKED_UP | {"html", "odt"}),
)
OFFICE_TO_PICTURES = (
    _chained(OFFICE_TO_PDF, "pdf", PDF_TO_PICTURES, DOCUMENTS),
    _chained(OFFICE2PDF, "pdf", PDF_TO_PICTURES, READ),
)
