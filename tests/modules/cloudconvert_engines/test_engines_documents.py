"""Text documents by pandoc, PostScript by Ghostscript, text of PDFs by Poppler or pdfium."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from local_server import Local, serving, task_of
from outside_tools import members, pdf_facts, pdf_text
from reportlab.pdfgen.canvas import Canvas

MARKDOWN = "# Über uns\n\nSome *text*.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n".encode()


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with serving(tmp_path / "data") as running:
        yield running


def convert(output_format: str, **options: Any) -> dict[str, Any]:
    return {"operation": "convert", "output_format": output_format, **options}


async def converted(local: Local, name: str, content: bytes, target: str, **options: Any) -> bytes:
    [made] = (await local.results({name: content}, convert(target, **options))).values()
    return made


def two_pages() -> bytes:
    target = io.BytesIO()
    canvas = Canvas(target)
    for text in ("first page", "second page"):
        canvas.drawString(100, 500, text)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def epub(page: str) -> bytes:
    target = io.BytesIO()
    container = (
        '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
        '<rootfiles><rootfile full-path="c.opf" media-type="application/oebps-package+xml"/>'
        "</rootfiles></container>"
    )
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>T</dc:title></metadata><manifest>'
        '<item id="p" href="p.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="p"/></spine></package>'
    )
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("c.opf", package)
        html = '<html xmlns="http://www.w3.org/1999/xhtml"><body>'
        archive.writestr("p.xhtml", f"{html}{page}</body></html>")
    return target.getvalue()


@pytest.mark.needs("pandoc")
async def test_markdown_becomes_word_and_comes_back(local: Local) -> None:
    docx = await converted(local, "über.md", MARKDOWN, "docx")
    document = members(docx)["word/document.xml"].decode()
    assert "Über uns" in document
    assert "<w:tbl>" in document
    back = (await converted(local, "a.docx", docx, "md")).decode()
    assert "# Über uns" in back
    assert "*text*" in back


@pytest.mark.needs("pandoc")
@pytest.mark.parametrize("target", ["odt", "epub", "html", "rst", "tex", "org", "txt", "rtf"])
async def test_markdown_becomes_every_kind_of_document(local: Local, target: str) -> None:
    made = await converted(local, "a.md", MARKDOWN, target)
    parts = members(made).values() if target in ("odt", "epub") else [made]
    assert any(b"Some " in part for part in parts)


REACHING = [
    ("a.md", "seen ![picture]({path}) <img src='{path}'>"),
    ("a.md", "---\ncover-image: {path}\ncss: {path}\ninclude-before: {path}\n---\nseen"),
    ("a.html", "<p>seen</p><iframe src='file://{path}'></iframe><img src='{path}'>"),
    ("a.rst", "seen\n\n.. include:: {path}\n"),
    ("a.tex", "seen \\input{{{path}}} \\includegraphics{{{path}}}"),
    ("a.org", "seen\n\n#+INCLUDE: {path}\n"),
]
"""Documents that name a file of this machine."""


async def tells_nothing(local: Local, secret: Path, name: str, text: str, target: str) -> None:
    made = await converted(local, name, text.format(path=secret).encode(), target)
    parts = members(made).values() if target in ("docx", "odt", "epub") else [made]
    assert any(b"seen" in part for part in parts)
    # As it is, or as Base64 has it at each of the three places.
    for sign in (b"SECRET-TEXT", b"U0VDUkVULVRFWF", b"NFQ1JFVC1URVhU", b"TRUNSRVQtVEVYV"):
        assert not any(sign in part for part in parts)


@pytest.mark.needs("pandoc")
@pytest.mark.parametrize("target", ["docx", "epub", "html", "rtf"])
@pytest.mark.parametrize(("name", "text"), REACHING)
async def test_documents_bring_in_no_file_of_this_machine(
    local: Local, tmp_path: Path, name: str, text: str, target: str
) -> None:
    secret = tmp_path / "secret.png"
    secret.write_text("SECRET-TEXT")
    if not name.endswith(target):
        await tells_nothing(local, secret, name, text, target)


async def test_nor_do_they_by_the_pandoc_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a newer one, with a sandbox and writers of its own."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    secret = tmp_path / "secret.png"
    secret.write_text("SECRET-TEXT")
    async with serving(tmp_path / "data") as local, asyncio.TaskGroup() as group:
        for target in ("docx", "epub", "html", "rtf"):
            for name, text in REACHING:
                if not name.endswith(target):
                    group.create_task(tells_nothing(local, secret, name, text, target))


@pytest.mark.needs("pandoc")
async def test_a_page_of_an_epub_brings_in_no_file_either(local: Local, tmp_path: Path) -> None:
    secret = tmp_path / "secret.html"
    secret.write_text("<p>SECRET-TEXT</p>")
    book = epub(f"<p>seen</p><iframe src='{secret.as_uri()}'></iframe>")
    for target in ("docx", "md", "html"):
        made = await converted(local, "a.epub", book, target)
        parts = members(made).values() if target == "docx" else [made]
        assert any(b"seen" in part for part in parts)
        assert not any(b"SECRET" in part for part in parts)


@pytest.mark.needs("pandoc")
async def test_a_document_that_cannot_be_read_fails_with_pandocs_words(local: Local) -> None:
    failed = await local.failure({"a.epub": b"PK\x03\x04rubbish"}, convert("md"))
    assert failed["code"] == "CONVERSION_FAILED"
    assert "/" not in failed["message"]


@pytest.mark.needs("gs")
@pytest.mark.needs("qpdf")
@pytest.mark.needs("pdftotext")
async def test_postscript_becomes_pdf_and_reads_nothing(local: Local, tmp_path: Path) -> None:
    head = b"%!PS-Adobe-3.0\n/Helvetica findfont 20 scalefont setfont 72 300 moveto\n"
    pdf = await converted(local, "a.ps", head + b"(Printed) show showpage\n", "pdf")
    assert pdf_facts(tmp_path, pdf)["Pages"] == "1"
    assert "Printed" in pdf_text(tmp_path, pdf)
    (tmp_path / "secret").write_text("SECRET")
    reading = f"({tmp_path}/secret) (r) file 6 string readstring pop show showpage\n"
    failed = await local.failure({"a.ps": head + reading.encode()}, convert("pdf"))
    assert failed["code"] == "CONVERSION_FAILED"


@pytest.mark.needs("pdftotext")
async def test_the_text_of_a_pdf_stands_as_on_the_page(local: Local) -> None:
    job = await local.run({"a.pdf": two_pages()}, convert("txt"))
    assert task_of(job, "process")["engine"] == "poppler"
    text = (await converted(local, "a.pdf", two_pages(), "txt")).decode()
    assert [page.split() for page in text.split("\f")] == [
        ["first", "page"],
        ["second", "page"],
        [],
    ]


async def test_the_text_of_some_pages_of_a_pdf(local: Local) -> None:
    job = await local.run({"a.pdf": two_pages()}, convert("txt", pages="2"))
    assert task_of(job, "process")["engine"] == "pdfium"
    made = await converted(local, "a.pdf", two_pages(), "txt", pages="2")
    assert made.decode().split() == ["second", "page"]
