"""The history of an execution as one JSON payload, within a budget.

    {"source": …, "source_path": …, "inputs": {…},
     "bundles": [{…}, …],
     "nodes": {id: [{"number", "bundles": {name: place}, "outputs": [place, …], "emitted",
                     "failure", "too_large": [name, …]}, …]}}

A bundle that several operations saw is there once: operations name it by its place in `bundles`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from engine.errors import StoreError
from engine.model.bundle import Bundle
from engine.model.execution import Failure
from engine.model.history import BUNDLE_LIMIT, History, KeptOperation, fits
from engine.store.encode import Json, PathOf, encode, from_json, to_json
from engine.store.records import failure_json, failure_of

KEPT: Final = 50
"""Executions of one scenario whose history is kept: about a working week of hourly runs. Those in
which nothing happened have none and do not count."""

BUDGET: Final = 4 * 1024 * 1024
"""Bytes of bundles in one history, so that the histories of a scenario stay below 200 MB. What
nodes failed on comes first."""


def history_payload(history: History) -> bytes:
    """Return a history as it is stored, without the bundles that are too large."""
    bundles = _Bundles()
    failures_first = sorted(
        (one for operations in history.operations.values() for one in operations),
        key=lambda one: one.failure is None,
    )
    for one in failures_first:
        bundles.take(*one.bundles.values(), *one.outputs)
    nodes = {
        node_id: [_operation_json(node_id, one, bundles) for one in operations]
        for node_id, operations in history.operations.items()
    }
    return orjson.dumps(
        {
            "source": to_json(history.source),
            "source_path": to_json(history.source_path),
            "inputs": orjson.Fragment(_encoded(history.inputs, None) or b"{}"),
            "bundles": [orjson.Fragment(data) for data in bundles.encoded],
            "nodes": nodes,
        }
    )


def history_of(payload: bytes, path_of: PathOf) -> History:
    """Return the history that was stored; its files lie where `path_of` says, if they are left."""
    content = orjson.loads(payload)
    bundles = [from_json(bundle, path_of) for bundle in content["bundles"]]
    return History(
        source=from_json(content["source"], path_of),
        source_path=from_json(content["source_path"], path_of),
        inputs=from_json(content["inputs"], path_of),
        operations={
            node_id: tuple(_operation_of(one, bundles, path_of) for one in operations)
            for node_id, operations in content["nodes"].items()
        },
    )


class _Bundles:
    """Bundles of one history, each encoded once; the budget goes to those that come first."""

    def __init__(self) -> None:
        self.encoded: list[bytes] = []
        self._places: dict[int, int | None] = {}
        self._room = BUDGET

    def take(self, *bundles: Bundle) -> None:
        for bundle in bundles:
            if id(bundle) not in self._places:
                self._places[id(bundle)] = self._place_of_new(bundle)

    def place(self, bundle: Bundle) -> int | None:
        """Return where a bundle stands; None: it is not kept."""
        return self._places[id(bundle)]

    def _place_of_new(self, bundle: Bundle) -> int | None:
        data = _encoded(bundle)
        if data is None or len(data) > self._room:
            return None
        self._room -= len(data)
        self.encoded.append(data)
        return len(self.encoded) - 1


def _encoded(value: Any, limit: int | None = BUNDLE_LIMIT) -> bytes | None:
    """Return a value as JSON; None: it is too large, or holds what no store can keep."""
    if limit is not None and not fits(value, limit):
        return None
    try:
        data = encode(value)
    except StoreError:
        return None
    return data if limit is None or len(data) <= limit else None


def _operation_json(node_id: str, one: KeptOperation, bundles: _Bundles) -> Json:
    places = {name: bundles.place(bundle) for name, bundle in one.bundles.items()}
    outputs = [bundles.place(bundle) for bundle in one.outputs]
    too_large = [*one.too_large, *(name for name, place in places.items() if place is None)]
    if None in outputs and node_id not in too_large:
        too_large.append(node_id)
    return {
        "number": one.number,
        "bundles": {name: place for name, place in places.items() if place is not None},
        "outputs": [place for place in outputs if place is not None],
        "emitted": one.emitted,
        "failure": one.failure and _failure_json(one.failure),
        "too_large": too_large,
    }


def _failure_json(failure: Failure) -> Json:
    """Return a failure, without its detail where that is too large."""
    content = to_json(failure_json(replace(failure, detail={})))
    return {**content, "detail": orjson.Fragment(_encoded(failure.detail) or b"{}")}


def _operation_of(one: Mapping[str, Any], bundles: list[Bundle], path_of: PathOf) -> KeptOperation:
    return KeptOperation(
        number=one["number"],
        bundles={name: bundles[place] for name, place in one["bundles"].items()},
        outputs=tuple(bundles[place] for place in one["outputs"]),
        emitted=one["emitted"],
        failure=one["failure"] and failure_of(from_json(one["failure"], path_of)),
        too_large=tuple(one["too_large"]),
    )
