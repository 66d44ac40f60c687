"""Names of files as labels: whatever a service or a bundle calls a file, made harmless.

Stored contents never bear these names; saved files do, below a folder that the author chose.
"""

import unicodedata

MAX_BYTES = 255
"""Longest name in UTF-8 that file systems take."""

MAX_SUFFIX_BYTES = 32
"""A longer ending is no extension worth keeping when a name is cut."""

UNNAMED = "file"

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_DROPPED = frozenset(("Cc", "Cs", "Zl", "Zp"))
"""Unicode categories that go: control, surrogate, line and paragraph separator."""
_SEPARATORS = str.maketrans({"/": "_", "\\": "_"})


def clean_name(name: str) -> str:
    """Return a name that is one path component on any system; never empty, `.` or `..`.

    Assumed: separators become `_`, as browsers do with downloads, so that two titles that differ
    only before a slash keep different names. Control, bidi and undecodable characters go.
    """
    text = unicodedata.normalize("NFC", name).translate(_SEPARATORS)
    text = "".join(letter for letter in text if _is_kept(letter)).strip()
    if not text.strip("."):
        return UNNAMED
    return _cut(text)


def _is_kept(letter: str) -> bool:
    if letter.isascii():
        return letter.isprintable()
    return letter not in _BIDI and unicodedata.category(letter) not in _DROPPED


def _cut(name: str) -> str:
    """Shorten to `MAX_BYTES`, keeping the extension and whole characters."""
    if len(name.encode()) <= MAX_BYTES:
        return name
    stem, dot, suffix = name.rpartition(".")
    ending = (dot + suffix).encode()
    if not stem or len(ending) > MAX_SUFFIX_BYTES:
        stem, ending = name, b""
    kept = stem.encode()[: MAX_BYTES - len(ending)].decode(errors="ignore")
    return kept.rstrip() + ending.decode()
