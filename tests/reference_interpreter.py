"""The semantics a second time, slowly: what a scenario does, straight from the rules R1 to R46.

It imports nothing of the engine and reads plain data, so that it can be checked by eye against the
reference document and the engine can be checked against it. A scenario is a dictionary:

    stores    bool: incomplete executions are stored
    cycles    int: most cycles of a run
    flow      list of nodes, of which the first is a trigger or a module
    on_error  list of nodes: the error route of the whole scenario; None: there is none

A node is a dictionary with `id`, `kind`, `reads` (ids whose bundles it maps) and optionally:

    filter    {on, item, values}: passes if that item of that node's bundle is one of the values;
              the node `error` has an item `type`
    on_error  list of nodes; disabled  bool
    trigger   bundles: list of bundles, each with an `id`; limit: most bundles of a cycle
    module    emits: list of bundles, the output of each operation; `late`: it emits as it goes
    both      faults: {number of the call, from 1: type of the error}
    iterator  array: id of the node whose item `parts` is taken apart
    aggregator  source: id; group_by: [id, item] or None; stop_if_empty: bool
    router    routes: list of {filter, fallback, disabled, flow}
    directive directive: its name; fields: substitute output, or {automatic, attempts}
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

SUCCESS, WARNING, ERROR = 1, 2, 3

RETRIED = {"ConnectionError", "RateLimitError", "ModuleTimeoutError", "OutOfSpaceError"}
SET_ASIDE = RETRIED | {
    "DataError",
    "BundleValidationError",
    "DuplicateDataError",
    "MaxFileSizeExceededError",
}
REFUSES_ALL = {"InvalidAccessTokenError", "InvalidConfigurationError"}
AUTOMATIC_RETRIES = 5
"""How many waits the default schedule has."""


@dataclass
class Decision:
    """What becomes of a failed bundle, and of the others."""

    status: int = SUCCESS
    parks: bool = False
    stops: bool = False
    undoes: bool = False
    retries: int = 0
    substitute: Json | None = None


@dataclass
class Record:
    """An incomplete execution."""

    node: str
    error: str
    bundles: Json
    retries: int


@dataclass
class Outcome:
    """All that can be seen of a run."""

    status: int = SUCCESS
    operations: list[tuple[str, str]] = field(default_factory=list)
    """Node and what it read, in order; those that failed too."""
    counts: dict[str, int] = field(default_factory=dict)
    """Operations as they are counted (2.8), for nodes that have any."""
    records: list[Record] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    """Ids of the trigger's bundles that do not come again, sorted."""


class Failed(Exception):  # noqa: N818 - a signal, as StopIteration is one
    """A module fails on a bundle."""


class Stop(Exception):  # noqa: N818 - as above
    """The cycle stops at once."""


def interpret(scenario: Json) -> Outcome:
    """Run a scenario whose trigger has not taken anything yet."""
    run = Interpreter(scenario)
    run.cycles()
    run.outcome.taken.sort()
    return run.outcome


def label(bundle: Json) -> str:
    """What a node that maps a bundle reads of it."""
    if "array" in bundle:
        rows = "+".join(row["row"] for row in bundle["array"])
        return f"{rows}{len(bundle['array'])}{shown(bundle.get('key'))}"
    return shown(bundle.get("text")) + shown(bundle.get("value"))


def shown(value: Any) -> str:
    return "" if value is None else str(value)


def reading(node: Json, env: Json) -> str:
    """What a node reads: a label for each bundle it maps, and the error on an error route."""
    texts = [label(env.get(name, {})) for name in node["reads"]]
    if "error" in node["reads"]:
        texts[node["reads"].index("error")] = env["error"]["type"]
    return "reads " + "|".join(texts)


def passes(condition: Json | None, env: Json) -> bool:
    if condition is None:
        return True
    return env.get(condition["on"], {}).get(condition["item"]) in condition["values"]


def nodes_of(flow: list[Json]) -> Iterator[Json]:
    """Yield all nodes in document order: a node, its error route, its routes."""
    for node in flow:
        yield node
        yield from nodes_of(node.get("on_error") or [])
        for route in node.get("routes", []):
            yield from nodes_of(route["flow"])


