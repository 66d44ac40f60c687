"""Random scenarios as plain data, as YAML for the engine, and what the engine makes of them.

A scenario is drawn from `pick(n)`, a number below n from wherever the caller takes its numbers.
Its form is described in `reference_interpreter`. A seed is a number from 0; each is one scenario.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

from reference_interpreter import Json, Outcome, Record, interpret
from runs import PROBES, Bench, Listener

from engine.plan.catalog import Catalog
from engine.plan.check import load_text
from engine.plan.plan import Plan

Pick = Callable[[int], int]

CATALOG = Catalog([PROBES])
TYPES = (
    "DataError",
    "ConnectionError",
    "RuntimeError",
    "InvalidAccessTokenError",
    "RateLimitError",
    "DuplicateDataError",
)
PARTS: tuple[Any, ...] = (
    ["p", "q"],
    ["p", "q"],
    [{"text": "r"}],
    ["s"],
    ["s", {"text": "t"}, "u"],
    [],
    None,
    "alone",
)
MOST_NODES = 10


@dataclass(frozen=True)
class Sight:
    """What a node maps, trigger first; `start`: how much of it stands before the error route."""

    ids: tuple[str, ...] = ()
    start: int = 0

    def after(self, name: str) -> "Sight":
        return Sight((*self.ids, name), self.start)

    def closed_from(self, source: str, name: str) -> "Sight":
        kept = self.ids[: self.ids.index(source)]
        return Sight((*kept, name), self.start)


class Drawn:
    """One scenario, drawn from the outside in."""

    def __init__(self, pick: Pick, *, stores: bool) -> None:
        self._pick = pick
        self._stores = stores
        self._count = 0
        self._kinds: dict[str, str] = {}

    def scenario(self) -> Json:
        first = self._poll() if self._chance(4, 5) else self._module(Sight())
        sight = Sight().after(first["id"])
        flow = [first, *self._flow(sight, in_route=False)]
        last = None
        if self._chance(1, 5):
            last = self._route_for_errors(Sight((first["id"], "error"), start=2))
        if self._chance(1, 8):
            first["on_error"] = self._route_for_errors(Sight(("error",), start=1))
        cycles = self._pick(3) + 1
        return {"stores": self._stores, "cycles": cycles, "flow": flow, "on_error": last}

    def _chance(self, part: int, whole: int) -> bool:
        return self._pick(whole) < part

    def _one_of(self, options: Any) -> Any:
        return options[self._pick(len(options))]

    def _named(self, kind: str, sight: Sight) -> Json:
        self._count += 1
        name = f"{kind[0]}{self._count}"
        self._kinds[name] = kind
        return {"id": name, "kind": kind, "reads": list(sight.ids)}

    def _poll(self) -> Json:
        bundles = [
            {"id": name, "text": name, "nr": nr, "parts": self._one_of(PARTS)}
            for nr, name in enumerate(("b1", "b2", "b3")[: self._one_of((3, 2, 1, 3, 2, 3, 0))], 1)
        ]
        node = self._named("trigger", Sight())
        node |= {"bundles": bundles, "limit": self._one_of((9, 1, 2))}
        return node | {"faults": self._faults(1, 12), "emits": []}

    def _module(self, sight: Sight) -> Json:
        node = self._named("module", sight)
        several = self._one_of((1, 1, 1, 1, 1, 1, 2, 3, 2, 0))
        emits = [{"nr": nr, "parts": self._one_of(PARTS)} for nr in range(1, several + 1)]
        module = self._one_of(("plain", "waiting", "search"))
        return node | {"module": module, "emits": emits, "faults": self._faults(1, 2)}

    def _faults(self, part: int, whole: int) -> dict[int, str]:
        if not self._chance(part, whole):
            return {}
        return {self._pick(3) + 1: self._one_of(TYPES) for _ in range(self._pick(2) + 1)}

    def _flow(self, sight: Sight, *, in_route: bool) -> list[Json]:
        """Draw the rest of a flow: nodes in a row, perhaps a router at its end."""
        flow: list[Json] = []
        while self._count < MOST_NODES and self._chance(12 if in_route else 19, 20):
            node = self._node(sight)
            flow.append(node)
            if node["kind"] == "router":
                return flow
            sight = self._beyond(node, sight)
        return flow

    def _beyond(self, node: Json, sight: Sight) -> Sight:
        if node.get("disabled"):
            return sight
        if node["kind"] == "aggregator":
            return sight.closed_from(node["source"], node["id"])
        return sight.after(node["id"])

    def _node(self, sight: Sight) -> Json:
        kind = self._one_of(
            ("module",) * 7 + ("iterator",) * 3 + ("aggregator",) * 2 + ("router",) * 2
        )
        sources = sight.ids[sight.start :]
        if kind == "aggregator" and not sources:
            kind = "module"
        node = self._module(sight) if kind == "module" else self._named(kind, sight)
        if self._chance(1, 7):
            node["filter"] = self._condition(sight)
        if kind == "iterator":
            open_ones = [name for name in sight.ids if self._kinds.get(name, "error")[0] in "tmi"]
            node["array"] = self._one_of(open_ones or [""])
        elif kind == "aggregator":
            self._aggregate(node, sources)
        elif kind == "router":
            node["routes"] = self._routes(sight)
        elif self._chance(1, 12):
            node["disabled"] = True
        if kind in ("module", "router") and self._chance(3, 5):
            before = (*(name for name in sight.ids if name != "error"), "error")
            node["on_error"] = self._route_for_errors(Sight(before, start=len(before)))
        return node

    def _aggregate(self, node: Json, sources: tuple[str, ...]) -> None:
        several = [name for name in sources if self._kinds[name] != "module"]
        node["source"] = self._one_of(several or sources)
        node["group_by"] = None
        if self._chance(1, 3):
            node["group_by"] = [node["source"], self._item(node["source"])]
        node["stop_if_empty"] = self._chance(1, 4)

    def _item(self, name: str) -> str:
        return {"iterator": "bundle_index", "aggregator": "array_length"}.get(
            self._kinds[name], "nr"
        )

    def _condition(self, sight: Sight) -> Json:
        on = self._one_of(sight.ids or ("",))
        if on == "error":
            return {"on": "error", "item": "type", "values": [self._one_of(TYPES[:2])]}
        return {
            "on": on,
            "item": self._item(on),
            "values": self._one_of(([1], [2, 3], [1, 3], [1, 2])),
        }

    def _routes(self, sight: Sight) -> list[Json]:
        routes: list[Json] = []
        fallback = self._pick(4)
        for index in range(self._one_of((2, 3, 2, 1))):
            route: Json = {"flow": self._flow(sight, in_route=True)}
            if self._chance(1, 2):
                route["filter"] = self._condition(sight)
            route["fallback"] = index == fallback
            route["disabled"] = self._chance(1, 10)
            routes.append(route)
        return routes

    def _route_for_errors(self, sight: Sight) -> list[Json]:
        """Draw an error route: a directive, nodes before it, or nodes without one."""
        flow = self._flow(sight, in_route=True) if self._chance(1, 3) else []
        if not flow or (flow[-1]["kind"] != "router" and self._chance(4, 5)):
            for node in flow:
                sight = self._beyond(node, sight)
            flow.append(self._directive(sight))
        elif flow[-1]["kind"] == "router":
            for route in flow[-1]["routes"]:
                if not route["flow"] and self._chance(2, 3):
                    above = sight
                    for node in flow[:-1]:
                        above = self._beyond(node, above)
                    route["flow"] = [self._directive(above)]
        return flow

    def _directive(self, sight: Sight) -> Json:
        names = ["ignore", "resume", "rollback", "commit"] + ["break"] * 2 * self._stores
        node = self._named("directive", sight) | {"directive": self._one_of(names), "fields": {}}
        if node["directive"] == "resume":
            node["fields"] = self._one_of(({"text": "sub", "parts": ["v"]}, {"nr": 1}, {}))
        if node["directive"] == "break":
            node["fields"] = {"automatic": self._chance(1, 3), "attempts": self._pick(3) + 1}
        if self._chance(1, 6):
            node["filter"] = self._condition(sight)
        return node


def seeded(seed: int) -> Json:
    """Return the scenario of a seed; two of three store incomplete executions."""
    return Drawn(Random(seed).randrange, stores=seed % 3 > 0).scenario()  # noqa: S311 - a seed


def as_yaml(scenario: Json) -> str:
    """Write a scenario in the engine's language; JSON is YAML."""
    kinds = {"": ""}

    def learn(flow: list[Json]) -> None:
        for node in flow:
            kinds[node["id"]] = "grouped" if node.get("group_by") else node["kind"]
            learn(node.get("on_error") or [])
            for route in node.get("routes", []):
                learn(route["flow"])

    learn(scenario["flow"])
    learn(scenario["on_error"] or [])
    written = {
        "settings": {
            "store_incomplete_executions": scenario["stores"],
            "max_cycles": scenario["cycles"],
        },
        "flow": _written(scenario["flow"], kinds),
    }
    if scenario["on_error"]:
        written["on_error"] = _written(scenario["on_error"], kinds)
    return json.dumps(written, indent=1)


