"""The history of an execution as one JSON payload, within a budget.

    {"source": …, "source_path": …, "inputs": {…},
     "bundles": [{…}, …],
     "scopes": [{name: place in "bundles", or null}, …],
     "nodes": {id: {"names": [name, …], "operations": [{"number", "scope": place in "scopes",
        "outputs": [place, or null, …], "emitted", "failure"}, …]}},
     "stretches": {id: [[begun, took, number], …]}}

What several operations saw is there once; null stands for a bundle that was too large.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from engine.errors import StoreError
from engine.model.bundle import Bundle
from engine.model.execution import Failure
from engine.model.history import BUNDLE_LIMIT, History, KeptOperation, Seen, Stretch, fits
from engine.store.encode import Json, PathOf, encode, from_json, to_json
from engine.store.records import failure_json, failure_of

BUDGET: Final = 2 * 1024 * 1024
"""Bytes of bundles in one history, so that it costs a run less than a second and all of a scenario
take about 100 MB at most. What nodes failed on comes first."""


def history_payload(history: History) -> bytes:
    """Return a history as it is stored, without the bundles that are too large."""
    bundles = _Bundles()
    scopes = _Scopes(history, bundles)
    for one in _failures_first(history):
        scopes.take(one.bundles)
        bundles.take(one.outputs)
    nodes = {
        node_id: {
            "names": _names(operations),
            "operations": [_operation_json(one, scopes, bundles) for one in operations],
        }
        for node_id, operations in history.operations.items()
    }
    return orjson.dumps(
        {
            "source": to_json(history.source),
            "source_path": to_json(history.source_path),
            "inputs": orjson.Fragment(_encoded(history.inputs, None) or b"{}"),
            "bundles": [orjson.Fragment(data) for data in bundles.encoded],
            "scopes": scopes.places,
            "nodes": nodes,
            "stretches": {
                node_id: [[round(part, 6) for part in one] for one in stretches]
                for node_id, stretches in history.stretches.items()
            },
        }
    )


def history_of(payload: bytes, path_of: PathOf) -> History:
    """Return the history that was stored; its files lie where `path_of` says, if they are left."""
    content = orjson.loads(payload)
    bundles = [from_json(bundle, path_of) for bundle in content["bundles"]]
    scopes = [
        {name: None if place is None else bundles[place] for name, place in scope.items()}
        for scope in content["scopes"]
    ]

    def operation_of(one: Mapping[str, Any], names: Sequence[str]) -> KeptOperation:
        return KeptOperation(
            number=one["number"],
            bundles=Seen(scopes[one["scope"]], names),
            outputs=tuple(None if place is None else bundles[place] for place in one["outputs"]),
            emitted=one["emitted"],
            failure=one["failure"] and failure_of(from_json(one["failure"], path_of)),
        )

    return History(
        source=from_json(content["source"], path_of),
        source_path=from_json(content["source_path"], path_of),
        inputs=from_json(content["inputs"], path_of),
        operations={
            node_id: tuple(operation_of(one, node["names"]) for one in node["operations"])
            for node_id, node in content["nodes"].items()
        },
        stretches={
            node_id: tuple(Stretch(*stretch) for stretch in stretches)
            for node_id, stretches in content.get("stretches", {}).items()
        },
    )


def _names(operations: Sequence[KeptOperation]) -> list[str]:
    """Return all names that a node's operations see; they usually share one tuple of them."""
    each = {id(one.bundles.names): one.bundles.names for one in operations}
    return list(dict.fromkeys(name for names in each.values() for name in names))


def _failures_first(history: History) -> list[KeptOperation]:
    every = (one for operations in history.operations.values() for one in operations)
    return sorted(every, key=lambda one: one.failure is None)


class _Bundles:
    """Bundles of one history, each encoded once; the budget goes to those that come first."""

    def __init__(self) -> None:
        self.encoded: list[bytes] = []
        self._places: dict[int, int | None] = {}
        self._room = BUDGET

    def take(self, bundles: Iterable[Bundle | None]) -> None:
        for bundle in bundles:
            if bundle is not None and id(bundle) not in self._places:
                self._places[id(bundle)] = self._place_of_new(bundle)

    def place(self, bundle: Bundle | None) -> int | None:
        """Return where a bundle that was taken stands; None: it is not kept."""
        return self._places.get(id(bundle))

    def _place_of_new(self, bundle: Bundle) -> int | None:
        data = _encoded(bundle, min(BUNDLE_LIMIT, self._room))
        if data is None:
            return None
        self._room -= len(data)
        self.encoded.append(data)
        return len(self.encoded) - 1


class _Scopes:
    """Scopes of one history, each with all names that some operation sees in it."""

    def __init__(self, history: History, bundles: _Bundles) -> None:
        self.places: list[dict[str, int | None]] = []
        self._bundles = bundles
        self._known: dict[int, int] = {}
        self._names: defaultdict[int, dict[str, None]] = defaultdict(dict)
        for operations in history.operations.values():
            for one in operations:
                self._names[id(one.bundles.scope)].update(dict.fromkeys(one.bundles.names))

    def take(self, seen: Seen) -> None:
        scope = seen.scope
        if id(scope) in self._known:
            return
        names = [name for name in self._names[id(scope)] if name in scope]
        self._bundles.take(scope[name] for name in names)
        self._known[id(scope)] = len(self.places)
        self.places.append({name: self._bundles.place(scope[name]) for name in names})

    def place(self, seen: Seen) -> int:
        """Return where the scope of what was taken stands."""
        return self._known[id(seen.scope)]


def _encoded(value: Any, limit: int | None = BUNDLE_LIMIT) -> bytes | None:
    """Return a value as JSON; None: it is too large, or holds what no store can keep."""
    if limit is not None and not fits(value, limit):
        return None
    try:
        data = encode(value)
    except StoreError:
        return None
    return data if limit is None or len(data) <= limit else None


def _operation_json(one: KeptOperation, scopes: _Scopes, bundles: _Bundles) -> Json:
    return {
        "number": one.number,
        "scope": scopes.place(one.bundles),
        "outputs": [bundles.place(bundle) for bundle in one.outputs],
        "emitted": one.emitted,
        "failure": one.failure and _failure_json(one.failure),
    }


def _failure_json(failure: Failure) -> Json:
    """Return a failure, without its detail where that is too large."""
    content = to_json(failure_json(replace(failure, detail={})))
    return {**content, "detail": orjson.Fragment(_encoded(failure.detail) or b"{}")}
