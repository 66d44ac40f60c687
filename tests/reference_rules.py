"""What becomes of failures, for the reference interpreter: who is asked, and the tables of §3; and
what can be seen of a run.

A file of its own so that the interpreter, which says what runs when, can be read in one go. It
imports nothing of the engine.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

Json = dict[str, Any]
Flow = list[Json]
Handlers = list[tuple[Flow, str | None]]

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
    keeps_settled: bool = False
    """Where it undoes, bundles that were worked off do not come again."""
    refuses: bool = False
    """The node is not tried again in this run."""
    retries: int = 0
    substitute: Json | None = None


@dataclass
class Trouble:
    """A node that has failed on a bundle. `again`: it can run once more."""

    node: Json
    error: str
    env: Json
    again: bool
    outputs: Iterable[Json] | None = None
    """What it emitted in the end."""


@dataclass
class ErrorRoute:
    trouble: Trouble
    decisions: list[Decision] = field(default_factory=list)
    rejects: bool = False


@dataclass
class Record:
    """An incomplete execution."""

    node: str
    error: str
    bundles: Json
    retries: int
    variables: dict[str, str]


@dataclass
class Outcome:
    """All that can be seen of a run."""

    status: int = SUCCESS
    operations: list[tuple[str, str]] = field(default_factory=list)
    """Node and what it read, in order, those that failed too; also when a node commits."""
    counts: dict[str, int] = field(default_factory=dict)
    """Operations as they are counted (2.8), for nodes that have any."""
    records: list[Record] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    """Ids of the trigger's bundles that do not come again, sorted."""
    committed: dict[str, list[str]] = field(default_factory=dict)
    """What ACID nodes have read and kept."""
    cut: bool = False
    """A flow was stopped or a node refused all: what was begun ahead of its turn is left over."""


def by_default(scenario: Json, error: str, *, is_first: bool) -> Decision:
    """3.2, the table."""
    rolled_back = Decision(ERROR, stops=True, undoes=True)
    if error == "MaxFileSizeExceededError" and scenario["loses"]:
        return Decision(WARNING)
    if is_first:
        mild = error in {"ConnectionError", "RateLimitError"}
        return replace(rolled_back, status=WARNING if mild else ERROR)
    if not scenario["stores"] or error not in SET_ASIDE | REFUSES_ALL:
        return rolled_back
    retries = AUTOMATIC_RETRIES if error in RETRIED else 0
    return Decision(WARNING, parks=True, retries=retries, refuses=error in REFUSES_ALL)


def by_directive(node: Json, text: str) -> Decision:
    """3.5, the table; `text` is what the directive reads."""
    fields = node["fields"]
    match node["directive"]:
        case "rollback":
            return Decision(ERROR, stops=True, undoes=True)
        case "commit":
            return Decision(stops=True)
        case "resume":
            return Decision(substitute=fields | ({node["mapped"]: text} if node["mapped"] else {}))
        case "ignore":
            return Decision()
        case "break" if fields["automatic"]:
            return Decision(parks=True, retries=fields["attempts"])
        case _:
            return Decision(WARNING, parks=True)


def without_room(scenario: Json, decision: Decision) -> Decision:
    """4.5: there are as many records as there may be."""
    if scenario["loses"]:
        return replace(decision, parks=False, status=max(decision.status, WARNING))
    return Decision(ERROR, stops=True, undoes=True, keeps_settled=True)


@dataclass
class Placed:
    """Where a node stands, and the error routes that are asked, with the router of each."""

    node: Json
    flow: Flow
    index: int
    handlers: Handlers


def placed(scenario: Json) -> dict[str, Placed]:
    """Return all nodes in document order."""
    last = scenario["on_error"] or []
    found = [*_placed(scenario["flow"], [(last, None)] if last else []), *_placed(last, [])]
    return {one.node["id"]: one for one in found}


def _placed(flow: Flow, inherited: Handlers) -> Iterator[Placed]:
    """R38: a node's own handler, then its routers' outward, then the scenario's.

    R42, R43: the nodes of an error route have no handlers but those on the route itself.
    """
    for index, node in enumerate(flow):
        own = node.get("on_error") or []
        router = node["id"] if node["kind"] == "router" else None
        handlers = [(own, router), *inherited] if own else inherited
        yield Placed(node, flow, index, handlers)
        yield from _placed(own, [])
        for route in node.get("routes", []):
            yield from _placed(route["flow"], handlers)
