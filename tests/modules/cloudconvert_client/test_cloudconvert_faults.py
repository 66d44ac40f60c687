"""The file modules when the service refuses, fails, vanishes or is slow. Rules: security 8."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cloudconvert_fake import SYNC, FakeService, always, times
from contexts import World, outputs

from engine.errors import (
    DataError,
    InvalidAccessTokenError,
    MaxFileSizeExceededError,
    ModuleError,
    ModuleTimeoutError,
    RateLimitError,
    ServiceConnectionError,
)
from engine.module import Bundle, Reply
from modules.cloudconvert.convert_file import ConvertFile
from modules.cloudconvert.failures import refusal


async def convert(
    service: FakeService, folder: Path, max_file_size: int | None = None, **fields: Any
) -> Bundle:
    async with service.http() as http:
        world = World(folder, http=http, max_file_size=max_file_size)
        file = await world.files.file_of({"name": "letter.docx", "data": b"words"})
        defaults = {"input_file": "upload", "file": file, "output_format": "pdf"}
        found = await outputs(ConvertFile, {**defaults, "download_file": True, **fields}, world)
    assert len(found) == 1
    return found[0]


def refused(status: int, code: str, message: str, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "message": message}, headers=headers)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(429, headers={"retry-after": "1"}), RateLimitError),
        (httpx.Response(500), ServiceConnectionError),
        (httpx.Response(503), ServiceConnectionError),
        (httpx.ConnectError("refused"), ServiceConnectionError),
        (httpx.ReadError("reset"), ServiceConnectionError),
        (httpx.ReadTimeout("nothing"), ModuleTimeoutError),
        (httpx.Response(302, headers={"location": "/v2/jobs"}), ServiceConnectionError),
        (refused(401, "UNAUTHENTICATED", "Unauthenticated."), InvalidAccessTokenError),
        (refused(403, "FORBIDDEN", "Invalid scope(s) provided."), InvalidAccessTokenError),
        (refused(403, "FORBIDDEN", "Not yours."), DataError),
        *((refused(status, "", "No."), DataError) for status in (400, 404, 409, 413, 422)),
        (httpx.Response(502, content=b"<html>"), ServiceConnectionError),
        (httpx.Response(504), ServiceConnectionError),
    ],
)
async def test_a_creation_that_is_refused_has_the_error_type_of_the_table(
    tmp_path: Path, answer: httpx.Response | Exception, kind: type[ModuleError]
) -> None:
    service = FakeService(faults={"POST /v2/jobs": always(answer)})
    with pytest.raises(kind) as caught:
        await convert(service, tmp_path)
    assert type(caught.value) is kind
    assert service.jobs == {}


async def test_spent_credits_are_a_storable_runtime_error_with_the_seeds_text(
    tmp_path: Path,
) -> None:
    message = "Your account has run out of conversion minutes"
    service = FakeService(
        faults={"POST /v2/jobs": always(refused(402, "CREDITS_EXCEEDED", message))}
    )
    with pytest.raises(ModuleError) as caught:
        await convert(service, tmp_path)
    assert caught.value.type_name == "RuntimeError"
    assert caught.value.storable is True
    assert caught.value.message == f"You have exceeded the maximum conversion time. {message}"


TOO_MANY = refused(
    402, "PARALLEL_JOB_LIMIT_EXCEEDED", "You have started too many jobs", **{"retry-after": "9"}
)


async def test_too_many_parallel_jobs_are_waited_for(tmp_path: Path) -> None:
    service = FakeService(faults={"POST /v2/jobs": times(2, lambda: TOO_MANY)})
    assert (await convert(service, tmp_path))["status"] == "finished"
    assert len(service.jobs) == 1


async def test_too_many_parallel_jobs_for_long_are_a_rate_limit(tmp_path: Path) -> None:
    service = FakeService(faults={"POST /v2/jobs": always(TOO_MANY)})
    with pytest.raises(RateLimitError) as caught:
        await convert(service, tmp_path)
    assert caught.value.retry_after == timedelta(seconds=9)
    assert 2 < len(service.asked) < 10


@pytest.mark.parametrize(
    "lost",
    [
        httpx.ReadError("reset"),
        httpx.ReadTimeout("late"),
        httpx.Response(500),
        httpx.Response(504),
        httpx.Response(
            201, content=b'{"data": {"id"', headers={"content-type": "application/json"}
        ),
        httpx.Response(201, json={"data": None}),
    ],
)
async def test_a_job_whose_creation_got_no_answer_is_found_by_its_tag_and_not_made_twice(
    tmp_path: Path, lost: httpx.Response | Exception
) -> None:
    service = FakeService(late_faults={"POST /v2/jobs": always(lost)})
    bundle = await convert(service, tmp_path)
    assert bundle["status"] == "finished"
    assert len(service.payloads) == 1


async def test_the_end_is_asked_for_once_where_the_service_tells_it(tmp_path: Path) -> None:
    service = FakeService(sync=SYNC)
    bundle = await convert(service, tmp_path)
    assert bundle["status"] == "finished"
    assert service.asked == [
        *("POST /v2/jobs", "POST /1-import-1"),
        *("GET /sync/jobs/job-1", "GET /job-1/out"),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.ReadError("reset"), id="broken off"),
        pytest.param(httpx.Response(504), id="too late"),
        pytest.param(httpx.Response(200, text="<html>"), id="of somebody else"),
        pytest.param(httpx.Response(200, json={"data": []}), id="no job"),
    ],
)
async def test_where_the_end_is_not_told_it_is_asked_for_again_and_again(
    tmp_path: Path, answer: httpx.Response | Exception
) -> None:
    service = FakeService(sync=SYNC, faults={"GET /sync/": always(answer)})
    bundle = await convert(service, tmp_path)
    assert bundle["status"] == "finished"
    assert service.asked.count("GET /sync/jobs/job-1") == 1
    assert service.asked.count("GET /v2/jobs/job-1") == 3


async def test_polls_that_always_fail_are_a_connection_error(tmp_path: Path) -> None:
    service = FakeService(faults={"GET /v2/jobs/": always(httpx.Response(500))})
    with pytest.raises(ServiceConnectionError):
        await convert(service, tmp_path)


async def test_a_job_that_never_ends_is_given_up_after_180_seconds_and_left_alone(
    tmp_path: Path,
) -> None:
    service = FakeService(polls=10_000)
    with pytest.raises(ModuleError) as caught:
        await convert(service, tmp_path)
    assert caught.value.type_name == "RuntimeError"
    assert caught.value.message == "Maximum number of repeats exceeded."
    assert caught.value.storable is True
    assert caught.value.detail["job_id"] == "job-1"
    assert service.deleted == []
    assert 40 < service.asked.count("GET /v2/jobs/job-1") < 60


async def test_the_wait_limit_can_be_longer(tmp_path: Path) -> None:
    service = FakeService(polls=80)
    assert (await convert(service, tmp_path, wait_limit="1h"))["status"] == "finished"


async def test_a_failed_job_says_what_its_tasks_said_but_not_who_depended_on_them(
    tmp_path: Path,
) -> None:
    service = FakeService(
        failing={
            "process": {"message": "Failed to read frame size\x1b", "code": "CONVERSION_FAILED"},
            "export": {"message": "Input task has failed", "code": "INPUT_TASK_FAILED"},
        }
    )
    with pytest.raises(DataError) as caught:
        await convert(service, tmp_path)
    assert caught.value.message == "Failed to read frame size\\x1b (Code: CONVERSION_FAILED)"
    assert [task["name"] for task in caught.value.detail["tasks"]] == ["process"]


async def test_a_job_with_several_causes_tells_them_all(tmp_path: Path) -> None:
    service = FakeService(
        failing={
            "import-1": {"message": "File lost", "code": "DOWNLOAD_FAILED"},
            "process": {"message": "Out of memory", "code": None},
        }
    )
    with pytest.raises(DataError, match=r"^File lost \(Code: DOWNLOAD_FAILED\); Out of memory$"):
        await convert(service, tmp_path)


@pytest.mark.parametrize(
    ("code", "type_name", "storable"),
    [
        ("TIMEOUT", "ModuleTimeoutError", None),
        ("INSUFFICIENT_CREDITS", "RuntimeError", True),
        ("CREDITS_EXCEEDED", "RuntimeError", True),
        ("CANCELLED", "DataError", None),
        ("SANDBOX_FILE_NOT_ALLOWED", "DataError", None),
        (None, "DataError", None),
    ],
)
async def test_the_code_of_a_failed_task_decides_the_type(
    tmp_path: Path, code: str | None, type_name: str, storable: bool | None
) -> None:
    service = FakeService(failing={"process": {"message": "It failed", "code": code}})
    with pytest.raises(ModuleError) as caught:
        await convert(service, tmp_path)
    assert (caught.value.type_name, caught.value.storable) == (type_name, storable)
    assert "It failed" in caught.value.message


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(403), DataError),
        (httpx.Response(400), DataError),
        (httpx.Response(503), ServiceConnectionError),
        (httpx.ReadError("reset"), ServiceConnectionError),
    ],
)
async def test_an_upload_that_fails_deletes_its_job(
    tmp_path: Path, answer: httpx.Response | Exception, kind: type[ModuleError]
) -> None:
    service = FakeService(faults={"POST /1-import": always(answer)})
    with pytest.raises(kind):
        await convert(service, tmp_path)
    assert service.deleted == ["job-1"]


async def test_an_upload_that_fails_because_the_job_is_over_says_why_it_is(tmp_path: Path) -> None:
    service = FakeService(faults={"POST /1-import": always(httpx.Response(409))})
    original = service._create

    def created_in_error(request: httpx.Request) -> httpx.Response:
        answer = original(request)
        job = service.jobs["job-1"]
        job["status"] = "error"
        job["tasks"][1] |= {"status": "error", "message": "No such page", "code": "DOWNLOAD_FAILED"}
        return answer

    service._create = created_in_error  # type: ignore[method-assign]
    with pytest.raises(DataError, match=r"No such page \(Code: DOWNLOAD_FAILED\)"):
        await convert(service, tmp_path)


@pytest.mark.parametrize("status", [403, 404])
async def test_an_expired_download_is_a_data_error_and_asked_for_once(
    tmp_path: Path, status: int
) -> None:
    service = FakeService(faults={"GET /job-1/out": always(httpx.Response(status))})
    with pytest.raises(DataError):
        await convert(service, tmp_path)
    assert service.asked.count("GET /job-1/out") == 1


async def test_a_result_past_the_scenarios_limit_has_the_seeds_text(tmp_path: Path) -> None:
    service = FakeService(result=b"x" * 5000)
    with pytest.raises(MaxFileSizeExceededError) as caught:
        await convert(service, tmp_path, max_file_size=1000)
    message = "The output file size exceeds the limit allowed for your scenario."
    assert caught.value.message == message


async def test_a_job_without_a_result_is_a_data_error(tmp_path: Path) -> None:
    service = FakeService()
    service._end = lambda job: job.update(status="finished")  # type: ignore[method-assign]
    with pytest.raises(DataError, match="without a file"):
        await convert(service, tmp_path)


async def test_an_interrupted_wait_leaves_the_job_to_be_found_again(tmp_path: Path) -> None:
    service = FakeService()

    class Interrupted(World):
        async def sleep(self, wait: timedelta) -> None:
            raise asyncio.CancelledError

    async with service.http() as http:
        world = Interrupted(tmp_path, http=http)
        file = await world.files.file_of({"name": "a.docx", "data": b"words"})
        fields = {"input_file": "upload", "file": file, "output_format": "pdf", "download_file": 1}
        with pytest.raises(asyncio.CancelledError):
            await outputs(ConvertFile, fields, world)
        again = World(tmp_path, http=http)
        again.in_doubt = True
        [bundle] = await outputs(ConvertFile, fields, again)
    assert (service.deleted, list(service.jobs), bundle["id"]) == ([], ["job-1"], "job-1")


async def test_an_operation_in_doubt_creates_the_job_that_was_never_created(tmp_path: Path) -> None:
    service = FakeService()
    async with service.http() as http:
        world = World(tmp_path, http=http)
        world.in_doubt = True
        file = await world.files.file_of({"name": "a.docx", "data": b"words"})
        fields = {"input_file": "upload", "file": file, "output_format": "pdf", "download_file": 1}
        [bundle] = await outputs(ConvertFile, fields, world)
    assert (list(service.jobs), bundle["tag"]) == (["job-1"], world.operation_key)


async def test_the_key_is_sent_to_the_api_only(tmp_path: Path) -> None:
    service = FakeService()
    await convert(service, tmp_path)
    assert service.with_credential == {"api.example.test"}


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/jobs", "task.write"),
        ("DELETE", "/tasks/7a02b3f9", "task.write"),
        ("GET", "/jobs/1?x=/users", "task.read"),
        ("POST", "/export/url", "task.write"),
        ("GET", "/v2/users/me", "user.read"),
        ("GET", "/users/me/webhooks", "webhook.read"),
        ("POST", "/webhooks", "webhook.write"),
    ],
)
def test_a_refusal_for_a_scope_names_the_one_that_the_request_needs(
    method: str, path: str, scope: str
) -> None:
    body = {"message": "Invalid scope(s) provided.", "code": "FORBIDDEN"}
    error = refusal(method, path, Reply(403, {}, body))
    assert isinstance(error, InvalidAccessTokenError)
    assert error.message.endswith(f"Invalid scope(s) provided. The API key needs `{scope}`")
