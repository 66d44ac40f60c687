"""What a replay would do, told before it does anything, and whether that still holds.

A replay plan names each node once: those behind the failed one RUN for what reaches them, those
before it are REUSEd with the bundle that is stored. `engine.app.replaying` does what a plan says.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import orjson

from engine.app import Operator, load_plan, stored_plan, world
from engine.errors import EngineError, ModuleError, ScenarioError, UsageError
from engine.mapping.compile import Scope
from engine.model.execution import Incomplete
from engine.plan.hints import listed
from engine.plan.inputs import settle_inputs
from engine.plan.plan import Flow, Node, NodeKind, Plan, nodes_from
from engine.run.operation import check_fields, mapped_fields, scope_of
from engine.store.encode import files_in
from engine.store.records import incomplete_row

FORMAT: Final = "fusion replay plan"
FORMAT_VERSION: Final = 1
MOST_BYTES: Final = 100_000_000
"""Of a plan's file; a larger one is none of ours."""


class Act(StrEnum):
    """What a replay does with a node."""

    RUN = "RUN"
    REUSE = "REUSE"
    """What it emitted is stored, and is taken as it is."""
    REATTACH = "RE-ATTACH"
    """What the failed attempt began is taken up."""
    SKIP = "SKIP"


class Nothing:
    """In place of a value that is not there: null is a value too."""


NOTHING: Final = Nothing()


@dataclass(frozen=True, slots=True)
class How:
    """From where a replay begins, and with which scenario: by default the stored one."""

    current: bool = False
    from_trigger: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one node; `note` says why or under which condition."""

    node_id: str
    act: Act
    note: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of the failed node whose value is another one than in the stored attempt."""

    field: str
    before: Any
    now: Any


@dataclass(frozen=True, slots=True)
class Planned:
    """What one replay would do; `misfit` is why the failed node's fields cannot be mapped."""

    incomplete: Incomplete
    steps: tuple[Step, ...]
    differences: tuple[Difference, ...]
    misfit: str
    scenario: str
    """SHA-256 of the text of the scenario that runs."""

    def to_json(self) -> dict[str, Any]:
        """Return all that must be the same for the plan to hold; no value of a bundle is in it."""
        payload = incomplete_row(self.incomplete)["payload"]
        return {
            "id": self.incomplete.id,
            "node": self.incomplete.node_id,
            "record": hashlib.sha256(payload).hexdigest(),
            "scenario": self.scenario,
            "steps": [
                {"node": step.node_id, "act": step.act.value, "note": step.note}
                for step in self.steps
            ],
            "differs": [difference.field for difference in self.differences],
        }


def plan_for(record: Incomplete, operator: Operator, how: How) -> Plan:
    """Return the scenario that a replay runs. Raises UsageError with reasons if it does not fit."""
    if not how.current:
        plan = stored_plan(record, operator)
        reasons = [] if record.node_id in plan.nodes else [f"it has no node `{record.node_id}`"]
    else:
        plan = load_plan(Path(record.source_path), operator)
        reasons = list(_misfits(plan, record, _stored_or_none(record, operator)))
    if how.from_trigger and plan.trigger.id not in record.bundles:
        reasons.append(f"no bundle of its trigger `{plan.trigger.id}` is stored")
    if reasons:
        raise UsageError(
            f"the scenario{' of today' if how.current else ''} does not fit what is stored: "
            f"{reasons[0]}",
            code="E608",
            notes=tuple(reasons[1:]),
            next_command=f"fusion replay {record.id[:8]}" if how.current else "",
        )
    return plan


def inputs_for(record: Incomplete, plan: Plan, how: How) -> Mapping[str, Any]:
    """Return the inputs of a replay: as they were, and defaults of those that have come since."""
    if not how.current:
        return record.inputs
    new = {name: one for name, one in plan.inputs.items() if name not in record.inputs}
    return {**settle_inputs(replace(plan, inputs=new), {}), **record.inputs}


def planned(record: Incomplete, plan: Plan, how: How) -> Planned:
    """Return what the replay of a record with a scenario would do."""
    inputs = inputs_for(record, plan, how)
    scope = scope_of(plan, world(plan, record.execution_id), inputs, record.bundles)
    misfit = ""
    differences: tuple[Difference, ...] = ()
    if not how.from_trigger:
        misfit, differences = _compared(plan.nodes[record.node_id], scope, record.fields)
    return Planned(
        record,
        tuple(_Steps(plan, record, how, scope, differences).all()),
        differences,
        misfit,
        hashlib.sha256(plan.source.encode()).hexdigest(),
    )


def missing_files(record: Incomplete) -> Iterator[str]:
    """Name the files of a record whose content is gone from the store."""
    for file in files_in([record.bundles, record.inputs, record.variables]):
        if not file.path.is_file() or file.path.stat().st_size != file.size:
            yield file.name


def write_plans(path: Path, plans: Sequence[Planned], how: How) -> None:
    """Write replay plans to a file that `read_plans` reads. Raises UsageError."""
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "current": how.current,
        "from_trigger": how.from_trigger,
        "replays": [one.to_json() for one in plans],
    }
    try:
        path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    except OSError as error:
        text = f"cannot write {path}: {error.strerror or error}"
        raise UsageError(text, code="E701") from error


