"""CloudConvert, "Merge Files". Source: Fusion's CloudConvert page; API v2, merge."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any, Literal

from pydantic import Field

from engine.module import Context, Effect, Fields, Module
from modules.cloudconvert.fields import FileName, InputFiles, Options, WaitLimit
from modules.cloudconvert.file_job import (
    FileJob,
    Order,
    absent_without_download,
    run_file_job,
)
from modules.cloudconvert.submission import job_taken_up
from modules.cloudconvert.waiting import WAIT_LIMIT


class MergeInput(Fields):
    """Fields of "Merge Files"."""

    input_files: InputFiles = Field(min_length=2)
    """The files, two or more, in the order of their pages: rows, or one mapped array of files."""
    output_format: Literal["pdf"] = "pdf"
    """Format of the result."""
    file_name: FileName | None = None
    """Name of the result with its extension; left out: the service's choice."""
    options: Options = {}
    """Options of the merge and its engine: a map, or rows of `name` and `value`."""
    download_file: bool = False
    """Wait for the result and download it; otherwise the node ends when the job has started."""
    wait_limit: WaitLimit = WAIT_LIMIT
    """Longest wait for the result, such as `15m`, or in seconds; a job that is late goes on at the
    service."""


class MergeFiles(Module[MergeInput, FileJob]):
    """Merge several files into one document, in their order."""

    id = "cloudconvert.merge_files"
    effect = Effect.WRITE

    @classmethod
    def takes_up(cls, earlier: Mapping[str, Any], changed: Collection[str]) -> str | None:
        return job_taken_up(earlier, changed)

    def finds_again(self, fields: MergeInput) -> bool:
        """The job is found by its tag, which no other has."""
        return True

    async def execute(self, fields: MergeInput, ctx: Context) -> AsyncIterator[FileJob]:
        process: dict[str, Any] = {
            **fields.options,
            "operation": "merge",
            "output_format": fields.output_format,
        }
        if fields.file_name:
            process["filename"] = fields.file_name
        order = Order(fields.input_files, process, fields.download_file, fields.wait_limit)
        yield await run_file_job(ctx, order)

    @classmethod
    def absent_items(cls, constants: Mapping[str, Any]) -> Mapping[str, str]:
        return absent_without_download(constants)
