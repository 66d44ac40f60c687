"""CloudConvert, "Create an Archive". Source: Fusion's CloudConvert page; API v2, archive."""

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


class ArchiveInput(Fields):
    """Fields of "Create an Archive"."""

    input_files: InputFiles = Field(min_length=1)
    """The files, one or more, in their order in the archive: rows, or one mapped array of files."""
    output_format: Literal["zip", "rar", "7z", "tar", "tar.gz", "tar.bz2"]
    """Kind of archive."""
    file_name: FileName | None = None
    """Name of the archive with its extension; left out: the service's choice."""
    options: Options = {}
    """Options of the archive and its engine: a map, or rows of `name` and `value`."""
    download_file: bool = False
    """Wait for the result and download it; otherwise the node ends when the job has started."""
    wait_limit: WaitLimit = WAIT_LIMIT
    """Longest wait for the result, such as `15m`, or in seconds; a job that is late goes on at the
    service."""


class CreateArchive(Module[ArchiveInput, FileJob]):
    """Pack files into one archive."""

    id = "cloudconvert.create_archive"
    effect = Effect.WRITE

    @classmethod
    def takes_up(cls, earlier: Mapping[str, Any], changed: Collection[str]) -> str | None:
        return job_taken_up(earlier, changed)

    def finds_again(self, fields: ArchiveInput) -> bool:
        """The job is found by its tag, which no other has."""
        return True

    async def execute(self, fields: ArchiveInput, ctx: Context) -> AsyncIterator[FileJob]:
        process: dict[str, Any] = {
            **fields.options,
            "operation": "archive",
            "output_format": fields.output_format,
        }
        if fields.file_name:
            process["filename"] = fields.file_name
        order = Order(fields.input_files, process, fields.download_file, fields.wait_limit)
        yield await run_file_job(ctx, order)

    @classmethod
    def absent_items(cls, constants: Mapping[str, Any]) -> Mapping[str, str]:
        return absent_without_download(constants)
