"""Lengths of time as people write them: `20s`, `15m`, `1h30m`, `2d`. Imports nothing of ours."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

_DURATION = re.compile(
    r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6}(?:\.\d{1,3})?)s)?", re.ASCII
)

_ISO = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


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


def length_text(value: Any) -> Any:
    """Return a length of time in ISO 8601 as people write it; anything else as it is."""
    found = _ISO.fullmatch(value) if isinstance(value, str) and value else None
    if found is None or not any(found.groups()):
        return value
    return "".join(f"{n}{unit}" for n, unit in zip(found.groups(), "dhms", strict=True) if n)


@dataclass(frozen=True, slots=True)
class Lengths:
    """The lengths of time that a field takes; `bounds` tells them to people.

    A bare number, also as text, counts in `unit`, as Fusion's fields do; any other text names its
    own units.
    """

    unit: Literal["seconds", "minutes"]
    shortest: timedelta
    longest: timedelta
    bounds: str

    def read(self, value: object) -> timedelta:
        """Return a field's value as a length of time. Raises ValueError with words for people."""
        length = self._length(value)
        if not self.shortest <= length <= self.longest:
            raise ValueError(f"should be {self.bounds}")
        return length

    @property
    def schema(self) -> dict[str, object]:
        """The JSON schema of such a field."""
        one = timedelta(**{self.unit: 1})
        bounds = {"minimum": self.shortest // one, "maximum": self.longest // one}
        return {
            "anyOf": [
                {"type": "number", **bounds},
                {"type": "string", "examples": ["90s", "1m30s"]},
            ]
        }

    def _length(self, value: object) -> timedelta:
        if isinstance(value, timedelta):
            return value
        if isinstance(value, str) and not value.strip().replace(".", "", 1).isdecimal():
            return duration(value)
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            return timedelta(**{self.unit: max(min(float(value), 1e7), -1.0)})
        raise ValueError(f"should be a number of {self.unit}, or a length of time such as 90s")
