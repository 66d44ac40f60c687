"""What one run is made of: made by `driver`, used by `travel` and `ahead`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.model.execution import NodeCount
from engine.plan.plan import Node
from engine.run.cursor import RunVariables, TriggerCursor
from engine.run.history import Recorder
from engine.run.journaling import Journaling
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
    journal: Journaling

    def cursor_of(self, node: Node) -> TriggerCursor | None:
        """Return the marks that belong to the bundles of a node; None: it is not the trigger."""
        return self.cursor if node.id == self.cursor.node_id else None
