"""What one run is made of: made by `driver`, used by `travel` and `ahead`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.model.execution import NodeCount
from engine.run.cursor import RunVariables, TriggerCursor
from engine.run.history import Recorder
from engine.run.operation import Operation
from engine.run.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Parts:
    """`counts` and `operations` are by node id; `check_time` raises RunError past the limit."""

    counts: Mapping[str, NodeCount]
    operations: Mapping[str, Operation]
    variables: RunVariables
    cursor: TriggerCursor
    transaction: Transaction
    check_time: Callable[[], None]
    history: Recorder