def read_plans(path: Path) -> tuple[How, dict[str, Any]]:
    """Return how a file of replay plans says to replay, and its plans by id. Raises UsageError."""
    try:
        with path.open("rb") as file:
            content = orjson.loads(file.read(MOST_BYTES))
    except OSError as error:
        text = f"cannot read {path}: {error.strerror or error}"
        raise UsageError(text, code="E701") from error
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{path} is no replay plan: {error}", code="E701") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UsageError(f"{path} is no replay plan", code="E701")
    if content.get("format_version") != FORMAT_VERSION:
        raise UsageError(f"{path} was written by another version of fusion", code="E701")
    replays = content.get("replays")
    if not isinstance(replays, list) or not all(map(_has_id, replays)):
        raise UsageError(f"{path} is no replay plan: `replays` is damaged", code="E701")
    how = How(content.get("current") is True, content.get("from_trigger") is True)
    return how, {one["id"]: one for one in replays}


def _has_id(replay: object) -> bool:
    return isinstance(replay, dict) and isinstance(replay.get("id"), str)


def changed_since(plan: Mapping[str, Any], now: Planned) -> list[str]:
    """Say what has changed since a plan was made; nothing: it holds."""
    is_now = now.to_json()
    words = {
        "record": "the record has changed",
        "node": "it failed at another node since",
        "scenario": "the scenario has changed",
        "steps": "other operations would run",
        "differs": "other fields differ",
    }
    changed = [text for name, text in words.items() if plan.get(name) != is_now[name]]
    gone = [f"the content of `{name}` is gone" for name in missing_files(now.incomplete)]
    return [*changed, *gone]


def _stored_or_none(record: Incomplete, operator: Operator) -> Plan | None:
    try:
        return stored_plan(record, operator)
    except EngineError:
        return None


def _misfits(plan: Plan, record: Incomplete, stored: Plan | None) -> Iterator[str]:
    """Yield why today's scenario cannot go on with a record."""
    node = plan.nodes.get(record.node_id)
    if node is None:
        yield f"it has no node `{record.node_id}`, but {listed(plan.nodes)}"
        return
    before = stored.nodes.get(record.node_id) if stored else None
    if before is not None and before.module_id != node.module_id:
        yield f"`{node.id}` is {node.module_id} today, and was {before.module_id}"
    for name in node.mappable:
        emits = plan.nodes[name].kind in _EMITTING and not plan.nodes[name].disabled
        known = before is not None and name in before.mappable
        if emits and not known and name not in record.bundles:
            yield f"`{name}` stands before `{node.id}` today, and no bundle of it is stored"
    try:
        inputs_for(record, plan, How(current=True))
    except ScenarioError as error:
        yield from (problem.message for problem in error.problems)


_EMITTING: Final = frozenset({NodeKind.MODULE, NodeKind.ITERATOR, NodeKind.AGGREGATOR})


def _compared(
    node: Node, scope: Scope, before: Mapping[str, Any] | None
) -> tuple[str, tuple[Difference, ...]]:
    """Return why a node's fields do not fit, and which differ from those of the stored attempt."""
    misfit = ""
    try:
        check_fields(node, scope)
    except ModuleError as error:
        misfit = f"{error.type_name}: {error.message}"
    now = mapped_fields(node, scope)
    if now is None or before is None:
        return misfit, ()
    names = dict.fromkeys([*before, *now])
    pairs = ((name, before.get(name, NOTHING), now.get(name, NOTHING)) for name in names)
    return misfit, tuple(Difference(*pair) for pair in pairs if pair[1] != pair[2])


class _Steps:
    """Says what becomes of each node of a plan in one replay."""

    def __init__(
        self,
        plan: Plan,
        record: Incomplete,
        how: How,
        scope: Scope,
        differences: Sequence[Difference],
    ) -> None:
        self._plan = plan
        self._record = record
        self._how = how
        self._changed = [difference.field for difference in differences]
        flow, index = (plan.flow, 1) if how.from_trigger else plan.positions[record.node_id]
        self._kept = [plan.trigger.id] if how.from_trigger else list(record.bundles)
        self._keeps_out = self._is_kept_out(flow, index, scope)
        self._reached = {node.id for node in nodes_from(flow, index)}
        self._rescues = {
            node.id
            for reached in nodes_from(flow, index)
            for handler in reached.handlers
            for node in nodes_from(handler.flow, 0)
        }

    def all(self) -> Iterator[Step]:
        for node in self._plan.nodes.values():
            yield self._step(node)

    def _step(self, node: Node) -> Step:
        is_first = node.id == self._record.node_id and not self._how.from_trigger
        if node.id in self._reached:
            if node.disabled:
                return Step(node.id, Act.SKIP, "switched off")
            if self._keeps_out:
                return Step(node.id, Act.SKIP, "the filter of the first node keeps the bundle out")
            taken_up = self._taken_up(node) if is_first else None
            return Step(node.id, Act.REATTACH, taken_up) if taken_up else Step(node.id, Act.RUN)
        if node.id in self._kept:
            return Step(node.id, Act.REUSE)
        if node.id in self._rescues:
            return Step(node.id, Act.RUN, "if something fails")
        return Step(node.id, Act.SKIP, "not behind the node where it begins")

    def _taken_up(self, node: Node) -> str | None:
        if node.module is None:
            return None
        return node.module.takes_up(self._record.failure.detail, self._changed)

    def _is_kept_out(self, flow: Flow, index: int, scope: Scope) -> bool:
        """Ask the filter of the node where it begins; one that fails keeps nothing out."""
        entry = flow[index].filter if index < len(flow) else None
        if entry is None or self._how.from_trigger:
            return False
        try:
            return not entry.passes(scope)
        except ModuleError:
            return False
