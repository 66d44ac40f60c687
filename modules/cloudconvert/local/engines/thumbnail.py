"""Small pictures of pictures and of PDF pages, by Pillow and pdfium."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2  # type: ignore[import-untyped]  # it ships no types
from PIL import Image

from modules.cloudconvert.local.engines.images import PILLOW_NAMES, prepared
from modules.cloudconvert.local.engines.pdf_to_images import opened_pages
from modules.cloudconvert.local.engines.pictures import opened
from modules.cloudconvert.local.engines.talk import Failure, Progress

SIDE = 300
"""Pixels of the box into which a picture goes if no size is asked for. Assumed."""


def run(job: dict[str, Any], progress: Progress) -> list[str]:
    """Write `out.N` for each of the job's pictures, or for the first pages of its PDF."""
    options, names = dict(job["options"]), []
    if options["width"] is None and options["height"] is None:
        options |= {"width": SIDE, "height": SIDE}
    for number, image in enumerate(_images(job, options)):
        target = Path(job["folder"]) / f"out.{number}"
        made = prepared(image, job["output_format"], {**options, "auto_orient": True})
        made.save(target, PILLOW_NAMES[job["output_format"]])
        names.append(target.name)
        progress(number + 1, options["count"])
    return names


def _images(job: dict[str, Any], options: dict[str, Any]) -> Iterator[Image.Image]:
    if job["is_pdf"]:
        yield from _pages(job, options)
        return
    for path in job["pictures"]:
        with opened(Path(path), job["limits"]) as image:
            image.load()
            yield image


def _pages(job: dict[str, Any], options: dict[str, Any]) -> Iterator[Image.Image]:
    [path] = job["pictures"]
    document: pypdfium2.PdfDocument = opened_pages(Path(path), None)
    for number in range(min(options["count"], len(document))):
        page = document[number]
        width, height = page.get_size()
        # Twice the size leaves the final resampling enough to work on.
        sides = (options["width"] or 0, options["height"] or 0)
        scale = 2 * max(sides[0] / width, sides[1] / height)
        if width * height * scale * scale > job["limits"]["pixels"]:
            raise Failure("FILE_TOO_LARGE", "A page would get more pixels than allowed")
        yield page.render(scale=scale).to_pil().convert("RGB")
        page.close()
