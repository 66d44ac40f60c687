"""A scenario as its author wrote it, with the shape checked and nothing else.

`engine.plan` reads it from YAML and turns it into a `Plan`. Source: the scenario language in
README; settings and their defaults as in Fusion's scenario settings.
"""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError


class Written(BaseModel):
    """Base of everything that stands in a scenario file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Settings(Written):
    """How the scenario runs; Fusion's names in snake_case."""

    max_cycles: int = Field(default=1, ge=1, le=10_000)
    """How often the trigger may be asked again in one execution."""
    max_consecutive_errors: int = Field(default=3, ge=1, le=1_000)
    """Executions in a row that may end in error before the scenario is deactivated."""
    auto_commit: bool = True
    """Each module commits right after its own operation."""
    commit_trigger_last: bool = True
    """The trigger commits at the end of the cycle, so that a failed cycle reads the same again."""
    sequential_processing: bool = False
    """Nothing new runs while an incomplete execution is unresolved."""
    data_is_confidential: bool = False
    """Bundle values are not kept in the history."""
    store_incomplete_executions: bool = False
    """What fails is stored and can be replayed."""
    enable_data_loss: bool = False
    """If a failure cannot be stored, go on without it."""
    timezone: str = "UTC"
    """Time zone of dates in expressions, by its name in the tz database."""
    timeout_minutes: float | None = Field(default=None, gt=0)
    """Longest run; None: no limit (Fusion: 40)."""
    max_file_size: int | None = Field(default=None, gt=0)
    """Largest file in bytes; None: no limit (Fusion: 500 MB)."""
    incomplete_limit: int | None = Field(default=None, gt=0)
    """Most incomplete executions kept; None: no limit (Fusion: 100 or 1 GB)."""
    retry_schedule: Literal["fusion", "make"] | list[str] = "fusion"
    """Waits before automatic retries of connection, rate limit, timeout and space errors."""


class InputField(Written):
    """One scenario input, read as `{{ inputs.name }}` and given by `--set name=value`."""

    type: Literal["text", "number", "boolean", "date", "array", "collection"] = "text"
    default: Any = None
    required: bool = False
    description: str = ""


class RouteWritten(Written):
    """One route of a router."""

    name: str = ""
    filter: "FilterWritten | None" = None
    fallback: bool = False
    disabled: bool = False
    flow: "list[NodeWritten]" = Field(default_factory=list)


class NodeWritten(Written):
    """One node: a module placed in the flow."""

    id: str | None = None
    """Name under which later nodes map its items; left out where nothing does."""
    module: str
    """Kind of module, as `connector.verb_noun`."""
    label: str = ""
    """Name for people, in progress and pictures."""
    note: str = ""
    """Remark that the engine ignores."""
    connection: str | None = None
    """Name of a connection; left out: the one named like the connector, else its own server."""
    filter: "FilterWritten | None" = None
    """Bundles for which this is false do not enter the node."""
    fields: dict[str, Any] = Field(default_factory=dict, alias="with")
    """The module's fields; texts may hold `{{ … }}`."""
    on_error: "list[NodeWritten] | None" = Field(default=None, min_length=1)
    """Error route; ends in a directive."""
    routes: list[RouteWritten] | None = Field(default=None, min_length=1)
    """Only for `flow.router`."""
    concurrency: int = Field(default=1, ge=1, le=1_000)
    """How many operations of this node may overlap; so many bundles are held for it."""
    disabled: bool = False
    """The node is passed by: bundles go on to the next node unchanged."""


def _condition_form(written: object) -> object:
    if not isinstance(written, list):
        raise PydanticCustomError(
            "condition_form",
            'should be a list, such as ["{{ video.size }}", "number:greater", 5]',
        )
    return written


class ConditionGroup(Written):
    """Conditions that must all hold."""

    all: list[Annotated[list[Any], BeforeValidator(_condition_form)]]


class Conditions(Written):
    """Fusion's form of a filter: one of the groups must hold."""

    name: str = ""
    any: list[ConditionGroup]


def _filter_form(written: object) -> str | None:
    forms = {str: "expression", bool: "constant", dict: "conditions", Conditions: "conditions"}
    return forms.get(type(written))


FilterWritten: TypeAlias = Annotated[
    Annotated[str, Tag("expression")]
    | Annotated[bool, Tag("constant")]
    | Annotated[Conditions, Tag("conditions")],
    Discriminator(
        _filter_form,
        custom_error_type="filter_form",
        custom_error_message="should be an expression, or conditions such as "
        '{any: [{all: [["{{ video.size }}", "number:greater", 5]]}]}',
    ),
]


class ScenarioWritten(Written):
    """A scenario file."""

    id: str | None = None
    """Identity in the store; left out: the file's name without `.yaml`."""
    name: str = ""
    description: str = ""
    settings: Settings = Settings()
    connections: dict[str, dict[str, Any]] = Field(default_factory=dict)
    inputs: dict[str, InputField] = Field(default_factory=dict)
    on_error: list[NodeWritten] | None = Field(default=None, min_length=1)
    """Error route for every node that has none of its own."""
    flow: list[NodeWritten] = Field(min_length=1)
