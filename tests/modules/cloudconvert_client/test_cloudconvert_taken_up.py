"""What a replay plan says of a job that a failed attempt has begun."""

from collections.abc import Collection

import pytest

from modules.cloudconvert import connector

LATE = {"tag": "e1-convert-1", "order": "ab12", "job_id": "j1", "status": "processing"}
MAKE_JOBS = (
    *("convert_file", "optimize_file", "merge_files", "create_archive", "capture_website"),
    "create_job",
)


@pytest.mark.parametrize("name", MAKE_JOBS)
def test_a_job_that_was_only_late_is_taken_up_again(name: str) -> None:
    said = connector.load(name).takes_up(LATE, ())
    assert said is not None
    assert "e1-convert-1" in said


@pytest.mark.parametrize(
    ("detail", "changed"),
    [
        ({}, ()),
        ({**LATE, "tasks": [{"name": "process", "code": "INVALID"}]}, ()),
        ({"tag": "an author's own"}, ()),
        (LATE, ["output_format"]),
    ],
)
def test_what_failed_or_is_asked_for_otherwise_begins_anew(
    detail: dict[str, object], changed: Collection[str]
) -> None:
    assert connector.load("convert_file").takes_up(detail, changed) is None


def test_waiting_longer_asks_for_the_same_job() -> None:
    assert connector.load("convert_file").takes_up(LATE, ["wait_limit", "download_file"])
