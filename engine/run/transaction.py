"""What the ACID nodes of a cycle have done and not committed yet. Used by `travel` and `driver`.

Source: Workfront Fusion's documentation of scenario execution phases and of auto commit.
"""

from collections.abc import Awaitable, Mapping

from engine.errors import InconsistencyError, StoreError
from engine.plan.plan import Node, Plan
from engine.run.cursor import NodeMarks
from engine.run.durable import to_the_end
from engine.run.operation import Operation
from engine.run.ports import CursorChange
from engine.run.surroundings import Surroundings


class Transaction:
    """The unit of atomicity: one cycle, or one operation where nodes commit by themselves.

    `marks` are the ACID nodes' own data, by node id.
    """

    def __init__(
        self,
        plan: Plan,
        around: Surroundings,
        operations: Mapping[str, Operation],
        marks: Mapping[str, NodeMarks],
    ) -> None:
        self._plan = plan
        self._around = around
        self._operations = operations
        self._marks = marks
        self._uncommitted: dict[str, Node] = {}
        self._before: dict[str, int] = {}

    @property
    def is_open(self) -> bool:
        """Something can still be taken back."""
        return bool(self._uncommitted)

    async def operated(self, node: Node) -> None:
        """An ACID node has done its work for a bundle."""
        self._uncommitted[node.id] = node
        if self._plan.settings.auto_commit:
            changes = await self._committed(node)
            if changes:
                await to_the_end(self._around.store.commit_cursor(self._plan.id, changes))

    async def failed(self, node: Node) -> None:
        """An ACID node has failed on a bundle; alone in its transaction, it takes that back."""
        if self._plan.settings.auto_commit:
            self._uncommitted[node.id] = node
            await self._rolled_back(node)

    async def commit(self) -> list[CursorChange]:
        """Commit all nodes in the order of their first operation; return the marks to store.

        Raises InconsistencyError; what was committed before stays.
        """
        changes = []
        for node in list(self._uncommitted.values()):
            changes += await self._committed(node)
        self._remember()
        return changes

    async def rollback(self) -> None:
        """Take back what is not committed, the latest node first, and say what that leaves.

        Raises InconsistencyError.
        """
        undone = [node.title for node in self._uncommitted.values()]
        stays = self._staying()
        for node in reversed(list(self._uncommitted.values())):
            await self._rolled_back(node)
        if undone or stays:
            parts = [f"rolled back: {', '.join(undone)}"] * bool(undone)
            parts += [f"not undone: {', '.join(stays)}"] * bool(stays)
            self._around.watcher.note("; ".join(parts))
        self._remember()

    def _staying(self) -> list[str]:
        """Name the nodes whose changes of this cycle a rollback leaves as they are."""
        stays = []
        for name, operation in self._operations.items():
            count = operation.count.operations - self._before.get(name, 0)
            if count and operation.changes and name not in self._uncommitted:
                unit = "operation" if count == 1 else "operations"
                stays.append(f"{self._plan.nodes[name].title} ({count} {unit})")
        return stays

    def _remember(self) -> None:
        self._before = {name: one.count.operations for name, one in self._operations.items()}

    async def _committed(self, node: Node) -> list[CursorChange]:
        del self._uncommitted[node.id]
        await self._kept_whole(node, "commit", self._operations[node.id].commit())
        return self._marks[node.id].commit()

    async def _rolled_back(self, node: Node) -> None:
        del self._uncommitted[node.id]
        self._marks[node.id].rollback()
        await self._kept_whole(node, "roll back", self._operations[node.id].rollback())

    @staticmethod
    async def _kept_whole(node: Node, verb: str, work: Awaitable[None]) -> None:
        try:
            await to_the_end(work)
        except StoreError:
            raise
        except Exception as error:
            raise InconsistencyError(f"`{node.title}` could not {verb}: {error}") from error
