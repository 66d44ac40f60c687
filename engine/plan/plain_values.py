"""What an unquoted YAML scalar means here (security Y4).

Typed are `true`, `false`, `null`, plain decimal integers and plain decimal fractions. What YAML
versions or readers disagree on is refused with the two ways to write it; all else is text.
"""

import re
from math import isfinite

from engine.plan.hints import shown

MAX_DIGITS = 19
"""Longest integer; a longer one is an identifier and belongs in quotes."""

CONSTANTS = {"true": True, "false": False, "null": None, "": None}

_SUSPECT = frozenset("0123456789+-.~tTfFnNyYoO")
"""First characters of everything that is not plainly text."""

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_FRACTION = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+]?[0-9]+)?")
_SPELLED = re.compile(r"yes|no|on|off|true|false|null|~", re.IGNORECASE)
_NUMBER_ELSEWHERE = re.compile(
    r"""[-+]?(?:
      0[0-9_]+ | 0o[0-7_]+ | 0x[0-9a-fA-F_]+ | 0b[01_]+  # octal, hexadecimal, binary
    | [0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?        # base 60: 12:30
    | [0-9][0-9_]*(?:[eE][-+]?[0-9]+)?                   # 1_000, +49, 1e5
    | [0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?          # 5. and 01.5
    | \.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?                 # .5
    | \.(?:inf|Inf|INF|nan|NaN|NAN)
    )""",
    re.VERBOSE,
)
CONSTANT_MEANT = {
    **dict.fromkeys(("yes", "on", "true"), "true"),
    **dict.fromkeys(("no", "off", "false"), "false"),
    **dict.fromkeys(("~", "null"), "null"),
}
"""What a word that readers of YAML take differently is likely to mean, by its small letters."""


class AmbiguousValueError(ValueError):
    """A scalar that readers of YAML take differently; the text says how to write it instead."""


def typed(text: str) -> str | int | float | bool | None:
    """Return what an unquoted scalar stands for. Raises AmbiguousValueError."""
    if text in CONSTANTS:
        return CONSTANTS[text]
    if text[0] not in _SUSPECT:
        return text
    if _INTEGER.fullmatch(text):
        if len(text.lstrip("-")) > MAX_DIGITS:
            raise AmbiguousValueError(
                f'{shown(text)} has more than {MAX_DIGITS} digits; quote it: "{text[:40]}"'
            )
        return int(text)
    if _FRACTION.fullmatch(text) and isfinite(float(text)):
        return float(text)
    return _text_or_refused(text)


def _text_or_refused(text: str) -> str:
    if _SPELLED.fullmatch(text):
        meant = CONSTANT_MEANT[text.lower()]
        raise AmbiguousValueError(f'write `{meant}`, or quote the text: "{text}"')
    if _NUMBER_ELSEWHERE.fullmatch(text):
        raise AmbiguousValueError(
            f"{shown(text)} is a number to some readers and a text to others; "
            f'write it as a plain decimal number, or quote it: "{text[:40]}"'
        )
    if _FRACTION.fullmatch(text):
        raise AmbiguousValueError(f"{shown(text)} is too large a number; quote it if it is a text")
    return text
