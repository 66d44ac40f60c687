"""Values of a test file as bundles hold them, and how what came differs from what was expected.

{$file: clips/a.mov}               a file that lies beside the test file
{$file: {name: a.txt, data: …}}    a file with this text, or with the bytes of {$buffer_hex: …}
{$file: {name: a.mov, size: 900}}  a file of so many bytes, whose content does not matter
{$date: "2026-01-05T12:00:00Z"}    a date
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from engine.errors import UsageError
from engine.mapping.coercion import describe
from engine.mapping.exchange import from_json
from engine.mapping.refusal import Refused
from engine.model.bundle import File
from engine.module import Files

FILE: Final = "$file"

MOST: Final = 20
"""Differences of one expectation that are told."""

MOST_BYTES: Final = 64 * 1024 * 1024
"""Size of a file that is given by its size alone: each is written anew for each test."""

_CHUNK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Values:
    """Reads values of one test file, which lies in `folder`; contents go to `files`."""

    folder: Path
    files: Files

    async def bundle(self, written: Mapping[str, Any]) -> dict[str, Any]:
        """Return a bundle. Raises UsageError (E402) for what is no value, or no file."""
        return {name: await self.value(item) for name, item in written.items()}

    async def value(self, written: Any) -> Any:
        if isinstance(written, list):
            return [await self.value(item) for item in written]
        if not isinstance(written, dict):
            return written
        if set(written) == {FILE}:
            return await self.file(written[FILE])
        if len(written) == 1 and next(iter(written)).startswith("$"):
            try:
                return from_json(written)
            except Refused as error:
                raise UsageError(error.reason, code="E402") from error
        return {name: await self.value(item) for name, item in written.items()}

    async def file(self, written: Any) -> File:
        """Return a file: a path from the test file's folder, or a name and data."""
        if isinstance(written, Mapping) and "data" in written:
            data = await self.value(written["data"])
            return await self.files.file_of({"name": written.get("name", ""), "data": data})
        if isinstance(written, Mapping) and "size" in written:
            return await self.files.receive(written.get("name", ""), _zeros(written["size"]))
        path = written.get("path") if isinstance(written, Mapping) else written
        if not isinstance(path, str):
            text = f"`{FILE}` should be a path, {{name, data}} or {{name, size}}, not "
            text += describe(written)
            raise UsageError(text, code="E402")
        name = written.get("name") if isinstance(written, Mapping) else None
        try:
            return await self.files.take(self.folder / path, name=name)
        except OSError as error:
            text = f"cannot read {self.folder / path}: {error.strerror or error}"
            raise UsageError(text, code="E402") from error


async def _zeros(size: Any) -> AsyncIterator[bytes]:
    """Yield a content of so many bytes. Raises UsageError (E402) for what is no size."""
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= MOST_BYTES:
        text = f"`size` should be a whole number of bytes, {MOST_BYTES:,} at most"
        raise UsageError(f"{text}, not {describe(size)}", code="E402")
    for at in range(0, size, _CHUNK):
        yield bytes(min(_CHUNK, size - at))


def differences(expected: Any, actual: Any, name: str) -> Iterator[str]:
    """Yield a line for each difference; items of a collection that are not expected may be any."""
    match expected, actual:
        case Mapping(), File():
            yield from _of_file(expected, actual, name)
        case Mapping(), Mapping():
            for item, value in expected.items():
                if item not in actual:
                    yield f"{name} has no item `{item}`"
                else:
                    yield from differences(value, actual[item], f"{name}.{item}")
        case list(), list() | tuple():
            yield from _of_lists(expected, actual, name)
        case _:
            if not _same(expected, actual):
                yield f"{name} is {describe(actual)}, not {describe(expected)}"


def _of_lists(expected: Sequence[Any], actual: Sequence[Any], name: str) -> Iterator[str]:
    if len(expected) != len(actual):
        yield f"{name} has {len(actual)}, not {len(expected)}"
    for index, (one, other) in enumerate(zip(expected, actual, strict=False)):
        yield from differences(one, other, f"{name}[{index}]")


def _of_file(expected: Mapping[str, Any], actual: File, name: str) -> Iterator[str]:
    for item, value in expected.items():
        if item not in actual:
            yield f"{name} has no item `{item}`; it is a file"
        else:
            yield from differences(value, actual[item], f"{name}.{item}")


def _same(expected: Any, actual: Any) -> bool:
    if isinstance(expected, File) and isinstance(actual, File):
        return expected.sha256 == actual.sha256 and expected.name == actual.name
    if isinstance(actual, datetime) and isinstance(expected, str):
        try:
            return datetime.fromisoformat(expected) == actual
        except (TypeError, ValueError):
            return False
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    return bool(expected == actual)
