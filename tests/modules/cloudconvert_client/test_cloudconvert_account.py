"""Get My Info and List Possible Operations: on the embedded server, and on a faulty wire."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from cloudconvert_embedded import only, server
from cloudconvert_script import RESET, SILENCE, Script, data, refused
from contexts import outputs
from pydantic import ValidationError

from engine.errors import (
    DataError,
    InvalidAccessTokenError,
    ModuleError,
    ModuleTimeoutError,
    RateLimitError,
    ServiceConnectionError,
)
from engine.module import Module
from engine.plan.reference import json_schema
from modules.cloudconvert.get_my_info import GetMyInfo
from modules.cloudconvert.list_operations import ListOperations

ME = "GET /v2/users/me"
OPERATIONS = "GET /v2/operations"
BOTH: list[tuple[type[Module[Any, Any]], str]] = [
    (GetMyInfo, ME),
    (ListOperations, OPERATIONS),
]


async def test_the_account_is_shown(tmp_path: Path) -> None:
    async with server(tmp_path) as world:
        account = await only(GetMyInfo, world)
    assert isinstance(account["id"], int)
    assert (account["username"], account["paying"]) == ("local", True)
    assert account["credits"] > 0
    assert account["links"]["self"].endswith("/v2/users/me")


async def test_the_options_of_mov_to_mp4_can_be_read_with_types_defaults_and_values(
    tmp_path: Path,
) -> None:
    async with server(tmp_path) as world:
        [pair] = await outputs(
            ListOperations,
            {"operation": "convert", "input_format": "MOV", "output_format": ".mp4"},
            world,
        )
    assert (pair["input_format"], pair["output_format"], pair["engine"]) == ("mov", "mp4", "ffmpeg")
    assert pair["engine_versions"][0].default is True
    options = {option.name: option for option in pair["options"]}
    assert {"x264", "x265"} <= set(options["video_codec"].possible_values)
    assert (options["video_codec"].type, options["video_codec"].default) == ("enum", "x264")
    assert (options["crf"].type, options["crf"].default) == ("integer", 23)
    assert options["width"].possible_values == []


async def test_operations_are_listed_by_what_they_do_and_take_and_make(tmp_path: Path) -> None:
    async with server(tmp_path) as world:
        everything = await outputs(ListOperations, {}, world)
        archives = await outputs(ListOperations, {"operation": "archive"}, world)
        from_png = await outputs(ListOperations, {"input_format": "png"}, world)
        nothing = await outputs(ListOperations, {"input_format": "unheard-of"[:7]}, world)
    assert len(everything) > len(from_png) > 1
    assert {each["operation"] for each in everything} >= {"convert", "merge", "archive"}
    assert {each["operation"] for each in archives} == {"archive"}
    assert {each["input_format"] for each in from_png} == {"png"}
    assert nothing == []


@pytest.mark.parametrize(("module", "line"), BOTH)
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(401, "UNAUTHENTICATED", "Unauthenticated."), InvalidAccessTokenError),
        (refused(403, "FORBIDDEN", "Invalid scope(s) provided."), InvalidAccessTokenError),
        (refused(403, "FORBIDDEN", "Not yours."), DataError),
        (refused(422, "INVALID_DATA", "The given data was invalid."), DataError),
        (refused(429, "TOO_MANY_REQUESTS", "Slow down.", **{"retry-after": "999"}), RateLimitError),
        (refused(500, "", "Oops."), ServiceConnectionError),
        (RESET, ServiceConnectionError),
        (SILENCE, ModuleTimeoutError),
        (data(None), DataError),
    ],
)
async def test_an_answer_has_the_error_type_of_the_table(
    tmp_path: Path,
    module: type[Module[Any, Any]],
    line: str,
    answer: httpx.Response | Exception,
    kind: type[ModuleError],
) -> None:
    with pytest.raises(ModuleError) as caught:
        await Script({line: [answer]}).run(module, tmp_path, {})
    assert type(caught.value) is kind


async def test_an_account_of_a_newer_service_tells_more(tmp_path: Path) -> None:
    me = {"id": 7, "paying": True, "task_priority": 50, "tasks_per_minute": 500, "new": 1}
    [account] = await Script({ME: [data(me)]}).run(GetMyInfo, tmp_path, {})
    assert (account["id"], account["paying"], account["tasks_per_minute"]) == (7, True, 500)
    assert (account["email"], account["created_at"]) == (None, None)


async def test_operations_are_asked_for_with_their_filters_only(tmp_path: Path) -> None:
    script = Script({OPERATIONS: [data([])]})
    await script.run(ListOperations, tmp_path, {"output_format": "Tar.GZ"})
    await script.run(ListOperations, tmp_path, {})
    include = {"include": "options,engine_versions"}
    assert script.queries == [{"filter[output_format]": "tar.gz", **include}, include]


async def test_an_operation_that_tells_little_is_understood(tmp_path: Path) -> None:
    entry = {"operation": "merge", "options": [{"name": "x"}, 5], "alternatives": None}
    [found] = await Script({OPERATIONS: [data([entry, None])]}).run(ListOperations, tmp_path, {})
    assert found["operation"] == "merge"
    assert found["input_format"] is None
    assert [option.name for option in found["options"]] == ["x"]
    assert (found["alternatives"], found["engine_versions"]) == ([], [])


@pytest.mark.parametrize(
    "fields",
    [{"operation": "a b"}, {"input_format": "../x"}, {"output_format": "a b"}, {"engine": "x"}],
)
def test_fields_that_do_not_fit_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ListOperations.input.model_validate(fields)


def test_get_my_info_has_no_fields() -> None:
    with pytest.raises(ValidationError):
        GetMyInfo.input.model_validate({"user": 1})


@pytest.mark.parametrize("module", [GetMyInfo, ListOperations])
def test_every_field_and_item_is_described(module: type[Module[Any, Any]]) -> None:
    assert module.output is not None
    for model in (module.input, module.output):
        schema = json_schema(model)
        for part in (schema, *schema.get("$defs", {}).values()):
            properties = part.get("properties", {})
            assert [name for name, each in properties.items() if not each.get("description")] == []
