"""What the extras bring where no program is on PATH; read back by other libraries than theirs."""

import io
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openpyxl
import pypandoc
import pypdfium2  # type: ignore[import-untyped]  # it ships no types
import pytest
from local_server import Local, make_picture, serving, task_of
from msoffcrypto.format.ooxml import OOXMLFile
from outside_tools import members
from PIL import Image

from modules.cloudconvert.local import inventory

MARKDOWN = "# Über uns\n\nSome *text*.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n".encode()
SPACE = "xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink'"


@pytest.fixture
async def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Local]:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    async with serving(tmp_path / "data") as running:
        yield running


def convert(output_format: str, **options: Any) -> dict[str, Any]:
    return {"operation": "convert", "output_format": output_format, **options}


async def converted(local: Local, name: str, content: bytes, target: str, **options: Any) -> bytes:
    [made] = (await local.results({name: content}, convert(target, **options))).values()
    return made


def by_pandoc(target: str, text: bytes, folder: Path) -> bytes:
    made = folder / f"made.{target}"
    subprocess.run(
        [pypandoc.get_pandoc_path(), "-f", "markdown", "-o", made], input=text, check=True
    )
    return made.read_bytes()


def pages(pdf: bytes) -> list[str]:
    """Return the text of each page, with single spaces."""
    document = pypdfium2.PdfDocument(pdf)
    return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


async def test_word_files_become_pdfs_with_the_pages_that_are_wanted(
    local: Local, tmp_path: Path
) -> None:
    docx = by_pandoc("docx", b"# First\n\n" + b"word " * 3000 + b"\n\n# Last\n", tmp_path)
    whole = await converted(local, "a.docx", docx, "pdf", pdf_a=True)
    assert b"pdfaid" in whole
    texts = pages(whole)
    assert len(texts) > 2
    assert "First" in texts[0]
    assert "Last" in texts[-1]
    some = await converted(local, "a.docx", docx, "pdf", pages="2-")
    assert pages(some) == texts[1:]
    picture = await converted(local, "a.docx", docx, "png", pages="1", width=100)
    assert Image.open(io.BytesIO(picture)).width == 100


async def test_slides_become_pdfs_page_by_page(local: Local, tmp_path: Path) -> None:
    pptx = by_pandoc("pptx", b"# First\n\nOne\n\n# Second\n\nTwo\n", tmp_path)
    assert pages(await converted(local, "a.pptx", pptx, "pdf")) == ["First One", "Second Two"]


