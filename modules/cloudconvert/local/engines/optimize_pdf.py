"""PDFs made smaller by pikepdf and Pillow: pictures at the size they are shown, packed objects.

Fonts stay as they are. Pictures that hold a mask of pixels, a palette or printing colours stay too.
"""

import base64
import io
import shutil
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pikepdf
from PIL import Image, ImageChops, ImageStat

from modules.cloudconvert.local.engines.layers import split_into_layers
from modules.cloudconvert.local.engines.pdf_files import MALFORMED, opened
from modules.cloudconvert.local.engines.placed import Number, Shown, shown_sizes
from modules.cloudconvert.local.engines.signatures import flatten_signatures
from modules.cloudconvert.local.engines.talk import Progress

Image.MAX_IMAGE_PIXELS = None  # the bound below comes from the job


@dataclass(frozen=True, slots=True)
class Profile:
    """`ppi` and `quality` None: pictures lose nothing."""

    ppi: int | None = None
    quality: int | None = None
    keeps_metadata: bool = False
    linear: bool = False
    """Its first page can be shown before the rest has come."""
    grey_if_nearly: bool = False
    layers: bool = False
    """Pages that are one scan are split into writing and background."""


PROFILES = {
    "web": Profile(ppi=150, quality=70, linear=True),
    "print": Profile(ppi=300, quality=85, keeps_metadata=True),
    "archive": Profile(keeps_metadata=True),
    "mrc": Profile(ppi=150, quality=60, layers=True),
    "max": Profile(ppi=100, quality=40, grey_if_nearly=True),
}
MARGIN = 1.2
"""A picture is made smaller only if it has this many times the pixels that are shown."""
WORTH_IT = 0.9
"""Writing a picture anew costs precision, so it must get this much smaller."""
GREY_DIFFERENCE = 6.0
"""Channels that differ by less on average make a picture nearly grey."""
PLAIN = {"/DeviceRGB": "RGB", "/DeviceGray": "L", "/CalRGB": "RGB", "/CalGray": "L"}
UNREAD = frozenset(("/JPXDecode", "/CCITTFaxDecode", "/JBIG2Decode"))
BROKEN = (
    *(OSError, ValueError, SyntaxError, NotImplementedError),
    *(
        pikepdf.PdfError,
        pikepdf.UnsupportedImageTypeError,
        pikepdf.models.image.InvalidPdfImageError,
    ),
)
UNTOUCHED = ("/ImageMask", "/Decode", "/Alternates")


def run(job: dict[str, Any], progress: Progress) -> list[str]:
    """Write the document to `out.0`, as it was if nothing is gained."""
    source, target = Path(job["source"]["path"]), Path(job["folder"]) / "out.0"
    options = job["options"]
    profile = PROFILES[options["profile"] or "web"]
    with opened(job) as document:
        if options["flatten_signatures"]:
            flatten_signatures(document)
        if not profile.keeps_metadata:
            _drop_metadata(document)
        _pictures(document, profile, job, progress)
        document.remove_unreferenced_resources()
        document.save(
            target,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            compress_streams=True,
            recompress_flate=True,
            linearize=profile.linear,
            encryption=document.is_encrypted,
        )
    changed = options["flatten_signatures"] or options["colorspace"] != "unchanged"
    if target.stat().st_size >= source.stat().st_size and not changed:
        shutil.copyfile(source, target)
    return [target.name]


def _drop_metadata(document: pikepdf.Pdf) -> None:
    for name in ("/Metadata", "/PieceInfo"):
        if name in document.Root:
            del document.Root[name]
    for page in document.pages:
        for name in ("/Thumb", "/PieceInfo", "/Metadata"):
            if name in page.obj:
                del page.obj[name]


