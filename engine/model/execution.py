"""What the engine remembers of a run: executions, incomplete executions, and counts per node."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any

from engine.model.bundle import Bundle


class Status(IntEnum):
    """Status of an execution, with Fusion's numbers; the worst of several is the largest."""

    RUNNING = 0
    SUCCESS = 1
    WARNING = 2
    ERROR = 3


class Kind(StrEnum):
    """What started an execution."""

    SCENARIO = "scenario"
    REPLAY = "dlq"
    """A replay of an incomplete execution, by Fusion's name."""
    TRIAL = "trial"
    """A run by hand of a part of the scenario, or of all of it dry; its store stays as it was."""


@dataclass(slots=True)
class NodeCount:
    """What one node did in one execution; `seconds` is wall time inside the module."""

    operations: int = 0
    """Successful runs; an aggregator counts one per emitted set (Fusion, counting operations)."""
    bundles: int = 0
    """Bundles emitted."""
    failed: int = 0
    seconds: float = 0.0


class Phase(StrEnum):
    """Where in an execution an error came up."""

    CONNECTION = "connection"
    """A connection was tested before the first bundle."""
    INITIALIZATION = "initialization"
    """A module was tested before the first bundle."""
    OPERATION = "operation"
    COMMIT = "commit"
    """Or a rollback."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as it is kept and shown: Fusion's type, what was said, where the node stands."""

    type: str
    message: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""
    """`file:line:column` of the node or field, empty if unknown."""
    bundle: str = ""
    """Which bundle it was, in words: `bundle 3 of 12 of each, from bundle 1 of 2 of order`."""
    notes: tuple[str, ...] = ()
    """What else helps: the items that there are."""
    phase: Phase = Phase.OPERATION

    @property
    def before_bundles(self) -> bool:
        """It came up before any bundle moved."""
        return self.phase in {Phase.CONNECTION, Phase.INITIALIZATION}


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a scenario. `ended_at` is None while it runs or when its process died."""

    id: str
    scenario_id: str
    kind: Kind
    status: Status
    started_at: datetime
    ended_at: datetime | None = None
    operations: int = 0
    bundles: int = 0
    nodes: Mapping[str, NodeCount] = field(default_factory=dict)
    lost: int = 0
    """Bundles dropped because they could not be kept; only with `enable_data_loss`."""
    failure: Failure | None = None
    """What ended the run; None unless the status is error, or a warning that stopped it."""
    interrupted: bool = False
    """Stopped from outside; what was not finished comes again with the next run."""


@dataclass(frozen=True, slots=True)
class Streak:
    """What an execution's end does to its scenario's row of errors; by default nothing."""

    errors: int = 0
    """Errors that it adds to the row."""
    over: bool = False
    """It ended well: the row begins anew."""
    limit: int = 1
    """The scenario is deactivated when a new error makes the row as long as this."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A scenario as the store knows it. `last_run_at` is None if nothing of it has run."""

    id: str
    path: Path
    active: bool = True
    """An inactive one runs only by hand."""
    errors_in_row: int = 0
    """Latest executions that ended in error, one after another, as far as they count."""
    last_run_at: datetime | None = None
    incomplete: int = 0
    """Incomplete executions that are not resolved."""
    events: int = 0
    """Events that were accepted and wait for their run."""


class IncompleteStatus(StrEnum):
    UNRESOLVED = "unresolved"
    """Waits for a person."""
    PENDING = "pending"
    """A retry is scheduled."""
    IN_PROGRESS = "in progress"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt failed that a later one took the place of."""

    at: datetime
    execution_id: str
    node_id: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class Incomplete:
    """An incomplete execution: all that a replay from the failed node needs, self-contained.

    `bundles` holds, by node id, every bundle that the failed node could map. `source` is the text
    of the scenario as it ran. `attempts` counts replays that failed again; `allowed` is how many
    automatic ones may be made (0: a person replays). Of a `confidential` one no value is shown or
    told by what lists show.
    """

    id: str
    scenario_id: str
    execution_id: str
    node_id: str
    status: IncompleteStatus
    created_at: datetime
    failure: Failure
    source: str
    source_path: str
    bundles: Mapping[str, Bundle]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    attempts: int = 0
    allowed: int = 0
    interval_seconds: int = 0
    due_at: datetime | None = None
    fields: Mapping[str, Any] | None = None
    """The failed node's fields as they were mapped; None if they could not be, or it has none."""
    cursor: Mapping[str, Any] = field(default_factory=dict)
    """The trigger's marks that belong to the bundle, as they were set when it came."""
    earlier: tuple[Attempt, ...] = ()
    """Attempts before the one that `failure` tells of, the latest last."""
    failed_at: datetime | None = None
    """When `failure` came up; None: when it was stored."""
    operation_key: str = ""
    """Under which the failed operation was begun; a service may know it by this."""
    confidential: bool = False
    """The scenario's data is confidential: the record is stored encrypted."""

    @property
    def outcome_unknown(self) -> bool:
        """Nobody knows whether an operation for it was done: a person must look first."""
        return self.failure.detail.get("outcome") == "unknown"
