"""pdf/*: pages and locks, seen by another reader than the one that wrote them."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pypdfium2  # type: ignore[import-untyped]  # it ships no types
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]  # it ships no types
import pytest
from local_server import Local, make_picture, serving
from reportlab.pdfgen.canvas import Canvas


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with serving(tmp_path / "data") as running:
        yield running


def document(pages: int) -> bytes:
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=(200, 100))
    for number in range(pages):
        canvas.drawString(10, 50, f"page {number + 1}")
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def texts(content: bytes, password: str | None = None) -> list[str]:
    opened = pypdfium2.PdfDocument(content, password=password)
    return [page.get_textpage().get_text_range() for page in opened]


def pdf(action: str, **fields: Any) -> dict[str, Any]:
    return {"operation": f"pdf/{action}", **fields}


@pytest.mark.parametrize(
    ("pages", "filename", "names"),
    [
        (3, None, ["a-1.pdf", "a-2.pdf", "a-3.pdf"]),
        (1, None, ["a-1.pdf"]),
        (2, "p%02d.pdf", ["p01.pdf", "p02.pdf"]),
    ],
)
async def test_each_page_becomes_a_file(
    local: Local, pages: int, filename: str | None, names: list[str]
) -> None:
    task = pdf("split-pages", **({"filename": filename} if filename else {}))
    results = await local.results({"a.pdf": document(pages)}, task)
    assert list(results) == names
    assert [texts(one) for one in results.values()] == [[f"page {n + 1}"] for n in range(pages)]


async def test_pages_are_extracted_in_the_order_asked_for(local: Local) -> None:
    results = await local.results({"a.pdf": document(6)}, pdf("extract-pages", pages="5-,2, 1"))
    assert {name: texts(one) for name, one in results.items()} == {
        "a.pdf": ["page 5", "page 6", "page 2", "page 1"]
    }


async def test_chosen_pages_are_rotated(local: Local) -> None:
    task = pdf("rotate-pages", pages="2", rotation="-90")
    [result] = (await local.results({"a.pdf": document(3)}, task)).values()
    assert [page.get_rotation() for page in pypdfium2.PdfDocument(result)] == [0, 270, 0]


async def test_an_encrypted_file_opens_with_its_password_and_allows_what_it_says(
    local: Local,
) -> None:
    task = pdf("encrypt", set_password="pä55", allow_print="none", allow_extract="full")
    [locked] = (await local.results({"a.pdf": document(1)}, task)).values()
    with pytest.raises(pypdfium2.PdfiumError):
        texts(locked)
    assert texts(locked, "pä55") == ["page 1"]
    for password, works in (("wrong", False), ("pä55", True)):
        decrypt = pdf("decrypt", password=password)
        if works:
            [opened] = (await local.results({"a.pdf": locked}, decrypt)).values()
            assert texts(opened) == ["page 1"]
        else:
            failed = await local.failure({"a.pdf": locked}, decrypt)
            assert (failed["code"], "wrong" in failed["message"]) == ("OPEN_FAILED", True)


async def test_a_file_that_only_its_owner_may_change_opens_for_everybody(local: Local) -> None:
    task = pdf("encrypt", set_owner_password="owner", allow_print=False)
    [limited] = (await local.results({"a.pdf": document(1)}, task)).values()
    assert texts(limited) == ["page 1"]
    opened = pypdfium2.PdfDocument(limited)
    assert not pdfium.FPDF_GetDocPermissions(opened.raw) & 4


@pytest.mark.parametrize(
    ("task", "field"),
    [
        (pdf("extract-pages"), "pages"),
        (pdf("extract-pages", pages="all"), "pages"),
        (pdf("rotate-pages", rotation="45"), "rotation"),
        (pdf("encrypt", set_password="x", allow_print="maybe"), "allow_print"),
    ],
)
async def test_impossible_wishes_for_pages_are_refused(
    local: Local, task: dict[str, Any], field: str
) -> None:
    answer = await local.refused(f"/v2/{task['operation']}", {"input": "0" * 8, **task})
    assert field in answer["errors"]


async def test_a_lock_without_a_password_is_refused(local: Local) -> None:
    answer = await local.refused("/v2/pdf/encrypt", {"input": "0" * 8})
    assert "set_owner_password is required" in str(answer["errors"])


@pytest.mark.parametrize(
    ("content", "task", "code"),
    [
        (b"%PDF-1.7 broken", pdf("split-pages"), "OPEN_FAILED"),
        (make_picture(), pdf("rotate-pages"), "OPEN_FAILED"),
        (document(1), pdf("extract-pages", pages="7"), "INVALID_DATA"),
    ],
)
async def test_pages_that_cannot_be_had_fail_with_a_code(
    local: Local, content: bytes, task: dict[str, Any], code: str
) -> None:
    failed = await local.failure({"a.pdf": content}, task)
    assert failed["code"] == code