class Interpreter:
    """One run. `env` holds the bundles that are mappable, by node id, trigger first."""

    def __init__(self, scenario: Json) -> None:
        self.scenario = scenario
        self.flow = scenario["flow"]
        self.first = self.flow[0]
        self.outcome = Outcome()
        self.calls: dict[str, int] = {}
        self.places: dict[str, tuple[list[Json], int]] = {}
        self.handlers: dict[str, list[tuple[list[Json], str | None]]] = {}
        self.aggregators = [n for n in nodes_of(self.flow) if n["kind"] == "aggregator"]
        self.aggregators += [
            n for n in nodes_of(scenario["on_error"] or []) if n["kind"] == "aggregator"
        ]
        self.collected: dict[str, list[Json]] = {}
        self.error_routes: list[list[Decision]] = []
        self.skipped: set[str] = set()
        self.refusing: dict[str, str] = {}
        self.emitted: list[str] = []
        self.yielded = 0
        last = scenario["on_error"]
        self.place(self.flow, [(last, None)] if last else [])
        self.place(last or [], [])

    def place(self, flow: list[Json], inherited: list[tuple[list[Json], str | None]]) -> None:
        """R38: a node's own handler, then its routers' outward, then the scenario's.

        R42, R43: the nodes of an error route have no handlers but those on the route itself.
        """
        for index, node in enumerate(flow):
            self.places[node["id"]] = (flow, index)
            own = node.get("on_error")
            is_router = node["kind"] == "router"
            mine = [(own, node["id"] if is_router else None)] if own else []
            self.handlers[node["id"]] = mine + inherited
            self.place(own or [], [])
            for route in node.get("routes", []):
                self.place(route["flow"], mine + inherited)

    def cycles(self) -> None:
        """R30, 2.7: a polling trigger ends the run with a cycle that yields nothing."""
        for _ in range(self.scenario["cycles"]):
            self.emitted, self.yielded = [], 0
            try:
                self.travel(self.flow, 0, {})
            except Stop as stop:
                if stop.args[0].undoes:  # R34: the trigger reads the same again
                    return
                self.outcome.taken += self.emitted
                return
            self.outcome.taken += self.emitted
            if self.first["kind"] == "trigger" and not self.yielded:
                return

    def travel(self, flow: list[Json], index: int, env: Json) -> None:
        """R1: take one bundle through everything downstream."""
        if index == len(flow):
            return
        node = flow[index]
        if node.get("disabled"):
            self.travel(flow, index + 1, env)
        elif not passes(node.get("filter"), env):  # R5
            return
        elif node["kind"] == "router":
            self.route(node, env)
        elif node["kind"] == "aggregator":
            self.collected[node["id"]].append(env)  # R22
        elif node["kind"] == "directive":
            self.direct(node)
        else:
            self.operate(flow, index, env)

    def operate(self, flow: list[Json], index: int, env: Json) -> None:
        node = flow[index]
        outputs: Iterable[Json]
        try:
            outputs = self.outputs(node, env)
        except Failed as failed:
            substitute = self.settle(node, failed.args[0], env)
            if substitute is None:
                return
            outputs = [substitute]
        else:
            self.count(node)
        self.emit(flow, index, outputs, env)

    def count(self, node: Json) -> None:
        counts = self.outcome.counts
        counts[node["id"]] = counts.get(node["id"], 0) + 1

    def outputs(self, node: Json, env: Json) -> Iterable[Json]:
        """Run a module, a trigger or an iterator for one bundle."""
        if node["kind"] == "iterator":
            return elements(env.get(node["array"], {}).get("parts"))
        name = node["id"]
        if name in self.refusing:
            raise Failed(self.refusing[name])
        number = self.calls[name] = self.calls.get(name, 0) + 1
        self.outcome.operations.append((name, reading(node, env)))
        if number in node["faults"]:
            raise Failed(node["faults"][number])
        if node["kind"] == "trigger":
            return self.untaken(node)
        found = [
            {"text": f"{name}.{number}.{k}", **output} for k, output in enumerate(node["emits"], 1)
        ]
        if node["module"] == "search":  # it does not know yet how many there will be
            return [bundle | positions(k) for k, bundle in enumerate(found, 1)]
        if len(found) > 1:
            return [bundle | positions(k, len(found)) for k, bundle in enumerate(found, 1)]
        return found

    def untaken(self, node: Json) -> Iterator[Json]:
        """Yield what the trigger finds; what has been yielded counts as taken (R33)."""
        fresh = [b for b in node["bundles"] if b["id"] not in self.outcome.taken]
        for index, bundle in enumerate(fresh[: node["limit"]], 1):
            self.emitted.append(bundle["id"])
            yield bundle | positions(index)

    def emit(self, flow: list[Json], index: int, outputs: Iterable[Json], env: Json) -> None:
        """R1, R21, R28: each bundle to its end, then the aggregations of this operation."""
        node = flow[index]
        due = [one for one in self.aggregators if one["source"] == node["id"]]
        for aggregator in due:
            self.collected[aggregator["id"]] = []
        for output in outputs:
            self.yielded += node is self.first
            self.travel(flow, index + 1, {**env, node["id"]: output})
        for aggregator in due:
            self.flush(aggregator, env)

    def flush(self, aggregator: Json, env: Json) -> None:
        """R23 to R27: emit what arrived, with the bundles that were mappable at the source."""
        rows = self.collected.pop(aggregator["id"])
        if aggregator["group_by"] is None:
            sets = [array(aggregator, rows)]
            if not rows and aggregator["stop_if_empty"]:
                sets = []
        else:
            on, item = aggregator["group_by"]
            keys = [row.get(on, {}).get(item) for row in rows]
            order = list(dict.fromkeys(keys))  # of first sight
            sets = [
                array(aggregator, [r for r, k in zip(rows, keys, strict=True) if k == key])
                | {"key": key, "__IMTKEY__": key}
                | positions(index, len(order))
                for index, key in enumerate(order, 1)
            ]
        for _ in sets:
            self.count(aggregator)
        self.emit(*self.places[aggregator["id"]], sets, env)

    def route(self, node: Json, env: Json) -> None:
        """R12 to R17, and the row of 3.5 about later routes."""
        self.skipped.discard(node["id"])
        taken = False
        for route in sorted(node["routes"], key=lambda route: bool(route.get("fallback"))):
            if route.get("disabled") or (route.get("fallback") and taken):
                continue
            if not passes(route.get("filter"), env):
                continue
            taken = True
            self.travel(route["flow"], 0, env)
            if node["id"] in self.skipped:
                return

    def settle(self, node: Json, error: str, env: Json) -> Json | None:
        """Do what handler or default says; return the substitute output, if there is one."""
        decision = self.decide(node, error, env)
        if decision.substitute is not None:
            return decision.substitute
        if self.error_routes:  # R42, R43: it decides for the bundle that failed first
            self.error_routes[-1].append(decision)
        else:
            self.outcome.status = max(self.outcome.status, decision.status)  # R37
            if decision.parks:
                self.outcome.records.append(Record(node["id"], error, env, decision.retries))
        if decision.stops:
            raise Stop(decision)
        return None

    def decide(self, node: Json, error: str, env: Json) -> Decision:
        for handler, router in self.handlers[node["id"]]:
            told = {**env, "error": {"type": error}}
            if passes(handler[0].get("filter"), told):  # R39
                decision = self.handle(handler, told)
                if router and decision.substitute is None:
                    self.skipped.add(router)
                return decision
        return self.default(node, error)

    def handle(self, handler: list[Json], env: Json) -> Decision:
        """R40: run an error route; the first that decides on it counts, and nobody is Ignore."""
        self.error_routes.append([])
        with suppress(Stop):
            self.travel(handler, 0, env)
        decisions = self.error_routes.pop()
        return decisions[0] if decisions else Decision()

    def default(self, node: Json, error: str) -> Decision:
        """3.2, the table."""
        rolled_back = Decision(ERROR, stops=True, undoes=True)
        if node is self.first:
            if error in {"ConnectionError", "RateLimitError"}:
                rolled_back.status = WARNING
            return rolled_back
        if not self.scenario["stores"] or error not in SET_ASIDE | REFUSES_ALL:
            return rolled_back
        if error in REFUSES_ALL:  # all that reach the node later are stored without being tried
            self.refusing[node["id"]] = error
        return Decision(WARNING, parks=True, retries=AUTOMATIC_RETRIES if error in RETRIED else 0)

    def direct(self, node: Json) -> None:
        """3.5, the table. A directive that stops the cycle stops its error route too."""
        fields = node["fields"]
        match node["directive"]:
            case "rollback":
                decision = Decision(ERROR, stops=True, undoes=True)
            case "commit":
                decision = Decision(stops=True)
            case "resume":
                decision = Decision(substitute=fields)
            case "ignore":
                decision = Decision()
            case "break" if fields["automatic"]:
                decision = Decision(parks=True, retries=fields["attempts"])
            case _:
                decision = Decision(WARNING, parks=True)
        self.error_routes[-1].append(decision)
        if decision.stops:
            raise Stop(decision)


def elements(parts: Any) -> list[Json]:
    """R19, R20."""
    if parts is None:
        return []
    values = parts if isinstance(parts, list) else [parts]
    return [
        (value if isinstance(value, dict) else {"value": value}) | positions(index, len(values))
        for index, value in enumerate(values, 1)
    ]


def positions(index: int, length: int | None = None) -> Json:
    """Return Fusion's order items, and ours; a length that nobody knows is left out."""
    items = {"__IMTINDEX__": index, "bundle_index": index}
    return items if length is None else items | {"__IMTLENGTH__": length, "bundle_count": length}


def array(aggregator: Json, rows: list[Json]) -> Json:
    """R26, with one item `row` per collection."""
    items = [{"row": reading(aggregator, row)} for row in rows]
    return {"array": items, "__IMTAGGLENGTH__": len(items), "array_length": len(items)}
