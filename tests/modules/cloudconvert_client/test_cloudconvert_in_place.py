"""A conversion that is run again in place finds what its failed attempt had begun."""

from pathlib import Path

import httpx
import pytest
from cloudconvert_fake import FakeService, times
from runs import Bench

from engine.model.execution import Status

TEXT = """
    name: Convert
    flow:
      - id: words
        module: tools.basic_trigger
        with: {bundles: %s}
      - id: convert
        module: cloudconvert.convert_file
        %s
        with:
          input_file: upload
          file: {name: letter.docx, data: "{{ words.text }}"}
          output_format: pdf
          download_file: true
        on_error:
          - module: flow.retry
            with: {attempts: 2, interval: 1s, error_types: [ConnectionError, RuntimeError]}
          - module: flow.rollback
      - module: probe.record
        with: {text: "{{ convert.file.name }}"}
"""

ONE = "[{text: some words}]"


@pytest.mark.parametrize("overlap", ["", "concurrency: 2"])
async def test_a_lost_creation_that_is_tried_again_in_place_makes_no_other_job(
    tmp_path: Path, overlap: str
) -> None:
    service = FakeService(
        late_faults={"POST /v2/jobs": [httpx.ReadError("reset"), None]},
        faults={"GET /v2/jobs": [*(httpx.Response(503) for _ in range(4)), None]},
    )
    async with service.http() as http:
        bench = Bench(tmp_path, TEXT % (ONE, overlap), http={"convert": http})
        execution = await bench.run()
    assert execution.status is Status.SUCCESS
    assert len(service.payloads) == 1


async def test_a_late_conversion_that_is_tried_again_in_place_is_taken_up(tmp_path: Path) -> None:
    service = FakeService(polls=70)
    async with service.http() as http:
        bench = Bench(tmp_path, TEXT % (ONE, ""), http={"convert": http})
        execution = await bench.run()
    assert execution.status is Status.SUCCESS
    assert service.asked.count("POST /v2/jobs") == 1


async def test_a_conversion_that_failed_for_good_is_begun_anew(tmp_path: Path) -> None:
    service = FakeService(faults={"POST /1-import": times(3, lambda: httpx.Response(503))})
    async with service.http() as http:
        bench = Bench(tmp_path, TEXT % (ONE, ""), http={"convert": http})
        execution = await bench.run()
    assert execution.status is Status.SUCCESS
    assert (len(service.payloads), list(service.jobs)) == (2, ["job-1"])


async def test_another_bundle_of_the_same_words_has_a_job_of_its_own(tmp_path: Path) -> None:
    service = FakeService(polls=70)
    two = "[{text: some words}, {text: some words}]"
    async with service.http() as http:
        bench = Bench(tmp_path, TEXT % (two, ""), http={"convert": http})
        execution = await bench.run()
    assert execution.status is Status.SUCCESS
    assert len(service.payloads) == 2
