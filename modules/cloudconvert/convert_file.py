"""CloudConvert, "Convert a File". Source: Fusion's CloudConvert page; API v2, convert."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any, Literal, Self

from pydantic import model_validator

from engine.module import Context, Effect, Fields, Module
from modules.cloudconvert.fields import (
    FileName,
    FileOrFiles,
    Format,
    Headers,
    InputFile,
    Options,
    Source,
    WaitLimit,
    WebUrl,
    check_source,
    formats_of,
)
from modules.cloudconvert.file_job import (
    FileJob,
    Order,
    absent_without_download,
    run_file_job,
)
from modules.cloudconvert.submission import job_taken_up
from modules.cloudconvert.waiting import WAIT_LIMIT


class ConvertInput(Fields):
    """Fields of "Convert a File"."""

    input_file: Literal["upload", "url"]
    """`upload`: send a file of this run; `url`: the service fetches it."""
    file: FileOrFiles | None = None
    """The file to upload: a file of an earlier node, or its `name` and `data`. A mapped array of
    files, such as an array aggregator makes, is converted in one job, each by itself."""
    url: WebUrl | None = None
    """Where the service fetches the file; it must open without a login, but for `headers`."""
    headers: Headers = {}
    """HTTP headers to fetch it with: a map, or rows of `name` and `value`."""
    input_format: Format | None = None
    """Format of the input, if you want to select it; left out: the service finds it out, of each
    file by itself, so that an array may have files in several formats."""
    output_format: Format
    """Format to convert to, such as `mp4`."""
    file_name: FileName | None = None
    """Name of the result with its extension; left out: the input's name with the new extension."""
    options: Options = {}
    """Options of the conversion and its engine: a map, or rows of `name` and `value`."""
    download_file: bool = False
    """Wait for the result and download it; otherwise the node ends when the job has started."""
    wait_limit: WaitLimit = WAIT_LIMIT
    """Longest wait for the result, such as `15m`, or in seconds; a job that is late goes on at the
    service."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        check_source(self)
        if self.input_format and len(found := formats_of(self.sources)) > 1:
            several = ", ".join(sorted(found))
            raise ValueError(
                f"leave out `input_format`: it is one, and the files are in several ({several})"
            )
        return self

    @property
    def sources(self) -> list[Source]:
        """Where the input files come from, in their order."""
        if isinstance(self.file, list):
            return self.file
        given = {name: getattr(self, name) for name in InputFile.model_fields}
        return [InputFile.model_validate(given)]


class ConvertFile(Module[ConvertInput, FileJob]):
    """Convert one file to another format."""

    id = "cloudconvert.convert_file"
    effect = Effect.WRITE

    @classmethod
    def takes_up(cls, earlier: Mapping[str, Any], changed: Collection[str]) -> str | None:
        return job_taken_up(earlier, changed)

    def finds_again(self, fields: ConvertInput) -> bool:
        """The job is found by its tag, which no other has."""
        return True

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
        order = Order(fields.sources, process, fields.download_file, fields.wait_limit)
        yield await run_file_job(ctx, order)

    @classmethod
    def absent_items(cls, constants: Mapping[str, Any]) -> Mapping[str, str]:
        return absent_without_download(constants)


def _default_name(fields: ConvertInput) -> str | None:
    """Return the upload's name with the new extension; None where it does not decide."""
    [file, *others] = [source.file for source in fields.sources]
    name = str(file["name"]) if file is not None and not others else ""
    stem = name.rpartition(".")[0] or name
    return f"{stem}.{fields.output_format}" if stem else None
