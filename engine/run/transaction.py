"""What the ACID nodes of a cycle have done and not committed yet. Used by `travel` and `driver`.

Source: Workfront Fusion's documentation of scenario execution phases and of auto commit.
"""

from collections.abc import Awaitable, Mapping

from engine.errors import InconsistencyError, StoreError
from engine.plan.plan import Node, Plan
from engine.run.cursor import NodeMarks
from engine.run.durable import to_the_end
from engine.run.journaling import Journaling
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
        journal: Journaling,
    ) -> None:
        self._plan = plan
        self._around = around
        self._operations = operations
        self._marks = marks
        self._journal = journal
        self._uncommitted: dict[str, Node] = {}
        self._torn: Node | None = None
        self._to_store: list[CursorChange] = []
        self._before: dict[str, int] = {}

    @property
    def is_open(self) -> bool:
        """Work for bundles of this cycle can still be taken back."""
        return bool(self._uncommitted)

    async def operated(self, node: Node) -> None:
        """An ACID node has done its work for a bundle."""
        self._marks[node.id].keep()
        self._uncommitted[node.id] = node
        if self._plan.settings.auto_commit:
            await to_the_end(self._commit_now(node))

    async def failed(self, node: Node) -> None:
        """An ACID node has failed on a bundle; alone in its transaction, it takes that back."""
        self._marks[node.id].drop()
        if self._plan.settings.auto_commit:
            await self._roll_back(node)

    def torn(self, node: Node) -> None:
        """The run was cut short in the middle of an ACID node's operation."""
        self._torn = node

    async def commit(self) -> None:
        """Commit all nodes in the order of their first operation, whatever comes between.

        Raises InconsistencyError; what was committed before stays.
        """
        await to_the_end(self._commit_all())
        self._remember()

    def taken_marks(self) -> list[CursorChange]:
        """Return the marks that are committed and not stored yet; they are the caller's then."""
        changes, self._to_store = self._to_store, []
        return changes

    async def rollback(self, *, told: bool = True) -> None:
        """Take back what is not committed, the latest node first; `told`: say what that leaves.

        Raises the first InconsistencyError, once every node has been asked.
        """
        undone = [node.title for node in self._uncommitted.values()]
        stays = self._staying()
        if told and (undone or stays):
            parts = [f"rolled back: {', '.join(undone)}"] * bool(undone)
            parts += [f"not undone: {', '.join(stays)}"] * bool(stays)
            self._around.watcher.note("; ".join(parts))
        self._remember()
        self._journal.rolled_back()
        await to_the_end(self._roll_back_all())

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

    async def _commit_now(self, node: Node) -> None:
        await self._commit(node)
        changes, entries = self.taken_marks(), self._journal.committed()
        if changes or entries:
            await self._around.store.commit_cursor(self._plan.id, changes, entries)

    async def _commit_all(self) -> None:
        await self._journal.committing(self._operations[name] for name in self._uncommitted)
        for node in list(self._uncommitted.values()):
            await self._commit(node)

    async def _commit(self, node: Node) -> None:
        del self._uncommitted[node.id]
        await self._kept_whole(node, "commit", self._operations[node.id].commit())
        self._to_store += self._marks[node.id].commit()
        self._journal.has_committed(node)

    async def _roll_back_all(self) -> None:
        nodes = list(self._uncommitted.values())
        if self._torn is not None and self._torn not in nodes:
            nodes.append(self._torn)
        self._uncommitted, self._torn = {}, None
        failures = [await self._rolled_back(node) for node in reversed(nodes)]
        for failure in filter(None, failures):
            raise failure

    async def _rolled_back(self, node: Node) -> InconsistencyError | StoreError | None:
        try:
            await self._roll_back(node)
        except (InconsistencyError, StoreError) as error:
            return error
        return None

    async def _roll_back(self, node: Node) -> None:
        self._marks[node.id].rollback()
        await self._kept_whole(node, "roll back", self._operations[node.id].rollback())
        self._journal.taken_back(node)

    @staticmethod
    async def _kept_whole(node: Node, verb: str, work: Awaitable[None]) -> None:
        try:
            await to_the_end(work)
        except StoreError:
            raise
        except Exception as error:
            raise InconsistencyError(f"`{node.title}` could not {verb}: {error}") from error
