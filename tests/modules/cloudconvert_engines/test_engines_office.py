"""Office files by LibreOffice, checked by Poppler, qpdf and the packages' own parts."""

import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from local_server import Local, serving, task_of
from outside_tools import members, pdf_facts, pdf_text, said

pytestmark = [
    pytest.mark.needs("soffice"),
    pytest.mark.needs("pdftotext"),
    pytest.mark.needs("qpdf"),
]

CSV = b"Item,Price\nApple,3\nPear,4\n"
NAMES = "urn:oasis:names:tc:opendocument:xmlns:"


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with serving(tmp_path / "data") as running:
        yield running


def convert(output_format: str, **options: Any) -> dict[str, Any]:
    return {"operation": "convert", "output_format": output_format, **options}


async def converted(local: Local, name: str, content: bytes, target: str, **options: Any) -> bytes:
    [made] = (await local.results({name: content}, convert(target, **options))).values()
    return made


def opendocument(kind: str, body: str, **more: bytes) -> bytes:
    """Make an OpenDocument file with nothing in it but the body."""
    space = " ".join(
        f'xmlns:{name}="{NAMES}{name}:1.0"' for name in ("office", "text", "table", "draw")
    )
    link = 'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:script="' + NAMES + 'script:1.0"'
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {space} {link} '
        f'office:version="1.2">{body}</office:document-content>'
    )
    media = f"application/vnd.oasis.opendocument.{kind}"
    listed = "".join(
        f'<manifest:file-entry manifest:full-path="{name}" manifest:media-type="{media_type}"/>'
        for name, media_type in (
            *(("/", media), ("content.xml", "text/xml")),
            *((one, "text/xml") for one in more),
        )
    )
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("mimetype", media)
        archive.writestr("content.xml", content)
        head = f'<manifest:manifest xmlns:manifest="{NAMES}manifest:1.0">'
        archive.writestr("META-INF/manifest.xml", f"{head}{listed}</manifest:manifest>")
        for name, part in more.items():
            archive.writestr(name, part)
    return target.getvalue()


def text_document(*paragraphs: str) -> bytes:
    inner = "".join(f"<text:p>{one}</text:p>" for one in paragraphs)
    return opendocument("text", f"<office:body><office:text>{inner}</office:text></office:body>")


async def test_word_files_become_pdfs_with_the_pages_that_are_wanted(
    local: Local, tmp_path: Path
) -> None:
    docx = await converted(local, "a.odt", text_document("Grüße", "word " * 2000), "docx")
    assert "word/document.xml" in members(docx)
    whole = await converted(local, "Brief ä.docx", docx, "pdf", pdf_a=True)
    assert int(pdf_facts(tmp_path, whole)["Pages"]) > 1
    assert b"pdfaid" in whole
    assert "Grüße" in pdf_text(tmp_path, whole)
    first = await converted(local, "a.docx", docx, "pdf", pages="1")
    assert pdf_facts(tmp_path, first)["Pages"] == "1"


async def test_sheets_become_pdfs_and_go_to_csv_and_back(local: Local, tmp_path: Path) -> None:
    xlsx = await converted(local, "list.csv", CSV, "xlsx")
    assert "xl/workbook.xml" in members(xlsx)
    text = pdf_text(tmp_path, await converted(local, "list.xlsx", xlsx, "pdf"))
    assert {"list", "Item", "Price", "Apple", "3", "Pear", "4"} <= set(text.split())
    assert await converted(local, "list.xlsx", xlsx, "csv") == CSV


@pytest.mark.needs("pandoc")
async def test_slides_become_pdfs_page_by_page(local: Local, tmp_path: Path) -> None:
    made = tmp_path / "talk.pptx"
    said("pandoc", "-f", "markdown", "-o", made, content=b"# First\n\nOne\n\n# Second\n\nTwo\n")
    pdf = await converted(local, "talk.pptx", made.read_bytes(), "pdf")
    assert pdf_facts(tmp_path, pdf)["Pages"] == "2"
    assert pdf_text(tmp_path, pdf).split() == ["First", "One", "Second", "Two"]
    odp = await converted(local, "talk.pptx", made.read_bytes(), "odp")
    assert b"Second" in members(odp)["content.xml"]


async def test_a_task_tells_that_libreoffice_did_it(local: Local) -> None:
    job = await local.run({"a.csv": CSV}, convert("pdf"))
    task = task_of(job, "process")
    assert (task["engine"], task["percent"]) == ("libreoffice", 100)
    assert task["engine_version"].count(".") >= 2


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.docx", b"\x00random\xff" * 500, "OPEN_FAILED"),
        ("a.odt", text_document("whole")[:200], "OPEN_FAILED"),
        ("-a.docx", b"PK\x03\x04" + b"\x00" * 40, "OPEN_FAILED"),
    ],
)
async def test_what_is_no_document_fails_and_makes_no_pdf(
    local: Local, name: str, content: bytes, code: str
) -> None:
    failed = await local.failure({name: content}, convert("pdf"))
    assert failed["code"] == code, failed["message"]


async def test_documents_bring_in_no_files_and_run_no_macros(local: Local, tmp_path: Path) -> None:
    secret, mark = tmp_path / "secret.txt", tmp_path / "macro-ran"
    secret.write_text("SECRET-TEXT")
    section = (
        f'<text:section text:name="s"><text:section-source xlink:href="{secret.as_uri()}" '
        'xlink:type="simple" text:filter-name="Text"/><text:p>inside</text:p></text:section>'
    )
    event = (
        "<office:scripts><office:event-listeners><script:event-listener script:language="
        '"ooo:script" script:event-name="dom:load" xlink:href="vnd.sun.star.script:Standard.M.'
        'Main?language=Basic&amp;location=document" xlink:type="simple"/>'
        "</office:event-listeners></office:scripts>"
    )
    basic = (
        '<?xml version="1.0"?><script:module xmlns:script="http://openoffice.org/2000/script" '
        'script:name="M" script:language="StarBasic">Sub Main\n'
        f'Open "{mark}" For Output As #1\nEnd Sub</script:module>'
    )
    body = f"{event}<office:body><office:text>{section}</office:text></office:body>"
    document = opendocument("text", body, **{"Basic/Standard/M.xml": basic.encode()})
    text = pdf_text(tmp_path, await converted(local, "a.odt", document, "pdf"))
    assert "SECRET" not in text
    assert "inside" in text
    assert not mark.exists()
