"""Fields of the file modules: what they accept, refuse before any request, and send."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cloudconvert_fake import FakeService
from contexts import World, outputs
from pydantic import ValidationError

from engine.errors import DataError
from engine.module import Bundle, File, Module
from engine.plan.reference import json_schema
from modules.cloudconvert.convert_file import ConvertFile, ConvertInput
from modules.cloudconvert.create_archive import ArchiveInput, CreateArchive
from modules.cloudconvert.file_job import FileJob
from modules.cloudconvert.merge_files import MergeFiles, MergeInput

FILE = File("a.docx", 1, "application/msword", "0" * 64, Path("content"))
UPLOAD = {"input_file": "upload", "file": FILE}
IMPORT = {"input_file": "url", "url": "https://example.test/b.docx"}


async def run(
    module: type[Module[Any, Any]], service: FakeService, folder: Path, fields: Mapping[str, Any]
) -> Bundle:
    async with service.http() as http:
        [bundle] = await outputs(module, fields, World(folder, http=http))
    return bundle


async def stored(folder: Path, name: str, content: bytes = b"words") -> File:
    return await World(folder).files.file_of({"name": name, "data": content})


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "input_file"),
        ({"input_file": "upload"}, "`file` is required"),
        ({"input_file": "url"}, "`url` is required"),
        ({**UPLOAD, "url": "https://example.test/"}, "`url` and `headers` go with"),
        ({**UPLOAD, "headers": {"a": "b"}}, "`url` and `headers` go with"),
        ({**IMPORT, "file": FILE}, "`file` goes with"),
        ({"input_file": "ftp", "file": FILE}, "'upload' or 'url'"),
        ({"input_file": "url", "url": "ftp://example.test/a"}, "http or https"),
        ({"input_file": "url", "url": "file:///etc/passwd"}, "http or https"),
        ({"input_file": "url", "url": "b.docx"}, "http or https"),
        ({"input_file": "upload", "file": "a.docx"}, "should be a file"),
        ({"input_file": "upload", "file": {"path": "/etc/passwd"}}, "should be a file"),
        ({**UPLOAD, "output_format": "../pdf"}, "match pattern"),
        ({**UPLOAD, "output_format": ""}, "match pattern"),
        ({**UPLOAD, "input_format": "a b"}, "match pattern"),
        ({**UPLOAD, "file_name": ""}, "at least 1"),
        ({**UPLOAD, "options": {"input": "x"}}, "`input` is no option"),
        ({**UPLOAD, "options": {"operation": "x"}}, "`operation` is no option"),
        ({**UPLOAD, "options": [{"name": "output_format", "value": "x"}]}, "is no option"),
        ({**UPLOAD, "options": [{"name": "a", "value": 1}, {"name": "a", "value": 2}]}, "twice"),
        ({**UPLOAD, "options": [{"name": "", "value": 1}]}, "empty name"),
        ({**UPLOAD, "options": [{"key": "a"}]}, "must have `name` and `value`"),
        ({**UPLOAD, "options": {"logo": FILE}}, "must be a text"),
        ({**UPLOAD, "options": {"logo": b"x"}}, "must be a text"),
        ({**UPLOAD, "wait_limit": "soon"}, "length of time"),
        ({**UPLOAD, "wait_limit": ""}, "length of time"),
        ({**UPLOAD, "wait_limit": "0s"}, "between 1 second and 1 day"),
        ({**UPLOAD, "wait_limit": "48h"}, "between 1 second and 1 day"),
        ({**UPLOAD, "wait_limit": "0"}, "between 1 second and 1 day"),
        ({**UPLOAD, "wait_limit": -5}, "between 1 second and 1 day"),
        ({**UPLOAD, "wait_limit": 10**30}, "between 1 second and 1 day"),
        ({**UPLOAD, "wait_limit": True}, "a number of seconds"),
        ({**UPLOAD, "qualty": 3}, "Extra inputs"),
    ],
)
def test_fields_that_do_not_fit_are_refused_before_any_request(
    fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        ConvertInput.model_validate({"output_format": "pdf", **fields})


@pytest.mark.parametrize(
    ("model", "files", "fits"),
    [
        (MergeInput, [], False),
        (MergeInput, [FILE], False),
        (MergeInput, [FILE, FILE], True),
        (MergeInput, [UPLOAD, IMPORT], True),
        (ArchiveInput, [], False),
        (ArchiveInput, None, False),
        (ArchiveInput, FILE, True),
        (ArchiveInput, [{"file": FILE}], True),
        (ArchiveInput, [{"name": "a.txt", "data": "words"}], True),
        (ArchiveInput, [{"url": "https://example.test/"}], True),
        (ArchiveInput, [{"input_file": "url", "file": FILE}], False),
        (ArchiveInput, [{"file": None}], False),
        (ArchiveInput, ["a.txt"], False),
        (ArchiveInput, [None], False),
    ],
)
def test_several_inputs_come_as_rows_or_as_an_array_of_files(
    model: type[MergeInput] | type[ArchiveInput], files: Any, *, fits: bool
) -> None:
    fields = {"input_files": files, "output_format": "zip" if model is ArchiveInput else "pdf"}
    if fits:
        model.model_validate(fields)
    else:
        with pytest.raises(ValidationError):
            model.model_validate(fields)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("320", "320"),
        ("true", "true"),
        (320, 320),
        (True, True),
        (["1", 2], ["1", 2]),
        ({"a": 1}, {"a": 1}),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
    ],
)
def test_options_are_rows_or_a_map_of_what_json_has(given: Any, sent: Any) -> None:
    for options in ({"option": given}, [{"name": "option", "value": given}]):
        found = ConvertInput.model_validate({**UPLOAD, "output_format": "pdf", "options": options})
        assert found.options == {"option": sent}


def test_an_option_without_value_is_left_out() -> None:
    found = ConvertInput.model_validate(
        {**UPLOAD, "output_format": "pdf", "options": {"quality": None}}
    )
    assert found.options == {}


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ([FILE, {"name": "b.png", "data": b""}], ["a.docx", "b.png"]),
        ([{"file": FILE, "bundle_index": 1, "title": "of an aggregator"}], ["a.docx"]),
    ],
)
def test_a_conversion_takes_a_mapped_array_of_files_in_several_formats(
    files: Any, names: list[str]
) -> None:
    fields = {"input_file": "upload", "file": files, "output_format": "pdf"}
    found = ConvertInput.model_validate(fields)
    assert [source.file["name"] for source in found.sources if source.file] == names


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"file": []}, "no file in it"),
        ({"file": ["a.docx"]}, "should be a valid dictionary or instance|should be a file"),
        ({"file": [{"url": "https://example.test/a"}]}, "each element should be a file"),
        ({"file": [FILE, {"name": "b.png", "data": b""}], "input_format": "docx"}, "docx, png"),
    ],
)
def test_an_array_that_cannot_be_converted_is_refused_before_any_request(
    fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        ConvertInput.model_validate({"input_file": "upload", "output_format": "pdf", **fields})


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("180s", 180),
        ("15m", 900),
        ("1h30m", 5400),
        (" 2h ", 7200),
        (90, 90),
        ("90", 90),
        (1.5, 1.5),
    ],
)
def test_a_wait_limit_is_a_length_with_units_or_counts_seconds(
    value: object, seconds: float
) -> None:
    found = ConvertInput.model_validate({**UPLOAD, "output_format": "pdf", "wait_limit": value})
    assert found.wait_limit == timedelta(seconds=seconds)


def test_formats_are_taken_as_people_write_them() -> None:
    found = ConvertInput.model_validate(
        {**UPLOAD, "output_format": ".PDF", "input_format": " Docx"}
    )
    assert (found.output_format, found.input_format) == ("pdf", "docx")


async def test_a_conversion_sends_its_fields_and_delivers_the_file(tmp_path: Path) -> None:
    service = FakeService()
    fields = {
        "input_file": "upload",
        "file": await stored(tmp_path, "holiday.mov"),
        "input_format": "mov",
        "output_format": "mp4",
        "options": [{"name": "video_codec", "value": "x265"}, {"name": "width", "value": "320"}],
        "download_file": True,
    }
    bundle = await run(ConvertFile, service, tmp_path, fields)
    assert service.process == {
        "operation": "convert",
        "input": "import-1",
        "input_format": "mov",
        "output_format": "mp4",
        "filename": "holiday.mp4",
        "video_codec": "x265",
        "width": 320,
    }
    assert service.payloads[0]["tasks"]["export"] == {"operation": "export/url", "input": "process"}
    assert service.payloads[0]["tag"] == World(tmp_path).operation_key == bundle["tag"]
    assert b'filename="holiday.mov"' in service.uploads["import-1"]
    assert bundle["file"].name == "holiday.mp4"
    assert bundle["file"].path.read_bytes() == service.result
    assert bundle["files"] == [bundle["file"]]
    assert (bundle["id"], bundle["status"]) == ("job-1", "finished")
    assert bundle["created_at"] == datetime(2026, 5, 4, 12, tzinfo=UTC)
    assert bundle["links"] == {"self": "https://api.example.test/v2/jobs/job-1"}
    assert [task["name"] for task in bundle["tasks"]] == ["import-1", "process", "export"]


async def test_without_download_the_started_job_is_the_output(tmp_path: Path) -> None:
    service = FakeService()
    fields = {
        "input_file": "upload",
        "file": {"name": "a.docx", "data": "words"},
        "output_format": "pdf",
        "file_name": "b.pdf",
    }
    bundle = await run(ConvertFile, service, tmp_path, fields)
    assert (bundle["file"], bundle["files"], bundle["status"]) == (None, [], "waiting")
    assert service.process["filename"] == "b.pdf"
    assert "input_format" not in service.process
    assert list(service.uploads) == ["import-1"]
    assert "GET /v2/jobs/job-1" not in service.asked


async def test_an_import_by_url_is_named_by_the_service(tmp_path: Path) -> None:
    service = FakeService()
    headers = [{"name": "X-Token", "value": "t"}]
    fields = {**IMPORT, "headers": headers, "output_format": "pdf", "download_file": True}
    await run(ConvertFile, service, tmp_path, fields)
    assert service.payloads[0]["tasks"]["import-1"] == {
        "operation": "import/url",
        "url": "https://example.test/b.docx",
        "headers": {"X-Token": "t"},
    }
    assert "filename" not in service.process
    assert service.uploads == {}


async def test_a_merge_keeps_the_order_of_its_inputs(tmp_path: Path) -> None:
    service = FakeService()
    rows = [{"file": await stored(tmp_path, "z.pdf")}, IMPORT, await stored(tmp_path, "a.pdf")]
    fields = {"input_files": rows, "file_name": "all.pdf", "download_file": True}
    bundle = await run(MergeFiles, service, tmp_path, fields)
    assert service.process == {
        "operation": "merge",
        "input": ["import-1", "import-2", "import-3"],
        "output_format": "pdf",
        "filename": "all.pdf",
    }
    assert sorted(service.uploads) == ["import-1", "import-3"]
    assert bundle["file"].name == "all.pdf"


async def test_an_archive_takes_one_file_and_its_options(tmp_path: Path) -> None:
    service = FakeService()
    file = await stored(tmp_path, "a.pdf")
    fields = {"input_files": [file], "output_format": "tar.gz", "options": {"level": "9"}}
    await run(CreateArchive, service, tmp_path, fields)
    assert service.process == {
        "operation": "archive",
        "input": "import-1",
        "output_format": "tar.gz",
        "level": 9,
    }


async def test_progress_tells_of_the_upload_the_work_and_the_download(tmp_path: Path) -> None:
    service = FakeService()
    async with service.http() as http:
        world = World(tmp_path, http=http)
        fields = {"input_file": "upload", "file": {"name": "a.docx", "data": "words"}}
        await outputs(ConvertFile, {**fields, "output_format": "pdf", "download_file": True}, world)
    uploaded = world.told.index((5, 5, "uploading a.docx"))
    assert world.told[uploaded + 1] == (0, None, "convert")
    assert (30, 100, "convert") in world.told
    assert world.told[-1] == (18, 18, "downloading a.pdf")


@pytest.mark.parametrize("module", [ConvertFile, MergeFiles, CreateArchive])
def test_a_file_that_is_never_downloaded_cannot_be_mapped(module: type[Module[Any, Any]]) -> None:
    assert set(module.absent_items({"download_file": False})) == {"file", "files"}
    assert module.absent_items({"download_file": True}) == {}
    assert module.absent_items({}) == {}


@pytest.mark.parametrize("model", [ConvertInput, MergeInput, ArchiveInput, FileJob])
def test_every_field_is_described(model: type[Any]) -> None:
    properties = json_schema(model)["properties"]
    undescribed = [name for name, about in properties.items() if not about.get("description")]
    assert undescribed == []


@pytest.mark.parametrize("body", [[], None, "text", {"data": []}, {"data": {"status": "finished"}}])
async def test_an_answer_without_a_job_is_a_data_error_not_a_crash(
    tmp_path: Path, body: Any
) -> None:
    service = FakeService(faults={"POST /v2/jobs": [httpx.Response(201, json=body)]})
    fields = {**UPLOAD, "file": {"name": "a", "data": "b"}, "output_format": "pdf"}
    with pytest.raises(DataError, match="no job"):
        await run(ConvertFile, service, tmp_path, fields)


async def test_missing_and_odd_items_of_an_answer_do_not_matter(tmp_path: Path) -> None:
    odd = {"data": {"id": 17, "tag": 5, "created_at": "yesterday", "tasks": None, "links": []}}
    service = FakeService(faults={"POST /v2/jobs": [httpx.Response(200, json=odd)]})
    bundle = await run(ConvertFile, service, tmp_path, {**IMPORT, "output_format": "pdf"})
    assert (bundle["id"], bundle["tag"], bundle["status"]) == ("17", "5", None)
    assert (bundle["created_at"], bundle["tasks"], bundle["links"]) == (None, [], {})