def _written(flow: list[Json], kinds: dict[str, str]) -> list[Json]:
    return [_node(node, kinds) for node in flow]


def _node(node: Json, kinds: dict[str, str]) -> Json:
    written: Json = {"id": node["id"], "module": _module_of(node)}
    fields = _fields(node, kinds)
    if fields:
        written["with"] = fields
    if node.get("filter"):
        written["filter"] = _expression(node["filter"])
    if node.get("disabled"):
        written["disabled"] = True
    if node.get("on_error"):
        written["on_error"] = _written(node["on_error"], kinds)
    if "routes" in node:
        written["routes"] = [_route(route, kinds) for route in node["routes"]]
    return written


def _route(route: Json, kinds: dict[str, str]) -> Json:
    written: Json = {"flow": _written(route["flow"], kinds)}
    if route.get("filter"):
        written["filter"] = _expression(route["filter"])
    return written | {name: True for name in ("fallback", "disabled") if route.get(name)}


def _module_of(node: Json) -> str:
    match node["kind"]:
        case "trigger":
            return "steps.poll"
        case "module":
            return f"steps.{node['module']}"
        case "aggregator":
            return "flow.array_aggregator"
        case "directive":
            return f"flow.{node['directive']}"
        case kind:
            return f"flow.{kind}"


