"""Reads a YAML file into plain data that remembers where everything stands.

Works on the parser's events, one after the other and without recursion, and checks every limit
before it builds anything: PyYAML's own composer does not survive hostile depth. Rules Y1 to Y4, Y6.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias
from unicodedata import normalize

import yaml

from engine.errors import Place, Problem, Problems, ScenarioError
from engine.plan.hints import shown
from engine.plan.plain_values import AmbiguousValueError, typed
from engine.plan.scalars import origins
from engine.plan.source import Source
from engine.plan.unquoted import find_unquoted, unquoted_problem
from engine.plan.yaml_errors import syntax_problem

MAX_BYTES = 1_000_000
MAX_DEPTH = 64
MAX_NODES = 50_000
MAX_SCALAR = 256 * 1024
"""Bytes of UTF-8."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a file may hold: bytes, levels, values, and bytes of one text."""

    size: int = MAX_BYTES
    depth: int = MAX_DEPTH
    nodes: int = MAX_NODES
    scalar: int = MAX_SCALAR


SCENARIO = Bounds()

KeyPath: TypeAlias = tuple[str | int, ...]
"""The way to a value: keys and list indices from the top."""

_Event: TypeAlias = yaml.Event
_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Document:
    """A file's data, and the events behind each value by its path.

    `spots` holds (key's event or None, value's event). `doubtful` are values that were refused and
    replaced by their text: what else is said about them would only confuse.
    """

    source: Source
    data: dict[str, Any]
    spots: dict[KeyPath, tuple[Any, Any]]
    doubtful: frozenset[KeyPath] = frozenset()

    def key_place(self, path: KeyPath) -> Place:
        """Return the place of a value's key; of the value itself in a list."""
        key, value = self.spots[path]
        return self._event_place(value if key is None else key)

    def value_place(self, path: KeyPath) -> Place:
        """Return the place of a value: of a text, its first visible character."""
        return self._event_place(self.spots[path][1])

    def text_place(self, path: KeyPath, offset: int, length: int) -> Place:
        """Return the place of `length` characters of a text, from `offset` on."""
        event = self.spots[path][1]
        if type(event) is not yaml.ScalarEvent:
            return self._event_place(event)
        at = _origins(self.source, event)
        first = at[min(offset, len(at) - 1)]
        last = at[min(offset + length, len(at) - 1)]
        return self.source.place(first, max(1, last - first))

    def has(self, path: KeyPath) -> bool:
        return path in self.spots

    def hide(self, path: KeyPath) -> None:
        """Keep a value out of excerpts."""
        event = self.spots[path][1]
        self.source.hide(event.start_mark.index, event.end_mark.index)

    def _event_place(self, event: Any) -> Place:
        if type(event) is yaml.ScalarEvent:
            return _scalar_place(self.source, event)
        return self.source.place(event.start_mark.index)


def _origins(source: Source, event: Any) -> list[int]:
    """Return where each character of a scalar's value stands, and the end after the last."""
    start, end = event.start_mark.index, event.end_mark.index
    return origins(source.text, start, end, event.style or "", event.value)


def _scalar_place(source: Source, event: Any) -> Place:
    """Return the place of a scalar from its first visible character on, behind its quote or sign.

    Empty lines that a block text begins with belong to its value, but nobody looks for a mistake
    there.
    """
    at = _origins(source, event)
    visible = (index for index in at[:-1] if not source.text[index].isspace())
    first = next(visible, at[0])
    return source.place(first, max(1, at[-1] - first))


def read_file(path: Path, bounds: Bounds = SCENARIO) -> Source:
    """Read a file's text. Raises ScenarioError (E101, E102, E103)."""
    try:
        with path.open("rb") as file:
            content = file.read(bounds.size + 4)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ScenarioError(Problem("E101", f"{path}: {reason}")) from error
    if len(content.removeprefix(b"\xef\xbb\xbf")) > bounds.size:
        text = f"{path} is larger than {bounds.size:,} bytes"
        raise ScenarioError(Problem("E103", text))
    try:
        return Source(str(path), content.decode())
    except UnicodeDecodeError as error:
        readable = Source(str(path), content[: error.start].decode())
        place = Place(str(path), *_line_and_column(readable))
        text = "the file is not UTF-8 text from here on; save it as UTF-8"
        raise ScenarioError(Problem("E102", text, place)) from error


def _line_and_column(source: Source) -> tuple[int, int]:
    place = source.place(len(source.text))
    return place.line, place.column


