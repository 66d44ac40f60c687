"""Writes the test that reproduces an incomplete execution or a run: red now, green once mended.

An incomplete execution becomes a test that starts at the node that failed, with what that node saw.
A run becomes a test on the bundles of its trigger, as far as they are kept. What asked a service or
changed something is answered as it was then. Contents of files are copied beside the test.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.app import Operator, open_store, stored_plan
from engine.app.stored import nothing_kept
from engine.errors import NotFoundError, UsageError
from engine.mapping.coercion import date_text
from engine.model.bundle import ORDER_ITEMS, Bundle, File
from engine.model.execution import Execution, Failure, Incomplete, Status
from engine.model.history import History, KeptOperation
from engine.plan.plan import Node, NodeKind, Plan, nodes_from
from engine.plan.write import dump
from engine.testing.reading import ENDING
from engine.testing.session import talking_nodes
from engine.testing.stand_in import works_alone
from engine.testing.values import MOST_BYTES


@dataclass(frozen=True, slots=True)
class Written:
    """A test file that was written."""

    path: Path
    scenario: Path
    name: str
    """Of its one test."""
    files: tuple[Path, ...]


async def write_test(record_id: str, operator: Operator, out: Path | None) -> Written:
    """Write the test for an incomplete execution, or a run, by its id.

    `out` None: beside the scenario. Raises NotFoundError for an id of neither, and for a run of
    which nothing is kept; UsageError (E402) where the file is there already.
    """
    async with open_store(operator) as store:
        try:
            incomplete = await store.incomplete(record_id)
        except NotFoundError as missing:
            execution = await _run(store.execution, record_id, missing)
            history = await store.history(execution.id)
            if history is None:
                raise nothing_kept(execution) from None
            plan = stored_plan(history, operator)
            path = _place(plan, execution.id, out)
            recorder = _Recorder(plan, path, talking_nodes(plan, operator))
            case = recorder.of_run(execution, history)
        else:
            plan = stored_plan(incomplete, operator)
            path = _place(plan, incomplete.id, out)
            recorder = _Recorder(plan, path, talking_nodes(plan, operator))
            case = recorder.of_incomplete(incomplete)
    return recorder.written(case)


async def _run(
    execution: Callable[[str], Any], record_id: str, missing: NotFoundError
) -> Execution:
    try:
        found: Execution = await execution(record_id)
    except NotFoundError:
        text = f"no incomplete execution and no run begins with {record_id!r}"
        raise NotFoundError(text, next_command="fusion runs") from missing
    return found


def _place(plan: Plan, record_id: str, out: Path | None) -> Path:
    beside = plan.path.parent
    names = (f"{plan.path.stem}{ENDING}", f"{plan.path.stem}.{record_id[:8]}{ENDING}")
    path = out or next((beside / one for one in names if not (beside / one).exists()), None)
    if path is None or path.exists():
        text = f"{path or beside / names[1]} is there already"
        raise UsageError(text, code="E402", notes=("name another file with --out",))
    return path


@dataclass(slots=True)
class _Recorder:
    """Makes one case. `talking` names the nodes that use a service."""

    plan: Plan
    path: Path
    talking: Sequence[str]
    _contents: dict[Path, File] = field(default_factory=dict)

    def of_incomplete(self, record: Incomplete) -> dict[str, Any]:
        node = self.plan.nodes[record.node_id]
        flow, index = self.plan.positions[node.id]
        mock: dict[str, Any] = {
            one.id: {"output": {}} for one in self._answered(nodes_from(flow, index + 1))
        }
        if not self._works_alone(node):
            mock = {node.id: _error(record.failure), **mock}
        return {
            "name": f"{node.id}: {record.failure.type}: {_first_line(record.failure.message)}",
            **self._inputs(record.inputs),
            "from": node.id,
            "given": {name: self._bundle(bundle) for name, bundle in record.bundles.items()},
            **({"mock": mock} if mock else {}),
            "expect": {"status": "success", "incomplete": []},
        }

    def of_run(self, execution: Execution, history: History) -> dict[str, Any]:
        trigger = self.plan.trigger
        mock: dict[str, Any] = {}
        for node in self._answered(self.plan.nodes.values()):
            if node is not trigger:
                kept = history.operations.get(node.id, ())
                mock[node.id] = [self._answer(one) for one in kept] or {"output": {}}
        bundles = [self._bundle(one, ORDER_ITEMS) for one in _emitted(trigger.id, history)]
        good = execution.status is Status.SUCCESS
        ran = {
            name: count.operations
            for name, count in execution.nodes.items()
            if count.operations and name != trigger.id
        }
        expected: dict[str, Any] = {"operations": ran} if good else {"incomplete": []}
        return {
            "name": f"as in run {execution.id[:8]}",
            **self._inputs(history.inputs),
            "now": execution.started_at.isoformat(),
            "bundles": bundles,
            **({"mock": mock} if mock else {}),
            "expect": {"status": "success", **expected},
        }

    def written(self, case: Mapping[str, Any]) -> Written:
        """Write the file with its one case, and the contents of files beside it."""
        top = {"scenario": self.plan.path.name, "tests": [case]}
        text = f"# fusion test {self.path.name}\n{dump(top)}"
        try:
            for target, file in self._contents.items():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.path.read_bytes())
            with self.path.open("x", encoding="utf-8") as out:
                out.write(text)
        except OSError as error:
            reason = f"{error.filename or self.path}: {error.strerror or error}"
            raise UsageError(f"cannot write {reason}", code="E402") from error
        return Written(self.path, self.plan.path, str(case["name"]), tuple(self._contents))

    def _answered(self, nodes: Any) -> Iterator[Node]:
        """Yield the nodes that something must stand in for."""
        for node in nodes:
            if node.kind is NodeKind.MODULE and not node.disabled and not self._works_alone(node):
                yield node

    def _works_alone(self, node: Node) -> bool:
        return node.kind is not NodeKind.MODULE or works_alone(node, self.talking)

    def _answer(self, one: KeptOperation) -> dict[str, Any]:
        if one.failure is not None:
            return {"bundle": one.number, **_error(one.failure)}
        bundles = [
            self._bundle(bundle, ORDER_ITEMS) for bundle in one.outputs if bundle is not None
        ]
        if len(bundles) == 1:
            return {"bundle": one.number, "output": bundles[0]}
        return {"bundle": one.number, "outputs": bundles}

    def _inputs(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        texts = {
            name: date_text(value) if isinstance(value, datetime) else value
            for name, value in inputs.items()
            if value is not None
        }
        return {"inputs": texts} if texts else {}

    def _bundle(self, bundle: Bundle, without: Sequence[str] = ()) -> dict[str, Any]:
        return {name: self._value(one) for name, one in bundle.items() if name not in without}

    def _value(self, value: Any) -> Any:
        match value:
            case File():
                return {"$file": self._content(value)}
            case datetime():
                return {"$date": date_text(value)}
            case bytes() | bytearray():
                return {"$buffer_hex": bytes(value).hex()}
            case Mapping():
                return {str(name): self._value(one) for name, one in value.items()}
            case list() | tuple():
                return [self._value(one) for one in value]
        return value

    def _content(self, file: File) -> Any:
        """Return what names a file in the test; one whose content is gone keeps its size.

        A filter may ask for it. Only beyond what a test writes does the test's file get smaller.
        """
        if not file.path.is_file():
            return {"name": file.name, "size": min(file.size, MOST_BYTES)}
        folder = self.path.parent / self.path.name.removesuffix(".yaml")
        target = folder / f"{file.sha256[:8]}-{file.name}"
        self._contents[target] = file
        return {"path": str(target.relative_to(self.path.parent)), "name": file.name}


def _emitted(trigger_id: str, history: History) -> list[Bundle]:
    """Return the trigger's bundles that are kept, in order; later nodes saw more than it kept."""
    found: dict[int, Bundle] = {}
    own = history.operations.get(trigger_id, ())
    every = (one for operations in history.operations.values() for one in operations)
    seen = [
        *(bundle for one in own for bundle in one.outputs),
        *(one.bundles.get(trigger_id) for one in every),
    ]
    for bundle in seen:
        if bundle is not None and bundle not in found.values():
            found[_position(bundle, len(found))] = bundle
    return [found[at] for at in sorted(found)]


def _position(bundle: Bundle, otherwise: int) -> int:
    index = bundle.get("bundle_index")
    return index if isinstance(index, int) else otherwise


def _error(failure: Failure) -> dict[str, Any]:
    return {"error": {"type": failure.type, "message": failure.message}}


def _first_line(text: str) -> str:
    line = text.partition("\n")[0]
    return line if len(line) <= 80 else f"{line[:79]}…"
