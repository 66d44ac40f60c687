"""Writes plain data as YAML that people can read and change, and `engine.plan.read` reads back.

Texts are in double quotes, those of several lines as blocks; what `read` would take for something
else never stands without quotes.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from unicodedata import normalize

from engine.plan.plain_values import AmbiguousValueError, typed

LONGEST_KEY: Final = 250
"""Characters of a key that stands before a colon; YAML allows 1024 bytes."""

_PLAIN_KEY: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.-]{0,100}")
_NO_BLOCK: Final = re.compile(
    "[^\t\n -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""What a block cannot carry: control characters, and line breaks but for the plain one."""


def dump(data: Mapping[str, Any]) -> str:
    """Return a mapping of JSON values as YAML text with a newline at its end."""
    return "".join(f"{line}\n" for line in _mapping(data, ""))


def fits(keys: Mapping[str, Any]) -> bool:
    """Say whether a mapping can be written as one: keys are short, and differ to readers."""
    names = {normalize("NFC", key) for key in keys}
    return len(names) == len(keys) and all(len(key) <= LONGEST_KEY for key in keys)


def _mapping(data: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in data.items():
        yield from _entry(f"{indent}{_key(key)}:", value, indent)


def _sequence(items: list[Any], indent: str) -> Iterator[str]:
    for item in items:
        if isinstance(item, dict | list) and item:
            yield f"{indent}-"
            yield from _inside(item, indent + "  ")
        else:
            yield from _entry(f"{indent}-", item, indent)


def _entry(head: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        yield head
        yield from _inside(value, indent + "  ")
    elif isinstance(value, str) and _is_block(value):
        yield f"{head} |2{_end(value)}"
        yield from (f"{indent}  {line}" if line else "" for line in _lines(value))
    else:
        yield f"{head} {_scalar(value)}"


def _inside(value: Any, indent: str) -> Iterator[str]:
    return _mapping(value, indent) if isinstance(value, dict) else _sequence(value, indent)


def _is_block(text: str) -> bool:
    return "\n" in text.rstrip("\n") and _NO_BLOCK.search(text) is None


def _end(text: str) -> str:
    """Return the sign that keeps a block's last line breaks as they are."""
    if not text.endswith("\n"):
        return "-"
    return "+" if text.endswith("\n\n") else ""


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n")


def _key(key: str) -> str:
    plain = _PLAIN_KEY.fullmatch(key) and key not in ("true", "false", "null")
    return key if plain else _quoted(key)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, dict | list):
        return "{}" if isinstance(value, dict) else "[]"
    return json.dumps(value)


def is_plain_number(value: float) -> bool:
    """Say whether a number reads back as it is from plain digits."""
    text = json.dumps(value)
    try:
        return repr(typed(text)) == repr(value)
    except AmbiguousValueError:
        return False


def _quoted(text: str) -> str:
    """Return a text in double quotes, with everything written out that YAML does not print."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(one if _prints(one) else _written_out(one) for one in quoted)


def _prints(letter: str) -> bool:
    return " " <= letter <= "~" or (letter.isprintable() and letter != "\ufeff")


def _written_out(letter: str) -> str:
    code = ord(letter)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
