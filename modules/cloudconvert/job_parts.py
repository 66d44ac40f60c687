"""Input files and tasks of a job that its author puts together.

Source: Fusion's CloudConvert page, "Create a Job (advanced)"; CloudConvert API v2, job graph.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from engine.module import Fields, File
from modules.cloudconvert.fields import InputFile, Options, map_of_rows, sendable

TaskName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=255, examples=["convert-it"])
]

REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "convert": ("output_format",),
    "capture-website": ("url", "output_format"),
    "archive": ("output_format",),
    "merge": ("output_format",),
    "command": ("engine", "command", "arguments"),
    "thumbnail": ("output_format",),
    "metadata/write": ("metadata",),
    "import/url": ("url",),
}
"""Fields without which an operation does not start. Source: CloudConvert API v2, operations."""

_WITHOUT_INPUT: Final = ("import/", "capture-website")
_EDGES: Final = ("image", "subtitles")
"""Fields besides `input` that name another task of the job."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class JobInput(InputFile):
    """One input file of a job; a file alone is taken as an upload."""

    name: TaskName | None = None
    """Name of the task that brings it, for the `input` of others; left out: `import-1`, …"""


def _several(value: Any) -> Any:
    return [value] if isinstance(value, File) else value


JobInputs = Annotated[list[JobInput], BeforeValidator(_several)]


def _names(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class JobTask(Fields):
    """One task of a job; the fields of its operation stand beside these, or in `fields`."""

    model_config = ConfigDict(extra="allow")

    name: TaskName
    """Its name in the job, for the `input` of others."""
    operation: str = Field(pattern=r"^[a-z0-9]+([/-][a-z0-9]+)*$", examples=["convert"])
    """What it does: `convert`, `optimize`, `merge`, `archive`, `capture-website`, `command`,
    `export/url`, or any other operation of the service."""
    input: Annotated[
        list[str] | None,
        BeforeValidator(_names),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array"}]}),
    ] = None
    """The tasks whose files it takes: a name, or several in the order of their files. Left out: all
    input files of the job, in their order; an export names what it exports."""
    fields: Annotated[
        dict[str, Any], BeforeValidator(map_of_rows), WithJsonSchema({"type": "object"})
    ] = {}
    """The operation's own fields, such as `output_format`: a map, or rows of `name` and `value`."""
    options: Options = {}
    """Options of the operation and its engine: a map, or rows of `name` and `value`."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        names = [name for part in self._parts for name in part]
        if twice := next((name for name in names if names.count(name) > 1 or name in _OWN), None):
            raise ValueError(f"`{twice}` is given twice")
        for name in REQUIRED.get(self.operation, ()):
            if name not in self.given:
                raise ValueError(f"`{name}` is required with `operation: {self.operation}`")
        if self.operation == "import/upload":
            raise ValueError("a file to upload is one of `input_files`")
        return self

    @property
    def _parts(self) -> tuple[Mapping[str, Any], ...]:
        return self.options, self.fields, self.model_extra or {}

    @property
    def given(self) -> dict[str, Any]:
        """Return the operation's own fields that have a value, as JSON has them."""
        given = {name: value for part in self._parts for name, value in part.items()}
        return {
            name: sendable(value, f"`{name}` cannot be a file: {_ONLY_LINKED}")
            for name, value in given.items()
            if value is not None
        }

    @property
    def takes_input(self) -> bool:
        return not self.operation.startswith(_WITHOUT_INPUT)

    def sent(self, all_inputs: Sequence[str]) -> dict[str, Any]:
        """Return the task as the service takes it; `all_inputs` names the job's input files."""
        names = self.input or (all_inputs if self.takes_input else ())
        inputs = {"input": names[0] if len(names) == 1 else list(names)} if names else {}
        return {"operation": self.operation, **inputs, **self.given}

    def links(self) -> Iterator[str]:
        """Yield the names of the tasks that it takes files of."""
        yield from self.input or ()
        yield from (name for edge in _EDGES if isinstance(name := self.given.get(edge), str))


_ONLY_LINKED: Final = "files are `input_files`, linked by their name"
_OWN: Final = frozenset(JobTask.model_fields)


def problem_with(inputs: Sequence[str], tasks: Sequence[JobTask]) -> str:
    """Say what is wrong with the names and links of a job; empty if nothing is.

    A link may also be the id of a task outside the job.
    """
    names = [*inputs, *(task.name for task in tasks)]
    if twice := next((name for name in names if names.count(name) > 1), None):
        return f"two tasks have the name `{twice}`"
    for task in tasks:
        if problem := _unlinked(task, names, inputs):
            return f"task `{task.name}`: {problem}"
    return ""


def _unlinked(task: JobTask, names: Sequence[str], inputs: Sequence[str]) -> str:
    for name in task.links():
        if name not in names and not _UUID.fullmatch(name):
            return f"there is no task `{name}`; the job has {', '.join(names)}"
    if task.input is None and task.takes_input:
        if task.operation.startswith("export/"):
            return "`input` is required: say what it exports"
        if not inputs:
            return "`input` is required, because the job has no input files"
    return ""
