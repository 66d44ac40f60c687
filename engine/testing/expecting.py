"""What a test expected and did not come true, in lines for people. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

from engine.model.execution import Incomplete
from engine.testing.case import Expectation, ExpectedIncomplete
from engine.testing.playing import Told
from engine.testing.values import differences

LONGEST = 12
"""Nodes of an order that are told around the first that differs."""


def unmet(expected: Expectation, told: Told) -> Iterator[str]:
    """Yield a line for each thing that is not as expected."""
    yield from told.missing.values()
    if not told.missing:
        yield from _unmet(expected, told)


def _unmet(expected: Expectation, told: Told) -> Iterator[str]:
    yield from _status(expected, told)
    ran = {name: count.operations for name, count in told.counts.items()}
    yield from _counts(expected.operations, ran, "ran")
    failed = {name: count.failed for name, count in told.counts.items()}
    yield from _counts(expected.failed, failed, "failed")
    for name, bundles in expected.outputs.items():
        yield from differences(bundles, told.outputs(name), f"outputs.{name}")
    if expected.order is not None:
        yield from _order(expected.order, told.order)
    if expected.incomplete is not None:
        yield from _records(expected.incomplete, told.incomplete)
    if expected.saved is not None:
        names = [path.name for path in told.saved]
        yield from differences(expected.saved, names, "saved")


def _counts(expected: Mapping[str, int], actual: Mapping[str, int], verb: str) -> Iterator[str]:
    for name, count in expected.items():
        if actual[name] != count:
            yield f"{name} {verb} {_times(actual[name])}, not {_times(count)}"


def _status(expected: Expectation, told: Told) -> Iterator[str]:
    actual = told.execution.status.name.lower()
    if expected.status not in (None, actual):
        failure = told.execution.failure
        why = f": {failure.type}: {failure.message}" if failure else ""
        yield f"the run ended as {actual}, not as {expected.status}{why}"


def _order(expected: Sequence[str], actual: Sequence[str]) -> Iterator[str]:
    for at, (one, other) in enumerate(zip_longest(expected, actual)):
        if one != other:
            around = ", ".join(actual[max(0, at - LONGEST // 2) :][:LONGEST]) or "nothing"
            place = f"operation {at + 1} is of {other or 'no node'}, not of {one or 'any node'}"
            yield f"{place}; it went: {around}"
            return


def _records(expected: Sequence[ExpectedIncomplete], actual: Sequence[Incomplete]) -> Iterator[str]:
    if len(expected) != len(actual):
        there = ", ".join(f"{one.node_id} ({one.failure.type})" for one in actual) or "none"
        stored = "execution is" if len(actual) == 1 else "executions are"
        yield f"{len(actual)} incomplete {stored} stored, not {len(expected)}: {there}"
    for number, (wanted, record) in enumerate(zip(expected, actual, strict=False), 1):
        found = {
            "node": record.node_id,
            "error": record.failure.type,
            "status": record.status.value,
            "attempts": record.attempts,
        }
        for name, value in wanted.model_dump(exclude_none=True).items():
            if found[name] != value:
                yield f"incomplete execution {number}: {name} is {found[name]}, not {value}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
