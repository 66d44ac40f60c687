"""What pictures and PDFs say of themselves, under exiftool's names, and writing it into them."""

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from modules.cloudconvert.local.engines.pdf_files import opened as opened_pdf
from modules.cloudconvert.local.engines.pictures import opened
from modules.cloudconvert.local.engines.talk import Failure, Progress, say

LONGEST_TEXT = 2000
"""Characters of one value."""
PDF_NAMES = {"CreationDate": "CreateDate", "ModDate": "ModifyDate"}
EXIF_NAMES = {
    "Title": "ImageDescription",
    "Description": "ImageDescription",
    "Author": "Artist",
    "Creator": "Artist",
    "Producer": "Software",
    "CreateDate": "DateTime",
    "ModifyDate": "DateTime",
}
TAGS = {name: number for number, name in ExifTags.TAGS.items()}
TEXT_TAGS = frozenset(
    (
        *("ImageDescription", "Artist", "Software", "DateTime", "Copyright"),
        *("Make", "Model", "HostComputer", "DocumentName", "PageName"),
    )
)
"""Tags that hold plain text and stand in the main directory."""


def run(job: dict[str, Any], progress: Progress) -> list[str]:
    """Say what the source tells of itself, or write `out.0` with `job["metadata"]` in it."""
    is_pdf = job["format"] == "pdf"
    if "metadata" in job:
        target = Path(job["folder"]) / "out.0"
        WRITERS[job["format"]](job, target)
        progress(1, 1)
        return [target.name]
    say({"facts": dict(_of_pdf(job) if is_pdf else _of_picture(job))})
    return []


def _of_pdf(job: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    with opened_pdf(job) as document:
        yield "PDFVersion", document.pdf_version
        yield "PageCount", len(document.pages)
        yield "Linearized", "Yes" if document.is_linearized else "No"
        if document.is_encrypted:
            yield "Encryption", f"Standard V{document.encryption.V}"
        for key, value in document.docinfo.items():
            with suppress(ValueError, NotImplementedError):
                name = str(key).removeprefix("/")
                yield PDF_NAMES.get(name, name), _text(str(value))


def _of_picture(job: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    with opened(Path(job["source"]["path"]), job["limits"]) as image:
        yield "ImageWidth", image.width
        yield "ImageHeight", image.height
        yield "ColorType", image.mode
        if (frames := getattr(image, "n_frames", 1)) > 1:
            yield "FrameCount", frames
        for key, value in image.info.items():
            if isinstance(key, str) and isinstance(value, str):
                yield _text(key), _text(value)
        yield from _of_exif(image.getexif())


def _of_exif(exif: Image.Exif) -> Iterator[tuple[str, Any]]:
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    for number, value in [*exif.items(), *inner.items()]:
        name, plain = ExifTags.TAGS.get(number), _plain(value)
        if name is not None and plain is not None:
            yield name, plain


def _plain(value: Any) -> Any:
    """Return a value as JSON has it, None for what has no use there."""
    match value:
        case str():
            return _text(value)
        case int():
            return value
        case bytes():
            return f"(Binary data {len(value)} bytes)"
        case tuple():
            return " ".join(str(_plain(each)) for each in value[:16])
    try:
        return round(float(Fraction(value.numerator, value.denominator)), 6)
    except (AttributeError, ZeroDivisionError, TypeError, ValueError):
        return None


def _text(value: str) -> str:
    shown = "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in value.strip("\0"))
    return shown[:LONGEST_TEXT]


def _to_pdf(job: dict[str, Any], target: Path) -> None:
    with opened_pdf(job) as document:
        for name, value in job["metadata"].items():
            key = next((own for own, shown in PDF_NAMES.items() if shown == name), name)
            document.docinfo[f"/{key}"] = _pdf_date(value) if key in PDF_NAMES else value
        if "/Metadata" in document.Root:
            # What it said of old would count more with some readers.
            del document.Root.Metadata
        with document.open_metadata(set_pikepdf_as_editor=False) as xmp, suppress(ValueError):
            xmp.load_from_docinfo(document.docinfo)
        document.save(target, encryption=document.is_encrypted)


def _pdf_date(value: str) -> str:
    with suppress(ValueError):
        moment = date.fromisoformat(value[:10].replace(":", "-"))
        digits = "".join(c for c in value[10:19] if c.isdecimal())
        return f"D:{moment:%Y%m%d}{digits}"
    return value


def _exif_of(image: Image.Image, metadata: dict[str, str]) -> bytes:
    """Return a picture's own Exif data with the values in it. Raises Failure for a strange name."""
    exif = image.getexif()
    for name, value in metadata.items():
        tag = EXIF_NAMES.get(name, name)
        if tag not in TEXT_TAGS:
            possible = ", ".join(sorted({*TEXT_TAGS, *EXIF_NAMES}))
            raise Failure("INVALID_DATA", f"Cannot write {name}; possible: {possible}")
        exif[TAGS[tag]] = value
    return exif.tobytes()


def _to_jpeg(job: dict[str, Any], target: Path) -> None:
    """Put the data in the place of the old, and leave the picture as it is packed."""
    source = Path(job["source"]["path"])
    with opened(source, job["limits"]) as image:
        data = _exif_of(image, job["metadata"])
    data = data if data.startswith(b"Exif\0\0") else b"Exif\0\0" + data
    if len(data) > 65_533:
        raise Failure("FILE_TOO_LARGE", "The metadata do not fit into a JPEG")
    segment = b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data
    content = source.read_bytes()
    place, rest = 2, bytearray()
    while content[place : place + 1] == b"\xff" and content[place + 1 : place + 2] in _APPLICATION:
        end = place + 2 + int.from_bytes(content[place + 2 : place + 4], "big")
        if content[place + 4 : place + 10] != b"Exif\0\0":
            rest += content[place:end]
        place = end
    # Readers of old expect the JFIF segment in front.
    first = 2 + int.from_bytes(rest[2:4], "big") if rest[:2] == b"\xff\xe0" else 0
    target.write_bytes(content[:2] + rest[:first] + segment + rest[first:] + content[place:])


_APPLICATION = [bytes([number]) for number in (*range(0xE0, 0xF0), 0xFE)]


def _to_png(job: dict[str, Any], target: Path) -> None:
    source = Path(job["source"]["path"])
    with opened(source, job["limits"]):
        content = source.read_bytes()
    texts = b"".join(
        _chunk(b"iTXt", f"{name}\0\0\0\0\0{value}".encode())
        for name, value in job["metadata"].items()
    )
    target.write_bytes(content[:33] + texts + content[33:])


def _chunk(kind: bytes, data: bytes) -> bytes:
    total = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", total)


WRITERS: dict[str, Callable[[dict[str, Any], Path], None]] = {
    "pdf": _to_pdf,
    "jpg": _to_jpeg,
    "png": _to_png,
}
