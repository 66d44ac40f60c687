"""What a file really is, by its first bytes. Nothing is parsed here, only compared."""

from pathlib import Path

from modules.cloudconvert.local.formats import FORMATS, canonical, format_of_name
from modules.cloudconvert.local.refusal import TaskFailure

HEAD_BYTES = 4096

LOCKABLE = ("docx", "xlsx", "pptx")
"""Formats whose files lie in a container of the older ones once they have a password."""
_ISO_VIDEO = ("mp4", "mov", "m4v", "m4a", "3gp")
_STARTS: tuple[tuple[bytes, tuple[str, ...]], ...] = (
    (b"\x89PNG\r\n\x1a\n", ("png",)),
    (b"\xff\xd8\xff", ("jpg",)),
    (b"GIF8", ("gif",)),
    (b"II*\x00", ("tiff",)),
    (b"MM\x00*", ("tiff",)),
    (b"BM", ("bmp",)),
    (b"\x00\x00\x01\x00", ("ico",)),
    (b"\x00\x00\x00\x0cjP  ", ("jp2",)),
    (b"\xff\x4f\xff\x51", ("jp2",)),
    (b"P6", ("ppm",)),
    (b"P5", ("ppm",)),
    (b"%PDF-", ("pdf",)),
    (b"%!PS", ("ps", "eps")),
    (b"\xc5\xd0\xd3\xc6", ("eps",)),
    (b"8BPS", ("psd",)),
    (b"gimp xcf ", ("xcf",)),
    (b"DDS ", ("dds",)),
    *((bytes((0x0A, version, 1)), ("pcx",)) for version in (0, 2, 3, 4, 5)),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ("doc", "xls", "ppt", *LOCKABLE)),
    (b"{\\rtf", ("rtf",)),
    (b"7z\xbc\xaf\x27\x1c", ("7z",)),
    (b"Rar!\x1a\x07", ("rar",)),
    (b"\x1f\x8b", ("tar.gz",)),
    (b"BZh", ("tar.bz2",)),
    (b"FLV\x01", ("flv",)),
    (b"0&\xb2u\x8ef\xcf\x11", ("wmv", "wma")),
    (b"OggS", ("ogg", "ogv", "opus")),
    (b"fLaC", ("flac",)),
    (b"ID3", ("mp3", "aac", "flac")),
    (b"\xff\xfb", ("mp3",)),
    (b"\xff\xf3", ("mp3",)),
    (b"\xff\xf1", ("aac",)),
    (b"\xff\xf9", ("aac",)),
    (b"\x00\x00\x01\xba", ("mpg",)),
    (b"\x00\x00\x01\xb3", ("mpg",)),
)
_RIFF = {b"AVI ": ("avi",), b"WAVE": ("wav",), b"WEBP": ("webp",)}
_BRANDS = {
    b"qt  ": ("mov", "mp4"),
    b"avif": ("avif",),
    b"avis": ("avif",),
    b"heic": ("heic",),
    b"heix": ("heic",),
    b"mif1": ("heic", "avif"),
    b"M4A ": ("m4a", "mp4"),
}
_ZIPPED = {
    b"mimetypeapplication/epub+zip": ("epub",),
    b"mimetypeapplication/vnd.oasis.opendocument.text": ("odt",),
    b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet": ("ods",),
    b"mimetypeapplication/vnd.oasis.opendocument.presentation": ("odp",),
    b"[Content_Types].xml": ("docx", "xlsx", "pptx"),
}
_PACKED = ("zip", "docx", "xlsx", "pptx", "odt", "ods", "odp", "epub")
"""What a ZIP may be whose first member tells nothing: each program has an order of its own."""


def sniff_bytes(head: bytes) -> tuple[str, ...]:
    """Return the formats that the bytes may be, likeliest first; empty if they tell nothing."""
    for test in (_boxes, _riff, _matroska, _zip, _transport):
        if found := test(head):
            return found
    if head[257:262] == b"ustar":
        return ("tar",)
    return next((formats for start, formats in _STARTS if head.startswith(start)), ())


def _boxes(head: bytes) -> tuple[str, ...]:
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], ("3gp", "mp4") if head[8:11] == b"3gp" else _ISO_VIDEO)
    # QuickTime files from before `ftyp` start with one of these boxes.
    return ("mov", "mp4") if head[4:8] in (b"moov", b"mdat", b"wide", b"free") else ()


def _riff(head: bytes) -> tuple[str, ...]:
    return _RIFF.get(head[8:12], ()) if head.startswith(b"RIFF") else ()


def _matroska(head: bytes) -> tuple[str, ...]:
    if not head.startswith(b"\x1a\x45\xdf\xa3"):
        return ()
    return ("webm", "mkv") if b"webm" in head[:64] else ("mkv", "webm")


def _zip(head: bytes) -> tuple[str, ...]:
    if not head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return ()
    return next(
        (formats for name, formats in _ZIPPED.items() if head[30:].startswith(name)), _PACKED
    )


def _transport(head: bytes) -> tuple[str, ...]:
    return ("ts",) if len(head) > 376 and head[0] == head[188] == head[376] == 0x47 else ()


def is_old_container(head: bytes) -> bool:
    """Say whether it is a container of the older office formats, which can have a password."""
    return head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")


def looks_like_text(head: bytes) -> bool:
    """Say whether the bytes can be read as text in some encoding."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    return not any(byte < 0x20 and byte not in b"\t\n\r\f\x1b" for byte in head)


def head_of(path: Path) -> bytes:
    """Return as much of a file as sniffing looks at."""
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def format_of_file(path: Path, filename: str, claimed: str | None) -> str:
    """Return the format to read a file as; content counts more than the name.

    `claimed` is the task's `input_format`: it decides within a kind (mov or mp4), but may not
    contradict what the bytes plainly are. Raises TaskFailure.
    """
    head = head_of(path)
    sniffed = sniff_bytes(head)
    if claimed is not None:
        return _agreed(canonical(claimed), sniffed)
    by_name = format_of_name(filename)
    if sniffed:
        return by_name if by_name in sniffed else sniffed[0]
    if by_name is not None:
        return by_name
    if head and looks_like_text(head):
        return "txt"
    raise TaskFailure(
        "INVALID_CONVERSION_TYPE", "The format of the input file is not known; give input_format"
    )


def _agreed(claimed: str, sniffed: tuple[str, ...]) -> str:
    if sniffed and claimed in FORMATS and not any(_kinds(claimed) & _kinds(one) for one in sniffed):
        raise TaskFailure("OPEN_FAILED", f"The input file is not {claimed}, it is {sniffed[0]}")
    return claimed


def _kinds(name: str) -> set[str]:
    if name == "gif":
        return {"image", "media"}
    kind = FORMATS[name].kind
    return {"media"} if kind in ("video", "audio") else {kind}


UNMARKED = frozenset(("tga", "txt", "md", "csv", "html", "svg", "rst", "tex", "org", "mp3", "mpg"))
"""Formats whose files need not start with anything in particular."""


def is_plausible(path: Path, expected: str) -> bool:
    """Say whether a result looks like the format it should have."""
    sniffed = sniff_bytes(head_of(path))
    if not sniffed or expected not in FORMATS:
        return expected in UNMARKED or expected not in FORMATS
    return any(_kinds(one) & _kinds(expected) for one in sniffed)
