"""A replayed conversion finds what its failed attempt had begun, and pays for nothing twice."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from cloudconvert_fake import FakeService
from contexts import World, outputs

from engine.errors import ModuleError
from engine.module import Bundle
from modules.cloudconvert.convert_file import ConvertFile

NEVER = 10_000


async def converted(
    folder: Path, service: FakeService, earlier: Mapping[str, Any], data: str = "words"
) -> Bundle:
    """Convert; `earlier` is the detail of the failure that is replayed, empty at first."""
    async with service.http() as http:
        world = World(folder, http=http)
        world.operation = 2 if earlier else 1
        world.earlier = dict(earlier)
        file = await world.files.file_of({"name": "letter.docx", "data": data})
        fields = {"input_file": "upload", "file": file, "output_format": "pdf"}
        (bundle,) = await outputs(ConvertFile, {**fields, "download_file": True}, world)
    return bundle


async def failed(folder: Path, service: FakeService) -> dict[str, Any]:
    """Let a first attempt fail; return the detail that an incomplete execution keeps of it."""
    with pytest.raises(ModuleError) as caught:
        await converted(folder, service, {})
    return caught.value.detail


async def test_a_late_job_is_taken_up_again(tmp_path: Path) -> None:
    service = FakeService(polls=NEVER)
    detail = await failed(tmp_path, service)
    service.polls = 0

    bundle = await converted(tmp_path, service, detail)

    assert bundle["id"] == "job-1"
    assert (len(service.jobs), len(service.uploads)) == (1, 1)


async def test_a_broken_download_is_fetched_without_another_conversion(tmp_path: Path) -> None:
    service = FakeService(faults={"GET /job-1/out": [httpx.ReadError("reset")]})
    detail = await failed(tmp_path, service)
    service.faults.clear()

    bundle = await converted(tmp_path, service, detail)

    assert bundle["file"].path.read_bytes() == service.result
    assert len(service.payloads) == 1


async def test_a_creation_whose_answer_was_lost_is_found_by_its_tag(tmp_path: Path) -> None:
    service = FakeService(
        late_faults={"POST /v2/jobs": [httpx.ReadError("reset")]},
        faults={"GET /v2/jobs": [httpx.Response(503)]},
    )
    detail = await failed(tmp_path, service)
    service.faults.clear()
    service.late_faults.clear()

    bundle = await converted(tmp_path, service, detail)

    assert bundle["id"] == "job-1"
    assert len(service.payloads) == 1


async def test_another_input_is_another_conversion(tmp_path: Path) -> None:
    service = FakeService(polls=NEVER)
    detail = await failed(tmp_path, service)
    service.polls = 0

    bundle = await converted(tmp_path, service, detail, data="other words")

    assert bundle["id"] == "job-2"


async def test_a_job_that_failed_is_not_taken_up_again(tmp_path: Path) -> None:
    service = FakeService(failing={"process": {"message": "broken", "code": "CONVERSION_FAILED"}})
    detail = await failed(tmp_path, service)
    service.failing.clear()

    bundle = await converted(tmp_path, service, detail)

    assert bundle["id"] == "job-2"


async def test_a_job_that_is_gone_is_made_anew(tmp_path: Path) -> None:
    service = FakeService(polls=NEVER)
    detail = await failed(tmp_path, service)
    del service.jobs["job-1"]
    service.polls = 0

    bundle = await converted(tmp_path, service, detail)

    assert bundle["status"] == "finished"
    assert len(service.payloads) == 2