async def test_sheets_show_what_their_formulas_come_to(local: Local) -> None:
    """openpyxl writes formulas without values, as most programs do that only write."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Total", 20, 22, "=B1+C1"])
    book.create_sheet("More")["A1"] = '=IF(Sheet!D1>40,"large","small")'
    target = io.BytesIO()
    book.save(target)
    text = " ".join(pages(await converted(local, "a.xlsx", target.getvalue(), "pdf")))
    assert {"Total", "20", "22", "42", "large"} <= set(text.split())


async def test_markdown_becomes_word_and_pdf_and_comes_back(local: Local) -> None:
    docx = await converted(local, "über.md", MARKDOWN, "docx")
    assert "Über uns" in members(docx)["word/document.xml"].decode()
    back = (await converted(local, "a.docx", docx, "md")).decode()
    assert "# Über uns" in back
    assert "*text*" in back
    [text] = pages(await converted(local, "a.md", MARKDOWN, "pdf"))
    assert {"Über", "uns", "Some", "a", "b", "1", "2"} <= set(text.split())
    odt = await converted(local, "a.md", MARKDOWN, "odt")
    assert "Über uns" in pages(await converted(local, "a.odt", odt, "pdf"))[0]


async def test_a_task_tells_which_package_did_it(local: Local, tmp_path: Path) -> None:
    docx = by_pandoc("docx", MARKDOWN, tmp_path)
    task = task_of(await local.run({"a.docx": docx}, convert("pdf")), "process")
    assert (task["engine"], task["percent"]) == ("office2pdf", 100)
    assert task["engine_version"].startswith("0.")


def locked(document: bytes, password: str) -> bytes:
    target = io.BytesIO()
    OOXMLFile(io.BytesIO(document)).encrypt(password, target)
    return target.getvalue()


async def opens_with_its_password_only(local: Local, tmp_path: Path) -> None:
    for kind in ("docx", "pptx"):
        closed = locked(by_pandoc(kind, b"# Hidden\n\nwords\n", tmp_path), "geheim-ß")
        name = f"a.{kind}"
        made = await converted(local, name, closed, "pdf", password="geheim-ß")
        assert "Hidden words" in " ".join(pages(made))
        for more in ({}, {"password": "wrong"}):
            failed = await local.failure({name: closed}, convert("pdf", **more))
            assert failed["code"] == "OPEN_FAILED"
            assert "password" in failed["message"]
        picture = await converted(local, name, closed, "png", password="geheim-ß", width=100)
        assert Image.open(io.BytesIO(picture)).width == 100
    docx = by_pandoc("docx", b"# Open\n", tmp_path)
    assert "Open" in pages(await converted(local, "a.docx", docx, "pdf", password="useless"))[0]


async def test_a_document_opens_with_its_password_only(local: Local, tmp_path: Path) -> None:
    await opens_with_its_password_only(local, tmp_path)


@pytest.mark.needs("soffice")
async def test_libreoffice_gets_a_document_opened(tmp_path: Path) -> None:
    async with serving(tmp_path / "data") as running:
        await opens_with_its_password_only(running, tmp_path)


@pytest.mark.parametrize("name", ["a.docx", "a.pptx", "a.xlsx"])
@pytest.mark.parametrize(
    "content", [b"PK\x03\x04" + b"\x00" * 40, b"PK\x03\x04rubbish", b"PK\x05\x06" + b"\x00" * 18]
)
async def test_what_is_no_document_fails_and_makes_no_pdf(
    local: Local, name: str, content: bytes
) -> None:
    failed = await local.failure({name: content}, convert("pdf"))
    assert failed["code"] == "OPEN_FAILED", failed["message"]


def drawing(attributes: str, inner: str = "<rect width='9' height='9' fill='red'/>") -> bytes:
    return f"<svg {SPACE} {attributes}>{inner}</svg>".encode()


@pytest.mark.parametrize(
    ("attributes", "options", "size"),
    [
        ("width='40' height='20'", {}, (40, 20)),
        ("width='1in' height='2.54cm'", {}, (96, 96)),
        ("viewBox='-5 -5 30 60'", {}, (30, 60)),
        ("width='100%' height='100%' viewBox='0,0,30,60'", {}, (30, 60)),
        ("", {}, (300, 150)),
        ("width='40' height='20'", {"width": 400}, (400, 200)),
        ("width='40' height='20'", {"width": 400, "height": 100}, (200, 100)),
        ("width='40' height='20'", {"height": 10}, (20, 10)),
        ("width='1e3' height='20'", {}, (1000, 20)),
    ],
)
async def test_a_drawing_becomes_a_picture_of_its_size(
    local: Local, attributes: str, options: dict[str, Any], size: tuple[int, int]
) -> None:
    made = await converted(local, "a.svg", drawing(attributes), "png", **options)
    image = Image.open(io.BytesIO(made))
    assert (image.format, image.size) == ("PNG", size)


async def test_a_drawing_keeps_its_transparency_where_the_format_has_one(local: Local) -> None:
    svg = drawing("width='40' height='20'")
    corners = {}
    for name in ("png", "webp", "jpg"):
        image = Image.open(io.BytesIO(await converted(local, "a.svg", svg, name)))
        corners[name] = image.convert("RGBA").getpixel((39, 19))
    assert corners == {"png": (0, 0, 0, 0), "webp": (0, 0, 0, 0), "jpg": (255, 255, 255, 255)}


async def test_a_drawing_reads_no_file_and_keeps_what_is_inside_of_it(
    local: Local, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.png"
    Image.new("RGB", (40, 20), "red").save(secret)
    nested = drawing("width='40' height='20'", f"<image href='{secret}' width='40' height='20'/>")
    wrapped = "data:image/svg+xml;utf8," + nested.decode().replace("'", "&apos;").replace(
        "<", "&lt;"
    )
    for name in (str(secret), secret.as_uri(), wrapped, "../secret.png"):
        for attribute in ("href", "xlink:href"):
            inner = f"<image {attribute}='{name}' width='40' height='20'/>"
            svg = drawing("width='40' height='20'", inner)
            image = Image.open(io.BytesIO(await converted(local, "a.svg", svg, "png")))
            assert image.convert("RGBA").getchannel("A").getextrema() == (0, 0), name
    text = "<linearGradient id='g'><stop stop-color='#0f0'/></linearGradient>"
    inner = f"{text}<rect width='40' height='20' fill='url(#g)'/>"
    image = Image.open(
        io.BytesIO(await converted(local, "a.svg", drawing("width='40' height='20'", inner), "png"))
    )
    assert image.convert("RGB").getpixel((5, 5)) == (0, 255, 0)


@pytest.mark.parametrize(
    ("svg", "code"),
    [
        (drawing("width='200000' height='200000'"), "FILE_TOO_LARGE"),
        (drawing("viewBox='0 0 200000 200000'"), "FILE_TOO_LARGE"),
        (b"<svg", "OPEN_FAILED"),
        (
            b"<!DOCTYPE s [<!ENTITY a SYSTEM 'file:///etc/hostname'>]>"
            + drawing("", "<text>&a;</text>"),
            "OPEN_FAILED",
        ),
        (
            b"<!DOCTYPE s [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>"
            + drawing("", "<text>&b;</text>"),
            "OPEN_FAILED",
        ),
    ],
)
async def test_a_hostile_drawing_fails_by_name(local: Local, svg: bytes, code: str) -> None:
    failed = await local.failure({"a.svg": svg}, convert("png"))
    assert failed["code"] == code, failed["message"]


async def test_pictures_get_smaller_by_a_package_alone(local: Local) -> None:
    before = make_picture(size=(200, 200))
    job = await local.run({"a.png": before}, {"operation": "optimize", "profile": "max"})
    [file] = task_of(job, "export")["result"]["files"]
    assert task_of(job, "process")["engine"] == "pillow"
    assert file["size"] < len(before)


async def test_what_is_listed_comes_from_packages_where_path_has_nothing(local: Local) -> None:
    reply = await local.get("/v2/operations", params={"filter[operation]": "convert"})
    engines = {(one["input_format"], one["output_format"]): one["engine"] for one in reply["data"]}
    assert engines["docx", "pdf"] == engines["xlsx", "pdf"] == "office2pdf"
    assert engines["md", "docx"] == "pandoc"
    assert engines["svg", "png"] == "resvg"


async def test_without_an_engine_every_way_to_get_one_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(inventory, "PACKAGES", ())
    task = {"operation": "convert", "input_format": "docx", "output_format": "pdf"}
    async with serving(tmp_path / "data") as running:
        answer = await running.refused("/v2/convert", {"input": "0" * 8, **task})
    assert answer["code"] == "ENGINE_MISSING"
    [text] = answer["errors"]["output_format"]
    assert "apt install libreoffice" in text
    assert "pip install 'fusion-runner[office]'" in text


@pytest.mark.needs("rsvg-convert")
@pytest.mark.needs("soffice")
async def test_a_program_on_path_comes_before_a_package(tmp_path: Path) -> None:
    async with serving(tmp_path / "data") as local:
        reply = await local.get("/v2/operations", params={"filter[operation]": "convert"})
    engines = {(one["input_format"], one["output_format"]): one["engine"] for one in reply["data"]}
    assert engines["docx", "pdf"] == "libreoffice"
    assert engines["svg", "png"] == "librsvg"
    assert engines["svg", "webp"] == "resvg"
