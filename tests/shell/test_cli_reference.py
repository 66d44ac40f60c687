"""The reference of a module, read from its field models."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from engine.cli.reference import Item, items_of
from engine.module import Fields, File
from engine.plan.reference import json_schema


class Row(Fields):
    name: str
    """What it is called."""
    parts: "list[Row]" = []


class Everything(Fields):
    text: str
    """Two lines
    of help."""
    count: int = Field(default=10, ge=1, le=100)
    ratio: float | None = Field(default=None, gt=0, lt=1)
    flag: bool = False
    moment: datetime | None = None
    data: bytes = b""
    choice: Literal["upload", "url"] = "upload"
    file: File | None = None
    files: list[File] = []
    rows: list[Row] = Field(default=[], min_length=1)
    wait: timedelta = timedelta(minutes=15)
    either: int | str = 3
    free: Any = None
    code: Annotated[str, Field(pattern="^[a-z]+$", examples=["pdf", "mp4"])] = "pdf"


ITEMS = {item.name: item for item in items_of(json_schema(Everything))}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("text", "text"),
        ("count", "number"),
        ("ratio", "number"),
        ("flag", "boolean"),
        ("moment", "date"),
        ("data", "buffer"),
        ("choice", "upload | url"),
        ("file", "file"),
        ("files", "array of file"),
        ("rows", "array of collection"),
        ("wait", "duration"),
        ("either", "number or text"),
        ("free", "any"),
    ],
)
def test_types_have_the_names_of_bundle_values(name: str, kind: str) -> None:
    assert ITEMS[name].type == kind


def test_items_come_in_the_order_of_the_model() -> None:
    assert list(ITEMS) == list(Everything.model_fields)


def test_required_and_defaults_are_told() -> None:
    assert ITEMS["text"].required
    assert not ITEMS["count"].required
    assert (ITEMS["count"].default, ITEMS["flag"].default) == ("10", "false")
    assert ITEMS["choice"].default == '"upload"'
    assert ITEMS["file"].default is None
    assert ITEMS["wait"].default == "15m"


def test_limits_and_examples_are_told() -> None:
    assert ITEMS["count"].facts == ("at least 1", "at most 100")
    assert ITEMS["ratio"].facts == ("more than 0", "less than 1")
    assert ITEMS["code"].facts == ("matches ^[a-z]+$", 'for example "pdf", "mp4"')
    assert ITEMS["rows"].facts == ("not empty",)


def test_descriptions_are_one_paragraph() -> None:
    assert ITEMS["text"].description == "Two lines of help."


def test_items_inside_are_told_to_a_depth() -> None:
    assert [item.name for item in ITEMS["rows"].items] == ["name", "parts"]
    depth = 0
    items: tuple[Item, ...] = ITEMS["rows"].items
    while items:
        depth += 1
        items = items[-1].items
    assert depth < 10


def test_a_model_without_fields_has_no_items() -> None:
    class Empty(BaseModel):
        pass

    assert items_of(Empty.model_json_schema()) == ()