def read(source: Source, problems: Problems, bounds: Bounds = SCENARIO) -> Document:
    """Read one mapping from a YAML text.

    What leaves the rest readable (duplicate keys, ambiguous values) is added to `problems`; what
    does not is raised as ScenarioError, together with them.
    """
    found = _UNPRINTABLE.search(source.text)
    if found:
        message = f"the character U+{ord(found[0]):04X} cannot stand in YAML"
        _stop(problems, Problem("E102", message, source.place(found.start())))
    builder = _Builder(source, problems, bounds)
    try:
        for event in yaml.parse(source.text, Loader=_LOADER):
            builder.take(event)
    except yaml.YAMLError as error:
        if getattr(error, "problem", None) == _TOO_DEEP:
            _stop(problems, _nested_too_deep(source, error, bounds))
        _stop(problems, _syntax_problem(source, error, builder.last_braces))
    return builder.document()


def _nested_too_deep(source: Source, error: Any, bounds: Bounds) -> Problem:
    index = min(error.problem_mark.index, len(source.text) - 1)
    return Problem("E103", TOO_DEEP.format(bounds.depth), source.place(index))


def _syntax_problem(source: Source, error: yaml.YAMLError, braces: int | None) -> Problem:
    """Blame an unquoted expression for the error, if there is one on its line or it began there."""
    for mark in (getattr(error, "problem_mark", None), getattr(error, "context_mark", None)):
        if mark is None:
            continue
        index = min(mark.index, len(source.text))
        if braces is not None and source.line_start(braces) == source.line_start(index):
            return unquoted_problem(source, braces)
        slip = find_unquoted(source, index)
        if slip is not None:
            return unquoted_problem(source, slip)
    return syntax_problem(source, error)


def _stop(problems: Problems, problem: Problem) -> None:
    problems.add(problem)
    problems.raise_if_any()


TOO_DEEP = "lists and mappings are nested deeper than {}"
_TOO_DEEP = "exceeded maximum nesting depth"
"""What libyaml says beyond a limit of its own, of which it tells before the events up to there.

Source: libyaml 0.2.6, which PyYAML 6.0.4 brings along.
"""


@dataclass(slots=True)
class _Frame:
    """A mapping or list that is being read; `path` is None below a duplicate key."""

    path: KeyPath
    items: list[Any] | None = None
    pairs: dict[str, Any] | None = None
    keys: set[str] = field(default_factory=set)
    key: str | None = None
    key_event: Any = None
    duplicate: bool = False


