"""What the engine makes of random scenarios, held against the reference interpreter."""

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from clocks import LoopClock, StandingClock
from reference_interpreter import interpret
from reference_rules import Outcome, Record
from reference_values import Json
from runs import PROBES, Bench, Listener
from scenario_texts import OVERLAP, as_yaml, settings_of

from engine.errors import ScenarioError
from engine.model.execution import Execution
from engine.model.scenario import Settings
from engine.plan.catalog import Catalog
from engine.plan.check import load_text
from engine.plan.plan import Plan

CATALOG = Catalog([PROBES])
ALL = ("status", "records", "taken", "committed")
"""What is the same however many operations overlap."""


@dataclass
class Reader(Listener):
    """A watcher that remembers which module read what."""

    read: list[tuple[str, str]] = field(default_factory=list)

    def node_progress(self, node_id: str, done: float, total: float | None, text: str) -> None:
        self.read.append((node_id, text))


@dataclass(kw_only=True)
class Trial(Bench):
    """A plan on the real driver; up to `n` operations of nodes that may overlap do."""

    loaded: Plan
    n: int = 1
    text: str = ""
    clock: StandingClock = field(default_factory=LoopClock)
    listener: Reader = field(default_factory=Reader)

    @property
    def plan(self) -> Plan:
        """`concurrency` counts through `Plan.ahead` alone, so one plan serves any n."""
        if self.n == 1:
            return replace(self.loaded, ahead={})
        ahead = {
            source: {name: self.n if most == OVERLAP else 1 for name, most in names.items()}
            for source, names in self.loaded.ahead.items()
        }
        return replace(self.loaded, ahead=ahead)

    async def executed(self) -> Execution:
        """Run the plan as a scenario that the store knows."""
        await self.store.register_scenario(self.loaded.id, self.loaded.path)
        return await self.run()


def loaded(scenario: Json, folder: Path) -> Plan:
    """Return the plan of a scenario; where operations cannot overlap, they do not."""
    path = folder / "random.yaml"
    try:
        return load_text(as_yaml(scenario), path, CATALOG)
    except ScenarioError as error:
        if {problem.code for problem in error.problems} != {"E125"}:
            raise
    plain = as_yaml(scenario).replace(f'"concurrency": {OVERLAP}', '"concurrency": 1')
    return load_text(plain, path, CATALOG)


async def outcome_of(trial: Trial) -> Outcome:
    """Run a scenario on the engine and tell what can be seen of the run."""
    execution, plan = await trial.executed(), trial.plan
    records = [
        Record(
            record.node_id,
            record.failure.type,
            dict(record.bundles),
            record.allowed,
            dict(record.variables),
        )
        for record in await trial.stored()
    ]
    marks = await trial.marks(plan)
    counts = {name: count.operations for name, count in execution.nodes.items() if count.operations}
    return Outcome(
        status=execution.status,
        operations=trial.listener.read,
        counts=counts,
        records=records,
        taken=sorted(marks[plan.trigger.id].keys() - {"read"}),
        committed={name: its["read"] for name, its in marks.items() if "read" in its},
    )


def under(plan: Plan, scenario: Json) -> Plan:
    """Return a plan of the same nodes under the settings of a scenario."""
    return replace(plan, settings=Settings.model_validate(settings_of(scenario)))


async def disagreement(plan: Plan, scenario: Json, folder: Path, *ns: int) -> str:
    """Return where engine and reference differ, for each n; nothing if they agree."""
    expected = interpret(scenario)
    for n in ns if plan.ahead else ns[:1]:
        trial = Trial(folder=folder, loaded=plan, n=n)
        found = differences(expected, await outcome_of(trial), trial.plan)
        if found:
            return "\n".join([f"n = {n}", *found, as_yaml(scenario)])
    return ""


def differences(expected: Outcome, seen: Outcome, plan: Plan) -> list[str]:
    """Return all that differs. Nodes that run ahead of their turn run in any order; if a flow was
    cut short, they may have begun on more."""
    ahead = {name for names in plan.ahead.values() for name in names}
    names = [name for name in ALL if getattr(expected, name) != getattr(seen, name)]
    if in_turn(expected, ahead) != in_turn(seen, ahead):
        names.append("operations")
    if not _covers(_begun(seen, ahead), _begun(expected, ahead), cut=expected.cut):
        names.append("operations")
    if not _covers(Counter(seen.counts), Counter(expected.counts), cut=expected.cut and ahead):
        names.append("counts")
    return [
        f"{name}:\n  reference {getattr(expected, name)}\n  engine    {getattr(seen, name)}"
        for name in names
    ]


def in_turn(outcome: Outcome, ahead: set[str]) -> list[tuple[str, str]]:
    return [one for one in outcome.operations if one[0] not in ahead]


def _begun(outcome: Outcome, ahead: set[str]) -> Counter[tuple[str, str]]:
    return Counter(one for one in outcome.operations if one[0] in ahead)


def _covers(seen: Counter[Any], expected: Counter[Any], *, cut: object) -> bool:
    return seen >= expected if cut else seen == expected
