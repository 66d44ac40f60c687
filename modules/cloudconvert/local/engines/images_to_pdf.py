"""Pictures to PDF by reportlab: one page a frame, JPEG data taken over unchanged."""

from pathlib import Path
from typing import Any

from PIL import Image, ImageSequence
from reportlab import rl_config
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from modules.cloudconvert.local.engines.pictures import flat, opened, upright
from modules.cloudconvert.local.engines.talk import Progress

rl_config.useA85 = 0  # binary streams: a fifth smaller, and JPEG data stays as it is

PIXELS_PER_INCH = 96
"""Assumed for pictures that do not say."""
LONGEST_SIDE = 14_400
"""Points; what PDF allows."""
ORIENTATION = 0x0112


def run(job: dict[str, Any], progress: Progress) -> list[str]:
    """Convert one file; the job is the one of `converters.worked`."""
    source, target = Path(job["source"]["path"]), Path(job["folder"]) / "out.0"
    canvas = Canvas(str(target), pageCompression=1)
    canvas.setTitle(job["source"]["filename"])
    with opened(source, job["limits"]) as image:
        if _is_plain_jpeg(image):
            _page(canvas, ImageReader(str(source)), image)
        else:
            _pages(canvas, image, progress, turn=job["options"]["auto_orient"])
    canvas.save()
    return [target.name]


def _is_plain_jpeg(image: Image.Image) -> bool:
    upright_already = image.getexif().get(ORIENTATION, 1) == 1
    return image.format == "JPEG" and image.mode in ("L", "RGB", "CMYK") and upright_already


def _pages(canvas: Canvas, image: Image.Image, progress: Progress, *, turn: bool) -> None:
    # Only TIFF frames are pages; those of animations are moments.
    count = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
    for number, frame in enumerate(ImageSequence.Iterator(image)):
        if number == count:
            break
        shown = flat(upright(frame) if turn else frame, None)
        _page(canvas, ImageReader(shown), shown, _resolution(image))
        progress(number + 1, count)


def _page(
    canvas: Canvas,
    reader: ImageReader,
    image: Image.Image,
    resolution: tuple[float, float] | None = None,
) -> None:
    across, down = resolution or _resolution(image)
    width, height = image.width * 72 / across, image.height * 72 / down
    shrink = min(1.0, LONGEST_SIDE / width, LONGEST_SIDE / height)
    width, height = width * shrink, height * shrink
    canvas.setPageSize((width, height))
    canvas.drawImage(reader, 0, 0, width, height)
    canvas.showPage()


def _resolution(image: Image.Image) -> tuple[float, float]:
    """Return pixels per inch across and down; absurd values do not count."""
    across, down = image.info.get("dpi", (0, 0))
    if 10 <= across <= 10_000 and 10 <= down <= 10_000:
        return float(across), float(down)
    return PIXELS_PER_INCH, PIXELS_PER_INCH
