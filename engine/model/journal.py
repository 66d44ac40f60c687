"""What is remembered of an execution while it runs, so that it can be resumed if its process dies.

Only operations with an effect outside are remembered: what is pure is computed again. `engine.run`
writes and reads it, a store keeps it until the execution has finished.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from engine.model.bundle import Bundle, File
from engine.model.events import Event
from engine.model.execution import Execution, Incomplete

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
"""What an operation without marks and variables has set."""


class Stage(StrEnum):
    """How far an operation has come."""

    BEGUN = "begun"
    """It may have changed something outside; while nothing follows, it is in doubt."""
    GAVE = "gave"
    """It has succeeded, and will not be done again."""
    FAILED = "failed"
    """It is known to have failed."""
    PASSED = "passed"
    """It has left nothing outside; at most its failure is stored."""


class OperationPlace(NamedTuple):
    """Names one operation of an execution.

    `path` tells which bundle it is about: the positions of the bundle among those that each node
    before it has emitted, from the cycle on. Later attempts and what a stream emits have their own.
    """

    execution_id: str
    node_id: str
    path: str

    @property
    def key(self) -> str:
        """A text that no other operation has."""
        return f"{self.execution_id}-{self.node_id}-{self.path}"


class Entry(NamedTuple):
    """What is remembered of one operation, or of one bundle that a trigger or a search emitted."""

    place: OperationPlace
    stage: Stage
    outputs: Sequence[Bundle] = ()
    marks: Mapping[str, Any] = NOTHING
    """Marks of the trigger that belong to an emitted bundle."""
    variables: Mapping[str, Any] = NOTHING
    """Variables that the operation has set, as `VariablesAhead.given` has them."""
    own_variables: Mapping[str, Any] = NOTHING
    """Those that its node alone sees."""
    failure: Mapping[str, Any] | None = None
    """What it failed with, as `engine.run.journaling` writes it."""
    record_id: str = ""
    """The incomplete execution in which its failure was stored; empty: in none."""
    is_confidential: bool = False
    """The scenario's data is confidential: what is stored of it is encrypted."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What an execution needs to be run again from its beginning.

    `fed` holds the bundles that took the trigger's place, None: it ran itself. `event` is what an
    instant trigger ran for. `replayed` is the incomplete execution of a replay, as it was when the
    replay began.
    """

    source: str
    source_path: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    fed: File | None = None
    event: Event | None = None
    replayed: Incomplete | None = None
    from_trigger: bool = False
    """The replay began behind the trigger, not at the node that had failed."""
    is_confidential: bool = False


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An execution that ended before its work did: its process died, or it was interrupted."""

    execution: Execution
    origin: Origin


@dataclass(frozen=True, slots=True)
class Tally:
    """What an unfinished execution has done at one node, counted."""

    node_id: str
    gave: int = 0
    failed: int = 0
    in_doubt: int = 0
