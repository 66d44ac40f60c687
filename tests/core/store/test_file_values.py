"""What counts as a file where a field takes one: a file whole, or its name and data apart."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.errors import DataError
from engine.store.files import FolderFiles


@pytest.mark.parametrize(
    ("data", "content"),
    [
        ("text", b"text"),
        (b"\x00\xff", b"\x00\xff"),
        (12, b"12"),
        (0.5, b"0.5"),
        (True, b"true"),
        (datetime(2026, 5, 4, 12, tzinfo=UTC), b"2026-05-04T12:00:00.000Z"),
        ("", b""),
    ],
)
async def test_numbers_booleans_and_dates_become_text_before_they_become_bytes(
    tmp_path: Path, data: Any, content: bytes
) -> None:
    file = await FolderFiles(tmp_path).file_of({"name": "a.txt", "data": data})

    assert file.path.read_bytes() == content


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"name": "a.txt"}, "`data` is null"),
        ({"name": None, "data": "x"}, "`name` is null"),
        ({"name": "a.txt", "data": [1]}, "`data` is an array"),
        ({"name": 7, "data": "x"}, "`name` is the number 7"),
    ],
)
async def test_what_is_no_file_is_said_to_be_none(
    tmp_path: Path, value: dict[str, Any], told: str
) -> None:
    with pytest.raises(DataError, match=told):
        await FolderFiles(tmp_path).file_of(value)
