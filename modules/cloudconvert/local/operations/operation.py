"""What an operation is: its fields, what it needs, and how it runs.

To add one, write a file with an `Operation` object and list it in `registry`.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from engine.module import Fetch
from modules.cloudconvert.local.children import Children, Ended, OnLine, Program
from modules.cloudconvert.local.data import TaskFolder
from modules.cloudconvert.local.inventory import Inventory
from modules.cloudconvert.local.records import TaskRecord
from modules.cloudconvert.local.settings import LONGEST_TIMEOUT_SECONDS, Limits


def _required(value: Any) -> Any:
    return None if value == "" else value


Text = Annotated[str, Field(max_length=65_536)]
RequiredText = Annotated[Text, BeforeValidator(_required)]
"""An empty text counts as missing, as it does at the service."""


class TaskFields(BaseModel):
    """Fields of a task; unknown ones are ignored, as at the service.

    `input` and `ignore_error` belong to the job's graph and are read there.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)


class ProcessingFields(TaskFields):
    """Fields of every operation that makes new files out of others."""

    filename: Text | None = None
    timeout: Annotated[int, Field(ge=1, le=LONGEST_TIMEOUT_SECONDS)] | None = None
    engine: Text | None = None
    """Assumed: a wish. The engines here have names of their own, so it selects nothing."""
    engine_version: Text | None = None


class Options(BaseModel):
    """Options of a conversion, flat beside the task's fields.

    Texts that spell a number or a boolean count as such: forms can only give texts.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file to work on; `path` is the task's own link to it."""

    path: Path
    filename: str
    size: int
    origin: frozenset[str] = frozenset()
    """Id and name of the task that it comes from."""


@dataclass(frozen=True, slots=True)
class Work:
    """One task at work: what it has, and what it may use."""

    task: TaskRecord
    fields: Any
    """The validated `TaskFields` of the operation."""
    inputs: Sequence[InputFile]
    folder: TaskFolder
    inventory: Inventory
    limits: Limits
    fetch: Fetch
    children: Children
    threads: int
    """Cores that this task may keep busy."""
    report: Callable[[int], None]
    """Takes the percentage done, 0 to 100."""

    async def run(
        self, program: Program, on_line: OnLine, on_complaint: OnLine | None = None
    ) -> Ended:
        return await self.children.run(program, on_line, on_complaint)


@dataclass(frozen=True, slots=True)
class Made:
    """A result: `path` lies in the task's `work` folder; `format` is None if anything goes."""

    path: Path
    filename: str
    format: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    files: Sequence[Made]
    engine: str | None = None
    engine_version: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the task's result shows besides files; JSON."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What an option comes down to for one output format."""

    default: Any
    values: Sequence[str] = ()
    """The values that fit it, of those that the option knows; empty: any of its type."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of `GET /v2/operations`."""

    operation: str
    engine: str
    input_format: str | None = None
    output_format: str | None = None
    group: str | None = None
    engine_version: str | None = None
    credits: int = 1
    options: type[BaseModel] | None = None
    choices: Mapping[str, Choice] = field(default_factory=dict)
    """By option, where the output format narrows it."""
    alternative: bool = False
    """Another engine comes first; shown only to those who ask for alternatives."""


def _nothing(_fields: Any, _inventory: Inventory) -> None:
    return None


F = TypeVar("F", bound=TaskFields)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API."""

    name: str
    fields: type[TaskFields]
    run: Callable[[Work], Awaitable[Outcome]]
    takes_input: bool = True
    edges: Sequence[str] = ()
    """Fields besides `input` that name a task whose files it takes."""
    heavy: bool = False
    """It keeps a core busy; only as many run at once as there are cores."""
    credits: int = 0
    """What a finished task costs at the service. Source: recorded tasks."""
    aliases: Sequence[str] = ()
    awaits_upload: bool = False
    """It starts when a file is uploaded, not by itself."""
    check: Callable[[Any, Inventory], None] = _nothing
    """Refuse fields that no present engine can serve; raises Refusal with plain field names."""
    spool: Callable[[dict[str, Any], Path], dict[str, Any]] | None = None
    """Write content that came inside the request to a file; returns the fields without it.

    Raises Refusal if the content is broken.
    """
    entries: Callable[[Inventory], Iterable[Entry]] = field(default=lambda _inventory: ())


def set_fields(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that were given; a null counts as not given."""
    return {name: value for name, value in payload.items() if value is not None}
