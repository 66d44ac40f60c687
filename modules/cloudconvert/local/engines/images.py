"""Pictures to pictures by Pillow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, ImageSequence

from modules.cloudconvert.local.engines.pictures import eight_bit, flat, opened, upright
from modules.cloudconvert.local.engines.talk import Progress

PILLOW_NAMES = {
    "jpg": "JPEG",
    "png": "PNG",
    "webp": "WEBP",
    "gif": "GIF",
    "tiff": "TIFF",
    "bmp": "BMP",
    "avif": "AVIF",
    "ico": "ICO",
    "jp2": "JPEG2000",
    "tga": "TGA",
    "ppm": "PPM",
}
OPAQUE = frozenset(("jpg", "bmp", "ppm"))
MOVING = frozenset(("gif", "webp", "png", "tiff", "avif"))
"""Formats that keep several frames."""
WITH_ALPHA = frozenset(("L", "LA", "RGB", "RGBA"))
ICON_SIDE = 256


def run(job: dict[str, Any], progress: Progress) -> list[str]:
    """Convert one file; the job is the one of `converters.worked`."""
    options, target = job["options"], Path(job["folder"]) / "out.0"
    output_format = job["output_format"]
    with opened(Path(job["source"]["path"]), job["limits"]) as image:
        _draft(image, options)
        frames = list(_frames(image, output_format, options, progress))
        saving = _saving(image, output_format, options, len(frames))
    first, *others = frames
    if others:
        saving |= {"save_all": True, "append_images": others}
    first.save(target, PILLOW_NAMES[output_format], **saving)
    return [target.name]


def _draft(image: Image.Image, options: dict[str, Any]) -> None:
    """Let the JPEG decoder skip what shrinking would throw away."""
    width, height = options["width"], options["height"]
    if image.format == "JPEG" and width and height and options["fit"] != "scale":
        # Twice the size leaves the final resampling enough to work on; turned pictures swap sides.
        side = 2 * max(width, height)
        image.draft(None, (side, side))


def _frames(
    image: Image.Image, output_format: str, options: dict[str, Any], progress: Progress
) -> Iterator[Image.Image]:
    count = getattr(image, "n_frames", 1)
    moving = (
        count > 1 and output_format in MOVING and image.format in ("GIF", "WEBP", "PNG", "AVIF")
    )
    pages = count > 1 and image.format == "TIFF" and output_format == "tiff"
    if not (moving or pages):
        yield prepared(image, output_format, options)
        return
    for number, frame in enumerate(ImageSequence.Iterator(image)):
        yield prepared(frame.copy(), output_format, options)
        progress(number + 1, count)


def prepared(image: Image.Image, output_format: str, options: dict[str, Any]) -> Image.Image:
    """Return a frame turned, coloured and sized as the output format and the options want it."""
    if options["auto_orient"]:
        image = upright(image)
    image = _mode(image, output_format, options["background"])
    return _resized(image, options)


def _mode(image: Image.Image, output_format: str, background: str | None) -> Image.Image:
    if output_format in OPAQUE or background:
        return flat(image, background)
    image = eight_bit(image)
    if image.mode in WITH_ALPHA:
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _resized(image: Image.Image, options: dict[str, Any]) -> Image.Image:
    width, height, fit = options["width"], options["height"], options["fit"]
    if width is None and height is None:
        return image
    if fit == "crop" and width and height:
        return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
    if fit == "scale":
        size = (
            width or max(1, round(image.width * height / image.height)),
            height or max(1, round(image.height * width / image.width)),
        )
        return image.resize(size, Image.Resampling.LANCZOS)
    image.thumbnail((width or image.width, height or image.height), Image.Resampling.LANCZOS)
    return image


def _saving(
    image: Image.Image, output_format: str, options: dict[str, Any], frames: int
) -> dict[str, Any]:
    """Return what the encoder is told."""
    saving: dict[str, Any] = {}
    if options["quality"] and output_format in ("jpg", "webp", "avif", "jp2"):
        saving |= _quality(output_format, options["quality"])
    elif output_format == "jpg":
        saving["quality"] = 85
    if output_format == "avif":
        saving["speed"] = 8
    if output_format == "ico":
        side = min(ICON_SIDE, *image.size)
        saving["sizes"] = [(side, side)]
    if frames > 1 and output_format != "tiff":
        saving |= {"duration": image.info.get("duration", 100), "loop": image.info.get("loop", 0)}
    if not options["strip"]:
        saving |= _metadata(image, output_format, turned=options["auto_orient"])
    return saving


def _quality(output_format: str, quality: int) -> dict[str, Any]:
    if output_format == "jp2":
        # JPEG 2000 counts in compression ratios: 100 keeps everything, 1 keeps a hundredth.
        return {"quality_mode": "rates", "quality_layers": [max(1, 101 - quality)]}
    return {"quality": quality}


def _metadata(image: Image.Image, output_format: str, *, turned: bool) -> dict[str, Any]:
    if output_format not in ("jpg", "png", "webp", "tiff", "avif"):
        return {}
    kept: dict[str, Any] = {}
    # A profile describes the colours of the source's own mode; CMYK has become RGB by now.
    if (profile := image.info.get("icc_profile")) and image.mode not in ("CMYK", "LAB"):
        kept["icc_profile"] = profile
    if output_format != "tiff" and (exif := image.getexif()):
        if turned:
            exif.pop(0x0112, None)
        kept["exif"] = exif.tobytes()
    return kept
