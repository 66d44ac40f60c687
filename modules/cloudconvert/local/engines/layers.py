"""A scan in two layers: its writing in full sharpness with one colour, its background coarse.

Source: mixed raster content, ITU-T T.44; PDF 32000-1, stencil masks and forms.
"""

import io
from collections.abc import Callable
from typing import Any

import pikepdf
from PIL import Image, ImageChops, ImageFilter, ImageStat

COARSE = 4
"""The background has a fourth of the pixels in each direction."""
BACKGROUND_QUALITY = 40
BLUR = 20
"""Pixels around one that say how bright its surroundings are."""
DARKER = 40
"""By how much writing is darker than its surroundings, of 255."""
MOST_WRITING = 0.35
"""A scan of which more than this part is dark is a photo, and stays one."""

Read = Callable[[Any, int], Image.Image | None]
MOST_PIXELS = 200_000_000


def split_into_layers(document: pikepdf.Pdf, stream: Any, read: Read) -> None:
    """Make a form of a picture: the background, and the writing on top of it."""
    image = read(stream, MOST_PIXELS)
    if image is None or "/SMask" in stream or "/Mask" in stream:
        return
    writing = _writing(image.convert("L"))
    part = ImageStat.Stat(writing).mean[0] / 255
    if not 0 < part <= MOST_WRITING:
        return
    colour = _colour(image, writing)
    background, mask = _background(document, image, writing), _stencil(document, writing)
    if len(background.read_raw_bytes()) + len(mask.read_raw_bytes()) >= len(
        stream.read_raw_bytes()
    ):
        return
    for name in list(stream.keys()):
        if name not in ("/Type", "/Length"):
            del stream[name]
    stream.write(f"/Background Do {colour} rg /Writing Do".encode())
    stream.Subtype = pikepdf.Name.Form
    stream.BBox = pikepdf.Array([0, 0, 1, 1])
    stream.Resources = pikepdf.Dictionary(
        XObject=pikepdf.Dictionary(Background=background, Writing=mask)
    )


def _writing(grey: Image.Image) -> Image.Image:
    """Return a mask that is 255 where a pixel is much darker than its surroundings."""
    around = grey.filter(ImageFilter.BoxBlur(BLUR))
    darker = ImageChops.subtract(around, grey)
    return darker.point(lambda value: 255 if value > DARKER else 0)


def _colour(image: Image.Image, writing: Image.Image) -> str:
    mean = ImageStat.Stat(image.convert("RGB"), writing).mean
    return " ".join(f"{channel / 255:.3f}" for channel in mean)


def _background(document: pikepdf.Pdf, image: Image.Image, writing: Image.Image) -> Any:
    """Return the picture without its writing, which is painted over with what lies around it."""
    paper, covered = (
        image.reduce(COARSE),
        writing.reduce(COARSE).point(lambda part: 255 * (part > 0)),
    )
    paper.paste(paper.filter(ImageFilter.MaxFilter(7)), mask=covered)
    target = io.BytesIO()
    paper.save(target, "JPEG", quality=BACKGROUND_QUALITY, optimize=True)
    space = pikepdf.Name.DeviceGray if image.mode == "L" else pikepdf.Name.DeviceRGB
    made = _picture(document, target.getvalue(), paper.size)
    made.ColorSpace, made.BitsPerComponent = space, 8
    made.Filter = pikepdf.Name.DCTDecode
    return made


def _stencil(document: pikepdf.Pdf, writing: Image.Image) -> Any:
    """Return the mask as a stencil, packed as faxes are."""
    target = io.BytesIO()
    # What TIFF counts as white, faxes write as black; and black is what a stencil paints.
    paints = writing.convert("1", dither=Image.Dither.NONE)
    paints.save(target, "TIFF", compression="group4", tiffinfo={278: writing.height})
    packed = Image.open(io.BytesIO(target.getvalue()))
    start, length = packed.tag_v2[273][0], packed.tag_v2[279][0]  # type: ignore[attr-defined]
    made = _picture(document, target.getvalue()[start : start + length], writing.size)
    made.ImageMask, made.BitsPerComponent = True, 1
    made.Filter = pikepdf.Name.CCITTFaxDecode
    made.DecodeParms = pikepdf.Dictionary(K=-1, Columns=writing.width, Rows=writing.height)
    return made


def _picture(document: pikepdf.Pdf, data: bytes, size: tuple[int, int]) -> Any:
    made = pikepdf.Stream(document, data)
    made.Type, made.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
    made.Width, made.Height = size
    return document.make_indirect(made)
