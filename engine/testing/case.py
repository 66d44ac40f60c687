"""What a test file says, with its shape checked: `name.test.yaml` beside `name.yaml`.

`engine.testing.reading` reads it from YAML. Values of bundles are as in YAML, and besides
`{$file: PATH}`, `{$file: {name, data}}` and `{$date: TEXT}` (`engine.testing.values`).
"""

from typing import Any, Literal

from pydantic import Field, model_validator

from engine.model.scenario import Written
from engine.plan.flow import ErrorType


class MockedError(Written):
    """A failure that a module is to end with."""

    type: ErrorType
    """Fusion's name of the type, such as `RateLimitError`."""
    message: str = "failed by the test"
    detail: dict[str, Any] = Field(default_factory=dict)


class Answer(Written):
    """What stands in for a module: one of `output`, `outputs` and `error`."""

    bundle: int | None = Field(default=None, ge=1)
    """Which bundle that comes to the node it answers; left out: all that no other answers."""
    output: dict[str, Any] | None = None
    """The one bundle that is emitted."""
    outputs: list[dict[str, Any]] | None = None
    """All bundles that are emitted, in order; none of them: an empty list."""
    error: MockedError | None = None

    @model_validator(mode="after")
    def _one(self) -> "Answer":
        given = (self.output, self.outputs, self.error)
        if sum(each is not None for each in given) != 1:
            raise ValueError("should have one of output, outputs and error")
        return self


class Fault(Written):
    """A failure that is thrown in: what the node would have done is not done then."""

    node: str
    bundle: int = Field(default=1, ge=1)
    """Which bundle that comes to the node."""
    times: int = Field(default=1, ge=1)
    """How many attempts on it fail; the next one goes through."""
    error_type: ErrorType = Field(alias="as")
    """Fusion's name of the type."""
    message: str = "failed by the test"


class ExpectedIncomplete(Written):
    """An incomplete execution that is stored in the end; what is left out may be anything."""

    node: str | None = None
    error: str | None = None
    """Fusion's name of the type."""
    status: Literal["unresolved", "pending", "resolved"] | None = None
    attempts: int | None = None
    """Replays that failed again."""


class Expectation(Written):
    """What must be true in the end; what is left out may be anything."""

    status: Literal["success", "warning", "error"] | None = None
    """How the run ended; that of the last replay if there were any."""
    outputs: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    """By node: each bundle that it emitted, in order; items that are left out may be anything."""
    operations: dict[str, int] = Field(default_factory=dict)
    """By node: how many operations succeeded, replays included."""
    failed: dict[str, int] = Field(default_factory=dict)
    """By node: how many operations failed."""
    order: list[str] | None = None
    """Nodes with a module, once for each operation, in the order in which they began."""
    incomplete: list[ExpectedIncomplete] | None = None
    """All that are stored, oldest first."""
    saved: list[str] | None = None
    """Names of the files that were saved, in order."""


class Case(Written):
    """One test."""

    name: str
    inputs: dict[str, Any] = Field(default_factory=dict)
    bundles: list[dict[str, Any]] | None = None
    """What takes the trigger's place; left out: the trigger runs itself."""
    start_at: str | None = Field(default=None, alias="from")
    """Node from which the scenario runs; `given` says what it sees."""
    given: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """By node: the bundle that stands when the run starts at `from`."""
    now: str = "2026-01-05T12:00:00Z"
    """When the test begins, as a date in ISO 8601."""
    until: str = "0s"
    """How long to go on with what is due for another attempt, such as `48h`; no time passes."""
    mock: dict[str, Answer | list[Answer]] = Field(default_factory=dict)
    """By node: what stands in for its module."""
    fail: list[Fault] = Field(default_factory=list)
    real: bool | list[str] = Field(default_factory=list)
    """Nodes whose modules may change files of the test's own folder, or use a service; or all."""
    files: dict[str, Any] = Field(default_factory=dict)
    """Files of the test's own folder, by path: a text, or `{$file: PATH}`."""
    expect: Expectation = Expectation()

    @model_validator(mode="after")
    def _one_start(self) -> "Case":
        if self.start_at is not None and self.bundles is not None:
            raise ValueError("should have bundles, or from and given, and not both")
        return self


class TestFile(Written):
    """A file of tests. `mock` and `inputs` hold for all of them, unless a test has its own."""

    __test__ = False  # pytest would take it for a test

    scenario: str | None = None
    """Path of the scenario, from this file; left out: the file of this name without `.test`."""
    inputs: dict[str, Any] = Field(default_factory=dict)
    mock: dict[str, Answer | list[Answer]] = Field(default_factory=dict)
    tests: list[Case] = Field(min_length=1)
