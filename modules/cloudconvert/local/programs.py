"""Programs that are used where they are on PATH: how to find each, and what it is good for.

They are run, never linked, and none is asked for: without them the wheels do what they can.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from modules.cloudconvert.local.asking import all_of, ask


def extra(name: str) -> str:
    """Return the command that adds an extra of ours."""
    return f"pip install 'fusion-runner[{name}]'"


_NUMBER = r"(\d+(?:\.\d+)+)"


@dataclass(frozen=True, slots=True)
class Sought:
    """A program and where it may be; `commands` come in order of preference."""

    name: str
    commands: Sequence[str]
    question: Sequence[str]
    """Arguments that make it tell its version."""
    answer: str
    """What it must say, with the version in the first group: others may have its name."""
    adds: str
    """What the server can do with it, and not without."""
    debian: str
    """Its Debian packages."""
    macos: str
    """What Homebrew calls it."""
    listing: Sequence[str] = ()
    """Arguments that make it tell the formats that it reads, where builds differ."""
    listed: str = ""
    """How each of them stands there, its name in the first group."""
    wheel: tuple[str, str, str] | None = None
    """The Python package that carries it, its place in there, and our extra that brings it."""

    @property
    def installs(self) -> dict[str, str]:
        """Return the commands that bring it, by system."""
        wheel = {"pip": extra(self.wheel[2])} if self.wheel else {}
        system = {"debian": f"apt install {self.debian}", "macos": f"brew install {self.macos}"}
        return wheel | system

    @property
    def install(self) -> str:
        """Return one that brings it, in one line."""
        ways = self.installs
        return ways.get("pip") or f"{ways['debian']} (macOS: {ways['macos']})"


@dataclass(frozen=True, slots=True)
class Found:
    """A program that is here."""

    path: str
    version: str
    formats: frozenset[str] = frozenset()
    """Formats that it reads, in lower case, if it was asked."""


LIBREOFFICE = Sought(
    "libreoffice",
    ("soffice", "libreoffice", "/Applications/LibreOffice.app/Contents/MacOS/soffice"),
    ("--version",),
    rf"^LibreOffice\S* {_NUMBER}",
    "Word, Excel, PowerPoint and OpenDocument files to PDF and to one another",
    "libreoffice-writer-nogui libreoffice-calc-nogui libreoffice-impress-nogui",
    "--cask libreoffice",
)
CHROMIUM = Sought(
    "chrome",
    (
        *("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"),
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ),
    ("--version",),
    rf"(?:Chromium|Chrome|Chrome for Testing|HeadlessChrome)[ /]{_NUMBER}",
    "capture-website; HTML and SVG to PDF, PNG and JPG; with pandoc, Markdown to PDF",
    "chromium",
    "--cask chromium",
)
PANDOC = Sought(
    "pandoc",
    ("pandoc",),
    ("--version",),
    rf"^pandoc(?:\.exe)? {_NUMBER}",
    "Markdown, HTML, DOCX, ODT, EPUB, reStructuredText and LaTeX to one another",
    "pandoc",
    "pandoc",
    wheel=("pypandoc", "files/pandoc", "docs"),
)
GHOSTSCRIPT = Sought(
    "ghostscript",
    ("gs",),
    ("--version",),
    rf"^{_NUMBER}$",
    "PostScript and EPS to PDF; PDF/A; PDFs in CMYK",
    "ghostscript",
    "ghostscript",
)
POPPLER = Sought(
    "poppler",
    ("pdftotext",),
    ("-v",),
    rf"^pdftotext version {_NUMBER}",
    "text of PDFs set as on the page",
    "poppler-utils",
    "poppler",
)
EXIFTOOL = Sought(
    "exiftool",
    ("exiftool",),
    ("-ver",),
    rf"^{_NUMBER}$",
    "metadata of files of every kind, and more of what pictures and films tell",
    "libimage-exiftool-perl",
    "exiftool",
)
IMAGEMAGICK = Sought(
    "imagemagick",
    ("magick", "convert-im6.q16", "convert"),
    ("-version",),
    r"^Version: ImageMagick (\S+)",
    "Photoshop, HEIC, GIMP, DDS and PCX pictures to PNG, JPG and more; commands of convert",
    "imagemagick",
    "imagemagick",
    listing=("-list", "format"),
    listed=r"^ *([A-Z0-9]+)\*? .* r[w-][+-] ",
)
GRAPHICSMAGICK = Sought(
    "graphicsmagick",
    ("gm",),
    ("version",),
    r"^GraphicsMagick (\S+)",
    "commands of gm",
    "graphicsmagick",
    "graphicsmagick",
)
FFPROBE = Sought(
    "ffprobe",
    ("ffprobe",),
    ("-version",),
    r"^ffprobe version (\S+)",
    "commands of ffprobe",
    "ffmpeg",
    "ffmpeg",
)
RSVG = Sought(
    "librsvg",
    ("rsvg-convert",),
    ("--version",),
    rf"^rsvg-convert(?: version)? {_NUMBER}",
    "SVG to PNG and PDF",
    "librsvg2-bin",
    "librsvg",
)
TESSERACT = Sought(
    "tesseract",
    ("tesseract",),
    ("--version",),
    rf"^tesseract v?{_NUMBER}",
    "text of scanned PDFs, to search and copy (pdf/ocr)",
    "tesseract-ocr",
    "tesseract",
    listing=("--list-langs",),
    listed=r"^([A-Za-z_]{3,30})$",
)
PNGQUANT = Sought(
    "pngquant",
    ("pngquant",),
    ("--version",),
    rf"^{_NUMBER}",
    "PNGs made much smaller",
    "pngquant",
    "pngquant",
)
SEVEN_ZIP = Sought(
    "7zip",
    ("7zz", "7z"),
    ("i",),
    rf"^7-Zip.*? {_NUMBER}",
    "7z archives, faster and smaller",
    "7zip",
    "sevenzip",
)
BSDTAR = Sought(
    "bsdtar",
    ("bsdtar",),
    ("--version",),
    rf"^bsdtar {_NUMBER}",
    "7z and rar archives to other archives",
    "libarchive-tools",
    "libarchive",
)
SOUGHT: Sequence[Sought] = (
    LIBREOFFICE,
    CHROMIUM,
    PANDOC,
    GHOSTSCRIPT,
    POPPLER,
    EXIFTOOL,
    IMAGEMAGICK,
    GRAPHICSMAGICK,
    FFPROBE,
    RSVG,
    TESSERACT,
    PNGQUANT,
    SEVEN_ZIP,
    BSDTAR,
)


async def find_programs(sought: Sequence[Sought] = SOUGHT) -> dict[str, Found]:
    """Look for programs; those that are here and answer come back by name."""
    # Some make folders at home even when asked for no more than their version.
    with TemporaryDirectory(prefix="fusion-asking-") as home:
        found = await all_of(*(_found(one, home) for one in sought))
    return {one.name: each for one, each in zip(sought, found, strict=True) if each}


async def _found(one: Sought, home: str) -> Found | None:
    for path in _places(one):
        said = await ask([path, *one.question], home=home)
        if said and (version := re.search(one.answer, said.output, re.MULTILINE)):
            return Found(path, version[1], await _formats(one, path, home))
    return None


def _places(one: Sought) -> Iterator[str]:
    """Yield where it may be: on PATH, then in a Python package, which is not imported."""
    yield from (path for command in one.commands if (path := shutil.which(command)))
    package = find_spec(one.wheel[0]) if one.wheel else None
    if one.wheel and package and package.origin:
        yield str(Path(package.origin).parent / one.wheel[1])


async def _formats(one: Sought, path: str, home: str) -> frozenset[str]:
    said = await ask([path, *one.listing], home=home) if one.listing else None
    names = re.findall(one.listed, said.output, re.MULTILINE) if said else []
    return frozenset(name.lower() for name in names)