class _Builder:
    """Builds the data from events; every event is checked before anything is built from it."""

    def __init__(self, source: Source, problems: Problems, bounds: Bounds) -> None:
        self._source = source
        self._bounds = bounds
        self._problems = problems
        self._frames: list[_Frame] = []
        self._nodes = 0
        self._documents = 0
        self._skipped_depth = 0
        self._doubtful: set[KeyPath] = set()
        self._top: Any = None
        self._spots: dict[KeyPath, tuple[Any, Any]] = {}
        self.last_braces: int | None = None
        """Where the latest unquoted `{{` was met."""

    def take(self, event: _Event) -> None:
        kind = type(event)
        if self._skipped_depth:
            self._skip(kind)
        elif kind is yaml.ScalarEvent:
            self._check_node(event)
            self._scalar(event)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self._check_node(event)
            self._open(event, kind)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._frames.pop()
        elif kind is yaml.AliasEvent:
            self._refuse("E107", "scenarios use no YAML aliases; quote a text with `*`", event)
        elif kind is yaml.DocumentStartEvent:
            self._start_document(event)

    def document(self) -> Document:
        if not self._documents:
            _stop(self._problems, Problem("E112", "the file is empty", self._source.place(0)))
        if not isinstance(self._top, dict):
            text = "a mapping of keys and values is expected at the top of the file"
            _stop(self._problems, Problem("E112", text, self._source.place(0)))
        return Document(self._source, self._top, self._spots, frozenset(self._doubtful))

    def _skip(self, kind: type) -> None:
        if kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self._skipped_depth += 1
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._skipped_depth -= 1

    def _start_document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            self._refuse("E107", "a scenario file holds one document; remove what follows", event)
        if event.tags:
            self._refuse("E107", "scenarios use no YAML tags; remove the `%TAG` line", event)

    def _check_node(self, event: Any) -> None:
        self._nodes += 1
        if self._nodes > self._bounds.nodes:
            self._refuse("E103", f"the file holds more than {self._bounds.nodes:,} values", event)
        if event.tag is not None:
            self._refuse("E107", "scenarios use no YAML tags; quote a text with `!`", event)
        if event.anchor is not None:
            self._refuse("E107", "scenarios use no YAML anchors; quote a text with `&`", event)

    def _refuse(self, code: str, message: str, event: Any) -> None:
        _stop(self._problems, Problem(code, message, self._source.place(event.start_mark.index)))

    def _scalar(self, event: Any) -> None:
        value = event.value
        most = self._bounds.scalar
        if len(value) > most // 4 and len(value.encode()) > most:
            message = f"a text is longer than {most // 1024} KiB"
            _stop(self._problems, Problem("E103", message, _scalar_place(self._source, event)))
        frame = self._frames[-1] if self._frames else None
        if frame is not None and frame.pairs is not None and frame.key is None:
            self._key(frame, event)
            return
        if event.style:
            self._put(value, event)
            return
        try:
            self._put(typed(value), event)
        except AmbiguousValueError as error:
            self._doubtful.add(self._put(value, event))
            place = self._source.place(event.start_mark.index, len(value))
            self._problems.add(Problem("E105", str(error), place))

    def _open(self, event: Any, kind: type) -> None:
        if len(self._frames) >= self._bounds.depth:
            self._refuse("E103", TOO_DEEP.format(self._bounds.depth), event)
        start = event.start_mark.index
        if event.flow_style and self._source.text.startswith("{{", start):
            self._unquoted(event, start)
            return
        if self._frames and self._frames[-1].pairs is not None and self._frames[-1].key is None:
            self._refuse("E107", "a key is a text, not a list or a mapping", event)
        if kind is yaml.MappingStartEvent:
            pairs: dict[str, Any] = {}
            self._frames.append(_Frame(self._put(pairs, event), pairs=pairs))
        else:
            items: list[Any] = []
            self._frames.append(_Frame(self._put(items, event), items=items))

    def _unquoted(self, event: Any, start: int) -> None:
        self.last_braces = start
        problem = unquoted_problem(self._source, start)
        frame = self._frames[-1] if self._frames else None
        if frame is None or (frame.pairs is not None and frame.key is None):
            _stop(self._problems, problem)
        self._problems.add(problem)
        self._doubtful.add(self._put(None, event))
        self._skipped_depth = 1

    def _key(self, frame: _Frame, event: Any) -> None:
        key = event.value
        if not event.style:
            self._check_plain_key(key, event)
        name = normalize("NFC", key)
        frame.key, frame.key_event = key, event
        frame.duplicate = name in frame.keys
        if frame.duplicate:
            place = _scalar_place(self._source, event)
            first = self._spots.get((*frame.path, key))
            where = f" (first at line {first[0].start_mark.line + 1})" if first else ""
            message = f"the key {shown(key)} stands here twice{where}"
            self._problems.add(Problem("E104", message, place))
        frame.keys.add(name)

    def _check_plain_key(self, key: str, event: Any) -> None:
        if key == "<<":
            self._refuse("E107", "scenarios use no merge keys; write the keys out", event)
        if key in ("true", "false", "null", "~", "") or isinstance(_number(key), float):
            place = self._source.place(event.start_mark.index, len(key))
            message = f'a key is a text; quote it: "{key}"' if key else "a key is missing here"
            self._problems.add(Problem("E105", message, place))

    def _put(self, value: Any, event: Any) -> KeyPath:
        """Put a value where it belongs, and return its path."""
        if not self._frames:
            self._top = value
            self._spots[()] = (None, event)
            return ()
        frame = self._frames[-1]
        if frame.items is not None:
            path = (*frame.path, len(frame.items))
            frame.items.append(value)
            self._spots[path] = (None, event)
            return path
        return self._put_pair(frame, value, event)

    def _put_pair(self, frame: _Frame, value: Any, event: Any) -> KeyPath:
        key = frame.key or ""
        path: KeyPath = (*frame.path, key)
        if frame.duplicate:
            path = (*path, -1)  # not reachable from the data, so the first value keeps its place
        elif frame.pairs is not None:
            frame.pairs[key] = value
        self._spots[path] = (frame.key_event, event)
        frame.key = None
        return path


def _number(text: str) -> object:
    try:
        return typed(text)
    except AmbiguousValueError:
        return text
