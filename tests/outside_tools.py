"""Programs that are no engine of ours, asked about what our engines made."""

import io
import subprocess
import zipfile
from pathlib import Path

from PIL import Image


def said(*command: str | Path, content: bytes | None = None) -> str:
    """Run a program that must succeed, with `content` on its stdin; return what it says."""
    ended = subprocess.run(command, input=content, capture_output=True, check=False)
    assert ended.returncode == 0, (command, ended.stderr)
    return ended.stdout.decode("utf-8", "replace")


def pdf_text(folder: Path, content: bytes) -> str:
    """Return the text of a PDF as Poppler reads it."""
    path = folder / "seen.pdf"
    path.write_bytes(content)
    return said("pdftotext", "-layout", path, "-")


def pdf_picture(folder: Path, content: bytes) -> Image.Image:
    """Return the first page of a PDF as Poppler draws it."""
    path = folder / "seen.pdf"
    path.write_bytes(content)
    said("pdftoppm", "-png", "-singlefile", "-r", "150", path, folder / "seen")
    with Image.open(folder / "seen.png") as picture:
        return picture.convert("RGB")


def pdf_facts(folder: Path, content: bytes) -> dict[str, str]:
    """Return what Poppler tells of a PDF that qpdf finds sound."""
    path = folder / "seen.pdf"
    path.write_bytes(content)
    said("qpdf", "--check", path)
    lines = said("pdfinfo", path).splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def members(content: bytes) -> dict[str, bytes]:
    """Return the files of a ZIP, each whole."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}
