"""An incomplete execution as a text that people can read and change, and back.

The form of values is that of `engine.store.encode`. What is read is checked as if an enemy had
written it; every mistake has its place in the text.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from engine.errors import Problem, Problems, StoreError
from engine.model.bundle import File
from engine.model.execution import Failure, Incomplete, IncompleteStatus, Phase
from engine.plan.hints import did_you_mean, shown
from engine.plan.read import Bounds, Document, KeyPath, read
from engine.plan.source import Source
from engine.plan.write import dump, fits, is_plain_number
from engine.store.encode import MAX_DEPTH, PathOf, files_in, from_json, to_json
from engine.store.names import clean_name
from engine.store.records import attempt_json, attempt_of, failure_json, failure_of

FORMAT: Final = "fusion incomplete execution"
FORMAT_VERSION: Final = 1

BOUNDS: Final = Bounds(size=64_000_000, depth=4 * MAX_DEPTH, nodes=2_000_000, scalar=64_000_000)
"""How much one record may hold."""

HEAD: Final = """\
# An incomplete execution: why it failed, and all that a replay needs.
# Contents of files lie in `files/` beside this file, each under its SHA-256.
# It is read in by: fusion incomplete import
"""

_ID: Final = re.compile(r"[0-9a-f]{32}")


def exported(record: Incomplete) -> str:
    """Return a record as text; the same record gives the same text."""
    status = record.status
    if status is IncompleteStatus.IN_PROGRESS:
        status = IncompleteStatus.PENDING if record.due_at else IncompleteStatus.UNRESOLVED
    form = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "id": record.id,
        "scenario": record.scenario_id,
        "node": record.node_id,
        "status": status.value,
        "failure": failure_json(record.failure),
        "bundles": record.bundles,
        "inputs": record.inputs,
        "variables": record.variables,
        "fields": record.fields,
        "cursor": record.cursor,
        "attempts": record.attempts,
        "allowed": record.allowed,
        "interval_seconds": record.interval_seconds,
        "created_at": record.created_at.isoformat(),
        "failed_at": record.failed_at and record.failed_at.isoformat(),
        "due_at": record.due_at and record.due_at.isoformat(),
        "execution": record.execution_id,
        "operation_key": record.operation_key,
        "confidential": record.confidential,
        "earlier": [attempt_json(one) for one in record.earlier],
        "source_path": record.source_path,
        "source": record.source,
    }
    return HEAD + dump({name: readable(to_json(value)) for name, value in form.items()})


def imported(source: Source, path_of: PathOf) -> Incomplete:
    """Return the record that a text holds. Raises ScenarioError with the places of mistakes."""
    problems = Problems()
    form = _Form(read(source, problems, BOUNDS), problems, path_of)
    problems.raise_if_any()
    record = form.record()
    problems.raise_if_any()
    assert record is not None  # noqa: S101 - else there are problems
    return record


def readable(value: Any) -> Any:
    """Return JSON of `to_json` so that YAML can carry it; `from_json` gives the same of both."""
    match value:
        case list():
            return [readable(item) for item in value]
        case dict():
            inner = {key: readable(item) for key, item in value.items()}
            if fits(inner):
                return inner
            return {"$collection": [[key, item] for key, item in inner.items()]}
        case bool() | None | str():
            return value
        case _:
            return value if is_plain_number(value) else {"$number": str(value)}


Check = Callable[[Any], bool]
"""Says whether a value is what a key holds."""


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**31


def _is_mapping(value: Any) -> bool:
    return isinstance(value, dict)


def _is_moment(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _is_failure(value: Any) -> bool:
    if not _is_mapping(value) or set(value) != {*failure_json(Failure("", ""))}:
        return False
    texts = [value[name] for name in ("message", "where", "bundle")]
    notes, phases = value["notes"], {phase.value for phase in Phase}
    return (
        _is_text(value["type"])
        and all(isinstance(text, str) for text in texts)
        and _is_mapping(value["detail"])
        and isinstance(notes, list)
        and all(isinstance(note, str) for note in notes)
        and value["phase"] in phases
    )


def _is_attempt(value: Any) -> bool:
    return (
        _is_mapping(value)
        and set(value) == {"at", "execution_id", "node_id", "failure"}
        and isinstance(value["at"], datetime)
        and _is_text(value["execution_id"])
        and _is_text(value["node_id"])
        and _is_failure(value["failure"])
    )


_STATUSES: Final = {one.value for one in IncompleteStatus} - {"in progress"}

_KEYS: Final[Mapping[str, tuple[Check, str]]] = {
    "format": (lambda value: value == FORMAT, f"`{FORMAT}`"),
    "format_version": (lambda value: value == FORMAT_VERSION, f"{FORMAT_VERSION}"),
    "id": (lambda value: isinstance(value, str) and bool(_ID.fullmatch(value)), "an id"),
    "scenario": (_is_text, "a text"),
    "node": (_is_text, "a text"),
    "status": (lambda value: value in _STATUSES, "unresolved, pending or resolved"),
    "failure": (_is_failure, "a failure with type, message and what else is told of it"),
    "bundles": (
        lambda value: _is_mapping(value) and all(map(_is_mapping, value.values())),
        "a mapping of nodes to their bundles",
    ),
    "inputs": (_is_mapping, "a mapping"),
    "variables": (_is_mapping, "a mapping"),
    "fields": (lambda value: value is None or _is_mapping(value), "a mapping, or null"),
    "cursor": (_is_mapping, "a mapping"),
    "attempts": (_is_count, "a count"),
    "allowed": (_is_count, "a count"),
    "interval_seconds": (_is_count, "a count"),
    "created_at": (_is_moment, "a moment with its offset"),
    "failed_at": (lambda value: value is None or _is_moment(value), "a moment, or null"),
    "due_at": (lambda value: value is None or _is_moment(value), "a moment, or null"),
    "execution": (_is_text, "a text"),
    "operation_key": (lambda value: isinstance(value, str), "a text"),
    "confidential": (lambda value: isinstance(value, bool), "true or false"),
    "earlier": (
        lambda value: isinstance(value, list) and all(map(_is_attempt, value)),
        "a list of attempts",
    ),
    "source_path": (_is_text, "a text"),
    "source": (_is_text, "a text"),
}
"""What each key holds, and the words for it."""


class _Form:
    """The keys of a text with their values; what is wrong is added to the problems."""

    def __init__(self, document: Document, problems: Problems, path_of: PathOf) -> None:
        self._document = document
        self._problems = problems
        self._path_of = path_of
        self._values: dict[str, Any] = {}
        self._check_version()
        for name in document.data:
            if name not in _KEYS:
                text = f"there is no key {shown(name)}{did_you_mean(name, _KEYS)}"
                self._add("E110", text, (name,))
        for name in _KEYS:
            self._take(name)

    def record(self) -> Incomplete:
        """Return the record; every value has been checked."""
        found = self._values
        names = ("id", "inputs", "variables", "fields", "cursor", "attempts", "allowed")
        more = (
            "interval_seconds",
            "confidential",
            "bundles",
            "operation_key",
            "source_path",
            "source",
        )
        return Incomplete(
            **{name: found[name] for name in (*names, *more)},
            scenario_id=found["scenario"],
            node_id=found["node"],
            execution_id=found["execution"],
            status=IncompleteStatus(found["status"]),
            failure=failure_of(found["failure"]),
            earlier=tuple(attempt_of(one) for one in found["earlier"]),
            created_at=datetime.fromisoformat(found["created_at"]),
            failed_at=_moment(found["failed_at"]),
            due_at=_moment(found["due_at"]),
        )

    def _check_version(self) -> None:
        """Refuse another format at once: what else is said of it would only confuse."""
        for name in ("format", "format_version"):
            is_right, words = _KEYS[name]
            found = self._document.data.get(name)
            if not is_right(found):
                place = (name,) if name in self._document.data else ()
                self._add("E112", f"`{name}` is {shown(found)}, and {words} is read here", place)
        self._problems.raise_if_any()

    def _take(self, name: str) -> None:
        if name not in self._document.data:
            text = f"the key `{name}` is missing"
            self._problems.add(Problem("E111", text, self._document.source.place(0)))
            return
        try:
            value = from_json(self._document.data[name], self._path_of)
            wrong = next((_wrong(file) for file in files_in(value) if _wrong(file)), "")
        except UNREADABLE as error:
            self._add("E112", f"`{name}` holds a value of an unknown form: {error}", (name,))
            return
        is_right, words = _KEYS[name]
        if wrong or not is_right(value):
            self._add("E112", wrong or f"`{name}` should be {words}", (name,))
        self._values[name] = value

    def _add(self, code: str, text: str, path: KeyPath) -> None:
        self._problems.add(Problem(code, text, self._document.value_place(path)))


UNREADABLE: Final = (StoreError, ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What values of a hostile form come to."""


def _wrong(file: File) -> str:
    """Say what is wrong with a file's facts; empty: nothing."""
    texts = (file.name, file.type, file.sha256)
    if not all(isinstance(text, str) for text in texts) or type(file.size) is not int:
        return "a file has a name, a type, a SHA-256 and a size"
    if file.size < 0 or clean_name(file.name) != file.name:
        return f"no file can have the name {shown(file.name)} and the size {file.size}"
    return ""


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