def _pictures(
    document: pikepdf.Pdf, profile: Profile, job: dict[str, Any], progress: Progress
) -> None:
    sizes: dict[Number, Shown] = {}
    pages = len(document.pages)
    for number, page in enumerate(document.pages, 1):
        found = _shown_on(page)
        if profile.layers and len(found) == 1:
            [(picture, shown)] = found.items()
            with suppress(*MALFORMED):
                if _covers(page, shown):
                    split_into_layers(document, document.get_object(picture), _of_picture)
        for picture, shown in found.items():
            before = sizes.get(picture, Shown(0, 0))
            sizes[picture] = Shown(max(shown.width, before.width), max(shown.height, before.height))
        progress(number * 50, pages * 100)
    for number, (picture, shown) in enumerate(sizes.items(), 1):
        with suppress(*MALFORMED):
            _shrink(document.get_object(picture), shown, profile, job)
        progress(50 + number * 50 // len(sizes), 100)


def _shown_on(page: pikepdf.Page) -> dict[Number, Shown]:
    """Return the sizes of a page's pictures; none for a page that is written wrongly."""
    try:
        return shown_sizes(page)
    except MALFORMED:
        # Readers show as much of it as they can, so it stays what it is.
        return {}


def _covers(page: pikepdf.Page, shown: Shown) -> bool:
    """Say whether a picture is most of its page, as on scans."""
    left, bottom, right, top = (float(side) for side in page.mediabox)
    area = abs((right - left) * (top - bottom))
    return area > 0 and shown.width * shown.height > 0.7 * area


def _shrink(stream: Any, shown: Shown, profile: Profile, job: dict[str, Any]) -> None:
    """Write the picture anew if that makes it smaller, or if its colours have to change."""
    changing = job["options"]["colorspace"] != "unchanged"
    lossless = profile.quality is None and not changing
    _unwrap(stream)
    image = _of_picture(stream, job["limits"]["pixels"], lossless=lossless)
    if image is None:
        return
    mode = {"rgb": "RGB", "greyscale": "L"}.get(job["options"]["colorspace"])
    if mode is None and profile.grey_if_nearly and _nearly_grey(image):
        mode = "L"
    recoloured = mode is not None and mode != image.mode
    made = _fitting(image, shown, profile).convert(mode or image.mode)
    if profile.quality is None:
        filter_name, data = pikepdf.Name.FlateDecode, zlib.compress(made.tobytes(), 9)
    else:
        filter_name, data = pikepdf.Name.DCTDecode, _jpeg(made, profile.quality)
    must = recoloured and changing
    if len(data) >= WORTH_IT * len(stream.read_raw_bytes()) and not must:
        return
    stream.write(data, filter=filter_name)
    stream.Width, stream.Height, stream.BitsPerComponent = made.width, made.height, 8
    if recoloured:
        grey = made.mode == "L"
        stream.ColorSpace = pikepdf.Name.DeviceGray if grey else pikepdf.Name.DeviceRGB


def _unwrap(stream: Any) -> None:
    """Store bytes as bytes; some programs write them as text, a quarter longer."""
    filters = stream.get("/Filter")
    if not isinstance(filters, pikepdf.Array) or len(filters) != 2 or "/DecodeParms" in stream:
        return
    if filters[0] == "/ASCII85Decode":
        with suppress(ValueError):
            text = stream.read_raw_bytes().strip()
            stream.write(base64.a85decode(text, adobe=True), filter=filters[1])


def _fitting(image: Image.Image, shown: Shown, profile: Profile) -> Image.Image:
    if profile.ppi is None:
        return image
    ratio = shown.ppi(image.size) / profile.ppi
    if ratio < MARGIN:
        return image
    size = (max(1, round(image.width / ratio)), max(1, round(image.height / ratio)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    target = io.BytesIO()
    image.save(target, "JPEG", quality=quality, optimize=True, progressive=True)
    return target.getvalue()


def _of_picture(stream: Any, pixels: int, *, lossless: bool = False) -> Image.Image | None:
    """Return a picture's pixels, None for one of a kind that is left alone."""
    if any(name in stream for name in UNTOUCHED) or stream.get("/BitsPerComponent") != 8:
        return None
    mask = stream.get("/Mask")
    soft = stream.get("/SMask")
    if isinstance(mask, pikepdf.Array) or (soft is not None and "/Matte" in soft):
        return None
    mode = _mode_of(stream.get("/ColorSpace"))
    width, height = int(stream.get("/Width", 0)), int(stream.get("/Height", 0))
    if mode is None or not 0 < width * height <= pixels:
        return None
    return _decoded(stream, mode, (width, height), lossless=lossless)


def _mode_of(space: Any) -> str | None:
    if isinstance(space, pikepdf.Array) and len(space) == 2 and space[0] == "/ICCBased":
        return {1: "L", 3: "RGB"}.get(int(space[1].get("/N", 0)))
    if isinstance(space, pikepdf.Array) and len(space):
        return PLAIN.get(str(space[0]))
    return PLAIN.get(str(space))


def _decoded(
    stream: Any, mode: str, size: tuple[int, int], *, lossless: bool
) -> Image.Image | None:
    filters = stream.get("/Filter")
    names = [str(one) for one in filters] if isinstance(filters, pikepdf.Array) else [str(filters)]
    if UNREAD & set(names) or (lossless and names[-1] == "/DCTDecode"):
        return None
    try:
        image = pikepdf.PdfImage(stream).as_pil_image()
        if (image.mode, image.size) != (mode, size):
            return None
        image.load()
    except BROKEN:
        # Broken pictures stay what they are: readers show as much of them as they can.
        return None
    return image


def _nearly_grey(image: Image.Image) -> bool:
    if image.mode != "RGB":
        return False
    small = image.copy()
    small.thumbnail((256, 256))
    red, green, blue = small.split()
    furthest = max(
        ImageStat.Stat(ImageChops.difference(one, other)).mean[0]
        for one, other in ((red, green), (green, blue), (red, blue))
    )
    return furthest < GREY_DIFFERENCE