def _fields(node: Json, kinds: dict[str, str]) -> Json:
    match node["kind"]:
        case "trigger" | "module":
            faults = {str(number): kind for number, kind in node["faults"].items()}
            fields: Json = {"faults": faults, "reads": _reading(node, kinds)}
            own = ("emits", "bundles", "limit")
            return fields | {name: node[name] for name in own if name in node}
        case "iterator":
            return {"array": f"{{{{ {node['array']}.parts }}}}" if node["array"] else []}
        case "aggregator":
            fields = {"source": node["source"], "fields": {"row": _reading(node, kinds)}}
            if node["group_by"]:
                fields["group_by"] = "{{{{ {}.{} }}}}".format(*node["group_by"])
            return fields | {"stop_if_empty": node["stop_if_empty"]}
        case "directive" if node["directive"] == "break":
            given = node["fields"]
            return {"automatically_complete": given["automatic"], "attempts": given["attempts"]}
        case _:
            return dict(node.get("fields", {}))


def _reading(node: Json, kinds: dict[str, str]) -> str:
    return "reads " + "|".join(_label(name, kinds.get(name, "")) for name in node["reads"])


def _label(name: str, kind: str) -> str:
    if name == "error":
        return "{{ error.type }}"
    if kind in ("aggregator", "grouped"):
        rows = f"{{{{ {name}.array | map(attribute='row') | join('+') }}}}"
        key = f"{{{{ {name}.key }}}}" if kind == "grouped" else ""
        return f"{rows}{{{{ {name}.array_length }}}}{key}"
    if kind == "iterator":
        return f"{{{{ {name}.text }}}}{{{{ {name}.value }}}}"
    return f"{{{{ {name}.text }}}}"


def _expression(condition: Json) -> str:
    if not condition["on"]:
        return "{{ true }}"
    return f"{{{{ {condition['on']}.{condition['item']} in {json.dumps(condition['values'])} }}}}"


@dataclass
class Reader(Listener):
    """A watcher that remembers which module read what."""

    read: list[tuple[str, str]] = field(default_factory=list)

    def node_progress(self, node_id: str, done: float, total: float | None, text: str) -> None:
        self.read.append((node_id, text))


@dataclass
class Trial(Bench):
    """A random scenario on the real plan and driver."""

    listener: Reader = field(default_factory=Reader)

    @cached_property
    def plan(self) -> Plan:
        return load_text(self.text, self.folder / "random.yaml", CATALOG)


async def outcome_of(scenario: Json, folder: Path) -> Outcome:
    """Run a scenario on the engine and tell what can be seen of the run."""
    trial = Trial(folder, as_yaml(scenario))
    execution = await trial.run()
    records = [
        Record(record.node_id, record.failure.type, dict(record.bundles), record.allowed)
        for record in sorted(await trial.stored(), key=lambda record: record.id)
    ]
    marks = await trial.store.cursor(trial.plan.id, trial.plan.trigger.id)
    counts = {name: count.operations for name, count in execution.nodes.items() if count.operations}
    return Outcome(execution.status, trial.listener.read, counts, records, sorted(marks))


async def disagreement(scenario: Json, folder: Path) -> str:
    """Return where engine and reference differ; nothing if they agree."""
    expected, seen = interpret(scenario), await outcome_of(scenario, folder)
    parts = [
        f"{name}:\n  reference {getattr(expected, name)}\n  engine    {getattr(seen, name)}"
        for name in ("operations", "status", "counts", "records", "taken")
        if getattr(expected, name) != getattr(seen, name)
    ]
    return "\n".join([*parts, as_yaml(scenario)] if parts else [])
