"""CloudConvert, "Capture a Website". Source: Fusion's CloudConvert page; API v2."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any, Literal, Self

from pydantic import model_validator

from engine.module import Context, Effect, Fields, Module
from modules.cloudconvert.fields import FileName, Headers, Options, WaitLimit, WebUrl
from modules.cloudconvert.file_job import (
    FileJob,
    Order,
    absent_without_download,
    run_file_job,
)
from modules.cloudconvert.submission import job_taken_up
from modules.cloudconvert.waiting import WAIT_LIMIT


class CaptureInput(Fields):
    """Fields of "Capture a Website"."""

    url: WebUrl
    """Address of the page; it must open without a login, but for `headers`."""
    output_format: Literal["pdf", "jpg", "png"]
    """Format of the result."""
    file_name: FileName | None = None
    """Name of the result with its extension; left out: the service's choice."""
    headers: Headers = {}
    """HTTP headers to open the page with: a map, or rows of `name` and `value`."""
    options: Options = {}
    """Options of the capture, such as `wait_until`: a map, or rows of `name` and `value`."""
    download_file: bool = False
    """Wait for the result and download it; otherwise the node ends when the job has started."""
    wait_limit: WaitLimit = WAIT_LIMIT
    """Longest wait for the result, such as `15m`, or in seconds; a job that is late goes on at the
    service."""

    @model_validator(mode="after")
    def _fields_of_their_own(self) -> Self:
        if taken := {"url", "headers"} & self.options.keys():
            raise ValueError(f"`{min(taken)}` is no option: it is a field of its own")
        return self


class CaptureWebsite(Module[CaptureInput, FileJob]):
    """Take a picture of a web page, or print it to a PDF."""

    id = "cloudconvert.capture_website"
    effect = Effect.WRITE

    @classmethod
    def takes_up(cls, earlier: Mapping[str, Any], changed: Collection[str]) -> str | None:
        return job_taken_up(earlier, changed)

    def finds_again(self, fields: CaptureInput) -> bool:
        """The job is found by its tag, which no other has."""
        return True

    async def execute(self, fields: CaptureInput, ctx: Context) -> AsyncIterator[FileJob]:
        process: dict[str, Any] = {
            **fields.options,
            "operation": "capture-website",
            "url": fields.url,
            "output_format": fields.output_format,
        }
        if fields.headers:
            process["headers"] = dict(fields.headers)
        if fields.file_name:
            process["filename"] = fields.file_name
        yield await run_file_job(ctx, Order([], process, fields.download_file, fields.wait_limit))

    @classmethod
    def absent_items(cls, constants: Mapping[str, Any]) -> Mapping[str, str]:
        return absent_without_download(constants)
