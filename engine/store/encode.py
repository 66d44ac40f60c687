"""Bundle values as JSON and back, without loss.

    date          {"$date": "2026-01-31T12:00:00.000001Z"}
    buffer        {"$buffer": "<base64>"}
    file          {"$file": {"name": …, "size": …, "type": …, "sha256": …}}; content by its hash
    number        {"$number": "nan"}: not finite; {"$number": "0x…"}: an integer beyond 64 bits
    text          {"$text": "<base64>"}: characters that UTF-8 refuses
    collection    {"$collection": [[key, value], …]}: where a JSON object would be mistaken for one
                  of these, or cannot hold the keys

Everything else is what it looks like. Rows and exports use this form.
"""

import math
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

import orjson

from engine.errors import StoreError, UnstorableError
from engine.model.bundle import File

Json: TypeAlias = Any
PathOf: TypeAlias = Callable[[str], Path]
"""Where the content with a SHA-256 lies in this store."""

MAX_DEPTH: Final = 80
"""Levels of nesting; orjson gives up at 254, and an escaped collection takes three."""

_INT64: Final = range(-(2**63), 2**63)

_ITSELF: Final = frozenset({str, bool, type(None)})
"""Types of values that have the same form in JSON, as long as UTF-8 takes a text."""


def encode(value: Any) -> bytes:
    """Return a value as JSON. Raises UnstorableError for what no bundle can hold."""
    return encode_with_files(value)[0]


def encode_with_files(value: Any) -> tuple[bytes, tuple[File, ...]]:
    """Return a value as JSON, and every file in it as often as it occurs."""
    if _is_json(value):
        try:
            return orjson.dumps(value), ()
        except TypeError:  # a text or a key that UTF-8 refuses, a key that is no text
            pass
    return orjson.dumps(to_json(value)), tuple(files_in(value))


def decode(data: bytes, path_of: PathOf) -> Any:
    """Return the value that was encoded; its files lie where `path_of` says."""
    return from_json(orjson.loads(data), path_of)


def to_json(value: Any, depth: int = 0) -> Json:
    """Return a value as JSON can carry it."""
    if depth > MAX_DEPTH:
        raise UnstorableError(f"a value nested deeper than {MAX_DEPTH} levels cannot be stored")
    match value:
        case None | bool():
            return value
        case str():
            return _text(value)
        case int() | float():
            return _number(value)
        case list() | tuple():
            return [to_json(item, depth + 1) for item in value]
        case File():
            facts = {"size": value.size, "sha256": value.sha256}
            return {"$file": facts | {"name": _text(value.name), "type": _text(value.type)}}
        case Mapping():
            return _collection(value, depth)
        case _:
            return _date_or_buffer(value)


def from_json(value: Json, path_of: PathOf) -> Any:
    """Return the value that `to_json` was given. Raises StoreError for a form it does not know."""
    if type(value) is list:
        return [from_json(item, path_of) for item in value]
    if type(value) is not dict:
        return value
    if len(value) == 1:
        tag, content = next(iter(value.items()))
        if tag.startswith("$"):
            return _untagged(tag, content, path_of)
    return {key: from_json(item, path_of) for key, item in value.items()}


def files_in(value: Any) -> Iterator[File]:
    """Yield every file of a value, as often as it occurs."""
    if type(value) in _WITHOUT_FILES:
        return
    if isinstance(value, File):
        yield value
    elif type(value) is dict or isinstance(value, Mapping):
        for item in value.values():
            if type(item) not in _WITHOUT_FILES:
                yield from files_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from files_in(item)


_WITHOUT_FILES: Final = frozenset({str, int, float, bool, type(None), bytes, datetime})


def _is_json(value: Any, depth: int = 0) -> bool:
    """Tell whether orjson gives a value the form that it has here, or refuses it.

    Most values are so, and are then not copied.
    """
    kind = type(value)
    if kind is dict:
        if len(value) == 1 and str(next(iter(value))).startswith("$"):
            return False
        value = value.values()
    elif kind is not list and kind is not tuple:
        return _is_plain(value, kind)
    if depth == MAX_DEPTH:
        return False
    for item in value:  # noqa: SIM110 - a generator takes three times as long
        if type(item) not in _ITSELF and not _is_json(item, depth + 1):
            return False
    return True


def _is_plain(value: Any, kind: type) -> bool:
    if kind is int:
        return value in _INT64
    return kind in _ITSELF or (kind is float and math.isfinite(value))


def _number(value: float) -> Json:
    if isinstance(value, int):
        return value if value in _INT64 else {"$number": hex(value)}  # text has a limit of digits
    return value if math.isfinite(value) else {"$number": str(value)}


def _text(value: str) -> Json:
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return {"$text": b64encode(value.encode(errors="surrogatepass")).decode()}
    return value


def _collection(value: Mapping[str, Any], depth: int) -> Json:
    items = {_key(key): to_json(item, depth + 1) for key, item in value.items()}
    plain = len(items) != 1 or not next(iter(items)).startswith("$")
    if plain and all(isinstance(_text(key), str) for key in items):
        return items
    return {"$collection": [[_text(key), item] for key, item in items.items()]}


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    raise UnstorableError(f"a collection with a key that is no text cannot be stored: {key!r}")


def _date_or_buffer(value: Any) -> Json:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return {"$date": value.astimezone(UTC).isoformat().replace("+00:00", "Z")}
    if isinstance(value, bytes | bytearray):
        return {"$buffer": b64encode(value).decode()}
    raise UnstorableError(f"a value of type {type(value).__name__} cannot be stored")


def _untagged(tag: str, content: Json, path_of: PathOf) -> Any:
    match tag, content:
        case "$date", str():
            return datetime.fromisoformat(content)
        case "$buffer", str():
            return b64decode(content)
        case "$file", dict():
            facts = {key: from_json(item, path_of) for key, item in content.items()}
            return File(**facts, path=path_of(facts["sha256"]))
        case "$number", str():
            return int(content, 16) if "x" in content else float(content)
        case "$text", str():
            return b64decode(content).decode(errors="surrogatepass")
        case "$collection", list():
            pairs = ((from_json(key, path_of), item) for key, item in content)
            return {key: from_json(item, path_of) for key, item in pairs}
        case _:
            raise StoreError(
                f"a stored value has an unknown form: {tag}",
                notes=("a newer version of fusion may have written it",),
            )
