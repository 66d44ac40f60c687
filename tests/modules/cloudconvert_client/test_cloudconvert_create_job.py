"""Create a Job (advanced): what it accepts, what it sends, and that it never creates two jobs."""

import asyncio
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cloudconvert_embedded import only, server
from cloudconvert_fake import FakeService, always
from contexts import World
from local_server import make_clip
from pydantic import ValidationError

from engine.errors import DataError, ModuleError, OutcomeUnknownError, ServiceConnectionError
from engine.module import Bundle, File
from engine.plan.reference import json_schema
from modules.cloudconvert.create_job import CreateJob, CreateJobInput
from modules.cloudconvert.get_job import GetJob
from modules.cloudconvert.job_parts import JobInput, JobTask

FILE = File("a.docx", 1, "application/msword", "0" * 64, Path("content"))
CONVERT: dict[str, Any] = {"name": "convert", "operation": "convert", "output_format": "pdf"}
EXPORT: dict[str, Any] = {"name": "export", "operation": "export/url", "input": "convert"}


async def create(service: FakeService, folder: Path, **fields: Any) -> Bundle:
    async with service.http() as http:
        return await only(CreateJob, World(folder, http=http), **fields)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"tasks": []}, "at least 1"),
        ({"tasks": [{"operation": "convert"}]}, "name"),
        ({"tasks": [{"name": "a"}]}, "operation"),
        ({"tasks": [{**CONVERT, "name": "a b"}]}, "match pattern"),
        ({"tasks": [{**CONVERT, "operation": "/v2/../x"}]}, "match pattern"),
        ({"tasks": [CONVERT, CONVERT]}, "two tasks have the name `convert`"),
        ({"tasks": [{**CONVERT, "name": "import-1"}]}, "two tasks have the name `import-1`"),
        ({"tasks": [{**CONVERT, "input": "import-2"}]}, "no task `import-2`; the job has import-1"),
        ({"tasks": [{**CONVERT, "input": ["import-1", "x"]}]}, "no task `x`"),
        ({"tasks": [{"name": "c", "operation": "convert"}]}, "`output_format` is required"),
        ({"tasks": [{"name": "c", "operation": "command", "engine": "ffmpeg"}]}, "`command` is"),
        ({"tasks": [{"name": "c", "operation": "capture-website"}]}, "`url` is required"),
        ({"tasks": [CONVERT, {"name": "e", "operation": "export/url"}]}, "say what it exports"),
        ({"tasks": [{**CONVERT, "name": "u", "operation": "import/upload"}]}, "`input_files`"),
        ({"tasks": [{**CONVERT, "options": {"operation": "x"}}]}, "`operation` is no option"),
        ({"tasks": [{**CONVERT, "fields": {"output_format": "x"}}]}, "`output_format` is given"),
        ({"tasks": [{**CONVERT, "fields": {"input": "x"}}]}, "`input` is given twice"),
        ({"tasks": [{**CONVERT, "image": FILE}]}, "`image` cannot be a file"),
        ({"tasks": [{**CONVERT, "deep": {"list": [b"x"]}}]}, "`deep` cannot be a file"),
        ({"tasks": [{**CONVERT, "image": "logo"}]}, "no task `logo`"),
        ({"input_files": [], "tasks": [CONVERT]}, "the job has no input files"),
        ({"input_files": [FILE, {"file": FILE, "name": "import-1"}]}, "two tasks have the name"),
        ({"input_files": [{"file": None}]}, "`file` is required"),
        ({"tag": ""}, "at least 1"),
        ({"tagg": "x"}, "Extra inputs"),
    ],
)
def test_a_job_that_does_not_hold_together_is_refused_before_any_request(
    fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        CreateJobInput.model_validate({"input_files": [FILE], "tasks": [CONVERT], **fields})


def test_a_task_of_another_job_can_be_an_input_by_its_id() -> None:
    outside = "3f1c0c7e-98a5-4a1a-8f0e-0123456789ab"
    found = CreateJobInput.model_validate({"tasks": [{**CONVERT, "input": outside}]})
    assert found.tasks[0].sent([])["input"] == outside


async def test_tasks_are_sent_linked_by_their_names_in_their_order(tmp_path: Path) -> None:
    service = FakeService()
    bundle = await create(
        service,
        tmp_path,
        input_files=[
            {"name": "letter", "file": {"name": "a.txt", "data": "words"}},
            {"url": "https://example.test/b.png", "headers": [{"name": "X-A", "value": "1"}]},
        ],
        tasks=[
            {**CONVERT, "input": "letter", "fields": {"filename": "2024"}},
            {"name": "all", "operation": "merge", "input": ["convert", "import-2"],
             "fields": [{"name": "output_format", "value": "pdf"}],
             "options": [{"name": "quality", "value": "80"}], "ignore_error": True},
            {"name": "out", "operation": "export/url", "input": "all", "inline": None,
             "until": datetime(2026, 1, 2, tzinfo=UTC)},
        ],
    )  # fmt: skip
    payload = service.payloads[0]
    assert payload["tasks"] == {
        "letter": {"operation": "import/upload"},
        "import-2": {
            "operation": "import/url",
            "url": "https://example.test/b.png",
            "headers": {"X-A": "1"},
        },
        "convert": {
            "operation": "convert",
            "input": "letter",
            "filename": "2024",
            "output_format": "pdf",
        },
        "all": {
            "operation": "merge",
            "input": ["convert", "import-2"],
            "quality": 80,
            "output_format": "pdf",
            "ignore_error": True,
        },
        "out": {"operation": "export/url", "input": "all", "until": "2026-01-02T00:00:00+00:00"},
    }
    assert list(payload["tasks"]) == ["letter", "import-2", "convert", "all", "out"]
    assert list(service.uploads) == ["letter"]
    assert (bundle["id"], bundle["tag"]) == ("job-1", payload["tag"])
    assert payload["tag"] == World(tmp_path).operation_key


async def test_a_task_without_input_takes_all_input_files(tmp_path: Path) -> None:
    service = FakeService()
    files = [{"name": "a.txt", "data": "a"}, {"name": "b.txt", "data": "b"}]
    tasks = [
        {"name": "pack", "operation": "archive", "output_format": "zip"},
        {"name": "shot", "operation": "capture-website", "output_format": "pdf",
         "url": "https://example.test/"},
    ]  # fmt: skip
    await create(service, tmp_path, input_files=files, tasks=tasks)
    sent = service.payloads[0]["tasks"]
    assert sent["pack"]["input"] == ["import-1", "import-2"]
    assert "input" not in sent["shot"]


async def test_an_authors_tag_is_sent_as_it_is(tmp_path: Path) -> None:
    service = FakeService()
    bundle = await create(service, tmp_path, input_files=[], tag=" Order/17 ", tasks=[
        {"name": "i", "operation": "import/raw", "file": "x", "filename": "a.txt"}])  # fmt: skip
    assert service.payloads[0]["tag"] == " Order/17 " == bundle["tag"]


LOST = [
    httpx.ReadError("reset"),
    httpx.Response(500),
    httpx.Response(201, json={"data": None}),
]
RAW = {"name": "i", "operation": "import/raw", "file": "x", "filename": "a.txt"}


@pytest.mark.parametrize("lost", LOST)
async def test_without_a_tag_a_job_whose_answer_is_lost_is_found(
    tmp_path: Path, lost: httpx.Response | Exception
) -> None:
    service = FakeService(late_faults={"POST /v2/jobs": always(lost)})
    bundle = await create(service, tmp_path, tasks=[RAW])
    assert (bundle["id"], len(service.payloads)) == ("job-1", 1)


@pytest.mark.parametrize("lost", LOST)
async def test_with_a_tag_of_ones_own_a_lost_answer_is_an_unknown_outcome(
    tmp_path: Path, lost: httpx.Response | Exception
) -> None:
    service = FakeService(late_faults={"POST /v2/jobs": always(lost)})
    with pytest.raises(ModuleError, match="took the job is not known") as caught:
        await create(service, tmp_path, tasks=[RAW], tag="mine")
    assert type(caught.value) is OutcomeUnknownError
    assert caught.value.storable is True
    assert (caught.value.detail["outcome"], caught.value.detail["tag"]) == ("unknown", "mine")
    assert len(service.payloads) == 1


async def test_with_a_tag_of_ones_own_a_service_that_says_nothing_is_an_unknown_outcome(
    tmp_path: Path,
) -> None:
    service = FakeService(faults={"GET /v2/jobs": always(httpx.Response(503))})
    service.late_faults["POST /v2/jobs"] = always(httpx.ReadError("reset"))
    with pytest.raises(ModuleError, match="took the job is not known"):
        await create(service, tmp_path, tasks=[RAW], tag="mine")


async def test_with_a_tag_of_ones_own_a_job_that_was_not_created_may_be_created_again(
    tmp_path: Path,
) -> None:
    service = FakeService(faults={"POST /v2/jobs": always(httpx.Response(503))})
    with pytest.raises(ServiceConnectionError):
        await create(service, tmp_path, tasks=[RAW], tag="mine")
    assert service.jobs == {}


async def test_a_refused_job_is_a_data_error_with_what_is_wrong(tmp_path: Path) -> None:
    answer = {"message": "The given data was invalid.", "code": "INVALID_DATA",
              "errors": {"tasks.i.file": ["The tasks.i.file field is required."]}}  # fmt: skip
    service = FakeService(faults={"POST /v2/jobs": always(httpx.Response(422, json=answer))})
    for tag in ({}, {"tag": "mine"}):
        with pytest.raises(DataError, match=r"tasks\.i\.file field is required"):
            await create(service, tmp_path, tasks=[RAW], **tag)


@pytest.mark.parametrize("tag", [{}, {"tag": "mine"}])
async def test_a_job_whose_file_cannot_be_uploaded_is_deleted(
    tmp_path: Path, tag: dict[str, str]
) -> None:
    service = FakeService(faults={"POST /1-import-1": always(httpx.Response(403))})
    with pytest.raises(DataError):
        await create(
            service, tmp_path, input_files=[{"name": "a", "data": "b"}], tasks=[CONVERT], **tag
        )
    assert service.deleted == ["job-1"]


async def test_files_of_an_aggregator_go_through_linked_tasks_to_a_download(
    tmp_path: Path,
) -> None:
    async with server(tmp_path) as world:
        files = [
            {"name": f"f-{n}", "file": await world.files.file_of({"name": f"{n}.txt", "data": n})}
            for n in ("one", "two")
        ]
        job = await only(
            CreateJob,
            world,
            input_files=files,
            tasks=[
                {"name": "pack", "operation": "archive", "input": [file["name"] for file in files],
                 "output_format": "zip"},
                {"name": "out", "operation": "export/url", "input": "pack"},
            ],
            tag="order-17",
        )  # fmt: skip
        assert job["tag"] == "order-17"
        assert [task["name"] for task in job["tasks"]] == ["f-one", "f-two", "pack", "out"]
        ended = await until_ended(world, job["id"])
        [exported] = [task for task in ended["tasks"] if task["name"] == "out"]
        [entry] = exported["result"]["files"]
        async with world.http.download(entry["url"]) as download:
            file = await world.files.receive("all.zip", download.chunks)
    with zipfile.ZipFile(file.path) as archive:
        assert archive.namelist() == ["one.txt", "two.txt"]


@pytest.mark.needs("identify")
async def test_commands_are_executed_on_linked_files(tmp_path: Path) -> None:
    clip = await asyncio.to_thread(make_clip(tmp_path / "a.mp4").read_bytes)
    async with server(tmp_path) as world:
        job = await only(
            CreateJob,
            world,
            input_files=[{"name": "film", "file": {"name": "a.mp4", "data": clip}}],
            tasks=[
                {"name": "frame", "operation": "command", "input": "film", "engine": "ffmpeg",
                 "command": "ffmpeg",
                 "arguments": "-i /input/film/a.mp4 -frames:v 1 -f image2 /output/frame.png"},
                {"name": "small", "operation": "command", "input": "frame",
                 "engine": "imagemagick", "command": "convert",
                 "arguments": "/input/frame/frame.png -resize 50% /output/small.jpg"},
                {"name": "out", "operation": "export/url", "input": "small"},
            ],
        )  # fmt: skip
        ended = await until_ended(world, job["id"])
    [out] = [task for task in ended["tasks"] if task["name"] == "out"]
    assert [file["filename"] for file in out["result"]["files"]] == ["small.jpg"]


async def until_ended(world: World, job_id: str) -> Bundle:
    while (job := await only(GetJob, world, job_id=job_id))["status"] == "processing":
        pass
    return job


@pytest.mark.parametrize("model", [CreateJobInput, JobTask, JobInput])
def test_every_field_of_a_job_is_described(model: type[Any]) -> None:
    properties = json_schema(model)["properties"]
    assert [name for name, about in properties.items() if not about.get("description")] == []
