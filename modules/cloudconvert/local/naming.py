"""Names of files: labels that people gave, made harmless, and names for results."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from modules.cloudconvert.local.formats import stem_of_name

NAME_BYTES = 255
"""Longest label in UTF-8 bytes; what common file systems take."""

_BIDI = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NUMBER = re.compile(r"%(\d*)d")


def clean_name(name: str, *, fallback: str = "file") -> str:
    """Return a label without folders, control and direction characters, at most 255 bytes.

    Folders are cut off whatever slash they are written with; the extension survives cutting.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    plain = "".join(c for c in last if _printable(c)).strip()
    if plain.strip(".") == "":
        return fallback
    return _cut(plain)


def _printable(char: str) -> bool:
    return char not in _BIDI and unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp")


def _cut(name: str) -> str:
    if len(name.encode()) <= NAME_BYTES:
        return name
    suffix = PurePosixPath(name).suffix
    if len(suffix.encode()) > 32:
        suffix = ""
    room = NAME_BYTES - len(suffix.encode())
    return name.encode()[:room].decode(errors="ignore") + suffix


def result_names(wanted: str | None, source: str, extension: str, count: int) -> list[str]:
    """Name `count` results of one input.

    `wanted` is the task's `filename`, whose `%d` numbers several results from 1; without it the
    input's stem and the new extension are used. Several results without `%d` get `-1`, `-2`, …
    """
    name = clean_name(wanted or f"{stem_of_name(source)}.{extension}")
    if _NUMBER.search(name):
        return [_numbered(name, number) for number in range(1, count + 1)]
    if count == 1:
        return [name]
    stem = stem_of_name(name)
    return [f"{stem}-{number}{name[len(stem) :]}" for number in range(1, count + 1)]


def _numbered(name: str, number: int) -> str:
    """Put a number in the place of `%d`; `%03d` fills it up with zeros."""
    return _NUMBER.sub(lambda found: str(number).zfill(min(int(found.group(1) or 0), 9)), name)


def distinct(names: Iterable[str]) -> list[str]:
    """Make equal names differ: `a.txt`, `a-1.txt`, `a-2.txt`; case does not tell names apart."""
    taken: set[str] = set()
    result: list[str] = []
    for name in names:
        stem = stem_of_name(name)
        unique, number = name, 0
        while unique.casefold() in taken:
            number += 1
            unique = f"{stem}-{number}{name[len(stem) :]}"
        taken.add(unique.casefold())
        result.append(unique)
    return result
