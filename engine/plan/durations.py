"""Lengths of time as people write them: `20s`, `15m`, `1h30m`, `2d`. Imports no layer below."""

import re
from datetime import timedelta

_DURATION = re.compile(
    r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6}(?:\.\d{1,3})?)s)?", re.ASCII
)


def duration(text: str) -> timedelta:
    """Return the length of time that a text names, units from the largest to the smallest.

    Units are d, h, m and s; white space around the text does not count. Raises ValueError, with
    words for people, for anything else; a bare number needs a unit.
    """
    bare = text.strip()
    found = _DURATION.fullmatch(bare)
    if not bare or found is None:
        hint = f"; did you mean `{bare}m` or `{bare}s`?" if bare.isdecimal() else ""
        raise ValueError(f"should be a length of time such as 20s, 15m or 1h30m{hint}")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
