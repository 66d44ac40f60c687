"""A watermark drawn by reportlab, as a page of the size of what it goes on."""

import io
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from modules.cloudconvert.local.engines.fonts import font_of
from modules.cloudconvert.local.engines.pictures import opened, upright

PLAIN_FONTS = {"times": "Times-Roman", "courier": "Courier"}
LEADING = 1.2
WIDTH_PERCENT = 50
"""Of the page, for a text without a size. Assumed."""
PICTURE_PERCENT = 25
"""Of the page, for a picture without a size. Assumed."""
LARGEST_FONT = 2000.0


@dataclass(frozen=True, slots=True)
class _Box:
    width: float
    height: float


def stamp(size: tuple[float, float], job: dict[str, Any]) -> bytes:
    """Return a PDF of one page with nothing on it but the watermark; `size` is in points."""
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=size)
    options = job["options"]
    canvas.setFillAlpha(options["opacity"] / 100)
    if options["text"] is not None:
        _write(canvas, size, options)
    else:
        with opened(job["picture"], job["limits"]) as image:
            _draw(canvas, size, options, upright(image).convert("RGBA"))
    canvas.showPage()
    canvas.save()
    return target.getvalue()


def _write(canvas: Canvas, size: tuple[float, float], options: dict[str, Any]) -> None:
    lines = options["text"].splitlines() or [""]
    plain = _plain_font(options["font_name"])
    widest = max(_width(line, plain, 1) for line in lines)
    font_size = options["font_size"]
    if font_size is None:
        percent = options["font_width_percent"] or WIDTH_PERCENT
        font_size = min(LARGEST_FONT, size[0] * percent / 100 / widest) if widest else 1
    box = _Box(widest * font_size, len(lines) * font_size * LEADING)
    _place(canvas, size, box, options)
    canvas.setFillColor(options["font_color"])
    canvas.setFillAlpha(options["opacity"] / 100)
    for number, line in enumerate(lines):
        room = box.width - _width(line, plain, font_size)
        left = {"left": 0.0, "center": room / 2, "right": room}[options["font_align"]]
        text = canvas.beginText(
            left - box.width / 2, box.height / 2 - font_size * (0.9 + number * LEADING)
        )
        for font, run in _runs(line, plain):
            text.setFont(font, font_size)
            text.textOut(run)
        canvas.drawText(text)


def _draw(
    canvas: Canvas, size: tuple[float, float], options: dict[str, Any], image: Image.Image
) -> None:
    width, height = options["image_width"], options["image_height"]
    if width is None and height is None:
        width = size[0] * (options["image_width_percent"] or PICTURE_PERCENT) / 100
    if width is None:
        width = height * image.width / image.height
    if height is None:
        height = width * image.height / image.width
    _place(canvas, size, _Box(width, height), options)
    image.putalpha(image.getchannel("A").point(lambda value: value * options["opacity"] // 100))
    canvas.setFillAlpha(1)
    canvas.drawImage(ImageReader(image), -width / 2, -height / 2, width, height, mask="auto")


def _place(canvas: Canvas, size: tuple[float, float], box: _Box, options: dict[str, Any]) -> None:
    """Move the origin to the middle of where the watermark goes, turned as it is."""
    across, down = options["margin_horizontal"], options["margin_vertical"]
    x = {
        "left": across + box.width / 2,
        "center": size[0] / 2,
        "right": size[0] - across - box.width / 2,
    }[options["position_horizontal"]]
    y = {
        "bottom": down + box.height / 2,
        "center": size[1] / 2,
        "top": size[1] - down - box.height / 2,
    }[options["position_vertical"]]
    canvas.translate(x, y)
    canvas.rotate(-options["rotation"])


def _plain_font(name: str | None) -> str:
    wanted = (name or "").lower()
    return next((font for part, font in PLAIN_FONTS.items() if part in wanted), "Helvetica")


def _runs(line: str, plain: str) -> list[tuple[str, str]]:
    shown = "".join(char if char.isprintable() else " " for char in line)
    fonts = groupby(shown, lambda char: font_of(char, plain))
    return [(font, "".join(chars)) for font, chars in fonts]


def _width(line: str, plain: str, font_size: float) -> float:
    return sum(float(stringWidth(run, font, font_size)) for font, run in _runs(line, plain))
