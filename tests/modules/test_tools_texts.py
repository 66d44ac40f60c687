"""Tools for one variable and for texts: compose, convert encoding."""

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from contexts import World, outputs
from pydantic import ValidationError

from engine.errors import DataError
from engine.plan.coercing import Misfit
from engine.plan.reference import json_schema
from modules.tools import connector
from modules.tools.compose_string import ComposeString
from modules.tools.convert_encoding import ENCODINGS, ConvertEncoding
from modules.tools.get_variable import GetVariable
from modules.tools.set_variable import SetVariable


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize("name", connector.modules)
def test_every_field_and_item_of_every_tool_is_explained(name: str) -> None:
    module = connector.load(name)
    assert module.id == f"tools.{name}"
    assert (module.__doc__ or "").strip()
    for model in (module.input, module.output):
        if model is not None:
            for item in json_schema(model).get("properties", {}).values():
                assert item["description"]


@pytest.mark.parametrize("lifetime", ["cycle", "execution"])
async def test_set_variable_emits_an_item_named_after_it(world: World, lifetime: str) -> None:
    fields = {"name": "total", "value": [1], "lifetime": lifetime}

    assert await outputs(SetVariable, fields, world) == [{"total": [1]}]
    assert world.variables.values == {"total": [1]}
    assert world.variables.lifetimes == {"total": lifetime}


async def test_a_variable_without_a_value_is_null_and_lives_for_the_cycle(world: World) -> None:
    assert await outputs(SetVariable, {"name": "a"}, world) == [{"a": None}]
    assert world.variables.lifetimes == {"a": "cycle"}


async def test_get_variable_finds_the_last_value_and_null_for_unset(world: World) -> None:
    for value in (1, 2):
        await outputs(SetVariable, {"name": "a", "value": value}, world)

    assert await outputs(GetVariable, {"name": "a"}, world) == [{"a": 2}]
    assert await outputs(GetVariable, {"name": "b"}, world) == [{"b": None}]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is ", "as it is "),
        (None, ""),
        (True, "true"),
        (3, "3"),
        (3.0, "3"),
        (0.25, "0.25"),
        (datetime(2026, 3, 1, 14, tzinfo=timezone(timedelta(hours=2))), "2026-03-01T12:00:00.000Z"),
        (b"\xc5\x82", "ł"),
        ([1, ["a", None], False], "1, a, , false"),
    ],
)
async def test_compose_string_makes_one_text_of_any_value(
    world: World, value: Any, text: str
) -> None:
    assert await outputs(ComposeString, {"value": value}, world) == [{"text": text}]


async def test_compose_string_makes_the_empty_text_of_nothing(world: World) -> None:
    assert await outputs(ComposeString, {}, world) == [{"text": ""}]


@pytest.mark.parametrize(
    "value", [{"a": 1}, b"\xff", [{"a": 1}], ["x" * 500_000] * 1_000_000, [["x" * 900_000] * 2]]
)
async def test_what_has_no_text_is_refused(world: World, value: Any) -> None:
    with pytest.raises(Misfit):
        await outputs(ComposeString, {"value": value}, world)


@pytest.mark.parametrize(
    ("data", "before", "after", "expected"),
    [
        (b"\xb3\xf3d\x9f", "windows-1250", "utf-8", "łódź".encode()),
        ("łódź".encode(), "utf-8", "ISO_8859-2", b"\xb3\xf3d\xbc"),
        ("日本", "utf-8", "Shift-JIS", b"\x93\xfa\x96{"),
        ("ab", "ascii", "UTF16LE", b"a\0b\0"),
        (12, "utf-8", "utf-8", b"12"),
        (b"", "utf-8", "cp437", b""),
    ],
)
async def test_a_text_changes_its_encoding_and_not_its_characters(
    world: World, data: Any, before: str, after: str, expected: bytes
) -> None:
    fields = {"data": data, "input_encoding": before, "output_encoding": after}

    assert await outputs(ConvertEncoding, fields, world) == [{"data": expected}]


async def test_code_pages_are_utf_8_unless_said(world: World) -> None:
    data = "łódź".encode()

    assert await outputs(ConvertEncoding, {"data": data}, world) == [{"data": data}]


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_every_code_page_is_one_that_python_knows(world: World, encoding: str) -> None:
    there = {"data": "plain", "output_encoding": encoding}
    (converted,) = await outputs(ConvertEncoding, there, world)

    back = {"data": converted["data"], "input_encoding": encoding}
    assert await outputs(ConvertEncoding, back, world) == [{"data": b"plain"}]


@pytest.mark.parametrize(
    ("data", "before", "after", "says"),
    [
        (b"ab\xff", "utf-8", "utf-8", "the data is no text in utf-8: byte 3"),
        ("aé", "utf-8", "ascii", "ascii has no character `é` (character 2 of the text)"),
        ("\ud800", "utf-8", "utf-8", "utf-8 has no character U+D800 (character 1 of the text)"),
    ],
)
async def test_what_does_not_fit_a_code_page_is_an_error_and_never_replaced(
    world: World, data: Any, before: str, after: str, says: str
) -> None:
    fields = {"data": data, "input_encoding": before, "output_encoding": after}

    with pytest.raises(DataError) as caught:
        await outputs(ConvertEncoding, fields, world)
    assert caught.value.message == says


@pytest.mark.parametrize(
    ("module", "fields"),
    [
        (SetVariable, {"value": 1}),
        (SetVariable, {"name": ""}),
        (SetVariable, {"name": "a", "lifetime": "scenario"}),
        (GetVariable, {"name": ""}),
        (ConvertEncoding, {"data": "a", "output_encoding": "rot13"}),
        (ConvertEncoding, {"data": "a", "input_encoding": "punycode"}),
        (ConvertEncoding, {"data": {"a": 1}}),
        (ConvertEncoding, {}),
    ],
)
def test_fields_that_cannot_work_are_refused(module: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        module.input.model_validate(fields)
