"""CloudConvert, "Optimize a File". Source: Fusion's CloudConvert page; API v2, optimize."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any, Literal, Self

from pydantic import model_validator

from engine.module import Context, Effect, Fields, FileValue, Module
from modules.cloudconvert.fields import (
    FileName,
    Format,
    Headers,
    Options,
    WaitLimit,
    WebUrl,
    check_source,
)
from modules.cloudconvert.file_job import (
    FileJob,
    Order,
    absent_without_download,
    run_file_job,
)
from modules.cloudconvert.submission import job_taken_up
from modules.cloudconvert.waiting import WAIT_LIMIT


class OptimizeInput(Fields):
    """Fields of "Optimize a File"."""

    input_file: Literal["upload", "url"]
    """`upload`: send a file of this run; `url`: the service fetches it."""
    file: FileValue | None = None
    """The file to upload: a file of an earlier node, or its `name` and `data`."""
    url: WebUrl | None = None
    """Where the service fetches the file; it must open without a login, but for `headers`."""
    headers: Headers = {}
    """HTTP headers to fetch it with: a map, or rows of `name` and `value`."""
    optimization_for: Literal["web", "print", "archive", "mrc", "max"] | None = None
    """What the result is for: `web`, `print`, `archive`, scanned images (`mrc`), or the smallest
    size at any price (`max`). Left out: the service takes `web`."""
    input_format: Format | None = None
    """Format of the input, `pdf`, `png` or `jpg`; left out: the service finds it out."""
    file_name: FileName | None = None
    """Name of the result with its extension; left out: the input's."""
    options: Options = {}
    """Options of the optimization, such as `quality`: a map, or rows of `name` and `value`."""
    download_file: bool = False
    """Wait for the result and download it; otherwise the node ends when the job has started."""
    wait_limit: WaitLimit = WAIT_LIMIT
    """Longest wait for the result, such as `15m`, or in seconds; a job that is late goes on at the
    service."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        check_source(self)
        if self.optimization_for is not None and "profile" in self.options:
            raise ValueError("`optimization_for` and the option `profile` are the same")
        return self


class OptimizeFile(Module[OptimizeInput, FileJob]):
    """Make a PDF, PNG or JPG smaller; it keeps its format."""

    id = "cloudconvert.optimize_file"
    effect = Effect.WRITE

    @classmethod
    def takes_up(cls, earlier: Mapping[str, Any], changed: Collection[str]) -> str | None:
        return job_taken_up(earlier, changed)

    def finds_again(self, fields: OptimizeInput) -> bool:
        """The job is found by its tag, which no other has."""
        return True

    async def execute(self, fields: OptimizeInput, ctx: Context) -> AsyncIterator[FileJob]:
        chosen = {
            "profile": fields.optimization_for,
            "input_format": fields.input_format,
            "filename": fields.file_name,
        }
        process: dict[str, Any] = {
            **fields.options,
            "operation": "optimize",
            **{name: value for name, value in chosen.items() if value is not None},
        }
        order = Order([fields], process, fields.download_file, fields.wait_limit)
        yield await run_file_job(ctx, order)

    @classmethod
    def absent_items(cls, constants: Mapping[str, Any]) -> Mapping[str, str]:
        return absent_without_download(constants)
