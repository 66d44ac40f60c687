"""Get a Job, List Jobs, Delete a Job: on the embedded server, and on a wire that misbehaves."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cloudconvert_embedded import EXPORTED, created, ended, only, server
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
from modules.cloudconvert.delete_job import DeleteJob
from modules.cloudconvert.get_job import GetJob
from modules.cloudconvert.list_jobs import ListJobs

UPLOAD = {"in": {"operation": "import/upload"}}
JOB = {"id": "j-1", "tag": "order-17", "status": "finished", "tasks": []}

MODULES: list[tuple[type[Module[Any, Any]], str, dict[str, Any]]] = [
    (GetJob, "GET /v2/jobs/j-1", {"job_id": "j-1"}),
    (ListJobs, "GET /v2/jobs", {}),
    (DeleteJob, "DELETE /v2/jobs/j-1", {"job_id": "j-1"}),
]


async def test_a_job_is_shown_as_it_is_now(tmp_path: Path) -> None:
    async with server(tmp_path) as world:
        made = await created(world, UPLOAD, tag="order-17")
        job = await only(GetJob, world, job_id=made["id"])
    assert (job["id"], job["tag"], job["status"]) == (made["id"], "order-17", "processing")
    assert job["created_at"] == job["started_at"] == datetime.fromisoformat(made["created_at"])
    assert job["ended_at"] is None
    assert [task["name"] for task in job["tasks"]] == ["in"]
    assert job["links"]["self"].endswith(f"/v2/jobs/{made['id']}")


async def test_jobs_are_listed_newest_first_with_their_tasks_up_to_the_limit(
    tmp_path: Path,
) -> None:
    async with server(tmp_path) as world:
        waiting = [(await created(world, UPLOAD))["id"] for _ in range(3)]
        done = await ended(world, EXPORTED)
        everything = await outputs(ListJobs, {}, world)
        two = await outputs(ListJobs, {"limit": 2}, world)
        processing = await outputs(ListJobs, {"status": "processing"}, world)
        finished = await only(ListJobs, world, status="finished")
        failed = await outputs(ListJobs, {"status": "error"}, world)
    assert [job["id"] for job in everything] == [done["id"], *reversed(waiting)]
    assert [job["id"] for job in two] == [done["id"], waiting[2]]
    assert [job["id"] for job in processing] == waiting[::-1]
    assert finished["tasks"][1]["result"]["files"][0]["url"]
    assert failed == []


async def test_a_deleted_job_is_gone(tmp_path: Path) -> None:
    async with server(tmp_path) as world:
        made = await created(world, UPLOAD)
        assert await only(DeleteJob, world, job_id=made["id"]) == {"id": made["id"]}
        with pytest.raises(DataError, match=r"Job not found\."):
            await only(GetJob, world, job_id=made["id"])
        with pytest.raises(DataError, match=r"Job not found\."):
            await only(DeleteJob, world, job_id=made["id"])


@pytest.mark.parametrize(("module", "request_line", "fields"), MODULES)
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
        (refused(409, "CONFLICT", "No."), DataError),
        (refused(413, "TOO_LARGE", "No."), DataError),
        (refused(422, "INVALID_DATA", "The given data was invalid."), DataError),
        (refused(429, "TOO_MANY_REQUESTS", "Slow down.", **{"retry-after": "999"}), RateLimitError),
        (refused(500, "", "Oops."), ServiceConnectionError),
        (httpx.Response(503, text="<html>maintenance</html>"), ServiceConnectionError),
        (httpx.ConnectError("refused"), ServiceConnectionError),
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
    with pytest.raises(ModuleError) as caught:
        await Script({request_line: [answer]}).run(module, tmp_path, fields)
    assert type(caught.value) is kind


@pytest.mark.parametrize("module", [GetJob, DeleteJob])
@pytest.mark.parametrize("job_id", ["", " ", "../users/me", "a/b", "a?b", "a%2fb", "-", "x" * 65])
async def test_what_is_no_id_is_refused_without_a_request(
    tmp_path: Path, module: type[Module[Any, Any]], job_id: str
) -> None:
    script = Script({})
    with pytest.raises(ValidationError, match="job_id"):
        await script.run(module, tmp_path, {"job_id": job_id})
    assert script.asked == []


async def test_spaces_around_an_id_do_not_matter(tmp_path: Path) -> None:
    script = Script({"GET /v2/jobs/j-1": [data(JOB)]})
    [job] = await script.run(GetJob, tmp_path, {"job_id": " j-1\n"})
    assert job["id"] == "j-1"


@pytest.mark.parametrize(
    "fields", [{"limit": 0}, {"limit": -1}, {"limit": 1.5}, {"status": "waiting"}, {"tag": "x"}]
)
def test_a_list_refuses_fields_that_do_not_fit(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ListJobs.input.model_validate(fields)


async def test_odd_items_of_an_answer_are_empty_and_unknown_ones_do_not_matter(
    tmp_path: Path,
) -> None:
    odd: dict[str, Any] = {
        "id": 17,
        "status": None,
        "created_at": "soon",
        "tasks": {"a": 1},
        "links": [],
        "new": 1,
    }
    [job] = await Script({"GET /v2/jobs/j-1": [data(odd)]}).run(GetJob, tmp_path, {"job_id": "j-1"})
    assert job == {
        "id": "17",
        "tag": None,
        "status": None,
        "created_at": None,
        "started_at": None,
        "ended_at": None,
        "tasks": [],
        "links": {},
    }


async def test_moments_come_in_utc(tmp_path: Path) -> None:
    job = {**JOB, "created_at": "2026-05-04T14:00:00+02:00"}
    [shown] = await Script({"GET /v2/jobs/j-1": [data(job)]}).run(
        GetJob, tmp_path, {"job_id": "j-1"}
    )
    assert shown["created_at"] == datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize("body", [None, [], "text", {"data": None}, {"data": []}, {"data": {}}])
async def test_an_answer_without_a_job_is_a_data_error(tmp_path: Path, body: Any) -> None:
    script = Script({"GET /v2/jobs/j-1": [httpx.Response(200, json=body)]})
    with pytest.raises(DataError, match="holds no job"):
        await script.run(GetJob, tmp_path, {"job_id": "j-1"})


def page(*numbers: int, following: str | None = None) -> httpx.Response:
    return data([{"id": f"j-{number}"} for number in numbers], links={"next": following})


async def test_a_list_is_paged_until_its_limit(tmp_path: Path) -> None:
    pages = [page(*range(100), following="…"), page(*range(100, 200), following="…")]
    script = Script({"GET /v2/jobs": [*pages, page(*range(200, 300), following="…")]})
    jobs = await script.run(ListJobs, tmp_path, {"limit": 250, "status": "error"})
    assert [job["id"] for job in jobs] == [f"j-{number}" for number in range(250)]
    asked = {"filter[status]": "error", "include": "tasks", "per_page": "100"}
    assert script.queries == [{**asked, "page": str(number)} for number in (1, 2, 3)]


async def test_a_small_limit_asks_for_no_more(tmp_path: Path) -> None:
    script = Script({"GET /v2/jobs": [page(*range(9), following="…")]})
    assert len(await script.run(ListJobs, tmp_path, {"limit": 3})) == 3
    assert script.queries == [{"include": "tasks", "per_page": "3", "page": "1"}]


@pytest.mark.parametrize(
    "pages",
    [
        [page(1, 2)],
        [page(1, following="…"), page(2)],
        [page(1, following="…"), page(2, following="…"), page()],
        [page(1, following="…"), page(1, 2, following="…"), page(2, following="…")],
        [data([{"id": "j-1"}, {"id": "j-2"}])],
    ],
    ids=["one page", "no link to a next", "an empty page", "only known ones", "no links at all"],
)
async def test_a_list_ends_where_the_service_has_no_more(
    tmp_path: Path, pages: list[httpx.Response]
) -> None:
    script = Script({"GET /v2/jobs": list(pages)})
    jobs = await script.run(ListJobs, tmp_path, {"limit": 1000})
    assert [job["id"] for job in jobs] == ["j-1", "j-2"]
    assert len(script.asked) == len(pages)


async def test_entries_without_an_id_are_left_out(tmp_path: Path) -> None:
    script = Script({"GET /v2/jobs": [data([None, 5, {}, {"id": None}, {"id": "j-1"}])]})
    assert [job["id"] for job in await script.run(ListJobs, tmp_path, {})] == ["j-1"]


async def test_an_answer_without_a_list_is_a_data_error(tmp_path: Path) -> None:
    bodies: list[Any] = [None, {"data": None}, {"data": {}}, "text"]
    for body in bodies:
        script = Script({"GET /v2/jobs": [httpx.Response(200, json=body)]})
        with pytest.raises(DataError, match="holds no list"):
            await script.run(ListJobs, tmp_path, {})


async def test_a_page_that_fails_yields_nothing(tmp_path: Path) -> None:
    script = Script({"GET /v2/jobs": [page(1, following="…"), refused(500, "", "Oops.")]})
    with pytest.raises(ServiceConnectionError):
        await script.run(ListJobs, tmp_path, {})


@pytest.mark.parametrize("lost", [RESET, refused(500, "", "Oops."), refused(504, "", "Late.")])
async def test_a_deletion_whose_answer_is_lost_is_repeated_and_gone_is_done(
    tmp_path: Path, lost: httpx.Response | Exception
) -> None:
    script = Script({"DELETE /v2/jobs/j-1": [lost, GONE]})
    assert await script.run(DeleteJob, tmp_path, {"job_id": "j-1"}) == [{"id": "j-1"}]


async def test_a_replayed_deletion_that_got_through_after_all_is_done(tmp_path: Path) -> None:
    fields = {"job_id": "j-1"}
    with pytest.raises(ModuleTimeoutError) as caught:
        await Script({"DELETE /v2/jobs/j-1": [SILENCE]}).run(DeleteJob, tmp_path, fields)
    script = Script({"DELETE /v2/jobs/j-1": [GONE], "DELETE /v2/jobs/j-2": [GONE]})
    assert await script.run(DeleteJob, tmp_path, fields, caught.value.detail) == [{"id": "j-1"}]
    with pytest.raises(DataError):
        await script.run(DeleteJob, tmp_path, {"job_id": "j-2"}, caught.value.detail)


@pytest.mark.parametrize("module", [GetJob, ListJobs, DeleteJob])
def test_every_field_and_item_is_described(module: type[Module[Any, Any]]) -> None:
    assert module.output is not None
    for model in (module.input, module.output):
        properties = json_schema(model)["properties"]
        assert [name for name, entry in properties.items() if not entry.get("description")] == []
