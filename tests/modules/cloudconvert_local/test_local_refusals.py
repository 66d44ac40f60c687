"""What the server does not take, and in which words it says so."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from local_server import UPLOAD, Local, serving

RAW = {"operation": "import/raw", "file": "hello", "filename": "a.txt"}


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with serving(tmp_path / "data") as running:
        yield running


@pytest.mark.parametrize("key", [None, "", "Bearer wrong", "Basic key-for-tests"])
async def test_a_missing_key_and_a_wrong_one_get_the_same_answer(
    local: Local, key: str | None
) -> None:
    headers = {} if key is None else {"Authorization": key}
    reply = await local.plain.post("/v2/jobs", content=b"not json", headers=headers)
    assert reply.status_code == 401
    assert reply.json() == {"message": "Unauthenticated.", "code": "UNAUTHENTICATED"}


async def test_an_empty_job_is_refused_as_recorded(local: Local) -> None:
    bodies: tuple[dict[str, Any], ...] = ({}, {"tasks": {}}, {"tasks": None})
    for body in bodies:
        assert await local.refused("/v2/jobs", body) == {
            "message": "The given data was invalid.",
            "code": "INVALID_DATA",
            "errors": {"tasks": ["The tasks field is required."]},
        }


@pytest.mark.parametrize(
    ("task", "field", "text"),
    [
        ({}, "operation", "The tasks.a.operation field is required."),
        ({"operation": "dance"}, "operation", "The selected tasks.a.operation is invalid."),
        ({"operation": "import/url"}, "url", "The tasks.a.url field is required."),
        ({"operation": "import/url", "url": ""}, "url", "The tasks.a.url field is required."),
        (
            {"operation": "import/url", "url": "file:///etc/passwd"},
            "url",
            "The tasks.a.url must be a valid http or https URL.",
        ),
        ({"operation": "export/url"}, "input", "The tasks.a.input field is required."),
        (
            {"operation": "export/url", "input": "b"},
            "input",
            'The selected tasks.a.input is invalid: there is no task "b".',
        ),
        (
            {"operation": "export/url", "input": 5},
            "input",
            "The tasks.a.input must be a string or an array of strings.",
        ),
        (
            {"operation": "convert", "input": "a", "output_format": "png"},
            "input",
            "The tasks.a.input is invalid: the task would wait for itself.",
        ),
        (RAW | {"ignore_error": 5}, "ignore_error", "The tasks.a.ignore_error field must be true"),
        ({"operation": "import/raw", "file": "x"}, "filename", "The tasks.a.filename field is req"),
        (
            {"operation": "import/base64", "file": "%%%", "filename": "x"},
            "file",
            "The tasks.a.file must be valid base64.",
        ),
    ],
)
async def test_each_mistake_in_a_task_is_named_with_its_place(
    local: Local, task: dict[str, Any], field: str, text: str
) -> None:
    answer = await local.refused("/v2/jobs", {"tasks": {"a": task}})
    assert answer["code"] == "INVALID_DATA"
    assert list(answer["errors"]) == [f"tasks.a.{field}"]
    assert answer["errors"][f"tasks.a.{field}"][0].startswith(text)


async def test_all_mistakes_are_named_in_one_answer(local: Local) -> None:
    tasks = {"a": {"operation": "import/url"}, "b": {"operation": "export/url"}, "c d": UPLOAD}
    answer = await local.refused("/v2/jobs", {"tasks": tasks})
    assert set(answer["errors"]) == {"tasks.a.url", "tasks.b.input", "tasks.c d"}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"width": "wide"}, "The tasks.p.width must be an integer."),
        ({"width": 0}, "The tasks.p.width must be at least 2."),
        ({"fit": "stretch"}, "The selected tasks.p.fit is invalid."),
        ({"crf": 64}, "The tasks.p.crf may not be greater than 63."),
        ({"video_codec": "vp8"}, "The selected tasks.p.video_codec is invalid."),
        ({"trim_start": "soon"}, "The tasks.p.trim_start format is invalid."),
        ({"timeout": -1}, "The tasks.p.timeout must be at least 1."),
    ],
)
async def test_options_of_a_known_pair_are_checked_before_anything_runs(
    local: Local, options: dict[str, Any], text: str
) -> None:
    convert = {"operation": "convert", "input": "i", "input_format": "mov", "output_format": "mp4"}
    answer = await local.refused("/v2/jobs", {"tasks": {"i": UPLOAD, "p": convert | options}})
    [(path, texts)] = answer["errors"].items()
    assert path == f"tasks.p.{next(iter(options))}"
    assert texts[0].startswith(text)


@pytest.mark.parametrize(
    ("operation", "field", "text"),
    [
        ("watermark", "text", "Exactly one of text and image is required."),
        ("pdf/encrypt", "set_password", "Either set_password or set_owner_password is required."),
    ],
)
async def test_what_only_fields_together_lack_is_told_of_one_of_them(
    local: Local, operation: str, field: str, text: str
) -> None:
    job = {"tasks": {"i": UPLOAD, "p": {"operation": operation, "input": "i"}}}
    answer = await local.refused("/v2/jobs", job)
    assert answer["errors"] == {f"tasks.p.{field}": [text]}


async def test_texts_that_spell_numbers_and_unknown_fields_are_taken(local: Local) -> None:
    convert = {"operation": "convert", "input": "i", "input_format": "mov", "output_format": "mp4"}
    more = {"width": "320", "crf": "30", "colour_of_mind": 7, "engine": None}
    assert await local.create({"i": UPLOAD, "p": convert | more}, webhook_url=None, extra=1)


async def test_a_pair_that_nothing_converts_is_refused(local: Local) -> None:
    convert = {"operation": "convert", "input": "i", "input_format": "mp3", "output_format": "png"}
    answer = await local.refused("/v2/jobs", {"tasks": {"i": UPLOAD, "p": convert}})
    assert list(answer["errors"]) == ["tasks.p.output_format"]


async def test_a_body_that_is_no_json_object_is_a_bad_request(local: Local) -> None:
    for body in (b"{", b"[1]", b'"x"'):
        reply = await local.http.post("/v2/jobs", content=body)
        assert (reply.status_code, reply.json()["code"]) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v2/jobs/none", 404, "NOT_FOUND"),
        ("GET", "/sync/v2/jobs/none", 404, "NOT_FOUND"),
        ("GET", "/v2/tasks/none", 404, "NOT_FOUND"),
        ("DELETE", "/v2/jobs/none", 404, "NOT_FOUND"),
        ("POST", "/v2/tasks/none/cancel", 404, "NOT_FOUND"),
        ("POST", "/v2/tasks/none/retry", 404, "NOT_FOUND"),
        ("POST", "/v2/dance", 404, "NOT_FOUND"),
        ("GET", "/nowhere", 404, "NOT_FOUND"),
        ("PATCH", "/v2/jobs", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/v2/jobs?page=0", 422, "INVALID_DATA"),
        ("GET", "/v2/jobs?page=x", 422, "INVALID_DATA"),
    ],
)
async def test_what_is_not_there_gets_the_error_envelope(
    local: Local, method: str, path: str, status: int, code: str
) -> None:
    reply = await local.http.request(method, path)
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert reply.json()["message"]


async def test_a_lone_task_is_refused_with_plain_field_names(local: Local) -> None:
    answer = await local.refused("/v2/convert", {"input": []})
    assert set(answer["errors"]) == {"input", "output_format"}
    unknown = "00000000-0000-4000-8000-000000000000"
    answer = await local.refused("/v2/export/url", {"input": unknown})
    assert list(answer["errors"]) == ["input"]
