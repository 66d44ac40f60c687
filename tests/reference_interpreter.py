"""The semantics a second time, slowly: what a scenario does, straight from the rules R1 to R46.

It imports nothing of the engine and reads plain data, so that it can be checked by eye against the
reference document and the engine can be checked against it. It runs one operation at a time. What
bundles hold is in `reference_values`, the tables of failure are in `reference_rules`. A scenario:

    stores    bool: incomplete executions are stored; limit: so many at most, None: any number
    loses     bool: data loss is enabled
    commits   bool: auto commit; trigger_last: bool: commit trigger last
    cycles    int: most cycles of a run
    flow      list of nodes, of which the first is a trigger, a module or a repeater
    on_error  list of nodes: the error route of the whole scenario; None: there is none

A node is a dictionary with `id`, `kind`, `reads` (ids of the nodes that it maps, with items of
theirs) and optionally:

    filter    {on, item} and values, below or neither: passes if that item of that node's bundle is
              one of the values, is below, or is true; the node `error` has an item `type`
    on_error  list of nodes; disabled  bool; overlaps  bool: its operations may overlap
    trigger   bundles: list of bundles, each with an `id`; limit: most bundles of a cycle
    module    module: plain, waiting, search or acid; emits: list of bundles, the output of each
              operation; continues: a search that emits nothing emits an empty bundle
    both      faults: rows of types of errors, attempt by attempt, chosen by what is read, or one
              type and `always`; breaks: (after how many bundles, with what type) it fails; sets,
              gets: a variable, whose name is its lifetime
    iterator  array: id of the node whose item `parts` is taken apart
    repeater  start, repeats, step
    aggregator  makes: array, text, table or numeric; source: id; group_by: [id, item] or None;
              stop_if_empty: bool; function, value: [id, item] of a numeric one
    router    routes: list of {filter, fallback, disabled, flow}
    throw     when: a condition; type: of the error
    retry     attempts; types: of the errors after which the failed node runs again
    directive directive: its name; fields: substitute output, or {automatic, attempts}; a Resume's
              `mapped` names the item that is what the directive reads
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from reference_rules import (
    Decision,
    ErrorRoute,
    Outcome,
    Record,
    Trouble,
    by_default,
    by_directive,
    placed,
    without_room,
)
from reference_values import (
    Failed,
    Json,
    elements,
    emitted,
    fault,
    passes,
    positions,
    reading,
    repeated,
    row_of,
    sets_of,
)


class Stop(Exception):  # noqa: N818 - a signal, as StopIteration is one
    """The cycle stops at once; or an error route, if there is one under way."""


def interpret(scenario: Json) -> Outcome:
    """Run a scenario whose trigger has not taken anything yet."""
    run = Interpreter(scenario)
    run.cycles()
    run.outcome.taken.sort()
    run.outcome.counts = {name: count for name, count in run.outcome.counts.items() if count}
    return run.outcome


class Interpreter:
    """One run. `env` holds the bundles that are mappable, by node id, trigger first."""

    def __init__(self, scenario: Json) -> None:
        self.scenario = scenario
        self.flow = scenario["flow"]
        self.first = self.flow[0]
        self.outcome = Outcome()
        self.placed = placed(scenario)
        places = self.placed.values()
        self.aggregators = [one.node for one in places if one.node["kind"] == "aggregator"]
        self.collected: dict[str, list[tuple[Any, Any]]] = {}
        self.substitutes: dict[str, list[Json]] = {}
        self.attempts: dict[tuple[str, str], int] = {}
        self.variables: dict[str, str] = {}
        self.uncommitted: dict[str, list[str]] = {}
        self.error_routes: list[ErrorRoute] = []
        self.skipped: set[str] = set()
        self.refusing: dict[str, str] = {}
        self.emitted: list[str] = []
        self.settled: list[str] = []
        self.yielded = 0

    def cycles(self) -> None:
        """R30, 2.7: a polling trigger ends the run with a cycle that yields nothing."""
        for _ in range(self.scenario["cycles"]):
            self.emitted, self.settled, self.yielded = [], [], 0
            stop = None
            try:
                self.travel(self.flow, 0, {})
            except Stop as stopped:
                stop = stopped.args[0]
                self.outcome.cut = True
            self.outcome.taken += self.end_cycle(stop)
            if stop or (self.first["kind"] == "trigger" and not self.yielded):
                return

    def end_cycle(self, stop: Decision | None) -> list[str]:
        """R31 to R34: commit or roll back, and return what the trigger does not read again."""
        undone = list(self.uncommitted) if stop and stop.undoes else []
        for name in reversed(undone):
            self.roll_back(name)
        for name in list(self.uncommitted):
            self.commit(name)
        kept = {"execution"}
        self.variables = {name: self.variables[name] for name in kept & self.variables.keys()}
        if self.first["kind"] == "trigger":
            first = self.first["id"]
            self.attempts = {key: n for key, n in self.attempts.items() if key[0] == first}
        else:
            self.attempts = {}
        at_once = self.scenario["commits"] and not self.scenario["trigger_last"]
        if not stop or not stop.undoes or at_once:
            return self.emitted
        return self.settled if stop.keeps_settled and not undone else []

    def commit(self, name: str) -> None:
        self.outcome.operations.append((name, "commit"))
        self.outcome.committed.setdefault(name, []).extend(self.uncommitted.pop(name))

    def roll_back(self, name: str) -> None:
        self.outcome.operations.append((name, "roll back"))
        self.uncommitted.pop(name, None)

    def travel(self, flow: list[Json], index: int, env: Json) -> None:
        """R1: take one bundle through everything downstream."""
        if index == len(flow):
            return
        node = flow[index]
        if node.get("disabled"):
            self.travel(flow, index + 1, env)
        elif node["kind"] == "router":
            self.route(node, env)
        else:
            outputs = self.operate(node, env)
            if outputs is not None:
                self.emit(flow, index, outputs, env)

    def operate(self, node: Json, env: Json) -> Iterable[Json] | None:
        """Return what a node emits for one bundle; None: the bundle's way ends here."""
        try:
            if not passes(node.get("filter"), env):  # R5
                return None
            self.check_open(node)
            return self.outputs(node, env)
        except Failed as failed:
            again = node["kind"] in ("trigger", "module")
            settled = self.settle(Trouble(node, failed.args[0], env, again))
            if settled is not None and node["kind"] == "aggregator":
                self.substitutes[node["id"]] += settled
                return None
            return settled

    def check_open(self, node: Json) -> None:
        if node["id"] in self.refusing:
            raise Failed(self.refusing[node["id"]])

    def outputs(self, node: Json, env: Json) -> Iterable[Json] | None:
        match node["kind"]:
            case "aggregator":
                self.collected[node["id"]].append(row_of(node, env))  # R22
                return None
            case "directive":
                self.direct(node, env)
                return None
            case "retry":
                return self.retry(node, env)
            case "throw":
                if passes(node["when"], env):
                    raise Failed(node["type"])
                return [{}]
            case "trigger" | "module":
                return self.run(node, env)
        self.count(node, 1)
        if node["kind"] == "repeater":
            return repeated(node)
        return elements(env.get(node["array"], {}).get("parts"))

    def count(self, node: Json, number: int) -> None:
        counts = self.outcome.counts
        counts[node["id"]] = counts.get(node["id"], 0) + number

    def run(self, node: Json, env: Json) -> Iterable[Json]:
        """Run a module for one bundle."""
        name, text = node["id"], reading(node, env)
        if node["gets"]:
            text += "=" + self.variables.get(node["gets"], "")
        self.outcome.operations.append((name, text))
        if node["sets"]:
            self.variables[node["sets"]] = text
        attempt = self.attempts[name, text] = self.attempts.get((name, text), 0) + 1
        error = fault(node, text, attempt)
        if node["module"] == "acid":
            self.transact(name, text, failed=error is not None)
        if error:
            raise Failed(error)
        self.count(node, 1)
        if node["kind"] == "trigger":
            fresh = [b for b in node["bundles"] if b["id"] not in self.outcome.taken]
            return self.as_found(node, fresh[: node["limit"]])
        found = emitted(node, text)
        if node["module"] == "search":
            return self.as_found(node, found)
        if len(found) > 1:
            return [bundle | positions(k, len(found)) for k, bundle in enumerate(found, 1)]
        return found

    def transact(self, name: str, text: str, *, failed: bool) -> None:
        """R31, R32: an ACID node has worked; what it did is committed now or with the cycle."""
        if not failed:
            self.uncommitted.setdefault(name, []).append(text)
        if self.scenario["commits"] and failed:
            self.roll_back(name)
        elif self.scenario["commits"]:
            self.commit(name)

    def as_found(self, node: Json, found: list[Json]) -> Iterator[Json]:
        """Yield bundles whose number is not known yet, and perhaps break in between.

        R33: of a trigger's bundles, what has been yielded counts as taken.
        """
        place, error = node["breaks"] or (-1, "")
        for index, bundle in enumerate([*found, None]):
            if place == index:
                raise Failed(error)
            if bundle is None:
                return
            taken = [bundle["id"]] if node["kind"] == "trigger" else []
            self.emitted += taken
            yield bundle | positions(index + 1) if bundle else bundle
            self.settled += taken

    def emit(self, flow: list[Json], index: int, outputs: Iterable[Json], env: Json) -> None:
        """R1, R21, R28: each bundle to its end, then the aggregations of this operation."""
        node = flow[index]
        due = [one for one in self.aggregators if one["source"] == node["id"]]
        for aggregator in due:
            self.collected[aggregator["id"]] = []
            self.substitutes[aggregator["id"]] = []
        for output in self.to_the_end(node, outputs, env):
            self.yielded += node is self.first
            has_items = node["kind"] not in ("throw", "retry")
            self.travel(flow, index + 1, {**env, node["id"]: output} if has_items else env)
        for aggregator in due:
            self.flush(aggregator, env)

    def to_the_end(self, node: Json, outputs: Iterable[Json], env: Json) -> Iterator[Json]:
        """Yield outputs, and what replaces those that do not come because the node breaks."""
        try:
            yield from outputs
        except Failed as failed:
            self.count(node, -1)
            yield from self.settle(Trouble(node, failed.args[0], env, again=False)) or []

    def flush(self, aggregator: Json, env: Json) -> None:
        """R23 to R27: emit what arrived, with the bundles that were mappable at the source."""
        name = aggregator["id"]
        sets = sets_of(aggregator, self.collected.pop(name), self.substitutes.pop(name))
        self.count(aggregator, len(sets))
        self.emit(self.placed[name].flow, self.placed[name].index, sets, env)

    def route(self, node: Json, env: Json) -> None:
        """R12 to R17, and the row of 3.5 about later routes."""
        self.skipped.discard(node["id"])
        if not self.enters(node, node, env):  # R6
            return
        taken = False
        for route in sorted(node["routes"], key=lambda route: bool(route.get("fallback"))):
            if route.get("disabled") or (route.get("fallback") and taken):
                continue
            enters = self.enters(node, route, env)  # R15
            if enters:
                taken = True
                self.travel(route["flow"], 0, env)
            if enters is None or node["id"] in self.skipped:
                return

    def enters(self, router: Json, gate: Json, env: Json) -> bool | None:
        """None: a filter fails, which is an error of the router, and the bundle ends there."""
        try:
            return passes(gate.get("filter"), env)
        except Failed as failed:
            settled = self.settle(Trouble(router, failed.args[0], env, again=False))
            return None if settled is None else False

    def settle(self, trouble: Trouble) -> Iterable[Json] | None:
        """Do what handler or default says; return what goes on instead, if anything does."""
        decision = self.decide(trouble)
        if trouble.outputs is not None:
            return trouble.outputs
        if decision.substitute is not None:
            return [decision.substitute]
        if self.error_routes:  # R42, R43: it decides for the bundle that failed first
            self.error_routes[-1].decisions.append(decision)
        else:
            decision = self.act(trouble, decision)
        if decision.stops:
            raise Stop(decision)
        return None

    def act(self, trouble: Trouble, decision: Decision) -> Decision:
        limit, records = self.scenario["limit"], self.outcome.records
        if decision.parks and limit is not None and len(records) >= limit:
            decision = without_room(self.scenario, decision)
        self.outcome.status = max(self.outcome.status, decision.status)  # R37
        if decision.parks:
            kept = dict(self.variables)
            name, error = trouble.node["id"], trouble.error
            records.append(Record(name, error, trouble.env, decision.retries, kept))
        return decision

    def decide(self, trouble: Trouble) -> Decision:
        for handler, router in self.placed[trouble.node["id"]].handlers:
            told = {**trouble.env, "error": {"type": trouble.error}}
            if not wants(handler, told):  # R39
                continue
            route = self.handle(handler, told, trouble)
            if route.rejects and not route.decisions:
                continue
            decision = route.decisions[0] if route.decisions else Decision()
            if router and decision.substitute is None and trouble.outputs is None:
                self.skipped.add(router)
            return decision
        is_first = trouble.node is self.first
        decision = by_default(self.scenario, trouble.error, is_first=is_first)
        if decision.refuses:  # all that reach the node later are stored without being tried
            self.refusing[trouble.node["id"]] = trouble.error
            self.outcome.cut = True
        return decision

    def handle(self, handler: list[Json], env: Json, trouble: Trouble) -> ErrorRoute:
        """R40: run an error route; the first that decides on it counts, and nobody is Ignore."""
        route = ErrorRoute(trouble)
        self.error_routes.append(route)
        try:
            self.travel(handler, 0, env)
        except Stop:
            self.outcome.cut = True
        self.error_routes.pop()
        return route

    def retry(self, node: Json, env: Json) -> Iterable[Json]:
        """Ours: run the failed node again; what it emits then goes on, and the route is over.

        At the end of its flow, having tried in vain leaves the error to the next handler.
        """
        route = self.error_routes[-1]
        trouble = route.trouble
        for _ in range(node["attempts"]):
            if not trouble.again or trouble.error not in node["types"]:
                break
            try:
                passes(trouble.node.get("filter"), trouble.env)
                trouble.outputs = self.run(trouble.node, trouble.env)
            except Failed as failed:
                trouble.error = failed.args[0]
            else:
                route.decisions.append(Decision())
                raise Stop(None)
        env["error"]["type"] = trouble.error
        place = self.placed[node["id"]]
        route.rejects = place.index == len(place.flow) - 1
        return [{}]

    def direct(self, node: Json, env: Json) -> None:
        """A directive that stops the cycle stops its error route too."""
        decision = by_directive(node, reading(node, env))
        self.error_routes[-1].decisions.append(decision)
        if decision.stops:
            raise Stop(decision)


def wants(handler: list[Json], env: Json) -> bool:
    """Ask the entry filter; a bundle on which it fails enters, and fails there."""
    with suppress(Failed):
        return passes(handler[0].get("filter"), env)
    return True
