"""What Fusion's page of CloudConvert says under troubleshooting, as scenarios meet it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson
import pytest
from cloudconvert_embedded import only, server
from cloudconvert_fake import FakeService, always
from runs import Bench

from engine.model.execution import Status
from modules.cloudconvert.convert_file import ConvertFile
from modules.cloudconvert.get_job import GetJob

MIB = 1024 * 1024
NEVER = 10_000

CONVERT = """
    name: Convert
    settings: {store_incomplete_executions: true%s}
    flow:
      - id: words
        module: tools.basic_trigger
        with: {bundles: [{text: some words, format: pdf}]}
      - id: convert
        module: cloudconvert.convert_file
        with:
          input_file: upload
          file: {name: letter.docx, data: "{{ words.text }}"}
          output_format: "{{ words.format }}"
          download_file: true
        %s
      - module: probe.record
        with: {text: "{{ convert.file.name }}"}
"""
BREAK = "on_error: [{module: flow.break, with: {automatically_complete: true, interval: 1}}]"


async def run(
    folder: Path, service: FakeService, *, settings: str = "", on_error: str = ""
) -> Bench:
    """Run the scenario once against the service."""
    async with service.http() as http:
        bench = Bench(folder, CONVERT % (settings, on_error), http={"convert": http})
        await bench.run()
    return bench


@dataclass
class Film:
    """Content without an end; `read` counts its pieces."""

    read: int = 0

    async def __call__(self) -> AsyncIterator[bytes]:
        while True:
            self.read += 1
            yield bytes(MIB)


@pytest.mark.parametrize(
    ("listed", "length", "most"),
    [(64 * MIB, None, 0), (None, 64 * MIB, 0), (None, None, 3)],
    ids=["by the listing", "by the answer's length", "by what comes"],
)
async def test_a_result_past_the_limit_is_refused_before_it_is_taken_in(
    tmp_path: Path, listed: int | None, length: int | None, most: int
) -> None:
    film = Film()
    headers = {"content-length": str(length)} if length else {}
    service = FakeService(
        listed_size=listed,
        faults={"GET /job-1/out": always(httpx.Response(200, headers=headers, content=film()))},
    )
    bench = await run(tmp_path, service, settings=", max_file_size: 2097152")
    [stored] = await bench.stored()
    assert stored.failure.type == "MaxFileSizeExceededError"
    message = "The output file size exceeds the limit allowed for your scenario."
    assert stored.failure.message.startswith(message)
    assert film.read <= most


async def test_a_message_of_an_engine_passes_unchanged_and_breaks_neither_line_nor_json(
    tmp_path: Path,
) -> None:
    said = "Failed to read frame size: Could not seek to 1 \u00ab\u00fc\u00bb \x1b[31m\x00\ufffd"
    service = FakeService(failing={"process": {"message": said, "code": "CONVERSION_FAILED"}})
    bench = await run(tmp_path, service)
    [stored] = await bench.stored()
    shown = "Failed to read frame size: Could not seek to 1 \u00ab\u00fc\u00bb \\x1b[31m\\x00\ufffd"
    assert shown in stored.failure.message
    assert orjson.loads(orjson.dumps(stored.failure.message)) == stored.failure.message
    assert stored.failure.message.isprintable()


@pytest.mark.parametrize("on_error", ["", BREAK])
async def test_a_late_conversion_is_stored_and_its_replay_takes_up_the_same_job(
    tmp_path: Path, on_error: str
) -> None:
    service = FakeService(polls=NEVER)
    async with service.http() as http:
        bench = Bench(tmp_path, CONVERT % ("", on_error), http={"convert": http})
        await bench.run()
        [stored] = await bench.stored()
        service.polls = 0
        again = await bench.replay(stored.id)
    assert stored.failure.type == "RuntimeError"
    assert stored.failure.message.startswith("Maximum number of repeats exceeded.")
    assert again.status is Status.SUCCESS
    assert [line.partition(":")[2] for line in bench.seen] == ["letter.pdf"]
    assert (len(service.payloads), service.deleted) == (1, [])


async def test_spent_conversion_time_is_stored_and_waits_for_a_person(tmp_path: Path) -> None:
    refusal = {"message": "Your account has run out of minutes", "code": "CREDITS_EXCEEDED"}
    service = FakeService(faults={"POST /v2/jobs": always(httpx.Response(402, json=refusal))})
    bench = await run(tmp_path, service)
    [stored] = await bench.stored()
    assert stored.failure.type == "RuntimeError"
    assert stored.failure.message.startswith("You have exceeded the maximum conversion time.")
    assert stored.due_at is None


async def test_without_download_the_bundle_goes_on_at_once_and_the_result_is_picked_up_later(
    tmp_path: Path,
) -> None:
    async with server(tmp_path) as world:
        started = await only(
            ConvertFile,
            world,
            input_file="upload",
            file={"name": "a.txt", "data": "words"},
            output_format="pdf",
        )
        assert (started["file"], started["files"], world.slept) == (None, [], [])
        while (job := await only(GetJob, world, job_id=started["id"]))["status"] == "processing":
            pass
        [url] = [
            file["url"]
            for task in job["tasks"]
            for file in task["result"]["files"]
            if file.get("url")
        ]
        async with world.http.download(url) as download:
            file = await world.files.receive("a.pdf", download.chunks)
    assert file.path.read_bytes().startswith(b"%PDF")


async def test_what_does_not_validate_is_stored_without_a_request(tmp_path: Path) -> None:
    service = FakeService()
    async with service.http() as http:
        text = CONVERT.replace("format: pdf}", "format: 'no format'}") % ("", "")
        bench = Bench(tmp_path, text, http={"convert": http})
        await bench.run()
    [stored] = await bench.stored()
    assert stored.failure.type == "BundleValidationError"
    assert service.asked == []
