"""Pages of a PDF to pictures by pdfium."""

from pathlib import Path
from typing import Any

import pypdfium2  # type: ignore[import-untyped]  # it ships no types

from modules.cloudconvert.local.engines.pages import pages_in
from modules.cloudconvert.local.engines.talk import Failure, Progress

PILLOW_NAMES = {"png": "PNG", "jpg": "JPEG"}


def run(job: dict[str, Any], progress: Progress) -> list[str]:
    """Draw the pages; the job is the one of `converters.worked`."""
    options, folder = job["options"], Path(job["folder"])
    document = opened_pages(Path(job["source"]["path"]), options["password"])
    numbers = pages_in(options["pages"], len(document))
    if len(numbers) > job["limits"]["pages"]:
        raise Failure("FILE_TOO_LARGE", f"More than {job['limits']['pages']} pages")
    made = []
    for count, number in enumerate(numbers):
        target = folder / f"out.{count}"
        _draw(document[number], target, job)
        made.append(target.name)
        progress(count + 1, len(numbers))
    return made


def opened_pages(path: Path, password: str | None) -> pypdfium2.PdfDocument:
    """Open a PDF. Raises Failure if it is broken or closed."""
    try:
        return pypdfium2.PdfDocument(path, password=password)
    except pypdfium2.PdfiumError as error:
        raise Failure("OPEN_FAILED", str(error)) from error


def _draw(page: pypdfium2.PdfPage, target: Path, job: dict[str, Any]) -> None:
    options = job["options"]
    scale = _scale(page, options)
    width, height = page.get_size()
    if width * height * scale * scale > job["limits"]["pixels"]:
        raise Failure("FILE_TOO_LARGE", "A page would get more pixels than allowed")
    image = page.render(scale=scale).to_pil()
    name = PILLOW_NAMES[job["output_format"]]
    more = {"quality": options["quality"] or 85} if name == "JPEG" else {}
    density = round(72 * scale)
    image.convert("RGB").save(target, name, dpi=(density, density), **more)
    page.close()


def _scale(page: pypdfium2.PdfPage, options: dict[str, Any]) -> float:
    """Return pixels per point; with both sides given, the page fits into them."""
    width, height = page.get_size()
    wanted = [
        side / own
        for side, own in ((options["width"], width), (options["height"], height))
        if side is not None
    ]
    return float(min(wanted)) if wanted else options["pixel_density"] / 72
