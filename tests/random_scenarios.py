"""Random scenarios as plain data, whose form is described in `reference_interpreter`.

A scenario is drawn from `pick(n)`, a number below n from wherever the caller takes its numbers. A
seed is a number from 0; each is one scenario.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from reference_values import Json

Pick = Callable[[int], int]

TYPES = (
    "DataError",
    "ConnectionError",
    "RuntimeError",
    "InvalidAccessTokenError",
    "RateLimitError",
    "DuplicateDataError",
    "MaxFileSizeExceededError",
)
PARTS: tuple[Any, ...] = (
    ["p", "q"],
    ["p", "q"],
    [{"text": "r"}],
    ["s"],
    ["s", {"text": "t"}, "u"],
    ["v", "w", "x", "y"],
    [],
    None,
    "alone",
)
SHOWN: dict[str, tuple[str, ...]] = {
    "trigger": ("text",),
    "module": ("text",),
    "iterator": ("text", "value"),
    "repeater": ("i",),
    "array": ("rows", "array_length"),
    "text": ("text",),
    "table": ("text",),
    "numeric": ("result",),
    "error": ("type",),
}
"""What a node that maps another reads of its bundles, by kind or by what an aggregator makes."""

MOST_NODES = 12


@dataclass(frozen=True)
class Sight:
    """What a node maps, trigger first; `start`: how much of it stands before the error route."""

    ids: tuple[str, ...] = ()
    start: int = 0

    @property
    def on_error_route(self) -> bool:
        return "error" in self.ids

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
        self._kinds = {"error": "error"}
        self._shows = {"error": SHOWN["error"]}
        self._has_variables = self._chance(1, 4)
        self._is_acid = self._chance(1, 3)

    def scenario(self) -> Json:
        first = self._first()
        sight = Sight().after(first["id"])
        flow = [first, *self._flow(sight, in_route=False)]
        last = None
        if self._chance(1, 5):
            last = self._route_for_errors(Sight((first["id"], "error"), start=2))
        if self._chance(1, 8):
            first["on_error"] = self._route_for_errors(Sight(("error",), start=1))
        return self.settings() | {"stores": self._stores, "flow": flow, "on_error": last}

    def settings(self) -> Json:
        return {
            "limit": self._pick(3) + 1 if self._chance(1, 5) else None,
            "loses": self._chance(1, 5),
            "commits": self._chance(1, 2),
            "trigger_last": self._chance(4, 5),
            "cycles": self._pick(3) + 1,
        }

    def _chance(self, part: int, whole: int) -> bool:
        return self._pick(whole) < part

    def _one_of(self, options: Any) -> Any:
        return options[self._pick(len(options))]

    def _named(self, kind: str, sight: Sight, makes: str = "") -> Json:
        self._count += 1
        name = f"{kind[0]}{self._count}"
        self._kinds[name] = kind
        self._shows[name] = SHOWN.get(makes or kind, ())
        reads = [[one, list(self._shows[one])] for one in sight.ids]
        return {"id": name, "kind": kind, "reads": reads}

    def _first(self) -> Json:
        kind = self._one_of(("trigger",) * 8 + ("module", "repeater"))
        if kind == "trigger":
            return self._poll()
        return self._module(Sight()) if kind == "module" else self._repeater(Sight())

    def _poll(self) -> Json:
        bundles = [
            {"id": name, "text": name, "nr": nr, "parts": self._one_of(PARTS)}
            for nr, name in enumerate(
                ("b1", "b2", "b3", "b4")[: self._one_of((3, 2, 1, 3, 2, 4, 0))], 1
            )
        ]
        node = self._named("trigger", Sight()) | {"module": "poll", "continues": False}
        node |= {"bundles": bundles, "limit": self._one_of((9, 1, 2)), "emits": []}
        node |= {"faults": self._faults(1, 12), "breaks": self._breaks(), "gets": None}
        return node | {"sets": None}

    def _module(self, sight: Sight) -> Json:
        node = self._named("module", sight)
        several = self._one_of((1, 1, 1, 1, 1, 1, 2, 3, 2, 0))
        emits = [{"nr": nr, "parts": self._one_of(PARTS)} for nr in range(1, several + 1)]
        others = ("plain", "waiting", "search", *["acid"] * 2 * self._is_acid)
        module = self._one_of(("waiting", "waiting", *others))
        node |= {"module": module, "emits": emits, "faults": self._faults(1, 2)}
        node["overlaps"] = module == "waiting" and self._chance(2, 3)
        if node["overlaps"] and sight.on_error_route:  # it may run more often than it should
            node["faults"] = [row and [row[0], "always"] for row in node["faults"]]
        node["continues"] = module == "search" and self._chance(1, 2)
        node["breaks"] = self._breaks() if module == "search" and emits else None
        for use in ("gets", "sets"):
            drawn = self._has_variables and self._chance(1, 3)
            node[use] = self._one_of(("cycle", "execution")) if drawn else None
        return node

    def _repeater(self, sight: Sight) -> Json:
        node = self._named("repeater", sight)
        return node | {"start": self._pick(3), "repeats": self._pick(5), "step": self._pick(2) + 1}

    def _faults(self, part: int, whole: int) -> list[list[str]]:
        """Draw rows of faults; every second row is empty."""
        if not self._chance(part, whole):
            return []
        rows: list[list[str]] = []
        for _ in range(self._pick(3) + 1):
            length = self._one_of((1, 0, 2, 1, 3))
            row = [self._one_of(TYPES) for _ in range(max(length, 1))]
            rows += [row if length else [*row, "always"]] + [[]] * self._pick(2)
        return rows

    def _breaks(self) -> tuple[int, str] | None:
        return (self._pick(2) + 1, self._one_of(TYPES)) if self._chance(1, 12) else None

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
        if node.get("disabled") or node["kind"] in ("throw", "retry"):
            return sight
        if node["kind"] == "aggregator":
            return sight.closed_from(node["source"], node["id"])
        return sight.after(node["id"])

    def _node(self, sight: Sight) -> Json:
        kind = self._one_of(
            ("module",) * 9
            + ("iterator",) * 3
            + ("aggregator",) * 3
            + ("router",) * 2
            + ("repeater", "throw")
            + ("retry",) * 3 * sight.on_error_route
        )
        sources = sight.ids[sight.start :]
        if kind == "aggregator" and not sources:
            kind = "module"
        node = self._bare_node(kind, sight, sources)
        if self._chance(1, 7):
            node["filter"] = self._condition(sight)
        if kind == "module" and self._chance(1, 12):
            node["disabled"] = True
        if kind not in ("iterator", "repeater", "retry") and self._chance(1, 2):
            before = (*(name for name in sight.ids if name != "error"), "error")
            node["on_error"] = self._route_for_errors(Sight(before, start=len(before)))
        return node

    def _bare_node(self, kind: str, sight: Sight, sources: tuple[str, ...]) -> Json:
        match kind:
            case "module":
                return self._module(sight)
            case "repeater":
                return self._repeater(sight)
            case "aggregator":
                return self._aggregator(sight, sources)
            case "retry":
                return self._retry(sight)
        node = self._named(kind, sight)
        if kind == "iterator":
            node["array"] = self._one_of(self._open(sight) or ("",))
        elif kind == "router":
            node["routes"] = self._routes(sight)
        elif kind == "throw":
            when = {"values": [1, 2]} | self._condition(sight)
            node |= {"when": when, "type": self._one_of(TYPES[:6])}
        return node

    def _retry(self, sight: Sight) -> Json:
        types = [one for one in TYPES if self._chance(2, 3)] or ["DataError"]
        return self._named("retry", sight) | {"attempts": self._pick(3) + 1, "types": types}

    def _aggregator(self, sight: Sight, sources: tuple[str, ...]) -> Json:
        makes = self._one_of(("array", "array", "numeric", "text", "table"))
        node = self._named("aggregator", sight, makes)
        several = [name for name in sources if self._kinds[name] != "module"]
        node |= {"makes": makes, "source": self._one_of(several or sources), "group_by": None}
        if makes == "numeric":
            node |= {"function": self._one_of(("sum", "count", "min", "max"))}
            node["value"] = self._number(sight)
        elif self._chance(1, 3):
            node["group_by"] = [node["source"], self._item(node["source"])]
            self._shows[node["id"]] += ("key",)
        return node | {"stop_if_empty": self._chance(1, 4)}

    def _number(self, sight: Sight) -> list[str]:
        """Draw what a numeric aggregator takes, which may be no number."""
        open_ones = self._open(sight)
        if open_ones and self._chance(1, 4):
            return [self._one_of(open_ones), "parts"]
        on = self._one_of([one for one in sight.ids if one != "error"])
        return [on, self._item(on)]

    def _open(self, sight: Sight) -> list[str]:
        """Return the nodes whose bundles may have an item `parts`."""
        return [one for one in sight.ids if self._kinds[one] in ("trigger", "module", "iterator")]

    def _item(self, name: str) -> str:
        """Return an item that is a number or null."""
        known = {"iterator": "bundle_index", "repeater": "i", "aggregator": "bundle_index"}
        shown = self._shows[name]
        if "array_length" in shown:
            return "array_length"
        return "result" if "result" in shown else known.get(self._kinds[name], "nr")

    def _condition(self, sight: Sight) -> Json:
        on = self._one_of(sight.ids or ("",))
        if on == "error":
            return {"on": "error", "item": "type", "values": [self._one_of(TYPES[:2])]}
        condition: Json = {"on": on, "item": self._item(on)}
        if on and self._chance(1, 10):
            return condition
        if on and self._chance(1, 5):
            return condition | {"below": self._pick(3) + 1}
        return condition | {"values": self._one_of(([1], [2, 3], [1, 3], [1, 2]))}

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
        flow = self._flow(sight, in_route=True) if self._chance(2, 5) else []
        if not flow or (flow[-1]["kind"] != "router" and self._chance(3, 5)):
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
        names = ["ignore", "resume", "rollback", "commit", *["retry"] * 2]
        name = self._one_of(names + ["break"] * 2 * self._stores)
        if name == "retry":
            node = self._retry(sight)
        else:
            node = self._named("directive", sight) | {"directive": name, "fields": {}}
        if name == "resume":
            node["fields"] = self._one_of(({"parts": ["v"]}, {"nr": 1}, {}))
            node["mapped"] = self._one_of(("text", "result", "text", None))
        if name == "break":
            node["fields"] = {"automatic": self._chance(1, 3), "attempts": self._pick(3) + 1}
        if self._chance(1, 6):
            node["filter"] = self._condition(sight)
        return node


VARIANTS = 8
"""So many seeds in a row have the same nodes under other settings: plans take long to build."""


def seeded(seed: int) -> Json:
    """Return the scenario of a seed; two of three store incomplete executions."""
    nodes = seed // VARIANTS
    scenario = Drawn(Random(nodes).randrange, stores=nodes % 3 > 0).scenario()  # noqa: S311 - a seed
    if seed % VARIANTS:
        scenario |= Drawn(Random(-seed).randrange, stores=True).settings()  # noqa: S311 - as above
    return scenario
