"""The file formats that the server knows: name, kind and media type."""

from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True)
class Format:
    """`kind` is the coarse sort of content that a claim about a file is checked against."""

    name: str
    kind: str
    media_type: str


def _table(kind: str, **media_types: str) -> dict[str, Format]:
    return {name: Format(name, kind, media_type) for name, media_type in media_types.items()}


FORMATS: dict[str, Format] = {
    **_table(
        "video",
        mp4="video/mp4",
        mov="video/quicktime",
        m4v="video/x-m4v",
        mkv="video/x-matroska",
        webm="video/webm",
        avi="video/x-msvideo",
        flv="video/x-flv",
        wmv="video/x-ms-wmv",
        mpg="video/mpeg",
        ogv="video/ogg",
        ts="video/mp2t",
    ),
    **_table("audio", mp3="audio/mpeg", wav="audio/wav", flac="audio/flac", ogg="audio/ogg"),
    **_table("audio", opus="audio/opus", m4a="audio/mp4", aac="audio/aac", wma="audio/x-ms-wma"),
    **_table("image", jpg="image/jpeg", png="image/png", webp="image/webp", gif="image/gif"),
    **_table("image", tiff="image/tiff", bmp="image/bmp", avif="image/avif", jp2="image/jp2"),
    **_table("image", ico="image/x-icon", tga="image/x-tga", ppm="image/x-portable-pixmap"),
    **_table("image", heic="image/heic", svg="image/svg+xml", psd="image/vnd.adobe.photoshop"),
    **_table("image", xcf="image/x-xcf", dds="image/vnd.ms-dds", pcx="image/vnd.zbrush.pcx"),
    **_table("document", pdf="application/pdf", ps="application/postscript"),
    **_table("document", eps="application/postscript"),
    **_table("text", txt="text/plain", md="text/markdown", csv="text/csv", html="text/html"),
    **_table("text", rst="text/x-rst", tex="application/x-tex", org="text/org"),
    **_table("archive", zip="application/zip", tar="application/x-tar", rar="application/vnd.rar"),
    "3gp": Format("3gp", "video", "video/3gpp"),
    "7z": Format("7z", "archive", "application/x-7z-compressed"),
    "tar.gz": Format("tar.gz", "archive", "application/gzip"),
    "tar.bz2": Format("tar.bz2", "archive", "application/x-bzip2"),
    **_table(
        "office",
        docx="application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        xlsx="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        pptx="application/vnd.openxmlformats-officedocument.presentationml.presentation",
        odt="application/vnd.oasis.opendocument.text",
        ods="application/vnd.oasis.opendocument.spreadsheet",
        odp="application/vnd.oasis.opendocument.presentation",
        doc="application/msword",
        xls="application/vnd.ms-excel",
        ppt="application/vnd.ms-powerpoint",
        rtf="application/rtf",
        epub="application/epub+zip",
    ),
}

ALIASES = {
    "jpeg": "jpg",
    "tif": "tiff",
    "mpeg": "mpg",
    "m2ts": "ts",
    "mts": "ts",
    "oga": "ogg",
    "text": "txt",
    "htm": "html",
    "markdown": "md",
    "latex": "tex",
    "heif": "heic",
    "tgz": "tar.gz",
    "tbz2": "tar.bz2",
}


def canonical(name: str) -> str:
    """Return the one spelling of a format's name; unknown names come back in lower case."""
    plain = name.strip().lower().lstrip(".")
    return ALIASES.get(plain, plain)


def format_of_name(filename: str) -> str | None:
    """Return the format that a file name's extension claims; None if it claims none we know."""
    lower = filename.lower()
    for double in ("tar.gz", "tar.bz2"):
        if lower.endswith(f".{double}"):
            return double
    found = canonical(PurePosixPath(lower).suffix)
    return found if found in FORMATS else None


def media_type_of_name(filename: str) -> str:
    """Return what to send as `Content-Type` for a file of this name."""
    found = format_of_name(filename)
    return FORMATS[found].media_type if found else "application/octet-stream"


def stem_of_name(filename: str) -> str:
    """Return the name without its extension; a compound one such as `.tar.gz` goes whole."""
    found = format_of_name(filename)
    if found and "." in found and filename.lower().endswith(f".{found}"):
        return filename[: -len(found) - 1]
    return PurePosixPath(filename).stem or filename
