"""A text or picture over or under the pages of a PDF, or a picture."""

import io
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2  # type: ignore[import-untyped]  # it ships no types
from PIL import Image

from modules.cloudconvert.local.engines.images import PILLOW_NAMES
from modules.cloudconvert.local.engines.pages import pages_in
from modules.cloudconvert.local.engines.pdf_files import opened as opened_pdf
from modules.cloudconvert.local.engines.pictures import eight_bit, flat, opened, upright
from modules.cloudconvert.local.engines.stamp import stamp
from modules.cloudconvert.local.engines.talk import Progress

QUALITY = 92
"""Of a JPEG that is written anew."""


def run(job: dict[str, Any], progress: Progress) -> list[str]:
    """Write `out.0`, of the source's own format."""
    target = Path(job["folder"]) / "out.0"
    if job["format"] == "pdf":
        _on_pages(job, target, progress)
    else:
        _on_picture(job, target)
    return [target.name]


def _on_pages(job: dict[str, Any], target: Path, progress: Progress) -> None:
    options = job["options"]
    stamps: dict[tuple[float, float], pikepdf.Pdf] = {}
    with opened_pdf(job) as document:
        numbers = pages_in(options["pages"], len(document.pages))
        for count, number in enumerate(numbers, 1):
            page = document.pages[number]
            size = _size_of(page)
            if size not in stamps:
                stamps[size] = pikepdf.open(io.BytesIO(stamp(size, job)))
            mark = stamps[size].pages[0]
            box = pikepdf.Rectangle(page.trimbox)
            if options["layer"] == "below":
                page.add_underlay(mark, box)
            else:
                page.add_overlay(mark, box)
            progress(count, len(numbers))
        document.save(target, encryption=document.is_encrypted)
    for one in stamps.values():
        one.close()


def _size_of(page: pikepdf.Page) -> tuple[float, float]:
    """Return a page's width and height as it is seen, at least one point each."""
    box = pikepdf.Rectangle(page.trimbox)
    width, height = max(1.0, float(box.width)), max(1.0, float(box.height))
    turned = int(page.rotation or 0) % 180 != 0
    return (height, width) if turned else (width, height)


def _on_picture(job: dict[str, Any], target: Path) -> None:
    with opened(Path(job["source"]["path"]), job["limits"]) as image:
        kept = {"icc_profile": image.info.get("icc_profile")}
        shown = eight_bit(upright(image)).convert("RGBA")
        document = pypdfium2.PdfDocument(stamp((image_size := shown.size), job))
        drawn = document[0].render(scale=1, fill_color=(0, 0, 0, 0)).to_pil()
        mark = drawn.convert("RGBA").resize(image_size)
        below = job["options"]["layer"] == "below"
        made = Image.alpha_composite(mark, shown) if below else Image.alpha_composite(shown, mark)
        solid = not image.has_transparency_data and not below
    if job["format"] in ("jpg", "bmp", "ppm") or solid:
        made = flat(made, None)
    more = {"quality": QUALITY} if job["format"] in ("jpg", "webp") else {}
    made.save(target, PILLOW_NAMES[job["format"]], **kept, **more)
