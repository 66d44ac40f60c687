"""CloudConvert, "Convert a File". Source: Fusion's CloudConvert page; API v2, convert."""

from collections.abc import AsyncIterator, Mapping
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
from modules.cloudconvert.waiting import WAIT_LIMIT


class ConvertInput(Fields):
    """Fields of "Convert a File"."""

    input_file: Literal["upload", "url"]
    """`upload`: send a file of this run; `url`: the service fetches it."""
    file: FileValue | None = None
    """The file to upload: a file of an earlier node, or its `name` and `data`."""
    url: WebUrl | None = None
    """Where the service fetches the file; it must open without a login, but for `headers`."""
    headers: Headers = {}
    """HTTP headers to fetch it with: a map, or rows of `name` and `value`."""
    input_format: Format | None = None
    """Format of the input; left out: the service finds it out."""
    output_format: Format
    """Format to convert to, such as `mp4`."""
    file_name: FileName | None = None
    """Name of the result with its extension; left out: the input's name with the new extension."""
    options: Options = {}
    """Options of the conversion and its engine: a map, or rows of `name` and `value`."""
    download_file: bool = False
    """Wait for the result and download it; otherwise the node ends when the job has started."""
    wait_limit: WaitLimit = WAIT_LIMIT
    """Longest wait for the result, such as `15m`; a job that is late goes on at the service."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        check_source(self)
        return self


class ConvertFile(Module[ConvertInput, FileJob]):
    """Convert one file to another format."""

    id = "cloudconvert.convert_file"
    effect = Effect.WRITE

    async def execute(self, fields: ConvertInput, ctx: Context) -> AsyncIterator[FileJob]:
        process: dict[str, Any] = {
            **fields.options,
            "operation": "convert",
            "output_format": fields.output_format,
        }
        if fields.input_format:
            process["input_format"] = fields.input_format
        if name := fields.file_name or _default_name(fields):
            process["filename"] = name
        order = Order([fields], process, fields.download_file, fields.wait_limit)
        yield await run_file_job(ctx, order)

    @classmethod
    def absent_items(cls, constants: Mapping[str, Any]) -> Mapping[str, str]:
        return absent_without_download(constants)


def _default_name(fields: ConvertInput) -> str | None:
    """Return the upload's name with the new extension; None where only the service knows it."""
    name = str(fields.file["name"]) if fields.file is not None else ""
    stem = name.rpartition(".")[0] or name
    return f"{stem}.{fields.output_format}" if stem else None
