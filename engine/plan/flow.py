"""The engine's own modules: what sees several bundles (aggregators among them), and directives.

Connectors' modules see one bundle each and live under `modules/`; these are carried out by
`engine.run`. Here are their fields, which documentation, checks and forms come from. Their ids are
`flow.*`, but for the aggregators that Fusion keeps among its tools.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from engine.model.directive import Directive
from engine.model.durations import Lengths
from engine.module import Fields
from engine.plan.plan import NodeKind

_INTERVALS = Lengths(
    "minutes", timedelta(minutes=1), timedelta(days=30), "between 1 minute and 30 days"
)
Minutes = Annotated[timedelta, PlainValidator(_INTERVALS.read), WithJsonSchema(_INTERVALS.schema)]


class NoFields(Fields):
    """The module takes no fields."""


class IteratorFields(Fields):
    """Fields of `flow.iterator`."""

    array: Any
    """What to take apart: one bundle per element, in order. A collection's items become the
    bundle's items, a primitive or a file becomes `value`. Anything but an array counts as its one
    element; null and an empty array give no bundle."""


FarNumber = Annotated[int | float, Field(ge=-1e15, le=1e15)]


class RepeaterFields(Fields):
    """Fields of `flow.repeater`."""

    start: FarNumber = 1
    """The first number."""
    repeats: int = Field(ge=0, le=10_000)
    """How many bundles are emitted."""
    step: FarNumber = 1
    """How much each number is above the one before."""


class Repeated(Fields):
    """What `flow.repeater` emits."""

    i: int | float
    """The number: `start`, and one `step` more in each bundle."""


class AggregatorFields(Fields):
    """Fields of every aggregator."""

    source: str | None = None
    """Id of the node whose bundles are collected, those of one operation at a time. Left out: the
    nearest node upstream that can yield several."""
    group_by: Any = None
    """Expression; one bundle is emitted per distinct value, with the value as `key`."""
    stop_if_empty: bool = False
    """Emit nothing when no bundle arrived; otherwise an empty aggregate is emitted. Groups of no
    bundles are never emitted."""


class ArrayAggregatorFields(AggregatorFields):
    """Fields of `flow.array_aggregator`."""

    fields: dict[str, Any] = Field(min_length=1)
    """Items of each collection in `array`, by name, mapped for each bundle that arrives."""


class AggregatedArray(Fields):
    """What `flow.array_aggregator` emits."""

    array: list[Any]
    """The collected collections, as they came."""
    array_length: int
    """How many there are."""


class TextAggregatorFields(AggregatorFields):
    """Fields of `tools.text_aggregator`."""

    text: Any
    """The row that each arriving bundle gives. What comes out empty is an empty row."""
    row_separator: str = ""
    """What stands between two rows: `newline`, `tab`, or any text as it is."""


class TableAggregatorFields(AggregatorFields):
    """Fields of `tools.table_aggregator`."""

    fields: dict[str, Any] = Field(min_length=1)
    """The cells of the row that each arriving bundle gives, in this order, by name; the names do
    not appear. Cells stand as they are, without quotes."""
    column_separator: str = "tab"
    """What stands between two cells: `newline`, `tab`, or any text as it is."""
    row_separator: str = "newline"
    """What stands between two rows: `newline`, `tab`, or any text as it is."""


class AggregatedText(Fields):
    """What the text and the table aggregator emit."""

    text: str
    """The rows, put together in the order in which they came."""


class NumericAggregatorFields(AggregatorFields):
    """Fields of `tools.numeric_aggregator`."""

    function: Literal["sum", "avg", "count", "min", "max"]
    """What is worked out of the numbers. `count` counts the bundles that arrive."""
    value: Any = None
    """The number that each arriving bundle gives, or a text that spells one; `count` needs none."""

    @model_validator(mode="after")
    def _has_value(self) -> Self:
        if self.function != "count" and self.value is None:
            raise ValueError(f"`{self.function}` needs a `value`")
        return self


class AggregatedNumber(Fields):
    """What `tools.numeric_aggregator` emits."""

    result: int | float | None
    """The number. Of no bundles, `sum` and `count` are 0 and the others null."""


class ResumeFields(Fields):
    """Fields of `flow.resume`: the substitute output, item by item, under any names."""

    model_config = ConfigDict(extra="allow")


class BreakFields(Fields):
    """Fields of `flow.break`."""

    automatically_complete: bool = False
    """Retry the stored incomplete execution by itself; otherwise it waits for a person."""
    attempts: int = Field(default=3, ge=1, le=100)
    """How many automatic retries are made at most."""
    interval: Minutes = timedelta(minutes=15)
    """Wait before the first retry, in minutes or as `90s`, `15m`, `2h`; it doubles after every
    other retry that fails."""


_WAITS = Lengths("seconds", timedelta(0), timedelta(hours=1), "between 0 seconds and 1 hour")
Wait = Annotated[timedelta, PlainValidator(_WAITS.read), WithJsonSchema(_WAITS.schema)]

ErrorType = Literal[
    "BundleValidationError",
    "ConnectionError",
    "DataError",
    "DuplicateDataError",
    "IncompleteDataError",
    "InvalidAccessTokenError",
    "InvalidConfigurationError",
    "MaxFileSizeExceededError",
    "MaxResultsExceededError",
    "ModuleTimeoutError",
    "OutOfSpaceError",
    "RateLimitError",
    "RuntimeError",
    "UnexpectedError",
]
"""Types of the errors that a module may fail with, as `error.type` has them."""


class RetryFields(Fields):
    """Fields of `flow.retry`."""

    attempts: int = Field(default=3, ge=1, le=100)
    """How often the failed node runs again at most."""
    interval: Wait = timedelta(seconds=1)
    """Wait before the first attempt: seconds, or a text such as `2s` or `1m30s`. A service's
    own wish to wait longer is granted."""
    factor: float = Field(default=2, ge=1, le=10)
    """How much longer each wait is than the one before; none is longer than an hour."""
    jitter: float = Field(default=0, ge=0, le=1)
    """Largest part of a wait that is added to it at random, so that many do not come at once."""
    error_types: list[ErrorType] = Field(
        default=["ConnectionError", "RateLimitError", "ModuleTimeoutError"], min_length=1
    )
    """Types of the errors after which the node runs again; any other goes on at once."""


class ThrowFields(Fields):
    """Fields of `flow.throw`."""

    type: ErrorType = "RuntimeError"
    """Type of the error, on which its handling depends."""
    message: str = Field(min_length=1)
    """What `error.message` says."""
    detail: dict[str, Any] = {}
    """What `error.detail` holds."""
    when: bool = True
    """The error is raised if this is true; else the bundle goes on."""


@dataclass(frozen=True, slots=True)
class FlowModule:
    """A module of the engine's own; `summary` is one sentence for its reference page.

    `output` None: the items depend on the data, or there are none.
    """

    id: str
    kind: NodeKind
    fields: type[Fields]
    summary: str
    directive: Directive | None = None
    output: type[Fields] | None = None
    may_be_first: bool = False


def _directive(directive: Directive, fields: type[Fields], summary: str) -> FlowModule:
    return FlowModule(f"flow.{directive}", NodeKind.DIRECTIVE, fields, summary, directive)


def _aggregator(
    module_id: str, fields: type[Fields], output: type[Fields], summary: str
) -> FlowModule:
    return FlowModule(module_id, NodeKind.AGGREGATOR, fields, summary, output=output)


FLOW: Mapping[str, FlowModule] = {
    module.id: module
    for module in (
        FlowModule(
            "flow.router",
            NodeKind.ROUTER,
            NoFields,
            "Send each bundle down every route whose filter lets it pass, one route after another.",
        ),
        FlowModule(
            "flow.iterator",
            NodeKind.ITERATOR,
            IteratorFields,
            "Take an array apart: one bundle per element.",
        ),
        FlowModule(
            "flow.repeater",
            NodeKind.ITERATOR,
            RepeaterFields,
            "Emit a bundle for each number of a row of numbers.",
            output=Repeated,
            may_be_first=True,
        ),
        _aggregator(
            "flow.array_aggregator",
            ArrayAggregatorFields,
            AggregatedArray,
            "Collect the bundles of one operation of a source into one array.",
        ),
        _aggregator(
            "tools.text_aggregator",
            TextAggregatorFields,
            AggregatedText,
            "Put a text of each bundle of one operation of a source together into one.",
        ),
        _aggregator(
            "tools.numeric_aggregator",
            NumericAggregatorFields,
            AggregatedNumber,
            "Work out one number of the bundles of one operation of a source.",
        ),
        _aggregator(
            "tools.table_aggregator",
            TableAggregatorFields,
            AggregatedText,
            "Put the bundles of one operation of a source together as rows and columns of text.",
        ),
        _directive(
            Directive.ROLLBACK, NoFields, "Stop the run, take back what can be, end in error."
        ),
        _directive(
            Directive.COMMIT, NoFields, "Stop the run, keep what was done, end as a success."
        ),
        _directive(
            Directive.RESUME,
            ResumeFields,
            "Go on with a substitute for the failed node's output; each field is an item of it.",
        ),
        _directive(Directive.IGNORE, NoFields, "Drop the failing bundle and go on with the rest."),
        _directive(
            Directive.BREAK,
            BreakFields,
            "Store the failing bundle as an incomplete execution and go on with the rest.",
        ),
        FlowModule(
            "flow.retry",
            NodeKind.RETRY,
            RetryFields,
            "Run the failed node again in place; when it keeps failing, go on along the error "
            "route, and past its end look for a handler further out.",
        ),
        FlowModule(
            "flow.throw",
            NodeKind.THROW,
            ThrowFields,
            "Raise an error of a chosen type for this bundle, unless a condition is false.",
        ),
    )
}
"""Every module of the engine's own, by id."""

YIELDS_SEVERAL = frozenset({NodeKind.ITERATOR})
"""Kinds of the engine's own nodes that yield several bundles in one operation, whatever they map.
An aggregator does only if it groups."""

SETTLED_FIELDS: Mapping[NodeKind, tuple[str, ...]] = {
    NodeKind.AGGREGATOR: (
        "source",
        "stop_if_empty",
        "function",
        "row_separator",
        "column_separator",
    )
}
"""Fields that settle how the flow runs, before there is a bundle; they cannot be mapped."""

GROUP_ITEM = "key"
"""Item of an aggregator's bundles that holds the value of `group_by`."""
RAW_NAMES: Mapping[str, str] = {"array_length": "__IMTAGGLENGTH__", GROUP_ITEM: "__IMTKEY__"}
"""Fusion's own names of items that we name readably; a bundle has both."""


def directive_fields(directive: Directive, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a directive's mapped fields with their types and defaults; Resume's stay as they are.

    Break's `interval` is a timedelta. Raises pydantic's ValidationError.
    """
    if directive is Directive.RESUME:
        return dict(fields)
    model = FLOW[f"flow.{directive}"].fields.model_validate(dict(fields))
    return {name: getattr(model, name) for name in type(model).model_fields}
