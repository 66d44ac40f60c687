"""Opening pictures by Pillow with a bound on pixels and frames; shared by the picture engines."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from modules.cloudconvert.local.engines.talk import Failure

Image.MAX_IMAGE_PIXELS = None  # the bound below comes from the job and counts frames too


@contextmanager
def opened(path: Path, limits: dict[str, int]) -> Iterator[Image.Image]:
    """Open a picture. Raises Failure if it is broken or beyond the limits."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                _bound(image, limits)
                yield image
    except UnidentifiedImageError as error:
        raise Failure("OPEN_FAILED", "cannot identify image file") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise Failure("CONVERSION_FAILED", str(error)) from error


def _bound(image: Image.Image, limits: dict[str, int]) -> None:
    width, height = image.size
    if width * height > limits["pixels"]:
        raise Failure(
            "FILE_TOO_LARGE", f"The picture has {width} x {height} pixels, more than allowed"
        )
    if getattr(image, "n_frames", 1) > limits["frames"]:
        raise Failure("FILE_TOO_LARGE", f"The picture has more than {limits['frames']} frames")


def upright(image: Image.Image) -> Image.Image:
    """Return the picture turned as its camera held it, without the note to turn it."""
    return ImageOps.exif_transpose(image) or image


def eight_bit(image: Image.Image) -> Image.Image:
    """Return 16-bit grey as 8-bit; Pillow's own conversion clips instead of scaling."""
    if image.mode.startswith("I;16"):
        return image.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    if image.mode in ("I", "F"):
        top = float(image.convert("F").getextrema()[1])  # type: ignore[arg-type]  # one band
        factor = 255 / 65_535 if top > 255 else 1.0
        return image.point(lambda value: value * factor).convert("L")
    return image


def flat(image: Image.Image, background: str | None) -> Image.Image:
    """Return the picture in RGB or grey without transparency."""
    image = eight_bit(image)
    if image.mode in ("L", "RGB"):
        return image
    if not image.has_transparency_data:
        return image.convert("L" if image.mode == "1" else "RGB")
    layer = image.convert("RGBA")
    ground = Image.new("RGBA", layer.size, background or "white")
    ground.alpha_composite(layer)
    return ground.convert("RGB")
