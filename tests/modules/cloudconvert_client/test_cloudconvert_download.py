"""Download a File: on the embedded server, and on a wire that misbehaves."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from cloudconvert_embedded import EXPORTED, RAW, created, ended, only, server
from cloudconvert_script import GONE, RESET, SILENCE, Script, data, refused
from contexts import World, outputs
from pydantic import ValidationError

from engine.errors import (
    DataError,
    InvalidAccessTokenError,
    MaxFileSizeExceededError,
    ModuleError,
    ModuleTimeoutError,
    RateLimitError,
    ServiceConnectionError,
)
from engine.module import Bundle
from engine.plan.reference import json_schema
from modules.cloudconvert.download_file import DownloadFile

URL = "https://storage.example.test/out?signature=s"
GET = "GET /v2/tasks/t-1"
EXPORT = "POST /v2/export/url"
SHOW = "GET /v2/tasks/e-1"
FETCH = "GET /out"
CONTENT = httpx.Response(200, content=b"words")


def task(status: str = "finished", files: Any = (), **more: Any) -> httpx.Response:
    shown = {"id": "t-1", "operation": "convert", "status": status, **more}
    return data({**shown, "result": {"files": list(files)}})


def file(name: str = "a.txt", **more: Any) -> dict[str, Any]:
    return {"filename": name, "size": 5, **more}


LINKED = task(files=[file(url=URL)])
UNLINKED = task(files=[file()])


async def download(folder: Path, answers: Any, **fields: Any) -> list[Bundle]:
    return await Script(answers).run(DownloadFile, folder, {"task_id": "t-1", **fields})


async def test_an_export_is_downloaded_with_its_task(tmp_path: Path) -> None:
    async with server(tmp_path) as world:
        job = await ended(world, EXPORTED)
        bundle = await only(DownloadFile, world, task_id=job["tasks"][1]["id"])
        apart = await world.files.file_of({"name": "renamed.txt", "data": bundle["data"]})
    assert bundle["file"].name == "a.txt"
    assert bundle["file"].path.read_bytes() == apart.path.read_bytes() == b"hello"
    assert (bundle["name"], bundle["operation"], bundle["job_id"]) == (
        "out",
        "export/url",
        job["id"],
    )
    assert bundle["payload"]["input"] == "in"


async def test_files_of_a_task_that_is_no_export_are_exported_first(tmp_path: Path) -> None:
    async with server(tmp_path) as world:
        other = {**RAW, "filename": "b.txt", "file": "other"}
        archive = {"operation": "archive", "input": ["in", "more"], "output_format": "zip"}
        job = await ended(world, {"in": RAW, "more": other, "all": archive})
        imported = await only(DownloadFile, world, task_id=job["tasks"][0]["id"])
        archived = await only(DownloadFile, world, task_id=job["tasks"][2]["id"])
    assert imported["file"].path.read_bytes() == b"hello"
    assert imported["id"] == job["tasks"][0]["id"]
    assert archived["file"].path.read_bytes()[:2] == b"PK"


async def test_each_file_of_a_task_is_a_bundle(tmp_path: Path) -> None:
    async with server(tmp_path) as world:
        other = {**RAW, "filename": "b.txt", "file": "other"}
        export = {"operation": "export/url", "input": ["in", "more"]}
        job = await ended(world, {"in": RAW, "more": other, "out": export})
        bundles = await outputs(DownloadFile, {"task_id": job["tasks"][2]["id"]}, world)
    files = [(bundle["file"].name, bundle["file"].path.read_bytes()) for bundle in bundles]
    assert files == [("a.txt", b"hello"), ("b.txt", b"other")]


async def test_a_task_that_waits_cannot_be_downloaded(tmp_path: Path) -> None:
    async with server(tmp_path) as world:
        job = await created(world, {"in": {"operation": "import/upload"}})
        with pytest.raises(DataError, match="is not finished: it is waiting"):
            await only(DownloadFile, world, task_id=job["tasks"][0]["id"])
        with pytest.raises(DataError, match=r"Task not found\."):
            await only(DownloadFile, world, task_id="unknown")


async def test_a_result_past_the_scenarios_limit_has_the_seeds_text(tmp_path: Path) -> None:
    script = Script({GET: [LINKED], FETCH: [CONTENT]})
    async with script.http() as http:
        world = World(tmp_path, http=http, max_file_size=3)
        with pytest.raises(MaxFileSizeExceededError, match="exceeds the limit allowed for your"):
            await outputs(DownloadFile, {"task_id": "t-1"}, world)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("CONVERSION_FAILED", DataError),
        (None, DataError),
        ("TIMEOUT", ModuleTimeoutError),
        ("INSUFFICIENT_CREDITS", ModuleError),
    ],
)
@pytest.mark.parametrize("exporting", [False, True])
async def test_a_task_that_failed_says_why(
    tmp_path: Path, code: str | None, kind: type[ModuleError], *, exporting: bool
) -> None:
    failed = task("error", message="Failed to read frame size\x1b", code=code)
    answers = {GET: [UNLINKED], EXPORT: [failed]} if exporting else {GET: [failed]}
    with pytest.raises(ModuleError, match=r"Failed to read frame size\\x1b") as caught:
        await download(tmp_path, answers)
    assert type(caught.value) is kind


async def test_a_task_without_files_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"task t-1 \(convert\) has no file"):
        await download(tmp_path, {GET: [task()]})
    exported = data({"id": "e-1", "status": "finished", "result": None})
    with pytest.raises(DataError, match="the export of task t-1 has no file"):
        await download(tmp_path, {GET: [UNLINKED], EXPORT: [exported]})


async def test_an_export_is_waited_for_and_no_longer_than_the_limit(tmp_path: Path) -> None:
    working = data({"id": "e-1", "status": "processing"})
    with pytest.raises(ModuleError) as caught:
        await download(
            tmp_path, {GET: [UNLINKED], EXPORT: [working], SHOW: [working]}, wait_limit="20s"
        )
    assert caught.value.message == "Maximum number of repeats exceeded."
    assert (caught.value.type_name, caught.value.storable) == ("RuntimeError", True)
    assert caught.value.detail == {"task_id": "e-1", "status": "processing"}
    shown = [working, refused(500, "", "Oops."), data({"id": "e-1", "status": "finished",
             "result": {"files": [file(url=URL)]}})]  # fmt: skip
    answers = {GET: [UNLINKED], EXPORT: [working], SHOW: shown, FETCH: [CONTENT]}
    [bundle] = await download(tmp_path, answers)
    assert (bundle["id"], bundle["file"].name) == ("t-1", "a.txt")


@pytest.mark.parametrize("line", [GET, EXPORT])
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(401, "UNAUTHENTICATED", "Unauthenticated."), InvalidAccessTokenError),
        (refused(402, "PARALLEL_JOB_LIMIT_EXCEEDED", "Too many."), RateLimitError),
        (refused(403, "FORBIDDEN", "Invalid scope(s) provided."), InvalidAccessTokenError),
        (GONE, DataError),
        (refused(422, "INVALID_DATA", "The given data was invalid."), DataError),
        (refused(500, "", "Oops."), ServiceConnectionError),
        (RESET, ServiceConnectionError),
        (SILENCE, ModuleTimeoutError),
        (data(None), DataError),
    ],
)
async def test_an_answer_has_the_error_type_of_the_table(
    tmp_path: Path, line: str, answer: httpx.Response | Exception, kind: type[ModuleError]
) -> None:
    with pytest.raises(ModuleError) as caught:
        await download(tmp_path, {GET: [UNLINKED], line: [answer]})
    assert type(caught.value) is kind


@pytest.mark.parametrize("status", [403, 404])
async def test_an_expired_link_is_a_data_error(tmp_path: Path, status: int) -> None:
    with pytest.raises(DataError):
        await download(tmp_path, {GET: [LINKED], FETCH: [httpx.Response(status)]})


async def test_a_download_cut_short_is_fetched_again_and_never_delivered_short(
    tmp_path: Path,
) -> None:
    short = httpx.Response(200, content=b"wor")
    [bundle] = await download(tmp_path, {GET: [LINKED], FETCH: [short, CONTENT]})
    assert bundle["file"].path.read_bytes() == b"words"
    with pytest.raises(DataError):
        await download(tmp_path, {GET: [LINKED], FETCH: [short]})


async def test_the_key_is_not_sent_to_the_storage(tmp_path: Path) -> None:
    script = Script({GET: [LINKED], FETCH: [CONTENT]})
    await script.run(DownloadFile, tmp_path, {"task_id": "t-1"})
    assert ["authorization" in request.headers for request in script.asked] == [True, False]


@pytest.mark.parametrize("fields", [{}, {"task_id": "../x"}, {"task_id": "t", "wait_limit": "0s"}])
def test_fields_that_do_not_fit_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DownloadFile.input.model_validate(fields)


def test_every_field_and_item_is_described() -> None:
    assert DownloadFile.output is not None
    for model in (DownloadFile.input, DownloadFile.output):
        properties = json_schema(model)["properties"]
        assert [name for name, entry in properties.items() if not entry.get("description")] == []
