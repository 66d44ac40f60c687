"""PNG and JPEG made smaller by Pillow: with less precision, or without loss."""

import shutil
from pathlib import Path
from typing import Any

from PIL import Image

from modules.cloudconvert.local.engines.pictures import eight_bit, opened, upright
from modules.cloudconvert.local.engines.talk import Progress

LOSSLESS = frozenset(("print", "archive"))
"""Profiles that keep what can be seen. Assumed: the service knows profiles for PDF only."""
JPEG_QUALITY = {"web": 80, "mrc": 60, "max": 60}
COLOURS = {"web": 256, "mrc": 128, "max": 128}
MODES = {"rgb": "RGB", "cmyk": "CMYK", "greyscale": "L"}
ORIENTATION = 0x0112
DEPTH_BYTE = 24
"""Where a PNG says how many bits a channel has."""


def run(job: dict[str, Any], progress: Progress) -> list[str]:
    """Write the picture to `out.0`, as it was if nothing is gained.

    With `whole`, a PNG that may lose precision comes a second time, as `out.1` with all colours.
    """
    source, target = Path(job["source"]["path"]), Path(job["folder"]) / "out.0"
    whole: list[str] = []
    with opened(source, job["limits"]) as image:
        worth_it = not _beyond_pillow(source, image, job)
        if worth_it:
            save = _save_jpeg if image.format == "JPEG" else _save_png
            save(image, target, job["options"])
            if job["whole"] and image.format == "PNG" and not _lossless(job["options"]):
                whole = [_save_whole(image, target.with_name("out.1"), job["options"])]
    progress(1, 1)
    changed = job["options"]["colorspace"] != "unchanged"
    if not worth_it or (target.stat().st_size >= source.stat().st_size and not changed):
        shutil.copyfile(source, target)
    return [target.name, *whole]


def _beyond_pillow(source: Path, image: Image.Image, job: dict[str, Any]) -> bool:
    """Say whether Pillow would lose something of it that its profile keeps, or of any picture."""
    if getattr(image, "n_frames", 1) > 1:
        return True
    if image.format != "PNG" or not _lossless(job["options"]):
        return False
    with source.open("rb") as file:
        return file.read(DEPTH_BYTE + 1)[-1] == 16


def _lossless(options: dict[str, Any]) -> bool:
    return options["profile"] in LOSSLESS and options["quality"] is None


def _save_whole(image: Image.Image, target: Path, options: dict[str, Any]) -> str:
    shown = _in_mode(upright(image), MODES.get(options["colorspace"]))
    kept = {"icc_profile": image.info.get("icc_profile")} if shown.mode == image.mode else {}
    kept = {name: value for name, value in kept.items() if value}
    shown.save(target, "PNG", compress_level=1, **kept)
    return target.name


def _save_jpeg(image: Image.Image, target: Path, options: dict[str, Any]) -> None:
    quality, mode = options["quality"], MODES.get(options["colorspace"])
    kept = {"icc_profile": image.info.get("icc_profile"), "optimize": True, "progressive": True}
    if options["profile"] in LOSSLESS and quality is None and mode in (None, image.mode):
        # The tables of the file itself: its precision stays what it was.
        image.save(target, "JPEG", quality="keep", exif=image.getexif().tobytes(), **kept)
        return
    turned = _in_mode(upright(image), mode)
    if turned.mode != image.mode:
        kept["icc_profile"] = None
    chosen = JPEG_QUALITY.get(options["profile"], 90) if quality is None else max(1, quality)
    turned.save(target, "JPEG", quality=chosen, **kept)


def _save_png(image: Image.Image, target: Path, options: dict[str, Any]) -> None:
    quality, mode = options["quality"], MODES.get(options["colorspace"])
    lossless = _lossless(options)
    kept: dict[str, Any] = {"icc_profile": image.info.get("icc_profile"), "optimize": True}
    if lossless:
        kept |= {"exif": image.getexif().tobytes(), "dpi": image.info.get("dpi")}
    shown = image if lossless else upright(image)
    if mode and shown.mode != mode:
        shown, kept["icc_profile"] = _in_mode(shown, mode), None
    if lossless:
        found = _paletted(shown)
    else:
        colours = COLOURS.get(options["profile"], 256)
        found = _fewer_colours(shown, colours if quality is None else 2 + quality * 254 // 100)
    if "transparency" in image.info and found.mode == image.mode:
        kept["transparency"] = image.info["transparency"]
    found.save(target, "PNG", **{name: value for name, value in kept.items() if value})


def _in_mode(image: Image.Image, mode: str | None) -> Image.Image:
    """Return the picture in a mode, with its transparency if the mode can have it."""
    if mode is None or image.mode == mode:
        return image
    if mode in ("L", "RGB") and image.has_transparency_data:
        return image.convert("LA" if mode == "L" else "RGBA")
    return eight_bit(image).convert(mode)


def _paletted(image: Image.Image) -> Image.Image:
    """Return the same colours by number, if there are few enough of them."""
    if image.mode != "RGB" or image.getcolors(256) is None or image.has_transparency_data:
        return image
    found = image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return found if found.convert("RGB").tobytes() == image.tobytes() else image


def _fewer_colours(image: Image.Image, colours: int) -> Image.Image:
    image = eight_bit(image)
    if image.mode in ("1", "P", "L"):
        return image
    if image.has_transparency_data:
        return image.convert("RGBA").quantize(colours, Image.Quantize.FASTOCTREE)
    return image.convert("RGB").quantize(colours, Image.Quantize.MEDIANCUT)
