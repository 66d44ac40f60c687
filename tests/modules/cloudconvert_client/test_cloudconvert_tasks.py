"""Get, List, Cancel, Retry and Delete a Task: on the embedded server, and on a faulty wire."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from cloudconvert_embedded import EXPORTED, RAW, created, ended, only, server
from cloudconvert_script import GONE, RESET, SILENCE, Script, data, refused
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
from modules.cloudconvert.answers import Task
from modules.cloudconvert.cancel_task import CancelTask
from modules.cloudconvert.delete_task import DeleteTask
from modules.cloudconvert.get_task import GetTask
from modules.cloudconvert.list_tasks import ListTasks
from modules.cloudconvert.retry_task import RetryTask

UPLOAD = {
    "in": {"operation": "import/upload"},
    "out": {"operation": "export/url", "input": "in"},
}
GET = "GET /v2/tasks/t-1"
CANCEL = "POST /v2/tasks/t-1/cancel"
RETRY = "POST /v2/tasks/t-1/retry"
DELETE = "DELETE /v2/tasks/t-1"
FIELDS = {"task_id": "t-1"}
DONE = refused(422, "INVALID_DATA", "The given data was invalid.")


def task(status: str = "processing", **more: Any) -> httpx.Response:
    return data({"id": "t-1", "status": status, **more})


def retries(*ids: str) -> httpx.Response:
    return data({"id": "t-1", "retries": [{"id": each, "status": "waiting"} for each in ids]})


ALONE: list[tuple[type[Module[Any, Any]], str, dict[str, Any]]] = [
    (GetTask, GET, FIELDS),
    (ListTasks, "GET /v2/tasks", {}),
    (CancelTask, CANCEL, FIELDS),
    (RetryTask, RETRY, FIELDS),
    (DeleteTask, DELETE, FIELDS),
]


async def test_a_task_is_shown_with_all_that_is_known_of_it(tmp_path: Path) -> None:
    async with server(tmp_path) as world:
        job = await ended(world, EXPORTED)
        imported, exported = job["tasks"]
        shown = await only(GetTask, world, task_id=exported["id"])
    assert (shown["id"], shown["name"], shown["job_id"]) == (exported["id"], "out", job["id"])
    assert (shown["operation"], shown["status"], shown["percent"]) == (
        "export/url",
        "finished",
        100,
    )
    assert (shown["credits"], shown["message"], shown["code"]) == (0, None, None)
    assert shown["depends_on_task_ids"] == [imported["id"]]
    assert shown["payload"] == {"operation": "export/url", "input": "in"}
    [file] = shown["result"]["files"]
    assert (file["filename"], file["size"]) == ("a.txt", 5)
    assert "signature=" in file["url"]
    assert shown["started_at"] <= shown["ended_at"]
    assert shown["retry_of_task_id"] is None


async def test_tasks_are_listed_by_status_job_and_operation_up_to_the_limit(
    tmp_path: Path,
) -> None:
    async with server(tmp_path) as world:
        done, waiting = await ended(world, EXPORTED), await created(world, UPLOAD)

        async def listed(**fields: Any) -> list[tuple[str, str]]:
            found = await outputs(ListTasks, fields, world)
            return [(each["job_id"], each["name"]) for each in found]

        assert len(await listed()) == 4
        assert len(await listed(limit=3)) == 3
        assert sorted(await listed(status="finished")) == [(done["id"], "in"), (done["id"], "out")]
        assert sorted(await listed(job_id=waiting["id"])) == [
            (waiting["id"], "in"),
            (waiting["id"], "out"),
        ]
        assert await listed(operation="import/raw") == [(done["id"], "in")]
        both = await listed(status="waiting", operation="export/url")
        assert both == [(waiting["id"], "out")]
        assert await listed(job_id="of-another-account") == []


async def test_a_waiting_task_is_cancelled_and_an_ended_one_cannot_be(tmp_path: Path) -> None:
    async with server(tmp_path) as world:
        first = (await created(world, UPLOAD))["tasks"][0]
        cancelled = await only(CancelTask, world, task_id=first["id"])
        dependent = await outputs(ListTasks, {"operation": "export/url"}, world)
        with pytest.raises(DataError, match="Cannot change status: task already completed"):
            await only(CancelTask, world, task_id=first["id"])
    assert (cancelled["status"], cancelled["code"]) == ("error", "CANCELLED")
    assert cancelled["ended_at"] is not None
    assert [each["code"] for each in dependent] == ["INPUT_TASK_FAILED"]


async def test_a_retry_is_a_new_task_with_an_id_of_its_own(tmp_path: Path) -> None:
    async with server(tmp_path) as world:
        old = (await ended(world, {"in": RAW}))["tasks"][0]
        new = await only(RetryTask, world, task_id=old["id"])
        again = await only(RetryTask, world, task_id=old["id"])
    assert len({old["id"], new["id"], again["id"]}) == 3
    assert new["retry_of_task_id"] == new["copy_of_task_id"] == old["id"]
    assert (new["job_id"], new["name"]) == (None, None)


async def test_a_deleted_task_is_gone(tmp_path: Path) -> None:
    async with server(tmp_path) as world:
        first = (await created(world, UPLOAD))["tasks"][0]
        assert await only(DeleteTask, world, task_id=first["id"]) == {"id": first["id"]}
        for module in (GetTask, CancelTask, RetryTask, DeleteTask):
            with pytest.raises(DataError, match=r"Task not found\."):
                await only(module, world, task_id=first["id"])


@pytest.mark.parametrize(("module", "request_line", "fields"), ALONE)
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(400, "BAD_REQUEST", "No."), DataError),
        (refused(401, "UNAUTHENTICATED", "Unauthenticated."), InvalidAccessTokenError),
        (refused(402, "CREDITS_EXCEEDED", "No credits."), ModuleError),
        (refused(402, "PARALLEL_JOB_LIMIT_EXCEEDED", "Too many."), RateLimitError),
        (refused(403, "FORBIDDEN", "Invalid scope(s) provided."), InvalidAccessTokenError),
        (refused(403, "FORBIDDEN", "Not yours."), DataError),
        (GONE, DataError),
        (DONE, DataError),
        (refused(429, "TOO_MANY_REQUESTS", "Slow down.", **{"retry-after": "999"}), RateLimitError),
        (refused(500, "", "Oops."), ServiceConnectionError),
        (RESET, ServiceConnectionError),
        (SILENCE, ModuleTimeoutError),
    ],
)
async def test_an_answer_has_the_error_type_of_the_table(
    tmp_path: Path,
    module: type[Module[Any, Any]],
    request_line: str,
    fields: dict[str, Any],
    answer: httpx.Response | Exception,
    kind: type[ModuleError],
) -> None:
    script = Script({GET: [task()], request_line: [answer]})
    with pytest.raises(ModuleError) as caught:
        await script.run(module, tmp_path, fields)
    assert type(caught.value) is kind


@pytest.mark.parametrize("module", [GetTask, CancelTask, RetryTask, DeleteTask])
@pytest.mark.parametrize("task_id", ["", "../users/me", "t-1/cancel", "t?x=1"])
async def test_what_is_no_id_is_refused_without_a_request(
    tmp_path: Path, module: type[Module[Any, Any]], task_id: str
) -> None:
    script = Script({})
    with pytest.raises(ValidationError, match="task_id"):
        await script.run(module, tmp_path, {"task_id": task_id})
    assert script.asked == []


@pytest.mark.parametrize(
    "fields",
    [
        {"limit": 0},
        {"status": "done"},
        {"job_id": "../x"},
        {"operation": "Convert"},
        {"operation": "import/"},
        {"operation": "a&b"},
        {"name": "x"},
    ],
)
def test_a_list_refuses_fields_that_do_not_fit(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ListTasks.input.model_validate(fields)


async def test_a_list_asks_with_its_filters_only(tmp_path: Path) -> None:
    script = Script({"GET /v2/tasks": [data([])]})
    assert await script.run(ListTasks, tmp_path, {"status": None, "operation": "convert"}) == []
    expected = {"filter[operation]": "convert", "per_page": "10", "page": "1"}
    assert script.queries == [expected]


async def test_a_task_of_an_older_or_newer_service_is_understood(tmp_path: Path) -> None:
    odd: dict[str, Any] = {
        "percent": "half",
        "credits": 1.0,
        "depends_on_task_ids": None,
        "result": [],
        "new": {},
    }
    [shown] = await Script({GET: [task(**odd)]}).run(GetTask, tmp_path, FIELDS)
    assert set(shown) == set(Task.model_fields)
    assert (shown["percent"], shown["credits"]) == (None, 1)
    assert (shown["depends_on_task_ids"], shown["result"], shown["payload"]) == ([], {}, {})


async def test_the_payload_is_asked_for(tmp_path: Path) -> None:
    script = Script({GET: [task(payload={"url": "https://example.test/"})]})
    [shown] = await script.run(GetTask, tmp_path, FIELDS)
    assert script.queries == [{"include": "payload"}]
    assert shown["payload"] == {"url": "https://example.test/"}


@pytest.mark.parametrize("lost", [RESET, SILENCE, refused(500, "", "Oops."), data(None)])
async def test_a_cancel_whose_answer_is_lost_is_read_off_the_task(
    tmp_path: Path, lost: httpx.Response | Exception
) -> None:
    script = Script({CANCEL: [lost], GET: [task(), task("error", code="CANCELLED")]})
    [cancelled] = await script.run(CancelTask, tmp_path, FIELDS)
    assert cancelled["code"] == "CANCELLED"
    assert script.lines.count(CANCEL) == 1


async def test_a_replayed_cancel_that_got_through_after_all_is_done(tmp_path: Path) -> None:
    with pytest.raises(ModuleTimeoutError) as caught:
        await Script({CANCEL: [SILENCE], GET: [task()]}).run(CancelTask, tmp_path, FIELDS)
    script = Script({CANCEL: [DONE], GET: [task("error")]})
    [cancelled] = await script.run(CancelTask, tmp_path, FIELDS, caught.value.detail)
    assert cancelled["status"] == "error"
    with pytest.raises(DataError):
        await script.run(CancelTask, tmp_path, FIELDS)


async def test_a_replayed_cancel_that_did_not_get_through_is_sent_again(tmp_path: Path) -> None:
    script = Script({CANCEL: [task("error")], GET: [task()]})
    [cancelled] = await script.run(CancelTask, tmp_path, FIELDS, {"cancelling": "t-1"})
    assert cancelled["status"] == "error"


@pytest.mark.parametrize("lost", [RESET, SILENCE, refused(502, "", "Oops."), data(None, 201)])
async def test_a_retry_whose_answer_is_lost_is_found_and_not_made_twice(
    tmp_path: Path, lost: httpx.Response | Exception
) -> None:
    script = Script({RETRY: [lost], GET: [retries("old"), retries("old"), retries("old", "new")]})
    [new] = await script.run(RetryTask, tmp_path, FIELDS)
    assert new["id"] == "new"
    assert script.lines.count(RETRY) == 1


async def test_a_replayed_retry_takes_up_what_its_first_attempt_made(tmp_path: Path) -> None:
    with pytest.raises(ServiceConnectionError) as caught:
        await Script({RETRY: [RESET], GET: [retries("old")]}).run(RetryTask, tmp_path, FIELDS)
    script = Script({GET: [retries("old", "new")]})
    [new] = await script.run(RetryTask, tmp_path, FIELDS, caught.value.detail)
    assert new["id"] == "new"


async def test_a_replayed_retry_that_made_nothing_is_made(tmp_path: Path) -> None:
    earlier = {"retrying": "t-1", "known_retries": ["old"]}
    script = Script({GET: [retries("old")], RETRY: [data({"id": "new"}, 201)]})
    [new] = await script.run(RetryTask, tmp_path, FIELDS, earlier)
    assert new["id"] == "new"


async def test_a_retry_that_was_refused_leaves_nothing_to_take_up(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        await Script({RETRY: [DONE], GET: [retries()]}).run(RetryTask, tmp_path, FIELDS)
    assert "retrying" not in caught.value.detail


async def test_a_deletion_whose_answer_is_lost_is_repeated_and_gone_is_done(
    tmp_path: Path,
) -> None:
    script = Script({DELETE: [RESET, GONE]})
    assert await script.run(DeleteTask, tmp_path, FIELDS) == [{"id": "t-1"}]


@pytest.mark.parametrize("module", [module for module, _line, _fields in ALONE])
def test_every_field_and_item_is_described(module: type[Module[Any, Any]]) -> None:
    assert module.output is not None
    for model in (module.input, module.output):
        properties = json_schema(model)["properties"]
        assert [name for name, entry in properties.items() if not entry.get("description")] == []
