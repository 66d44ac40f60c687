"""Sheets whose formulas were never calculated, as programs write them that only write."""

import io
import zipfile
from itertools import chain
from typing import Any
from xml.etree.ElementTree import ParseError

import betteroffice_xlsx
import openpyxl

from modules.cloudconvert.local.engines.talk import Failure

BROKEN = (
    *(zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError, IndexError, OSError),
    *(ParseError, betteroffice_xlsx.XlsxError),
)
"""What comes of files that are no sheets, or broken ones."""


def calculated(content: bytes) -> bytes:
    """Return an XLSX with the value of each formula in its place; itself if it has all of them.

    Raises Failure if it cannot be read. What openpyxl does not know, such as pictures, is lost of
    a sheet that has to be calculated.
    """
    try:
        return _calculated(content) if _is_open(content) else content
    except BROKEN as error:
        raise Failure("OPEN_FAILED", f"The document is damaged: {error}") from error


def _is_open(content: bytes) -> bool:
    """Say whether some formula has no stored value."""
    formulas, values = (
        openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=stored)
        for stored in (False, True)
    )
    pairs = zip(_cells(formulas), _cells(values), strict=False)
    return any(one.data_type == "f" and other.value is None for one, other in pairs)


def _cells(book: Any) -> "chain[Any]":
    return chain.from_iterable(row for sheet in book.worksheets for row in sheet.rows)


def _calculated(content: bytes) -> bytes:
    found = betteroffice_xlsx.Workbook.open_recalculated(content)
    book = openpyxl.load_workbook(io.BytesIO(content))
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    cell.value = _plain(found.value(sheet.title, cell.coordinate))
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _plain(value: object) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
