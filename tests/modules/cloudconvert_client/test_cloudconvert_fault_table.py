"""Each fault of the table for clients of the service, over real sockets: type, retry, jobs.

Source: hardening rules, 8, faults of the CloudConvert client. What breaks a connection at each of
its phases is in `test_cloudconvert_breaks`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from clocks import SocketLoop, virtually
from cloudconvert_fake import FakeService, Fault, always, times
from contexts import World, outputs
from faulty_service import NOTHING, Break, FaultyService, serving

from engine.connect.limits import LIMITS
from engine.errors import ModuleError
from engine.run.core import Decision, Failed, by_default
from engine.run.rules import FUSION_SCHEDULE
from modules.cloudconvert.convert_file import ConvertFile

JSON = {"content-type": "application/json"}
CREATE, POLL, UPLOAD, DOWNLOAD = (
    "POST /v2/jobs",
    "GET /v2/jobs/",
    "POST /1-import",
    "GET /job-1/out",
)
NEVER = 10_000
INVALID = {
    "message": "The given data was invalid.",
    "code": "INVALID_DATA",
    "errors": {"tasks.process.output_format": ["The selected output_format is invalid."]},
}


@dataclass
class Tried:
    """What became of a conversion: `error` None if its file was delivered."""

    error: ModuleError | None = None
    delivered: bytes = b""
    service: FakeService = field(default_factory=FakeService)

    @property
    def type_name(self) -> str:
        return self.error.type_name if self.error else ""

    @property
    def is_stored(self) -> bool:
        return self._by_default.parks

    @property
    def is_retried(self) -> bool:
        return self._by_default.retry is not None

    @property
    def _by_default(self) -> Decision:
        assert self.error is not None
        failed = Failed(self.type_name, storable=self.error.storable, in_first_module=False)
        return by_default(failed, stores=True, schedule=FUSION_SCHEDULE)


async def attempt(
    faulty: FaultyService, folder: Path, earlier: Mapping[str, Any] | None = None
) -> Tried:
    """Convert once; `earlier` is the detail of the failure that is replayed."""
    async with faulty.http() as http:
        world = World(folder, http=http)
        world.operation = 2 if earlier else 1
        world.earlier = dict(earlier or {})
        file = await world.files.file_of({"name": "letter.docx", "data": b"words"})
        fields = {"input_file": "upload", "file": file, "output_format": "pdf"}
        try:
            [bundle] = await outputs(ConvertFile, {**fields, "download_file": True}, world)
        except ModuleError as error:
            return Tried(error, b"", faulty.service)
        return Tried(None, bundle["file"].path.read_bytes(), faulty.service)


def tried(folder: Path, breach: Break = NOTHING, **service: Any) -> Tried:
    """Convert at a service with these faults."""

    async def work() -> Tried:
        async with serving(breach) as faulty:
            for name, value in service.items():
                setattr(faulty.service, name, value)
            return await attempt(faulty, folder)

    return virtually(work(), SocketLoop)


def limited(retry_after: str) -> httpx.Response:
    return httpx.Response(429, headers={"retry-after": retry_after})


def test_a_rate_limit_once_is_waited_for_and_makes_one_job(tmp_path: Path) -> None:
    found = tried(tmp_path, faults={CREATE: times(1, lambda: limited("1"))})
    assert (found.type_name, found.delivered) == ("", found.service.result)
    assert len(found.service.jobs) == 1
    assert found.service.clock.slept == [1]


@pytest.mark.parametrize("retry_after", ["1", "20", "999999999", "9" * 400, "-5", "soon", ""])
def test_a_rate_limit_that_stays_is_a_rate_limit_error_inside_the_deadline(
    tmp_path: Path, retry_after: str
) -> None:
    found = tried(tmp_path, faults={CREATE: always(limited(retry_after))})
    assert (found.type_name, found.is_retried) == ("RateLimitError", True)
    assert found.service.clock.seconds < LIMITS.deadline_seconds
    assert found.service.jobs == {}


@pytest.mark.parametrize(
    ("breach", "faults"),
    [
        (NOTHING, {CREATE: always(httpx.Response(500))}),
        (NOTHING, {CREATE: always(httpx.Response(503, content=b"<html>maintenance"))}),
        (Break("create", "connect", "refused", None), {}),
        (Break("create", "connect", "reset", None), {}),
        (Break("create", "request head", "reset", None), {}),
    ],
)
def test_a_service_that_is_down_is_a_connection_error_that_is_retried(
    tmp_path: Path, breach: Break, faults: dict[str, list[Fault | None]]
) -> None:
    found = tried(tmp_path, breach, faults=faults)
    assert (found.type_name, found.is_stored, found.is_retried) == ("ConnectionError", True, True)
    assert found.service.jobs == {}


def test_a_refused_key_is_an_access_token_error_that_is_not_retried(tmp_path: Path) -> None:
    answer = httpx.Response(401, json={"message": "Unauthenticated.", "code": "UNAUTHENTICATED"})
    found = tried(tmp_path, faults={CREATE: always(answer)})
    assert (found.type_name, found.is_retried) == ("InvalidAccessTokenError", False)
    assert found.service.asked.count(CREATE) == 1


def test_refused_fields_are_a_data_error_that_shows_their_messages(tmp_path: Path) -> None:
    found = tried(tmp_path, faults={CREATE: always(httpx.Response(422, json=INVALID))})
    assert (found.type_name, found.is_retried) == ("DataError", False)
    assert "output_format: The selected output_format is invalid." in str(found.error)
    assert found.service.asked.count(CREATE) == 1


@pytest.mark.parametrize("kind", ["reset", "end", "silence"])
def test_a_creation_whose_answer_is_lost_is_looked_up_and_never_made_twice(
    tmp_path: Path, kind: str
) -> None:
    found = tried(tmp_path, Break("create", "response head", kind, None))
    assert (found.type_name, found.delivered) == ("", found.service.result)
    assert len(found.service.payloads) == 1


def test_a_lost_creation_that_cannot_be_looked_up_is_a_connection_error_and_taken_up_later(
    tmp_path: Path,
) -> None:
    async def work() -> tuple[Tried, Tried]:
        async with serving(Break("create", "response head", "reset", None)) as faulty:
            faulty.service.faults = {"GET /v2/jobs": always(httpx.Response(500))}
            first = await attempt(faulty, tmp_path)
            assert first.error is not None
            faulty.service.faults = {}
            return first, await attempt(faulty, tmp_path, first.error.detail)

    first, second = virtually(work(), SocketLoop)
    assert (first.type_name, first.is_retried) == ("ConnectionError", True)
    assert (second.type_name, second.delivered) == ("", second.service.result)
    assert len(second.service.payloads) == 1


@pytest.mark.parametrize(
    ("phase", "kind"),
    [
        ("request head", "silence"),
        ("response head", "silence"),
        ("response head", "drip"),
        ("response body", "drip"),
    ],
)
def test_an_answer_that_does_not_come_or_drips_is_a_timeout(
    tmp_path: Path, phase: str, kind: str
) -> None:
    found = tried(tmp_path, Break("poll", phase, kind, None))
    assert (found.type_name, found.is_stored, found.is_retried) == (
        "ModuleTimeoutError",
        True,
        True,
    )
    assert len(found.service.payloads) == 1


def test_half_a_document_is_a_data_error_that_is_not_retried(tmp_path: Path) -> None:
    half = httpx.Response(200, content=b'{"data": {"id": "job-', headers=JSON)
    found = tried(tmp_path, faults={POLL: always(half)})
    assert (found.type_name, found.is_retried) == ("DataError", False)
    assert found.service.asked.count("GET /v2/jobs/job-1") == 1


def test_a_redirect_loop_is_a_connection_error_that_is_retried(tmp_path: Path) -> None:
    moved = httpx.Response(302, headers={"location": "/v2/jobs/job-1"})
    found = tried(tmp_path, faults={POLL: always(moved)})
    assert (found.type_name, found.is_stored, found.is_retried) == ("ConnectionError", True, True)


def test_two_failing_polls_are_none(tmp_path: Path) -> None:
    found = tried(tmp_path, faults={POLL: times(2, lambda: httpx.Response(500))})
    assert (found.type_name, found.delivered) == ("", found.service.result)


def test_a_job_that_vanishes_is_a_data_error(tmp_path: Path) -> None:
    gone = httpx.Response(404, json={"message": "Not found.", "code": "NOT_FOUND"})
    found = tried(tmp_path, faults={POLL: [None, gone]})
    assert (found.type_name, found.is_retried) == ("DataError", False)


def test_a_job_that_is_late_is_given_up_stored_and_taken_up_by_its_replay(tmp_path: Path) -> None:
    async def work() -> tuple[Tried, Tried]:
        async with serving(NOTHING) as faulty:
            faulty.service.polls = NEVER
            first = await attempt(faulty, tmp_path)
            assert first.error is not None
            faulty.service.polls = 0
            return first, await attempt(faulty, tmp_path, first.error.detail)

    first, second = virtually(work(), SocketLoop)
    assert str(first.error) == "Maximum number of repeats exceeded."
    assert (first.type_name, first.is_stored, first.is_retried) == ("RuntimeError", True, False)
    assert (second.type_name, second.delivered) == ("", second.service.result)
    assert (len(second.service.payloads), second.service.deleted) == (1, [])


def test_a_task_that_fails_is_a_data_error_of_its_bundle(tmp_path: Path) -> None:
    failing = {"process": {"message": "moov atom not found", "code": "OPEN_FAILED"}}
    found = tried(tmp_path, failing=failing)
    assert (found.type_name, found.is_stored, found.is_retried) == ("DataError", True, False)
    assert str(found.error) == "moov atom not found (Code: OPEN_FAILED)"


def test_an_upload_form_that_has_expired_is_a_data_error_and_leaves_no_job(tmp_path: Path) -> None:
    expired = httpx.Response(403, content=b"<Error><Code>AccessDenied</Code></Error>")
    found = tried(tmp_path, faults={UPLOAD: always(expired)})
    assert (found.type_name, found.is_retried) == ("DataError", False)
    assert found.service.asked.count("POST /1-import-1") == 1
    assert (len(found.service.payloads), found.service.jobs) == (1, {})


@pytest.mark.parametrize("kind", ["reset", "end"])
def test_a_download_cut_short_is_fetched_again(tmp_path: Path, kind: str) -> None:
    found = tried(tmp_path, Break("download", "response body", kind))
    assert (found.type_name, found.delivered) == ("", found.service.result)


def test_a_file_that_stays_short_is_never_delivered(tmp_path: Path) -> None:
    found = tried(tmp_path, faults={DOWNLOAD: always(httpx.Response(200, content=b"%PDF"))})
    assert (found.type_name, found.delivered) == ("DataError", b"")


@pytest.mark.parametrize("wrong", [1, 9])
def test_a_file_of_another_hash_is_fetched_again_and_never_delivered(
    tmp_path: Path, wrong: int
) -> None:
    other = b"x" * len(FakeService.result)
    answers = times(wrong, lambda: httpx.Response(200, content=other))
    found = tried(tmp_path, hashed=True, faults={DOWNLOAD: answers})
    if wrong == 1:
        assert (found.type_name, found.delivered) == ("", found.service.result)
    else:
        assert (found.type_name, found.delivered) == ("DataError", b"")
