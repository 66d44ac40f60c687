"""Finds test files, and reads them; every mistake is told with its place."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from engine.errors import Problem, Problems, UsageError
from engine.mapping.coercion import utc
from engine.model.durations import duration
from engine.plan.hints import did_you_mean, listed, shown
from engine.plan.plan import NodeKind, Plan
from engine.plan.read import Document, KeyPath, read, read_file
from engine.plan.shape import errors_by_path
from engine.plan.words import describe_all
from engine.testing.case import (
    Answer,
    Case,
    Expectation,
    ExpectedIncomplete,
    Fault,
    MockedError,
    TestFile,
)

ENDING = ".test.yaml"


@dataclass(frozen=True, slots=True)
class Tests:
    """A file of tests, read. `scenario` is the path of what they test."""

    path: Path
    scenario: Path
    written: TestFile
    document: Document


def test_files(paths: Sequence[Path]) -> list[Path]:
    """Return the test files that paths name: themselves, or those in a folder and below it.

    A scenario stands for the tests beside it. Raises UsageError for a path without any.
    """
    found = [one for path in paths for one in _test_files(path)]
    return list(dict.fromkeys(found))


def _test_files(path: Path) -> list[Path]:
    if path.is_dir():
        inside = sorted(path.rglob(f"*{ENDING}"))
        if inside:
            return inside
        raise UsageError(f"{path} has no file that ends in {ENDING}", code="E402")
    if path.name.endswith(ENDING):
        return [path]
    beside = path.with_name(f"{path.stem}{ENDING}")
    found = [beside] * beside.is_file() + sorted(path.parent.glob(f"{path.stem}.*{ENDING}"))
    if found:
        return found
    raise UsageError(
        f"{path} has no tests beside it",
        code="E402",
        notes=(f"they would lie in {beside}",),
        next_command="fusion test new --from ID",
    )


def read_tests(path: Path) -> Tests:
    """Read a file of tests. Raises ScenarioError with all that is wrong with its shape."""
    problems = Problems()
    document = read(read_file(path), problems)
    problems.raise_if_any()
    try:
        written = TestFile.model_validate(document.data)
    except ValidationError as error:
        groups = errors_by_path(document.data, error.errors(include_url=False))
        for where, errors in groups.items():
            problems.add(_misshapen(document, where, errors))
        problems.raise_if_any()
        raise
    name = written.scenario or path.name.removesuffix(ENDING) + ".yaml"
    return Tests(path, path.parent / name, written, document)


def check_names(tests: Tests, plan: Plan) -> None:
    """See that the nodes that tests speak of are there. Raises ScenarioError with all that are not,
    and with times that cannot be read."""
    problems = Problems()
    for path, name in _nodes_named(tests.written):
        if name not in plan.nodes:
            text = f"the scenario has no node {shown(name)}{did_you_mean(name, plan.nodes)}"
            place = tests.document.key_place(path)
            problems.add(Problem("E110", text, place, (f"it has: {listed(plan.nodes)}",)))
        elif _needs_module(path) and plan.nodes[name].kind is not NodeKind.MODULE:
            text = f"{shown(name)} has no module that anything could stand in for"
            problems.add(Problem("E112", text, tests.document.key_place(path)))
    for number, case in enumerate(tests.written.tests):
        for key, parse in (("now", moment), ("until", duration)):
            try:
                parse(getattr(case, key))
            except ValueError as error:
                place = tests.document.value_place(("tests", number, key))
                problems.add(Problem("E112", f"{shown(key)} {error}", place))
    problems.raise_if_any()


def moment(text: str) -> datetime:
    """Return a date in ISO 8601; without an offset in UTC. Raises ValueError with words."""
    try:
        found = datetime.fromisoformat(text)
        return utc(found) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError("should be a date such as 2026-01-05T12:00:00Z") from None


def span(case: Case) -> timedelta:
    """Return how long a test goes on with what is due."""
    return duration(case.until)


def _nodes_named(written: TestFile) -> Iterator[tuple[KeyPath, str]]:
    yield from _keys(("mock",), written.mock)
    for number, case in enumerate(written.tests):
        at: KeyPath = ("tests", number)
        yield from _keys((*at, "mock"), case.mock)
        yield from _keys((*at, "given"), case.given)
        for index, fault in enumerate(case.fail):
            yield (*at, "fail", index, "node"), fault.node
        if case.start_at is not None:
            yield (*at, "from"), case.start_at
        if isinstance(case.real, list):
            yield from (((*at, "real", index), name) for index, name in enumerate(case.real))
        expect: KeyPath = (*at, "expect")
        for key in ("outputs", "operations", "failed"):
            yield from _keys((*expect, key), getattr(case.expect, key))
        for index, name in enumerate(case.expect.order or ()):
            yield (*expect, "order", index), name


def _keys(path: KeyPath, named: Mapping[str, object]) -> Iterable[tuple[KeyPath, str]]:
    return (((*path, name), name) for name in named)


def _needs_module(path: KeyPath) -> bool:
    return "mock" in path or "fail" in path or "real" in path


def _misshapen(document: Document, path: KeyPath, errors: list[ErrorDetails]) -> Problem:
    kind, name = errors[0]["type"], str(path[-1]) if path else "the file"
    if kind == "extra_forbidden":
        names = [field.alias or key for key, field in _model_at(path[:-1]).model_fields.items()]
        text = f"tests have no key {shown(name)} here{did_you_mean(name, names)}"
        return Problem("E110", text, document.key_place(path), (f"keys here: {listed(names)}",))
    if kind == "missing":
        owner = path[:-1]
        place = document.value_place(owner) if owner in document.spots else None
        return Problem("E111", f"the key {shown(name)} is missing", place)
    words = describe_all(errors)
    return Problem("E112", f"{shown(name)} {words}", document.value_place(path))


def _model_at(owner: KeyPath) -> type[BaseModel]:
    """Return the model that describes the mapping at a path."""
    if not owner:
        return TestFile
    match owner[2:] if owner[0] == "tests" else owner:
        case ("mock", _, *_, "error"):
            return MockedError
        case ("mock", *_):
            return Answer
        case ("fail", *_):
            return Fault
        case ("expect", "incomplete", *_):
            return ExpectedIncomplete
        case ("expect", *_):
            return Expectation
    return Case
