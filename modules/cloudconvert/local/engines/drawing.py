"""SVG to pictures by resvg, which runs no script.

resvg reads files that a drawing names, and ends the process on a size that no memory holds. So the
drawing is parsed first: pictures stay only where they are inside of it, and its size is checked.
"""

import io
import re
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError, tostring

import resvg_py
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from PIL import Image

from modules.cloudconvert.local.engines.images import PILLOW_NAMES
from modules.cloudconvert.local.engines.pictures import flat
from modules.cloudconvert.local.engines.talk import Failure, Progress

INSIDE = re.compile(r"\s*data:image/(?:png|jpe?g|gif|webp)[;,]")
UNITS = {"": 1, "px": 1, "in": 96, "cm": 96 / 2.54, "mm": 96 / 25.4, "pt": 96 / 72, "pc": 16}
"""Pixels of each unit of length. Source: CSS, absolute lengths."""
UNSTATED = (300.0, 150.0)
"""Width and height of a drawing that tells none. Source: CSS, replaced elements."""
_LENGTH = re.compile(r"\s*([\d.]+(?:[eE][+-]?\d+)?)\s*(px|in|cm|mm|pt|pc|)\s*")


def run(job: dict[str, Any], progress: Progress) -> list[str]:
    """Draw one file; the job is the one of `converters.worked`."""
    options, target = job["options"], Path(job["folder"]) / "out.0"
    root = _parsed(Path(job["source"]["path"]))
    _close(root)
    size = _size(root)
    wanted = _fitting(size, options["width"], options["height"])
    drawn = wanted or size
    if drawn[0] * drawn[1] > job["limits"]["pixels"]:
        text = f"The picture would have more than {job['limits']['pixels']} pixels"
        raise Failure("FILE_TOO_LARGE", text)
    # resvg has units and guesses of its own; it gets the size that was checked.
    root.set("width", str(size[0]))
    root.set("height", str(size[1]))
    try:
        content = resvg_py.svg_to_bytes(
            svg_string=tostring(root, "unicode"),
            width=wanted[0] if wanted else None,
            dpi=UNITS["in"],
        )
    except ValueError as error:
        raise Failure("OPEN_FAILED", f"The drawing cannot be read: {error}") from error
    progress(80, 100)
    if job["output_format"] == "png":
        target.write_bytes(content)
    else:
        _save(content, target, job["output_format"])
    return [target.name]


def _parsed(path: Path) -> Element:
    try:
        found: Element = fromstring(path.read_bytes(), forbid_dtd=False)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise Failure("OPEN_FAILED", f"The drawing cannot be read: {error}") from error
    return found


def _close(root: Element) -> None:
    """Take off each reference to a file."""
    for element in root.iter():
        for name, value in list(element.attrib.items()):
            if name.rpartition("}")[2] != "href" or value.lstrip().startswith("#"):
                continue
            if not INSIDE.match(value):
                del element.attrib[name]


def _size(root: Element) -> tuple[float, float]:
    """Return a drawing's size in pixels; for what it does not state, its view box counts."""
    found = re.split(r"[\s,]+", root.get("viewBox", "").strip())
    try:
        box = [float(one) for one in found[2:4]]
    except ValueError:
        box = []
    width, height = box if len(box) == 2 and min(box) > 0 else UNSTATED
    return _pixels(root.get("width")) or width, _pixels(root.get("height")) or height


def _pixels(length: str | None) -> float | None:
    found = _LENGTH.fullmatch(length or "")
    return float(found[1]) * UNITS[found[2]] if found else None


def _fitting(
    size: tuple[float, float], width: int | None, height: int | None
) -> tuple[int, int] | None:
    """Return the largest size in the box, None: its own. Sides that are not given are free."""
    factors = [side / own for side, own in zip((width, height), size, strict=True) if side and own]
    if not factors:
        return None
    return max(1, round(size[0] * min(factors))), max(1, round(size[1] * min(factors)))


def _save(content: bytes, target: Path, output_format: str) -> None:
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        drawn = flat(image, None) if output_format == "jpg" else image
        drawn.save(target, PILLOW_NAMES[output_format])
