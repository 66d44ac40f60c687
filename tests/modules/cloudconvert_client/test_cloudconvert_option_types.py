"""Options given as texts become what the list of operations says that they are."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from cloudconvert_script import Script, data, refused
from contexts import World

from engine.errors import ServiceConnectionError
from modules.cloudconvert.option_types import typed

LIST = "GET /v2/operations"
OPTIONS = [
    {"name": "width", "type": "integer"},
    {"name": "volume", "type": "float"},
    {"name": "strip", "type": "boolean"},
    {"name": "pages", "type": "string"},
    {"name": "video_codec", "type": "enum"},
    {"name": "odd"},
]


def listing(*options: list[dict[str, Any]]) -> httpx.Response:
    return data([{"operation": "convert", "options": each} for each in options])


async def sent(script: Script, folder: Path, **task: Any) -> dict[str, Any]:
    """Return what is sent of a task; the last of several tries in one run."""
    async with script.http() as http:
        world = World(folder, http=http)
        for _ in range(2):
            found = await typed(world, {"t": {"operation": "convert", **task}})
    result: dict[str, Any] = found["t"]
    return result


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("width", "320", 320),
        ("width", "-1", -1),
        ("width", "0.5", "0.5"),
        ("width", "true", "true"),
        ("volume", "0.5", 0.5),
        ("volume", "2", 2),
        ("strip", "true", True),
        ("strip", "false", False),
        ("strip", "1", "1"),
        ("pages", "3", "3"),
        ("video_codec", "264", "264"),
        ("odd", "1", "1"),
        ("unheard_of", "1", "1"),
        ("engine_version", "7.1", "7.1"),
    ],
)
async def test_a_text_is_sent_as_the_type_that_the_service_lists(
    tmp_path: Path, name: str, text: str, value: Any
) -> None:
    script = Script({LIST: [listing(OPTIONS)]})
    task = await sent(script, tmp_path, output_format="mp4", input_format="mov", **{name: text})
    assert (task[name], type(task[name])) == (value, type(value))
    assert script.queries == [
        {
            "filter[operation]": "convert",
            "filter[input_format]": "mov",
            "filter[output_format]": "mp4",
            "include": "options",
        }
    ]


async def test_the_service_is_not_asked_about_what_is_clear_already(tmp_path: Path) -> None:
    script = Script({})
    task = {
        "output_format": "7",
        "filename": "12",
        "width": 320,
        "fit": "max",
        "pages": "1-2",
        "t": "007",
    }
    assert await sent(script, tmp_path, **task) == {"operation": "convert", **task}
    await sent(script, tmp_path, operation="export/url", input="1")
    assert script.asked == []


async def test_an_option_that_has_several_types_stays_text(tmp_path: Path) -> None:
    script = Script({LIST: [listing(OPTIONS, [{"name": "width", "type": "string"}])]})
    assert (await sent(script, tmp_path, output_format="mp4", width="1"))["width"] == "1"


async def test_without_a_list_texts_stay_texts(tmp_path: Path) -> None:
    script = Script({LIST: [refused(404, "NOT_FOUND", "Not found.")]})
    assert (await sent(script, tmp_path, output_format="mp4", width="1"))["width"] == "1"


async def test_a_service_that_does_not_answer_is_an_error(tmp_path: Path) -> None:
    script = Script({LIST: [httpx.Response(503)]})
    with pytest.raises(ServiceConnectionError):
        await sent(script, tmp_path, output_format="mp4", width="1")
